// SPDX-License-Identifier: GPL-2.0-only
/*
 * An access by the guest, or by the VMM in its place: find the region,
 * ask the core, carry out the effect.
 *
 * The guest chooses everything here: BAR offsets, lengths, values, and when.
 */
#include <linux/srcu.h>

#include "kvpci.h"
#include "trace.h"

/* What to count for a read or write of each type of region. */
static const u8 read_counter[KVPCI_NUM_REGION_TYPES] = {
	[KVPCI_REGION_COMMON] = KVPCI_COUNT_COMMON_READS,
	[KVPCI_REGION_NOTIFY] = KVPCI_COUNT_OTHER,
	[KVPCI_REGION_ISR] = KVPCI_COUNT_ISR_READS,
	[KVPCI_REGION_DEVICE] = KVPCI_COUNT_DEVICE_CONFIG_READS,
	[KVPCI_REGION_MSIX_TABLE] = KVPCI_COUNT_MSIX_READS,
	[KVPCI_REGION_MSIX_PBA] = KVPCI_COUNT_MSIX_READS,
	[KVPCI_REGION_SHM] = KVPCI_COUNT_OTHER,
};

static const u8 write_counter[KVPCI_NUM_REGION_TYPES] = {
	[KVPCI_REGION_COMMON] = KVPCI_COUNT_COMMON_WRITES,
	[KVPCI_REGION_NOTIFY] = KVPCI_COUNT_OTHER,
	[KVPCI_REGION_ISR] = KVPCI_COUNT_OTHER,
	[KVPCI_REGION_DEVICE] = KVPCI_COUNT_DEVICE_CONFIG_WRITES,
	[KVPCI_REGION_MSIX_TABLE] = KVPCI_COUNT_MSIX_WRITES,
	[KVPCI_REGION_MSIX_PBA] = KVPCI_COUNT_OTHER,
	[KVPCI_REGION_SHM] = KVPCI_COUNT_OTHER,
};

/**
 * kvpci_access_kick() - the driver notifies a queue
 * @device: the device
 * @queue: index of the queue, as the driver gave it
 *
 * Context: inside kvm->srcu.
 */
void kvpci_access_kick(struct kvpci_device *device, u32 queue)
{
	struct eventfd_ctx *ctx = NULL;

	if (kvpci_core_may_kick(&device->core, &queue)) {
		/* Inside kvm->srcu the context stays. */
		ctx = srcu_dereference(device->fds[queue].kick,
				       &device->vm->kvm->srcu);
		if (ctx)
			eventfd_signal(ctx);
	}
	kvpci_count(device, ctx ? KVPCI_COUNT_KICKS :
				  KVPCI_COUNT_KICKS_DROPPED);
	trace_kvpci_kick(device->id, queue, ctx);
}

/* With device->lock held, so that nothing overtakes it. */
static noinline void send_vector(struct kvpci_device *device, u16 vector)
{
	struct kvpci_msg msg;

	lockdep_assert_held_write(&device->lock);
	if (kvpci_core_next_pending(&device->core, vector, &msg) >= 0)
		kvpci_irq_send(device, &msg);
}

/* A reset that must wait for the backend lowers the line at once. */
static bool changes_intx(struct kvpci_effect effect)
{
	return effect.kind == KVPCI_EFFECT_EVENT ||
	       effect.kind == KVPCI_EFFECT_INTX;
}

/* After device->lock is dropped. */
static void effect_unlocked(struct kvpci_device *device,
			    struct kvpci_effect effect)
{
	if (effect.kind == KVPCI_EFFECT_EVENT ||
	    effect.kind == KVPCI_EFFECT_RESUME)
		kvpci_event_post(device);
	if (effect.kind == KVPCI_EFFECT_RESUME)
		kvpci_irq_send_pending(device);
	if (changes_intx(effect))
		kvpci_irq_sync_line(device);
	kvpci_irq_settle(device);
}

static void count_access(struct kvpci_device *device, u8 counter,
			 struct kvpci_effect effect)
{
	if (effect.kind == KVPCI_EFFECT_OTHER)
		counter = KVPCI_COUNT_OTHER;
	kvpci_count(device, counter);
}

/* For how long the read of device_status waits for the backend. */
#define STOP_WAIT	NSEC_PER_MSEC

static bool stopping(struct kvpci_device *device)
{
	bool stopping;

	read_lock_irq(&device->lock);
	stopping = device->core.backend == KVPCI_BACKEND_STOPPING;
	read_unlock_irq(&device->lock);
	return stopping;
}

