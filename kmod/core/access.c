// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of an access: which region it meets, and who answers there.
 */
#include "internal.h"

const struct kvpci_region *kvpci_core_find(const struct kvpci_core *core,
					   unsigned int bar, u32 offset,
					   unsigned int length)
{
	const struct kvpci_region *region = &core->regions[core->region_first[bar]];
	const struct kvpci_region *end = &core->regions[core->region_first[bar + 1]];

	for (; region < end; region++) {
		u32 at = offset - region->offset;

		if (at < region->length && length <= region->length - at)
			return region;
	}
	return NULL;
}

/* The queue that a shared doorbell's value names. There may be no such queue. */
static u32 doorbell_queue(const struct kvpci_core *core, u16 id)
{
	if (!READ_ONCE(core->notify_config_data))
		return id;
	if (id > KVPCI_MAX_NOTIF_DATA)
		return KVPCI_NO_QUEUE;
	return core->notif_queues[array_index_nospec(id, KVPCI_MAX_NOTIF_DATA + 1)];
}

enum kvpci_doorbell kvpci_core_doorbell(struct kvpci_core *core,
					const struct kvpci_region *region,
					u32 offset, unsigned int length,
					u64 value, u32 *queue)
{
	u8 width = READ_ONCE(core->notify_width);

	/*
	 * 4.1.5.2: the driver writes the queue's index or its
	 * queue_notif_config_data, 16 bits wide, at the queue's address; with
	 * NOTIFICATION_DATA in the lower half of 32 bits. Where each queue has
	 * an address of its own, that says which it is; a shared doorbell needs
	 * the value.
	 */
	if (length != width)
		return KVPCI_DOORBELL_OTHER;
	if (region->multiplier) {
		if (offset & (region->multiplier - 1))
			return KVPCI_DOORBELL_OTHER;
		*queue = offset / region->multiplier;
	} else {
		if (offset)
			return KVPCI_DOORBELL_OTHER;
		*queue = doorbell_queue(core, value);
	}

	if (!kvpci_core_may_kick(core, queue))
		return KVPCI_DOORBELL_DROP;
	if (width == 4)
		WRITE_ONCE(core->queues[*queue].notification, value);
	return KVPCI_DOORBELL_KICK;
}

struct kvpci_effect kvpci_core_read(struct kvpci_core *core,
				    const struct kvpci_region *region,
				    u32 offset, unsigned int length, u64 *value)
{
	*value = 0;
	switch (region->type) {
	case KVPCI_REGION_COMMON:
		return kvpci_common_read(core, offset, length, value);
	case KVPCI_REGION_ISR:
		if (offset)
			break;
		return kvpci_isr_read(core, value);
	case KVPCI_REGION_DEVICE:
		return kvpci_device_read(core, offset, length, value);
	case KVPCI_REGION_MSIX_TABLE:
		return kvpci_msix_table_read(core, offset, length, value);
	case KVPCI_REGION_MSIX_PBA:
		return kvpci_msix_pba_read(core, offset, length, value);
	}
	return kvpci_effect(KVPCI_EFFECT_OTHER);
}

struct kvpci_effect kvpci_core_write(struct kvpci_core *core,
				     const struct kvpci_region *region,
				     u32 offset, unsigned int length, u64 value)
{
	if (length < 8)
		value &= BIT_ULL(length * 8) - 1;
	switch (region->type) {
	case KVPCI_REGION_COMMON:
		return kvpci_common_write(core, offset, length, value);
	case KVPCI_REGION_DEVICE:
		return kvpci_device_write(core, offset, length, value);
	case KVPCI_REGION_MSIX_TABLE:
		return kvpci_msix_table_write(core, offset, length, value);
	}
	return kvpci_effect(KVPCI_EFFECT_OTHER);
}

bool kvpci_core_write_exits(const struct kvpci_core *core,
			    const struct kvpci_region *region, u32 offset,
			    unsigned int length, u64 value)
{
	switch (region->type) {
	case KVPCI_REGION_COMMON:
		return offset == VIRTIO_PCI_COMMON_STATUS && length == 1 &&
		       kvpci_status_write_exits(core, value);
	case KVPCI_REGION_DEVICE:
		return kvpci_device_write_exits(core, offset, length);
	}
	return false;
}

bool kvpci_core_read_exits(const struct kvpci_core *core,
			   const struct kvpci_region *region, u32 offset,
			   unsigned int length)
{
	switch (region->type) {
	case KVPCI_REGION_ISR:
		return READ_ONCE(core->exits) & KVPCI_EXIT_ISR && !offset;
	case KVPCI_REGION_DEVICE:
		return kvpci_device_read_exits(core, offset, length);
	}
	return false;
}
