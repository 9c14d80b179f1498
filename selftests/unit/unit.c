// SPDX-License-Identifier: GPL-2.0-only
/*
 * The unit tests' device and how they get at it; see unit.h.
 */
#include "unit.h"

static const struct kvpci_region default_regions[] = {
	{ KVPCI_REGION_COMMON, UNIT_BAR_IO, 0x00, 0x40, 0, 0 },
	{ KVPCI_REGION_ISR, UNIT_BAR_IO, 0x40, 4, 0, 0 },
	{ KVPCI_REGION_NOTIFY, UNIT_BAR_IO, 0x44, 4, 0, 0 },
	{ KVPCI_REGION_DEVICE, UNIT_BAR_IO, 0x48, UNIT_CONFIG, 0, 0 },
	{ KVPCI_REGION_COMMON, UNIT_BAR_MEM, 0x000, 0x40, 0, 0 },
	{ KVPCI_REGION_ISR, UNIT_BAR_MEM, 0x100, 1, 0, 0 },
	{ KVPCI_REGION_DEVICE, UNIT_BAR_MEM, 0x200, UNIT_CONFIG, 0, 0 },
	{ KVPCI_REGION_NOTIFY, UNIT_BAR_MEM, 0x1000, 0x1000, 4, 0 },
	{ KVPCI_REGION_MSIX_TABLE, UNIT_BAR_MSIX, 0, 16 * UNIT_VECTORS, 0, 0 },
	{ KVPCI_REGION_MSIX_PBA, UNIT_BAR_MSIX, 0x8000, 16, 0, 0 },
};

static const u16 default_sizes[UNIT_QUEUES] = { 256, 128, 64, 0, 32768 };

void unit_describe(struct unit *u)
{
	memset(u, 0, sizeof(*u));
	u->desc.size = sizeof(u->desc);
	u->desc.virtio_id = 1;
	u->desc.num_queues = UNIT_QUEUES;
	u->desc.num_vectors = UNIT_VECTORS;
	u->desc.device_config_size = UNIT_CONFIG;
	u->desc.features[0] = BIT_ULL(F_VERSION_1) | BIT_ULL(F_RING_RESET) |
			      BIT_ULL(35) | BIT_ULL(29) | BIT_ULL(28) |
			      BIT_ULL(5) | BIT_ULL(0);
	u->desc.features[1] = BIT_ULL(1) | BIT_ULL(36);	/* 65 and 100 */
	u->desc.bars[UNIT_BAR_IO] = (struct kvpci_bar){ KVPCI_BAR_IO, 128 };
	u->desc.bars[UNIT_BAR_MEM] =
		(struct kvpci_bar){ KVPCI_BAR_MEM32, 0x4000 };
	u->desc.bars[UNIT_BAR_MSIX] =
		(struct kvpci_bar){ KVPCI_BAR_MEM64, 0x10000 };
	u->desc.num_regions = ARRAY_SIZE(default_regions);
	memcpy(u->regions, default_regions, sizeof(default_regions));
	memcpy(u->sizes, default_sizes, sizeof(default_sizes));
	/* any pointer: it is not followed */
	u->desc.device_config_mask = 1;
	strcpy((char *)u->desc.name, "unit");
}

struct kvpci_region *unit_find_region(struct unit *u, u32 type)
{
	for (u32 i = 0; i < u->desc.num_regions; i++)
		if (u->regions[i].type == type)
			return &u->regions[i];
	return NULL;
}

void unit_drop_region(struct unit *u, u32 type)
{
	u32 kept = 0;

	for (u32 i = 0; i < u->desc.num_regions; i++)
		if (u->regions[i].type != type)
			u->regions[kept++] = u->regions[i];
	u->desc.num_regions = kept;
}

void unit_add_region(struct unit *u, struct kvpci_region region)
{
	u->regions[u->desc.num_regions++] = region;
}

void unit_offer(struct unit *u, unsigned int bit)
{
	u->desc.features[bit / 64] |= BIT_ULL(bit % 64);
}

void unit_withdraw(struct unit *u, unsigned int bit)
{
	u->desc.features[bit / 64] &= ~BIT_ULL(bit % 64);
}

void unit_identify(struct unit *u)
{
	for (u32 q = 0; q < UNIT_QUEUES; q++)
		u->notif_data[q] = 4000 - 7 * q;
	u->desc.notif_config_data = 1;	/* any pointer: it is not followed */
}

