// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device status, feature negotiation, reset, queue reset, and the events by
 * which the launcher follows them.
 */
#include "unit.h"
#include "kselftest_harness.h"

FIXTURE(status) {
	struct unit u;
};

FIXTURE_SETUP(status)
{
	ASSERT_EQ(0, unit_default(&self->u));
}

FIXTURE_TEARDOWN(status)
{
	unit_destroy(&self->u);
}

static void accept(struct unit *u, u32 word, u32 bits)
{
	cc_write(u, CC_DRIVER_FEATURE_SELECT, word);
	cc_write(u, CC_DRIVER_FEATURE, bits);
}

/* 3.1.1, step by step. */
TEST_F(status, initialization)
{
	static const u8 steps[] = {
		ST_ACKNOWLEDGE, ST_ACKNOWLEDGE | ST_DRIVER, ST_READY,
	};
	struct unit *u = &self->u;
	struct kvpci_event event;

	EXPECT_EQ(0, cc_read(u, CC_STATUS));
	accept(u, 1, BIT(F_VERSION_1 - 32));
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		cc_write(u, CC_STATUS, steps[i]);
		EXPECT_EQ(KVPCI_EFFECT_NONE, u->effect.kind);
		EXPECT_EQ(steps[i], cc_read(u, CC_STATUS));
		EXPECT_EQ(0, unit_event(u, &event));
	}
	unit_queue(u, 0, 256);
	EXPECT_EQ(0, unit_event(u, &event));
	cc_write(u, CC_STATUS, ST_RUNNING);
	EXPECT_EQ(KVPCI_EFFECT_EVENT, u->effect.kind);
	EXPECT_EQ(ST_RUNNING, cc_read(u, CC_STATUS));
	ASSERT_EQ(KVPCI_EVENT_START, unit_event(u, &event));
	EXPECT_EQ(sizeof(event), event.size);
	EXPECT_EQ(KVPCI_EVENT_NO_QUEUE, event.queue);
	EXPECT_EQ(ST_RUNNING, event.status);
	EXPECT_EQ(0, unit_event(u, &event));
}

/* R43: FEATURES_OK reads back only for a set the device can accept. */
TEST_F(status, features_ok)
{
	static const struct {
		const char *name;
		u32 words[KVPCI_FEATURE_WORDS];
		bool ok;
	} rows[] = {
		{ "VERSION_1 alone", { 0, BIT(0), 0, 0 }, true },
		{ "all that is offered",
		  { 0x30000021, BIT(0) | BIT(3) | BIT(8), BIT(1), BIT(4) },
		  true },
		{ "nothing", { 0, 0, 0, 0 }, false },
		{ "no VERSION_1", { 1, 0, 0, 0 }, false },
		{ "bit 1 is not offered", { 2, BIT(0), 0, 0 }, false },
		{ "bit 34 is not offered", { 0, BIT(0) | BIT(2), 0, 0 }, false },
		{ "bit 66 is not offered", { 0, BIT(0), BIT(2), 0 }, false },
		{ "bit 127 is not offered", { 0, BIT(0), 0, BIT(31) }, false },
	};
	struct unit u;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ASSERT_EQ(0, unit_default(&u));
		cc_write(&u, CC_STATUS, ST_ACKNOWLEDGE | ST_DRIVER);
		for (u32 w = 0; w < KVPCI_FEATURE_WORDS; w++)
			accept(&u, w, rows[i].words[w]);
		cc_write(&u, CC_STATUS, ST_READY);
		EXPECT_EQ(rows[i].ok, !!(cc_read(&u, CC_STATUS) & ST_FEATURES_OK))
			TH_LOG("row '%s'", rows[i].name);
		/* A driver that goes on all the same gets nowhere. */
		cc_write(&u, CC_STATUS, ST_RUNNING);
		EXPECT_EQ(rows[i].ok, !!(cc_read(&u, CC_STATUS) & ST_DRIVER_OK))
			TH_LOG("row '%s'", rows[i].name);
		EXPECT_EQ(rows[i].ok ? KVPCI_EVENT_START : 0,
			  unit_event(&u, NULL));
		unit_destroy(&u);
	}
}

