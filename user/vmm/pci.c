// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bus. Registers of configuration space are those of the register core
 * (kmod/core/config_space.c); here is what their changes do: BARs and interrupt
 * bits go to the transport.
 *
 * One lock: configuration accesses take it for writing, which keeps vCPUs
 * apart, accesses to BARs for reading.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../kmod/core/config_space.h"
#include "machine.h"
#include "pci.h"
#include "pci_place.h"
#include "report.h"
#include "transport.h"
#include "vm.h"

#define FUNCTION_SHIFT		12	/* ECAM: 4 KiB a function */
#define FUNCTIONS_PER_SLOT	8
#define INTX_PIN		1	/* INTA# */

/* A generic host bridge; nothing drives it. */
#define BRIDGE_VENDOR		0x1b36
#define BRIDGE_DEVICE		0x0008
#define BRIDGE_CLASS		0x060000

/**
 * struct pci_function - a virtio function, function 0 of its slot
 * @cs: configuration space
 * @desc: what it was made of, with the regions below
 * @regions: where its structures are
 * @transport: who answers
 * @gsi: its interrupt line
 * @mapped: BARs that answer
 * @addr: where
 * @initial: BAR registers before the guest's first write
 */
struct pci_function {
	struct kvpci_config_space cs;
	struct kvpci_device_create desc;
	struct kvpci_region regions[KVPCI_MAX_REGIONS];
	struct transport *transport;
	uint32_t class;
	uint32_t gsi;
	uint32_t mapped;
	uint64_t addr[KVPCI_NUM_BARS];
	uint64_t initial[KVPCI_NUM_BARS];
};

struct pci {
	pthread_rwlock_t lock;
	struct pci_places places;
	unsigned int num_slots;
	struct pci_function *slots[PCI_SLOTS];	/* slot 0 is the bridge */
};

int pci_create(struct vm *vm)
{
	struct pci *pci = calloc(1, sizeof(*pci));
	int err;

	if (!pci)
		return report_error(-ENOMEM, "PCI bus");
	vm->pci = pci;
	pthread_rwlock_init(&pci->lock, NULL);
	pci->num_slots = 1;
	err = pci_places_init(&pci->places, vm);
	return err;
}

void pci_free(struct vm *vm)
{
	struct pci *pci = vm->pci;
	unsigned int i;

	if (!pci)
		return;
	for (i = 1; i < pci->num_slots; i++)
		free(pci->slots[i]);
	pthread_rwlock_destroy(&pci->lock);
	free(pci);
	vm->pci = NULL;
}

void pci_window64(const struct pci *pci, uint64_t *first, uint64_t *last)
{
	*first = pci->places.mem64_first;
	*last = pci->places.mem64_last;
}

/* Registers as firmware leaves them: BARs placed, nothing enabled. */
static int reset_space(struct pci_function *f)
{
	unsigned int i;
	int err;

	memset(&f->cs, 0, sizeof(f->cs));
	err = kvpci_config_space_init(&f->cs, &f->desc, f->regions, f->class,
				      INTX_PIN);
	for (i = 0; !err && i < KVPCI_NUM_BARS; i++) {
		uint32_t reg = PCI_BASE_ADDRESS_0 + 4 * i;

		if (f->desc.bars[i].kind == KVPCI_BAR_NONE)
			continue;
		kvpci_config_space_write(&f->cs, reg, 4,
					 (uint32_t)f->initial[i]);
		if (f->desc.bars[i].kind == KVPCI_BAR_MEM64)
			kvpci_config_space_write(&f->cs, reg + 4, 4,
						 (uint32_t)(f->initial[i] >> 32));
	}
	if (!err)
		kvpci_config_space_write(&f->cs, PCI_INTERRUPT_LINE, 1, f->gsi);
	return err;
}

static void update_map(struct pci_function *f)
{
	uint64_t addr[KVPCI_NUM_BARS];
	uint32_t mapped = kvpci_config_space_decode(&f->cs, (u64 *)addr);
	int err;

	if (mapped == f->mapped && !memcmp(addr, f->addr, sizeof(addr)))
		return;
	err = f->transport->ops->map(f->transport, mapped, addr);
	if (err) {
		/* Better nowhere than where the guest no longer expects it. */
		report_error(err, "%s: cannot map BARs", (char *)f->desc.name);
		memset(addr, 0, sizeof(addr));
		mapped = 0;
		f->transport->ops->map(f->transport, mapped, addr);
	}
	f->mapped = mapped;
	memcpy(f->addr, addr, sizeof(addr));
}

