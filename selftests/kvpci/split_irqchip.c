// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM whose local APICs are KVM's and whose I/O APIC is the VMM's: messages are
 * delivered, and nobody is promised a line that KVM does not have.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "lib/function.h"
#include "kselftest_harness.h"

#define ROUTES		24
#define GSI		17
#define VECTOR		0x51
#define LAPIC		0xfee00000U
#define APIC_SPURIOUS	0xf0
#define APIC_IRR	0x200
#define LIMIT_MS	60000

FIXTURE(split_irqchip) {
	int kvm, kvm_vm, vcpu;
	int ctl, vm, dev;
	int call;
};

/* The device is for KVPCI_DEVICE_IRQ, or a function of the module's bus. */
FIXTURE_VARIANT(split_irqchip) {
	bool placed;
};

FIXTURE_VARIANT_ADD(split_irqchip, mapped) { .placed = false };
FIXTURE_VARIANT_ADD(split_irqchip, placed) { .placed = true };

static void add_route(int kvm_vm)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry;
	} table = {
		.head.nr = 1,
		.entry = {
			.gsi = 0, .type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = LAPIC, .data = 0xfe },
		},
	};

	if (ioctl(kvm_vm, KVM_SET_GSI_ROUTING, &table))
		guest_die("KVM_SET_GSI_ROUTING");
}

/* The processor never runs; its local APIC takes interrupts all the same. */
static int add_vcpu(int kvm_vm)
{
	struct kvm_lapic_state apic;
	int vcpu = ioctl(kvm_vm, KVM_CREATE_VCPU, 0);

	if (vcpu < 0 || ioctl(vcpu, KVM_GET_LAPIC, &apic))
		guest_die("KVM_CREATE_VCPU");
	*(uint32_t *)(apic.regs + APIC_SPURIOUS) = 0x1ff;
	if (ioctl(vcpu, KVM_SET_LAPIC, &apic))
		guest_die("KVM_SET_LAPIC");
	return vcpu;
}

FIXTURE_SETUP(split_irqchip)
{
	struct kvm_enable_cap split = {
		.cap = KVM_CAP_SPLIT_IRQCHIP, .args = { ROUTES },
	};
	struct device_desc desc;

	self->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->kvm);
	self->kvm_vm = ioctl(self->kvm, KVM_CREATE_VM, 0);
	ASSERT_LE(0, self->kvm_vm);
	ASSERT_EQ(0, ioctl(self->kvm_vm, KVM_ENABLE_CAP, &split));
	add_route(self->kvm_vm);
	self->vcpu = add_vcpu(self->kvm_vm);
	self->ctl = libkvpci_open(NULL);
	self->vm = libkvpci_vm_create(self->ctl, self->kvm_vm);
	ASSERT_LE(0, self->vm);
	device_describe(&desc);
	self->dev = libkvpci_device_create(self->vm, &desc.create);
	ASSERT_LE(0, self->dev);
	self->call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, self->call);
	ASSERT_EQ(0, libkvpci_queue_fds(self->dev, 0, -1, self->call));
	if (variant->placed)
		ASSERT_EQ(0, libkvpci_vm_ecam(self->vm, ECAM_ADDR, 1, NULL));
}

FIXTURE_TEARDOWN(split_irqchip)
{
	close(self->call);
	close(self->dev);
	close(self->vm);
	close(self->ctl);
	close(self->vcpu);
	close(self->kvm_vm);
	close(self->kvm);
}

static void bar_write(int dev, uint32_t bar, uint32_t offset, uint32_t length,
		      uint64_t value)
{
	if (libkvpci_bar_write(dev, bar, offset, length, value))
		guest_die("KVPCI_BAR_ACCESS %u %#x", bar, offset);
}

static void common_write(int dev, uint32_t offset, uint32_t length,
			 uint64_t value)
{
	bar_write(dev, BAR_MEM, MEM_COMMON + offset, length, value);
}

