// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI configuration space of a VM: which function an access means.
 */
#include <linux/bitmap.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include "kvpci.h"

#define BUS_SIZE	(256 * KVPCI_PCI_CONFIG_SIZE)

/* Where an access goes. */
struct target {
	bool user;			/* to the VMM */
	struct kvpci_device *device;	/* to a device; NULL: nobody is there */
	u32 offset;
};

static bool find_target(struct kvpci_range *range, gpa_t addr, int len,
			struct target *target)
{
	struct kvpci_ecam *ecam = range->ecam;
	u32 offset = addr - range->base;
	u32 function;

	if (!kvpci_iobus_covers(range, addr, len))
		return false;
	function = array_index_nospec(offset / KVPCI_PCI_CONFIG_SIZE,
				      ecam->num_functions);
	target->offset = offset % KVPCI_PCI_CONFIG_SIZE;
	target->user = test_bit(function, ecam->user);
	target->device = srcu_dereference(ecam->functions[function],
					  &ecam->vm->kvm->srcu);
	/* Configuration accesses are 1, 2 or 4 bytes in one dword. */
	if (len > 4 || target->offset % 4 + len > 4)
		target->device = NULL;
	return true;
}

static int ecam_read(struct kvm_vcpu *vcpu, struct kvm_io_device *iodev,
		     gpa_t addr, int len, void *val)
{
	struct kvpci_range *range = container_of(iodev, struct kvpci_range, iodev);
	struct target target;
	u32 value;

	if (!find_target(range, addr, len, &target) || target.user)
		return -EOPNOTSUPP;
	if (!target.device) {
		memset(val, 0xff, len);
		return 0;
	}
	if (!kvpci_function_read(target.device, target.offset, len, &value,
				 KVPCI_GUEST))
		return -EOPNOTSUPP;
	memcpy(val, &value, len);
	return 0;
}

static int ecam_write(struct kvm_vcpu *vcpu, struct kvm_io_device *iodev,
		      gpa_t addr, int len, const void *val)
{
	struct kvpci_range *range = container_of(iodev, struct kvpci_range, iodev);
	struct target target;
	u32 value = 0;

	if (!find_target(range, addr, len, &target) || target.user)
		return -EOPNOTSUPP;
	if (!target.device)
		return 0;
	memcpy(&value, val, len);
	return kvpci_function_try_write(target.device, target.offset, len, value) ?
	       0 : -EOPNOTSUPP;
}

static const struct kvm_io_device_ops ecam_ops = {
	.read = ecam_read,
	.write = ecam_write,
};

static void free_ecam(struct kvpci_ecam *ecam)
{
	if (!ecam)
		return;
	kfree(ecam->map);
	bitmap_free(ecam->user);
	kvfree(ecam);
}

static int fill_user(struct kvpci_ecam *ecam, const struct kvpci_vm_ecam *arg)
{
	/* Little-endian words: the bitmap is the bytes. */
	if (arg->user_functions &&
	    copy_from_user(ecam->user, u64_to_user_ptr(arg->user_functions),
			   ecam->num_functions / 8))
		return -EFAULT;
	return 0;
}

static struct kvpci_ecam *build(struct kvpci_vm *vm,
				const struct kvpci_vm_ecam *arg)
{
	u32 num = arg->num_buses * 256;
	struct kvpci_ecam *ecam;
	int err = -ENOMEM;

	ecam = kvzalloc(struct_size(ecam, functions, num), GFP_KERNEL_ACCOUNT);
	if (!ecam)
		return ERR_PTR(err);
	ecam->vm = vm;
	ecam->num_functions = num;
	ecam->user = bitmap_zalloc(num, GFP_KERNEL_ACCOUNT);
	ecam->map = kvpci_iobus_alloc_map(1);
	if (ecam->user && ecam->map)
		err = fill_user(ecam, arg);
	if (err) {
		free_ecam(ecam);
		return ERR_PTR(err);
	}

	ecam->map->makes_way = kvpci_bar_makes_way;
	ecam->map->num = 1;
	ecam->map->ranges[0] = (struct kvpci_range) {
		.iodev.ops = &ecam_ops,
		.base = arg->addr,
		.size = arg->num_buses * BUS_SIZE,
		.bus = KVM_MMIO_BUS,
		.ecam = ecam,
	};
	return ecam;
}

