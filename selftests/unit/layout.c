// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which descriptions KVPCI_DEVICE_CREATE takes, which errno the others get,
 * and how the core finds the region of an access.
 */
#include "unit.h"
#include "kselftest_harness.h"

#define EDIT(name, ...) \
	static void name(struct unit *u) { __VA_ARGS__; }

#define REGION(type)	unit_find_region(u, KVPCI_REGION_##type)

/* Edits of the default description that leave it sound. */
EDIT(as_is, (void)u)
EDIT(id_max, u->desc.virtio_id = 63)
EDIT(one_queue, u->desc.num_queues = 1)
EDIT(no_queue_exists, memset(u->sizes, 0, sizeof(u->sizes)))
EDIT(one_vector, u->desc.num_vectors = 1)
EDIT(two_vectors, u->desc.num_vectors = 2)
EDIT(no_msix,
	u->desc.num_vectors = 0;
	unit_drop_region(u, KVPCI_REGION_MSIX_TABLE);
	unit_drop_region(u, KVPCI_REGION_MSIX_PBA))
EDIT(most_vectors,
	u->desc.num_vectors = KVPCI_MAX_VECTORS;
	REGION(MSIX_TABLE)->length = 16 * KVPCI_MAX_VECTORS;
	REGION(MSIX_PBA)->length = KVPCI_MAX_VECTORS / 8)
EDIT(most_queues,
	u->desc.num_queues = KVPCI_MAX_QUEUES;
	u->sizes[KVPCI_MAX_QUEUES - 1] = 1)
EDIT(no_config,
	u->desc.device_config_size = 0;
	unit_drop_region(u, KVPCI_REGION_DEVICE))
EDIT(most_config,
	u->desc.device_config_size = KVPCI_MAX_DEVICE_CONFIG;
	unit_drop_region(u, KVPCI_REGION_DEVICE);
	unit_add_region(u, (struct kvpci_region){
		KVPCI_REGION_DEVICE, UNIT_BAR_MEM, 0x2000, 0x1000, 0, 0 }))
EDIT(io_largest, u->desc.bars[UNIT_BAR_IO].size = 256)
EDIT(io_smallest,
	u->desc.bars[5] = (struct kvpci_bar){ KVPCI_BAR_IO, 4 };
	unit_add_region(u, (struct kvpci_region){
		KVPCI_REGION_ISR, 5, 0, 4, 0, 0 }))
EDIT(mem_smallest, u->desc.bars[4] =
	((struct kvpci_bar){ KVPCI_BAR_MEM32, 4096 }))
EDIT(mem_largest, u->desc.bars[4] =
	((struct kvpci_bar){ KVPCI_BAR_MEM64, 1U << 30 }))
EDIT(common_without_reset,
	unit_withdraw(u, F_RING_RESET);
	REGION(COMMON)->length = 56)
EDIT(common_with_reset, REGION(COMMON)->length = 60)
EDIT(region_ends_with_bar,
	REGION(MSIX_PBA)->offset = 0x10000 - 16)
EDIT(doorbells_just_fit,
	unit_drop_region(u, KVPCI_REGION_NOTIFY);
	unit_add_region(u, (struct kvpci_region){ KVPCI_REGION_NOTIFY,
		UNIT_BAR_MEM, 0x1000, 4 * (UNIT_QUEUES - 1) + 2, 4, 0 }))
EDIT(multiplier_two, REGION(NOTIFY)->multiplier = 0;
	u->regions[7].multiplier = 2)
EDIT(notification_data, unit_offer(u, F_NOTIFICATION_DATA))
EDIT(words_just_fit,
	notification_data(u);
	unit_drop_region(u, KVPCI_REGION_NOTIFY);
	unit_add_region(u, (struct kvpci_region){ KVPCI_REGION_NOTIFY,
		UNIT_BAR_MEM, 0x1000, 4 * UNIT_QUEUES, 4, 0 }))
