// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows for BARs, filled from the bottom. The 64-bit window lies behind all
 * memory, within the guest's physical address space.
 */
#include <errno.h>
#include <stddef.h>

#include "machine.h"
#include "memory.h"
#include "pci_place.h"
#include "report.h"
#include "vcpu.h"
#include "vm.h"

#define GIB		(1ULL << 30)
#define MEM64_SIZE	(16 * GIB)

static uint64_t align(uint64_t n, uint64_t to)
{
	return (n + to - 1) & ~(to - 1);
}

int pci_places_init(struct pci_places *places, const struct vm *vm)
{
	unsigned int bits = cpuid_physical_bits(vm);
	uint64_t end = memory_end(&vm->memory);

	places->io_next = WINDOW_IO_BASE;
	places->mem32_next = WINDOW_MEM32_BASE;
	places->mem64_first = align(end > 4 * GIB ? end : 4 * GIB, 4 * GIB);
	places->mem64_last = places->mem64_first + MEM64_SIZE - 1;
	places->mem64_next = places->mem64_first;
	if (places->mem64_last >> bits) {
		report("--memory: too much: %u physical address bits leave no room for PCI",
		       bits);
		return -E2BIG;
	}
	return 0;
}

static int take(uint64_t *next, uint64_t last, uint64_t size, uint64_t *addr)
{
	uint64_t at = align(*next, size);

	if (at > last || size - 1 > last - at)
		return -ENOSPC;
	*addr = at;
	*next = at + size;
	return 0;
}

int pci_place(struct pci_places *places, const struct kvpci_bar *bars,
	      uint64_t *addr)
{
	const struct {
		uint64_t *next;
		uint64_t last;
		const char *name;
	} windows[] = {
		[KVPCI_BAR_IO] = { &places->io_next, WINDOW_IO_LAST, "I/O" },
		[KVPCI_BAR_MEM32] = { &places->mem32_next, WINDOW_MEM32_LAST,
				      "32-bit memory" },
		[KVPCI_BAR_MEM64] = { &places->mem64_next, places->mem64_last,
				      "64-bit memory" },
	};
	unsigned int i, kind;

	for (i = 0; i < KVPCI_NUM_BARS; i++) {
		kind = bars[i].kind;
		addr[i] = 0;
		if (kind == KVPCI_BAR_NONE)
			continue;
		if (take(windows[kind].next, windows[kind].last, bars[i].size,
			 &addr[i])) {
			report("too many devices: no %s left for a BAR of %u bytes",
			       windows[kind].name, bars[i].size);
			return -ENOSPC;
		}
	}
	return 0;
}

bool pci_places_contain(const struct pci_places *places, bool io,
			uint64_t address)
{
	if (io)
		return address >= WINDOW_IO_BASE && address <= WINDOW_IO_LAST;
	return (address >= WINDOW_MEM32_BASE && address <= WINDOW_MEM32_LAST) ||
		(address >= places->mem64_first &&
		 address <= places->mem64_last);
}
