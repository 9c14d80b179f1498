// SPDX-License-Identifier: GPL-2.0-only
/*
 * Translation of guest addresses: nothing outside the RAM is ever found.
 */
#include <stddef.h>

#include "kselftest_harness.h"
#include "memory.h"

#define MIB	(1ULL << 20)
#define GIB	(1ULL << 30)

static uint8_t low, high;

static const struct memory memory = {
	.num_slots = 2,
	.slots = {
		{ 0, 3 * GIB, &low },
		{ 4 * GIB, MIB, &high },
	},
};

TEST(inside)
{
	EXPECT_EQ(&low, memory_at(&memory, 0, 1));
	EXPECT_EQ(&low, memory_at(&memory, 0, 3 * GIB));
	EXPECT_EQ(&low + 3 * GIB - 1, memory_at(&memory, 3 * GIB - 1, 1));
	EXPECT_EQ(&high, memory_at(&memory, 4 * GIB, MIB));
	EXPECT_EQ(4 * GIB + MIB, memory_end(&memory));
}

TEST(err_outside)
{
	EXPECT_EQ(NULL, memory_at(&memory, 0, 3 * GIB + 1));
	EXPECT_EQ(NULL, memory_at(&memory, 3 * GIB - 1, 2));
	EXPECT_EQ(NULL, memory_at(&memory, 3 * GIB, 1));
	EXPECT_EQ(NULL, memory_at(&memory, 4 * GIB - 1, 2));
	EXPECT_EQ(NULL, memory_at(&memory, 4 * GIB + MIB, 1));
	EXPECT_EQ(NULL, memory_at(&memory, 4 * GIB + 1, MIB));
	EXPECT_EQ(NULL, memory_at(&memory, ~0ULL, 1));
	EXPECT_EQ(NULL, memory_at(&memory, ~0ULL, ~0ULL));
	EXPECT_EQ(NULL, memory_at(&memory, 1, ~0ULL));
}

TEST_HARNESS_MAIN
