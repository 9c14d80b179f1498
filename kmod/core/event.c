// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: states of the device and of its queues that wait to be read. status.c
 * and queue.c post them; the order in which they are read is decided here.
 */
#include "internal.h"

/* Queue events are told while the VMM runs the queues. */
static bool tells_queues(const struct kvpci_core *core)
{
	return core->backend == KVPCI_BACKEND_RUNNING ||
	       core->backend == KVPCI_BACKEND_SUSPENDING;
}

/*
 * Queues and DEVICE_CONFIG, which stands behind the last queue, take turns. None
 * of them comes twice while another waits: a guest that keeps one queue busy
 * with resets must not keep the reset of another from its end.
 */
static bool peek_in_turn(const struct kvpci_core *core, struct kvpci_event *event)
{
	bool device_config = core->events & BIT(KVPCI_EVENT_DEVICE_CONFIG);
	bool queues = tells_queues(core) && core->queue_events;
	u32 i, at = core->next_event;

	for (i = 0; (queues || device_config) && i <= core->num_queues; i++, at++) {
		if (at > core->num_queues)
			at = 0;
		if (at == core->num_queues && device_config) {
			event->kind = KVPCI_EVENT_DEVICE_CONFIG;
			return true;
		}
		if (at < core->num_queues && queues &&
		    kvpci_queue_is_posted(&core->queues[at])) {
			event->queue = at;
			event->kind = core->queues[at].phase == KVPCI_QUEUE_STARTING ?
				      KVPCI_EVENT_QUEUE_START : KVPCI_EVENT_QUEUE_STOP;
			return true;
		}
	}
	return false;
}

/*
 * A SUSPEND from before START was read waits until START has been read. It is the
 * last of all, so that the VMM has been told of all that came before.
 */
static bool may_take(const struct kvpci_core *core, u32 kind)
{
	if (!(core->events & BIT(kind)))
		return false;
	return kind != KVPCI_EVENT_SUSPEND ||
	       (core->backend == KVPCI_BACKEND_SUSPENDING && !core->queue_events &&
		core->events == BIT(KVPCI_EVENT_SUSPEND));
}

bool kvpci_core_event_peek(const struct kvpci_core *core,
			   struct kvpci_event *event)
{
	static const u8 order[] = {
		KVPCI_EVENT_STOP, KVPCI_EVENT_START, KVPCI_EVENT_RESUME,
		KVPCI_EVENT_FAILED,
	};
	unsigned int i;

	*event = (struct kvpci_event){
		.size = sizeof(*event),
		.queue = KVPCI_EVENT_NO_QUEUE,
		.status = core->device_status,
	};
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		if (core->events & BIT(order[i])) {
			event->kind = order[i];
			return true;
		}
	}
	if (peek_in_turn(core, event))
		return true;
	event->kind = KVPCI_EVENT_SUSPEND;
	return may_take(core, KVPCI_EVENT_SUSPEND);
}

static bool take_queue_event(struct kvpci_core *core,
			     const struct kvpci_event *event)
{
	struct kvpci_queue *queue = &core->queues[event->queue];
	bool start = event->kind == KVPCI_EVENT_QUEUE_START;

	core->next_event = event->queue + 1;
	if (!tells_queues(core) ||
	    queue->phase != (start ? KVPCI_QUEUE_STARTING :
				     KVPCI_QUEUE_STOP_POSTED))
		return false;
	kvpci_queue_set_phase(core, queue, start ? KVPCI_QUEUE_IDLE :
						   KVPCI_QUEUE_STOP_READ);
	return true;
}

bool kvpci_core_event_take(struct kvpci_core *core,
			   const struct kvpci_event *event)
{
	if (event->queue != KVPCI_EVENT_NO_QUEUE)
		return take_queue_event(core, event);
	if (event->kind == KVPCI_EVENT_DEVICE_CONFIG)
		core->next_event = 0;
	if (!may_take(core, event->kind))
		return false;
	core->events &= ~BIT(event->kind);
	if (event->kind == KVPCI_EVENT_START ||
	    event->kind == KVPCI_EVENT_RESUME)
		core->backend = core->events & BIT(KVPCI_EVENT_SUSPEND) ?
				KVPCI_BACKEND_SUSPENDING : KVPCI_BACKEND_RUNNING;
	return true;
}
