// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM object: our hold on a KVM virtual machine.
 */
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "kvpci.h"

static void vm_release_ref(struct kref *ref)
{
	struct kvpci_vm *vm = container_of(ref, struct kvpci_vm, ref);

	kvpci_ecam_destroy(vm);
	kvpci_iobus_flush(vm);
	fput(vm->kvm_file);
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

/**
 * kvpci_vm_close() - a file of the VM, its own or a device's, is closed
 * @vm: the VM
 * @teardown: the file's object, which holds a reference on the VM
 * @fn: takes the object apart, and has the VM let go of in the end
 *
 * When the process that made the VM has closed the last file, all is gone: one wait
 * for all devices.
 *
 * Context: may sleep; only the process that made the VM waits for kvm->srcu.
 */
void kvpci_vm_close(struct kvpci_vm *vm, struct kvpci_teardown *teardown,
		    void (*fn)(struct kvpci_teardown *teardown))
{
	bool last = atomic_dec_and_test(&vm->num_files);

	if (!kvpci_teardown_is_ours(&vm->teardowns)) {
		__module_get(THIS_MODULE);
		kvpci_teardown_queue(&vm->teardowns, teardown, fn);
		return;
	}
	kvpci_vm_get(vm);
	fn(teardown);
	if (last) {
		kvpci_iobus_flush(vm);
		kvpci_teardowns_flush(&vm->teardowns);
	}
	kvpci_vm_put(vm);
}

static void put_vm(struct kvpci_teardown *teardown)
{
	kvpci_vm_put(container_of(teardown, struct kvpci_vm, teardown));
}

int kvpci_vm_release(struct inode *inode, struct file *file)
{
	struct kvpci_vm *vm = file->private_data;

	kvpci_vm_close(vm, &vm->teardown, put_vm);
	return 0;
}

/*
 * Is this the file of a KVM VM? KVM tells its own modules only. Nobody else gives
 * this name to an anonymous inode, where userspace cannot choose one. A module
 * that is not KVM's could, and is refused.
 */
static bool is_kvm_vm(const struct file *file)
{
	const struct dentry *dentry = file->f_path.dentry;

	return dentry->d_sb->s_magic == ANON_INODE_FS_MAGIC &&
	       !strcmp(dentry->d_name.name, "kvm-vm") &&
	       kvpci_arch_is_kvm(file->f_op->owner);
}

/* The file of the KVM VM behind a descriptor, with a reference of its own. */
static struct file *kvm_file_get(int fd)
{
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (is_kvm_vm(file))
		return file;
	fput(file);
	return ERR_PTR(-EINVAL);
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
	struct kvpci_vm *vm;
	struct file *file;
	struct kvm *kvm;

	if (create->flags & ~KVPCI_VM_EXT_DEST_ID || create->__reserved)
		return ERR_PTR(-EINVAL);
	file = kvm_file_get(create->kvm_fd);
	if (IS_ERR(file))
		return ERR_CAST(file);
	kvm = file->private_data;
	set_msi = kvpci_irq_find_set_msi(kvm);
	vm = set_msi ? kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT) : ERR_PTR(-ENXIO);
	if (IS_ERR_OR_NULL(vm)) {
		fput(file);
		return vm ?: ERR_PTR(-ENOMEM);
	}
	kref_init(&vm->ref);
	atomic_set(&vm->num_files, 1);
	kvpci_teardowns_init(&vm->teardowns);
	mutex_init(&vm->ecam_lock);
	mutex_init(&vm->line_lock);
	vm->kvm_file = file;
	vm->kvm = kvm;
	vm->set_msi = set_msi;
	vm->ext_dest_id = create->flags & KVPCI_VM_EXT_DEST_ID;
	return vm;
}
