// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU in a snapshot: a section for each of KVM's structures, as <linux/kvm.h> has
 * it. KVM checks what it is given.
 *
 * The order of the rows is the order of saving and of restoring, and matters:
 * reading the state of a vCPU lets its local APIC accept what waits, so that comes
 * first. System registers have the base of the local APIC, which is to be enabled
 * when it gets its registers, and the processor's switch for virtualization, without
 * which there is no nested state. MSRs have its deadline, and the TSC that this is
 * compared with. Writing registers drops exceptions that wait, so events are last.
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

#define MAX_MSRS	4096
#define MSR_TSC		0x10
#define MAX_XSAVE	(1U << 20)
/* What a clock may be off without anybody noticing, in parts of a million. */
#define TSC_TOLERANCE	250

/**
 * struct row - a section
 * @type: the section
 * @name: what KVM calls it: KVM_GET_..., KVM_SET_...
 * @cap: what KVM must support, or 0. Without it the section is left out.
 * @size: bytes, where they are always the same
 * @get: ioctl, where the section is what it returns
 * @set: ioctl that restores it
 * @save: where it is more than that
 * @restore: the same
 */
struct row {
	enum snapshot_type type;
	const char *name;
	int cap;
	size_t size;
	unsigned long get;
	unsigned long set;
	void (*save)(const struct row *row, const struct vcpu *vcpu,
		     struct snapshot_writer *w);
	int (*restore)(const struct row *row, const struct vcpu *vcpu,
		       struct snapshot *s);
};

union simple {
	struct kvm_mp_state mp_state;
	struct kvm_regs regs;
	struct kvm_sregs2 sregs2;
	struct kvm_xcrs xcrs;
	struct kvm_debugregs debugregs;
	struct kvm_lapic_state lapic;
	struct kvm_vcpu_events events;
	struct kvm_nested_state nested;
};

static int capability(const struct vcpu *vcpu, int cap)
{
	return ioctl(vcpu->vm->fd, KVM_CHECK_EXTENSION, cap);
}

static void cannot_save(const struct row *row, const struct vcpu *vcpu,
			struct snapshot_writer *w, int err)
{
	report_error(err, "--snapshot: vCPU %u: KVM_GET_%s", vcpu->id, row->name);
	snapshot_fail(w, err);
}

static void save_simple(const struct row *row, const struct vcpu *vcpu,
			struct snapshot_writer *w)
{
	union simple data;

	memset(&data, 0, sizeof(data));
	if (ioctl(vcpu->fd, row->get, &data))
		cannot_save(row, vcpu, w, -errno);
	snapshot_put(w, row->type, vcpu->id, &data, row->size);
}

static int refused(const struct row *row, const struct vcpu *vcpu, int err)
{
	return report_error(err, "--restore: this host's KVM refuses what vCPU %u was: KVM_SET_%s",
			    vcpu->id, row->name);
}

static int restore_simple(const struct row *row, const struct vcpu *vcpu,
			  struct snapshot *s)
{
	union simple data;
	int err;

	err = snapshot_get(s, row->type, vcpu->id, &data, row->size);
	if (!err && ioctl(vcpu->fd, row->set, &data))
		err = refused(row, vcpu, -errno);
	return err;
}

/* --- guests of the guest: that it has none at this moment ------------------------- */

static void save_nested(const struct row *row, const struct vcpu *vcpu,
			struct snapshot_writer *w)
{
	struct kvm_nested_state state = { .size = sizeof(state) };

	if (!ioctl(vcpu->fd, row->get, &state)) {
		snapshot_put(w, row->type, vcpu->id, &state, sizeof(state));
		return;
	}
	if (errno != E2BIG) {
		cannot_save(row, vcpu, w, -errno);
		return;
	}
	report("--snapshot: vCPU %u runs a virtual machine of the guest's own, which cannot be saved; end that first",
	       vcpu->id);
	snapshot_fail(w, -EBUSY);
}

