// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which BARs answer: a guest switches them off and on, sizes them, powers the function
 * down and resets it, and none of that leaves to userspace; what it meets where a BAR
 * does not answer does.
 */
#include <linux/pci_regs.h>
#include <sys/eventfd.h>

#include "lib/function.h"
#include "kselftest_harness.h"

FIXTURE(decode) {
	struct machine m;
	struct device_desc desc;
};

TRANSPORT_VARIANTS(decode);

/* What the VMM asks of the module: the launcher's own bus has no ioctls. */
FIXTURE(decode_file) {
	struct machine m;
	struct device_desc desc;
};

FIXTURE_SETUP(decode)
{
	device_describe(&self->desc);
	function_create(&self->m, variant->ops, &self->desc, NULL, 0);
}

FIXTURE_TEARDOWN(decode)
{
	machine_destroy(&self->m);
}

FIXTURE_SETUP(decode_file)
{
	device_describe(&self->desc);
	function_create(&self->m, &machine_module, &self->desc, NULL, 0);
}

FIXTURE_TEARDOWN(decode_file)
{
	machine_destroy(&self->m);
}

/* Which BARs answer: bit n, BAR n, as set_up() has placed them. */
static uint32_t answering(struct machine *m)
{
	uint32_t bars = 0;

	guest_in(&m->g, IO_BASE + CC_NUM_QUEUES, 2);
	bars |= !m->g.vcpu[0].exits << BAR_IO;
	guest_read(&m->g, MEM_BASE + CC_NUM_QUEUES, 2);
	bars |= !m->g.vcpu[0].exits << BAR_MEM;
	guest_read(&m->g, MSIX_BASE, 4);
	bars |= !m->g.vcpu[0].exits << BAR_MSIX;
	return bars;
}

#define BARS_IO		(1U << BAR_IO)
#define BARS_MEM	(1U << BAR_MEM | 1U << BAR_MSIX)
#define BARS_ALL	(BARS_IO | BARS_MEM)

/* Both doorbells of queue 0. Return: how many of them left to userspace */
static unsigned int ring_both(struct machine *m)
{
	unsigned int exits;

	guest_out(&m->g, IO_BASE + IO_DOORBELL, 2, 0);
	exits = m->g.vcpu[0].exits;
	guest_write(&m->g, MEM_BASE + MEM_DOORBELLS, 2, 0);
	return exits + m->g.vcpu[0].exits;
}

/* Decoding off and on, where BARs stay: no exit, and nobody there meanwhile. */
TEST_F(decode, decoding)
{
	static const struct {
		uint32_t command, bars, rings;
	} rows[] = {
		{ PCI_COMMAND_IO, BARS_IO, 1 },
		{ 0, 0, 0 },
		{ PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, BARS_MEM, 1 },
		{ PCI_COMMAND_IO | PCI_COMMAND_MEMORY, BARS_ALL, 2 },
		{ PCI_COMMAND_MASTER, 0, 0 },
		{ PCI_COMMAND_IO | PCI_COMMAND_MEMORY, BARS_ALL, 2 },
	};
	struct machine *m = &self->m;
	uint64_t select;

	set_up(m);
	driver_run(m);
	cc_write(m, CC_QUEUE_SELECT, 3);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(0, cfg_wr(m, PCI_COMMAND, 2, rows[i].command))
			TH_LOG("row %zu", i);
		EXPECT_EQ(rows[i].bars, answering(m)) TH_LOG("row %zu", i);
		EXPECT_EQ(2 - rows[i].rings, ring_both(m)) TH_LOG("row %zu", i);
		EXPECT_EQ(rows[i].rings, eventfd_count(m->kick[0]))
			TH_LOG("row %zu", i);
		if (rows[i].bars & BARS_MEM)
			continue;
		/* what is written there is lost */
		guest_write(&m->g, MEM_BASE + CC_QUEUE_SELECT, 2, 1);
		EXPECT_EQ(1, m->g.vcpu[0].exits);
		m->ops->bar_read(m, BAR_MEM, CC_QUEUE_SELECT, 2, &select);
		EXPECT_EQ(3, select);
	}
}

