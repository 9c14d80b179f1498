// SPDX-License-Identifier: GPL-2.0-only
/*
 * Feature negotiation (2.2): which choices of the driver are acceptable.
 */
#include "internal.h"

static bool has_feature(const u32 *features, unsigned int bit)
{
	return features[bit / 32] & BIT(bit % 32);
}

static bool dep_is_met(const u32 *features, const struct kvpci_feature_dep *dep)
{
	unsigned int i;

	if (!has_feature(features, dep->feature))
		return true;
	for (i = 0; i < KVPCI_FEATURE_WORDS; i++)
		if (features[i] & (dep->any_of[i / 2] >> (i % 2 * 32)))
			return true;
	return false;
}

/* R43: a subset of what is offered, with VERSION_1, each with what it needs. */
bool kvpci_features_acceptable(const struct kvpci_core *core, const u32 *features)
{
	unsigned int i;

	for (i = 0; i < KVPCI_FEATURE_WORDS; i++)
		if (features[i] & ~core->features[i])
			return false;
	for (i = 0; i < core->num_deps; i++)
		if (!dep_is_met(features, &core->deps[i]))
			return false;
	return has_feature(features, VIRTIO_F_VERSION_1);
}

/* Are the driver's features these, by 64 bits? */
static bool features_are(const struct kvpci_core *core, const __u64 features[2])
{
	unsigned int i;

	for (i = 0; i < KVPCI_FEATURE_WORDS; i++)
		if (core->driver_features[i] != (u32)(features[i / 2] >> (i % 2 * 32)))
			return false;
	return true;
}

int kvpci_core_features_ok(struct kvpci_core *core,
			   const struct kvpci_device_features_ok *ok,
			   struct kvpci_effect *effect)
{
	*effect = kvpci_no_effect();
	if (ok->flags || ok->__reserved || ok->status > 255 ||
	    !(ok->status & VIRTIO_CONFIG_S_FEATURES_OK) ||
	    !(core->exits & KVPCI_DEVICE_EXIT_FEATURES))
		return -EINVAL;
	if (!features_are(core, ok->driver_features))
		return -EAGAIN;
	*effect = kvpci_status_write(core, ok->status);
	return 0;
}
