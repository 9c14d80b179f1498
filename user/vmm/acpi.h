/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ACPI tables in guest memory.
 */
#ifndef KVPCI_VMM_ACPI_H
#define KVPCI_VMM_ACPI_H

#include <stdint.h>

struct vm;

/**
 * acpi_build() - write all tables into memory
 * @vm: the VM, with its memory
 * @window: first byte of PCI's 64-bit memory window
 * @window_last: last byte of it
 * @rsdp: out: guest-physical address of the first table, the RSDP
 *
 * Return: 0 or a negative errno value, reported.
 */
int acpi_build(struct vm *vm, uint64_t window, uint64_t window_last,
	       uint64_t *rsdp);

#endif /* KVPCI_VMM_ACPI_H */
