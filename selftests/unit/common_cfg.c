// SPDX-License-Identifier: GPL-2.0-only
/*
 * The common configuration, register by register: offset, width, access and
 * value after reset (4.1.4.3), selectors, queue fields, vectors.
 */
#include "unit.h"
#include "kselftest_harness.h"

/* requirements: the table of common configuration */
static const struct {
	u32 offset;
	unsigned int width;
	char access;	/* w: plain read and write, r: read only, h: has hooks */
	u64 reset;
} regs[] = {
	{ CC_DEVICE_FEATURE_SELECT, 4, 'w', 0 },
	{ CC_DEVICE_FEATURE, 4, 'r', 0x30000021 },
	{ CC_DRIVER_FEATURE_SELECT, 4, 'w', 0 },
	{ CC_DRIVER_FEATURE, 4, 'h', 0 },
	{ CC_CONFIG_VECTOR, 2, 'h', NO_VECTOR },
	{ CC_NUM_QUEUES, 2, 'r', UNIT_QUEUES },
	{ CC_STATUS, 1, 'h', 0 },
	{ CC_GENERATION, 1, 'r', 0 },
	{ CC_QUEUE_SELECT, 2, 'w', 0 },
	{ CC_QUEUE_SIZE, 2, 'h', 256 },
	{ CC_QUEUE_VECTOR, 2, 'h', NO_VECTOR },
	{ CC_QUEUE_ENABLE, 2, 'h', 0 },
	{ CC_QUEUE_NOTIFY_OFF, 2, 'r', 0 },
	{ CC_QUEUE_DESC, 4, 'w', 0 },
	{ CC_QUEUE_DESC + 4, 4, 'w', 0 },
	{ CC_QUEUE_DRIVER, 4, 'w', 0 },
	{ CC_QUEUE_DRIVER + 4, 4, 'w', 0 },
	{ CC_QUEUE_DEVICE, 4, 'w', 0 },
	{ CC_QUEUE_DEVICE + 4, 4, 'w', 0 },
	{ CC_QUEUE_RESET, 2, 'h', 0 },
};

FIXTURE(common) {
	struct unit u;
};

FIXTURE_SETUP(common)
{
	ASSERT_EQ(0, unit_default(&self->u));
}

FIXTURE_TEARDOWN(common)
{
	unit_destroy(&self->u);
}

TEST_F(common, reset_values)
{
	for (size_t i = 0; i < ARRAY_SIZE(regs); i++) {
		u64 value = cc_read(&self->u, regs[i].offset);

		EXPECT_EQ(regs[i].reset, value)
			TH_LOG("offset %#x", regs[i].offset);
		EXPECT_EQ(0, self->u.effect.bits);
	}
}

TEST_F(common, plain_registers)
{
	static const u64 patterns[] = { ~0ULL, 0x5aa5c33c, 0x00010000, 1, 0 };

	/* A register keeps each bit, and no neighbour sees it. */
	for (size_t i = 0; i < ARRAY_SIZE(regs); i++) {
		u64 mask = BIT_ULL(8 * regs[i].width) - 1;

		/* selectors are tried on their own below */
		if (regs[i].access != 'w' || regs[i].offset < CC_QUEUE_DESC)
			continue;
		for (size_t p = 0; p < ARRAY_SIZE(patterns); p++) {
			cc_write(&self->u, regs[i].offset, patterns[p]);
			EXPECT_EQ(patterns[p] & mask,
				  cc_read(&self->u, regs[i].offset))
				TH_LOG("offset %#x", regs[i].offset);
			for (size_t n = 0; n < ARRAY_SIZE(regs); n++) {
				if (n == i)
					continue;
				EXPECT_EQ(regs[n].reset,
					  cc_read(&self->u, regs[n].offset))
					TH_LOG("offset %#x after %#x",
					       regs[n].offset, regs[i].offset);
			}
		}
	}
}

