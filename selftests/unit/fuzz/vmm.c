// SPDX-License-Identifier: GPL-2.0-only
/* The VMM's steps: events, acknowledgements, interrupts, configuration. */
#include "fuzz.h"

static void event_taken(struct fuzz *f, const struct kvpci_event *event)
{
	struct kvpci_core *core = &f->u.core;

	switch (event->kind) {
	case KVPCI_EVENT_START:
		REQUIRE(!f->running);
		f->running = true;
		memcpy(f->told, core->queues, sizeof(f->told));
		memcpy(f->told_features, core->driver_features,
		       sizeof(f->told_features));
		for (u32 q = 0; q < UNIT_QUEUES; q++)
			f->owned[q] = core->queues[q].enable;
		reach(f, FUZZ_START);
		break;
	case KVPCI_EVENT_STOP:
		REQUIRE(f->running && !f->stop_read);
		f->stop_read = true;
		break;
	case KVPCI_EVENT_QUEUE_START:
		REQUIRE(f->running && !f->owned[event->queue]);
		f->owned[event->queue] = true;
		f->told[event->queue] = core->queues[event->queue];
		reach(f, FUZZ_QUEUE_START);
		break;
	case KVPCI_EVENT_QUEUE_STOP:
		REQUIRE(f->running && f->owned[event->queue]);
		REQUIRE(!f->stopping[event->queue]);
		f->stopping[event->queue] = true;
		break;
	case KVPCI_EVENT_SUSPEND:
		REQUIRE(f->running && !f->suspended && !f->suspend_read);
		f->suspend_read = true;
		break;
	case KVPCI_EVENT_RESUME:
		REQUIRE(f->running && f->suspended);
		f->suspended = false;
		reach(f, FUZZ_RESUME);
		break;
	case KVPCI_EVENT_DEVICE_CONFIG:
		reach(f, FUZZ_CONFIG);
		break;
	case KVPCI_EVENT_FAILED:
		reach(f, FUZZ_FAILED);
		break;
	}
}

/* What becomes of a signal does not depend on it; the event is gone. */
static bool take_event(struct fuzz *f, const struct kvpci_event *event)
{
	bool taken = kvpci_core_event_take(&f->u.core, event);

	watch(f, kvpci_effect(KVPCI_EFFECT_EVENT_GONE));
	return taken;
}

void vmm_event(struct fuzz *f)
{
	struct kvpci_event event;
	u8 how = take(f, 1);

	if (how % 4 == 0) {	/* look now, take later */
		f->have_stale = kvpci_core_event_peek(&f->u.core, &f->stale);
		return;
	}
	if (how % 4 == 1) {
		if (!f->have_stale)
			return;
		if (take_event(f, &f->stale))
			event_taken(f, &f->stale);
		else if (f->stale.kind == KVPCI_EVENT_START && !f->running)
			reach(f, FUZZ_START_GONE);
		f->have_stale = false;
		return;
	}
	if (!kvpci_core_event_peek(&f->u.core, &event))
		return;
	REQUIRE(take_event(f, &event));
	event_taken(f, &event);
}

/* The ACK of SUSPEND; it comes too late if the driver has reset the device. */
static void vmm_ack_suspend(struct fuzz *f)
{
	struct kvpci_core *core = &f->u.core;
	bool reset = core->backend == KVPCI_BACKEND_STOPPING;

	if (unit_ack(&f->u, KVPCI_EVENT_SUSPEND, KVPCI_EVENT_NO_QUEUE)) {
		REQUIRE(!f->u.effect.bits);
		REQUIRE(!f->suspend_read || reset);
		return;
	}
	REQUIRE(f->suspend_read && !reset);
	f->suspend_read = false;
	f->suspended = true;
	REQUIRE(cc_read(&f->u, CC_STATUS) & ST_SUSPEND);
	reach(f, FUZZ_SUSPEND);
}

/* Before that, where messages are sent outside the lock; then steps may come. */
static void vmm_silence(struct fuzz *f)
{
	struct kvpci_effect effect;
	int ret = kvpci_core_silence(&f->u.core, &effect);

	REQUIRE(!ret == (f->suspend_read &&
			 f->u.core.backend != KVPCI_BACKEND_STOPPING));
	watch(f, effect);
	if (!ret)
		reach(f, FUZZ_SILENT);
}

