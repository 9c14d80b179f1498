// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI configuration space kept by the module: what the guest finds there, and
 * which of its writes go to the VMM.
 */
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <sys/eventfd.h>

#include "lib/function.h"
#include "kselftest_harness.h"

#define PIN_VECTOR	0x31

FIXTURE(ecam) {
	struct machine m;
	struct device_desc desc;
};

TRANSPORT_VARIANTS(ecam);

/* What the VMM asks of the module: the launcher's own bus has no ioctls. */
FIXTURE(ecam_file) {
	struct machine m;
	struct device_desc desc;
};

FIXTURE_SETUP(ecam)
{
	device_describe(&self->desc);
	function_create(&self->m, variant->ops, &self->desc, NULL, 0);
}

FIXTURE_TEARDOWN(ecam)
{
	machine_destroy(&self->m);
}

FIXTURE_SETUP(ecam_file)
{
	device_describe(&self->desc);
	function_create(&self->m, &machine_module, &self->desc, NULL, 0);
}

FIXTURE_TEARDOWN(ecam_file)
{
	machine_destroy(&self->m);
}

TEST_F(ecam, identity)
{
	struct machine *m = &self->m;
	unsigned int exits = 0;

	EXPECT_EQ(0x10411af4, cfg_rd(m, PCI_VENDOR_ID, 4));
	exits += m->g.vcpu[0].exits;
	EXPECT_EQ(0x1041, cfg_rd(m, PCI_DEVICE_ID, 2));
	exits += m->g.vcpu[0].exits;
	EXPECT_LE(1, cfg_rd(m, PCI_REVISION_ID, 1));
	EXPECT_EQ(0x0200, cfg_rd(m, PCI_CLASS_DEVICE, 2));
	EXPECT_EQ(1, cfg_rd(m, PCI_INTERRUPT_PIN, 1));
	EXPECT_LE(0x40, cfg_rd(m, PCI_SUBSYSTEM_ID, 2));
	exits += m->g.vcpu[0].exits;
	EXPECT_EQ(0, exits);
	EXPECT_STAT(m, pci_config_reads, 6);
}

/* Functions that are not there read as ones, and cost no exit. */
TEST_F(ecam, absent)
{
	static const uint32_t functions[] = {
		FN(0, 1, 1), FN(0, 2, 0), FN(0, 31, 7), FN(1, 0, 0),
		FN(1, 31, 7),
	};
	struct machine *m = &self->m;

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		if (functions[i] >= FN(m->ops->buses, 0, 0))
			continue;
		for (unsigned int w = 1; w <= 4; w *= 2) {
			EXPECT_EQ(~0U >> (32 - 8 * w),
				  guest_read(&m->g,
					     at_function(functions[i], 0), w));
			EXPECT_EQ(0, m->g.vcpu[0].exits);
		}
		guest_write(&m->g, at_function(functions[i], 4), 2, 7);
		EXPECT_EQ(0, m->g.vcpu[0].exits);
	}
	/* beyond the last bus it is nobody's */
	guest_read(&m->g, at_function(FN(m->ops->buses, 0, 0), 0), 4);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	guest_read(&m->g, ECAM_ADDR - 4, 4);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
}

/* Return: a new device, a function of a PCI device that has several, or -errno */
static int place_beside(struct machine *m, struct device_desc *desc,
			uint32_t function, uint32_t pin)
{
	struct kvpci_device_place p = {
		.flags = KVPCI_PLACE_MULTIFUNCTION,
		.function = function, .class_code = 0x020000,
		.intx_pin = pin, .gsi = PIN,
	};
	int dev = libkvpci_device_create(m->vm, &desc->create);
	int err = dev < 0 ? dev : libkvpci_device_place(dev, &p);

	return err ? err : dev;
}

/* Slot 1 has functions 0 and 1, slot 2 has function 0, slot 4 function 2 only. */
static bool place_functions(struct machine *m, struct device_desc *desc)
{
	close(m->dev);
	m->dev = place_beside(m, desc, OURS, 1);
	return m->dev >= 0 && place_beside(m, desc, FN(0, 1, 1), 2) >= 0 &&
	       place_beside(m, desc, FN(0, 4, 2), 1) >= 0 &&
	       !place(libkvpci_device_create(m->vm, &desc->create), FN(0, 2, 0),
		      0x020000, 1, PIN);
}

