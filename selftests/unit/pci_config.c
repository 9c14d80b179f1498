// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI configuration space: identity, the capability walk a driver does, BAR
 * sizing and decoding, interrupt bits, FLR, and the access window (R1 to R7,
 * R19, R26, R28, R32 to R35).
 */
#include "unit.h"
#include "kselftest_harness.h"

#define CLASS	0x020000	/* Ethernet controller */
#define BAR(n)	(PCI_BASE_ADDRESS_0 + 4 * (n))

FIXTURE(pci_config) {
	struct unit u;
	struct kvpci_pci_config cs;
};

FIXTURE_SETUP(pci_config)
{
	unit_describe(&self->u);
	ASSERT_EQ(0, unit_check(&self->u));
	ASSERT_EQ(0, kvpci_pci_config_init(&self->cs, &self->u.desc,
					   self->u.regions, CLASS, 1));
}

FIXTURE_TEARDOWN(pci_config)
{
}

static u32 rd(const struct kvpci_pci_config *cs, u32 at, unsigned int length)
{
	return kvpci_pci_config_read(cs, at, length);
}

static u32 wr(struct kvpci_pci_config *cs, u32 at, unsigned int length,
	      u32 value)
{
	return kvpci_pci_config_write(cs, at, length, value);
}

/* The next capability of an id after @from (0: from the start), or 0. */
static u32 next_cap(const struct kvpci_pci_config *cs, u8 id, u32 from)
{
	u32 at = from ? rd(cs, from + 1, 1) : rd(cs, PCI_CAPABILITY_LIST, 1);

	for (int limit = 64; at && limit; limit--) {
		if (rd(cs, at, 1) == id)
			return at;
		at = rd(cs, at + 1, 1);
	}
	return 0;
}

/* The nth virtio structure of a type, or 0. */
static u32 virtio_cap(const struct kvpci_pci_config *cs, u8 type, int nth)
{
	u32 at = 0;

	while ((at = next_cap(cs, PCI_CAP_ID_VNDR, at)))
		if (rd(cs, at + 3, 1) == type && !nth--)
			return at;
	return 0;
}

