// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control queue against guests that mean well and guests that do not: it
 * never leaves their memory, always comes to an end, and says so when a ring
 * makes no sense.
 */
#include <errno.h>
#include <linux/kvpci.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

#include "ctrlq.h"
#include "kselftest_harness.h"
#include "memory.h"
#include "util.h"

#define RAM_BASE	0x100000ULL
#define RAM_SIZE	0x4000ULL
#define QUEUE_SIZE	8
/* Guest-physical places inside RAM */
#define DESC		RAM_BASE
#define AVAIL		(RAM_BASE + 0x1000)
#define USED		(RAM_BASE + 0x2000)
#define BUFFER		(RAM_BASE + 0x3000)
#define STATUS		(RAM_BASE + 0x3f00)
#define TABLE		(RAM_BASE + 0x3800)

#define F_INDIRECT	(1ULL << VIRTIO_RING_F_INDIRECT_DESC)
#define F_EVENT_IDX	(1ULL << VIRTIO_RING_F_EVENT_IDX)

struct seen {
	int count;
	size_t length;
	uint8_t request[CTRLQ_REQUEST_MAX];
};

static uint8_t handle(void *opaque, const uint8_t *request, size_t length)
{
	struct seen *seen = opaque;

	seen->count++;
	seen->length = length;
	memcpy(seen->request, request, length);
	return 0x5a;
}

FIXTURE(ctrlq)
{
	uint8_t *ram;		/* of exactly RAM_SIZE: sanitizers see the rest */
	struct memory memory;
	struct ctrlq q;
	struct seen seen;
	struct kvpci_queue_state state;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
};

static void *at(struct _test_data_ctrlq *self, uint64_t guest)
{
	return self->ram + (guest - RAM_BASE);
}

FIXTURE_SETUP(ctrlq)
{
	self->ram = calloc(1, RAM_SIZE);
	ASSERT_NE(NULL, self->ram);
	self->memory = (struct memory) {
		.num_slots = 1,
		.slots = { { RAM_BASE, RAM_SIZE, self->ram } },
	};
	self->q.memory = &self->memory;
	self->q.handle = handle;
	self->q.opaque = &self->seen;
	self->state = (struct kvpci_queue_state) {
		.queue_size = QUEUE_SIZE,
		.desc = DESC,
		.driver = AVAIL,
		.device = USED,
	};
	self->desc = at(self, DESC);
	self->avail = at(self, AVAIL);
	self->used = at(self, USED);
	ASSERT_EQ(0, ctrlq_start(&self->q, &self->state,
				 F_INDIRECT | F_EVENT_IDX));
}

FIXTURE_TEARDOWN(ctrlq)
{
	free(self->ram);
}

static void offer(struct _test_data_ctrlq *self, uint16_t head)
{
	self->avail->ring[self->avail->idx % QUEUE_SIZE] = head;
	self->avail->idx++;
}

/* Two readable buffers and a status byte, as Linux's driver sends commands. */
static void command(struct vring_desc *d, uint16_t first)
{
	d[0] = (struct vring_desc) { BUFFER, 2, VRING_DESC_F_NEXT, first + 1 };
	d[1] = (struct vring_desc) { BUFFER + 2, 2, VRING_DESC_F_NEXT, first + 2 };
	d[2] = (struct vring_desc) { STATUS, 1, VRING_DESC_F_WRITE, 0 };
}

TEST_F(ctrlq, command)
{
	memcpy(at(self, BUFFER), "\4\0\2\0", 4);
	command(self->desc, 0);
	offer(self, 0);
	EXPECT_EQ(CTRLQ_CALL, ctrlq_run(&self->q));
	EXPECT_EQ(1, self->seen.count);
	EXPECT_EQ(4, self->seen.length);
	EXPECT_EQ(0, memcmp(self->seen.request, "\4\0\2\0", 4));
	EXPECT_EQ(0x5a, *(uint8_t *)at(self, STATUS));
	EXPECT_EQ(1, self->used->idx);
	EXPECT_EQ(0, self->used->ring[0].id);
	EXPECT_EQ(1, self->used->ring[0].len);
	/* avail_event: the next one is to be told */
	EXPECT_EQ(1, *(uint16_t *)&self->used->ring[QUEUE_SIZE]);
	EXPECT_EQ(0, ctrlq_run(&self->q));
}

