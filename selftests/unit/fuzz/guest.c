// SPDX-License-Identifier: GPL-2.0-only
/* The guest's steps: BARs, registers, doorbells, and what a driver does. */
#include "fuzz.h"

void guest_access(struct fuzz *f, u32 bar, u32 offset, unsigned int length,
		  bool write, u64 value)
{
	if (write) {
		unit_bar_write(&f->u, bar, offset, length, value);
	} else {
		u64 got = unit_bar_read(&f->u, bar, offset, length);

		REQUIRE(length == 8 || !(got >> (8 * length)));
	}
	check_doorbell(f);
}

void guest_anywhere(struct fuzz *f)
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
void guest_common(struct fuzz *f)
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

void guest_status(struct fuzz *f)
{
	static const u8 values[] = {
		0, ST_ACKNOWLEDGE, ST_ACKNOWLEDGE | ST_DRIVER, ST_READY,
		ST_RUNNING, ST_RUNNING, ST_DRIVER_OK, ST_RUNNING | ST_FAILED,
		ST_RUNNING | ST_SUSPEND, ST_READY | ST_SUSPEND,
	};
	u8 how = take(f, 1);
	u8 value = how & 0x80 ? take(f, 1) : values[how % ARRAY_SIZE(values)];

	cc_write(&f->u, CC_STATUS, value);
	check_doorbell(f);
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
	rings = f->u.doorbell == KVPCI_DOORBELL_KICK;
	REQUIRE(!rings || (width == (words ? 4U : 2U) && f->u.rung == q));
	for (u32 i = 0; i < UNIT_QUEUES; i++)
		REQUIRE(core->queues[i].notification ==
			(rings && words && i == q ? value : before[i]));
	if (rings && words)
		reach(f, FUZZ_WORD);
	if (rings && data)
		reach(f, FUZZ_NOTIF_DATA);
}

/* What a driver would do, all of it: random writes alone seldom start it. */
void guest_driver(struct fuzz *f)
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
			    take(f, 1), how & 0x80 ? MASKED : UNMASKED);
		break;
	case 5:
		guest_doorbell(f, how);
		break;
	}
	check_doorbell(f);
}
