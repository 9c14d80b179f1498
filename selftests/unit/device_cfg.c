// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device configuration: what the driver may read and write, and the
 * generation that tells it of changes (R10, R46).
 */
#include "unit.h"
#include "kselftest_harness.h"

FIXTURE(device) {
	struct unit u;
};

FIXTURE_SETUP(device)
{
	ASSERT_EQ(0, unit_default(&self->u));
	for (u32 i = 0; i < UNIT_CONFIG; i++)
		self->u.core.device_config[i] = 0x10 + i;
}

FIXTURE_TEARDOWN(device)
{
	unit_destroy(&self->u);
}

static u64 bytes_from(u32 first, unsigned int length)
{
	u64 value = 0;

	while (length--)
		value = value << 8 | (0x10 + first + length);
	return value;
}

/* R46: at status 0, in any width that stays inside. */
TEST_F(device, read)
{
	static const unsigned int lengths[] = { 1, 2, 4, 8 };
	struct unit *u = &self->u;

	for (u32 at = 0; at < UNIT_CONFIG; at++) {
		for (size_t l = 0; l < ARRAY_SIZE(lengths); l++) {
			bool inside = at + lengths[l] <= UNIT_CONFIG;
			u64 value;

			if (at % lengths[l])
				continue;
			value = unit_read(u, KVPCI_REGION_DEVICE, at,
					  lengths[l]);
			EXPECT_EQ(inside ? bytes_from(at, lengths[l]) : 0,
				  value)
				TH_LOG("%u bytes at %u", lengths[l], at);
			EXPECT_EQ(inside ? 0 :
				  KVPCI_EFFECT_OTHER, u->effect.bits);
		}
	}
}

/* A region may be longer than the configuration: the rest reads 0. */
TEST_F(device, beyond_the_end)
{
	static const u32 offsets[] = {
		UNIT_CONFIG - 3, UNIT_CONFIG - 1, UNIT_CONFIG, UNIT_CONFIG + 4,
		0xff8,
	};
	struct unit *u = &self->u;

	u->core.device_config_mask[UNIT_CONFIG - 1] = 0xff;
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		EXPECT_EQ(0, unit_read(u, KVPCI_REGION_DEVICE, offsets[i], 4));
		EXPECT_EQ(KVPCI_EFFECT_OTHER, u->effect.bits);
		unit_write(u, KVPCI_REGION_DEVICE, offsets[i], 4, ~0U);
		EXPECT_EQ(KVPCI_EFFECT_OTHER, u->effect.bits);
	}
	EXPECT_EQ(0x10 + UNIT_CONFIG - 1, u->core.device_config[UNIT_CONFIG - 1]);
	EXPECT_EQ(0, unit_event(u, NULL));
}

TEST_F(device, write_goes_by_the_mask)
{
	struct unit *u = &self->u;
	struct kvpci_event event;

	u->core.device_config_mask[5] = 0xff;
	u->core.device_config_mask[6] = 0x0f;
	/* bytes of which no bit is writable make no event */
	unit_write(u, KVPCI_REGION_DEVICE, 0, 4, 0xffffffff);
	EXPECT_EQ(0, u->effect.bits);
	EXPECT_EQ(0, unit_event(u, &event));
	EXPECT_EQ(bytes_from(0, 4), unit_read(u, KVPCI_REGION_DEVICE, 0, 4));

	unit_write(u, KVPCI_REGION_DEVICE, 4, 4, 0xffffff00);
	EXPECT_EQ(KVPCI_EFFECT_EVENT, u->effect.bits);
	EXPECT_EQ(0x171fff14, unit_read(u, KVPCI_REGION_DEVICE, 4, 4));
	ASSERT_EQ(KVPCI_EVENT_DEVICE_CONFIG, unit_event(u, &event));
	EXPECT_EQ(KVPCI_EVENT_NO_QUEUE, event.queue);
	EXPECT_EQ(0, unit_event(u, &event));
	/* not more than one waits */
	unit_write(u, KVPCI_REGION_DEVICE, 5, 1, 1);
	unit_write(u, KVPCI_REGION_DEVICE, 5, 1, 2);
	EXPECT_EQ(KVPCI_EVENT_DEVICE_CONFIG, unit_event(u, &event));
	EXPECT_EQ(0, unit_event(u, &event));
	EXPECT_EQ(2, unit_read(u, KVPCI_REGION_DEVICE, 5, 1));
}

