// SPDX-License-Identifier: GPL-2.0-only
/*
 * Feature negotiation as the launcher shapes it: which sets of features the
 * driver gets FEATURES_OK for.
 */
#include "lib/machine.h"
#include "kselftest_harness.h"

FIXTURE(features) {
	struct machine m;
	struct device_desc desc;
};

TRANSPORT_VARIANTS(features);

FIXTURE_SETUP(features)
{
	device_describe(&self->desc);
}

FIXTURE_TEARDOWN(features)
{
	machine_destroy(&self->m);
}

/* The driver accepts @features and says so. Return: what it reads back. */
static uint64_t accept(struct machine *m, uint64_t features)
{
	cc_write(m, CC_STATUS, 0);
	cc_write(m, CC_STATUS, ST_ACKNOWLEDGE | ST_DRIVER);
	for (unsigned int word = 0; word < 2; word++) {
		cc_write(m, CC_DRIVER_FEATURE_SELECT, word);
		cc_write(m, CC_DRIVER_FEATURE, (uint32_t)(features >> (32 * word)));
	}
	cc_write(m, CC_STATUS, ST_READY);
	return cc_read(m, CC_STATUS);
}

/* R43: bit 5 needs bit 29, and who accepts one without the other is refused. */
TEST_F(features, dependencies)
{
	const uint64_t version_1 = 1ULL << 32;
	struct machine *m = &self->m;

	self->desc.deps[0] = (struct kvpci_feature_dep){
		.feature = 5, .any_of = { 1ULL << 29 },
	};
	self->desc.create.feature_deps = (uintptr_t)self->desc.deps;
	self->desc.create.num_feature_deps = 1;
	machine_create_as(m, variant->twin, &self->desc);

	EXPECT_EQ(ST_ACKNOWLEDGE | ST_DRIVER, accept(m, version_1 | 1 << 5));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(ST_READY, accept(m, version_1 | 1 << 5 | 1 << 29));
	EXPECT_EQ(ST_READY, accept(m, version_1 | 1 << 29));
	EXPECT_EQ(ST_READY, accept(m, version_1));
	EXPECT_EQ(ST_ACKNOWLEDGE | ST_DRIVER, accept(m, 1 << 5 | 1 << 29));
}

/* R17, R51: behind the others, and only for a driver that wants them. */
TEST_F(features, admin_queues)
{
	const unsigned int first = DEV_QUEUES - 1;
	struct machine *m = &self->m;

	self->desc.create.features[0] |= F_ADMIN_VQ;
	self->desc.create.num_admin_queues = 1;
	machine_create_as(m, variant->twin, &self->desc);
	machine_fds(m);
	EXPECT_EQ(first, cc_read(m, CC_NUM_QUEUES));
	ASSERT_EQ(ST_READY, accept(m, DEV_FEATURES));
	cc_write(m, CC_QUEUE_SELECT, first);
	EXPECT_EQ(0, cc_read(m, CC_QUEUE_SIZE));

	ASSERT_EQ(ST_READY, accept(m, DEV_FEATURES | F_ADMIN_VQ));
	EXPECT_EQ(first, cc_read(m, CC_ADMIN_INDEX));
	EXPECT_EQ(1, cc_read(m, CC_ADMIN_NUM));
	driver_queue(m, first, 16);
	cc_write(m, CC_STATUS, ST_RUNNING);
	ASSERT_EQ(KVPCI_EVENT_START, device_event(m->dev, NULL));
	guest_write(&m->g, MEM_BASE + MEM_DOORBELLS + 4 * first, 2, first);
	EXPECT_EQ(1, eventfd_count(m->kick[first]));
	guest_out(&m->g, IO_BASE + IO_DOORBELL, 2, first);
	EXPECT_EQ(1, eventfd_count(m->kick[first]));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
}

int main(int argc, char **argv)
{
	require_kvm();
	return test_harness_run(argc, argv);
}