/* KVPCI_VM_ECAM */
long kvpci_vm_ecam(void *object, void *arg)
{
	const struct kvpci_vm_ecam *desc = arg;
	struct kvpci_vm *vm = object;
	struct kvpci_ecam *ecam;
	int err = -EEXIST;

	if (desc->flags || desc->__reserved)
		return -EINVAL;
	if (!desc->num_buses || desc->num_buses > 256 || desc->addr % BUS_SIZE ||
	    desc->addr > BIT_ULL(52) - desc->num_buses * (u64)BUS_SIZE)
		return -EINVAL;
	ecam = build(vm, desc);
	if (IS_ERR(ecam))
		return PTR_ERR(ecam);

	if (mutex_lock_killable(&vm->ecam_lock)) {
		free_ecam(ecam);
		return -EINTR;
	}
	if (!vm->ecam) {
		err = kvpci_iobus_replace(vm, NULL, ecam->map);
		if (!err)
			vm->ecam = ecam;
	}
	mutex_unlock(&vm->ecam_lock);
	if (err)
		free_ecam(ecam);
	return err;
}

/**
 * kvpci_ecam_destroy() - no more configuration space
 * @vm: the VM, which has no devices any more
 */
void kvpci_ecam_destroy(struct kvpci_vm *vm)
{
	/* Without it, too: something may still have to leave the buses. */
	kvpci_iobus_remove(vm, vm->ecam ? vm->ecam->map : NULL);
	free_ecam(vm->ecam);
}

/* A function appears. Return: 0, -ENXIO, -ERANGE, -EEXIST or -EINTR. */
static int ecam_add(struct kvpci_device *device, struct kvpci_pci_config *cs,
		    u32 function)
{
	struct kvpci_vm *vm = device->vm;
	struct kvpci_ecam *ecam;
	int err = 0;

	lockdep_assert_held(&device->map_lock);
	if (mutex_lock_killable(&vm->ecam_lock))
		return -EINTR;
	ecam = vm->ecam;
	if (!ecam) {
		err = -ENXIO;
		goto unlock;
	}
	if (function >= ecam->num_functions) {
		err = -ERANGE;
		goto unlock;
	}
	function = array_index_nospec(function, ecam->num_functions);
	if (test_bit(function, ecam->user) ||
	    rcu_access_pointer(ecam->functions[function])) {
		err = -EEXIST;
		goto unlock;
	}
	device->function = function;
	/* Registers before the function; whoever looks at cs pairs with it. */
	smp_store_release(&device->cs, cs);
	rcu_assign_pointer(ecam->functions[function], device);
unlock:
	mutex_unlock(&vm->ecam_lock);
	return err;
}

static int publish(struct kvpci_device *device, struct kvpci_pci_config *cs,
		   const struct kvpci_device_place *place)
{
	struct kvpci_effect effect;
	int err;

	lockdep_assert_held(&device->map_lock);
	if (device->cs || (device->map && device->map->num))
		return -EBUSY;
	err = ecam_add(device, cs, place->function);
	if (err)
		return err;
	/* The VMM may have set these bits. From here on @cs decides. */
	kvpci_lock(device);
	effect = kvpci_core_set_irq_flags(&device->core,
					  kvpci_pci_config_irq_flags(cs));
	effect.bits |= KVPCI_EFFECT_LINE;
	kvpci_unlock_and(device, effect);
	kvpci_irq_set_line(device, place->gsi, NULL);
	return 0;
}

/* KVPCI_DEVICE_PLACE */
long kvpci_device_place(void *object, void *arg)
{
	const struct kvpci_device_place *place = arg;
	struct kvpci_device *device = object;
	struct kvpci_pci_config *cs;
	int err = -EINTR;

	if (place->flags & ~KVPCI_PLACE_MULTIFUNCTION || place->__reserved ||
	    place->class_code >> 24 || place->intx_pin > 4 ||
	    place->vendor_length > KVPCI_MAX_VENDOR_DATA)
		return -EINVAL;
	if (place->intx_pin ? place->gsi >= KVPCI_NUM_LINES :
			      place->gsi != KVPCI_GSI_NONE)
		return -EINVAL;
	if (place->intx_pin && !kvpci_arch_has_lines(device->vm->kvm))
		return -ENXIO;
	cs = kvpci_function_build(device, place);
	if (IS_ERR(cs))
		return PTR_ERR(cs);

	if (!mutex_lock_killable(&device->map_lock)) {
		err = publish(device, cs, place);
		mutex_unlock(&device->map_lock);
	}
	if (err)
		kvpci_function_free(cs);
	return err;
}

/**
 * kvpci_ecam_remove() - a function goes away
 * @device: the device
 *
 * Accesses that have found it may still be under way: the caller waits for
 * kvm->srcu.
 */
void kvpci_ecam_remove(struct kvpci_device *device)
{
	struct kvpci_vm *vm = device->vm;

	if (!device->cs)
		return;
	mutex_lock(&vm->ecam_lock);
	RCU_INIT_POINTER(vm->ecam->functions[device->function], NULL);
	mutex_unlock(&vm->ecam_lock);
}
