/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What any file may need.
 */
#ifndef KVPCI_VMM_UTIL_H
#define KVPCI_VMM_UTIL_H

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif

#endif /* KVPCI_VMM_UTIL_H */
