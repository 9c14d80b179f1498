// SPDX-License-Identifier: GPL-2.0-only
/*
 * The engine behind the fuzz test and the libFuzzer entry; see fuzz_engine.h.
 *
 * Beside the core runs a small model: whether a backend is running, which
 * queues it owns and what it was told of them. The core may do what it likes
 * as long as the model's owner never sees a change.
 */
#include "fuzz_engine.h"

#include <stdio.h>

#include "unit.h"

const char *const fuzz_reach_names[FUZZ_REACHES] = {
	"START read", "START taken back", "STOP acknowledged",
	"QUEUE_START read", "QUEUE_STOP acknowledged", "CONFIG read",
	"FAILED read", "kick", "kick dropped", "message sent",
	"message pending", "pending message sent", "line raised",
	"interrupt dropped", "FEATURES_OK refused", "generation changed",
	"BAR decoded", "window access", "function level reset",
	"doorbell word kept", "queue_notif_config_data",
	"SUSPEND acknowledged", "RESUME read", "administration virtqueue",
};

#define REQUIRE(cond) do {						\
	if (!(cond)) {							\
		fprintf(stderr, "# fuzz: step %lu: not true: %s\n",	\
			f->steps, #cond);				\
		abort();						\
	}								\
} while (0)

struct fuzz {
	const u8 *p, *end;
	unsigned long steps;
	unsigned long *reached;
	struct unit u;
	struct kvpci_config_space cs;
	u8 fixed[KVPCI_CONFIG_SPACE_SIZE];	/* what cs began with */

	/* the model */
	bool running;			/* START read, STOP not acknowledged */
	bool stop_read;			/* STOP read, not acknowledged */
	bool suspend_read;		/* SUSPEND read, not acknowledged */
	bool suspended;			/* SUSPEND acknowledged, RESUME not read */
	u8 config[UNIT_CONFIG];		/* what it was when last not suspended */
	bool owned[UNIT_QUEUES];	/* the backend's queues */
	bool stopping[UNIT_QUEUES];	/* QUEUE_STOP read, not acknowledged */
	struct kvpci_queue told[UNIT_QUEUES];
	u32 told_features[KVPCI_FEATURE_WORDS];
	bool sealed;			/* FEATURES_OK was seen */
	bool changed;			/* since generation was read */
	u8 generation;
	struct kvpci_event stale;	/* an event peeked at some time */
	bool have_stale;
};

static u32 take(struct fuzz *f, unsigned int bytes)
{
	u32 value = 0;

	while (bytes--)
		value = value << 8 | (f->p < f->end ? *f->p++ : 0);
	return value;
}

static void reach(struct fuzz *f, enum fuzz_reach what)
{
	if (f->reached)
		f->reached[what]++;
}

/* Values that mean something more often than chance would have it. */
static u64 take_value(struct fuzz *f)
{
	u8 how = take(f, 1);

	switch (how % 6) {
	case 0:
		return 0;
	case 1:
		return 1;
	case 2:
		return ~0ULL;
	case 3:
		return take(f, 1) % 8;
	case 4:
		return 1ULL << (take(f, 1) % 64);
	default:
		return (u64)take(f, 4) << 32 | take(f, 4);
	}
}

static void check_effect(struct fuzz *f)
{
	const struct kvpci_core *core = &f->u.core;
	struct kvpci_effect effect = f->u.effect;
	struct kvpci_event event;

	REQUIRE(effect.kind <= KVPCI_EFFECT_RESUME);
	switch (effect.kind) {
	case KVPCI_EFFECT_KICK:
		if (effect.arg >= UNIT_QUEUES - core->num_admin_queues) {
			REQUIRE(kvpci_core_has_driver_feature(core, F_ADMIN_VQ));
			reach(f, FUZZ_ADMIN);
		}
		REQUIRE(effect.arg < core->num_queues);
		REQUIRE(core->queues[effect.arg].size_max);
		REQUIRE(core->queues[effect.arg].enable == 1);
		reach(f, FUZZ_KICK);
		break;
	case KVPCI_EFFECT_NO_KICK:
		reach(f, FUZZ_NO_KICK);
		break;
	case KVPCI_EFFECT_VECTOR:
		REQUIRE(effect.arg < core->num_vectors);
		break;
	case KVPCI_EFFECT_EVENT:
	case KVPCI_EFFECT_RESUME:
		REQUIRE(kvpci_core_event_peek(core, &event));
		break;
	}
}

