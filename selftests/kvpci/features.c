// SPDX-License-Identifier: GPL-2.0-only
/*
 * Feature negotiation as the VMM shapes it: which sets of features the
 * driver gets FEATURES_OK for.
 */
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "lib/function.h"
#include "kselftest_harness.h"

#define VERSION_1	(1ULL << 32)

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
	struct machine *m = &self->m;

	self->desc.deps[0] = (struct kvpci_feature_dep){
		.feature = 5, .any_of = { 1ULL << 29 },
	};
	self->desc.create.feature_deps = (uintptr_t)self->desc.deps;
	self->desc.create.num_feature_deps = 1;
	machine_create_as(m, variant->ops, &self->desc);

	EXPECT_EQ(ST_ACKNOWLEDGE | ST_DRIVER, accept(m, VERSION_1 | 1 << 5));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(ST_READY, accept(m, VERSION_1 | 1 << 5 | 1 << 29));
	EXPECT_EQ(ST_READY, accept(m, VERSION_1 | 1 << 29));
	EXPECT_EQ(ST_READY, accept(m, VERSION_1));
	EXPECT_EQ(ST_ACKNOWLEDGE | ST_DRIVER, accept(m, 1 << 5 | 1 << 29));
}

/* R17, R51: behind the others, and only for a driver that wants them. */
TEST_F(features, admin_queues)
{
	const unsigned int first = DEV_QUEUES - 1;
	struct machine *m = &self->m;

	self->desc.create.features[0] |= F_ADMIN_VQ;
	self->desc.create.num_admin_queues = 1;
	machine_create_as(m, variant->ops, &self->desc);
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
	ASSERT_EQ(KVPCI_EVENT_START, device_event(m, NULL));
	guest_write(&m->g, MEM_BASE + MEM_DOORBELLS + 4 * first, 2, first);
	EXPECT_EQ(1, eventfd_count(m->kick[first]));
	guest_out(&m->g, IO_BASE + IO_DOORBELL, 2, first);
	EXPECT_EQ(1, eventfd_count(m->kick[first]));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
}

/* --- the VMM is asked ------------------------------------------------------ */

FIXTURE(features_exit) {
	struct machine m;
	struct device_desc desc;
};

TRANSPORT_VARIANTS(features_exit);

FIXTURE_SETUP(features_exit)
{
	device_describe(&self->desc);
	self->desc.create.flags = KVPCI_DEVICE_EXIT_FEATURES;
}

FIXTURE_TEARDOWN(features_exit)
{
	machine_destroy(&self->m);
}

TEST_F(features_exit, asked)
{
	struct machine *m = &self->m;
	const struct guest_exit *exit = &m->g.vcpu[0].exit[0];

	machine_create_as(m, variant->ops, &self->desc);
	/* what the module refuses by itself it does not ask about */
	EXPECT_EQ(ST_ACKNOWLEDGE | ST_DRIVER, accept(m, 1 << 5));
	EXPECT_EQ(0, m->g.vcpu[0].exits);

	/* refused: the write is left */
	EXPECT_EQ(ST_ACKNOWLEDGE | ST_DRIVER, accept(m, VERSION_1 | 1 << 5));
	cc_write(m, CC_STATUS, ST_READY);
	ASSERT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(KVM_EXIT_MMIO, exit->reason);
	EXPECT_TRUE(exit->write);
	EXPECT_EQ(MEM_BASE + MEM_COMMON + CC_STATUS, exit->addr);
	EXPECT_EQ(ST_READY, exit->value);
	EXPECT_EQ(VERSION_1 | 1 << 5, device_features(m));
	EXPECT_EQ(ST_ACKNOWLEDGE | ST_DRIVER, cc_read(m, CC_STATUS));

	/* granted: the VMM does it */
	guest_out(&m->g, IO_BASE + IO_COMMON + CC_STATUS, 1, ST_READY);
	ASSERT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(KVM_EXIT_IO, exit->reason);
	ASSERT_EQ(0, m->ops->bar_write(m, BAR_MEM, MEM_COMMON + CC_STATUS, 1,
				       ST_READY));
	EXPECT_EQ(ST_READY, cc_read(m, CC_STATUS));
	/* and goes on without being asked */
	cc_write(m, CC_STATUS, ST_RUNNING);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(KVPCI_EVENT_START, device_event(m, NULL));
}

/* --- the VMM accepts what it has looked at, and nothing else --------------- */