/* Queue 0 runs and has vector 1. */
static void start(int dev)
{
	bar_write(dev, BAR_MSIX, MSIX_TABLE + 16, 4, LAPIC);
	bar_write(dev, BAR_MSIX, MSIX_TABLE + 24, 4, VECTOR);
	bar_write(dev, BAR_MSIX, MSIX_TABLE + 28, 4, 0);
	common_write(dev, CC_STATUS, 1, ST_ACKNOWLEDGE | ST_DRIVER);
	common_write(dev, CC_DRIVER_FEATURE_SELECT, 4, 1);
	common_write(dev, CC_DRIVER_FEATURE, 4, DEV_FEATURES >> 32);
	common_write(dev, CC_STATUS, 1, ST_READY);
	common_write(dev, CC_QUEUE_SELECT, 2, 0);
	common_write(dev, CC_QUEUE_VECTOR, 2, 1);
	common_write(dev, CC_QUEUE_ENABLE, 2, 1);
	common_write(dev, CC_STATUS, 1, ST_RUNNING);
}

static bool apic_has(int vcpu, unsigned int vector)
{
	struct kvm_lapic_state apic;

	if (ioctl(vcpu, KVM_GET_LAPIC, &apic))
		guest_die("KVM_GET_LAPIC");
	return *(uint32_t *)(apic.regs + APIC_IRR + vector / 32 * 0x10) >>
		       vector % 32 & 1;
}

/* Turn interrupts on, as the variant does it, with a line or without. */
static int wire(int dev, bool placed, uint32_t gsi)
{
	if (!placed)
		return libkvpci_device_irq(dev, MSIX_ON, gsi);
	return place(dev, OURS, 0x020000, gsi == KVPCI_GSI_NONE ? 0 : 1, gsi);
}

static void enable(int dev)
{
	uint32_t cap = 0, id = 0;

	if (libkvpci_pci_config_write(dev, PCI_COMMAND, 2, PCI_COMMAND_MASTER) ||
	    libkvpci_pci_config_read(dev, PCI_CAPABILITY_LIST, 1, &cap))
		guest_die("KVPCI_PCI_CONFIG_ACCESS");
	for (int i = 0; cap && i < 48; i++) {
		if (libkvpci_pci_config_read(dev, cap, 2, &id))
			guest_die("KVPCI_PCI_CONFIG_ACCESS");
		if ((id & 0xff) == PCI_CAP_ID_MSIX)
			break;
		cap = id >> 8;
	}
	if (!cap || libkvpci_pci_config_write(dev, cap + PCI_MSIX_FLAGS, 2,
					      PCI_MSIX_FLAGS_ENABLE))
		guest_die("MSI-X");
}

TEST_F(split_irqchip, no_line)
{
	EXPECT_EQ(-ENXIO, wire(self->dev, variant->placed, GSI));
	/* which line it is does not matter */
	EXPECT_EQ(-ENXIO, wire(self->dev, variant->placed, 0));
	/* and nothing has become of it: it can be had without */
	EXPECT_EQ(0, wire(self->dev, variant->placed, KVPCI_GSI_NONE));
}

/* A line of the VMM's needs nothing of KVM; a function of the module's has none. */
TEST_F(split_irqchip, line_of_the_vmm)
{
	struct pollfd p = { .events = POLLIN };

	p.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, p.fd);
	if (variant->placed) {
		ASSERT_EQ(0, wire(self->dev, true, KVPCI_GSI_NONE));
		EXPECT_EQ(-EBUSY, libkvpci_device_irq_fd(self->dev, 0, p.fd));
	} else {
		ASSERT_EQ(0, libkvpci_device_irq_fd(self->dev, 0, p.fd));
		start(self->dev);
		eventfd_add(self->call);
		EXPECT_EQ(1, poll(&p, 1, LIMIT_MS));
		EXPECT_EQ(1, libkvpci_device_irq_fd(self->dev, 0, p.fd));
	}
	close(p.fd);
}

TEST_F(split_irqchip, messages)
{
	struct kvpci_device_stats stats;

	ASSERT_EQ(0, wire(self->dev, variant->placed, KVPCI_GSI_NONE));
	if (variant->placed)
		enable(self->dev);
	start(self->dev);
	EXPECT_FALSE(apic_has(self->vcpu, VECTOR));
	eventfd_add(self->call);
	for (int ms = 0; ms < LIMIT_MS && !apic_has(self->vcpu, VECTOR); ms++)
		usleep(1000);
	EXPECT_TRUE(apic_has(self->vcpu, VECTOR));
	ASSERT_EQ(0, libkvpci_device_stats(self->dev, &stats));
	EXPECT_EQ(1, stats.msix_sent);
}

int main(int argc, char **argv)
{
	require_kvpci();
	return test_harness_run(argc, argv);
}
