// SPDX-License-Identifier: GPL-2.0-only
/* The guest's steps in PCI configuration space, the access window included. */
#include "fuzz.h"

static void check_decode(struct fuzz *f)
{
	static const u64 tops[] = { 0, 1ULL << 16, 1ULL << 32, 1ULL << 52 };
	u64 addr[KVPCI_NUM_BARS];
	u32 mapped = kvpci_pci_config_decode(&f->cs, addr);

	for (u32 i = 0; i < KVPCI_NUM_BARS; i++) {
		const struct kvpci_bar *bar = &f->cs.bars[i];

		if (!(mapped >> i & 1)) {
			REQUIRE(!addr[i]);
			continue;
		}
		REQUIRE(bar->kind != KVPCI_BAR_NONE);
		REQUIRE(addr[i] && addr[i] % bar->size == 0);
		REQUIRE(addr[i] + bar->size <= tops[bar->kind]);
		reach(f, FUZZ_DECODE);
	}
}

/* What no write may change has not changed. */
static void check_fixed(struct fuzz *f)
{
	for (u32 i = 0; i < KVPCI_PCI_CONFIG_SIZE; i++) {
		u8 diff = f->cs.value[i] ^ f->fixed[i];

		if (i == PCI_STATUS)
			diff &= ~PCI_STATUS_INTERRUPT;
		REQUIRE(!(diff & ~f->cs.wmask[i]));
	}
}

enum direction { READ, WRITE };

static void window_access(struct fuzz *f, enum direction direction)
{
	struct kvpci_window w;

	if (!kvpci_pci_config_window(&f->cs, &w))
		return;
	REQUIRE(w.bar < KVPCI_NUM_BARS);
	REQUIRE(w.length == 1 || w.length == 2 || w.length == 4);
	REQUIRE((u64)w.offset + w.length <= f->cs.bars[w.bar].size);
	REQUIRE(w.offset % w.length == 0);
	/* the generation register has a model of its own */
	if (w.bar <= UNIT_BAR_MEM && w.offset == CC_GENERATION)
		return;
	guest_access(f, w.bar, w.offset, w.length, direction == WRITE,
		     w.value);
	reach(f, FUZZ_WINDOW);
}

static void function_reset(struct fuzz *f)
{
	u64 addr[KVPCI_NUM_BARS];

	kvpci_pci_config_reset(&f->cs);
	watch(f, kvpci_core_msix_reset(&f->u.core));
	watch(f, kvpci_status_write(&f->u.core, 0));
	REQUIRE(!kvpci_pci_config_decode(&f->cs, addr));
	REQUIRE(!kvpci_pci_config_irq_flags(&f->cs));
	REQUIRE(!kvpci_core_intx(&f->u.core));
	REQUIRE(!memcmp(f->cs.value, f->fixed, sizeof(f->fixed)));
	reach(f, FUZZ_FLR);
}

/* What is asked before a write to be known after it. */
struct forecast {
	bool moves, arms;
	bool armed;
	u32 mapped, mapped_after, flags;
	u64 addr[KVPCI_NUM_BARS], addr_after[KVPCI_NUM_BARS];
};

static bool window_is_armed(struct fuzz *f)
{
	return kvpci_pci_config_read(&f->cs, f->cs.window + VIRTIO_PCI_CAP_LENGTH, 4);
}

static void ask(struct fuzz *f, u32 at, unsigned int length, u32 value,
		struct forecast *cast)
{
	static struct kvpci_pci_config before;

	before = f->cs;
	cast->mapped = kvpci_pci_config_decode(&f->cs, cast->addr);
	cast->moves = kvpci_pci_config_moves(&f->cs, at, length, value,
					     cast->mapped, cast->addr);
	cast->arms = kvpci_pci_config_arms(&f->cs, at, length, value);
	cast->mapped_after = kvpci_pci_config_decode_after(&f->cs, at, length,
							   value, cast->addr_after);
	cast->flags = kvpci_pci_config_irq_flags(&f->cs);
	cast->armed = window_is_armed(f);
	REQUIRE(!memcmp(&before, &f->cs, sizeof(before)));
}

