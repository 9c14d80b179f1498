/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loading a Linux kernel by the 64-bit boot protocol.
 */
#ifndef KVPCI_VMM_BOOT_H
#define KVPCI_VMM_BOOT_H

#include <stdint.h>

struct vm;

/* Guest-physical addresses below 1 MiB that the loader uses. */
#define BOOT_GDT	0x0500
#define BOOT_PARAMS	0x7000
#define BOOT_STACK	0x8ff0
#define BOOT_PAGES	0x9000		/* page tables, 6 pages */
#define BOOT_CMDLINE	0x20000
#define BOOT_CMDLINE_MAX	0x10000
#define BOOT_LOW_END	0x9fc00		/* RAM that the kernel may use */
#define BOOT_ACPI	0xe0000		/* tables, to 1 MiB */
#define BOOT_ACPI_MAX	0x20000

#define BOOT_CS		0x10
#define BOOT_DS		0x18

/**
 * struct boot_image - a kernel and its arguments
 * @kernel: path of the kernel
 * @initrd: path of the initial ramdisk, or NULL
 * @append: kernel command line
 */
struct boot_image {
	const char *kernel;
	const char *initrd;
	const char *append;
};

/**
 * boot_load() - put kernel, ramdisk, command line and tables into memory
 * @vm: the VM, with its memory
 * @image: the files and the command line
 * @rsdp: guest-physical address of the RSDP
 * @entry: out: first instruction of the first vCPU
 *
 * Return: 0 or a negative errno value, reported.
 */
int boot_load(struct vm *vm, const struct boot_image *image, uint64_t rsdp,
	      uint64_t *entry);

#endif /* KVPCI_VMM_BOOT_H */
