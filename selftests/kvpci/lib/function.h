/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine whose device is a function of a PCI bus.
 */
#ifndef KVPCI_SELFTEST_FUNCTION_H
#define KVPCI_SELFTEST_FUNCTION_H

#include "machine.h"

#define MODULE_BUSES	2	/* the launcher has one */
#define FN(bus, dev, fn) ((bus) << 8 | (dev) << 3 | (fn))
#define OURS		FN(0, 1, 0)	/* the machine's device */
#define USERS		FN(0, 0, 0)	/* the VMM's own, if it has one */
#define PIN		DEV_PIN
#define BAR(n)		(PCI_BASE_ADDRESS_0 + 4 * (n))

/** place() - libkvpci_device_place() of the module. Return: 0 or -errno */
int place(int dev, uint32_t function, uint32_t class_code, uint32_t pin,
	  uint32_t gsi);

/** place_vendor() - place() with a vendor data capability, if it has bytes */
int place_vendor(int dev, uint32_t function, uint32_t class_code, uint32_t pin,
		 uint32_t gsi, const void *data, uint32_t length);

/** function_create() - a machine and its device, as firmware finds it */
void function_create(struct machine *m, const struct machine_ops *ops,
		     struct device_desc *desc, const void *vendor,
		     uint32_t length);

/** at_function() - where the guest finds a byte of a function's space */
uint64_t at_function(uint32_t function, uint32_t offset);

/** cfg_rd() - the guest reads the device's configuration space */
uint32_t cfg_rd(struct machine *m, uint32_t offset, unsigned int width);

/**
 * cfg_wr() - the guest writes it; what exits is handed back, as a VMM does
 *
 * Return: how many exits it took.
 */
unsigned int cfg_wr(struct machine *m, uint32_t offset, unsigned int width,
		    uint32_t value);

/** find_cap() - the nth capability of an id, and cfg_type (0: any), or 0 */
uint32_t find_cap(struct machine *m, uint8_t id, uint8_t type, int nth);

/**
 * set_up() - as firmware leaves it: BARs placed, decoding, bus master
 *
 * Return: how many exits that took.
 */
unsigned int set_up(struct machine *m);

#endif
