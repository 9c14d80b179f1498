// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device status and reset, and the backend's life, which follows both.
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
 * The VMM may reset the device in any state: it is STOPPED then.
 *
 * A reset is done at once unless a backend may be running or suspended. As long
 * as one may, what it was told, queues and features, does not change.
 */
#include "internal.h"

/*
 * A reset and a suspension: what becomes of a signal depends on the status, and ISR
 * changes.
 */
#define EFFECT_RESET	(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_LINE)

static bool sets_features_ok(const struct kvpci_core *core, u32 value)
{
	return value & ~core->device_status & VIRTIO_CONFIG_S_FEATURES_OK &&
	       kvpci_features_acceptable(core, core->driver_features);
}

void kvpci_status_set_notify_format(struct kvpci_core *core)
{
	bool word = kvpci_core_has_driver_feature(core, VIRTIO_F_NOTIFICATION_DATA);

	WRITE_ONCE(core->notify_width, word ? 4 : 2);
	WRITE_ONCE(core->notify_config_data,
		   kvpci_core_has_driver_feature(core, VIRTIO_F_NOTIF_CONFIG_DATA));
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
	kvpci_status_set_notify_format(core);
	core->isr = 0;
	core->silent = false;
	core->config_changed = false;
	memset(core->pending, 0, sizeof(core->pending));
	core->backend = KVPCI_BACKEND_STOPPED;
	core->events = 0;
	core->queue_events = 0;
	/*
	 * Queues never written to are as a reset leaves them, and have no signal
	 * that was put off, since only enabled ones have.
	 */
	for (i = 0; i < core->queues_touched; i++)
		kvpci_queue_init(core, &core->queues[i]);
	core->queues_touched = 0;
}

/* It is the acknowledgement of a STOP as well, if one waits for that. */
struct kvpci_effect kvpci_core_reset_by_vmm(struct kvpci_core *core, u32 flags)
{
	struct kvpci_effect effect = kvpci_effect(EFFECT_RESET | KVPCI_EFFECT_STOPPED |
						  KVPCI_EFFECT_EVENT_GONE);

	kvpci_core_reset(core);
	if (flags & KVPCI_RESET_FUNCTION)
		effect.bits |= kvpci_core_msix_reset(core).bits;
	return effect;
}

/* START has been read, and the STOP that ends it has not been posted. */
static bool has_backend(const struct kvpci_core *core)
{
	return core->backend >= KVPCI_BACKEND_RUNNING &&
	       core->backend < KVPCI_BACKEND_STOPPING;
}

bool kvpci_status_write_exits(const struct kvpci_core *core, u8 value)
{
	if (!value)
		return core->exits & KVPCI_DEVICE_EXIT_RESET && has_backend(core);
	return core->exits & KVPCI_DEVICE_EXIT_FEATURES &&
	       sets_features_ok(core, value);
}

/*
 * R11: status 0 resets. Events but STOP lose their meaning: a START not yet
 * read never happened.
 */
static struct kvpci_effect status_reset(struct kvpci_core *core)
{
	if (core->backend == KVPCI_BACKEND_STOPPING)
		return kvpci_no_effect();
	if (has_backend(core)) {
		core->backend = KVPCI_BACKEND_STOPPING;
		core->events = BIT(KVPCI_EVENT_STOP);
		core->silent = false;
		core->isr = 0;
		return kvpci_effect(EFFECT_RESET | KVPCI_EFFECT_EVENT);
	}
	kvpci_core_reset(core);
	return kvpci_effect(EFFECT_RESET | KVPCI_EFFECT_EVENT_GONE);
}

/* The driver set DRIVER_OK: a new start, or the end of a suspension (R50). */
static struct kvpci_effect set_driver_ok(struct kvpci_core *core)
{
	struct kvpci_effect effect = kvpci_effect(KVPCI_EFFECT_DECISION |
						  KVPCI_EFFECT_EVENT);

	if (core->backend != KVPCI_BACKEND_SUSPENDED) {
		core->backend = KVPCI_BACKEND_STARTING;
		core->events |= BIT(KVPCI_EVENT_START);
		return effect;
	}
	core->device_status &= ~VIRTIO_CONFIG_S_SUSPEND;
	core->backend = KVPCI_BACKEND_RESUMING;
	core->events |= BIT(KVPCI_EVENT_RESUME);
	effect.bits |= KVPCI_EFFECT_PENDING;
	/* 1.4: a change during the suspension is notified now. */
	if (core->config_changed) {
		core->config_changed = false;
		/* PENDING sends its vector, if it has one that may be sent. */
		effect.bits |= kvpci_core_config_changed(core).bits &
			       ~KVPCI_EFFECT_VECTOR;
	}
	return effect;
}

static void be_suspended(struct kvpci_core *core)
{
	/* What was asked for before is sent, if not now, then at the resume. */
	kvpci_core_pend_deferred(core);
	core->device_status |= VIRTIO_CONFIG_S_SUSPEND;
	core->device_status &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	core->backend = KVPCI_BACKEND_SUSPENDED;
	core->silent = false;	/* it is without DRIVER_OK */
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
		return kvpci_effect(EFFECT_RESET | KVPCI_EFFECT_EVENT_GONE);
	}
	if (core->backend == KVPCI_BACKEND_SUSPENDING)
		return kvpci_no_effect();
	if (core->backend == KVPCI_BACKEND_RUNNING)
		core->backend = KVPCI_BACKEND_SUSPENDING;
	core->events |= BIT(KVPCI_EVENT_SUSPEND);
	return kvpci_effect(KVPCI_EFFECT_EVENT);
}