static void check_forecast(struct fuzz *f, const struct forecast *cast, u32 change)
{
	u64 addr[KVPCI_NUM_BARS];
	u32 mapped = kvpci_pci_config_decode(&f->cs, addr);
	u32 flags = kvpci_pci_config_irq_flags(&f->cs);
	bool changed = mapped != cast->mapped ||
		       memcmp(addr, cast->addr, sizeof(addr));
	bool moves = false;

	for (u32 i = 0; i < KVPCI_NUM_BARS; i++)
		if (mapped & BIT(i) && addr[i] != cast->addr[i])
			moves = true;
	REQUIRE(mapped == cast->mapped_after);
	REQUIRE(!memcmp(addr, cast->addr_after, sizeof(addr)));
	REQUIRE(cast->moves == moves);
	REQUIRE(!changed || change & (KVPCI_PCI_CONFIG_DECODE |
				      KVPCI_PCI_CONFIG_FLR));
	REQUIRE(cast->arms == (cast->armed != window_is_armed(f)));
	REQUIRE(flags == cast->flags ||
		change & (KVPCI_PCI_CONFIG_IRQ | KVPCI_PCI_CONFIG_FLR));
	if (kvpci_pci_config_read(&f->cs, f->cs.pm + PCI_PM_CTRL, 2) &
	    PCI_PM_CTRL_STATE_MASK) {
		REQUIRE(!mapped);
		REQUIRE((flags & (KVPCI_IRQ_MASTER | KVPCI_IRQ_INTX_DISABLE)) ==
			KVPCI_IRQ_INTX_DISABLE);
		reach(f, FUZZ_D3HOT);
	}
}

static void pci_config_write(struct fuzz *f, u32 at, unsigned int length,
			     u32 value)
{
	struct forecast cast;
	u32 change;

	ask(f, at, length, value, &cast);
	change = kvpci_pci_config_write(&f->cs, at, length, value);
	if (change & KVPCI_PCI_CONFIG_FLR)
		function_reset(f);
	check_forecast(f, &cast, change);
	if (change & KVPCI_PCI_CONFIG_WINDOW)
		window_access(f, WRITE);
	if (change & KVPCI_PCI_CONFIG_DECODE)
		check_decode(f);
	if (change & KVPCI_PCI_CONFIG_IRQ)
		watch(f, kvpci_core_set_irq_flags(&f->u.core,
						  kvpci_pci_config_irq_flags(&f->cs)));
	if (f->steps % 32 == 0)
		check_fixed(f);
}

void config_space(struct fuzz *f)
{
	const u32 anchors[] = {
		0, PCI_COMMAND, PCI_BASE_ADDRESS_0, PCI_BASE_ADDRESS_2,
		f->cs.pm + PCI_PM_CTRL, f->cs.msix, f->cs.exp + 8,
		f->cs.window, f->cs.window + 12, 0xfc0, 0xfffffff0,
	};
	u32 at = anchors[take(f, 1) % ARRAY_SIZE(anchors)] + take(f, 1) % 64 / 3;
	u8 how = take(f, 1);
	unsigned int length = 1U << (how >> 1) % 3;
	u32 value = take_value(f);

	if (how & 1) {
		pci_config_write(f, at, length, value);
		return;
	}
	value = kvpci_pci_config_read(&f->cs, at, length);
	REQUIRE(length == 4 || !(value >> (8 * length)));
	if (kvpci_pci_config_window_hit(&f->cs, at, length))
		window_access(f, READ);
}

/* An access through the window, set up as a driver does. */
void guest_window(struct fuzz *f)
{
	static const u32 offsets[] = { CC_STATUS, CC_QUEUE_SELECT, 0x40, 0x44,
		CC_QUEUE_ENABLE, 0x100, 0x200, 0x1000, 0x1004, 0x8000 };
	u8 how = take(f, 1);
	u32 cap = f->cs.window;

	kvpci_pci_config_write(&f->cs, cap + 4, 1, how % 4);
	kvpci_pci_config_write(&f->cs, cap + 8, 4,
			       offsets[take(f, 1) % ARRAY_SIZE(offsets)]);
	kvpci_pci_config_write(&f->cs, cap + 12, 4, 1U << (how >> 2) % 3);
	kvpci_pci_config_write(&f->cs, cap + 16, 4, take_value(f));
	window_access(f, how & 0x80 ? WRITE : READ);
}
