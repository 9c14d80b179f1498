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
};

/* What to do next comes from the input; behind its end there are zeros. */
u32 take(struct fuzz *f, unsigned int bytes);
/** take_value() - one that means something more often than chance would have it */
u64 take_value(struct fuzz *f);
/** reach() - count that a part of the core was reached */
void reach(struct fuzz *f, enum fuzz_reach what);

/** check_effect() - of the last access: does it make sense? */
void check_effect(struct fuzz *f);
/** check_model() - does all hold that must hold after every step? */
void check_model(struct fuzz *f);

/** guest_access() - access a BAR, and check the effect */
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
void launcher_event(struct fuzz *f);
void launcher_ack(struct fuzz *f);
void launcher_signal(struct fuzz *f);
void launcher_pending(struct fuzz *f);
void launcher_config(struct fuzz *f);
void launcher_misc(struct fuzz *f);

#endif /* KVPCI_FUZZ_H */
