// SPDX-License-Identifier: GPL-2.0-only
/*
 * Doorbells: which queue is meant, and when nobody is (R18 to R22).
 */
#include "unit.h"
#include "kselftest_harness.h"

#define IO_DOORBELL	0x44	/* multiplier 0 */
#define MEM_DOORBELLS	0x1000	/* multiplier 4 */

FIXTURE(doorbell) {
	struct unit u;
};

FIXTURE_SETUP(doorbell)
{
	ASSERT_EQ(0, unit_default(&self->u));
}

FIXTURE_TEARDOWN(doorbell)
{
	unit_destroy(&self->u);
}

/* R18: the address by queue_notify_off, as a driver computes it. */
TEST_F(doorbell, every_queue)
{
	struct unit *u = &self->u;

	unit_negotiate(u);
	for (u32 q = 0; q < UNIT_QUEUES; q++) {
		u32 at;

		unit_queue(u, q, 2);
		cc_write(u, CC_QUEUE_SELECT, q);
		if (q == UNIT_ABSENT)
			continue;
		at = MEM_DOORBELLS + 4 * cc_read(u, CC_QUEUE_NOTIFY_OFF);
		unit_bar_write(u, UNIT_BAR_MEM, at, 2, q);
		EXPECT_EQ(KVPCI_DOORBELL_KICK, u->doorbell);
		EXPECT_EQ(q, u->rung);
		unit_bar_write(u, UNIT_BAR_IO, IO_DOORBELL, 2, q);
		EXPECT_EQ(KVPCI_DOORBELL_KICK, u->doorbell);
		EXPECT_EQ(q, u->rung);
	}
}

TEST_F(doorbell, dropped_and_other)
{
	static const struct {
		u32 bar, offset, length;
		u64 value;
		enum kvpci_doorbell means;
	} rows[] = {
		{ UNIT_BAR_MEM, MEM_DOORBELLS + 8, 2, 2, KVPCI_DOORBELL_DROP },
		{ UNIT_BAR_MEM, MEM_DOORBELLS + 4 * UNIT_ABSENT, 2, 3,
		  KVPCI_DOORBELL_DROP },
		{ UNIT_BAR_MEM, MEM_DOORBELLS + 4 * UNIT_QUEUES, 2, 5,
		  KVPCI_DOORBELL_DROP },
		{ UNIT_BAR_MEM, MEM_DOORBELLS + 0xffc, 2, 0,
		  KVPCI_DOORBELL_DROP },
		{ UNIT_BAR_MEM, MEM_DOORBELLS + 2, 2, 0, KVPCI_DOORBELL_OTHER },
		{ UNIT_BAR_MEM, MEM_DOORBELLS, 1, 0, KVPCI_DOORBELL_OTHER },
		{ UNIT_BAR_MEM, MEM_DOORBELLS, 4, 0, KVPCI_DOORBELL_OTHER },
		{ UNIT_BAR_MEM, MEM_DOORBELLS, 8, 0, KVPCI_DOORBELL_OTHER },
		{ UNIT_BAR_IO, IO_DOORBELL, 2, 2, KVPCI_DOORBELL_DROP },
		{ UNIT_BAR_IO, IO_DOORBELL, 2, UNIT_ABSENT,
		  KVPCI_DOORBELL_DROP },
		{ UNIT_BAR_IO, IO_DOORBELL, 2, UNIT_QUEUES,
		  KVPCI_DOORBELL_DROP },
		{ UNIT_BAR_IO, IO_DOORBELL, 2, 0xffff, KVPCI_DOORBELL_DROP },
		{ UNIT_BAR_IO, IO_DOORBELL, 1, 0, KVPCI_DOORBELL_OTHER },
		{ UNIT_BAR_IO, IO_DOORBELL, 4, 0, KVPCI_DOORBELL_OTHER },
		{ UNIT_BAR_IO, IO_DOORBELL + 2, 2, 0, KVPCI_DOORBELL_OTHER },
	};
	struct unit *u = &self->u;

	unit_run(u);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_bar_write(u, rows[i].bar, rows[i].offset, rows[i].length,
			       rows[i].value);
		EXPECT_EQ(rows[i].means, u->doorbell)
			TH_LOG("BAR %u offset %#x length %u value %llu",
			       rows[i].bar, rows[i].offset, rows[i].length,
			       (unsigned long long)rows[i].value);
	}
}

