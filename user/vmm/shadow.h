/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers that the guest reads as memory, without an exit: the pages that the
 * module lets us map, under read-only memory slots of KVM's.
 *
 * One slot covers the whole bus: each function has its page there, and all that
 * are absent have one full of ones. A slot a function covers its MSI-X table.
 * Calls never overlap.
 */
#ifndef KVPCI_VMM_SHADOW_H
#define KVPCI_VMM_SHADOW_H

#include <linux/kvpci.h>
#include <stdint.h>

struct shadow;
struct shadow_function;
struct vm;

/* Which registers */
enum shadow_set {
	SHADOW_NONE,
	SHADOW_CONFIG,		/* PCI configuration space */
	SHADOW_ALL,		/* and MSI-X tables */
};

/**
 * shadow_create() - cover the bus
 * @vm: the VM, with its bus
 * @set: SHADOW_CONFIG or SHADOW_ALL
 * @result: out: NULL if this host's KVM has no read-only slots
 *
 * Return: 0 or a negative errno value, reported.
 */
int shadow_create(struct vm *vm, enum shadow_set set, struct shadow **result);

/** shadow_free() - after the last function; @shadow may be NULL */
void shadow_free(struct shadow *shadow);

/**
 * shadow_add() - a function has been placed
 * @shadow: the bus
 * @device: the module's descriptor
 * @function: where on the bus
 * @desc: the device, with its regions
 * @result: out: for the calls below
 *
 * Return: 0 or a negative errno value.
 */
int shadow_add(struct shadow *shadow, int device, uint32_t function,
	       const struct kvpci_device_create *desc,
	       struct shadow_function **result);

/** shadow_update() - a write to the function's configuration space was done */
void shadow_update(struct shadow_function *f);

/** shadow_remove() - let go of the function; @f may be NULL */
void shadow_remove(struct shadow_function *f);

#endif /* KVPCI_VMM_SHADOW_H */
