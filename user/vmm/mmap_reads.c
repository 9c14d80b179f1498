// SPDX-License-Identifier: GPL-2.0-only
/*
 * The places of read-only memory slots follow the registers. A table moves with its
 * BAR. While the BAR does not answer the table stays where it is, since nobody tells
 * us; when another BAR moves, maybe to there, it goes. And while a function's
 * configuration access window is set up (4.1.4.9), the bus is not covered, since
 * reads of the window have effects.
 *
 * A matter of speed: where KVM refuses a slot, such as one over another, reads
 * exit to the module and get the same answers.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine.h"
#include "pci.h"
#include "report.h"
#include "mmap_reads.h"
#include "vm.h"

#define PAGE		4096U
#define BUS_SLOT	MEMORY_MAX_SLOTS
#define TABLE_SLOT(fn)	(BUS_SLOT + 1 + (fn))
#define MAX_CAPS	48		/* as many as fit */

/* Pages of the descriptor behind functions that are not the module's */
/**
 * struct mmap_reads - the bus
 * @vm: the VM
 * @tables: cover MSI-X tables as well
 * @fd: a page that says nobody is there
 * @bus: the memory under the slot, a page a function
 * @covered: the slot is there
 * @windows: how many functions have their window set up
 * @functions: all of them
 */
struct mmap_reads {
	struct vm *vm;
	bool tables;
	int fd;
	uint8_t *bus;
	bool covered;
	unsigned int windows;
	struct mmap_reads_function *functions;
};

/**
 * struct mmap_reads_function - a function that the module answers
 * @mmap_reads: its bus
 * @next: another function
 * @function: its number on the bus
 * @space: its configuration space
 * @pm: offset of its power management capability
 * @window: offset of its configuration access capability
 * @window_set: it counts in @mmap_reads->windows
 * @table: its MSI-X table, or NULL
 * @table_size: whole pages
 * @table_offset: inside the BAR
 * @bar: index of the BAR
 * @bar_kind: its kind
 * @bar_size: its size
 * @table_at: guest-physical address of its slot, or 0
 */
struct mmap_reads_function {
	struct mmap_reads *mmap_reads;
	struct mmap_reads_function *next;
	uint32_t function;
	const uint8_t *space;
	unsigned int pm;
	unsigned int window;
	bool window_set;

	uint8_t *table;
	uint32_t table_size;
	uint32_t table_offset;
	uint32_t bar;
	uint32_t bar_kind;
	uint32_t bar_size;
	uint64_t table_at;
};

static uint32_t get(const uint8_t *space, unsigned int offset)
{
	uint32_t value;

	memcpy(&value, space + offset, sizeof(value));
	return value;
}

