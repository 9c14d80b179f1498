/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine as ACPI describes it: power-off, COM1, PCI bus 0.
 *
 * The C preprocessor runs over this file first. What depends on the amount of
 * memory, the 64-bit window, is in PW64 and PL64, which the launcher fills in.
 */
#include "machine.h"

/* A device's four pins, turned by its slot so that devices spread out. */
#define GSI(slot, pin)	(PCI_GSI_BASE + ((slot + pin) % PCI_GSI_COUNT))
#define SLOT(slot)						\
	Package () { (slot << 16) | 0xffff, 0, 0, GSI(slot, 0) },	\
	Package () { (slot << 16) | 0xffff, 1, 0, GSI(slot, 1) },	\
	Package () { (slot << 16) | 0xffff, 2, 0, GSI(slot, 2) },	\
	Package () { (slot << 16) | 0xffff, 3, 0, GSI(slot, 3) }

DefinitionBlock ("", "DSDT", 2, "KVPCI ", "KVPCI   ", 1)
{
	Name (\_S5, Package () { SLEEP_TYPE_S5, SLEEP_TYPE_S5, 0, 0 })

	Scope (\_SB)
	{
		Name (PW64, 0x1122334455667788)	/* first byte of the window */
		Name (PL64, 0x1122334455667799)	/* last byte */

		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A08"))
			Name (_CID, EisaId ("PNP0A03"))
			Name (_UID, 0)
			Name (_SEG, 0)
			Name (_BBN, 0)
			Name (_CCA, 1)

			Name (CRSB, ResourceTemplate ()
			{
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed,
					PosDecode, 0, 0, 0, 0, 1)
				WordIO (ResourceProducer, MinFixed, MaxFixed,
					PosDecode, EntireRange, 0,
					WINDOW_IO_BASE, WINDOW_IO_LAST, 0, WINDOW_IO_SIZE)
				DWordMemory (ResourceProducer, PosDecode, MinFixed,
					MaxFixed, NonCacheable, ReadWrite, 0,
					WINDOW_MEM32_BASE, WINDOW_MEM32_LAST, 0,
					WINDOW_MEM32_SIZE)
				QWordMemory (ResourceProducer, PosDecode, MinFixed,
					MaxFixed, NonCacheable, ReadWrite, 0,
					0x100000000, 0x1ffffffff, 0, 0x100000000,
					, , MW64)
			})

			Method (_CRS, 0, Serialized)
			{
				CreateQWordField (CRSB, ^MW64._MIN, WMIN)
				CreateQWordField (CRSB, ^MW64._MAX, WMAX)
				CreateQWordField (CRSB, ^MW64._LEN, WLEN)

				WMIN = PW64
				WMAX = PL64
				WLEN = PL64 - PW64 + 1
				Return (CRSB)
			}

			Name (_PRT, Package ()
			{
				SLOT(0), SLOT(1), SLOT(2), SLOT(3),
				SLOT(4), SLOT(5), SLOT(6), SLOT(7),
				SLOT(8), SLOT(9), SLOT(10), SLOT(11),
				SLOT(12), SLOT(13), SLOT(14), SLOT(15),
				SLOT(16), SLOT(17), SLOT(18), SLOT(19),
				SLOT(20), SLOT(21), SLOT(22), SLOT(23),
				SLOT(24), SLOT(25), SLOT(26), SLOT(27),
				SLOT(28), SLOT(29), SLOT(30), SLOT(31)
			})

			/*
			 * There is no hot-plug, power management event or error
			 * report to hand over: grant what exists, the
			 * capability structures.
			 */
			Method (_OSC, 4, Serialized)
			{
				CreateDWordField (Arg3, 0, STAT)
				CreateDWordField (Arg3, 8, CTRL)

				If (Arg0 != ToUUID ("33db4d5b-1ff7-401c-9657-7441c03dd766"))
				{
					STAT |= 0x04
					Return (Arg3)
				}
				CTRL &= 0x10
				Return (Arg3)
			}
		}

		/* Configuration space, so that nobody else takes it. */
		Device (ECAM)
		{
			Name (_HID, EisaId ("PNP0C02"))
			Name (_UID, 1)
			Name (_CRS, ResourceTemplate ()
			{
				Memory32Fixed (ReadWrite, ECAM_BASE, ECAM_SIZE)
				IO (Decode16, PM_PORT, PM_PORT, 1, PM_PORTS)
			})
		}

		Device (COM1)
		{
			Name (_HID, EisaId ("PNP0501"))
			Name (_UID, 1)
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, SERIAL_PORT, SERIAL_PORT, 1, SERIAL_PORTS)
				IRQNoFlags () { SERIAL_IRQ }
			})
		}
	}
}