/* The launcher comes back to the first slot when all are taken. */
static bool fill_slots(struct machine *m, struct device_desc *desc)
{
	struct machine other;

	for (int i = 0; i < 31; i++)
		if (machine_add_device(m, desc, &other))
			return false;
	return true;
}

TEST_F(ecam, functions)
{
	static const struct {
		uint32_t function, at;
		unsigned int width;
		uint32_t expect;
		bool module;
	} rows[] = {
		{ OURS, PCI_HEADER_TYPE, 1, 0x80, false },
		{ OURS, PCI_INTERRUPT_PIN, 1, 1, false },
		{ FN(0, 1, 1), PCI_VENDOR_ID, 4, 0x10411af4, false },
		{ FN(0, 1, 1), PCI_HEADER_TYPE, 1, 0x80, false },
		{ FN(0, 1, 1), PCI_INTERRUPT_PIN, 1, 2, false },
		{ FN(0, 1, 2), PCI_VENDOR_ID, 4, ~0U, false },
		{ FN(0, 1, 7), PCI_VENDOR_ID, 4, ~0U, false },
		{ FN(0, 2, 0), PCI_HEADER_TYPE, 1, 0, false },
		{ FN(0, 2, 1), PCI_HEADER_TYPE, 1, 0xff, false },
		{ FN(0, 0, 1), PCI_VENDOR_ID, 4, ~0U, false },
		{ FN(0, 4, 0), PCI_VENDOR_ID, 4, ~0U, true },
		{ FN(0, 4, 2), PCI_VENDOR_ID, 4, 0x10411af4, true },
	};
	struct machine *m = &self->m;

	ASSERT_TRUE(variant->ops == &machine_twin ?
		    fill_slots(m, &self->desc) :
		    place_functions(m, &self->desc));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].module && variant->ops == &machine_twin)
			continue;
		EXPECT_EQ(rows[i].expect,
			  guest_read(&m->g, at_function(rows[i].function,
							rows[i].at),
				     rows[i].width)) TH_LOG("row %zu", i);
		EXPECT_EQ(0, m->g.vcpu[0].exits);
	}
	/* each has registers of its own */
	guest_write(&m->g, at_function(FN(0, 1, 1), PCI_CACHE_LINE_SIZE), 1, 7);
	guest_write(&m->g, at_function(FN(0, 1, 2), PCI_CACHE_LINE_SIZE), 1, 9);
	EXPECT_EQ(7, guest_read(&m->g, at_function(FN(0, 1, 1),
						   PCI_CACHE_LINE_SIZE), 1));
	EXPECT_EQ(0, cfg_rd(m, PCI_CACHE_LINE_SIZE, 1));
	EXPECT_EQ(0, cfg_wr(m, PCI_HEADER_TYPE, 1, 0));
	EXPECT_EQ(0x80, cfg_rd(m, PCI_HEADER_TYPE, 1));
}

/* The VMM's functions go to the VMM, reads and writes. */
TEST_F(ecam, the_vmms_own)
{
	struct machine *m = &self->m;

	if (variant->ops == &machine_twin) {
		/* The launcher has none. */
		EXPECT_EQ(~0U, guest_read(&m->g, at_function(USERS, 0), 4));
		guest_write(&m->g, at_function(USERS, 0), 4, 0);
		EXPECT_EQ(0, m->g.vcpu[0].exits);
		return;
	}
	m->g.vcpu[0].read_value = 0x12345678;
	EXPECT_EQ(0x12345678, guest_read(&m->g, at_function(USERS, 0), 4));
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(at_function(USERS, 0), m->g.vcpu[0].exit[0].addr);
	guest_write(&m->g, at_function(USERS, 4), 2, 7);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(7, m->g.vcpu[0].exit[0].value);
}

/* What is no configuration access: across dwords, or 8 bytes. */
TEST_F(ecam, odd_accesses)
{
	struct machine *m = &self->m;

	EXPECT_EQ(~0ULL, guest_read(&m->g, at_function(OURS, 0), 8));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(~0U, cfg_rd(m, 2, 4));
	EXPECT_EQ(0xffff, cfg_rd(m, 3, 2));
	guest_write(&m->g, at_function(OURS, 2), 4, 0);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(0, cfg_rd(m, PCI_COMMAND, 2));
	/* every byte of the space can be read */
	for (uint32_t at = 0; at < 4096; at += 4) {
		cfg_rd(m, at, 4);
		ASSERT_EQ(0, m->g.vcpu[0].exits);
	}
}