TEST_F(common, selectors)
{
	static const u32 offsets[] = {
		CC_DEVICE_FEATURE_SELECT, CC_DRIVER_FEATURE_SELECT,
		CC_QUEUE_SELECT,
	};

	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		u64 mask = BIT_ULL(8 * cc_width(offsets[i])) - 1;

		cc_write(&self->u, offsets[i], ~0ULL);
		EXPECT_EQ(mask, cc_read(&self->u, offsets[i]));
		cc_write(&self->u, offsets[i], 1);
		EXPECT_EQ(1, cc_read(&self->u, offsets[i]));
	}
	/* each stands for itself */
	for (u32 i = 0; i < ARRAY_SIZE(offsets); i++)
		cc_write(&self->u, offsets[i], i + 1);
	for (u32 i = 0; i < ARRAY_SIZE(offsets); i++)
		EXPECT_EQ(i + 1, cc_read(&self->u, offsets[i]));
}

TEST_F(common, read_only)
{
	struct unit *u = &self->u;

	for (size_t i = 0; i < ARRAY_SIZE(regs); i++) {
		if (regs[i].access != 'r')
			continue;
		cc_write(u, regs[i].offset, ~0ULL);
		EXPECT_EQ(regs[i].reset, cc_read(u, regs[i].offset))
			TH_LOG("offset %#x", regs[i].offset);
		cc_write(u, regs[i].offset, 0);
		EXPECT_EQ(regs[i].reset, cc_read(u, regs[i].offset));
	}
}

/* A copy of everything an access could have changed. */
struct snapshot {
	struct kvpci_core core;
	struct kvpci_queue queues[UNIT_QUEUES];
	u8 config[UNIT_CONFIG];
	struct kvpci_vector vectors[UNIT_VECTORS];
};

static void snapshot(const struct unit *u, struct snapshot *s)
{
	memset(s, 0, sizeof(*s));
	memcpy(&s->core, &u->core, sizeof(s->core));
	memcpy(s->queues, u->core.queues, sizeof(s->queues));
	memcpy(s->config, u->core.device_config, sizeof(s->config));
	memcpy(s->vectors, u->core.vectors, sizeof(s->vectors));
}

/*
 * R5: an access of another width, or that does not begin where a register
 * does, reads 0, changes nothing and has no effect; but a narrower read of a
 * register gives its lower bytes, as iPXE expects of the feature words.
 */
TEST_F(common, other_widths)
{
	static const unsigned int lengths[] = { 1, 2, 4, 8 };
	struct unit *u = &self->u;
	struct snapshot before, after;
	bool narrow;
	u64 value;

	unit_negotiate(u);
	unit_queue(u, 0, 256);
	snapshot(u, &before);
	for (u32 at = 0; at < 0x40; at++) {
		for (size_t l = 0; l < ARRAY_SIZE(lengths); l++) {
			if (cc_width(at) == lengths[l] &&
			    at != CC_QUEUE_NOTIF_DATA)
				continue;
			/* both halves of an address: see whole_addresses */
			if (lengths[l] == 8 && at >= CC_QUEUE_DESC &&
			    at < CC_QUEUE_NOTIF_DATA && at % 8 == 0)
				continue;
			/* Narrower than a register: its lower bytes. */
			narrow = lengths[l] < cc_width(at) &&
				 at != CC_QUEUE_NOTIF_DATA &&
				 at < CC_ADMIN_INDEX;
			value = narrow ? cc_read(u, at) : 0;
			if (lengths[l] < 8)
				value &= (1ULL << lengths[l] * 8) - 1;
			EXPECT_EQ(value, unit_read(u, KVPCI_REGION_COMMON, at,
						   lengths[l]))
				TH_LOG("%u bytes at %#x", lengths[l], at);
			EXPECT_EQ(narrow ? 0 :
				  KVPCI_EFFECT_OTHER, u->effect.bits);
			unit_write(u, KVPCI_REGION_COMMON, at, lengths[l], 0);
			EXPECT_EQ(KVPCI_EFFECT_OTHER, u->effect.bits);
			unit_write(u, KVPCI_REGION_COMMON, at, lengths[l],
				   0x0101010101010101);
			EXPECT_EQ(KVPCI_EFFECT_OTHER, u->effect.bits);
			snapshot(u, &after);
			ASSERT_EQ(0, memcmp(&before, &after, sizeof(before)))
				TH_LOG("%u bytes at %#x wrote something",
				       lengths[l], at);
		}
	}
}

