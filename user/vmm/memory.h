/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's RAM: below the PCI hole and above 4 GiB.
 */
#ifndef KVPCI_VMM_MEMORY_H
#define KVPCI_VMM_MEMORY_H

#include <stdint.h>

#define MEMORY_MAX_SLOTS	2

/**
 * struct memory_slot - one stretch of RAM
 * @guest: guest-physical address
 * @size: bytes
 * @host: its address in this process
 */
struct memory_slot {
	uint64_t guest;
	uint64_t size;
	uint8_t *host;
};

struct memory {
	unsigned int num_slots;
	struct memory_slot slots[MEMORY_MAX_SLOTS];
};

struct snapshot;
struct snapshot_writer;
struct vm;

/**
 * memory_add() - give the VM its RAM
 * @vm: the VM
 * @size: bytes, a multiple of 1 MiB
 *
 * Return: 0 or a negative errno value, reported.
 */
int memory_add(struct vm *vm, uint64_t size);
void memory_free(struct memory *memory);

/**
 * memory_at() - translate a guest-physical range
 * @memory: the RAM
 * @guest: first byte; any value
 * @length: bytes, 1 or more
 *
 * Return: its address in this process, or NULL if any of it is not RAM.
 */
void *memory_at(const struct memory *memory, uint64_t guest, uint64_t length);

/** memory_end() - first guest-physical address behind all RAM */
uint64_t memory_end(const struct memory *memory);

/** memory_save() - write all pages that are not zero to a snapshot */
void memory_save(const struct memory *memory, struct snapshot_writer *w);

/**
 * memory_restore() - fill RAM that nobody has written to yet
 * @memory: the RAM
 * @s: the snapshot
 *
 * Return: 0 or a negative errno value, reported.
 */
int memory_restore(const struct memory *memory, struct snapshot *s);

#endif /* KVPCI_VMM_MEMORY_H */
