/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the register core have for one another. An access comes to
 * access.c, which hands it to the file that has the registers.
 */
#ifndef KVPCI_CORE_INTERNAL_H
#define KVPCI_CORE_INTERNAL_H

#include "core.h"

/* Common configuration: common_cfg.c */
struct kvpci_effect kvpci_common_read(struct kvpci_core *core, u32 offset,
				      unsigned int length, u64 *value);
struct kvpci_effect kvpci_common_write(struct kvpci_core *core, u32 offset,
				       unsigned int length, u64 value);

/* What the driver accepts: features.c */

/**
 * kvpci_features_acceptable() - may FEATURES_OK be set?
 * @core: the function
 * @features: what the driver has accepted, KVPCI_FEATURE_WORDS words
 *
 * Return: true if @features are a subset of what is offered, have VERSION_1, and
 * none of them lacks one that it needs (2.2.2).
 */
bool kvpci_features_acceptable(const struct kvpci_core *core, const u32 *features);

/* Device status and reset: status.c */

/** kvpci_status_write_exits() - is a write of device_status the VMM's to do? */
bool kvpci_status_write_exits(const struct kvpci_core *core, u8 value);

/** kvpci_status_set_notify_format() - what doorbells look like now (4.1.5.2) */
void kvpci_status_set_notify_format(struct kvpci_core *core);

/** kvpci_core_reset() - the state after a device reset (2.1, 2.4) */
void kvpci_core_reset(struct kvpci_core *core);

/**
 * kvpci_core_suspended() - has the driver suspended the device?
 * @core: the function
 *
 * From its write of SUSPEND on, even before that is acknowledged, the driver is
 * to change nothing but device_status.
 */
static inline bool kvpci_core_suspended(const struct kvpci_core *core)
{
	return core->backend == KVPCI_BACKEND_SUSPENDING ||
	       core->backend == KVPCI_BACKEND_SUSPENDED;
}

/* Queues that are enabled and reset: queue.c */

/** kvpci_queue_init() - the state of a queue after its reset */
void kvpci_queue_init(struct kvpci_core *core, struct kvpci_queue *queue);

struct kvpci_effect kvpci_queue_enable_write(struct kvpci_core *core,
					     struct kvpci_queue *queue,
					     u32 value);
struct kvpci_effect kvpci_queue_reset_write(struct kvpci_core *core,
					    struct kvpci_queue *queue,
					    u32 value);

/** kvpci_queue_set_phase() - all changes of a queue's phase go through here */
void kvpci_queue_set_phase(struct kvpci_core *core, struct kvpci_queue *queue,
			   enum kvpci_queue_phase phase);

/** kvpci_queue_is_posted() - has the queue an event that waits to be read? */
static inline bool kvpci_queue_is_posted(const struct kvpci_queue *queue)
{
	return queue->phase == KVPCI_QUEUE_STARTING ||
	       queue->phase == KVPCI_QUEUE_STOP_POSTED;
}

/** kvpci_queue_touch() - a queue is no longer as a reset leaves it */
static inline void kvpci_queue_touch(struct kvpci_core *core,
				     const struct kvpci_queue *queue)
{
	u16 index = queue - core->queues;

	if (index >= core->queues_touched)
		core->queues_touched = index + 1;
}

/* Device configuration: device_cfg.c */
bool kvpci_device_read_exits(const struct kvpci_core *core, u32 offset,
			     unsigned int length);
bool kvpci_device_write_exits(const struct kvpci_core *core, u32 offset,
			      unsigned int length);
struct kvpci_effect kvpci_device_read(struct kvpci_core *core, u32 offset,
				      unsigned int length, u64 *value);
struct kvpci_effect kvpci_device_write(struct kvpci_core *core, u32 offset,
				       unsigned int length, u64 value);

/* Interrupts: msix.c */
struct kvpci_effect kvpci_isr_read(struct kvpci_core *core, u64 *value);
struct kvpci_effect kvpci_msix_table_read(struct kvpci_core *core, u32 offset,
					  unsigned int length, u64 *value);
struct kvpci_effect kvpci_msix_table_write(struct kvpci_core *core, u32 offset,
					   unsigned int length, u64 value);
struct kvpci_effect kvpci_msix_pba_read(struct kvpci_core *core, u32 offset,
					unsigned int length, u64 *value);

/** kvpci_core_hears() - may a queue's backend notify the driver at all? */
bool kvpci_core_hears(const struct kvpci_core *core, u32 queue);

#endif /* KVPCI_CORE_INTERNAL_H */