/* R43: nor for a set in which a feature lacks one that it needs. */
TEST_F(status, feature_dependencies)
{
	static const struct {
		const char *name;
		u32 words[KVPCI_FEATURE_WORDS];
		bool ok;
	} rows[] = {
		{ "5 has 35 and 100", { BIT(5), BIT(0) | BIT(3), 0, BIT(4) },
		  true },
		{ "5 has 0 and 100", { BIT(5) | 1, BIT(0), 0, BIT(4) }, true },
		{ "5 lacks 100", { BIT(5) | 1, BIT(0), 0, 0 }, false },
		{ "5 has 100 alone", { BIT(5), BIT(0), 0, BIT(4) }, false },
		{ "65 without 29", { 0, BIT(0), BIT(1), 0 }, false },
		{ "65 with 29", { BIT(29), BIT(0), BIT(1), 0 }, true },
		{ "what is needed, alone", { BIT(29) | 1, BIT(0), 0, BIT(4) },
		  true },
	};
	struct unit u;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_describe(&u);
		unit_need(&u, 5, BIT_ULL(0) | BIT_ULL(35), 0);
		unit_need(&u, 5, 0, BIT_ULL(36));	/* 100 */
		unit_need(&u, 65, BIT_ULL(29), 0);
		unit_need(&u, 3, BIT_ULL(2), 0);	/* not offered */
		ASSERT_EQ(0, unit_create(&u));
		cc_write(&u, CC_STATUS, ST_ACKNOWLEDGE | ST_DRIVER);
		for (u32 w = 0; w < KVPCI_FEATURE_WORDS; w++)
			accept(&u, w, rows[i].words[w]);
		cc_write(&u, CC_STATUS, ST_READY);
		EXPECT_EQ(rows[i].ok, !!(cc_read(&u, CC_STATUS) & ST_FEATURES_OK))
			TH_LOG("row '%s'", rows[i].name);
		unit_destroy(&u);
	}
}

/* A need of VERSION_1 makes a feature compulsory. */
TEST_F(status, compulsory_feature)
{
	struct unit *u = &self->u;

	unit_destroy(u);
	unit_describe(u);
	unit_need(u, F_VERSION_1, BIT_ULL(29), 0);
	ASSERT_EQ(0, unit_create(u));
	accept(u, 1, BIT(0));
	cc_write(u, CC_STATUS, ST_READY);
	EXPECT_FALSE(cc_read(u, CC_STATUS) & ST_FEATURES_OK);
	accept(u, 0, BIT(29));
	cc_write(u, CC_STATUS, ST_READY);
	EXPECT_TRUE(cc_read(u, CC_STATUS) & ST_FEATURES_OK);
}

/* What a monitor that wants to be asked is asked: FEATURES_OK, nothing else. */
TEST_F(status, ask_features)
{
	struct unit *u = &self->u;
	const struct kvpci_region *common, *device;

	for (int ask = 0; ask < 2; ask++) {
		unit_destroy(u);
		unit_describe(u);
		u->desc.flags = ask ? KVPCI_DEVICE_ASK_FEATURES : 0;
		ASSERT_EQ(0, unit_create(u));
		common = kvpci_core_find(&u->core, UNIT_BAR_MEM, 0, 1);
		device = kvpci_core_find(&u->core, UNIT_BAR_MEM, 0x200, 1);
		accept(u, 0, 2);	/* not offered */
		accept(u, 1, BIT(0));
#define ASKS(region, at, length, value) \
	kvpci_core_asks(&u->core, region, at, length, value)
		EXPECT_FALSE(ASKS(common, CC_STATUS, 1, ST_READY));
		accept(u, 0, 1);
		EXPECT_EQ(ask, ASKS(common, CC_STATUS, 1, ST_READY));
		EXPECT_EQ(ask, ASKS(common, CC_STATUS, 1, ST_FEATURES_OK));
		EXPECT_FALSE(ASKS(common, CC_STATUS, 1, 0));
		EXPECT_FALSE(ASKS(common, CC_STATUS, 1, ST_DRIVER));
		EXPECT_FALSE(ASKS(common, CC_STATUS, 2, ST_READY));
		EXPECT_FALSE(ASKS(common, CC_STATUS + 1, 1, ST_READY));
		EXPECT_FALSE(ASKS(device, CC_STATUS, 1, ST_READY));
		/* granted: no more to ask until the next reset */
		cc_write(u, CC_STATUS, ST_READY);
		EXPECT_EQ(ST_READY, cc_read(u, CC_STATUS));
		EXPECT_FALSE(ASKS(common, CC_STATUS, 1, ST_RUNNING));
#undef ASKS
	}
}

