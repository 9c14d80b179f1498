// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device status, reset, and the events by which the VMM follows both.
 *
 *	STOPPED --DRIVER_OK--> STARTING --START read--> RUNNING
 *	   ^                      |                        |
 *	   +-----status 0---------+                     status 0
 *	   |                                               v
 *	   +------------------acknowledged------------ STOPPING
 *
 *	RUNNING --SUSPEND--> SUSPENDING --acknowledged--> SUSPENDED
 *	   ^                                               |    ^
 *	   |                                       DRIVER_OK    SUSPEND
 *	   |                                               v    |
 *	   +--------------RESUME read---------------------RESUMING
 *
 * A reset is done at once unless a backend may be running or suspended. As long
 * as one may, what it was told, queues and features, does not change.
 */
#include "core.h"

#define NOTHING	kvpci_effect(KVPCI_EFFECT_NONE, 0)
#define NEWS	kvpci_effect(KVPCI_EFFECT_EVENT, 0)
/* An event may be gone, and the line may have fallen. */
#define NO_NEWS	kvpci_effect(KVPCI_EFFECT_INTX, 0)

static bool is_posted(const struct kvpci_queue *queue)
{
	return queue->phase == KVPCI_QUEUE_STARTING ||
	       queue->phase == KVPCI_QUEUE_STOP_POSTED;
}

/* All changes of a queue's phase: keeps the count of those with an event. */
static void set_phase(struct kvpci_core *core, struct kvpci_queue *queue,
		      enum kvpci_queue_phase phase)
{
	core->queue_events -= is_posted(queue);
	queue->phase = phase;
	core->queue_events += is_posted(queue);
}

bool kvpci_core_has_driver_feature(const struct kvpci_core *core,
				   unsigned int bit)
{
	return core->driver_features[bit / 32] & BIT(bit % 32);
}

static bool dep_is_met(const struct kvpci_core *core,
		       const struct kvpci_feature_dep *dep)
{
	unsigned int i;

	if (!kvpci_core_has_driver_feature(core, dep->feature))
		return true;
	for (i = 0; i < KVPCI_FEATURE_WORDS; i++)
		if (core->driver_features[i] & (dep->any_of[i / 2] >> (i % 2 * 32)))
			return true;
	return false;
}

/* R43: a subset of what is offered, of this century, none without its needs. */
static bool features_acceptable(const struct kvpci_core *core)
{
	unsigned int i;

	for (i = 0; i < KVPCI_FEATURE_WORDS; i++)
		if (core->driver_features[i] & ~core->features[i])
			return false;
	for (i = 0; i < core->num_deps; i++)
		if (!dep_is_met(core, &core->deps[i]))
			return false;
	return kvpci_core_has_driver_feature(core, VIRTIO_F_VERSION_1);
}

bool kvpci_core_features_are(const struct kvpci_core *core,
			     const __u64 features[2])
{
	unsigned int i;

	for (i = 0; i < KVPCI_FEATURE_WORDS; i++)
		if (core->driver_features[i] != (u32)(features[i / 2] >> (i % 2 * 32)))
			return false;
	return true;
}

/* Would the driver's write of device_status set FEATURES_OK? */
bool kvpci_status_sets_features_ok(const struct kvpci_core *core, u32 value)
{
	return value & ~core->device_status & VIRTIO_CONFIG_S_FEATURES_OK &&
	       features_acceptable(core);
}

/* What doorbells look like with these features (4.1.5.2). */
static void set_doorbells(struct kvpci_core *core, bool word, bool data)
{
	WRITE_ONCE(core->notify_width, word ? 4 : 2);
	WRITE_ONCE(core->notify_config_data, data);
}

void kvpci_core_reset(struct kvpci_core *core)
{
	unsigned int i;

	core->device_feature_select = 0;
	core->driver_feature_select = 0;
	memset(core->driver_features, 0, sizeof(core->driver_features));
	core->config_msix_vector = VIRTIO_MSI_NO_VECTOR;
	core->queue_select = 0;
	core->device_status = 0;
	set_doorbells(core, false, false);
	core->isr = 0;
	memset(core->pending, 0, sizeof(core->pending));
	core->backend = KVPCI_BACKEND_STOPPED;
	core->events = 0;
	core->queue_events = 0;
	/* Those never written to are as a reset leaves them. */
	for (i = 0; i < core->queues_touched; i++)
		kvpci_queue_init(&core->queues[i]);
	core->queues_touched = 0;
}

/* START has been read, and the STOP that ends it has not been posted. */
static bool has_backend(const struct kvpci_core *core)
{
	return core->backend >= KVPCI_BACKEND_RUNNING &&
	       core->backend < KVPCI_BACKEND_STOPPING;
}

/* The backend has queues at work, or soon will: their changes are events. */
static bool has_live_queues(const struct kvpci_core *core)
{
	return core->backend == KVPCI_BACKEND_RUNNING ||
	       core->backend == KVPCI_BACKEND_RESUMING;
}

/*
 * R11: status 0 resets. Events but STOP lose their meaning: a START not yet
 * read never happened.
 */
