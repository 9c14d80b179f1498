// SPDX-License-Identifier: GPL-2.0-only
/*
 * libkvpci's default layout: whatever is asked for within the limits, the
 * register core accepts it and its capabilities fit.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <kvpci/kvpci.h>

#include "../../kmod/core/pci_config.h"
#include "../../kmod/core/core.h"
#include "kselftest_harness.h"

static const uint32_t queues[] = { 1, 2, 3, 64, 129, 513, KVPCI_MAX_QUEUES };

static const uint32_t vectors[] = { 0, 1, 2, 3, 64, 65, 1025, KVPCI_MAX_VECTORS };

static const uint32_t configs[] = {
	0, 1, 12, 60, 184, 185, 188, 189, 256, KVPCI_MAX_DEVICE_CONFIG,
};

static const unsigned int flags[] = {
	0, LIBKVPCI_LAYOUT_MEMORY, LIBKVPCI_LAYOUT_MEM32,
	LIBKVPCI_LAYOUT_MEMORY | LIBKVPCI_LAYOUT_MEM32,
	LIBKVPCI_LAYOUT_FAST_MMIO, LIBKVPCI_LAYOUT_FAST_MMIO | LIBKVPCI_LAYOUT_MEM32,
	LIBKVPCI_LAYOUT_FAST_MMIO | LIBKVPCI_LAYOUT_MEMORY,
};

static int try(uint32_t q, uint32_t v, uint32_t c, unsigned int f)
{
	static struct kvpci_pci_config cs;
	static uint16_t sizes[KVPCI_MAX_QUEUES];
	struct kvpci_region regions[KVPCI_MAX_REGIONS];
	const struct kvpci_arrays arrays = {
		.regions = regions,
		.queue_sizes = sizes,
	};
	struct kvpci_device_create desc = {
		.size = sizeof(desc),
		.virtio_id = 1,
		.num_queues = q,
		.num_vectors = v,
		.device_config_size = c,
		.features = { 1ULL << VIRTIO_F_VERSION_1 },
		.name = "test",
	};
	int err;

	for (err = 0; err < KVPCI_MAX_QUEUES; err++)
		sizes[err] = 256;
	err = libkvpci_default_layout(&desc, regions, f);
	if (!err)
		err = kvpci_core_check(&desc, &arrays);
	memset(&cs, 0, sizeof(cs));
	if (!err)
		err = kvpci_pci_config_init(&cs, &desc, regions, 0x020000, 1);
	/* Best first: a driver takes the first it can use. */
	if (!err && (regions[0].type != KVPCI_REGION_COMMON ||
		     desc.bars[regions[0].bar].kind !=
		     (f & LIBKVPCI_LAYOUT_MEMORY ?
		      f & LIBKVPCI_LAYOUT_MEM32 ? KVPCI_BAR_MEM32 :
		      KVPCI_BAR_MEM64 : KVPCI_BAR_IO)))
		err = -EPROTO;
	return err;
}

TEST(accepted)
{
	size_t q, v, c, f;

	for (q = 0; q < ARRAY_SIZE(queues); q++)
		for (v = 0; v < ARRAY_SIZE(vectors); v++)
			for (c = 0; c < ARRAY_SIZE(configs); c++)
				for (f = 0; f < ARRAY_SIZE(flags); f++)
					EXPECT_EQ(0, try(queues[q], vectors[v],
							 configs[c], flags[f])) {
						TH_LOG("%u queues, %u vectors, %u bytes, flags %u",
						       queues[q], vectors[v],
						       configs[c], flags[f]);
					}
}

/* Where a driver that takes the first place finds the doorbells. */
TEST(doorbells)
{
	static const struct {
		unsigned int flags;
		uint64_t features;
		uint32_t kind;
		uint32_t multiplier;
	} rows[] = {
		{ 0, 0, KVPCI_BAR_IO, 0 },
		{ LIBKVPCI_LAYOUT_FAST_MMIO, 0, KVPCI_BAR_MEM64, 4 },
		{ LIBKVPCI_LAYOUT_FAST_MMIO, 1ULL << 38, KVPCI_BAR_IO, 0 },
		{ LIBKVPCI_LAYOUT_MEMORY, 0, KVPCI_BAR_MEM64, 4 },
	};
	struct kvpci_region regions[KVPCI_MAX_REGIONS];
	unsigned int i, r;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct kvpci_device_create desc = {
			.num_queues = 2, .num_vectors = 3, .device_config_size = 12,
			.features = { rows[i].features },
		};

		ASSERT_EQ(0, libkvpci_default_layout(&desc, regions,
						     rows[i].flags));
		for (r = 0; regions[r].type != KVPCI_REGION_NOTIFY; r++)
			ASSERT_LT(r, desc.num_regions);
		EXPECT_EQ(rows[i].kind, desc.bars[regions[r].bar].kind) {
			TH_LOG("row %u", i);
		}
		EXPECT_EQ(rows[i].multiplier, regions[r].multiplier) {
			TH_LOG("row %u", i);
		}
	}
}

TEST(err_refused)
{
	EXPECT_EQ(-EINVAL, try(0, 2, 0, 0));
	EXPECT_EQ(-EINVAL, try(KVPCI_MAX_QUEUES + 1, 2, 0, 0));
	EXPECT_EQ(-EINVAL, try(1, KVPCI_MAX_VECTORS + 1, 0, 0));
	EXPECT_EQ(-EINVAL, try(1, 2, KVPCI_MAX_DEVICE_CONFIG + 1, 0));
	EXPECT_EQ(-EINVAL, try(1, 2, 0, 1U << 31));
}

TEST_HARNESS_MAIN
