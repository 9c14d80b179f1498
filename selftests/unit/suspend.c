// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suspension (R50): the driver sets SUSPEND, the VMM stops the backend and
 * says so, the driver sets DRIVER_OK again.
 */
#include "unit.h"
#include "kselftest_harness.h"

#define ST_SUSPENDED	(ST_READY | ST_SUSPEND)
/* A driver that resumes the device, which has nothing to notify it of */
#define EFFECT_RESUME	(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_EVENT | \
			 KVPCI_EFFECT_PENDING)

FIXTURE(suspend) {
	struct unit u;
};

FIXTURE_SETUP(suspend)
{
	unit_describe(&self->u);
	unit_offer(&self->u, F_SUSPEND);
	ASSERT_EQ(0, unit_create(&self->u));
}

FIXTURE_TEARDOWN(suspend)
{
	unit_destroy(&self->u);
}

static void ask(struct unit *u)
{
	cc_write(u, CC_STATUS, ST_RUNNING | ST_SUSPEND);
}

static void resume(struct unit *u)
{
	cc_write(u, CC_STATUS, ST_SUSPENDED | ST_DRIVER_OK);
}

static int ack(struct unit *u, u32 kind)
{
	return unit_ack(u, kind, KVPCI_EVENT_NO_QUEUE);
}

/* From a running device to a suspended one. */
static void suspend(struct unit *u)
{
	ask(u);
	if (unit_event(u, NULL) != KVPCI_EVENT_SUSPEND ||
	    ack(u, KVPCI_EVENT_SUSPEND))
		abort();
}

TEST_F(suspend, acknowledged)
{
	struct unit *u = &self->u;
	struct kvpci_event event;

	unit_run(u);
	EXPECT_EQ(-EALREADY, ack(u, KVPCI_EVENT_SUSPEND));
	ask(u);
	EXPECT_EQ(KVPCI_EFFECT_EVENT, u->effect.bits);
	EXPECT_EQ(ST_RUNNING, cc_read(u, CC_STATUS));
	EXPECT_EQ(-EALREADY, ack(u, KVPCI_EVENT_SUSPEND));
	ASSERT_EQ(KVPCI_EVENT_SUSPEND, unit_event(u, &event));
	EXPECT_EQ(KVPCI_EVENT_NO_QUEUE, event.queue);
	EXPECT_EQ(ST_RUNNING, cc_read(u, CC_STATUS));
	/* asked again: no news */
	ask(u);
	EXPECT_EQ(0, unit_event(u, NULL));
	EXPECT_EQ(-EINVAL, unit_ack(u, KVPCI_EVENT_SUSPEND, 0));
	ASSERT_EQ(0, ack(u, KVPCI_EVENT_SUSPEND));
	EXPECT_EQ(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_LINE | KVPCI_EFFECT_STOPPED,
		  u->effect.bits);
	EXPECT_EQ(ST_SUSPENDED, cc_read(u, CC_STATUS));
	EXPECT_EQ(-EALREADY, ack(u, KVPCI_EVENT_SUSPEND));
	/* suspended already: nothing to do */
	cc_write(u, CC_STATUS, ST_SUSPENDED);
	EXPECT_EQ(0, u->effect.bits);
	EXPECT_EQ(ST_SUSPENDED, cc_read(u, CC_STATUS));
	EXPECT_EQ(0, unit_event(u, NULL));
}

TEST_F(suspend, resumed)
{
	struct unit *u = &self->u;
	struct kvpci_queue_state before, after;

	unit_run(u);
	for (int i = 0; i < 3; i++) {
		memset(&before, 0, sizeof(before));
		memset(&after, 0, sizeof(after));
		kvpci_core_queue_state(&u->core, 1, &before);
		suspend(u);
		resume(u);
		EXPECT_EQ(EFFECT_RESUME, u->effect.bits);
		EXPECT_EQ(ST_RUNNING, cc_read(u, CC_STATUS));
		ASSERT_EQ(KVPCI_EVENT_RESUME, unit_event(u, NULL));
		EXPECT_EQ(0, unit_event(u, NULL));
		kvpci_core_queue_state(&u->core, 1, &after);
		EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
		EXPECT_EQ(1, after.enabled);
	}
}

