/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loading a kernel that is unpacked already, an ELF file, to the physical
 * addresses that it asks for.
 */
#ifndef KVPCI_VMM_VMLINUX_H
#define KVPCI_VMM_VMLINUX_H

#include <stdbool.h>
#include <stdint.h>

struct source;
struct vm;

/** vmlinux_is() - does the file begin like an ELF file? */
bool vmlinux_is(const struct source *s);

/**
 * vmlinux_load() - read all segments into memory
 * @vm: the VM, with its memory, which is zero
 * @s: the file
 * @end: out: the first address behind all segments
 * @entry: out: its first instruction
 * @why: out: the fault of the file's contents
 *
 * Return: 0; -ENOEXEC with @why; -ENOMEM if memory does not reach @end; or an
 * error of source_read().
 */
int vmlinux_load(struct vm *vm, const struct source *s, uint64_t *end,
		 uint64_t *entry, const char **why);

#endif /* KVPCI_VMM_VMLINUX_H */
