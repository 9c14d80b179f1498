// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the first status bit to DRIVER_OK and back: features, queue sizes, and
 * what a reset leaves.
 */
#include "lib/machine.h"
#include "kselftest_harness.h"

#define F_VERSION_1	(1ULL << 32)
#define F_SR_IOV	(1ULL << 37)
#define F_RING_RESET	(1ULL << 40)

FIXTURE(status) {
	struct machine m;
};

TRANSPORT_VARIANTS(status);

FIXTURE_SETUP(status)
{
	machine_create_in(&self->m, variant->ops);
	machine_fds(&self->m);
}

FIXTURE_TEARDOWN(status)
{
	machine_destroy(&self->m);
}

static uint32_t offered(struct machine *m, uint32_t word)
{
	cc_write(m, CC_DEVICE_FEATURE_SELECT, word);
	return cc_read(m, CC_DEVICE_FEATURE);
}

static void accept(struct machine *m, uint64_t features)
{
	for (uint32_t word = 0; word < 2; word++) {
		cc_write(m, CC_DRIVER_FEATURE_SELECT, word);
		cc_write(m, CC_DRIVER_FEATURE, features >> 32 * word);
	}
}

/* R8, R49 */
TEST_F(status, device_features)
{
	static const uint32_t beyond[] = { 4, 5, 32, 0x80000000, ~0U };
	struct machine *m = &self->m;

	EXPECT_EQ((uint32_t)DEV_FEATURES, offered(m, 0));
	EXPECT_EQ(DEV_FEATURES >> 32, offered(m, 1));
	EXPECT_EQ(2, offered(m, 2));
	EXPECT_EQ(0, offered(m, 3));
	for (size_t i = 0; i < ARRAY_SIZE(beyond); i++) {
		EXPECT_EQ(0, offered(m, beyond[i]))
			TH_LOG("word %#x", beyond[i]);
		EXPECT_EQ(0, m->g.vcpu[0].exits);
	}
	EXPECT_NE(0, offered(m, 1) & (F_VERSION_1 >> 32));
	EXPECT_EQ(0, offered(m, 1) & (F_SR_IOV >> 32));
}

/* R9: of what is written, that which is offered */
TEST_F(status, driver_features)
{
	struct machine *m = &self->m;
	unsigned int exits = 0;

	for (uint32_t word = 0; word < 5; word++) {
		cc_write(m, CC_DRIVER_FEATURE_SELECT, word);
		EXPECT_EQ(0, cc_read(m, CC_DRIVER_FEATURE));
		cc_write(m, CC_DRIVER_FEATURE, ~0U);
		exits += m->g.vcpu[0].exits;
	}
	for (uint32_t word = 0; word < 5; word++) {
		cc_write(m, CC_DRIVER_FEATURE_SELECT, word);
		EXPECT_EQ(offered(m, word), cc_read(m, CC_DRIVER_FEATURE));
	}
	accept(m, F_VERSION_1);
	cc_write(m, CC_DRIVER_FEATURE_SELECT, 0);
	EXPECT_EQ(0, cc_read(m, CC_DRIVER_FEATURE));
	EXPECT_EQ(0, exits);
}

/* R43 */
TEST_F(status, features_ok)
{
	static const struct {
		uint64_t features;
		bool ok;
	} rows[] = {
		{ 0, false }, { DEV_FEATURES & ~F_VERSION_1, false },
		{ DEV_FEATURES | 1, false }, { DEV_FEATURES | 1ULL << 63, false },
		{ F_VERSION_1, true }, { F_VERSION_1 | F_RING_RESET, true },
		{ DEV_FEATURES, true },
	};
	struct machine *m = &self->m;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cc_write(m, CC_STATUS, 0);
		cc_write(m, CC_STATUS, ST_ACKNOWLEDGE | ST_DRIVER);
		accept(m, rows[i].features);
		cc_write(m, CC_STATUS, ST_READY);
		EXPECT_EQ(rows[i].ok ? ST_READY : ST_ACKNOWLEDGE | ST_DRIVER,
			  cc_read(m, CC_STATUS)) TH_LOG("row %zu", i);
		EXPECT_EQ(0, m->g.vcpu[0].exits);
		/* what was accepted does not change; what was not may */
		accept(m, F_VERSION_1);
		cc_write(m, CC_DRIVER_FEATURE_SELECT, 0);
		EXPECT_EQ(rows[i].ok ? (uint32_t)rows[i].features : 0,
			  cc_read(m, CC_DRIVER_FEATURE));
		cc_write(m, CC_STATUS, ST_READY);
		EXPECT_EQ(ST_READY, cc_read(m, CC_STATUS));
	}
}

/* DRIVER_OK is nothing to a device whose features were not accepted. */
TEST_F(status, driver_ok_too_early)
{
	struct machine *m = &self->m;

	cc_write(m, CC_STATUS, ST_ACKNOWLEDGE | ST_DRIVER | ST_DRIVER_OK);
	EXPECT_EQ(ST_ACKNOWLEDGE | ST_DRIVER, cc_read(m, CC_STATUS));
	EXPECT_EQ(-EAGAIN, device_event(m, NULL));
}

static void stop(struct machine *m)
{
	cc_write(m, CC_STATUS, 0);
	if (device_event(m, NULL) != KVPCI_EVENT_STOP ||
	    device_ack(m, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE))
		guest_die("the device did not stop");
}

