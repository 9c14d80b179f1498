/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The register core: what a virtio-pci function answers to each access, and
 * nothing else. No KVM, no locks, no allocation; the same files are compiled
 * into the module, into the VMM (--transport user) and into the tests.
 *
 * An access goes in as (region, offset, length, value). Out come a value and
 * an effect, which the caller carries out after it has let go of its lock.
 *
 * Unless a function says otherwise, the caller holds the lock that protects
 * the struct kvpci_core.
 */
#ifndef KVPCI_CORE_H
#define KVPCI_CORE_H

#include "platform.h"

#define KVPCI_FEATURE_WORDS	4	/* feature bits 0 to 127 */
#define KVPCI_NO_QUEUE		0xffffU	/* no queue's index */

/* For tables by enum kvpci_region_type, in which 0 is none. */
#define KVPCI_NUM_REGION_TYPES	(KVPCI_REGION_SHM + 1)

/* What the guest's access wants done. */
enum kvpci_effect_kind {
	KVPCI_EFFECT_NONE = 0,
	KVPCI_EFFECT_OTHER,	/* met no register; nothing to do but count */
	KVPCI_EFFECT_KICK,	/* arg: queue whose kick eventfd to signal */
	KVPCI_EFFECT_NO_KICK,	/* a doorbell of no, or no enabled, queue */
	KVPCI_EFFECT_EVENT,	/* kvpci_core_event_peek() has news; _INTX too */
	KVPCI_EFFECT_VECTOR,	/* arg: pending vector that may now be sent */
	KVPCI_EFFECT_INTX,	/* kvpci_core_intx() may have changed, or an
				 * event not yet read be gone
				 */
	KVPCI_EFFECT_RESUME,	/* _EVENT, and kvpci_core_next_pending() */
};

struct kvpci_effect {
	u16 kind;
	u16 arg;
};

/* The backend's life as the driver's status writes and our events drive it. */
enum kvpci_backend {
	KVPCI_BACKEND_STOPPED = 0,	/* no DRIVER_OK since the last reset */
	KVPCI_BACKEND_STARTING,		/* START waits to be read */
	KVPCI_BACKEND_RUNNING,		/* START has been read */
	KVPCI_BACKEND_SUSPENDING,	/* SUSPEND posted, not yet acknowledged */
	KVPCI_BACKEND_SUSPENDED,	/* SUSPEND acknowledged */
	KVPCI_BACKEND_RESUMING,		/* RESUME waits to be read */
	KVPCI_BACKEND_STOPPING,		/* STOP posted, not yet acknowledged */
};

/* A queue's own events, while the backend is running. */
enum kvpci_queue_phase {
	KVPCI_QUEUE_IDLE = 0,
	KVPCI_QUEUE_STARTING,	/* QUEUE_START waits to be read */
	KVPCI_QUEUE_STOP_POSTED,	/* QUEUE_STOP waits to be read */
	KVPCI_QUEUE_STOP_READ,	/* QUEUE_STOP read, not yet acknowledged */
};

/**
 * struct kvpci_queue - one virtqueue's registers
 * @size_max: queue_size after reset; 0: there is no such queue
 * @notify_off: queue_notify_off
 * @notif_data: queue_notif_config_data
 * @size: queue_size
 * @msix_vector: queue_msix_vector
 * @enable: queue_enable
 * @reset: queue_reset
 * @phase: enum kvpci_queue_phase
 * @notification: the newest doorbell word, with NOTIFICATION_DATA
 * @desc: queue_desc
 * @driver: queue_driver
 * @device: queue_device
 */
struct kvpci_queue {
	/* immutable after create */
	u16 size_max;
	u16 notify_off;
	u16 notif_data;
	/* registers */
	u16 size;
	u16 msix_vector;
	u16 enable;
	u16 reset;
	u16 phase;
	u32 notification;	/* written without the lock */
	u64 desc;
	u64 driver;
	u64 device;
};

/* One entry of the MSI-X table, by dword. */
struct kvpci_vector {
	u32 word[4];	/* address low, address high, data, vector control */
};

/* A message ready to be sent, and the vector it belongs to. */
struct kvpci_msg {
	u64 address;
	u32 data;
	u32 vector;
};

