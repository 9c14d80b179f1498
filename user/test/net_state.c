// SPDX-License-Identifier: GPL-2.0-only
/*
 * A network card's section: what was written is read, what no card can be is refused,
 * and a --net is the card that was saved or is not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kvpci/kvpci.h>

#include "kselftest_harness.h"
#include "net_state.h"
#include "snapshot.h"
#include "util.h"

FIXTURE(net_state)
{
	char path[32];
	struct snapshot s;
	struct net_state state;		/* one that is right */
	struct net_options options;	/* and its --net */
};

FIXTURE_SETUP(net_state)
{
	int fd;

	strcpy(self->path, "/tmp/net_state.XXXXXX");
	fd = mkstemp(self->path);
	ASSERT_GE(fd, 0);
	close(fd);
	self->s.fd = -1;
	self->s.entries = NULL;
	self->state = (struct net_state){
		.pairs = 2, .mac = { 2, 0, 0, 0, 0, 9 }, .used = 2, .attached = 1,
		.queues = { [0] = { 65535, 1, 0 }, [4] = { 7, 1, 0 } },
	};
	self->options = (struct net_options){ .tap = "tap0", .queues = 2,
					      .layout = OPTIONS_LAYOUT_HOST };
}

FIXTURE_TEARDOWN(net_state)
{
	snapshot_close(&self->s);
	unlink(self->path);
}

/* A file that has the state alone. */
static int write_and_open(struct _test_data_net_state *self)
{
	struct snapshot_writer w;
	int err;

	snapshot_close(&self->s);
	snapshot_create(&w, self->path);
	net_state_save(&self->state, &w, 0);
	err = snapshot_commit(&w);
	return err ? err : snapshot_open(&self->s, self->path);
}

TEST_F(net_state, written_and_read)
{
	struct net_state read;

	ASSERT_EQ(0, write_and_open(self));
	ASSERT_EQ(0, net_state_read(&read, &self->s, 0));
	EXPECT_EQ(0, memcmp(&read, &self->state, sizeof(read)));
	EXPECT_EQ(0, snapshot_all_used(&self->s));
}

TEST_F(net_state, err_what_cannot_be)
{
	static const struct {
		size_t offset;
		uint32_t value;
	} bad[] = {
#define BAD(field, value)	{ offsetof(struct net_state, field), value }
		BAD(used, 3), BAD(used, ~0U), BAD(attached, 0), BAD(attached, 3),
		BAD(layout, 1U << 31),
		BAD(queues[1], 2U << 16),
#undef BAD
	};
	struct net_state good = self->state, read;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		self->state = good;
		memcpy((char *)&self->state + bad[i].offset, &bad[i].value,
		       sizeof(bad[i].value));
		ASSERT_EQ(0, write_and_open(self));
		EXPECT_EQ(-EINVAL, net_state_read(&read, &self->s, 0))
			TH_LOG("row %zu", i);
	}
}

/* So many pairs, and room for two. */
TEST_F(net_state, err_pairs)
{
	static const uint32_t pairs[] = { 0, 1, 3, NET_MAX_PAIRS, NET_MAX_PAIRS + 1, ~0U };
	struct snapshot_writer w;
	struct net_state read;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		self->state.pairs = pairs[i];
		self->state.used = 0;
		snapshot_close(&self->s);
		snapshot_create(&w, self->path);
		snapshot_put(&w, SNAPSHOT_NET, 0, &self->state,
			     offsetof(struct net_state, queues[5]));
		ASSERT_EQ(0, snapshot_commit(&w));
		ASSERT_EQ(0, snapshot_open(&self->s, self->path));
		EXPECT_EQ(-EINVAL, net_state_read(&read, &self->s, 0))
			TH_LOG("%u pairs", pairs[i]);
	}
}

TEST_F(net_state, err_missing)
{
	struct net_state read;

	ASSERT_EQ(0, write_and_open(self));
	EXPECT_EQ(-EINVAL, net_state_read(&read, &self->s, 1));
}

/* What the --net leaves open comes from the file. */
TEST_F(net_state, fits)
{
	self->state.layout = LIBKVPCI_LAYOUT_MEMORY;
	ASSERT_EQ(0, write_and_open(self));
	ASSERT_EQ(0, net_state_fit(&self->options, &self->s, 0));
	EXPECT_EQ(LIBKVPCI_LAYOUT_MEMORY, self->options.layout);
	EXPECT_EQ(0, memcmp(self->options.mac, self->state.mac, OPTIONS_MAC_SIZE));
	/* And now it has it by itself. */
	EXPECT_EQ(0, net_state_fit(&self->options, &self->s, 0));
}

TEST_F(net_state, err_another_card)
{
	struct net_options options;

	ASSERT_EQ(0, write_and_open(self));
	options = self->options;
	options.queues = 1;
	EXPECT_EQ(-EINVAL, net_state_fit(&options, &self->s, 0));
	options = self->options;
	options.layout = LIBKVPCI_LAYOUT_MEMORY;
	EXPECT_EQ(-EINVAL, net_state_fit(&options, &self->s, 0));
	options = self->options;
	options.mac[5] = 8;
	EXPECT_EQ(-EINVAL, net_state_fit(&options, &self->s, 0));
}

TEST_HARNESS_MAIN