/* Where each queue has an address of its own the value is not looked at. */
TEST_F(doorbell, address_beats_value)
{
	struct unit *u = &self->u;

	unit_run(u);
	unit_bar_write(u, UNIT_BAR_MEM, MEM_DOORBELLS + 4, 2, 0);
	EXPECT_EQ(KVPCI_DOORBELL_KICK, u->doorbell);
	EXPECT_EQ(1, u->rung);
	unit_bar_write(u, UNIT_BAR_MEM, MEM_DOORBELLS, 2, 0xffff);
	EXPECT_EQ(KVPCI_DOORBELL_KICK, u->doorbell);
	EXPECT_EQ(0, u->rung);
}

/*
 * No kick is lost between DRIVER_OK and the START event, none passes to a
 * queue under reset, or after a reset.
 */
TEST_F(doorbell, life_cycle)
{
	struct unit *u = &self->u;
	const u32 bar = UNIT_BAR_MEM, at = MEM_DOORBELLS;

	unit_bar_write(u, bar, at, 2, 0);
	EXPECT_EQ(KVPCI_DOORBELL_DROP, u->doorbell);
	unit_start(u);
	unit_bar_write(u, bar, at, 2, 0);
	EXPECT_EQ(KVPCI_DOORBELL_KICK, u->doorbell);
	ASSERT_EQ(KVPCI_EVENT_START, unit_event(u, NULL));
	unit_bar_write(u, bar, at, 2, 0);
	EXPECT_EQ(KVPCI_DOORBELL_KICK, u->doorbell);
	cc_write(u, CC_QUEUE_SELECT, 0);
	cc_write(u, CC_QUEUE_RESET, 1);
	unit_bar_write(u, bar, at, 2, 0);
	EXPECT_EQ(KVPCI_DOORBELL_DROP, u->doorbell);
	unit_bar_write(u, bar, at + 4, 2, 1);
	EXPECT_EQ(KVPCI_DOORBELL_KICK, u->doorbell);
	ASSERT_EQ(KVPCI_EVENT_QUEUE_STOP, unit_event(u, NULL));
	ASSERT_EQ(0, unit_ack(u, KVPCI_EVENT_QUEUE_STOP, 0));
	unit_bar_write(u, bar, at, 2, 0);
	EXPECT_EQ(KVPCI_DOORBELL_DROP, u->doorbell);
	unit_queue(u, 0, 64);
	unit_bar_write(u, bar, at, 2, 0);
	EXPECT_EQ(KVPCI_DOORBELL_KICK, u->doorbell);
	cc_write(u, CC_STATUS, 0);
	ASSERT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
	ASSERT_EQ(0, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	unit_bar_write(u, bar, at, 2, 0);
	EXPECT_EQ(KVPCI_DOORBELL_DROP, u->doorbell);
}

/* Multipliers from 2 to a page of its own for each queue. */
TEST_F(doorbell, multipliers)
{
	struct unit u;

	for (u32 multiplier = 2; multiplier <= 4096; multiplier *= 2) {
		unit_describe(&u);
		u.desc.bars[4] = (struct kvpci_bar){ KVPCI_BAR_MEM32, 0x8000 };
		unit_add_region(&u, (struct kvpci_region){
			KVPCI_REGION_NOTIFY, 4, 0, 0x8000, multiplier, 0 });
		ASSERT_EQ(0, unit_create(&u));
		unit_start(&u);
		for (u32 at = 0; at < 0x8000; at += 2) {
			u32 q = at / multiplier;
			enum kvpci_doorbell expect =
				at % multiplier ? KVPCI_DOORBELL_OTHER :
				q < 2 ? KVPCI_DOORBELL_KICK : KVPCI_DOORBELL_DROP;

			unit_bar_write(&u, 4, at, 2, 0);
			ASSERT_EQ(expect, u.doorbell)
				TH_LOG("multiplier %u offset %u", multiplier,
				       at);
			if (expect == KVPCI_DOORBELL_KICK)
				EXPECT_EQ(q, u.rung);
		}
		unit_destroy(&u);
	}
}

#define WORDS	BIT(0)	/* F_NOTIFICATION_DATA */
#define DATA	BIT(1)	/* F_NOTIF_CONFIG_DATA, with values of its own */

/* A device that offers more than the default, with the driver running. */
static void run_with(struct unit *u, u32 offers)
{
	unit_destroy(u);
	unit_describe(u);
	if (offers & WORDS)
		unit_offer(u, F_NOTIFICATION_DATA);
	if (offers & DATA) {
		unit_offer(u, F_NOTIF_CONFIG_DATA);
		unit_identify(u);
	}
	if (unit_create(u))
		abort();
	unit_run(u);
}

static u32 kept_word(struct unit *u, u32 queue)
{
	struct kvpci_queue_state state = { .notification = 0xa5a5a5a5 };

	kvpci_core_queue_state(&u->core, queue, &state);
	return state.notification;
}

/* R22: 32 bits, the newest kept with the queue they are for. */
TEST_F(doorbell, notification_data)
{
	static const struct {
		u32 bar, offset, length, value;
		enum kvpci_doorbell means;
		u32 queue;
	} rows[] = {
		{ UNIT_BAR_MEM, MEM_DOORBELLS, 4, 0x80050000,
		  KVPCI_DOORBELL_KICK, 0 },
		{ UNIT_BAR_MEM, MEM_DOORBELLS + 4, 4, 0x12340001,
		  KVPCI_DOORBELL_KICK, 1 },
		{ UNIT_BAR_IO, IO_DOORBELL, 4, 0xffff0000,
		  KVPCI_DOORBELL_KICK, 0 },
		{ UNIT_BAR_IO, IO_DOORBELL, 4, 0x00010001,
		  KVPCI_DOORBELL_KICK, 1 },
		{ UNIT_BAR_IO, IO_DOORBELL, 4, 0x00010002,
		  KVPCI_DOORBELL_DROP, 2 },
		{ UNIT_BAR_IO, IO_DOORBELL, 4, 0x0001ffff,
		  KVPCI_DOORBELL_DROP, 0xffff },
		{ UNIT_BAR_MEM, MEM_DOORBELLS + 4 * UNIT_QUEUES, 4, 0,
		  KVPCI_DOORBELL_DROP, UNIT_QUEUES },
		/* 4.1.5.2.1: MUST be a 32-bit notification */
		{ UNIT_BAR_MEM, MEM_DOORBELLS, 2, 0, KVPCI_DOORBELL_OTHER, UNIT_NO_RING },
		{ UNIT_BAR_MEM, MEM_DOORBELLS, 8, 0, KVPCI_DOORBELL_OTHER, UNIT_NO_RING },
		{ UNIT_BAR_MEM, MEM_DOORBELLS, 1, 0, KVPCI_DOORBELL_OTHER, UNIT_NO_RING },
		{ UNIT_BAR_IO, IO_DOORBELL, 2, 0, KVPCI_DOORBELL_OTHER, UNIT_NO_RING },
		{ UNIT_BAR_MEM, MEM_DOORBELLS + 2, 4, 0, KVPCI_DOORBELL_OTHER, UNIT_NO_RING },
	};
	u32 words[UNIT_QUEUES] = { 0 };
	struct unit *u = &self->u;

	run_with(u, WORDS);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_bar_write(u, rows[i].bar, rows[i].offset, rows[i].length,
			       rows[i].value);
		EXPECT_EQ(rows[i].means, u->doorbell) TH_LOG("row %zu", i);
		EXPECT_EQ(rows[i].queue, u->rung) TH_LOG("row %zu", i);
		if (rows[i].means == KVPCI_DOORBELL_KICK)
			words[rows[i].queue] = rows[i].value;
		for (u32 q = 0; q < UNIT_QUEUES; q++) {
			EXPECT_EQ(words[q], kept_word(u, q))
				TH_LOG("row %zu queue %u", i, q);
		}
	}
}