/* The device MUST ignore SUSPEND unless it is wholly initialized. */
TEST_F(suspend, ignored)
{
	struct unit *u = &self->u;

	cc_write(u, CC_STATUS, ST_SUSPEND);
	EXPECT_EQ(0, cc_read(u, CC_STATUS));
	unit_negotiate(u);
	cc_write(u, CC_STATUS, ST_SUSPENDED);
	EXPECT_EQ(ST_READY, cc_read(u, CC_STATUS));
	EXPECT_EQ(0, unit_event(u, NULL));
	/* with the write that completes it, too */
	unit_queue(u, 0, 256);
	ask(u);
	EXPECT_EQ(ST_RUNNING, cc_read(u, CC_STATUS));
	ASSERT_EQ(KVPCI_EVENT_START, unit_event(u, NULL));
	EXPECT_EQ(0, unit_event(u, NULL));
}

/* Offered but declined, or not offered: bit 4 of the status means nothing. */
TEST_F(suspend, not_negotiated)
{
	struct unit *u = &self->u;

	for (int offer = 0; offer < 2; offer++) {
		unit_destroy(u);
		unit_describe(u);
		if (offer)
			unit_offer(u, F_SUSPEND);
		ASSERT_EQ(0, unit_create(u));
		unit_negotiate_least(u);
		cc_write(u, CC_STATUS, ST_RUNNING);
		ASSERT_EQ(KVPCI_EVENT_START, unit_event(u, NULL));
		ask(u);
		EXPECT_EQ(ST_RUNNING, cc_read(u, CC_STATUS));
		EXPECT_EQ(0, unit_event(u, NULL));
	}
}

/* From the driver's word on: no write counts but those of the status. */
TEST_F(suspend, nothing_changes)
{
	struct unit *u = &self->u;
	const u8 byte = 0x77;

	memset(u->core.device_config_mask, 0xff, UNIT_CONFIG);
	unit_run(u);
	ask(u);
	for (int acked = 0; acked < 2; acked++) {
		unit_write(u, KVPCI_REGION_DEVICE, 0, 4, 0x12345678);
		EXPECT_EQ(0, u->effect.bits);
		EXPECT_EQ(0, unit_read(u, KVPCI_REGION_DEVICE, 0, 4));
		cc_write(u, CC_CONFIG_VECTOR, 3);
		EXPECT_EQ(NO_VECTOR, cc_read(u, CC_CONFIG_VECTOR));
		cc_write(u, CC_QUEUE_SELECT, 1);
		cc_write(u, CC_QUEUE_RESET, 1);
		EXPECT_EQ(0, cc_read(u, CC_QUEUE_RESET));
		cc_write(u, CC_QUEUE_VECTOR, 5);
		EXPECT_EQ(2, cc_read(u, CC_QUEUE_VECTOR));
		/* reading others is no change */
		cc_write(u, CC_QUEUE_SELECT, 2);
		EXPECT_EQ(64, cc_read(u, CC_QUEUE_SIZE));
		cc_write(u, CC_QUEUE_ENABLE, 1);
		EXPECT_EQ(0, cc_read(u, CC_QUEUE_ENABLE));
		if (acked)
			break;
		ASSERT_EQ(KVPCI_EVENT_SUSPEND, unit_event(u, NULL));
		/* the device itself is not suspended before the ACK */
		EXPECT_EQ(0, unit_change(u, 8, 1, &byte));
		EXPECT_EQ(KVPCI_EFFECT_LINE, u->effect.bits);
		ASSERT_EQ(0, ack(u, KVPCI_EVENT_SUSPEND));
	}
	EXPECT_EQ(-EBUSY, unit_change(u, 9, 1, &byte));
	for (u32 flag = 1; flag <= 2; flag++)
		EXPECT_EQ(-EBUSY, unit_change_as(u, flag, 9, 1, &byte));
	EXPECT_EQ(0, u->effect.bits);
	EXPECT_EQ(0, unit_read(u, KVPCI_REGION_DEVICE, 9, 1));
	resume(u);
	EXPECT_EQ(EFFECT_RESUME, u->effect.bits);
	EXPECT_EQ(0, unit_change(u, 9, 1, &byte));
	EXPECT_EQ(KVPCI_EFFECT_LINE, u->effect.bits);
	ASSERT_EQ(KVPCI_EVENT_RESUME, unit_event(u, NULL));
	EXPECT_EQ(0, unit_event(u, NULL));
}