/**
 * struct kvpci_core - the registers of one function
 * @bars: kinds and sizes, by index
 * @described: what the BARs hold, in the order of the description
 * @regions: the same, grouped by BAR, doorbells first
 * @region_first: index in @regions of each BAR's first; [n + 1] ends BAR n
 * @features: offered feature bits
 * @num_queues: queues, administration virtqueues included
 * @num_admin_queues: how many of them, the last ones, those are
 * @num_vectors: MSI-X vectors
 * @device_config_size: bytes at @device_config
 * @queues: @num_queues of them; caller's memory
 * @vectors: @num_vectors of them; caller's memory
 * @device_config: device configuration; caller's memory
 * @device_config_mask: bits of it the driver may write, or NULL; caller's memory
 * @notif_queues: queue of each queue_notif_config_data up to
 *	KVPCI_MAX_NOTIF_DATA; NULL if not offered; caller's memory
 * @exit_features: KVPCI_DEVICE_EXIT_FEATURES
 * @deps: @num_deps features that need others; caller's memory
 * @num_deps: how many
 * @device_feature_select: device_feature_select
 * @driver_feature_select: driver_feature_select
 * @driver_features: what the driver wrote to driver_feature
 * @config_msix_vector: config_msix_vector
 * @queue_select: queue_select
 * @queues_touched: queues from 0 on that may differ from how reset leaves them
 * @device_status: device_status
 * @notify_width: bytes the driver writes to a doorbell, as negotiated
 * @notify_config_data: they begin with queue_notif_config_data, as negotiated
 * @config_generation: config_generation
 * @generation_read: the generation the driver read last
 * @isr: ISR status
 * @irq_flags: KVPCI_IRQ_*, the PCI side of interrupts
 * @pending: the PBA, one bit a vector
 * @backend: enum kvpci_backend
 * @events: BIT(enum kvpci_event_kind) that wait to be read
 * @queue_events: how many queues have an event that waits to be read
 * @turn: the queue, or behind the last CONFIG, whose event comes next
 */
struct kvpci_core {
	/* immutable after create */
	struct kvpci_bar bars[KVPCI_NUM_BARS];
	struct kvpci_region described[KVPCI_MAX_REGIONS];
	struct kvpci_region regions[KVPCI_MAX_REGIONS];
	u8 region_first[KVPCI_NUM_BARS + 1];
	u32 features[KVPCI_FEATURE_WORDS];
	u16 num_queues;
	u16 num_admin_queues;
	u16 num_vectors;
	u16 device_config_size;
	struct kvpci_queue *queues;
	struct kvpci_vector *vectors;
	u8 *device_config;
	u8 *device_config_mask;
	u16 *notif_queues;
	struct kvpci_feature_dep *deps;
	u16 num_deps;
	bool exit_features;

	/* common configuration */
	u32 device_feature_select;
	u32 driver_feature_select;
	u32 driver_features[KVPCI_FEATURE_WORDS];
	u16 config_msix_vector;
	u16 queue_select;
	u16 queues_touched;
	u8 device_status;
	u8 notify_width;		/* read without the lock */
	u8 notify_config_data;		/* read without the lock */
	u8 config_generation;
	u8 generation_read;

	/* interrupts */
	u8 isr;
	u8 irq_flags;
	u64 pending[KVPCI_MAX_VECTORS / 64];

	/* events */
	u8 backend;
	u16 events;
	u16 queue_events;
	u16 turn;
};

/* layout.c: is the description of a device sound, and the tables made of it */

/**
 * struct kvpci_arrays - what a description points to, within our reach
 * @regions: num_regions of them
 * @queue_sizes: num_queues of them
 * @notif_config_data: num_queues of them, or NULL
 * @feature_deps: num_feature_deps of them
 */
struct kvpci_arrays {
	const struct kvpci_region *regions;
	const u16 *queue_sizes;
	const u16 *notif_config_data;
	const struct kvpci_feature_dep *feature_deps;
};

/**
 * kvpci_core_check() - is this a device the core can be?
 * @desc: the device; pointers inside are not followed
 * @arrays: what they point to
 *
 * Return: 0, or the error KVPCI_DEVICE_CREATE documents.
 */
int kvpci_core_check(const struct kvpci_device_create *desc,
		     const struct kvpci_arrays *arrays);