EDIT(notif_config_data, unit_offer(u, F_NOTIF_CONFIG_DATA))
EDIT(notif_data_given, notif_config_data(u); unit_identify(u))
EDIT(notif_data_largest,
	notif_data_given(u);
	u->notif_data[0] = KVPCI_MAX_NOTIF_DATA)
EDIT(common_with_notif_data,
	notif_config_data(u);
	unit_withdraw(u, F_RING_RESET);
	REGION(COMMON)->length = 58)
EDIT(admin_vq,
	unit_offer(u, F_ADMIN_VQ);
	u->desc.num_admin_queues = 1)
EDIT(admin_most, admin_vq(u); u->desc.num_admin_queues = UNIT_QUEUES - 1)
EDIT(common_with_admin, admin_vq(u); REGION(COMMON)->length = 64)
EDIT(suspend, unit_offer(u, F_SUSPEND))
EDIT(deps_met,
	unit_need(u, 5, BIT_ULL(0), 0);
	unit_need(u, 127, 0, 1))
EDIT(dep_met_by_one, unit_need(u, 5, BIT_ULL(2) | BIT_ULL(29), BIT_ULL(9)))
EDIT(dep_met_high, unit_need(u, 100, 0, BIT_ULL(1)))
EDIT(deps_most,
	for (u32 i = 0; i < KVPCI_MAX_FEATURE_DEPS; i++)
		unit_need(u, i, 1, 0))
EDIT(most_regions,
	for (u32 i = u->desc.num_regions; i < KVPCI_MAX_REGIONS; i++)
		unit_add_region(u, (struct kvpci_region){ KVPCI_REGION_ISR,
			UNIT_BAR_MEM, 0x3000 + 4 * i, 4, 0, 0 }))
EDIT(regions_touch,
	unit_add_region(u, (struct kvpci_region){ KVPCI_REGION_ISR,
		UNIT_BAR_MEM, 0x40, 4, 0, 0 }))

static void shm(struct unit *u, u32 offset, u32 length, u32 id)
{
	unit_add_region(u, (struct kvpci_region){
		KVPCI_REGION_SHM, UNIT_BAR_MEM, offset, length, 0, id });
}

EDIT(shm_one, shm(u, 0x2000, 0x1000, 255))
EDIT(shm_two, shm(u, 0x2000, 0x1000, 0); shm(u, 0x3000, 0x1000, 1))

/* Edits that make it unsound. */
EDIT(shm_same_id, shm(u, 0x2000, 0x1000, 7); shm(u, 0x3000, 0x1000, 7))
EDIT(shm_large_id, shm(u, 0x2000, 0x1000, 256))
EDIT(shm_misaligned, shm(u, 0x2800, 0x1000, 0))
EDIT(shm_odd, shm(u, 0x2000, 0x1800, 0))
EDIT(shm_empty, shm(u, 0x2000, 0, 0))
EDIT(shm_outside, shm(u, 0x3000, 0x2000, 0))
EDIT(shm_over, shm(u, 0x1000, 0x1000, 0))
EDIT(shm_io, shm(u, 0, 0x1000, 0);
	u->regions[u->desc.num_regions - 1].bar = UNIT_BAR_IO)
EDIT(id_zero, u->desc.virtio_id = 0)
EDIT(id_large, u->desc.virtio_id = 64)
EDIT(queues_zero, u->desc.num_queues = 0)
EDIT(queues_many, u->desc.num_queues = KVPCI_MAX_QUEUES + 1)
EDIT(vectors_many,
	u->desc.num_vectors = KVPCI_MAX_VECTORS + 1;
	REGION(MSIX_TABLE)->length = 16 * (KVPCI_MAX_VECTORS + 1);
	REGION(MSIX_PBA)->offset = 0xa000;
	REGION(MSIX_PBA)->length = 512)
EDIT(config_large,
	u->desc.device_config_size = KVPCI_MAX_DEVICE_CONFIG + 1;
	unit_drop_region(u, KVPCI_REGION_DEVICE);
	unit_add_region(u, (struct kvpci_region){
		KVPCI_REGION_DEVICE, UNIT_BAR_MEM, 0x2000, 0x2000, 0, 0 }))