/* Sizing and addressing BARs is free while nothing decodes. */
TEST_F(ecam, bars)
{
	static const uint32_t sizes[] = {
		~(BAR_IO_SIZE - 1U) | 1, ~(BAR_MEM_SIZE - 1U),
		~(BAR_MSIX_SIZE - 1U) | 4, ~0U, 0, 0,
	};
	struct machine *m = &self->m;
	unsigned int exits = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		exits += cfg_wr(m, BAR(i), 4, ~0U);
		EXPECT_EQ(sizes[i], cfg_rd(m, BAR(i), 4));
		exits += cfg_wr(m, BAR(i), 4, 0);
	}
	EXPECT_EQ(0, exits);

	/* to answer at a new place is the VMM's business: one exit, handed back */
	cfg_wr(m, BAR(0), 4, IO_BASE);
	cfg_wr(m, BAR(1), 4, MEM_BASE);
	guest_read(&m->g, MEM_BASE + CC_NUM_QUEUES, 2);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(m->ops->moved_exits, cfg_wr(m, PCI_COMMAND, 2, PCI_COMMAND_MEMORY));
	EXPECT_EQ(DEV_QUEUES, cc_read(m, CC_NUM_QUEUES));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	guest_in(&m->g, IO_BASE + CC_NUM_QUEUES, 2);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(m->ops->moved_exits, cfg_wr(m, PCI_COMMAND, 2, PCI_COMMAND_IO));
	EXPECT_EQ(DEV_QUEUES, guest_in(&m->g, IO_BASE + CC_NUM_QUEUES, 2));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	guest_read(&m->g, MEM_BASE + CC_NUM_QUEUES, 2);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	/* moved while it decodes */
	EXPECT_EQ(m->ops->moved_exits, cfg_wr(m, BAR(0), 4, 0xd000));
	EXPECT_EQ(DEV_QUEUES, guest_in(&m->g, 0xd000 + CC_NUM_QUEUES, 2));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	guest_in(&m->g, IO_BASE + CC_NUM_QUEUES, 2);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	/* other bits of the same register move nothing */
	EXPECT_EQ(0, cfg_wr(m, PCI_COMMAND, 2,
			    PCI_COMMAND_IO | PCI_COMMAND_MASTER));
	/* and the same place is no move */
	EXPECT_EQ(0, cfg_wr(m, BAR(0), 4, 0xd000));
	/* moved while it does not, which shows when it does */
	EXPECT_EQ(0, cfg_wr(m, PCI_COMMAND, 2, 0));
	EXPECT_EQ(0, cfg_wr(m, BAR(0), 4, 0xe000));
	EXPECT_EQ(m->ops->moved_exits, cfg_wr(m, PCI_COMMAND, 2, PCI_COMMAND_IO));
	EXPECT_EQ(DEV_QUEUES, guest_in(&m->g, 0xe000 + CC_NUM_QUEUES, 2));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
}

/* What the capabilities say is where the registers are. */
TEST_F(ecam, structures)
{
	static const uint64_t bases[] = { IO_BASE, MEM_BASE };
	struct machine *m = &self->m;
	unsigned int exits = 0;

	set_up(m);
	for (int nth = 0; nth < 2; nth++) {
		uint32_t at = find_cap(m, PCI_CAP_ID_VNDR, 1, nth);
		uint32_t bar, offset;
		uint64_t value;

		ASSERT_NE(0, at);
		bar = cfg_rd(m, at + 4, 1);
		offset = cfg_rd(m, at + 8, 4) + CC_NUM_QUEUES;
		ASSERT_GT(2, bar);
		value = bar == BAR_IO ? guest_in(&m->g, bases[bar] + offset, 2) :
			guest_read(&m->g, bases[bar] + offset, 2);
		EXPECT_EQ(DEV_QUEUES, value);
		exits += m->g.vcpu[0].exits;
	}
	EXPECT_EQ(0, exits);
}

/* A structure as its capability tells it. */
struct structure {
	uint32_t type, bar, offset, length;
	uint32_t multiplier;
};