static void check_queue(struct fuzz *f, u32 q)
{
	const struct kvpci_queue *now = &f->u.core.queues[q];
	const struct kvpci_queue *told = &f->told[q];

	REQUIRE(now->enable <= 1);
	REQUIRE(now->reset <= 1);
	REQUIRE(!now->enable || now->size_max);
	REQUIRE(now->size <= now->size_max);
	REQUIRE(now->msix_vector == NO_VECTOR ||
		now->msix_vector < f->u.core.num_vectors);
	if (f->u.core.device_status & ST_DRIVER_OK)
		REQUIRE(!now->size || is_power_of_2(now->size) ||
			kvpci_core_has_driver_feature(&f->u.core,
						      F_RING_PACKED));
	if (!f->owned[q])
		return;
	REQUIRE(now->size == told->size);
	REQUIRE(now->desc == told->desc);
	REQUIRE(now->driver == told->driver);
	REQUIRE(now->device == told->device);
	REQUIRE(now->enable);
	if (f->stopping[q])
		REQUIRE(now->reset);
}

static void check_interrupts(struct fuzz *f)
{
	struct kvpci_core *core = &f->u.core;
	bool msix = core->irq_flags & KVPCI_IRQ_MSIX_ENABLE;

	REQUIRE(core->isr <= 3);
	REQUIRE(kvpci_core_intx_status(core) == (core->isr && !msix));
	REQUIRE(kvpci_core_intx(core) ==
		(kvpci_core_intx_status(core) &&
		 !(core->irq_flags & KVPCI_IRQ_INTX_DISABLE)));
	for (u32 v = core->num_vectors; v < KVPCI_MAX_VECTORS; v++)
		REQUIRE(!(core->pending[v / 64] >> (v % 64) & 1));
}

static void check_suspended(struct fuzz *f, u8 status)
{
	const struct kvpci_core *core = &f->u.core;

	REQUIRE(!(status & ST_SUSPEND && status & ST_DRIVER_OK));
	REQUIRE(!(status & ST_SUSPEND) || f->suspended);
	if (status & ST_SUSPEND && core->backend != KVPCI_BACKEND_STOPPING)
		REQUIRE(!memcmp(core->config, f->config, sizeof(f->config)));
	else
		memcpy(f->config, core->config, sizeof(f->config));
}