EDIT(regions_zero, u->desc.num_regions = 0)
EDIT(regions_many, u->desc.num_regions = KVPCI_MAX_REGIONS + 1)
EDIT(size_odd, u->sizes[1] = 100)
EDIT(size_large, u->sizes[UNIT_QUEUES - 1] = 65535)
EDIT(no_version_1, unit_withdraw(u, F_VERSION_1))
EDIT(bar_kind, u->desc.bars[4] = ((struct kvpci_bar){ 4, 4096 }))
EDIT(bar_none_size, u->desc.bars[4].size = 4096)
EDIT(bar_after_64, u->desc.bars[3] =
	((struct kvpci_bar){ KVPCI_BAR_MEM32, 4096 }))
EDIT(bar_64_last, u->desc.bars[5] =
	((struct kvpci_bar){ KVPCI_BAR_MEM64, 4096 }))
EDIT(io_small, u->desc.bars[5] = ((struct kvpci_bar){ KVPCI_BAR_IO, 2 }))
EDIT(io_large, u->desc.bars[5] = ((struct kvpci_bar){ KVPCI_BAR_IO, 512 }))
EDIT(io_odd, u->desc.bars[5] = ((struct kvpci_bar){ KVPCI_BAR_IO, 24 }))
EDIT(mem_small, u->desc.bars[5] = ((struct kvpci_bar){ KVPCI_BAR_MEM32, 2048 }))
EDIT(mem_large, u->desc.bars[4] =
	((struct kvpci_bar){ KVPCI_BAR_MEM64, 1U << 31 }))
EDIT(mem_odd, u->desc.bars[5] = ((struct kvpci_bar){ KVPCI_BAR_MEM32, 12288 }))
EDIT(mem_zero, u->desc.bars[5] = ((struct kvpci_bar){ KVPCI_BAR_MEM32, 0 }))
EDIT(type_zero, REGION(ISR)->type = 0)
EDIT(type_large, REGION(ISR)->type = KVPCI_REGION_SHM + 1)
EDIT(type_huge, REGION(ISR)->type = ~0U)
EDIT(region_reserved, REGION(ISR)->id = 1)
EDIT(common_misaligned, u->regions[4].offset = 2)
EDIT(isr_misaligned, u->regions[5].offset = 0x101)
EDIT(device_misaligned, u->regions[6].offset = 0x202)
EDIT(doorbells_misaligned, u->regions[7].offset = 0x1002)
EDIT(table_misaligned, REGION(MSIX_TABLE)->offset = 4)
EDIT(pba_misaligned, REGION(MSIX_PBA)->offset = 0x8004)
EDIT(common_short, REGION(COMMON)->length = 56)
EDIT(common_shorter,
	unit_withdraw(u, F_RING_RESET);
	REGION(COMMON)->length = 52)
EDIT(isr_empty, REGION(ISR)->length = 0)
EDIT(device_short, REGION(DEVICE)->length = UNIT_CONFIG - 1)
EDIT(table_short, REGION(MSIX_TABLE)->length -= 1)
EDIT(pba_short, REGION(MSIX_PBA)->length = 8)
EDIT(doorbells_short, u->regions[7].length = 4 * (UNIT_QUEUES - 1) + 1)
EDIT(doorbell_short, REGION(NOTIFY)->length = 1)
EDIT(words_short,
	notification_data(u);
	u->regions[7].length = 4 * UNIT_QUEUES - 1)
EDIT(word_short, notification_data(u); REGION(NOTIFY)->length = 3)
EDIT(multiplier_two_words,
	notification_data(u);
	u->regions[7].multiplier = 2)
EDIT(words_misaligned, notification_data(u); u->regions[7].offset = 0x1002)
EDIT(common_no_notif_data,
	notif_config_data(u);
	unit_withdraw(u, F_RING_RESET);
	REGION(COMMON)->length = 57)