static void update_irq(struct pci_function *f)
{
	int pending = f->transport->ops->irq(f->transport,
					     kvpci_config_space_irq_flags(&f->cs),
					     f->gsi);

	if (pending < 0)
		report_error(pending, "%s: interrupt bits",
			     (char *)f->desc.name);
	kvpci_config_space_set_intx(&f->cs, pending > 0);
}

static void put(struct pci_function *f, const struct kvpci_region *region,
		uint32_t offset, uint32_t length, uint64_t value)
{
	f->transport->ops->access(f->transport, region->bar,
				  region->offset + offset, length, &value, true);
}

/*
 * Function level reset: what the driver would do to the device, and registers
 * as after power-on, MSI-X table included. Like a reset by the driver it may
 * wait for the backend: device_status tells.
 */
static void function_level_reset(struct pci_function *f)
{
	uint32_t i, v;

	for (i = 0; i < f->desc.num_regions; i++) {
		const struct kvpci_region *region = &f->regions[i];

		if (region->type == KVPCI_REGION_COMMON)
			put(f, region, offsetof(struct virtio_pci_common_cfg,
						device_status), 1, 0);
		if (region->type != KVPCI_REGION_MSIX_TABLE)
			continue;
		for (v = 0; v < f->desc.num_vectors * PCI_MSIX_ENTRY_SIZE;
		     v += PCI_MSIX_ENTRY_SIZE) {
			put(f, region, v + PCI_MSIX_ENTRY_VECTOR_CTRL, 4,
			    PCI_MSIX_ENTRY_CTRL_MASKBIT);
			put(f, region, v + PCI_MSIX_ENTRY_LOWER_ADDR, 8, 0);
			put(f, region, v + PCI_MSIX_ENTRY_DATA, 4, 0);
		}
	}
	reset_space(f);
	update_map(f);
	update_irq(f);
}

/* 4.1.4.9: the access that the window describes, before its data is read. */
static void window_read(struct pci_function *f)
{
	struct kvpci_window window;
	uint64_t value = 0;

	if (!kvpci_config_space_window(&f->cs, &window))
		return;
	f->transport->ops->access(f->transport, window.bar, window.offset,
				  window.length, &value, false);
	kvpci_config_space_set_window(&f->cs, (uint32_t)value);
}

static void window_write(struct pci_function *f)
{
	struct kvpci_window window;
	uint64_t value;

	if (!kvpci_config_space_window(&f->cs, &window))
		return;
	value = window.value;
	f->transport->ops->access(f->transport, window.bar, window.offset,
				  window.length, &value, true);
}

static uint32_t function_read(struct pci_function *f, uint32_t offset,
			      unsigned int length)
{
	if (kvpci_config_space_window_hit(&f->cs, offset, length))
		window_read(f);
	/* Status.Interrupt lives with the device. */
	if (offset <= PCI_STATUS && offset + length > PCI_STATUS)
		update_irq(f);
	return kvpci_config_space_read(&f->cs, offset, length);
}

static void function_write(struct pci_function *f, uint32_t offset,
			   unsigned int length, uint32_t value)
{
	uint32_t change = kvpci_config_space_write(&f->cs, offset, length, value);

	if (change & KVPCI_CONFIG_FLR) {
		function_level_reset(f);
		return;
	}
	if (change & KVPCI_CONFIG_DECODE)
		update_map(f);
	if (change & KVPCI_CONFIG_IRQ)
		update_irq(f);
	if (change & KVPCI_CONFIG_WINDOW)
		window_write(f);
}

static uint32_t bridge_read(uint32_t offset, unsigned int length)
{
	static const uint32_t words[] = {
		[PCI_VENDOR_ID / 4] = BRIDGE_VENDOR | BRIDGE_DEVICE << 16,
		[PCI_CLASS_REVISION / 4] = BRIDGE_CLASS << 8,
	};
	uint32_t word = offset / 4;
	uint64_t value;

	if (word >= sizeof(words) / sizeof(words[0]))
		return 0;
	value = words[word] >> offset % 4 * 8;
	return (uint32_t)(value & ((1ULL << length * 8) - 1));
}

/* One access of 1, 2 or 4 bytes, aligned. */
static uint32_t config_access(struct pci *pci, uint32_t offset,
			      unsigned int length, uint32_t value, bool write)
{
	uint32_t function = offset >> FUNCTION_SHIFT;
	uint32_t slot = function / FUNCTIONS_PER_SLOT;

	offset &= (1U << FUNCTION_SHIFT) - 1;
	if (function % FUNCTIONS_PER_SLOT || slot >= pci->num_slots)
		return ~0U;
	if (slot == 0)
		return bridge_read(offset, length);
	if (!write)
		return function_read(pci->slots[slot], offset, length);
	function_write(pci->slots[slot], offset, length, value);
	return 0;
}