/* R4: the addresses of a queue, whole or by halves, while it is off. */
TEST_F(common, whole_addresses)
{
	static const u32 fields[] = { CC_QUEUE_DESC, CC_QUEUE_DRIVER, CC_QUEUE_DEVICE };
	struct unit *u = &self->u;

	unit_negotiate(u);
	cc_write(u, CC_QUEUE_SELECT, 1);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		u64 value = 0x1122334455667788ULL + i;

		unit_write(u, KVPCI_REGION_COMMON, fields[i], 8, value);
		EXPECT_EQ(0, u->effect.bits);
		EXPECT_EQ((u32)value, cc_read(u, fields[i]));
		EXPECT_EQ(value >> 32, cc_read(u, fields[i] + 4));
		cc_write(u, fields[i] + 4, 0xaabbccdd);
		EXPECT_EQ(0xaabbccdd00000000 | (u32)value,
			  unit_read(u, KVPCI_REGION_COMMON, fields[i], 8));
		EXPECT_EQ(0, u->effect.bits);
		/* not from the upper half on */
		EXPECT_EQ(0, unit_read(u, KVPCI_REGION_COMMON, fields[i] + 4, 8));
		EXPECT_EQ(KVPCI_EFFECT_OTHER, u->effect.bits);
		unit_write(u, KVPCI_REGION_COMMON, fields[i] + 4, 8, ~0ULL);
		EXPECT_EQ(KVPCI_EFFECT_OTHER, u->effect.bits);
		EXPECT_EQ(0xaabbccdd, cc_read(u, fields[i] + 4));
	}
	/* of the selected queue, which must be off; and a reset takes it back */
	EXPECT_EQ(0, u->core.queues[0].desc);
	EXPECT_EQ(0xaabbccdd55667788, u->core.queues[1].desc);
	cc_write(u, CC_QUEUE_ENABLE, 1);
	unit_write(u, KVPCI_REGION_COMMON, CC_QUEUE_DESC, 8, 0);
	EXPECT_EQ(0xaabbccdd55667788, u->core.queues[1].desc);
	cc_write(u, CC_QUEUE_SELECT, UNIT_ABSENT);
	unit_write(u, KVPCI_REGION_COMMON, CC_QUEUE_DESC, 8, 1);
	EXPECT_EQ(0, unit_read(u, KVPCI_REGION_COMMON, CC_QUEUE_DESC, 8));
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(0, u->core.queues[1].desc);
	cc_write(u, CC_QUEUE_SELECT, 4);
	unit_write(u, KVPCI_REGION_COMMON, CC_QUEUE_DESC, 8, 1);
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(0, u->core.queues[4].desc);
}

/* Bits of the value beyond the access's length do not count. */
TEST_F(common, value_is_cut)
{
	struct unit *u = &self->u;

	cc_write(u, CC_QUEUE_SELECT, 0xabcd0002ULL);
	EXPECT_EQ(2, cc_read(u, CC_QUEUE_SELECT));
	cc_write(u, CC_STATUS, 0xff01);
	EXPECT_EQ(ST_ACKNOWLEDGE, cc_read(u, CC_STATUS));
	cc_write(u, CC_STATUS, 0xff00);
	EXPECT_EQ(0, cc_read(u, CC_STATUS));
	cc_write(u, CC_QUEUE_DESC, 0x1234567890abcdefULL);
	EXPECT_EQ(0x90abcdef, cc_read(u, CC_QUEUE_DESC));
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_DESC + 4));
}

