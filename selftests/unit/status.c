// SPDX-License-Identifier: GPL-2.0-only
/* Device status, step by step, and the reset of the device. */
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

/* 3.1.1, step by step. */
TEST_F(status, initialization)
{
	static const u8 steps[] = {
		ST_ACKNOWLEDGE, ST_ACKNOWLEDGE | ST_DRIVER, ST_READY,
	};
	struct unit *u = &self->u;
	struct kvpci_event event;

	EXPECT_EQ(0, cc_read(u, CC_STATUS));
	unit_accept(u, 1, BIT(F_VERSION_1 - 32));
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		cc_write(u, CC_STATUS, steps[i]);
		EXPECT_EQ(0, u->effect.bits);
		EXPECT_EQ(steps[i], cc_read(u, CC_STATUS));
		EXPECT_EQ(0, unit_event(u, &event));
	}
	unit_queue(u, 0, 256);
	EXPECT_EQ(0, unit_event(u, &event));
	cc_write(u, CC_STATUS, ST_RUNNING);
	EXPECT_EQ(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_EVENT, u->effect.bits);
	EXPECT_EQ(ST_RUNNING, cc_read(u, CC_STATUS));
	ASSERT_EQ(KVPCI_EVENT_START, unit_event(u, &event));
	EXPECT_EQ(sizeof(event), event.size);
	EXPECT_EQ(KVPCI_EVENT_NO_QUEUE, event.queue);
	EXPECT_EQ(ST_RUNNING, event.status);
	EXPECT_EQ(0, unit_event(u, &event));
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
	EXPECT_EQ(KVPCI_EFFECT_EVENT, u->effect.bits);
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
	EXPECT_EQ(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_LINE |
		  KVPCI_EFFECT_EVENT_GONE, u->effect.bits);
	expect_reset(_metadata, u);
	/* not even for a reader who had begun to read it */
	EXPECT_FALSE(kvpci_core_event_take(&u->core, &event));
	EXPECT_EQ(-EALREADY, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	/* and the device works as ever */
	unit_start(u);
	EXPECT_EQ(KVPCI_EVENT_START, unit_event(u, &event));
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
	EXPECT_EQ(-EALREADY, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_LINE | KVPCI_EFFECT_EVENT,
		  u->effect.bits);
	EXPECT_NE(0, cc_read(u, CC_STATUS));
	/* not before STOP has been read */
	EXPECT_EQ(-EALREADY, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
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
	unit_accept(u, 1, 0);
	EXPECT_EQ(0, memcmp(was, u->core.queues, sizeof(was)));
	EXPECT_EQ(features, u->core.driver_features[1]);
	EXPECT_EQ(0, unit_event(u, &event));

	EXPECT_EQ(-EINVAL, unit_ack(u, KVPCI_EVENT_STOP, 0));
	EXPECT_EQ(0, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	EXPECT_EQ(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_LINE | KVPCI_EFFECT_STOPPED,
		  u->effect.bits);
	expect_reset(_metadata, u);
	EXPECT_EQ(-EALREADY, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
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
	EXPECT_EQ(0, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	expect_reset(_metadata, u);
	cc_write(u, CC_STATUS, 0);
	expect_reset(_metadata, u);
}

/* STOP comes before all others, and what waited is gone with it. */
TEST_F(status, stop_comes_first)
{
	struct unit *u = &self->u;

	u->core.device_config_mask[0] = 0xff;
	unit_run(u);
	unit_write(u, KVPCI_REGION_DEVICE, 0, 1, 1);
	cc_write(u, CC_QUEUE_SELECT, 0);
	cc_write(u, CC_QUEUE_RESET, 1);
	cc_write(u, CC_STATUS, ST_RUNNING | ST_FAILED);
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
	EXPECT_EQ(0, unit_event(u, NULL));
	EXPECT_EQ(0, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	expect_reset(_metadata, u);
}

TEST_F(status, driver_ok_without_queue)
{
	struct unit *u = &self->u;

	unit_negotiate(u);
	cc_write(u, CC_STATUS, ST_RUNNING);
	EXPECT_EQ(KVPCI_EVENT_START, unit_event(u, NULL));
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
	EXPECT_EQ(0, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	expect_reset(_metadata, u);
}

TEST_F(status, driver_ok_twice)
{
	struct unit *u = &self->u;

	unit_run(u);
	cc_write(u, CC_STATUS, ST_RUNNING);
	EXPECT_EQ(0, u->effect.bits);
	EXPECT_EQ(0, unit_event(u, NULL));
	cc_write(u, CC_STATUS, ST_DRIVER_OK);
	EXPECT_EQ(0, unit_event(u, NULL));
}

/* R42 */
TEST_F(status, needs_reset)
{
	struct unit *u = &self->u;

	EXPECT_EQ(0, kvpci_core_fail(&u->core).bits);
	EXPECT_EQ(0, cc_read(u, CC_STATUS));
	unit_negotiate(u);
	EXPECT_EQ(0, kvpci_core_fail(&u->core).bits);
	EXPECT_EQ(ST_READY | ST_NEEDS_RESET, cc_read(u, CC_STATUS));
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(0, cc_read(u, CC_STATUS));

	unit_run(u);
	EXPECT_EQ(KVPCI_EFFECT_LINE, kvpci_core_fail(&u->core).bits);
	EXPECT_EQ(ST_RUNNING | ST_NEEDS_RESET, cc_read(u, CC_STATUS));
	/* the driver cannot make it go away but by a reset */
	cc_write(u, CC_STATUS, ST_RUNNING);
	EXPECT_EQ(ST_RUNNING | ST_NEEDS_RESET, cc_read(u, CC_STATUS));
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
	EXPECT_EQ(0, kvpci_core_fail(&u->core).bits);
	EXPECT_EQ(0, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	expect_reset(_metadata, u);
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
		EXPECT_EQ(0, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
		expect_reset(_metadata, u);
		EXPECT_EQ(-EALREADY, unit_ack(u, KVPCI_EVENT_QUEUE_STOP, 1));
	}
}

/*
 * A write of device_status that the VMM does for the driver may come when another
 * vCPU has begun a reset: the reset stays what it is.
 */
TEST_F(status, late_write_during_a_reset)
{
	struct unit *u = &self->u;
	struct kvpci_event event;

	unit_run(u);
	cc_write(u, CC_STATUS, 0);
	u->core.device_status &= ~ST_DRIVER_OK;	/* as after a suspension */
	EXPECT_EQ(0, kvpci_status_write(&u->core, ST_RUNNING | ST_FAILED).bits);
	ASSERT_EQ(KVPCI_EVENT_STOP, unit_event(u, &event));
	EXPECT_EQ(0, unit_event(u, NULL));
	EXPECT_EQ(0, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	EXPECT_EQ(0, cc_read(u, CC_STATUS));
}

/* --- the VMM's reset, in each state ------------------------------------------- */

FIXTURE(reset) {
	struct unit u;
};

FIXTURE_SETUP(reset)
{
	struct unit *u = &self->u;

	unit_describe(u);
	unit_offer(u, F_SUSPEND);
	ASSERT_EQ(0, unit_create(u));
	u->core.device_config_mask[0] = 0xff;
}

FIXTURE_TEARDOWN(reset)
{
	unit_destroy(&self->u);
}

static void fresh(struct unit *u)
{
	(void)u;
}

static void several_events(struct unit *u)
{
	unit_run(u);
	cc_write(u, CC_STATUS, ST_RUNNING | ST_FAILED);
	unit_write(u, KVPCI_REGION_DEVICE, 0, 1, 1);
	cc_write(u, CC_QUEUE_SELECT, 0);
	cc_write(u, CC_QUEUE_RESET, 1);
}

static void queue_stopping(struct unit *u)
{
	unit_run(u);
	cc_write(u, CC_QUEUE_SELECT, 1);
	cc_write(u, CC_QUEUE_RESET, 1);
	unit_event(u, NULL);
}

static void queue_starting(struct unit *u)
{
	unit_run(u);
	unit_queue(u, 2, 64);
}

static void failing(struct unit *u)
{
	unit_run(u);
	kvpci_core_fail(&u->core);
}

static void stop_posted(struct unit *u)
{
	unit_run(u);
	cc_write(u, CC_STATUS, 0);
}

static void stop_read(struct unit *u)
{
	stop_posted(u);
	unit_event(u, NULL);
}

static void suspend_posted(struct unit *u)
{
	unit_run(u);
	cc_write(u, CC_STATUS, ST_RUNNING | ST_SUSPEND);
}

static void silent(struct unit *u)
{
	struct kvpci_effect effect;

	suspend_posted(u);
	unit_event(u, NULL);
	if (kvpci_core_silence(&u->core, &effect))
		abort();
	kvpci_core_fail(&u->core);	/* a notification is due */
}

static void suspended(struct unit *u)
{
	silent(u);
	unit_ack(u, KVPCI_EVENT_SUSPEND, KVPCI_EVENT_NO_QUEUE);
}

static void resuming(struct unit *u)
{
	suspended(u);
	cc_write(u, CC_STATUS, ST_RUNNING);
}

static const struct state {
	const char *name;
	void (*enter)(struct unit *u);
} states[] = {
#define STATE(name) { #name, name }
	STATE(fresh), { "negotiated", unit_negotiate },
	{ "starting", unit_start }, { "running", unit_run },
	STATE(several_events), STATE(queue_stopping), STATE(queue_starting),
	STATE(failing), STATE(stop_posted), STATE(stop_read),
	STATE(suspend_posted), STATE(silent), STATE(suspended), STATE(resuming),
#undef STATE
};

/* Something of everything that interrupts leave behind. */
static void leave_interrupts(struct unit *u)
{
	struct kvpci_msg msg;

	unit_vector(u, 1, 0xfee00000, 0x41, MASKED);
	unit_vector(u, 2, 0xfee00000, 0x42, UNMASKED);
	kvpci_core_set_irq_flags(&u->core, KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_MASTER);
	kvpci_core_pend(&u->core, 1);
	for (u32 q = 0; q < 2; q++)
		if (kvpci_core_signal(&u->core, q, &msg) == KVPCI_IRQ_SEND)
			kvpci_core_defer(&u->core, q);
}

TEST_F(reset, in_any_state)
{
	struct unit *u = &self->u;
	struct kvpci_msg msg;

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		struct kvpci_event early = { 0 };
		bool had_event;

		states[i].enter(u);
		leave_interrupts(u);
		had_event = kvpci_core_event_peek(&u->core, &early);
		unit_reset(u, 0);
		EXPECT_EQ(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_LINE |
			  KVPCI_EFFECT_EVENT_GONE | KVPCI_EFFECT_STOPPED,
			  u->effect.bits);
		expect_reset(_metadata, u);
		/* nor for a reader who had begun to read it */
		if (had_event)
			EXPECT_FALSE(kvpci_core_event_take(&u->core, &early))
				TH_LOG("%s", states[i].name);
		EXPECT_EQ(-EALREADY, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
		EXPECT_EQ(-EALREADY, unit_ack(u, KVPCI_EVENT_QUEUE_STOP, 1));
		EXPECT_EQ(-EALREADY, unit_ack(u, KVPCI_EVENT_SUSPEND, KVPCI_EVENT_NO_QUEUE));
		EXPECT_EQ(-1, kvpci_core_next_deferred(&u->core, 0));
		EXPECT_EQ(0, u->core.pending[0] | u->core.pending[1]);
		/* what is the function's stays */
		EXPECT_EQ(KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_MASTER, u->core.irq_flags);
		EXPECT_EQ(0x41, u->core.vectors[1].word[2]);
		/* and the device works as ever, without an old notification */
		unit_run(u);
		EXPECT_EQ(ST_RUNNING, cc_read(u, CC_STATUS));
		EXPECT_EQ(-1, kvpci_core_next_pending(&u->core, 0, &msg));
		EXPECT_EQ(0, unit_event(u, NULL));
		unit_reset(u, 0);
	}
}

/* What would post STOP is the VMM's, if it wants that; other resets are not. */
TEST_F(reset, exits)
{
	static const char *const with_backend[] = {
		"running", "several_events", "queue_stopping", "queue_starting",
		"failing", "suspend_posted", "silent", "suspended", "resuming",
	};
	struct unit *u = &self->u;
	const struct kvpci_region *common = kvpci_core_find(&u->core, UNIT_BAR_MEM, 0, 1);
	const struct kvpci_region *device = kvpci_core_find(&u->core, UNIT_BAR_MEM, 0x200, 1);
	unsigned int exited = 0;

#define EXITS(region, at, length, value) \
	kvpci_core_write_exits(&u->core, region, at, length, value)
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		bool expect = false;

		for (size_t j = 0; j < ARRAY_SIZE(with_backend); j++)
			expect |= !strcmp(states[i].name, with_backend[j]);
		states[i].enter(u);
		u->core.exits = 0;
		EXPECT_FALSE(EXITS(common, CC_STATUS, 1, 0));
		u->core.exits = KVPCI_DEVICE_EXIT_FEATURES;
		EXPECT_FALSE(EXITS(common, CC_STATUS, 1, 0));
		u->core.exits = KVPCI_DEVICE_EXIT_RESET;
		EXPECT_EQ(expect, EXITS(common, CC_STATUS, 1, 0))
			TH_LOG("%s", states[i].name);
		/* bits beyond the access do not count */
		EXPECT_EQ(expect, EXITS(common, CC_STATUS, 1, 0x5500));
		EXPECT_FALSE(EXITS(common, CC_STATUS, 1, 1));
		EXPECT_FALSE(EXITS(common, CC_STATUS, 2, 0));
		EXPECT_FALSE(EXITS(common, CC_GENERATION, 1, 0));
		EXPECT_FALSE(EXITS(device, CC_STATUS, 1, 0));
		exited += expect;
		/* what exits would have posted STOP, and nothing else would */
		u->core.events &= ~BIT(KVPCI_EVENT_STOP);
		cc_write(u, CC_STATUS, 0);
		EXPECT_EQ(expect, !!(u->core.events & BIT(KVPCI_EVENT_STOP)));
		unit_reset(u, 0);
	}
#undef EXITS
	EXPECT_EQ(ARRAY_SIZE(with_backend), exited);
}

TEST_F(reset, of_the_function)
{
	struct unit *u = &self->u;

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		states[i].enter(u);
		leave_interrupts(u);
		unit_reset(u, KVPCI_RESET_FUNCTION);
		EXPECT_EQ(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_LINE |
			  KVPCI_EFFECT_EVENT_GONE | KVPCI_EFFECT_STOPPED,
			  u->effect.bits);
		expect_reset(_metadata, u);
		EXPECT_EQ(0, u->core.irq_flags);
		for (u32 v = 0; v < UNIT_VECTORS; v++) {
			const u32 *word = u->core.vectors[v].word;

			EXPECT_EQ(0, word[0] | word[1] | word[2]);
			EXPECT_EQ(1, word[3]);
		}
	}
}

TEST_HARNESS_MAIN