/* Sizing where a BAR answers: no exit, and it does not answer in between. */
TEST_F(decode, sizing)
{
	static const struct {
		uint32_t bar, size, was, silent;
	} rows[] = {
		{ 0, ~(BAR_IO_SIZE - 1U) | 1, IO_BASE | 1, BARS_IO },
		{ 1, ~(BAR_MEM_SIZE - 1U), MEM_BASE, 1U << BAR_MEM },
		{ 2, ~(BAR_MSIX_SIZE - 1U) | 4, (uint32_t)MSIX_BASE | 4,
		  1U << BAR_MSIX },
		{ 3, ~0U, MSIX_BASE >> 32, 1U << BAR_MSIX },
		{ 4, 0, 0, 0 },
	};
	struct machine *m = &self->m;

	set_up(m);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(rows[i].was, cfg_rd(m, BAR(rows[i].bar), 4));
		EXPECT_EQ(0, cfg_wr(m, BAR(rows[i].bar), 4, ~0U))
			TH_LOG("row %zu", i);
		EXPECT_EQ(rows[i].size, cfg_rd(m, BAR(rows[i].bar), 4));
		EXPECT_EQ(BARS_ALL & ~rows[i].silent, answering(m))
			TH_LOG("row %zu", i);
		EXPECT_EQ(0, cfg_wr(m, BAR(rows[i].bar), 4, rows[i].was))
			TH_LOG("row %zu", i);
		EXPECT_EQ(BARS_ALL, answering(m)) TH_LOG("row %zu", i);
	}
	/* both halves, then both back; and nowhere, as address 0 is */
	EXPECT_EQ(0, cfg_wr(m, BAR(2), 4, ~0U));
	EXPECT_EQ(0, cfg_wr(m, BAR(3), 4, ~0U));
	EXPECT_EQ(0, cfg_wr(m, BAR(2), 4, (uint32_t)MSIX_BASE));
	EXPECT_EQ(BARS_ALL & ~(1U << BAR_MSIX), answering(m));
	EXPECT_EQ(0, cfg_wr(m, BAR(3), 4, MSIX_BASE >> 32));
	EXPECT_EQ(BARS_ALL, answering(m));
	EXPECT_EQ(0, cfg_wr(m, BAR(1), 4, 0));
	EXPECT_EQ(BARS_ALL & ~(1U << BAR_MEM), answering(m));
	EXPECT_EQ(0, cfg_wr(m, BAR(1), 4, MEM_BASE));
	EXPECT_EQ(BARS_ALL, answering(m));
}

/* Of an idle device: all is as after power-on, and again, without an exit. */
TEST_F(decode, reset_idle)
{
	struct machine *m = &self->m;
	uint32_t ctl = find_cap(m, PCI_CAP_ID_EXP, 0, 0) + PCI_EXP_DEVCTL;

	set_up(m);
	for (int i = 0; i < 3; i++) {
		cc_write(m, CC_STATUS, ST_ACKNOWLEDGE | ST_DRIVER);
		cc_write(m, CC_QUEUE_SELECT, 1);
		EXPECT_EQ(0, cfg_wr(m, ctl, 2, PCI_EXP_DEVCTL_BCR_FLR));
		EXPECT_EQ(0, cfg_rd(m, PCI_COMMAND, 2));
		EXPECT_EQ(0, answering(m));
		EXPECT_EQ(0, set_up(m));
		EXPECT_EQ(BARS_ALL, answering(m));
		EXPECT_EQ(0, cc_read(m, CC_STATUS));
		EXPECT_EQ(0, cc_read(m, CC_QUEUE_SELECT));
	}
	EXPECT_EQ(-EAGAIN, device_event(m, NULL));
	/* DRIVER_OK that nobody has read of was never there */
	driver_start(m);
	EXPECT_EQ(0, cfg_wr(m, ctl, 2, PCI_EXP_DEVCTL_BCR_FLR));
	EXPECT_EQ(-EAGAIN, device_event(m, NULL));
}