TEST_F(ctrlq, command_indirect)
{
	command(at(self, TABLE), 0);
	self->desc[3] = (struct vring_desc) {
		TABLE, 3 * sizeof(struct vring_desc), VRING_DESC_F_INDIRECT, 0,
	};
	offer(self, 3);
	EXPECT_EQ(CTRLQ_CALL, ctrlq_run(&self->q));
	EXPECT_EQ(1, self->seen.count);
	EXPECT_EQ(3, self->used->ring[0].id);
}

TEST_F(ctrlq, wraps)
{
	int i;

	command(self->desc, 0);
	for (i = 0; i < 70000; i++) {
		offer(self, 0);
		ASSERT_LE(0, ctrlq_run(&self->q));
	}
	EXPECT_EQ(70000, self->seen.count);
	EXPECT_EQ((uint16_t)70000, self->used->idx);
}

TEST_F(ctrlq, no_call_wanted)
{
	ASSERT_EQ(0, ctrlq_start(&self->q, &self->state, 0));
	command(self->desc, 0);
	self->avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	offer(self, 0);
	EXPECT_EQ(0, ctrlq_run(&self->q));
	self->avail->flags = 0;
	offer(self, 0);
	EXPECT_EQ(CTRLQ_CALL, ctrlq_run(&self->q));
}

TEST_F(ctrlq, no_status_byte)
{
	self->desc[0] = (struct vring_desc) { BUFFER, 4, 0, 0 };
	offer(self, 0);
	EXPECT_LE(0, ctrlq_run(&self->q));
	EXPECT_EQ(0, self->seen.count);
	EXPECT_EQ(0, self->used->ring[0].len);
}

TEST_F(ctrlq, long_request_is_cut)
{
	self->desc[0] = (struct vring_desc) { BUFFER, 1000, VRING_DESC_F_NEXT, 1 };
	self->desc[1] = (struct vring_desc) { STATUS, 1, VRING_DESC_F_WRITE, 0 };
	offer(self, 0);
	EXPECT_LE(0, ctrlq_run(&self->q));
	EXPECT_EQ(CTRLQ_REQUEST_MAX, self->seen.length);
}

