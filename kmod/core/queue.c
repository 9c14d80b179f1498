// SPDX-License-Identifier: GPL-2.0-only
/*
 * A queue's life: enabled by the driver, reset by the driver or with the device.
 *
 *	IDLE --enabled while the backend runs--> STARTING --QUEUE_START read--> IDLE
 *	IDLE --reset while the backend runs--> STOP_POSTED --QUEUE_STOP read-->
 *	STOP_READ --acknowledged--> IDLE
 */
#include "internal.h"

void kvpci_queue_init(struct kvpci_core *core, struct kvpci_queue *queue)
{
	unsigned int index = queue - core->queues;

	WRITE_ONCE(queue->enable, 0);
	WRITE_ONCE(queue->reset, 0);
	queue->size = queue->size_max;
	queue->msix_vector = VIRTIO_MSI_NO_VECTOR;
	queue->phase = KVPCI_QUEUE_IDLE;
	WRITE_ONCE(queue->notification, 0);
	queue->desc = 0;
	queue->driver = 0;
	queue->device = 0;
	/* R47: nor does a signal that was put off outlive the reset. */
	core->deferred[index / 64] &= ~BIT_ULL(index % 64);
}

/* This keeps the count of queues with an event. */
void kvpci_queue_set_phase(struct kvpci_core *core, struct kvpci_queue *queue,
			   enum kvpci_queue_phase phase)
{
	core->queue_events -= kvpci_queue_is_posted(queue);
	queue->phase = phase;
	core->queue_events += kvpci_queue_is_posted(queue);
}

/* The backend has queues at work, or soon will: their changes are events. */
static bool has_live_queues(const struct kvpci_core *core)
{
	return core->backend == KVPCI_BACKEND_RUNNING ||
	       core->backend == KVPCI_BACKEND_RESUMING;
}

/*
 * The driver enables a queue. Before DRIVER_OK, and until START has been read,
 * the VMM will find it; later only a queue that was reset may be enabled.
 */
struct kvpci_effect kvpci_queue_enable_write(struct kvpci_core *core,
					     struct kvpci_queue *queue,
					     u32 value)
{
	u16 bits = KVPCI_EFFECT_DECISION;

	if (value != 1)
		return kvpci_no_effect();
	if (has_live_queues(core)) {
		if (!kvpci_core_has_driver_feature(core, VIRTIO_F_RING_RESET))
			return kvpci_no_effect();
		kvpci_queue_set_phase(core, queue, KVPCI_QUEUE_STARTING);
		bits |= KVPCI_EFFECT_EVENT;
	}
	/* A doorbell that came too late for a reset may have left its word. */
	WRITE_ONCE(queue->notification, 0);
	WRITE_ONCE(queue->enable, 1);
	kvpci_queue_touch(core, queue);
	return kvpci_effect(bits);
}

/* R14, R47: done at once unless the backend may be using the queue. */
struct kvpci_effect kvpci_queue_reset_write(struct kvpci_core *core,
					    struct kvpci_queue *queue,
					    u32 value)
{
	if (value != 1 || !queue->enable ||
	    !(core->device_status & VIRTIO_CONFIG_S_FEATURES_OK) ||
	    !kvpci_core_has_driver_feature(core, VIRTIO_F_RING_RESET))
		return kvpci_no_effect();
	if (has_live_queues(core) && queue->phase == KVPCI_QUEUE_IDLE) {
		WRITE_ONCE(queue->reset, 1);
		kvpci_queue_set_phase(core, queue, KVPCI_QUEUE_STOP_POSTED);
		return kvpci_effect(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_EVENT);
	}
	kvpci_queue_set_phase(core, queue, KVPCI_QUEUE_IDLE);
	kvpci_queue_init(core, queue);
	return kvpci_effect(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_EVENT_GONE);
}

void kvpci_core_queue_state(const struct kvpci_core *core, u32 index,
			    struct kvpci_queue_state *state)
{
	const struct kvpci_queue *queue = &core->queues[index];

	state->enabled = queue->enable && queue->phase != KVPCI_QUEUE_STARTING;
	state->queue_size = queue->size;
	state->msix_vector = queue->msix_vector;
	state->notification = READ_ONCE(queue->notification);
	state->desc = queue->desc;
	state->driver = queue->driver;
	state->device = queue->device;
}
