// SPDX-License-Identifier: GPL-2.0-only
/*
 * All that a function knows, saved and restored. What is restored comes from
 * anywhere, so it has to be something that a guest could have brought about: the
 * rest of the core relies on that.
 */
#include "internal.h"

#define IRQ_MSIX	(KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_MSIX_MASKALL)
#define IRQ_ALL		(IRQ_MSIX | KVPCI_IRQ_INTX_DISABLE | KVPCI_IRQ_MASTER)

#define AT_ANY_TIME	(BIT(KVPCI_EVENT_DEVICE_CONFIG) | BIT(KVPCI_EVENT_FAILED))
#define LIVE		(VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK)

/**
 * struct rule - what goes with a state of the backend
 * @set: bits of device_status that are set
 * @clear: bits of device_status that are not
 * @must: events that wait to be read
 * @may: events that may wait beside those
 * @runs: the VMM has been told to start: queues may have events of their own
 */
struct rule {
	u8 set;
	u8 clear;
	u16 must;
	u16 may;
	bool runs;
};

static const struct rule rules[] = {
	[KVPCI_BACKEND_STOPPED] = {
		.clear = VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_SUSPEND,
		.may = AT_ANY_TIME },
	[KVPCI_BACKEND_STARTING] = {
		.set = LIVE, .clear = VIRTIO_CONFIG_S_SUSPEND,
		.must = BIT(KVPCI_EVENT_START),
		.may = AT_ANY_TIME | BIT(KVPCI_EVENT_SUSPEND) },
	[KVPCI_BACKEND_RUNNING] = {
		.set = LIVE, .clear = VIRTIO_CONFIG_S_SUSPEND,
		.may = AT_ANY_TIME, .runs = true },
	[KVPCI_BACKEND_SUSPENDING] = {
		.set = LIVE, .clear = VIRTIO_CONFIG_S_SUSPEND,
		.may = AT_ANY_TIME | BIT(KVPCI_EVENT_SUSPEND), .runs = true },
	[KVPCI_BACKEND_SUSPENDED] = {
		.set = VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_SUSPEND,
		.clear = VIRTIO_CONFIG_S_DRIVER_OK,
		.may = AT_ANY_TIME, .runs = true },
	[KVPCI_BACKEND_RESUMING] = {
		.set = LIVE, .clear = VIRTIO_CONFIG_S_SUSPEND,
		.must = BIT(KVPCI_EVENT_RESUME), .may = AT_ANY_TIME, .runs = true },
	/* The status is what it was before: see status_ok(). */
	[KVPCI_BACKEND_STOPPING] = {
		.set = VIRTIO_CONFIG_S_FEATURES_OK,
		.may = BIT(KVPCI_EVENT_STOP), .runs = true },
};

bool kvpci_core_state_fits(const struct kvpci_core *core,
			   const struct kvpci_device_registers *registers)
{
	return registers->num_queues == core->num_queues &&
	       registers->num_vectors == core->num_vectors &&
	       registers->device_config_size == core->device_config_size;
}

static unsigned int pending_words(const struct kvpci_core *core)
{
	return (core->num_vectors + 63U) / 64;
}

/* --- save ---------------------------------------------------------------------- */

static void save_queue(const struct kvpci_core *core,
		       const struct kvpci_queue *queue,
		       struct kvpci_queue_registers *to)
{
	/* A doorbell that came too late for a reset may have left its word. */
	bool word = queue->enable && core->notify_width == 4;

	*to = (struct kvpci_queue_registers) {
		.size = queue->size,
		.msix_vector = queue->msix_vector,
		.enabled = queue->enable,
		.reset = queue->reset,
		.phase = queue->phase,
		.notification = word ? READ_ONCE(queue->notification) : 0,
		.desc = queue->desc,
		.driver = queue->driver,
		.device = queue->device,
	};
}

/* What was put off is decided on once more, where it is restored. */
static void save_deferred(const struct kvpci_core *core,
			  struct kvpci_device_registers *registers, u64 *pending)
{
	unsigned int i, vector;