void unit_need(struct unit *u, u32 feature, u64 any, u64 high)
{
	u->deps[u->desc.num_feature_deps++] = (struct kvpci_feature_dep){
		.feature = feature, .any_of = { any, high },
	};
}

/* A copy of exactly its length, see unit_create(); none where it is absurd. */
static void *exactly(const void *from, u32 count, u32 max, size_t size)
{
	size_t bytes = count <= max ? count * size : 0;
	void *copy = malloc(bytes ? bytes : 1);

	if (!copy)
		abort();
	return memcpy(copy, from, bytes);
}

int unit_check(struct unit *u)
{
	struct kvpci_region *regions =
		exactly(u->regions, u->desc.num_regions, KVPCI_MAX_REGIONS,
			sizeof(*regions));
	u16 *sizes = exactly(u->sizes, u->desc.num_queues, KVPCI_MAX_QUEUES,
			     sizeof(*sizes));
	u16 *data = exactly(u->notif_data, u->desc.num_queues,
			    KVPCI_MAX_QUEUES, sizeof(*data));
	struct kvpci_feature_dep *deps =
		exactly(u->deps, u->desc.num_feature_deps,
			KVPCI_MAX_FEATURE_DEPS, sizeof(*deps));
	const struct kvpci_arrays arrays = {
		.feature_deps = deps,
		.regions = regions,
		.queue_sizes = sizes,
		.notif_config_data = u->desc.notif_config_data ? data : NULL,
	};
	int ret = kvpci_core_check(&u->desc, &arrays);

	free(regions);
	free(sizes);
	free(data);
	free(deps);
	return ret;
}

static void allocate_arrays(struct unit *u)
{
	kvpci_core_arrays(&u->core, &u->desc, u->arrays);
	for (int i = 0; i < KVPCI_NUM_ARRAYS; i++) {
		if (!u->arrays[i].size)
			continue;
		*u->arrays[i].pointer = calloc(1, u->arrays[i].size);
		if (!*u->arrays[i].pointer)
			abort();
	}
}

int unit_create(struct unit *u)
{
	const struct kvpci_arrays arrays = {
		.feature_deps = u->deps,
		.regions = u->regions,
		.queue_sizes = u->sizes,
		.notif_config_data = u->desc.notif_config_data ?
				     u->notif_data : NULL,
	};
	int ret = unit_check(u);

	if (ret)
		return ret;
	memset(&u->core, 0, sizeof(u->core));
	allocate_arrays(u);
	kvpci_core_init(&u->core, &u->desc, &arrays);
	return 0;
}

void unit_destroy(struct unit *u)
{
	for (int i = 0; i < KVPCI_NUM_ARRAYS; i++)
		free(*u->arrays[i].pointer);
	memset(&u->core, 0, sizeof(u->core));
}

int unit_default(struct unit *u)
{
	unit_describe(u);
	return unit_create(u);
}

/* The first region of a type that is not in I/O space. */
static const struct kvpci_region *core_region(struct unit *u, u32 type)
{
	const struct kvpci_core *core = &u->core;

	for (int i = 0; i < core->region_first[KVPCI_NUM_BARS]; i++) {
		const struct kvpci_region *r = &core->regions[i];

		if (r->type == type && core->bars[r->bar].kind != KVPCI_BAR_IO)
			return r;
	}
	abort();
}

/* All functions that change the core end with it. */
static void after(struct unit *u)
{
	if (u->after)
		u->after(u);
}

u64 unit_read(struct unit *u, u32 type, u32 offset, unsigned int length)
{
	u64 value = ~0ULL;

	u->doorbell = KVPCI_DOORBELL_OTHER;
	u->effect = kvpci_core_read(&u->core, core_region(u, type), offset,
				    length, &value);
	after(u);
	return value;
}

/* A write to a region is a doorbell, or has an effect. */
static void write_region(struct unit *u, const struct kvpci_region *region,
			 u32 offset, unsigned int length, u64 value)
{
	u->doorbell = KVPCI_DOORBELL_OTHER;
	u->rung = UNIT_NO_RING;
	if (region->type != KVPCI_REGION_NOTIFY) {
		u->effect = kvpci_core_write(&u->core, region, offset, length,
					     value);
	} else {
		u->doorbell = kvpci_core_doorbell(&u->core, region, offset,
						  length, value, &u->rung);
		u->effect = kvpci_effect(u->doorbell == KVPCI_DOORBELL_OTHER ?
					 KVPCI_EFFECT_OTHER : 0);
	}
	after(u);
}