/* A size of 0 takes the slot away. */
static bool set_slot(const struct mmap_reads *mmap_reads, uint32_t slot,
		     uint64_t guest, const uint8_t *host, uint64_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = KVM_MEM_READONLY,
		.guest_phys_addr = guest,
		.memory_size = size,
		.userspace_addr = (uintptr_t)host,
	};

	return !ioctl(mmap_reads->vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

static void cover_bus(struct mmap_reads *mmap_reads)
{
	bool cover = !mmap_reads->windows;

	if (cover != mmap_reads->covered &&
	    set_slot(mmap_reads, BUS_SLOT, ECAM_BASE, mmap_reads->bus,
		     cover ? ECAM_SIZE : 0))
		mmap_reads->covered = cover;
}

static int map_page(const struct mmap_reads *mmap_reads, uint32_t function, int fd,
		    off_t offset)
{
	void *page = mmap(mmap_reads->bus + function * PAGE, PAGE, PROT_READ,
			  MAP_SHARED | MAP_FIXED, fd, offset);

	return page == MAP_FAILED ? -errno : 0;
}

/* Nobody is there yet. */
static int fill_bus(struct mmap_reads *mmap_reads)
{
	uint8_t absent[PAGE];
	uint32_t i;
	int err = 0;

	memset(absent, 0xff, PAGE);
	mmap_reads->fd = memfd_create("kvpci-bus", MFD_CLOEXEC);
	if (mmap_reads->fd < 0 ||
	    write(mmap_reads->fd, absent, sizeof(absent)) != sizeof(absent))
		return -errno;
	mmap_reads->bus = mmap(NULL, ECAM_SIZE, PROT_NONE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mmap_reads->bus == MAP_FAILED) {
		mmap_reads->bus = NULL;
		return -errno;
	}
	for (i = 0; !err && i < ECAM_SIZE / PAGE; i++)
		err = map_page(mmap_reads, i, mmap_reads->fd, 0);
	return err;
}

int mmap_reads_create(struct vm *vm, enum mmap_reads_set set, struct mmap_reads **result)
{
	struct mmap_reads *mmap_reads;
	int err;

	*result = NULL;
	if (ioctl(vm->kvm, KVM_CHECK_EXTENSION, KVM_CAP_READONLY_MEM) <= 0)
		return 0;
	mmap_reads = calloc(1, sizeof(*mmap_reads));
	if (!mmap_reads)
		return report_error(-ENOMEM, "--mmap-reads");
	mmap_reads->vm = vm;
	mmap_reads->tables = set == MMAP_READS_ALL;
	mmap_reads->fd = -1;
	err = fill_bus(mmap_reads);
	if (err) {
		mmap_reads_free(mmap_reads);
		return report_error(err, "--mmap-reads");
	}
	cover_bus(mmap_reads);
	*result = mmap_reads;
	return 0;
}

void mmap_reads_free(struct mmap_reads *mmap_reads)
{
	if (!mmap_reads)
		return;
	if (mmap_reads->covered)
		set_slot(mmap_reads, BUS_SLOT, ECAM_BASE, mmap_reads->bus, 0);
	if (mmap_reads->bus)
		munmap(mmap_reads->bus, ECAM_SIZE);
	if (mmap_reads->fd >= 0)
		close(mmap_reads->fd);
	free(mmap_reads);
}

/* A capability, of virtio's also by its type; 0: there is none. */
static unsigned int find_cap(const uint8_t *space, uint8_t id, uint8_t cfg_type)
{
	unsigned int i, cap = space[PCI_CAPABILITY_LIST];

	for (i = 0; cap && i < MAX_CAPS; i++) {
		if (space[cap + PCI_CAP_LIST_ID] == id &&
		    (id != PCI_CAP_ID_VNDR ||
		     space[cap + VIRTIO_PCI_CAP_CFG_TYPE] == cfg_type))
			return cap;
		cap = space[cap + PCI_CAP_LIST_NEXT];
	}
	return 0;
}

/* Where the BAR of the table answers; 0: it does not. */
static uint64_t bar_address(const struct mmap_reads_function *f)
{
	unsigned int reg = PCI_BASE_ADDRESS_0 + 4 * f->bar;
	uint64_t addr = get(f->space, reg) & PCI_BASE_ADDRESS_MEM_MASK;
	uint64_t top = UINT32_MAX;

	if (!(get(f->space, PCI_COMMAND) & PCI_COMMAND_MEMORY) ||
	    get(f->space, f->pm + PCI_PM_CTRL) & PCI_PM_CTRL_STATE_MASK)
		return 0;
	if (f->bar_kind == KVPCI_BAR_MEM64) {
		addr = (uint32_t)addr | (uint64_t)get(f->space, reg + 4) << 32;
		top = (1ULL << 52) - 1;
	}
	/* Sizing leaves it at the very top. */
	return addr < top && f->bar_size - 1 < top - addr ? addr : 0;
}

static void uncover_table(struct mmap_reads_function *f)
{
	if (f->table_at)
		set_slot(f->mmap_reads, TABLE_SLOT(f->function), f->table_at,
			 f->table, 0);
	f->table_at = 0;
}

static void cover_table(struct mmap_reads_function *f)
{
	uint64_t at = bar_address(f);

	if (!at || at + f->table_offset == f->table_at)
		return;
	uncover_table(f);
	at += f->table_offset;
	if (set_slot(f->mmap_reads, TABLE_SLOT(f->function), at, f->table,
		     f->table_size))
		f->table_at = at;
}

void mmap_reads_update(struct mmap_reads_function *f)
{
	bool set = get(f->space, f->window + VIRTIO_PCI_CAP_LENGTH);
	struct mmap_reads_function *other;

	f->mmap_reads->windows += set - f->window_set;
	f->window_set = set;
	cover_bus(f->mmap_reads);
	for (other = f->mmap_reads->functions; other; other = other->next)
		if (other != f && !bar_address(other))
			uncover_table(other);
	if (f->table)
		cover_table(f);
}

/* The table, if it has pages of its own. */
static const struct kvpci_region *
find_table(const struct kvpci_device_create *desc)
{
	const struct kvpci_region *regions =
		(const void *)(uintptr_t)desc->regions;
	const struct kvpci_region *table = NULL;
	uint32_t i, end;

	for (i = 0; i < desc->num_regions; i++)
		if (regions[i].type == KVPCI_REGION_MSIX_TABLE)
			table = &regions[i];
	if (!table || table->offset % PAGE)
		return NULL;
	end = table->offset + (table->length + PAGE - 1) / PAGE * PAGE;
	for (i = 0; i < desc->num_regions; i++)
		if (&regions[i] != table && regions[i].bar == table->bar &&
		    regions[i].offset < end &&
		    regions[i].offset + regions[i].length > table->offset)
			return NULL;
	return table;
}

static int add_table(struct mmap_reads_function *f, int device,
		     const struct kvpci_device_create *desc)
{
	const struct kvpci_region *table = find_table(desc);
	void *page;

	if (!table)
		return 0;
	f->table_size = (desc->num_vectors * PCI_MSIX_ENTRY_SIZE + PAGE - 1) /
			PAGE * PAGE;
	f->table_offset = table->offset;
	f->bar = table->bar;
	f->bar_kind = desc->bars[table->bar].kind;
	f->bar_size = desc->bars[table->bar].size;
	page = mmap(NULL, f->table_size, PROT_READ, MAP_SHARED, device,
		    KVPCI_MMAP_MSIX);
	if (page == MAP_FAILED)
		return -errno;
	f->table = page;
	return 0;
}

int mmap_reads_add(struct mmap_reads *mmap_reads, int device, uint32_t function,
		   const struct kvpci_device_create *desc,
		   struct mmap_reads_function **result)
{
	struct mmap_reads_function *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	f->mmap_reads = mmap_reads;
	f->function = function;
	err = map_page(mmap_reads, function, device, KVPCI_MMAP_PCI_CONFIG);
	if (!err && mmap_reads->tables)
		err = add_table(f, device, desc);
	if (err) {
		mmap_reads_remove(f);
		return err;
	}
	f->space = mmap_reads->bus + function * PAGE;
	f->pm = find_cap(f->space, PCI_CAP_ID_PM, 0);
	f->window = find_cap(f->space, PCI_CAP_ID_VNDR, VIRTIO_PCI_CAP_PCI_CFG);
	f->next = mmap_reads->functions;
	mmap_reads->functions = f;
	*result = f;
	return 0;
}

void mmap_reads_remove(struct mmap_reads_function *f)
{
	struct mmap_reads_function **at;

	if (!f)
		return;
	for (at = &f->mmap_reads->functions; *at; at = &(*at)->next)
		if (*at == f) {
			*at = f->next;
			break;
		}
	uncover_table(f);
	if (f->table)
		munmap(f->table, f->table_size);
	map_page(f->mmap_reads, f->function, f->mmap_reads->fd, 0);
	f->mmap_reads->windows -= f->window_set;
	free(f);
}
