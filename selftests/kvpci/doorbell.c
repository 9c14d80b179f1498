// SPDX-License-Identifier: GPL-2.0-only
/*
 * Doorbells: which eventfd a notification reaches, and when it reaches none.
 */
#include <sys/eventfd.h>

#include "lib/machine.h"
#include "kselftest_harness.h"

FIXTURE(doorbell) {
	struct machine m;
};

TRANSPORT_VARIANTS(doorbell);

FIXTURE_SETUP(doorbell)
{
	machine_create_in(&self->m, variant->ops);
	machine_fds(&self->m);
}

FIXTURE_TEARDOWN(doorbell)
{
	machine_destroy(&self->m);
}

static void ring_memory(struct machine *m, unsigned int queue)
{
	guest_write(&m->g, MEM_BASE + MEM_DOORBELLS + 4 * queue, 2, queue);
}

static void ring_port(struct machine *m, unsigned int queue)
{
	guest_out(&m->g, IO_BASE + IO_DOORBELL, 2, queue);
}

/* Signals of all queues as one number, four bits each. */
static unsigned int signalled(struct machine *m)
{
	unsigned int all = 0;

	for (unsigned int q = 0; q < DEV_QUEUES; q++)
		all |= eventfd_count(m->kick[q]) << (4 * q);
	return all;
}

TEST_F(doorbell, the_right_eventfd)
{
	struct machine *m = &self->m;

	driver_run(m);
	ring_memory(m, 0);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(0x0001, signalled(m));
	ring_memory(m, 1);
	EXPECT_EQ(0x0010, signalled(m));
	ring_port(m, 0);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(0x0001, signalled(m));
	ring_port(m, 1);
	EXPECT_EQ(0x0010, signalled(m));
	/* each is counted */
	ring_memory(m, 1);
	ring_port(m, 1);
	ring_memory(m, 0);
	EXPECT_EQ(0x0021, signalled(m));
	EXPECT_STAT(m, kicks, 7);
	EXPECT_STAT(m, kicks_dropped, 0);
}

/* Dropped without an exit: not enabled, absent, out of range, wrong width. */
TEST_F(doorbell, dropped)
{
	struct machine *m = &self->m;
	unsigned int exits = 0;

	driver_run(m);
	for (unsigned int q = DEV_ABSENT; q < 8; q++) {
		ring_memory(m, q);
		exits += m->g.vcpu[0].exits;
		ring_port(m, q);
		exits += m->g.vcpu[0].exits;
	}
	ring_memory(m, 0x3ff);
	exits += m->g.vcpu[0].exits;
	ring_port(m, 0xffff);
	exits += m->g.vcpu[0].exits;
	EXPECT_EQ(0, signalled(m));
	EXPECT_STAT(m, kicks_dropped, 14);
	guest_write(&m->g, MEM_BASE + MEM_DOORBELLS + 2, 2, 0);
	exits += m->g.vcpu[0].exits;
	guest_out(&m->g, IO_BASE + IO_DOORBELL, 1, 0);
	exits += m->g.vcpu[0].exits;
	guest_out(&m->g, IO_BASE + IO_DOORBELL, 4, 0);
	exits += m->g.vcpu[0].exits;
	EXPECT_EQ(0, signalled(m));
	EXPECT_STAT(m, kicks, 0);
	EXPECT_EQ(0, exits);
	EXPECT_EQ(0, guest_read(&m->g, MEM_BASE + MEM_DOORBELLS, 2));
}

/*
 * Does KVM ask for doorbells in memory before it decodes the access? Then their
 * address is all there is, as with an ioeventfd of length 0. It does once it has
 * found out that the page is no memory, so this rings queue 1 first.
 */
static bool asks_first(struct machine *m)
{
	struct kvpci_info info;

	ring_memory(m, 1);
	if (signalled(m) != 0x0010)
		guest_die("the doorbell does not ring");
	if (m->ops->info(m, &info))
		guest_die("capabilities");
	return info.caps & KVPCI_CAP_FAST_MMIO;
}

