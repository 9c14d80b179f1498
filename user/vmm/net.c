// SPDX-License-Identifier: GPL-2.0-only
/*
 * The network card: its features, its start and its stop. vhost-net serves the data
 * queues, one instance a queue pair. A card of several pairs has a control queue,
 * which is answered here.
 *
 * No vCPU waits for vhost. One thread for all cards takes a card's START and starts
 * it (starter.c). Then the card's own thread follows its events, up to STOP. The two
 * take turns, and only the one that has its turn touches the fields marked "thread".
 */
#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <linux/if_tun.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include <kvpci/kvpci.h>

#include "ctrlq.h"
#include "net.h"
#include "options.h"
#include "pci.h"
#include "report.h"
#include "starter.h"
#include "tap.h"
#include "transport.h"
#include "util.h"
#include "vhost.h"
#include "vm.h"

#ifndef VIRTIO_F_RING_RESET
#define VIRTIO_F_RING_RESET	40
#endif

#define BIT64(n)	(1ULL << (n))
#define PCI_CLASS_ETHERNET	0x020000
#define DATA_QUEUE_SIZE	256
#define CTRL_QUEUE_SIZE	64
#define MAX_PAIRS	OPTIONS_MAX_QUEUES
#define MAX_QUEUES	(2 * MAX_PAIRS + 1)
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
/* vhost's features: offered as far as it has them. */
#define VHOST_FEATURES	(BIT64(VIRTIO_NET_F_MRG_RXBUF) |	\
			 BIT64(VIRTIO_RING_F_INDIRECT_DESC) |	\
			 BIT64(VIRTIO_RING_F_EVENT_IDX) |	\
			 BIT64(VIRTIO_F_VERSION_1))
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

/**
 * struct net - a card
 * @vm: the VM
 * @transport: the transport that answers its registers
 * @tap: name of the interface
 * @pairs: queue pairs
 * @num_queues: queues, the control queue included
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
 * @features: thread: feature bits that the driver accepted
 * @running: thread: by queue: vhost, or net_ctrl(), serves it
 * @used: thread: pairs the driver has asked for since it started the device
 * @attached: thread: pairs of the tap that take part
 * @ctrl: thread: the control queue
 * @ctrl_index: thread: index of that queue
 * @complained: thread: a mistake of the guest has been reported
 */
struct net {
	struct vm *vm;
	struct transport *transport;
	char tap[IFNAMSIZ];
	unsigned int pairs;
	unsigned int num_queues;
	int taps[MAX_PAIRS];
	int vhosts[MAX_PAIRS];
	uint64_t vhost_features;
	int kicks[MAX_QUEUES];
	int calls[MAX_QUEUES];

	struct startable startable;
	struct starter *starter;
	pthread_t thread;
	int go;
	int quit;
	bool started;

	uint64_t features;
	bool running[MAX_QUEUES];
	unsigned int used;
	unsigned int attached;
	struct ctrlq ctrl;
	unsigned int ctrl_index;
	bool complained;
};

static bool has(const struct net *net, unsigned int bit)
{
	return net->features & BIT64(bit);
}

/* A guest can cause this as often as it likes, so it is reported once. */
static void complain(struct net *net, int err, const char *what)
{
	if (!net->complained)
		report_error(err, "net %s: %s; the device asks for a reset",
			     net->tap, what);
	net->complained = true;
	net->transport->ops->fail(net->transport);
}

/* The driver's features decide which frames the tap may send. */
static void set_offload(const struct net *net)
{
	static const struct {
		unsigned int feature;
		unsigned int flag;
	} offloads[] = {
		{ VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4 },
		{ VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6 },
		{ VIRTIO_NET_F_GUEST_ECN, TUN_F_TSO_ECN },
	};
	unsigned int flags = 0;
	size_t i;
	int err;

	if (has(net, VIRTIO_NET_F_GUEST_CSUM)) {
		flags = TUN_F_CSUM;
		for (i = 0; i < ARRAY_SIZE(offloads); i++)
			if (has(net, offloads[i].feature))
				flags |= offloads[i].flag;
	}
	err = tap_set_offload(net->taps[0], flags);
	if (err)
		report_error(err, "net %s: TUNSETOFFLOAD", net->tap);
}

/* Let the first @pairs queues of the tap take part. */
static int attach(struct net *net, unsigned int pairs)
{
	int err = 0;

	while (!err && net->attached < pairs) {
		err = tap_attach(net->taps[net->attached]);
		if (!err)
			net->attached++;
	}
	while (!err && net->attached > pairs) {
		err = tap_detach(net->taps[net->attached - 1]);
		if (!err)
			net->attached--;
	}
	if (err)
		report_error(err, "net %s: TUNSETQUEUE", net->tap);
	return err;
}

