/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The register core: what a virtio-pci function answers to each access, and
 * nothing else. No KVM, no locks, no allocation; the same files are compiled
 * into the module, into our launcher (--transport user) and into the tests.
 *
 * This is what those above the core call; internal.h is what its files have for one
 * another.
 *
 * An access goes in as (region, offset, length, value). Out come a value and
 * an effect, which the caller carries out.
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

/*
 * What a change wants done: bits of kvpci_effect.bits. Every function that
 * changes something returns them, and its caller hands them to the one place
 * that carries them out: kvpci_unlock_and() in the module, user_unlock_and() in
 * the userspace twin.
 */
enum kvpci_effect_bits {
	/* The access met no register. It is counted, no more. */
	KVPCI_EFFECT_OTHER = 1 << 0,
	/*
	 * What becomes of a signal may have changed: kvpci_core_signal() may
	 * answer differently from now on. Once the change has been reported
	 * back, nothing may be sent that was decided on before.
	 */
	KVPCI_EFFECT_DECISION = 1 << 1,
	/* With DECISION: only signals that lead to vector arg are concerned. */
	KVPCI_EFFECT_VECTOR_ONLY = 1 << 2,
	/* Vector arg is pending and may be sent: kvpci_core_next_pending(). */
	KVPCI_EFFECT_VECTOR = 1 << 3,
	/* Any pending vector may have become sendable. */
	KVPCI_EFFECT_PENDING = 1 << 4,
	/* kvpci_core_intx() and kvpci_core_intx_status() may have changed. */
	KVPCI_EFFECT_LINE = 1 << 5,
	/* kvpci_core_event_peek() has a new event. */
	KVPCI_EFFECT_EVENT = 1 << 6,
	/* An event that nobody has read may be gone. */
	KVPCI_EFFECT_EVENT_GONE = 1 << 7,
	/* The reset, or the suspension, that the VMM was told of is complete. */
	KVPCI_EFFECT_STOPPED = 1 << 8,
	/* A configuration change found its vector masked. It is counted. */
	KVPCI_EFFECT_PENDED = 1 << 9,
	/* A configuration change had nowhere to go. It is counted. */
	KVPCI_EFFECT_DROPPED = 1 << 10,
};

/**
 * struct kvpci_effect - what a change wants done
 * @bits: enum kvpci_effect_bits
 * @arg: the vector, for KVPCI_EFFECT_VECTOR and KVPCI_EFFECT_VECTOR_ONLY
 */
struct kvpci_effect {
	u16 bits;
	u16 arg;
};

/* What a write to a doorbell region means. */
enum kvpci_doorbell {
	KVPCI_DOORBELL_KICK,	/* a queue's kick eventfd is to be signalled */
	KVPCI_DOORBELL_DROP,	/* a doorbell of no, or no enabled, queue */
	KVPCI_DOORBELL_OTHER,	/* not a doorbell, or of another width */
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
 *
 * Each queue has cache lines of its own, since a doorbell writes @notification
 * and reads @enable and @reset.
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
} ____cacheline_aligned;

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
 * @exits: KVPCI_DEVICE_EXIT_* and KVPCI_EXIT_ISR; read without the lock
 * @deps: @num_deps features that need others; caller's memory
 * @num_deps: how many
 * @notify_width: bytes the driver writes to a doorbell, as negotiated
 * @notify_config_data: 1 if a doorbell's value begins with
 *	queue_notif_config_data, as negotiated
 * @device_feature_select: device_feature_select
 * @driver_feature_select: driver_feature_select
 * @driver_features: what the driver wrote to driver_feature
 * @config_msix_vector: config_msix_vector
 * @queue_select: queue_select
 * @queues_touched: queues from 0 on that may differ from how reset leaves them
 * @device_status: device_status
 * @config_generation: config_generation
 * @generation_read: the generation the driver read last
 * @isr: ISR status
 * @irq_flags: KVPCI_IRQ_*, the PCI side of interrupts
 * @silent: the suspension is about to be acknowledged: nothing is sent any more
 * @config_changed: the driver is to be notified of a configuration change when
 *	it resumes the device
 * @pending: the PBA, one bit a vector
 * @deferred: queues with a signal that kvpci_core_defer() has put off, one bit
 *	a queue
 * @backend: enum kvpci_backend
 * @events: BIT(enum kvpci_event_kind) that wait to be read
 * @queue_events: how many queues have an event that waits to be read
 * @next_event: where the search for the next event begins: a queue, or
 *	@num_queues for DEVICE_CONFIG
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
	u8 exits;

	/* what a doorbell looks like; read without the lock */
	u8 notify_width;
	u8 notify_config_data;

	/* common configuration */
	u32 device_feature_select ____cacheline_aligned;
	u32 driver_feature_select;
	u32 driver_features[KVPCI_FEATURE_WORDS];
	u16 config_msix_vector;
	u16 queue_select;
	u16 queues_touched;
	u8 device_status;
	u8 config_generation;
	u8 generation_read;

	/* interrupts; signals that have to be decided on write these */
	u8 isr ____cacheline_aligned;
	u8 irq_flags;
	bool silent;
	bool config_changed;
	u64 pending[KVPCI_MAX_VECTORS / 64];
	u64 deferred[KVPCI_MAX_QUEUES / 64];

	/* events */
	u8 backend;
	u16 events;
	u16 queue_events;
	u16 next_event;
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
 * struct kvpci_array - one of the arrays that a core points to
 * @pointer: where the core keeps it
 * @size: bytes; 0: the device has none, and *@pointer stays NULL
 * @align: KVPCI_PAGE_SIZE: it is to have whole pages to itself, since the module
 *	lets them be mapped; another power of two: its alignment; 0: any
 */