/* Used buffer notifications until the ACK, none after, all again at the end. */
TEST_F(suspend, interrupts)
{
	struct unit *u = &self->u;
	struct kvpci_msg msg;

	kvpci_core_set_irq_flags(&u->core,
				 KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_MASTER);
	unit_run(u);
	unit_vector(u, 1, 0xfee00000, 0x41, UNMASKED);
	unit_vector(u, 2, 0xfee00000, 0x42, MASKED);
	ask(u);
	EXPECT_EQ(KVPCI_IRQ_SEND, kvpci_core_signal(&u->core, 0, &msg));
	EXPECT_EQ(KVPCI_IRQ_PEND, kvpci_core_signal(&u->core, 1, &msg));
	ASSERT_EQ(KVPCI_EVENT_SUSPEND, unit_event(u, NULL));
	ASSERT_EQ(0, ack(u, KVPCI_EVENT_SUSPEND));
	EXPECT_EQ(KVPCI_IRQ_DROP, kvpci_core_signal(&u->core, 0, &msg));
	unit_write(u, KVPCI_REGION_MSIX_TABLE, 2 * 16 + 12, 4, 0);
	EXPECT_EQ(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_VECTOR_ONLY, u->effect.bits);
	EXPECT_EQ(-1, kvpci_core_next_pending(&u->core, 0, &msg));
	resume(u);
	EXPECT_EQ(EFFECT_RESUME, u->effect.bits);
	EXPECT_EQ(2, kvpci_core_next_pending(&u->core, 0, &msg));
	EXPECT_EQ(0x42, msg.data);
	EXPECT_EQ(KVPCI_IRQ_SEND, kvpci_core_signal(&u->core, 0, &msg));
}

/* Who has not been told of the start is told of it first. */
TEST_F(suspend, before_start_is_read)
{
	struct unit *u = &self->u;

	unit_start(u);
	ask(u);
	EXPECT_EQ(KVPCI_EFFECT_EVENT, u->effect.bits);
	EXPECT_EQ(ST_RUNNING, cc_read(u, CC_STATUS));
	EXPECT_EQ(-EALREADY, ack(u, KVPCI_EVENT_SUSPEND));
	ASSERT_EQ(KVPCI_EVENT_START, unit_event(u, NULL));
	EXPECT_EQ(-EALREADY, ack(u, KVPCI_EVENT_SUSPEND));
	ASSERT_EQ(KVPCI_EVENT_SUSPEND, unit_event(u, NULL));
	ASSERT_EQ(0, ack(u, KVPCI_EVENT_SUSPEND));
	EXPECT_EQ(ST_SUSPENDED, cc_read(u, CC_STATUS));

	/* both are gone with a reset */
	cc_write(u, CC_STATUS, 0);
	ASSERT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
	ASSERT_EQ(0, ack(u, KVPCI_EVENT_STOP));
	unit_start(u);
	ask(u);
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(0, cc_read(u, CC_STATUS));
	EXPECT_EQ(0, unit_event(u, NULL));
	/* and the next life is not suspended */
	unit_run(u);
	EXPECT_EQ(0, unit_event(u, NULL));
}

/* A SUSPEND seen in one life is not taken in the next, before its START. */
TEST_F(suspend, stale_event)
{
	struct unit *u = &self->u;
	struct kvpci_event stale;

	unit_run(u);
	ask(u);
	ASSERT_TRUE(kvpci_core_event_peek(&u->core, &stale));
	ASSERT_EQ(KVPCI_EVENT_SUSPEND, stale.kind);
	cc_write(u, CC_STATUS, 0);
	ASSERT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
	ASSERT_EQ(0, ack(u, KVPCI_EVENT_STOP));
	unit_start(u);
	ask(u);
	EXPECT_FALSE(kvpci_core_event_take(&u->core, &stale));
	EXPECT_EQ(KVPCI_EVENT_START, unit_event(u, NULL));
	EXPECT_EQ(KVPCI_EVENT_SUSPEND, unit_event(u, NULL));
}

/* A RESUME that nobody has read can be taken back. */
TEST_F(suspend, resume_taken_back)
{
	struct unit *u = &self->u;

	unit_run(u);
	suspend(u);
	resume(u);
	ask(u);
	EXPECT_EQ(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_LINE |
		  KVPCI_EFFECT_EVENT_GONE, u->effect.bits);
	EXPECT_EQ(ST_SUSPENDED, cc_read(u, CC_STATUS));
	EXPECT_EQ(0, unit_event(u, NULL));
	resume(u);
	EXPECT_EQ(KVPCI_EVENT_RESUME, unit_event(u, NULL));
	ask(u);
	EXPECT_EQ(KVPCI_EVENT_SUSPEND, unit_event(u, NULL));
}

