// SPDX-License-Identifier: GPL-2.0-only
/*
 * The common configuration structure (4.1.4.3), as a table of registers.
 *
 * A row says where a register begins, how wide it is and which field backs
 * it. Rows without hooks are plain memory. A write that is not exactly one row,
 * because of its offset or its width, does nothing. So does such a read, which
 * gives 0, but for one that is narrower than the row at its offset: it gives the
 * lower bytes, because iPXE reads the feature words so. The halves of a 64-bit
 * field are rows, and both at once are one access of 8 bytes at the lower.
 */
#include "internal.h"

enum reg_base {
	REG_DEVICE,	/* a field of struct kvpci_core */
	REG_QUEUE,	/* a field of the selected queue */
};

/**
 * struct reg - one register
 * @width: bytes; 0: no register begins here
 * @base: enum reg_base, what @field is an offset into
 * @writable: writes go to @field, unless there is a hook
 * @low: the lower half of a 64-bit field, of which 8 bytes are an access, too
 * @field: offset of the backing field
 * @feature: bit that must be offered for the register to exist, 0: none
 * @read: called instead of reading @field
 * @write: called instead of writing @field; @queue is NULL for REG_DEVICE
 */
struct reg {
	u8 width;
	u8 base;
	bool writable;
	bool low;
	u8 feature;
	u16 field;
	u32 (*read)(struct kvpci_core *core);
	struct kvpci_effect (*write)(struct kvpci_core *core,
				     struct kvpci_queue *queue, u32 value);
};

/* What registers of a queue that does not exist read as. */
static const struct kvpci_queue no_queue = {
	.msix_vector = VIRTIO_MSI_NO_VECTOR,
};

/* Queues but those for administration, which come behind. */
static u32 num_queues_read(struct kvpci_core *core)
{
	return core->num_queues - core->num_admin_queues;
}

static u32 admin_queue_num_read(struct kvpci_core *core)
{
	return core->num_admin_queues;
}

/* How many queues the driver has: those for administration if it wants them. */
static u32 num_selectable(struct kvpci_core *core)
{
	bool admin = core->device_status & VIRTIO_CONFIG_S_FEATURES_OK &&
		     kvpci_core_has_driver_feature(core, VIRTIO_F_ADMIN_VQ);

	return admin ? core->num_queues : num_queues_read(core);
}

static struct kvpci_queue *selected_queue(struct kvpci_core *core)
{
	u16 index = core->queue_select;

	if (index >= num_selectable(core))
		return NULL;
	index = array_index_nospec(index, core->num_queues);
	return core->queues[index].size_max ? &core->queues[index] : NULL;
}

static u32 feature_word(const u32 *words, u32 select)
{
	if (select >= KVPCI_FEATURE_WORDS)
		return 0;
	return words[array_index_nospec(select, KVPCI_FEATURE_WORDS)];
}

/* R8 */
static u32 device_feature_read(struct kvpci_core *core)
{
	return feature_word(core->features, core->device_feature_select);
}

/* R9: "the valid feature bits written": those the device offers */
static u32 driver_feature_read(struct kvpci_core *core)
{
	return feature_word(core->driver_features, core->driver_feature_select) &
	       feature_word(core->features, core->driver_feature_select);
}

static struct kvpci_effect driver_feature_write(struct kvpci_core *core,
						struct kvpci_queue *queue,
						u32 value)
{
	u32 select = core->driver_feature_select;

	(void)queue;
	/* 3.1.1 step 5: what FEATURES_OK sealed stays. */
	if (core->device_status & VIRTIO_CONFIG_S_FEATURES_OK)
		return kvpci_no_effect();
	if (select < KVPCI_FEATURE_WORDS) {
		select = array_index_nospec(select, KVPCI_FEATURE_WORDS);
		core->driver_features[select] = value;
	}
	return kvpci_no_effect();
}

static u32 generation_read(struct kvpci_core *core)
{
	core->generation_read = core->config_generation;
	return core->config_generation;
}

static struct kvpci_effect status_write(struct kvpci_core *core,
					struct kvpci_queue *queue, u32 value)
{
	(void)queue;
	return kvpci_status_write(core, value);
}

/* R39: a vector that does not exist reads back as NO_VECTOR */
static u16 valid_vector(const struct kvpci_core *core, u32 value)
{
	return value < core->num_vectors ? value : VIRTIO_MSI_NO_VECTOR;
}

