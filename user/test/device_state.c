// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registers of a device, by way of a file: all arrays arrive, and a device that is
 * another one is refused before the transport is asked.
 */
#include <errno.h>
#include <linux/kvpci.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device_state.h"
#include "kselftest_harness.h"
#include "snapshot.h"
#include "transport.h"
#include "util.h"

#define CONFIG_SIZE	12

static const struct device_numbers numbers = {
	.virtio_id = 1, .num_queues = 3, .num_vectors = 4,
	.device_config_size = CONFIG_SIZE, .features = { 0xff, 1 },
};

/* Whose registers are a pattern. */
struct fake {
	struct transport base;
	uint64_t features;
	uint8_t backend;
	int result;
	unsigned int restored;
};

static void arrays(const struct kvpci_device_registers *r, uint8_t *at[5], size_t size[5])
{
	const uint64_t pointers[] = {
		r->queues, r->vectors, r->pending, r->device_config, r->pci_config,
	};
	const size_t sizes[] = {
		r->num_queues * sizeof(struct kvpci_queue_registers),
		r->num_vectors * 16, 8, r->device_config_size, r->pci_config_size,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pointers); i++) {
		at[i] = (uint8_t *)(uintptr_t)pointers[i];
		size[i] = sizes[i];
	}
}

static int fake_save(struct transport *t, struct kvpci_device_registers *r)
{
	struct fake *fake = (struct fake *)t;
	uint8_t *at[5];
	size_t size[5], i;

	r->driver_features[0] = fake->features;
	r->backend = fake->backend;
	arrays(r, at, size);
	for (i = 0; i < ARRAY_SIZE(at); i++)
		memset(at[i], (int)i + 1, size[i]);
	return fake->result;
}

static int fake_restore(struct transport *t, const struct kvpci_device_registers *r)
{
	struct fake *fake = (struct fake *)t;
	uint8_t *at[5];
	size_t size[5], i, n;

	fake->restored++;
	arrays(r, at, size);
	for (i = 0; i < ARRAY_SIZE(at); i++)
		for (n = 0; n < size[i]; n++)
			if (at[i][n] != i + 1)
				return -EIO;
	return fake->result;
}

static const struct transport_ops fake_ops = {
	.save = fake_save,
	.restore = fake_restore,
};

FIXTURE(device_state)
{
	char path[32];
	struct snapshot s;
	struct fake fake;
};

FIXTURE_SETUP(device_state)
{
	int fd;

	strcpy(self->path, "/tmp/device_state.XXXXXX");
	fd = mkstemp(self->path);
	ASSERT_GE(fd, 0);
	close(fd);
	self->s.fd = -1;
	self->s.entries = NULL;
	self->fake = (struct fake){
		.base.ops = &fake_ops, .features = 0x3, .backend = KVPCI_BACKEND_RUNNING,
	};
}

FIXTURE_TEARDOWN(device_state)
{
	snapshot_close(&self->s);
	unlink(self->path);
}

static int save_and_open(struct _test_data_device_state *self)
{
	struct snapshot_writer w;
	int err;

	snapshot_create(&w, self->path);
	device_save(&self->fake.base, &numbers, &w, 0);
	err = snapshot_commit(&w);
	return err ? err : snapshot_open(&self->s, self->path);
}

static int restore(struct _test_data_device_state *self, const struct device_numbers *n,
		   bool *runs)
{
	return device_restore(&self->fake.base, n, &self->s, 0, runs);
}

TEST_F(device_state, arrives)
{
	bool runs = false;

	ASSERT_EQ(0, save_and_open(self));
	ASSERT_EQ(0, restore(self, &numbers, &runs));
	EXPECT_TRUE(runs);
	EXPECT_EQ(1, self->fake.restored);
	EXPECT_EQ(0, snapshot_all_used(&self->s));
}

/* START has not been read: it waits. */
TEST_F(device_state, does_not_run_yet)
{
	bool runs = true;

	self->fake.backend = KVPCI_BACKEND_STARTING;
	ASSERT_EQ(0, save_and_open(self));
	ASSERT_EQ(0, restore(self, &numbers, &runs));
	EXPECT_FALSE(runs);
}

TEST_F(device_state, err_transport)
{
	bool runs;

	ASSERT_EQ(0, save_and_open(self));
	self->fake.result = -EINVAL;
	EXPECT_EQ(-EINVAL, restore(self, &numbers, &runs));
	EXPECT_FALSE(runs);
	EXPECT_EQ(-EINVAL, save_and_open(self));
}

TEST_F(device_state, err_another_device)
{
	struct device_numbers n;
	bool runs;

	ASSERT_EQ(0, save_and_open(self));
	n = numbers;
	n.virtio_id = 2;
	EXPECT_EQ(-EINVAL, restore(self, &n, &runs));
	n = numbers;
	n.num_queues = 2;
	EXPECT_EQ(-EINVAL, restore(self, &n, &runs));
	n = numbers;
	n.num_vectors = 5;
	EXPECT_EQ(-EINVAL, restore(self, &n, &runs));
	n = numbers;
	n.device_config_size = CONFIG_SIZE + 1;	/* the section is as long */
	EXPECT_EQ(-EINVAL, restore(self, &n, &runs));
	n = numbers;
	n.features[0] = 0x1;
	EXPECT_EQ(-EINVAL, restore(self, &n, &runs));
	EXPECT_EQ(0, self->fake.restored);
}

TEST_HARNESS_MAIN