/* The device is reset, and no backend has anything of it. */
static void all_stopped(struct fuzz *f)
{
	f->running = false;
	f->stop_read = false;
	f->suspend_read = false;
	f->suspended = false;
	memset(f->owned, 0, sizeof(f->owned));
	memset(f->stopping, 0, sizeof(f->stopping));
	REQUIRE(cc_read(&f->u, CC_STATUS) == 0);
}

void vmm_ack(struct fuzz *f)
{
	u8 how = take(f, 1);
	u32 q = how >> 2;

	if (how % 8 == 6) {
		vmm_silence(f);
	} else if (how % 8 == 2) {
		vmm_ack_suspend(f);
	} else if (how & 1) {
		int ret = unit_ack(&f->u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE);

		REQUIRE(!ret == f->stop_read);
		if (ret)
			return;
		all_stopped(f);
		reach(f, FUZZ_STOP);
	} else {
		int ret = unit_ack(&f->u, KVPCI_EVENT_QUEUE_STOP, q);

		REQUIRE(q < UNIT_QUEUES || ret == -EINVAL);
		if (q >= UNIT_QUEUES)
			return;
		REQUIRE(!ret == f->stopping[q]);
		if (ret)
			return;
		f->owned[q] = false;
		f->stopping[q] = false;
		reach(f, FUZZ_QUEUE_STOP);
	}
}

void vmm_signal(struct fuzz *f)
{
	struct kvpci_core *core = &f->u.core;
	u8 how = take(f, 1);
	u32 q = how % UNIT_QUEUES;
	struct kvpci_msg msg = { 0 };
	enum kvpci_verdict verdict;
	bool quiet, sends;
	u16 vector = core->queues[q].msix_vector;

	quiet = !(core->device_status & ST_DRIVER_OK) || !core->queues[q].enable;
	sends = (core->irq_flags & (KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_MASTER |
				    KVPCI_IRQ_MSIX_MASKALL)) ==
		(KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_MASTER);

	verdict = kvpci_core_signal(core, q, &msg);
	switch (verdict) {
	case KVPCI_IRQ_SEND:
		REQUIRE(!quiet && sends && vector < core->num_vectors);
		REQUIRE(!(core->vectors[vector].word[3] & 1));
		REQUIRE(msg.data == core->vectors[vector].word[2]);
		REQUIRE((u32)msg.address == core->vectors[vector].word[0]);
		if (how & 0x80) {
			kvpci_core_defer(core, q);
			f->deferred[q] = true;
		}
		reach(f, FUZZ_SEND);
		break;
	case KVPCI_IRQ_PEND:
		REQUIRE(!quiet && vector < core->num_vectors);
		REQUIRE(core->irq_flags & KVPCI_IRQ_MSIX_ENABLE);
		REQUIRE(!sends || core->vectors[vector].word[3] & 1);
		REQUIRE(core->pending[vector / 64] >> (vector % 64) & 1);
		reach(f, FUZZ_PEND);
		break;
	case KVPCI_IRQ_INTX:
		REQUIRE(!quiet);
		REQUIRE(!(core->irq_flags & KVPCI_IRQ_MSIX_ENABLE));
		REQUIRE(core->isr);
		if (kvpci_core_intx(core))
			reach(f, FUZZ_INTX);
		break;
	case KVPCI_IRQ_DROP:
		reach(f, FUZZ_DROP);
		break;
	}
	watch(f, kvpci_effect(verdict == KVPCI_IRQ_INTX ? KVPCI_EFFECT_LINE : 0));
}

void vmm_pending(struct fuzz *f)
{
	struct kvpci_core *core = &f->u.core;
	unsigned int from = take(f, 1);
	struct kvpci_msg msg;
	int v;

	while ((v = kvpci_core_next_pending(core, from, &msg)) >= 0) {
		REQUIRE((unsigned int)v >= from && v < core->num_vectors);
		REQUIRE(core->device_status & ST_DRIVER_OK);
		REQUIRE(core->backend != KVPCI_BACKEND_STOPPING);
		REQUIRE(!(core->vectors[v].word[3] & 1));
		REQUIRE(core->irq_flags & KVPCI_IRQ_MSIX_ENABLE &&
			core->irq_flags & KVPCI_IRQ_MASTER &&
			!(core->irq_flags & KVPCI_IRQ_MSIX_MASKALL));
		REQUIRE(!(core->pending[v / 64] >> (v % 64) & 1));
		watch(f, kvpci_no_effect());
		from = v + 1;
		reach(f, FUZZ_UNPEND);
	}
}

