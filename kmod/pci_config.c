// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's PCI configuration space, where the module keeps it.
 *
 * Most writes are done on the way of the guest's access. Those that move BARs
 * or reset the function are not: a handler cannot wait for the bus it runs on.
 * They exit to the VMM, which hands them back through an ioctl.
 */
#include <linux/gfp.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include "kvpci.h"

/**
 * kvpci_irq_sync_status() - make Status.Interrupt follow the registers
 * @device: the device; its lock is held
 *
 * When they change, not when it is read: the guest may read without our help.
 */
void kvpci_irq_sync_status(struct kvpci_device *device)
{
	/* Pairs with the release in kvpci_ecam_add(). */
	struct kvpci_pci_config *cs = smp_load_acquire(&device->cs);

	lockdep_assert_held_write(&device->lock);
	if (cs)
		kvpci_pci_config_set_intx(cs,
					    kvpci_core_intx_status(&device->core));
}

/* 4.1.4.9: the access the window describes, then its data. */
static void window_read(struct kvpci_device *device)
{
	struct kvpci_window window;
	bool valid;
	u32 value;

	read_lock_irq(&device->lock);
	valid = kvpci_pci_config_window(device->cs, &window);
	read_unlock_irq(&device->lock);
	if (!valid)
		return;
	value = kvpci_access_read(device, window.bar, window.offset,
				  window.length, false);
	kvpci_lock(device);
	kvpci_pci_config_set_window(device->cs, value);
	kvpci_unlock(device);
}

/* Return: as kvpci_access_write(). */
static bool window_write(struct kvpci_device *device,
			 const struct kvpci_window *window, bool ask)
{
	int idx = srcu_read_lock(&device->vm->kvm->srcu);
	bool done;

	done = kvpci_access_write(device, window->bar, window->offset,
				  window->length, window->value, ask);
	srcu_read_unlock(&device->vm->kvm->srcu, idx);
	return done;
}

/**
 * kvpci_function_read() - read configuration space
 * @device: the device, which has been placed
 * @offset: first byte
 * @length: 1, 2 or 4
 *
 * Context: inside kvm->srcu.
 */
u32 kvpci_function_read(struct kvpci_device *device, u32 offset,
		      unsigned int length)
{
	u32 value;

	kvpci_count(device, KVPCI_COUNT_PCI_CONFIG_READS);
	if (kvpci_pci_config_window_hit(device->cs, offset, length))
		window_read(device);
	read_lock_irq(&device->lock);
	value = kvpci_pci_config_read(device->cs, offset, length);
	read_unlock_irq(&device->lock);
	return value;
}

/* With device->lock held: the write, and what of it the lock protects. */
static u32 write_locked(struct kvpci_device *device, u32 offset,
			unsigned int length, u32 value,
			struct kvpci_window *window)
{
	u32 change;

	lockdep_assert_held_write(&device->lock);
	change = kvpci_pci_config_write(device->cs, offset, length, value);
	if (change & KVPCI_PCI_CONFIG_IRQ) {
		kvpci_core_set_irq_flags(&device->core,
					 kvpci_pci_config_irq_flags(device->cs));
		kvpci_irq_sync_status(device);
	}
	if (change & KVPCI_PCI_CONFIG_WINDOW &&
	    !kvpci_pci_config_window(device->cs, window))
		change &= ~KVPCI_PCI_CONFIG_WINDOW;
	return change;
}

/* After the lock is dropped. Return: as kvpci_access_write(). */
static bool write_effects(struct kvpci_device *device, u32 change,
			  const struct kvpci_window *window, bool ask)
{
	if (change & KVPCI_PCI_CONFIG_IRQ) {
		kvpci_irq_sync_line(device);
		kvpci_irq_send_pending(device);
		kvpci_irq_settle(device);
	}
	return !(change & KVPCI_PCI_CONFIG_WINDOW) ||
	       window_write(device, window, ask);
}

/**
 * kvpci_function_try_write() - write configuration space on the guest's way
 * @device: the device, which has been placed
 * @offset: first byte
 * @length: 1, 2 or 4
 * @value: what to write
 *
 * Context: inside kvm->srcu.
 *
 * Return: false if it takes kvpci_function_write(). Then nothing is done; or, if
 * the access that the window describes is for the VMM to decide on, nothing
 * but what doing it again does again.
 */
bool kvpci_function_try_write(struct kvpci_device *device, u32 offset,
			    unsigned int length, u32 value)
{
	struct kvpci_window window;
	u32 change = 0;
	bool moves;

	kvpci_lock(device);
	moves = kvpci_pci_config_moves(device->cs, offset, length, value) ||
		(device->pci_config_mapped &&
		 kvpci_pci_config_arms(device->cs, offset, length, value));
	if (!moves)
		change = write_locked(device, offset, length, value, &window);
	kvpci_unlock(device);
	if (moves)
		return false;
	if (!write_effects(device, change, &window, true))
		return false;
	kvpci_count(device, KVPCI_COUNT_PCI_CONFIG_WRITES);
	return true;
}

