// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmrun-race SECONDS: does this machine lose interrupts while it enters guests?
 *
 * A guest with interrupts disabled leaves at each instruction; its monitor wants
 * to know when it enables them, so that KVM enters it each time with a virtual
 * interrupt pending. Meanwhile we sleep, 200 us at a time. QEMU 7.2 loses a timer
 * interrupt within seconds if it runs on several processors (selftests/vm/l1), and
 * then nothing wakes us again.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MEMORY_SIZE	0x10000
#define CODE		0x1000

/* 16 bits: xor ax, ax; cpuid; jmp -6 */
static const unsigned char code[] = { 0x31, 0xc0, 0x0f, 0xa2, 0xeb, 0xfa };

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

static void *guest(void *unused)
{
	struct kvm_userspace_memory_region memory = {
		.memory_size = MEMORY_SIZE,
	};
	struct kvm_regs regs = { .rip = CODE, .rflags = 2 };
	int kvm = open("/dev/kvm", O_RDWR);
	struct kvm_sregs sregs;
	struct kvm_run *run;
	int vm, vcpu;

	(void)unused;
	if (kvm < 0)
		err(1, "/dev/kvm");
	vm = KVM_CALL(kvm, KVM_CREATE_VM, 0);
	memory.userspace_addr = (unsigned long)map(-1, MEMORY_SIZE);
	memcpy((void *)(unsigned long)(memory.userspace_addr + CODE), code,
	       sizeof(code));
	KVM_CALL(vm, KVM_SET_USER_MEMORY_REGION, &memory);
	vcpu = KVM_CALL(vm, KVM_CREATE_VCPU, 0);
	run = map(vcpu, KVM_CALL(kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	KVM_CALL(vcpu, KVM_GET_SREGS, &sregs);
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	KVM_CALL(vcpu, KVM_SET_SREGS, &sregs);
	KVM_CALL(vcpu, KVM_SET_REGS, &regs);
	run->request_interrupt_window = 1;
	KVM_CALL(vcpu, KVM_RUN, 0);
	errx(1, "the guest stopped: exit %u", run->exit_reason);
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc == 2 ? atoi(argv[1]) : 0);
	unsigned long sleeps;
	pthread_t thread;

	if (argc != 2)
		errx(2, "usage: vmrun-race SECONDS");
	if (pthread_create(&thread, NULL, guest, NULL))
		errx(1, "cannot start a thread");
	for (sleeps = 0; time(NULL) < end; sleeps++)
		usleep(200);
	printf("no interrupt was lost in %lu sleeps\n", sleeps);
	return 0;
}
