/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file that a machine is saved to: a header, then sections, each with a type, an
 * index and a length. Documentation/snapshot.rst has what is in them.
 */
#ifndef KVPCI_VMM_SNAPSHOT_H
#define KVPCI_VMM_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNAPSHOT_MAGIC		"kvpcisnp"
#define SNAPSHOT_MAGIC_SIZE	8
#define SNAPSHOT_VERSION	1
#define SNAPSHOT_ALIGN		8	/* of sections */

/* Types of sections; the names are in snapshot.c. Numbers are for good. */
enum snapshot_type {
	SNAPSHOT_END = 0,		/* the last one */
	SNAPSHOT_MACHINE = 1,
	SNAPSHOT_MEMORY = 2,
	/* By vCPU: */
	SNAPSHOT_CPUID = 16,
	SNAPSHOT_MP_STATE = 17,
	SNAPSHOT_REGS = 18,
	SNAPSHOT_SREGS2 = 19,
	SNAPSHOT_XSAVE = 20,
	SNAPSHOT_XCRS = 21,
	SNAPSHOT_DEBUGREGS = 22,
	SNAPSHOT_LAPIC = 23,
	SNAPSHOT_TSC_KHZ = 24,
	SNAPSHOT_MSRS = 25,
	SNAPSHOT_EVENTS = 26,
	SNAPSHOT_NESTED = 27,
	/* The rest of the board: */
	SNAPSHOT_CLOCK = 48,
	SNAPSHOT_IRQCHIP = 49,		/* by chip */
	SNAPSHOT_PIT = 50,
	SNAPSHOT_SERIAL = 51,
	SNAPSHOT_POWER = 52,
	/* By device, in the order of the command line: */
	SNAPSHOT_DEVICE = 80,		/* any virtio device's registers */
	SNAPSHOT_NET = 81,
};

/* What the file begins with. All numbers are little-endian, as x86-64 has them. */
struct snapshot_header {
	char magic[SNAPSHOT_MAGIC_SIZE];
	uint32_t version;
	uint32_t reserved;
};

/* What a section begins with; @length bytes follow, then zeros up to SNAPSHOT_ALIGN. */
struct snapshot_section {
	uint32_t type;
	uint32_t index;
	uint64_t length;
};

/**
 * struct snapshot_end - the last section: a sum over all before it, by words of 64 bits
 * @words: of the words
 * @sums: of what @words was after each of them
 */
struct snapshot_end {
	uint64_t words;
	uint64_t sums;
};

/* A stretch of bytes. */
struct snapshot_part {
	const void *data;
	size_t size;
};

/**
 * struct snapshot_writer - a file that is being written
 * @path: its name in the end
 * @temporary: its name until then
 * @fd: the file
 * @err: the first error, a negative errno value; nothing is written after it
 * @at: bytes that are written
 * @section: offset of the section that is open
 * @head: its beginning
 */
struct snapshot_writer {
	const char *path;
	char temporary[4096];
	int fd;
	int err;
	uint64_t at;
	uint64_t section;
	struct snapshot_section head;
};

/**
 * snapshot_create() - begin a file beside the one that it is to replace
 * @w: the writer
 * @path: the file; it outlives the writer
 *
 * Errors are kept in the writer, so that nobody has to look before the end.
 */
void snapshot_create(struct snapshot_writer *w, const char *path);

/** snapshot_begin() - begin a section whose length is not known yet */
void snapshot_begin(struct snapshot_writer *w, enum snapshot_type type,
		    uint32_t index);

/** snapshot_append() - write some parts of the section that was begun */
void snapshot_append(struct snapshot_writer *w, const struct snapshot_part *parts,
		     unsigned int count);

/** snapshot_finish() - the section that was begun is complete */
void snapshot_finish(struct snapshot_writer *w);

/** snapshot_put() - a section in one piece */
void snapshot_put(struct snapshot_writer *w, enum snapshot_type type,
		  uint32_t index, const void *data, size_t size);

/** snapshot_fail() - there is no snapshot: something cannot be saved */
void snapshot_fail(struct snapshot_writer *w, int err);

/**
 * snapshot_commit() - end the file, bring it to the disk, and give it its name
 * @w: the writer; it is over
 *
 * It takes long. Return: 0, or the first error of all, reported; then there is no
 * new file.
 */
int snapshot_commit(struct snapshot_writer *w);

/**
 * struct snapshot - a file that is read
 * @path: its name
 * @fd: the file
 * @entries: its sections
 * @count: how many
 */
struct snapshot {
	const char *path;
	int fd;
	struct snapshot_entry *entries;
	size_t count;
};

/**
 * snapshot_open() - open a file, and see that it is whole
 * @s: out; snapshot_close() it even after an error
 * @path: the file; it outlives @s
 *
 * The file may come from anywhere.
 *
 * Return: 0 or a negative errno value, reported.
 */
int snapshot_open(struct snapshot *s, const char *path);
void snapshot_close(struct snapshot *s);

/** snapshot_length() - bytes of a section, or -1: there is none */
int64_t snapshot_length(const struct snapshot *s, enum snapshot_type type,
			uint32_t index);

/**
 * snapshot_read() - read some of a section
 * @s: the file
 * @type: the section, which is there
 * @index: and its index
 * @offset: first byte
 * @data: out: the bytes
 * @size: how many
 *
 * The section counts as used: see snapshot_all_used().
 *
 * Return: 0 or a negative errno value, reported.
 */
int snapshot_read(struct snapshot *s, enum snapshot_type type, uint32_t index,
		  uint64_t offset, void *data, size_t size);

/** snapshot_get() - read a section that must be there, and have just this size */
int snapshot_get(struct snapshot *s, enum snapshot_type type, uint32_t index,
		 void *data, size_t size);

/**
 * snapshot_refuse() - report that the file makes no sense
 * @s: the file
 * @type: the section
 * @index: and its index
 * @format: what is wrong with it, as for printf()
 *
 * Return: -EINVAL.
 */
int snapshot_refuse(const struct snapshot *s, enum snapshot_type type,
		    uint32_t index, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * snapshot_all_used() - has somebody asked for each section?
 * @s: the file
 *
 * Who has restored everything knows by this that the file has nothing else.
 *
 * Return: 0 or -EINVAL, reported.
 */
int snapshot_all_used(const struct snapshot *s);

#endif /* KVPCI_VMM_SNAPSHOT_H */