/* A refused set can be corrected, and tried again. */
TEST_F(status, features_ok_second_try)
{
	struct unit *u = &self->u;

	cc_write(u, CC_STATUS, ST_ACKNOWLEDGE | ST_DRIVER);
	accept(u, 0, 2);
	accept(u, 1, BIT(0));
	cc_write(u, CC_STATUS, ST_READY);
	ASSERT_EQ(ST_ACKNOWLEDGE | ST_DRIVER, cc_read(u, CC_STATUS));
	accept(u, 0, 1);
	cc_write(u, CC_STATUS, ST_READY);
	EXPECT_EQ(ST_READY, cc_read(u, CC_STATUS));
}

/* R43: after FEATURES_OK the set is fixed. */
TEST_F(status, features_are_sealed)
{
	struct unit *u = &self->u;

	cc_write(u, CC_STATUS, ST_ACKNOWLEDGE | ST_DRIVER);
	accept(u, 0, 1);
	accept(u, 1, BIT(0));
	cc_write(u, CC_STATUS, ST_READY);
	accept(u, 0, 0x20);
	EXPECT_EQ(1, cc_read(u, CC_DRIVER_FEATURE));
	accept(u, 1, 0);
	EXPECT_EQ(BIT(0), cc_read(u, CC_DRIVER_FEATURE));
	EXPECT_EQ(1, u->core.driver_features[0]);
	EXPECT_EQ(BIT(0), u->core.driver_features[1]);
}

/* R44 */
TEST_F(status, accepted_again_after_reset)
{
	struct unit *u = &self->u;

	for (int i = 0; i < 3; i++) {
		unit_start(u);
		EXPECT_EQ(ST_RUNNING, cc_read(u, CC_STATUS));
		cc_write(u, CC_STATUS, 0);
		EXPECT_EQ(0, cc_read(u, CC_STATUS));
	}
}

/* 2.1.1: bits are only added; NEEDS_RESET is the device's. */
TEST_F(status, bits_stay)
{
	struct unit *u = &self->u;

	unit_negotiate(u);
	cc_write(u, CC_STATUS, ST_ACKNOWLEDGE);
	EXPECT_EQ(ST_READY, cc_read(u, CC_STATUS));
	cc_write(u, CC_STATUS, ST_READY | ST_NEEDS_RESET);
	EXPECT_EQ(ST_READY, cc_read(u, CC_STATUS));
}

TEST_F(status, failed)
{
	struct unit *u = &self->u;
	struct kvpci_event event;

	unit_negotiate(u);
	cc_write(u, CC_STATUS, ST_READY | ST_FAILED);
	EXPECT_EQ(KVPCI_EFFECT_EVENT, u->effect.kind);
	ASSERT_EQ(KVPCI_EVENT_FAILED, unit_event(u, &event));
	EXPECT_EQ(ST_READY | ST_FAILED, event.status);
	/* once, not each time it is written */
	cc_write(u, CC_STATUS, ST_READY | ST_FAILED);
	EXPECT_EQ(0, unit_event(u, &event));
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(0, cc_read(u, CC_STATUS));
}

