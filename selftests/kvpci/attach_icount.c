// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a device costs that comes to a VM with many others, by the instruction. Its
 * change of KVM's buses copies them, so that part grows with what is on them;
 * nothing else does.
 */
#include <sys/resource.h>

#include "lib/fleet.h"
#include "kselftest_harness.h"

#define DEVICES		200
#define TIMES		8	/* or the host's allocators are measured */
#define TENTHS		11

static struct fleet_fds fds[DEVICES];
static struct fleet_image image;
static struct fleet_spans spans[DEVICES];

FIXTURE(attach) {
	struct trace trace;
};

FIXTURE_SETUP(attach)
{
	const struct rlimit files = { 2 * DEVICES * FLEET_QUEUES + DEVICES + 100,
				      2 * DEVICES * FLEET_QUEUES + DEVICES + 100 };
	struct machine m;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	for (unsigned int n = 0; n < DEVICES; n++)
		fleet_fds(&fds[n]);
	fleet_open(&m);
	m.dev = fleet_start(&m, 0, &fds[0]);
	fleet_save(m.dev, &image);
	machine_destroy(&m);
	trace_open(&self->trace);
}

FIXTURE_TEARDOWN(attach)
{
	trace_close(&self->trace);
}

static uint64_t arrive(unsigned int n)
{
	return spans[n].arrive - spans[n].arrive_bus;
}

static uint64_t leave(unsigned int n)
{
	return spans[n].leave - spans[n].leave_bus;
}

TEST_F_TIMEOUT(attach, beside_the_buses, 250)
{
	static const struct {
		const char *what;
		uint64_t (*beside)(unsigned int n);
	} parts[] = {
		{ "arrive", arrive },
		{ "leave", leave },
	};

	if (!trace_clock_counts())
		SKIP(return, "the TSC does not count instructions");
	fleet_attach(fds, DEVICES, TIMES, &image, NULL, spans);
	fleet_probe(&self->trace);
	fleet_attach(fds, DEVICES, TIMES, &image, &self->trace, spans);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		uint64_t first = parts[i].beside(0);
		uint64_t last = parts[i].beside(DEVICES - 1);

		TH_LOG("%s: first %lu, last %lu", parts[i].what, first, last);
		EXPECT_GE(first * TENTHS, last * 10);
	}
	/* Those do grow, or they would not have been seen. */
	EXPECT_LT(spans[0].arrive_bus * 4, spans[DEVICES - 1].arrive_bus);
}

int main(int argc, char **argv)
{
	require_kvpci();
	require_trace();
	return test_harness_run(argc, argv);
}
