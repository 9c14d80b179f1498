/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A trace of the kernel's own: an instance of tracefs, with events and probes
 * that are switched on in it.
 */
#ifndef KVPCI_SELFTEST_TRACE_H
#define KVPCI_SELFTEST_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#define TRACE_TEXT	65536

/**
 * struct trace - an instance
 * @text: what trace_read() has read last
 */
struct trace {
	char text[TRACE_TEXT];
};

/** require_trace() - exit as skipped when there is no tracefs */
void require_trace(void);

/** trace_clock_counts() - does the TSC count instructions? */
bool trace_clock_counts(void);

/** trace_open() - a new instance, whose clock is the TSC; or die */
void trace_open(struct trace *trace);

/** trace_close() - take it away, and all probes */
void trace_close(struct trace *trace);

/** trace_event() - switch "system/event" on */
void trace_event(struct trace *trace, const char *event);

/**
 * trace_probe() - trace a function of the kernel or of a module
 * @kind: 'p': when it is entered, 'r': when it returns
 */
void trace_probe(struct trace *trace, const char *name, char kind,
		 const char *function);

/** trace_clear() - forget what has been traced */
void trace_clear(struct trace *trace);

/** trace_read() - what has been traced. Return: @trace->text */
const char *trace_read(struct trace *trace);

/**
 * trace_stamps() - trace_read(), and when lines with @what were traced
 *
 * Return: how many such lines there are; @stamps has the first @max of them.
 */
unsigned int trace_stamps(struct trace *trace, const char *what,
			  uint64_t *stamps, unsigned int max);

#endif /* KVPCI_SELFTEST_TRACE_H */
