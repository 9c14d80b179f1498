// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 64-bit boot protocol of Documentation/arch/x86/boot.rst: a boot
 * loader's part, and how it recognizes a kernel. An unpacked kernel (vmlinux) has the
 * same entry, but no header.
 */
#include <asm/bootparam.h>
#include <asm/e820.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "boot.h"
#include "machine.h"
#include "report.h"
#include "source.h"
#include "vm.h"
#include "vmlinux.h"

#define BOOT_SIGNATURE		0xaa55
#define HEADER_SIGNATURE	0x53726448	/* "HdrS" */
#define PROTOCOL_64BIT		0x020c		/* has xloadflags */
#define PROTOCOL_RSDP		0x020e		/* has acpi_rsdp_addr */
#define LOADER_UNDEFINED	0xff
#define ENTRY_64		0x200
#define SECTOR			512UL
#define PARAGRAPH		16ULL
#define PAGE			4096ULL
#define MIB			(1ULL << 20)
#define GIB			(1ULL << 30)

#define PTE_PRESENT		(1ULL << 0)
#define PTE_WRITE		(1ULL << 1)
#define PTE_LARGE		(1ULL << 7)

static int refuse(const struct source *s, const char *why)
{
	report("%s: '%s' is not a bootable x86-64 Linux kernel (bzImage or vmlinux): %s",
	       s->option, s->path, why);
	return -ENOEXEC;
}

/* Read the setup header and see whether this is a kernel we can boot. */
static int read_header(const struct source *s, struct setup_header *hdr)
{
	const uint64_t at = offsetof(struct boot_params, hdr);
	uint64_t protected;
	int err;

	memset(hdr, 0, sizeof(*hdr));
	if (s->size < at + sizeof(*hdr))
		return refuse(s, "the file is too short for its header");
	err = source_read(s, hdr, at, sizeof(*hdr));
	if (err)
		return err;
	if (hdr->boot_flag != BOOT_SIGNATURE)
		return refuse(s, "no boot signature 0xaa55 at offset 0x1fe");
	if (hdr->header != HEADER_SIGNATURE)
		return refuse(s, "no signature \"HdrS\" at offset 0x202");
	if (hdr->version < PROTOCOL_64BIT)
		return refuse(s, "its boot protocol is older than 2.12");
	if (!(hdr->loadflags & LOADED_HIGH))
		return refuse(s, "it is a zImage, loaded low");
	if (!(hdr->xloadflags & XLF_KERNEL_64))
		return refuse(s, "it has no 64-bit entry point");
	if (!hdr->setup_sects)
		hdr->setup_sects = 4;
	protected = (hdr->setup_sects + 1) * SECTOR;
	if (hdr->syssize * PARAGRAPH < ENTRY_64 + 1)
		return refuse(s, "its header says that there is no code");
	if (s->size < protected ||
	    s->size - protected < hdr->syssize * PARAGRAPH)
		return refuse(s, "the file is shorter than its header says, perhaps cut off");
	return 0;
}

static int too_little_memory(uint64_t end)
{
	report("--memory: this kernel needs at least %llu MiB",
	       (unsigned long long)((end + MIB - 1) / MIB));
	return -ENOMEM;
}

static int load_bzimage(struct vm *vm, const struct source *s,
			struct setup_header *hdr, uint64_t *end, uint64_t *entry)
{
	uint64_t start, size, room, align;
	void *to;
	int err;

	err = read_header(s, hdr);
	if (err)
		return err;
	size = hdr->syssize * PARAGRAPH;
	room = size > hdr->init_size ? size : hdr->init_size;
	align = hdr->kernel_alignment;
	start = hdr->pref_address;
	if (hdr->relocatable_kernel && start < MIB)
		start = MIB;
	if (start < MIB || start > LOW_RAM_MAX || !align || start & (align - 1))
		return refuse(s, "its header asks for an impossible address");
	*end = start + room;
	*entry = start + ENTRY_64;
	/* At pref_address it needs no second move; memory must reach that far. */
	to = memory_at(&vm->memory, start, room);
	if (!to)
		return too_little_memory(*end);
	return source_read(s, to, (hdr->setup_sects + 1) * SECTOR, size);
}

/* Fields of the header that the kernel reads after its start. */
static int load_vmlinux(struct vm *vm, const struct source *s,
			struct setup_header *hdr, uint64_t *end, uint64_t *entry)
{
	const char *why = NULL;
	int err;

	err = vmlinux_load(vm, s, end, entry, &why);
	if (why)
		return refuse(s, why);
	if (err == -ENOMEM)
		return too_little_memory(*end);
	memset(hdr, 0, sizeof(*hdr));
	hdr->boot_flag = BOOT_SIGNATURE;
	hdr->header = HEADER_SIGNATURE;
	hdr->version = PROTOCOL_RSDP;
	hdr->cmdline_size = BOOT_CMDLINE_MAX - 1;
	hdr->initrd_addr_max = LOW_RAM_MAX - 1;
	return err;
}

