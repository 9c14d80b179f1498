// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which descriptions of a device are sound, and the tables made of one.
 */
#include "internal.h"

#define REGION_ONCE	BIT(0)	/* may appear only once */
#define REGION_MEMORY	BIT(1)	/* drivers take it from memory only */

/* What each type of region asks of its place. */
static const struct region_rule {
	u16 align;
	u8 flags;
} region_rules[KVPCI_NUM_REGION_TYPES] = {
	[KVPCI_REGION_COMMON] = { .align = 4 },
	[KVPCI_REGION_NOTIFY] = { .align = 4 },
	[KVPCI_REGION_ISR] = { .align = 4 },
	[KVPCI_REGION_DEVICE] = { .align = 4 },
	[KVPCI_REGION_MSIX_TABLE] = { .align = 8,
				      .flags = REGION_ONCE | REGION_MEMORY },
	[KVPCI_REGION_MSIX_PBA] = { .align = 8,
				    .flags = REGION_ONCE | REGION_MEMORY },
	[KVPCI_REGION_SHM] = { .align = 4096, .flags = REGION_MEMORY },
};

/* Feature bits 0 to 63 that ask for something this core does not have. */
#define UNSUPPORTED_FEATURES					\
	(BIT_ULL(37) |	/* SR_IOV */				\
	 BIT_ULL(44) | BIT_ULL(45) | BIT_ULL(46) |	/* reserved */	\
	 BIT_ULL(47) | BIT_ULL(48) | BIT_ULL(49))

static bool offers(const struct kvpci_device_create *desc, unsigned int bit)
{
	return desc->features[bit / 64] & BIT_ULL(bit % 64);
}

static int check_bars(const struct kvpci_bar *bars)
{
	unsigned int i;

	for (i = 0; i < KVPCI_NUM_BARS; i++) {
		const struct kvpci_bar *bar = &bars[i];
		u32 min = 4096, max = 1U << 30;

		if (bar->kind > KVPCI_BAR_MEM64)
			return -EINVAL;
		if (i && bars[i - 1].kind == KVPCI_BAR_MEM64 &&
		    bar->kind != KVPCI_BAR_NONE)
			return -EINVAL;
		if (i == KVPCI_NUM_BARS - 1 && bar->kind == KVPCI_BAR_MEM64)
			return -EINVAL;
		if (bar->kind == KVPCI_BAR_NONE) {
			if (bar->size)
				return -EINVAL;
			continue;
		}
		if (bar->kind == KVPCI_BAR_IO) {
			min = 4;
			max = 256;
		}
		if (bar->size < min || bar->size > max ||
		    !is_power_of_2(bar->size))
			return -EINVAL;
	}
	return 0;
}

/* How far the common configuration reaches, by the features offered. */
static u32 common_need(const struct kvpci_device_create *desc)
{
	if (offers(desc, VIRTIO_F_ADMIN_VQ))
		return 64;
	if (offers(desc, VIRTIO_F_RING_RESET))
		return 60;
	return offers(desc, VIRTIO_F_NOTIF_CONFIG_DATA) ? 58 : 56;
}

/* Bytes the driver may write to a doorbell. */
static u32 doorbell_width(const struct kvpci_device_create *desc)
{
	return offers(desc, VIRTIO_F_NOTIFICATION_DATA) ? 4 : 2;
}

/* Bytes a region of this type needs on this device. */
static u64 region_need(const struct kvpci_device_create *desc,
		       const struct kvpci_region *region)
{
	switch (region->type) {
	case KVPCI_REGION_COMMON:
		return common_need(desc);
	case KVPCI_REGION_NOTIFY:
		return (u64)(desc->num_queues - 1) * region->multiplier +
		       doorbell_width(desc);
	case KVPCI_REGION_ISR:
		return 1;
	case KVPCI_REGION_DEVICE:
		return desc->device_config_size ? desc->device_config_size : 1;
	case KVPCI_REGION_MSIX_TABLE:
		return (u64)desc->num_vectors * PCI_MSIX_ENTRY_SIZE;
	case KVPCI_REGION_MSIX_PBA:
		return (u64)(desc->num_vectors + 63) / 64 * 8;
	default: /* KVPCI_REGION_SHM: whole pages, any number */
		return 0;
	}
}

static int check_region(const struct kvpci_device_create *desc,
			const struct kvpci_region *region)
{
	const struct kvpci_bar *bar;

	if (!region->type || region->type >= ARRAY_SIZE(region_rules))
		return -EINVAL;
	if (region->type == KVPCI_REGION_SHM ?
	    region->id > 255 || region->length % 4096 : region->id)
		return -EINVAL;
	if (region->offset % region_rules[region->type].align)
		return -EINVAL;
	/* 4.1.4.4.1: 0, or a power of 2 that keeps doorbells apart */
	if (region->multiplier &&
	    (region->type != KVPCI_REGION_NOTIFY ||
	     region->multiplier < doorbell_width(desc) ||
	     !is_power_of_2(region->multiplier)))
		return -EINVAL;
	if (!region->length || region->length < region_need(desc, region))
		return -EINVAL;
	if (region->bar >= KVPCI_NUM_BARS)
		return -ENXIO;
	bar = &desc->bars[region->bar];
	if (bar->kind == KVPCI_BAR_NONE)
		return -ENXIO;
	if (region_rules[region->type].flags & REGION_MEMORY &&
	    bar->kind == KVPCI_BAR_IO)
		return -EINVAL;
	if ((u64)region->offset + region->length > bar->size)
		return -ERANGE;
	return 0;
}

