/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtio network card (virtio 5.1). vhost-net serves its data queues on a tap.
 */
#ifndef KVPCI_VMM_NET_H
#define KVPCI_VMM_NET_H

struct net;
struct net_options;
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

/** net_start() - begin to follow the driver */
int net_start(struct net *net, struct starter *starter);

/** net_destroy() - stop everything; no vCPU runs any more, nor the starter */
void net_destroy(struct net *net);

#endif /* KVPCI_VMM_NET_H */
