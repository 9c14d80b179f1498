// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that were written, and files that somebody made up: whatever is in one, the
 * reader stays inside it, and says no where it makes no sense.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "memory.h"
#include "snapshot.h"
#include "util.h"

#define PAGE		4096
#define RAM_BASE	0x100000ULL
#define RAM_PAGES	8
#define RAM_SIZE	(RAM_PAGES * PAGE)
#define FILE_MAX	(64 * 1024)

FIXTURE(snapshot)
{
	char path[32];
	struct snapshot s;
	uint8_t file[FILE_MAX];		/* one that is made up */
	size_t size;
	uint8_t *ram;			/* of exactly RAM_SIZE: sanitizers see the rest */
	struct memory memory;
};

FIXTURE_SETUP(snapshot)
{
	int fd;

	strcpy(self->path, "/tmp/snapshot.XXXXXX");
	fd = mkstemp(self->path);
	ASSERT_GE(fd, 0);
	close(fd);
	self->s.fd = -1;
	self->s.entries = NULL;
	self->size = 0;
	self->ram = aligned_alloc(PAGE, RAM_SIZE);
	ASSERT_NE(NULL, self->ram);
	memset(self->ram, 0, RAM_SIZE);
	self->memory = (struct memory) {
		.num_slots = 1,
		.slots = { { RAM_BASE, RAM_SIZE, self->ram } },
	};
}

FIXTURE_TEARDOWN(snapshot)
{
	snapshot_close(&self->s);
	unlink(self->path);
	free(self->ram);
}

static void add(struct _test_data_snapshot *self, const void *data, size_t size)
{
	memcpy(self->file + self->size, data, size);
	self->size += size;
}

static void add_header(struct _test_data_snapshot *self, uint32_t version)
{
	struct snapshot_header header = { .version = version };

	memcpy(header.magic, SNAPSHOT_MAGIC, sizeof(header.magic));
	add(self, &header, sizeof(header));
}

static void add_section(struct _test_data_snapshot *self, uint32_t type,
			uint32_t index, uint64_t length)
{
	struct snapshot_section head = { type, index, length };

	add(self, &head, sizeof(head));
}

/* Whatever is before it, the sum is right. */
static void add_end(struct _test_data_snapshot *self)
{
	struct snapshot_end end = { .words = 0 };
	uint64_t word;
	size_t at;

	for (at = 0; at < self->size; at += sizeof(word)) {
		memcpy(&word, self->file + at, sizeof(word));
		end.words += word;
		end.sums += end.words;
	}
	add_section(self, SNAPSHOT_END, 0, sizeof(end));
	add(self, &end, sizeof(end));
}

static int open_it(struct _test_data_snapshot *self)
{
	FILE *f = fopen(self->path, "w");
	int err;

	fwrite(self->file, 1, self->size, f);
	fclose(f);
	snapshot_close(&self->s);
	err = snapshot_open(&self->s, self->path);
	return err;
}

/* Two sections that are what they should be; the second one is padded. */
static void add_good(struct _test_data_snapshot *self)
{
	add_header(self, SNAPSHOT_VERSION);
	add_section(self, SNAPSHOT_REGS, 0, 8);
	add(self, "12345678", 8);
	add_section(self, SNAPSHOT_REGS, 1, 3);
	add(self, "abc\0\0\0\0\0", 8);
	add_end(self);
}

TEST_F(snapshot, written_and_read)
{
	const struct snapshot_part parts[] = { { "ab", 2 }, { "cde", 3 } };
	struct snapshot_writer w;
	struct stat st;
	char data[8];

	snapshot_create(&w, self->path);
	snapshot_put(&w, SNAPSHOT_REGS, 7, "0123456789", 10);
	snapshot_begin(&w, SNAPSHOT_MSRS, 0);
	snapshot_append(&w, parts, ARRAY_SIZE(parts));
	snapshot_append(&w, parts, 1);
	snapshot_finish(&w);
	snapshot_put(&w, SNAPSHOT_PIT, 0, NULL, 0);
	ASSERT_EQ(0, snapshot_commit(&w));
	ASSERT_EQ(0, stat(self->path, &st));
	EXPECT_EQ(0600, st.st_mode & 0777);
	EXPECT_EQ(w.at, st.st_size);
	EXPECT_NE(0, access(w.temporary, F_OK));

	ASSERT_EQ(0, snapshot_open(&self->s, self->path));
	EXPECT_EQ(10, snapshot_length(&self->s, SNAPSHOT_REGS, 7));
	EXPECT_EQ(0, snapshot_length(&self->s, SNAPSHOT_PIT, 0));
	EXPECT_EQ(-1, snapshot_length(&self->s, SNAPSHOT_REGS, 0));
	EXPECT_EQ(0, snapshot_get(&self->s, SNAPSHOT_MSRS, 0, data, 7));
	EXPECT_EQ(0, memcmp(data, "abcdeab", 7));
	EXPECT_EQ(0, snapshot_read(&self->s, SNAPSHOT_REGS, 7, 4, data, 6));
	EXPECT_EQ(0, memcmp(data, "456789", 6));
	/* Nobody has asked for the timer. */
	EXPECT_EQ(-EINVAL, snapshot_all_used(&self->s));
	EXPECT_EQ(0, snapshot_get(&self->s, SNAPSHOT_PIT, 0, NULL, 0));
	EXPECT_EQ(0, snapshot_all_used(&self->s));
}

