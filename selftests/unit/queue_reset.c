// SPDX-License-Identifier: GPL-2.0-only
/* The reset of one queue (RING_RESET), and its next life. */
#include "unit.h"
#include "kselftest_harness.h"

FIXTURE(queue_reset) {
	struct unit u;
};

FIXTURE_SETUP(queue_reset)
{
	ASSERT_EQ(0, unit_default(&self->u));
}

FIXTURE_TEARDOWN(queue_reset)
{
	unit_destroy(&self->u);
}

/* R14, R47, R48: reset of a running queue, and a new life for it. */
TEST_F(queue_reset, running)
{
	struct unit *u = &self->u;
	struct kvpci_queue_state state;
	struct kvpci_queue was;
	struct kvpci_event event;

	unit_run(u);
	was = u->core.queues[0];
	cc_write(u, CC_QUEUE_SELECT, 0);
	cc_write(u, CC_QUEUE_RESET, 1);
	EXPECT_EQ(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_EVENT, u->effect.bits);
	EXPECT_EQ(1, cc_read(u, CC_QUEUE_RESET));
	EXPECT_EQ(-EALREADY, unit_ack(u, KVPCI_EVENT_QUEUE_STOP, 0));
	ASSERT_EQ(KVPCI_EVENT_QUEUE_STOP, unit_event(u, &event));
	EXPECT_EQ(0, event.queue);
	EXPECT_EQ(ST_RUNNING, event.status);
	EXPECT_EQ(1, cc_read(u, CC_QUEUE_RESET));

	/* its parameters are the backend's until it has stopped */
	unit_queue(u, 0, 2);
	cc_write(u, CC_QUEUE_RESET, 1);
	cc_write(u, CC_QUEUE_RESET, 0);
	EXPECT_EQ(1, cc_read(u, CC_QUEUE_RESET));
	EXPECT_EQ(was.size, u->core.queues[0].size);
	EXPECT_EQ(was.desc, u->core.queues[0].desc);
	EXPECT_EQ(was.driver, u->core.queues[0].driver);
	EXPECT_EQ(was.device, u->core.queues[0].device);
	EXPECT_EQ(0, unit_event(u, &event));

	EXPECT_EQ(-EALREADY, unit_ack(u, KVPCI_EVENT_QUEUE_STOP, 1));
	EXPECT_EQ(0, unit_ack(u, KVPCI_EVENT_QUEUE_STOP, 0));
	EXPECT_EQ(KVPCI_EFFECT_DECISION, u->effect.bits);
	EXPECT_EQ(-EALREADY, unit_ack(u, KVPCI_EVENT_QUEUE_STOP, 0));
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_RESET));
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_ENABLE));
	EXPECT_EQ(256, cc_read(u, CC_QUEUE_SIZE));
	EXPECT_EQ(NO_VECTOR, cc_read(u, CC_QUEUE_VECTOR));
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_DESC));

	unit_queue(u, 0, 16);
	EXPECT_EQ(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_EVENT, u->effect.bits);
	EXPECT_EQ(1, cc_read(u, CC_QUEUE_ENABLE));
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_RESET));
	/* the VMM does not see it enabled before it reads of it */
	kvpci_core_queue_state(&u->core, 0, &state);
	EXPECT_EQ(0, state.enabled);
	ASSERT_EQ(KVPCI_EVENT_QUEUE_START, unit_event(u, &event));
	kvpci_core_queue_state(&u->core, 0, &state);
	EXPECT_EQ(1, state.enabled);
	EXPECT_EQ(16, state.queue_size);
	EXPECT_EQ(0, event.queue);
	EXPECT_EQ(16, u->core.queues[0].size);
	EXPECT_EQ(0, unit_event(u, &event));
	/* the other queue never noticed */
	cc_write(u, CC_QUEUE_SELECT, 1);
	EXPECT_EQ(1, cc_read(u, CC_QUEUE_ENABLE));
	EXPECT_EQ(64, cc_read(u, CC_QUEUE_SIZE));
}

/* QUEUE_START that was not read, then reset: nothing ever happened. */
TEST_F(queue_reset, start_taken_back)
{
	struct unit *u = &self->u;
	struct kvpci_event event;

	unit_run(u);
	unit_queue(u, 2, 64);
	ASSERT_TRUE(kvpci_core_event_peek(&u->core, &event));
	EXPECT_EQ(KVPCI_EVENT_QUEUE_START, event.kind);
	EXPECT_EQ(2, event.queue);
	cc_write(u, CC_QUEUE_RESET, 1);
	EXPECT_EQ(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_EVENT_GONE, u->effect.bits);
	EXPECT_FALSE(kvpci_core_event_take(&u->core, &event));
	EXPECT_EQ(0, unit_event(u, &event));
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_RESET));
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_ENABLE));
}

/* Before START has been read the queue is nobody's: reset at once. */
TEST_F(queue_reset, before_start)
{
	struct unit *u = &self->u;

	unit_start(u);
	cc_write(u, CC_QUEUE_SELECT, 0);
	cc_write(u, CC_QUEUE_RESET, 1);
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_RESET));
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_ENABLE));
	EXPECT_EQ(256, cc_read(u, CC_QUEUE_SIZE));
	EXPECT_EQ(KVPCI_EVENT_START, unit_event(u, NULL));
	EXPECT_EQ(0, unit_event(u, NULL));
}

/* R14 wants RING_RESET negotiated, a queue that is enabled, and a 1. */
TEST_F(queue_reset, refused)
{
	struct unit *u = &self->u;

	unit_negotiate_least(u);
	unit_queue(u, 0, 256);
	cc_write(u, CC_STATUS, ST_RUNNING);
	ASSERT_EQ(KVPCI_EVENT_START, unit_event(u, NULL));
	cc_write(u, CC_QUEUE_RESET, 1);
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_RESET));
	EXPECT_EQ(1, cc_read(u, CC_QUEUE_ENABLE));
	/* nor may a queue be enabled while running, without RING_RESET */
	unit_queue(u, 1, 64);
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_ENABLE));
	EXPECT_EQ(0, unit_event(u, NULL));
	cc_write(u, CC_STATUS, 0);
	ASSERT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
	ASSERT_EQ(0, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));

	unit_run(u);
	cc_write(u, CC_QUEUE_SELECT, 2);	/* not enabled */
	cc_write(u, CC_QUEUE_RESET, 1);
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_RESET));
	cc_write(u, CC_QUEUE_SELECT, 0);
	cc_write(u, CC_QUEUE_RESET, 2);
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_RESET));
	EXPECT_EQ(0, unit_event(u, NULL));
}

TEST_HARNESS_MAIN
