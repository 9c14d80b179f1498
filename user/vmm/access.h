/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Port and memory accesses of vCPUs, and the device that answers each.
 */
#ifndef KVPCI_VMM_ACCESS_H
#define KVPCI_VMM_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

struct vcpu;

/**
 * access_port() - one IN or OUT
 * @vcpu: the vCPU that makes it
 * @port: the port
 * @data: the value, little endian
 * @length: 1, 2 or 4
 * @write: direction
 */
void access_port(struct vcpu *vcpu, uint16_t port, uint8_t *data,
		 unsigned int length, bool write);

/**
 * access_memory() - one load or store where there is no RAM
 * @vcpu: the vCPU that makes it
 * @address: guest-physical address
 * @data: the value, little endian
 * @length: 1 to 8
 * @write: direction
 */
void access_memory(struct vcpu *vcpu, uint64_t address, uint8_t *data,
		   unsigned int length, bool write);

#endif /* KVPCI_VMM_ACCESS_H */
