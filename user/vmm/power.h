/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ACPI's fixed power registers (PM1a), the reset register, and the keyboard
 * controller's reset line.
 */
#ifndef KVPCI_VMM_POWER_H
#define KVPCI_VMM_POWER_H

#include <stdbool.h>
#include <stdint.h>

struct snapshot;
struct snapshot_writer;
struct vm;

struct power {
	uint16_t enable;	/* PM1_EN: kept, though no event is ever raised */
	uint16_t control;	/* PM1_CNT */
};

/**
 * power_access() - the guest accesses a port
 * @vm: the VM
 * @port: any port
 * @data: the value
 * @length: 1, 2 or 4
 * @write: direction
 *
 * Return: false if the port is none of these.
 */
bool power_access(struct vm *vm, uint16_t port, uint8_t *data,
		  unsigned int length, bool write);

/** power_save() - write the registers to a snapshot */
void power_save(const struct power *power, struct snapshot_writer *w);
int power_restore(struct power *power, struct snapshot *s);

#endif /* KVPCI_VMM_POWER_H */
