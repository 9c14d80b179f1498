/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The first addresses of BARs, as firmware would choose them.
 */
#ifndef KVPCI_VMM_PCI_PLACE_H
#define KVPCI_VMM_PCI_PLACE_H

#include <linux/kvpci.h>
#include <stdbool.h>
#include <stdint.h>

struct vm;

/**
 * struct pci_places - the windows, and the first free address of each
 * @io_next: first free port
 * @mem32_next: first free address below 4 GiB
 * @mem64_next: first free address of the 64-bit window
 * @mem64_first: first byte of that window
 * @mem64_last: last byte of it
 */
struct pci_places {
	uint64_t io_next;
	uint64_t mem32_next;
	uint64_t mem64_next;
	uint64_t mem64_first;
	uint64_t mem64_last;
};

/**
 * pci_places_init() - choose the windows
 * @places: out
 * @vm: the VM, with its memory
 *
 * Return: 0 or a negative errno value, reported.
 */
int pci_places_init(struct pci_places *places, const struct vm *vm);

/**
 * pci_place() - find room for a function's BARs
 * @places: the windows
 * @bars: kinds and sizes
 * @addr: out: addresses, 0 where there is no BAR
 *
 * Return: 0 or a negative errno value, reported.
 */
int pci_place(struct pci_places *places, const struct kvpci_bar *bars,
	      uint64_t *addr);

/** pci_places_contain() - is an address inside one of the windows? */
bool pci_places_contain(const struct pci_places *places, bool io,
			uint64_t address);

#endif /* KVPCI_VMM_PCI_PLACE_H */
