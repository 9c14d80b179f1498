/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtio network card (virtio 5.1). vhost-net serves its data queues on a tap.
 */
#ifndef KVPCI_VMM_NET_H
#define KVPCI_VMM_NET_H

#include <stdint.h>

struct net;
struct net_options;
struct snapshot;
struct snapshot_writer;
struct starter;
struct transport_vm;

/**
 * net_create() - make a card and plug it in
 * @tvm: the transport that answers its registers
 * @options: its --net
 * @net: out: the card
 *
 * Return: 0 or a negative errno value, reported.
 */
int net_create(struct transport_vm *tvm, const struct net_options *options,
	       struct net **net);

/** net_start() - begin to follow the driver; a card that was restored goes on */
int net_start(struct net *net, struct starter *starter);

/**
 * net_pause() - let nothing of a card move
 * @net: the card
 *
 * What it has taken from its queues is finished then, and its interrupts are with
 * the transport. vCPUs rest, or what they ask for waits.
 */
void net_pause(struct net *net);

/** net_resume() - let it go on where it was */
void net_resume(struct net *net);

/** net_save() - write a card, which is paused, to a snapshot */
void net_save(struct net *net, struct snapshot_writer *w, uint32_t index);

/** net_restore() - give a card that is new, and not started, what another one was */
int net_restore(struct net *net, struct snapshot *s, uint32_t index);

/** net_destroy() - stop everything; no vCPU runs any more, nor the starter */
void net_destroy(struct net *net);

#endif /* KVPCI_VMM_NET_H */
