// SPDX-License-Identifier: GPL-2.0-only
/*
 * The network card's life: its start, its stop, and how it stands still. vhost-net
 * serves the data queues, one instance a queue pair. A card of several pairs has a
 * control queue, which is answered here.
 *
 * No vCPU waits for vhost. One thread for all cards takes a card's START and starts
 * it (starter.c). Then the card's own thread follows its events, up to STOP. The two
 * take turns. The lock is for whoever wants both to stand still: to save the card.
 */
#include <errno.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include <kvpci/kvpci.h>

#include "net.h"
#include "net_card.h"
#include "report.h"
#include "snapshot.h"
#include "tap.h"
#include "transport.h"
#include "util.h"
#include "vhost.h"
#include "vm.h"

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
int net_attach(struct net *net, unsigned int pairs)
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

/* From its @next on; an earlier kick may have met nobody. */
static int queue_serve(struct net *net, unsigned int queue,
		       const struct kvpci_queue_state *state)
{
	int err;

	if (is_ctrl(net, queue)) {
		err = ctrlq_start(&net->ctrl, state, net->features);
		net->ctrl.next = net->next[queue];
		eventfd_write(net->kicks[queue], 1);	/* look at once */
		return err;
	}
	return vhost_queue_start(net->vhosts[queue / 2], queue % 2,
				 &net->vm->memory, state, net->next[queue],
				 net->kicks[queue], net->taps[queue / 2]);
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
	net->next[queue] = 0;
	err = queue_serve(net, queue, &state);
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
uint8_t net_ctrl(void *opaque, const uint8_t *request, size_t length)
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
		err = net_attach(net, pairs);
	return err ? VIRTIO_NET_ERR : VIRTIO_NET_OK;
}

void net_stop(struct net *net)
{
	unsigned int i;

	for (i = 0; i < net->num_queues; i++)
		queue_stop(net, i);
	net->used = 0;
	net_attach(net, 1);
}

static int learn_features(struct net *net)
{
	uint64_t features[2];
	int err;

	err = net->transport->ops->features(net->transport, features);
	if (err)
		return err;
	net->features = features[0];
	/* 5.1.2: without MQ there is one pair, and the control queue follows */
	net->ctrl_index = has(net, VIRTIO_NET_F_MQ) ? 2 * net->pairs : 2;
	set_offload(net);
	return 0;
}

static void start(struct net *net)
{
	int err = learn_features(net);

	if (err) {
		complain(net, err, "cannot read the features");
		return;
	}
	err = use_pairs(net, 1);
	if (!err && has(net, VIRTIO_NET_F_CTRL_VQ))
		err = queue_start(net, net->ctrl_index);
	if (err) {
		net_stop(net);
		complain(net, err, "cannot start its queues");
	}
}