/**
 * kvpci_core_init() - make a core of a description that passed the check
 * @core: zeroed, with @queues, @vectors, @device_config, @device_config_mask, @notif_queues
 *	and @deps pointing to zeroed memory of the right sizes (NULL where the
 *	size is 0)
 * @desc: the device; pointers inside are not followed
 * @arrays: what they point to
 *
 * @core->device_config and @core->device_config_mask are the caller's to fill.
 */
void kvpci_core_init(struct kvpci_core *core,
		     const struct kvpci_device_create *desc,
		     const struct kvpci_arrays *arrays);

/**
 * kvpci_core_notif_queues_size() - bytes of @notif_queues a device needs
 * @desc: the device
 */
static inline size_t
kvpci_core_notif_queues_size(const struct kvpci_device_create *desc)
{
	return desc->features[0] & BIT_ULL(VIRTIO_F_NOTIF_CONFIG_DATA) ?
	       (KVPCI_MAX_NOTIF_DATA + 1) * sizeof(u16) : 0;
}

/* Accesses: access.c */

/**
 * kvpci_core_find() - the region an access falls into
 * @core: the function
 * @bar: index of a BAR, below KVPCI_NUM_BARS
 * @offset: first byte inside the BAR
 * @length: bytes
 *
 * Needs no lock: looks at immutable fields only.
 *
 * Return: the region that holds all of the access, or NULL.
 */
const struct kvpci_region *kvpci_core_find(const struct kvpci_core *core,
					   unsigned int bar, u32 offset,
					   unsigned int length);

/**
 * kvpci_core_doorbell() - the driver wrote to a doorbell region
 * @core: the function
 * @region: a KVPCI_REGION_NOTIFY region of it
 * @offset: first byte inside the region
 * @length: bytes written
 * @value: what was written
 *
 * Needs no lock. With NOTIFICATION_DATA it leaves @value with the queue, where
 * kvpci_core_queue_state() finds it; the kick that makes somebody look comes
 * after, so signalling it must order what was stored before.
 *
 * Return: KVPCI_EFFECT_KICK, KVPCI_EFFECT_NO_KICK or KVPCI_EFFECT_OTHER.
 */
struct kvpci_effect kvpci_core_doorbell(struct kvpci_core *core,
					const struct kvpci_region *region,
					u32 offset, unsigned int length,
					u64 value);

/**
 * kvpci_core_read() - the driver reads from a region
 * @core: the function
 * @region: where, as kvpci_core_find() gave it
 * @offset: first byte inside the region
 * @length: 1, 2, 4 or 8
 * @value: out: the value, zero-extended
 *
 * Return: KVPCI_EFFECT_NONE, _OTHER or (ISR) _INTX.
 */
struct kvpci_effect kvpci_core_read(struct kvpci_core *core,
				    const struct kvpci_region *region,
				    u32 offset, unsigned int length,
				    u64 *value);

/**
 * kvpci_core_write() - the driver writes to a region, not a doorbell
 * @core: the function
 * @region: where, as kvpci_core_find() gave it
 * @offset: first byte inside the region
 * @length: 1, 2, 4 or 8
 * @value: the value; bits beyond @length are ignored
 *
 * Return: the effect to carry out.
 */
struct kvpci_effect kvpci_core_write(struct kvpci_core *core,
				     const struct kvpci_region *region,
				     u32 offset, unsigned int length,
				     u64 value);

/**
 * kvpci_core_awaits_stop() - would a read ask whether the backend has stopped?
 * @core: the device
 * @region: where
 * @offset: inside @region
 */
static inline bool kvpci_core_awaits_stop(const struct kvpci_core *core,
					  const struct kvpci_region *region,
					  u32 offset)
{
	return core->backend == KVPCI_BACKEND_STOPPING &&
	       region->type == KVPCI_REGION_COMMON &&
	       offset == VIRTIO_PCI_COMMON_STATUS;
}

/**
 * kvpci_core_write_exits() - is a write the VMM's to decide on?
 * @core: the function
 * @region: as for kvpci_core_write()
 * @offset: as for kvpci_core_write()
 * @length: as for kvpci_core_write()
 * @value: as for kvpci_core_write()
 *
 * Return: true for a write that would set FEATURES_OK on a device made with
 * KVPCI_DEVICE_EXIT_FEATURES.
 */
