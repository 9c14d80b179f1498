// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI configuration space as bytes with masks: what may be written to each
 * bit is decided once, when the space is built; a write has no cases left but
 * its side effects.
 */
#include "pci_config.h"

#define CAPS_FIRST	PCI_STD_HEADER_SIZEOF
#define CAPS_END	256

#define VIRTIO_VENDOR	0x1af4
#define VIRTIO_DEVICE	0x1040	/* + virtio device type, 4.1.2.1 */
#define VIRTIO_SUBSYS	0x0040	/* + virtio device type, 4.1.2.1 */
#define VIRTIO_REVISION	1

/* Version 1 of the PCI Express capability of an integrated endpoint */
#define EXP_SIZE	12

/* Offset of vendor_id in a vendor data capability */
#define VENDOR_DATA	4

/* Offset of the data field in the PCI configuration access capability */
#define WINDOW_DATA	offsetof(struct virtio_pci_cfg_cap, pci_cfg_data)

static u32 get(const u8 *bytes, u32 offset, unsigned int length)
{
	u32 value = 0;

	while (length--)
		value = value << 8 | bytes[offset + length];
	return value;
}

typedef u16 __aligned(1) any_u16;
typedef u32 __aligned(1) any_u32;
typedef u64 __aligned(1) any_u64;

/* In one store, where it can be: the guest may be looking at the bytes. */
static void put(u8 *bytes, u32 offset, unsigned int length, u32 value)
{
	switch (length) {
	case 2:
		WRITE_ONCE(*(any_u16 *)(bytes + offset), value);
		break;
	case 4:
		WRITE_ONCE(*(any_u32 *)(bytes + offset), value);
		break;
	default:
		for (; length--; value >>= 8)
			WRITE_ONCE(bytes[offset++], value);
		break;
	}
}

static void init_header(struct kvpci_pci_config *cs, u32 virtio_id,
			u32 class, u8 intx_pin)
{
	put(cs->value, PCI_VENDOR_ID, 2, VIRTIO_VENDOR);
	put(cs->value, PCI_DEVICE_ID, 2, VIRTIO_DEVICE + virtio_id);
	put(cs->value, PCI_REVISION_ID, 1, VIRTIO_REVISION);
	put(cs->value, PCI_CLASS_REVISION + 1, 3, class);
	put(cs->value, PCI_SUBSYSTEM_VENDOR_ID, 2, VIRTIO_VENDOR);
	put(cs->value, PCI_SUBSYSTEM_ID, 2, VIRTIO_SUBSYS + virtio_id);
	put(cs->value, PCI_INTERRUPT_PIN, 1, intx_pin);
	put(cs->value, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);

	put(cs->wmask, PCI_COMMAND, 2,
	    PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
	    PCI_COMMAND_PARITY | PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE);
	put(cs->wmask, PCI_CACHE_LINE_SIZE, 1, 0xff);
	put(cs->wmask, PCI_INTERRUPT_LINE, 1, 0xff);
}

static void init_bars(struct kvpci_pci_config *cs)
{
	static const u8 low_bits[] = {
		[KVPCI_BAR_IO] = PCI_BASE_ADDRESS_SPACE_IO,
		[KVPCI_BAR_MEM32] = PCI_BASE_ADDRESS_MEM_TYPE_32,
		[KVPCI_BAR_MEM64] = PCI_BASE_ADDRESS_MEM_TYPE_64,
	};
	unsigned int i;

	for (i = 0; i < KVPCI_NUM_BARS; i++) {
		const struct kvpci_bar *bar = &cs->bars[i];
		u32 reg = PCI_BASE_ADDRESS_0 + i * 4;

		if (bar->kind == KVPCI_BAR_NONE)
			continue;
		put(cs->value, reg, 4, low_bits[bar->kind]);
		put(cs->wmask, reg, 4, ~(bar->size - 1));
		if (bar->kind == KVPCI_BAR_MEM64)
			put(cs->wmask, reg + 4, 4, ~0U);
	}
}

/* Where the next capability goes, and the byte that points to it. */
struct cap_cursor {
	u32 next;
	u32 link;
};