	for (i = 0; i < core->num_queues; i++) {
		if (!(core->deferred[i / 64] & BIT_ULL(i % 64)))
			continue;
		vector = core->queues[i].msix_vector;
		if (!kvpci_core_hears(core, i))
			continue;
		if (!(core->irq_flags & KVPCI_IRQ_MSIX_ENABLE))
			registers->isr |= 1;
		else if (vector < core->num_vectors)
			pending[vector / 64] |= BIT_ULL(vector % 64);
	}
}

int kvpci_core_save(const struct kvpci_core *core,
		    struct kvpci_device_registers *registers,
		    const struct kvpci_state *state)
{
	unsigned int i;

	if (core->silent)
		return -EBUSY;
	registers->device_feature_select = core->device_feature_select;
	registers->driver_feature_select = core->driver_feature_select;
	for (i = 0; i < ARRAY_SIZE(registers->driver_features); i++)
		registers->driver_features[i] =
			core->driver_features[2 * i] |
			(u64)core->driver_features[2 * i + 1] << 32;
	registers->config_msix_vector = core->config_msix_vector;
	registers->queue_select = core->queue_select;
	registers->device_status = core->device_status;
	registers->config_generation = core->config_generation;
	registers->generation_read = core->generation_read;
	registers->isr = core->isr;
	registers->irq_flags = core->irq_flags & IRQ_ALL;
	registers->backend = core->backend;
	registers->events = core->events;
	registers->next_event = core->next_event;
	registers->config_changed = core->config_changed;
	registers->__reserved = 0;

	for (i = 0; i < core->num_queues; i++)
		save_queue(core, &core->queues[i], &state->queues[i]);
	if (core->num_vectors) {
		memcpy(state->vectors, core->vectors,
		       core->num_vectors * sizeof(*core->vectors));
		memcpy(state->pending, core->pending,
		       pending_words(core) * sizeof(u64));
	}
	if (core->device_config_size)
		memcpy(state->device_config, core->device_config,
		       core->device_config_size);
	save_deferred(core, registers, state->pending);
	return 0;
}

/* --- is it a state that can be? ------------------------------------------------- */

/* What the driver has agreed to, and what follows from the state as a whole. */
struct agreed {
	u32 features[KVPCI_FEATURE_WORDS];
	bool sealed;		/* FEATURES_OK */
	u32 num_selectable;	/* queues that the driver has */
	bool told_all;		/* SUSPEND has been read, the last of all events */
};

static bool accepted(const struct agreed *agreed, unsigned int feature)
{
	return agreed->sealed &&
	       agreed->features[feature / 32] & BIT(feature % 32);
}

static void agree(const struct kvpci_core *core,
		  const struct kvpci_device_registers *registers,
		  struct agreed *agreed)
{
	unsigned int i;

	for (i = 0; i < KVPCI_FEATURE_WORDS; i++)
		agreed->features[i] = registers->driver_features[i / 2] >>
				      (i % 2 * 32);
	agreed->sealed = registers->device_status & VIRTIO_CONFIG_S_FEATURES_OK;
	agreed->num_selectable = core->num_queues;
	if (!accepted(agreed, VIRTIO_F_ADMIN_VQ))
		agreed->num_selectable -= core->num_admin_queues;
	agreed->told_all = registers->backend == KVPCI_BACKEND_SUSPENDING &&
			   !(registers->events & BIT(KVPCI_EVENT_SUSPEND));
}

static bool status_ok(const struct kvpci_device_registers *registers,
		      const struct rule *rule, const struct agreed *agreed)
{
	u8 status = registers->device_status;
	bool suspend = status & VIRTIO_CONFIG_S_SUSPEND;

	if ((status & rule->set) != rule->set || status & rule->clear)
		return false;
	/* A reset begins where a backend runs, or is suspended. */
	if (registers->backend == KVPCI_BACKEND_STOPPING &&
	    suspend == !!(status & VIRTIO_CONFIG_S_DRIVER_OK))
		return false;
	if (registers->config_changed > 1 ||
	    (registers->config_changed && !suspend &&
	     registers->backend != KVPCI_BACKEND_STOPPING))
		return false;
	return accepted(agreed, VIRTIO_F_SUSPEND) ||
	       (!suspend && registers->backend != KVPCI_BACKEND_SUSPENDING &&
		registers->backend != KVPCI_BACKEND_RESUMING);
}