/* R11, R12, R13, R38, R45: what a reset leaves. */
static void expect_reset(struct __test_metadata *_metadata, struct unit *u)
{
	EXPECT_EQ(0, cc_read(u, CC_STATUS));
	EXPECT_EQ(NO_VECTOR, cc_read(u, CC_CONFIG_VECTOR));
	for (u32 w = 0; w < KVPCI_FEATURE_WORDS; w++) {
		cc_write(u, CC_DRIVER_FEATURE_SELECT, w);
		EXPECT_EQ(0, cc_read(u, CC_DRIVER_FEATURE));
	}
	for (u32 q = 0; q < u->core.num_queues; q++) {
		cc_write(u, CC_QUEUE_SELECT, q);
		EXPECT_EQ(u->sizes[q], cc_read(u, CC_QUEUE_SIZE));
		EXPECT_EQ(NO_VECTOR, cc_read(u, CC_QUEUE_VECTOR));
		EXPECT_EQ(0, cc_read(u, CC_QUEUE_ENABLE));
		EXPECT_EQ(0, cc_read(u, CC_QUEUE_RESET));
		for (u32 at = CC_QUEUE_DESC; at < CC_QUEUE_NOTIF_DATA; at += 4)
			EXPECT_EQ(0, cc_read(u, at));
	}
	EXPECT_EQ(0, unit_read(u, KVPCI_REGION_ISR, 0, 1));
	EXPECT_FALSE(kvpci_core_intx_status(&u->core));
	EXPECT_EQ(0, unit_event(u, NULL));
}

TEST_F(status, reset_before_driver_ok)
{
	struct unit *u = &self->u;

	unit_negotiate(u);
	cc_write(u, CC_CONFIG_VECTOR, 0);
	unit_queue(u, 0, 128);
	cc_write(u, CC_STATUS, 0);
	expect_reset(_metadata, u);
}

/* START that nobody has read never happened. */
TEST_F(status, start_taken_back)
{
	struct unit *u = &self->u;
	struct kvpci_event event;

	unit_start(u);
	ASSERT_TRUE(kvpci_core_event_peek(&u->core, &event));
	EXPECT_EQ(KVPCI_EVENT_START, event.kind);
	cc_write(u, CC_STATUS, 0);
	expect_reset(_metadata, u);
	/* not even for a reader who had begun to read it */
	EXPECT_FALSE(kvpci_core_event_take(&u->core, &event));
	EXPECT_EQ(-EALREADY, kvpci_core_ack(&u->core, KVPCI_EVENT_STOP,
					    KVPCI_EVENT_NO_QUEUE));
	/* and the device works as ever */
	unit_start(u);
	EXPECT_EQ(KVPCI_EVENT_START, unit_event(u, &event));
}

/* Peek leaves the event where it is. */
TEST_F(status, peek_changes_nothing)
{
	struct unit *u = &self->u;
	struct kvpci_event event;

	unit_start(u);
	ASSERT_TRUE(kvpci_core_event_peek(&u->core, &event));
	ASSERT_TRUE(kvpci_core_event_peek(&u->core, &event));
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(0, cc_read(u, CC_STATUS));
}