/* Return: the capability's offset, or 0 if it does not fit. */
static u32 add_cap(struct kvpci_pci_config *cs, struct cap_cursor *at,
		   u8 id, u32 length)
{
	u32 cap = at->next;

	if (length > CAPS_END - cap)
		return 0;
	cs->value[cap + PCI_CAP_LIST_ID] = id;
	cs->value[at->link] = cap;
	at->link = cap + PCI_CAP_LIST_NEXT;
	at->next = (cap + length + 3) & ~3U;
	return cap;
}

static bool add_pm(struct kvpci_pci_config *cs, struct cap_cursor *at)
{
	u32 cap = add_cap(cs, at, PCI_CAP_ID_PM, PCI_PM_SIZEOF);

	if (!cap)
		return false;
	cs->pm = cap;
	put(cs->value, cap + PCI_PM_PMC, 2, 3);	/* version 1.2 */
	put(cs->value, cap + PCI_PM_CTRL, 2, PCI_PM_CTRL_NO_SOFT_RESET);
	put(cs->wmask, cap + PCI_PM_CTRL, 2, PCI_PM_CTRL_STATE_MASK);
	return true;
}

static bool add_exp(struct kvpci_pci_config *cs, struct cap_cursor *at)
{
	u32 cap = add_cap(cs, at, PCI_CAP_ID_EXP, EXP_SIZE);

	if (!cap)
		return false;
	cs->exp = cap;
	put(cs->value, cap + PCI_EXP_FLAGS, 2, 1 | PCI_EXP_TYPE_RC_END << 4);
	put(cs->value, cap + PCI_EXP_DEVCAP, 4,
	    PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR);
	/* No requests of its own: relaxed ordering and read size stay 0. */
	put(cs->wmask, cap + PCI_EXP_DEVCTL, 2,
	    PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE |
	    PCI_EXP_DEVCTL_URRE | PCI_EXP_DEVCTL_PAYLOAD);
	return true;
}

