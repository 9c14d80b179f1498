// SPDX-License-Identifier: GPL-2.0-only
/*
 * struct kvpci_device_registers and the arrays it points to, one behind the other.
 * What the registers may hold is for the transport to check.
 */
#include <errno.h>
#include <linux/kvpci.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "device_state.h"
#include "report.h"
#include "snapshot.h"
#include "transport.h"
#include "util.h"

#define PCI_CONFIG_SIZE	4096
#define MSIX_ENTRY_SIZE	16

/* Its section of a snapshot; the arrays follow, each aligned to 8 bytes. */
struct record {
	uint32_t virtio_id;
	uint32_t reserved;
	struct kvpci_device_registers registers;
};

/* Where the arrays lie in the section; 0 of each is none. */
struct layout {
	size_t at[5];
	size_t size;
};

static size_t align(size_t n)
{
	return (n + SNAPSHOT_ALIGN - 1) / SNAPSHOT_ALIGN * SNAPSHOT_ALIGN;
}

static struct layout lay_out(const struct device_numbers *n)
{
	const size_t sizes[] = {
		n->num_queues * sizeof(struct kvpci_queue_registers),
		n->num_vectors * (size_t)MSIX_ENTRY_SIZE,
		(n->num_vectors + 63) / 64 * sizeof(uint64_t),
		n->device_config_size,
		PCI_CONFIG_SIZE,
	};
	struct layout layout = { .size = sizeof(struct record) };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		layout.at[i] = layout.size;
		layout.size += align(sizes[i]);
	}
	return layout;
}

/* Numbers and pointers are ours, whatever a file says. */
static void set_up(struct record *record, const struct device_numbers *n,
		   const struct layout *layout)
{
	struct kvpci_device_registers *r = &record->registers;
	__u64 *const pointers[] = {
		&r->queues, &r->vectors, &r->pending, &r->device_config,
		&r->pci_config,
	};
	size_t i;

	r->size = sizeof(*r);
	r->num_queues = n->num_queues;
	r->num_vectors = n->num_vectors;
	r->device_config_size = n->device_config_size;
	r->pci_config_size = PCI_CONFIG_SIZE;
	for (i = 0; i < ARRAY_SIZE(pointers); i++)
		*pointers[i] = (uintptr_t)record + layout->at[i];
}

/* They mean nothing to who reads the file. */
static void forget_pointers(struct kvpci_device_registers *r)
{
	r->queues = 0;
	r->vectors = 0;
	r->pending = 0;
	r->device_config = 0;
	r->pci_config = 0;
}

void device_save(struct transport *transport, const struct device_numbers *numbers,
		 struct snapshot_writer *w, uint32_t index)
{
	const struct layout layout = lay_out(numbers);
	struct record *record = calloc(1, layout.size);
	int err = record ? 0 : -ENOMEM;

	if (!err) {
		record->virtio_id = numbers->virtio_id;
		set_up(record, numbers, &layout);
		err = transport->ops->save(transport, &record->registers);
	}
	if (err) {
		report_error(err, "--snapshot: the registers of device %u", index);
		snapshot_fail(w, err);
	} else {
		forget_pointers(&record->registers);
		snapshot_put(w, SNAPSHOT_DEVICE, index, record, layout.size);
	}
	free(record);
}

static int check(const struct snapshot *s, uint32_t index,
		 const struct record *record, const struct device_numbers *n)
{
	const struct kvpci_device_registers *r = &record->registers;
	unsigned int i;

	if (record->virtio_id != n->virtio_id)
		return snapshot_refuse(s, SNAPSHOT_DEVICE, index,
				       "it is of a device of type %u, and here is one of type %u",
				       record->virtio_id, n->virtio_id);
	if (r->size != sizeof(*r) || r->num_queues != n->num_queues ||
	    r->num_vectors != n->num_vectors ||
	    r->device_config_size != n->device_config_size ||
	    r->pci_config_size != PCI_CONFIG_SIZE)
		return snapshot_refuse(s, SNAPSHOT_DEVICE, index,
				       "the device had %u queues and %u vectors, and has %u and %u here",
				       r->num_queues, r->num_vectors, n->num_queues,
				       n->num_vectors);
	for (i = 0; i < ARRAY_SIZE(n->features); i++)
		if (r->driver_features[i] & ~n->features[i] &&
		    r->backend != KVPCI_BACKEND_STOPPED)
			return snapshot_refuse(s, SNAPSHOT_DEVICE, index,
					       "the guest uses features %#llx (word %u) that this host does not offer; restore it where it was saved",
					       (unsigned long long)(r->driver_features[i] &
								    ~n->features[i]), i);
	return 0;
}

int device_restore(struct transport *transport, const struct device_numbers *numbers,
		   struct snapshot *s, uint32_t index, bool *runs)
{
	const struct layout layout = lay_out(numbers);
	struct record *record;
	int err;

	record = calloc(1, layout.size);
	if (!record)
		return report_error(-ENOMEM, "--restore");
	err = snapshot_get(s, SNAPSHOT_DEVICE, index, record, layout.size);
	if (!err)
		err = check(s, index, record, numbers);
	if (!err) {
		set_up(record, numbers, &layout);
		err = transport->ops->restore(transport, &record->registers);
		if (err)
			report_error(err, "--restore: '%s': the registers of device %u are not such as this device can have",
				     s->path, index);
	}
	/* A STOP that has been read has been acknowledged, too, when it was saved. */
	*runs = !err && (record->registers.backend == KVPCI_BACKEND_RUNNING ||
			 record->registers.backend == KVPCI_BACKEND_STOPPING);
	free(record);
	return err;
}
