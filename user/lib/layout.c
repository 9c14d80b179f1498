// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The default places of a device's structures. Port I/O is the cheapest access that
 * reaches the host. Memory is for drivers that cannot use ports, and a page for each
 * structure lets the host treat them differently. On Intel's processors doorbells in
 * memory are cheaper still: with LIBKVPCI_LAYOUT_FAST_MMIO they are only there.
 */
#include <errno.h>
#include <linux/virtio_pci.h>
#include <string.h>

#include <kvpci/kvpci.h>

#define IO_BAR		0U
#define IO_BAR_MAX	256U
#define MEM_BAR		2U
#define PAGE		4096U
#define DOORBELL	4U		/* bytes a queue, in memory */
#define MSIX_ENTRY	16U		/* bytes a vector */
/* With queue_notify_data and queue_reset, rounded up to the next capability. */
#define COMMON_SIZE	64U
#define ISR_SIZE	4U
#define ALL_FLAGS	(LIBKVPCI_LAYOUT_MEMORY | LIBKVPCI_LAYOUT_MEM32 | \
			 LIBKVPCI_LAYOUT_FAST_MMIO)
#define NOTIFICATION_DATA (1ULL << 38)

struct layout {
	struct kvpci_device_create *desc;
	struct kvpci_region *regions;
	uint32_t bar;
	uint32_t at;		/* first free byte of the BAR */
	uint32_t align;		/* where regions may begin */
};

static uint32_t round_up(uint32_t n, uint32_t align)
{
	return (n + align - 1) / align * align;
}

static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 4;

	while (p < n)
		p *= 2;
	return p;
}

static void place(struct layout *l, uint32_t type, uint32_t length,
		  uint32_t multiplier)
{
	if (!length)
		return;
	l->regions[l->desc->num_regions++] = (struct kvpci_region) {
		.type = type,
		.bar = l->bar,
		.offset = l->at,
		.length = length,
		.multiplier = multiplier,
	};
	l->at = round_up(l->at + length, l->align);
}

static void lay_out_ports(struct layout *l, unsigned int flags)
{
	uint32_t config = round_up(l->desc->device_config_size, 4);

	l->bar = IO_BAR;
	l->align = 4;
	l->at = 0;
	place(l, KVPCI_REGION_COMMON, COMMON_SIZE, 0);
	place(l, KVPCI_REGION_ISR, ISR_SIZE, 0);
	if (!(flags & LIBKVPCI_LAYOUT_FAST_MMIO) ||
	    l->desc->features[0] & NOTIFICATION_DATA)
		place(l, KVPCI_REGION_NOTIFY, DOORBELL, 0);
	if (l->at + config <= IO_BAR_MAX)
		place(l, KVPCI_REGION_DEVICE, config, 0);
	l->desc->bars[IO_BAR].kind = KVPCI_BAR_IO;
	l->desc->bars[IO_BAR].size = power_of_two(l->at);
}

static void lay_out_memory(struct layout *l, uint32_t kind)
{
	const struct kvpci_device_create *desc = l->desc;
	uint32_t pba = (desc->num_vectors + 63) / 64 * 8;

	l->bar = MEM_BAR;
	l->align = PAGE;
	l->at = 0;
	place(l, KVPCI_REGION_COMMON, COMMON_SIZE, 0);
	place(l, KVPCI_REGION_ISR, ISR_SIZE, 0);
	place(l, KVPCI_REGION_DEVICE, round_up(desc->device_config_size, 4), 0);
	place(l, KVPCI_REGION_NOTIFY, desc->num_queues * DOORBELL, DOORBELL);
	place(l, KVPCI_REGION_MSIX_TABLE, desc->num_vectors * MSIX_ENTRY, 0);
	place(l, KVPCI_REGION_MSIX_PBA, pba, 0);
	l->desc->bars[MEM_BAR].kind = kind;
	l->desc->bars[MEM_BAR].size = power_of_two(l->at);
}

int libkvpci_default_layout(struct kvpci_device_create *desc,
			    struct kvpci_region regions[KVPCI_MAX_REGIONS],
			    unsigned int flags)
{
	struct layout l = { .desc = desc, .regions = regions };

	if (!desc->num_queues || desc->num_queues > KVPCI_MAX_QUEUES ||
	    desc->num_vectors > KVPCI_MAX_VECTORS ||
	    desc->device_config_size > KVPCI_MAX_DEVICE_CONFIG || flags & ~ALL_FLAGS)
		return -EINVAL;
	memset(desc->bars, 0, sizeof(desc->bars));
	memset(regions, 0, KVPCI_MAX_REGIONS * sizeof(regions[0]));
	desc->num_regions = 0;
	desc->regions = (uint64_t)(uintptr_t)regions;
	if (!(flags & LIBKVPCI_LAYOUT_MEMORY))
		lay_out_ports(&l, flags);
	lay_out_memory(&l, flags & LIBKVPCI_LAYOUT_MEM32 ? KVPCI_BAR_MEM32 :
		       KVPCI_BAR_MEM64);
	return 0;
}
