// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a write to PCI configuration space would do to the BARs, asked before it is
 * done: which answer, and whether one would have to move.
 */
#include "unit.h"
#include "kselftest_harness.h"

#define CLASS	0x020000	/* Ethernet controller */
#define BAR(n)	(PCI_BASE_ADDRESS_0 + 4 * (n))

FIXTURE(pci_decode) {
	struct unit u;
	struct kvpci_pci_config cs;
};

FIXTURE_SETUP(pci_decode)
{
	unit_describe(&self->u);
	ASSERT_EQ(0, unit_check(&self->u));
	ASSERT_EQ(0, kvpci_pci_config_init(&self->cs, &self->u.desc,
					   self->u.regions, CLASS, 1));
}

FIXTURE_TEARDOWN(pci_decode)
{
}

static u32 rd(const struct kvpci_pci_config *cs, u32 at, unsigned int length)
{
	return kvpci_pci_config_read(cs, at, length);
}

static u32 wr(struct kvpci_pci_config *cs, u32 at, unsigned int length,
	      u32 value)
{
	return kvpci_pci_config_write(cs, at, length, value);
}

/* Which writes make a BAR answer where it is not placed; asking changes nothing. */
TEST_F(pci_decode, moves)
{
	struct kvpci_pci_config *cs = &self->cs;
	u32 msix = cs->msix, exp = cs->exp, pm = cs->pm;
	const struct {
		u32 at;
		unsigned int length;
		u32 value;
		/* nothing decodes; all does, and is placed; all but BAR 0 is */
		bool off, on, part;
	} rows[] = {
		{ PCI_COMMAND, 2, PCI_COMMAND_MEMORY, true, false, false },
		{ PCI_COMMAND, 2, PCI_COMMAND_MASTER, false, false, false },
		{ PCI_COMMAND, 2, PCI_COMMAND_IO, true, false, true },
		{ PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
		  PCI_COMMAND_MASTER, true, false, true },
		{ BAR(0), 4, 0xd000, false, true, true },
		{ BAR(0), 4, 0xc001, false, false, true },
		{ BAR(0), 4, ~0U, false, false, false },
		{ BAR(0), 4, 0, false, false, false },
		{ BAR(1) + 3, 1, 0xe1, false, true, true },
		{ BAR(1), 2, 0x3fff, false, false, true },
		{ BAR(2), 4, ~0U, false, false, true },
		{ BAR(2), 4, 0xffff0000, false, true, true },
		{ BAR(3), 4, 9, false, true, true },
		{ BAR(3), 4, ~0U, false, false, true },
		{ BAR(4), 4, ~0U, false, false, true },
		{ PCI_INTERRUPT_LINE, 1, 5, false, false, false },
		{ msix + PCI_MSIX_FLAGS, 2, 0x8000, false, false, false },
		{ exp + PCI_EXP_DEVCTL, 2, 0x8000, false, false, false },
		{ exp + PCI_EXP_DEVCTL, 2, 0, false, false, false },
		{ pm + PCI_PM_CTRL, 2, 3, false, false, false },
		{ pm + PCI_PM_CTRL, 2, 0, false, false, true },
		{ cs->window + 16, 4, 1, false, false, false },
		{ 4096, 4, ~0U, false, false, false },
		{ ~0U, 4, ~0U, false, false, false },
	};
	struct kvpci_pci_config *copy = malloc(sizeof(*copy));
	u64 at[KVPCI_NUM_BARS] = { 0 };
	u32 placed = 0;

	ASSERT_NE(NULL, copy);
	wr(cs, BAR(0), 4, 0xc000);
	wr(cs, BAR(1), 4, 0xe0000000);
	wr(cs, BAR(3), 4, 8);
	for (int part = 0; part < 3; part++) {
		memcpy(copy, cs, sizeof(*copy));
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			const bool expect[] = {
				rows[i].off, rows[i].on, rows[i].part,
			};

			EXPECT_EQ(expect[part],
				  kvpci_pci_config_moves(cs, rows[i].at,
							 rows[i].length,
							 rows[i].value,
							 placed, at))
				TH_LOG("row %zu, part %d", i, part);
			ASSERT_EQ(0, memcmp(copy, cs, sizeof(*copy)))
				TH_LOG("row %zu wrote something", i);
		}
		wr(cs, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
		placed = kvpci_pci_config_decode(cs, at);
		EXPECT_EQ(7, placed);
		if (part)
			placed = 6;
	}
	/* placed, but elsewhere */
	at[1] = 0xd0000000;
	EXPECT_TRUE(kvpci_pci_config_moves(cs, PCI_COMMAND, 1,
					   PCI_COMMAND_MEMORY, 7, at));
	EXPECT_FALSE(kvpci_pci_config_moves(cs, PCI_COMMAND, 1, PCI_COMMAND_IO,
					    7, at));
	free(copy);
}

/*
 * A BAR of all ones is asked for its size, with decoding on as well: it answers
 * nowhere, whichever half of it, until an address is written.
 */
