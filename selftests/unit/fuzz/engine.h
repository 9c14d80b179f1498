/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Drives a register core with whatever bytes it is given, guest and VMM
 * both, and checks after each step what must hold whatever they do.
 */
#ifndef KVPCI_FUZZ_ENGINE_H
#define KVPCI_FUZZ_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which parts of the core a run has reached, so that a test can insist. */
enum fuzz_reach {
	FUZZ_START,		/* START read */
	FUZZ_START_GONE,	/* START seen, but taken back before it was read */
	FUZZ_STOP,		/* STOP acknowledged */
	FUZZ_QUEUE_START,	/* QUEUE_START read */
	FUZZ_QUEUE_STOP,	/* QUEUE_STOP acknowledged */
	FUZZ_CONFIG,		/* CONFIG read */
	FUZZ_FAILED,		/* FAILED read */
	FUZZ_KICK,		/* a doorbell passed on */
	FUZZ_NO_KICK,		/* a doorbell dropped */
	FUZZ_SEND,		/* a message sent at once */
	FUZZ_PEND,		/* a message kept pending */
	FUZZ_UNPEND,		/* a pending message sent later */
	FUZZ_INTX,		/* the line rose */
	FUZZ_DROP,		/* an interrupt with nowhere to go */
	FUZZ_REFUSED,		/* FEATURES_OK refused */
	FUZZ_GENERATION,	/* a changed generation read */
	FUZZ_DECODE,		/* a BAR began to answer */
	FUZZ_WINDOW,		/* an access through the window */
	FUZZ_FLR,		/* function level reset */
	FUZZ_WORD,		/* a doorbell's word kept (NOTIFICATION_DATA) */
	FUZZ_NOTIF_DATA,	/* a queue named by its queue_notif_config_data */
	FUZZ_SUSPEND,		/* SUSPEND acknowledged */
	FUZZ_RESUME,		/* RESUME read */
	FUZZ_ADMIN,		/* an administration virtqueue kicked */
	FUZZ_DEFERRED,		/* a message put off, and decided on again */
	FUZZ_DEFERRED_GONE,	/* a message put off, and its queue reset */
	FUZZ_SILENT,		/* nothing is sent, and SUSPEND does not show yet */
	FUZZ_CONFIG_SENT,	/* a configuration change notified at once */
	FUZZ_CONFIG_LATER,	/* one that waited for the driver's resume */
	FUZZ_D3HOT,		/* a function powered down */
	FUZZ_RESET,		/* the VMM's reset of a running device */
	FUZZ_SAME,		/* a signal whose answer had to stay, and did */
	FUZZ_MOVED,		/* saved, and restored into a fresh core */
	FUZZ_MOVED_DEFERRED,	/* the same with a message put off */
	FUZZ_STATE_REFUSED,	/* a spoiled state refused */
	FUZZ_STATE_TAKEN,	/* a spoiled state that a device can be in */
	FUZZ_REACHES
};

extern const char *const fuzz_reach_names[FUZZ_REACHES];

/**
 * fuzz_run() - feed bytes to a fresh device until they are used up
 * @data: the bytes
 * @size: how many
 * @reached: counters to add to, or NULL
 * @hostile: after each step, try to restore a spoiled state elsewhere
 *
 * Aborts, saying why, when an invariant does not hold.
 *
 * Return: the number of steps made.
 */
unsigned long fuzz_run(const uint8_t *data, size_t size,
		       unsigned long reached[FUZZ_REACHES], bool hostile);

#endif /* KVPCI_FUZZ_ENGINE_H */