static struct kvpci_effect status_reset(struct kvpci_core *core)
{
	if (core->backend == KVPCI_BACKEND_STOPPING)
		return NOTHING;
	if (has_backend(core)) {
		core->backend = KVPCI_BACKEND_STOPPING;
		core->events = BIT(KVPCI_EVENT_STOP);
		core->isr = 0;
		return NEWS;
	}
	kvpci_core_reset(core);
	/* ISR went with it, and the line with ISR. */
	return NO_NEWS;
}

/* The driver set DRIVER_OK: a new start, or the end of a suspension (R50). */
static struct kvpci_effect drive(struct kvpci_core *core)
{
	if (core->backend != KVPCI_BACKEND_SUSPENDED) {
		core->backend = KVPCI_BACKEND_STARTING;
		core->events |= BIT(KVPCI_EVENT_START);
		return NEWS;
	}
	core->device_status &= ~VIRTIO_CONFIG_S_SUSPEND;
	core->backend = KVPCI_BACKEND_RESUMING;
	core->events |= BIT(KVPCI_EVENT_RESUME);
	return kvpci_effect(KVPCI_EFFECT_RESUME, 0);
}

static void be_suspended(struct kvpci_core *core)
{
	core->device_status |= VIRTIO_CONFIG_S_SUSPEND;
	core->device_status &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	core->backend = KVPCI_BACKEND_SUSPENDED;
}

/*
 * R50: the driver set SUSPEND while DRIVER_OK was set. A RESUME not yet read
 * never happened; a START not yet read is read first.
 */
static struct kvpci_effect suspend(struct kvpci_core *core)
{
	if (core->backend == KVPCI_BACKEND_RESUMING) {
		core->events &= ~BIT(KVPCI_EVENT_RESUME);
		be_suspended(core);
		return NO_NEWS;
	}
	if (core->backend == KVPCI_BACKEND_SUSPENDING)
		return NOTHING;
	if (core->backend == KVPCI_BACKEND_RUNNING)
		core->backend = KVPCI_BACKEND_SUSPENDING;
	core->events |= BIT(KVPCI_EVENT_SUSPEND);
	return NEWS;
}

struct kvpci_effect kvpci_status_write(struct kvpci_core *core, u32 value)
{
	struct kvpci_effect effect = NOTHING;
	u8 old = core->device_status;
	u8 set;

	if (!value)
		return status_reset(core);