/* A host without nested virtualization does not write it. */
static int restore_nested(const struct row *row, const struct vcpu *vcpu,
			  struct snapshot *s)
{
	return snapshot_length(s, row->type, vcpu->id) < 0 ? 0 :
		restore_simple(row, vcpu, s);
}

/* --- FPU: as large as the processor's -------------------------------------------- */

static size_t xsave_size(const struct vcpu *vcpu)
{
	int size = capability(vcpu, KVM_CAP_XSAVE2);

	return size > (int)sizeof(struct kvm_xsave) ? (size_t)size :
		sizeof(struct kvm_xsave);
}

static void save_xsave(const struct row *row, const struct vcpu *vcpu,
		       struct snapshot_writer *w)
{
	bool large = capability(vcpu, KVM_CAP_XSAVE2) > 0;
	size_t size = xsave_size(vcpu);
	void *data = calloc(1, size);

	if (!data)
		cannot_save(row, vcpu, w, -ENOMEM);
	else if (ioctl(vcpu->fd, large ? KVM_GET_XSAVE2 : KVM_GET_XSAVE, data))
		cannot_save(row, vcpu, w, -errno);
	else
		snapshot_put(w, row->type, vcpu->id, data, size);
	free(data);
}

/* One that is smaller than this host's has zeros behind it. */
static int restore_xsave(const struct row *row, const struct vcpu *vcpu,
			 struct snapshot *s)
{
	int64_t length = snapshot_length(s, row->type, vcpu->id);
	size_t size = xsave_size(vcpu);
	void *data;
	int err;

	if (length < (int64_t)sizeof(struct kvm_xsave) || length > MAX_XSAVE)
		return snapshot_refuse(s, row->type, vcpu->id,
				       "no FPU has %lld bytes", (long long)length);
	if ((size_t)length > size)
		return snapshot_refuse(s, row->type, vcpu->id,
				       "it has %lld bytes, and this host's KVM keeps %zu",
				       (long long)length, size);
	data = calloc(1, size);
	if (!data)
		return report_error(-ENOMEM, "--restore");
	err = snapshot_get(s, row->type, vcpu->id, data, (size_t)length);
	if (!err && ioctl(vcpu->fd, row->set, data))
		err = refused(row, vcpu, -errno);
	free(data);
	return err;
}

/* --- the frequency of the TSC ------------------------------------------------------ */

static void save_tsc_khz(const struct row *row, const struct vcpu *vcpu,
			 struct snapshot_writer *w)
{
	int khz = ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0);
	uint32_t value = (uint32_t)khz;

	if (khz > 0)
		snapshot_put(w, row->type, vcpu->id, &value, sizeof(value));
}

/* The guest has measured it; where it cannot be had, kvmclock still tells the time. */
static int restore_tsc_khz(const struct row *row, const struct vcpu *vcpu,
			   struct snapshot *s)
{
	int64_t here = ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0);
	uint32_t khz;
	int err;

	if (snapshot_length(s, row->type, vcpu->id) < 0)
		return 0;
	err = snapshot_get(s, row->type, vcpu->id, &khz, sizeof(khz));
	if (err || llabs(here - khz) <= (int64_t)khz * TSC_TOLERANCE / 1000000)
		return err;
	if (capability(vcpu, KVM_CAP_TSC_CONTROL) <= 0 ||
	    ioctl(vcpu->fd, KVM_SET_TSC_KHZ, khz))
		report("--restore: the TSC of vCPU %u had %u kHz, and has %lld here: the guest's time may run wrong",
		       vcpu->id, khz, (long long)here);
	return 0;
}

/* --- MSRs: those that KVM lists and this vCPU has ----------------------------------- */

struct msrs {
	struct kvm_msrs head;
	struct kvm_msr_entry entries[MAX_MSRS];
};

