// SPDX-License-Identifier: GPL-2.0-only
/* What must hold after every step, whatever guest and VMM do. */
#include "fuzz.h"

/* watch() has looked at the effect; this is what a doorbell means. */
void check_doorbell(struct fuzz *f)
{
	const struct kvpci_core *core = &f->u.core;
	u32 q = f->u.rung;

	switch (f->u.doorbell) {
	case KVPCI_DOORBELL_KICK:
		if (q >= (u32)UNIT_QUEUES - core->num_admin_queues) {
			REQUIRE(kvpci_core_has_driver_feature(core, F_ADMIN_VQ));
			reach(f, FUZZ_ADMIN);
		}
		REQUIRE(q < core->num_queues);
		REQUIRE(core->queues[q].size_max);
		REQUIRE(core->queues[q].enable == 1);
		reach(f, FUZZ_KICK);
		break;
	case KVPCI_DOORBELL_DROP:
		reach(f, FUZZ_NO_KICK);
		break;
	case KVPCI_DOORBELL_OTHER:
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
		REQUIRE(!memcmp(core->device_config, f->config, sizeof(f->config)));
	else
		memcpy(f->config, core->device_config, sizeof(f->config));
}

void check_model(struct fuzz *f)
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