void unit_write(struct unit *u, u32 type, u32 offset, unsigned int length,
		u64 value)
{
	write_region(u, core_region(u, type), offset, length, value);
}

u64 unit_bar_read(struct unit *u, unsigned int bar, u32 offset,
		  unsigned int length)
{
	const struct kvpci_region *region;
	u64 value = ~0ULL;

	u->doorbell = KVPCI_DOORBELL_OTHER;
	u->effect = kvpci_effect(KVPCI_EFFECT_OTHER);
	region = kvpci_core_find(&u->core, bar, offset, length);
	if (!region)
		return 0;
	u->effect = kvpci_core_read(&u->core, region, offset - region->offset,
				    length, &value);
	after(u);
	return value;
}

void unit_bar_write(struct unit *u, unsigned int bar, u32 offset,
		    unsigned int length, u64 value)
{
	const struct kvpci_region *region;

	u->doorbell = KVPCI_DOORBELL_OTHER;
	u->effect = kvpci_effect(KVPCI_EFFECT_OTHER);
	region = kvpci_core_find(&u->core, bar, offset, length);
	if (region)
		write_region(u, region, offset - region->offset, length, value);
}

unsigned int cc_width(u32 offset)
{
	switch (offset) {
	case CC_DEVICE_FEATURE_SELECT:
	case CC_DEVICE_FEATURE:
	case CC_DRIVER_FEATURE_SELECT:
	case CC_DRIVER_FEATURE:
	case CC_QUEUE_DESC:
	case CC_QUEUE_DESC + 4:
	case CC_QUEUE_DRIVER:
	case CC_QUEUE_DRIVER + 4:
	case CC_QUEUE_DEVICE:
	case CC_QUEUE_DEVICE + 4:
		return 4;
	case CC_CONFIG_VECTOR:
	case CC_NUM_QUEUES:
	case CC_QUEUE_SELECT:
	case CC_QUEUE_SIZE:
	case CC_QUEUE_VECTOR:
	case CC_QUEUE_ENABLE:
	case CC_QUEUE_NOTIFY_OFF:
	case CC_QUEUE_NOTIF_DATA:
	case CC_QUEUE_RESET:
	case CC_ADMIN_INDEX:
	case CC_ADMIN_NUM:
		return 2;
	case CC_STATUS:
	case CC_GENERATION:
		return 1;
	default:
		return 0;
	}
}

u64 cc_read(struct unit *u, u32 offset)
{
	return unit_read(u, KVPCI_REGION_COMMON, offset, cc_width(offset));
}

void cc_write(struct unit *u, u32 offset, u64 value)
{
	unit_write(u, KVPCI_REGION_COMMON, offset, cc_width(offset), value);
}

void unit_accept(struct unit *u, u32 word, u32 bits)
{
	cc_write(u, CC_DRIVER_FEATURE_SELECT, word);
	cc_write(u, CC_DRIVER_FEATURE, bits);
}

void unit_negotiate_least(struct unit *u)
{
	cc_write(u, CC_STATUS, ST_ACKNOWLEDGE | ST_DRIVER);
	unit_accept(u, 1, BIT(F_VERSION_1 - 32));
	cc_write(u, CC_STATUS, ST_READY);
}

void unit_negotiate(struct unit *u)
{
	cc_write(u, CC_STATUS, ST_ACKNOWLEDGE);
	cc_write(u, CC_STATUS, ST_ACKNOWLEDGE | ST_DRIVER);
	for (u32 word = 0; word < KVPCI_FEATURE_WORDS; word++) {
		cc_write(u, CC_DEVICE_FEATURE_SELECT, word);
		unit_accept(u, word, cc_read(u, CC_DEVICE_FEATURE));
	}
	cc_write(u, CC_STATUS, ST_READY);
}