/* R8 */
TEST_F(common, device_features)
{
	static const u32 expect[] = {
		BIT(0) | BIT(5) | BIT(28) | BIT(29),
		BIT(F_VERSION_1 - 32) | BIT(35 - 32) | BIT(F_RING_RESET - 32),
		BIT(65 - 64),
		BIT(100 - 96),
	};
	static const u32 beyond[] = { 4, 5, 31, 32, 0x10000, 0x80000000, ~0U };
	struct unit *u = &self->u;

	for (u32 i = 0; i < ARRAY_SIZE(expect); i++) {
		cc_write(u, CC_DEVICE_FEATURE_SELECT, i);
		EXPECT_EQ(expect[i], cc_read(u, CC_DEVICE_FEATURE));
	}
	for (size_t i = 0; i < ARRAY_SIZE(beyond); i++) {
		cc_write(u, CC_DEVICE_FEATURE_SELECT, beyond[i]);
		EXPECT_EQ(beyond[i], cc_read(u, CC_DEVICE_FEATURE_SELECT));
		EXPECT_EQ(0, cc_read(u, CC_DEVICE_FEATURE));
	}
	/* the driver's selector is another one */
	cc_write(u, CC_DEVICE_FEATURE_SELECT, 0);
	cc_write(u, CC_DRIVER_FEATURE_SELECT, 1);
	EXPECT_EQ(expect[0], cc_read(u, CC_DEVICE_FEATURE));
}

/* R9 */
TEST_F(common, driver_features)
{
	static const u32 written[] = { 0x20000001, 0x00000001, 2, 0x10 };
	static const u32 beyond[] = { 4, 8, 0x10001, ~0U };
	struct unit *u = &self->u;

	for (u32 i = 0; i < ARRAY_SIZE(written); i++)
		unit_accept(u, i, written[i]);
	for (size_t i = 0; i < ARRAY_SIZE(beyond); i++) {
		unit_accept(u, beyond[i], ~0U);
		EXPECT_EQ(0, cc_read(u, CC_DRIVER_FEATURE));
	}
	for (u32 i = 0; i < ARRAY_SIZE(written); i++) {
		cc_write(u, CC_DRIVER_FEATURE_SELECT, i);
		EXPECT_EQ(written[i], cc_read(u, CC_DRIVER_FEATURE));
	}
	/* bits that were not offered are not valid */
	unit_accept(u, 0, ~0U);
	EXPECT_EQ(0x30000021, cc_read(u, CC_DRIVER_FEATURE));
	cc_write(u, CC_DRIVER_FEATURE, 0);
	EXPECT_EQ(0, cc_read(u, CC_DRIVER_FEATURE));
}

/* R4, R15: every queue has registers of its own, an absent one has none. */
TEST_F(common, queues)
{
	static const u16 sizes[UNIT_QUEUES] = { 256, 128, 64, 0, 32768 };
	struct unit *u = &self->u;

	for (u32 q = 0; q < UNIT_QUEUES; q++) {
		cc_write(u, CC_QUEUE_SELECT, q);
		EXPECT_EQ(sizes[q], cc_read(u, CC_QUEUE_SIZE));
		if (q != UNIT_ABSENT)
			EXPECT_EQ(q, cc_read(u, CC_QUEUE_NOTIFY_OFF));
		for (u32 at = CC_QUEUE_DESC; at < CC_QUEUE_NOTIF_DATA; at += 4)
			cc_write(u, at, q << 24 | at);
		cc_write(u, CC_QUEUE_VECTOR, q);
	}
	for (u32 q = 0; q < UNIT_QUEUES; q++) {
		bool there = q != UNIT_ABSENT;

		cc_write(u, CC_QUEUE_SELECT, q);
		for (u32 at = CC_QUEUE_DESC; at < CC_QUEUE_NOTIF_DATA; at += 4)
			EXPECT_EQ(there ? (q << 24 | at) : 0, cc_read(u, at));
		EXPECT_EQ(there ? q : NO_VECTOR, cc_read(u, CC_QUEUE_VECTOR));
	}
}