/* START was read: a reset waits for the VMM, whatever came between. */
TEST_F(suspend, reset_in_every_state)
{
	struct unit *u = &self->u;

	for (int state = 0; state < 4; state++) {
		unit_run(u);
		if (state < 2)
			ask(u);
		else
			suspend(u);
		if (state == 1)
			ASSERT_EQ(KVPCI_EVENT_SUSPEND, unit_event(u, NULL));
		if (state == 3)
			resume(u);
		cc_write(u, CC_STATUS, 0);
		EXPECT_EQ(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_LINE |
			  KVPCI_EFFECT_EVENT, u->effect.bits);
		EXPECT_NE(0, cc_read(u, CC_STATUS)) TH_LOG("state %d", state);
		EXPECT_EQ(-EALREADY, ack(u, KVPCI_EVENT_SUSPEND));
		ASSERT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
		EXPECT_EQ(0, unit_event(u, NULL)) TH_LOG("state %d", state);
		/* the way back is barred until the reset is done */
		resume(u);
		EXPECT_EQ(0, u->effect.bits);
		ASSERT_EQ(0, ack(u, KVPCI_EVENT_STOP));
		EXPECT_EQ(0, cc_read(u, CC_STATUS));
	}
}

/* What happened to queues before is told before. */
TEST_F(suspend, after_queue_events)
{
	struct unit *u = &self->u;
	struct kvpci_event event;

	unit_run(u);
	cc_write(u, CC_QUEUE_SELECT, 1);
	cc_write(u, CC_QUEUE_RESET, 1);
	unit_queue(u, 2, 64);
	ask(u);
	ASSERT_EQ(KVPCI_EVENT_QUEUE_STOP, unit_event(u, &event));
	EXPECT_EQ(1, event.queue);
	ASSERT_EQ(KVPCI_EVENT_QUEUE_START, unit_event(u, &event));
	EXPECT_EQ(2, event.queue);
	ASSERT_EQ(KVPCI_EVENT_SUSPEND, unit_event(u, &event));
	ASSERT_EQ(0, ack(u, KVPCI_EVENT_SUSPEND));
	/* a queue's reset can still be finished */
	cc_write(u, CC_QUEUE_SELECT, 1);
	EXPECT_EQ(1, cc_read(u, CC_QUEUE_RESET));
	ASSERT_EQ(0, unit_ack(u, KVPCI_EVENT_QUEUE_STOP, 1));
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_RESET));
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_ENABLE));
}

/* Once DRIVER_OK is back, queues are the backend's: RESUME, then theirs. */
TEST_F(suspend, queue_reset_before_resume_is_read)
{
	struct unit *u = &self->u;
	struct kvpci_event event;

	unit_run(u);
	suspend(u);
	resume(u);
	cc_write(u, CC_QUEUE_SELECT, 1);
	cc_write(u, CC_QUEUE_RESET, 1);
	EXPECT_EQ(1, cc_read(u, CC_QUEUE_RESET));
	unit_queue(u, 2, 64);
	ASSERT_EQ(KVPCI_EVENT_RESUME, unit_event(u, &event));
	ASSERT_EQ(KVPCI_EVENT_QUEUE_STOP, unit_event(u, &event));
	EXPECT_EQ(1, event.queue);
	ASSERT_EQ(KVPCI_EVENT_QUEUE_START, unit_event(u, &event));
	EXPECT_EQ(2, event.queue);
}

/* A device that fails to suspend or to resume says so; suspended, in silence. */
TEST_F(suspend, needs_reset)
{
	struct unit *u = &self->u;

	unit_run(u);
	ask(u);
	EXPECT_EQ(KVPCI_EFFECT_LINE, kvpci_core_fail(&u->core).bits);
	ASSERT_EQ(KVPCI_EVENT_SUSPEND, unit_event(u, NULL));
	ASSERT_EQ(0, ack(u, KVPCI_EVENT_SUSPEND));
	EXPECT_EQ(ST_SUSPENDED | ST_NEEDS_RESET, cc_read(u, CC_STATUS));
	EXPECT_EQ(0, kvpci_core_fail(&u->core).bits);
	resume(u);
	EXPECT_EQ(EFFECT_RESUME | KVPCI_EFFECT_LINE, u->effect.bits);
	EXPECT_EQ(KVPCI_EFFECT_LINE, kvpci_core_fail(&u->core).bits);
	EXPECT_EQ(ST_RUNNING | ST_NEEDS_RESET, cc_read(u, CC_STATUS));
}

