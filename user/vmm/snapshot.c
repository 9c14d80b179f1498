// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing and reading the file. It knows no section's content.
 *
 * A file that is read may come from anywhere, and may change while it is read: its
 * sections are looked at once, and later reads stay inside what was found then.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "report.h"
#include "snapshot.h"
#include "util.h"

#define MAX_SECTIONS	16384	/* 254 vCPUs and 248 devices make some 3000 */
#define MAX_PARTS	8

static const char *const names[] = {
	[SNAPSHOT_END] = "end",
	[SNAPSHOT_MACHINE] = "machine",
	[SNAPSHOT_MEMORY] = "memory",
	[SNAPSHOT_CPUID] = "CPUID of a vCPU",
	[SNAPSHOT_MP_STATE] = "state of a vCPU",
	[SNAPSHOT_REGS] = "registers of a vCPU",
	[SNAPSHOT_SREGS2] = "system registers of a vCPU",
	[SNAPSHOT_XSAVE] = "FPU of a vCPU",
	[SNAPSHOT_XCRS] = "extended control registers of a vCPU",
	[SNAPSHOT_DEBUGREGS] = "debug registers of a vCPU",
	[SNAPSHOT_LAPIC] = "local APIC of a vCPU",
	[SNAPSHOT_TSC_KHZ] = "TSC of a vCPU",
	[SNAPSHOT_MSRS] = "MSRs of a vCPU",
	[SNAPSHOT_EVENTS] = "events of a vCPU",
	[SNAPSHOT_NESTED] = "virtualization in a vCPU",
	[SNAPSHOT_CLOCK] = "clock",
	[SNAPSHOT_IRQCHIP] = "interrupt controller",
	[SNAPSHOT_PIT] = "timer",
	[SNAPSHOT_SERIAL] = "serial port",
	[SNAPSHOT_POWER] = "power registers",
	[SNAPSHOT_DEVICE] = "registers of a device",
	[SNAPSHOT_NET] = "network card",
};

static const char *name_of(uint32_t type)
{
	return type < ARRAY_SIZE(names) && names[type] ? names[type] :
		"unknown to this version";
}

static uint64_t padding(uint64_t length)
{
	return -length % SNAPSHOT_ALIGN;
}