/* In the starter's thread. */
static void take_start(void *opaque)
{
	struct net *net = opaque;
	struct kvpci_event event;
	int n;

	pthread_mutex_lock(&net->lock);
	n = net->transport->ops->event(net->transport, &event);
	if (n < 0) {
		report_error(n, "net %s: events", net->tap);
	} else if (n && event.kind == KVPCI_EVENT_START) {
		start(net);
		eventfd_write(net->go, 1);
	} else {
		starter_watch(net->starter, &net->startable);
	}
	pthread_mutex_unlock(&net->lock);
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
		net_stop(net);
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

	if (!ctrl_runs(net))
		return;		/* it has been stopped since */
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

/* Return: false if events cannot be read any more. */
static bool serve_event(struct net *net, bool *our_turn)
{
	struct kvpci_event event;
	int n;

	n = net->transport->ops->event(net->transport, &event);
	if (n < 0) {
		report_error(n, "net %s: events", net->tap);
		return false;
	}
	if (n && take_event(net, &event)) {
		*our_turn = false;
		starter_watch(net->starter, &net->startable);
	}
	return true;
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
	bool our_turn = false, good = true;
	eventfd_t count;

	while (good && !fds[QUIT].revents) {
		fds[EVENT].fd = our_turn ? net->transport->event_fd : -1;
		fds[CTRL].fd = our_turn && ctrl_runs(net) ?
			net->kicks[net->ctrl_index] : -1;
		if (poll(fds, NUM, -1) < 0)
			continue;
		if (fds[GO].revents) {
			eventfd_read(net->go, &count);
			our_turn = true;
		}
		pthread_mutex_lock(&net->lock);
		if (fds[CTRL].revents)
			take_ctrl_kick(net);
		if (fds[EVENT].revents)
			good = serve_event(net, &our_turn);
		pthread_mutex_unlock(&net->lock);
	}
	return NULL;
}

/* --- standing still, and going on ---------------------------------------------- */

void net_pause(struct net *net)
{
	unsigned int i;

	pthread_mutex_lock(&net->lock);
	for (i = 0; i < net->num_queues; i++) {
		if (!net->running[i])
			continue;
		if (is_ctrl(net, i)) {
			net->next[i] = net->ctrl.next;
			continue;
		}
		vhost_queue_stop(net->vhosts[i / 2], i % 2);
		net->next[i] = vhost_queue_next(net->vhosts[i / 2], i % 2);
	}
}

/* Where they were; what the file says of them may be anything. */
static int serve_again(struct net *net)
{
	struct kvpci_queue_state state;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < net->num_queues; i++) {
		if (!net->running[i])
			continue;
		if (!is_ctrl(net, i) && i / 2 >= net->used)
			err = -EINVAL;
		if (!err)
			err = net->transport->ops->queue_state(net->transport, i,
							       &state);
		if (!err && !state.enabled)
			err = -EINVAL;
		if (!err)
			err = queue_serve(net, i, &state);
	}
	return err;
}

void net_resume(struct net *net)
{
	int err = serve_again(net);

	if (err) {
		net_stop(net);
		complain(net, err, "cannot start its queues again");
	}
	pthread_mutex_unlock(&net->lock);
}

void net_save(struct net *net, struct snapshot_writer *w, uint32_t index)
{
	struct net_state state = {
		.pairs = net->pairs,
		.layout = net->layout,
		.used = net->used,
		.attached = net->attached,
	};
	unsigned int i;

	memcpy(state.mac, net->mac, sizeof(state.mac));
	for (i = 0; i < net->num_queues; i++) {
		state.queues[i].running = net->running[i];
		state.queues[i].next = net->running[i] ? net->next[i] : 0;
	}
	device_save(net->transport, &net->numbers, w, index);
	net_state_save(&state, w, index);
}

/* net_state_fit() has seen that the card is the same. */
int net_restore(struct net *net, struct snapshot *s, uint32_t index)
{
	struct net_state state;
	bool any = false;
	unsigned int i;
	int err;

	err = net_state_read(&state, s, index);
	if (!err)
		err = device_restore(net->transport, &net->numbers, s, index,
				     &net->restored);
	if (err)
		return err;
	for (i = 0; i < net->num_queues; i++) {
		net->running[i] = state.queues[i].running;
		net->next[i] = state.queues[i].next;
		any |= net->running[i];
	}
	if (!net->restored && (any || state.used))
		return snapshot_refuse(s, SNAPSHOT_NET, index,
				       "queues run, and the device does not");
	net->used = state.used;
	return net_attach(net, state.attached);
}

/*
 * The device runs: it is its own thread's turn. An interrupt that was asked for where
 * it was saved is with the guest, or pending. One more does no harm, and helps where
 * somebody else has written the file.
 */
static int go_on(struct net *net)
{
	uint64_t features;
	unsigned int i;
	int err;

	pthread_mutex_lock(&net->lock);
	err = learn_features(net);
	features = net->features & net->vhost_features & VHOST_FEATURES;
	for (i = 0; !err && i < net->used; i++)
		err = vhost_set_features(net->vhosts[i], features);
	if (!err)
		err = serve_again(net);
	for (i = 0; !err && i < net->num_queues; i++)
		if (net->running[i])
			eventfd_write(net->calls[i], 1);
	pthread_mutex_unlock(&net->lock);
	if (err)
		return report_error(err, "net %s: cannot start its queues where they were",
				    net->tap);
	eventfd_write(net->go, 1);
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
	err = starter_add(starter, &net->startable);
	if (err)
		return err;
	if (net->restored)
		return go_on(net);
	starter_watch(starter, &net->startable);
	return 0;
}