EDIT(notif_data_unasked, unit_identify(u))
EDIT(notif_data_large,
	notif_data_given(u);
	u->notif_data[UNIT_QUEUES - 1] = KVPCI_MAX_NOTIF_DATA + 1)
EDIT(notif_data_twice,
	notif_data_given(u);
	u->notif_data[0] = u->notif_data[UNIT_QUEUES - 1])
EDIT(admin_none, unit_offer(u, F_ADMIN_VQ))
EDIT(admin_only, admin_vq(u); u->desc.num_admin_queues = UNIT_QUEUES)
EDIT(admin_huge, admin_vq(u); u->desc.num_admin_queues = ~0U)
EDIT(admin_unasked, u->desc.num_admin_queues = 1)
EDIT(common_no_admin, admin_vq(u); REGION(COMMON)->length = 62)
EDIT(deps_many,
	deps_most(u);
	u->desc.num_feature_deps++)
EDIT(deps_huge, u->desc.num_feature_deps = ~0U)
EDIT(dep_beyond, unit_need(u, 128, 1, 0))
EDIT(dep_of_nothing, unit_need(u, 5, 0, 0))
EDIT(dep_reserved, unit_need(u, 5, 1, 0); u->deps[0].__reserved = 1)
EDIT(dep_not_offered, unit_need(u, 5, BIT_ULL(2), 0))
EDIT(dep_not_offered_high, unit_need(u, 100, BIT_ULL(2), BIT_ULL(2)))
EDIT(multiplier_one, u->regions[7].multiplier = 1)
EDIT(multiplier_odd, u->regions[7].multiplier = 6)
EDIT(multiplier_huge, u->regions[7].multiplier = 1U << 31)
EDIT(multiplier_elsewhere, REGION(ISR)->multiplier = 4)
EDIT(bar_absent, REGION(ISR)->bar = 4)
EDIT(bar_upper_half, REGION(ISR)->bar = 3)
EDIT(bar_beyond, REGION(ISR)->bar = KVPCI_NUM_BARS)
EDIT(bar_huge, REGION(ISR)->bar = ~0U)
EDIT(past_bar, REGION(ISR)->offset = 128)
EDIT(across_bar_end, u->regions[6].offset = 0x4000 - UNIT_CONFIG + 4)
EDIT(offset_wraps, u->regions[6].offset = 0xfffffffc)
EDIT(length_wraps, u->regions[7].length = 0xfffff000)
EDIT(overlap, u->regions[5].offset = 0x3c)
EDIT(overlap_inside, u->regions[5].offset = 0x1200)
EDIT(overlap_same, u->regions[5].offset = 0)
EDIT(overlap_last_byte,
	u->regions[0].length = 0x41)
EDIT(two_tables,
	unit_add_region(u, (struct kvpci_region){ KVPCI_REGION_MSIX_TABLE,
		UNIT_BAR_MSIX, 0x4000, 16 * UNIT_VECTORS, 0, 0 }))
EDIT(two_pbas,
	unit_add_region(u, (struct kvpci_region){ KVPCI_REGION_MSIX_PBA,
		UNIT_BAR_MSIX, 0x9000, 16, 0, 0 }))
EDIT(table_in_io,
	u->desc.num_vectors = 2;
	u->desc.bars[5] = ((struct kvpci_bar){ KVPCI_BAR_IO, 256 });
	REGION(MSIX_TABLE)->bar = 5;
	REGION(MSIX_TABLE)->length = 32)
EDIT(pba_in_io,
	u->desc.bars[5] = ((struct kvpci_bar){ KVPCI_BAR_IO, 256 });
	REGION(MSIX_PBA)->bar = 5;
	REGION(MSIX_PBA)->offset = 0)
