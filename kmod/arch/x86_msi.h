/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is x86 about a message, and needs nothing of the kernel: the userspace
 * transport has it, too.
 */
#ifndef KVPCI_ARCH_X86_MSI_H
#define KVPCI_ARCH_X86_MSI_H

#define KVPCI_MSI_REMAPPABLE	0x010U	/* of a virtual IOMMU's format */
#define KVPCI_MSI_EXT_DEST	0xfe0U	/* destination bits 14:8 */

/**
 * kvpci_arch_ext_dest() - a message with an extended destination ID, as KVM takes it
 * @address: the message's address, as the guest wrote it
 *
 * What hypervisors do that tell their guests of KVM_FEATURE_MSI_EXT_DEST_ID.
 */
static inline u64 kvpci_arch_ext_dest(u64 address)
{
	u64 ext = address & KVPCI_MSI_EXT_DEST;

	if (address >> 32 || address & KVPCI_MSI_REMAPPABLE)
		return address;
	return (address & ~ext) | ext << (40 - 5);
}

#endif /* KVPCI_ARCH_X86_MSI_H */
