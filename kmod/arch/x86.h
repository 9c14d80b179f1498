/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is x86: whose the VMs are, where messages go, how KVM finds who they are
 * for, the pins of the I/O APIC, and which bus answers a doorbell first.
 */
#ifndef KVPCI_ARCH_X86_H
#define KVPCI_ARCH_X86_H

#include <linux/kvm_host.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "x86_msi.h"

#define KVPCI_NUM_LINES	24	/* pins of the I/O APIC */

/**
 * kvpci_arch_is_kvm() - may a VM's file belong to this module?
 * @owner: the module, or NULL: KVM is built in, or it is from before 6.8, where
 *	the VM and not its file holds the module
 */
static inline bool kvpci_arch_is_kvm(const struct module *owner)
{
	return !owner || !strcmp(owner->name, "kvm_intel") ||
	       !strcmp(owner->name, "kvm_amd");
}

/* For whom a message is, as far as its address tells. */
enum kvpci_dest {
	KVPCI_DEST_NOBODY,	/* no local APIC listens at the address */
	KVPCI_DEST_ONE,		/* physical destination */
	KVPCI_DEST_SOME,	/* logical destination: at most 16 */
	KVPCI_DEST_ALL,		/* broadcast */
};

#define KVPCI_MSI_WINDOW_MASK	0xfff00000U
#define KVPCI_MSI_WINDOW	0xfee00000U	/* of address bits 31:0 */
#define KVPCI_MSI_LOGICAL	BIT(2)		/* destination mode */

/**
 * kvpci_arch_dest() - for whom a message is
 * @kvm: the VM
 * @address: the message's address
 *
 * Outside the window of the local APICs a message is a write to memory, and the
 * module does not write to memory. With the extended format KVM looks at the
 * upper half of the address itself. A broadcast has all bits of the destination
 * set; the lowest eight of them decide here, so some unicasts beyond 255 count as
 * broadcasts, which changes nothing but the way they take.
 */
static inline enum kvpci_dest kvpci_arch_dest(const struct kvm *kvm, u64 address)
{
	if (((u32)address & KVPCI_MSI_WINDOW_MASK) != KVPCI_MSI_WINDOW)
		return KVPCI_DEST_NOBODY;
	if (address >> 32 && !kvm->arch.x2apic_format)
		return KVPCI_DEST_NOBODY;
	if (((u32)address >> 12 & 0xff) == 0xff)
		return KVPCI_DEST_ALL;
	return address & KVPCI_MSI_LOGICAL ? KVPCI_DEST_SOME : KVPCI_DEST_ONE;
}

/* So many vCPUs may be looked at with interrupts off. */
#define KVPCI_FEW_VCPUS	16

/**
 * kvpci_arch_finds() - does KVM find the targets without a walk over all vCPUs?
 * @kvm: the VM
 * @dest: for whom the message is
 *
 * KVM looks them up in a map of the VM's local APICs. A guest can switch that map
 * off, or its logical half, at any time, by APIC IDs or logical IDs that are
 * alike. So the answer holds for one delivery, and is asked for before each.
 */
static __always_inline bool kvpci_arch_finds(struct kvm *kvm, enum kvpci_dest dest)
{
	if (likely(dest == KVPCI_DEST_ONE && rcu_access_pointer(kvm->arch.apic_map)))
		return true;
	if (dest == KVPCI_DEST_ALL)
		return false;
	if (atomic_read(&kvm->online_vcpus) <= KVPCI_FEW_VCPUS)
		return true;
	return dest == KVPCI_DEST_SOME && compat_apic_map_is_logical(kvm);
}

/** kvpci_arch_has_lines() - has the VM an I/O APIC in the kernel? */
static inline bool kvpci_arch_has_lines(const struct kvm *kvm)
{
	/* Where KVM is built without it, there is no name for that mode. */
	return kvm->arch.irqchip_mode != KVM_IRQCHIP_NONE &&
	       kvm->arch.irqchip_mode != KVM_IRQCHIP_SPLIT;
}

/** kvpci_arch_fast_mmio() - does KVM ask the fast bus before it decodes? */
static inline bool kvpci_arch_fast_mmio(void)
{
	/* VMX does, if the guest's pages are nested. */
	return boot_cpu_has(X86_FEATURE_EPT);
}

#endif /* KVPCI_ARCH_X86_H */