/* A word is of one life of its queue; a driver that declined sends none. */
TEST_F(doorbell, notification_data_life_cycle)
{
	struct unit *u = &self->u;

	run_with(u, WORDS);
	unit_bar_write(u, UNIT_BAR_IO, IO_DOORBELL, 4, 0x00070000);
	EXPECT_EQ(0x00070000, kept_word(u, 0));
	cc_write(u, CC_QUEUE_SELECT, 0);
	cc_write(u, CC_QUEUE_RESET, 1);
	unit_bar_write(u, UNIT_BAR_IO, IO_DOORBELL, 4, 0x00080000);
	EXPECT_EQ(0x00070000, kept_word(u, 0));
	ASSERT_EQ(KVPCI_EVENT_QUEUE_STOP, unit_event(u, NULL));
	ASSERT_EQ(0, unit_ack(u, KVPCI_EVENT_QUEUE_STOP, 0));
	EXPECT_EQ(0, kept_word(u, 0));

	cc_write(u, CC_STATUS, 0);
	ASSERT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
	ASSERT_EQ(0, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	unit_negotiate_least(u);
	unit_queue(u, 0, 256);
	cc_write(u, CC_STATUS, ST_RUNNING);
	unit_bar_write(u, UNIT_BAR_IO, IO_DOORBELL, 4, 0x00090000);
	EXPECT_EQ(KVPCI_DOORBELL_OTHER, u->doorbell);
	unit_bar_write(u, UNIT_BAR_IO, IO_DOORBELL, 2, 0);
	EXPECT_EQ(KVPCI_DOORBELL_KICK, u->doorbell);
	EXPECT_EQ(0, kept_word(u, 0));
}

/* R21: queue_notif_config_data instead of the index, whatever the width. */
TEST_F(doorbell, notif_config_data)
{
	struct unit *u = &self->u;

	for (int words = 0; words < 2; words++) {
		u32 width = words ? 4 : 2;

		run_with(u, words ? WORDS | DATA : DATA);
		for (u32 q = 0; q < 2; q++) {
			u64 data;

			cc_write(u, CC_QUEUE_SELECT, q);
			data = cc_read(u, CC_QUEUE_NOTIF_DATA);
			EXPECT_EQ(4000 - 7 * q, data);
			if (words)
				data |= 0x80010000;
			unit_bar_write(u, UNIT_BAR_IO, IO_DOORBELL, width, data);
			EXPECT_EQ(KVPCI_DOORBELL_KICK, u->doorbell);
			EXPECT_EQ(q, u->rung);
			EXPECT_EQ(words ? data : 0, kept_word(u, q));
			unit_bar_write(u, UNIT_BAR_MEM, MEM_DOORBELLS + 4 * q,
				       width, data);
			EXPECT_EQ(KVPCI_DOORBELL_KICK, u->doorbell);
			EXPECT_EQ(q, u->rung);
		}
		/* no value but the ones given rings, the index neither */
		for (u32 value = 0; value < 0x10000; value++) {
			unit_bar_write(u, UNIT_BAR_IO, IO_DOORBELL, width, value);
			ASSERT_EQ(value == 4000 || value == 4000 - 7 ?
				  KVPCI_DOORBELL_KICK : KVPCI_DOORBELL_DROP,
				  u->doorbell) TH_LOG("value %u", value);
		}
	}
	/* where no values are given they are the indices */
	unit_destroy(u);
	unit_describe(u);
	unit_offer(u, F_NOTIF_CONFIG_DATA);
	ASSERT_EQ(0, unit_create(u));
	unit_run(u);
	cc_write(u, CC_QUEUE_SELECT, 1);
	EXPECT_EQ(1, cc_read(u, CC_QUEUE_NOTIF_DATA));
	unit_bar_write(u, UNIT_BAR_IO, IO_DOORBELL, 2, 1);
	EXPECT_EQ(KVPCI_DOORBELL_KICK, u->doorbell);
	EXPECT_EQ(1, u->rung);
}

/* Offered but not accepted: the index, as ever. */
TEST_F(doorbell, notif_config_data_declined)
{
	struct unit *u = &self->u;

	run_with(u, DATA);
	cc_write(u, CC_STATUS, 0);
	ASSERT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
	ASSERT_EQ(0, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	unit_negotiate_least(u);
	unit_queue(u, 1, 64);
	cc_write(u, CC_STATUS, ST_RUNNING);
	unit_bar_write(u, UNIT_BAR_IO, IO_DOORBELL, 2, 4000 - 7);
	EXPECT_EQ(KVPCI_DOORBELL_DROP, u->doorbell);
	unit_bar_write(u, UNIT_BAR_IO, IO_DOORBELL, 2, 1);
	EXPECT_EQ(KVPCI_DOORBELL_KICK, u->doorbell);
	EXPECT_EQ(1, u->rung);
}

TEST_HARNESS_MAIN
