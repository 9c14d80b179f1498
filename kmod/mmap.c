// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest may read without an exit: a device's PCI configuration space
 * and MSI-X table, for its VMM to map and to put under a read-only memory
 * slot.
 *
 * Nothing is copied: these pages are where the registers are. They hold nothing
 * else, and who maps them cannot write to them.
 */
#include <linux/mm.h>

#include "kvpci.h"

/* The page of a device's file at an offset in pages, or NULL. */
static struct page *mmap_page(struct kvpci_device *device, pgoff_t offset)
{
	const struct kvpci_core *core = &device->core;
	/* Pairs with the release in ecam_add(). */
	struct kvpci_pci_config *cs = smp_load_acquire(&device->cs);

	BUILD_BUG_ON(offsetof(struct kvpci_pci_config, value));
	BUILD_BUG_ON(sizeof(cs->value) != PAGE_SIZE);
	BUILD_BUG_ON(sizeof(*core->vectors) != PCI_MSIX_ENTRY_SIZE);

	if (offset == KVPCI_MMAP_PCI_CONFIG >> PAGE_SHIFT)
		return cs ? virt_to_page(cs) : NULL;
	offset -= KVPCI_MMAP_MSIX >> PAGE_SHIFT;
	if (offset >= kvpci_vectors_size(core->num_vectors) >> PAGE_SHIFT)
		return NULL;
	return virt_to_page((void *)core->vectors + (offset << PAGE_SHIFT));
}

static vm_fault_t mmap_fault(struct vm_fault *vmf)
{
	struct page *page = mmap_page(vmf->vma->vm_private_data, vmf->pgoff);

	if (!page)
		return VM_FAULT_SIGBUS;
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct mmap_ops = {
	.fault = mmap_fault,
};

/**
 * kvpci_mmap() - map registers for reading
 * @file: a device
 * @vma: where; it keeps the device until it is gone
 *
 * Return: 0, or the error that <linux/kvpci.h> documents.
 */
int kvpci_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct kvpci_device *device = file->private_data;
	pgoff_t i;

	if (vma->vm_flags & (VM_WRITE | VM_EXEC))
		return -EACCES;
	for (i = 0; i < vma_pages(vma); i++)
		if (!mmap_page(device, vma->vm_pgoff + i))
			return -ENXIO;
	/* Nor by mprotect(), nor for a debugger. */
	vm_flags_mod(vma, VM_DONTEXPAND | VM_DONTDUMP, VM_MAYWRITE | VM_MAYEXEC);
	vma->vm_private_data = device;
	vma->vm_ops = &mmap_ops;
	if (vma->vm_pgoff == KVPCI_MMAP_PCI_CONFIG >> PAGE_SHIFT) {
		/* From now on the window's use is the VMM's business too. */
		kvpci_lock(device);
		device->pci_config_mapped = true;
		kvpci_unlock(device);
	}
	return 0;
}