/* PCI Express 6.6.2: the function forgets all, and the virtio device with it. */
static void function_reset(struct kvpci_device *device)
{
	struct kvpci_effect effect;

	lockdep_assert_held(&device->map_lock);
	kvpci_iobus_unmap(device);
	kvpci_lock(device);
	kvpci_pci_config_reset(device->cs);
	kvpci_core_msix_reset(&device->core);
	effect = kvpci_status_write(&device->core, 0);
	kvpci_irq_sync_status(device);
	kvpci_unlock(device);
	if (effect.kind == KVPCI_EFFECT_EVENT)
		kvpci_event_post(device);
	kvpci_irq_sync_line(device);
	kvpci_irq_settle(device);
}

static int move_bars(struct kvpci_device *device)
{
	u64 addr[KVPCI_NUM_BARS];
	u32 mapped;

	read_lock_irq(&device->lock);
	mapped = kvpci_pci_config_decode(device->cs, addr);
	read_unlock_irq(&device->lock);
	return kvpci_iobus_map(device, mapped, addr);
}

/**
 * kvpci_function_write() - write configuration space, with all effects
 * @device: the device, which has been placed
 * @offset: first byte
 * @length: 1, 2 or 4
 * @value: what to write
 *
 * Context: outside kvm->srcu; may wait for it.
 *
 * Return: 0, or -ENOMEM or -ENOSPC if a BAR cannot be mapped: then nothing has
 * changed.
 */
int kvpci_function_write(struct kvpci_device *device, u32 offset,
		       unsigned int length, u32 value)
{
	struct kvpci_window window;
	u32 change, old;
	int err = 0;

	kvpci_count(device, KVPCI_COUNT_PCI_CONFIG_WRITES);
	/* What is decoded and what is mapped must agree in the end. */
	mutex_lock(&device->map_lock);
	kvpci_lock(device);
	old = kvpci_pci_config_read(device->cs, offset, length);
	change = write_locked(device, offset, length, value, &window);
	kvpci_unlock(device);

	if (change & KVPCI_PCI_CONFIG_FLR)
		function_reset(device);
	else if (change & KVPCI_PCI_CONFIG_DECODE)
		err = move_bars(device);
	if (err) {
		kvpci_lock(device);
		change = write_locked(device, offset, length, old, &window) &
			 KVPCI_PCI_CONFIG_IRQ;
		kvpci_unlock(device);
	}
	write_effects(device, change, &window, false);
	mutex_unlock(&device->map_lock);
	return err;
}

/* In pages of its own, so that it can be mapped. */
static struct kvpci_pci_config *alloc_config(void)
{
	return alloc_pages_exact(sizeof(struct kvpci_pci_config),
				 GFP_KERNEL_ACCOUNT | __GFP_ZERO);
}

static void free_config(struct kvpci_pci_config *cs)
{
	free_pages_exact(cs, sizeof(*cs));
}

/** kvpci_function_free() - no more configuration space, if there was one */
void kvpci_function_free(struct kvpci_device *device)
{
	if (device->cs)
		free_config(device->cs);
}

/* The description the configuration space is built of, from the core. */
static void describe(const struct kvpci_core *core, u32 virtio_id,
		     struct kvpci_device_create *desc)
{
	*desc = (struct kvpci_device_create) {
		.virtio_id = virtio_id,
		.num_vectors = core->num_vectors,
		.num_regions = core->region_first[KVPCI_NUM_BARS],
	};
	memcpy(desc->bars, core->bars, sizeof(desc->bars));
}

static int add_vendor(struct kvpci_pci_config *cs,
		      const struct kvpci_device_place *place)
{
	u8 data[KVPCI_MAX_VENDOR_DATA];

	if (!place->vendor_length)
		return 0;
	if (copy_from_user(data, u64_to_user_ptr(place->vendor_data),
			   place->vendor_length))
		return -EFAULT;
	return kvpci_pci_config_add_vendor(cs, data, place->vendor_length);
}

/**
 * kvpci_ecam_place() - make a device a function of the bus
 * @device: the device
 * @place: where; its fields are in their ranges
 *
 * Return: 0, or the error KVPCI_DEVICE_PLACE documents.
 */
int kvpci_ecam_place(struct kvpci_device *device,
		       const struct kvpci_device_place *place)
{
	struct kvpci_device_create desc;
	struct kvpci_pci_config *cs;
	int err;

	cs = alloc_config();
	if (!cs)
		return -ENOMEM;
	describe(&device->core, device->virtio_id, &desc);
	err = kvpci_pci_config_init(cs, &desc, device->core.described,
				      place->class_code, place->intx_pin);
	if (!err)
		err = add_vendor(cs, place);
	if (err)
		goto free;
	if (place->flags & KVPCI_PLACE_MULTIFUNCTION)
		kvpci_pci_config_set_multifunction(cs);

	mutex_lock(&device->map_lock);
	if (device->cs || (device->map && device->map->num))
		err = -EBUSY;
	else
		err = kvpci_ecam_add(device, cs, place->function);
	if (err)
		goto unlock;
	/* What the VMM may have set while it kept these bits is over. */
	kvpci_lock(device);
	kvpci_core_set_irq_flags(&device->core,
				 kvpci_pci_config_irq_flags(cs));
	kvpci_irq_sync_status(device);
	kvpci_unlock(device);
	kvpci_irq_set_line(device, place->gsi);
	mutex_unlock(&device->map_lock);
	return 0;

unlock:
	mutex_unlock(&device->map_lock);
free:
	free_config(cs);
	return err;
}