/*
 * Configuration changes and suspension (1.4): none is notified while suspended,
 * and none is lost. The same for each way a notification can take.
 */
enum way { BY_VECTOR, BY_MASKED_VECTOR, BY_NO_VECTOR, BY_LINE };

#define CONFIG_VECTOR	65	/* in the second word of the PBA */

FIXTURE(config_notice) {
	struct unit u;
	struct kvpci_msg msg;
};

FIXTURE_VARIANT(config_notice) {
	enum way way;
	u16 effect;	/* of a change */
	u16 resume;	/* what one adds to the effect of a resume, PENDING aside */
};

FIXTURE_VARIANT_ADD(config_notice, vector) {
	.way = BY_VECTOR, .effect = KVPCI_EFFECT_VECTOR, .resume = 0,
};

FIXTURE_VARIANT_ADD(config_notice, masked_vector) {
	.way = BY_MASKED_VECTOR, .effect = KVPCI_EFFECT_PENDED,
	.resume = KVPCI_EFFECT_PENDED,
};

FIXTURE_VARIANT_ADD(config_notice, no_vector) {
	.way = BY_NO_VECTOR, .effect = KVPCI_EFFECT_DROPPED,
	.resume = KVPCI_EFFECT_DROPPED,
};

FIXTURE_VARIANT_ADD(config_notice, line) {
	.way = BY_LINE, .effect = KVPCI_EFFECT_LINE, .resume = KVPCI_EFFECT_LINE,
};

static void run_by(struct unit *u, enum way way)
{
	kvpci_core_set_irq_flags(&u->core, way == BY_LINE ? KVPCI_IRQ_MASTER :
				 KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_MASTER);
	unit_vector(u, CONFIG_VECTOR, 0xfee00000, 0x55,
		    way == BY_MASKED_VECTOR ? MASKED : UNMASKED);
	unit_run(u);
	cc_write(u, CC_CONFIG_VECTOR,
		 way == BY_NO_VECTOR ? NO_VECTOR : CONFIG_VECTOR);
}

FIXTURE_SETUP(config_notice)
{
	unit_describe(&self->u);
	unit_offer(&self->u, F_SUSPEND);
	ASSERT_EQ(0, unit_create(&self->u));
	run_by(&self->u, variant->way);
}

FIXTURE_TEARDOWN(config_notice)
{
	unit_destroy(&self->u);
}

/* Nothing is sent, shown or kept. */
static void expect_no_notice(struct __test_metadata *_metadata, struct unit *u)
{
	struct kvpci_msg msg;

	EXPECT_EQ(-1, kvpci_core_next_pending(&u->core, 0, &msg));
	EXPECT_EQ(0, unit_read(u, KVPCI_REGION_MSIX_PBA, 8, 8));
	EXPECT_FALSE(kvpci_core_intx(&u->core));
	EXPECT_EQ(0, u->core.isr);
}

/* One notification, which is then gone. */
static void expect_notice(struct __test_metadata *_metadata, struct unit *u,
			  enum way way)
{
	const u64 bit = BIT_ULL(CONFIG_VECTOR - 64);
	const u32 control = CONFIG_VECTOR * 16 + 12;
	struct kvpci_msg msg = { 0 };

	EXPECT_EQ(way == BY_LINE, kvpci_core_intx(&u->core));
	EXPECT_EQ(way == BY_LINE, kvpci_core_intx_status(&u->core));
	if (way == BY_MASKED_VECTOR) {
		EXPECT_EQ(-1, kvpci_core_next_pending(&u->core, 0, &msg));
		EXPECT_EQ(bit, unit_read(u, KVPCI_REGION_MSIX_PBA, 8, 8));
		unit_write(u, KVPCI_REGION_MSIX_TABLE, control, 4, 0);
		EXPECT_TRUE(u->effect.bits & KVPCI_EFFECT_VECTOR);
		EXPECT_EQ(CONFIG_VECTOR, u->effect.arg);
	}
	if (way == BY_VECTOR || way == BY_MASKED_VECTOR) {
		EXPECT_EQ(CONFIG_VECTOR, kvpci_core_next_pending(&u->core, 0, &msg));
		EXPECT_EQ(0x55, msg.data);
	}
	if (way == BY_MASKED_VECTOR)
		unit_write(u, KVPCI_REGION_MSIX_TABLE, control, 4, 1);
	EXPECT_EQ(2, unit_read(u, KVPCI_REGION_ISR, 0, 1));
	expect_no_notice(_metadata, u);
}