static void check(struct fuzz *f)
{
	struct kvpci_core *core = &f->u.core;
	u8 status = core->device_status;
	struct kvpci_event event;
	unsigned int posted = 0;

	for (u32 q = 0; q < UNIT_QUEUES; q++) {
		check_queue(f, q);
		posted += core->queues[q].phase == KVPCI_QUEUE_STARTING ||
			  core->queues[q].phase == KVPCI_QUEUE_STOP_POSTED;
	}
	REQUIRE(core->queue_events == posted);
	if (f->steps % 16 == 0)
		check_interrupts(f);

	if (kvpci_core_event_peek(core, &event)) {
		REQUIRE(event.size == sizeof(event));
		REQUIRE(event.kind >= KVPCI_EVENT_START &&
			event.kind <= KVPCI_EVENT_RESUME);
		REQUIRE(event.kind != KVPCI_EVENT_SUSPEND ||
			(f->running && !f->suspended));
		REQUIRE(event.kind != KVPCI_EVENT_RESUME || f->suspended);
		REQUIRE(event.status == status);
		REQUIRE(event.kind != KVPCI_EVENT_START || !f->running);
		REQUIRE(event.kind != KVPCI_EVENT_STOP || f->running);
		REQUIRE(event.kind != KVPCI_EVENT_START ||
			status & ST_DRIVER_OK);
		REQUIRE((event.queue == KVPCI_EVENT_NO_QUEUE) ==
			(event.kind != KVPCI_EVENT_QUEUE_START &&
			 event.kind != KVPCI_EVENT_QUEUE_STOP));
	}
	/* the backend may rely on it */
	if (f->running) {
		REQUIRE(status & ST_DRIVER_OK || f->suspended);
		REQUIRE(!memcmp(core->driver_features, f->told_features,
				sizeof(f->told_features)));
	}
	if (status & ST_FEATURES_OK) {
		for (int i = 0; i < KVPCI_FEATURE_WORDS; i++)
			REQUIRE(!(core->driver_features[i] &
				  ~core->features[i]));
		if (f->sealed)
			REQUIRE(!memcmp(core->driver_features,
					f->told_features,
					sizeof(f->told_features)));
		memcpy(f->told_features, core->driver_features,
		       sizeof(f->told_features));
	}
	f->sealed = status & ST_FEATURES_OK;
	REQUIRE(!(status & ST_DRIVER_OK) || status & ST_FEATURES_OK);
	if (status & ST_FEATURES_OK && core->driver_features[0] & BIT(5))
		REQUIRE(core->driver_features[0] & (BIT(28) | BIT(29)));
	REQUIRE(core->config_msix_vector == NO_VECTOR ||
		core->config_msix_vector < core->num_vectors);
	check_suspended(f, status);
}

/* --- the guest ------------------------------------------------------------ */

static void guest_access(struct fuzz *f, u32 bar, u32 offset,
			 unsigned int length, bool write, u64 value)
{
	if (write) {
		unit_bar_write(&f->u, bar, offset, length, value);
	} else {
		u64 got = unit_bar_read(&f->u, bar, offset, length);

		REQUIRE(length == 8 || !(got >> (8 * length)));
	}
	check_effect(f);
}

static void guest_anywhere(struct fuzz *f)
{
	static const u32 anchors[] = { 0, 0x40, 0x44, 0x48, 0x100, 0x200,
		0x1000, 0x2000, 0x4000, 0x8000, 0x10000, 0xffffffe0 };
	u32 bar = take(f, 1) % KVPCI_NUM_BARS;
	u32 offset = anchors[take(f, 1) % ARRAY_SIZE(anchors)] +
		     take(f, 1) % 72;
	u8 how = take(f, 1);

	guest_access(f, bar, offset, 1U << (how >> 1 & 3), how & 1,
		     take_value(f));
}

/* A register of common configuration at its own width. */
static void guest_common(struct fuzz *f)
{
	u32 at = take(f, 1) % 0x40;
	bool write = take(f, 1) & 1;
	u64 value = take_value(f);
	unsigned int width = cc_width(at);

	if (!width)
		return;
	if (at == CC_GENERATION) {
		u8 now = cc_read(&f->u, at);

		REQUIRE(f->changed == (now != f->generation));
		if (f->changed)
			reach(f, FUZZ_GENERATION);
		f->generation = now;
		f->changed = false;
		return;
	}
	guest_access(f, UNIT_BAR_MEM, at, width, write, value);
}

static void guest_status(struct fuzz *f)
{
	static const u8 values[] = {
		0, ST_ACKNOWLEDGE, ST_ACKNOWLEDGE | ST_DRIVER, ST_READY,
		ST_RUNNING, ST_RUNNING, ST_DRIVER_OK, ST_RUNNING | ST_FAILED,
		ST_RUNNING | ST_SUSPEND, ST_READY | ST_SUSPEND,
	};
	u8 how = take(f, 1);
	u8 value = how & 0x80 ? take(f, 1) : values[how % ARRAY_SIZE(values)];

	cc_write(&f->u, CC_STATUS, value);
	check_effect(f);
	if (value & ST_FEATURES_OK &&
	    !(cc_read(&f->u, CC_STATUS) & ST_FEATURES_OK))
		reach(f, FUZZ_REFUSED);
	if (value & ST_DRIVER && !f->running)
		REQUIRE(cc_read(&f->u, CC_STATUS) & ST_DRIVER);
	if (!value)
		REQUIRE(f->running == !!cc_read(&f->u, CC_STATUS));
}

