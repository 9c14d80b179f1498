// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals that are put off, because sending them takes long: what becomes of them
 * until they are sent, and with which reset they go (R47).
 */
#include "unit.h"
#include "kselftest_harness.h"

#define MSIX_ON		(KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_MASTER)
#define DATA(v)		(0x40 + (v))

FIXTURE(deferred) {
	struct unit u;
	struct kvpci_msg msg;
};

FIXTURE_SETUP(deferred)
{
	struct unit *u = &self->u;

	unit_describe(u);
	unit_offer(u, F_SUSPEND);
	ASSERT_EQ(0, unit_create(u));
	for (u32 v = 0; v < UNIT_VECTORS; v++)
		unit_vector(u, v, 0xfeeff000, DATA(v), UNMASKED);
	kvpci_core_set_irq_flags(&u->core, MSIX_ON);
}

FIXTURE_TEARDOWN(deferred)
{
	unit_destroy(&self->u);
}

/* A signal that is to be sent, and is put off. */
static void defer(struct __test_metadata *_metadata, struct unit *u, u32 queue)
{
	struct kvpci_msg msg;

	ASSERT_EQ(KVPCI_IRQ_SEND, kvpci_core_signal(&u->core, queue, &msg));
	kvpci_core_defer(&u->core, queue);
}

static void reset_queue(struct unit *u, u32 queue)
{
	cc_write(u, CC_QUEUE_SELECT, queue);
	cc_write(u, CC_QUEUE_RESET, 1);
}

TEST_F(deferred, sent_later)
{
	struct unit *u = &self->u;

	unit_run(u);
	EXPECT_EQ(-1, kvpci_core_next_deferred(&u->core, 0));
	defer(_metadata, u, 1);
	defer(_metadata, u, 0);
	/* one wait for one that waits already */
	defer(_metadata, u, 0);
	EXPECT_EQ(0, kvpci_core_next_deferred(&u->core, 0));
	EXPECT_EQ(1, kvpci_core_next_deferred(&u->core, 1));
	EXPECT_EQ(-1, kvpci_core_next_deferred(&u->core, 2));
	EXPECT_EQ(-1, kvpci_core_next_deferred(&u->core, 0));
	EXPECT_EQ(KVPCI_IRQ_SEND, kvpci_core_signal(&u->core, 1, &self->msg));
	EXPECT_EQ(DATA(2), self->msg.data);
	EXPECT_EQ(2, self->msg.vector);
	/* it was never in the PBA */
	EXPECT_EQ(0, unit_read(u, KVPCI_REGION_MSIX_PBA, 0, 8));
}

/* What was decided then is decided upon anew. */
TEST_F(deferred, masked_meanwhile)
{
	struct unit *u = &self->u;

	unit_run(u);
	defer(_metadata, u, 0);
	unit_write(u, KVPCI_REGION_MSIX_TABLE, 16 + 12, 4, 1);
	EXPECT_EQ(0, kvpci_core_next_deferred(&u->core, 0));
	EXPECT_EQ(KVPCI_IRQ_PEND, kvpci_core_signal(&u->core, 0, &self->msg));
	EXPECT_EQ(2, unit_read(u, KVPCI_REGION_MSIX_PBA, 0, 8));
	EXPECT_EQ(-1, kvpci_core_next_deferred(&u->core, 0));

	/* another vector, another message; no vector, none */
	defer(_metadata, u, 1);
	cc_write(u, CC_QUEUE_SELECT, 1);
	cc_write(u, CC_QUEUE_VECTOR, 7);
	EXPECT_EQ(1, kvpci_core_next_deferred(&u->core, 0));
	EXPECT_EQ(KVPCI_IRQ_SEND, kvpci_core_signal(&u->core, 1, &self->msg));
	EXPECT_EQ(DATA(7), self->msg.data);
	kvpci_core_defer(&u->core, 1);
	cc_write(u, CC_QUEUE_VECTOR, NO_VECTOR);
	EXPECT_EQ(1, kvpci_core_next_deferred(&u->core, 0));
	EXPECT_EQ(KVPCI_IRQ_DROP, kvpci_core_signal(&u->core, 1, &self->msg));

	/* MSI-X off: the line takes over */
	cc_write(u, CC_QUEUE_VECTOR, 7);
	defer(_metadata, u, 1);
	kvpci_core_set_irq_flags(&u->core, KVPCI_IRQ_MASTER);
	EXPECT_EQ(1, kvpci_core_next_deferred(&u->core, 0));
	EXPECT_EQ(KVPCI_IRQ_INTX, kvpci_core_signal(&u->core, 1, &self->msg));
	EXPECT_TRUE(kvpci_core_intx(&u->core));
}

