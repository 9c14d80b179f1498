// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power-off and reset. The machine has no other sleeping state and no fixed
 * events, so most bits read as zero. (ACPI 6.4, 4.8.3)
 */
#include <string.h>

#include "machine.h"
#include "power.h"
#include "snapshot.h"
#include "vm.h"

#define PM1_SCI_EN		(1U << 0)
#define PM1_SLP_TYP_SHIFT	10
#define PM1_SLP_TYP_MASK	7U
#define PM1_SLP_EN		(1U << 13)
#define RESET_CPU		(1U << 2)
#define KEYBOARD_PULSE_RESET	0xfe

/* vCPUs may come here together; each register is one relaxed word. */
static uint16_t pm_read(struct power *power, unsigned int offset)
{
	switch (offset) {
	case PM_ENABLE:
		return __atomic_load_n(&power->enable, __ATOMIC_RELAXED);
	case PM_CONTROL:
		return __atomic_load_n(&power->control, __ATOMIC_RELAXED) |
			PM1_SCI_EN;
	default:
		return 0;
	}
}

static void pm_write(struct vm *vm, unsigned int offset, uint16_t value)
{
	unsigned int type = value >> PM1_SLP_TYP_SHIFT & PM1_SLP_TYP_MASK;

	switch (offset) {
	case PM_ENABLE:
		__atomic_store_n(&vm->power.enable, value, __ATOMIC_RELAXED);
		break;
	case PM_CONTROL:
		if (value & PM1_SLP_EN && type == SLEEP_TYPE_S5)
			vm_end(vm, VM_POWERED_OFF);
		__atomic_store_n(&vm->power.control, value & ~PM1_SLP_EN,
				 __ATOMIC_RELAXED);
		break;
	default:
		break;
	}
}

/* The registers are 16 bits wide; a 32-bit access meets two of them. */
static void pm_access(struct vm *vm, unsigned int offset, uint8_t *data,
		      unsigned int length, bool write)
{
	unsigned int at, byte = offset & 1;
	uint16_t value;

	for (at = offset & ~1U; at < offset + length; at += 2) {
		unsigned int n = length < 2 - byte ? length : 2 - byte;

		value = pm_read(&vm->power, at);
		if (write) {
			memcpy((uint8_t *)&value + byte, data, n);
			pm_write(vm, at, value);
		} else {
			memcpy(data, (uint8_t *)&value + byte, n);
		}
		data += n;
		offset += n;
		length -= n;
		byte = 0;
	}
}

bool power_access(struct vm *vm, uint16_t port, uint8_t *data,
		  unsigned int length, bool write)
{
	if (port >= PM_PORT && port + length <= PM_PORT + PM_PORTS) {
		pm_access(vm, port - PM_PORT, data, length, write);
		return true;
	}
	if (port == RESET_PORT && length == 1) {
		if (write && *data & RESET_CPU)
			vm_end(vm, VM_RESET);
		else if (!write)
			*data = 0;
		return true;
	}
	if (port == KEYBOARD_PORT && length == 1) {
		if (write && *data == KEYBOARD_PULSE_RESET)
			vm_end(vm, VM_RESET);
		else if (!write)
			*data = 0;	/* ready to take the command */
		return true;
	}
	return false;
}

/* Its section of a snapshot. */
struct record {
	uint16_t enable;
	uint16_t control;
	uint32_t reserved;
};

void power_save(const struct power *power, struct snapshot_writer *w)
{
	const struct record record = {
		.enable = power->enable,
		.control = power->control,
	};

	snapshot_put(w, SNAPSHOT_POWER, 0, &record, sizeof(record));
}

int power_restore(struct power *power, struct snapshot *s)
{
	struct record record;
	int err;

	err = snapshot_get(s, SNAPSHOT_POWER, 0, &record, sizeof(record));
	if (!err) {
		power->enable = record.enable;
		power->control = record.control & ~PM1_SLP_EN;
	}
	return err;
}