struct kvpci_array {
	void **pointer;
	size_t size;
	size_t align;
};

#define KVPCI_NUM_ARRAYS	6
#define KVPCI_PAGE_SIZE		4096	/* of x86, and of PCI BARs in memory */

/**
 * kvpci_core_arrays() - the arrays that a core of this description needs
 * @core: the core, zeroed; its pointers are what @arrays leads to
 * @desc: a description that passed the check
 * @arrays: out: the table
 *
 * Whoever makes a core allocates them, zeroed, and frees them in the end.
 */
void kvpci_core_arrays(struct kvpci_core *core,
		       const struct kvpci_device_create *desc,
		       struct kvpci_array arrays[KVPCI_NUM_ARRAYS]);

/**
 * kvpci_core_init() - make a core of a description that passed the check
 * @core: zeroed, but for the pointers of kvpci_core_arrays()
 * @desc: the device; pointers inside are not followed
 * @arrays: what they point to
 *
 * @core->device_config and @core->device_config_mask are the caller's to fill.
 */
void kvpci_core_init(struct kvpci_core *core,
		     const struct kvpci_device_create *desc,
		     const struct kvpci_arrays *arrays);

/* Saving and restoring all of it: state.c */

/**
 * struct kvpci_state - what a struct kvpci_device_registers points to
 * @queues: num_queues of them
 * @vectors: num_vectors of them
 * @pending: pending bits, num_vectors in words of 64
 * @device_config: device_config_size bytes
 */
struct kvpci_state {
	struct kvpci_queue_registers *queues;
	struct kvpci_vector *vectors;
	u64 *pending;
	u8 *device_config;
};

/** kvpci_core_state_fits() - are these the numbers of this function? */
bool kvpci_core_state_fits(const struct kvpci_core *core,
			   const struct kvpci_device_registers *registers);

/** kvpci_core_at_rest() - is the function as a reset leaves it? */
static inline bool kvpci_core_at_rest(const struct kvpci_core *core)
{
	return !core->device_status && core->backend == KVPCI_BACKEND_STOPPED &&
	       !core->events;
}

/**
 * kvpci_core_save() - tell all that a function knows
 * @core: the function, which stays as it is
 * @registers: out: all but @size, @flags, numbers and pointers
 * @state: out: what it leads to
 *
 * A signal that was put off counts as pending, or in ISR status.
 *
 * Return: 0, or -EBUSY between kvpci_core_silence() and the acknowledgement.
 */
int kvpci_core_save(const struct kvpci_core *core,
		    struct kvpci_device_registers *registers,
		    const struct kvpci_state *state);

/**
 * kvpci_core_state_check() - can a function of this description be in a state?
 * @core: the function
 * @registers: the state, whose numbers fit; its pointers are not followed
 * @state: what it leads to
 *
 * Needs no lock: looks at immutable fields of @core only.
 *
 * Return: 0 or -EINVAL.
 */
int kvpci_core_state_check(const struct kvpci_core *core,
			   const struct kvpci_device_registers *registers,
			   const struct kvpci_state *state);

/**
 * kvpci_core_restore() - take over a state
 * @core: the function
 * @registers: the state, which passed the check
 * @state: what it leads to
 * @effect: out: what is to be done, nothing after an error
 *
 * Return: 0, or -EBUSY if the function is not as a reset leaves it.
 */
int kvpci_core_restore(struct kvpci_core *core,
		       const struct kvpci_device_registers *registers,
		       const struct kvpci_state *state,
		       struct kvpci_effect *effect);

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
 * @value: the value written
 * @queue: out: the queue's index as the driver gave it, for KICK and DROP; safe
 *	to use as one for KICK
 *
 * Needs no lock. With NOTIFICATION_DATA it leaves @value with the queue, where
 * kvpci_core_queue_state() finds it. The kick that makes somebody look comes
 * after, so signalling it must order what was stored before.
 */
