/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the unit tests share: a device description that passes the check, a
 * register core made of it, and accesses to it the way a guest makes them.
 */
#ifndef KVPCI_UNIT_H
#define KVPCI_UNIT_H

#include <stdlib.h>

#include "../registers.h"
#include "pci_config.h"
#include "core.h"

#define F_VERSION_1	32
#define F_RING_PACKED	34
#define F_NOTIFICATION_DATA 38
#define F_NOTIF_CONFIG_DATA 39
#define F_RING_RESET	40
#define F_ADMIN_VQ	41
#define F_SUSPEND	43

/* The default device, see unit_describe(). */
#define UNIT_QUEUES	5
#define UNIT_ABSENT	3	/* the queue that does not exist */
#define UNIT_VECTORS	70	/* more than one word of the PBA */
#define UNIT_CONFIG	24
#define UNIT_BAR_IO	0
#define UNIT_BAR_MEM	1
#define UNIT_BAR_MSIX	2	/* 64 bits, so BAR 3 is not there */

#define UNIT_NO_RING	~0U	/* the queue of what is no doorbell at all */

/**
 * struct unit - a described device and its core
 * @desc: the description; edit it between unit_describe() and unit_create()
 * @regions: the description's regions
 * @sizes: the description's queue sizes
 * @notif_data: their queue_notif_config_data, if desc.notif_config_data is set
 * @deps: what its features need
 * @effect: effect of the last access
 * @doorbell: what the last access was as a doorbell; OTHER for all but writes to
 *	doorbell regions
 * @rung: the queue it named, for KICK and DROP
 * @arrays: where the memory is that @core points to
 * @after: called after each call of the core that may change it, with its effect
 *	in @effect; or NULL
 * @core: the core
 */
struct unit {
	struct kvpci_device_create desc;
	struct kvpci_region regions[KVPCI_MAX_REGIONS];
	u16 sizes[KVPCI_MAX_QUEUES];
	u16 notif_data[KVPCI_MAX_QUEUES];
	struct kvpci_feature_dep deps[KVPCI_MAX_FEATURE_DEPS];
	struct kvpci_effect effect;
	enum kvpci_doorbell doorbell;
	u32 rung;
	struct kvpci_array arrays[KVPCI_NUM_ARRAYS];
	void (*after)(struct unit *u);
	struct kvpci_core core;
};

/** unit_describe() - fill in a sound description */
void unit_describe(struct unit *u);

/**
 * unit_find_region() - the first described region of a type
 *
 * Return: the region, or NULL.
 */
struct kvpci_region *unit_find_region(struct unit *u, u32 type);

/** unit_drop_region() - remove all described regions of a type */
void unit_drop_region(struct unit *u, u32 type);

/** unit_add_region() - describe one more region */
void unit_add_region(struct unit *u, struct kvpci_region region);

/** unit_offer() - offer a feature bit */
void unit_offer(struct unit *u, unsigned int bit);

/** unit_withdraw() - offer a feature bit no more */
void unit_withdraw(struct unit *u, unsigned int bit);

/** unit_identify() - give queue q the queue_notif_config_data 4000 - 7 * q */
void unit_identify(struct unit *u);

/** unit_need() - describe that a feature needs @any, bits 0 to 63, or @high */
void unit_need(struct unit *u, u32 feature, u64 any, u64 high);

/** unit_check() - kvpci_core_check() of the description */
int unit_check(struct unit *u);

/**
 * unit_create() - check the description and make the core
 *
 * Every array the core points to is an allocation of exactly its size, so that
 * the address sanitizer sees the first byte beyond.
 *
 * Return: 0 or the check's error.
 */
int unit_create(struct unit *u);

/** unit_destroy() - free what unit_create() allocated */
void unit_destroy(struct unit *u);

/** unit_default() - describe and create; never fails on a sound core */
int unit_default(struct unit *u);

/*
 * Accesses to the first region of a type in memory. They store the effect in
 * @u->effect; a doorbell has none, but @u->doorbell.
 */