TEST_F(deferred, queue_reset)
{
	struct unit *u = &self->u;

	unit_run(u);
	defer(_metadata, u, 0);
	defer(_metadata, u, 1);
	reset_queue(u, 0);
	EXPECT_EQ(KVPCI_IRQ_DROP, kvpci_core_signal(&u->core, 0, &self->msg));
	ASSERT_EQ(KVPCI_EVENT_QUEUE_STOP, unit_event(u, NULL));
	ASSERT_EQ(0, unit_ack(u, KVPCI_EVENT_QUEUE_STOP, 0));
	/* the other queue's is still there, and the next life has none */
	EXPECT_EQ(1, kvpci_core_next_deferred(&u->core, 0));
	unit_queue(u, 0, 256);
	ASSERT_EQ(KVPCI_EVENT_QUEUE_START, unit_event(u, NULL));
	EXPECT_EQ(-1, kvpci_core_next_deferred(&u->core, 0));
}

/* Between the reset and its end it may be taken, but is not sent. */
TEST_F(deferred, queue_under_reset)
{
	struct unit *u = &self->u;

	unit_run(u);
	defer(_metadata, u, 0);
	reset_queue(u, 0);
	if (kvpci_core_next_deferred(&u->core, 0) >= 0)
		EXPECT_EQ(KVPCI_IRQ_DROP,
			  kvpci_core_signal(&u->core, 0, &self->msg));
	EXPECT_EQ(-1, kvpci_core_next_pending(&u->core, 0, &self->msg));
	EXPECT_EQ(-1, kvpci_core_next_deferred(&u->core, 0));
}

/* A reset that is done at once: START, or QUEUE_START, has not been read. */
TEST_F(deferred, queue_reset_at_once)
{
	struct unit *u = &self->u;

	unit_start(u);
	defer(_metadata, u, 0);
	reset_queue(u, 0);
	EXPECT_EQ(-1, kvpci_core_next_deferred(&u->core, 0));
	unit_queue(u, 0, 256);
	EXPECT_EQ(-1, kvpci_core_next_deferred(&u->core, 0));

	ASSERT_EQ(KVPCI_EVENT_START, unit_event(u, NULL));
	unit_queue(u, 2, 64);
	defer(_metadata, u, 2);
	reset_queue(u, 2);
	EXPECT_EQ(-1, kvpci_core_next_deferred(&u->core, 0));
}