/* All of them but the window, which is none. */
static unsigned int read_structures(struct machine *m, struct structure *s,
				    unsigned int max)
{
	uint32_t at = cfg_rd(m, PCI_CAPABILITY_LIST, 1);
	unsigned int n = 0;

	for (; at && n < max; at = cfg_rd(m, at + 1, 1)) {
		struct structure *this = &s[n];

		if (cfg_rd(m, at, 1) != PCI_CAP_ID_VNDR ||
		    cfg_rd(m, at + 3, 1) == VIRTIO_PCI_CAP_PCI_CFG)
			continue;
		this->type = cfg_rd(m, at + 3, 1);
		this->bar = cfg_rd(m, at + 4, 1);
		this->offset = cfg_rd(m, at + 8, 4);
		this->length = cfg_rd(m, at + 12, 4);
		/* R6: the length covers what comes behind */
		if (cfg_rd(m, at + 2, 1) >= 20)
			this->multiplier = cfg_rd(m, at + 16, 4);
		else if (this->type == VIRTIO_PCI_CAP_NOTIFY_CFG)
			continue;
		n++;
	}
	return n;
}

/* R6: every type twice, in I/O first; R7, R19, R23, R28: their places */
TEST_F(ecam, structures_apart)
{
	static const struct {
		uint32_t align, length;
	} least[] = {
		[VIRTIO_PCI_CAP_COMMON_CFG] = { 4, 0x38 },
		[VIRTIO_PCI_CAP_NOTIFY_CFG] = { 2, 2 },
		[VIRTIO_PCI_CAP_ISR_CFG] = { 1, 1 },
		[VIRTIO_PCI_CAP_DEVICE_CFG] = { 4, DEV_CONFIG },
	};
	static const uint32_t sizes[] = { BAR_IO_SIZE, BAR_MEM_SIZE };
	struct machine *m = &self->m;
	unsigned int seen[ARRAY_SIZE(least)] = { 0 };
	struct structure s[16] = { 0 };
	unsigned int n = read_structures(m, s, ARRAY_SIZE(s));

	ASSERT_EQ(8, n);
	for (unsigned int i = 0; i < n; i++) {
		ASSERT_LT(s[i].type, ARRAY_SIZE(least));
		EXPECT_EQ(seen[s[i].type]++ ? BAR_MEM : BAR_IO, s[i].bar);
		EXPECT_EQ(0, s[i].offset % least[s[i].type].align);
		EXPECT_LE(least[s[i].type].length, s[i].length);
		EXPECT_LE(s[i].offset + s[i].length, sizes[s[i].bar]);
		for (unsigned int j = 0; j < i; j++)
			EXPECT_TRUE(s[i].bar != s[j].bar ||
				    s[i].offset >= s[j].offset + s[j].length ||
				    s[j].offset >= s[i].offset + s[i].length);
	}
}

/* R18, R19: every queue's doorbell is inside, and rings */
TEST_F(ecam, doorbells)
{
	struct machine *m = &self->m;
	struct structure s[16] = { 0 };
	unsigned int n = read_structures(m, s, ARRAY_SIZE(s)), rung = 0;

	set_up(m);
	driver_run(m);
	for (unsigned int i = 0; i < n; i++) {
		uint32_t multiplier = s[i].multiplier;

		if (s[i].type != VIRTIO_PCI_CAP_NOTIFY_CFG)
			continue;
		EXPECT_NE(1, multiplier);
		EXPECT_EQ(0, multiplier & (multiplier - 1));
		for (unsigned int q = 0; q < 2; q++) {
			uint32_t at;

			cc_write(m, CC_QUEUE_SELECT, q);
			at = cc_read(m, CC_QUEUE_NOTIFY_OFF) * multiplier;
			EXPECT_LE(at + 2, s[i].length);
			at += s[i].offset;
			if (s[i].bar == BAR_IO)
				guest_out(&m->g, IO_BASE + at, 2, q);
			else
				guest_write(&m->g, MEM_BASE + at, 2, q);
			EXPECT_EQ(0, m->g.vcpu[0].exits);
			EXPECT_EQ(1, eventfd_count(m->kick[q]));
			rung++;
		}
	}
	EXPECT_EQ(4, rung);
}