TEST_F(pci_decode, sizing_while_decoding)
{
	struct kvpci_pci_config *cs = &self->cs;
	u64 addr[KVPCI_NUM_BARS];

	wr(cs, BAR(1), 4, 0xe0000000);
	wr(cs, BAR(3), 4, 8);
	wr(cs, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ASSERT_EQ(6, kvpci_pci_config_decode(cs, addr));
	EXPECT_EQ(KVPCI_PCI_CONFIG_DECODE, wr(cs, BAR(2), 4, ~0U));
	EXPECT_EQ(2, kvpci_pci_config_decode(cs, addr));
	EXPECT_EQ(0xffff0004, rd(cs, BAR(2), 4));
	/* the same bits as an address are one */
	EXPECT_EQ(KVPCI_PCI_CONFIG_DECODE, wr(cs, BAR(2), 4, 0xffff0004));
	EXPECT_EQ(6, kvpci_pci_config_decode(cs, addr));
	EXPECT_EQ(0x8ffff0000ULL, addr[2]);
	EXPECT_EQ(KVPCI_PCI_CONFIG_DECODE, wr(cs, BAR(2), 4, ~0U));
	/* half of a register is no question */
	wr(cs, BAR(2) + 2, 2, 0xffff);
	EXPECT_EQ(6, kvpci_pci_config_decode(cs, addr));
	EXPECT_EQ(0, wr(cs, BAR(4), 4, ~0U) & KVPCI_PCI_CONFIG_FLR);
	EXPECT_EQ(6, kvpci_pci_config_decode(cs, addr));
	wr(cs, BAR(2), 4, ~0U);
	wr(cs, BAR(3), 4, ~0U);
	EXPECT_EQ(2, kvpci_pci_config_decode(cs, addr));
	wr(cs, BAR(2), 4, 0);
	EXPECT_EQ(2, kvpci_pci_config_decode(cs, addr));
	wr(cs, BAR(3), 4, 8);
	EXPECT_EQ(6, kvpci_pci_config_decode(cs, addr));
	EXPECT_EQ(0x800000000ULL, addr[2]);
}

static u32 rnd(u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8 ^ *state << 16;
}

/* Would @length bytes at @at be written as one access? */
static bool is_aligned(u32 at, u32 length)
{
	return !(at % length) && at + length <= KVPCI_PCI_CONFIG_SIZE;
}

static bool answers_elsewhere(u32 answers, const u64 *before, const u64 *after)
{
	for (u32 i = 0; i < KVPCI_NUM_BARS; i++)
		if (answers & BIT(i) && before[i] != after[i])
			return true;
	return false;
}

/*
 * What a write is foretold to decode is what it decodes, register by register;
 * asking changes no byte, and what is said not to matter does not.
 */
TEST_F(pci_decode, decode_after)
{
	static const u32 edges[] = { 0, 1, 2, 3, 7, ~0U, 0xc000, 0xe0000000 };
	struct kvpci_pci_config *cs = &self->cs;
	struct kvpci_pci_config *copy = malloc(sizeof(*copy));
	u64 before[KVPCI_NUM_BARS], told[KVPCI_NUM_BARS], after[KVPCI_NUM_BARS];
	u32 seed = 1, changed = 0, moved = 0;

	ASSERT_NE(NULL, copy);
	for (u32 round = 0; round < 200; round++) {
		for (u32 at = 0; at < 260; at++) {
			u32 length = 1U << rnd(&seed) % 3, pick = rnd(&seed);
			u32 value = pick & 1 ? rnd(&seed) :
				    edges[pick / 2 % ARRAY_SIZE(edges)];
			u32 was, tells, is;
			bool touches, moves, change;

			if (!is_aligned(at, length))
				continue;
			memcpy(copy, cs, sizeof(*copy));
			was = kvpci_pci_config_decode(cs, before);
			tells = kvpci_pci_config_decode_after(cs, at, length,
							      value, told);
			touches = kvpci_pci_config_touches_decode(cs, at, length,
								  value);
			moves = kvpci_pci_config_moves(cs, at, length, value,
						       was, before);
			ASSERT_EQ(0, memcmp(copy, cs, sizeof(*copy)));
			if (wr(cs, at, length, value) & KVPCI_PCI_CONFIG_FLR)
				kvpci_pci_config_reset(cs);
			is = kvpci_pci_config_decode(cs, after);
			ASSERT_EQ(is, tells)
				TH_LOG("%u bytes at %#x: %#x", length, at, value);
			ASSERT_EQ(0, memcmp(after, told, sizeof(after)))
				TH_LOG("%u bytes at %#x: %#x", length, at, value);
			change = was != is || memcmp(before, after, sizeof(before));
			ASSERT_TRUE(touches || !change)
				TH_LOG("%u bytes at %#x: %#x", length, at, value);
			ASSERT_EQ(answers_elsewhere(is, before, after), moves)
				TH_LOG("%u bytes at %#x: %#x", length, at, value);
			changed += change;
			moved += moves;
		}
		/* on and off, so that the BARs' own writes move them */
		wr(cs, PCI_COMMAND, 2, round % 4 ? 7 : 0);
		wr(cs, cs->pm + PCI_PM_CTRL, 2, 0);
	}
	EXPECT_GT(changed, 300);
	EXPECT_GT(moved, 100);
	/* beyond the space, and across its end, there is nothing to write */
	wr(cs, BAR(1), 4, 0xe0000000);
	wr(cs, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	kvpci_pci_config_decode(cs, before);
	for (u32 at = KVPCI_PCI_CONFIG_SIZE - 2; at; at = at < 5000 ? ~0U - 2 : at + 1) {
		kvpci_pci_config_decode_after(cs, at, 4, 0, told);
		EXPECT_EQ(0, memcmp(before, told, sizeof(before)));
	}
	free(copy);
}

TEST_HARNESS_MAIN
