// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device moves into another core: nothing that guest or VMM can see may tell.
 * And what comes from elsewhere may be anything: what is let in has to be something
 * that goes on as any device does.
 */
#include "fuzz.h"

/* The same device, fresh. */
static struct unit *another(const struct unit *u)
{
	struct unit *v = malloc(sizeof(*v));

	if (!v)
		abort();
	*v = *u;
	v->after = NULL;
	if (unit_create(v))
		abort();
	memcpy(v->core.device_config_mask, u->core.device_config_mask, UNIT_CONFIG);
	return v;
}

static void put_away(struct unit *v)
{
	unit_destroy(v);
	free(v);
}

/* From here on the guest has this one. */
static void go_on_in(struct fuzz *f, struct unit *v)
{
	unit_destroy(&f->u);
	f->u = *v;
	kvpci_core_arrays(&f->u.core, &f->u.desc, f->u.arrays);
	free(v);
	memset(f->deferred, 0, sizeof(f->deferred));
	watch_from_now(f);
}

/* All that the driver can read, of a copy, since some reads leave traces. */
static void check_reads_alike(struct fuzz *f, const struct unit *v)
{
	struct unit a = f->u, b = *v;

	a.after = NULL;
	for (u32 at = 0; at < 0x40; at++)
		if (cc_width(at))
			REQUIRE(cc_read(&a, at) == cc_read(&b, at));
	for (u32 q = 0; q <= UNIT_QUEUES; q++) {
		a.core.queue_select = q;
		b.core.queue_select = q;
		for (u32 at = CC_QUEUE_SIZE; at < 0x40; at++)
			if (cc_width(at))
				REQUIRE(cc_read(&a, at) == cc_read(&b, at));
	}
	for (u32 at = 0; at < UNIT_CONFIG; at += 4)
		REQUIRE(unit_read(&a, KVPCI_REGION_DEVICE, at, 4) ==
			unit_read(&b, KVPCI_REGION_DEVICE, at, 4));
	for (u32 at = 0; at < UNIT_VECTORS * 16; at += 8)
		REQUIRE(unit_read(&a, KVPCI_REGION_MSIX_TABLE, at, 8) ==
			unit_read(&b, KVPCI_REGION_MSIX_TABLE, at, 8));
	for (u32 at = 0; at < 16; at += 8)
		REQUIRE(unit_read(&a, KVPCI_REGION_MSIX_PBA, at, 8) ==
			unit_read(&b, KVPCI_REGION_MSIX_PBA, at, 8));
	REQUIRE(unit_read(&a, KVPCI_REGION_ISR, 0, 1) ==
		unit_read(&b, KVPCI_REGION_ISR, 0, 1));
}

static bool anything_deferred(const struct fuzz *f)
{
	for (u32 q = 0; q < UNIT_QUEUES; q++)
		if (f->deferred[q])
			return true;
	return false;
}

void vmm_move(struct fuzz *f)
{
	struct unit_state before, after;
	struct outlook was, now;
	struct unit *v;

	if (take(f, 1) % 4)
		return;		/* A device lives for a while. */
	if (f->u.core.silent) {
		REQUIRE(unit_save(&f->u, &before) == -EBUSY);
		return;
	}
	REQUIRE(!unit_save(&f->u, &before));
	f->u.after = NULL;	/* This one is done with. */
	if (anything_deferred(f)) {
		/* It counts as pending, as it does for the suspension. */
		kvpci_core_pend_deferred(&f->u.core);
		reach(f, FUZZ_MOVED_DEFERRED);
	}
	v = another(&f->u);
	REQUIRE(!unit_restore(v, &before));
	REQUIRE(!unit_save(v, &after));
	REQUIRE(!memcmp(&before, &after, sizeof(before)));
	look(&f->u.core, &was);
	look(&v->core, &now);
	REQUIRE(!memcmp(&was, &now, sizeof(was)));
	REQUIRE(now.has_event == !!(v->effect.bits & KVPCI_EFFECT_EVENT));
	check_reads_alike(f, v);
	REQUIRE(!f->u.core.device_status || unit_restore(&f->u, &before) == -EBUSY);
	go_on_in(f, v);
	reach(f, FUZZ_MOVED);
}

/* What the model knows of a device that came from elsewhere. */
static void adopt(struct fuzz *f)
{
	const struct kvpci_core *core = &f->u.core;
	u8 status = core->device_status;

	f->running = core->backend >= KVPCI_BACKEND_RUNNING;
	f->stop_read = core->backend == KVPCI_BACKEND_STOPPING &&
		       !(core->events & BIT(KVPCI_EVENT_STOP));
	f->suspend_read = core->backend == KVPCI_BACKEND_SUSPENDING &&
			  !(core->events & BIT(KVPCI_EVENT_SUSPEND));
	f->suspended = core->backend == KVPCI_BACKEND_RESUMING || status & ST_SUSPEND;
	for (u32 q = 0; q < UNIT_QUEUES; q++) {
		const struct kvpci_queue *queue = &core->queues[q];

		f->owned[q] = f->running && queue->enable &&
			      queue->phase != KVPCI_QUEUE_STARTING;
		f->stopping[q] = queue->phase == KVPCI_QUEUE_STOP_READ;
		f->told[q] = *queue;
	}
	memcpy(f->config, core->device_config, sizeof(f->config));
	memcpy(f->told_features, core->driver_features, sizeof(f->told_features));
	f->sealed = status & ST_FEATURES_OK;
	f->generation = core->generation_read;
	f->changed = core->config_generation != core->generation_read;
	f->config_due = core->config_changed;
	f->have_stale = false;
}

/* Bytes that RESTORE does not take for granted: all but sizes and pointers. */
static void spoil(struct fuzz *f, struct unit_state *state)
{
	const size_t first = offsetof(struct kvpci_device_registers,
				      device_feature_select);
	const size_t last = offsetof(struct kvpci_device_registers, num_queues);
	const size_t rest = offsetof(struct unit_state, queues);
	u8 *bytes = (u8 *)state;
	u32 at = take(f, 2);

	/* Half of them in the few bytes on which most depends. */
	if (at & 1)
		at = first + (at >> 1) % (last - first);
	else
		at = rest + (at >> 1) % (sizeof(*state) - rest);
	bytes[at] = take_value(f);
}

/* Return: the core that took a spoiled state, or NULL if none did. */
static struct unit *restore_spoiled(struct fuzz *f)
{
	struct unit_state state;
	u32 spoiled = 1 + take(f, 1) % 4;
	struct unit *v;
	int ret;

	if (unit_save(&f->u, &state))
		return NULL;
	while (spoiled--)
		spoil(f, &state);
	v = another(&f->u);
	ret = unit_restore(v, &state);
	if (!ret) {
		reach(f, FUZZ_STATE_TAKEN);
		return v;
	}
	REQUIRE(ret == -EINVAL);
	REQUIRE(!v->core.device_status && !v->core.events);
	put_away(v);
	reach(f, FUZZ_STATE_REFUSED);
	return NULL;
}

void vmm_hostile(struct fuzz *f)
{
	struct unit *v;

	if (take(f, 1) % 16)
		return;		/* A device lives for a while. */
	v = restore_spoiled(f);
	if (!v)
		return;
	go_on_in(f, v);
	adopt(f);
}

void try_hostile(struct fuzz *f)
{
	const u8 *p = f->p;
	struct unit *v = restore_spoiled(f);
	struct unit_state state;

	/* What was taken can be saved, unless nothing is sent at the moment. */
	if (v) {
		REQUIRE(!unit_save(v, &state) || v->core.silent);
		put_away(v);
	}
	f->p = p;
}