/* R32 to R34, all without an exit, doorbells included */
TEST_F(ecam, window)
{
	struct machine *m = &self->m;
	uint32_t at = find_cap(m, PCI_CAP_ID_VNDR, 5, 0);
	unsigned int exits = 0;

	ASSERT_NE(0, at);
	/* BARs need not decode for it */
	exits += cfg_wr(m, at + 4, 1, BAR_MEM);
	exits += cfg_wr(m, at + 8, 4, CC_NUM_QUEUES);
	exits += cfg_wr(m, at + 12, 4, 2);
	EXPECT_EQ(DEV_QUEUES, cfg_rd(m, at + 16, 4) & 0xffff);
	exits += m->g.vcpu[0].exits;
	exits += cfg_wr(m, at + 8, 4, CC_QUEUE_SELECT);
	exits += cfg_wr(m, at + 16, 4, 1);
	exits += cfg_wr(m, at + 8, 4, CC_QUEUE_SIZE);
	EXPECT_EQ(128, cfg_rd(m, at + 16, 4) & 0xffff);
	exits += m->g.vcpu[0].exits;
	EXPECT_EQ(0, exits);

	set_up(m);
	driver_run(m);
	exits += cfg_wr(m, at + 4, 1, BAR_IO);
	exits += cfg_wr(m, at + 8, 4, IO_DOORBELL);
	exits += cfg_wr(m, at + 12, 4, 2);
	exits += cfg_wr(m, at + 16, 4, 1);
	EXPECT_EQ(0, exits);
	EXPECT_EQ(1, eventfd_count(m->kick[1]));
	/* no valid access described: nothing happens */
	exits += cfg_wr(m, at + 12, 4, 3);
	exits += cfg_wr(m, at + 16, 4, 1);
	exits += cfg_wr(m, at + 4, 1, 6);
	exits += cfg_wr(m, at + 12, 4, 4);
	exits += cfg_wr(m, at + 16, 4, 1);
	cfg_rd(m, at + 16, 4);
	exits += m->g.vcpu[0].exits;
	EXPECT_EQ(0, exits);
	EXPECT_EQ(0, eventfd_count(m->kick[1]));
}