static bool add_msix(struct kvpci_pci_config *cs, struct cap_cursor *at,
		     u32 num_vectors, const struct kvpci_region *table,
		     const struct kvpci_region *pba)
{
	u32 cap = add_cap(cs, at, PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF);

	if (!cap)
		return false;
	cs->msix = cap;
	put(cs->value, cap + PCI_MSIX_FLAGS, 2, num_vectors - 1);
	put(cs->wmask, cap + PCI_MSIX_FLAGS, 2,
	    PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	put(cs->value, cap + PCI_MSIX_TABLE, 4, table->offset | table->bar);
	put(cs->value, cap + PCI_MSIX_PBA, 4, pba->offset | pba->bar);
	return true;
}

/* 4.1.4: struct virtio_pci_cap, with what some types append. */
static u32 add_virtio(struct kvpci_pci_config *cs, struct cap_cursor *at,
		      u8 cfg_type, u8 length, const struct kvpci_region *region)
{
	u32 cap = add_cap(cs, at, PCI_CAP_ID_VNDR, length);

	if (!cap)
		return 0;
	put(cs->value, cap + VIRTIO_PCI_CAP_LEN, 1, length);
	put(cs->value, cap + VIRTIO_PCI_CAP_CFG_TYPE, 1, cfg_type);
	if (region) {
		put(cs->value, cap + VIRTIO_PCI_CAP_BAR, 1, region->bar);
		put(cs->value, cap + VIRTIO_PCI_CAP_OFFSET, 4, region->offset);
		put(cs->value, cap + VIRTIO_PCI_CAP_LENGTH, 4, region->length);
	}
	return cap;
}

static bool add_region(struct kvpci_pci_config *cs, struct cap_cursor *at,
		       const struct kvpci_region *region)
{
	static const struct {
		u8 cfg_type;
		u8 length;
	} caps[] = {
		[KVPCI_REGION_COMMON] = { VIRTIO_PCI_CAP_COMMON_CFG, 16 },
		[KVPCI_REGION_NOTIFY] = { VIRTIO_PCI_CAP_NOTIFY_CFG, 20 },
		[KVPCI_REGION_ISR] = { VIRTIO_PCI_CAP_ISR_CFG, 16 },
		[KVPCI_REGION_DEVICE] = { VIRTIO_PCI_CAP_DEVICE_CFG, 16 },
		[KVPCI_REGION_SHM] = { VIRTIO_PCI_CAP_SHARED_MEMORY_CFG, 24 },
	};
	u32 cap;

	if (!caps[region->type].length)
		return true;	/* MSI-X has a capability of its own */
	cap = add_virtio(cs, at, caps[region->type].cfg_type,
			 caps[region->type].length, region);
	if (cap && region->type == KVPCI_REGION_NOTIFY)
		put(cs->value, cap + VIRTIO_PCI_NOTIFY_CAP_MULT, 4,
		    region->multiplier);
	/* The upper halves that struct virtio_pci_cap64 appends stay 0. */
	if (cap && region->type == KVPCI_REGION_SHM)
		put(cs->value, cap + offsetof(struct virtio_pci_cap, id), 1,
		    region->id);
	return cap;
}

static bool add_window(struct kvpci_pci_config *cs, struct cap_cursor *at)
{
	u32 cap = add_virtio(cs, at, VIRTIO_PCI_CAP_PCI_CFG,
			     sizeof(struct virtio_pci_cfg_cap), NULL);

	if (!cap)
		return false;
	cs->window = cap;
	put(cs->wmask, cap + VIRTIO_PCI_CAP_BAR, 1, 0xff);
	put(cs->wmask, cap + VIRTIO_PCI_CAP_OFFSET, 4, ~0U);
	put(cs->wmask, cap + VIRTIO_PCI_CAP_LENGTH, 4, ~0U);
	put(cs->wmask, cap + WINDOW_DATA, 4, ~0U);
	return true;
}

static const struct kvpci_region *
find_type(const struct kvpci_device_create *desc,
	  const struct kvpci_region *regions, u32 type)
{
	u32 i;

	for (i = 0; i < desc->num_regions; i++)
		if (regions[i].type == type)
			return &regions[i];
	return NULL;
}

int kvpci_pci_config_init(struct kvpci_pci_config *cs,
			  const struct kvpci_device_create *desc,
			    const struct kvpci_region *regions, u32 class,
			    u8 intx_pin)
{
	struct cap_cursor at = {
		.next = CAPS_FIRST,
		.link = PCI_CAPABILITY_LIST,
	};
	bool ok;
	u32 i;

	memcpy(cs->bars, desc->bars, sizeof(cs->bars));
	init_header(cs, desc->virtio_id, class, intx_pin);
	init_bars(cs);

	ok = add_pm(cs, &at) && add_exp(cs, &at);
	if (desc->num_vectors)
		ok = ok && add_msix(cs, &at, desc->num_vectors,
				    find_type(desc, regions,
					      KVPCI_REGION_MSIX_TABLE),
				    find_type(desc, regions,
					      KVPCI_REGION_MSIX_PBA));
	for (i = 0; i < desc->num_regions; i++)
		ok = ok && add_region(cs, &at, &regions[i]);
	ok = ok && add_window(cs, &at);
	cs->caps_link = at.link;
	cs->caps_end = at.next;
	return ok ? 0 : -ENOSPC;
}

void kvpci_pci_config_set_multifunction(struct kvpci_pci_config *cs)
{
	put(cs->value, PCI_HEADER_TYPE, 1, PCI_HEADER_TYPE_MFD);
}

/* R31. No bit of it can be written, and nothing looks at who reads it. */
int kvpci_pci_config_add_vendor(struct kvpci_pci_config *cs, const u8 *data,
				u32 length)
{
	struct cap_cursor at = {
		.next = cs->caps_end,
		.link = cs->caps_link,
	};
	u32 cap;

	if (!length || length % 4 || length > KVPCI_MAX_VENDOR_DATA ||
	    get(data, 0, 2) == VIRTIO_VENDOR)
		return -EINVAL;
	cap = add_virtio(cs, &at, VIRTIO_PCI_CAP_VENDOR_CFG,
			 VENDOR_DATA + length, NULL);
	if (!cap)
		return -ENOSPC;
	memcpy(&cs->value[cap + VENDOR_DATA], data, length);
	cs->caps_link = at.link;
	cs->caps_end = at.next;
	return 0;
}

u32 kvpci_pci_config_read(const struct kvpci_pci_config *cs, u32 offset,
			  unsigned int length)
{
	if (offset > KVPCI_PCI_CONFIG_SIZE - length)
		return 0;
	return get(cs->value, array_index_nospec(offset, KVPCI_PCI_CONFIG_SIZE),
		   length);
}

static bool touches(u32 offset, unsigned int length, u32 reg, u32 size)
{
	return offset < reg + size && reg < offset + length;
}

/* What a write of these bytes changed, seen from the registers it met. */
static u32 changes(const struct kvpci_pci_config *cs, u32 offset,
		   unsigned int length)
{
	u32 change = 0;

	if (touches(offset, length, PCI_COMMAND, 2))
		change |= KVPCI_PCI_CONFIG_DECODE | KVPCI_PCI_CONFIG_IRQ;
	if (touches(offset, length, PCI_BASE_ADDRESS_0, KVPCI_NUM_BARS * 4) ||
	    touches(offset, length, cs->pm + PCI_PM_CTRL, 2))
		change |= KVPCI_PCI_CONFIG_DECODE;
	if (touches(offset, length, cs->pm + PCI_PM_CTRL, 2))
		change |= KVPCI_PCI_CONFIG_IRQ;
	if (cs->msix && touches(offset, length, cs->msix + PCI_MSIX_FLAGS, 2))
		change |= KVPCI_PCI_CONFIG_IRQ;
	return change;
}

/* A bit that reads as 0 and acts when 1 is written */
static bool starts_flr(const struct kvpci_pci_config *cs, u32 offset,
		       unsigned int length, u32 value)
{
	u32 byte = cs->exp + PCI_EXP_DEVCTL + 1;

	return touches(offset, length, byte, 1) &&
	       value >> (byte - offset) * 8 & PCI_EXP_DEVCTL_BCR_FLR >> 8;
}

/*
 * What @sized is after a write. All ones, those that say the kind included, ask for
 * the size. The half of a 64-bit BAR that is left of them may look like an address,
 * and is none.
 */
static u8 sized_after(const struct kvpci_pci_config *cs, u32 offset,
		      unsigned int length, u32 value)
{
	u8 sized = cs->sized;
	unsigned int i;

	for (i = 0; i < KVPCI_NUM_BARS; i++) {
		u32 reg = PCI_BASE_ADDRESS_0 + i * 4;

		if (!touches(offset, length, reg, 4))
			continue;
		if (offset == reg && length == 4 && value == ~0U)
			sized |= BIT(i);
		else
			sized &= ~BIT(i);
	}
	return sized;
}

u32 kvpci_pci_config_write(struct kvpci_pci_config *cs, u32 offset,
			   unsigned int length, u32 value)
{
	u32 change = 0, old, mask;
	u8 sized;

	if (offset > KVPCI_PCI_CONFIG_SIZE - length)
		return 0;
	offset = array_index_nospec(offset, KVPCI_PCI_CONFIG_SIZE);

	if (starts_flr(cs, offset, length, value))
		change |= KVPCI_PCI_CONFIG_FLR;
	if (kvpci_pci_config_window_hit(cs, offset, length))
		change |= KVPCI_PCI_CONFIG_WINDOW;

	sized = sized_after(cs, offset, length, value);
	old = get(cs->value, offset, length);
	mask = get(cs->wmask, offset, length);
	value = (old & ~mask) | (value & mask);
	if (value == old && sized == cs->sized)
		return change;
	cs->sized = sized;
	put(cs->value, offset, length, value);
	return change | changes(cs, offset, length);
}

/* The lower part of the space, with what decides where BARs answer. */
struct trial {
	u8 bytes[CAPS_END];
	u8 sized;
};

/* As a write would leave it, but not its effects. */
static void try_write(const struct kvpci_pci_config *cs, struct trial *trial,
		      u32 offset, unsigned int length, u32 value)
{
	u32 i;

	trial->sized = sized_after(cs, offset, length, value);
	memcpy(trial->bytes, cs->value, CAPS_END);
	for (i = offset; i < offset + length && i < CAPS_END; i++, value >>= 8)
		trial->bytes[i] = (trial->bytes[i] & ~cs->wmask[i]) |
				  (value & cs->wmask[i]);
}

/* Where BAR @i is set to, or false if that is no place to answer at. */
static bool bar_addr(const struct kvpci_pci_config *cs, const u8 *bytes,
		     unsigned int i, u64 *addr)
{
	const struct kvpci_bar *bar = &cs->bars[i];
	u32 reg = PCI_BASE_ADDRESS_0 + i * 4;
	u64 top = 0xffffffff;

	*addr = get(bytes, reg, 4) & ~(bar->size - 1);
	if (bar->kind == KVPCI_BAR_MEM64) {
		*addr |= (u64)get(bytes, reg + 4, 4) << 32;
		top = BIT_ULL(52) - 1;
	} else if (bar->kind == KVPCI_BAR_IO) {
		top = 0xffff;
	}
	/* Not at 0, and not at the very top, where sizing leaves it. */
	return *addr && *addr < top && bar->size - 1 < top - *addr;
}

static bool powered_down(const struct kvpci_pci_config *cs, const u8 *bytes)
{
	return get(bytes, cs->pm + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE_MASK;
}

static u32 decode(const struct kvpci_pci_config *cs, const u8 *bytes, u8 sized,
		  u64 *addr)
{
	u32 command = get(bytes, PCI_COMMAND, 2);
	u32 mapped = 0;
	unsigned int i;

	memset(addr, 0, KVPCI_NUM_BARS * sizeof(*addr));
	if (powered_down(cs, bytes))
		return 0;
	for (i = 0; i < KVPCI_NUM_BARS; i++) {
		u32 enable = cs->bars[i].kind == KVPCI_BAR_IO ?
			     PCI_COMMAND_IO : PCI_COMMAND_MEMORY;

		if (cs->bars[i].kind == KVPCI_BAR_NONE || !(command & enable) ||
		    sized & BIT(i))
			continue;
		if (bar_addr(cs, bytes, i, &addr[i]))
			mapped |= BIT(i);
		else
			addr[i] = 0;
	}
	return mapped;
}

u32 kvpci_pci_config_decode(const struct kvpci_pci_config *cs, u64 *addr)
{
	return decode(cs, cs->value, cs->sized, addr);
}

u32 kvpci_pci_config_decode_after(const struct kvpci_pci_config *cs, u32 offset,
				  unsigned int length, u32 value, u64 *addr)
{
	struct trial trial;

	if (starts_flr(cs, offset, length, value)) {
		memset(addr, 0, KVPCI_NUM_BARS * sizeof(*addr));
		return 0;
	}
	try_write(cs, &trial, offset, length, value);
	return decode(cs, trial.bytes, trial.sized, addr);
}

bool kvpci_pci_config_touches_decode(const struct kvpci_pci_config *cs,
				     u32 offset, unsigned int length, u32 value)
{
	return starts_flr(cs, offset, length, value) ||
	       changes(cs, offset, length) & KVPCI_PCI_CONFIG_DECODE;
}

bool kvpci_pci_config_moves(const struct kvpci_pci_config *cs, u32 offset,
			    unsigned int length, u32 value, u32 placed,
			    const u64 *at)
{
	u64 addr[KVPCI_NUM_BARS];
	unsigned int i;
	u32 answers;

	if (offset > KVPCI_PCI_CONFIG_SIZE - length)
		return false;
	offset = array_index_nospec(offset, KVPCI_PCI_CONFIG_SIZE);
	if (!kvpci_pci_config_touches_decode(cs, offset, length, value))
		return false;
	answers = kvpci_pci_config_decode_after(cs, offset, length, value, addr);
	for (i = 0; i < KVPCI_NUM_BARS; i++)
		if (answers & BIT(i) && !(placed & BIT(i) && at[i] == addr[i]))
			return true;
	return false;
}

bool kvpci_pci_config_arms(const struct kvpci_pci_config *cs, u32 offset,
			   unsigned int length, u32 value)
{
	u32 reg = cs->window + VIRTIO_PCI_CAP_LENGTH;
	struct trial trial;

	if (starts_flr(cs, offset, length, value))
		return get(cs->value, reg, 4);
	if (!touches(offset, length, reg, 4))
		return false;
	try_write(cs, &trial, offset, length, value);
	return !get(trial.bytes, reg, 4) != !get(cs->value, reg, 4);
}

void kvpci_pci_config_reset(struct kvpci_pci_config *cs)
{
	unsigned int i;

	for (i = 0; i < KVPCI_PCI_CONFIG_SIZE; i++)
		cs->value[i] &= ~cs->wmask[i];
	cs->sized = 0;
}

static u32 irq_flags(const struct kvpci_pci_config *cs, const u8 *bytes)
{
	u32 command = get(bytes, PCI_COMMAND, 2);
	u32 control = cs->msix ? get(bytes, cs->msix + PCI_MSIX_FLAGS, 2) : 0;

	/* PCI Power Management 5.4.1: in D3hot a function sends nothing. */
	if (powered_down(cs, bytes))
		command = (command & ~PCI_COMMAND_MASTER) | PCI_COMMAND_INTX_DISABLE;
	return (control & PCI_MSIX_FLAGS_ENABLE ? KVPCI_IRQ_MSIX_ENABLE : 0) |
	       (control & PCI_MSIX_FLAGS_MASKALL ? KVPCI_IRQ_MSIX_MASKALL : 0) |
	       (command & PCI_COMMAND_INTX_DISABLE ? KVPCI_IRQ_INTX_DISABLE : 0) |
	       (command & PCI_COMMAND_MASTER ? KVPCI_IRQ_MASTER : 0);
}

u32 kvpci_pci_config_irq_flags(const struct kvpci_pci_config *cs)
{
	return irq_flags(cs, cs->value);
}

/*
 * Bits of 8 bytes that are not to be restored: Status.Interrupt follows the
 * registers, and whether there are other functions is a matter of the place.
 */
static u64 own_bits(unsigned int at)
{
	switch (at) {
	case PCI_STATUS & ~7:
		return (u64)PCI_STATUS_INTERRUPT << 8 * (PCI_STATUS & 7);
	case PCI_HEADER_TYPE & ~7:
		return (u64)PCI_HEADER_TYPE_MFD << 8 * (PCI_HEADER_TYPE & 7);
	default:
		return 0;
	}
}

static u64 get8(const u8 *bytes)
{
	u64 value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

/* The module's lock is held, so 8 bytes at a time. */
int kvpci_pci_config_state_check(const struct kvpci_pci_config *cs,
				 const u8 *bytes, u32 flags)
{
	unsigned int i;

	for (i = 0; i < KVPCI_PCI_CONFIG_SIZE; i += 8)
		if ((get8(bytes + i) ^ get8(cs->value + i)) & ~get8(cs->wmask + i) &
		    ~own_bits(i))
			return -EINVAL;
	return irq_flags(cs, bytes) == flags ? 0 : -EINVAL;
}

u32 kvpci_pci_config_decode_restored(const struct kvpci_pci_config *cs,
				     const u8 *bytes, u64 *addr)
{
	return decode(cs, bytes, 0, addr);
}

void kvpci_pci_config_restore(struct kvpci_pci_config *cs, const u8 *bytes)
{
	unsigned int i;

	for (i = 0; i < KVPCI_PCI_CONFIG_SIZE; i += 8)
		WRITE_ONCE(*(any_u64 *)(cs->value + i),
			   (get8(bytes + i) & ~own_bits(i)) |
			   (get8(cs->value + i) & own_bits(i)));
	/* The bytes do not tell: a BAR that was being sized has an address now. */
	cs->sized = 0;
}

void kvpci_pci_config_set_intx(struct kvpci_pci_config *cs, bool asserted)
{
	u8 status = cs->value[PCI_STATUS] & ~PCI_STATUS_INTERRUPT;

	if (asserted)
		status |= PCI_STATUS_INTERRUPT;
	put(cs->value, PCI_STATUS, 1, status);
}

bool kvpci_pci_config_window_hit(const struct kvpci_pci_config *cs,
				 u32 offset, unsigned int length)
{
	return touches(offset, length, cs->window + WINDOW_DATA, 4);
}

/* R32 to R34 */
bool kvpci_pci_config_window(const struct kvpci_pci_config *cs,
			     struct kvpci_window *access)
{
	u32 cap = cs->window;
	u32 length = get(cs->value, cap + VIRTIO_PCI_CAP_LENGTH, 4);
	const struct kvpci_bar *bar;

	access->bar = cs->value[cap + VIRTIO_PCI_CAP_BAR];
	access->offset = get(cs->value, cap + VIRTIO_PCI_CAP_OFFSET, 4);
	access->value = get(cs->value, cap + WINDOW_DATA, 4);
	if (length != 1 && length != 2 && length != 4)
		return false;
	access->length = length;
	if (access->bar >= KVPCI_NUM_BARS || access->offset % length)
		return false;
	access->bar = array_index_nospec(access->bar, KVPCI_NUM_BARS);
	bar = &cs->bars[access->bar];
	return bar->kind != KVPCI_BAR_NONE &&
	       access->offset <= bar->size - length;
}

void kvpci_pci_config_set_window(struct kvpci_pci_config *cs, u32 value)
{
	put(cs->value, cs->window + WINDOW_DATA, 4, value);
}