	/*
	 * 2.1.1: the driver only sets bits. What it leaves out stays;
	 * NEEDS_RESET is the device's own, and SUSPEND is only asked for.
	 */
	set = value & ~old &
	      ~(VIRTIO_CONFIG_S_NEEDS_RESET | VIRTIO_CONFIG_S_SUSPEND);
	if (set & VIRTIO_CONFIG_S_FEATURES_OK &&
	    !kvpci_status_sets_features_ok(core, value))
		set &= ~(VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
	/* 3.1.1: no DRIVER_OK before FEATURES_OK */
	if (!((old | set) & VIRTIO_CONFIG_S_FEATURES_OK))
		set &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	core->device_status = old | set;

	if (set & VIRTIO_CONFIG_S_FEATURES_OK)
		set_doorbells(core,
			      kvpci_core_has_driver_feature(core, VIRTIO_F_NOTIFICATION_DATA),
			      kvpci_core_has_driver_feature(core, VIRTIO_F_NOTIF_CONFIG_DATA));
	if (set & VIRTIO_CONFIG_S_FAILED)
		core->events |= BIT(KVPCI_EVENT_FAILED);
	if (set & VIRTIO_CONFIG_S_DRIVER_OK)
		return drive(core);
	if (value & VIRTIO_CONFIG_S_SUSPEND && old & VIRTIO_CONFIG_S_DRIVER_OK &&
	    kvpci_core_has_driver_feature(core, VIRTIO_F_SUSPEND))
		effect = suspend(core);
	return set & VIRTIO_CONFIG_S_FAILED ? NEWS : effect;
}

/*
 * The driver enables a queue. Before DRIVER_OK, and until START has been read,
 * the VMM will find it; later only a queue that was reset may be enabled.
 */
struct kvpci_effect kvpci_queue_enable_write(struct kvpci_core *core,
					     struct kvpci_queue *queue,
					     u32 value)
{
	if (value != 1)
		return NOTHING;
	if (has_live_queues(core)) {
		if (!kvpci_core_has_driver_feature(core, VIRTIO_F_RING_RESET))
			return NOTHING;
		set_phase(core, queue, KVPCI_QUEUE_STARTING);
	}
	WRITE_ONCE(queue->enable, 1);
	kvpci_queue_touch(core, queue);
	return has_live_queues(core) ? NEWS : NOTHING;
}

/* R14, R47: done at once unless the backend may be using the queue. */
struct kvpci_effect kvpci_queue_reset_write(struct kvpci_core *core,
					    struct kvpci_queue *queue,
					    u32 value)
{
	if (value != 1 || !queue->enable ||
	    !(core->device_status & VIRTIO_CONFIG_S_FEATURES_OK) ||
	    !kvpci_core_has_driver_feature(core, VIRTIO_F_RING_RESET))
		return NOTHING;
	if (has_live_queues(core) && queue->phase == KVPCI_QUEUE_IDLE) {
		WRITE_ONCE(queue->reset, 1);
		set_phase(core, queue, KVPCI_QUEUE_STOP_POSTED);
		return NEWS;
	}
	set_phase(core, queue, KVPCI_QUEUE_IDLE);
	kvpci_queue_init(queue);
	return NOTHING;
}

/* Queue events are told while the VMM runs the queues. */
static bool tells_queues(const struct kvpci_core *core)
{
	return core->backend == KVPCI_BACKEND_RUNNING ||
	       core->backend == KVPCI_BACKEND_SUSPENDING;
}

/*
 * Turn n is queue n's, the last one is CONFIG's. None of them comes twice while
 * another waits: a guest that keeps one queue busy with resets must not keep the
 * reset of another from its end.
 */
static bool peek_turn(const struct kvpci_core *core, struct kvpci_event *event)
{
	bool queues = tells_queues(core) && core->queue_events;
	bool config = core->events & BIT(KVPCI_EVENT_DEVICE_CONFIG);
	u32 i, turn = core->turn;

	for (i = 0; (queues || config) && i <= core->num_queues; i++, turn++) {
		if (turn > core->num_queues)
			turn = 0;
		if (turn == core->num_queues && config) {
			event->kind = KVPCI_EVENT_DEVICE_CONFIG;
			return true;
		}
		if (turn < core->num_queues && queues &&
		    is_posted(&core->queues[turn])) {
			event->queue = turn;
			event->kind = core->queues[turn].phase ==
				      KVPCI_QUEUE_STARTING ?
				      KVPCI_EVENT_QUEUE_START :
				      KVPCI_EVENT_QUEUE_STOP;
			return true;
		}
	}
	return false;
}

/* SUSPEND asked for before START was read waits until that has been. */
static bool may_take(const struct kvpci_core *core, u32 kind)
{
	return core->events & BIT(kind) &&
	       (kind != KVPCI_EVENT_SUSPEND ||
		core->backend == KVPCI_BACKEND_SUSPENDING);
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
	if (peek_turn(core, event))
		return true;
	/* Last, so that the VMM has been told of all that came before. */
	event->kind = KVPCI_EVENT_SUSPEND;
	return may_take(core, KVPCI_EVENT_SUSPEND);
}

static bool take_queue_event(struct kvpci_core *core,
			     const struct kvpci_event *event)
{
	struct kvpci_queue *queue = &core->queues[event->queue];
	bool start = event->kind == KVPCI_EVENT_QUEUE_START;

	core->turn = event->queue + 1;
	if (!tells_queues(core) ||
	    queue->phase != (start ? KVPCI_QUEUE_STARTING :
				     KVPCI_QUEUE_STOP_POSTED))
		return false;
	set_phase(core, queue, start ? KVPCI_QUEUE_IDLE : KVPCI_QUEUE_STOP_READ);
	return true;
}

bool kvpci_core_event_take(struct kvpci_core *core,
			   const struct kvpci_event *event)
{
	if (event->queue != KVPCI_EVENT_NO_QUEUE)
		return take_queue_event(core, event);
	if (event->kind == KVPCI_EVENT_DEVICE_CONFIG)
		core->turn = 0;
	if (!may_take(core, event->kind))
		return false;
	core->events &= ~BIT(event->kind);
	if (event->kind == KVPCI_EVENT_START ||
	    event->kind == KVPCI_EVENT_RESUME)
		core->backend = core->events & BIT(KVPCI_EVENT_SUSPEND) ?
				KVPCI_BACKEND_SUSPENDING : KVPCI_BACKEND_RUNNING;
	return true;
}

int kvpci_core_ack(struct kvpci_core *core, u32 kind, u32 queue)
{
	if (kind == KVPCI_EVENT_STOP || kind == KVPCI_EVENT_SUSPEND) {
		bool stop = kind == KVPCI_EVENT_STOP;

		if (queue != KVPCI_EVENT_NO_QUEUE)
			return -EINVAL;
		if (core->backend != (stop ? KVPCI_BACKEND_STOPPING :
					     KVPCI_BACKEND_SUSPENDING) ||
		    core->events & BIT(kind))
			return -EALREADY;
		if (stop)
			kvpci_core_reset(core);
		else
			be_suspended(core);
		return 0;
	}
	if (kind != KVPCI_EVENT_QUEUE_STOP || queue >= core->num_queues)
		return -EINVAL;
	queue = array_index_nospec(queue, core->num_queues);
	if (core->queues[queue].phase != KVPCI_QUEUE_STOP_READ)
		return -EALREADY;
	set_phase(core, &core->queues[queue], KVPCI_QUEUE_IDLE);
	kvpci_queue_init(&core->queues[queue]);
	return 0;
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

bool kvpci_core_fail(struct kvpci_core *core)
{
	if (!core->device_status || core->backend == KVPCI_BACKEND_STOPPING)
		return false;
	core->device_status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	return core->device_status & VIRTIO_CONFIG_S_DRIVER_OK;
}
