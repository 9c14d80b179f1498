/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files on their way into the guest's memory.
 */
#ifndef KVPCI_VMM_SOURCE_H
#define KVPCI_VMM_SOURCE_H

#include <stdint.h>

/**
 * struct source - an open file
 * @option: the option that named it, for messages
 * @path: its path
 * @fd: descriptor, negative if it could not be opened
 * @size: bytes
 */
struct source {
	const char *option;
	const char *path;
	int fd;
	uint64_t size;
};

/** source_open() - open a regular file; close it even after an error */
int source_open(struct source *s, const char *option, const char *path);
void source_close(struct source *s);

/**
 * source_read() - read a part of the file, all of it
 * @s: the file
 * @to: memory for it
 * @offset: the part's first byte
 * @length: bytes
 *
 * Return: 0 or a negative errno value, reported.
 */
int source_read(const struct source *s, void *to, uint64_t offset,
		uint64_t length);

#endif /* KVPCI_VMM_SOURCE_H */