TEST_F(deferred, device_reset)
{
	struct unit *u = &self->u;

	for (int acked = 0; acked < 2; acked++) {
		unit_start(u);
		if (acked)
			ASSERT_EQ(KVPCI_EVENT_START, unit_event(u, NULL));
		defer(_metadata, u, 0);
		defer(_metadata, u, 1);
		cc_write(u, CC_STATUS, 0);
		if (acked) {
			EXPECT_EQ(KVPCI_IRQ_DROP,
				  kvpci_core_signal(&u->core, 0, &self->msg));
			ASSERT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
			ASSERT_EQ(0, unit_ack(u, KVPCI_EVENT_STOP,
					      KVPCI_EVENT_NO_QUEUE));
		}
		EXPECT_EQ(-1, kvpci_core_next_deferred(&u->core, 0));
		/* nor in the device's next life */
		unit_run(u);
		EXPECT_EQ(-1, kvpci_core_next_deferred(&u->core, 0));
		cc_write(u, CC_STATUS, 0);
		ASSERT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
		ASSERT_EQ(0, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	}
}

/* The walk over many queues, at the ends of words too. */
TEST_F(deferred, many_queues)
{
	static const u32 queues[] = { 0, 1, 62, 63, 64, 65, 127, 128, 199 };
	struct unit *u = &self->u;
	int from = 0;

	unit_destroy(u);
	unit_describe(u);
	u->desc.num_queues = 200;
	for (u32 q = 0; q < u->desc.num_queues; q++)
		u->sizes[q] = 256;
	ASSERT_EQ(0, unit_create(u));
	unit_run(u);
	for (size_t i = 0; i < ARRAY_SIZE(queues); i++)
		kvpci_core_defer(&u->core, queues[i]);
	for (size_t i = 0; i < ARRAY_SIZE(queues); i++) {
		ASSERT_EQ((int)queues[i], kvpci_core_next_deferred(&u->core, from));
		from = queues[i] + 1;
	}
	EXPECT_EQ(-1, kvpci_core_next_deferred(&u->core, from));
	EXPECT_EQ(-1, kvpci_core_next_deferred(&u->core, 0));
}

/* 1.4: the driver suspends the device, and has its features accepted for it. */
static void suspend(struct __test_metadata *_metadata, struct unit *u)
{
	cc_write(u, CC_STATUS, cc_read(u, CC_STATUS) | ST_SUSPEND);
	ASSERT_EQ(KVPCI_EVENT_SUSPEND, unit_event(u, NULL));
}

/* What was asked for before a suspension is sent at the resume, if not before. */
TEST_F(deferred, suspension)
{
	struct unit *u = &self->u;
	struct kvpci_effect effect;

	unit_run(u);
	EXPECT_EQ(-EALREADY, kvpci_core_silence(&u->core, &effect));
	defer(_metadata, u, 0);
	suspend(_metadata, u);
	ASSERT_EQ(0, kvpci_core_silence(&u->core, &effect));
	EXPECT_EQ(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_LINE, effect.bits);
	/* Nothing is sent any more, and the driver sees nothing yet. */
	EXPECT_EQ(-1, kvpci_core_next_deferred(&u->core, 0));
	EXPECT_EQ(KVPCI_IRQ_DROP, kvpci_core_signal(&u->core, 1, &self->msg));
	EXPECT_EQ(-1, kvpci_core_next_pending(&u->core, 0, &self->msg));
	EXPECT_EQ(ST_RUNNING, cc_read(u, CC_STATUS));
	/* A change is remembered from now on. */
	EXPECT_EQ(0, kvpci_core_fail(&u->core).bits);
	ASSERT_EQ(0, kvpci_core_ack(&u->core, KVPCI_EVENT_SUSPEND,
				    KVPCI_EVENT_NO_QUEUE, &effect));
	EXPECT_EQ(2, unit_read(u, KVPCI_REGION_MSIX_PBA, 0, 8));
	cc_write(u, CC_STATUS, ST_RUNNING);
	EXPECT_TRUE(u->effect.bits & KVPCI_EFFECT_PENDING);
	EXPECT_EQ(1, kvpci_core_next_pending(&u->core, 0, &self->msg));
	EXPECT_EQ(DATA(1), self->msg.data);
	EXPECT_EQ(2, unit_read(u, KVPCI_REGION_ISR, 0, 1) & 2);
}

/* A reset comes between: the silence goes with the life of the device. */
TEST_F(deferred, reset_of_a_silent_device)
{
	struct unit *u = &self->u;
	struct kvpci_effect effect;

	unit_run(u);
	suspend(_metadata, u);
	ASSERT_EQ(0, kvpci_core_silence(&u->core, &effect));
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(-EALREADY, kvpci_core_ack(&u->core, KVPCI_EVENT_SUSPEND,
					    KVPCI_EVENT_NO_QUEUE, &effect));
	ASSERT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
	ASSERT_EQ(0, kvpci_core_ack(&u->core, KVPCI_EVENT_STOP,
				    KVPCI_EVENT_NO_QUEUE, &effect));
	unit_run(u);
	EXPECT_EQ(KVPCI_IRQ_SEND, kvpci_core_signal(&u->core, 1, &self->msg));
}

TEST_HARNESS_MAIN