/* The driver's choice, by any vCPU, up to the write that sets FEATURES_OK. */
static void choose(struct guest_vcpu *vcpu, uint64_t features)
{
	const struct guest_access list[] = {
		{ ACCESS_WRITE, 4, MEM_BASE + CC_DRIVER_FEATURE_SELECT, 0 },
		{ ACCESS_WRITE, 4, MEM_BASE + CC_DRIVER_FEATURE,
		  (uint32_t)features },
		{ ACCESS_WRITE, 4, MEM_BASE + CC_DRIVER_FEATURE_SELECT, 1 },
		{ ACCESS_WRITE, 4, MEM_BASE + CC_DRIVER_FEATURE, features >> 32 },
	};

	guest_set_script(vcpu, list, ARRAY_SIZE(list), 1);
	while (!guest_run(vcpu))
		;
}

FIXTURE(features_ok) {
	struct machine m;
	uint64_t seen[2];	/* what the VMM has looked at */
};

TRANSPORT_VARIANTS(features_ok);

FIXTURE_SETUP(features_ok)
{
	struct machine *m = &self->m;
	struct device_desc desc;

	device_describe(&desc);
	desc.create.flags = KVPCI_DEVICE_EXIT_FEATURES;
	machine_open(m, 2, variant->ops);
	ASSERT_EQ(0, m->ops->create(m, &desc));
	ASSERT_EQ(0, device_map(m, IO_BASE, MEM_BASE, MSIX_BASE));
	cc_write(m, CC_STATUS, ST_ACKNOWLEDGE | ST_DRIVER);
	choose(&m->g.vcpu[0], VERSION_1 | 1 << 5);
	cc_write(m, CC_STATUS, ST_READY);
	ASSERT_EQ(1, m->g.vcpu[0].exits);
	ASSERT_EQ(0, m->ops->features(m, self->seen));
	ASSERT_EQ(VERSION_1 | 1 << 5, self->seen[0]);
	ASSERT_EQ(0, self->seen[1]);
}

FIXTURE_TEARDOWN(features_ok)
{
	machine_destroy(&self->m);
}

TEST_F(features_ok, accepted)
{
	struct machine *m = &self->m;

	EXPECT_EQ(0, m->ops->features_ok(m, ST_READY, self->seen));
	EXPECT_EQ(ST_READY, cc_read(m, CC_STATUS));
	EXPECT_EQ(self->seen[0], device_features(m));
	/* sealed, and nobody is asked again */
	choose(&m->g.vcpu[1], VERSION_1);
	EXPECT_EQ(self->seen[0], device_features(m));
	cc_write(m, CC_STATUS, ST_RUNNING);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(KVPCI_EVENT_START, device_event(m, NULL));
}

/* The other vCPU changes its mind between the VMM's look and its answer. */
TEST_F(features_ok, changed)
{
	static const uint64_t others[] = {
		VERSION_1, VERSION_1 | 1 << 29, VERSION_1 | 1ULL << 40 | 1 << 5, 0,
	};
	struct machine *m = &self->m;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		choose(&m->g.vcpu[1], others[i]);
		EXPECT_EQ(-EAGAIN, m->ops->features_ok(m, ST_READY, self->seen))
			TH_LOG("row %zu", i);
		/* nothing has changed */
		EXPECT_EQ(ST_ACKNOWLEDGE | ST_DRIVER, cc_read(m, CC_STATUS));
		EXPECT_EQ(others[i], device_features(m));
		EXPECT_EQ(-EAGAIN, device_event(m, NULL));
	}
	/* bits 64 to 127 are features, too */
	choose(&m->g.vcpu[1], self->seen[0]);
	cc_write(m, CC_DRIVER_FEATURE_SELECT, 2);
	cc_write(m, CC_DRIVER_FEATURE, 2);
	EXPECT_EQ(-EAGAIN, m->ops->features_ok(m, ST_READY, self->seen));
	EXPECT_EQ(ST_ACKNOWLEDGE | ST_DRIVER, cc_read(m, CC_STATUS));

	/* the VMM looks again */
	ASSERT_EQ(0, m->ops->features(m, self->seen));
	EXPECT_EQ(2, self->seen[1]);
	EXPECT_EQ(0, m->ops->features_ok(m, ST_READY, self->seen));
	EXPECT_EQ(ST_READY, cc_read(m, CC_STATUS));
}

/* The module refuses by itself what it would have refused the driver. */
TEST_F(features_ok, refused_by_the_module)
{
	struct machine *m = &self->m;
	const uint64_t features[2] = { 1 << 5, 0 };

	choose(&m->g.vcpu[0], features[0]);
	EXPECT_EQ(0, m->ops->features_ok(m, ST_READY, features));
	EXPECT_EQ(ST_ACKNOWLEDGE | ST_DRIVER, cc_read(m, CC_STATUS));
}

