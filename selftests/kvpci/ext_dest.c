// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extended destination IDs: which local APIC a message reaches whose address has
 * more than eight bits of destination.
 */
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/machine.h"
#include "kselftest_harness.h"

#define NEAR		2U		/* APIC ID of the one vCPU, */
#define FAR		(256U + NEAR)	/* and of the other */
#define APIC_SPURIOUS	0xf0
#define APIC_IRR	0x200
#define VECTOR(row)	(0x40 + (row))

#define TO(id)		(0xfee00000ULL | (id) << 12)
#define EXT(bits)	((uint64_t)(bits) << 5)
#define REMAPPABLE	(1ULL << 4)
#define HIGH(bits)	((uint64_t)(bits) << 40)

FIXTURE(ext_dest) {
	struct machine m;
	struct device_desc desc;
	int near, far;
};

/* What the guest was told, and what KVM. */
FIXTURE_VARIANT(ext_dest) {
	const struct machine_ops *ops;
	uint32_t flags;
	bool ids_of_32_bits;
};

FIXTURE_VARIANT_ADD(ext_dest, kernel) {
	.ops = &machine_module, .flags = KVPCI_VM_EXT_DEST_ID, .ids_of_32_bits = true,
};

FIXTURE_VARIANT_ADD(ext_dest, kernel_not_told) {
	.ops = &machine_module, .flags = 0, .ids_of_32_bits = true,
};

FIXTURE_VARIANT_ADD(ext_dest, kernel_told_without_kvm) {
	.ops = &machine_module, .flags = KVPCI_VM_EXT_DEST_ID, .ids_of_32_bits = false,
};

FIXTURE_VARIANT_ADD(ext_dest, user) {
	.ops = &machine_twin, .flags = KVPCI_VM_EXT_DEST_ID, .ids_of_32_bits = true,
};

FIXTURE_VARIANT_ADD(ext_dest, user_not_told) {
	.ops = &machine_twin, .flags = 0, .ids_of_32_bits = true,
};

FIXTURE_VARIANT_ADD(ext_dest, user_told_without_kvm) {
	.ops = &machine_twin, .flags = KVPCI_VM_EXT_DEST_ID, .ids_of_32_bits = false,
};

/* A vCPU that never runs: its local APIC keeps what it gets. */
static int add_apic(struct machine *m, unsigned int id)
{
	int vcpu = ioctl(m->g.vm_fd, KVM_CREATE_VCPU, id);
	struct kvm_lapic_state apic;

	if (vcpu < 0)
		guest_die("KVM_CREATE_VCPU %u", id);
	if (ioctl(vcpu, KVM_GET_LAPIC, &apic))
		guest_die("KVM_GET_LAPIC");
	*(uint32_t *)(apic.regs + APIC_SPURIOUS) = 0x1ff;
	if (ioctl(vcpu, KVM_SET_LAPIC, &apic))
		guest_die("KVM_SET_LAPIC");
	return vcpu;
}

static bool apic_has(int vcpu, unsigned int vector)
{
	struct kvm_lapic_state apic;

	if (ioctl(vcpu, KVM_GET_LAPIC, &apic))
		guest_die("KVM_GET_LAPIC");
	return *(uint32_t *)(apic.regs + APIC_IRR + vector / 32 * 0x10) >>
		       vector % 32 & 1;
}

FIXTURE_SETUP(ext_dest)
{
	struct machine *m = &self->m;

	device_describe(&self->desc);
	machine_open(m, 1, variant->ops);
	if (variant->ids_of_32_bits)
		m->ops->ids_of_32_bits(m);
	self->near = add_apic(m, NEAR);
	self->far = add_apic(m, FAR);
	ASSERT_EQ(-EINVAL, m->ops->set_flags(m, KVPCI_VM_EXT_DEST_ID << 1));
	ASSERT_EQ(0, m->ops->set_flags(m, variant->flags));
	ASSERT_EQ(0, m->ops->create(m, &self->desc));
	ASSERT_EQ(0, device_map(m, IO_BASE, MEM_BASE, MSIX_BASE));
	machine_fds(m);
	ASSERT_EQ(0, device_irq(m, MSIX_ON, KVPCI_GSI_NONE));
	driver_run(m);
}

FIXTURE_TEARDOWN(ext_dest)
{
	close(self->near);
	close(self->far);
	machine_destroy(&self->m);
}

enum target { NOBODY, THE_NEAR, THE_FAR };

TEST_F(ext_dest, targets)
{
	static const struct {
		uint64_t address;
		enum target told, not_told, told_without_kvm;
	} rows[] = {
		{ TO(NEAR), THE_NEAR, THE_NEAR, THE_NEAR },
		/* this is what it is about */
		{ TO(NEAR) | EXT(1), THE_FAR, THE_NEAR, NOBODY },
		/* nobody has these IDs */
		{ TO(NEAR) | EXT(2), NOBODY, THE_NEAR, NOBODY },
		{ TO(NEAR) | EXT(0x7f), NOBODY, THE_NEAR, NOBODY },
		/* another format, or the bits are there already */
		{ TO(NEAR) | EXT(1) | REMAPPABLE, THE_NEAR, THE_NEAR, THE_NEAR },
		{ TO(NEAR) | HIGH(1), THE_FAR, THE_FAR, NOBODY },
		{ TO(NEAR) | EXT(2) | HIGH(1), THE_FAR, THE_FAR, NOBODY },
		/* no place of a local APIC */
		{ 0xfed00000 | EXT(1), NOBODY, NOBODY, NOBODY },
	};
	struct machine *m = &self->m;
	uint64_t dropped = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum target target = !variant->flags ? rows[i].not_told :
			variant->ids_of_32_bits ? rows[i].told :
						  rows[i].told_without_kvm;

		driver_vector(m, 1, rows[i].address, VECTOR(i), UNMASKED);
		queue_call(m, 0);
		EXPECT_EQ(target == THE_NEAR, apic_has(self->near, VECTOR(i)))
			TH_LOG("row %zu", i);
		/* IDs of 8 bits wrap, and KVM takes it for the other one, too. */
		if (!variant->ids_of_32_bits) {
			dropped += target == NOBODY;
			continue;
		}
		EXPECT_EQ(target == THE_FAR, apic_has(self->far, VECTOR(i)))
			TH_LOG("row %zu", i);
	}
	if (!variant->ids_of_32_bits)
		EXPECT_STAT(m, irqs_dropped, dropped);
}

/* The guest reads back what it wrote. */
TEST_F(ext_dest, table)
{
	struct machine *m = &self->m;
	const uint64_t address = TO(NEAR) | EXT(1);

	driver_vector(m, 1, address, VECTOR(0), UNMASKED);
	queue_call(m, 0);
	EXPECT_EQ(address, guest_read(&m->g, MSIX_BASE + MSIX_TABLE + 16, 8));
}

int main(int argc, char **argv)
{
	require_kvm();
	return test_harness_run(argc, argv);
}