static bool regions_clash(const struct kvpci_region *a,
			  const struct kvpci_region *b)
{
	if (a->type == b->type && region_rules[a->type].flags & REGION_ONCE)
		return true;
	/* 2.10: an identifier of its own */
	if (a->type == b->type && a->type == KVPCI_REGION_SHM && a->id == b->id)
		return true;
	return a->bar == b->bar && a->offset < b->offset + b->length &&
	       b->offset < a->offset + a->length;
}

static int check_regions(const struct kvpci_device_create *desc,
			 const struct kvpci_region *regions)
{
	unsigned int i, j;
	u32 need, have = 0;
	int err;

	for (i = 0; i < desc->num_regions; i++) {
		err = check_region(desc, &regions[i]);
		if (err)
			return err;
	}
	for (i = 0; i < desc->num_regions; i++) {
		for (j = 0; j < i; j++)
			if (regions_clash(&regions[i], &regions[j]))
				return -EEXIST;
		have |= BIT(regions[i].type);
	}

	need = BIT(KVPCI_REGION_COMMON) | BIT(KVPCI_REGION_NOTIFY) |
	       BIT(KVPCI_REGION_ISR);
	if (desc->device_config_size)
		need |= BIT(KVPCI_REGION_DEVICE);
	if (desc->num_vectors)
		need |= BIT(KVPCI_REGION_MSIX_TABLE) | BIT(KVPCI_REGION_MSIX_PBA);
	if (need & ~have)
		return -ENODATA;
	/* What no driver could make sense of. */
	if (!desc->num_vectors &&
	    have & (BIT(KVPCI_REGION_MSIX_TABLE) | BIT(KVPCI_REGION_MSIX_PBA)))
		return -EINVAL;
	return 0;
}

static int check_counts(const struct kvpci_device_create *desc,
			const u16 *queue_sizes)
{
	unsigned int i;

	if (!desc->virtio_id || desc->virtio_id > 63)
		return -EINVAL;
	if (!desc->num_queues || desc->num_queues > KVPCI_MAX_QUEUES)
		return -EINVAL;
	/* 4.1.4.3.1: behind the others; R17's upper bound cannot be reached */
	if (offers(desc, VIRTIO_F_ADMIN_VQ) ?
	    !desc->num_admin_queues || desc->num_admin_queues >= desc->num_queues :
	    desc->num_admin_queues)
		return -EINVAL;
	/* R35 asks for two; one is for guests that have been shown one so far. */
	if (desc->num_vectors > KVPCI_MAX_VECTORS)
		return -EINVAL;
	if (desc->device_config_size > KVPCI_MAX_DEVICE_CONFIG)
		return -EINVAL;
	if (desc->num_feature_deps > KVPCI_MAX_FEATURE_DEPS)
		return -EINVAL;
	if (!desc->num_regions || desc->num_regions > KVPCI_MAX_REGIONS)
		return -EINVAL;
	if (!(desc->features[0] & BIT_ULL(VIRTIO_F_VERSION_1)))
		return -EINVAL;
	for (i = 0; i < desc->num_queues; i++)
		if (queue_sizes[i] &&
		    (queue_sizes[i] > KVPCI_MAX_QUEUE_SIZE ||
		     !is_power_of_2(queue_sizes[i])))
			return -EINVAL;
	return 0;
}

/* R21: values that tell queues apart. */
static int check_notif_data(const struct kvpci_device_create *desc,
			    const u16 *data)
{
	u64 seen[(KVPCI_MAX_NOTIF_DATA + 1) / 64] = {};
	unsigned int i;

	if (!desc->notif_config_data)
		return 0;
	if (!offers(desc, VIRTIO_F_NOTIF_CONFIG_DATA))
		return -EINVAL;
	for (i = 0; i < desc->num_queues; i++) {
		if (data[i] > KVPCI_MAX_NOTIF_DATA)
			return -EINVAL;
		if (seen[data[i] / 64] & BIT_ULL(data[i] % 64))
			return -EEXIST;
		seen[data[i] / 64] |= BIT_ULL(data[i] % 64);
	}
	return 0;
}

/* 2.2.2: no feature is offered without one that it needs. */
static int check_deps(const struct kvpci_device_create *desc,
		      const struct kvpci_feature_dep *deps)
{
	unsigned int i;

	for (i = 0; i < desc->num_feature_deps; i++) {
		const struct kvpci_feature_dep *dep = &deps[i];

		if (dep->feature > 127 || dep->__reserved ||
		    !(dep->any_of[0] | dep->any_of[1]))
			return -EINVAL;
		if (offers(desc, dep->feature) &&
		    !(dep->any_of[0] & desc->features[0] ||
		      dep->any_of[1] & desc->features[1]))
			return -ENODATA;
	}
	return 0;
}