TEST_F(common, absent_queue)
{
	static const u16 absent[] = {
		UNIT_ABSENT, UNIT_QUEUES, UNIT_QUEUES + 1, 255, 256,
		KVPCI_MAX_QUEUES, 0x7fff, 0xffff,
	};
	struct unit *u = &self->u;
	struct snapshot before, after;

	for (size_t i = 0; i < ARRAY_SIZE(absent); i++) {
		cc_write(u, CC_QUEUE_SELECT, absent[i]);
		EXPECT_EQ(absent[i], cc_read(u, CC_QUEUE_SELECT));
		snapshot(u, &before);
		for (u32 at = CC_QUEUE_SIZE; at < 0x40; at += 2) {
			u64 expect = at == CC_QUEUE_VECTOR ? NO_VECTOR : 0;

			if (!cc_width(at))
				continue;
			EXPECT_EQ(expect, cc_read(u, at))
				TH_LOG("queue %u offset %#x", absent[i], at);
			cc_write(u, at, 1);
			EXPECT_EQ(expect, cc_read(u, at))
				TH_LOG("queue %u offset %#x", absent[i], at);
		}
		snapshot(u, &after);
		EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	}
}

/* R16 */
TEST_F(common, queue_size)
{
	static const struct {
		u16 write;
		bool split, packed;	/* taken with such rings? */
	} rows[] = {
		{ 1, true, true }, { 2, true, true }, { 3, false, true },
		{ 100, false, true }, { 128, true, true },
		{ 255, false, true }, { 256, true, true },
		{ 257, false, false }, { 512, false, false },
		{ 0x8000, false, false }, { 0xffff, false, false },
	};
	struct unit u;

	for (int packed = 0; packed < 2; packed++) {
		unit_describe(&u);
		if (packed)
			unit_offer(&u, F_RING_PACKED);
		ASSERT_EQ(0, unit_create(&u));
		unit_negotiate(&u);
		ASSERT_EQ(ST_READY, cc_read(&u, CC_STATUS));
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			bool taken = packed ? rows[i].packed : rows[i].split;

			cc_write(&u, CC_QUEUE_SIZE, 16);
			cc_write(&u, CC_QUEUE_SIZE, rows[i].write);
			EXPECT_EQ(taken ? rows[i].write : 16,
				  cc_read(&u, CC_QUEUE_SIZE))
				TH_LOG("wrote %u, packed %d", rows[i].write,
				       packed);
		}
		unit_destroy(&u);
	}
}

/*
 * R16, the other way round: a driver that names RING_PACKED, chooses an odd
 * size, and then negotiates without it must not end up with that size.
 */
TEST_F(common, queue_size_packed_withdrawn)
{
	struct unit u;

	for (int offered = 0; offered < 2; offered++) {
		u64 size;

		unit_describe(&u);
		if (offered)
			unit_offer(&u, F_RING_PACKED);
		ASSERT_EQ(0, unit_create(&u));
		cc_write(&u, CC_STATUS, ST_ACKNOWLEDGE | ST_DRIVER);
		unit_accept(&u, 1,
			    BIT(F_RING_PACKED - 32) | BIT(F_VERSION_1 - 32));
		cc_write(&u, CC_QUEUE_SIZE, 100);
		cc_write(&u, CC_DRIVER_FEATURE, BIT(F_VERSION_1 - 32));
		cc_write(&u, CC_STATUS, ST_READY);
		ASSERT_EQ(ST_READY, cc_read(&u, CC_STATUS));
		cc_write(&u, CC_QUEUE_ENABLE, 1);
		cc_write(&u, CC_STATUS, ST_RUNNING);
		size = cc_read(&u, CC_QUEUE_SIZE);
		EXPECT_TRUE(is_power_of_2(size))
			TH_LOG("split ring of %llu entries, packed %d",
			       (unsigned long long)size, offered);
		unit_destroy(&u);
	}
}

/* 4.1.4.3.2: the driver writes 1; nothing else enables, nothing disables. */
TEST_F(common, queue_enable)
{
	struct unit *u = &self->u;

	unit_negotiate(u);
	cc_write(u, CC_QUEUE_ENABLE, 0);
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_ENABLE));
	cc_write(u, CC_QUEUE_ENABLE, 2);
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_ENABLE));
	cc_write(u, CC_QUEUE_ENABLE, 1);
	EXPECT_EQ(1, cc_read(u, CC_QUEUE_ENABLE));
	cc_write(u, CC_QUEUE_ENABLE, 0);
	EXPECT_EQ(1, cc_read(u, CC_QUEUE_ENABLE));
	/* one queue, not its neighbour */
	cc_write(u, CC_QUEUE_SELECT, 1);
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_ENABLE));
}

