/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A function's PCI configuration space: identity, command and status, BARs,
 * and the capabilities that tell a driver where the virtio structures are.
 * Part of the register core: no KVM, no locks, no allocation.
 */
#ifndef KVPCI_PCI_CONFIG_H
#define KVPCI_PCI_CONFIG_H

#include "platform.h"

#define KVPCI_PCI_CONFIG_SIZE	4096	/* PCI Express, one function */

/* What a write to configuration space changed: bits. */
enum kvpci_pci_config_change {
	KVPCI_PCI_CONFIG_DECODE = 1 << 0,	/* kvpci_pci_config_decode() */
	KVPCI_PCI_CONFIG_IRQ = 1 << 1,	/* kvpci_pci_config_irq_flags() */
	KVPCI_PCI_CONFIG_WINDOW = 1 << 2,	/* kvpci_pci_config_window(): write */
	KVPCI_PCI_CONFIG_FLR = 1 << 3,	/* function level reset */
};

/**
 * struct kvpci_pci_config - bytes, and what may be written to each bit
 * @value: what a read returns; first, so that the module can map it
 * @wmask: bits a write changes
 * @bars: kinds and sizes
 * @msix: offset of the MSI-X capability, 0: none
 * @exp: offset of the PCI Express capability
 * @pm: offset of the power management capability
 * @window: offset of the PCI configuration access capability (4.1.4.9)
 * @caps_link: offset of the byte that ends the list of capabilities
 * @caps_end: offset of the first byte behind them
 * @sized: BARs whose register, of a 64-bit one its lower half, has been written
 *	with all ones: that is no address
 */
struct kvpci_pci_config {
	u8 value[KVPCI_PCI_CONFIG_SIZE];
	u8 wmask[KVPCI_PCI_CONFIG_SIZE];
	struct kvpci_bar bars[KVPCI_NUM_BARS];
	u16 msix;
	u16 exp;
	u16 pm;
	u16 window;
	u16 caps_link;
	u16 caps_end;
	u8 sized;
};

/* An access through the PCI configuration access capability. */
struct kvpci_window {
	u8 bar;
	u8 length;
	u32 offset;
	u32 value;	/* of a write */
};

/**
 * kvpci_pci_config_init() - build the configuration space of a device
 * @cs: zeroed
 * @desc: a description that passed kvpci_core_check()
 * @regions: @desc->num_regions of them; capabilities keep their order
 * @class: PCI class code, 24 bits
 * @intx_pin: 1 to 4 for INTA# to INTD#, 0: none
 *
 * Return: 0, or -ENOSPC if the 192 bytes for capabilities do not hold them all.
 */
int kvpci_pci_config_init(struct kvpci_pci_config *cs,
			  const struct kvpci_device_create *desc,
			    const struct kvpci_region *regions, u32 class,
			    u8 intx_pin);

/** kvpci_pci_config_set_multifunction() - its device may have others as well */
void kvpci_pci_config_set_multifunction(struct kvpci_pci_config *cs);

/**
 * kvpci_pci_config_add_vendor() - append a vendor data capability (4.1.4.8)
 * @cs: the space, just built
 * @data: what it holds from its vendor_id on
 * @length: bytes
 *
 * Return: 0, -EINVAL if it is not as the specification wants it, or -ENOSPC.
 */
int kvpci_pci_config_add_vendor(struct kvpci_pci_config *cs, const u8 *data,
				u32 length);

/**
 * kvpci_pci_config_read() - read from the space
 * @cs: the space
 * @offset: first byte
 * @length: 1, 2 or 4
 *
 * Before reading the data field of the window, see
 * kvpci_pci_config_window_hit(): the access it describes comes first.
 */
u32 kvpci_pci_config_read(const struct kvpci_pci_config *cs, u32 offset,
			  unsigned int length);

/**
 * kvpci_pci_config_write() - write to the space
 * @cs: the space
 * @offset: first byte
 * @length: 1, 2 or 4
 * @value: the value; read-only bits of it are ignored
 *
 * Return: bits of enum kvpci_pci_config_change.
 */
u32 kvpci_pci_config_write(struct kvpci_pci_config *cs, u32 offset,
			   unsigned int length, u32 value);

/**
 * kvpci_pci_config_moves() - would a write make a BAR answer where it is not placed?
 * @cs: the space, which stays as it is
 * @offset: as for kvpci_pci_config_write()
 * @length: as for kvpci_pci_config_write()
 * @value: as for kvpci_pci_config_write()
 * @placed: bit n set: accesses to @at[n] find BAR n
 * @at: KVPCI_NUM_BARS addresses
 *
 * Return: true if after the write a BAR would have to answer at another address
 * than that at which it is found: what cannot be done on the way of an access.
 */