TEST_F(config_notice, failed_while_suspended)
{
	struct unit *u = &self->u;

	suspend(u);
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(0, kvpci_core_fail(&u->core).bits);
		EXPECT_EQ(ST_SUSPENDED | ST_NEEDS_RESET, cc_read(u, CC_STATUS));
		expect_no_notice(_metadata, u);
	}
	resume(u);
	EXPECT_EQ(EFFECT_RESUME | variant->resume, u->effect.bits);
	EXPECT_EQ(ST_RUNNING | ST_NEEDS_RESET, cc_read(u, CC_STATUS));
	expect_notice(_metadata, u, variant->way);
	ASSERT_EQ(KVPCI_EVENT_RESUME, unit_event(u, NULL));
	/* the next suspension knows nothing of it */
	suspend(u);
	resume(u);
	EXPECT_EQ(EFFECT_RESUME, u->effect.bits);
	expect_no_notice(_metadata, u);
}

/* The driver looks at all of it after a reset anyway. */
TEST_F(config_notice, taken_back_by_reset)
{
	struct unit *u = &self->u;

	suspend(u);
	EXPECT_EQ(0, kvpci_core_fail(&u->core).bits);
	cc_write(u, CC_STATUS, 0);
	ASSERT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
	EXPECT_EQ(0, kvpci_core_fail(&u->core).bits);
	ASSERT_EQ(0, ack(u, KVPCI_EVENT_STOP));
	run_by(u, variant->way);
	EXPECT_EQ(ST_RUNNING, cc_read(u, CC_STATUS));
	expect_no_notice(_metadata, u);
	suspend(u);
	resume(u);
	EXPECT_EQ(EFFECT_RESUME, u->effect.bits);
	expect_no_notice(_metadata, u);
}

/* Until the VMM acknowledges it, the device is not suspended yet. */
TEST_F(config_notice, changed_while_suspending)
{
	const u8 byte = 0x5a;
	struct unit *u = &self->u;

	ask(u);
	EXPECT_EQ(0, unit_change(u, 3, 1, &byte));
	EXPECT_EQ(variant->effect, u->effect.bits);
	expect_notice(_metadata, u, variant->way);
	ASSERT_EQ(KVPCI_EVENT_SUSPEND, unit_event(u, NULL));
	EXPECT_EQ(0, unit_change(u, 3, 1, &byte));	/* the same byte */
	EXPECT_EQ(0, u->effect.bits);
	EXPECT_EQ(variant->effect, kvpci_core_fail(&u->core).bits);
	expect_notice(_metadata, u, variant->way);
	ASSERT_EQ(0, ack(u, KVPCI_EVENT_SUSPEND));
	resume(u);
	EXPECT_EQ(EFFECT_RESUME, u->effect.bits);
	expect_no_notice(_metadata, u);
}

/* What the ACK overtakes, before it was sent or looked at, waits. */
TEST_F(config_notice, failed_before_ack)
{
	struct unit *u = &self->u;
	u8 isr;

	ask(u);
	ASSERT_EQ(KVPCI_EVENT_SUSPEND, unit_event(u, NULL));
	EXPECT_EQ(variant->effect, kvpci_core_fail(&u->core).bits);
	isr = u->core.isr;
	ASSERT_EQ(0, ack(u, KVPCI_EVENT_SUSPEND));
	EXPECT_EQ(-1, kvpci_core_next_pending(&u->core, 0, &self->msg));
	EXPECT_EQ(2, isr);
	EXPECT_EQ(isr, u->core.isr);
	resume(u);
	EXPECT_EQ(EFFECT_RESUME, u->effect.bits);
	expect_notice(_metadata, u, variant->way);
}

/* A driver that suspends again before anything was sent gets it later. */
TEST_F(config_notice, resume_taken_back)
{
	struct unit *u = &self->u;

	suspend(u);
	EXPECT_EQ(0, kvpci_core_fail(&u->core).bits);
	resume(u);
	ask(u);
	EXPECT_EQ(ST_SUSPENDED | ST_NEEDS_RESET, cc_read(u, CC_STATUS));
	EXPECT_EQ(-1, kvpci_core_next_pending(&u->core, 0, &self->msg));
	resume(u);
	EXPECT_EQ(EFFECT_RESUME, u->effect.bits);
	expect_notice(_metadata, u, variant->way);
}

TEST_HARNESS_MAIN