/* R11: with a running backend, 0 is read only after the acknowledgement. */
TEST_F(status, stop_and_ack)
{
	struct unit *u = &self->u;
	struct kvpci_queue was[UNIT_QUEUES];
	struct kvpci_event event;
	u32 features = 0;

	unit_run(u);
	features = u->core.driver_features[1];
	memcpy(was, u->core.queues, sizeof(was));
	EXPECT_EQ(-EALREADY, kvpci_core_ack(&u->core, KVPCI_EVENT_STOP,
					    KVPCI_EVENT_NO_QUEUE));
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(KVPCI_EFFECT_EVENT, u->effect.kind);
	EXPECT_NE(0, cc_read(u, CC_STATUS));
	/* not before STOP has been read */
	EXPECT_EQ(-EALREADY, kvpci_core_ack(&u->core, KVPCI_EVENT_STOP,
					    KVPCI_EVENT_NO_QUEUE));
	ASSERT_EQ(KVPCI_EVENT_STOP, unit_event(u, &event));
	EXPECT_EQ(KVPCI_EVENT_NO_QUEUE, event.queue);
	EXPECT_NE(0, cc_read(u, CC_STATUS));

	/* Until then nothing the backend was told changes. */
	cc_write(u, CC_STATUS, ST_ACKNOWLEDGE);
	EXPECT_NE(ST_ACKNOWLEDGE, cc_read(u, CC_STATUS));
	EXPECT_NE(0, cc_read(u, CC_STATUS));
	for (u32 q = 0; q < UNIT_QUEUES; q++) {
		cc_write(u, CC_QUEUE_SELECT, q);
		unit_queue(u, q, 2);
		cc_write(u, CC_QUEUE_RESET, 1);
	}
	accept(u, 1, 0);
	EXPECT_EQ(0, memcmp(was, u->core.queues, sizeof(was)));
	EXPECT_EQ(features, u->core.driver_features[1]);
	EXPECT_EQ(0, unit_event(u, &event));

	EXPECT_EQ(-EINVAL, kvpci_core_ack(&u->core, KVPCI_EVENT_STOP, 0));
	EXPECT_EQ(0, kvpci_core_ack(&u->core, KVPCI_EVENT_STOP,
				    KVPCI_EVENT_NO_QUEUE));
	expect_reset(_metadata, u);
	EXPECT_EQ(-EALREADY, kvpci_core_ack(&u->core, KVPCI_EVENT_STOP,
					    KVPCI_EVENT_NO_QUEUE));
}

TEST_F(status, double_reset)
{
	struct unit *u = &self->u;

	unit_run(u);
	cc_write(u, CC_STATUS, 0);
	cc_write(u, CC_STATUS, 0);
	ASSERT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(0, unit_event(u, NULL));
	EXPECT_NE(0, cc_read(u, CC_STATUS));
	EXPECT_EQ(0, kvpci_core_ack(&u->core, KVPCI_EVENT_STOP,
				    KVPCI_EVENT_NO_QUEUE));
	expect_reset(_metadata, u);
	cc_write(u, CC_STATUS, 0);
	expect_reset(_metadata, u);
}

/* STOP comes before all others, and what waited is gone with it. */
TEST_F(status, stop_comes_first)
{
	struct unit *u = &self->u;

	u->core.config_mask[0] = 0xff;
	unit_run(u);
	unit_write(u, KVPCI_REGION_DEVICE, 0, 1, 1);
	cc_write(u, CC_QUEUE_SELECT, 0);
	cc_write(u, CC_QUEUE_RESET, 1);
	cc_write(u, CC_STATUS, ST_RUNNING | ST_FAILED);
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
	EXPECT_EQ(0, unit_event(u, NULL));
	EXPECT_EQ(0, kvpci_core_ack(&u->core, KVPCI_EVENT_STOP,
				    KVPCI_EVENT_NO_QUEUE));
	expect_reset(_metadata, u);
}

/* START before FAILED, and FAILED before those that take turns. */
TEST_F(status, order_of_events)
{
	static const u32 expect[] = {
		KVPCI_EVENT_START, KVPCI_EVENT_FAILED, KVPCI_EVENT_CONFIG, 0,
	};
	struct unit *u = &self->u;

	u->core.config_mask[0] = 0xff;
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
TEST_F(status, events_take_turns)
{
	struct unit *u = &self->u;
	u32 config = 0, seen[UNIT_QUEUES] = { 0 };
	struct kvpci_event event;

	u->core.config_mask[0] = 0xff;
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
			ASSERT_EQ(0, kvpci_core_ack(&u->core, event.kind,
						    event.queue));
	}
	EXPECT_EQ(4, config);
	EXPECT_EQ(4, seen[0]);
	EXPECT_EQ(4, seen[1]);
}

