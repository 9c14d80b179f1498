// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module and /dev/kvpci.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "kvpci.h"

static long info(void *object, void *arg)
{
	struct kvpci_info *info = arg;

	if (info->flags)
		return -EINVAL;
	info->caps = 0;
	/* VMX asks the fast bus first, if the guest's pages are nested. */
	if (boot_cpu_has(X86_FEATURE_EPT))
		info->caps |= KVPCI_CAP_FAST_MMIO;
	info->max_queues = KVPCI_MAX_QUEUES;
	info->max_vectors = KVPCI_MAX_VECTORS;
	info->max_device_config = KVPCI_MAX_DEVICE_CONFIG;
	info->max_regions = KVPCI_MAX_REGIONS;
	return 0;
}

static const struct kvpci_ioctl main_ioctls[] = {
	KVPCI_IOCTL(KVPCI_INFO, kvpci_info, max_regions, true, info),
	KVPCI_IOCTL(KVPCI_VM_CREATE, kvpci_vm_create, __reserved, false,
		    kvpci_vm_create),
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

	kvpci_debugfs_init();
	err = misc_register(&kvpci_misc);
	if (err)
		kvpci_debugfs_exit();
	return err;
}

static void __exit kvpci_exit(void)
{
	misc_deregister(&kvpci_misc);
	kvpci_debugfs_exit();
}

module_init(kvpci_init);
module_exit(kvpci_exit);
MODULE_DESCRIPTION("virtio-pci devices for KVM guests, answered in the kernel");
MODULE_AUTHOR("The kvpci authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
