// SPDX-License-Identifier: GPL-2.0-only
/*
 * What KVM keeps for the VM as a whole, in a snapshot: a section for each of its
 * structures.
 *
 * Interrupt controllers are restored when local APICs are, which get what waits in
 * them, and before the lines are driven again.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include "report.h"
#include "snapshot.h"
#include "util.h"
#include "vcpu.h"
#include "vm.h"

union data {
	struct kvm_irqchip chip;
	struct kvm_pit_state2 pit;
};

/**
 * struct row - a section
 * @type: the section
 * @index: and its index; a chip's number
 * @name: what KVM calls it: KVM_GET_..., KVM_SET_...
 * @size: bytes
 * @get: ioctl that gives it
 * @set: ioctl that restores it
 */
struct row {
	enum snapshot_type type;
	uint32_t index;
	const char *name;
	size_t size;
	unsigned long get;
	unsigned long set;
};

static const struct row rows[] = {
#define ROW(what, index, size)						\
	{ SNAPSHOT_##what, index, #what, sizeof(size),			\
	  KVM_GET_##what, KVM_SET_##what }
#define SNAPSHOT_PIT2	SNAPSHOT_PIT
	ROW(IRQCHIP, KVM_IRQCHIP_PIC_MASTER, struct kvm_irqchip),
	ROW(IRQCHIP, KVM_IRQCHIP_PIC_SLAVE, struct kvm_irqchip),
	ROW(IRQCHIP, KVM_IRQCHIP_IOAPIC, struct kvm_irqchip),
	ROW(PIT2, 0, struct kvm_pit_state2),
#undef SNAPSHOT_PIT2
#undef ROW
};

/* --- the clock ------------------------------------------------------------------ */

#define MAX_MS	1000000		/* longer than this nobody has restored */
#define TRIES	8

/* The guest's clock, and the TSC that vCPU 0 had at the same moment. */
struct clock {
	uint64_t nanoseconds;
	uint64_t tsc;
};

/* The two are read one after the other: that of the tries where the least was between. */
static void save_clock(const struct vm *vm, struct snapshot_writer *w)
{
	struct kvm_clock_data now = { .flags = 0 };
	struct clock clock = { .nanoseconds = 0 };
	uint64_t before, gap, best = UINT64_MAX;
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		before = vcpu_tsc(&vm->vcpus[0]);
		if (ioctl(vm->fd, KVM_GET_CLOCK, &now))
			snapshot_fail(w, report_error(-errno, "--snapshot: KVM_GET_CLOCK"));
		gap = vcpu_tsc(&vm->vcpus[0]) - before;
		if (gap >= best)
			continue;
		best = gap;
		clock = (struct clock){ now.clock, before + gap / 2 };
	}
	snapshot_put(w, SNAPSHOT_CLOCK, 0, &clock, sizeof(clock));
}

/* What the clock shows when vCPU 0 has that TSC. */
static uint64_t clock_at(const struct clock *clock, uint64_t tsc, int64_t khz)
{
	int64_t cycles = (int64_t)(tsc - clock->tsc);

	if (khz <= 0 || cycles / khz < -MAX_MS || cycles / khz > MAX_MS)
		return clock->nanoseconds;
	return clock->nanoseconds + (uint64_t)(cycles * 1000 / khz * 1000);
}

/*
 * The TSCs go on already. Where the clock has got since is told by them: a guest that
 * compares the two must not find that one has jumped. A try that took longer than
 * others is not the last one.
 */
static int restore_clock(const struct vm *vm, struct snapshot *s)
{
	int64_t khz = ioctl(vm->vcpus[0].fd, KVM_GET_TSC_KHZ, 0);
	uint64_t before, gap = 0, best = UINT64_MAX;
	struct kvm_clock_data now = { .flags = 0 };
	struct clock clock;
	unsigned int i;
	int err;

	err = snapshot_get(s, SNAPSHOT_CLOCK, 0, &clock, sizeof(clock));
	if (err)
		return err;
	for (i = 0; i < TRIES || (gap / 2 > best && i < 4 * TRIES); i++) {
		before = vcpu_tsc(&vm->vcpus[0]);
		now.clock = clock_at(&clock, i ? before + best / 2 : before, khz);
		if (ioctl(vm->fd, KVM_SET_CLOCK, &now))
			return report_error(-errno, "--restore: this host's KVM refuses KVM_SET_CLOCK");
		gap = vcpu_tsc(&vm->vcpus[0]) - before;
		if (gap < best)
			best = gap;
	}
	return 0;
}

/* --- all of it ------------------------------------------------------------------ */

void vm_save(const struct vm *vm, struct snapshot_writer *w)
{
	const struct row *row;
	union data data;

	for (row = rows; row < rows + ARRAY_SIZE(rows); row++) {
		memset(&data, 0, sizeof(data));
		if (row->type == SNAPSHOT_IRQCHIP)
			data.chip.chip_id = row->index;
		if (ioctl(vm->fd, row->get, &data))
			snapshot_fail(w, report_error(-errno, "--snapshot: KVM_GET_%s",
						      row->name));
		snapshot_put(w, row->type, row->index, &data, row->size);
	}
	save_clock(vm, w);
}

int vm_restore(const struct vm *vm, struct snapshot *s)
{
	const struct row *row;
	union data data;
	int err;

	for (row = rows; row < rows + ARRAY_SIZE(rows); row++) {
		memset(&data, 0, sizeof(data));
		err = snapshot_get(s, row->type, row->index, &data, row->size);
		if (err)
			return err;
		if (row->type == SNAPSHOT_IRQCHIP)
			data.chip.chip_id = row->index;
		if (ioctl(vm->fd, row->set, &data))
			return report_error(-errno, "--restore: this host's KVM refuses KVM_SET_%s %u",
					    row->name, row->index);
	}
	return restore_clock(vm, s);
}
