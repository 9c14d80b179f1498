// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest RAM: one private mapping, one or two KVM memory slots; and its pages in a
 * snapshot.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "machine.h"
#include "memory.h"
#include "report.h"
#include "snapshot.h"
#include "util.h"
#include "vm.h"

#define PAGE		4096U
#define HIGH_RAM_BASE	(1ULL << 32)

static int add_slot(struct vm *vm, uint64_t guest, uint8_t *host,
		    uint64_t size)
{
	struct memory *memory = &vm->memory;
	struct kvm_userspace_memory_region region = {
		.slot = memory->num_slots,
		.guest_phys_addr = guest,
		.memory_size = size,
		.userspace_addr = (uintptr_t)host,
	};

	memory->slots[memory->num_slots++] = (struct memory_slot) {
		.guest = guest,
		.size = size,
		.host = host,
	};
	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		return report_error(-errno, "KVM refuses %llu MiB of memory at %#llx",
				    (unsigned long long)size >> 20,
				    (unsigned long long)guest);
	return 0;
}

int memory_add(struct vm *vm, uint64_t size)
{
	uint64_t low = size < LOW_RAM_MAX ? size : LOW_RAM_MAX;
	uint8_t *host;
	int err;

	host = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (host == MAP_FAILED)
		return report_error(-errno, "--memory: cannot allocate %llu MiB",
				    (unsigned long long)size >> 20);
	/* Advice only: neither a core dump nor small pages would hurt. */
	madvise(host, size, MADV_DONTDUMP);
	madvise(host, size, MADV_HUGEPAGE);
	err = add_slot(vm, 0, host, low);
	if (!err && size > low)
		err = add_slot(vm, HIGH_RAM_BASE, host + low, size - low);
	return err;
}

void memory_free(struct memory *memory)
{
	unsigned int i;

	for (i = 0; i < memory->num_slots; i++)
		munmap(memory->slots[i].host, memory->slots[i].size);
	memory->num_slots = 0;
}

void *memory_at(const struct memory *memory, uint64_t guest, uint64_t length)
{
	const struct memory_slot *slot;
	unsigned int i;

	for (i = 0; i < memory->num_slots; i++) {
		slot = &memory->slots[i];
		if (guest >= slot->guest && length <= slot->size &&
		    guest - slot->guest <= slot->size - length)
			return slot->host + (guest - slot->guest);
	}
	return NULL;
}

uint64_t memory_end(const struct memory *memory)
{
	const struct memory_slot *last = &memory->slots[memory->num_slots - 1];

	return last->guest + last->size;
}

/* --- snapshots ------------------------------------------------------------------ */

/* Before the pages of a run. */
struct run {
	uint64_t guest;
	uint64_t size;
};

static bool is_zero(const uint8_t *page)
{
	const uint64_t *word = (const void *)page;
	unsigned int i, n;
	uint64_t any;

	for (i = 0; i < PAGE / sizeof(*word); i += n) {
		any = 0;
		for (n = 0; n < 16; n++)
			any |= word[i + n];
		if (any)
			return false;
	}
	return true;
}

static void save_slot(const struct memory_slot *slot, struct snapshot_writer *w)
{
	struct run run;
	struct snapshot_part parts[] = { { &run, sizeof(run) }, { NULL, 0 } };
	uint64_t at, end;

	for (at = 0; at < slot->size; at = end) {
		end = at;
		while (end < slot->size && !is_zero(slot->host + end))
			end += PAGE;
		if (end == at) {
			end += PAGE;
			continue;
		}
		run.guest = slot->guest + at;
		run.size = end - at;
		parts[1] = (struct snapshot_part){ slot->host + at, run.size };
		snapshot_append(w, parts, ARRAY_SIZE(parts));
	}
}

void memory_save(const struct memory *memory, struct snapshot_writer *w)
{
	unsigned int i;

	snapshot_begin(w, SNAPSHOT_MEMORY, 0);
	for (i = 0; i < memory->num_slots; i++)
		save_slot(&memory->slots[i], w);
	snapshot_finish(w);
}

int memory_restore(const struct memory *memory, struct snapshot *s)
{
	int64_t length = snapshot_length(s, SNAPSHOT_MEMORY, 0);
	uint64_t at = 0;
	struct run run;
	void *host;
	int err;

	if (length < 0)
		return snapshot_refuse(s, SNAPSHOT_MEMORY, 0, "it is missing");
	/* Even if there is no page in it, it has been read. */
	err = snapshot_read(s, SNAPSHOT_MEMORY, 0, 0, NULL, 0);
	while (!err && at < (uint64_t)length) {
		err = snapshot_read(s, SNAPSHOT_MEMORY, 0, at, &run, sizeof(run));
		if (err)
			return err;
		at += sizeof(run);
		host = run.size ? memory_at(memory, run.guest, run.size) : NULL;
		if (!host)
			return snapshot_refuse(s, SNAPSHOT_MEMORY, 0,
					       "%#llx bytes at %#llx are not in the guest's memory",
					       (unsigned long long)run.size,
					       (unsigned long long)run.guest);
		err = snapshot_read(s, SNAPSHOT_MEMORY, 0, at, host, run.size);
		at += run.size;
	}
	return err;
}
