// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest agent itself, with KVM alone: if these fail, no other result here
 * means anything. Needs /dev/kvm, not kvpci.
 */
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/guest.h"
#include "kselftest_harness.h"

FIXTURE(agent) {
	struct guest g;
};

FIXTURE_SETUP(agent)
{
	guest_create(&self->g);
}

FIXTURE_TEARDOWN(agent)
{
	guest_destroy(&self->g);
}

TEST_F(agent, memory)
{
	static const unsigned int widths[] = { 1, 2, 4, 8 };
	struct guest *g = &self->g;
	uint64_t at = GUEST_RAM_FREE;

	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		uint64_t value = 0x8182838485868788ULL, got;
		uint64_t mask = ~0ULL >> (64 - 8 * widths[i]);

		memset(g->memory + at, 0x11, 16);
		guest_write(g, at, widths[i], value);
		got = guest_read(g, at, widths[i]);
		EXPECT_EQ(value & mask, got);
		EXPECT_EQ(0, memcmp(g->memory + at, &value, widths[i]));
		EXPECT_EQ(0x11, g->memory[at + widths[i]]);
	}
	EXPECT_EQ(0, g->vcpu[0].exits);
}

/* What nobody in the kernel answers arrives here, once, as it was made. */
TEST_F(agent, exits)
{
	static const struct guest_access rows[] = {
		{ ACCESS_WRITE, 1, 0xd0000001, 0x5a },
		{ ACCESS_WRITE, 2, 0xd0000002, 0x5a5b },
		{ ACCESS_WRITE, 4, 0x140000000ULL, 0x5a5b5c5d },
		{ ACCESS_WRITE, 8, GUEST_HIGH_BASE, 0x5a5b5c5d5e5f6061 },
		{ ACCESS_READ, 1, 0xd0000001, 0x5a },
		{ ACCESS_READ, 2, 0xd0000002, 0x5a5b },
		{ ACCESS_READ, 4, 0x140000000ULL, 0x5a5b5c5d },
		{ ACCESS_READ, 8, GUEST_HIGH_BASE, 0x5a5b5c5d5e5f6061 },
		{ ACCESS_OUT, 1, 0xc001, 0x42 },
		{ ACCESS_OUT, 2, 0xc002, 0x4243 },
		{ ACCESS_OUT, 4, 0xc004, 0x42434445 },
		{ ACCESS_IN, 1, 0xc001, 0x42 },
		{ ACCESS_IN, 2, 0xc002, 0x4243 },
		{ ACCESS_IN, 4, 0xc004, 0x42434445 },
	};
	struct guest_vcpu *vcpu = &self->g.vcpu[0];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct guest_access a = rows[i];
		bool write = a.kind == ACCESS_WRITE || a.kind == ACCESS_OUT;
		bool port = a.kind == ACCESS_IN || a.kind == ACCESS_OUT;

		vcpu->read_value = rows[i].value;
		if (!write)
			a.value = 0;
		guest_set_script(vcpu, &a, 1, 1);
		ASSERT_TRUE(guest_run(vcpu));
		guest_get_script(vcpu, &a, 1);
		ASSERT_EQ(1, vcpu->exits) TH_LOG("row %zu", i);
		EXPECT_EQ(port ? KVM_EXIT_IO : KVM_EXIT_MMIO,
			  vcpu->exit[0].reason);
		EXPECT_EQ(write, vcpu->exit[0].write);
		EXPECT_EQ(rows[i].width, vcpu->exit[0].width);
		EXPECT_EQ(rows[i].addr, vcpu->exit[0].addr);
		EXPECT_EQ(rows[i].value, write ? vcpu->exit[0].value : a.value)
			TH_LOG("row %zu", i);
	}
}

