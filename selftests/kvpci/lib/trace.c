// SPDX-License-Identifier: GPL-2.0-only
/*
 * A trace of the kernel's own; see trace.h.
 */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <x86intrin.h>

#include "guest.h"

#define TRACEFS		"/sys/kernel/tracing/"
#define INSTANCE	TRACEFS "instances/kvpci_test/"
#define PROBES		"kvpci_test"

#define CLOCK_ROUNDS	64

/*
 * An interrupt may come in between, so not every round need agree; where cycles are
 * those of a processor hardly any do.
 */
bool trace_clock_counts(void)
{
	uint64_t cycles[CLOCK_ROUNDS], least = ~0ULL;
	unsigned int alike = 0;

	for (int round = 0; round < CLOCK_ROUNDS; round++) {
		volatile unsigned int i;
		uint64_t from = __rdtsc();

		for (i = 0; i < 1000; i++)
			;
		cycles[round] = __rdtsc() - from;
		if (cycles[round] < least)
			least = cycles[round];
	}
	for (int round = 0; round < CLOCK_ROUNDS; round++)
		alike += cycles[round] == least;
	return alike > CLOCK_ROUNDS * 3 / 4;
}

/* Return: 0 or -errno */
static int write_file(const char *path, int flags, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static void write_or_die(const char *path, int flags, const char *text)
{
	int err = write_file(path, flags, text);

	errno = -err;
	if (err)
		guest_die("writing '%s' to %s", text, path);
}

void require_trace(void)
{
	if (!access(TRACEFS "instances", W_OK))
		return;
	mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
	if (!access(TRACEFS "instances", W_OK))
		return;
	printf("TAP version 13\n1..0 # SKIP no tracefs\n");
	exit(4);
}

/* Also what a program left behind that died. */
static void remove_all(void)
{
	static const char *const probes[] = {
		"wake", "woken", "waits", "waits_long", "bus", "bus_done",
		"leave", "leave_done", NULL
	};
	char text[64];

	write_file(INSTANCE "events/enable", 0, "0");
	for (const char *const *probe = probes; *probe; probe++) {
		snprintf(text, sizeof(text), "-:" PROBES "/%s", *probe);
		write_file(TRACEFS "kprobe_events", O_APPEND, text);
	}
	rmdir(INSTANCE);
}

void trace_open(struct trace *trace)
{
	trace->text[0] = '\0';
	remove_all();
	if (mkdir(INSTANCE, 0700))
		guest_die("mkdir %s", INSTANCE);
	write_or_die(INSTANCE "trace_clock", 0, "x86-tsc");
}

void trace_close(struct trace *trace)
{
	(void)trace;
	remove_all();
}

void trace_event(struct trace *trace, const char *event)
{
	char path[512];

	(void)trace;
	snprintf(path, sizeof(path), INSTANCE "events/%s/enable", event);
	write_or_die(path, 0, "1");
}

void trace_probe(struct trace *trace, const char *name, char kind,
		 const char *function)
{
	char text[256];

	snprintf(text, sizeof(text), "%c:" PROBES "/%s %s", kind, name,
		 function);
	write_or_die(TRACEFS "kprobe_events", O_APPEND, text);
	snprintf(text, sizeof(text), PROBES "/%s", name);
	trace_event(trace, text);
}

void trace_clear(struct trace *trace)
{
	trace->text[0] = '\0';
	write_or_die(INSTANCE "trace", O_TRUNC, "\n");
}

const char *trace_read(struct trace *trace)
{
	int fd = open(INSTANCE "trace", O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t n;

	if (fd < 0)
		guest_die("open %s", INSTANCE "trace");
	while (length < TRACE_TEXT - 1 &&
	       (n = read(fd, trace->text + length,
			 TRACE_TEXT - 1 - length)) > 0)
		length += n;
	trace->text[length] = '\0';
	close(fd);
	if (length == TRACE_TEXT - 1)
		guest_die("a trace of more than %d bytes", TRACE_TEXT);
	return trace->text;
}

unsigned int trace_stamps(struct trace *trace, const char *what,
			  uint64_t *stamps, unsigned int max)
{
	const char *at = trace_read(trace), *stamp;
	unsigned int num = 0;

	while ((at = strstr(at, what))) {
		for (stamp = at; stamp > trace->text && stamp[-1] != ' '; stamp--)
			;
		if (num < max)
			stamps[num] = strtoull(stamp, NULL, 10);
		num++;
		at += strlen(what);
	}
	return num;
}
