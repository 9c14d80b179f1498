// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses to device configuration that exit to the VMM.
 */
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "lib/function.h"
#include "kselftest_harness.h"

#define EXIT_WRITE	KVPCI_DEVICE_EXIT_CONFIG_WRITE
#define EXIT_ALL	KVPCI_DEVICE_EXIT_CONFIG
#define SELECT		4	/* what the driver may write */
#define FIRST		0x13121110
#define SECOND		0x17161514
#define GARBAGE		0x5a5a5a5a5a5a5a5aULL

FIXTURE(config_exits) {
	struct machine m;
	struct device_desc desc;
};

FIXTURE_VARIANT(config_exits) {
	const struct machine_ops *ops;
	bool port;
};

FIXTURE_VARIANT_ADD(config_exits, kernel) {
	.ops = &machine_module, .port = false,
};

FIXTURE_VARIANT_ADD(config_exits, kernel_port) {
	.ops = &machine_module, .port = true,
};

FIXTURE_VARIANT_ADD(config_exits, user) {
	.ops = &machine_twin, .port = false,
};

FIXTURE_VARIANT_ADD(config_exits, user_port) {
	.ops = &machine_twin, .port = true,
};

FIXTURE_SETUP(config_exits)
{
	device_describe(&self->desc);
}

FIXTURE_TEARDOWN(config_exits)
{
	machine_destroy(&self->m);
}

static void create(struct machine *m, const struct machine_ops *ops,
		   struct device_desc *desc, uint32_t flags)
{
	desc->create.flags = flags;
	machine_create_as(m, ops, desc);
	m->g.vcpu[0].read_value = GARBAGE;
}

static uint64_t rd(struct machine *m, bool port, unsigned int at,
		   unsigned int width)
{
	return port ? guest_in(&m->g, IO_BASE + IO_DEVICE + at, width) :
		      guest_read(&m->g, MEM_BASE + MEM_DEVICE + at, width);
}

static void wr(struct machine *m, bool port, unsigned int at,
	       unsigned int width, uint64_t value)
{
	if (port)
		guest_out(&m->g, IO_BASE + IO_DEVICE + at, width, value);
	else
		guest_write(&m->g, MEM_BASE + MEM_DEVICE + at, width, value);
}

static uint64_t vmm_read(struct machine *m, unsigned int at)
{
	uint64_t value;

	if (m->ops->bar_read(m, BAR_MEM, MEM_DEVICE + at, 4, &value))
		guest_die("KVPCI_BAR_ACCESS");
	return value;
}

TEST_F(config_exits, writes)
{
	struct machine *m = &self->m;
	const struct guest_exit *e = &m->g.vcpu[0].exit[0];

	create(m, variant->ops, &self->desc, EXIT_WRITE);
	for (unsigned int width = 1; width <= 4; width *= 2) {
		for (unsigned int at = 0; at < DEV_CONFIG; at += width) {
			wr(m, variant->port, at, width, 0x44332211);
			ASSERT_EQ(1, m->g.vcpu[0].exits);
			EXPECT_TRUE(e->write);
			EXPECT_EQ(width, e->width);
			EXPECT_EQ(0x44332211 & ((1ULL << 8 * width) - 1), e->value);
		}
	}
	/* reads do not, and see that nothing was done */
	EXPECT_EQ(FIRST, rd(m, variant->port, 0, 4));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(SECOND, rd(m, variant->port, SELECT, 4));
	EXPECT_EQ(-EAGAIN, device_event(m, NULL));
	EXPECT_STAT(m, device_config_writes, 0);

	/* the VMM does the access: by the mask, with its event */
	ASSERT_EQ(0, m->ops->bar_write(m, BAR_MEM, MEM_DEVICE, 8,
				       0xddccbbaa44332211));
	EXPECT_EQ(FIRST, rd(m, variant->port, 0, 4));
	EXPECT_EQ(0xddccbbaa, rd(m, variant->port, SELECT, 4));
	EXPECT_EQ(KVPCI_EVENT_DEVICE_CONFIG, device_event(m, NULL));
}

TEST_F(config_exits, reads_and_writes)
{
	struct machine *m = &self->m;

	create(m, variant->ops, &self->desc, EXIT_ALL);
	for (unsigned int width = 1; width <= 4; width *= 2) {
		for (unsigned int at = 0; at < DEV_CONFIG; at += width) {
			EXPECT_EQ(GARBAGE & ((1ULL << 8 * width) - 1),
				  rd(m, variant->port, at, width));
			EXPECT_EQ(1, m->g.vcpu[0].exits);
			EXPECT_EQ(width, m->g.vcpu[0].exit[0].width);
			EXPECT_FALSE(m->g.vcpu[0].exit[0].write);
			wr(m, variant->port, at, width, 0);
			EXPECT_EQ(1, m->g.vcpu[0].exits);
		}
	}
	EXPECT_STAT(m, device_config_reads, 0);
	/* the VMM reads the copy */
	EXPECT_EQ(FIRST, vmm_read(m, 0));
	EXPECT_EQ(SECOND, vmm_read(m, SELECT));
}

