// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID: what KVM supports, less nested virtualization, with each vCPU's own
 * identity. The topology is one package of single-threaded cores.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "report.h"
#include "util.h"
#include "vcpu.h"
#include "vm.h"

#define MAX_ENTRIES		256
#define DEFAULT_PHYSICAL_BITS	36	/* of CPUs that do not tell */

#define LEAF1_ECX_VMX		(1U << 5)
#define LEAF1_ECX_X2APIC	(1U << 21)
#define LEAF1_ECX_TSC_DEADLINE	(1U << 24)
#define LEAF1_ECX_HYPERVISOR	(1U << 31)
#define LEAF1_EDX_HTT		(1U << 28)
#define EXT1_ECX_CMP_LEGACY	(1U << 1)
#define EXT1_ECX_SVM		(1U << 2)
#define TOPOLOGY_SMT		(1U << 8)
#define TOPOLOGY_CORE		(2U << 8)

/* Bits of an APIC id that tell cores apart. */
static unsigned int core_bits(unsigned int cpus)
{
	unsigned int bits = 0;

	while (1U << bits < cpus)
		bits++;
	return bits;
}

static void fix_features(const struct vcpu *vcpu, struct kvm_cpuid_entry2 *e)
{
	unsigned int cpus = vcpu->vm->num_cpus;

	e->ebx = (e->ebx & 0x0000ffff) | vcpu->id << 24 |
		(1U << core_bits(cpus)) << 16;
	e->ecx &= ~LEAF1_ECX_VMX;
	e->ecx |= LEAF1_ECX_X2APIC | LEAF1_ECX_HYPERVISOR;
	if (ioctl(vcpu->vm->kvm, KVM_CHECK_EXTENSION,
		  KVM_CAP_TSC_DEADLINE_TIMER) > 0)
		e->ecx |= LEAF1_ECX_TSC_DEADLINE;
	e->edx &= ~LEAF1_EDX_HTT;
	if (cpus > 1)
		e->edx |= LEAF1_EDX_HTT;
}

/* Caches as the host's, but shared by our cores only. */
static void fix_caches(const struct vcpu *vcpu, struct kvm_cpuid_entry2 *e)
{
	unsigned int cpus = vcpu->vm->num_cpus, level = e->eax >> 5 & 7;
	unsigned int ids = (1U << core_bits(cpus)) - 1;

	if (!(e->eax & 0x1f))
		return;
	e->eax &= 0x00003fff;
	e->eax |= (ids < 63 ? ids : 63) << 26;
	if (level >= 3)
		e->eax |= ids << 14;
}

/* Level 0: threads, one each; level 1: all cores. */
static void fix_topology(const struct vcpu *vcpu, struct kvm_cpuid_entry2 *e)
{
	e->edx = vcpu->id;
	e->eax = 0;
	e->ebx = 0;
	e->ecx = e->index;
	if (e->index == 0) {
		e->ebx = 1;
		e->ecx |= TOPOLOGY_SMT;
	} else if (e->index == 1) {
		e->eax = core_bits(vcpu->vm->num_cpus);
		e->ebx = vcpu->vm->num_cpus;
		e->ecx |= TOPOLOGY_CORE;
	}
}

static void fix_amd_features(const struct vcpu *vcpu,
			     struct kvm_cpuid_entry2 *e)
{
	e->ecx &= ~(EXT1_ECX_SVM | EXT1_ECX_CMP_LEGACY);
	if (vcpu->vm->num_cpus > 1)
		e->ecx |= EXT1_ECX_CMP_LEGACY;
}

static void fix_amd_sizes(const struct vcpu *vcpu, struct kvm_cpuid_entry2 *e)
{
	unsigned int cpus = vcpu->vm->num_cpus;

	e->ecx = core_bits(cpus) << 12 | (cpus - 1);
}

static void fix_amd_topology(const struct vcpu *vcpu,
			     struct kvm_cpuid_entry2 *e)
{
	e->eax = vcpu->id;	/* extended APIC id */
	e->ebx = vcpu->id;	/* core id, one thread in each */
	e->ecx = 0;		/* one node */
}

static void clear(const struct vcpu *vcpu, struct kvm_cpuid_entry2 *e)
{
	(void)vcpu;
	e->eax = 0;
	e->ebx = 0;
	e->ecx = 0;
	e->edx = 0;
}

static const struct {
	uint32_t function;
	void (*fix)(const struct vcpu *vcpu, struct kvm_cpuid_entry2 *e);
} fixes[] = {
	{ 0x00000001, fix_features },
	{ 0x00000004, fix_caches },
	{ 0x0000000b, fix_topology },
	{ 0x0000001f, fix_topology },
	{ 0x80000001, fix_amd_features },
	{ 0x80000008, fix_amd_sizes },
	{ 0x8000000a, clear },			/* SVM */
	{ 0x8000001e, fix_amd_topology },
};

/* Leaf 0xb needs its second level even if the host shows one only. */
static void add_topology_level(struct kvm_cpuid2 *cpuid, uint32_t function)
{
	struct kvm_cpuid_entry2 *e;
	bool leaf = false;
	uint32_t i;

	for (i = 0; i < cpuid->nent; i++) {
		if (cpuid->entries[i].function != function)
			continue;
		leaf = true;
		if (cpuid->entries[i].index == 1)
			return;
	}
	if (!leaf || cpuid->nent >= MAX_ENTRIES)
		return;
	e = &cpuid->entries[cpuid->nent++];
	memset(e, 0, sizeof(*e));
	e->function = function;
	e->index = 1;
	e->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
}

static void fix_all(const struct vcpu *vcpu, struct kvm_cpuid2 *cpuid)
{
	size_t n;
	uint32_t i;

	add_topology_level(cpuid, 0xb);
	add_topology_level(cpuid, 0x1f);
	for (i = 0; i < cpuid->nent; i++)
		for (n = 0; n < ARRAY_SIZE(fixes); n++)
			if (cpuid->entries[i].function == fixes[n].function)
				fixes[n].fix(vcpu, &cpuid->entries[i]);
}

static struct kvm_cpuid2 *supported(const struct vm *vm)
{
	struct kvm_cpuid2 *cpuid;

	cpuid = calloc(1, sizeof(*cpuid) +
		       MAX_ENTRIES * sizeof(cpuid->entries[0]));
	if (!cpuid) {
		report_error(-ENOMEM, "CPUID");
		return NULL;
	}
	cpuid->nent = MAX_ENTRIES;
	if (ioctl(vm->kvm, KVM_GET_SUPPORTED_CPUID, cpuid)) {
		report_error(-errno, "KVM_GET_SUPPORTED_CPUID");
		free(cpuid);
		return NULL;
	}
	return cpuid;
}

unsigned int cpuid_physical_bits(const struct vm *vm)
{
	struct kvm_cpuid2 *cpuid = supported(vm);
	unsigned int bits = DEFAULT_PHYSICAL_BITS;
	uint32_t i;

	for (i = 0; cpuid && i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 0x80000008)
			bits = cpuid->entries[i].eax & 0xff;
	free(cpuid);
	return bits;
}

int cpuid_set(struct vcpu *vcpu)
{
	struct kvm_cpuid2 *cpuid = supported(vcpu->vm);
	int err = 0;

	if (!cpuid)
		return -EIO;
	fix_all(vcpu, cpuid);
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid))
		err = report_error(-errno, "KVM_SET_CPUID2");
	free(cpuid);
	return err;
}
