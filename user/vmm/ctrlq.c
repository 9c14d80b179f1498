// SPDX-License-Identifier: GPL-2.0-only
/*
 * Split virtqueue (2.7), device side. The guest may change its memory at any
 * time, so a copy is taken once, checked and used.
 */
#include <errno.h>
#include <linux/kvpci.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "ctrlq.h"
#include "memory.h"

/* 2.7 */
#define DESC_ALIGN	16
#define AVAIL_ALIGN	2
#define USED_ALIGN	4

/**
 * struct walk - a descriptor chain on the way
 * @table: descriptors, of the ring or of an indirect table
 * @entries: how many
 * @left: descriptors that may still come; a chain is no longer than the ring
 * @inside: @table is an indirect one, which cannot lead to another
 * @request: device-readable bytes
 * @length: how many
 * @status: first device-writable byte, or NULL
 */
struct walk {
	const struct vring_desc *table;
	uint32_t entries;
	uint32_t left;
	bool inside;
	uint8_t request[CTRLQ_REQUEST_MAX];
	size_t length;
	uint8_t *status;
};

/* One descriptor that describes a buffer. */
static int take_buffer(const struct ctrlq *q, struct walk *w,
		       const struct vring_desc *d)
{
	size_t n = sizeof(w->request) - w->length;
	uint8_t *bytes;

	if (!d->len)
		return 0;
	bytes = memory_at(q->memory, d->addr, d->len);
	if (!bytes)
		return -EPROTO;
	if (d->flags & VRING_DESC_F_WRITE) {
		if (!w->status)
			w->status = bytes;
		return 0;
	}
	if (w->status)
		return -EPROTO;		/* 2.7.4.2: readable ones come first */
	if (n > d->len)
		n = d->len;
	memcpy(w->request + w->length, bytes, n);
	w->length += n;
	return 0;
}

/* Go on in an indirect table (2.7.5.3). */
static int enter_table(const struct ctrlq *q, struct walk *w,
		       const struct vring_desc *d)
{
	if (!q->indirect || w->inside ||
	    d->flags & VRING_DESC_F_NEXT || !d->len || d->len % sizeof(*d) ||
	    d->len / sizeof(*d) > q->size)
		return -EPROTO;
	w->inside = true;
	w->table = memory_at(q->memory, d->addr, d->len);
	w->entries = d->len / sizeof(*d);
	w->left = w->entries;
	return w->table ? 0 : -EPROTO;
}

static int walk_chain(const struct ctrlq *q, uint16_t head, struct walk *w)
{
	uint16_t index = head;
	struct vring_desc d;
	int err;

	memset(w, 0, sizeof(*w));
	w->table = q->desc;
	w->entries = q->size;
	w->left = q->size;
	for (;;) {
		if (index >= w->entries || !w->left--)
			return -EPROTO;
		memcpy(&d, &w->table[index], sizeof(d));
		if (d.flags & VRING_DESC_F_INDIRECT) {
			err = enter_table(q, w, &d);
			index = 0;
		} else {
			err = take_buffer(q, w, &d);
			index = d.next;
			if (!err && !(d.flags & VRING_DESC_F_NEXT))
				return 0;
		}
		if (err)
			return err;
	}
}

static int run_one(struct ctrlq *q, uint16_t head)
{
	volatile struct vring_used_elem *elem;
	uint16_t at = q->next;	/* in order: as many used as looked at */
	struct walk w;
	int err;

	if (head >= q->size)
		return -EPROTO;
	err = walk_chain(q, head, &w);
	if (err)
		return err;
	if (w.status)
		*w.status = q->handle(q->opaque, w.request, w.length);
	elem = &q->used->ring[at & (q->size - 1)];
	elem->id = head;
	elem->len = w.status ? 1 : 0;
	__atomic_store_n(&q->used->idx, (uint16_t)(at + 1), __ATOMIC_RELEASE);
	return 0;
}

static uint16_t available(const struct ctrlq *q)
{
	return __atomic_load_n(&q->avail->idx, __ATOMIC_ACQUIRE);
}

/* 2.7.7.2, 2.7.10: does the driver want to hear of these? */
static bool wants_call(const struct ctrlq *q, uint16_t old)
{
	if (!q->event_idx)
		return !(q->avail->flags & VRING_AVAIL_F_NO_INTERRUPT);
	return vring_need_event(q->avail->ring[q->size], q->next, old);
}

int ctrlq_start(struct ctrlq *q, const struct kvpci_queue_state *queue,
		uint64_t features)
{
	uint32_t n = queue->queue_size;
	uint64_t used_size = sizeof(*q->used) + sizeof(q->used->ring[0]) * n;
	uint8_t *used;

	if (!n || n & (n - 1) || queue->desc % DESC_ALIGN ||
	    queue->driver % AVAIL_ALIGN || queue->device % USED_ALIGN)
		return -EFAULT;
	q->size = n;
	q->next = 0;
	q->indirect = features & 1ULL << VIRTIO_RING_F_INDIRECT_DESC;
	q->event_idx = features & 1ULL << VIRTIO_RING_F_EVENT_IDX;
	q->desc = memory_at(q->memory, queue->desc, sizeof(*q->desc) * n);
	q->avail = memory_at(q->memory, queue->driver, 6 + 2ULL * n);
	used = memory_at(q->memory, queue->device, used_size + 2);
	if (!q->desc || !q->avail || !used)
		return -EFAULT;
	q->used = (void *)used;
	q->avail_event = (void *)(used + used_size);
	return 0;
}

int ctrlq_run(struct ctrlq *q)
{
	uint16_t old = q->next, count;
	int err, result = 0;

	count = available(q) - q->next;
	if (count > q->size)
		return -EPROTO;
	while (count--) {
		err = run_one(q, q->avail->ring[q->next & (q->size - 1)]);
		if (err)
			return err;
		q->next++;
	}
	/* Ask for the next kick, then look again: it may have come before. */
	if (q->event_idx)
		*q->avail_event = q->next;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (available(q) != q->next)
		result |= CTRLQ_MORE;
	if (q->next != old && wants_call(q, old))
		result |= CTRLQ_CALL;
	return result;
}
