// SPDX-License-Identifier: GPL-2.0-only
/*
 * The run loop of a vCPU's thread and what each exit means.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "access.h"
#include "report.h"
#include "util.h"
#include "vcpu.h"
#include "vm.h"

#define KICK_SIGNAL	SIGRTMIN

static void on_kick(int sig)
{
	(void)sig;	/* it only has to interrupt KVM_RUN */
}

static int create(struct vcpu *vcpu, size_t run_size)
{
	int err;

	vcpu->fd = ioctl(vcpu->vm->fd, KVM_CREATE_VCPU, vcpu->id);
	if (vcpu->fd < 0)
		return report_error(-errno, "KVM_CREATE_VCPU %u", vcpu->id);
	vcpu->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		vcpu->run = NULL;
		return report_error(-errno, "cannot map vCPU %u", vcpu->id);
	}
	vcpu->run_size = run_size;
	err = cpuid_set(vcpu);
	return err ? err : registers_set_all(vcpu);
}

int vcpus_create(struct vm *vm, unsigned int count)
{
	int max = ioctl(vm->kvm, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	int size = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	unsigned int i;
	int err;

	if (size < 0)
		return report_error(-errno, "KVM_GET_VCPU_MMAP_SIZE");
	if (max > 0 && count > (unsigned int)max) {
		report("--cpus: this host's KVM supports %d, not %u", max, count);
		return -EINVAL;
	}
	vm->vcpus = calloc(count, sizeof(*vm->vcpus));
	if (!vm->vcpus)
		return report_error(-ENOMEM, "cannot make %u vCPUs", count);
	vm->num_cpus = count;
	for (i = 0; i < count; i++) {
		vm->vcpus[i].vm = vm;
		vm->vcpus[i].id = i;
		vm->vcpus[i].fd = -1;
	}
	for (i = 0; i < count; i++) {
		err = create(&vm->vcpus[i], size);
		if (err)
			return err;
	}
	return 0;
}

/* Ports and memory: KVM hands out accesses of at most 8 bytes. */
static void exit_io(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	uint32_t i;

	for (i = 0; i < run->io.count; i++, data += run->io.size)
		access_port(vcpu, run->io.port, data, run->io.size,
			    run->io.direction == KVM_EXIT_IO_OUT);
}

static void exit_mmio(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	access_memory(vcpu, run->mmio.phys_addr, run->mmio.data, run->mmio.len,
		      run->mmio.is_write);
}

/* Between KVM_RUNs nothing is to be done for these. */
static void exit_nothing(struct vcpu *vcpu)
{
	(void)vcpu;
}

static void crash(struct vcpu *vcpu, const char *what)
{
	report("vCPU %u: %s", vcpu->id, what);
	registers_dump(vcpu);
	vm_end(vcpu->vm, VM_CRASHED);
}

static void exit_shutdown(struct vcpu *vcpu)
{
	crash(vcpu, "the guest shut down by a triple fault");
}

static void exit_fail_entry(struct vcpu *vcpu)
{
	char what[96];

	snprintf(what, sizeof(what), "the CPU refuses to enter the guest, reason %#llx",
		 (unsigned long long)vcpu->run->fail_entry.hardware_entry_failure_reason);
	crash(vcpu, what);
}

static void exit_internal_error(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	char what[256];
	uint32_t i;
	int n;

	n = snprintf(what, sizeof(what), "KVM internal error %u%s",
		     run->internal.suberror,
		     run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION ?
		     " (an instruction it cannot emulate)" : "");
	for (i = 0; i < run->internal.ndata && n < (int)sizeof(what); i++)
		n += snprintf(what + n, sizeof(what) - n, " %#llx",
			      (unsigned long long)run->internal.data[i]);
	crash(vcpu, what);
}

static void exit_system_event(struct vcpu *vcpu)
{
	switch (vcpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		vm_end(vcpu->vm, VM_POWERED_OFF);
		break;
	case KVM_SYSTEM_EVENT_RESET:
		vm_end(vcpu->vm, VM_RESET);
		break;
	default:
		crash(vcpu, "the guest reported that it crashed");
		break;
	}
}

static void (*const exit_handlers[])(struct vcpu *vcpu) = {
	[KVM_EXIT_IO] = exit_io,
	[KVM_EXIT_MMIO] = exit_mmio,
	[KVM_EXIT_INTR] = exit_nothing,
	[KVM_EXIT_HLT] = exit_nothing,
	[KVM_EXIT_IRQ_WINDOW_OPEN] = exit_nothing,
	[KVM_EXIT_SHUTDOWN] = exit_shutdown,
	[KVM_EXIT_FAIL_ENTRY] = exit_fail_entry,
	[KVM_EXIT_INTERNAL_ERROR] = exit_internal_error,
	[KVM_EXIT_SYSTEM_EVENT] = exit_system_event,
};

static void handle_exit(struct vcpu *vcpu)
{
	uint32_t reason = vcpu->run->exit_reason;
	uint32_t slot = reason < EXIT_NUM_REASONS ? reason :
		EXIT_NUM_REASONS - 1;
	char what[64];

	exit_count(&vcpu->exits.total);
	exit_count(&vcpu->exits.reasons[slot]);
	if (reason < ARRAY_SIZE(exit_handlers) &&
	    exit_handlers[reason]) {
		exit_handlers[reason](vcpu);
		return;
	}
	snprintf(what, sizeof(what), "unexpected KVM exit %u", reason);
	crash(vcpu, what);
}

static bool running(const struct vm *vm)
{
	return __atomic_load_n(&vm->end, __ATOMIC_ACQUIRE) == VM_RUNNING;
}

/*
 * KVM_RUN has nothing left to complete: with immediate_exit it does that first, and
 * exits for more if that takes more.
 */
static void rest(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;

	pthread_mutex_lock(&vm->rest_lock);
	while (vm->paused) {
		vcpu->resting = true;
		pthread_cond_broadcast(&vm->rest);
		pthread_cond_wait(&vm->rest, &vm->rest_lock);
	}
	vcpu->resting = false;
	pthread_mutex_unlock(&vm->rest_lock);
}

/* It ends: whoever waits for it to rest need not wait. */
static void rest_for_good(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;

	pthread_mutex_lock(&vm->rest_lock);
	vcpu->resting = true;
	pthread_cond_broadcast(&vm->rest);
	pthread_mutex_unlock(&vm->rest_lock);
}

static void *run_vcpu(void *arg)
{
	struct vcpu *vcpu = arg;
	struct vm *vm = vcpu->vm;
	char what[96];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, KICK_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	while (running(vm)) {
		if (!ioctl(vcpu->fd, KVM_RUN, 0)) {
			handle_exit(vcpu);
			continue;
		}
		if (errno == EINTR || errno == EAGAIN) {
			rest(vcpu);	/* a signal; vCPU 0 has yet to wake us */
			continue;
		}
		snprintf(what, sizeof(what), "KVM_RUN: %s", strerror(errno));
		crash(vcpu, what);
	}
	rest_for_good(vcpu);
	return NULL;
}

int vcpus_start(struct vm *vm)
{
	struct sigaction action = { .sa_handler = on_kick };
	unsigned int i;
	char name[16];
	int err;

	sigaction(KICK_SIGNAL, &action, NULL);
	for (i = 0; i < vm->num_cpus; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		err = pthread_create(&vcpu->thread, NULL, run_vcpu, vcpu);
		if (err)
			return report_error(-err, "cannot start a thread for vCPU %u", i);
		vcpu->started = true;
		snprintf(name, sizeof(name), "vcpu%u", i);
		pthread_setname_np(vcpu->thread, name);
	}
	return 0;
}

/*
 * immediate_exit closes the gap between a thread's look at the state of the VM and
 * KVM_RUN: a signal that comes in between would be spent too early.
 */
static void leave_guest(struct vcpu *vcpu)
{
	if (!vcpu->started)
		return;
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	pthread_kill(vcpu->thread, KICK_SIGNAL);
}

void vcpus_pause(struct vm *vm)
{
	unsigned int i;

	pthread_mutex_lock(&vm->rest_lock);
	vm->paused = true;
	for (i = 0; i < vm->num_cpus; i++)
		leave_guest(&vm->vcpus[i]);
	for (i = 0; i < vm->num_cpus; i++)
		while (vm->vcpus[i].started && !vm->vcpus[i].resting)
			pthread_cond_wait(&vm->rest, &vm->rest_lock);
	pthread_mutex_unlock(&vm->rest_lock);
}

/* A guest with kvmclock is told that it stood still: its watchdogs wait with it. */
void vcpus_resume(struct vm *vm)
{
	unsigned int i;

	pthread_mutex_lock(&vm->rest_lock);
	vm->paused = false;
	for (i = 0; i < vm->num_cpus; i++) {
		ioctl(vm->vcpus[i].fd, KVM_KVMCLOCK_CTRL, 0);
		__atomic_store_n(&vm->vcpus[i].run->immediate_exit, 0,
				 __ATOMIC_SEQ_CST);
	}
	pthread_cond_broadcast(&vm->rest);
	pthread_mutex_unlock(&vm->rest_lock);
}

void vcpus_stop(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->num_cpus; i++)
		leave_guest(&vm->vcpus[i]);
	for (i = 0; i < vm->num_cpus; i++) {
		if (!vm->vcpus[i].started)
			continue;
		pthread_join(vm->vcpus[i].thread, NULL);
		vm->vcpus[i].started = false;
	}
}

void vcpus_free(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->num_cpus; i++) {
		if (vm->vcpus[i].run)
			munmap(vm->vcpus[i].run, vm->vcpus[i].run_size);
		if (vm->vcpus[i].fd >= 0)
			close(vm->vcpus[i].fd);
	}
	free(vm->vcpus);
	vm->vcpus = NULL;
	vm->num_cpus = 0;
}
