// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI configuration space of the userspace transport: what the module's
 * pci_config.c does, on the same register core.
 */
#include <errno.h>

#include "transport_user.h"

/*
 * 4.1.4.9: the access that the window describes, before its data is read.
 *
 * Return: as user_access(); 0 where it describes none.
 */
static int window_read(struct user_transport *u, enum transport_accessor accessor)
{
	struct kvpci_window window;
	uint64_t value = 0;
	int err;

	if (!kvpci_pci_config_window(&u->cs, &window))
		return 0;
	err = user_access(&u->base, window.bar, window.offset, window.length, &value,
			  TRANSPORT_READ, accessor);
	if (err)
		return err;
	pthread_mutex_lock(&u->lock);
	kvpci_pci_config_set_window(&u->cs, (u32)value);
	pthread_mutex_unlock(&u->lock);
	return 0;
}

/* The guest's, even where the VMM hands it back, as in the module. */
static int window_write(struct user_transport *u)
{
	struct kvpci_window window;
	uint64_t value;

	if (!kvpci_pci_config_window(&u->cs, &window))
		return 0;
	value = window.value;
	return user_access(&u->base, window.bar, window.offset, window.length, &value,
			   TRANSPORT_WRITE, TRANSPORT_GUEST);
}

/* PCI Express 6.6.2: the function forgets all, and the virtio device with it. */
static struct kvpci_effect function_reset(struct user_transport *u)
{
	struct kvpci_effect effect;

	kvpci_pci_config_reset(&u->cs);
	effect = kvpci_core_msix_reset(&u->core);
	effect.bits |= kvpci_status_write(&u->core, 0).bits;
	return effect;
}

static int pci_config_write(struct user_transport *u, uint32_t offset,
			    uint32_t length, uint32_t value)
{
	struct kvpci_effect effect = kvpci_no_effect();
	u32 change;

	pthread_mutex_lock(&u->lock);
	change = kvpci_pci_config_write(&u->cs, offset, length, value);
	if (change & KVPCI_PCI_CONFIG_FLR)
		effect = function_reset(u);
	if (change & (KVPCI_PCI_CONFIG_DECODE | KVPCI_PCI_CONFIG_FLR))
		u->mapped = kvpci_pci_config_decode(&u->cs, u->addr);
	/* None of these effects is one vector's. */
	if (change & KVPCI_PCI_CONFIG_IRQ)
		effect.bits |= kvpci_core_set_irq_flags(&u->core,
				user_irq_flags(u)).bits;
	user_unlock_and(u, effect);
	return change & KVPCI_PCI_CONFIG_WINDOW ? window_write(u) : 0;
}

static int pci_config_read(struct user_transport *u, uint32_t offset,
			   uint32_t length, uint32_t *value,
			   enum transport_accessor accessor)
{
	int err = 0;

	if (kvpci_pci_config_window_hit(&u->cs, offset, length))
		err = window_read(u, accessor);
	if (err == -EOPNOTSUPP)
		return err;
	pthread_mutex_lock(&u->lock);
	*value = kvpci_pci_config_read(&u->cs, offset, length);
	pthread_mutex_unlock(&u->lock);
	return 0;
}

int user_pci_config(struct transport *t, uint32_t offset, uint32_t length,
		    uint32_t *value, enum transport_direction direction,
		    enum transport_accessor accessor)
{
	int err;

	if (direction == TRANSPORT_READ)
		return pci_config_read(user_of(t), offset, length, value, accessor);
	err = pci_config_write(user_of(t), offset, length, *value);
	return accessor == TRANSPORT_GUEST && err == -EOPNOTSUPP ? err : 0;
}

/* The bus is pci.c's: @function is of interest to the module only. */
int user_place(struct transport *t, struct kvpci_device_place *place)
{
	struct user_transport *u = user_of(t);
	struct kvpci_device_create desc = {
		.virtio_id = u->virtio_id,
		.num_vectors = u->core.num_vectors,
		.num_regions = u->core.region_first[KVPCI_NUM_BARS],
	};
	const uint8_t *vendor;
	int err;

	memcpy(desc.bars, u->core.bars, sizeof(desc.bars));
	pthread_mutex_lock(&u->lock);
	u->gsi = place->gsi;
	err = kvpci_pci_config_init(&u->cs, &desc, u->core.described,
				    place->class_code, (u8)place->intx_pin);
	if (!err && place->vendor_length) {
		vendor = (const void *)(uintptr_t)place->vendor_data;
		err = kvpci_pci_config_add_vendor(&u->cs, vendor,
						  place->vendor_length);
	}
	if (place->flags & KVPCI_PLACE_MULTIFUNCTION)
		kvpci_pci_config_set_multifunction(&u->cs);
	/* There is a line now, and a Status.Interrupt. */
	user_unlock_and(u, kvpci_effect(KVPCI_EFFECT_LINE));
	return err;
}

bool user_find(struct transport *t, bool io, uint64_t address,
	       uint32_t length, struct transport_place *place)
{
	struct user_transport *u = user_of(t);
	const struct kvpci_region *region;
	unsigned int i;

	for (i = 0; i < KVPCI_NUM_BARS; i++) {
		const struct kvpci_bar *bar = &u->core.bars[i];
		bool is_io = bar->kind == KVPCI_BAR_IO;

		if (!(u->mapped & 1U << i) || is_io != io ||
		    address < u->addr[i] ||
		    address + length > u->addr[i] + bar->size)
			continue;
		place->bar = i;
		place->offset = (uint32_t)(address - u->addr[i]);
		region = kvpci_core_find(&u->core, i, place->offset, 1);
		place->type = region ? region->type : 0;
		return true;
	}
	return false;
}
