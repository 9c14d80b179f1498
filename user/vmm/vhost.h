/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vhost-net: the host kernel serves a queue pair.
 */
#ifndef KVPCI_VMM_VHOST_H
#define KVPCI_VMM_VHOST_H

#include <stdint.h>

struct kvpci_queue_state;
struct memory;

/**
 * vhost_open() - a vhost-net instance that knows the guest's memory
 * @memory: the guest's RAM
 * @features: out: feature bits it has
 *
 * Return: a descriptor or a negative errno value, reported.
 */
int vhost_open(const struct memory *memory, uint64_t *features);

/** vhost_set_features() - while no queue runs */
int vhost_set_features(int fd, uint64_t features);

/**
 * vhost_queue_wire() - give a queue its eventfds, once and for good
 * @fd: from vhost_open()
 * @index: 0: receive, 1: transmit
 * @kick_fd: eventfd of the driver's notifications
 * @call_fd: eventfd for interrupts
 *
 * Return: 0 or a negative errno value.
 */
int vhost_queue_wire(int fd, unsigned int index, int kick_fd, int call_fd);

/**
 * vhost_queue_start() - serve a queue
 * @fd: from vhost_open()
 * @index: 0: receive, 1: transmit; it has its eventfds
 * @memory: the guest's RAM
 * @queue: size and addresses from the driver; they are not trusted
 * @next: entry of the available ring to begin with; 0 for a queue that is new
 * @kick_fd: eventfd of the driver's notifications
 * @tap: the tap's queue
 *
 * An earlier notification is not lost.
 *
 * Return: 0; -EFAULT: a ring is not in RAM; or another negative errno value.
 */
int vhost_queue_start(int fd, unsigned int index, const struct memory *memory,
		      const struct kvpci_queue_state *queue, uint16_t next,
		      int kick_fd, int tap);

/** vhost_queue_stop() - when it returns, vhost has let go of the queue */
void vhost_queue_stop(int fd, unsigned int index);

/** vhost_queue_next() - where a queue that is stopped was to go on */
uint16_t vhost_queue_next(int fd, unsigned int index);

#endif /* KVPCI_VMM_VHOST_H */