bool kvpci_core_write_exits(const struct kvpci_core *core,
		     const struct kvpci_region *region, u32 offset,
		     unsigned int length, u64 value);

/* Common configuration: common_cfg.c */
struct kvpci_effect kvpci_common_read(struct kvpci_core *core, u32 offset,
				      unsigned int length, u64 *value);
struct kvpci_effect kvpci_common_write(struct kvpci_core *core, u32 offset,
				       unsigned int length, u64 value);
void kvpci_queue_init(struct kvpci_queue *queue);

/** kvpci_queue_touch() - a queue is no longer as a reset leaves it */
static inline void kvpci_queue_touch(struct kvpci_core *core,
				     const struct kvpci_queue *queue)
{
	u16 index = queue - core->queues;

	if (index >= core->queues_touched)
		core->queues_touched = index + 1;
}

/* Device status, reset and the VMM's side of both: status.c */
struct kvpci_effect kvpci_status_write(struct kvpci_core *core, u32 value);
bool kvpci_status_sets_features_ok(const struct kvpci_core *core, u32 value);
struct kvpci_effect kvpci_queue_enable_write(struct kvpci_core *core,
					     struct kvpci_queue *queue,
					     u32 value);
struct kvpci_effect kvpci_queue_reset_write(struct kvpci_core *core,
					    struct kvpci_queue *queue,
					    u32 value);
bool kvpci_core_has_driver_feature(const struct kvpci_core *core,
				   unsigned int bit);

/** kvpci_core_features_are() - are the driver's features these, by 64 bits? */
bool kvpci_core_features_are(const struct kvpci_core *core,
			     const __u64 features[2]);

/** kvpci_core_reset() - the state after a device reset (2.1, 2.4) */
void kvpci_core_reset(struct kvpci_core *core);

/**
 * kvpci_core_event_peek() - the event to be read next
 * @core: the function
 * @event: out: the event
 *
 * Return: false if there is none.
 */
bool kvpci_core_event_peek(const struct kvpci_core *core,
			   struct kvpci_event *event);

/**
 * kvpci_core_event_take() - the VMM has read an event
 * @core: the function
 * @event: as kvpci_core_event_peek() gave it, perhaps some time ago
 *
 * Return: false if the guest took the event back meanwhile.
 */
bool kvpci_core_event_take(struct kvpci_core *core,
			   const struct kvpci_event *event);

/**
 * kvpci_core_ack() - the backend, or one of its queues, has stopped
 * @core: the function
 * @kind: KVPCI_EVENT_STOP, KVPCI_EVENT_QUEUE_STOP or KVPCI_EVENT_SUSPEND
 * @queue: the queue, or KVPCI_EVENT_NO_QUEUE
 *
 * After STOP the interrupt line may have fallen: see kvpci_core_intx().
 *
 * Return: 0, or the error KVPCI_DEVICE_ACK documents.
 */
int kvpci_core_ack(struct kvpci_core *core, u32 kind, u32 queue);

/**
 * kvpci_core_queue_state() - what the VMM is to know of a queue
 * @core: the function
 * @index: the queue, below num_queues
 * @state: out: all but @size and @queue
 *
 * A queue whose QUEUE_START has not been read is not enabled yet: otherwise
 * one enabled between START and this call would be started twice.
 */
void kvpci_core_queue_state(const struct kvpci_core *core, u32 index,
			    struct kvpci_queue_state *state);

/**
 * kvpci_core_fail() - set DEVICE_NEEDS_RESET
 * @core: the function
 *
 * Return: true if the driver is to be notified of a configuration change.
 */
bool kvpci_core_fail(struct kvpci_core *core);

/* Device configuration: device_cfg.c */
struct kvpci_effect kvpci_device_read(struct kvpci_core *core, u32 offset,
				      unsigned int length, u64 *value);
struct kvpci_effect kvpci_device_write(struct kvpci_core *core, u32 offset,
				       unsigned int length, u64 value);

/**
 * kvpci_core_device_config_write() - the device changes its configuration
 * @core: the function
 * @offset: first byte; @offset + @length is at most @core->device_config_size
 * @length: bytes
 * @data: the new bytes
 *
 * Return: 1 if something changed, so that the driver is to be notified, else 0;
 * -EBUSY while the device is suspended.
 */