EDIT(msix_without_vectors, u->desc.num_vectors = 0)
EDIT(no_common, unit_drop_region(u, KVPCI_REGION_COMMON))
EDIT(no_doorbells, unit_drop_region(u, KVPCI_REGION_NOTIFY))
EDIT(no_isr, unit_drop_region(u, KVPCI_REGION_ISR))
EDIT(no_device, unit_drop_region(u, KVPCI_REGION_DEVICE))
EDIT(no_table, unit_drop_region(u, KVPCI_REGION_MSIX_TABLE))
EDIT(no_pba, unit_drop_region(u, KVPCI_REGION_MSIX_PBA))
EDIT(sr_iov, unit_offer(u, 37))
EDIT(reserved_feature_first, unit_offer(u, 44))
EDIT(reserved_feature_last, unit_offer(u, 49))

static const struct {
	const char *name;
	void (*edit)(struct unit *u);
	int expect;
} checks[] = {
#define ROW(edit, expect) { #edit, edit, expect }
	ROW(as_is, 0), ROW(id_max, 0), ROW(one_queue, 0),
	ROW(no_queue_exists, 0), ROW(two_vectors, 0), ROW(no_msix, 0),
	ROW(one_vector, 0),
	ROW(most_vectors, 0), ROW(most_queues, 0), ROW(no_config, 0),
	ROW(most_config, 0), ROW(io_largest, 0), ROW(io_smallest, 0),
	ROW(mem_smallest, 0), ROW(mem_largest, 0),
	ROW(common_without_reset, 0), ROW(common_with_reset, 0),
	ROW(region_ends_with_bar, 0), ROW(doorbells_just_fit, 0),
	ROW(multiplier_two, 0), ROW(most_regions, 0), ROW(regions_touch, 0),
	ROW(notification_data, 0), ROW(words_just_fit, 0),
	ROW(notif_config_data, 0), ROW(notif_data_given, 0),
	ROW(notif_data_largest, 0), ROW(common_with_notif_data, 0),
	ROW(deps_met, 0), ROW(dep_met_by_one, 0), ROW(dep_met_high, 0),
	ROW(deps_most, 0), ROW(suspend, 0),
	ROW(admin_vq, 0), ROW(admin_most, 0), ROW(common_with_admin, 0),
	ROW(shm_one, 0), ROW(shm_two, 0),

	ROW(id_zero, -EINVAL), ROW(id_large, -EINVAL),
	ROW(queues_zero, -EINVAL), ROW(queues_many, -EINVAL),
	ROW(vectors_many, -EINVAL),
	ROW(config_large, -EINVAL), ROW(regions_zero, -EINVAL),
	ROW(regions_many, -EINVAL), ROW(size_odd, -EINVAL),
	ROW(size_large, -EINVAL), ROW(no_version_1, -EINVAL),
	ROW(bar_kind, -EINVAL), ROW(bar_none_size, -EINVAL),
	ROW(bar_after_64, -EINVAL), ROW(bar_64_last, -EINVAL),
	ROW(io_small, -EINVAL), ROW(io_large, -EINVAL), ROW(io_odd, -EINVAL),
	ROW(mem_small, -EINVAL), ROW(mem_large, -EINVAL),
	ROW(mem_odd, -EINVAL), ROW(mem_zero, -EINVAL),
	ROW(type_zero, -EINVAL), ROW(type_large, -EINVAL),
	ROW(type_huge, -EINVAL), ROW(region_reserved, -EINVAL),
	ROW(common_misaligned, -EINVAL), ROW(isr_misaligned, -EINVAL),
	ROW(device_misaligned, -EINVAL), ROW(doorbells_misaligned, -EINVAL),
	ROW(table_misaligned, -EINVAL), ROW(pba_misaligned, -EINVAL),
	ROW(common_short, -EINVAL), ROW(common_shorter, -EINVAL),
	ROW(isr_empty, -EINVAL), ROW(device_short, -EINVAL),
	ROW(table_short, -EINVAL), ROW(pba_short, -EINVAL),
	ROW(doorbells_short, -EINVAL), ROW(doorbell_short, -EINVAL),
	ROW(words_short, -EINVAL), ROW(word_short, -EINVAL),
	ROW(multiplier_two_words, -EINVAL), ROW(words_misaligned, -EINVAL),
	ROW(common_no_notif_data, -EINVAL), ROW(notif_data_unasked, -EINVAL),
	ROW(notif_data_large, -EINVAL), ROW(notif_data_twice, -EEXIST),
	ROW(admin_none, -EINVAL), ROW(admin_only, -EINVAL),
	ROW(admin_huge, -EINVAL), ROW(admin_unasked, -EINVAL),
	ROW(common_no_admin, -EINVAL),
	ROW(deps_many, -EINVAL), ROW(deps_huge, -EINVAL),
	ROW(dep_beyond, -EINVAL), ROW(dep_of_nothing, -EINVAL),
	ROW(dep_reserved, -EINVAL), ROW(dep_not_offered, -ENODATA),
	ROW(dep_not_offered_high, -ENODATA),
	ROW(multiplier_one, -EINVAL), ROW(multiplier_odd, -EINVAL),
	ROW(multiplier_huge, -EINVAL), ROW(multiplier_elsewhere, -EINVAL),
	ROW(bar_absent, -ENXIO), ROW(bar_upper_half, -ENXIO),
	ROW(bar_beyond, -ENXIO), ROW(bar_huge, -ENXIO),
	ROW(past_bar, -ERANGE), ROW(across_bar_end, -ERANGE),
	ROW(offset_wraps, -ERANGE), ROW(length_wraps, -ERANGE),
	ROW(overlap, -EEXIST), ROW(overlap_inside, -EEXIST),
	ROW(overlap_same, -EEXIST), ROW(overlap_last_byte, -EEXIST),
	ROW(two_tables, -EEXIST), ROW(two_pbas, -EEXIST),
	ROW(table_in_io, -EINVAL), ROW(pba_in_io, -EINVAL),
	ROW(msix_without_vectors, -EINVAL),
	ROW(no_common, -ENODATA), ROW(no_doorbells, -ENODATA),
	ROW(no_isr, -ENODATA), ROW(no_device, -ENODATA),
	ROW(no_table, -ENODATA), ROW(no_pba, -ENODATA),
	ROW(shm_same_id, -EEXIST), ROW(shm_large_id, -EINVAL),
	ROW(shm_misaligned, -EINVAL), ROW(shm_odd, -EINVAL),
	ROW(shm_empty, -EINVAL), ROW(shm_outside, -ERANGE),
	ROW(shm_over, -EEXIST), ROW(shm_io, -EINVAL),
	ROW(sr_iov, -EOPNOTSUPP),
	ROW(reserved_feature_first, -EOPNOTSUPP),
	ROW(reserved_feature_last, -EOPNOTSUPP),
#undef ROW
};