static bool events_ok(const struct kvpci_core *core,
		      const struct kvpci_device_registers *registers,
		      const struct rule *rule, const struct agreed *agreed)
{
	u16 events = registers->events;

	if ((events & rule->must) != rule->must ||
	    events & ~(rule->must | rule->may) ||
	    registers->next_event > core->num_queues)
		return false;
	if (events & BIT(KVPCI_EVENT_FAILED) &&
	    !(registers->device_status & VIRTIO_CONFIG_S_FAILED))
		return false;
	if (events & BIT(KVPCI_EVENT_DEVICE_CONFIG) &&
	    (!core->device_config_mask || agreed->told_all))
		return false;
	return !(events & BIT(KVPCI_EVENT_SUSPEND)) ||
	       accepted(agreed, VIRTIO_F_SUSPEND);
}

static bool vector_ok(const struct kvpci_core *core, u16 vector)
{
	return vector < core->num_vectors || vector == VIRTIO_MSI_NO_VECTOR;
}

static bool interrupts_ok(const struct kvpci_core *core,
			  const struct kvpci_device_registers *registers,
			  const struct kvpci_state *state)
{
	bool none = registers->backend == KVPCI_BACKEND_STOPPED;
	unsigned int i, tail = core->num_vectors % 64;

	if (registers->irq_flags & ~IRQ_ALL ||
	    (registers->irq_flags & IRQ_MSIX && !core->num_vectors) ||
	    !vector_ok(core, registers->config_msix_vector))
		return false;
	if (registers->isr & ~(1 | VIRTIO_PCI_ISR_CONFIG) ||
	    (registers->isr &&
	     (none || registers->backend == KVPCI_BACKEND_STOPPING)))
		return false;
	for (i = 0; i < core->num_vectors; i++)
		if (state->vectors[i].word[0] & 3 ||
		    state->vectors[i].word[3] & ~PCI_MSIX_ENTRY_CTRL_MASKBIT)
			return false;
	for (i = 0; i < pending_words(core); i++)
		if (none && state->pending[i])
			return false;
	return !tail || !(state->pending[core->num_vectors / 64] >> tail);
}

static bool size_ok(const struct kvpci_queue *own, u16 size,
		    const struct agreed *agreed)
{
	return size && size <= own->size_max &&
	       (is_power_of_2(size) || accepted(agreed, VIRTIO_F_RING_PACKED));
}

/* 4.1.4.3: as a reset leaves it, since the driver cannot select it. */
static bool untouched(const struct kvpci_queue *own,
		      const struct kvpci_queue_registers *queue)
{
	return queue->size == own->size_max &&
	       queue->msix_vector == VIRTIO_MSI_NO_VECTOR &&
	       !queue->enabled && !queue->reset && !queue->phase &&
	       !queue->notification && !queue->desc && !queue->driver &&
	       !queue->device;
}

static bool phase_ok(const struct kvpci_queue_registers *queue,
		     const struct rule *rule, const struct agreed *agreed)
{
	bool stops = queue->phase == KVPCI_QUEUE_STOP_POSTED ||
		     queue->phase == KVPCI_QUEUE_STOP_READ;

	if (queue->enabled > 1 || queue->reset != stops)
		return false;
	if (queue->phase == KVPCI_QUEUE_IDLE)
		return true;
	if (queue->phase != KVPCI_QUEUE_STOP_READ && agreed->told_all)
		return false;
	return queue->phase <= KVPCI_QUEUE_STOP_READ && queue->enabled &&
	       rule->runs && accepted(agreed, VIRTIO_F_RING_RESET);
}

static bool queue_ok(const struct kvpci_core *core, unsigned int index,
		     const struct kvpci_queue_registers *queue,
		     const struct rule *rule, const struct agreed *agreed)
{
	const struct kvpci_queue *own = &core->queues[index];

	if (queue->__reserved || queue->__reserved2)
		return false;
	if (!own->size_max || index >= agreed->num_selectable)
		return untouched(own, queue);
	if (queue->notification &&
	    !(queue->enabled && accepted(agreed, VIRTIO_F_NOTIFICATION_DATA)))
		return false;
	return size_ok(own, queue->size, agreed) &&
	       vector_ok(core, queue->msix_vector) &&
	       phase_ok(queue, rule, agreed);
}

