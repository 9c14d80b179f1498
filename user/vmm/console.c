// SPDX-License-Identifier: GPL-2.0-only
/*
 * The terminal. A vCPU that prints never waits for stdout: bytes go into a
 * buffer, and a thread writes them. When stdout is slower than the guest the
 * buffer fills, and the UART tells the guest to wait. Bytes that it sends all the same
 * are lost, as on a real line.
 *
 * The terminal's mode is restored by console_close(), at exit() and by a
 * handler of the signals that kill a program.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "console.h"
#include "report.h"
#include "util.h"

#define ESCAPE_KEY	1	/* Ctrl-A */
#define FLUSH_SECONDS	1

static struct termios saved_mode;
static volatile sig_atomic_t mode_changed;

static const int fatal_signals[] = {
	SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP,
};

static void restore_mode(void)
{
	if (mode_changed) {
		tcsetattr(STDIN_FILENO, TCSANOW, &saved_mode);
		mode_changed = 0;
	}
}

static void die_of(int sig)
{
	restore_mode();
	raise(sig);	/* SA_RESETHAND: this time it kills */
}

static void set_raw_mode(struct console *console)
{
	struct sigaction action = {
		.sa_handler = die_of,
		.sa_flags = SA_RESETHAND | SA_NODEFER,
	};
	struct termios mode;
	size_t i;

	/* In the background, changing the terminal would stop the program. */
	if (!isatty(STDIN_FILENO) || tcgetpgrp(STDIN_FILENO) != getpgrp() ||
	    tcgetattr(STDIN_FILENO, &saved_mode))
		return;
	for (i = 0; i < ARRAY_SIZE(fatal_signals); i++)
		sigaction(fatal_signals[i], &action, NULL);
	atexit(restore_mode);
	mode = saved_mode;
	cfmakeraw(&mode);
	mode.c_oflag |= OPOST;	/* our own messages end in a plain newline */
	mode_changed = 1;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &mode)) {
		mode_changed = 0;
		return;
	}
	console->interactive = true;
}

/* Take a stretch of the buffer; called with the lock held, and sleeps. */
static size_t next_stretch(struct console *console, char *bytes, size_t max)
{
	size_t n;

	while (!console->used && !console->closing)
		pthread_cond_wait(&console->wake, &console->lock);
	n = console->used < max ? console->used : max;
	if (n > CONSOLE_BUFFER - console->first)
		n = CONSOLE_BUFFER - console->first;
	memcpy(bytes, console->buffer + console->first, n);
	return n;
}

static void write_all(struct console *console, const char *bytes, size_t n)
{
	ssize_t done;

	while (n && !console->broken) {
		done = write(STDOUT_FILENO, bytes, n);
		if (done >= 0) {
			bytes += done;
			n -= done;
		} else if (errno == EAGAIN) {
			/* Somebody else made our stdout non-blocking. */
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		} else if (errno != EINTR) {
			console->broken = true;
		}
	}
}

static void *writer(void *arg)
{
	struct console *console = arg;
	char bytes[4096];
	bool tell;
	size_t n;

	pthread_mutex_lock(&console->lock);
	while ((n = next_stretch(console, bytes, sizeof(bytes)))) {
		pthread_mutex_unlock(&console->lock);
		write_all(console, bytes, n);
		pthread_mutex_lock(&console->lock);
		console->first = (console->first + n) % CONSOLE_BUFFER;
		console->used -= n;
		if (!console->used)
			pthread_cond_signal(&console->drained);
		tell = console->was_full;
		console->was_full = false;
		if (tell && console->on_room) {
			pthread_mutex_unlock(&console->lock);
			console->on_room(console->opaque);
			pthread_mutex_lock(&console->lock);
		}
	}
	pthread_mutex_unlock(&console->lock);
	return NULL;
}

int console_open(struct console *console)
{
	pthread_condattr_t attr;
	int err;

	pthread_mutex_init(&console->lock, NULL);
	pthread_cond_init(&console->wake, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&console->drained, &attr);
	err = pthread_create(&console->writer, NULL, writer, console);
	if (err)
		return report_error(-err, "cannot start the console's thread");
	set_raw_mode(console);
	return 0;
}

void console_close(struct console *console)
{
	struct timespec until;
	bool stuck;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += FLUSH_SECONDS;
	pthread_mutex_lock(&console->lock);
	console->closing = true;
	pthread_cond_signal(&console->wake);
	while (console->used &&
	       !pthread_cond_timedwait(&console->drained, &console->lock,
				       &until))
		continue;
	stuck = console->used;
	pthread_mutex_unlock(&console->lock);
	/* A thread stuck in write() ends with the program. */
	if (!stuck)
		pthread_join(console->writer, NULL);
	restore_mode();
}

void console_put(struct console *console, uint8_t byte)
{
	pthread_mutex_lock(&console->lock);
	if (console->used < CONSOLE_BUFFER) {
		console->buffer[(console->first + console->used) %
				CONSOLE_BUFFER] = (char)byte;
		if (!console->used++)
			pthread_cond_signal(&console->wake);
		console->was_full = console->used == CONSOLE_BUFFER;
	}
	pthread_mutex_unlock(&console->lock);
}

bool console_has_room(struct console *console)
{
	bool room;

	pthread_mutex_lock(&console->lock);
	room = console->used < CONSOLE_BUFFER;
	pthread_mutex_unlock(&console->lock);
	return room;
}

/* Ctrl-A x quits, Ctrl-A Ctrl-A is one Ctrl-A, anything else is passed on. */
static enum console_input filter(struct console *console, uint8_t *bytes,
				 size_t *count)
{
	size_t i, n = 0;

	for (i = 0; i < *count; i++) {
		if (console->escaped) {
			console->escaped = false;
			if (bytes[i] == 'x' || bytes[i] == 'X')
				return CONSOLE_QUIT;
		} else if (bytes[i] == ESCAPE_KEY) {
			console->escaped = true;
			continue;
		}
		bytes[n++] = bytes[i];
	}
	*count = n;
	return CONSOLE_BYTES;
}

enum console_input console_get(struct console *console, uint8_t *bytes,
			       size_t *count)
{
	ssize_t n = read(STDIN_FILENO, bytes, *count);

	*count = n > 0 ? n : 0;
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? CONSOLE_BYTES :
			CONSOLE_EOF;
	if (n == 0)
		return CONSOLE_EOF;
	return console->interactive ? filter(console, bytes, count) :
		CONSOLE_BYTES;
}
