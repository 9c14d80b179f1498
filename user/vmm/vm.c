// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making and ending the KVM virtual machine, and its interrupt lines.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <kvpci/kvpci.h>

#include "machine.h"
#include "report.h"
#include "util.h"
#include "vm.h"

/* Where local APICs listen for messages: 1 MiB at LAPIC_BASE. */
#define MSI_WINDOW_SHIFT	20
#define MSI_WINDOW		(LAPIC_BASE >> MSI_WINDOW_SHIFT)

static const struct {
	int cap;
	const char *name;
} needed_caps[] = {
	{ KVM_CAP_IRQCHIP, "in-kernel interrupt controllers" },
	{ KVM_CAP_PIT2, "an in-kernel timer" },
	{ KVM_CAP_USER_MEMORY, "memory slots" },
	{ KVM_CAP_IRQ_ROUTING, "interrupt routing" },
	{ KVM_CAP_SIGNAL_MSI, "message signalled interrupts" },
	{ KVM_CAP_IMMEDIATE_EXIT, "immediate exits" },
	{ KVM_CAP_EXT_CPUID, "CPUID" },
};

static int open_kvm(struct vm *vm)
{
	int version;
	size_t i;

	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0)
		return report_error(-errno,
				    "cannot open /dev/kvm: is kvm_intel or kvm_amd loaded?");
	version = ioctl(vm->kvm, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION) {
		report("/dev/kvm has API version %d, this program knows %d",
		       version, KVM_API_VERSION);
		return -EOPNOTSUPP;
	}
	for (i = 0; i < ARRAY_SIZE(needed_caps); i++) {
		if (ioctl(vm->kvm, KVM_CHECK_EXTENSION, needed_caps[i].cap) > 0)
			continue;
		report("the host's KVM lacks %s", needed_caps[i].name);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int create(struct vm *vm)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	uint64_t identity_map = KVM_IDENTITY_MAP_BASE;
	int err;

	do {
		vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	} while (vm->fd < 0 && errno == EINTR);
	if (vm->fd < 0)
		return report_error(-errno, "KVM_CREATE_VM");
	if (ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) ||
	    ioctl(vm->fd, KVM_SET_TSS_ADDR, KVM_TSS_BASE))
		return report_error(-errno, "KVM_SET_TSS_ADDR");
	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0))
		return report_error(-errno, "KVM_CREATE_IRQCHIP");
	if (ioctl(vm->fd, KVM_CREATE_PIT2, &pit))
		return report_error(-errno, "KVM_CREATE_PIT2");
	err = libkvpci_default_routes(vm->fd);
	if (err)
		return report_error(err, "KVM_SET_GSI_ROUTING");
	return 0;
}

int vm_open(struct vm *vm)
{
	int err;

	vm->kvm = -1;
	vm->fd = -1;
	pthread_mutex_init(&vm->line_lock, NULL);
	pthread_mutex_init(&vm->rest_lock, NULL);
	pthread_cond_init(&vm->rest, NULL);
	vm->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vm->end_fd < 0)
		return report_error(-errno, "eventfd");
	err = open_kvm(vm);
	return err ? err : create(vm);
}

void vm_close(struct vm *vm)
{
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->kvm >= 0)
		close(vm->kvm);
	if (vm->end_fd >= 0)
		close(vm->end_fd);
	pthread_cond_destroy(&vm->rest);
	pthread_mutex_destroy(&vm->rest_lock);
	pthread_mutex_destroy(&vm->line_lock);
}

void vm_set_line(struct vm *vm, uint32_t gsi, bool level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	if (ioctl(vm->fd, KVM_IRQ_LINE, &line))
		report_error(-errno, "KVM_IRQ_LINE %u", gsi);
}

void vm_share_line(struct vm *vm, uint32_t gsi, int change)
{
	pthread_mutex_lock(&vm->line_lock);
	vm->lines[gsi] += change;
	vm_set_line(vm, gsi, vm->lines[gsi] != 0);
	pthread_mutex_unlock(&vm->line_lock);
}

/*
 * A message to nowhere is the guest's mistake: KVM's refusal is not reported.
 * KVM does not look at the bits that tell interrupts from memory; elsewhere a
 * message is a write to memory, and devices do not write to memory here.
 */
void vm_send_message(struct vm *vm, uint64_t address, uint32_t data)
{
	struct kvm_msi msi = {
		.address_lo = (uint32_t)address,
		.address_hi = (uint32_t)(address >> 32),
		.data = data,
	};

	if ((uint32_t)address >> MSI_WINDOW_SHIFT == MSI_WINDOW &&
	    (!(address >> 32) || vm->ids_of_32_bits))
		ioctl(vm->fd, KVM_SIGNAL_MSI, &msi);
}

void vm_end(struct vm *vm, enum vm_end why)
{
	int running = VM_RUNNING;

	__atomic_compare_exchange_n(&vm->end, &running, why, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	eventfd_write(vm->end_fd, 1);
}