struct msr_list {
	struct kvm_msr_list head;
	uint32_t indices[MAX_MSRS];
};

/* As many as KVM takes at once. Return: how many it took. */
static unsigned int transfer(const struct vcpu *vcpu, unsigned long request,
			     struct kvm_msr_entry *entries, unsigned int count)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[64];
	} some;
	int n;

	if (count > ARRAY_SIZE(some.entries))
		count = ARRAY_SIZE(some.entries);
	memset(&some.head, 0, sizeof(some.head));
	some.head.nmsrs = count;
	memcpy(some.entries, entries, count * sizeof(*entries));
	n = ioctl(vcpu->fd, request, &some);
	if (n <= 0)
		return 0;
	if (request == KVM_GET_MSRS)
		memcpy(entries, some.entries, (unsigned int)n * sizeof(*entries));
	return (unsigned int)n;
}

uint64_t vcpu_tsc(const struct vcpu *vcpu)
{
	struct kvm_msr_entry tsc = { .index = MSR_TSC };

	transfer(vcpu, KVM_GET_MSRS, &tsc, 1);
	return tsc.data;
}

/* KVM stops at one that it does not give: that is left out. */
static unsigned int read_msrs(const struct vcpu *vcpu,
			      struct kvm_msr_entry *entries, unsigned int count)
{
	unsigned int at = 0, n;

	while (at < count) {
		n = transfer(vcpu, KVM_GET_MSRS, entries + at, count - at);
		at += n;
		if (n || at == count)
			continue;
		count--;
		memmove(entries + at, entries + at + 1,
			(count - at) * sizeof(*entries));
	}
	return count;
}

static void save_msrs(const struct row *row, const struct vcpu *vcpu,
		      struct snapshot_writer *w)
{
	struct msr_list *list = calloc(1, sizeof(*list));
	struct msrs *msrs = calloc(1, sizeof(*msrs));
	unsigned int i, count;

	if (list)
		list->head.nmsrs = MAX_MSRS;
	if (!list || !msrs) {
		cannot_save(row, vcpu, w, -ENOMEM);
	} else if (ioctl(vcpu->vm->kvm, KVM_GET_MSR_INDEX_LIST, list)) {
		cannot_save(row, vcpu, w, -errno);
	} else {
		for (i = 0; i < list->head.nmsrs; i++)
			msrs->entries[i].index = list->indices[i];
		count = read_msrs(vcpu, msrs->entries, list->head.nmsrs);
		snapshot_put(w, row->type, vcpu->id, msrs->entries,
			     count * sizeof(msrs->entries[0]));
	}
	free(list);
	free(msrs);
}

/* One that cannot be written is fine as long as it is what it was. */
static bool is_already(const struct vcpu *vcpu, const struct kvm_msr_entry *wanted)
{
	struct kvm_msr_entry now = { .index = wanted->index };

	return transfer(vcpu, KVM_GET_MSRS, &now, 1) == 1 &&
	       now.data == wanted->data;
}

static int restore_msrs(const struct row *row, const struct vcpu *vcpu,
			struct snapshot *s)
{
	int64_t length = snapshot_length(s, row->type, vcpu->id);
	struct kvm_msr_entry *entries;
	unsigned int i, n, count;
	int err;

	if (length < 0 || length % (int)sizeof(*entries) ||
	    length / (int)sizeof(*entries) > MAX_MSRS)
		return snapshot_refuse(s, row->type, vcpu->id,
				       "there cannot be %lld bytes of them",
				       (long long)length);
	count = (unsigned int)length / sizeof(*entries);
	entries = calloc(count + 1, sizeof(*entries));
	if (!entries)
		return report_error(-ENOMEM, "--restore");
	err = snapshot_get(s, row->type, vcpu->id, entries, (size_t)length);
	for (i = 0; !err && i < count; i += n) {
		n = transfer(vcpu, KVM_SET_MSRS, entries + i, count - i);
		if (n)
			continue;
		n = 1;
		if (is_already(vcpu, &entries[i]))
			continue;
		report("--restore: this host's KVM refuses %#llx for MSR %#x of vCPU %u: is it another processor, or another kernel?",
		       (unsigned long long)entries[i].data, entries[i].index,
		       vcpu->id);
		err = -EINVAL;
	}
	free(entries);
	return err;
}

