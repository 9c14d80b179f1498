// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM object: our hold on a KVM virtual machine.
 */
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
	kvpci_teardowns_free(&vm->teardowns);
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

static void vm_teardown(struct kvpci_teardown *teardown)
{
	kvpci_vm_put(container_of(teardown, struct kvpci_vm, teardown));
}

int kvpci_vm_release(struct inode *inode, struct file *file)
{
	struct kvpci_vm *vm = file->private_data;

	kvpci_teardown(&vm->teardowns, &vm->teardown, vm_teardown);
	return 0;
}

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

/**
 * kvpci_vm_make() - take part in a KVM VM
 * @create: which
 *
 * Return: the object with one reference, or an error that KVPCI_VM_CREATE
 * documents.
 */
struct kvpci_vm *kvpci_vm_make(const struct kvpci_vm_create *create)
{
	kvpci_set_msi_t set_msi;
	struct module *owner;
	struct kvpci_vm *vm;
	struct kvm *kvm;

	if (create->flags & ~KVPCI_VM_EXT_DEST_ID || create->__reserved)
		return ERR_PTR(-EINVAL);
	kvm = kvm_from_fd(create->kvm_fd, &owner);
	if (IS_ERR(kvm))
		return ERR_CAST(kvm);
	set_msi = kvpci_irq_find_set_msi(kvm);
	vm = set_msi ? kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT) : ERR_PTR(-ENXIO);
	if (IS_ERR_OR_NULL(vm)) {
		kvm_put_kvm(kvm);
		module_put(owner);
		return vm ?: ERR_PTR(-ENOMEM);
	}
	kref_init(&vm->ref);
	kvpci_teardowns_init(&vm->teardowns);
	mutex_init(&vm->ecam_lock);
	mutex_init(&vm->line_lock);
	vm->kvm = kvm;
	vm->owner = owner;
	vm->set_msi = set_msi;
	vm->ext_dest_id = create->flags & KVPCI_VM_EXT_DEST_ID;
	return vm;
}
