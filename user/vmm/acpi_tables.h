/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The layout of the ACPI tables the launcher builds. Names follow ACPI 6.4,
 * chapter 5.2, and for MCFG the PCI Firmware Specification 3.3, 4.1.2.
 */
#ifndef KVPCI_VMM_ACPI_TABLES_H
#define KVPCI_VMM_ACPI_TABLES_H

#include <stdint.h>

#define ACPI_PACKED	__attribute__((packed))

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} ACPI_PACKED;

struct acpi_rsdp {
	char signature[8];
	uint8_t checksum;		/* of the first 20 bytes */
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;	/* of all */
	uint8_t reserved[3];
} ACPI_PACKED;

#define ACPI_XSDT_TABLES	3

struct acpi_xsdt {
	struct acpi_header header;
	uint64_t tables[ACPI_XSDT_TABLES];
} ACPI_PACKED;

/* Generic address structure */
#define ACPI_SPACE_IO		1
#define ACPI_ACCESS_BYTE	1
#define ACPI_ACCESS_WORD	2

struct acpi_address {
	uint8_t space;
	uint8_t bit_width;
	uint8_t bit_offset;
	uint8_t access_size;
	uint64_t address;
} ACPI_PACKED;

/* fadt.boot_arch */
#define ACPI_BOOT_NO_VGA	(1U << 2)
#define ACPI_BOOT_NO_RTC	(1U << 5)
/* fadt.flags */
#define ACPI_FADT_WBINVD	(1U << 0)
#define ACPI_FADT_PROC_C1	(1U << 2)
#define ACPI_FADT_PWR_BUTTON	(1U << 4)	/* no fixed button */
#define ACPI_FADT_SLP_BUTTON	(1U << 5)	/* no fixed button */
#define ACPI_FADT_RESET_REG	(1U << 10)

struct acpi_fadt {
	struct acpi_header header;
	uint32_t firmware_ctrl;
	uint32_t dsdt;
	uint8_t reserved0;
	uint8_t preferred_pm_profile;
	uint16_t sci_int;
	uint32_t smi_cmd;
	uint8_t acpi_enable;
	uint8_t acpi_disable;
	uint8_t s4bios_req;
	uint8_t pstate_cnt;
	uint32_t pm1a_evt_blk;
	uint32_t pm1b_evt_blk;
	uint32_t pm1a_cnt_blk;
	uint32_t pm1b_cnt_blk;
	uint32_t pm2_cnt_blk;
	uint32_t pm_tmr_blk;
	uint32_t gpe0_blk;
	uint32_t gpe1_blk;
	uint8_t pm1_evt_len;
	uint8_t pm1_cnt_len;
	uint8_t pm2_cnt_len;
	uint8_t pm_tmr_len;
	uint8_t gpe0_blk_len;
	uint8_t gpe1_blk_len;
	uint8_t gpe1_base;
	uint8_t cst_cnt;
	uint16_t p_lvl2_lat;
	uint16_t p_lvl3_lat;
	uint16_t flush_size;
	uint16_t flush_stride;
	uint8_t duty_offset;
	uint8_t duty_width;
	uint8_t day_alrm;
	uint8_t mon_alrm;
	uint8_t century;
	uint16_t boot_arch;
	uint8_t reserved1;
	uint32_t flags;
	struct acpi_address reset_reg;
	uint8_t reset_value;
	uint16_t arm_boot_arch;
	uint8_t minor_version;
	uint64_t x_firmware_ctrl;
	uint64_t x_dsdt;
	struct acpi_address x_pm1a_evt_blk;
	struct acpi_address x_pm1b_evt_blk;
	struct acpi_address x_pm1a_cnt_blk;
	struct acpi_address x_pm1b_cnt_blk;
	struct acpi_address x_pm2_cnt_blk;
	struct acpi_address x_pm_tmr_blk;
	struct acpi_address x_gpe0_blk;
	struct acpi_address x_gpe1_blk;
	struct acpi_address sleep_control_reg;
	struct acpi_address sleep_status_reg;
	uint64_t hypervisor_vendor;
} ACPI_PACKED;

struct acpi_facs {
	char signature[4];
	uint32_t length;
	uint32_t hardware_signature;
	uint32_t firmware_waking_vector;
	uint32_t global_lock;
	uint32_t flags;
	uint64_t x_firmware_waking_vector;
	uint8_t version;
	uint8_t reserved[31];
} ACPI_PACKED;

#define ACPI_MADT_PCAT_COMPAT	(1U << 0)	/* there are 8259s */
#define ACPI_MADT_ENABLED	(1U << 0)

enum acpi_madt_type {
	ACPI_MADT_LAPIC = 0,
	ACPI_MADT_IOAPIC = 1,
	ACPI_MADT_OVERRIDE = 2,
	ACPI_MADT_LAPIC_NMI = 4,
};

struct acpi_madt {
	struct acpi_header header;
	uint32_t lapic_address;
	uint32_t flags;
} ACPI_PACKED;

struct acpi_madt_lapic {
	uint8_t type;
	uint8_t length;
	uint8_t processor_uid;
	uint8_t apic_id;
	uint32_t flags;
} ACPI_PACKED;

struct acpi_madt_ioapic {
	uint8_t type;
	uint8_t length;
	uint8_t id;
	uint8_t reserved;
	uint32_t address;
	uint32_t gsi_base;
} ACPI_PACKED;

#define ACPI_MPS_LEVEL_HIGH	0x000d

struct acpi_madt_override {
	uint8_t type;
	uint8_t length;
	uint8_t bus;
	uint8_t source;
	uint32_t gsi;
	uint16_t flags;
} ACPI_PACKED;

#define ACPI_ALL_PROCESSORS	0xff

struct acpi_madt_lapic_nmi {
	uint8_t type;
	uint8_t length;
	uint8_t processor_uid;
	uint16_t flags;
	uint8_t lint;
} ACPI_PACKED;

struct acpi_mcfg {
	struct acpi_header header;
	uint64_t reserved0;
	uint64_t base;
	uint16_t segment;
	uint8_t first_bus;
	uint8_t last_bus;
	uint32_t reserved1;
} ACPI_PACKED;

#endif /* KVPCI_VMM_ACPI_TABLES_H */