TEST(check_errno)
{
	struct unit u;

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		int ret;

		unit_describe(&u);
		checks[i].edit(&u);
		ret = unit_check(&u);
		EXPECT_EQ(checks[i].expect, ret)
			TH_LOG("row '%s'", checks[i].name);
	}
}

/* Every sound description makes a core that survives a walk over its BARs. */
TEST(sound_ones_work)
{
	struct unit u;

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		if (checks[i].expect)
			continue;
		unit_describe(&u);
		checks[i].edit(&u);
		ASSERT_EQ(0, unit_create(&u));
		for (unsigned int bar = 0; bar < KVPCI_NUM_BARS; bar++) {
			u32 size = u.core.bars[bar].size;

			for (u32 at = 0; at < size && at < 0x11000; at += 4)
				unit_bar_read(&u, bar, at, 4);
		}
		unit_start(&u);
		EXPECT_EQ(ST_RUNNING, cc_read(&u, CC_STATUS))
			TH_LOG("row '%s'", checks[i].name);
		unit_destroy(&u);
	}
}

FIXTURE(layout) {
	struct unit u;
};

FIXTURE_SETUP(layout)
{
	ASSERT_EQ(0, unit_default(&self->u));
}

FIXTURE_TEARDOWN(layout)
{
	unit_destroy(&self->u);
}

