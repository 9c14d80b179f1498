/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stdin and stdout as the guest's terminal: raw mode and back, a buffer with a
 * thread for output, an escape character for input.
 */
#ifndef KVPCI_VMM_CONSOLE_H
#define KVPCI_VMM_CONSOLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONSOLE_BUFFER	65536

/**
 * struct console - the terminal
 * @interactive: stdin is a terminal, in raw mode
 * @escaped: the last byte typed was Ctrl-A
 * @on_room: called when a full buffer has room again, without locks held
 * @opaque: for @on_room
 * @lock: protects the fields from @first on
 * @wake: @used or @closing changed
 * @drained: @used became 0
 * @writer: the thread that writes to stdout
 * @first: index of the oldest byte
 * @used: bytes that wait
 * @was_full: @on_room is due
 * @closing: the thread is to end once @used is 0
 * @broken: stdout is gone; output is dropped
 * @buffer: a ring
 */
struct console {
	bool interactive;
	bool escaped;
	void (*on_room)(void *opaque);
	void *opaque;

	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_cond_t drained;
	pthread_t writer;
	size_t first;
	size_t used;
	bool was_full;
	bool closing;
	bool broken;
	char buffer[CONSOLE_BUFFER];
};

/** console_open() - start the output thread and switch the terminal to raw */
int console_open(struct console *console);

/** console_close() - write what waits, for a second at most, and restore */
void console_close(struct console *console);

/** console_put() - output a byte; a full buffer drops it */
void console_put(struct console *console, uint8_t byte);

/** console_has_room() - would console_put() keep a byte? */
bool console_has_room(struct console *console);

/* Results of console_get() */
enum console_input {
	CONSOLE_BYTES,		/* input, perhaps of zero bytes */
	CONSOLE_EOF,		/* there will be no more */
	CONSOLE_QUIT,		/* Ctrl-A x */
};

/**
 * console_get() - take input; stdin must be readable
 * @console: the terminal
 * @bytes: receives the input without escape sequences
 * @count: in: room at @bytes; out: bytes there
 */
enum console_input console_get(struct console *console, uint8_t *bytes,
			       size_t *count);

#endif /* KVPCI_VMM_CONSOLE_H */
