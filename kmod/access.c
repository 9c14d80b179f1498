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

static void count_access(struct kvpci_device *device, u8 counter,
			 struct kvpci_effect effect)
{
	if (effect.bits & KVPCI_EFFECT_OTHER)
		counter = KVPCI_COUNT_OTHER;
	kvpci_count(device, counter);
}

/* For how long the read of device_status waits for the backend. */
#define STOP_WAIT	NSEC_PER_MSEC

static bool stopping(struct kvpci_device *device)
{
	bool stopping;

	kvpci_lock(device);
	stopping = device->core.backend == KVPCI_BACKEND_STOPPING;
	kvpci_unlock(device);
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

/* Most reads and many writes have no effect but the value. */
static __always_inline void unlock_and(struct kvpci_device *device,
				       struct kvpci_effect effect)
	__releases(&device->lock)
{
	if (effect.bits & ~KVPCI_EFFECT_OTHER)
		kvpci_unlock_and(device, effect);
	else
		kvpci_unlock(device);
}

/**
 * kvpci_access_read() - read from a BAR
 * @device: the device
 * @bar: index of the BAR
 * @offset: first byte; the access does not leave the BAR
 * @length: bytes, 1 to 8
 * @value: out: zero-extended
 * @accessor: the guest may wait for the backend to stop, and does not get what the
 *	VMM is to answer
 *
 * Context: inside kvm->srcu.
 *
 * Return: false, and nothing done, if the VMM is to answer.
 */
bool kvpci_access_read(struct kvpci_device *device, unsigned int bar,
		       u32 offset, unsigned int length, u64 *value,
		       enum kvpci_accessor accessor)
{
	const struct kvpci_region *region;
	struct kvpci_effect effect;

	*value = 0;
	region = kvpci_core_find(&device->core, bar, offset, length);
	if (!region) {
		kvpci_count(device, KVPCI_COUNT_OTHER);
		trace_kvpci_access(device->id, KVPCI_READ, 0, bar, offset, length, 0);
		return true;
	}

	if (accessor == KVPCI_GUEST && unlikely(READ_ONCE(device->core.exits)) &&
	    kvpci_core_read_exits(&device->core, region, offset - region->offset,
				  length))
		return false;
	kvpci_lock(device);
	if (accessor == KVPCI_GUEST &&
	    kvpci_core_awaits_stop(&device->core, region, offset - region->offset)) {
		kvpci_unlock(device);
		await_stop(device);
		kvpci_lock(device);
	}
	effect = kvpci_core_read(&device->core, region, offset - region->offset,
				 length, value);
	unlock_and(device, effect);
	count_access(device, read_counter[region->type], effect);
	trace_kvpci_access(device->id, KVPCI_READ, region->type, bar, offset, length,
			   *value);
	return true;
}

/* Return: false for a write that is no doorbell; nothing is done then. */
static bool ring_doorbell(struct kvpci_device *device,
			  const struct kvpci_region *region, u32 offset,
			  unsigned int length, u64 value)
{
	u32 queue;

	if (kvpci_core_doorbell(&device->core, region, offset, length, value,
				&queue) == KVPCI_DOORBELL_OTHER)
		return false;
	/* It looks at the queue itself, and counts and traces what it finds. */
	kvpci_access_kick(device, queue);
	return true;
}

/*
 * Is a write not the guest's to do: the VMM's to decide on, or to a BAR that has been
 * switched off since KVM found it? Under the lock, so that the reset of the function
 * is followed by no write that began before.
 */
static bool leaves(struct kvpci_device *device, const struct kvpci_region *region,
		   u32 offset, unsigned int length, u64 value,
		   enum kvpci_accessor accessor)
{
	lockdep_assert_held(&device->lock);
	if (accessor == KVPCI_VMM)
		return false;
	if (accessor == KVPCI_GUEST && !(device->decoding & BIT(region->bar)))
		return true;
	return unlikely(device->core.exits) &&
	       kvpci_core_write_exits(&device->core, region, offset, length, value);
}

/* Return: false, and nothing done, if the write leaves to the VMM. */
static bool write_register(struct kvpci_device *device,
			   const struct kvpci_region *region, u32 offset,
			   unsigned int length, u64 value,
			   enum kvpci_accessor accessor,
			   struct kvpci_effect *effect)
{
	kvpci_lock(device);
	if (leaves(device, region, offset, length, value, accessor)) {
		kvpci_unlock(device);
		return false;
	}
	*effect = kvpci_core_write(&device->core, region, offset, length, value);
	unlock_and(device, *effect);
	return true;
}

/**
 * kvpci_access_write() - write to a BAR
 * @device: the device
 * @bar: index of the BAR
 * @offset: first byte; the access does not leave the BAR
 * @length: bytes, 1 to 8
 * @value: the value
 * @accessor: what the VMM is to decide on is not done for the guest
 *
 * Context: inside kvm->srcu.
 *
 * Return: false, and nothing done, if the VMM is to decide, or the BAR does not
 * answer any more.
 */
bool kvpci_access_write(struct kvpci_device *device, unsigned int bar,
			u32 offset, unsigned int length, u64 value,
			enum kvpci_accessor accessor)
{
	struct kvpci_effect effect = kvpci_effect(KVPCI_EFFECT_OTHER);
	const struct kvpci_region *region;

	region = kvpci_core_find(&device->core, bar, offset, length);
	if (!region) {
		kvpci_count(device, KVPCI_COUNT_OTHER);
		trace_kvpci_access(device->id, KVPCI_WRITE, 0, bar, offset, length,
				   value);
		return true;
	}

	if (region->type == KVPCI_REGION_NOTIFY) {
		if (ring_doorbell(device, region, offset - region->offset, length,
				  value))
			return true;
	} else if (!write_register(device, region, offset - region->offset, length,
				   value, accessor, &effect)) {
		return false;
	}
	count_access(device, write_counter[region->type], effect);
	trace_kvpci_access(device->id, KVPCI_WRITE, region->type, bar, offset, length,
			   value);
	return true;
}

/* KVPCI_BAR_ACCESS */
long kvpci_bar_access(void *object, void *arg)
{
	struct kvpci_device *device = object;
	struct kvpci_bar_access *access = arg;
	const struct kvpci_bar *bar;
	u64 value;
	int idx;

	if (access->flags & ~KVPCI_ACCESS_WRITE || access->__reserved ||
	    access->length > 8 || !is_power_of_2(access->length))
		return -EINVAL;
	if (access->bar >= KVPCI_NUM_BARS)
		return -ENXIO;
	access->bar = array_index_nospec(access->bar, KVPCI_NUM_BARS);
	bar = &device->core.bars[access->bar];
	if (bar->kind == KVPCI_BAR_NONE)
		return -ENXIO;
	if (access->offset >= bar->size ||
	    access->length > bar->size - access->offset)
		return -ERANGE;

	idx = srcu_read_lock(&device->vm->kvm->srcu);
	/* Neither exits: the VMM is here. */
	if (access->flags & KVPCI_ACCESS_WRITE) {
		kvpci_access_write(device, access->bar, access->offset,
				   access->length, access->value, KVPCI_VMM);
	} else {
		kvpci_access_read(device, access->bar, access->offset,
				  access->length, &value, KVPCI_VMM);
		access->value = value;
	}
	srcu_read_unlock(&device->vm->kvm->srcu, idx);
	return 0;
}