static struct kvpci_effect config_vector_write(struct kvpci_core *core,
					       struct kvpci_queue *queue,
					       u32 value)
{
	(void)queue;
	core->config_msix_vector = valid_vector(core, value);
	return kvpci_no_effect();
}

static struct kvpci_effect queue_vector_write(struct kvpci_core *core,
					      struct kvpci_queue *queue,
					      u32 value)
{
	queue->msix_vector = valid_vector(core, value);
	/* Drivers that go away write NO_VECTOR to queues just reset. */
	if (queue->msix_vector != VIRTIO_MSI_NO_VECTOR)
		kvpci_queue_touch(core, queue);
	return kvpci_effect(KVPCI_EFFECT_DECISION);
}

/*
 * R16. Without RING_PACKED a power of two; packed rings may be of any size.
 * Until FEATURES_OK seals the driver's choice it could still be taken back.
 */
static struct kvpci_effect queue_size_write(struct kvpci_core *core,
					    struct kvpci_queue *queue,
					    u32 value)
{
	bool packed = core->device_status & VIRTIO_CONFIG_S_FEATURES_OK &&
		      kvpci_core_has_driver_feature(core, VIRTIO_F_RING_PACKED);

	if (value && value <= queue->size_max &&
	    (packed || is_power_of_2(value))) {
		queue->size = value;
		kvpci_queue_touch(core, queue);
	}
	return kvpci_no_effect();
}

#define DEVICE_FIELD(f)	.base = REG_DEVICE, .field = offsetof(struct kvpci_core, f)
#define QUEUE_FIELD(f)	.base = REG_QUEUE, .field = offsetof(struct kvpci_queue, f)
/* The halves of a 64-bit field; kvpci runs on little-endian hosts only. */
#define QUEUE_FIELD_LO(f)	QUEUE_FIELD(f), .low = true
#define QUEUE_FIELD_HI(f)						\
	.base = REG_QUEUE, .field = offsetof(struct kvpci_queue, f) + 4

static const struct reg common_regs[] = {
	[VIRTIO_PCI_COMMON_DFSELECT] = {
		.width = 4, DEVICE_FIELD(device_feature_select), .writable = true },
	[VIRTIO_PCI_COMMON_DF] = {
		.width = 4, .read = device_feature_read },
	[VIRTIO_PCI_COMMON_GFSELECT] = {
		.width = 4, DEVICE_FIELD(driver_feature_select), .writable = true },
	[VIRTIO_PCI_COMMON_GF] = {
		.width = 4, .read = driver_feature_read, .write = driver_feature_write },
	[VIRTIO_PCI_COMMON_MSIX] = {
		.width = 2, DEVICE_FIELD(config_msix_vector), .write = config_vector_write },
	[VIRTIO_PCI_COMMON_NUMQ] = {
		.width = 2, .read = num_queues_read },
	[VIRTIO_PCI_COMMON_STATUS] = {
		.width = 1, DEVICE_FIELD(device_status), .write = status_write },
	[VIRTIO_PCI_COMMON_CFGGENERATION] = {
		.width = 1, .read = generation_read },
	[VIRTIO_PCI_COMMON_Q_SELECT] = {
		.width = 2, DEVICE_FIELD(queue_select), .writable = true },
	[VIRTIO_PCI_COMMON_Q_SIZE] = {
		.width = 2, QUEUE_FIELD(size), .write = queue_size_write },
	[VIRTIO_PCI_COMMON_Q_MSIX] = {
		.width = 2, QUEUE_FIELD(msix_vector), .write = queue_vector_write },
	[VIRTIO_PCI_COMMON_Q_ENABLE] = {
		.width = 2, QUEUE_FIELD(enable), .write = kvpci_queue_enable_write },
	[VIRTIO_PCI_COMMON_Q_NOFF] = {
		.width = 2, QUEUE_FIELD(notify_off) },
	[VIRTIO_PCI_COMMON_Q_DESCLO] = {
		.width = 4, QUEUE_FIELD_LO(desc), .writable = true },
	[VIRTIO_PCI_COMMON_Q_DESCHI] = {
		.width = 4, QUEUE_FIELD_HI(desc), .writable = true },
	[VIRTIO_PCI_COMMON_Q_AVAILLO] = {
		.width = 4, QUEUE_FIELD_LO(driver), .writable = true },
	[VIRTIO_PCI_COMMON_Q_AVAILHI] = {
		.width = 4, QUEUE_FIELD_HI(driver), .writable = true },
	[VIRTIO_PCI_COMMON_Q_USEDLO] = {
		.width = 4, QUEUE_FIELD_LO(device), .writable = true },
	[VIRTIO_PCI_COMMON_Q_USEDHI] = {
		.width = 4, QUEUE_FIELD_HI(device), .writable = true },
	[56] = { /* queue_notif_config_data */
		.width = 2, QUEUE_FIELD(notif_data),
		.feature = VIRTIO_F_NOTIF_CONFIG_DATA },
	[58] = { /* queue_reset */
		.width = 2, QUEUE_FIELD(reset), .write = kvpci_queue_reset_write,
		.feature = VIRTIO_F_RING_RESET },
	[60] = { /* admin_queue_index */
		.width = 2, .read = num_queues_read,
		.feature = VIRTIO_F_ADMIN_VQ },
	[62] = { /* admin_queue_num */
		.width = 2, .read = admin_queue_num_read,
		.feature = VIRTIO_F_ADMIN_VQ },
};