/* The work that sends what was put off, each queue's once. */
void vmm_deferred(struct fuzz *f)
{
	struct kvpci_core *core = &f->u.core;
	u32 from = take(f, 1) % (UNIT_QUEUES + 2);
	int q;

	while ((q = kvpci_core_next_deferred(core, from)) >= 0) {
		REQUIRE((u32)q >= from && q < UNIT_QUEUES);
		REQUIRE(f->deferred[q] && core->queues[q].enable);
		f->deferred[q] = false;
		watch(f, kvpci_no_effect());
		from = q + 1;
		reach(f, FUZZ_DEFERRED);
	}
	for (; from < UNIT_QUEUES; from++)
		REQUIRE(!f->deferred[from]);
}

/* The driver was, or is to be, notified of what the device changed just now. */
static void check_notified(struct fuzz *f)
{
	const struct kvpci_core *core = &f->u.core;

	if (!(core->device_status & ST_DRIVER_OK) || core->silent ||
	    core->backend == KVPCI_BACKEND_STOPPING)
		return;
	REQUIRE(core->isr & 2);
	reach(f, FUZZ_CONFIG_SENT);
}

void vmm_config(struct fuzz *f)
{
	u32 offset = take(f, 1) % UNIT_CONFIG;
	u32 length = 1 + take(f, 1) % (UNIT_CONFIG - offset);
	u8 data[UNIT_CONFIG];
	bool changes, notifies;
	u32 flags;
	int ret;

	memset(data, take(f, 1), sizeof(data));
	flags = take(f, 1) % 3;
	if (flags & KVPCI_CONFIG_WRITE_FORCE && data[0] % 4 == 0)
		length = 0;
	changes = memcmp(f->u.core.device_config + offset, data, length);
	notifies = flags ? flags & KVPCI_CONFIG_WRITE_FORCE : changes;
	if (notifies && f->u.core.silent)
		f->config_due = true;
	ret = unit_change_as(&f->u, flags, offset, length, data);
	if (ret) {
		REQUIRE(ret == -EBUSY && f->suspended);
		REQUIRE(!f->u.effect.bits);
		return;
	}
	f->changed |= changes;
	REQUIRE(!memcmp(f->u.core.device_config + offset, data, length));
	if (notifies)
		check_notified(f);
	else
		REQUIRE(!f->u.effect.bits);
}

/* Seldom, so that devices run for a while. */
void vmm_reset(struct fuzz *f)
{
	struct kvpci_core *core = &f->u.core;
	u8 how = take(f, 1);
	u32 flags = how & 1 ? KVPCI_RESET_FUNCTION : 0;
	struct kvpci_event event;

	if (how & 0x7e)
		return;
	if (f->running)
		reach(f, FUZZ_RESET);
	unit_reset(&f->u, flags);
	all_stopped(f);
	REQUIRE(!kvpci_core_event_peek(core, &event));
	REQUIRE(!core->isr && !core->config_changed && !core->silent);
	for (u32 v = 0; v < UNIT_VECTORS; v++) {
		REQUIRE(!(core->pending[v / 64] >> (v % 64) & 1));
		REQUIRE(!flags || core->vectors[v].word[3] == 1);
	}
	REQUIRE(!flags || !core->irq_flags);
}

static void fail(struct fuzz *f)
{
	struct kvpci_core *core = &f->u.core;
	bool counts = core->device_status && core->backend != KVPCI_BACKEND_STOPPING;
	struct kvpci_effect effect;

	if (core->backend == KVPCI_BACKEND_SUSPENDED || core->silent)
		f->config_due = true;
	effect = kvpci_core_fail(core);
	watch(f, effect);
	REQUIRE(counts || !effect.bits);
	REQUIRE(!counts || core->device_status & ST_NEEDS_RESET);
	if (counts)
		check_notified(f);
}

void vmm_misc(struct fuzz *f)
{
	u8 how = take(f, 1);

	if (how & 1) {
		u32 on = KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_MASTER;

		watch(f, kvpci_core_set_irq_flags(&f->u.core,
						  how & 2 ? on : how >> 2 & 15));
		return;
	}
	fail(f);
}
