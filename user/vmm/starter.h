/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The thread that starts devices: one for all of them.
 */
#ifndef KVPCI_VMM_STARTER_H
#define KVPCI_VMM_STARTER_H

#include <pthread.h>
#include <stdbool.h>

/**
 * struct starter - the thread
 * @epoll: descriptors of devices that do not run
 * @quit: eventfd that ends the thread
 * @thread: the thread
 * @started: @thread is valid
 */
struct starter {
	int epoll;
	int quit;
	pthread_t thread;
	bool started;
};

/**
 * struct startable - a device
 * @fd: readable when its driver may have started it
 * @start: called in the starter's thread then, and not again until
 *	starter_watch() is called for the device
 * @opaque: for @start
 */
struct startable {
	int fd;
	void (*start)(void *opaque);
	void *opaque;
};

/**
 * starter_open() - start the thread
 * @starter: anything; starter_close() it even after an error
 *
 * Return: 0 or a negative errno value, reported.
 */
int starter_open(struct starter *starter);

/** starter_stop() - end the thread: no device is started any more */
void starter_stop(struct starter *starter);

/** starter_close() - when it is stopped, and nobody calls starter_watch() */
void starter_close(struct starter *starter);

/**
 * starter_add() - make a new device known to the starter
 * @starter: open
 * @device: the device; it outlives the thread
 *
 * It is not watched yet.
 *
 * Return: 0 or a negative errno value, reported.
 */
int starter_add(struct starter *starter, struct startable *device);

/** starter_watch() - hand a device that does not run to the starter */
void starter_watch(struct starter *starter, struct startable *device);

#endif /* KVPCI_VMM_STARTER_H */