static const struct reg *find_reg(const struct kvpci_core *core, u32 offset)
{
	const struct reg *reg;

	if (offset >= ARRAY_SIZE(common_regs))
		return NULL;
	reg = &common_regs[array_index_nospec(offset, ARRAY_SIZE(common_regs))];
	if (reg->feature && !kvpci_core_offers(core, reg->feature))
		return NULL;
	return reg;
}

static u64 load(const void *field, unsigned int width)
{
	switch (width) {
	case 1:
		return *(const u8 *)field;
	case 2:
		return *(const u16 *)field;
	case 4:
		return *(const u32 *)field;
	default:
		return *(const u64 *)field;
	}
}

static void store(void *field, unsigned int width, u64 value)
{
	switch (width) {
	case 1:
		*(u8 *)field = value;
		break;
	case 2:
		*(u16 *)field = value;
		break;
	case 4:
		*(u32 *)field = value;
		break;
	default:
		*(u64 *)field = value;
		break;
	}
}

static bool is_whole(const struct reg *reg, unsigned int length)
{
	return length == reg->width || (reg->low && length == 8);
}

struct kvpci_effect kvpci_common_read(struct kvpci_core *core, u32 offset,
				      unsigned int length, u64 *value)
{
	const struct reg *reg = find_reg(core, offset);
	const void *base = core;

	if (!reg || (length > reg->width && !is_whole(reg, length)))
		return kvpci_effect(KVPCI_EFFECT_OTHER);
	if (reg->read) {
		*value = reg->read(core) & (BIT_ULL(length * 8) - 1);
		return kvpci_no_effect();
	}
	if (reg->base == REG_QUEUE) {
		base = selected_queue(core);
		if (!base)
			base = &no_queue;
	}
	*value = load((const u8 *)base + reg->field, length);
	return kvpci_no_effect();
}

/*
 * May the driver change the selected queue now? Between enable and reset its
 * parameters belong to the backend (4.1.4.3.2). The vector, which is nothing to the
 * backend, and queue_reset itself may be written.
 */
static bool queue_writable(const struct kvpci_queue *queue,
			   const struct reg *reg)
{
	if (queue->phase == KVPCI_QUEUE_STOP_POSTED ||
	    queue->phase == KVPCI_QUEUE_STOP_READ)
		return false;
	return !queue->enable || reg->write == kvpci_queue_reset_write ||
	       reg->write == queue_vector_write;
}

struct kvpci_effect kvpci_common_write(struct kvpci_core *core, u32 offset,
				       unsigned int length, u64 value)
{
	const struct reg *reg = find_reg(core, offset);
	struct kvpci_queue *queue = NULL;
	void *base = core;

	if (!reg || !is_whole(reg, length))
		return kvpci_effect(KVPCI_EFFECT_OTHER);
	/* 2.4.2: until the reset is done the driver is to wait. */
	if (core->backend == KVPCI_BACKEND_STOPPING)
		return kvpci_no_effect();
	/* R50: but device_status, and what is selected for reading */
	if (kvpci_core_suspended(core) && reg->write != status_write &&
	    !(reg->base == REG_DEVICE && reg->writable))
		return kvpci_no_effect();
	if (reg->base == REG_QUEUE) {
		queue = selected_queue(core);
		if (!queue || !queue_writable(queue, reg))
			return kvpci_no_effect();
		base = queue;
	}
	if (reg->write)
		return reg->write(core, queue, value);
	if (reg->writable) {
		store((u8 *)base + reg->field, length, value);
		if (queue)
			kvpci_queue_touch(core, queue);
	}
	return kvpci_no_effect();
}
