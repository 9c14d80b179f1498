/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PCI bus 0: configuration space of its functions, and where their BARs are.
 */
#ifndef KVPCI_VMM_PCI_H
#define KVPCI_VMM_PCI_H

#include <linux/kvpci.h>
#include <stdbool.h>
#include <stdint.h>

#include "exits.h"
#include "transport.h"

struct pci;
struct vm;

enum pci_space {
	PCI_SPACE_MEMORY,
	PCI_SPACE_IO,
};

/**
 * pci_create() - make the bus
 * @vm: the VM, with its memory; receives the bus
 * @max_devices: devices it is going to have, at most PCI_MAX_DEVICES
 *
 * Return: 0 or a negative errno value, reported.
 */
int pci_create(struct vm *vm, unsigned int max_devices);
void pci_free(struct vm *vm);

/** pci_window64() - the 64-bit memory window: first and last byte */
void pci_window64(const struct pci *pci, uint64_t *first, uint64_t *last);

/**
 * pci_add() - make a device the next function of the bus and place its BARs
 * @pci: the bus
 * @desc: the device, with its regions
 * @place: class_code, and vendor_data if there is any; the rest is filled in
 * @transport: the transport that answers its registers; outlives the bus's last access
 *
 * Return: 0 or a negative errno value, reported.
 */
int pci_add(struct pci *pci, const struct kvpci_device_create *desc,
	    struct kvpci_device_place *place, struct transport *transport);

/**
 * pci_config_access() - access configuration space through the ECAM
 * @pci: the bus
 * @offset: into the ECAM
 * @data: the value, little endian
 * @length: 1 to 8
 * @direction: read or write
 *
 * All bits read as one where there is no function, and where the access is not one
 * that PCI has.
 *
 * Return: false if it is the VMM's, which hands it back by the transport.
 */
bool pci_config_access(struct pci *pci, uint32_t offset, uint8_t *data,
		       unsigned int length, enum transport_direction direction);

/**
 * pci_bar_access() - an access that came to userspace, perhaps to a BAR
 * @pci: the bus
 * @space: memory or I/O
 * @address: guest-physical address or port
 * @data: the value, little endian
 * @length: 1 to 8
 * @direction: read or write
 * @class: out: the structure accessed, for the counts; unchanged where no BAR can be
 *
 * Return: false if no BAR holds all of it, or it is the VMM's; then nothing was done.
 */
bool pci_bar_access(struct pci *pci, enum pci_space space, uint64_t address,
		    uint8_t *data, unsigned int length,
		    enum transport_direction direction,
		    enum exit_class *class);

#endif /* KVPCI_VMM_PCI_H */
