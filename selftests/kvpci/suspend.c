// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suspension (R50): SUSPEND, its acknowledgement, and RESUME.
 */
#include <poll.h>

#include "lib/machine.h"
#include "kselftest_harness.h"

#define ST_SUSPENDED	(ST_READY | ST_SUSPEND)
#define VECTOR(n)	(0x40 + (n))

FIXTURE(suspend) {
	struct machine m;
	struct device_desc desc;
};

TRANSPORT_VARIANTS(suspend);

FIXTURE_SETUP(suspend)
{
	struct machine *m = &self->m;

	device_describe(&self->desc);
	self->desc.create.features[0] |= F_SUSPEND;
	machine_create_as(m, variant->ops, &self->desc);
	machine_fds(m);
	ASSERT_EQ(0, device_irq(m, MSIX_ON, KVPCI_GSI_NONE));
	driver_run(m);
	for (unsigned int q = 0; q < 2; q++)
		driver_vector(m, q + 1, 0xfee00000, VECTOR(q), UNMASKED);
}

FIXTURE_TEARDOWN(suspend)
{
	machine_destroy(&self->m);
}

static void ask(struct machine *m)
{
	cc_write(m, CC_STATUS, ST_RUNNING | ST_SUSPEND);
}

static void resume(struct machine *m)
{
	cc_write(m, CC_STATUS, ST_SUSPENDED | ST_DRIVER_OK);
}

static int ack(struct machine *m, uint32_t kind)
{
	return device_ack(m, kind, KVPCI_EVENT_NO_QUEUE);
}

static int write_config(struct machine *m, uint8_t byte)
{
	return m->ops->device_config_write(m, 0, 0, 1, &byte);
}

/* Without an exit; the driver sees it when the VMM has said so. */
TEST_F(suspend, there_and_back)
{
	struct machine *m = &self->m;
	struct pollfd fd = { .fd = m->dev, .events = POLLIN };

	for (int i = 0; i < 3; i++) {
		ask(m);
		EXPECT_EQ(0, m->g.vcpu[0].exits);
		EXPECT_EQ(ST_RUNNING, cc_read(m, CC_STATUS));
		EXPECT_EQ(1, poll(&fd, 1, 0));
		ASSERT_EQ(KVPCI_EVENT_SUSPEND, device_event(m, NULL));
		EXPECT_EQ(ST_RUNNING, cc_read(m, CC_STATUS));
		ASSERT_EQ(0, ack(m, KVPCI_EVENT_SUSPEND));
		EXPECT_EQ(ST_SUSPENDED, cc_read(m, CC_STATUS));
		EXPECT_EQ(0, poll(&fd, 1, 0));

		resume(m);
		EXPECT_EQ(0, m->g.vcpu[0].exits);
		EXPECT_EQ(ST_RUNNING, cc_read(m, CC_STATUS));
		EXPECT_EQ(1, poll(&fd, 1, 0));
		ASSERT_EQ(KVPCI_EVENT_RESUME, device_event(m, NULL));
		EXPECT_EQ(-EAGAIN, device_event(m, NULL));
	}
}

/* Interrupts until the ACK, none while suspended, those that waited at the end. */
TEST_F(suspend, interrupts)
{
	struct machine *m = &self->m;

	driver_mask(m, 2);
	ask(m);
	queue_call(m, 0);
	EXPECT_EQ(VECTOR(0), guest_irq(&m->g));
	queue_call(m, 1);
	EXPECT_TRUE(driver_pending(m, 2));
	ASSERT_EQ(KVPCI_EVENT_SUSPEND, device_event(m, NULL));
	ASSERT_EQ(0, ack(m, KVPCI_EVENT_SUSPEND));

	queue_call(m, 0);
	driver_unmask(m, 2);
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	EXPECT_TRUE(driver_pending(m, 2));
	resume(m);
	EXPECT_EQ(VECTOR(1), guest_irq(&m->g));
	EXPECT_FALSE(driver_pending(m, 2));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	queue_call(m, 0);
	EXPECT_EQ(VECTOR(0), guest_irq(&m->g));
}

/* A broadcast is sent by a work item: still before the device is suspended. */
TEST_F(suspend, deferred_interrupt)
{
	struct machine *m = &self->m;

	driver_vector(m, 1, 0xfeeff000, VECTOR(0), UNMASKED);
	ask(m);
	ASSERT_EQ(KVPCI_EVENT_SUSPEND, device_event(m, NULL));
	queue_call(m, 0);
	ASSERT_EQ(0, ack(m, KVPCI_EVENT_SUSPEND));
	EXPECT_EQ(VECTOR(0), guest_irq(&m->g));
	EXPECT_STAT(m, msix_sent, 1);
}

/* Neither side changes the configuration; a doorbell waits in its eventfd. */
TEST_F(suspend, configuration)
{
	struct machine *m = &self->m;
	uint32_t before = guest_read(&m->g, MEM_BASE + MEM_DEVICE + 4, 4);

	ask(m);
	ASSERT_EQ(KVPCI_EVENT_SUSPEND, device_event(m, NULL));
	EXPECT_EQ(0, write_config(m, 0x71));
	ASSERT_EQ(0, ack(m, KVPCI_EVENT_SUSPEND));
	EXPECT_EQ(-EBUSY, write_config(m, 0x72));
	EXPECT_EQ(0x71, guest_read(&m->g, MEM_BASE + MEM_DEVICE, 1));
	guest_write(&m->g, MEM_BASE + MEM_DEVICE + 4, 4, ~before);
	EXPECT_EQ(before, guest_read(&m->g, MEM_BASE + MEM_DEVICE + 4, 4));
	EXPECT_EQ(-EAGAIN, device_event(m, NULL));
	guest_write(&m->g, MEM_BASE + MEM_DOORBELLS, 2, 0);
	EXPECT_EQ(1, eventfd_count(m->kick[0]));
	resume(m);
	EXPECT_EQ(0, write_config(m, 0x72));
	EXPECT_EQ(0x72, guest_read(&m->g, MEM_BASE + MEM_DEVICE, 1));
}

/* A reset waits for the VMM, as ever since START was read. */
TEST_F(suspend, reset)
{
	struct machine *m = &self->m;

	for (int acked = 0; acked < 2; acked++) {
		ask(m);
		ASSERT_EQ(KVPCI_EVENT_SUSPEND, device_event(m, NULL));
		if (acked)
			ASSERT_EQ(0, ack(m, KVPCI_EVENT_SUSPEND));
		cc_write(m, CC_STATUS, 0);
		EXPECT_NE(0, cc_read(m, CC_STATUS));
		EXPECT_EQ(-EALREADY, ack(m, KVPCI_EVENT_SUSPEND));
		ASSERT_EQ(KVPCI_EVENT_STOP, device_event(m, NULL));
		ASSERT_EQ(0, ack(m, KVPCI_EVENT_STOP));
		EXPECT_EQ(0, cc_read(m, CC_STATUS));
		driver_run(m);
	}
}

int main(int argc, char **argv)
{
	require_kvm();
	return test_harness_run(argc, argv);
}