TEST_F(decode, function_level_reset)
{
	struct machine *m = &self->m;
	uint32_t exp = find_cap(m, PCI_CAP_ID_EXP, 0, 0);
	uint32_t msix = find_cap(m, PCI_CAP_ID_MSIX, 0, 0);
	struct kvpci_event e;

	ASSERT_NE(0, exp);
	set_up(m);
	cfg_wr(m, msix + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	driver_vector(m, 1, 0xfee00000, 0x42, UNMASKED);
	driver_run(m);
	EXPECT_EQ(0, cfg_wr(m, exp + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR));
	/* BARs and bits are gone, nothing rings, the backend is told */
	EXPECT_EQ(0, cfg_rd(m, PCI_COMMAND, 2));
	EXPECT_EQ(1, cfg_rd(m, BAR(0), 4));
	EXPECT_EQ(0, cfg_rd(m, BAR(1), 4));
	EXPECT_EQ(DEV_VECTORS - 1, cfg_rd(m, msix + 2, 2));
	EXPECT_EQ(0, answering(m));
	EXPECT_EQ(2, ring_both(m));
	EXPECT_EQ(0, eventfd_count(m->kick[0]));
	queue_call(m, 0);
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	ASSERT_EQ(KVPCI_EVENT_STOP, device_event(m, &e));
	ASSERT_EQ(0, device_ack(m, KVPCI_EVENT_STOP,
				KVPCI_EVENT_NO_QUEUE));
	EXPECT_EQ(0, set_up(m));
	EXPECT_EQ(0, cc_read(m, CC_STATUS));
	EXPECT_EQ(1, guest_read(&m->g, MSIX_BASE + 16 + 12, 4));
	EXPECT_EQ(0, guest_read(&m->g, MSIX_BASE + 16, 8));
	driver_run(m);
	EXPECT_EQ(ST_RUNNING, cc_read(m, CC_STATUS));
}

TEST_F(decode, power_state)
{
	struct machine *m = &self->m;
	uint32_t pm = find_cap(m, PCI_CAP_ID_PM, 0, 0);

	ASSERT_NE(0, pm);
	set_up(m);
	driver_run(m);
	EXPECT_EQ(0, cfg_wr(m, pm + PCI_PM_CTRL, 2, 3));
	EXPECT_EQ(0, answering(m));
	EXPECT_EQ(2, ring_both(m));
	EXPECT_EQ(0, eventfd_count(m->kick[0]));
	EXPECT_EQ(0x10411af4, cfg_rd(m, PCI_VENDOR_ID, 4));
	EXPECT_EQ(0, cfg_wr(m, pm + PCI_PM_CTRL, 2, 0));
	EXPECT_EQ(BARS_ALL, answering(m));
	EXPECT_EQ(DEV_QUEUES, cc_read(m, CC_NUM_QUEUES));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
}

/* Another function, whose BAR in memory answers at @addr. Return: it, or -1 */
static int add_other(struct machine *m, struct device_desc *desc, uint32_t addr)
{
	int other = libkvpci_device_create(m->vm, &desc->create);

	if (other < 0 || place(other, FN(0, 2, 0), 0x020000, 1, PIN) ||
	    libkvpci_pci_config_write(other, BAR(1), 4, addr) ||
	    libkvpci_pci_config_write(other, PCI_COMMAND, 2, PCI_COMMAND_MEMORY))
		return -1;
	return other;
}

/*
 * A BAR that does not answer is in nobody's way: one that comes to where it was
 * answers, in all of its bytes. Back on, it is found again.
 */
TEST_F(decode_file, makes_way)
{
	const uint32_t large = 4 * BAR_MEM_SIZE, base = MEM_BASE & ~(large - 1);
	const uint32_t inside = base + BAR_MEM_SIZE;
	struct machine *m = &self->m;
	int other;

	EXPECT_EQ(0, cfg_wr(m, BAR(1), 4, inside));
	EXPECT_EQ(1, cfg_wr(m, PCI_COMMAND, 2, PCI_COMMAND_MEMORY));
	EXPECT_EQ(0, cfg_wr(m, PCI_COMMAND, 2, 0));

	self->desc.create.bars[BAR_MEM].size = large;
	other = add_other(m, &self->desc, base);
	ASSERT_LE(0, other);
	for (uint32_t at = 0; at < large; at += BAR_MEM_SIZE / 2) {
		guest_read(&m->g, base + at, 4);
		EXPECT_EQ(0, m->g.vcpu[0].exits) TH_LOG("offset %#x", at);
	}
	close(other);
	guest_read(&m->g, inside, 4);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(1, cfg_wr(m, PCI_COMMAND, 2, PCI_COMMAND_MEMORY));
	EXPECT_EQ(DEV_QUEUES, guest_read(&m->g, inside + CC_NUM_QUEUES, 2));
	EXPECT_EQ(0, m->g.vcpu[0].exits);

	/* one that answers stays */
	self->desc.create.bars[BAR_MEM].size = BAR_MEM_SIZE;
	other = add_other(m, &self->desc, inside);
	ASSERT_LE(0, other);
	close(other);
	EXPECT_EQ(0, cfg_wr(m, PCI_COMMAND, 2, 0));
	EXPECT_EQ(0, cfg_wr(m, PCI_COMMAND, 2, PCI_COMMAND_MEMORY));
	EXPECT_EQ(DEV_QUEUES, guest_read(&m->g, inside + CC_NUM_QUEUES, 2));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
}

/* What the VMM has made answer once, before the guest runs, does not exit. */
TEST_F(decode_file, placed_by_the_vmm)
{
	static const struct {
		uint32_t offset, length, value;
	} writes[] = {
		{ BAR(0), 4, IO_BASE }, { BAR(1), 4, MEM_BASE },
		{ BAR(2), 4, (uint32_t)MSIX_BASE }, { BAR(3), 4, MSIX_BASE >> 32 },
		{ PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY },
		{ PCI_COMMAND, 2, 0 },
	};
	struct machine *m = &self->m;

	for (size_t i = 0; i < ARRAY_SIZE(writes); i++)
		ASSERT_EQ(0, libkvpci_pci_config_write(m->dev, writes[i].offset,
						       writes[i].length,
						       writes[i].value));
	EXPECT_EQ(0, answering(m));
	EXPECT_EQ(0, set_up(m));
	EXPECT_EQ(BARS_ALL, answering(m));
}

int main(int argc, char **argv)
{
	require_kvm();
	return test_harness_run(argc, argv);
}
