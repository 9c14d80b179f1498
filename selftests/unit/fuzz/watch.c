// SPDX-License-Identifier: GPL-2.0-only
/*
 * What effects promise. The module decides on a signal once and then repeats the
 * decision until an effect says KVPCI_EFFECT_DECISION; it moves the line, wakes
 * readers and sends what was pending only when an effect says so. So whatever
 * changes without its effect is lost there. This looks at all of it after each
 * call of the core.
 */
#include "fuzz.h"

static bool bit(const u64 *words, unsigned int n)
{
	return words[n / 64] >> (n % 64) & 1;
}

/* Asking leaves traces in ISR and PBA, so a copy of the core is asked. */
void look(const struct kvpci_core *core, struct outlook *seen)
{
	struct kvpci_core copy = *core;
	struct kvpci_event event;
	struct kvpci_msg msg;
	int v = -1;

	memset(seen, 0, sizeof(*seen));
	memcpy(seen->pending, core->pending, sizeof(seen->pending));
	seen->intx = kvpci_core_intx(core);
	seen->intx_status = kvpci_core_intx_status(core);
	seen->has_event = kvpci_core_event_peek(core, &event);
	if (seen->has_event) {
		seen->event_kind = event.kind;
		seen->event_queue = event.queue;
	}
	while ((v = kvpci_core_next_pending(&copy, v + 1, &msg)) >= 0)
		seen->sendable[v / 64] |= BIT_ULL(v % 64);
	for (u32 q = 0; q < UNIT_QUEUES; q++) {
		seen->vector[q] = core->queues[q].msix_vector;
		seen->verdict[q] = kvpci_core_signal(&copy, q, &msg);
		if (seen->verdict[q] != KVPCI_IRQ_SEND)
			continue;
		seen->msg[q].address = msg.address;
		seen->msg[q].data = msg.data;
		seen->msg[q].vector = msg.vector;
	}
}

/* The answer that was given before holds, and so does what it left behind. */
static void check_same_signal(struct fuzz *f, const struct outlook *now, u32 q)
{
	const struct outlook *was = &f->seen;
	u16 vector = was->vector[q];

	REQUIRE(now->verdict[q] == was->verdict[q]);
	REQUIRE(!memcmp(&now->msg[q], &was->msg[q], sizeof(now->msg[q])));
	if (now->verdict[q] != KVPCI_IRQ_PEND)
		return;
	REQUIRE(now->vector[q] == vector);
	REQUIRE(!bit(was->pending, vector) || bit(now->pending, vector));
}

static void check_signals(struct fuzz *f, const struct outlook *now,
			  struct kvpci_effect effect)
{
	for (u32 q = 0; q < UNIT_QUEUES; q++) {
		bool others = effect.bits & KVPCI_EFFECT_VECTOR_ONLY &&
			      f->seen.vector[q] != effect.arg;

		if (effect.bits & KVPCI_EFFECT_DECISION && !others)
			continue;
		check_same_signal(f, now, q);
		if (others && now->verdict[q] == KVPCI_IRQ_SEND)
			reach(f, FUZZ_SAME);
	}
}

/* No vector becomes sendable unnoticed. */
static void check_sendable(struct fuzz *f, const struct outlook *now,
			   struct kvpci_effect effect)
{
	if (effect.bits & KVPCI_EFFECT_VECTOR)
		REQUIRE(bit(now->sendable, effect.arg));
	if (effect.bits & KVPCI_EFFECT_PENDING)
		return;
	for (u32 i = 0; i < ARRAY_SIZE(now->sendable); i++) {
		u64 more = now->sendable[i] & ~f->seen.sendable[i];

		if (effect.bits & KVPCI_EFFECT_VECTOR && effect.arg / 64 == i)
			more &= ~BIT_ULL(effect.arg % 64);
		REQUIRE(!more);
	}
}

static void check_line_and_events(struct fuzz *f, const struct outlook *now,
				  struct kvpci_effect effect)
{
	const struct outlook *was = &f->seen;