/* R2, R3 */
TEST_F(pci_config, identity)
{
	static const struct {
		u32 at;
		unsigned int length;
		u32 expect;
	} rows[] = {
		{ PCI_VENDOR_ID, 2, 0x1af4 },
		{ PCI_DEVICE_ID, 2, 0x1041 },
		{ PCI_VENDOR_ID, 4, 0x10411af4 },
		{ PCI_REVISION_ID, 1, 1 },
		{ PCI_CLASS_PROG, 1, CLASS & 0xff },
		{ PCI_CLASS_DEVICE, 2, CLASS >> 8 },
		{ PCI_HEADER_TYPE, 1, 0 },
		{ PCI_SUBSYSTEM_VENDOR_ID, 2, 0x1af4 },
		{ PCI_SUBSYSTEM_ID, 2, 0x41 },
		{ PCI_INTERRUPT_PIN, 1, 1 },
		{ PCI_COMMAND, 2, 0 },
		{ PCI_STATUS, 2, PCI_STATUS_CAP_LIST },
		{ PCI_ROM_ADDRESS, 4, 0 },
		{ 0x100, 4, 0 },	/* no extended capability */
		{ 0xffc, 4, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(rows[i].expect,
			  rd(&self->cs, rows[i].at, rows[i].length))
			TH_LOG("offset %#x", rows[i].at);
		if (rows[i].at == PCI_COMMAND)
			continue;
		wr(&self->cs, rows[i].at, rows[i].length, ~0U);
		wr(&self->cs, rows[i].at, rows[i].length, 0);
		EXPECT_EQ(rows[i].expect,
			  rd(&self->cs, rows[i].at, rows[i].length))
			TH_LOG("offset %#x can be written", rows[i].at);
	}
	EXPECT_GE(rd(&self->cs, PCI_SUBSYSTEM_ID, 2), 0x40);
}

TEST_F(pci_config, multifunction)
{
	struct kvpci_pci_config *cs = &self->cs;

	kvpci_pci_config_set_multifunction(cs);
	EXPECT_EQ(0x80, rd(cs, PCI_HEADER_TYPE, 1));
	wr(cs, PCI_HEADER_TYPE, 1, 0);
	kvpci_pci_config_reset(cs);
	EXPECT_EQ(0x80, rd(cs, PCI_HEADER_TYPE, 1));
	EXPECT_EQ(0x10411af4, rd(cs, PCI_VENDOR_ID, 4));
}

TEST_F(pci_config, virtio_ids)
{
	for (u32 id = 1; id <= 63; id++) {
		struct kvpci_pci_config cs = { 0 };

		self->u.desc.virtio_id = id;
		ASSERT_EQ(0, kvpci_pci_config_init(&cs, &self->u.desc,
						   self->u.regions, CLASS, 0));
		EXPECT_EQ(0x1040 + id, rd(&cs, PCI_DEVICE_ID, 2));
		EXPECT_EQ(0, rd(&cs, PCI_INTERRUPT_PIN, 1));
	}
}

/* What a driver finds is what was described, in that order (R6, R7, R18). */
TEST_F(pci_config, capability_walk)
{
	static const u8 types[] = {
		[KVPCI_REGION_COMMON] = VIRTIO_PCI_CAP_COMMON_CFG,
		[KVPCI_REGION_NOTIFY] = VIRTIO_PCI_CAP_NOTIFY_CFG,
		[KVPCI_REGION_ISR] = VIRTIO_PCI_CAP_ISR_CFG,
		[KVPCI_REGION_DEVICE] = VIRTIO_PCI_CAP_DEVICE_CFG,
	};
	int seen[ARRAY_SIZE(types)] = { 0 };

	for (u32 i = 0; i < self->u.desc.num_regions; i++) {
		const struct kvpci_region *r = &self->u.regions[i];
		u32 at, len;

		if (r->type >= ARRAY_SIZE(types))
			continue;
		at = virtio_cap(&self->cs, types[r->type], seen[r->type]++);
		ASSERT_NE(0, at) TH_LOG("region %u has no capability", i);
		EXPECT_EQ(0, at % 4);
		len = rd(&self->cs, at + 2, 1);
		EXPECT_EQ(r->type == KVPCI_REGION_NOTIFY ? 20 : 16, len);
		EXPECT_EQ(r->bar, rd(&self->cs, at + 4, 1));
		EXPECT_EQ(r->offset, rd(&self->cs, at + 8, 4));
		EXPECT_EQ(r->length, rd(&self->cs, at + 12, 4));
		if (r->type == KVPCI_REGION_NOTIFY)
			EXPECT_EQ(r->multiplier, rd(&self->cs, at + 16, 4));
		/* read-only */
		for (u32 byte = 0; byte < len; byte += 4) {
			u32 was = rd(&self->cs, at + byte, 4);

			wr(&self->cs, at + byte, 4, ~was);
			EXPECT_EQ(was, rd(&self->cs, at + byte, 4));
		}
	}
	for (size_t t = 1; t < ARRAY_SIZE(types); t++) {
		EXPECT_EQ(2, seen[t]);
		EXPECT_EQ(0, virtio_cap(&self->cs, types[t], seen[t]));
	}
	/* the list holds each capability once and ends */
	for (u8 id = 1; id < 0x20; id++) {
		u32 at = next_cap(&self->cs, id, 0);

		if (at && id != PCI_CAP_ID_VNDR)
			EXPECT_EQ(0, next_cap(&self->cs, id, at));
	}
}

/* No two capabilities overlap. */
TEST_F(pci_config, capabilities_apart)
{
	u32 at = rd(&self->cs, PCI_CAPABILITY_LIST, 1);
	u8 used[256] = { 0 };

	while (at) {
		u8 id = rd(&self->cs, at, 1);
		u32 len = id == PCI_CAP_ID_VNDR ? rd(&self->cs, at + 2, 1) :
			  id == PCI_CAP_ID_MSIX ? 12 :
			  id == PCI_CAP_ID_EXP ? 12 : 8;

		ASSERT_GE(at, 0x40);
		ASSERT_LE(at + len, 256);
		for (u32 i = 0; i < len; i++)
			EXPECT_EQ(0, used[at + i]++);
		at = rd(&self->cs, at + 1, 1);
	}
}

/* More structures than 192 bytes can list are refused, not cut. */
TEST_F(pci_config, too_many_capabilities)
{
	struct kvpci_pci_config cs = { 0 };

	while (self->u.desc.num_regions < KVPCI_MAX_REGIONS)
		unit_add_region(&self->u, (struct kvpci_region){
			KVPCI_REGION_ISR, UNIT_BAR_MEM,
			0x3000 + 4 * self->u.desc.num_regions, 4, 0, 0 });
	ASSERT_EQ(0, unit_check(&self->u));
	EXPECT_EQ(-ENOSPC, kvpci_pci_config_init(&cs, &self->u.desc,
						 self->u.regions, CLASS, 1));
}

/* R31: as the VMM gives it, behind the others, and nobody writes it. */
TEST_F(pci_config, vendor_data)
{
	static const u8 data[] = { 0x34, 0x12, 1, 2, 3, 4, 5, 6 };
	static const u8 virtio[] = { 0xf4, 0x1a, 0, 0 };
	const u8 large[KVPCI_MAX_VENDOR_DATA + 4] = { 0x34, 0x12 };
	struct kvpci_pci_config *cs = &self->cs;
	u32 at = 0, last = 0;

	/* the default's capabilities leave no room for one more */
	EXPECT_EQ(-ENOSPC, kvpci_pci_config_add_vendor(cs, data, 4));
	self->u.regions[5] = self->u.regions[--self->u.desc.num_regions];
	memset(cs, 0, sizeof(*cs));
	ASSERT_EQ(0, kvpci_pci_config_init(cs, &self->u.desc,
					   self->u.regions, CLASS, 1));
	EXPECT_EQ(-EINVAL, kvpci_pci_config_add_vendor(cs, data, 0));
	EXPECT_EQ(-EINVAL, kvpci_pci_config_add_vendor(cs, data, 6));
	EXPECT_EQ(-EINVAL, kvpci_pci_config_add_vendor(cs, virtio, 4));
	EXPECT_EQ(-EINVAL, kvpci_pci_config_add_vendor(cs, large,
						       sizeof(large)));
	EXPECT_EQ(-ENOSPC, kvpci_pci_config_add_vendor(cs, large,
						       KVPCI_MAX_VENDOR_DATA));
	ASSERT_EQ(0, kvpci_pci_config_add_vendor(cs, data, 4));
	while ((at = next_cap(cs, PCI_CAP_ID_VNDR, at)))
		last = at;
	EXPECT_EQ(8, rd(cs, last + 2, 1));	/* cap_len */
	EXPECT_EQ(9, rd(cs, last + 3, 1));	/* cfg_type */
	EXPECT_EQ(0x02011234, rd(cs, last + 4, 4));
	EXPECT_EQ(0, wr(cs, last + 4, 4, ~0U));
	EXPECT_EQ(0x02011234, rd(cs, last + 4, 4));
	EXPECT_FALSE(kvpci_pci_config_window_hit(cs, last + 4, 4));
	kvpci_pci_config_reset(cs);
	EXPECT_EQ(0x02011234, rd(cs, last + 4, 4));
}

/* R35 */
TEST_F(pci_config, msix)
{
	u32 at = next_cap(&self->cs, PCI_CAP_ID_MSIX, 0);

	ASSERT_NE(0, at);
	EXPECT_EQ(UNIT_VECTORS - 1, rd(&self->cs, at + PCI_MSIX_FLAGS, 2));
	EXPECT_EQ(0 | UNIT_BAR_MSIX, rd(&self->cs, at + PCI_MSIX_TABLE, 4));
	EXPECT_EQ(0x8000 | UNIT_BAR_MSIX, rd(&self->cs, at + PCI_MSIX_PBA, 4));
	/* only enable and function mask can be written */
	wr(&self->cs, at + PCI_MSIX_FLAGS, 2, 0xffff);
	EXPECT_EQ(0xc000 | (UNIT_VECTORS - 1),
		  rd(&self->cs, at + PCI_MSIX_FLAGS, 2));
	wr(&self->cs, at + PCI_MSIX_TABLE, 4, ~0U);
	EXPECT_EQ(UNIT_BAR_MSIX, rd(&self->cs, at + PCI_MSIX_TABLE, 4));
}

TEST_F(pci_config, without_msix)
{
	struct kvpci_pci_config cs = { 0 };

	self->u.desc.num_vectors = 0;
	unit_drop_region(&self->u, KVPCI_REGION_MSIX_TABLE);
	unit_drop_region(&self->u, KVPCI_REGION_MSIX_PBA);
	ASSERT_EQ(0, kvpci_pci_config_init(&cs, &self->u.desc,
					   self->u.regions, CLASS, 1));
	EXPECT_EQ(0, next_cap(&cs, PCI_CAP_ID_MSIX, 0));
	EXPECT_EQ(0, kvpci_pci_config_irq_flags(&cs));
}

TEST_F(pci_config, irq_flags)
{
	u32 msix = next_cap(&self->cs, PCI_CAP_ID_MSIX, 0);
	struct kvpci_pci_config *cs = &self->cs;

	EXPECT_EQ(0, kvpci_pci_config_irq_flags(cs));
	EXPECT_TRUE(wr(cs, PCI_COMMAND, 2, PCI_COMMAND_MASTER) &
		    KVPCI_PCI_CONFIG_IRQ);
	EXPECT_EQ(KVPCI_IRQ_MASTER, kvpci_pci_config_irq_flags(cs));
	EXPECT_TRUE(wr(cs, msix + 3, 1, 0x80) & KVPCI_PCI_CONFIG_IRQ);
	EXPECT_EQ(KVPCI_IRQ_MASTER | KVPCI_IRQ_MSIX_ENABLE,
		  kvpci_pci_config_irq_flags(cs));
	EXPECT_TRUE(wr(cs, msix, 4, 0xc0000000) & KVPCI_PCI_CONFIG_IRQ);
	EXPECT_EQ(KVPCI_IRQ_MASTER | KVPCI_IRQ_MSIX_ENABLE |
		  KVPCI_IRQ_MSIX_MASKALL, kvpci_pci_config_irq_flags(cs));
	EXPECT_TRUE(wr(cs, PCI_COMMAND, 4, PCI_COMMAND_INTX_DISABLE) &
		    KVPCI_PCI_CONFIG_IRQ);
	EXPECT_TRUE(wr(cs, msix + 2, 2, 0) & KVPCI_PCI_CONFIG_IRQ);
	EXPECT_EQ(KVPCI_IRQ_INTX_DISABLE, kvpci_pci_config_irq_flags(cs));
	/* writes elsewhere are no news */
	EXPECT_EQ(0, wr(cs, PCI_INTERRUPT_LINE, 1, 11) & KVPCI_PCI_CONFIG_IRQ);
	EXPECT_EQ(11, rd(cs, PCI_INTERRUPT_LINE, 1));
}

/* R26 */
TEST_F(pci_config, status_interrupt)
{
	struct kvpci_pci_config *cs = &self->cs;

	kvpci_pci_config_set_intx(cs, true);
	EXPECT_EQ(PCI_STATUS_CAP_LIST | PCI_STATUS_INTERRUPT,
		  rd(cs, PCI_STATUS, 2));
	wr(cs, PCI_STATUS, 2, 0xffff);
	EXPECT_EQ(PCI_STATUS_CAP_LIST | PCI_STATUS_INTERRUPT,
		  rd(cs, PCI_STATUS, 2));
	kvpci_pci_config_set_intx(cs, false);
	EXPECT_EQ(PCI_STATUS_CAP_LIST, rd(cs, PCI_STATUS, 2));
}

/* PCI 6.2.5.1: write all ones, read the size. */
TEST_F(pci_config, bar_sizing)
{
	static const u32 expect[KVPCI_NUM_BARS] = {
		~127U | 1, ~0x3fffU, ~0xffffU | 4, ~0U, 0, 0,
	};
	static const u32 low[KVPCI_NUM_BARS] = { 1, 0, 4, 0, 0, 0 };
	struct kvpci_pci_config *cs = &self->cs;
	u64 addr[KVPCI_NUM_BARS];

	wr(cs, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	for (int i = 0; i < KVPCI_NUM_BARS; i++) {
		EXPECT_EQ(low[i], rd(cs, BAR(i), 4));
		wr(cs, BAR(i), 4, ~0U);
		EXPECT_EQ(expect[i], rd(cs, BAR(i), 4)) TH_LOG("BAR %d", i);
		/* a BAR being sized answers nowhere */
		EXPECT_EQ(0, kvpci_pci_config_decode(cs, addr))
			TH_LOG("BAR %d", i);
		wr(cs, BAR(i), 4, 0);
		EXPECT_EQ(low[i], rd(cs, BAR(i), 4));
		EXPECT_EQ(0, kvpci_pci_config_decode(cs, addr));
	}
	/* both halves of the 64-bit one */
	wr(cs, BAR(2), 4, ~0U);
	wr(cs, BAR(3), 4, ~0U);
	EXPECT_EQ(0, kvpci_pci_config_decode(cs, addr));
}

TEST_F(pci_config, decode)
{
	struct kvpci_pci_config *cs = &self->cs;
	u64 addr[KVPCI_NUM_BARS];
	u32 change;

	EXPECT_TRUE(wr(cs, BAR(0), 4, 0xc07f) & KVPCI_PCI_CONFIG_DECODE);
	wr(cs, BAR(1), 4, 0xe0003fff);
	wr(cs, BAR(2), 4, 0x10000000);
	wr(cs, BAR(3), 4, 0x8);
	EXPECT_EQ(0, kvpci_pci_config_decode(cs, addr));
	for (int i = 0; i < KVPCI_NUM_BARS; i++)
		EXPECT_EQ(0, addr[i]);

	change = wr(cs, PCI_COMMAND, 2, PCI_COMMAND_IO);
	EXPECT_TRUE(change & KVPCI_PCI_CONFIG_DECODE);
	EXPECT_EQ(BIT(0), kvpci_pci_config_decode(cs, addr));
	EXPECT_EQ(0xc000, addr[0]);
	EXPECT_EQ(0, addr[1]);

	wr(cs, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	EXPECT_EQ(BIT(1) | BIT(2), kvpci_pci_config_decode(cs, addr));
	EXPECT_EQ(0, addr[0]);
	EXPECT_EQ(0xe0000000, addr[1]);
	EXPECT_EQ(0x810000000ULL, addr[2]);
	EXPECT_EQ(0, addr[3]);

	/* moved while it decodes, by bytes as well */
	EXPECT_TRUE(wr(cs, BAR(1) + 3, 1, 0xd0) & KVPCI_PCI_CONFIG_DECODE);
	EXPECT_EQ(BIT(1) | BIT(2), kvpci_pci_config_decode(cs, addr));
	EXPECT_EQ(0xd0000000, addr[1]);
	/* only the half that is 0 does not make an address 0 */
	wr(cs, BAR(2), 4, 0);
	EXPECT_EQ(BIT(1) | BIT(2), kvpci_pci_config_decode(cs, addr));
	EXPECT_EQ(0x800000000ULL, addr[2]);
}

/* Places that cannot be meant. */
TEST_F(pci_config, decode_refused)
{
	static const struct {
		int bar;
		u32 low, high;
		bool answers;
	} rows[] = {
		{ 0, 0xff00, 0, true }, { 0, 0xff80, 0, false },
		{ 0, 0x10000, 0, false }, { 0, 0xffffff80, 0, false },
		{ 0, 0, 0, false },
		{ 1, 0xffff8000, 0, true }, { 1, 0xffffc000, 0, false },
		{ 1, 0, 0, false }, { 1, 0x4000, 0, true },
		{ 2, 0, 0, false }, { 2, 0, 1, true },
		{ 2, 0xffff0000, 0xffffffff, false },
		{ 2, 0, 0xffffffff, false }, { 2, 0, 0x80000000, false },
		{ 2, 0, 0x00100000, false },	/* beyond 52 bits */
	};
	struct kvpci_pci_config *cs = &self->cs;
	u64 addr[KVPCI_NUM_BARS];

	wr(cs, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (int b = 0; b < KVPCI_NUM_BARS; b++)
			wr(cs, BAR(b), 4, 0);
		wr(cs, BAR(rows[i].bar), 4, rows[i].low);
		if (rows[i].bar == 2)
			wr(cs, BAR(3), 4, rows[i].high);
		EXPECT_EQ(rows[i].answers ? BIT(rows[i].bar) : 0,
			  kvpci_pci_config_decode(cs, addr))
			TH_LOG("BAR %d at %#x:%08x", rows[i].bar,
			       rows[i].high, rows[i].low);
	}
}

/* In D3hot a function answers configuration accesses only. */
TEST_F(pci_config, power_state)
{
	u32 pm = next_cap(&self->cs, PCI_CAP_ID_PM, 0);
	struct kvpci_pci_config *cs = &self->cs;
	u64 addr[KVPCI_NUM_BARS];

	if (!pm)
		SKIP(return, "no power management capability");
	wr(cs, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	wr(cs, BAR(1), 4, 0xe0000000);
	ASSERT_EQ(BIT(1), kvpci_pci_config_decode(cs, addr));
	EXPECT_TRUE(wr(cs, pm + PCI_PM_CTRL, 2, 3) & KVPCI_PCI_CONFIG_DECODE);
	EXPECT_EQ(0, kvpci_pci_config_decode(cs, addr));
	EXPECT_TRUE(wr(cs, pm + PCI_PM_CTRL, 2, 0) & KVPCI_PCI_CONFIG_DECODE);
	EXPECT_EQ(BIT(1), kvpci_pci_config_decode(cs, addr));
	EXPECT_EQ(0xe0000000, addr[1]);
}

TEST_F(pci_config, command)
{
	struct kvpci_pci_config *cs = &self->cs;

	wr(cs, PCI_COMMAND, 2, 0xffff);
	EXPECT_EQ(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
		  PCI_COMMAND_INTX_DISABLE,
		  rd(cs, PCI_COMMAND, 2) &
		  ~(PCI_COMMAND_PARITY | PCI_COMMAND_SERR));
	wr(cs, PCI_COMMAND, 1, 0);
	EXPECT_EQ(0, rd(cs, PCI_COMMAND, 1));
	EXPECT_NE(0, rd(cs, PCI_COMMAND + 1, 1));
}

/* PCI Express 6.6.2 */
TEST_F(pci_config, function_level_reset)
{
	u32 exp = next_cap(&self->cs, PCI_CAP_ID_EXP, 0);
	struct kvpci_pci_config *cs = &self->cs;
	u32 ctl = exp + PCI_EXP_DEVCTL;

	ASSERT_NE(0, exp);
	EXPECT_TRUE(rd(cs, exp + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR);
	/* an endpoint integrated in the root complex, or a plain one */
	EXPECT_TRUE((rd(cs, exp + 2, 2) >> 4 & 15) == PCI_EXP_TYPE_RC_END ||
		    (rd(cs, exp + 2, 2) >> 4 & 15) == PCI_EXP_TYPE_ENDPOINT);
	EXPECT_EQ(0, wr(cs, ctl, 2, 0x7fff) & KVPCI_PCI_CONFIG_FLR);
	EXPECT_TRUE(wr(cs, ctl, 2, 0x8000) & KVPCI_PCI_CONFIG_FLR);
	EXPECT_TRUE(wr(cs, ctl + 1, 1, 0x80) & KVPCI_PCI_CONFIG_FLR);
	EXPECT_TRUE(wr(cs, ctl, 4, 0x8000) & KVPCI_PCI_CONFIG_FLR);
	EXPECT_EQ(0, wr(cs, ctl, 1, 0x80) & KVPCI_PCI_CONFIG_FLR);
	EXPECT_EQ(0, wr(cs, ctl + 2, 2, 0x8000) & KVPCI_PCI_CONFIG_FLR);
	EXPECT_EQ(0, wr(cs, exp + PCI_EXP_DEVCAP, 4, ~0U) & KVPCI_PCI_CONFIG_FLR);
	/* it reads as 0 */
	EXPECT_EQ(0, rd(cs, ctl, 2) & 0x8000);
}

/* R32 to R34 */
TEST_F(pci_config, window)
{
	struct kvpci_pci_config *cs = &self->cs;
	u32 at = virtio_cap(cs, VIRTIO_PCI_CAP_PCI_CFG, 0);
	struct kvpci_window access;

	ASSERT_NE(0, at);
	EXPECT_EQ(20, rd(cs, at + 2, 1));
	EXPECT_FALSE(kvpci_pci_config_window(cs, &access));
	EXPECT_EQ(0, wr(cs, at + 4, 1, UNIT_BAR_MEM) & KVPCI_PCI_CONFIG_WINDOW);
	EXPECT_EQ(0, wr(cs, at + 8, 4, 0x14) & KVPCI_PCI_CONFIG_WINDOW);
	EXPECT_EQ(0, wr(cs, at + 12, 4, 1) & KVPCI_PCI_CONFIG_WINDOW);
	EXPECT_EQ(UNIT_BAR_MEM, rd(cs, at + 4, 1));
	EXPECT_EQ(0x14, rd(cs, at + 8, 4));
	EXPECT_EQ(1, rd(cs, at + 12, 4));
	EXPECT_EQ(KVPCI_PCI_CONFIG_WINDOW, wr(cs, at + 16, 4, 0xaabbccdd));
	ASSERT_TRUE(kvpci_pci_config_window(cs, &access));
	EXPECT_EQ(UNIT_BAR_MEM, access.bar);
	EXPECT_EQ(0x14, access.offset);
	EXPECT_EQ(1, access.length);
	EXPECT_EQ(0xdd, access.value & 0xff);
	/* writing one byte of the data is enough */
	EXPECT_EQ(KVPCI_PCI_CONFIG_WINDOW, wr(cs, at + 16, 1, 0x42));
	ASSERT_TRUE(kvpci_pci_config_window(cs, &access));
	EXPECT_EQ(0x42, access.value & 0xff);

	for (u32 byte = 0; byte < 24; byte++)
		EXPECT_EQ(byte >= 16 && byte < 20,
			  kvpci_pci_config_window_hit(cs, at + byte, 1));
	EXPECT_TRUE(kvpci_pci_config_window_hit(cs, at + 16, 4));
	EXPECT_FALSE(kvpci_pci_config_window_hit(cs, at + 12, 4));
	EXPECT_FALSE(kvpci_pci_config_window_hit(cs, PCI_VENDOR_ID, 4));

	kvpci_pci_config_set_window(cs, 0x11223344);
	EXPECT_EQ(0x11223344, rd(cs, at + 16, 4));
	EXPECT_EQ(0x33, rd(cs, at + 17, 1));
	/* the head of the capability is read-only */
	wr(cs, at, 4, 0);
	EXPECT_EQ(at, virtio_cap(cs, VIRTIO_PCI_CAP_PCI_CFG, 0));
}

TEST_F(pci_config, window_refused)
{
	static const struct {
		u32 bar, offset, length;
		bool valid;
	} rows[] = {
		{ UNIT_BAR_MEM, 0, 4, true }, { UNIT_BAR_IO, 124, 4, true },
		{ UNIT_BAR_IO, 127, 1, true },
		{ UNIT_BAR_MEM, 0, 0, false }, { UNIT_BAR_MEM, 0, 3, false },
		{ UNIT_BAR_MEM, 0, 8, false }, { UNIT_BAR_MEM, 0, ~0U, false },
		{ UNIT_BAR_MEM, 1, 4, false }, { UNIT_BAR_MEM, 2, 4, false },
		{ UNIT_BAR_MEM, 1, 2, false },
		{ UNIT_BAR_IO, 128, 1, false }, { UNIT_BAR_IO, 128, 4, false },
		{ UNIT_BAR_MEM, 0xfffffffc, 4, false },
		{ UNIT_BAR_MEM, 0x4000, 4, false },
		{ 3, 0, 4, false }, { 4, 0, 4, false },
		{ 6, 0, 4, false }, { 255, 0, 4, false },
	};
	struct kvpci_pci_config *cs = &self->cs;
	u32 at = virtio_cap(cs, VIRTIO_PCI_CAP_PCI_CFG, 0);
	struct kvpci_window access;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		wr(cs, at + 4, 1, rows[i].bar);
		wr(cs, at + 8, 4, rows[i].offset);
		wr(cs, at + 12, 4, rows[i].length);
		EXPECT_EQ(rows[i].valid, kvpci_pci_config_window(cs, &access))
			TH_LOG("BAR %u offset %#x length %u", rows[i].bar,
			       rows[i].offset, rows[i].length);
	}
}

/* PCI Power Management 5.4.1: in D3hot it answers nowhere and sends nothing. */
TEST_F(pci_config, powered_down)
{
	struct kvpci_pci_config *cs = &self->cs;
	u32 msix = next_cap(cs, PCI_CAP_ID_MSIX, 0);
	u32 control = next_cap(cs, PCI_CAP_ID_PM, 0) + PCI_PM_CTRL;
	const u32 on = KVPCI_IRQ_MASTER | KVPCI_IRQ_MSIX_ENABLE;
	u64 addr[KVPCI_NUM_BARS];

	wr(cs, BAR(1), 4, 0xe0000000);
	wr(cs, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	wr(cs, msix + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	EXPECT_EQ(on, kvpci_pci_config_irq_flags(cs));
	for (u32 state = 1; state <= 3; state++) {
		EXPECT_EQ(KVPCI_PCI_CONFIG_IRQ | KVPCI_PCI_CONFIG_DECODE,
			  wr(cs, control, 2, state));
		EXPECT_EQ(KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_INTX_DISABLE,
			  kvpci_pci_config_irq_flags(cs));
		EXPECT_EQ(0, kvpci_pci_config_decode(cs, addr));
		/* no change is none */
		EXPECT_EQ(0, wr(cs, control, 2, state));
		EXPECT_EQ(KVPCI_PCI_CONFIG_IRQ | KVPCI_PCI_CONFIG_DECODE,
			  wr(cs, control, 1, 0));
		EXPECT_EQ(on, kvpci_pci_config_irq_flags(cs));
		EXPECT_EQ(BIT(1), kvpci_pci_config_decode(cs, addr));
	}
	/* the registers themselves are kept */
	EXPECT_EQ(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, rd(cs, PCI_COMMAND, 2));
}

/* The window is set up while its length is not 0; asking changes nothing. */
TEST_F(pci_config, arms)
{
	struct kvpci_pci_config *cs = &self->cs;
	u32 length = cs->window + VIRTIO_PCI_CAP_LENGTH;
	const struct {
		u32 at, length, value;
		bool off, on;
	} rows[] = {
		{ length, 4, 0, false, true },
		{ length, 4, 4, true, false },
		{ length, 1, 1, true, false },
		{ length, 1, 0, false, true },
		{ length + 2, 2, 1, true, false },
		{ length + 2, 2, 0, false, false },
		{ length - 2, 4, 0x10000, true, false },
		{ length - 4, 4, ~0U, false, false },
		{ length + 4, 4, ~0U, false, false },
		{ 4095, 1, ~0U, false, false },
		{ cs->exp + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR, false, true },
	};

	for (int on = 0; on < 2; on++) {
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			EXPECT_EQ(on ? rows[i].on : rows[i].off,
				  kvpci_pci_config_arms(cs, rows[i].at,
							rows[i].length,
							  rows[i].value))
				TH_LOG("row %zu, set up %d", i, on);
		}
		EXPECT_EQ(on ? 2 : 0, rd(cs, length, 4));
		wr(cs, length, 4, 2);
	}
}

/* After a function level reset the space is as it was made. */
TEST_F(pci_config, reset)
{
	struct kvpci_pci_config *cs = &self->cs;
	struct kvpci_pci_config *fresh = malloc(sizeof(*fresh));

	ASSERT_NE(NULL, fresh);
	memcpy(fresh, cs, sizeof(*fresh));
	for (u32 at = 0; at < KVPCI_PCI_CONFIG_SIZE; at += 4)
		wr(cs, at, 4, ~0U);
	EXPECT_NE(0, memcmp(fresh, cs, sizeof(*fresh)));
	kvpci_pci_config_reset(cs);
	EXPECT_EQ(0, memcmp(fresh, cs, sizeof(*fresh)));
	free(fresh);
}

/* Accesses at and across the end of the space are harmless. */
TEST_F(pci_config, ends)
{
	static const u32 offsets[] = { 4093, 4095, 4096, 5000, ~0U, ~0U - 3 };
	struct kvpci_pci_config *cs = &self->cs;

	EXPECT_EQ(0, rd(cs, 4092, 4));
	EXPECT_EQ(0, wr(cs, 4092, 4, ~0U));
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		EXPECT_EQ(0, rd(cs, offsets[i], 4));
		EXPECT_EQ(0, wr(cs, offsets[i], 4, ~0U));
	}
}

TEST_HARNESS_MAIN
