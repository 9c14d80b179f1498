// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM object: our hold on a KVM virtual machine.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "kvpci.h"

static void vm_release_ref(struct kref *ref)
{
	struct kvpci_vm *vm = container_of(ref, struct kvpci_vm, ref);

	kvpci_ecam_destroy(vm);
	kvm_put_kvm(vm->kvm);
	module_put(vm->owner);
	mutex_destroy(&vm->ecam_lock);
	mutex_destroy(&vm->line_lock);
	kfree(vm);
}

struct kvpci_vm *kvpci_vm_get(struct kvpci_vm *vm)
{
	kref_get(&vm->ref);
	return vm;
}

void kvpci_vm_put(struct kvpci_vm *vm)
{
	kref_put(&vm->ref, vm_release_ref);
}

static const struct kvpci_ioctl vm_ioctls[] = {
	KVPCI_IOCTL(KVPCI_DEVICE_CREATE, kvpci_device_create, name, false,
		    kvpci_device_create),
	KVPCI_IOCTL(KVPCI_VM_ECAM, kvpci_vm_ecam, user_functions, false,
		    kvpci_ecam_create),
};

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return kvpci_ioctl(vm_ioctls, ARRAY_SIZE(vm_ioctls),
			   file->private_data, cmd, arg);
}

static int vm_release(struct inode *inode, struct file *file)
{
	kvpci_vm_put(file->private_data);
	return 0;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = vm_release,
	.llseek = noop_llseek,
};

/*
 * The KVM VM behind a descriptor, with a reference of its own, and one on the
 * module that its file holds: since 6.8 a reference on the VM does not keep
 * kvm_amd or kvm_intel loaded.
 */
static struct kvm *kvm_from_fd(int fd, struct module **owner)
{
	struct file *file = fget(fd);
	struct kvm *kvm;

	if (!file)
		return ERR_PTR(-EBADF);
	kvm = ERR_PTR(-EINVAL);
	if (file_is_kvm(file)) {
		kvm = file->private_data;
		if (kvm_get_kvm_safe(kvm)) {
			*owner = file->f_op->owner;
			__module_get(*owner);
		} else {
			kvm = ERR_PTR(-EINVAL);
		}
	}
	fput(file);
	return kvm;
}

long kvpci_vm_create(void *object, void *arg)
{
	const struct kvpci_vm_create *create = arg;
	struct module *owner;
	struct kvpci_vm *vm;
	struct kvm *kvm;
	int fd;

	if (create->flags || create->__reserved)
		return -EINVAL;
	kvm = kvm_from_fd(create->kvm_fd, &owner);
	if (IS_ERR(kvm))
		return PTR_ERR(kvm);

	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm) {
		kvm_put_kvm(kvm);
		module_put(owner);
		return -ENOMEM;
	}
	kref_init(&vm->ref);
	mutex_init(&vm->ecam_lock);
	mutex_init(&vm->line_lock);
	vm->kvm = kvm;
	vm->owner = owner;
	vm->set_msi = kvpci_irq_find_set_msi(kvm);
	if (!vm->set_msi) {
		kvpci_vm_put(vm);
		return -ENXIO;
	}

	fd = anon_inode_getfd("kvpci-vm", &vm_fops, vm, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		kvpci_vm_put(vm);
	return fd;
}