/* An enabled queue's parameters are the device's; its vector is not. */
TEST_F(common, enabled_queue_is_fixed)
{
	struct unit *u = &self->u;
	struct kvpci_queue was;

	unit_negotiate(u);
	unit_queue(u, 0, 128);
	was = u->core.queues[0];
	cc_write(u, CC_QUEUE_SIZE, 64);
	for (u32 at = CC_QUEUE_DESC; at < CC_QUEUE_NOTIF_DATA; at += 4)
		cc_write(u, at, 0xdeadbeef);
	EXPECT_EQ(0, memcmp(&was, &u->core.queues[0], sizeof(was)));
	EXPECT_EQ(128, cc_read(u, CC_QUEUE_SIZE));
	cc_write(u, CC_QUEUE_VECTOR, 7);
	EXPECT_EQ(7, cc_read(u, CC_QUEUE_VECTOR));
}

/* R37, R39 */
TEST_F(common, vectors)
{
	static const struct {
		u16 write, expect;
	} rows[] = {
		{ 0, 0 }, { 1, 1 }, { UNIT_VECTORS - 1, UNIT_VECTORS - 1 },
		{ UNIT_VECTORS, NO_VECTOR }, { 0x7ff, NO_VECTOR },
		{ 0x800, NO_VECTOR }, { 0xfffe, NO_VECTOR },
		{ NO_VECTOR, NO_VECTOR },
	};
	static const u32 offsets[] = { CC_CONFIG_VECTOR, CC_QUEUE_VECTOR };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t o = 0; o < ARRAY_SIZE(offsets); o++) {
			cc_write(&self->u, offsets[o], 2);
			cc_write(&self->u, offsets[o], rows[i].write);
			EXPECT_EQ(rows[i].expect,
				  cc_read(&self->u, offsets[o]))
				TH_LOG("wrote %#x at %#x", rows[i].write,
				       offsets[o]);
		}
	}
}

TEST_F(common, vectors_without_msix)
{
	struct unit u;

	unit_describe(&u);
	u.desc.num_vectors = 0;
	unit_drop_region(&u, KVPCI_REGION_MSIX_TABLE);
	unit_drop_region(&u, KVPCI_REGION_MSIX_PBA);
	ASSERT_EQ(0, unit_create(&u));
	cc_write(&u, CC_CONFIG_VECTOR, 0);
	EXPECT_EQ(NO_VECTOR, cc_read(&u, CC_CONFIG_VECTOR));
	cc_write(&u, CC_QUEUE_VECTOR, 0);
	EXPECT_EQ(NO_VECTOR, cc_read(&u, CC_QUEUE_VECTOR));
	unit_destroy(&u);
}

/* R39: with one vector there is vector 0, and it serves everything. */
TEST_F(common, one_vector)
{
	static const u32 offsets[] = { CC_CONFIG_VECTOR, CC_QUEUE_VECTOR };
	struct unit u;

	unit_describe(&u);
	u.desc.num_vectors = 1;
	ASSERT_EQ(0, unit_create(&u));
	for (size_t o = 0; o < ARRAY_SIZE(offsets); o++) {
		cc_write(&u, offsets[o], 1);
		EXPECT_EQ(NO_VECTOR, cc_read(&u, offsets[o]));
		cc_write(&u, offsets[o], 0);
		EXPECT_EQ(0, cc_read(&u, offsets[o]));
	}
	unit_write(&u, KVPCI_REGION_MSIX_TABLE, 16, 4, ~0U);
	EXPECT_EQ(KVPCI_EFFECT_OTHER, u.effect.bits);
	unit_destroy(&u);
}