TEST_F(features_ok, invalid)
{
	const uint32_t rows[] = {
		ST_ACKNOWLEDGE | ST_DRIVER, 0, 0x100 | ST_READY, 0x80000000 | ST_READY,
	};
	struct machine *m = &self->m;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(-EINVAL, m->ops->features_ok(m, rows[i], self->seen))
			TH_LOG("row %zu", i);
		EXPECT_EQ(ST_ACKNOWLEDGE | ST_DRIVER, cc_read(m, CC_STATUS));
		EXPECT_EQ(self->seen[0], device_features(m));
	}
}

/* A device whose driver nobody judges has nothing to be accepted. */
TEST_F(features_ok, not_asked_for)
{
	struct machine other;
	struct device_desc desc;

	device_describe(&desc);
	ASSERT_EQ(0, machine_add_device(&self->m, &desc, &other));
	EXPECT_EQ(-EINVAL, other.ops->features_ok(&other, ST_READY, self->seen));
}

/* --- through configuration space ------------------------------------------- */

/* Through the access window the write of configuration space exits. */
TEST_F(features_exit, asked_through_the_window)
{
	const uint64_t features[2] = { 1ULL << 32, 0 };
	struct machine *m = &self->m;
	uint64_t base;
	uint32_t window;

	function_create(m, variant->ops, &self->desc, NULL, 0);
	window = find_cap(m, PCI_CAP_ID_VNDR, VIRTIO_PCI_CAP_PCI_CFG, 0);
	ASSERT_NE(0, window);
	base = at_function(OURS, 0);
	guest_write(&m->g, base + window + 4, 1, BAR_MEM);
	guest_write(&m->g, base + window + 12, 4, 4);
	guest_write(&m->g, base + window + 8, 4, CC_DRIVER_FEATURE_SELECT);
	guest_write(&m->g, base + window + 16, 4, 1);
	guest_write(&m->g, base + window + 8, 4, CC_DRIVER_FEATURE);
	guest_write(&m->g, base + window + 16, 4, 1);
	EXPECT_EQ(1ULL << 32, device_features(m));
	guest_write(&m->g, base + window + 8, 4, CC_STATUS);
	guest_write(&m->g, base + window + 12, 4, 1);
	guest_write(&m->g, base + window + 16, 4, ST_ACKNOWLEDGE | ST_DRIVER);
	EXPECT_EQ(0, m->g.vcpu[0].exits);

	guest_write(&m->g, base + window + 16, 4, ST_READY);
	ASSERT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(base + window + 16, m->g.vcpu[0].exit[0].addr);
	EXPECT_EQ(ST_ACKNOWLEDGE | ST_DRIVER,
		  guest_read(&m->g, base + window + 16, 1));
	/* handed back without an answer, it does not accept what nobody judged */
	EXPECT_EQ(0, m->ops->pci_config_write(m, window + 16, 4, ST_READY));
	EXPECT_EQ(ST_ACKNOWLEDGE | ST_DRIVER,
		  guest_read(&m->g, base + window + 16, 1));

	/* answered, but by now the driver has begun again with another choice */
	EXPECT_EQ(0, m->ops->features_ok(m, ST_READY, features));
	guest_write(&m->g, base + window + 16, 4, 0);
	guest_write(&m->g, base + window + 16, 4, ST_ACKNOWLEDGE | ST_DRIVER);
	EXPECT_EQ(0, m->ops->pci_config_write(m, window + 16, 4, ST_READY));
	EXPECT_EQ(ST_ACKNOWLEDGE | ST_DRIVER,
		  guest_read(&m->g, base + window + 16, 1));

	/* as it is meant */
	guest_write(&m->g, base + window + 8, 4, CC_DRIVER_FEATURE_SELECT);
	guest_write(&m->g, base + window + 12, 4, 4);
	guest_write(&m->g, base + window + 16, 4, 1);
	guest_write(&m->g, base + window + 8, 4, CC_DRIVER_FEATURE);
	guest_write(&m->g, base + window + 16, 4, 1);
	guest_write(&m->g, base + window + 8, 4, CC_STATUS);
	guest_write(&m->g, base + window + 12, 4, 1);
	guest_write(&m->g, base + window + 16, 4, ST_READY);
	ASSERT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(0, m->ops->features_ok(m, ST_READY, features));
	EXPECT_EQ(0, m->ops->pci_config_write(m, window + 16, 4, ST_READY));
	EXPECT_EQ(ST_READY, guest_read(&m->g, base + window + 16, 1));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
}

int main(int argc, char **argv)
{
	require_kvm();
	return test_harness_run(argc, argv);
}