/* As high as the kernel allows and memory below the PCI hole reaches. */
static int load_initrd(struct vm *vm, const char *path,
		       struct setup_header *hdr, uint64_t kernel_end)
{
	uint64_t top = vm->memory.slots[0].size, at;
	struct source s;
	int err;

	err = source_open(&s, "--initrd", path);
	if (err)
		goto out;
	if (top > (uint64_t)hdr->initrd_addr_max + 1)
		top = (uint64_t)hdr->initrd_addr_max + 1;
	err = -EINVAL;
	if (!s.size) {
		report("--initrd: '%s' is empty", path);
		goto out;
	}
	at = s.size < top ? (top - s.size) & ~(PAGE - 1) : 0;
	if (at < kernel_end) {
		report("--memory: too little for this kernel and the %llu MiB of '%s'",
		       (unsigned long long)((s.size + MIB - 1) / MIB), path);
		err = -ENOMEM;
		goto out;
	}
	err = source_read(&s, memory_at(&vm->memory, at, s.size), 0, s.size);
	hdr->ramdisk_image = (uint32_t)at;
	hdr->ramdisk_size = (uint32_t)s.size;
out:
	source_close(&s);
	return err;
}

static int load_cmdline(struct vm *vm, const char *append,
			struct setup_header *hdr)
{
	size_t length = strlen(append);

	if (length > hdr->cmdline_size || length >= BOOT_CMDLINE_MAX) {
		report("--append: %zu characters, the kernel takes %u", length,
		       hdr->cmdline_size);
		return -E2BIG;
	}
	memcpy(memory_at(&vm->memory, BOOT_CMDLINE, length + 1), append,
	       length + 1);
	hdr->cmd_line_ptr = BOOT_CMDLINE;
	return 0;
}

static void add_e820(struct boot_params *params, uint64_t addr, uint64_t size,
		     uint32_t type)
{
	struct boot_e820_entry *e = &params->e820_table[params->e820_entries++];

	e->addr = addr;
	e->size = size;
	e->type = type;
}

static void fill_e820(const struct vm *vm, struct boot_params *params)
{
	const struct memory_slot *slot = vm->memory.slots;

	add_e820(params, 0, BOOT_LOW_END, E820_RAM);
	add_e820(params, BOOT_LOW_END, MIB - BOOT_LOW_END, E820_RESERVED);
	add_e820(params, MIB, slot[0].size - MIB, E820_RAM);
	add_e820(params, ECAM_BASE, ECAM_SIZE, E820_RESERVED);
	if (vm->memory.num_slots > 1)
		add_e820(params, slot[1].guest, slot[1].size, E820_RAM);
}

/* Identity mapping of the first 4 GiB in pages of 2 MiB. */
static void write_page_tables(struct vm *vm)
{
	uint64_t *table = memory_at(&vm->memory, BOOT_PAGES, 6 * PAGE);
	uint64_t *pdpt = table + 512, *pd = table + 1024;
	uint64_t i;

	memset(table, 0, 2 * PAGE);
	table[0] = (BOOT_PAGES + PAGE) | PTE_PRESENT | PTE_WRITE;
	for (i = 0; i < 4; i++)
		pdpt[i] = (BOOT_PAGES + (2 + i) * PAGE) | PTE_PRESENT | PTE_WRITE;
	for (i = 0; i < 4 * 512; i++)
		pd[i] = i * 2 * MIB | PTE_PRESENT | PTE_WRITE | PTE_LARGE;
}

static void write_gdt(struct vm *vm)
{
	static const uint64_t gdt[] = {
		[BOOT_CS / 8] = 0x00af9b000000ffffULL,	/* 64-bit code */
		[BOOT_DS / 8] = 0x00cf93000000ffffULL,	/* flat data */
	};

	memcpy(memory_at(&vm->memory, BOOT_GDT, sizeof(gdt)), gdt, sizeof(gdt));
}

int boot_load(struct vm *vm, const struct boot_image *image, uint64_t rsdp,
	      uint64_t *entry)
{
	struct boot_params *params;
	struct setup_header hdr;
	struct source s;
	uint64_t end;
	int err;

	err = source_open(&s, "--kernel", image->kernel);
	if (!err && vmlinux_is(&s))
		err = load_vmlinux(vm, &s, &hdr, &end, entry);
	else if (!err)
		err = load_bzimage(vm, &s, &hdr, &end, entry);
	source_close(&s);
	if (!err && image->initrd)
		err = load_initrd(vm, image->initrd, &hdr, end);
	if (!err)
		err = load_cmdline(vm, image->append, &hdr);
	if (err)
		return err;

	params = memory_at(&vm->memory, BOOT_PARAMS, sizeof(*params));
	memset(params, 0, sizeof(*params));
	hdr.type_of_loader = LOADER_UNDEFINED;
	params->hdr = hdr;
	if (hdr.version >= PROTOCOL_RSDP)
		params->acpi_rsdp_addr = rsdp;	/* else it scans the area */
	fill_e820(vm, params);
	write_page_tables(vm);
	write_gdt(vm);
	return 0;
}