void unit_queue(struct unit *u, u16 queue, u16 size)
{
	cc_write(u, CC_QUEUE_SELECT, queue);
	cc_write(u, CC_QUEUE_SIZE, size);
	cc_write(u, CC_QUEUE_VECTOR, queue + 1);
	cc_write(u, CC_QUEUE_DESC, 0x10000 * (queue + 1));
	cc_write(u, CC_QUEUE_DESC + 4, 1);
	cc_write(u, CC_QUEUE_DRIVER, 0x10000 * (queue + 1) + 0x4000);
	cc_write(u, CC_QUEUE_DRIVER + 4, 2);
	cc_write(u, CC_QUEUE_DEVICE, 0x10000 * (queue + 1) + 0x8000);
	cc_write(u, CC_QUEUE_DEVICE + 4, 3);
	cc_write(u, CC_QUEUE_ENABLE, 1);
}

void unit_start(struct unit *u)
{
	unit_negotiate(u);
	unit_queue(u, 0, 256);
	unit_queue(u, 1, 64);
	cc_write(u, CC_STATUS, ST_RUNNING);
}

u32 unit_event(struct unit *u, struct kvpci_event *event)
{
	struct kvpci_event own;

	if (!event)
		event = &own;
	memset(event, 0xa5, sizeof(*event));
	if (!kvpci_core_event_peek(&u->core, event))
		return 0;
	if (!kvpci_core_event_take(&u->core, event))
		abort();	/* nothing happened in between */
	return event->kind;
}

int unit_ack(struct unit *u, u32 kind, u32 queue)
{
	int ret;

	u->effect = kvpci_effect(0xffff);
	ret = kvpci_core_ack(&u->core, kind, queue, &u->effect);
	after(u);
	return ret;
}

void unit_reset(struct unit *u, u32 flags)
{
	u->effect = kvpci_core_reset_by_vmm(&u->core, flags);
	after(u);
}

int unit_change_as(struct unit *u, u32 flags, u32 offset, u32 length,
		   const void *data)
{
	int ret;

	u->effect = kvpci_effect(0xffff);
	ret = kvpci_core_device_config_write(&u->core, flags, offset, length,
					     data, &u->effect);
	after(u);
	return ret;
}

int unit_change(struct unit *u, u32 offset, u32 length, const void *data)
{
	return unit_change_as(u, 0, offset, length, data);
}

void unit_run(struct unit *u)
{
	unit_start(u);
	if (unit_event(u, NULL) != KVPCI_EVENT_START)
		abort();
}

void unit_vector(struct unit *u, unsigned int vector, u64 address, u32 data,
		 enum vector_mask mask)
{
	u32 entry = 16 * vector;

	unit_write(u, KVPCI_REGION_MSIX_TABLE, entry, 4, (u32)address);
	unit_write(u, KVPCI_REGION_MSIX_TABLE, entry + 4, 4, address >> 32);
	unit_write(u, KVPCI_REGION_MSIX_TABLE, entry + 8, 4, data);
	unit_write(u, KVPCI_REGION_MSIX_TABLE, entry + 12, 4,
		   mask == MASKED);
}

/* The core is not to follow these: it gets what they lead to. */
static struct kvpci_state parts(struct unit_state *state)
{
	return (struct kvpci_state){
		.queues = state->queues,
		.vectors = state->vectors,
		.pending = state->pending,
		.device_config = state->config,
	};
}

int unit_save(struct unit *u, struct unit_state *to)
{
	const struct kvpci_state state = parts(to);

	memset(to, 0, sizeof(*to));
	to->registers.size = sizeof(to->registers);
	to->registers.num_queues = UNIT_QUEUES;
	to->registers.num_vectors = UNIT_VECTORS;
	to->registers.device_config_size = UNIT_CONFIG;
	if (!kvpci_core_state_fits(&u->core, &to->registers))
		abort();
	return kvpci_core_save(&u->core, &to->registers, &state);
}

int unit_state_check(struct unit *u, struct unit_state *from)
{
	const struct kvpci_state state = parts(from);

	return kvpci_core_state_check(&u->core, &from->registers, &state);
}

int unit_restore(struct unit *u, struct unit_state *from)
{
	const struct kvpci_state state = parts(from);
	int ret = unit_state_check(u, from);

	if (ret)
		return ret;
	u->effect = kvpci_effect(0xffff);
	ret = kvpci_core_restore(&u->core, &from->registers, &state, &u->effect);
	after(u);
	return ret;
}