TEST_F(device, read_only_without_mask)
{
	struct unit *u = &self->u;
	u8 *mask = u->core.device_config_mask;

	u->core.device_config_mask = NULL;
	unit_write(u, KVPCI_REGION_DEVICE, 0, 4, ~0U);
	EXPECT_EQ(0, u->effect.bits);
	EXPECT_EQ(bytes_from(0, 4), unit_read(u, KVPCI_REGION_DEVICE, 0, 4));
	u->core.device_config_mask = mask;
}

/* Between reset and acknowledgement the configuration is not the driver's. */
TEST_F(device, not_while_stopping)
{
	struct unit *u = &self->u;

	memset(u->core.device_config_mask, 0xff, UNIT_CONFIG);
	unit_run(u);
	cc_write(u, CC_STATUS, 0);
	ASSERT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
	unit_write(u, KVPCI_REGION_DEVICE, 0, 4, ~0U);
	EXPECT_EQ(bytes_from(0, 4), unit_read(u, KVPCI_REGION_DEVICE, 0, 4));
	EXPECT_EQ(0, unit_event(u, NULL));
}

/* Return: was the driver, which uses no MSI-X, notified of a change? */
static bool update_bytes(struct unit *u, u32 offset, u32 length, const u8 *bytes)
{
	if (unit_change(u, offset, length, bytes) ||
	    u->effect.bits & ~KVPCI_EFFECT_LINE)
		abort();
	return u->effect.bits;
}

static bool update(struct unit *u, u32 offset, u8 byte)
{
	return update_bytes(u, offset, 1, &byte);
}

/* R10 */
TEST_F(device, generation)
{
	struct unit *u = &self->u;
	u64 first = cc_read(u, CC_GENERATION);

	unit_run(u);
	EXPECT_EQ(first, cc_read(u, CC_GENERATION));
	EXPECT_FALSE(update(u, 0, u->core.device_config[0]));
	EXPECT_EQ(first, cc_read(u, CC_GENERATION));
	EXPECT_TRUE(update(u, 0, 0xee));
	EXPECT_NE(first, cc_read(u, CC_GENERATION));
	EXPECT_EQ(0xee, unit_read(u, KVPCI_REGION_DEVICE, 0, 1));
	/* only the bytes named */
	EXPECT_EQ(0x11, unit_read(u, KVPCI_REGION_DEVICE, 1, 1));
}

/* R10: no number of changes brings back the generation the driver has seen. */
TEST_F(device, generation_wrap)
{
	struct unit *u = &self->u;

	unit_run(u);
	for (unsigned int n = 1; n <= 1030; n++) {
		u64 before = cc_read(u, CC_GENERATION);

		for (unsigned int i = 0; i < n; i++)
			ASSERT_TRUE(update(u, i % UNIT_CONFIG,
					   u->core.device_config[i % UNIT_CONFIG] + 1));
		EXPECT_NE(before, cc_read(u, CC_GENERATION))
			TH_LOG("after %u changes", n);
	}
}

/* A change seen halfway: read generation, change, read, compare. */
TEST_F(device, generation_tells_torn_reads)
{
	struct unit *u = &self->u;

	for (int i = 0; i < 600; i++) {
		u64 low, high, before, after;

		before = cc_read(u, CC_GENERATION);
		low = unit_read(u, KVPCI_REGION_DEVICE, 0, 1);
		update(u, 0, i);
		update(u, 1, i);
		high = unit_read(u, KVPCI_REGION_DEVICE, 1, 1);
		after = cc_read(u, CC_GENERATION);
		EXPECT_TRUE(before != after || low == high);
	}
}