/* Registers of features that are not offered do not exist. */
TEST_F(common, optional_registers)
{
	struct unit u;

	unit_describe(&u);
	unit_withdraw(&u, F_RING_RESET);
	ASSERT_EQ(0, unit_create(&u));
	unit_start(&u);
	cc_write(&u, CC_QUEUE_RESET, 1);
	EXPECT_EQ(KVPCI_EFFECT_OTHER, u.effect.bits);
	EXPECT_EQ(0, cc_read(&u, CC_QUEUE_RESET));
	EXPECT_EQ(KVPCI_EFFECT_OTHER, u.effect.bits);
	EXPECT_EQ(1, cc_read(&u, CC_QUEUE_ENABLE));
	/* bits 39 and 41 cannot be offered */
	for (u32 at = 0x38; at < 0x40; at += 2) {
		if (at == CC_QUEUE_RESET)
			continue;
		EXPECT_EQ(0, unit_read(&self->u, KVPCI_REGION_COMMON, at, 2));
		EXPECT_EQ(KVPCI_EFFECT_OTHER, self->u.effect.bits);
	}
	unit_destroy(&u);
}

/*
 * Selectors and vectors may be written while status is 0 and stay: a reset
 * happens when 0 is written, not whenever the status is 0.
 */
TEST_F(common, written_at_status_zero)
{
	struct unit *u = &self->u;

	cc_write(u, CC_QUEUE_SELECT, 2);
	cc_write(u, CC_CONFIG_VECTOR, 3);
	cc_write(u, CC_DEVICE_FEATURE_SELECT, 1);
	EXPECT_EQ(0, cc_read(u, CC_STATUS));
	EXPECT_EQ(2, cc_read(u, CC_QUEUE_SELECT));
	EXPECT_EQ(3, cc_read(u, CC_CONFIG_VECTOR));
	EXPECT_EQ(1, cc_read(u, CC_DEVICE_FEATURE_SELECT));
	cc_write(u, CC_STATUS, ST_ACKNOWLEDGE);
	EXPECT_EQ(3, cc_read(u, CC_CONFIG_VECTOR));
}

/* R17, R51: administration virtqueues come behind the others, if accepted. */
TEST_F(common, admin_queues)
{
	const u32 first = UNIT_QUEUES - 1;
	struct unit *u = &self->u;

	EXPECT_EQ(0, cc_read(u, CC_ADMIN_INDEX));
	EXPECT_EQ(KVPCI_EFFECT_OTHER, u->effect.bits);
	EXPECT_EQ(0, cc_read(u, CC_ADMIN_NUM));
	EXPECT_EQ(KVPCI_EFFECT_OTHER, u->effect.bits);

	unit_destroy(u);
	unit_describe(u);
	unit_offer(u, F_ADMIN_VQ);
	u->desc.num_admin_queues = 1;
	ASSERT_EQ(0, unit_create(u));
	EXPECT_EQ(first, cc_read(u, CC_NUM_QUEUES));
	EXPECT_EQ(first, cc_read(u, CC_ADMIN_INDEX));
	EXPECT_EQ(1, cc_read(u, CC_ADMIN_NUM));
	cc_write(u, CC_ADMIN_NUM, 3);
	EXPECT_EQ(1, cc_read(u, CC_ADMIN_NUM));

	/* nobody has asked for them yet */
	cc_write(u, CC_QUEUE_SELECT, first);
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_SIZE));
	unit_negotiate_least(u);
	unit_queue(u, first, 16);
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_SIZE));
	EXPECT_EQ(0, u->core.queues[first].enable);

	cc_write(u, CC_STATUS, 0);
	unit_negotiate(u);
	cc_write(u, CC_QUEUE_SELECT, first);
	EXPECT_EQ(u->sizes[first], cc_read(u, CC_QUEUE_SIZE));
	unit_queue(u, first, 16);
	EXPECT_EQ(1, cc_read(u, CC_QUEUE_ENABLE));
	unit_bar_write(u, UNIT_BAR_IO, 0x44, 2, first);
	EXPECT_EQ(KVPCI_DOORBELL_KICK, u->doorbell);
	EXPECT_EQ(first, u->rung);
	cc_write(u, CC_QUEUE_SELECT, UNIT_QUEUES);
	EXPECT_EQ(0, cc_read(u, CC_QUEUE_SIZE));
}

TEST_HARNESS_MAIN
