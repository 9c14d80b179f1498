/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where things are in the guest's machine. Plain numbers only: the ACPI source
 * includes this file too.
 */
#ifndef KVPCI_VMM_MACHINE_H
#define KVPCI_VMM_MACHINE_H

/* Memory, from 0 to LOW_RAM_MAX and from 4 GiB on. */
#define LOW_RAM_MAX	0xc0000000
#define WINDOW_MEM32_BASE	0xc0000000
#define WINDOW_MEM32_SIZE		0x20000000
#define WINDOW_MEM32_LAST		0xdfffffff
#define ECAM_BASE		0xe0000000
#define ECAM_SIZE		0x00100000
#define ECAM_BUSES		1
#define IOAPIC_BASE		0xfec00000
#define LAPIC_BASE		0xfee00000
/* Four pages that KVM needs on Intel CPUs. */
#define KVM_IDENTITY_MAP_BASE	0xfffbc000
#define KVM_TSS_BASE		0xfffbd000

/* I/O ports */
#define SERIAL_PORT		0x3f8
#define SERIAL_PORTS		8
#define KEYBOARD_PORT		0x64
#define PM_PORT			0x600
#define PM_PORTS		8
#define PM_STATUS		0		/* offsets from PM_PORT */
#define PM_ENABLE		2
#define PM_CONTROL		4
#define RESET_PORT		0xcf9
#define RESET_VALUE		0x06
#define WINDOW_IO_BASE		0x1000
#define WINDOW_IO_SIZE		0xf000
#define WINDOW_IO_LAST		0xffff

/* SLP_TYP of the one sleeping state, S5: off. */
#define SLEEP_TYPE_S5		5

/* Interrupts */
#define SERIAL_IRQ		4
#define SCI_IRQ			9
#define PCI_GSI_BASE		16
#define PCI_GSI_COUNT		8

/* Slots of the bus; the first stays empty. */
#define PCI_SLOTS		32
#define PCI_FUNCTIONS		8		/* of a slot */
#define PCI_MAX_DEVICES		248		/* functions of the other slots */

#endif /* KVPCI_VMM_MACHINE_H */
