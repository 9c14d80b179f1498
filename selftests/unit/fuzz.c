// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random steps of guest and VMM from fixed seeds; the engine says what
 * must hold after each. KVPCI_FUZZ_SEED=n runs that seed alone, or those from it on
 * with KVPCI_FUZZ_ROUNDS. KVPCI_FUZZ_HOSTILE=1 tries a spoiled state after each step.
 */
#include <stdlib.h>

#include "unit.h"
#include "kselftest_harness.h"
#include "fuzz/engine.h"

#define ROUNDS		100
#define ROUND_BYTES	14000
#define STEPS_AT_LEAST	200000

/* xorshift64*: the same bytes from a seed on every machine. */
static void fill(uint8_t *bytes, size_t n, uint64_t seed)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ULL + 1;

	for (size_t i = 0; i < n; i++) {
		x ^= x >> 12;
		x ^= x << 25;
		x ^= x >> 27;
		bytes[i] = x * 0x2545f4914f6cdd1dULL >> 56;
	}
}

static unsigned long round_of(uint64_t seed, bool hostile, unsigned long *reached)
{
	uint8_t *bytes = malloc(ROUND_BYTES);
	unsigned long steps;

	if (!bytes)
		abort();
	fill(bytes, ROUND_BYTES, seed);
	steps = fuzz_run(bytes, ROUND_BYTES, reached, hostile);
	free(bytes);
	return steps;
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

TEST(random_steps)
{
	uint64_t first = from_environment("KVPCI_FUZZ_SEED", 0);
	uint64_t rounds = from_environment("KVPCI_FUZZ_ROUNDS", first ? 1 : ROUNDS);
	bool hostile = from_environment("KVPCI_FUZZ_HOSTILE", 0);
	unsigned long reached[FUZZ_REACHES] = { 0 };
	unsigned long steps = 0;

	for (uint64_t seed = first ? first : 1; rounds; seed++, rounds--) {
		/* stays if the engine aborts: says which seed it was */
		snprintf(_metadata->results->reason,
			 sizeof(_metadata->results->reason),
			 "seed %llu", (unsigned long long)seed);
		steps += round_of(seed, hostile, reached);
	}
	_metadata->results->reason[0] = '\0';
	TH_LOG("%8lu steps, %lu spoiled states refused, %lu taken", steps,
	       reached[FUZZ_STATE_REFUSED], reached[FUZZ_STATE_TAKEN]);
	if (first)
		return;
	EXPECT_GE(steps, STEPS_AT_LEAST);
	/* A run that never got anywhere has proved nothing. */
	for (int i = 0; i < FUZZ_REACHES; i++) {
		EXPECT_NE(0, reached[i])
			TH_LOG("never reached: %s", fuzz_reach_names[i]);
		TH_LOG("%8lu %s", reached[i], fuzz_reach_names[i]);
	}
}

TEST_HARNESS_MAIN
