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
#include "snapshot.h"
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

static struct kvm_cpuid2 *allocate(void)
{
	struct kvm_cpuid2 *cpuid;

	cpuid = calloc(1, sizeof(*cpuid) + MAX_ENTRIES * sizeof(cpuid->entries[0]));
	if (cpuid)
		cpuid->nent = MAX_ENTRIES;
	else
		report_error(-ENOMEM, "CPUID");
	return cpuid;
}

static struct kvm_cpuid2 *supported(const struct vm *vm)
{
	struct kvm_cpuid2 *cpuid = allocate();

	if (!cpuid)
		return NULL;
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

/* --- snapshots ------------------------------------------------------------------ */

void cpuid_save(const struct vcpu *vcpu, struct snapshot_writer *w)
{
	struct kvm_cpuid2 *cpuid = allocate();

	if (!cpuid || ioctl(vcpu->fd, KVM_GET_CPUID2, cpuid))
		snapshot_fail(w, cpuid ? report_error(-errno, "KVM_GET_CPUID2") : -ENOMEM);
	else
		snapshot_put(w, SNAPSHOT_CPUID, vcpu->id, cpuid->entries,
			     cpuid->nent * sizeof(cpuid->entries[0]));
	free(cpuid);
}

/* Words of features: a guest that has found one may use it. */
static const struct feature_word {
	uint32_t function;
	uint32_t index;
	size_t reg;		/* offset in the entry */
	uint32_t ignored;	/* bits that tell what the guest has switched on */
} feature_words[] = {
#define WORD(function, index, reg, ignored)				\
	{ function, index, offsetof(struct kvm_cpuid_entry2, reg), ignored }
	WORD(0x00000001, 0, ecx, 1U << 27 | 1U << 3),	/* OSXSAVE, MONITOR */
	WORD(0x00000001, 0, edx, 1U << 9),		/* APIC */
	WORD(0x00000007, 0, ebx, 0),
	WORD(0x00000007, 0, ecx, 1U << 4),		/* OSPKE */
	WORD(0x00000007, 0, edx, 0),
	WORD(0x00000007, 1, eax, 0),
	WORD(0x0000000d, 0, eax, 0),			/* of XCR0 */
	WORD(0x0000000d, 1, eax, 0),
	WORD(0x40000001, 0, eax, 0),			/* KVM's own */
	WORD(0x80000001, 0, ecx, 0),
	WORD(0x80000001, 0, edx, 1U << 9),
	WORD(0x80000008, 0, ebx, 0),
#undef WORD
};

static const struct kvm_cpuid_entry2 *find_leaf(const struct kvm_cpuid2 *cpuid,
						uint32_t function, uint32_t index)
{
	uint32_t i;

	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == function &&
		    cpuid->entries[i].index == index)
			return &cpuid->entries[i];
	return NULL;
}

static uint32_t word_of(const struct kvm_cpuid2 *cpuid, const struct feature_word *at)
{
	const struct kvm_cpuid_entry2 *e = find_leaf(cpuid, at->function, at->index);
	uint32_t word = 0;

	if (e)
		memcpy(&word, (const char *)e + at->reg, sizeof(word));
	return word & ~at->ignored;
}

static bool same_vendor(const struct kvm_cpuid2 *a, const struct kvm_cpuid2 *b)
{
	const struct kvm_cpuid_entry2 *e = find_leaf(a, 0, 0), *f = find_leaf(b, 0, 0);

	return e && f && e->ebx == f->ebx && e->ecx == f->ecx && e->edx == f->edx;
}

/* Everything that the guest's processor had must be there. */
static int check_host(const struct vcpu *vcpu, const struct snapshot *s,
		      const struct kvm_cpuid2 *wanted)
{
	struct kvm_cpuid2 *here = supported(vcpu->vm);
	uint32_t missing;
	int err = 0;
	size_t i;

	if (!here)
		return -EIO;
	fix_all(vcpu, here);
	if (!same_vendor(wanted, here))
		err = snapshot_refuse(s, SNAPSHOT_CPUID, vcpu->id,
				      "this host's processor is of another maker; restore it where it was saved");
	for (i = 0; !err && i < ARRAY_SIZE(feature_words); i++) {
		missing = word_of(wanted, &feature_words[i]) &
			~word_of(here, &feature_words[i]);
		if (missing)
			err = snapshot_refuse(s, SNAPSHOT_CPUID, vcpu->id,
					      "this host lacks features %#x of leaf %#x.%u, which the guest may use; restore it where it was saved",
					      missing, feature_words[i].function,
					      feature_words[i].index);
	}
	free(here);
	return err;
}

int cpuid_restore(const struct vcpu *vcpu, struct snapshot *s)
{
	int64_t length = snapshot_length(s, SNAPSHOT_CPUID, vcpu->id);
	struct kvm_cpuid2 *cpuid;
	int err;

	if (length < 0 || length % (int)sizeof(cpuid->entries[0]) ||
	    length / (int)sizeof(cpuid->entries[0]) > MAX_ENTRIES)
		return snapshot_refuse(s, SNAPSHOT_CPUID, vcpu->id,
				       "there cannot be %lld bytes of it",
				       (long long)length);
	cpuid = allocate();
	if (!cpuid)
		return -ENOMEM;
	cpuid->nent = (uint32_t)length / sizeof(cpuid->entries[0]);
	err = snapshot_get(s, SNAPSHOT_CPUID, vcpu->id, cpuid->entries,
			   (size_t)length);
	if (!err)
		err = check_host(vcpu, s, cpuid);
	if (!err && ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid))
		err = report_error(-errno, "--restore: KVM_SET_CPUID2");
	free(cpuid);
	return err;
}
