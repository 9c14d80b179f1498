// SPDX-License-Identifier: GPL-2.0-only
/*
 * The report of userspace exits: by KVM's reason, and for port and memory
 * accesses by device.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "report.h"
#include "util.h"
#include "vcpu.h"
#include "vm.h"

static const char *const exit_class_names[EXIT_NUM_CLASSES] = {
	[EXIT_SERIAL] = "serial",
	[EXIT_POWER] = "power",
	[EXIT_ECAM] = "ecam",
	[EXIT_BAR_COMMON] = "bar_common",
	[EXIT_BAR_NOTIFY] = "bar_notify",
	[EXIT_BAR_ISR] = "bar_isr",
	[EXIT_BAR_DEVICE] = "bar_device",
	[EXIT_BAR_MSIX_TABLE] = "bar_msix_table",
	[EXIT_BAR_MSIX_PBA] = "bar_msix_pba",
	[EXIT_BAR_NONE] = "bar_none",
	[EXIT_OTHER_IO] = "other_io",
	[EXIT_OTHER_MMIO] = "other_mmio",
};

static const struct {
	unsigned int reason;
	const char *name;
} reason_names[] = {
	{ KVM_EXIT_IO, "io" },
	{ KVM_EXIT_MMIO, "mmio" },
	{ KVM_EXIT_HLT, "hlt" },
	{ KVM_EXIT_INTR, "intr" },
	{ KVM_EXIT_SHUTDOWN, "shutdown" },
	{ KVM_EXIT_FAIL_ENTRY, "fail_entry" },
	{ KVM_EXIT_INTERNAL_ERROR, "internal_error" },
	{ KVM_EXIT_SYSTEM_EVENT, "system_event" },
};

static uint64_t load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void sum_up(const struct vm *vm, struct exit_counts *sum)
{
	const struct exit_counts *counts;
	unsigned int i, n;

	memset(sum, 0, sizeof(*sum));
	for (n = 0; n < vm->num_cpus; n++) {
		counts = &vm->vcpus[n].exits;
		sum->total += load(&counts->total);
		for (i = 0; i < EXIT_NUM_REASONS; i++)
			sum->reasons[i] += load(&counts->reasons[i]);
		for (i = 0; i < EXIT_NUM_CLASSES; i++) {
			sum->accesses[i][0] += load(&counts->accesses[i][0]);
			sum->accesses[i][1] += load(&counts->accesses[i][1]);
		}
	}
}

static uint64_t bar_sum(const struct exit_counts *sum)
{
	uint64_t n = 0;
	int i;

	for (i = EXIT_BAR_COMMON; i <= EXIT_BAR_NONE; i++)
		n += sum->accesses[i][0] + sum->accesses[i][1];
	return n;
}

static void print(const struct vm *vm, FILE *file)
{
	uint64_t other, n;
	struct exit_counts sum;
	size_t i;

	sum_up(vm, &sum);
	other = sum.total;
	fprintf(file, "exits %llu\n", (unsigned long long)sum.total);
	for (i = 0; i < ARRAY_SIZE(reason_names); i++) {
		n = sum.reasons[reason_names[i].reason];
		other -= n;
		fprintf(file, "exit_%s %llu\n", reason_names[i].name,
			(unsigned long long)n);
	}
	fprintf(file, "exit_unknown %llu\n", (unsigned long long)other);
	fprintf(file, "bar %llu\n", (unsigned long long)bar_sum(&sum));
	for (i = 0; i < EXIT_NUM_CLASSES; i++) {
		fprintf(file, "%s_reads %llu\n", exit_class_names[i],
			(unsigned long long)sum.accesses[i][0]);
		fprintf(file, "%s_writes %llu\n", exit_class_names[i],
			(unsigned long long)sum.accesses[i][1]);
	}
}

int exits_write(const struct vm *vm, const char *path)
{
	char temporary[4096];
	FILE *file;
	int bad;

	if (!path) {
		print(vm, stderr);
		return 0;
	}
	/* A reader that waits for the file sees all of it or none. */
	if (snprintf(temporary, sizeof(temporary), "%s.%d", path, getpid()) >=
	    (int)sizeof(temporary))
		return report_error(-ENAMETOOLONG, "--exits: %s", path);
	file = fopen(temporary, "we");
	if (!file)
		return report_error(-errno, "--exits: cannot write %s", path);
	print(vm, file);
	bad = ferror(file);
	if (fclose(file) || bad || rename(temporary, path)) {
		bad = errno ? -errno : -EIO;
		unlink(temporary);
		return report_error(bad, "--exits: cannot write %s", path);
	}
	return 0;
}