static bool is_ctrl(const struct net *net, unsigned int queue)
{
	return has(net, VIRTIO_NET_F_CTRL_VQ) && queue == net->ctrl_index;
}

static bool ctrl_runs(const struct net *net)
{
	return is_ctrl(net, net->ctrl_index) && net->running[net->ctrl_index];
}

/* Queues that nobody serves yet, or at all, are left alone. */
static int queue_start(struct net *net, unsigned int queue)
{
	struct kvpci_queue_state state;
	int err;

	if (net->running[queue] ||
	    (!is_ctrl(net, queue) && queue / 2 >= net->used))
		return 0;
	err = net->transport->ops->queue_state(net->transport, queue, &state);
	if (err || !state.enabled)
		return err;
	if (is_ctrl(net, queue)) {
		err = ctrlq_start(&net->ctrl, &state, net->features);
		eventfd_write(net->kicks[queue], 1);	/* look at once */
	} else {
		err = vhost_queue_start(net->vhosts[queue / 2], queue % 2,
					&net->vm->memory, &state,
					net->kicks[queue],
					net->taps[queue / 2]);
	}
	net->running[queue] = !err;
	return err;
}

static void queue_stop(struct net *net, unsigned int queue)
{
	if (net->running[queue] && !is_ctrl(net, queue))
		vhost_queue_stop(net->vhosts[queue / 2], queue % 2);
	net->running[queue] = false;
}

/*
 * Start the queues of the first @pairs pairs. A driver enables all pairs
 * and then uses one a processor. The others need no start, and no stop when the
 * driver waits for a reset.
 */
static int use_pairs(struct net *net, unsigned int pairs)
{
	uint64_t features = net->features & net->vhost_features & VHOST_FEATURES;
	unsigned int i;
	int err = 0;

	for (i = net->used; !err && i < pairs; i++) {
		err = vhost_set_features(net->vhosts[i], features);
		net->used = i + 1;
		if (!err)
			err = queue_start(net, 2 * i);
		if (!err)
			err = queue_start(net, 2 * i + 1);
	}
	return err;
}

/* 5.1.6.5.5: the only command sets the number of pairs in use. */
static uint8_t net_ctrl(void *opaque, const uint8_t *request, size_t length)
{
	struct net *net = opaque;
	unsigned int pairs;
	int err;

	if (length != 4 || request[0] != VIRTIO_NET_CTRL_MQ ||
	    request[1] != VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET ||
	    !has(net, VIRTIO_NET_F_MQ))
		return VIRTIO_NET_ERR;
	pairs = request[2] | request[3] << 8;
	if (pairs < VIRTIO_NET_CTRL_MQ_VQ_PAIRS_MIN || pairs > net->pairs)
		return VIRTIO_NET_ERR;
	err = use_pairs(net, pairs);
	if (err)
		complain(net, err, "cannot start its queues");
	else
		err = attach(net, pairs);
	return err ? VIRTIO_NET_ERR : VIRTIO_NET_OK;
}

static void stop(struct net *net)
{
	unsigned int i;

	for (i = 0; i < net->num_queues; i++)
		queue_stop(net, i);
	net->used = 0;
	attach(net, 1);
}

static void start(struct net *net)
{
	uint64_t features[2];
	int err;

	err = net->transport->ops->features(net->transport, features);
	if (err) {
		complain(net, err, "cannot read the features");
		return;
	}
	net->features = features[0];
	/* 5.1.2: without MQ there is one pair, and the control queue follows */
	net->ctrl_index = has(net, VIRTIO_NET_F_MQ) ? 2 * net->pairs : 2;
	set_offload(net);
	err = use_pairs(net, 1);
	if (!err && has(net, VIRTIO_NET_F_CTRL_VQ))
		err = queue_start(net, net->ctrl_index);
	if (err) {
		stop(net);
		complain(net, err, "cannot start its queues");
	}
}

/* In the starter's thread. */
static void take_start(void *opaque)
{
	struct net *net = opaque;
	struct kvpci_event event;
	int n;

	n = net->transport->ops->event(net->transport, &event);
	if (n < 0) {
		report_error(n, "net %s: events", net->tap);
	} else if (n && event.kind == KVPCI_EVENT_START) {
		start(net);
		eventfd_write(net->go, 1);
	} else {
		starter_watch(net->starter, &net->startable);
	}
}

