// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest RAM: one private mapping, one or two KVM memory slots.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "machine.h"
#include "memory.h"
#include "report.h"
#include "vm.h"

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