/* The driver's own writes are no news to it; a reset keeps the bytes. */
TEST_F(device, generation_stays)
{
	struct unit *u = &self->u;
	u64 generation;

	memset(u->core.device_config_mask, 0xff, UNIT_CONFIG);
	update(u, 0, 0x77);
	generation = cc_read(u, CC_GENERATION);
	unit_write(u, KVPCI_REGION_DEVICE, 8, 4, 0x01020304);
	EXPECT_EQ(generation, cc_read(u, CC_GENERATION));
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(0x77, unit_read(u, KVPCI_REGION_DEVICE, 0, 1));
	EXPECT_EQ(0x01020304, unit_read(u, KVPCI_REGION_DEVICE, 8, 4));
}

/* QUIET: the change shows, and nobody is told of it, now or later. */
TEST_F(device, quiet)
{
	struct unit *u = &self->u;
	const u8 byte = 0xee;
	u64 first;

	unit_run(u);
	first = cc_read(u, CC_GENERATION);
	EXPECT_EQ(0, unit_change_as(u, KVPCI_CONFIG_WRITE_QUIET, 0, 1, &byte));
	EXPECT_EQ(0, u->effect.bits);
	EXPECT_EQ(0, u->core.isr);
	EXPECT_EQ(byte, unit_read(u, KVPCI_REGION_DEVICE, 0, 1));
	EXPECT_NE(first, cc_read(u, CC_GENERATION));
	EXPECT_FALSE(update(u, 0, byte));
}

/* FORCE: nothing changes, and the driver is told; of no bytes as well. */
TEST_F(device, force)
{
	struct unit *u = &self->u;
	u8 byte = u->core.device_config[0];
	u64 first;

	unit_run(u);
	first = cc_read(u, CC_GENERATION);
	for (u32 length = 0; length < 2; length++) {
		EXPECT_EQ(0, unit_change_as(u, KVPCI_CONFIG_WRITE_FORCE, 0,
					    length, &byte));
		EXPECT_EQ(KVPCI_EFFECT_LINE, u->effect.bits);
		EXPECT_EQ(2, u->core.isr);
		EXPECT_EQ(first, cc_read(u, CC_GENERATION));
		EXPECT_EQ(2, unit_read(u, KVPCI_REGION_ISR, 0, 1));
	}
	byte++;
	EXPECT_EQ(0, unit_change_as(u, KVPCI_CONFIG_WRITE_FORCE, 0, 1, &byte));
	EXPECT_EQ(KVPCI_EFFECT_LINE, u->effect.bits);
	EXPECT_NE(first, cc_read(u, CC_GENERATION));
	/* R41: whoever is not running yet is not told by force either */
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(0, unit_change_as(u, KVPCI_CONFIG_WRITE_FORCE, 0, 0, NULL));
	EXPECT_EQ(0, u->effect.bits);
}

TEST_F(device, flags_and_lengths)
{
	EXPECT_TRUE(kvpci_config_write_valid(0, 1));
	EXPECT_TRUE(kvpci_config_write_valid(KVPCI_CONFIG_WRITE_QUIET, 1));
	EXPECT_TRUE(kvpci_config_write_valid(KVPCI_CONFIG_WRITE_FORCE, 1));
	EXPECT_TRUE(kvpci_config_write_valid(KVPCI_CONFIG_WRITE_FORCE, 0));
	EXPECT_FALSE(kvpci_config_write_valid(0, 0));
	EXPECT_FALSE(kvpci_config_write_valid(KVPCI_CONFIG_WRITE_QUIET, 0));
	for (u32 flags = 3; flags; flags <<= 1)
		EXPECT_FALSE(kvpci_config_write_valid(flags, 1));
}

