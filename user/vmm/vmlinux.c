// SPDX-License-Identifier: GPL-2.0-only
/*
 * ELF, as far as an unpacked kernel needs it: segments with physical addresses.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "machine.h"
#include "source.h"
#include "vm.h"
#include "vmlinux.h"

#define MAX_SEGMENTS	64
#define MIB		(1ULL << 20)

bool vmlinux_is(const struct source *s)
{
	char magic[SELFMAG];

	return s->size >= SELFMAG && !source_read(s, magic, 0, SELFMAG) &&
	       !memcmp(magic, ELFMAG, SELFMAG);
}

static int read_headers(const struct source *s, Elf64_Ehdr *file,
			Elf64_Phdr segments[MAX_SEGMENTS], const char **why)
{
	uint64_t length;
	int err;

	*why = "the file is too short for its header";
	if (s->size < sizeof(*file))
		return -ENOEXEC;
	*why = NULL;
	err = source_read(s, file, 0, sizeof(*file));
	if (err)
		return err;
	*why = "it is an ELF file for another machine";
	if (file->e_ident[EI_CLASS] != ELFCLASS64 ||
	    file->e_machine != EM_X86_64)
		return -ENOEXEC;
	*why = "it is an ELF file, but no program that lies where it runs";
	if (file->e_type != ET_EXEC ||
	    file->e_phentsize != sizeof(segments[0]) || !file->e_phnum ||
	    file->e_phnum > MAX_SEGMENTS)
		return -ENOEXEC;
	*why = "its program headers are beyond its end";
	length = file->e_phnum * sizeof(segments[0]);
	if (file->e_phoff > s->size || length > s->size - file->e_phoff)
		return -ENOEXEC;
	*why = NULL;
	return source_read(s, segments, file->e_phoff, length);
}

static int load_segment(struct vm *vm, const struct source *s,
			const Elf64_Phdr *segment, uint64_t *end,
			const char **why)
{
	uint64_t start = segment->p_paddr, room = segment->p_memsz;
	void *to;

	*why = "a segment is beyond its end, perhaps it was cut off";
	if (segment->p_offset > s->size ||
	    segment->p_filesz > s->size - segment->p_offset)
		return -ENOEXEC;
	*why = "a segment asks for an impossible address";
	if (start < MIB || start > LOW_RAM_MAX || room > LOW_RAM_MAX ||
	    segment->p_filesz > room)
		return -ENOEXEC;
	*why = NULL;
	if (*end < start + room)
		*end = start + room;
	to = memory_at(&vm->memory, start, room);
	if (!to)
		return -ENOMEM;
	return source_read(s, to, segment->p_offset, segment->p_filesz);
}

int vmlinux_load(struct vm *vm, const struct source *s, uint64_t *end,
		 uint64_t *entry, const char **why)
{
	Elf64_Phdr segments[MAX_SEGMENTS];
	Elf64_Ehdr file;
	int i, err;

	err = read_headers(s, &file, segments, why);
	*end = 0;
	for (i = 0; !err && i < file.e_phnum; i++) {
		if (segments[i].p_type == PT_LOAD && segments[i].p_memsz)
			err = load_segment(vm, s, &segments[i], end, why);
	}
	if (err)
		return err;
	/* The kernel's own first instruction, by its physical address. */
	*entry = file.e_entry;
	if (file.e_entry < MIB || file.e_entry >= *end) {
		*why = "its entry point is not in it";
		return -ENOEXEC;
	}
	return 0;
}