/*
 * A driver reads device_status until it is 0, and sleeps in between: Linux does
 * for two ticks, where a backend stops in a fraction of one. So the read waits.
 * Not until the end: the VMM may need kvm->srcu for what it does meanwhile.
 */
static noinline void await_stop(struct kvpci_device *device)
{
	wait_event_interruptible_hrtimeout(device->stopped, !stopping(device),
					   ns_to_ktime(STOP_WAIT));
}

/**
 * kvpci_access_read() - read from a BAR
 * @device: the device
 * @bar: index of the BAR
 * @offset: first byte; the access does not leave the BAR
 * @length: bytes, 1 to 8
 * @wait: the guest's own access: it may wait for the backend to stop
 *
 * Context: inside kvm->srcu.
 *
 * Return: the value, zero-extended.
 */
u64 kvpci_access_read(struct kvpci_device *device, unsigned int bar,
		      u32 offset, unsigned int length, bool wait)
{
	const struct kvpci_region *region;
	struct kvpci_effect effect;
	u64 value;

	region = kvpci_core_find(&device->core, bar, offset, length);
	if (!region) {
		kvpci_count(device, KVPCI_COUNT_OTHER);
		trace_kvpci_access(device->id, false, 0, bar, offset, length, 0);
		return 0;
	}

	kvpci_lock(device);
	if (wait && kvpci_core_awaits_stop(&device->core, region,
					   offset - region->offset)) {
		kvpci_unlock(device);
		await_stop(device);
		kvpci_lock(device);
	}
	effect = kvpci_core_read(&device->core, region, offset - region->offset,
				 length, &value);
	if (effect.kind == KVPCI_EFFECT_INTX)
		kvpci_irq_sync_status(device);
	kvpci_unlock(device);

	if (effect.kind == KVPCI_EFFECT_INTX)
		kvpci_irq_sync_line(device);
	count_access(device, read_counter[region->type], effect);
	trace_kvpci_access(device->id, false, region->type, bar, offset, length,
			   value);
	return value;
}

/**
 * kvpci_access_write() - write to a BAR
 * @device: the device
 * @bar: index of the BAR
 * @offset: first byte; the access does not leave the BAR
 * @length: bytes, 1 to 8
 * @value: the value
 * @ask: the guest's own access: one that the VMM is to decide on is not done
 *
 * Context: inside kvm->srcu.
 *
 * Return: false, and nothing done, if the VMM is to decide.
 */
bool kvpci_access_write(struct kvpci_device *device, unsigned int bar,
			u32 offset, unsigned int length, u64 value, bool ask)
{
	const struct kvpci_region *region;
	struct kvpci_effect effect;

	region = kvpci_core_find(&device->core, bar, offset, length);
	if (!region) {
		kvpci_count(device, KVPCI_COUNT_OTHER);
		trace_kvpci_access(device->id, true, 0, bar, offset, length,
				   value);
		return true;
	}

	if (region->type == KVPCI_REGION_NOTIFY) {
		effect = kvpci_core_doorbell(&device->core, region,
					     offset - region->offset, length,
					     value);
		if (effect.kind != KVPCI_EFFECT_OTHER) {
			kvpci_access_kick(device, effect.arg);
			return true;
		}
	} else {
		kvpci_lock(device);
		if (ask && kvpci_core_write_exits(&device->core, region,
					   offset - region->offset, length,
					   value)) {
			kvpci_unlock(device);
			return false;
		}
		effect = kvpci_core_write(&device->core, region,
					  offset - region->offset, length,
					  value);
		if (effect.kind == KVPCI_EFFECT_VECTOR)
			send_vector(device, effect.arg);
		else if (changes_intx(effect))
			kvpci_irq_sync_status(device);
		kvpci_unlock(device);
		effect_unlocked(device, effect);
	}
	count_access(device, write_counter[region->type], effect);
	trace_kvpci_access(device->id, true, region->type, bar, offset, length,
			   value);
	return true;
}

/**
 * kvpci_access_features_ok() - the VMM accepts the driver's features
 * @device: the device
 * @status: what the driver wrote to device_status
 * @features: what is accepted, feature bits 0 to 127
 *
 * Return: 0, or -EAGAIN if the driver's features are others.
 */
int kvpci_access_features_ok(struct kvpci_device *device, u8 status,
			     const u64 *features)
{
	struct kvpci_effect effect;

	kvpci_lock(device);
	if (!kvpci_core_features_are(&device->core, features)) {
		kvpci_unlock(device);
		return -EAGAIN;
	}
	effect = kvpci_status_write(&device->core, status);
	if (changes_intx(effect))
		kvpci_irq_sync_status(device);
	kvpci_unlock(device);
	effect_unlocked(device, effect);
	return 0;
}