/* Return: true if the device does not run any more. */
static bool take_event(struct net *net, const struct kvpci_event *event)
{
	struct transport *t = net->transport;
	int err = 0;

	switch (event->kind) {
	case KVPCI_EVENT_QUEUE_START:
		err = queue_start(net, event->queue);
		if (err)
			complain(net, err, "cannot start a queue");
		return false;
	case KVPCI_EVENT_STOP:
		stop(net);
		break;
	case KVPCI_EVENT_QUEUE_STOP:
		queue_stop(net, event->queue);
		break;
	default:
		return false;	/* the others need nothing done */
	}
	err = t->ops->ack(t, event->kind, event->queue);
	/* A reset may overtake a queue's reset: then there is nothing to ack. */
	if (err && err != -EALREADY)
		report_error(err, "net %s: KVPCI_DEVICE_ACK", net->tap);
	return event->kind == KVPCI_EVENT_STOP;
}

static void take_ctrl_kick(struct net *net)
{
	int result, queue = net->ctrl_index;
	eventfd_t count;

	eventfd_read(net->kicks[queue], &count);
	result = ctrlq_run(&net->ctrl);
	if (result < 0) {
		queue_stop(net, queue);
		complain(net, result, "its control queue makes no sense");
		return;
	}
	if (result & CTRLQ_CALL)
		eventfd_write(net->calls[queue], 1);
	if (result & CTRLQ_MORE)
		eventfd_write(net->kicks[queue], 1);
}

static void *follow(void *arg)
{
	enum { QUIT, GO, EVENT, CTRL, NUM };
	struct net *net = arg;
	struct pollfd fds[NUM] = {
		[QUIT] = { .fd = net->quit, .events = POLLIN },
		[GO] = { .fd = net->go, .events = POLLIN },
		[EVENT] = { .events = POLLIN },
		[CTRL] = { .events = POLLIN },
	};
	struct kvpci_event event;
	bool our_turn = false;
	eventfd_t count;
	int n;

	while (!fds[QUIT].revents) {
		fds[EVENT].fd = our_turn ? net->transport->event_fd : -1;
		fds[CTRL].fd = our_turn && ctrl_runs(net) ?
			net->kicks[net->ctrl_index] : -1;
		if (poll(fds, NUM, -1) < 0)
			continue;
		if (fds[GO].revents) {
			eventfd_read(net->go, &count);
			our_turn = true;
		}
		if (fds[CTRL].revents)
			take_ctrl_kick(net);
		if (!fds[EVENT].revents)
			continue;
		n = net->transport->ops->event(net->transport, &event);
		if (n < 0) {
			report_error(n, "net %s: events", net->tap);
			break;
		}
		if (n && take_event(net, &event)) {
			our_turn = false;
			starter_watch(net->starter, &net->startable);
		}
	}
	return NULL;
}

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
	uint8_t config_bytes[CONFIG_SIZE];
	struct kvpci_fd_pair pairs[MAX_QUEUES];
	uint16_t sizes[MAX_QUEUES];
	struct virtio_net_config config = {
		.status = htole16(VIRTIO_NET_S_LINK_UP),
		.max_virtqueue_pairs = htole16(net->pairs),
	};
	unsigned int i;
	int err;

	err = make_mac(config.mac, options->mac);
	if (err)
		return err;
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
	err = libkvpci_default_layout(&desc, regions,
				      options->layout == OPTIONS_LAYOUT_HOST ?
				      tvm->layout : options->layout);
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
	net->num_queues = 2 * net->pairs + (net->pairs > 1);
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
		err = attach(net, 1);
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

int net_start(struct net *net, struct starter *starter)
{
	char name[16];
	int err;

	net->starter = starter;
	net->startable = (struct startable){
		.fd = net->transport->event_fd,
		.start = take_start,
		.opaque = net,
	};
	err = pthread_create(&net->thread, NULL, follow, net);
	if (err)
		return report_error(-err, "net %s: cannot start its thread",
				    net->tap);
	net->started = true;
	snprintf(name, sizeof(name), "net-%.10s", net->tap);
	pthread_setname_np(net->thread, name);
	return starter_add(starter, &net->startable);
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
		stop(net);
	}
	if (net->transport)
		net->transport->ops->destroy(net->transport);
	close_all(net->vhosts, net->pairs);
	close_all(net->taps, net->pairs);
	close_all(net->kicks, net->num_queues);
	close_all(net->calls, net->num_queues);
	close_all(&net->go, 1);
	close_all(&net->quit, 1);
	free(net);
}
