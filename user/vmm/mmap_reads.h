/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers that the guest reads as memory, without an exit. The module lets us map
 * their pages, and read-only memory slots of KVM show them to the guest.
 *
 * One slot covers the whole bus: each function has its page there, and absent
 * functions have a page of ones. Another slot a function covers its MSI-X table.
 * Calls never overlap.
 */
#ifndef KVPCI_VMM_MMAP_READS_H
#define KVPCI_VMM_MMAP_READS_H

#include <linux/kvpci.h>
#include <stdint.h>

struct mmap_reads;
struct mmap_reads_function;
struct vm;

/* Which registers */
enum mmap_reads_set {
	MMAP_READS_NONE,
	MMAP_READS_PCI_CONFIG,		/* PCI configuration space */
	MMAP_READS_ALL,			/* that and MSI-X tables */
};

/**
 * mmap_reads_create() - cover the bus
 * @vm: the VM, with its bus
 * @set: MMAP_READS_PCI_CONFIG or MMAP_READS_ALL
 * @result: out: NULL if this host's KVM has no read-only slots
 *
 * Return: 0 or a negative errno value, reported.
 */
int mmap_reads_create(struct vm *vm, enum mmap_reads_set set, struct mmap_reads **result);

/** mmap_reads_free() - after the last function; @mmap_reads may be NULL */
void mmap_reads_free(struct mmap_reads *mmap_reads);

/**
 * mmap_reads_add() - a function has been placed
 * @mmap_reads: the bus
 * @device: the module's descriptor
 * @function: its number on the bus
 * @desc: the device, with its regions
 * @result: out: for the calls below
 *
 * Return: 0 or a negative errno value.
 */
int mmap_reads_add(struct mmap_reads *mmap_reads, int device, uint32_t function,
		   const struct kvpci_device_create *desc,
		   struct mmap_reads_function **result);

/** mmap_reads_update() - a write to the function's configuration space was done */
void mmap_reads_update(struct mmap_reads_function *f);

/** mmap_reads_remove() - let go of the function; @f may be NULL */
void mmap_reads_remove(struct mmap_reads_function *f);

#endif /* KVPCI_VMM_MMAP_READS_H */
