/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counts of the guest's exits to userspace.
 */
#ifndef KVPCI_VMM_EXITS_H
#define KVPCI_VMM_EXITS_H

#include <stdbool.h>
#include <stdint.h>

/* Which device an access was for. Keep exit_class_names[] in step. */
enum exit_class {
	EXIT_SERIAL,
	EXIT_POWER,		/* ACPI power registers, reset */
	EXIT_ECAM,		/* PCI configuration space */
	EXIT_BAR_COMMON,	/* BARs, by the structure accessed */
	EXIT_BAR_NOTIFY,
	EXIT_BAR_ISR,
	EXIT_BAR_DEVICE,
	EXIT_BAR_MSIX_TABLE,
	EXIT_BAR_MSIX_PBA,
	EXIT_BAR_NONE,
	EXIT_OTHER_IO,		/* nothing of ours is there */
	EXIT_OTHER_MMIO,
	EXIT_NUM_CLASSES,
};

#define EXIT_NUM_REASONS	40	/* KVM_EXIT_*; the last takes the rest */

/* One vCPU's counts: its thread writes them, the main thread reads them. */
struct exit_counts {
	uint64_t total;
	uint64_t reasons[EXIT_NUM_REASONS];
	uint64_t accesses[EXIT_NUM_CLASSES][2];		/* read, write */
};

/** exit_count() - one more */
static inline void exit_count(uint64_t *counter)
{
	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

struct vm;

/**
 * exits_write() - write all counts as "key value" lines
 * @vm: the VM
 * @path: the file, replaced in one step; NULL: stderr
 *
 * Return: 0 or a negative errno value, reported.
 */
int exits_write(const struct vm *vm, const char *path);

#endif /* KVPCI_VMM_EXITS_H */