/*
 * A doorbell of the right or the wrong form. The word of one that rings is
 * kept, and is its queue's; the others leave no trace.
 */
static void guest_doorbell(struct fuzz *f, u8 how)
{
	struct kvpci_core *core = &f->u.core;
	bool sealed = core->device_status & ST_FEATURES_OK;
	bool words = sealed && kvpci_core_has_driver_feature(core, F_NOTIFICATION_DATA);
	bool data = sealed && kvpci_core_has_driver_feature(core, F_NOTIF_CONFIG_DATA);
	u32 q = take(f, 1) % 8, width = how & 8 ? 2 : 4;
	u32 value = q < UNIT_QUEUES && data ? core->queues[q].notif_data : q;
	u32 before[UNIT_QUEUES];
	bool rings;

	if (words)
		value |= take(f, 1) << 24;
	for (u32 i = 0; i < UNIT_QUEUES; i++)
		before[i] = core->queues[i].notification;
	if (how & 16)
		unit_bar_write(&f->u, UNIT_BAR_IO, 0x44, width, value);
	else
		unit_bar_write(&f->u, UNIT_BAR_MEM,
			       0x1000 + q * f->u.regions[7].multiplier, width,
			       value);
	rings = f->u.effect.kind == KVPCI_EFFECT_KICK;
	REQUIRE(!rings || (width == (words ? 4U : 2U) && f->u.effect.arg == q));
	for (u32 i = 0; i < UNIT_QUEUES; i++)
		REQUIRE(core->queues[i].notification ==
			(rings && words && i == q ? value : before[i]));
	if (rings && words)
		reach(f, FUZZ_WORD);
	if (rings && data)
		reach(f, FUZZ_NOTIF_DATA);
}

/* What a driver would do, all of it: random writes alone seldom start it. */
static void guest_driver(struct fuzz *f)
{
	u8 how = take(f, 1);

	switch (how % 6) {
	case 0:
		unit_start(&f->u);
		break;
	case 1:
		unit_negotiate(&f->u);
		break;
	case 2:
		unit_queue(&f->u, take(f, 1) % (UNIT_QUEUES + 1),
			   1U << (take(f, 1) % 16));
		break;
	case 3:
		cc_write(&f->u, CC_QUEUE_SELECT, take(f, 1) % UNIT_QUEUES);
		cc_write(&f->u, CC_QUEUE_RESET, 1);
		break;
	case 4:
		unit_vector(&f->u, take(f, 1) % UNIT_VECTORS, 0xfee00000,
			    take(f, 1), how & 0x80);
		break;
	case 5:
		guest_doorbell(f, how);
		break;
	}
	check_effect(f);
}

/* --- the launcher --------------------------------------------------------- */

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
	case KVPCI_EVENT_CONFIG:
		reach(f, FUZZ_CONFIG);
		break;
	case KVPCI_EVENT_FAILED:
		reach(f, FUZZ_FAILED);
		break;
	}
}

static void launcher_event(struct fuzz *f)
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
		if (kvpci_core_event_take(&f->u.core, &f->stale))
			event_taken(f, &f->stale);
		else if (f->stale.kind == KVPCI_EVENT_START && !f->running)
			reach(f, FUZZ_START_GONE);
		f->have_stale = false;
		return;
	}
	if (!kvpci_core_event_peek(&f->u.core, &event))
		return;
	REQUIRE(kvpci_core_event_take(&f->u.core, &event));
	event_taken(f, &event);
}