TEST_F(doorbell, widths)
{
	struct machine *m = &self->m;
	bool any;

	driver_run(m);
	any = asks_first(m);
	for (unsigned int width = 1; width <= 8; width *= 2) {
		unsigned int kick = any || width == 2;

		/* the address beats the value */
		guest_write(&m->g, MEM_BASE + MEM_DOORBELLS + 4, width, 0);
		EXPECT_EQ(0, m->g.vcpu[0].exits);
		EXPECT_EQ(kick << 4, signalled(m)) TH_LOG("width %u", width);
		guest_write(&m->g, MEM_BASE + MEM_DOORBELLS + 4 * DEV_ABSENT,
			    width, 0);
		guest_write(&m->g, MEM_BASE + MEM_DOORBELLS + 4 * DEV_QUEUES,
			    width, 0);
		EXPECT_EQ(0, m->g.vcpu[0].exits);
		EXPECT_EQ(0, signalled(m)) TH_LOG("width %u", width);
	}
	/* the last that the page has room for, and no queue's */
	guest_write(&m->g, MEM_BASE + MEM_DOORBELLS + 0xffc, 4, 0);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(0, signalled(m));
	EXPECT_STAT(m, kicks, any ? 5 : 2);
	EXPECT_STAT(m, kicks_dropped, any ? 9 : 2);
}

/* What is not at a queue's address is nobody's, ends of the page included. */
TEST_F(doorbell, between_queues)
{
	static const struct {
		int offset;
		unsigned int width;
		unsigned int kicks;
	} rows[] = {
		{ 1, 1, 0 }, { 2, 1, 0 }, { 3, 1, 0 }, { 1, 2, 0 },
		{ 2, 2, 0 }, { 2, 4, 0 }, { 5, 4, 0 }, { 6, 2, 0 },
		{ 0xfff, 1, 0 }, { 0xffe, 2, 0 },
		/* KVM divides these at the page's end. */
		{ 0xfff, 2, 0 }, { 0xffe, 4, 0 }, { -1, 2, 0 }, { -4, 8, 0 },
		{ -2, 4, 1 },
	};
	struct machine *m = &self->m;

	driver_run(m);
	asks_first(m);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		guest_write(&m->g, MEM_BASE + MEM_DOORBELLS + rows[i].offset,
			    rows[i].width, 0);
		EXPECT_EQ(0, m->g.vcpu[0].exits) TH_LOG("row %zu", i);
		EXPECT_EQ(rows[i].kicks, signalled(m)) TH_LOG("row %zu", i);
	}
	EXPECT_STAT(m, kicks, 2);
	EXPECT_STAT(m, kicks_dropped, 0);
}

/* Drivers have no reason to; then it may ring, and does nothing else. */
TEST_F(doorbell, read)
{
	struct machine *m = &self->m;
	unsigned int kick;

	driver_run(m);
	kick = asks_first(m);
	guest_read(&m->g, MEM_BASE + MEM_DOORBELLS + 4, 2);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(kick << 4, signalled(m));
	EXPECT_EQ(0, guest_read(&m->g, MEM_BASE + MEM_DOORBELLS + 6, 2));
	EXPECT_EQ(0, guest_in(&m->g, IO_BASE + IO_DOORBELL, 2));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(0, signalled(m));
}

/* Where the BAR was there is nothing left, on any bus. */
TEST_F(doorbell, moved)
{
	const uint64_t elsewhere = MEM_BASE + 0x100000;
	struct machine *m = &self->m;

	driver_run(m);
	ring_memory(m, 1);
	EXPECT_EQ(0x0010, signalled(m));
	ASSERT_EQ(0, device_map(m, IO_BASE, elsewhere, MSIX_BASE));
	ring_memory(m, 1);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(0, signalled(m));
	guest_write(&m->g, elsewhere + MEM_DOORBELLS + 4, 2, 1);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(0x0010, signalled(m));
	ASSERT_EQ(0, device_map(m, IO_BASE, 0, 0));
	guest_write(&m->g, elsewhere + MEM_DOORBELLS + 4, 2, 1);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(0, signalled(m));
}

/* No kick is lost between DRIVER_OK and the VMM's start. */
TEST_F(doorbell, kicks_wait_for_the_backend)
{
	struct machine *m = &self->m;

	driver_start(m);
	ring_memory(m, 0);
	ring_port(m, 1);
	EXPECT_EQ(KVPCI_EVENT_START, device_event(m, NULL));
	EXPECT_EQ(0x0011, signalled(m));
}

