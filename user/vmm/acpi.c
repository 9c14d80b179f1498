// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ACPI tables. The DSDT is compiled from dsdt.asl at build time; the tables
 * of fixed layout are built here.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "acpi.h"
#include "acpi_tables.h"
#include "boot.h"
#include "dsdt.h"	/* generated: dsdt_aml_code[] */
#include "machine.h"
#include "report.h"
#include "vm.h"

_Static_assert(sizeof(struct acpi_rsdp) == 36, "RSDP");
_Static_assert(sizeof(struct acpi_fadt) == 276, "FADT of revision 6");
_Static_assert(sizeof(struct acpi_facs) == 64, "FACS");

#define FACS_ALIGN	64U
#define TABLE_ALIGN	16U
#define AML_NAME_OP	0x08
#define AML_QWORD	0x0e

/* Tables are placed one behind the other. */
struct builder {
	struct vm *vm;
	uint64_t at;	/* guest-physical */
	uint64_t end;
};

static uint8_t checksum(const void *bytes, size_t length)
{
	const uint8_t *p = bytes;
	uint8_t sum = 0;

	while (length--)
		sum += *p++;
	return (uint8_t)-sum;
}

static void *take(struct builder *b, size_t length, uint64_t align,
		  uint64_t *where)
{
	uint64_t at = (b->at + align - 1) & ~(align - 1);
	void *p;

	if (at + length > b->end)
		return NULL;
	b->at = at + length;
	*where = at;
	p = memory_at(&b->vm->memory, at, length);
	if (p)
		memset(p, 0, length);
	return p;
}

static void finish(struct acpi_header *h, const char *signature,
		   uint8_t revision, size_t length)
{
	memcpy(h->signature, signature, sizeof(h->signature));
	memcpy(h->oem_id, "KVPCI ", sizeof(h->oem_id));
	memcpy(h->oem_table_id, "KVPCI   ", sizeof(h->oem_table_id));
	memcpy(h->creator_id, "KVPC", sizeof(h->creator_id));
	h->length = (uint32_t)length;
	h->revision = revision;
	h->oem_revision = 1;
	h->creator_revision = 1;
	h->checksum = 0;
	h->checksum = checksum(h, length);
}

/* Give the integer of a Name in the DSDT its value. */
static int patch(uint8_t *aml, size_t length, const char *name, uint64_t value)
{
	uint8_t pattern[6] = { AML_NAME_OP };
	uint8_t *found;

	memcpy(pattern + 1, name, 4);
	pattern[5] = AML_QWORD;
	found = memmem(aml, length, pattern, sizeof(pattern));
	if (!found || found + sizeof(pattern) + sizeof(value) > aml + length) {
		report("the built-in DSDT has no Name (%s)", name);
		return -EINVAL;
	}
	memcpy(found + sizeof(pattern), &value, sizeof(value));
	return 0;
}

static int add_dsdt(struct builder *b, uint64_t window, uint64_t window_last,
		    uint64_t *where)
{
	size_t length = sizeof(dsdt_aml_code);
	struct acpi_header *h = take(b, length, TABLE_ALIGN, where);
	int err;

	if (!h)
		return -ENOSPC;
	memcpy(h, dsdt_aml_code, length);
	err = patch((uint8_t *)h, length, "PW64", window);
	if (!err)
		err = patch((uint8_t *)h, length, "PL64", window_last);
	h->checksum = 0;
	h->checksum = checksum(h, length);
	return err;
}

static struct acpi_address port(uint16_t address, uint8_t bits, uint8_t access)
{
	return (struct acpi_address) {
		.space = ACPI_SPACE_IO,
		.bit_width = bits,
		.access_size = access,
		.address = address,
	};
}

static int add_facs(struct builder *b, uint64_t *where)
{
	struct acpi_facs *facs = take(b, sizeof(*facs), FACS_ALIGN, where);

	if (!facs)
		return -ENOSPC;
	memcpy(facs->signature, "FACS", sizeof(facs->signature));
	facs->length = sizeof(*facs);
	facs->version = 2;
	return 0;
}

static int add_fadt(struct builder *b, uint64_t facs, uint64_t dsdt,
		    uint64_t *where)
{
	struct acpi_fadt *fadt = take(b, sizeof(*fadt), TABLE_ALIGN, where);

	if (!fadt)
		return -ENOSPC;
	fadt->firmware_ctrl = (uint32_t)facs;
	fadt->dsdt = (uint32_t)dsdt;
	fadt->x_dsdt = dsdt;
	fadt->sci_int = SCI_IRQ;
	/* No SMI command: the machine is in ACPI mode from the start. */
	fadt->pm1a_evt_blk = PM_PORT + PM_STATUS;
	fadt->pm1a_cnt_blk = PM_PORT + PM_CONTROL;
	fadt->pm1_evt_len = 4;
	fadt->pm1_cnt_len = 2;
	fadt->x_pm1a_evt_blk = port(PM_PORT + PM_STATUS, 32, ACPI_ACCESS_WORD);
	fadt->x_pm1a_cnt_blk = port(PM_PORT + PM_CONTROL, 16, ACPI_ACCESS_WORD);
	fadt->p_lvl2_lat = 0xffff;	/* C2 and C3 do not exist */
	fadt->p_lvl3_lat = 0xffff;
	fadt->boot_arch = ACPI_BOOT_NO_VGA | ACPI_BOOT_NO_RTC;
	fadt->flags = ACPI_FADT_WBINVD | ACPI_FADT_PROC_C1 |
		ACPI_FADT_PWR_BUTTON | ACPI_FADT_SLP_BUTTON |
		ACPI_FADT_RESET_REG;
	fadt->reset_reg = port(RESET_PORT, 8, ACPI_ACCESS_BYTE);
	fadt->reset_value = RESET_VALUE;
	fadt->minor_version = 4;
	finish(&fadt->header, "FACP", 6, sizeof(*fadt));
	return 0;
}

