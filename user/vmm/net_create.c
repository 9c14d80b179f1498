// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making a network card, with its features and its backends, and taking it away.
 */
#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include <kvpci/kvpci.h>

#include "net.h"
#include "net_card.h"
#include "pci.h"
#include "report.h"
#include "tap.h"
#include "transport.h"
#include "util.h"
#include "vhost.h"
#include "vm.h"

#ifndef VIRTIO_F_RING_RESET
#define VIRTIO_F_RING_RESET	40
#endif

#define PCI_CLASS_ETHERNET	0x020000
#define DATA_QUEUE_SIZE	256
#define CTRL_QUEUE_SIZE	64
/* The part of struct virtio_net_config up to mtu. */
#define CONFIG_SIZE	12

/* The tap's features: offered as they are. */
#define TAP_FEATURES	(BIT64(VIRTIO_NET_F_CSUM) |		\
			 BIT64(VIRTIO_NET_F_GUEST_CSUM) |	\
			 BIT64(VIRTIO_NET_F_GUEST_TSO4) |	\
			 BIT64(VIRTIO_NET_F_GUEST_TSO6) |	\
			 BIT64(VIRTIO_NET_F_GUEST_ECN) |	\
			 BIT64(VIRTIO_NET_F_HOST_TSO4) |	\
			 BIT64(VIRTIO_NET_F_HOST_TSO6) |	\
			 BIT64(VIRTIO_NET_F_HOST_ECN))
/* Features of the control queue, which is answered here. */
#define OWN_FEATURES	(BIT64(VIRTIO_NET_F_MAC) |		\
			 BIT64(VIRTIO_NET_F_STATUS) |		\
			 BIT64(VIRTIO_F_RING_RESET))
#define MULTI_FEATURES	(BIT64(VIRTIO_NET_F_CTRL_VQ) | BIT64(VIRTIO_NET_F_MQ))

/* 5.1.3.1: features that need one another. */
static const struct kvpci_feature_dep net_deps[] = {
#define NEEDS(bit, bits)	{ .feature = (bit), .any_of = { bits } }
	NEEDS(VIRTIO_NET_F_GUEST_TSO4, BIT64(VIRTIO_NET_F_GUEST_CSUM)),
	NEEDS(VIRTIO_NET_F_GUEST_TSO6, BIT64(VIRTIO_NET_F_GUEST_CSUM)),
	NEEDS(VIRTIO_NET_F_GUEST_ECN, BIT64(VIRTIO_NET_F_GUEST_TSO4) |
				      BIT64(VIRTIO_NET_F_GUEST_TSO6)),
	NEEDS(VIRTIO_NET_F_HOST_TSO4, BIT64(VIRTIO_NET_F_CSUM)),
	NEEDS(VIRTIO_NET_F_HOST_TSO6, BIT64(VIRTIO_NET_F_CSUM)),
	NEEDS(VIRTIO_NET_F_HOST_ECN, BIT64(VIRTIO_NET_F_HOST_TSO4) |
				     BIT64(VIRTIO_NET_F_HOST_TSO6)),
	NEEDS(VIRTIO_NET_F_MQ, BIT64(VIRTIO_NET_F_CTRL_VQ)),
#undef NEEDS
};

static int make_mac(uint8_t *mac, const uint8_t *wanted)
{
	static const uint8_t none[OPTIONS_MAC_SIZE];

	memcpy(mac, wanted, OPTIONS_MAC_SIZE);
	if (memcmp(wanted, none, OPTIONS_MAC_SIZE))
		return 0;
	if (getrandom(mac, OPTIONS_MAC_SIZE, 0) != OPTIONS_MAC_SIZE)
		return report_error(-errno, "getrandom");
	mac[0] = (mac[0] & 0xfc) | 0x02;	/* local, of one station */
	return 0;
}

/* "net-" and the tap, with '_' for characters that a device's name may not have */
static void make_name(const struct net *net, uint8_t *name, size_t size)
{
	size_t i;

	snprintf((char *)name, size, "net-%s", net->tap);
	for (i = 0; name[i]; i++)
		if (!isalnum(name[i]) && !strchr("._-", name[i]))
			name[i] = '_';
}

