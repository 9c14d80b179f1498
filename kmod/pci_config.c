// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's PCI configuration space: kept here, or by the VMM, which then tells
 * the bits that interrupts depend on.
 *
 * Writes are done on the way of the guest's access. Those that make a BAR answer
 * where its range is not are not: a handler cannot wait for the bus it runs on. They
 * exit to the VMM, which hands them back through an ioctl.
 */
#include <linux/gfp.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include "kvpci.h"

/*
 * 4.1.4.9: the access the window describes, then its data.
 *
 * Return: as kvpci_access_read().
 */
static bool window_read(struct kvpci_device *device, enum kvpci_accessor accessor)
{
	struct kvpci_window window;
	bool valid;
	u64 value;

	kvpci_lock(device);
	valid = kvpci_pci_config_window(device->cs, &window);
	kvpci_unlock(device);
	if (!valid)
		return true;
	if (!kvpci_access_read(device, window.bar, window.offset, window.length,
			       &value, accessor))
		return false;
	kvpci_lock(device);
	kvpci_pci_config_set_window(device->cs, value);
	kvpci_unlock(device);
	return true;
}

/*
 * It is the guest's access, even where the VMM hands it back: of what the VMM is to
 * decide on, KVPCI_DEVICE_FEATURES_OK, KVPCI_DEVICE_RESET or KVPCI_BAR_ACCESS has
 * done all that the VMM has decided on.
 *
 * Return: as kvpci_access_write().
 */
static bool window_write(struct kvpci_device *device,
			 const struct kvpci_window *window)
{
	int idx = srcu_read_lock(&device->vm->kvm->srcu);
	bool done;

	done = kvpci_access_write(device, window->bar, window->offset,
				  window->length, window->value, KVPCI_WINDOW);
	srcu_read_unlock(&device->vm->kvm->srcu, idx);
	return done;
}

/**
 * kvpci_function_read() - read configuration space
 * @device: the device, which has been placed
 * @offset: first byte
 * @length: 1, 2 or 4
 * @value: out: the value
 * @accessor: as for kvpci_access_read(), of the access through the window
 *
 * Context: inside kvm->srcu.
 *
 * Return: false, and nothing done, if the access that the window describes is the
 * VMM's to answer.
 */
bool kvpci_function_read(struct kvpci_device *device, u32 offset,
			 unsigned int length, u32 *value,
			 enum kvpci_accessor accessor)
{
	if (kvpci_pci_config_window_hit(device->cs, offset, length) &&
	    !window_read(device, accessor))
		return false;
	kvpci_count(device, KVPCI_COUNT_PCI_CONFIG_READS);
	kvpci_lock(device);
	*value = kvpci_pci_config_read(device->cs, offset, length);
	kvpci_unlock(device);
	return true;
}

/* A write to configuration space. */
struct pci_config_write {
	u32 offset;
	unsigned int length;
	u32 value;
	bool has_window;		/* out: an access through the window */
	struct kvpci_window window;	/* out */
};

/* PCI Express 6.6.2: the function forgets all, and the virtio device with it. */
static struct kvpci_effect reset_locked(struct kvpci_device *device)
{
	struct kvpci_effect effect;

	lockdep_assert_held(&device->lock);
	kvpci_pci_config_reset(device->cs);
	effect = kvpci_core_msix_reset(&device->core);
	effect.bits |= kvpci_status_write(&device->core, 0).bits;
	return effect;
}

/* The bytes, and what BARs and the register core are to know of them. */
static struct kvpci_effect write_locked(struct kvpci_device *device,
					struct pci_config_write *write)
{
	struct kvpci_effect effect = kvpci_no_effect();
	u64 addr[KVPCI_NUM_BARS];
	u32 change;

	lockdep_assert_held(&device->lock);
	change = kvpci_pci_config_write(device->cs, write->offset, write->length,
					write->value);
	if (change & KVPCI_PCI_CONFIG_FLR)
		effect = reset_locked(device);
	if (change & (KVPCI_PCI_CONFIG_DECODE | KVPCI_PCI_CONFIG_FLR))
		WRITE_ONCE(device->decoding,
			   kvpci_pci_config_decode(device->cs, addr));
	/* None of these effects is one vector's. */
	if (change & KVPCI_PCI_CONFIG_IRQ)
		effect.bits |= kvpci_core_set_irq_flags(&device->core,
				kvpci_pci_config_irq_flags(device->cs)).bits;
	write->has_window = change & KVPCI_PCI_CONFIG_WINDOW &&
			    kvpci_pci_config_window(device->cs, &write->window);
	return effect;
}