/* Neither before a queue is enabled nor after a reset. */
TEST_F(doorbell, life_cycle)
{
	struct machine *m = &self->m;

	driver_negotiate(m);
	ring_memory(m, 0);
	EXPECT_EQ(0, signalled(m));
	driver_run(m);
	cc_write(m, CC_QUEUE_SELECT, 0);
	cc_write(m, CC_QUEUE_RESET, 1);
	ring_memory(m, 0);
	ring_port(m, 0);
	EXPECT_EQ(0, signalled(m));
	ring_memory(m, 1);
	EXPECT_EQ(0x0010, signalled(m));
	ASSERT_EQ(KVPCI_EVENT_QUEUE_STOP, device_event(m, NULL));
	ASSERT_EQ(0, device_ack(m, KVPCI_EVENT_QUEUE_STOP, 0));
	ring_memory(m, 0);
	EXPECT_EQ(0, signalled(m));
	driver_queue(m, 0, 16);
	ring_memory(m, 0);
	EXPECT_EQ(0x0001, signalled(m));
	cc_write(m, CC_STATUS, 0);
	ASSERT_EQ(KVPCI_EVENT_STOP, device_event(m, NULL));
	ASSERT_EQ(0, device_ack(m, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	ring_memory(m, 0);
	ring_memory(m, 1);
	EXPECT_EQ(0, signalled(m));
}

/* After QUEUE_FDS has returned the old eventfd is out of use. */
TEST_F(doorbell, replaced)
{
	struct machine *m = &self->m;
	int other = eventfd(0, EFD_NONBLOCK);

	driver_run(m);
	ASSERT_EQ(0, queue_fds(m, 0, other, -1));
	ring_memory(m, 0);
	EXPECT_EQ(0, signalled(m));
	EXPECT_EQ(1, eventfd_count(other));
	/* the queue's neighbour is not touched */
	ring_memory(m, 1);
	EXPECT_EQ(0x0010, signalled(m));
	ASSERT_EQ(0, queue_fds(m, 0, -1, -1));
	ring_memory(m, 0);
	EXPECT_EQ(0, signalled(m));
	EXPECT_EQ(0, eventfd_count(other));
	EXPECT_STAT(m, kicks_dropped, 1);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	close(other);
}

/* Many queues in one call: each its own, all of them or none. */
TEST_F(doorbell, many_at_once)
{
	struct machine *m = &self->m;
	struct kvpci_fd_pair pairs[DEV_QUEUES];

	driver_run(m);
	for (unsigned int q = 0; q < DEV_QUEUES; q++)
		pairs[q] = (struct kvpci_fd_pair){ m->kick[q], m->call[q] };
	/* two change places */
	pairs[0].kick_fd = m->kick[1];
	pairs[1].kick_fd = m->kick[0];
	pairs[DEV_QUEUES - 1].call_fd = 900;
	EXPECT_EQ(-EBADF, queue_fd_pairs(m, 0, DEV_QUEUES, pairs));
	EXPECT_EQ(-EINVAL, queue_fd_pairs(m, 0, 0, pairs));
	EXPECT_EQ(-EINVAL, queue_fd_pairs(m, 1, DEV_QUEUES, pairs));
	EXPECT_EQ(-EINVAL, queue_fd_pairs(m, ~0U, 2, pairs));
	ring_memory(m, 0);
	EXPECT_EQ(0x0001, signalled(m));

	pairs[DEV_QUEUES - 1].call_fd = -1;
	ASSERT_EQ(0, queue_fd_pairs(m, 0, DEV_QUEUES, pairs));
	ring_memory(m, 0);
	EXPECT_EQ(0x0010, signalled(m));
	ring_memory(m, 1);
	EXPECT_EQ(0x0001, signalled(m));
	/* some of them */
	pairs[1].kick_fd = m->kick[1];
	ASSERT_EQ(0, queue_fd_pairs(m, 1, 1, &pairs[1]));
	ring_memory(m, 1);
	EXPECT_EQ(0x0010, signalled(m));
	ring_memory(m, 0);
	EXPECT_EQ(0x0010, signalled(m));
}

/* Registration that fails leaves the old ones in place. */
TEST_F(doorbell, failed_replacement)
{
	struct machine *m = &self->m;

	driver_run(m);
	EXPECT_EQ(-EBADF, queue_fds(m, 0, -1, 900));
	if (variant->ops == &machine_module)
		EXPECT_EQ(-EINVAL, queue_fds(m, 0, m->g.vm_fd, m->call[0]));
	ring_memory(m, 0);
	EXPECT_EQ(0x0001, signalled(m));
}

/* The device keeps what it was given. */
TEST_F(doorbell, descriptor_closed)
{
	struct machine *m = &self->m;
	int copy = dup(m->kick[0]);

	driver_run(m);
	close(m->kick[0]);
	m->kick[0] = copy;
	ring_memory(m, 0);
	EXPECT_EQ(0x0001, signalled(m));
	close(m->kick[1]);
	m->kick[1] = -1;
	ring_memory(m, 1);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
}

/* The VMM's accesses ring as well. */
TEST_F(doorbell, device_access)
{
	struct machine *m = &self->m;

	driver_run(m);
	ASSERT_EQ(0, m->ops->bar_write(m, BAR_IO, IO_DOORBELL, 2, 1));
	EXPECT_EQ(0x0010, signalled(m));
}

/* A device that offers more than the default. */
static void offer(struct machine *m, const struct machine_ops *ops,
		  uint64_t features)
{
	struct device_desc *desc = malloc(sizeof(*desc));

	machine_destroy(m);
	if (!desc)
		guest_die("malloc");
	device_describe(desc);
	desc->create.features[0] |= features;
	if (features & F_NOTIF_CONFIG_DATA)
		desc->create.notif_config_data = (uintptr_t)desc->notif_data;
	machine_create_as(m, ops, desc);
	machine_fds(m);
	free(desc);
}

/* 32 bits ring, and the VMM finds them; 16 bits do nothing. */
TEST_F(doorbell, notification_data)
{
	struct machine *m = &self->m;

	offer(m, variant->ops, F_NOTIFICATION_DATA);
	driver_run(m);
	guest_write(&m->g, MEM_BASE + MEM_DOORBELLS + 4, 4, 0x80050001);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(0x0010, signalled(m));
	EXPECT_EQ(0x80050001, queue_word(m, 1));
	EXPECT_EQ(0, queue_word(m, 0));
	guest_out(&m->g, IO_BASE + IO_DOORBELL, 4, 0x00010000);
	guest_out(&m->g, IO_BASE + IO_DOORBELL, 4, 0x00020000);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(0x0002, signalled(m));
	EXPECT_EQ(0x00020000, queue_word(m, 0));
	ASSERT_EQ(0, m->ops->bar_write(m, BAR_IO, IO_DOORBELL, 4, 0x7fff0001));
	EXPECT_EQ(0x0010, signalled(m));
	EXPECT_EQ(0x7fff0001, queue_word(m, 1));

	ring_memory(m, 0);
	ring_port(m, 0);
	guest_out(&m->g, IO_BASE + IO_DOORBELL, 4, 0x00050000 | DEV_ABSENT);
	EXPECT_EQ(0, signalled(m));
	EXPECT_EQ(0x00020000, queue_word(m, 0));
	EXPECT_EQ(0, queue_word(m, DEV_ABSENT));

	cc_write(m, CC_STATUS, 0);
	ASSERT_EQ(KVPCI_EVENT_STOP, device_event(m, NULL));
	ASSERT_EQ(0, device_ack(m, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	EXPECT_EQ(0, queue_word(m, 0));
}

/* The driver names queues as the VMM wants them named. */
TEST_F(doorbell, notif_config_data)
{
	struct machine *m = &self->m;

	for (int words = 0; words < 2; words++) {
		unsigned int width = words ? 4 : 2;

		offer(m, variant->ops,
		      F_NOTIF_CONFIG_DATA | (words ? F_NOTIFICATION_DATA : 0));
		driver_run(m);
		for (unsigned int q = 0; q < 2; q++) {
			cc_write(m, CC_QUEUE_SELECT, q);
			EXPECT_EQ(DEV_NOTIF_DATA(q),
				  cc_read(m, CC_QUEUE_NOTIF_DATA));
			guest_out(&m->g, IO_BASE + IO_DOORBELL, width,
				  DEV_NOTIF_DATA(q));
			EXPECT_EQ(0, m->g.vcpu[0].exits);
			EXPECT_EQ(1U << 4 * q, signalled(m));
			guest_write(&m->g, MEM_BASE + MEM_DOORBELLS + 4 * q,
				    width, DEV_NOTIF_DATA(q));
			EXPECT_EQ(1U << 4 * q, signalled(m));
		}
		guest_out(&m->g, IO_BASE + IO_DOORBELL, width, 0);
		guest_out(&m->g, IO_BASE + IO_DOORBELL, width,
			  KVPCI_MAX_NOTIF_DATA);
		guest_out(&m->g, IO_BASE + IO_DOORBELL, width,
			  KVPCI_MAX_NOTIF_DATA + 1);
		guest_out(&m->g, IO_BASE + IO_DOORBELL, width, 0xffff);
		EXPECT_EQ(0, signalled(m));
		EXPECT_STAT(m, kicks_dropped, 4);
	}
}

int main(int argc, char **argv)
{
	require_kvm();
	return test_harness_run(argc, argv);
}