void pci_config_access(struct pci *pci, uint32_t offset, uint8_t *data,
		       unsigned int length, bool write)
{
	uint32_t value;
	unsigned int n;

	pthread_rwlock_wrlock(&pci->lock);
	for (; length; offset += n, data += n, length -= n) {
		/* Natural pieces of what may be wide or unaligned. */
		for (n = 4; n > length || offset % n; n /= 2)
			;
		value = 0;
		if (write)
			memcpy(&value, data, n);
		value = config_access(pci, offset, n, value, write);
		if (!write)
			memcpy(data, &value, n);
	}
	pthread_rwlock_unlock(&pci->lock);
}

static enum exit_class classify(const struct pci_function *f, unsigned int bar,
				uint64_t offset)
{
	static const enum exit_class classes[] = {
		[KVPCI_REGION_COMMON] = EXIT_BAR_COMMON,
		[KVPCI_REGION_NOTIFY] = EXIT_BAR_NOTIFY,
		[KVPCI_REGION_ISR] = EXIT_BAR_ISR,
		[KVPCI_REGION_DEVICE] = EXIT_BAR_DEVICE,
		[KVPCI_REGION_MSIX_TABLE] = EXIT_BAR_MSIX_TABLE,
		[KVPCI_REGION_MSIX_PBA] = EXIT_BAR_MSIX_PBA,
	};
	uint32_t i;

	for (i = 0; i < f->desc.num_regions; i++) {
		const struct kvpci_region *region = &f->regions[i];

		if (region->bar == bar && offset >= region->offset &&
		    offset - region->offset < region->length)
			return classes[region->type];
	}
	return EXIT_BAR_NONE;
}

/* Which of a function's BARs an access meets, or -1. */
static int find_bar(const struct pci_function *f, enum pci_space space,
		    uint64_t address)
{
	unsigned int i;

	for (i = 0; i < KVPCI_NUM_BARS; i++) {
		const struct kvpci_bar *bar = &f->desc.bars[i];

		if (f->mapped & 1U << i &&
		    (bar->kind == KVPCI_BAR_IO) == (space == PCI_SPACE_IO) &&
		    address >= f->addr[i] && address - f->addr[i] < bar->size)
			return (int)i;
	}
	return -1;
}

bool pci_bar_access(struct pci *pci, enum pci_space space, uint64_t address,
		    uint8_t *data, unsigned int length, bool write,
		    enum exit_class *class)
{
	struct pci_function *f;
	unsigned int slot;
	uint64_t value = 0;
	uint32_t offset;
	int bar = -1;

	pthread_rwlock_rdlock(&pci->lock);
	for (slot = 1; slot < pci->num_slots; slot++) {
		f = pci->slots[slot];
		bar = find_bar(f, space, address);
		if (bar < 0)
			continue;
		offset = (uint32_t)(address - f->addr[bar]);
		*class = classify(f, bar, offset);
		if (write)
			memcpy(&value, data, length);
		/* What it refuses, such as three bytes, reads as zero. */
		f->transport->ops->access(f->transport, bar, offset, length,
					  &value, write);
		if (!write)
			memcpy(data, &value, length);
		break;
	}
	pthread_rwlock_unlock(&pci->lock);
	return bar >= 0;
}

int pci_add(struct pci *pci, const struct kvpci_device_create *desc,
	    uint32_t class, struct transport *transport)
{
	unsigned int slot = pci->num_slots;
	struct pci_function *f;
	int err;

	if (slot >= PCI_SLOTS) {
		report("too many devices: the PCI bus holds %d", PCI_SLOTS - 1);
		return -ENOSPC;
	}
	f = calloc(1, sizeof(*f));
	if (!f)
		return report_error(-ENOMEM, "PCI function");
	f->desc = *desc;
	memcpy(f->regions, (void *)(uintptr_t)desc->regions,
	       desc->num_regions * sizeof(f->regions[0]));
	f->transport = transport;
	f->class = class;
	f->gsi = PCI_GSI_BASE + (slot + INTX_PIN - 1) % PCI_GSI_COUNT;
	err = pci_place(&pci->places, desc->bars, f->initial);
	if (!err) {
		err = reset_space(f);
		if (err)
			report_error(err, "%s: its capabilities do not fit",
				     (char *)f->desc.name);
	}
	if (err) {
		free(f);
		return err;
	}
	update_irq(f);
	pci->slots[slot] = f;
	pci->num_slots++;
	return 0;
}