TEST_F(snapshot, good)
{
	char data[8];

	add_good(self);
	ASSERT_EQ(0, open_it(self));
	EXPECT_EQ(0, snapshot_get(&self->s, SNAPSHOT_REGS, 0, data, 8));
	EXPECT_EQ(0, snapshot_get(&self->s, SNAPSHOT_REGS, 1, data, 3));
}

/* Nothing is left of a file that could not be written, and the old one stays. */
TEST_F(snapshot, err_write)
{
	struct snapshot_writer w;

	snapshot_create(&w, "/nowhere/snapshot");
	snapshot_put(&w, SNAPSHOT_REGS, 0, "1", 1);
	EXPECT_EQ(-ENOENT, snapshot_commit(&w));

	snapshot_create(&w, self->path);
	snapshot_fail(&w, -ENOSPC);
	EXPECT_EQ(-ENOSPC, snapshot_commit(&w));
	EXPECT_NE(0, access(w.temporary, F_OK));
	EXPECT_EQ(0, access(self->path, F_OK));
}

/* A disk that is full: what it says comes out of the commit. */
TEST_F(snapshot, err_full)
{
	struct snapshot_writer w;

	snapshot_create(&w, self->path);
	close(w.fd);
	w.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	ASSERT_GE(w.fd, 0);
	snapshot_put(&w, SNAPSHOT_REGS, 0, "12345678", 8);
	EXPECT_EQ(-ENOSPC, snapshot_commit(&w));
	EXPECT_NE(0, access(w.temporary, F_OK));
}

TEST_F(snapshot, err_no_file)
{
	EXPECT_EQ(-ENOENT, snapshot_open(&self->s, "/nowhere/snapshot"));
	snapshot_close(&self->s);
	EXPECT_EQ(-EINVAL, snapshot_open(&self->s, "/tmp"));
	snapshot_close(&self->s);
	EXPECT_EQ(-EINVAL, snapshot_open(&self->s, "/dev/zero"));
}

TEST_F(snapshot, err_pipe)
{
	ASSERT_EQ(0, unlink(self->path));
	ASSERT_EQ(0, mkfifo(self->path, 0600));
	EXPECT_EQ(-EINVAL, snapshot_open(&self->s, self->path));
}

TEST_F(snapshot, err_header)
{
	EXPECT_EQ(-EINVAL, open_it(self));	/* empty */
	add_good(self);
	self->file[0] ^= 1;
	EXPECT_EQ(-EINVAL, open_it(self));
	self->file[0] ^= 1;
	self->file[8]++;			/* version */
	EXPECT_EQ(-EOPNOTSUPP, open_it(self));
	self->file[8]--;
	self->file[12] = 1;			/* reserved */
	EXPECT_EQ(-EOPNOTSUPP, open_it(self));
}

TEST_F(snapshot, err_cut_anywhere)
{
	size_t size;

	add_good(self);
	for (size = self->size; self->size--;)
		ASSERT_EQ(-EINVAL, open_it(self)) TH_LOG("%zu bytes", self->size);
	self->size = size;
	add(self, "x", 1);
	EXPECT_EQ(-EINVAL, open_it(self));
}

TEST_F(snapshot, err_any_bit)
{
	unsigned int bit;

	add_good(self);
	for (bit = 0; bit < 8 * self->size; bit++) {
		self->file[bit / 8] ^= 1U << bit % 8;
		ASSERT_GT(0, open_it(self)) TH_LOG("bit %u", bit);
		self->file[bit / 8] ^= 1U << bit % 8;
	}
	EXPECT_EQ(0, open_it(self));
}

