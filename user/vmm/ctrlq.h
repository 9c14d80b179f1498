/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A control virtqueue served by the launcher itself. It is a split ring; each index
 * and address in it is the guest's word and is checked.
 */
#ifndef KVPCI_VMM_CTRLQ_H
#define KVPCI_VMM_CTRLQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CTRLQ_REQUEST_MAX	64	/* bytes of a request that are looked at */

struct kvpci_queue_state;
struct memory;
struct vring_avail;
struct vring_desc;
struct vring_used;

/**
 * struct ctrlq - the ring
 * @memory: the guest's RAM
 * @desc: its descriptors, as mapped here
 * @avail: buffers that the driver offers
 * @used: requests that have been carried out
 * @avail_event: behind @used: when the driver is to kick (2.7.10)
 * @size: entries, a power of two
 * @next: next entry of @avail to look at
 * @indirect: VIRTIO_F_INDIRECT_DESC was accepted
 * @event_idx: VIRTIO_F_EVENT_IDX was accepted
 * @handle: carries a request out and returns its status byte
 * @opaque: for @handle
 */
struct ctrlq {
	const struct memory *memory;
	const struct vring_desc *desc;
	volatile struct vring_avail *avail;
	volatile struct vring_used *used;
	volatile uint16_t *avail_event;
	uint32_t size;
	uint16_t next;
	bool indirect;
	bool event_idx;
	uint8_t (*handle)(void *opaque, const uint8_t *request, size_t length);
	void *opaque;
};

/**
 * ctrlq_start() - take over a ring
 * @q: with memory, handle and opaque set
 * @queue: size and addresses of the ring
 * @features: feature bits that the driver accepted
 *
 * Return: 0, or -EFAULT: the ring is misaligned or not in RAM.
 */
int ctrlq_start(struct ctrlq *q, const struct kvpci_queue_state *queue,
		uint64_t features);

/* Results of ctrlq_run(); bits. */
enum ctrlq_result {
	CTRLQ_CALL = 1,		/* the driver wants an interrupt */
	CTRLQ_MORE = 2,		/* there are more requests: run again */
};

/**
 * ctrlq_run() - carry out requests, at most one ring full
 * @q: the ring
 *
 * Return: bits of enum ctrlq_result, or -EPROTO: the ring makes no sense and
 *	must not be used again.
 */
int ctrlq_run(struct ctrlq *q);

#endif /* KVPCI_VMM_CTRLQ_H */