/*
 * Is the write one that a handler cannot do? While another one may be moving BARs,
 * that is any write of what decides where they answer.
 */
static bool must_exit(struct kvpci_device *device, const struct pci_config_write *w)
{
	lockdep_assert_held(&device->lock);
	if (device->moving ?
	    kvpci_pci_config_touches_decode(device->cs, w->offset, w->length, w->value) :
	    kvpci_pci_config_moves(device->cs, w->offset, w->length, w->value,
				   device->placed, device->place))
		return true;
	return device->pci_config_mapped &&
	       kvpci_pci_config_arms(device->cs, w->offset, w->length, w->value);
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
 * Return: false if it takes KVPCI_PCI_CONFIG_ACCESS. Then nothing is done; or, if
 * the access that the window describes is for the VMM to decide on, nothing but
 * what doing it again does again.
 */
bool kvpci_function_try_write(struct kvpci_device *device, u32 offset,
			      unsigned int length, u32 value)
{
	struct pci_config_write write = {
		.offset = offset, .length = length, .value = value,
	};

	kvpci_lock(device);
	if (must_exit(device, &write)) {
		kvpci_unlock(device);
		return false;
	}
	kvpci_unlock_and(device, write_locked(device, &write));
	if (write.has_window && !window_write(device, &write.window))
		return false;
	kvpci_count(device, KVPCI_COUNT_PCI_CONFIG_WRITES);
	return true;
}

/*
 * Moves the BARs to where a write will have them, before it is done: if they
 * cannot go there, nothing has changed. Until it is done, @device->moving keeps
 * what it was decided by as it is.
 */
static int move_bars(struct kvpci_device *device, const struct pci_config_write *w)
{
	u64 addr[KVPCI_NUM_BARS];
	u32 mapped;
	bool moves;

	lockdep_assert_held(&device->map_lock);
	kvpci_lock(device);
	device->moving = true;
	moves = kvpci_pci_config_moves(device->cs, w->offset, w->length, w->value,
				       device->placed, device->place);
	mapped = kvpci_pci_config_decode_after(device->cs, w->offset, w->length,
					       w->value, addr);
	kvpci_unlock(device);
	return moves ? kvpci_bar_map(device, mapped, addr) : 0;
}

/* Context: outside kvm->srcu; may wait for it. */
static int function_write(struct kvpci_device *device, struct pci_config_write *write)
{
	struct kvpci_effect effect = kvpci_no_effect();
	int err;

	/* What is decoded and what is mapped must agree in the end. */
	if (mutex_lock_killable(&device->map_lock))
		return -EINTR;
	err = move_bars(device, write);
	kvpci_lock(device);
	if (!err)
		effect = write_locked(device, write);
	device->moving = false;
	kvpci_unlock_and(device, effect);
	if (!err && write->has_window)
		window_write(device, &write->window);
	mutex_unlock(&device->map_lock);
	if (!err)
		kvpci_count(device, KVPCI_COUNT_PCI_CONFIG_WRITES);
	return err;
}

/*
 * The function as a whole. BARs that the module keeps do not answer from here on; the
 * buses may go on leading to them.
 */
static int function_reset(struct kvpci_device *device)
{
	struct kvpci_effect effect;

	if (mutex_lock_killable(&device->map_lock))
		return -EINTR;
	kvpci_lock(device);
	effect = kvpci_core_reset_by_vmm(&device->core, KVPCI_RESET_FUNCTION);
	if (device->cs) {
		kvpci_pci_config_reset(device->cs);
		WRITE_ONCE(device->decoding, 0);
	}
	kvpci_unlock_and(device, effect);
	mutex_unlock(&device->map_lock);
	return 0;
}

/* KVPCI_DEVICE_RESET */
long kvpci_device_reset(void *object, void *arg)
{
	struct kvpci_device *device = object;
	const struct kvpci_device_reset *reset = arg;

	if (reset->flags & ~KVPCI_RESET_FUNCTION)
		return -EINVAL;
	if (reset->flags & KVPCI_RESET_FUNCTION)
		return function_reset(device);
	kvpci_lock(device);
	kvpci_unlock_and(device, kvpci_core_reset_by_vmm(&device->core, 0));
	return 0;
}

/* KVPCI_PCI_CONFIG_ACCESS */
long kvpci_pci_config_access(void *object, void *arg)
{
	struct kvpci_device *device = object;
	struct kvpci_pci_config_access *access = arg;
	struct pci_config_write write = {
		.offset = access->offset,
		.length = access->length,
		.value = access->value,
	};
	int idx;

	if (access->flags & ~KVPCI_ACCESS_WRITE || access->__reserved ||
	    access->length > 4 || !is_power_of_2(access->length))
		return -EINVAL;
	if (access->offset > KVPCI_PCI_CONFIG_SIZE - access->length)
		return -ERANGE;
	/* Pairs with the release in ecam_add(). */
	if (!smp_load_acquire(&device->cs))
		return -ENXIO;
	if (access->flags & KVPCI_ACCESS_WRITE)
		return function_write(device, &write);
	idx = srcu_read_lock(&device->vm->kvm->srcu);
	kvpci_function_read(device, access->offset, access->length, &access->value,
			    KVPCI_VMM);
	srcu_read_unlock(&device->vm->kvm->srcu, idx);
	return 0;
}

/**
 * kvpci_function_move() - take the BARs to where a restored space has them
 * @device: the device, which has been placed; its map_lock is held
 * @bytes: the space
 * @irq_flags: what its interrupt bits say
 *
 * After success no write of the guest moves them until kvpci_function_moved(), or
 * kvpci_function_move_back().
 *
 * Return: 0, -EINVAL if the space cannot hold @bytes, -EBUSY if the device is not
 * as a reset leaves it, or an error of kvpci_bar_map(). Then nothing has changed.
 */
int kvpci_function_move(struct kvpci_device *device, const u8 *bytes, u32 irq_flags)
{
	u64 addr[KVPCI_NUM_BARS];
	u32 mapped;
	int err;

	lockdep_assert_held(&device->map_lock);
	kvpci_lock(device);
	err = kvpci_pci_config_state_check(device->cs, bytes, irq_flags);
	if (!err && !kvpci_core_at_rest(&device->core))
		err = -EBUSY;
	mapped = kvpci_pci_config_decode_restored(device->cs, bytes, addr);
	device->moving = !err;
	kvpci_unlock(device);
	if (err)
		return err;
	err = kvpci_bar_map(device, mapped, addr);
	if (err) {
		kvpci_lock(device);
		device->moving = false;
		kvpci_unlock(device);
	}
	return err;
}

/**
 * kvpci_function_moved() - the space follows the BARs
 * @device: the device; its lock is held
 * @bytes: the space
 */
void kvpci_function_moved(struct kvpci_device *device, const u8 *bytes)
{
	u64 addr[KVPCI_NUM_BARS];

	lockdep_assert_held(&device->lock);
	kvpci_pci_config_restore(device->cs, bytes);
	WRITE_ONCE(device->decoding, kvpci_pci_config_decode(device->cs, addr));
	device->moving = false;
}

/**
 * kvpci_function_move_back() - the BARs return to where the space has them
 * @device: the device; its map_lock is held
 *
 * For want of memory they stay where they are, until the guest moves them.
 */
void kvpci_function_move_back(struct kvpci_device *device)
{
	u64 addr[KVPCI_NUM_BARS];
	u32 mapped;

	lockdep_assert_held(&device->map_lock);
	kvpci_lock(device);
	mapped = kvpci_pci_config_decode(device->cs, addr);
	kvpci_unlock(device);
	kvpci_bar_map(device, mapped, addr);
	kvpci_lock(device);
	device->moving = false;
	kvpci_unlock(device);
}

/* Return: NULL if the line is not the VMM's. */
static struct eventfd_ctx *get_line_ctx(const struct kvpci_device_irq *irq)
{
	if (irq->flags & KVPCI_IRQ_LINE_FD)
		return irq->gsi == KVPCI_GSI_NONE ? eventfd_ctx_fdget(irq->line_fd) :
						    ERR_PTR(-EINVAL);
	return irq->line_fd ? ERR_PTR(-EINVAL) : NULL;
}

/* Takes over @ctx, or leaves it to the caller after an error. */
static int set_irq(struct kvpci_device *device, struct kvpci_device_irq *irq,
		   struct eventfd_ctx *ctx)
{
	struct kvpci_effect effect;

	if (mutex_lock_killable(&device->map_lock))
		return -EINTR;
	if (device->cs) {
		mutex_unlock(&device->map_lock);
		return -EBUSY;
	}
	kvpci_lock(device);
	effect = kvpci_core_set_irq_flags(&device->core, irq->flags);
	irq->pending = kvpci_core_intx_status(&device->core);
	kvpci_unlock_and(device, effect);
	/* What is pending is sent before the call returns, by the work, too. */
	flush_work(&device->irq_work);
	kvpci_irq_set_line(device, irq->gsi, ctx);
	mutex_unlock(&device->map_lock);
	return 0;
}

/* KVPCI_DEVICE_IRQ */
long kvpci_device_irq(void *object, void *arg)
{
	const u32 msix = KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_MSIX_MASKALL;
	struct kvpci_device *device = object;
	struct kvpci_device_irq *irq = arg;
	struct eventfd_ctx *ctx;
	int err;

	if (irq->flags & ~(msix | KVPCI_IRQ_INTX_DISABLE | KVPCI_IRQ_MASTER |
			   KVPCI_IRQ_LINE_FD) || irq->__reserved)
		return -EINVAL;
	if (irq->gsi >= KVPCI_NUM_LINES && irq->gsi != KVPCI_GSI_NONE)
		return -EINVAL;
	if (irq->flags & msix && !device->core.num_vectors)
		return -ENXIO;
	if (irq->gsi != KVPCI_GSI_NONE && !kvpci_arch_has_lines(device->vm->kvm))
		return -ENXIO;
	ctx = get_line_ctx(irq);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	err = set_irq(device, irq, ctx);
	if (err && ctx)
		eventfd_ctx_put(ctx);
	return err;
}

/* In pages of its own, so that it can be mapped. */
static struct kvpci_pci_config *alloc_pci_config(void)
{
	return alloc_pages_exact(sizeof(struct kvpci_pci_config),
				 GFP_KERNEL_ACCOUNT | __GFP_ZERO);
}

static void free_pci_config(struct kvpci_pci_config *cs)
{
	free_pages_exact(cs, sizeof(*cs));
}

/** kvpci_function_free() - no more configuration space; @cs may be NULL */
void kvpci_function_free(struct kvpci_pci_config *cs)
{
	if (cs)
		free_pci_config(cs);
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

static int fill(struct kvpci_pci_config *cs, const struct kvpci_device *device,
		const struct kvpci_device_place *place)
{
	struct kvpci_device_create desc;
	int err;

	describe(&device->core, device->virtio_id, &desc);
	err = kvpci_pci_config_init(cs, &desc, device->core.described,
				    place->class_code, place->intx_pin);
	if (!err)
		err = add_vendor(cs, place);
	if (!err && place->flags & KVPCI_PLACE_MULTIFUNCTION)
		kvpci_pci_config_set_multifunction(cs);
	return err;
}

/**
 * kvpci_function_build() - a configuration space, as after power-on
 * @device: the device
 * @place: what KVPCI_DEVICE_PLACE tells of it; its fields are in their ranges
 *
 * Return: the space, or an error that KVPCI_DEVICE_PLACE documents.
 */
struct kvpci_pci_config *
kvpci_function_build(const struct kvpci_device *device,
		     const struct kvpci_device_place *place)
{
	struct kvpci_pci_config *cs = alloc_pci_config();
	int err;

	if (!cs)
		return ERR_PTR(-ENOMEM);
	err = fill(cs, device, place);
	if (!err)
		return cs;
	free_pci_config(cs);
	return ERR_PTR(err);
}