/* Each of these is one descriptor, offered as a chain: the ring is refused. */
TEST_F(ctrlq, err_descriptor)
{
	static const struct vring_desc bad[] = {
		{ 0, 1, 0, 0 },					/* no RAM */
		{ RAM_BASE + RAM_SIZE - 1, 2, 0, 0 },		/* beyond it */
		{ RAM_BASE, ~0U, 0, 0 },
		{ ~0ULL, 2, VRING_DESC_F_WRITE, 0 },		/* wraps */
		{ BUFFER, 1, VRING_DESC_F_NEXT, QUEUE_SIZE },	/* no such */
		{ BUFFER, 1, VRING_DESC_F_NEXT, 0xffff },
		{ BUFFER, 1, VRING_DESC_F_NEXT, 0 },		/* a loop */
		{ BUFFER, 0, VRING_DESC_F_NEXT, 0 },		/* an empty one */
		{ TABLE, 0, VRING_DESC_F_INDIRECT, 0 },
		{ TABLE, 17, VRING_DESC_F_INDIRECT, 0 },
		{ TABLE, 16 * (QUEUE_SIZE + 1), VRING_DESC_F_INDIRECT, 0 },
		{ TABLE, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 1 },
		{ RAM_BASE + RAM_SIZE - 8, 16, VRING_DESC_F_INDIRECT, 0 },
		/* a table that is the ring itself, and so leads to itself */
		{ DESC, 16 * QUEUE_SIZE, VRING_DESC_F_INDIRECT, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		memset(self->ram, 0, RAM_SIZE);
		self->desc[0] = bad[i];
		ASSERT_EQ(0, ctrlq_start(&self->q, &self->state, F_INDIRECT));
		offer(self, 0);
		EXPECT_EQ(-EPROTO, ctrlq_run(&self->q)) {
			TH_LOG("descriptor %zu", i);
		}
		EXPECT_EQ(0, self->used->idx);
	}
}

TEST_F(ctrlq, err_indirect_not_accepted)
{
	ASSERT_EQ(0, ctrlq_start(&self->q, &self->state, 0));
	command(at(self, TABLE), 0);
	self->desc[0] = (struct vring_desc) { TABLE, 48, VRING_DESC_F_INDIRECT, 0 };
	offer(self, 0);
	EXPECT_EQ(-EPROTO, ctrlq_run(&self->q));
}

TEST_F(ctrlq, err_readable_after_writable)
{
	self->desc[0] = (struct vring_desc) {
		STATUS, 1, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 1,
	};
	self->desc[1] = (struct vring_desc) { BUFFER, 1, 0, 0 };
	offer(self, 0);
	EXPECT_EQ(-EPROTO, ctrlq_run(&self->q));
}

TEST_F(ctrlq, err_head)
{
	offer(self, QUEUE_SIZE);
	EXPECT_EQ(-EPROTO, ctrlq_run(&self->q));
}

TEST_F(ctrlq, err_index_jumps)
{
	self->avail->idx = QUEUE_SIZE + 1;
	EXPECT_EQ(-EPROTO, ctrlq_run(&self->q));
}

TEST_F(ctrlq, err_ring)
{
	static const struct {
		uint32_t size;
		uint64_t desc, avail, used;
	} bad[] = {
		{ 0, DESC, AVAIL, USED },
		{ 6, DESC, AVAIL, USED },
		{ QUEUE_SIZE, DESC + 8, AVAIL, USED },
		{ QUEUE_SIZE, DESC, AVAIL + 1, USED },
		{ QUEUE_SIZE, DESC, AVAIL, USED + 2 },
		{ QUEUE_SIZE, 0, AVAIL, USED },
		{ QUEUE_SIZE, RAM_BASE + RAM_SIZE - 16, AVAIL, USED },
		{ QUEUE_SIZE, DESC, RAM_BASE + RAM_SIZE - 20, USED },
		{ QUEUE_SIZE, DESC, AVAIL, RAM_BASE + RAM_SIZE - 68 },
		{ QUEUE_SIZE, DESC, AVAIL, ~3ULL },
		{ 32768, DESC, AVAIL, USED },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		self->state.queue_size = bad[i].size;
		self->state.desc = bad[i].desc;
		self->state.driver = bad[i].avail;
		self->state.device = bad[i].used;
		EXPECT_EQ(-EFAULT, ctrlq_start(&self->q, &self->state, 0)) {
			TH_LOG("ring %zu", i);
		}
	}
}

/* Noise with a grain of sense; what may happen is that it is refused. */
TEST_F(ctrlq, noise)
{
	unsigned int round, i, seed = 1;

	for (round = 0; round < 20000; round++) {
		memset(self->ram, 0, RAM_SIZE);
		ASSERT_EQ(0, ctrlq_start(&self->q, &self->state,
					 rand_r(&seed) % 2 ? F_INDIRECT : 0));
		for (i = 0; i < RAM_SIZE / sizeof(struct vring_desc); i++)
			self->desc[i] = (struct vring_desc) {
				RAM_BASE + rand_r(&seed) % (RAM_SIZE + 64),
				rand_r(&seed) % 8 * 16,
				rand_r(&seed) % 8,
				rand_r(&seed) % (QUEUE_SIZE + 1),
			};
		self->avail->idx = rand_r(&seed) % (QUEUE_SIZE + 2);
		for (i = 0; i < QUEUE_SIZE; i++)
			self->avail->ring[i] = rand_r(&seed) % (QUEUE_SIZE + 1);
		i = ctrlq_run(&self->q);
		ASSERT_TRUE(i == (unsigned int)-EPROTO || i <= 3);
	}
}

TEST_HARNESS_MAIN
