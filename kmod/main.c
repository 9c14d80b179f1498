// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module, /dev/kvpci, and the files of all objects with their ioctls. What an
 * ioctl does stands with the object that it is about.
 */
#include <linux/anon_inodes.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "kvpci.h"

/* --- devices ------------------------------------------------------------------ */

static const struct kvpci_ioctl device_ioctls[] = {
	KVPCI_IOCTL(KVPCI_DEVICE_PLACE, kvpci_device_place, __reserved, KVPCI_IN),
	KVPCI_IOCTL(KVPCI_DEVICE_MAP, kvpci_device_map, addr, KVPCI_IN),
	KVPCI_IOCTL(KVPCI_DEVICE_IRQ, kvpci_device_irq, pending, KVPCI_INOUT),
	KVPCI_IOCTL(KVPCI_DEVICE_ACK, kvpci_device_ack, __reserved, KVPCI_IN),
	KVPCI_IOCTL(KVPCI_DEVICE_FAIL, kvpci_device_fail, flags, KVPCI_IN),
	KVPCI_IOCTL(KVPCI_DEVICE_STATE, kvpci_device_state, __reserved, KVPCI_INOUT),
	KVPCI_IOCTL(KVPCI_DEVICE_STATS, kvpci_device_stats, pci_config_writes, KVPCI_INOUT),
	KVPCI_IOCTL(KVPCI_DEVICE_FEATURES_OK, kvpci_device_features_ok,
		    driver_features, KVPCI_IN),
	KVPCI_IOCTL(KVPCI_DEVICE_CONFIG_WRITE, kvpci_device_config_write, data, KVPCI_IN),
	KVPCI_IOCTL_WITH(kvpci_device_registers, KVPCI_DEVICE_SAVE,
			 kvpci_device_save, pci_config, KVPCI_INOUT),
	KVPCI_IOCTL_WITH(kvpci_device_registers, KVPCI_DEVICE_RESTORE,
			 kvpci_device_restore, pci_config, KVPCI_IN),
	KVPCI_IOCTL(KVPCI_QUEUE_FDS, kvpci_queue_fds, pairs, KVPCI_IN),
	KVPCI_IOCTL(KVPCI_QUEUE_STATE, kvpci_queue_state, device, KVPCI_INOUT),
	KVPCI_IOCTL(KVPCI_BAR_ACCESS, kvpci_bar_access, value, KVPCI_INOUT),
	KVPCI_IOCTL(KVPCI_PCI_CONFIG_ACCESS, kvpci_pci_config_access, __reserved, KVPCI_INOUT),
	KVPCI_IOCTL(KVPCI_DEVICE_RESET, kvpci_device_reset, flags, KVPCI_IN),
	KVPCI_IOCTL(KVPCI_QUEUE_STATES, kvpci_queue_states, states, KVPCI_IN),
};

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return kvpci_ioctl(device_ioctls, ARRAY_SIZE(device_ioctls),
			   file->private_data, cmd, arg);
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.read = kvpci_event_read,
	.poll = kvpci_event_poll,
	.mmap = kvpci_mmap,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = kvpci_device_release,
	.llseek = noop_llseek,
};

/* KVPCI_DEVICE_CREATE */
static long kvpci_device_create(void *object, void *arg)
{
	struct kvpci_device *device = kvpci_device_make(object, arg);
	int fd;

	if (IS_ERR(device))
		return PTR_ERR(device);
	fd = anon_inode_getfd("kvpci-device", &device_fops, device,
			      O_RDWR | O_CLOEXEC);
	if (fd < 0)
		kvpci_device_destroy(device);
	return fd;
}

/* --- VMs ---------------------------------------------------------------------- */

static const struct kvpci_ioctl vm_ioctls[] = {
	KVPCI_IOCTL(KVPCI_VM_ECAM, kvpci_vm_ecam, user_functions, KVPCI_IN),
	KVPCI_IOCTL(KVPCI_DEVICE_CREATE, kvpci_device_create, num_admin_queues, KVPCI_IN),
};

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return kvpci_ioctl(vm_ioctls, ARRAY_SIZE(vm_ioctls),
			   file->private_data, cmd, arg);
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = kvpci_vm_release,
	.llseek = noop_llseek,
};

/* KVPCI_VM_CREATE */
static long kvpci_vm_create(void *object, void *arg)
{
	struct kvpci_vm *vm = kvpci_vm_make(arg);
	int fd;

	if (IS_ERR(vm))
		return PTR_ERR(vm);
	fd = anon_inode_getfd("kvpci-vm", &vm_fops, vm, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		kvpci_vm_put(vm);
	return fd;
}

/* --- /dev/kvpci ---------------------------------------------------------------- */

/* KVPCI_INFO */
static long kvpci_info(void *object, void *arg)
{
	struct kvpci_info *info = arg;

	if (info->flags)
		return -EINVAL;
	info->caps = kvpci_arch_fast_mmio() ? KVPCI_CAP_FAST_MMIO : 0;
	info->max_queues = KVPCI_MAX_QUEUES;
	info->max_vectors = KVPCI_MAX_VECTORS;
	info->max_device_config = KVPCI_MAX_DEVICE_CONFIG;
	info->max_regions = KVPCI_MAX_REGIONS;
	return 0;
}

static const struct kvpci_ioctl main_ioctls[] = {
	KVPCI_IOCTL(KVPCI_INFO, kvpci_info, max_regions, KVPCI_INOUT),
	KVPCI_IOCTL(KVPCI_VM_CREATE, kvpci_vm_create, __reserved, KVPCI_IN),
};

static long main_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return kvpci_ioctl(main_ioctls, ARRAY_SIZE(main_ioctls), NULL, cmd, arg);
}

static const struct file_operations main_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = main_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice kvpci_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kvpci",
	.fops = &main_fops,
};

static int __init kvpci_init(void)
{
	int err;

	err = kvpci_teardown_init();
	if (err)
		return err;
	err = kvpci_eventfds_init();
	if (err)
		goto teardown;
	err = kvpci_irq_init();
	if (err)
		goto eventfds;
	kvpci_debugfs_init();
	err = misc_register(&kvpci_misc);
	if (err)
		goto debugfs;
	kvpci_compat_init();
	return 0;

debugfs:
	kvpci_debugfs_exit();
	kvpci_irq_exit();
eventfds:
	kvpci_eventfds_exit();
teardown:
	kvpci_teardown_exit();
	return err;
}

static void __exit kvpci_exit(void)
{
	misc_deregister(&kvpci_misc);
	/* Objects that are still being taken apart use all that follows. */
	kvpci_teardown_exit();
	kvpci_debugfs_exit();
	kvpci_irq_exit();
	kvpci_eventfds_exit();
}

module_init(kvpci_init);
module_exit(kvpci_exit);
MODULE_DESCRIPTION("virtio-pci devices for KVM guests, answered in the kernel");
MODULE_AUTHOR("The kvpci authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(KVPCI_VERSION);
