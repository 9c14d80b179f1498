/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small things for any file.
 */
#ifndef KVPCI_VMM_UTIL_H
#define KVPCI_VMM_UTIL_H

#include <stdbool.h>
#include <string.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif

/** is_help() - whether an argument asks for help */
static inline bool is_help(const char *argument)
{
	return !strcmp(argument, "--help") || !strcmp(argument, "-h");
}

#endif /* KVPCI_VMM_UTIL_H */