static void fill_madt(struct acpi_madt *madt, unsigned int cpus, size_t length)
{
	struct acpi_madt_lapic *lapic = (void *)(madt + 1);
	struct acpi_madt_ioapic *ioapic = (void *)(lapic + cpus);
	struct acpi_madt_override *override = (void *)(ioapic + 1);
	struct acpi_madt_lapic_nmi *nmi = (void *)(override + 2);
	unsigned int i;

	madt->lapic_address = LAPIC_BASE;
	madt->flags = ACPI_MADT_PCAT_COMPAT;
	for (i = 0; i < cpus; i++)
		lapic[i] = (struct acpi_madt_lapic) {
			.type = ACPI_MADT_LAPIC,
			.length = sizeof(*lapic),
			.processor_uid = (uint8_t)i,
			.apic_id = (uint8_t)i,
			.flags = ACPI_MADT_ENABLED,
		};
	*ioapic = (struct acpi_madt_ioapic) {
		.type = ACPI_MADT_IOAPIC,
		.length = sizeof(*ioapic),
		.address = IOAPIC_BASE,
	};
	override[0] = (struct acpi_madt_override) {
		.type = ACPI_MADT_OVERRIDE,
		.length = sizeof(*override),
		.source = 0,		/* the timer */
		.gsi = 2,
	};
	override[1] = (struct acpi_madt_override) {
		.type = ACPI_MADT_OVERRIDE,
		.length = sizeof(*override),
		.source = SCI_IRQ,
		.gsi = SCI_IRQ,
		.flags = ACPI_MPS_LEVEL_HIGH,
	};
	*nmi = (struct acpi_madt_lapic_nmi) {
		.type = ACPI_MADT_LAPIC_NMI,
		.length = sizeof(*nmi),
		.processor_uid = ACPI_ALL_PROCESSORS,
		.lint = 1,
	};
	finish(&madt->header, "APIC", 5, length);
}

static int add_madt(struct builder *b, uint64_t *where)
{
	unsigned int cpus = b->vm->num_cpus;
	size_t length = sizeof(struct acpi_madt) +
		cpus * sizeof(struct acpi_madt_lapic) +
		sizeof(struct acpi_madt_ioapic) +
		2 * sizeof(struct acpi_madt_override) +
		sizeof(struct acpi_madt_lapic_nmi);
	struct acpi_madt *madt = take(b, length, TABLE_ALIGN, where);

	if (!madt)
		return -ENOSPC;
	fill_madt(madt, cpus, length);
	return 0;
}

static int add_mcfg(struct builder *b, uint64_t *where)
{
	struct acpi_mcfg *mcfg = take(b, sizeof(*mcfg), TABLE_ALIGN, where);

	if (!mcfg)
		return -ENOSPC;
	mcfg->base = ECAM_BASE;
	finish(&mcfg->header, "MCFG", 1, sizeof(*mcfg));
	return 0;
}

static int add_xsdt(struct builder *b, const uint64_t *tables, uint64_t *where)
{
	struct acpi_xsdt *xsdt = take(b, sizeof(*xsdt), TABLE_ALIGN, where);

	if (!xsdt)
		return -ENOSPC;
	memcpy(xsdt->tables, tables, sizeof(xsdt->tables));
	finish(&xsdt->header, "XSDT", 1, sizeof(*xsdt));
	return 0;
}

static void fill_rsdp(struct acpi_rsdp *rsdp, uint64_t xsdt)
{
	memcpy(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature));
	memcpy(rsdp->oem_id, "KVPCI ", sizeof(rsdp->oem_id));
	rsdp->revision = 2;
	rsdp->length = sizeof(*rsdp);
	rsdp->xsdt = xsdt;
	rsdp->checksum = checksum(rsdp, offsetof(struct acpi_rsdp, length));
	rsdp->extended_checksum = checksum(rsdp, sizeof(*rsdp));
}

int acpi_build(struct vm *vm, uint64_t window, uint64_t window_last,
	       uint64_t *rsdp)
{
	struct builder b = {
		.vm = vm,
		.at = BOOT_ACPI,
		.end = BOOT_ACPI + BOOT_ACPI_MAX,
	};
	uint64_t tables[ACPI_XSDT_TABLES], facs, dsdt, xsdt;
	struct acpi_rsdp *root;
	int err;

	/* First: kernels without acpi_rsdp_addr look at 16-byte steps here. */
	root = take(&b, sizeof(*root), TABLE_ALIGN, rsdp);
	err = root ? 0 : -ENOSPC;
	if (!err)
		err = add_facs(&b, &facs);
	if (!err)
		err = add_dsdt(&b, window, window_last, &dsdt);
	if (!err)
		err = add_fadt(&b, facs, dsdt, &tables[0]);
	if (!err)
		err = add_madt(&b, &tables[1]);
	if (!err)
		err = add_mcfg(&b, &tables[2]);
	if (!err)
		err = add_xsdt(&b, tables, &xsdt);
	if (err)
		return report_error(err, "cannot build the ACPI tables");
	fill_rsdp(root, xsdt);
	return 0;
}