/* R44: with another set, or a refused one, in between */
TEST_F(status, accepted_again)
{
	struct machine *m = &self->m;

	for (int i = 0; i < 3; i++) {
		driver_run(m);
		EXPECT_EQ(ST_RUNNING, cc_read(m, CC_STATUS));
		stop(m);
		cc_write(m, CC_STATUS, ST_ACKNOWLEDGE | ST_DRIVER);
		accept(m, i & 1 ? F_VERSION_1 : DEV_FEATURES | 1);
		cc_write(m, CC_STATUS, ST_READY);
		EXPECT_EQ(i & 1 ? ST_READY : ST_ACKNOWLEDGE | ST_DRIVER,
			  cc_read(m, CC_STATUS));
		cc_write(m, CC_STATUS, 0);
		EXPECT_EQ(0, cc_read(m, CC_STATUS));
	}
}

/* R16: without RING_PACKED a power of two, and no more than there is room for */
TEST_F(status, queue_size)
{
	static const struct {
		uint32_t write, expect;
	} rows[] = {
		{ 100, 256 }, { 64, 64 }, { 96, 64 }, { 1, 1 }, { 3, 1 },
		{ 256, 256 }, { 512, 256 }, { 0, 256 }, { 0x8000, 256 },
		{ 0xffff, 256 }, { 2, 2 },
	};
	struct machine *m = &self->m;
	unsigned int exits = 0;

	driver_negotiate(m);
	cc_write(m, CC_QUEUE_SELECT, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cc_write(m, CC_QUEUE_SIZE, rows[i].write);
		exits += m->g.vcpu[0].exits;
		EXPECT_EQ(rows[i].expect, cc_read(m, CC_QUEUE_SIZE))
			TH_LOG("%u written", rows[i].write);
	}
	EXPECT_EQ(0, exits);
}

/* R11, R12, R13, R38: what a reset leaves */
static void check_defaults(struct __test_metadata *_metadata, struct machine *m)
{
	static const uint16_t sizes[DEV_QUEUES] = { 256, 128, 0, 64 };
	unsigned int exits = 0;

	EXPECT_EQ(0, cc_read(m, CC_STATUS));
	EXPECT_EQ(NO_VECTOR, cc_read(m, CC_CONFIG_VECTOR));
	for (uint32_t word = 0; word < 4; word++) {
		cc_write(m, CC_DRIVER_FEATURE_SELECT, word);
		EXPECT_EQ(0, cc_read(m, CC_DRIVER_FEATURE));
	}
	for (unsigned int q = 0; q < DEV_QUEUES; q++) {
		cc_write(m, CC_QUEUE_SELECT, q);
		exits += m->g.vcpu[0].exits;
		EXPECT_EQ(sizes[q], cc_read(m, CC_QUEUE_SIZE));
		EXPECT_EQ(0, cc_read(m, CC_QUEUE_ENABLE));
		EXPECT_EQ(0, cc_read(m, CC_QUEUE_RESET));
		EXPECT_EQ(NO_VECTOR, cc_read(m, CC_QUEUE_VECTOR));
		for (unsigned int at = CC_QUEUE_DESC; at < 0x38; at += 4)
			EXPECT_EQ(0, cc_read(m, at));
		exits += m->g.vcpu[0].exits;
	}
	EXPECT_EQ(0, exits);
}

TEST_F(status, reset_before_driver_ok)
{
	struct machine *m = &self->m;

	check_defaults(_metadata, m);
	driver_negotiate(m);
	cc_write(m, CC_CONFIG_VECTOR, 3);
	driver_queue(m, 0, 16);
	driver_queue(m, 3, 2);
	cc_write(m, CC_STATUS, 0);
	check_defaults(_metadata, m);
}

TEST_F(status, reset_of_a_running_device)
{
	struct machine *m = &self->m;

	driver_run(m);
	cc_write(m, CC_CONFIG_VECTOR, 3);
	/* one queue is under reset, and its reset is not done */
	cc_write(m, CC_QUEUE_SELECT, 1);
	cc_write(m, CC_QUEUE_RESET, 1);
	EXPECT_EQ(1, cc_read(m, CC_QUEUE_RESET));
	stop(m);
	check_defaults(_metadata, m);
	driver_run(m);
	EXPECT_EQ(ST_RUNNING, cc_read(m, CC_STATUS));
}

/* R13: and a queue that is enabled again is not under reset */
TEST_F(status, enabled_again)
{
	struct machine *m = &self->m;

	driver_run(m);
	cc_write(m, CC_QUEUE_SELECT, 0);
	cc_write(m, CC_QUEUE_RESET, 1);
	EXPECT_EQ(KVPCI_EVENT_QUEUE_STOP, device_event(m, NULL));
	ASSERT_EQ(0, device_ack(m, KVPCI_EVENT_QUEUE_STOP, 0));
	EXPECT_EQ(0, cc_read(m, CC_QUEUE_RESET));
	driver_queue(m, 0, 8);
	EXPECT_EQ(1, cc_read(m, CC_QUEUE_ENABLE));
	EXPECT_EQ(0, cc_read(m, CC_QUEUE_RESET));
	EXPECT_EQ(8, cc_read(m, CC_QUEUE_SIZE));
}

int main(int argc, char **argv)
{
	require_kvm();
	return test_harness_run(argc, argv);
}