/* The driver set these bits of device_status. */
static struct kvpci_effect bits_set(struct kvpci_core *core, u8 set)
{
	struct kvpci_effect effect = kvpci_no_effect();

	if (set & VIRTIO_CONFIG_S_FEATURES_OK)
		kvpci_status_set_notify_format(core);
	if (set & VIRTIO_CONFIG_S_DRIVER_OK)
		effect = set_driver_ok(core);
	if (set & VIRTIO_CONFIG_S_FAILED) {
		core->events |= BIT(KVPCI_EVENT_FAILED);
		effect.bits |= KVPCI_EFFECT_EVENT;
	}
	return effect;
}

struct kvpci_effect kvpci_status_write(struct kvpci_core *core, u32 value)
{
	struct kvpci_effect effect;
	u8 old = core->device_status;
	u8 set;

	if (!value)
		return status_reset(core);
	/* 2.4.2: until the reset is done the driver is to wait. */
	if (core->backend == KVPCI_BACKEND_STOPPING)
		return kvpci_no_effect();

	/*
	 * 2.1.1: the driver only sets bits. What it leaves out stays;
	 * NEEDS_RESET is the device's own, and SUSPEND is only asked for.
	 */
	set = value & ~old &
	      ~(VIRTIO_CONFIG_S_NEEDS_RESET | VIRTIO_CONFIG_S_SUSPEND);
	if (set & VIRTIO_CONFIG_S_FEATURES_OK &&
	    !sets_features_ok(core, value))
		set &= ~(VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
	/* 3.1.1: no DRIVER_OK before FEATURES_OK */
	if (!((old | set) & VIRTIO_CONFIG_S_FEATURES_OK))
		set &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	core->device_status = old | set;
	if (!set && !(value & VIRTIO_CONFIG_S_SUSPEND))
		return kvpci_no_effect();

	effect = bits_set(core, set);
	if (!(set & VIRTIO_CONFIG_S_DRIVER_OK) &&
	    value & VIRTIO_CONFIG_S_SUSPEND && old & VIRTIO_CONFIG_S_DRIVER_OK &&
	    kvpci_core_has_driver_feature(core, VIRTIO_F_SUSPEND))
		effect.bits |= suspend(core).bits;
	return effect;
}

/* SUSPEND has been read, and waits for its acknowledgement. */
static bool awaits_suspend_ack(const struct kvpci_core *core)
{
	return core->backend == KVPCI_BACKEND_SUSPENDING &&
	       !(core->events & BIT(KVPCI_EVENT_SUSPEND));
}

int kvpci_core_silence(struct kvpci_core *core, struct kvpci_effect *effect)
{
	*effect = kvpci_no_effect();
	if (!awaits_suspend_ack(core))
		return -EALREADY;
	kvpci_core_pend_deferred(core);
	core->silent = true;
	*effect = kvpci_effect(EFFECT_RESET);
	return 0;
}

static int ack_device(struct kvpci_core *core, u32 kind,
		      struct kvpci_effect *effect)
{
	if (kind == KVPCI_EVENT_SUSPEND) {
		if (!awaits_suspend_ack(core))
			return -EALREADY;
		be_suspended(core);
	} else {
		if (core->backend != KVPCI_BACKEND_STOPPING ||
		    core->events & BIT(KVPCI_EVENT_STOP))
			return -EALREADY;
		kvpci_core_reset(core);
	}
	*effect = kvpci_effect(EFFECT_RESET | KVPCI_EFFECT_STOPPED);
	return 0;
}

static int ack_queue(struct kvpci_core *core, u32 queue,
		     struct kvpci_effect *effect)
{
	queue = array_index_nospec(queue, core->num_queues);
	if (core->queues[queue].phase != KVPCI_QUEUE_STOP_READ)
		return -EALREADY;
	kvpci_queue_set_phase(core, &core->queues[queue], KVPCI_QUEUE_IDLE);
	kvpci_queue_init(core, &core->queues[queue]);
	*effect = kvpci_effect(KVPCI_EFFECT_DECISION);
	return 0;
}

int kvpci_core_ack(struct kvpci_core *core, u32 kind, u32 queue,
		   struct kvpci_effect *effect)
{
	*effect = kvpci_no_effect();
	switch (kind) {
	case KVPCI_EVENT_STOP:
	case KVPCI_EVENT_SUSPEND:
		return queue == KVPCI_EVENT_NO_QUEUE ?
		       ack_device(core, kind, effect) : -EINVAL;
	case KVPCI_EVENT_QUEUE_STOP:
		return queue < core->num_queues ?
		       ack_queue(core, queue, effect) : -EINVAL;
	default:
		return -EINVAL;
	}
}

struct kvpci_effect kvpci_core_fail(struct kvpci_core *core)
{
	if (!core->device_status || core->backend == KVPCI_BACKEND_STOPPING)
		return kvpci_no_effect();
	core->device_status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	return kvpci_core_config_changed(core);
}
