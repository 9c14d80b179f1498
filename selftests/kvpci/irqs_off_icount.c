// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long a signal keeps interrupts off, by the instruction.
 */
#define VCPUS	64
#define TENTHS	11
#define EXACT	1
#include "irqs_off.h"
