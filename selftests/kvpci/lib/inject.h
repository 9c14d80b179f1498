/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Failures on demand: the nth allocation, or copy from or to userspace, that this
 * thread makes in the kernel. Whoever cannot have them dies.
 */
#ifndef KVPCI_SELFTEST_INJECT_H
#define KVPCI_SELFTEST_INJECT_H

#include <stdbool.h>

/** inject_possible() - can this kernel do it? Sets it up, if so. */
bool inject_possible(void);

/** inject_open() - begin; what kmemleak allocates for itself does not fail */
void inject_open(void);
void inject_close(void);

/** inject_arm() - fail at the @nth from now on; 0: at none */
void inject_arm(unsigned int nth);

/** inject_disarm() - at none any more. Return: has the failure happened? */
bool inject_disarm(void);

#endif /* KVPCI_SELFTEST_INJECT_H */
