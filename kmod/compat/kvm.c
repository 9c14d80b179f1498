// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is assumed of KVM beyond its exports, in one place. A build fails where the
 * headers say otherwise, and the tests named here where KVM itself does.
 *
 *	a VM's file is an anonymous inode's named	kvpci/errors.c (vm_create_files)
 *	"kvm-vm", and its private data struct kvm
 *	a bus is read inside kvm->srcu, replaced as a	kvpci/lifetime.c, fail_nth.c
 *	whole under kvm->slots_lock, made by kmalloc(),
 *	and freed by kfree() when nobody reads it
 *	entries of a bus are in order of address, then	kvpci/access.c (neighbours)
 *	end
 *	the ioeventfds on a bus do not count against	kvpci/access.c
 *	NR_IOBUS_DEVS					(beside_ioeventfd)
 *	VMX asks KVM_FAST_MMIO_BUS first, with length 0	kvpci/doorbell.c, on VMX
 *	an MSI route's set() delivers any message, and	kvpci/interrupt.c, irqs_off.c
 *	needs no lock that sleeps, as irqfds know, too
 *	a route to a pin keeps no state in its entry	kvpci/interrupt.c (line)
 *	kvm->arch.apic_map is NULL while KVM finds its	kvpci/irqs_off.c
 *	targets by walking over all vCPUs
 *	a split interrupt controller has no pins	kvpci/split_irqchip.c
 */
#include <kvm/iodev.h>
#include <linux/build_bug.h>
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <generated/utsrelease.h>

#include "../kvpci.h"

#define HAS(object, field, is) \
	static_assert(__same_type(((object *)NULL)->field, is))

HAS(struct kvm, buses[0], struct kvm_io_bus __rcu *);
HAS(struct kvm, slots_lock, struct mutex);
HAS(struct kvm, srcu, struct srcu_struct);
HAS(struct kvm, irq_srcu, struct srcu_struct);
HAS(struct kvm, irq_routing, struct kvm_irq_routing_table __rcu *);
HAS(struct kvm, online_vcpus, atomic_t);
HAS(struct kvm, arch.apic_map, struct kvm_apic_map __rcu *);
HAS(struct kvm, arch.x2apic_format, bool);

/* All that a copy of a bus has to have; later kernels free it by way of RCU. */
HAS(struct kvm_io_bus, dev_count, int);
HAS(struct kvm_io_bus, ioeventfd_count, int);
static_assert(offsetof(struct kvm_io_bus, range) == 2 * sizeof(int) ||
	      offsetof(struct kvm_io_bus, range) ==
	      2 * sizeof(int) + sizeof(struct rcu_head));

/* All that an entry has to have. */
HAS(struct kvm_io_range, addr, gpa_t);
HAS(struct kvm_io_range, len, int);
HAS(struct kvm_io_range, dev, struct kvm_io_device *);
static_assert(sizeof(struct kvm_io_range) ==
	      sizeof(gpa_t) + sizeof(long) + sizeof(void *));

HAS(struct kvm_kernel_irq_routing_entry, set, kvpci_set_msi_t);
HAS(struct kvm_irq_routing_table, nr_rt_entries, u32);
HAS(struct kvm_irq_routing_table, map[0], struct hlist_head);

/*
 * Never called: where symbols have versions, that of this one changes with the
 * layout of struct kvm, and then the module does not load.
 */
#ifdef KVPCI_KVM_VERSION
static void (*const version)(struct kvm *kvm) __used = kvm_put_kvm;
#endif

/** kvpci_compat_init() - say so where the tests are not run on such kernels */
void kvpci_compat_init(void)
{
#ifndef KVPCI_TESTED
	pr_notice("%s: not tested on kernels such as %s\n", KBUILD_MODNAME, UTS_RELEASE);
#endif
}