enum kvpci_doorbell kvpci_core_doorbell(struct kvpci_core *core,
					const struct kvpci_region *region,
					u32 offset, unsigned int length,
					u64 value, u32 *queue);

/**
 * kvpci_core_read() - the driver reads from a region
 * @core: the function
 * @region: where, as kvpci_core_find() gave it
 * @offset: first byte inside the region
 * @length: 1, 2, 4 or 8
 * @value: out: the value, zero-extended
 *
 * Return: no effect, KVPCI_EFFECT_OTHER or, for ISR, KVPCI_EFFECT_LINE.
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
 * Return: true for a write that KVPCI_DEVICE_EXIT_* name.
 */
bool kvpci_core_write_exits(const struct kvpci_core *core,
			    const struct kvpci_region *region, u32 offset,
			    unsigned int length, u64 value);

/**
 * kvpci_core_read_exits() - is a read the VMM's to answer?
 * @core: the function
 * @region: as for kvpci_core_read()
 * @offset: as for kvpci_core_read()
 * @length: as for kvpci_core_read()
 *
 * Needs no lock.
 */
bool kvpci_core_read_exits(const struct kvpci_core *core,
			   const struct kvpci_region *region, u32 offset,
			   unsigned int length);

/* What the driver accepts: features.c */

/** kvpci_core_offers() - is a feature bit offered? */
static inline bool kvpci_core_offers(const struct kvpci_core *core,
				     unsigned int bit)
{
	return core->features[bit / 32] & BIT(bit % 32);
}

/** kvpci_core_has_driver_feature() - has the driver set a feature bit? */
static inline bool kvpci_core_has_driver_feature(const struct kvpci_core *core,
						 unsigned int bit)
{
	return core->driver_features[bit / 32] & BIT(bit % 32);
}

/** kvpci_core_features_ok() - KVPCI_DEVICE_FEATURES_OK. Return: 0, or its errors */
int kvpci_core_features_ok(struct kvpci_core *core,
			   const struct kvpci_device_features_ok *ok,
			   struct kvpci_effect *effect);

/* Device status and reset: status.c */
struct kvpci_effect kvpci_status_write(struct kvpci_core *core, u32 value);

/* The guest's reads of ISR exit: INTx is the VMM's, and in use. */
#define KVPCI_EXIT_ISR	BIT(7)

/* All flags of kvpci_device_create that say what exits */
#define KVPCI_EXITS							\
	(KVPCI_DEVICE_EXIT_FEATURES | KVPCI_DEVICE_EXIT_CONFIG_WRITE |	\
	 KVPCI_DEVICE_EXIT_CONFIG | KVPCI_DEVICE_EXIT_RESET)

/**
 * kvpci_core_reset_by_vmm() - the VMM resets the device, whose backend has stopped
 * @core: the function
 * @flags: KVPCI_RESET_*
 */
struct kvpci_effect kvpci_core_reset_by_vmm(struct kvpci_core *core, u32 flags);

/**
 * kvpci_core_ack() - the backend, or one of its queues, has stopped
 * @core: the function
 * @kind: KVPCI_EVENT_STOP, KVPCI_EVENT_QUEUE_STOP or KVPCI_EVENT_SUSPEND
 * @queue: the queue, or KVPCI_EVENT_NO_QUEUE
 * @effect: out: what is to be done, nothing after an error
 *
 * Return: 0, or the error KVPCI_DEVICE_ACK documents.
 */
int kvpci_core_ack(struct kvpci_core *core, u32 kind, u32 queue,
		   struct kvpci_effect *effect);

/**
 * kvpci_core_silence() - send nothing more, before a suspension is acknowledged
 * @core: the function
 * @effect: out: what is to be done, nothing after an error
 *
 * The driver reads device_status at any time: what was decided on before must be
 * gone before the acknowledgement shows SUSPEND there. Whoever sends messages
 * outside the lock of the core carries this effect out first. (A driver that
 * suspends again before RESUME was read has no acknowledgement to wait for: its
 * own write waits for what is on its way.)
 *
 * Return: 0, or -EALREADY if no SUSPEND has been read that waits for this.
 */
int kvpci_core_silence(struct kvpci_core *core, struct kvpci_effect *effect);

/** kvpci_core_fail() - set DEVICE_NEEDS_RESET, and notify the driver of it */
struct kvpci_effect kvpci_core_fail(struct kvpci_core *core);

/* Queues that are enabled and reset: queue.c */

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

/* Events that the VMM reads: event.c */

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
 * What becomes of a signal does not depend on it, so it has no effect beyond
 * the event that is gone.
 *
 * Return: false if the guest took the event back meanwhile.
 */