/* Return: 0; -ENODATA: the file is shorter; or another negative errno value. */
static int read_at(int fd, uint64_t offset, void *data, size_t size)
{
	ssize_t n;

	while (size) {
		n = pread(fd, data, size, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		data = (char *)data + n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

/* Of the first @size bytes, which are whole words. */
static int sum_up(int fd, uint64_t size, struct snapshot_end *sum)
{
	uint64_t words[4096], at;
	size_t i, n;
	int err;

	*sum = (struct snapshot_end){ .words = 0 };
	for (at = 0; at < size; at += n) {
		n = size - at < sizeof(words) ? size - at : sizeof(words);
		err = read_at(fd, at, words, n);
		if (err)
			return err;
		for (i = 0; i < n / sizeof(words[0]); i++) {
			sum->words += words[i];
			sum->sums += sum->words;
		}
	}
	return 0;
}

/* --- writing -------------------------------------------------------------------- */

void snapshot_create(struct snapshot_writer *w, const char *path)
{
	struct snapshot_header header = { .version = SNAPSHOT_VERSION };
	const struct snapshot_part part = { &header, sizeof(header) };

	memcpy(header.magic, SNAPSHOT_MAGIC, sizeof(header.magic));
	w->path = path;
	w->err = 0;
	w->at = 0;
	w->fd = -1;
	if (snprintf(w->temporary, sizeof(w->temporary), "%s.%d", path, getpid()) >=
	    (int)sizeof(w->temporary)) {
		w->err = -ENAMETOOLONG;
		return;
	}
	/* All of the guest's memory is in it: nobody else is to read it. */
	unlink(w->temporary);
	w->fd = open(w->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (w->fd < 0)
		w->err = -errno;
	snapshot_append(w, &part, 1);
}

static size_t sum(const struct iovec *iov, unsigned int count)
{
	size_t n = 0;

	while (count--)
		n += iov[count].iov_len;
	return n;
}

/* What has been written is taken off the front. */
static void advance(struct iovec *iov, unsigned int count, size_t done)
{
	unsigned int i;

	for (i = 0; i < count && done; i++) {
		size_t n = done < iov[i].iov_len ? done : iov[i].iov_len;

		iov[i].iov_base = (char *)iov[i].iov_base + n;
		iov[i].iov_len -= n;
		done -= n;
	}
}

void snapshot_append(struct snapshot_writer *w, const struct snapshot_part *parts,
		     unsigned int count)
{
	struct iovec iov[MAX_PARTS];
	unsigned int i;
	ssize_t n;

	if (count > MAX_PARTS)
		snapshot_fail(w, -E2BIG);
	for (i = 0; !w->err && i < count; i++)
		iov[i] = (struct iovec){ (void *)parts[i].data, parts[i].size };
	while (!w->err && sum(iov, count)) {
		n = writev(w->fd, iov, (int)count);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			snapshot_fail(w, n ? -errno : -EIO);
			break;
		}
		advance(iov, count, (size_t)n);
		w->at += (uint64_t)n;
	}
}

void snapshot_begin(struct snapshot_writer *w, enum snapshot_type type,
		    uint32_t index)
{
	const struct snapshot_part part = { &w->head, sizeof(w->head) };

	w->section = w->at;
	w->head = (struct snapshot_section){ .type = type, .index = index };
	snapshot_append(w, &part, 1);
}

void snapshot_finish(struct snapshot_writer *w)
{
	static const uint8_t zeros[SNAPSHOT_ALIGN];
	struct snapshot_part pad = { zeros, 0 };

	w->head.length = w->at - w->section - sizeof(w->head);
	pad.size = padding(w->head.length);
	snapshot_append(w, &pad, 1);
	if (!w->err && pwrite(w->fd, &w->head, sizeof(w->head), (off_t)w->section) !=
	    sizeof(w->head))
		snapshot_fail(w, errno ? -errno : -EIO);
}

void snapshot_put(struct snapshot_writer *w, enum snapshot_type type,
		  uint32_t index, const void *data, size_t size)
{
	const struct snapshot_part part = { data, size };

	snapshot_begin(w, type, index);
	snapshot_append(w, &part, 1);
	snapshot_finish(w);
}

void snapshot_fail(struct snapshot_writer *w, int err)
{
	if (!w->err)
		w->err = err;
}

int snapshot_commit(struct snapshot_writer *w)
{
	struct snapshot_end end = { .words = 0 };

	if (!w->err)
		w->err = sum_up(w->fd, w->at, &end);
	snapshot_put(w, SNAPSHOT_END, 0, &end, sizeof(end));
	if (!w->err && fsync(w->fd))
		w->err = -errno;
	if (w->fd >= 0 && close(w->fd))
		snapshot_fail(w, -errno);
	if (!w->err && rename(w->temporary, w->path))
		w->err = -errno;
	if (!w->err)
		return 0;
	if (w->fd >= 0)
		unlink(w->temporary);
	return report_error(w->err, "--snapshot: cannot write '%s'", w->path);
}

/* --- reading -------------------------------------------------------------------- */

/**
 * struct snapshot_entry - a section that was found
 * @head: type, index and length; the length lies inside the file
 * @offset: its first byte
 * @used: somebody has read it
 */
struct snapshot_entry {
	struct snapshot_section head;
	uint64_t offset;
	bool used;
};

static int cut_off(const struct snapshot *s)
{
	report("--restore: '%s' is cut off; make another snapshot", s->path);
	return -EINVAL;
}

static int cannot_read(const struct snapshot *s, int err)
{
	return err == -ENODATA ? cut_off(s) :
		report_error(err, "--restore: cannot read '%s'", s->path);
}

static int check_header(const struct snapshot *s, uint64_t size)
{
	struct snapshot_header header;
	int err;

	if (size < sizeof(header)) {
		report("--restore: '%s' is no snapshot of kvpci run", s->path);
		return -EINVAL;
	}
	err = read_at(s->fd, 0, &header, sizeof(header));
	if (err)
		return cannot_read(s, err);
	if (memcmp(header.magic, SNAPSHOT_MAGIC, sizeof(header.magic))) {
		report("--restore: '%s' is no snapshot of kvpci run", s->path);
		return -EINVAL;
	}
	if (header.version != SNAPSHOT_VERSION || header.reserved) {
		report("--restore: '%s' has version %u, this program knows %u; use the kvpci that wrote it",
		       s->path, header.version, SNAPSHOT_VERSION);
		return -EOPNOTSUPP;
	}
	return 0;
}

static struct snapshot_entry *find(const struct snapshot *s, uint32_t type,
				   uint32_t index)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		if (s->entries[i].head.type == type &&
		    s->entries[i].head.index == index)
			return &s->entries[i];
	return NULL;
}

/* The end, whose content begins at @at. */
static int check_end(const struct snapshot *s, const struct snapshot_section *head,
		     uint64_t at, uint64_t size)
{
	struct snapshot_end end, sum;
	int err;

	if (head->index || head->length != sizeof(end) || at + sizeof(end) != size)
		return snapshot_refuse(s, SNAPSHOT_END, head->index,
				       "it is not %zu bytes at the end of the file",
				       sizeof(end));
	err = read_at(s->fd, at, &end, sizeof(end));
	if (!err)
		err = sum_up(s->fd, at - sizeof(*head), &sum);
	if (err)
		return cannot_read(s, err);
	if (memcmp(&end, &sum, sizeof(end))) {
		report("--restore: '%s' is damaged: its sum is not what it was; make another snapshot",
		       s->path);
		return -EINVAL;
	}
	return 0;
}

/* One more section at @at. Return: 1: it is the end; 0, or a negative errno value. */
static int add_section(struct snapshot *s, uint64_t *at, uint64_t size)
{
	struct snapshot_entry entry = { .used = false };
	int err;

	if (size - *at < sizeof(entry.head))
		return cut_off(s);
	err = read_at(s->fd, *at, &entry.head, sizeof(entry.head));
	if (err)
		return cannot_read(s, err);
	*at += sizeof(entry.head);
	if (entry.head.length > size - *at ||
	    padding(entry.head.length) > size - *at - entry.head.length)
		return cut_off(s);
	entry.offset = *at;
	*at += entry.head.length + padding(entry.head.length);
	if (entry.head.type == SNAPSHOT_END) {
		err = check_end(s, &entry.head, entry.offset, size);
		return err ? err : 1;
	}
	if (find(s, entry.head.type, entry.head.index))
		return snapshot_refuse(s, entry.head.type, entry.head.index,
				       "it is there twice");
	if (s->count == MAX_SECTIONS)
		return snapshot_refuse(s, entry.head.type, entry.head.index,
				       "there are more than %u before it",
				       MAX_SECTIONS);
	s->entries[s->count++] = entry;
	return 0;
}

int snapshot_open(struct snapshot *s, const char *path)
{
	uint64_t at = sizeof(struct snapshot_header);
	struct stat st;
	int err;

	s->path = path;
	s->count = 0;
	s->entries = NULL;
	/* O_NONBLOCK: a pipe of that name is not waited for. */
	s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (s->fd < 0 || fstat(s->fd, &st))
		return report_error(-errno, "--restore: cannot open '%s'", path);
	if (!S_ISREG(st.st_mode)) {
		report("--restore: '%s' is not a regular file", path);
		return -EINVAL;
	}
	err = check_header(s, (uint64_t)st.st_size);
	if (err)
		return err;
	s->entries = calloc(MAX_SECTIONS, sizeof(*s->entries));
	if (!s->entries)
		return report_error(-ENOMEM, "--restore");
	do {
		err = add_section(s, &at, (uint64_t)st.st_size);
	} while (!err);
	return err > 0 ? 0 : err;
}

void snapshot_close(struct snapshot *s)
{
	if (s->fd >= 0)
		close(s->fd);
	free(s->entries);
	s->entries = NULL;
	s->count = 0;
	s->fd = -1;
}

int64_t snapshot_length(const struct snapshot *s, enum snapshot_type type,
			uint32_t index)
{
	const struct snapshot_entry *entry = find(s, type, index);

	/* A file's offsets are no larger than that. */
	return entry ? (int64_t)entry->head.length : -1;
}

int snapshot_read(struct snapshot *s, enum snapshot_type type, uint32_t index,
		  uint64_t offset, void *data, size_t size)
{
	struct snapshot_entry *entry = find(s, type, index);
	int err;

	if (!entry)
		return snapshot_refuse(s, type, index, "it is missing");
	if (offset > entry->head.length || size > entry->head.length - offset)
		return snapshot_refuse(s, type, index,
				       "it ends after %llu bytes, and more were to come",
				       (unsigned long long)entry->head.length);
	entry->used = true;
	err = read_at(s->fd, entry->offset + offset, data, size);
	return err ? cannot_read(s, err) : 0;
}

int snapshot_get(struct snapshot *s, enum snapshot_type type, uint32_t index,
		 void *data, size_t size)
{
	int64_t length = snapshot_length(s, type, index);

	if (length >= 0 && (uint64_t)length != size)
		return snapshot_refuse(s, type, index, "it has %lld bytes, not %zu",
				       (long long)length, size);
	return snapshot_read(s, type, index, 0, data, size);
}

int snapshot_refuse(const struct snapshot *s, enum snapshot_type type,
		    uint32_t index, const char *format, ...)
{
	char what[512];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	report("--restore: '%s': section %u.%u (%s): %s", s->path, type, index,
	       name_of(type), what);
	return -EINVAL;
}

int snapshot_all_used(const struct snapshot *s)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		if (!s->entries[i].used)
			return snapshot_refuse(s, s->entries[i].head.type,
					       s->entries[i].head.index,
					       "it belongs to nothing in this machine");
	return 0;
}