/* What exits, by the device's flags, in each place and state. */
TEST_F(device, exits)
{
	static const struct {
		u8 flags;
		bool reads, writes;
	} rows[] = {
		{ 0, false, false },
		{ KVPCI_DEVICE_EXIT_FEATURES | KVPCI_DEVICE_EXIT_RESET, false, false },
		{ KVPCI_DEVICE_EXIT_CONFIG_WRITE, false, true },
		{ KVPCI_DEVICE_EXIT_CONFIG, true, true },
		{ KVPCI_EXITS, true, true },
	};
	struct unit *u = &self->u;
	struct kvpci_core *core = &u->core;
	const struct kvpci_region *device = kvpci_core_find(core, UNIT_BAR_MEM, 0x200, 1);
	const struct kvpci_region *common = kvpci_core_find(core, UNIT_BAR_MEM, 0, 1);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool reads = rows[i].reads, writes = rows[i].writes;

		core->exits = rows[i].flags;
		EXPECT_EQ(reads, kvpci_core_read_exits(core, device, 0, 4));
		EXPECT_EQ(writes, kvpci_core_write_exits(core, device, 0, 4, 0));
		EXPECT_EQ(reads, kvpci_core_read_exits(core, device, UNIT_CONFIG - 1, 1));
		EXPECT_EQ(writes, kvpci_core_write_exits(core, device, UNIT_CONFIG - 1, 1, 0));
		/* not what meets no register, nor another structure */
		EXPECT_FALSE(kvpci_core_read_exits(core, device, UNIT_CONFIG - 1, 2));
		EXPECT_FALSE(kvpci_core_write_exits(core, device, UNIT_CONFIG - 1, 2, 0));
		EXPECT_FALSE(kvpci_core_read_exits(core, device, UNIT_CONFIG, 1));
		EXPECT_FALSE(kvpci_core_read_exits(core, device, ~0U, 1));
		EXPECT_FALSE(kvpci_core_write_exits(core, device, ~0U, 1, 0));
		EXPECT_FALSE(kvpci_core_read_exits(core, common, CC_GENERATION, 1));
		EXPECT_FALSE(kvpci_core_write_exits(core, common, CC_QUEUE_SELECT, 2, 0));

		/* a write that is ignored anyway is, without an exit */
		unit_run(u);
		EXPECT_EQ(writes, kvpci_core_write_exits(core, device, 0, 4, 0));
		core->backend = KVPCI_BACKEND_SUSPENDING;
		EXPECT_EQ(reads, kvpci_core_read_exits(core, device, 0, 4));
		EXPECT_FALSE(kvpci_core_write_exits(core, device, 0, 4, 0));
		core->backend = KVPCI_BACKEND_STOPPING;
		EXPECT_EQ(reads, kvpci_core_read_exits(core, device, 0, 4));
		EXPECT_FALSE(kvpci_core_write_exits(core, device, 0, 4, 0));
		unit_reset(u, 0);
	}
}

TEST_F(device, update_ranges)
{
	struct unit *u = &self->u;
	u8 data[UNIT_CONFIG];

	unit_run(u);
	memset(data, 0xab, sizeof(data));
	EXPECT_TRUE(update_bytes(u, 0, UNIT_CONFIG, data));
	EXPECT_EQ(0, memcmp(data, u->core.device_config, UNIT_CONFIG));
	EXPECT_FALSE(update_bytes(u, 0, UNIT_CONFIG, data));
	data[0] = 1;
	EXPECT_TRUE(update_bytes(u, UNIT_CONFIG - 1, 1, data));
	EXPECT_EQ(1, u->core.device_config[UNIT_CONFIG - 1]);
	EXPECT_EQ(0xab, u->core.device_config[UNIT_CONFIG - 2]);
}

TEST_HARNESS_MAIN
