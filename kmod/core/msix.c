// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts: MSI-X table and pending bits (PCI Express 6.1.4), ISR status
 * and the line (4.1.4.5, 4.1.5.3, 4.1.5.4).
 */
#include "internal.h"

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
	       core->backend != KVPCI_BACKEND_STOPPING && !core->silent;
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

/* R47: nor for a queue that is off */
bool kvpci_core_hears(const struct kvpci_core *core, u32 queue)
{
	const struct kvpci_queue *q = &core->queues[queue];

	return device_live(core) && q->enable && !q->reset;
}

enum kvpci_verdict kvpci_core_signal(struct kvpci_core *core, u32 queue,
				     struct kvpci_msg *msg)
{
	unsigned int vector = core->queues[queue].msix_vector;

	if (!kvpci_core_hears(core, queue))
		return KVPCI_IRQ_DROP;
	if (!(core->irq_flags & KVPCI_IRQ_MSIX_ENABLE)) {	/* R25 */
		core->isr |= 1;
		return KVPCI_IRQ_INTX;
	}
	if (vector >= core->num_vectors)	/* R40: NO_VECTOR */
		return KVPCI_IRQ_DROP;
	vector = array_index_nospec(vector, core->num_vectors);
	if (!function_sends(core) || vector_masked(core, vector)) {
		kvpci_core_pend(core, vector);
		return KVPCI_IRQ_PEND;
	}
	vector_msg(core, vector, msg);
	return KVPCI_IRQ_SEND;
}

void kvpci_core_defer(struct kvpci_core *core, u32 queue)
{
	core->deferred[queue / 64] |= BIT_ULL(queue % 64);
}

int kvpci_core_next_deferred(struct kvpci_core *core, unsigned int from)
{
	unsigned int queue;

	for (queue = from; queue < core->num_queues; queue++) {
		u64 word = core->deferred[queue / 64] >> (queue % 64);

		if (!word) {
			queue |= 63;	/* on to the next word */
			continue;
		}
		if (!(word & 1))
			continue;
		core->deferred[queue / 64] &= ~BIT_ULL(queue % 64);
		return queue;
	}
	return -1;
}

void kvpci_core_pend_deferred(struct kvpci_core *core)
{
	struct kvpci_msg msg;
	int queue = -1;

	while ((queue = kvpci_core_next_deferred(core, queue + 1)) >= 0)
		if (kvpci_core_signal(core, queue, &msg) == KVPCI_IRQ_SEND)
			kvpci_core_pend(core, msg.vector);
}

struct kvpci_effect kvpci_core_config_changed(struct kvpci_core *core)
{
	unsigned int vector = core->config_msix_vector;
	struct kvpci_effect effect;

	if (core->backend == KVPCI_BACKEND_SUSPENDED || core->silent)
		core->config_changed = true;
	if (!device_live(core))
		return kvpci_no_effect();
	core->isr |= VIRTIO_PCI_ISR_CONFIG;	/* R24 */
	if (!(core->irq_flags & KVPCI_IRQ_MSIX_ENABLE))
		return kvpci_effect(KVPCI_EFFECT_LINE);
	if (vector >= core->num_vectors)	/* R40: NO_VECTOR */
		return kvpci_effect(KVPCI_EFFECT_DROPPED);
	vector = array_index_nospec(vector, core->num_vectors);
	kvpci_core_pend(core, vector);
	effect = kvpci_effect(vector_sendable(core, vector) ?
			      KVPCI_EFFECT_VECTOR : KVPCI_EFFECT_PENDED);
	effect.arg = vector;
	return effect;
}

void kvpci_core_pend(struct kvpci_core *core, unsigned int vector)
{
	core->pending[vector / 64] |= BIT_ULL(vector % 64);
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

/* Whose the line is decides with MSI-X who answers reads of ISR. */
static void store_irq_flags(struct kvpci_core *core, u32 flags)
{
	bool exits = flags & KVPCI_IRQ_LINE_FD && !(flags & KVPCI_IRQ_MSIX_ENABLE);

	core->irq_flags = flags;
	WRITE_ONCE(core->exits, (core->exits & ~KVPCI_EXIT_ISR) |
				(exits ? KVPCI_EXIT_ISR : 0));
}

struct kvpci_effect kvpci_core_set_irq_flags(struct kvpci_core *core, u32 flags)
{
	if (flags == core->irq_flags)
		return kvpci_no_effect();
	store_irq_flags(core, flags);
	return kvpci_effect(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_PENDING |
			    KVPCI_EFFECT_LINE);
}

struct kvpci_effect kvpci_core_msix_reset(struct kvpci_core *core)
{
	unsigned int i;

	/* Who owns the line is no bit of the function. */
	store_irq_flags(core, core->irq_flags & KVPCI_IRQ_LINE_FD);
	memset(core->pending, 0, sizeof(core->pending));
	for (i = 0; i < core->num_vectors; i++)
		core->vectors[i] = (struct kvpci_vector) {
			.word[3] = PCI_MSIX_ENTRY_CTRL_MASKBIT,
		};
	return kvpci_effect(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_LINE);
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
	return kvpci_effect(*value ? KVPCI_EFFECT_LINE : 0);
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
		return kvpci_effect(KVPCI_EFFECT_OTHER);
	*value = word[0];
	if (length == 8)
		*value |= (u64)word[1] << 32;
	return kvpci_no_effect();
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
	struct kvpci_effect effect;

	if (!word)
		return kvpci_effect(KVPCI_EFFECT_OTHER);
	/* The guest may be looking at the table. */
	WRITE_ONCE(word[0], (u32)value & writable[i]);
	if (length == 8)
		WRITE_ONCE(word[1], (u32)(value >> 32) & writable[i + 1]);
	vector = array_index_nospec(vector, core->num_vectors);
	effect = kvpci_effect(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_VECTOR_ONLY);
	if (vector_sendable(core, vector))
		effect.bits |= KVPCI_EFFECT_VECTOR;
	effect.arg = vector;
	return effect;
}

struct kvpci_effect kvpci_msix_pba_read(struct kvpci_core *core, u32 offset,
					unsigned int length, u64 *value)
{
	u32 word = offset / 8;

	if (!msix_access_ok(offset, length) ||
	    word >= ((u32)core->num_vectors + 63) / 64)
		return kvpci_effect(KVPCI_EFFECT_OTHER);
	word = array_index_nospec(word, ARRAY_SIZE(core->pending));
	*value = core->pending[word] >> (offset % 8 * 8);
	if (length == 4)
		*value = (u32)*value;
	return kvpci_no_effect();
}