/* --- all of it ------------------------------------------------------------------------ */

static void save_cpuid(const struct row *row, const struct vcpu *vcpu,
		       struct snapshot_writer *w)
{
	(void)row;
	cpuid_save(vcpu, w);
}

static int restore_cpuid(const struct row *row, const struct vcpu *vcpu,
			 struct snapshot *s)
{
	(void)row;
	return cpuid_restore(vcpu, s);
}

#define SIMPLE(what, cap_, struct_)					\
	{ .type = SNAPSHOT_##what, .name = #what, .cap = (cap_),		\
	  .size = sizeof(struct_),						\
	  .get = KVM_GET_##what, .set = KVM_SET_##what,			\
	  .save = save_simple, .restore = restore_simple }

static const struct row rows[] = {
	{ .type = SNAPSHOT_CPUID, .name = "CPUID2",
	  .save = save_cpuid, .restore = restore_cpuid },
	SIMPLE(MP_STATE, 0, struct kvm_mp_state),
	SIMPLE(REGS, 0, struct kvm_regs),
	SIMPLE(SREGS2, 0, struct kvm_sregs2),
	{ .type = SNAPSHOT_NESTED, .name = "NESTED_STATE",
	  .cap = KVM_CAP_NESTED_STATE, .size = sizeof(struct kvm_nested_state),
	  .get = KVM_GET_NESTED_STATE, .set = KVM_SET_NESTED_STATE,
	  .save = save_nested, .restore = restore_nested },
	{ .type = SNAPSHOT_XSAVE, .name = "XSAVE", .cap = KVM_CAP_XSAVE,
	  .set = KVM_SET_XSAVE, .save = save_xsave, .restore = restore_xsave },
	SIMPLE(XCRS, KVM_CAP_XCRS, struct kvm_xcrs),
	SIMPLE(DEBUGREGS, KVM_CAP_DEBUGREGS, struct kvm_debugregs),
	SIMPLE(LAPIC, 0, struct kvm_lapic_state),
	{ .type = SNAPSHOT_TSC_KHZ, .name = "TSC_KHZ",
	  .save = save_tsc_khz, .restore = restore_tsc_khz },
	{ .type = SNAPSHOT_MSRS, .name = "MSRS",
	  .save = save_msrs, .restore = restore_msrs },
	{ .type = SNAPSHOT_EVENTS, .name = "VCPU_EVENTS",
	  .size = sizeof(struct kvm_vcpu_events),
	  .get = KVM_GET_VCPU_EVENTS, .set = KVM_SET_VCPU_EVENTS,
	  .save = save_simple, .restore = restore_simple },
};

void vcpus_save(const struct vm *vm, struct snapshot_writer *w)
{
	const struct vcpu *vcpu;
	size_t i;

	for (vcpu = vm->vcpus; vcpu < vm->vcpus + vm->num_cpus; vcpu++)
		for (i = 0; i < ARRAY_SIZE(rows); i++)
			if (!rows[i].cap || capability(vcpu, rows[i].cap) > 0)
				rows[i].save(&rows[i], vcpu, w);
}

static int restore(const struct vcpu *vcpu, struct snapshot *s)
{
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].cap && capability(vcpu, rows[i].cap) <= 0)
			continue;
		err = rows[i].restore(&rows[i], vcpu, s);
		if (err)
			return err;
	}
	return 0;
}

int vcpus_restore(const struct vm *vm, struct snapshot *s)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < vm->num_cpus; i++)
		err = restore(&vm->vcpus[i], s);
	return err;
}
