// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saving and restoring a device: the way between the caller's memory and the core,
 * which knows what a state is and which ones there can be.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "kvpci.h"

/* One of the arrays of a state: here, and at the caller's. */
struct part {
	void **here;
	u64 there;
	size_t size;
};

#define NUM_PARTS	5

/* A state within our reach. */
struct image {
	struct kvpci_state state;
	u8 *pci_config;
};

static void list_parts(const struct kvpci_device_registers *registers,
		       struct image *image, struct part parts[NUM_PARTS])
{
	struct kvpci_state *state = &image->state;
	const struct part table[NUM_PARTS] = {
		{ (void **)&state->queues, registers->queues,
		  registers->num_queues * sizeof(*state->queues) },
		{ (void **)&state->vectors, registers->vectors,
		  registers->num_vectors * sizeof(*state->vectors) },
		{ (void **)&state->pending, registers->pending,
		  DIV_ROUND_UP(registers->num_vectors, 64) * sizeof(*state->pending) },
		{ (void **)&state->device_config, registers->device_config,
		  registers->device_config_size },
		{ (void **)&image->pci_config, registers->pci_config,
		  registers->pci_config_size },
	};

	memcpy(parts, table, sizeof(table));
}

static void free_parts(const struct part parts[NUM_PARTS])
{
	unsigned int i;

	for (i = 0; i < NUM_PARTS; i++)
		kvfree(*parts[i].here);
}

/* Their sizes are those of the device. */
static int alloc_parts(const struct part parts[NUM_PARTS])
{
	unsigned int i;

	for (i = 0; i < NUM_PARTS; i++) {
		if (!parts[i].size)
			continue;
		*parts[i].here = kvzalloc(parts[i].size, GFP_KERNEL_ACCOUNT);
		if (!*parts[i].here)
			return -ENOMEM;
	}
	return 0;
}

static int copy_in(const struct part parts[NUM_PARTS])
{
	unsigned int i;

	for (i = 0; i < NUM_PARTS; i++)
		if (parts[i].size &&
		    copy_from_user(*parts[i].here, u64_to_user_ptr(parts[i].there),
				   parts[i].size))
			return -EFAULT;
	return 0;
}

static int copy_out(const struct part parts[NUM_PARTS])
{
	unsigned int i;

	for (i = 0; i < NUM_PARTS; i++)
		if (parts[i].size &&
		    copy_to_user(u64_to_user_ptr(parts[i].there), *parts[i].here,
				 parts[i].size))
			return -EFAULT;
	return 0;
}

/* The numbers are the device's, and so is the size of its configuration space. */
static bool fits(struct kvpci_device *device,
		 const struct kvpci_device_registers *registers)
{
	/* Pairs with the release in ecam_add(). */
	bool placed = smp_load_acquire(&device->cs);

	return !registers->flags &&
	       kvpci_core_state_fits(&device->core, registers) &&
	       registers->pci_config_size == (placed ? KVPCI_PCI_CONFIG_SIZE : 0);
}

/*
 * Nobody is in the middle of an acknowledgement of SUSPEND. A message that the work
 * item is sending is neither pending nor with KVM yet, so it is waited for.
 */
static int save(struct kvpci_device *device,
		struct kvpci_device_registers *registers, struct image *image)
{
	int err;

	if (mutex_lock_killable(&device->read_lock))
		return -EINTR;
	flush_work(&device->irq_work);
	kvpci_lock(device);
	err = kvpci_core_save(&device->core, registers, &image->state);
	if (registers->pci_config_size)
		memcpy(image->pci_config, device->cs->value,
		       registers->pci_config_size);
	kvpci_unlock(device);
	mutex_unlock(&device->read_lock);
	return err;
}

/* KVPCI_DEVICE_SAVE */
long kvpci_device_save(void *object, void *arg)
{
	struct kvpci_device_registers *registers = arg;
	struct kvpci_device *device = object;
	struct part parts[NUM_PARTS];
	struct image image = {};
	int err;

	if (!fits(device, registers))
		return -EINVAL;
	list_parts(registers, &image, parts);
	err = alloc_parts(parts);
	if (!err)
		err = save(device, registers, &image);
	if (!err)
		err = copy_out(parts);
	free_parts(parts);
	return err;
}

static int restore_registers(struct kvpci_device *device,
			     const struct kvpci_device_registers *registers,
			     const struct image *image)
{
	struct kvpci_effect effect;
	int err;

	kvpci_lock(device);
	err = kvpci_core_restore(&device->core, registers, &image->state, &effect);
	if (!err && registers->pci_config_size)
		kvpci_function_moved(device, image->pci_config);
	kvpci_unlock_and(device, effect);
	return err;
}

static int restore(struct kvpci_device *device,
		   const struct kvpci_device_registers *registers,
		   const struct image *image)
{
	int err;

	err = kvpci_core_state_check(&device->core, registers, &image->state);
	if (err)
		return err;
	if (mutex_lock_killable(&device->map_lock))
		return -EINTR;
	/* The device may have been placed in between. */
	err = fits(device, registers) ? 0 : -EINVAL;
	if (!err && registers->pci_config_size)
		err = kvpci_function_move(device, image->pci_config,
					  registers->irq_flags);
	if (!err) {
		err = restore_registers(device, registers, image);
		/* The guest runs, and began to use the device meanwhile. */
		if (err && registers->pci_config_size)
			kvpci_function_move_back(device);
	}
	mutex_unlock(&device->map_lock);
	return err;
}

/* KVPCI_DEVICE_RESTORE */
long kvpci_device_restore(void *object, void *arg)
{
	const struct kvpci_device_registers *registers = arg;
	struct kvpci_device *device = object;
	struct part parts[NUM_PARTS];
	struct image image = {};
	int err;

	if (!fits(device, registers))
		return -EINVAL;
	list_parts(registers, &image, parts);
	err = alloc_parts(parts);
	if (!err)
		err = copy_in(parts);
	if (!err)
		err = restore(device, registers, &image);
	free_parts(parts);
	return err;
}