TEST_F(snapshot, err_words_swapped)
{
	uint8_t first[8];

	add_header(self, SNAPSHOT_VERSION);
	add_section(self, SNAPSHOT_REGS, 0, 16);
	add(self, "12345678abcdefgh", 16);
	add_end(self);
	memcpy(first, self->file + 32, 8);
	memcpy(self->file + 32, self->file + 40, 8);
	memcpy(self->file + 40, first, 8);
	EXPECT_EQ(-EINVAL, open_it(self));
}

TEST_F(snapshot, err_lengths)
{
	static const uint64_t lengths[] = {
		1, 8, 9, 16, 17, INT64_MAX, INT64_MAX - 7, 1ULL << 63, ~0ULL - 47,
		~0ULL - 31, ~0ULL - 15, ~0ULL - 7, ~0ULL - 6, ~0ULL,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		self->size = 0;
		add_header(self, SNAPSHOT_VERSION);
		add_section(self, SNAPSHOT_REGS, 0, lengths[i]);
		add_end(self);
		ASSERT_GT(0, open_it(self)) TH_LOG("length %#llx",
						   (unsigned long long)lengths[i]);
	}
}

TEST_F(snapshot, err_end)
{
	add_header(self, SNAPSHOT_VERSION);
	add_end(self);
	EXPECT_EQ(0, open_it(self));
	self->file[sizeof(struct snapshot_header) + 4] = 1;	/* index */
	EXPECT_EQ(-EINVAL, open_it(self));
	self->size = 0;
	add_header(self, SNAPSHOT_VERSION);
	add_section(self, SNAPSHOT_END, 0, 0);
	EXPECT_EQ(-EINVAL, open_it(self));
	self->size = 0;
	add_header(self, SNAPSHOT_VERSION);
	add_section(self, SNAPSHOT_END, 0, 8);
	add(self, "12345678", 8);
	EXPECT_EQ(-EINVAL, open_it(self));
	self->size = 0;
	add_good(self);
	add_section(self, SNAPSHOT_PIT, 0, 0);
	EXPECT_EQ(-EINVAL, open_it(self));
}

TEST_F(snapshot, err_twice)
{
	add_header(self, SNAPSHOT_VERSION);
	add_section(self, SNAPSHOT_PIT, 0, 0);
	add_section(self, SNAPSHOT_PIT, 0, 0);
	add_end(self);
	EXPECT_EQ(-EINVAL, open_it(self));
}

TEST_F(snapshot, err_too_many)
{
	const struct snapshot_header header = {
		.magic = SNAPSHOT_MAGIC, .version = SNAPSHOT_VERSION,
	};
	struct snapshot_section head = { .type = 1000 };
	FILE *f = fopen(self->path, "w");

	fwrite(&header, sizeof(header), 1, f);
	for (head.index = 0; head.index < 20000; head.index++)
		fwrite(&head, sizeof(head), 1, f);
	memset(&head, 0, sizeof(head));
	fwrite(&head, sizeof(head), 1, f);
	fclose(f);
	EXPECT_EQ(-EINVAL, snapshot_open(&self->s, self->path));
}

TEST_F(snapshot, err_read)
{
	uint8_t data[16];

	add_good(self);
	ASSERT_EQ(0, open_it(self));
	EXPECT_EQ(-EINVAL, snapshot_get(&self->s, SNAPSHOT_REGS, 2, data, 8));
	EXPECT_EQ(-EINVAL, snapshot_get(&self->s, SNAPSHOT_REGS, 0, data, 7));
	EXPECT_EQ(-EINVAL, snapshot_get(&self->s, SNAPSHOT_REGS, 0, data, 9));
	EXPECT_EQ(-EINVAL, snapshot_read(&self->s, SNAPSHOT_REGS, 0, 1, data, 8));
	EXPECT_EQ(-EINVAL, snapshot_read(&self->s, SNAPSHOT_REGS, 0, 9, data, 0));
	EXPECT_EQ(-EINVAL, snapshot_read(&self->s, SNAPSHOT_REGS, 0, ~0ULL, data, 8));
	EXPECT_EQ(0, snapshot_read(&self->s, SNAPSHOT_REGS, 0, 8, data, 0));
}

/* One that becomes shorter while it is read. */
TEST_F(snapshot, err_shrinks)
{
	uint8_t data[8];

	add_good(self);
	ASSERT_EQ(0, open_it(self));
	ASSERT_EQ(0, truncate(self->path, 36));
	EXPECT_EQ(-EINVAL, snapshot_get(&self->s, SNAPSHOT_REGS, 0, data, 8));
}