TEST_F(agent, script)
{
	struct guest *g = &self->g;
	struct guest_access list[] = {
		{ ACCESS_WRITE, 4, GUEST_RAM_FREE, 7 },
		{ ACCESS_READ, 4, GUEST_RAM_FREE, 0 },
		{ ACCESS_WRITE, 4, 0xd0000000, 1 },
		{ ACCESS_READ, 1, GUEST_RAM_FREE, 0 },
	};

	guest_set_script(&g->vcpu[0], list, ARRAY_SIZE(list), 3);
	ASSERT_TRUE(guest_run(&g->vcpu[0]));
	guest_get_script(&g->vcpu[0], list, ARRAY_SIZE(list));
	EXPECT_EQ(3, g->vcpu[0].exits);
	EXPECT_EQ(7, list[1].value);
	EXPECT_EQ(7, list[3].value);
	EXPECT_LT(0, guest_cycles(g, list[0], 100));
	EXPECT_EQ(0, g->vcpu[0].exits);
}

static void send_msi(struct guest *g, uint32_t vector)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = vector };

	if (ioctl(g->vm_fd, KVM_SIGNAL_MSI, &msi) < 0)
		guest_die("KVM_SIGNAL_MSI");
}

/* Interrupts are taken one by one, highest first, and each only once. */
TEST_F(agent, interrupts)
{
	struct guest *g = &self->g;

	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(g));
	send_msi(g, 0x41);
	send_msi(g, 0x92);
	EXPECT_EQ(0, guest_irq_count(g, 0x41));
	/* accesses in between take none */
	guest_read(g, GUEST_RAM_FREE, 4);
	EXPECT_EQ(0x92, guest_irq(g));
	EXPECT_EQ(0x41, guest_irq(g));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(g));
	EXPECT_EQ(1, guest_irq_count(g, 0x41));
	EXPECT_EQ(1, guest_irq_count(g, 0x92));
	EXPECT_EQ(0, guest_irq_count(g, 0x42));
}

TEST_F(agent, halt)
{
	struct guest *g = &self->g;

	EXPECT_EQ(GUEST_NO_IRQ, guest_irq_within(g, 20));
	/* the agent is well after a wait in vain */
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(g));
	guest_write(g, GUEST_RAM_FREE, 4, 9);
	EXPECT_EQ(9, guest_read(g, GUEST_RAM_FREE, 4));
	send_msi(g, 0x55);
	EXPECT_EQ(0x55, guest_irq_within(g, 5000));
}

/* A level interrupt comes back as long as its line is up. */
TEST_F(agent, level)
{
	struct guest *g = &self->g;
	struct kvm_irq_level line = { .irq = 11, .level = 1 };

	guest_ioapic_route(g, 11, 0x61);
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(g));
	ASSERT_EQ(0, ioctl(g->vm_fd, KVM_IRQ_LINE, &line));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0x61, guest_irq(g));
	line.level = 0;
	ASSERT_EQ(0, ioctl(g->vm_fd, KVM_IRQ_LINE, &line));
	/* one may have been on its way */
	guest_irq(g);
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(g));
}

TEST_F(agent, two_processors)
{
	struct kvm_msi msi = { .address_lo = 0xfee01000, .data = 0x77 };
	struct guest_access a = { ACCESS_WRITE, 4, GUEST_RAM_FREE, 3 };
	struct guest g;

	guest_create_parts(&g, GUEST_ALL, 2);
	guest_set_script(&g.vcpu[1], &a, 1, 1);
	ASSERT_TRUE(guest_run(&g.vcpu[1]));
	EXPECT_EQ(3, guest_read(&g, GUEST_RAM_FREE, 4));
	ASSERT_EQ(1, ioctl(g.vm_fd, KVM_SIGNAL_MSI, &msi));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&g));
	EXPECT_EQ(0x77, guest_irq_of(&g.vcpu[1]));
	guest_destroy(&g);
}

int main(int argc, char **argv)
{
	if (access("/dev/kvm", R_OK | W_OK)) {
		ksft_print_header();
		ksft_exit_skip("/dev/kvm: %s\n", strerror(errno));
	}
	return test_harness_run(argc, argv);
}
