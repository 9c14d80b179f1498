/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A network card's backend in a snapshot, and whether a card of the command line is
 * the one that was saved.
 */
#ifndef KVPCI_VMM_NET_STATE_H
#define KVPCI_VMM_NET_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"

#define NET_MAX_PAIRS	OPTIONS_MAX_QUEUES
#define NET_MAX_QUEUES	(2 * NET_MAX_PAIRS + 1)

struct snapshot;
struct snapshot_writer;

/**
 * struct net_queue_state - a queue
 * @next: entry of the available ring that comes next
 * @running: it is served
 * @reserved: zero
 */
struct net_queue_state {
	uint16_t next;
	uint8_t running;
	uint8_t reserved;
};

/**
 * struct net_state - a card, as the file has it, with its queues alone
 * @pairs: queue pairs
 * @layout: LIBKVPCI_LAYOUT_* flags
 * @mac: its address
 * @reserved: zero
 * @used: pairs the driver has asked for since it started the device
 * @attached: pairs of the tap that take part
 * @queues: by queue
 */
struct net_state {
	uint32_t pairs;
	uint32_t layout;
	uint8_t mac[OPTIONS_MAC_SIZE];
	uint8_t reserved[2];
	uint32_t used;
	uint32_t attached;
	struct net_queue_state queues[NET_MAX_QUEUES];
};

/** net_state_queues() - queues of a card with so many pairs */
static inline unsigned int net_state_queues(unsigned int pairs)
{
	return 2 * pairs + (pairs > 1);		/* the last one is for control */
}

/** net_state_save() - write a card's section */
void net_state_save(const struct net_state *state, struct snapshot_writer *w,
		    uint32_t index);

/**
 * net_state_read() - read a card's section
 * @state: out; its numbers are in their ranges
 * @s: the snapshot
 * @index: the card's number in it
 *
 * Return: 0 or a negative errno value, reported.
 */
int net_state_read(struct net_state *state, struct snapshot *s, uint32_t index);

/**
 * net_state_fit() - is this --net the card that was saved?
 * @options: the --net; what it leaves open is filled in
 * @s: the snapshot
 * @index: the card's number in it
 *
 * Return: 0 or a negative errno value, reported.
 */
int net_state_fit(struct net_options *options, struct snapshot *s, uint32_t index);

#endif /* KVPCI_VMM_NET_STATE_H */