/* MSI-X enable and masks in configuration space, no ioctl. */
TEST_F(ecam, msix)
{
	struct machine *m = &self->m;
	uint32_t at = find_cap(m, PCI_CAP_ID_MSIX, 0, 0);
	unsigned int exits = 0;

	ASSERT_NE(0, at);
	EXPECT_EQ(DEV_VECTORS - 1, cfg_rd(m, at + 2, 2));
	set_up(m);
	exits += cfg_wr(m, at + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	for (unsigned int v = 0; v < 4; v++)
		driver_vector(m, v, 0xfee00000, 0x41 + v, UNMASKED);
	driver_run(m);
	queue_call(m, 0);
	EXPECT_EQ(0x42, guest_irq(&m->g));

	exits += cfg_wr(m, at + 2, 2, PCI_MSIX_FLAGS_ENABLE |
			PCI_MSIX_FLAGS_MASKALL);
	queue_call(m, 0);
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	EXPECT_TRUE(driver_pending(m, 1));
	exits += cfg_wr(m, at + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	EXPECT_EQ(0x42, guest_irq(&m->g));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));

	/* bus master off holds them back, too */
	exits += cfg_wr(m, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	queue_call(m, 0);
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	exits += cfg_wr(m, PCI_COMMAND, 2, PCI_COMMAND_IO |
			PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	EXPECT_EQ(0x42, guest_irq(&m->g));
	EXPECT_EQ(0, exits);
}

/* R26 */
TEST_F(ecam, line)
{
	struct machine *m = &self->m;
	int irq = GUEST_NO_IRQ;

	set_up(m);
	guest_ioapic_route(&m->g, PIN, PIN_VECTOR);
	driver_run(m);
	EXPECT_EQ(0, cfg_rd(m, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	queue_call(m, 0);
	for (int t = 0; t < 100 && irq == GUEST_NO_IRQ; t++) {
		irq = guest_irq(&m->g);
		usleep(5000);
	}
	EXPECT_EQ(PIN_VECTOR, irq);
	EXPECT_NE(0, cfg_rd(m, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	EXPECT_EQ(0, cfg_wr(m, PCI_COMMAND + 1, 1,
			    PCI_COMMAND_INTX_DISABLE >> 8));
	guest_irq(&m->g);
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	EXPECT_NE(0, cfg_rd(m, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	EXPECT_EQ(1, guest_read(&m->g, MEM_BASE + MEM_ISR, 1));
	EXPECT_EQ(0, cfg_rd(m, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
}

/* A device that ends takes its function along; the place is free again. */
TEST_F(ecam_file, gone)
{
	struct machine *m = &self->m;

	set_up(m);
	close(m->dev);
	EXPECT_EQ(~0U, cfg_rd(m, PCI_VENDOR_ID, 4));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	guest_read(&m->g, MEM_BASE, 4);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	m->dev = libkvpci_device_create(m->vm, &self->desc.create);
	ASSERT_LE(0, m->dev);
	EXPECT_EQ(0, place(m->dev, OURS, 0x010000, 0, KVPCI_GSI_NONE));
	EXPECT_EQ(0x0100, cfg_rd(m, PCI_CLASS_DEVICE, 2));
	EXPECT_EQ(0, cfg_rd(m, PCI_INTERRUPT_PIN, 1));
	EXPECT_EQ(0, cfg_rd(m, PCI_COMMAND, 2));
}

/* What the VMM set while it kept the interrupt bits is over. */
TEST_F(ecam_file, placed_anew)
{
	/* the least a driver does; nothing decodes yet, so the VMM does it */
	static const struct {
		uint32_t bar, offset, length, value;
	} driver[] = {
		{ BAR_MEM, CC_DRIVER_FEATURE_SELECT, 4, 1 },
		{ BAR_MEM, CC_DRIVER_FEATURE, 4, 1 },	/* VERSION_1 */
		{ BAR_MEM, CC_STATUS, 1, ST_READY },
		{ BAR_MEM, CC_QUEUE_VECTOR, 2, 1 },
		{ BAR_MEM, CC_QUEUE_ENABLE, 2, 1 },
		{ BAR_MEM, CC_STATUS, 1, ST_RUNNING },
		{ BAR_MSIX, MSIX_TABLE + 16, 4, 0xfee00000 },
		{ BAR_MSIX, MSIX_TABLE + 24, 4, 0x42 },
		{ BAR_MSIX, MSIX_TABLE + 28, 4, 0 },
	};
	struct machine *m = &self->m;

	close(m->dev);
	m->dev = libkvpci_device_create(m->vm, &self->desc.create);
	ASSERT_LE(0, m->dev);
	ASSERT_EQ(0, device_irq(m, MSIX_ON, PIN));
	ASSERT_EQ(0, place(m->dev, OURS, 0x020000, 0, KVPCI_GSI_NONE));
	ASSERT_EQ(0, queue_fds(m, 0, m->kick[0], m->call[0]));
	for (size_t i = 0; i < ARRAY_SIZE(driver); i++) {
		ASSERT_EQ(0, libkvpci_bar_write(m->dev, driver[i].bar,
						driver[i].offset,
						driver[i].length,
						driver[i].value));
	}
	ASSERT_EQ(KVPCI_EVENT_START, device_event(m, NULL));
	queue_call(m, 0);
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	/* MSI-X is off: it is the line that was asked for */
	EXPECT_NE(0, cfg_rd(m, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
}

TEST_F(ecam_file, place_errors)
{
	static const uint64_t ports[KVPCI_NUM_BARS] = { [BAR_IO] = IO_BASE };
	static const uint64_t memory[KVPCI_NUM_BARS] = {
		[BAR_MEM] = 0xd1000000,
	};
	struct machine *m = &self->m;
	int dev = libkvpci_device_create(m->vm, &self->desc.create);
	int vm, bare;

	ASSERT_LE(0, dev);
	EXPECT_EQ(-EBUSY, place(m->dev, FN(0, 4, 0), 0x020000, 1, PIN));
	EXPECT_EQ(-EEXIST, place(dev, OURS, 0x020000, 1, PIN));
	EXPECT_EQ(-EEXIST, place(dev, USERS, 0x020000, 1, PIN));
	EXPECT_EQ(-ERANGE, place(dev, FN(MODULE_BUSES, 0, 0), 0x020000, 1, PIN));
	EXPECT_EQ(-ERANGE, place(dev, ~0U, 0x020000, 1, PIN));
	EXPECT_EQ(-EINVAL, place(dev, 0, 0x1000000, 1, PIN));
	EXPECT_EQ(-EINVAL, place(dev, 0, 0x020000, 5, PIN));
	EXPECT_EQ(-EINVAL, place(dev, 0, 0x020000, 1, 24));
	EXPECT_EQ(-EINVAL, place(dev, 0, 0x020000, 1, KVPCI_GSI_NONE));
	EXPECT_EQ(-EINVAL, place(dev, 0, 0x020000, 0, PIN));
	ASSERT_EQ(0, libkvpci_device_map(dev, 1 << BAR_IO, ports));
	EXPECT_EQ(-EBUSY, place(dev, 0, 0x020000, 1, PIN));
	close(dev);

	/* what is placed is no longer the VMM's to map */
	EXPECT_EQ(-EBUSY, device_map(m, IO_BASE, 0, 0));
	EXPECT_EQ(-EBUSY, device_irq(m, 0, PIN));

	vm = libkvpci_vm_create(m->ctl, m->g.vm_fd);
	ASSERT_LE(0, vm);
	bare = libkvpci_device_create(vm, &self->desc.create);
	ASSERT_LE(0, bare);
	EXPECT_EQ(-ENXIO, place(bare, 0, 0x020000, 1, PIN));
	close(bare);
	close(vm);

	/* 14 structures and the rest do not fit into 192 bytes */
	while (self->desc.create.num_regions < 14) {
		unsigned int n = self->desc.create.num_regions++;

		self->desc.regions[n] = (struct kvpci_region){
			KVPCI_REGION_ISR, BAR_MEM, 0x2000 + 4 * n, 4, 0, 0 };
	}
	dev = libkvpci_device_create(m->vm, &self->desc.create);
	ASSERT_LE(0, dev);
	EXPECT_EQ(-ENOSPC, place(dev, FN(0, 5, 0), 0x020000, 1, PIN));
	EXPECT_EQ(0, libkvpci_device_map(dev, 1 << BAR_MEM, memory));
	close(dev);
}

TEST_F(ecam_file, config_errors)
{
	static const struct {
		uint32_t offset, length;
		int expect;
	} rows[] = {
		{ 0, 4, 0 }, { 4092, 4, 0 }, { 4095, 1, 0 }, { 1, 4, 0 },
		{ 0, 0, -EINVAL }, { 0, 3, -EINVAL }, { 0, 8, -EINVAL },
		{ 0, ~0U, -EINVAL },
		{ 4096, 1, -ERANGE }, { 4093, 4, -ERANGE }, { ~0U, 4, -ERANGE },
	};
	struct machine *m = &self->m;
	int dev = libkvpci_device_create(m->vm, &self->desc.create);
	uint32_t value = 0;

	ASSERT_LE(0, dev);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(rows[i].expect,
			  libkvpci_pci_config_read(m->dev, rows[i].offset,
						   rows[i].length, &value))
			TH_LOG("row %zu", i);
		EXPECT_EQ(rows[i].expect,
			  libkvpci_pci_config_write(m->dev, rows[i].offset,
						    rows[i].length, 0))
			TH_LOG("row %zu", i);
	}
	EXPECT_EQ(-ENXIO, libkvpci_pci_config_read(dev, 0, 4, &value));
	EXPECT_EQ(0, libkvpci_pci_config_read(m->dev, 0, 4, &value));
	EXPECT_EQ(0x10411af4, value);
	close(dev);
}

TEST_F(ecam_file, ecam_errors)
{
	struct machine *m = &self->m;
	int vm;

	EXPECT_EQ(-EEXIST, libkvpci_vm_ecam(m->vm, 0xc0000000, 1, NULL));
	vm = libkvpci_vm_create(m->ctl, m->g.vm_fd);
	ASSERT_LE(0, vm);
	EXPECT_EQ(-EINVAL, libkvpci_vm_ecam(vm, 0xc0000000, 0, NULL));
	EXPECT_EQ(-EINVAL, libkvpci_vm_ecam(vm, 0xc0000000, 257, NULL));
	EXPECT_EQ(-EINVAL, libkvpci_vm_ecam(vm, 0xc0080000, 1, NULL));
	EXPECT_EQ(-EINVAL, libkvpci_vm_ecam(vm, 1ULL << 52, 1, NULL));
	EXPECT_EQ(-EINVAL, libkvpci_vm_ecam(vm, 0xfffffffffff00000, 1, NULL));
	EXPECT_EQ(-EFAULT, libkvpci_vm_ecam(vm, 0xc0000000, 1, (void *)8));
	EXPECT_EQ(0, libkvpci_vm_ecam(vm, 0xc0000000, 256, NULL));
	guest_read(&m->g, 0xcffffffc, 4);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	/* without its VM the space is nobody's */
	close(vm);
	guest_read(&m->g, 0xcffffffc, 4);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
}

int main(int argc, char **argv)
{
	require_kvm();
	return test_harness_run(argc, argv);
}