TEST_F(snapshot, memory)
{
	struct snapshot_writer w;
	uint8_t *old;
	struct stat st;

	self->ram[0] = 1;
	self->ram[3 * PAGE - 1] = 2;
	self->ram[RAM_SIZE - PAGE] = 3;
	snapshot_create(&w, self->path);
	memory_save(&self->memory, &w);
	ASSERT_EQ(0, snapshot_commit(&w));
	ASSERT_EQ(0, stat(self->path, &st));
	EXPECT_GT(4 * PAGE, st.st_size);

	old = malloc(RAM_SIZE);
	memcpy(old, self->ram, RAM_SIZE);
	memset(self->ram, 0, RAM_SIZE);
	ASSERT_EQ(0, snapshot_open(&self->s, self->path));
	EXPECT_EQ(0, memory_restore(&self->memory, &self->s));
	EXPECT_EQ(0, memcmp(old, self->ram, RAM_SIZE));
	EXPECT_EQ(0, snapshot_all_used(&self->s));
	free(old);
}

TEST_F(snapshot, memory_empty)
{
	add_header(self, SNAPSHOT_VERSION);
	add_section(self, SNAPSHOT_MEMORY, 0, 0);
	add_end(self);
	ASSERT_EQ(0, open_it(self));
	EXPECT_EQ(0, memory_restore(&self->memory, &self->s));
	EXPECT_EQ(0, snapshot_all_used(&self->s));
}

TEST_F(snapshot, err_memory)
{
	static const struct {
		uint64_t guest;
		uint64_t size;
	} runs[] = {
		{ 0, 8 }, { RAM_BASE - 1, 8 }, { RAM_BASE + RAM_SIZE - 7, 8 },
		{ RAM_BASE + RAM_SIZE, 8 }, { ~0ULL, 8 }, { ~0ULL - 7, 16 },
		{ RAM_BASE, 0 }, { RAM_BASE, 9 }, { RAM_BASE, RAM_SIZE },
		{ RAM_BASE, RAM_SIZE + 1 }, { RAM_BASE, ~0ULL },
		{ RAM_BASE + 1, ~0ULL }, { RAM_BASE, ~0ULL - 15 },
	};
	size_t i;

	ASSERT_EQ(-EINVAL, memory_restore(&self->memory, &self->s));
	for (i = 0; i < ARRAY_SIZE(runs); i++) {
		self->size = 0;
		add_header(self, SNAPSHOT_VERSION);
		add_section(self, SNAPSHOT_MEMORY, 0, sizeof(runs[i]) + 8);
		add(self, &runs[i], sizeof(runs[i]));
		add(self, "12345678", 8);
		add_end(self);
		ASSERT_EQ(0, open_it(self));
		ASSERT_EQ(-EINVAL, memory_restore(&self->memory, &self->s))
			TH_LOG("%#llx bytes at %#llx",
			       (unsigned long long)runs[i].size,
			       (unsigned long long)runs[i].guest);
	}
	/* Half a head of a run */
	self->size = 0;
	add_header(self, SNAPSHOT_VERSION);
	add_section(self, SNAPSHOT_MEMORY, 0, 8);
	add(self, "12345678", 8);
	add_end(self);
	ASSERT_EQ(0, open_it(self));
	EXPECT_EQ(-EINVAL, memory_restore(&self->memory, &self->s));
}

/* Bits and bytes that somebody has changed: no sanitizer complains. */
TEST_F(snapshot, err_anything)
{
	uint8_t data[64];
	unsigned int i;
	size_t size;

	srandom(1);
	add_good(self);
	size = self->size - sizeof(struct snapshot_section) - sizeof(struct snapshot_end);
	for (i = 0; i < 2000; i++) {
		self->size = 0;
		add_good(self);
		self->size = size;
		self->file[16 + (size_t)random() % (size - 16)] = (uint8_t)random();
		self->file[16 + (size_t)random() % (size - 16)] = (uint8_t)random();
		add_end(self);
		if (open_it(self))
			continue;
		if (snapshot_length(&self->s, SNAPSHOT_REGS, 0) <= 64)
			snapshot_read(&self->s, SNAPSHOT_REGS, 0, 0, data, 8);
		memory_restore(&self->memory, &self->s);
		snapshot_all_used(&self->s);
	}
}

TEST_HARNESS_MAIN