/* Other structures, and what is no configuration, are answered as ever. */
TEST_F(config_exits, nothing_else)
{
	struct machine *m = &self->m;

	create(m, variant->ops, &self->desc, EXIT_ALL);
	EXPECT_EQ(DEV_QUEUES, cc_read(m, CC_NUM_QUEUES));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	cc_read(m, CC_GENERATION);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	/* behind the last byte */
	EXPECT_EQ(0, rd(m, variant->port, DEV_CONFIG, 4));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	driver_run(m);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	/* a device that is being reset ignores writes */
	cc_write(m, CC_STATUS, 0);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	wr(m, variant->port, SELECT, 4, 1);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	rd(m, variant->port, SELECT, 4);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
}

/*
 * A device whose next read depends on what was written, as that of an input device:
 * the VMM changes the copy in the exit of the write, and the driver need not wait.
 */
struct selector {
	struct machine *m;
	unsigned int writes;
	/* who is asked first: the twin */
	bool (*answer)(void *context, bool port, uint64_t addr, void *data,
		       uint32_t width, bool write);
	void *answer_context;
};

static bool select_bytes(void *context, bool port, uint64_t addr, void *data,
			 uint32_t width, bool write)
{
	struct selector *s = context;
	uint64_t base = port ? IO_BASE + IO_DEVICE : MEM_BASE + MEM_DEVICE;
	uint8_t bytes[4];

	if (s->answer && s->answer(s->answer_context, port, addr, data, width, write))
		return true;
	if (!write || addr != base + SELECT || width != 1)
		return false;
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = *(uint8_t *)data + i;
	if (s->m->ops->device_config_write(s->m, KVPCI_CONFIG_WRITE_QUIET, 0,
					   sizeof(bytes), bytes))
		guest_die("KVPCI_DEVICE_CONFIG_WRITE");
	s->writes++;
	return true;
}

TEST_F(config_exits, read_depends_on_write)
{
	struct machine *m = &self->m;
	struct selector s = { .m = m };

	create(m, variant->ops, &self->desc, EXIT_WRITE);
	s.answer = m->g.answer;
	s.answer_context = m->g.answer_context;
	machine_fds(m);
	ASSERT_EQ(0, device_irq(m, MSIX_ON, KVPCI_GSI_NONE));
	driver_vector(m, 0, 0xfee00000, 0x41, UNMASKED);
	cc_write(m, CC_CONFIG_VECTOR, 0);
	m->g.answer = select_bytes;
	m->g.answer_context = &s;
	driver_run(m);
	for (unsigned int i = 1; i <= 5; i++) {
		wr(m, variant->port, SELECT, 1, 0x20 * i);
		EXPECT_EQ(0x03020100 + 0x01010101ULL * 0x20 * i,
			  rd(m, variant->port, 0, 4));
		EXPECT_EQ(i, s.writes);
	}
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	EXPECT_EQ(-EAGAIN, device_event(m, NULL));
	m->g.answer = s.answer;
	m->g.answer_context = s.answer_context;
}

/* Through the access window: accesses to the window's data exit. */
TEST_F(config_exits, through_the_window)
{
	struct machine *m = &self->m;
	const uint32_t bar = variant->port ? BAR_IO : BAR_MEM;
	const uint32_t at = variant->port ? IO_DEVICE : MEM_DEVICE;
	uint32_t window, value;
	uint64_t data;

	self->desc.create.flags = EXIT_ALL;
	function_create(m, variant->ops, &self->desc, NULL, 0);
	set_up(m);
	window = find_cap(m, PCI_CAP_ID_VNDR, VIRTIO_PCI_CAP_PCI_CFG, 0);
	ASSERT_NE(0, window);
	data = at_function(OURS, window + 16);
	guest_write(&m->g, at_function(OURS, window + 4), 1, bar);
	guest_write(&m->g, at_function(OURS, window + 8), 4, at + SELECT);
	guest_write(&m->g, at_function(OURS, window + 12), 4, 4);
	EXPECT_EQ(0, m->g.vcpu[0].exits);

	m->g.vcpu[0].read_value = GARBAGE;
	EXPECT_EQ((uint32_t)GARBAGE, guest_read(&m->g, data, 4));
	ASSERT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(data, m->g.vcpu[0].exit[0].addr);
	EXPECT_FALSE(m->g.vcpu[0].exit[0].write);
	/* the VMM's own read gives the copy */
	ASSERT_EQ(0, m->ops->pci_config_read(m, window + 16, 4, &value));
	EXPECT_EQ(SECOND, value);

	guest_write(&m->g, data, 4, 0x99);
	ASSERT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_TRUE(m->g.vcpu[0].exit[0].write);
	EXPECT_EQ(SECOND, vmm_read(m, SELECT));
	/* handed back it changes the window, and no more */
	ASSERT_EQ(0, m->ops->pci_config_write(m, window + 16, 4, 0x99));
	EXPECT_EQ(SECOND, vmm_read(m, SELECT));

	/* other accesses through the window do not exit */
	guest_write(&m->g, at_function(OURS, window + 8), 4, CC_NUM_QUEUES);
	guest_write(&m->g, at_function(OURS, window + 12), 4, 2);
	EXPECT_EQ(DEV_QUEUES, guest_read(&m->g, data, 2));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
}

int main(int argc, char **argv)
{
	require_kvm();
	return test_harness_run(argc, argv);
}
