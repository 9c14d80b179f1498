// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmrun-race interrupt|fpu SECONDS: does this machine break when others are busy
 * while it enters and leaves a guest?
 *
 * A guest with interrupts disabled leaves at each instruction, and meanwhile:
 *
 *   interrupt	its VMM wants to know when it enables them, so that KVM enters it
 *		each time with a virtual interrupt pending, and we sleep, 200 us at
 *		a time. If a timer interrupt is lost then nothing wakes us again.
 *
 *   fpu	the last of our processors restores its FPU, again and again. If the
 *		guest is on the emulator's first processor, which QEMU 7.2 alters with
 *		each of these, it dies or is never left again.
 *
 * QEMU 7.2 breaks in either way within seconds where it runs on several
 * processors; see selftests/rig/l1 for what we do about it.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MEMORY_SIZE	0x10000
#define CODE		0x1000
#define COUNT		0x2000

/* 16 bits: inc dword [COUNT]; xor ax, ax; cpuid; jmp to the beginning */
static const unsigned char code[] = {
	0x66, 0xff, 0x06, COUNT & 0xff, COUNT >> 8,
	0x31, 0xc0, 0x0f, 0xa2, 0xeb, 0xf5,
};

struct VMM {
	bool wants_window;
	int processor;
	unsigned int *count;	/* the guest's */
};

static unsigned int exits(const struct VMM *m)
{
	return __atomic_load_n(m->count, __ATOMIC_RELAXED);
}

static void *map(int fd, size_t size)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	return p;
}

static int kvm_call(int fd, unsigned long command, void *arg, const char *name)
{
	int ret = ioctl(fd, command, arg);

	if (ret < 0)
		err(1, "%s", name);
	return ret;
}

#define KVM_CALL(fd, command, arg) \
	kvm_call(fd, command, (void *)(arg), #command)

static void run_on(int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "processor %d", processor);
}

static void *run_guest(void *arg)
{
	struct VMM *m = arg;
	struct kvm_userspace_memory_region memory = {
		.memory_size = MEMORY_SIZE,
		.userspace_addr = (unsigned long)m->count - COUNT,
	};
	struct kvm_regs regs = { .rip = CODE, .rflags = 2 };
	int kvm = open("/dev/kvm", O_RDWR);
	struct kvm_sregs sregs;
	struct kvm_run *run;
	int vm, vcpu;

	if (kvm < 0)
		err(1, "/dev/kvm");
	run_on(m->processor);
	memcpy((void *)(unsigned long)(memory.userspace_addr + CODE), code,
	       sizeof(code));
	vm = KVM_CALL(kvm, KVM_CREATE_VM, 0);
	KVM_CALL(vm, KVM_SET_USER_MEMORY_REGION, &memory);
	vcpu = KVM_CALL(vm, KVM_CREATE_VCPU, 0);
	run = map(vcpu, KVM_CALL(kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	KVM_CALL(vcpu, KVM_GET_SREGS, &sregs);
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	KVM_CALL(vcpu, KVM_SET_SREGS, &sregs);
	KVM_CALL(vcpu, KVM_SET_REGS, &regs);
	run->request_interrupt_window = m->wants_window;
	KVM_CALL(vcpu, KVM_RUN, 0);
	errx(1, "the guest stopped: exit %u", run->exit_reason);
}

static void *restore_fpu(void *arg)
{
	static unsigned char state[512] __attribute__((aligned(16)));

	run_on(*(int *)arg);
	__asm__ volatile("fxsave %0" : "=m"(state));
	for (;;)
		__asm__ volatile("fxrstor %0" : : "m"(state));
}

static void start(void *(*run)(void *arg), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, arg))
		errx(1, "cannot start a thread");
}

/* The first and the last processor that we may use. */
static void our_processors(int *first, int *last)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		err(1, "sched_getaffinity");
	*first = -1;
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &set))
			continue;
		if (*first < 0)
			*first = i;
		*last = i;
	}
}

int main(int argc, char **argv)
{
	const bool fpu = argc == 3 && !strcmp(argv[1], "fpu");
	const time_t end = time(NULL) + (argc == 3 ? atoi(argv[2]) : 0);
	struct VMM m = { .wants_window = !fpu };
	unsigned int before;
	int last;

	if (argc != 3 || (!fpu && strcmp(argv[1], "interrupt")))
		errx(2, "usage: vmrun-race interrupt|fpu SECONDS");
	our_processors(&m.processor, &last);
	if (fpu && last == m.processor)
		errx(2, "fpu wants two processors");
	m.count = (unsigned int *)((char *)map(-1, MEMORY_SIZE) + COUNT);
	start(run_guest, &m);
	if (fpu)
		start(restore_fpu, &last);
	do {
		before = exits(&m);
		for (int i = 0; i < 5000; i++)
			usleep(200);
		if (exits(&m) == before)
			errx(1, "the guest stands still after %u exits", before);
	} while (time(NULL) < end);
	printf("nothing was lost in %u exits\n", exits(&m));
	return 0;
}
