/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All differences between the kernels we build for, and the only place that
 * looks at LINUX_VERSION_CODE. The sources are written for the newest; older
 * ones are given its interfaces here.
 */
#ifndef KVPCI_COMPAT_H
#define KVPCI_COMPAT_H

#include <linux/eventfd.h>
#include <linux/kvm_host.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/version.h>

/* 6.8 dropped the count from eventfd_signal(). */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
static inline void compat_eventfd_signal(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx, 1);
}

#define eventfd_signal(ctx)	compat_eventfd_signal(ctx)
#endif

/* 6.3 made the flags of a mapping private. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_mod(struct vm_area_struct *vma, vm_flags_t set,
				vm_flags_t clear)
{
	vma->vm_flags |= set;
	vma->vm_flags &= ~clear;
}
#endif

/* 6.12 moved it. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#include <asm/unaligned.h>
#else
#include <linux/unaligned.h>
#endif

/*
 * Has KVM's map of local APICs a logical half? 6.3 gave the mode names, and later
 * kernels keep the structure to themselves; there nobody but KVM can tell.
 */
static inline bool compat_apic_map_is_logical(struct kvm *kvm)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
	const struct kvm_apic_map *map;
	bool logical = false;

	rcu_read_lock();
	map = rcu_dereference(kvm->arch.apic_map);
	if (map) {
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
		logical = is_power_of_2(map->mode);
#else
		logical = map->logical_mode == KVM_APIC_MODE_XAPIC_CLUSTER ||
			  map->logical_mode == KVM_APIC_MODE_XAPIC_FLAT ||
			  map->logical_mode == KVM_APIC_MODE_X2APIC;
#endif
	}
	rcu_read_unlock();
	return logical;
#else
	return false;
#endif
}

void kvpci_compat_init(void);

#endif /* KVPCI_COMPAT_H */
