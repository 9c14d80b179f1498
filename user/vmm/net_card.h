/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the card's making (net_create.c) and its life (net.c) share.
 */
#ifndef KVPCI_VMM_NET_CARD_H
#define KVPCI_VMM_NET_CARD_H

#include <linux/if.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "ctrlq.h"
#include "device_state.h"
#include "net_state.h"
#include "starter.h"

#define BIT64(n)	(1ULL << (n))

/* vhost's features: offered as far as it has them. */
#define VHOST_FEATURES	(BIT64(VIRTIO_NET_F_MRG_RXBUF) |	\
			 BIT64(VIRTIO_RING_F_INDIRECT_DESC) |	\
			 BIT64(VIRTIO_RING_F_EVENT_IDX) |	\
			 BIT64(VIRTIO_F_VERSION_1))

/**
 * struct net - a card
 * @vm: the VM
 * @transport: the transport that answers its registers
 * @tap: name of the interface
 * @pairs: queue pairs
 * @num_queues: queues, the control queue included
 * @layout: LIBKVPCI_LAYOUT_* flags
 * @mac: its address
 * @numbers: what the device has
 * @taps: by pair
 * @vhosts: by pair
 * @vhost_features: features that all of them have
 * @kicks: by queue: eventfd of the driver's notifications
 * @calls: by queue: eventfd of interrupts
 * @startable: the starter's handle of it
 * @starter: has its turn while the device does not run
 * @thread: has its turn while the device runs
 * @go: eventfd that gives @thread its turn
 * @quit: eventfd that ends @thread
 * @started: @thread is valid
 * @lock: protects what follows; held while an event, or the control queue, is served
 * @features: feature bits that the driver accepted
 * @restored: the device runs, from a snapshot, and its queues wait for net_start()
 * @running: by queue: vhost, or net_ctrl(), serves it
 * @next: by queue, while it stands still: entry of the available ring that comes next
 * @used: pairs the driver has asked for since it started the device
 * @attached: pairs of the tap that take part
 * @ctrl: the control queue
 * @ctrl_index: index of that queue
 * @complained: a mistake of the guest has been reported
 */
struct net {
	struct vm *vm;
	struct transport *transport;
	char tap[IFNAMSIZ];
	unsigned int pairs;
	unsigned int num_queues;
	unsigned int layout;
	uint8_t mac[OPTIONS_MAC_SIZE];
	struct device_numbers numbers;
	int taps[NET_MAX_PAIRS];
	int vhosts[NET_MAX_PAIRS];
	uint64_t vhost_features;
	int kicks[NET_MAX_QUEUES];
	int calls[NET_MAX_QUEUES];

	struct startable startable;
	struct starter *starter;
	pthread_t thread;
	int go;
	int quit;
	bool started;

	pthread_mutex_t lock;
	uint64_t features;
	bool restored;
	bool running[NET_MAX_QUEUES];
	uint16_t next[NET_MAX_QUEUES];
	unsigned int used;
	unsigned int attached;
	struct ctrlq ctrl;
	unsigned int ctrl_index;
	bool complained;
};

/** net_ctrl() - carry out a request of the control queue, @opaque the card: net.c */
uint8_t net_ctrl(void *opaque, const uint8_t *request, size_t length);

/** net_attach() - let the first @pairs queues of the tap take part: net.c */
int net_attach(struct net *net, unsigned int pairs);

/** net_stop() - all queues stop: net.c */
void net_stop(struct net *net);

#endif /* KVPCI_VMM_NET_CARD_H */