int kvpci_core_check(const struct kvpci_device_create *desc,
		     const struct kvpci_arrays *arrays)
{
	int err;

	err = check_counts(desc, arrays->queue_sizes);
	if (err)
		return err;
	if (desc->features[0] & UNSUPPORTED_FEATURES)
		return -EOPNOTSUPP;
	err = check_deps(desc, arrays->feature_deps);
	if (err)
		return err;
	err = check_notif_data(desc, arrays->notif_config_data);
	if (err)
		return err;
	err = check_bars(desc->bars);
	if (err)
		return err;
	return check_regions(desc, arrays->regions);
}

void kvpci_core_arrays(struct kvpci_core *core,
		       const struct kvpci_device_create *desc,
		       struct kvpci_array arrays[KVPCI_NUM_ARRAYS])
{
	size_t config_size = desc->device_config_size;
	bool named = offers(desc, VIRTIO_F_NOTIF_CONFIG_DATA);
	const struct kvpci_array table[KVPCI_NUM_ARRAYS] = {
		{ (void **)&core->queues, desc->num_queues * sizeof(*core->queues),
		  __alignof__(*core->queues) },
		{ (void **)&core->vectors, desc->num_vectors * sizeof(*core->vectors),
		  KVPCI_PAGE_SIZE },
		{ (void **)&core->device_config, config_size, 0 },
		{ (void **)&core->device_config_mask,
		  desc->device_config_mask ? config_size : 0, 0 },
		{ (void **)&core->notif_queues,
		  named ? (KVPCI_MAX_NOTIF_DATA + 1) * sizeof(*core->notif_queues) : 0, 0 },
		{ (void **)&core->deps,
		  desc->num_feature_deps * sizeof(*core->deps), 0 },
	};

	memcpy(arrays, table, sizeof(table));
}

/*
 * Doorbells first: they are what a running device is asked for.
 * Return: @n, advanced by the regions of the BAR.
 */
static unsigned int add_regions(struct kvpci_core *core, unsigned int n,
				unsigned int bar,
				const struct kvpci_device_create *desc,
				const struct kvpci_region *regions)
{
	unsigned int i;

	for (i = 0; i < desc->num_regions; i++)
		if (regions[i].bar == bar &&
		    regions[i].type == KVPCI_REGION_NOTIFY)
			core->regions[n++] = regions[i];
	for (i = 0; i < desc->num_regions; i++)
		if (regions[i].bar == bar &&
		    regions[i].type != KVPCI_REGION_NOTIFY)
			core->regions[n++] = regions[i];
	return n;
}

static void init_queues(struct kvpci_core *core,
			const struct kvpci_arrays *arrays)
{
	bool named = kvpci_core_offers(core, VIRTIO_F_NOTIF_CONFIG_DATA);
	unsigned int i;

	if (named)
		memset(core->notif_queues, 0xff,
		       (KVPCI_MAX_NOTIF_DATA + 1) * sizeof(*core->notif_queues));
	for (i = 0; i < core->num_queues; i++) {
		struct kvpci_queue *queue = &core->queues[i];

		queue->size_max = arrays->queue_sizes[i];
		queue->notify_off = i;
		queue->notif_data = arrays->notif_config_data ?
				    arrays->notif_config_data[i] : i;
		if (named)
			core->notif_queues[queue->notif_data] = i;
	}
}

void kvpci_core_init(struct kvpci_core *core,
		     const struct kvpci_device_create *desc,
		     const struct kvpci_arrays *arrays)
{
	const struct kvpci_region *regions = arrays->regions;
	unsigned int bar, i, n = 0;

	memcpy(core->bars, desc->bars, sizeof(core->bars));
	memcpy(core->described, regions, desc->num_regions * sizeof(*regions));
	for (bar = 0; bar < KVPCI_NUM_BARS; bar++) {
		core->region_first[bar] = n;
		n = add_regions(core, n, bar, desc, regions);
	}
	core->region_first[bar] = n;

	for (i = 0; i < KVPCI_FEATURE_WORDS; i++)
		core->features[i] = desc->features[i / 2] >> (i % 2 * 32);
	core->num_queues = desc->num_queues;
	core->num_admin_queues = desc->num_admin_queues;
	core->num_vectors = desc->num_vectors;
	core->device_config_size = desc->device_config_size;
	core->exits = desc->flags & KVPCI_EXITS;
	core->num_deps = desc->num_feature_deps;
	if (core->num_deps)
		memcpy(core->deps, arrays->feature_deps,
		       core->num_deps * sizeof(*core->deps));

	init_queues(core, arrays);
	core->queues_touched = core->num_queues;
	kvpci_core_msix_reset(core);
	kvpci_core_reset(core);
}