bool kvpci_pci_config_moves(const struct kvpci_pci_config *cs, u32 offset,
			    unsigned int length, u32 value, u32 placed,
			    const u64 *at);

/**
 * kvpci_pci_config_touches_decode() - does a write meet what decides where BARs answer?
 * @cs: the space
 * @offset: as for kvpci_pci_config_write()
 * @length: as for kvpci_pci_config_write()
 * @value: as for kvpci_pci_config_write()
 *
 * Return: true if kvpci_pci_config_moves() may depend on it, now or later. A
 * function level reset does.
 */
bool kvpci_pci_config_touches_decode(const struct kvpci_pci_config *cs,
				     u32 offset, unsigned int length, u32 value);

/**
 * kvpci_pci_config_decode_after() - kvpci_pci_config_decode() after a write
 * @cs: the space, which stays as it is
 * @offset: as for kvpci_pci_config_write()
 * @length: as for kvpci_pci_config_write()
 * @value: as for kvpci_pci_config_write()
 * @addr: out: KVPCI_NUM_BARS addresses, 0 where not mapped
 *
 * Return: bit n set: BAR n would answer. After a function level reset none does.
 */
u32 kvpci_pci_config_decode_after(const struct kvpci_pci_config *cs, u32 offset,
				  unsigned int length, u32 value, u64 *addr);

/**
 * kvpci_pci_config_arms() - would a write set up the window, or take it away?
 * @cs: the space
 * @offset: as for kvpci_pci_config_write()
 * @length: as for kvpci_pci_config_write()
 * @value: as for kvpci_pci_config_write()
 *
 * The window counts as set up while its length is not 0. Then a read of its
 * data has effects, and must not come from a mapping. A function level reset
 * takes it away.
 */
bool kvpci_pci_config_arms(const struct kvpci_pci_config *cs, u32 offset,
			   unsigned int length, u32 value);

/**
 * kvpci_pci_config_reset() - the state after a function level reset
 * @cs: the space
 *
 * All that can be written becomes 0: BARs, command, MSI-X control.
 */
void kvpci_pci_config_reset(struct kvpci_pci_config *cs);

/**
 * kvpci_pci_config_decode() - which BARs answer, and where
 * @cs: the space
 * @addr: out: KVPCI_NUM_BARS addresses, 0 where not mapped
 *
 * A BAR that is being sized, or is at an address that cannot be meant, 0 or beyond
 * its space, does not answer.
 *
 * Return: bit n set: BAR n answers.
 */
u32 kvpci_pci_config_decode(const struct kvpci_pci_config *cs, u64 *addr);

/**
 * kvpci_pci_config_state_check() - can the space hold these bytes?
 * @cs: the space
 * @bytes: KVPCI_PCI_CONFIG_SIZE bytes that are to be restored
 * @irq_flags: what kvpci_pci_config_irq_flags() is to be then
 *
 * Return: 0, or -EINVAL if they differ in a bit that nobody can write. (Not so
 * Status.Interrupt, which follows the registers, and the bit that tells of other
 * functions beside this one.)
 */
int kvpci_pci_config_state_check(const struct kvpci_pci_config *cs,
				 const u8 *bytes, u32 irq_flags);

/** kvpci_pci_config_decode_restored() - kvpci_pci_config_decode() with these bytes */
u32 kvpci_pci_config_decode_restored(const struct kvpci_pci_config *cs,
				     const u8 *bytes, u64 *addr);

/** kvpci_pci_config_restore() - take over bytes that passed the check */
void kvpci_pci_config_restore(struct kvpci_pci_config *cs, const u8 *bytes);

/** kvpci_pci_config_irq_flags() - KVPCI_IRQ_* as the registers say */
u32 kvpci_pci_config_irq_flags(const struct kvpci_pci_config *cs);

/** kvpci_pci_config_set_intx() - set or clear Status.Interrupt */
void kvpci_pci_config_set_intx(struct kvpci_pci_config *cs, bool asserted);

/** kvpci_pci_config_window_hit() - does the access touch the window's data? */
bool kvpci_pci_config_window_hit(const struct kvpci_pci_config *cs,
				 u32 offset, unsigned int length);

/**
 * kvpci_pci_config_window() - the access the window describes
 * @cs: the space
 * @access: out: bar, offset, length and, for a write, value
 *
 * Return: false if the driver set up no valid one.
 */
bool kvpci_pci_config_window(const struct kvpci_pci_config *cs,
			     struct kvpci_window *access);

/** kvpci_pci_config_set_window() - store what the window's read returned */
void kvpci_pci_config_set_window(struct kvpci_pci_config *cs, u32 value);

#endif /* KVPCI_PCI_CONFIG_H */