bool kvpci_core_event_take(struct kvpci_core *core,
			   const struct kvpci_event *event);

/* Device configuration: device_cfg.c */
/**
 * kvpci_core_device_config_write() - the device changes its configuration
 * @core: the function
 * @flags: KVPCI_CONFIG_WRITE_*
 * @offset: first byte; @offset + @length is at most @core->device_config_size
 * @length: bytes
 * @data: the new bytes
 * @effect: out: what is to be done. The change and the driver's notification
 *	belong to one critical section, so that no suspension comes between.
 *
 * Return: 0, or -EBUSY while the device is suspended.
 */
int kvpci_core_device_config_write(struct kvpci_core *core, u32 flags,
				   u32 offset, u32 length, const void *data,
				   struct kvpci_effect *effect);

/** kvpci_config_write_valid() - are flags and length what the uAPI allows? */
static inline bool kvpci_config_write_valid(u32 flags, u32 length)
{
	const u32 both = KVPCI_CONFIG_WRITE_QUIET | KVPCI_CONFIG_WRITE_FORCE;

	return flags < both && (length || flags & KVPCI_CONFIG_WRITE_FORCE);
}

/* Interrupts: msix.c */

/* What becomes of a queue's signal. */
enum kvpci_verdict {
	KVPCI_IRQ_SEND,		/* the message is to be sent */
	KVPCI_IRQ_PEND,		/* its vector is masked: the PBA remembers */
	KVPCI_IRQ_INTX,		/* MSI-X is off: KVPCI_EFFECT_LINE */
	KVPCI_IRQ_DROP,		/* it has nowhere to go */
};

/**
 * kvpci_core_signal() - a queue's backend wants to notify the driver
 * @core: the function
 * @queue: the queue, below num_queues
 * @msg: out: the message, for KVPCI_IRQ_SEND
 *
 * SEND, PEND and DROP stay the answer until something has KVPCI_EFFECT_DECISION;
 * asking again before that changes nothing.
 */
enum kvpci_verdict kvpci_core_signal(struct kvpci_core *core, u32 queue,
				     struct kvpci_msg *msg);

/**
 * kvpci_core_defer() - put off what kvpci_core_signal() said to send
 * @core: the function
 * @queue: the queue
 *
 * A reset of the queue, or of the device, takes it back.
 */
void kvpci_core_defer(struct kvpci_core *core, u32 queue);

/**
 * kvpci_core_next_deferred() - take one queue that was put off
 * @core: the function
 * @from: where to begin looking; pass 0, then the returned queue plus 1
 *
 * By now its vector may be masked: ask kvpci_core_signal() again.
 *
 * Return: the queue, or -1.
 */
int kvpci_core_next_deferred(struct kvpci_core *core, unsigned int from);

/** kvpci_core_pend_deferred() - leave all that was put off to the PBA */
void kvpci_core_pend_deferred(struct kvpci_core *core);

/**
 * kvpci_core_config_changed() - notify the driver of a configuration change
 * @core: the function
 *
 * While the device is suspended that waits until the driver resumes it.
 */
struct kvpci_effect kvpci_core_config_changed(struct kvpci_core *core);

/**
 * kvpci_core_next_pending() - take one pending vector that may be sent
 * @core: the function
 * @from: where to begin looking; pass 0, then the returned vector plus 1
 * @msg: out: the message
 *
 * Return: the vector, no longer pending, or -1.
 */
int kvpci_core_next_pending(struct kvpci_core *core, unsigned int from,
			    struct kvpci_msg *msg);

/** kvpci_core_pend() - the message of kvpci_core_next_pending() was not sent */
void kvpci_core_pend(struct kvpci_core *core, unsigned int vector);

/**
 * kvpci_core_set_irq_flags() - PCI configuration space changed an interrupt bit
 * @core: the function
 * @flags: KVPCI_IRQ_*
 */
struct kvpci_effect kvpci_core_set_irq_flags(struct kvpci_core *core, u32 flags);

/** kvpci_core_msix_reset() - table and flags as a function reset leaves them */
struct kvpci_effect kvpci_core_msix_reset(struct kvpci_core *core);

/** kvpci_core_intx_status() - PCI Status.Interrupt */
bool kvpci_core_intx_status(const struct kvpci_core *core);

/** kvpci_core_intx() - does the function pull its interrupt line? */
bool kvpci_core_intx(const struct kvpci_core *core);

static inline struct kvpci_effect kvpci_effect(u16 bits)
{
	return (struct kvpci_effect){ .bits = bits };
}

/** kvpci_no_effect() - nothing is to be done */
static inline struct kvpci_effect kvpci_no_effect(void)
{
	return kvpci_effect(0);
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
