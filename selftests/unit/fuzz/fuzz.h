/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the engine, its steps and its model share.
 *
 * Beside the core runs a small model: whether a backend is running, which
 * queues it owns and what it was told of them. The core may do what it likes
 * as long as the model's owner never sees a change.
 */
#ifndef KVPCI_FUZZ_H
#define KVPCI_FUZZ_H

#include <stdio.h>

#include "engine.h"
#include "unit.h"

#define REQUIRE(cond) do {						\
	if (!(cond)) {							\
		fprintf(stderr, "# fuzz: step %lu: not true: %s\n",	\
			f->steps, #cond);				\
		abort();						\
	}								\
} while (0)

/* All that effects are about: what must stay as it is where they say nothing. */
struct outlook {
	enum kvpci_verdict verdict[UNIT_QUEUES];
	struct kvpci_msg msg[UNIT_QUEUES];	/* of SEND */
	u16 vector[UNIT_QUEUES];
	u64 pending[KVPCI_MAX_VECTORS / 64];
	u64 sendable[KVPCI_MAX_VECTORS / 64];	/* of those, what may go out */
	bool intx, intx_status;
	bool has_event;
	u32 event_kind, event_queue;
};

struct fuzz {
	const u8 *p, *end;
	unsigned long steps;
	unsigned long *reached;
	struct unit u;
	struct kvpci_pci_config cs;
	u8 fixed[KVPCI_PCI_CONFIG_SIZE];	/* what cs began with */

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
	bool deferred[UNIT_QUEUES];	/* a message put off, in the queue's life */
	bool config_due;		/* a change waits for the driver's resume */
	struct outlook seen;		/* after the last call of the core */
};

/* What to do next comes from the input; behind its end there are zeros. */
u32 take(struct fuzz *f, unsigned int bytes);
/** take_value() - one that means something more often than chance would have it */
u64 take_value(struct fuzz *f);
/** reach() - count that a part of the core was reached */
void reach(struct fuzz *f, enum fuzz_reach what);

/** check_doorbell() - if the last access was one: does it make sense? */
void check_doorbell(struct fuzz *f);
/** check_model() - does all hold that must hold after every step? */
void check_model(struct fuzz *f);

/** look() - what a core would do now; leaves no traces in it */
void look(const struct kvpci_core *core, struct outlook *seen);
/** watch_from_now() - begin to watch the core */
void watch_from_now(struct fuzz *f);
/**
 * watch() - the core was called: has nothing changed but what its effect names?
 *
 * unit.c's functions call it; whoever calls the core itself does so, too.
 */
void watch(struct fuzz *f, struct kvpci_effect effect);

/** guest_access() - access a BAR, and check what it did */
void guest_access(struct fuzz *f, u32 bar, u32 offset, unsigned int length,
		  bool write, u64 value);

/* Steps of the guest, */
void guest_anywhere(struct fuzz *f);
void guest_common(struct fuzz *f);
void guest_status(struct fuzz *f);
void guest_driver(struct fuzz *f);
/* in configuration space, */
void config_space(struct fuzz *f);
void guest_window(struct fuzz *f);
/* and of the VMM. */
void vmm_event(struct fuzz *f);
void vmm_ack(struct fuzz *f);
void vmm_signal(struct fuzz *f);
void vmm_pending(struct fuzz *f);
void vmm_deferred(struct fuzz *f);
void vmm_config(struct fuzz *f);
void vmm_misc(struct fuzz *f);
void vmm_reset(struct fuzz *f);
void vmm_move(struct fuzz *f);
void vmm_hostile(struct fuzz *f);
/** try_hostile() - is a spoiled state refused, or taken, elsewhere? Uses no input up. */
void try_hostile(struct fuzz *f);

#endif /* KVPCI_FUZZ_H */