/* Describe the device, create it, and put it on the bus. */
static int plug_in(struct net *net, struct transport_vm *tvm,
		   const struct net_options *options)
{
	struct kvpci_device_place place = { .class_code = PCI_CLASS_ETHERNET };
	struct kvpci_region regions[KVPCI_MAX_REGIONS];
	struct kvpci_device_create desc = { .flags = 0 };
	struct kvpci_fd_pair pairs[NET_MAX_QUEUES];
	uint8_t config_bytes[CONFIG_SIZE];
	uint16_t sizes[NET_MAX_QUEUES];
	struct virtio_net_config config = {
		.status = htole16(VIRTIO_NET_S_LINK_UP),
		.max_virtqueue_pairs = htole16(net->pairs),
	};
	unsigned int i;
	int err;

	err = make_mac(net->mac, options->mac);
	if (err)
		return err;
	memcpy(config.mac, net->mac, sizeof(config.mac));
	net->layout = options->layout == OPTIONS_LAYOUT_HOST ? tvm->layout :
		options->layout;
	memcpy(config_bytes, &config, sizeof(config_bytes));
	for (i = 0; i < net->num_queues; i++)
		sizes[i] = i < 2 * net->pairs ? DATA_QUEUE_SIZE :
			CTRL_QUEUE_SIZE;
	make_name(net, desc.name, sizeof(desc.name));
	desc.virtio_id = VIRTIO_ID_NET;
	desc.num_queues = net->num_queues;
	desc.num_vectors = net->num_queues + 1;		/* one for changes */
	desc.device_config_size = CONFIG_SIZE;
	desc.device_config = (uintptr_t)config_bytes;
	desc.queue_sizes = (uintptr_t)sizes;
	desc.feature_deps = (uintptr_t)net_deps;
	desc.num_feature_deps = ARRAY_SIZE(net_deps);
	desc.features[0] = TAP_FEATURES | OWN_FEATURES |
		(net->vhost_features & VHOST_FEATURES) |
		(net->pairs > 1 ? MULTI_FEATURES : 0);
	net->numbers = (struct device_numbers){
		.virtio_id = desc.virtio_id,
		.num_queues = desc.num_queues,
		.num_vectors = desc.num_vectors,
		.device_config_size = desc.device_config_size,
		.features = { desc.features[0], desc.features[1] },
	};
	err = libkvpci_default_layout(&desc, regions, net->layout);
	if (!err)
		err = tvm->ops->create(tvm, &desc, &net->transport);
	if (err)
		return report_error(err, "net %s: cannot create the device",
				    net->tap);
	for (i = 0; i < net->num_queues; i++)
		pairs[i] = (struct kvpci_fd_pair){ net->kicks[i], net->calls[i] };
	err = net->transport->ops->queue_fds(net->transport, 0, net->num_queues, pairs);
	if (err)
		return report_error(err, "net %s: eventfds", net->tap);
	return pci_add(tvm->vm->pci, &desc, &place, net->transport);
}

static int open_vhosts(struct net *net)
{
	uint64_t features;
	unsigned int i;

	net->vhost_features = ~0ULL;
	for (i = 0; i < net->pairs; i++) {
		net->vhosts[i] = vhost_open(&net->vm->memory, &features);
		if (net->vhosts[i] < 0)
			return net->vhosts[i];
		net->vhost_features &= features;
	}
	if (!(net->vhost_features & BIT64(VIRTIO_F_VERSION_1))) {
		report("net %s: this host's vhost-net lacks virtio 1.0", net->tap);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int open_eventfds(struct net *net)
{
	unsigned int i;

	net->go = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	net->quit = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (net->go < 0 || net->quit < 0)
		return report_error(-errno, "net %s: eventfd", net->tap);
	for (i = 0; i < net->num_queues; i++) {
		net->kicks[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		net->calls[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (net->kicks[i] < 0 || net->calls[i] < 0)
			return report_error(-errno, "net %s: eventfd", net->tap);
	}
	return 0;
}

/* vhost keeps a queue's eventfds for good: with no backend it does nothing. */
static int wire_vhosts(struct net *net)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < 2 * net->pairs; i++)
		err = vhost_queue_wire(net->vhosts[i / 2], i % 2, net->kicks[i],
				       net->calls[i]);
	return err ? report_error(err, "net %s: eventfds of vhost", net->tap) : 0;
}

int net_create(struct transport_vm *tvm, const struct net_options *options,
	       struct net **result)
{
	struct net *net = calloc(1, sizeof(*net));
	unsigned int i;
	int err;

	if (!net)
		return report_error(-ENOMEM, "--net");
	net->vm = tvm->vm;
	net->pairs = options->queues;
	net->num_queues = net_state_queues(net->pairs);
	pthread_mutex_init(&net->lock, NULL);
	memcpy(net->tap, options->tap, sizeof(net->tap));
	net->ctrl.memory = &net->vm->memory;
	net->ctrl.handle = net_ctrl;
	net->ctrl.opaque = net;
	net->go = -1;
	net->quit = -1;
	for (i = 0; i < net->pairs; i++) {
		net->taps[i] = -1;
		net->vhosts[i] = -1;
	}
	for (i = 0; i < net->num_queues; i++) {
		net->kicks[i] = -1;
		net->calls[i] = -1;
	}

	err = tap_open(net->tap, net->taps, net->pairs);
	if (!err) {
		net->attached = net->pairs;
		err = net_attach(net, 1);
	}
	if (!err)
		err = open_vhosts(net);
	if (!err)
		err = open_eventfds(net);
	if (!err)
		err = wire_vhosts(net);
	if (!err)
		err = plug_in(net, tvm, options);
	if (err) {
		net_destroy(net);
		return err;
	}
	*result = net;
	return 0;
}

static void close_all(const int *fds, unsigned int count)
{
	while (count--)
		if (fds[count] >= 0)
			close(fds[count]);
}

void net_destroy(struct net *net)
{
	if (net->started) {
		eventfd_write(net->quit, 1);
		pthread_join(net->thread, NULL);
		net_stop(net);
	}
	if (net->transport)
		net->transport->ops->destroy(net->transport);
	close_all(net->vhosts, net->pairs);
	close_all(net->taps, net->pairs);
	close_all(net->kicks, net->num_queues);
	close_all(net->calls, net->num_queues);
	close_all(&net->go, 1);
	close_all(&net->quit, 1);
	pthread_mutex_destroy(&net->lock);
	free(net);
}