/* Nor does one that is taken back whenever somebody begins to read it. */
TEST_F(status, turn_of_an_event_taken_back)
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

TEST_F(status, driver_ok_without_queue)
{
	struct unit *u = &self->u;

	unit_negotiate(u);
	cc_write(u, CC_STATUS, ST_RUNNING);
	EXPECT_EQ(KVPCI_EVENT_START, unit_event(u, NULL));
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
	EXPECT_EQ(0, kvpci_core_ack(&u->core, KVPCI_EVENT_STOP,
				    KVPCI_EVENT_NO_QUEUE));
	expect_reset(_metadata, u);
}

TEST_F(status, driver_ok_twice)
{
	struct unit *u = &self->u;

	unit_run(u);
	cc_write(u, CC_STATUS, ST_RUNNING);
	EXPECT_EQ(KVPCI_EFFECT_NONE, u->effect.kind);
	EXPECT_EQ(0, unit_event(u, NULL));
	cc_write(u, CC_STATUS, ST_DRIVER_OK);
	EXPECT_EQ(0, unit_event(u, NULL));
}

/* R42 */
TEST_F(status, needs_reset)
{
	struct unit *u = &self->u;

	EXPECT_FALSE(kvpci_core_fail(&u->core));
	EXPECT_EQ(0, cc_read(u, CC_STATUS));
	unit_negotiate(u);
	EXPECT_FALSE(kvpci_core_fail(&u->core));
	EXPECT_EQ(ST_READY | ST_NEEDS_RESET, cc_read(u, CC_STATUS));
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(0, cc_read(u, CC_STATUS));

	unit_run(u);
	EXPECT_TRUE(kvpci_core_fail(&u->core));
	EXPECT_EQ(ST_RUNNING | ST_NEEDS_RESET, cc_read(u, CC_STATUS));
	/* the driver cannot make it go away but by a reset */
	cc_write(u, CC_STATUS, ST_RUNNING);
	EXPECT_EQ(ST_RUNNING | ST_NEEDS_RESET, cc_read(u, CC_STATUS));
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
	EXPECT_FALSE(kvpci_core_fail(&u->core));
	EXPECT_EQ(0, kvpci_core_ack(&u->core, KVPCI_EVENT_STOP,
				    KVPCI_EVENT_NO_QUEUE));
	expect_reset(_metadata, u);
}

/* R14, R47, R48: reset of a running queue, and a new life for it. */
TEST_F(status, queue_reset)
{
	struct unit *u = &self->u;
	struct kvpci_queue_state state;
	struct kvpci_queue was;
	struct kvpci_event event;

	unit_run(u);
	was = u->core.queues[0];
	cc_write(u, CC_QUEUE_SELECT, 0);
	cc_write(u, CC_QUEUE_RESET, 1);
	EXPECT_EQ(KVPCI_EFFECT_EVENT, u->effect.kind);
	EXPECT_EQ(1, cc_read(u, CC_QUEUE_RESET));
	EXPECT_EQ(-EALREADY, kvpci_core_ack(&u->core, KVPCI_EVENT_QUEUE_STOP, 0));
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

	EXPECT_EQ(-EALREADY, kvpci_core_ack(&u->core, KVPCI_EVENT_QUEUE_STOP, 1));
	EXPECT_EQ(0, kvpci_core_ack(&u->core, KVPCI_EVENT_QUEUE_STOP, 0));
	EXPECT_EQ(-EALREADY, kvpci_core_ack(&u->core, KVPCI_EVENT_QUEUE_STOP, 0));
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_RESET));
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_ENABLE));
	EXPECT_EQ(256, cc_read(u, CC_QUEUE_SIZE));
	EXPECT_EQ(NO_VECTOR, cc_read(u, CC_QUEUE_VECTOR));
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_DESC));

	unit_queue(u, 0, 16);
	EXPECT_EQ(KVPCI_EFFECT_EVENT, u->effect.kind);
	EXPECT_EQ(1, cc_read(u, CC_QUEUE_ENABLE));
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_RESET));
	/* the launcher does not see it enabled before it reads of it */
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
TEST_F(status, queue_start_taken_back)
{
	struct unit *u = &self->u;
	struct kvpci_event event;

	unit_run(u);
	unit_queue(u, 2, 64);
	ASSERT_TRUE(kvpci_core_event_peek(&u->core, &event));
	EXPECT_EQ(KVPCI_EVENT_QUEUE_START, event.kind);
	EXPECT_EQ(2, event.queue);
	cc_write(u, CC_QUEUE_RESET, 1);
	EXPECT_FALSE(kvpci_core_event_take(&u->core, &event));
	EXPECT_EQ(0, unit_event(u, &event));
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_RESET));
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_ENABLE));
}

