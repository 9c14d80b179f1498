// SPDX-License-Identifier: GPL-2.0-only
/* Events: which comes first, who takes turns, and what is acknowledged. */
#include "unit.h"
#include "kselftest_harness.h"

FIXTURE(event) {
	struct unit u;
};

FIXTURE_SETUP(event)
{
	ASSERT_EQ(0, unit_default(&self->u));
}

FIXTURE_TEARDOWN(event)
{
	unit_destroy(&self->u);
}

/* Peek leaves the event where it is. */
TEST_F(event, peek_changes_nothing)
{
	struct unit *u = &self->u;
	struct kvpci_event event;

	unit_start(u);
	ASSERT_TRUE(kvpci_core_event_peek(&u->core, &event));
	ASSERT_TRUE(kvpci_core_event_peek(&u->core, &event));
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(0, cc_read(u, CC_STATUS));
}

/* START before FAILED, and FAILED before those that take turns. */
TEST_F(event, order)
{
	static const u32 expect[] = {
		KVPCI_EVENT_START, KVPCI_EVENT_FAILED, KVPCI_EVENT_DEVICE_CONFIG, 0,
	};
	struct unit *u = &self->u;

	u->core.device_config_mask[0] = 0xff;
	unit_negotiate(u);
	unit_write(u, KVPCI_REGION_DEVICE, 0, 1, 1);
	cc_write(u, CC_STATUS, ST_RUNNING);
	cc_write(u, CC_STATUS, ST_RUNNING | ST_FAILED);
	for (size_t i = 0; i < ARRAY_SIZE(expect); i++)
		EXPECT_EQ(expect[i], unit_event(u, NULL));
}

/* Reset a queue, or enable it: whichever gives an event. */
static void busy_queue(struct unit *u, u32 q)
{
	if (u->core.queues[q].phase != KVPCI_QUEUE_IDLE)
		return;
	cc_write(u, CC_QUEUE_SELECT, q);
	cc_write(u, u->core.queues[q].enable ? CC_QUEUE_RESET : CC_QUEUE_ENABLE,
		 1);
}

/* CONFIG and two queues always have an event: none keeps another from its. */
TEST_F(event, turns)
{
	struct unit *u = &self->u;
	u32 config = 0, seen[UNIT_QUEUES] = { 0 };
	struct kvpci_event event;

	u->core.device_config_mask[0] = 0xff;
	unit_run(u);
	for (int i = 0; i < 12; i++) {
		unit_write(u, KVPCI_REGION_DEVICE, 0, 1, i);
		busy_queue(u, 0);
		busy_queue(u, 1);
		ASSERT_NE(0, unit_event(u, &event));
		if (event.queue == KVPCI_EVENT_NO_QUEUE)
			config++;
		else
			seen[event.queue]++;
		if (event.kind == KVPCI_EVENT_QUEUE_STOP)
			ASSERT_EQ(0, unit_ack(u, event.kind, event.queue));
	}
	EXPECT_EQ(4, config);
	EXPECT_EQ(4, seen[0]);
	EXPECT_EQ(4, seen[1]);
}

/* Nor does one that is taken back whenever somebody begins to read it. */
TEST_F(event, turn_after_one_taken_back)
{
	struct unit *u = &self->u;
	struct kvpci_event event;

	unit_run(u);
	unit_queue(u, 2, 64);
	ASSERT_TRUE(kvpci_core_event_peek(&u->core, &event));
	ASSERT_EQ(2, event.queue);
	cc_write(u, CC_QUEUE_RESET, 1);
	unit_queue(u, 4, 64);
	ASSERT_FALSE(kvpci_core_event_take(&u->core, &event));
	unit_queue(u, 2, 64);
	ASSERT_EQ(KVPCI_EVENT_QUEUE_START, unit_event(u, &event));
	EXPECT_EQ(4, event.queue);
	ASSERT_EQ(KVPCI_EVENT_QUEUE_START, unit_event(u, &event));
	EXPECT_EQ(2, event.queue);
}

/* Many queues at once: each is told once, the count of events comes right. */
TEST_F(event, of_many_queues)
{
	struct unit u;
	u32 seen[64] = { 0 };
	struct kvpci_event event;

	unit_describe(&u);
	u.desc.num_queues = ARRAY_SIZE(seen);
	for (u32 q = 0; q < ARRAY_SIZE(seen); q++)
		u.sizes[q] = 64;
	ASSERT_EQ(0, unit_create(&u));
	unit_run(&u);
	for (u32 q = 2; q < ARRAY_SIZE(seen); q++)
		unit_queue(&u, q, 64);
	EXPECT_EQ(ARRAY_SIZE(seen) - 2, u.core.queue_events);
	while (unit_event(&u, &event)) {
		ASSERT_EQ(KVPCI_EVENT_QUEUE_START, event.kind);
		ASSERT_LT(event.queue, ARRAY_SIZE(seen));
		seen[event.queue]++;
	}
	for (u32 q = 0; q < ARRAY_SIZE(seen); q++)
		EXPECT_EQ(q >= 2, seen[q]);
	EXPECT_EQ(0, u.core.queue_events);
	unit_destroy(&u);
}

TEST_F(event, ack_errors)
{
	static const struct {
		u32 kind, queue;
		int expect;
	} rows[] = {
		{ 0, KVPCI_EVENT_NO_QUEUE, -EINVAL },
		{ KVPCI_EVENT_START, KVPCI_EVENT_NO_QUEUE, -EINVAL },
		{ KVPCI_EVENT_QUEUE_START, 0, -EINVAL },
		{ KVPCI_EVENT_DEVICE_CONFIG, KVPCI_EVENT_NO_QUEUE, -EINVAL },
		{ KVPCI_EVENT_FAILED, KVPCI_EVENT_NO_QUEUE, -EINVAL },
		{ 7, 0, -EINVAL },
		{ ~0U, ~0U, -EINVAL },
		{ KVPCI_EVENT_STOP, 0, -EINVAL },
		{ KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE, -EALREADY },
		{ KVPCI_EVENT_QUEUE_STOP, 0, -EALREADY },
		{ KVPCI_EVENT_QUEUE_STOP, UNIT_ABSENT, -EALREADY },
		{ KVPCI_EVENT_QUEUE_STOP, UNIT_QUEUES, -EINVAL },
		{ KVPCI_EVENT_QUEUE_STOP, KVPCI_EVENT_NO_QUEUE, -EINVAL },
	};

	unit_run(&self->u);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int ret = unit_ack(&self->u, rows[i].kind, rows[i].queue);

		EXPECT_EQ(rows[i].expect, ret)
			TH_LOG("kind %u queue %u", rows[i].kind, rows[i].queue);
		EXPECT_EQ(0, self->u.effect.bits);
	}
}

TEST_HARNESS_MAIN