	if (!(effect.bits & KVPCI_EFFECT_LINE)) {
		REQUIRE(now->intx == was->intx);
		REQUIRE(now->intx_status == was->intx_status);
	}
	if (effect.bits & KVPCI_EFFECT_EVENT) {
		REQUIRE(now->has_event);
		return;
	}
	REQUIRE(!now->has_event || was->has_event);
	if (effect.bits & KVPCI_EFFECT_EVENT_GONE)
		return;
	REQUIRE(now->has_event == was->has_event);
	REQUIRE(now->event_kind == was->event_kind);
	REQUIRE(now->event_queue == was->event_queue);
}

/* A suspension leaves what was put off to the PBA, or to the line. */
static void check_left(struct fuzz *f, u32 q)
{
	const struct kvpci_core *core = &f->u.core;
	u16 vector = core->queues[q].msix_vector;

	if (!(core->irq_flags & KVPCI_IRQ_MSIX_ENABLE))
		REQUIRE(core->isr & 1);
	else if (vector < core->num_vectors)
		REQUIRE(bit(core->pending, vector));
}

/* R47: what was put off goes with the life of its queue, and not before. */
static void check_deferred(struct fuzz *f)
{
	const struct kvpci_core *core = &f->u.core;

	for (u32 q = 0; q < UNIT_QUEUES; q++) {
		if (f->deferred[q] &&
		    (core->backend == KVPCI_BACKEND_SUSPENDED || core->silent)) {
			f->deferred[q] = false;
			/* A queue under reset has no signals. */
			if (core->queues[q].enable && !core->queues[q].reset)
				check_left(f, q);
		}
		if (f->deferred[q] && !core->queues[q].enable) {
			f->deferred[q] = false;
			reach(f, FUZZ_DEFERRED_GONE);
		}
		REQUIRE(bit(core->deferred, q) == f->deferred[q]);
	}
}

/* 1.4: what changed during a suspension is notified with its end. */
static void check_config_due(struct fuzz *f, struct kvpci_effect effect)
{
	const struct kvpci_core *core = &f->u.core;
	u16 vector = core->config_msix_vector;

	if (!core->device_status)
		f->config_due = false;
	if (core->device_status & ST_DRIVER_OK && f->config_due && !core->silent &&
	    core->backend != KVPCI_BACKEND_STOPPING) {
		f->config_due = false;
		REQUIRE(core->isr & 2);
		REQUIRE(effect.bits & KVPCI_EFFECT_PENDING);
		if (!(core->irq_flags & KVPCI_IRQ_MSIX_ENABLE))
			REQUIRE(effect.bits & KVPCI_EFFECT_LINE);
		else if (vector < core->num_vectors)
			REQUIRE(bit(core->pending, vector));
		else
			REQUIRE(effect.bits & KVPCI_EFFECT_DROPPED);
		reach(f, FUZZ_CONFIG_LATER);
	}
	REQUIRE(core->config_changed == f->config_due);
}

void watch(struct fuzz *f, struct kvpci_effect effect)
{
	u16 of_vector = KVPCI_EFFECT_VECTOR | KVPCI_EFFECT_VECTOR_ONLY;
	struct outlook now;

	REQUIRE(effect.bits < KVPCI_EFFECT_DROPPED * 2);
	REQUIRE(!(effect.bits & KVPCI_EFFECT_OTHER) ||
		effect.bits == KVPCI_EFFECT_OTHER);
	REQUIRE(!(effect.bits & KVPCI_EFFECT_VECTOR_ONLY) ||
		effect.bits & KVPCI_EFFECT_DECISION);
	REQUIRE(!(effect.bits & of_vector) || effect.arg < f->u.core.num_vectors);
	look(&f->u.core, &now);
	check_signals(f, &now, effect);
	check_sendable(f, &now, effect);
	check_line_and_events(f, &now, effect);
	check_deferred(f);
	check_config_due(f, effect);
	f->seen = now;
}

static void after(struct unit *u)
{
	watch((struct fuzz *)((char *)u - offsetof(struct fuzz, u)), u->effect);
}

void watch_from_now(struct fuzz *f)
{
	look(&f->u.core, &f->seen);
	f->u.after = after;
}