int kvpci_core_state_check(const struct kvpci_core *core,
			   const struct kvpci_device_registers *registers,
			   const struct kvpci_state *state)
{
	struct agreed agreed;
	const struct rule *rule;
	unsigned int i;

	if (registers->__reserved || registers->backend >= ARRAY_SIZE(rules))
		return -EINVAL;
	rule = &rules[array_index_nospec(registers->backend, ARRAY_SIZE(rules))];
	agree(core, registers, &agreed);
	if (agreed.sealed && !kvpci_features_acceptable(core, agreed.features))
		return -EINVAL;
	/* R10: a change counts once until the driver has looked. */
	if ((u8)(registers->config_generation - registers->generation_read) > 1)
		return -EINVAL;
	if (!status_ok(registers, rule, &agreed) ||
	    !events_ok(core, registers, rule, &agreed) ||
	    !interrupts_ok(core, registers, state))
		return -EINVAL;
	for (i = 0; i < core->num_queues; i++)
		if (!queue_ok(core, i, &state->queues[i], rule, &agreed))
			return -EINVAL;
	return 0;
}

/* --- restore ---------------------------------------------------------------------- */

static void restore_queue(struct kvpci_core *core, struct kvpci_queue *queue,
			  const struct kvpci_queue_registers *from)
{
	queue->size = from->size;
	queue->msix_vector = from->msix_vector;
	queue->desc = from->desc;
	queue->driver = from->driver;
	queue->device = from->device;
	kvpci_queue_set_phase(core, queue, from->phase);
	WRITE_ONCE(queue->notification, from->notification);
	WRITE_ONCE(queue->reset, from->reset);
	WRITE_ONCE(queue->enable, from->enabled);
}

/* The guest may be looking at the table. */
static void restore_vector(struct kvpci_vector *vector,
			   const struct kvpci_vector *from)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vector->word); i++)
		WRITE_ONCE(vector->word[i], from->word[i]);
}

int kvpci_core_restore(struct kvpci_core *core,
		       const struct kvpci_device_registers *registers,
		       const struct kvpci_state *state,
		       struct kvpci_effect *effect)
{
	struct kvpci_event event;
	unsigned int i;

	*effect = kvpci_no_effect();
	if (!kvpci_core_at_rest(core))
		return -EBUSY;
	core->device_feature_select = registers->device_feature_select;
	core->driver_feature_select = registers->driver_feature_select;
	for (i = 0; i < KVPCI_FEATURE_WORDS; i++)
		core->driver_features[i] = registers->driver_features[i / 2] >>
					   (i % 2 * 32);
	core->config_msix_vector = registers->config_msix_vector;
	core->queue_select = registers->queue_select;
	core->device_status = registers->device_status;
	core->config_generation = registers->config_generation;
	core->generation_read = registers->generation_read;
	core->isr = registers->isr;
	/* Who owns the line is a matter of the new place. */
	kvpci_core_set_irq_flags(core, registers->irq_flags |
				       (core->irq_flags & KVPCI_IRQ_LINE_FD));
	core->backend = registers->backend;
	core->events = registers->events;
	core->next_event = registers->next_event;
	core->config_changed = registers->config_changed;
	if (core->device_status & VIRTIO_CONFIG_S_FEATURES_OK)
		kvpci_status_set_notify_format(core);

	for (i = 0; i < core->num_queues; i++)
		restore_queue(core, &core->queues[i], &state->queues[i]);
	core->queues_touched = core->num_queues;
	for (i = 0; i < core->num_vectors; i++)
		restore_vector(&core->vectors[i], &state->vectors[i]);
	for (i = 0; i < pending_words(core); i++)
		core->pending[i] = state->pending[i];
	if (core->device_config_size)
		memcpy(core->device_config, state->device_config,
		       core->device_config_size);

	*effect = kvpci_effect(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_PENDING |
			       KVPCI_EFFECT_LINE);
	if (kvpci_core_event_peek(core, &event))
		effect->bits |= KVPCI_EFFECT_EVENT;
	return 0;
}
