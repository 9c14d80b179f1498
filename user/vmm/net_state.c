// SPDX-License-Identifier: GPL-2.0-only
/*
 * The section of a network card.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <kvpci/kvpci.h>

#include "net_state.h"
#include "report.h"
#include "snapshot.h"

static size_t size_of(unsigned int pairs)
{
	return offsetof(struct net_state, queues) +
		net_state_queues(pairs) * sizeof(struct net_queue_state);
}

void net_state_save(const struct net_state *state, struct snapshot_writer *w,
		    uint32_t index)
{
	snapshot_put(w, SNAPSHOT_NET, index, state, size_of(state->pairs));
}

int net_state_read(struct net_state *state, struct snapshot *s, uint32_t index)
{
	unsigned int i;
	int err;

	memset(state, 0, sizeof(*state));
	err = snapshot_read(s, SNAPSHOT_NET, index, 0, state,
			    offsetof(struct net_state, queues));
	if (err)
		return err;
	if (state->layout & ~(LIBKVPCI_LAYOUT_MEMORY | LIBKVPCI_LAYOUT_FAST_MMIO))
		return snapshot_refuse(s, SNAPSHOT_NET, index,
				       "no card has layout %#x", state->layout);
	if (!state->pairs || state->pairs > NET_MAX_PAIRS ||
	    state->used > state->pairs || !state->attached ||
	    state->attached > state->pairs)
		return snapshot_refuse(s, SNAPSHOT_NET, index,
				       "it has %u queue pairs, %u in use, %u attached, which cannot be",
				       state->pairs, state->used, state->attached);
	err = snapshot_get(s, SNAPSHOT_NET, index, state, size_of(state->pairs));
	for (i = 0; !err && i < net_state_queues(state->pairs); i++)
		if (state->queues[i].running > 1)
			err = snapshot_refuse(s, SNAPSHOT_NET, index,
					      "queue %u neither runs nor rests", i);
	return err;
}

static const char *layout_name(unsigned int layout)
{
	return layout & LIBKVPCI_LAYOUT_MEMORY ? "memory" :
		layout & LIBKVPCI_LAYOUT_FAST_MMIO ? "fast-mmio" : "io";
}

int net_state_fit(struct net_options *options, struct snapshot *s, uint32_t index)
{
	static const uint8_t open[OPTIONS_MAC_SIZE];
	struct net_state state;
	const uint8_t *m = state.mac;
	int err;

	err = net_state_read(&state, s, index);
	if (err)
		return err;
	if (options->queues != state.pairs) {
		report("--restore: card %u of '%s' has queues=%u, and --net tap=%s has queues=%u; give it queues=%u",
		       index + 1, s->path, state.pairs, options->tap,
		       options->queues, state.pairs);
		return -EINVAL;
	}
	if (options->layout == OPTIONS_LAYOUT_HOST)
		options->layout = state.layout;
	if (options->layout != state.layout) {
		report("--restore: card %u of '%s' has layout=%s, and --net tap=%s another one; leave it out",
		       index + 1, s->path, layout_name(state.layout), options->tap);
		return -EINVAL;
	}
	if (!memcmp(options->mac, open, sizeof(open)))
		memcpy(options->mac, m, sizeof(options->mac));
	if (memcmp(options->mac, m, sizeof(options->mac))) {
		report("--restore: card %u of '%s' has mac=%02x:%02x:%02x:%02x:%02x:%02x, and --net tap=%s another one; leave it out",
		       index + 1, s->path, m[0], m[1], m[2], m[3], m[4], m[5],
		       options->tap);
		return -EINVAL;
	}
	return 0;
}