int kvpci_core_device_config_write(struct kvpci_core *core, u32 offset, u32 length,
			     const void *data);

/* Interrupts: msix.c */

#define KVPCI_SOURCE_CONFIG	0xffffffffU	/* a configuration change */

/* What became of an interrupt. */
enum kvpci_verdict {
	KVPCI_IRQ_SEND,		/* send the message */
	KVPCI_IRQ_PEND,		/* its vector is masked: the PBA remembers */
	KVPCI_IRQ_INTX,		/* MSI-X is off: see kvpci_core_intx() */
	KVPCI_IRQ_DROP,		/* it has nowhere to go */
};

/**
 * kvpci_core_signal() - the device wants to notify the driver
 * @core: the function
 * @source: a queue's index, below num_queues, or KVPCI_SOURCE_CONFIG
 * @msg: out: the message, for KVPCI_IRQ_SEND
 */
enum kvpci_verdict kvpci_core_signal(struct kvpci_core *core, u32 source,
				     struct kvpci_msg *msg);

/**
 * kvpci_core_raise() - a vector's turn to be sent
 * @core: the function
 * @vector: below num_vectors
 * @msg: out: the message, for KVPCI_IRQ_SEND
 *
 * For callers that put off what kvpci_core_signal() told them to send: by now
 * the vector may be masked, or the device reset.
 *
 * Return: KVPCI_IRQ_SEND, _PEND or _DROP.
 */
enum kvpci_verdict kvpci_core_raise(struct kvpci_core *core,
				    unsigned int vector, struct kvpci_msg *msg);

/**
 * kvpci_core_next_pending() - take one pending vector that may be sent
 * @core: the function
 * @from: where to begin looking; pass 0, then what was returned plus 1
 * @msg: out: the message
 *
 * Return: the vector, no longer pending, or -1.
 */
int kvpci_core_next_pending(struct kvpci_core *core, unsigned int from,
			    struct kvpci_msg *msg);

/**
 * kvpci_core_set_irq_flags() - PCI configuration space changed an interrupt bit
 * @core: the function
 * @flags: KVPCI_IRQ_*
 *
 * Afterwards vectors may be sendable (kvpci_core_next_pending()) and the line
 * may have changed (kvpci_core_intx()).
 */
void kvpci_core_set_irq_flags(struct kvpci_core *core, u32 flags);

/** kvpci_core_msix_reset() - table and flags as a function reset leaves them */
void kvpci_core_msix_reset(struct kvpci_core *core);

/** kvpci_core_intx_status() - PCI Status.Interrupt (R26) */
bool kvpci_core_intx_status(const struct kvpci_core *core);

/** kvpci_core_intx() - does the function pull its interrupt line? */
bool kvpci_core_intx(const struct kvpci_core *core);

struct kvpci_effect kvpci_isr_read(struct kvpci_core *core, u64 *value);
struct kvpci_effect kvpci_msix_table_read(struct kvpci_core *core, u32 offset,
					  unsigned int length, u64 *value);
struct kvpci_effect kvpci_msix_table_write(struct kvpci_core *core, u32 offset,
					   unsigned int length, u64 value);
struct kvpci_effect kvpci_msix_pba_read(struct kvpci_core *core, u32 offset,
					unsigned int length, u64 *value);

static inline struct kvpci_effect kvpci_effect(u16 kind, u16 arg)
{
	return (struct kvpci_effect){ .kind = kind, .arg = arg };
}

/** kvpci_core_offers() - is a feature bit offered? */
static inline bool kvpci_core_offers(const struct kvpci_core *core,
				     unsigned int bit)
{
	return core->features[bit / 32] & BIT(bit % 32);
}

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

/**
 * kvpci_core_may_kick() - is there a queue to be notified?
 * @core: the function
 * @queue: its index, as the driver wrote it; made safe to use as one
 *
 * Needs no lock.
 */
static inline bool kvpci_core_may_kick(const struct kvpci_core *core,
				       u32 *queue)
{
	const struct kvpci_queue *q;

	if (*queue >= core->num_queues)
		return false;
	*queue = array_index_nospec(*queue, core->num_queues);
	q = &core->queues[*queue];
	return READ_ONCE(q->enable) && !READ_ONCE(q->reset);
}

#endif /* KVPCI_CORE_H */
