// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long a signal keeps interrupts off, told from noise: where KVM's walk is
 * part of it, it is three to four times as long.
 */
#define VCPUS	240
#define TENTHS	20
#define EXACT	0
#include "irqs_off.h"
