/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The registers of a virtio device in a snapshot, whatever its type and whoever
 * answers them.
 */
#ifndef KVPCI_VMM_DEVICE_STATE_H
#define KVPCI_VMM_DEVICE_STATE_H

#include <stdbool.h>
#include <stdint.h>

struct snapshot;
struct snapshot_writer;
struct transport;

/**
 * struct device_numbers - what a device has, as it was described
 * @virtio_id: its type
 * @num_queues: queues
 * @num_vectors: MSI-X vectors
 * @device_config_size: bytes of device configuration
 * @features: feature bits that it offers
 */
struct device_numbers {
	uint32_t virtio_id;
	uint32_t num_queues;
	uint32_t num_vectors;
	uint32_t device_config_size;
	uint64_t features[2];
};

/**
 * device_save() - write a device's registers to a snapshot
 * @transport: who answers them
 * @numbers: how many there are
 * @w: the snapshot
 * @index: the device's number in it
 *
 * vCPUs and the backend have stopped, and nobody reads the device's events.
 */
void device_save(struct transport *transport, const struct device_numbers *numbers,
		 struct snapshot_writer *w, uint32_t index);

/**
 * device_restore() - give a device that is new the registers of a snapshot
 * @transport: who answers them
 * @numbers: how many there are
 * @s: the snapshot
 * @index: the device's number in it
 * @runs: out: the backend has to be started; no event will tell
 *
 * Return: 0 or a negative errno value, reported.
 */
int device_restore(struct transport *transport, const struct device_numbers *numbers,
		   struct snapshot *s, uint32_t index, bool *runs);

#endif /* KVPCI_VMM_DEVICE_STATE_H */