/* The ACK of SUSPEND; it comes too late if the driver has reset the device. */
static void launcher_ack_suspend(struct fuzz *f)
{
	struct kvpci_core *core = &f->u.core;
	bool reset = core->backend == KVPCI_BACKEND_STOPPING;

	if (kvpci_core_ack(core, KVPCI_EVENT_SUSPEND, KVPCI_EVENT_NO_QUEUE)) {
		REQUIRE(!f->suspend_read || reset);
		return;
	}
	REQUIRE(f->suspend_read && !reset);
	f->suspend_read = false;
	f->suspended = true;
	REQUIRE(cc_read(&f->u, CC_STATUS) & ST_SUSPEND);
	reach(f, FUZZ_SUSPEND);
}

static void launcher_ack(struct fuzz *f)
{
	u8 how = take(f, 1);
	u32 q = how >> 2;

	if (how % 8 == 2) {
		launcher_ack_suspend(f);
	} else if (how & 1) {
		int ret = kvpci_core_ack(&f->u.core, KVPCI_EVENT_STOP,
					 KVPCI_EVENT_NO_QUEUE);

		REQUIRE(!ret == f->stop_read);
		if (ret)
			return;
		f->running = false;
		f->stop_read = false;
		f->suspend_read = false;
		f->suspended = false;
		memset(f->owned, 0, sizeof(f->owned));
		memset(f->stopping, 0, sizeof(f->stopping));
		REQUIRE(cc_read(&f->u, CC_STATUS) == 0);
		reach(f, FUZZ_STOP);
	} else {
		int ret = kvpci_core_ack(&f->u.core, KVPCI_EVENT_QUEUE_STOP, q);

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

static void launcher_signal(struct fuzz *f)
{
	struct kvpci_core *core = &f->u.core;
	u8 how = take(f, 1);
	u32 source = how % (UNIT_QUEUES + 1);
	struct kvpci_msg msg = { 0 };
	bool quiet, sends;
	u16 vector;

	if (source == UNIT_QUEUES)
		source = KVPCI_SOURCE_CONFIG;
	vector = source == KVPCI_SOURCE_CONFIG ? core->config_msix_vector :
		 core->queues[source].msix_vector;
	quiet = !(core->device_status & ST_DRIVER_OK) ||
		(source < UNIT_QUEUES && !core->queues[source].enable);
	sends = (core->irq_flags & (KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_MASTER |
				    KVPCI_IRQ_MSIX_MASKALL)) ==
		(KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_MASTER);

	switch (kvpci_core_signal(core, source, &msg)) {
	case KVPCI_IRQ_SEND:
		REQUIRE(!quiet && sends && vector < core->num_vectors);
		REQUIRE(!(core->vectors[vector].word[3] & 1));
		REQUIRE(msg.data == core->vectors[vector].word[2]);
		REQUIRE((u32)msg.address == core->vectors[vector].word[0]);
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
}

static void launcher_pending(struct fuzz *f)
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
		from = v + 1;
		reach(f, FUZZ_UNPEND);
	}
}

static void launcher_config(struct fuzz *f)
{
	u32 offset = take(f, 1) % UNIT_CONFIG;
	u32 length = 1 + take(f, 1) % (UNIT_CONFIG - offset);
	u8 data[UNIT_CONFIG];
	int ret;

	memset(data, take(f, 1), sizeof(data));
	ret = kvpci_core_config_update(&f->u.core, offset, length, data);
	if (ret < 0) {
		REQUIRE(ret == -EBUSY && f->suspended);
		return;
	}
	f->changed |= ret;
	REQUIRE(!memcmp(f->u.core.config + offset, data, length));
}

static void launcher_misc(struct fuzz *f)
{
	u8 how = take(f, 1);

	if (how & 1) {
		u32 on = KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_MASTER;

		kvpci_core_set_irq_flags(&f->u.core,
					 how & 2 ? on : how >> 2 & 15);
		return;
	}
	REQUIRE(!kvpci_core_fail(&f->u.core) ||
		f->u.core.device_status & ST_NEEDS_RESET);
}

/* --- PCI configuration space ---------------------------------------------- */

static void check_decode(struct fuzz *f)
{
	static const u64 tops[] = { 0, 1ULL << 16, 1ULL << 32, 1ULL << 52 };
	u64 addr[KVPCI_NUM_BARS];
	u32 mapped = kvpci_config_space_decode(&f->cs, addr);

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
	for (u32 i = 0; i < KVPCI_CONFIG_SPACE_SIZE; i++) {
		u8 diff = f->cs.value[i] ^ f->fixed[i];

		if (i == PCI_STATUS)
			diff &= ~PCI_STATUS_INTERRUPT;
		REQUIRE(!(diff & ~f->cs.wmask[i]));
	}
}

static void window_access(struct fuzz *f, bool write)
{
	struct kvpci_window w;

	if (!kvpci_config_space_window(&f->cs, &w))
		return;
	REQUIRE(w.bar < KVPCI_NUM_BARS);
	REQUIRE(w.length == 1 || w.length == 2 || w.length == 4);
	REQUIRE((u64)w.offset + w.length <= f->cs.bars[w.bar].size);
	REQUIRE(w.offset % w.length == 0);
	/* the generation register has a model of its own */
	if (w.bar <= UNIT_BAR_MEM && w.offset == CC_GENERATION)
		return;
	guest_access(f, w.bar, w.offset, w.length, write, w.value);
	reach(f, FUZZ_WINDOW);
}

static void function_reset(struct fuzz *f)
{
	u64 addr[KVPCI_NUM_BARS];

	kvpci_config_space_reset(&f->cs);
	kvpci_core_msix_reset(&f->u.core);
	kvpci_status_write(&f->u.core, 0);
	REQUIRE(!kvpci_config_space_decode(&f->cs, addr));
	REQUIRE(!kvpci_config_space_irq_flags(&f->cs));
	REQUIRE(!kvpci_core_intx(&f->u.core));
	REQUIRE(!memcmp(f->cs.value, f->fixed, sizeof(f->fixed)));
	reach(f, FUZZ_FLR);
}

static void config_space(struct fuzz *f)
{
	const u32 anchors[] = {
		0, PCI_COMMAND, PCI_BASE_ADDRESS_0, PCI_BASE_ADDRESS_2,
		f->cs.msix, f->cs.exp + 8, f->cs.window, f->cs.window + 12,
		0xfc0, 0xfffffff0,
	};
	u32 at = anchors[take(f, 1) % ARRAY_SIZE(anchors)] + take(f, 1) % 64 / 3;
	u8 how = take(f, 1);
	unsigned int length = 1U << (how >> 1) % 3;
	u64 before[KVPCI_NUM_BARS], after[KVPCI_NUM_BARS];
	u32 window = f->cs.window + VIRTIO_PCI_CAP_LENGTH;
	u32 change, flags, mapped, value = take_value(f);
	bool moves, moved, arms, set;

	if (!(how & 1)) {
		value = kvpci_config_space_read(&f->cs, at, length);
		REQUIRE(length == 4 || !(value >> (8 * length)));
		if (kvpci_config_space_window_hit(&f->cs, at, length))
			window_access(f, false);
		return;
	}
	moves = kvpci_config_space_moves(&f->cs, at, length, value);
	arms = kvpci_config_space_arms(&f->cs, at, length, value);
	set = kvpci_config_space_read(&f->cs, window, 4);
	mapped = kvpci_config_space_decode(&f->cs, before);
	change = kvpci_config_space_write(&f->cs, at, length, value);
	moved = kvpci_config_space_decode(&f->cs, after) != mapped ||
		memcmp(before, after, sizeof(before));
	REQUIRE(moves == (moved || change & KVPCI_CONFIG_FLR));
	REQUIRE(!moved || change & KVPCI_CONFIG_DECODE);
	REQUIRE(arms == (set != !!kvpci_config_space_read(&f->cs, window, 4)));
	if (change & KVPCI_CONFIG_WINDOW)
		window_access(f, true);
	if (change & KVPCI_CONFIG_DECODE)
		check_decode(f);
	flags = kvpci_config_space_irq_flags(&f->cs);
	if (change & KVPCI_CONFIG_IRQ)
		kvpci_core_set_irq_flags(&f->u.core, flags);
	if (change & KVPCI_CONFIG_FLR)
		function_reset(f);
	if (f->steps % 32 == 0)
		check_fixed(f);
}

/* An access through the window, set up as a driver does. */
static void guest_window(struct fuzz *f)
{
	static const u32 offsets[] = { CC_STATUS, CC_QUEUE_SELECT, 0x40, 0x44,
		CC_QUEUE_ENABLE, 0x100, 0x200, 0x1000, 0x1004, 0x8000 };
	u8 how = take(f, 1);
	u32 cap = f->cs.window;

	kvpci_config_space_write(&f->cs, cap + 4, 1, how % 4);
	kvpci_config_space_write(&f->cs, cap + 8, 4,
				 offsets[take(f, 1) % ARRAY_SIZE(offsets)]);
	kvpci_config_space_write(&f->cs, cap + 12, 4, 1U << (how >> 2) % 3);
	kvpci_config_space_write(&f->cs, cap + 16, 4, take_value(f));
	window_access(f, how & 0x80);
}

/* -------------------------------------------------------------------------- */

static void (*const actions[])(struct fuzz *f) = {
	guest_anywhere, guest_anywhere, guest_anywhere, guest_common,
	guest_common, guest_common, guest_status, guest_driver, guest_driver,
	launcher_event, launcher_event, launcher_ack, launcher_signal,
	launcher_pending, launcher_config, launcher_misc, config_space,
	config_space, guest_window,
};

static void setup(struct fuzz *f)
{
	struct unit *u = &f->u;
	u8 how = take(f, 1);

	unit_describe(u);
	unit_offer(u, F_RING_PACKED, how & 1);
	unit_offer(u, F_RING_RESET, !(how & 2) || how & 4);
	unit_offer(u, F_NOTIFICATION_DATA, how & 32);
	unit_offer(u, F_NOTIF_CONFIG_DATA, how & 64);
	unit_offer(u, F_SUSPEND, how & 128);
	unit_offer(u, F_ADMIN_VQ, how & 4);
	u->desc.num_admin_queues = how & 4 ? 1 : 0;
	if (how & 64)
		unit_identify(u);
	unit_need(u, 5, BIT_ULL(28) | BIT_ULL(29), 0);
	if (how & 8) {
		/* odd places, nothing else */
		u->regions[7].multiplier = how & 32 ? 8 : 2;
		u->regions[6].offset = 0x2004;
	}
	if (unit_create(u))
		abort();
	memset(u->core.config_mask, how & 16 ? 0x3c : 0, UNIT_CONFIG);
	if (kvpci_config_space_init(&f->cs, &u->desc, u->regions, 0x020000, 1))
		abort();
	memcpy(f->fixed, f->cs.value, sizeof(f->fixed));
}

unsigned long fuzz_run(const uint8_t *data, size_t size,
		       unsigned long reached[FUZZ_REACHES])
{
	struct fuzz *f = calloc(1, sizeof(*f));
	unsigned long steps;

	if (!f)
		abort();
	f->p = data;
	f->end = data + size;
	f->reached = reached;
	setup(f);
	while (f->p < f->end) {
		f->u.effect = kvpci_effect(KVPCI_EFFECT_NONE, 0);
		actions[take(f, 1) % ARRAY_SIZE(actions)](f);
		f->steps++;
		check(f);
	}
	steps = f->steps;
	unit_destroy(&f->u);
	free(f);
	return steps;
}

/* libFuzzer's entry; nothing else calls it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_run(data, size, NULL);
	return 0;
}