u64 unit_read(struct unit *u, u32 type, u32 offset, unsigned int length);
void unit_write(struct unit *u, u32 type, u32 offset, unsigned int length,
		u64 value);

/** unit_bar_read() - read through a BAR; holes read as 0 with no effect */
u64 unit_bar_read(struct unit *u, unsigned int bar, u32 offset,
		  unsigned int length);
/** unit_bar_write() - write through a BAR, doorbells included */
void unit_bar_write(struct unit *u, unsigned int bar, u32 offset,
		    unsigned int length, u64 value);

/** cc_width() - the natural width of the register at an offset, 0: none */
unsigned int cc_width(u32 offset);
/** cc_read() - read a common configuration register at its natural width */
u64 cc_read(struct unit *u, u32 offset);
/** cc_write() - write a common configuration register at its natural width */
void cc_write(struct unit *u, u32 offset, u64 value);

/** unit_accept() - write a word of driver_feature */
void unit_accept(struct unit *u, u32 word, u32 bits);
/** unit_negotiate() - drive the status up to FEATURES_OK, accepting all */
void unit_negotiate(struct unit *u);
/** unit_negotiate_least() - the same, accepting nothing but VERSION_1 */
void unit_negotiate_least(struct unit *u);
/** unit_queue() - set a queue up with recognisable addresses and enable it */
void unit_queue(struct unit *u, u16 queue, u16 size);
/** unit_start() - negotiate, enable queue 0 and 1, DRIVER_OK */
void unit_start(struct unit *u);
/**
 * unit_event() - read the next event as the VMM does
 *
 * Return: its kind, or 0 if there is none.
 */
u32 unit_event(struct unit *u, struct kvpci_event *event);
/**
 * unit_ack() - kvpci_core_ack(), its effect in @u->effect
 *
 * Return: its error.
 */
int unit_ack(struct unit *u, u32 kind, u32 queue);
/** unit_reset() - kvpci_core_reset_by_vmm(), its effect in @u->effect */
void unit_reset(struct unit *u, u32 flags);
/**
 * unit_change() - change device configuration as the VMM does; the effect is in
 *	@u->effect
 *
 * Return: kvpci_core_device_config_write()'s error.
 */
int unit_change(struct unit *u, u32 offset, u32 length, const void *data);
/** unit_change_as() - the same with KVPCI_CONFIG_WRITE_* flags */
int unit_change_as(struct unit *u, u32 flags, u32 offset, u32 length,
		   const void *data);
/** unit_run() - unit_start() and read the START event */
void unit_run(struct unit *u);

/**
 * struct unit_state - a saved state of the default device, with all it points to
 * @registers: the registers
 * @queues: by index
 * @vectors: by number
 * @pending: pending bits
 * @config: device configuration
 */
struct unit_state {
	struct kvpci_device_registers registers;
	struct kvpci_queue_registers queues[UNIT_QUEUES];
	struct kvpci_vector vectors[UNIT_VECTORS];
	u64 pending[(UNIT_VECTORS + 63) / 64];
	u8 config[UNIT_CONFIG];
};

/**
 * unit_save() - kvpci_core_save()
 * @u: the device
 * @to: out: its state; bytes that are not written are zero
 *
 * Return: its error.
 */
int unit_save(struct unit *u, struct unit_state *to);
/** unit_state_check() - kvpci_core_state_check() */
int unit_state_check(struct unit *u, struct unit_state *from);
/**
 * unit_restore() - the check and kvpci_core_restore(); its effect is in @u->effect
 *
 * Return: the error of either.
 */
int unit_restore(struct unit *u, struct unit_state *from);

enum vector_mask { UNMASKED, MASKED };

/** unit_vector() - program a vector's message and its mask */
void unit_vector(struct unit *u, unsigned int vector, u64 address, u32 data,
		 enum vector_mask mask);

#endif /* KVPCI_UNIT_H */
