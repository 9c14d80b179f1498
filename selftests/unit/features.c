// SPDX-License-Identifier: GPL-2.0-only
/* What a driver may accept: features, and what each of them needs. */
#include "unit.h"
#include "kselftest_harness.h"

FIXTURE(features) {
	struct unit u;
};

FIXTURE_SETUP(features)
{
	ASSERT_EQ(0, unit_default(&self->u));
}

FIXTURE_TEARDOWN(features)
{
	unit_destroy(&self->u);
}

/* R43: FEATURES_OK reads back only for a set the device can accept. */
TEST_F(features, ok)
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
			unit_accept(&u, w, rows[i].words[w]);
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
TEST_F(features, dependencies)
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
			unit_accept(&u, w, rows[i].words[w]);
		cc_write(&u, CC_STATUS, ST_READY);
		EXPECT_EQ(rows[i].ok, !!(cc_read(&u, CC_STATUS) & ST_FEATURES_OK))
			TH_LOG("row '%s'", rows[i].name);
		unit_destroy(&u);
	}
}

/* A need of VERSION_1 makes a feature compulsory. */
TEST_F(features, compulsory)
{
	struct unit *u = &self->u;

	unit_destroy(u);
	unit_describe(u);
	unit_need(u, F_VERSION_1, BIT_ULL(29), 0);
	ASSERT_EQ(0, unit_create(u));
	unit_accept(u, 1, BIT(0));
	cc_write(u, CC_STATUS, ST_READY);
	EXPECT_FALSE(cc_read(u, CC_STATUS) & ST_FEATURES_OK);
	unit_accept(u, 0, BIT(29));
	cc_write(u, CC_STATUS, ST_READY);
	EXPECT_TRUE(cc_read(u, CC_STATUS) & ST_FEATURES_OK);
}

/* What a VMM that wants to be asked is asked: FEATURES_OK, nothing else. */
TEST_F(features, asked)
{
	struct unit *u = &self->u;
	const struct kvpci_region *common, *device;

	for (int ask = 0; ask < 2; ask++) {
		unit_destroy(u);
		unit_describe(u);
		u->desc.flags = ask ? KVPCI_DEVICE_EXIT_FEATURES : 0;
		ASSERT_EQ(0, unit_create(u));
		common = kvpci_core_find(&u->core, UNIT_BAR_MEM, 0, 1);
		device = kvpci_core_find(&u->core, UNIT_BAR_MEM, 0x200, 1);
		unit_accept(u, 0, 2);	/* not offered */
		unit_accept(u, 1, BIT(0));
#define ASKS(region, at, length, value) \
	kvpci_core_write_exits(&u->core, region, at, length, value)
		EXPECT_FALSE(ASKS(common, CC_STATUS, 1, ST_READY));
		unit_accept(u, 0, 1);
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
TEST_F(features, second_try)
{
	struct unit *u = &self->u;

	cc_write(u, CC_STATUS, ST_ACKNOWLEDGE | ST_DRIVER);
	unit_accept(u, 0, 2);
	unit_accept(u, 1, BIT(0));
	cc_write(u, CC_STATUS, ST_READY);
	ASSERT_EQ(ST_ACKNOWLEDGE | ST_DRIVER, cc_read(u, CC_STATUS));
	unit_accept(u, 0, 1);
	cc_write(u, CC_STATUS, ST_READY);
	EXPECT_EQ(ST_READY, cc_read(u, CC_STATUS));
}

/* R43: after FEATURES_OK the set is fixed. */
TEST_F(features, sealed)
{
	struct unit *u = &self->u;

	cc_write(u, CC_STATUS, ST_ACKNOWLEDGE | ST_DRIVER);
	unit_accept(u, 0, 1);
	unit_accept(u, 1, BIT(0));
	cc_write(u, CC_STATUS, ST_READY);
	unit_accept(u, 0, 0x20);
	EXPECT_EQ(1, cc_read(u, CC_DRIVER_FEATURE));
	unit_accept(u, 1, 0);
	EXPECT_EQ(BIT(0), cc_read(u, CC_DRIVER_FEATURE));
	EXPECT_EQ(1, u->core.driver_features[0]);
	EXPECT_EQ(BIT(0), u->core.driver_features[1]);
}

/* R44 */
TEST_F(features, accepted_again)
{
	struct unit *u = &self->u;

	for (int i = 0; i < 3; i++) {
		unit_start(u);
		EXPECT_EQ(ST_RUNNING, cc_read(u, CC_STATUS));
		cc_write(u, CC_STATUS, 0);
		EXPECT_EQ(0, cc_read(u, CC_STATUS));
	}
}

/* Nothing is judged here: what the VMM accepts the core may refuse. */
static int accept_seen(struct unit *u, const __u64 seen[2])
{
	const struct kvpci_device_features_ok ok = {
		.status = ST_READY, .driver_features = { seen[0], seen[1] },
	};
	struct kvpci_effect effect;

	return kvpci_core_features_ok(&u->core, &ok, &effect);
}

/* What the VMM saw is what the driver has written: all 128 bits of it. */
TEST_F(features, compared)
{
	const __u64 seen[2] = { 0x9234567812345679, 0x8000000140000002 };
	struct unit *u = &self->u;

	cc_write(u, CC_STATUS, ST_ACKNOWLEDGE | ST_DRIVER);
	for (u32 w = 0; w < KVPCI_FEATURE_WORDS; w++)
		unit_accept(u, w, (u32)(seen[w / 2] >> (w % 2 * 32)));
	EXPECT_EQ(-EINVAL, accept_seen(u, seen));
	u->core.exits = KVPCI_DEVICE_EXIT_FEATURES;
	EXPECT_EQ(0, accept_seen(u, seen));
	for (u32 bit = 0; bit < 32 * KVPCI_FEATURE_WORDS; bit++) {
		__u64 other[2] = { seen[0], seen[1] };

		other[bit / 64] ^= BIT_ULL(bit % 64);
		EXPECT_EQ(-EAGAIN, accept_seen(u, other))
			TH_LOG("bit %u", bit);
	}
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(-EAGAIN, accept_seen(u, seen));
	EXPECT_EQ(0, accept_seen(u, (const __u64[2]) { 0, 0 }));
}

TEST_HARNESS_MAIN
