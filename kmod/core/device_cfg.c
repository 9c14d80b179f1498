// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device-specific configuration (4.1.4.6) and its generation (2.5).
 */
#include "internal.h"

static bool is_inside(const struct kvpci_core *core, u32 offset, u32 length)
{
	return offset <= core->device_config_size &&
	       length <= core->device_config_size - offset;
}

/* Between reset and acknowledgement, and while suspended, it is not the driver's. */
static bool is_writable(const struct kvpci_core *core)
{
	return core->backend != KVPCI_BACKEND_STOPPING &&
	       !kvpci_core_suspended(core);
}

bool kvpci_device_read_exits(const struct kvpci_core *core, u32 offset,
			     unsigned int length)
{
	return core->exits & KVPCI_DEVICE_EXIT_CONFIG &&
	       is_inside(core, offset, length);
}

bool kvpci_device_write_exits(const struct kvpci_core *core, u32 offset,
			      unsigned int length)
{
	const u8 flags = KVPCI_DEVICE_EXIT_CONFIG | KVPCI_DEVICE_EXIT_CONFIG_WRITE;

	return core->exits & flags && is_inside(core, offset, length) &&
	       is_writable(core);
}

struct kvpci_effect kvpci_device_read(struct kvpci_core *core, u32 offset,
				      unsigned int length, u64 *value)
{
	if (!is_inside(core, offset, length))
		return kvpci_effect(KVPCI_EFFECT_OTHER);
	offset = array_index_nospec(offset, core->device_config_size);
	memcpy(value, core->device_config + offset, length);
	return kvpci_no_effect();
}

struct kvpci_effect kvpci_device_write(struct kvpci_core *core, u32 offset,
				       unsigned int length, u64 value)
{
	bool changed = false;
	unsigned int i;

	if (!is_inside(core, offset, length))
		return kvpci_effect(KVPCI_EFFECT_OTHER);
	if (!core->device_config_mask || !is_writable(core))
		return kvpci_no_effect();
	offset = array_index_nospec(offset, core->device_config_size);
	for (i = 0; i < length; i++, value >>= 8) {
		u8 mask = core->device_config_mask[offset + i];

		core->device_config[offset + i] = (core->device_config[offset + i] & ~mask) |
					   ((u8)value & mask);
		changed |= mask;
	}
	if (!changed)
		return kvpci_no_effect();
	core->events |= BIT(KVPCI_EVENT_DEVICE_CONFIG);
	return kvpci_effect(KVPCI_EFFECT_EVENT);
}

/* Return: did the bytes change? */
static bool change_bytes(struct kvpci_core *core, u32 offset, u32 length,
			 const void *data)
{
	/* There may be no memory where there are no bytes. */
	if (!length || !memcmp(core->device_config + offset, data, length))
		return false;
	memcpy(core->device_config + offset, data, length);
	/*
	 * R10. The generation has to differ from what the driver read last,
	 * no more: changes it has not looked at do not count, so that no
	 * number of them brings the 8 bits back to where they were.
	 */
	if (core->config_generation == core->generation_read)
		core->config_generation++;
	return true;
}

int kvpci_core_device_config_write(struct kvpci_core *core, u32 flags,
				   u32 offset, u32 length, const void *data,
				   struct kvpci_effect *effect)
{
	bool changed;

	*effect = kvpci_no_effect();
	/* R50: no field is modified while suspended. */
	if (core->backend == KVPCI_BACKEND_SUSPENDED)
		return -EBUSY;
	changed = change_bytes(core, offset, length, data);
	if (flags & KVPCI_CONFIG_WRITE_FORCE ||
	    (changed && !(flags & KVPCI_CONFIG_WRITE_QUIET)))
		*effect = kvpci_core_config_changed(core);
	return 0;
}