/* Before START has been read the queue is nobody's: reset at once. */
TEST_F(status, queue_reset_before_start)
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

/* Device reset while queue resets are under way. */
TEST_F(status, reset_during_queue_reset)
{
	struct unit *u = &self->u;
	struct kvpci_event event;

	for (int taken = 0; taken < 2; taken++) {
		unit_run(u);
		cc_write(u, CC_QUEUE_SELECT, 1);
		cc_write(u, CC_QUEUE_RESET, 1);
		if (taken)
			ASSERT_EQ(KVPCI_EVENT_QUEUE_STOP,
				  unit_event(u, &event));
		cc_write(u, CC_STATUS, 0);
		ASSERT_EQ(KVPCI_EVENT_STOP, unit_event(u, &event));
		EXPECT_EQ(0, unit_event(u, &event));
		EXPECT_EQ(0, kvpci_core_ack(&u->core, KVPCI_EVENT_STOP,
					    KVPCI_EVENT_NO_QUEUE));
		expect_reset(_metadata, u);
		EXPECT_EQ(-EALREADY, kvpci_core_ack(&u->core,
						    KVPCI_EVENT_QUEUE_STOP, 1));
	}
}

/* R14 wants RING_RESET negotiated, a queue that is enabled, and a 1. */
TEST_F(status, queue_reset_refused)
{
	struct unit *u = &self->u;

	cc_write(u, CC_STATUS, ST_ACKNOWLEDGE | ST_DRIVER);
	accept(u, 1, BIT(F_VERSION_1 - 32));
	cc_write(u, CC_STATUS, ST_READY);
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
	ASSERT_EQ(0, kvpci_core_ack(&u->core, KVPCI_EVENT_STOP,
				    KVPCI_EVENT_NO_QUEUE));

	unit_run(u);
	cc_write(u, CC_QUEUE_SELECT, 2);	/* not enabled */
	cc_write(u, CC_QUEUE_RESET, 1);
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_RESET));
	cc_write(u, CC_QUEUE_SELECT, 0);
	cc_write(u, CC_QUEUE_RESET, 2);
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_RESET));
	EXPECT_EQ(0, unit_event(u, NULL));
}

/* Many queues at once: each is told once, the count of events comes right. */
TEST_F(status, queue_events_of_many)
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

TEST_F(status, ack_errors)
{
	static const struct {
		u32 kind, queue;
		int expect;
	} rows[] = {
		{ 0, KVPCI_EVENT_NO_QUEUE, -EINVAL },
		{ KVPCI_EVENT_START, KVPCI_EVENT_NO_QUEUE, -EINVAL },
		{ KVPCI_EVENT_QUEUE_START, 0, -EINVAL },
		{ KVPCI_EVENT_CONFIG, KVPCI_EVENT_NO_QUEUE, -EINVAL },
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
		int ret = kvpci_core_ack(&self->u.core, rows[i].kind,
					 rows[i].queue);

		EXPECT_EQ(rows[i].expect, ret)
			TH_LOG("kind %u queue %u", rows[i].kind, rows[i].queue);
	}
}

TEST_HARNESS_MAIN
