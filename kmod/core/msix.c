// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts: MSI-X table and pending bits (PCI Express 6.1.4), ISR status
 * and the line (4.1.4.5, 4.1.5.3, 4.1.5.4).
 */
#include "core.h"

/* May messages be sent at all? What cannot be is kept pending. */
static bool function_sends(const struct kvpci_core *core)
{
	return core->irq_flags & KVPCI_IRQ_MASTER &&
	       !(core->irq_flags & KVPCI_IRQ_MSIX_MASKALL);
}

static bool vector_masked(const struct kvpci_core *core, unsigned int vector)
{
	return core->vectors[vector].word[3] & PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

/*
 * R41, R45, R50: nothing is sent before DRIVER_OK, nor while suspended, when
 * DRIVER_OK is not set either, nor once a reset has begun.
 */
static bool device_live(const struct kvpci_core *core)
{
	return core->device_status & VIRTIO_CONFIG_S_DRIVER_OK &&
	       core->backend != KVPCI_BACKEND_STOPPING;
}

static bool vector_sendable(const struct kvpci_core *core, unsigned int vector)
{
	return device_live(core) && core->irq_flags & KVPCI_IRQ_MSIX_ENABLE &&
	       function_sends(core) && !vector_masked(core, vector) &&
	       core->pending[vector / 64] & BIT_ULL(vector % 64);
}

static void vector_msg(const struct kvpci_core *core, unsigned int vector,
		       struct kvpci_msg *msg)
{
	const u32 *word = core->vectors[vector].word;

	msg->address = word[0] | (u64)word[1] << 32;
	msg->data = word[2];
	msg->vector = vector;
}

/* MSI-X is on and the device live: sent, or kept for later. */
static inline enum kvpci_verdict raise(struct kvpci_core *core,
				       unsigned int vector,
				       struct kvpci_msg *msg)
{
	if (!function_sends(core) || vector_masked(core, vector)) {
		core->pending[vector / 64] |= BIT_ULL(vector % 64);
		return KVPCI_IRQ_PEND;
	}
	vector_msg(core, vector, msg);
	return KVPCI_IRQ_SEND;
}

enum kvpci_verdict kvpci_core_raise(struct kvpci_core *core,
				    unsigned int vector, struct kvpci_msg *msg)
{
	if (!device_live(core) || !(core->irq_flags & KVPCI_IRQ_MSIX_ENABLE))
		return KVPCI_IRQ_DROP;
	return raise(core, vector, msg);
}

enum kvpci_verdict kvpci_core_signal(struct kvpci_core *core, u32 source,
				     struct kvpci_msg *msg)
{
	bool config = source == KVPCI_SOURCE_CONFIG;
	u16 vector;

	if (!device_live(core))
		return KVPCI_IRQ_DROP;
	/* R47: nor for a queue that is off */
	if (!config && (!core->queues[source].enable ||
			core->queues[source].reset))
		return KVPCI_IRQ_DROP;

	/* R24, R25 */
	if (config)
		core->isr |= VIRTIO_PCI_ISR_CONFIG;
	if (!(core->irq_flags & KVPCI_IRQ_MSIX_ENABLE)) {
		if (!config)
			core->isr |= 1;
		return KVPCI_IRQ_INTX;
	}

	vector = config ? core->config_msix_vector :
			  core->queues[source].msix_vector;
	if (vector >= core->num_vectors)	/* R40: NO_VECTOR */
		return KVPCI_IRQ_DROP;
	return raise(core, array_index_nospec(vector, core->num_vectors), msg);
}

int kvpci_core_next_pending(struct kvpci_core *core, unsigned int from,
			    struct kvpci_msg *msg)
{
	unsigned int vector;

	if (!device_live(core) ||
	    !(core->irq_flags & KVPCI_IRQ_MSIX_ENABLE) || !function_sends(core))
		return -1;
	for (vector = from; vector < core->num_vectors; vector++) {
		u64 word = core->pending[vector / 64] >> (vector % 64);

		if (!word) {
			vector |= 63;	/* on to the next word */
			continue;
		}
		if (!(word & 1) || vector_masked(core, vector))
			continue;
		core->pending[vector / 64] &= ~BIT_ULL(vector % 64);
		vector_msg(core, vector, msg);
		return vector;
	}
	return -1;
}

void kvpci_core_set_irq_flags(struct kvpci_core *core, u32 flags)
{
	core->irq_flags = flags;
}

void kvpci_core_msix_reset(struct kvpci_core *core)
{
	unsigned int i;

	core->irq_flags = 0;
	memset(core->pending, 0, sizeof(core->pending));
	for (i = 0; i < core->num_vectors; i++)
		core->vectors[i] = (struct kvpci_vector) {
			.word[3] = PCI_MSIX_ENTRY_CTRL_MASKBIT,
		};
}

bool kvpci_core_intx_status(const struct kvpci_core *core)
{
	return core->isr && !(core->irq_flags & KVPCI_IRQ_MSIX_ENABLE);
}

bool kvpci_core_intx(const struct kvpci_core *core)
{
	return kvpci_core_intx_status(core) &&
	       !(core->irq_flags & KVPCI_IRQ_INTX_DISABLE);
}

/* R27: returned, cleared, line lowered. Wider reads do the same. */
struct kvpci_effect kvpci_isr_read(struct kvpci_core *core, u64 *value)
{
	*value = core->isr;
	core->isr = 0;
	return kvpci_effect(*value ? KVPCI_EFFECT_INTX : KVPCI_EFFECT_NONE, 0);
}

/* PCI Express 7.7.2: aligned dwords and qwords; all else is undefined. */
static bool msix_access_ok(u32 offset, unsigned int length)
{
	return (length == 4 || length == 8) && !(offset % length);
}

/* The dword of the table that an access begins with, or NULL. */
static u32 *table_word(struct kvpci_core *core, u32 offset, unsigned int length)
{
	u32 vector = offset / PCI_MSIX_ENTRY_SIZE;

	if (!msix_access_ok(offset, length) || vector >= core->num_vectors)
		return NULL;
	vector = array_index_nospec(vector, core->num_vectors);
	return &core->vectors[vector].word[offset % PCI_MSIX_ENTRY_SIZE / 4];
}

struct kvpci_effect kvpci_msix_table_read(struct kvpci_core *core, u32 offset,
					  unsigned int length, u64 *value)
{
	const u32 *word = table_word(core, offset, length);

	if (!word)
		return kvpci_effect(KVPCI_EFFECT_OTHER, 0);
	*value = word[0];
	if (length == 8)
		*value |= (u64)word[1] << 32;
	return kvpci_effect(KVPCI_EFFECT_NONE, 0);
}

struct kvpci_effect kvpci_msix_table_write(struct kvpci_core *core, u32 offset,
					   unsigned int length, u64 value)
{
	/* Reserved: low address bits 1:0, all of vector control but the mask. */
	static const u32 writable[] = {
		~3U, ~0U, ~0U, PCI_MSIX_ENTRY_CTRL_MASKBIT,
	};
	unsigned int i = offset % PCI_MSIX_ENTRY_SIZE / 4;
	u32 *word = table_word(core, offset, length);
	u32 vector = offset / PCI_MSIX_ENTRY_SIZE;

	if (!word)
		return kvpci_effect(KVPCI_EFFECT_OTHER, 0);
	/* The guest may be looking at the table. */
	WRITE_ONCE(word[0], (u32)value & writable[i]);
	if (length == 8)
		WRITE_ONCE(word[1], (u32)(value >> 32) & writable[i + 1]);
	vector = array_index_nospec(vector, core->num_vectors);
	if (!vector_sendable(core, vector))
		return kvpci_effect(KVPCI_EFFECT_NONE, 0);
	return kvpci_effect(KVPCI_EFFECT_VECTOR, vector);
}

struct kvpci_effect kvpci_msix_pba_read(struct kvpci_core *core, u32 offset,
					unsigned int length, u64 *value)
{
	u32 word = offset / 8;

	if (!msix_access_ok(offset, length) ||
	    word >= ((u32)core->num_vectors + 63) / 64)
		return kvpci_effect(KVPCI_EFFECT_OTHER, 0);
	word = array_index_nospec(word, ARRAY_SIZE(core->pending));
	*value = core->pending[word] >> (offset % 8 * 8);
	if (length == 4)
		*value = (u32)*value;
	return kvpci_effect(KVPCI_EFFECT_NONE, 0);
}