TEST_F(layout, find)
{
	static const struct {
		u32 bar, offset, length;
		u32 type;	/* 0: nothing there */
	} rows[] = {
		{ UNIT_BAR_IO, 0x00, 4, KVPCI_REGION_COMMON },
		{ UNIT_BAR_IO, 0x3f, 1, KVPCI_REGION_COMMON },
		{ UNIT_BAR_IO, 0x3e, 4, 0 },	/* leaves the region */
		{ UNIT_BAR_IO, 0x40, 1, KVPCI_REGION_ISR },
		{ UNIT_BAR_IO, 0x44, 2, KVPCI_REGION_NOTIFY },
		{ UNIT_BAR_IO, 0x48, 4, KVPCI_REGION_DEVICE },
		{ UNIT_BAR_IO, 0x48 + UNIT_CONFIG, 1, 0 },
		{ UNIT_BAR_IO, 127, 1, 0 },
		{ UNIT_BAR_IO, 128, 4, 0 },	/* KVM offers what begins at the end */
		{ UNIT_BAR_MEM, 0x100, 1, KVPCI_REGION_ISR },
		{ UNIT_BAR_MEM, 0x100, 4, 0 },	/* one byte long here */
		{ UNIT_BAR_MEM, 0xff, 2, 0 },
		{ UNIT_BAR_MEM, 0xffe, 4, 0 },
		{ UNIT_BAR_MEM, 0x1000, 2, KVPCI_REGION_NOTIFY },
		{ UNIT_BAR_MEM, 0x1ffe, 2, KVPCI_REGION_NOTIFY },
		{ UNIT_BAR_MEM, 0x1ffe, 4, 0 },
		{ UNIT_BAR_MEM, 0x2000, 1, 0 },
		{ UNIT_BAR_MEM, 0x4000, 1, 0 },
		{ UNIT_BAR_MEM, ~0U, 1, 0 },
		{ UNIT_BAR_MEM, ~0U, 8, 0 },
		{ UNIT_BAR_MSIX, 0, 4, KVPCI_REGION_MSIX_TABLE },
		{ UNIT_BAR_MSIX, 16 * UNIT_VECTORS, 4, 0 },
		{ UNIT_BAR_MSIX, 0x8000, 8, KVPCI_REGION_MSIX_PBA },
		{ UNIT_BAR_MSIX, 0x8010, 8, 0 },
		{ 3, 0, 4, 0 }, { 4, 0, 4, 0 }, { 5, 0, 4, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct kvpci_region *region =
			kvpci_core_find(&self->u.core, rows[i].bar,
					rows[i].offset, rows[i].length);

		EXPECT_EQ(rows[i].type, region ? region->type : 0)
			TH_LOG("BAR %u offset %#x length %u", rows[i].bar,
			       rows[i].offset, rows[i].length);
	}
}

/* R6: structures of one type stay in the order they were described in. */
TEST_F(layout, order_within_bar)
{
	struct unit *u = &self->u;
	const struct kvpci_core *core = &u->core;
	u32 seen = 0;

	/* Doorbells first, then the others; each in the description's order. */
	for (unsigned int bar = 0; bar < KVPCI_NUM_BARS; bar++) {
		unsigned int at = core->region_first[bar];

		for (u32 n = 0; n < 2 * u->desc.num_regions; n++) {
			bool others = n >= u->desc.num_regions;
			const struct kvpci_region *region =
				&u->regions[n % u->desc.num_regions];

			bool doorbell = region->type == KVPCI_REGION_NOTIFY;

			if (region->bar != bar || doorbell == others)
				continue;
			ASSERT_LT(at, core->region_first[bar + 1]);
			EXPECT_EQ(0, memcmp(&core->regions[at++], region,
					    sizeof(*region)));
			seen++;
		}
		EXPECT_EQ(core->region_first[bar + 1], at);
	}
	EXPECT_EQ(u->desc.num_regions, seen);
	EXPECT_EQ(0, memcmp(core->described, u->regions,
			    u->desc.num_regions * sizeof(u->regions[0])));
}

/* The same registers are reached through every region of a type. */
TEST_F(layout, regions_alias)
{
	struct unit *u = &self->u;

	unit_bar_write(u, UNIT_BAR_IO, CC_QUEUE_SELECT, 2, 2);
	EXPECT_EQ(2, unit_bar_read(u, UNIT_BAR_MEM, CC_QUEUE_SELECT, 2));
	unit_bar_write(u, UNIT_BAR_MEM, CC_STATUS, 1, ST_ACKNOWLEDGE);
	EXPECT_EQ(ST_ACKNOWLEDGE, unit_bar_read(u, UNIT_BAR_IO, CC_STATUS, 1));
}

/* Bytes no register claims read as zero and ignore writes. */
TEST_F(layout, holes)
{
	struct unit *u = &self->u;

	for (u32 at = 0x40; at < 0x100; at += 4) {
		unit_bar_write(u, UNIT_BAR_MEM, at, 4, 0xdeadbeef);
		EXPECT_EQ(KVPCI_EFFECT_OTHER, u->effect.bits);
		EXPECT_EQ(0, unit_bar_read(u, UNIT_BAR_MEM, at, 4));
		EXPECT_EQ(KVPCI_EFFECT_OTHER, u->effect.bits);
	}
	/* doorbells are write-only */
	EXPECT_EQ(0, unit_bar_read(u, UNIT_BAR_MEM, 0x1000, 2));
}

/* Each array is as long as its description says, and no longer. */
TEST(arrays)
{
	struct kvpci_array arrays[KVPCI_NUM_ARRAYS];
	struct kvpci_core core = { 0 };
	struct unit unit, *u = &unit;
	const struct {
		void *pointer;
		size_t least, most;
	} rows[KVPCI_NUM_ARRAYS] = {
		{ &core.queues, UNIT_QUEUES * sizeof(struct kvpci_queue),
		  UNIT_QUEUES * sizeof(struct kvpci_queue) },
		{ &core.vectors, 0, UNIT_VECTORS * 16 },
		{ &core.device_config, 0, UNIT_CONFIG },
		{ &core.device_config_mask, 0, UNIT_CONFIG },
		{ &core.notif_queues, 0, 2 * (KVPCI_MAX_NOTIF_DATA + 1) },
		{ &core.deps, 0, 2 * sizeof(struct kvpci_feature_dep) },
	};

	for (int most = 0; most < 2; most++) {
		unit_describe(u);
		if (most) {
			unit_offer(u, F_NOTIF_CONFIG_DATA);
			unit_need(u, 5, BIT_ULL(28), 0);
			unit_need(u, 28, BIT_ULL(29), 0);
		} else {
			u->desc.num_vectors = 0;
			u->desc.device_config_size = 0;
		}
		kvpci_core_arrays(&core, &u->desc, arrays);
		for (int i = 0; i < KVPCI_NUM_ARRAYS; i++) {
			EXPECT_EQ(rows[i].pointer, (void *)arrays[i].pointer);
			EXPECT_EQ(most ? rows[i].most : rows[i].least, arrays[i].size)
				TH_LOG("array %d", i);
			EXPECT_TRUE(!arrays[i].align || is_power_of_2(arrays[i].align));
		}
		/* the module lets the table be mapped */
		EXPECT_EQ(KVPCI_PAGE_SIZE, arrays[1].align);
	}
	/* a configuration that the driver cannot write needs no mask */
	u->desc.device_config_mask = 0;
	kvpci_core_arrays(&core, &u->desc, arrays);
	EXPECT_EQ(UNIT_CONFIG, arrays[2].size);
	EXPECT_EQ(0, arrays[3].size);
}

TEST_HARNESS_MAIN
