// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saved in one VM, restored in another, by the module and by its twin, and across
 * the two: the guest goes on as if nothing had been.
 */
#include <linux/pci_regs.h>

#include "lib/function.h"
#include "kselftest_harness.h"

#define VECTOR(n)	(0x40 + (n))
#define CONFIG_SPACE	4096

/* A state and all that it points to. */
struct image {
	struct kvpci_device_registers registers;
	struct kvpci_queue_registers queues[DEV_QUEUES];
	uint32_t vectors[DEV_VECTORS][4];
	uint64_t pending[1];
	uint8_t device_config[DEV_CONFIG];
	uint8_t pci_config[CONFIG_SPACE];
};

FIXTURE(state) {
	struct device_desc desc;
	struct machine from;
	struct machine to;
	struct image image;
	uint32_t msix;		/* where the capability is */
};

FIXTURE_VARIANT(state) {
	const struct machine_ops *from;
	const struct machine_ops *to;
};

FIXTURE_VARIANT_ADD(state, user) {
	.from = &machine_twin, .to = &machine_twin,
};

FIXTURE_VARIANT_ADD(state, kernel) {
	.from = &machine_module, .to = &machine_module,
};

FIXTURE_VARIANT_ADD(state, kernel_to_user) {
	.from = &machine_module, .to = &machine_twin,
};

FIXTURE_VARIANT_ADD(state, user_to_kernel) {
	.from = &machine_twin, .to = &machine_module,
};

static void describe(struct device_desc *desc)
{
	device_describe(desc);
	desc->create.features[0] |= F_SUSPEND | F_NOTIFICATION_DATA;
}

FIXTURE_SETUP(state)
{
	struct machine *m = &self->from;

	describe(&self->desc);
	function_create(m, variant->from, &self->desc, NULL, 0);
	describe(&self->desc);
	function_create(&self->to, variant->to, &self->desc, NULL, 0);
	set_up(m);
	self->msix = find_cap(m, PCI_CAP_ID_MSIX, 0, 0);
	driver_vector(m, 1, 0xfee00000, VECTOR(0), MASKED);
	driver_vector(m, 2, 0xfee00000, VECTOR(1), UNMASKED);
	cfg_wr(m, self->msix + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
}

FIXTURE_TEARDOWN(state)
{
	machine_destroy(&self->to);
	machine_destroy(&self->from);
}

static void image_point(struct image *image)
{
	struct kvpci_device_registers *r = &image->registers;

	r->queues = (uintptr_t)image->queues;
	r->vectors = (uintptr_t)image->vectors;
	r->pending = (uintptr_t)image->pending;
	r->device_config = (uintptr_t)image->device_config;
	r->pci_config = (uintptr_t)image->pci_config;
}

static int save(struct machine *m, struct image *image)
{
	memset(image, 0, sizeof(*image));
	image->registers.size = sizeof(image->registers);
	image->registers.num_queues = DEV_QUEUES;
	image->registers.num_vectors = DEV_VECTORS;
	image->registers.device_config_size = DEV_CONFIG;
	image->registers.pci_config_size = CONFIG_SPACE;
	image_point(image);
	return m->ops->save(m, &image->registers);
}

static int restore(struct machine *m, struct image *image)
{
	return m->ops->restore(m, &image->registers);
}

/* All that the driver can read, but ISR, which is another one by then. */
static void expect_same(struct __test_metadata *_metadata, struct machine *a,
			struct machine *b)
{
	for (uint32_t at = 0; at < 256; at++) {
		/* The launcher's device has other functions beside it. */
		uint8_t mask = at == PCI_HEADER_TYPE ? 0x7f : 0xff;

		EXPECT_EQ(cfg_rd(a, at, 1) & mask, cfg_rd(b, at, 1) & mask)
			TH_LOG("configuration space, %#x", at);
	}
	for (unsigned int q = 0; q <= DEV_QUEUES; q++) {
		for (unsigned int at = 0; at < 0x40; at++) {
			if (!cc_width(at))
				continue;
			EXPECT_EQ(cc_read(a, at), cc_read(b, at))
				TH_LOG("queue %u, %#x", q, at);
		}
		cc_write(a, CC_QUEUE_SELECT, q);
		cc_write(b, CC_QUEUE_SELECT, q);
	}
	for (unsigned int at = 0; at < DEV_CONFIG; at++)
		EXPECT_EQ(guest_read(&a->g, MEM_BASE + MEM_DEVICE + at, 1),
			  guest_read(&b->g, MEM_BASE + MEM_DEVICE + at, 1));
	for (unsigned int at = 0; at < DEV_VECTORS * 16; at += 4)
		EXPECT_EQ(guest_read(&a->g, MSIX_BASE + MSIX_TABLE + at, 4),
			  guest_read(&b->g, MSIX_BASE + MSIX_TABLE + at, 4));
	EXPECT_EQ(guest_read(&a->g, MSIX_BASE + MSIX_PBA, 8),
		  guest_read(&b->g, MSIX_BASE + MSIX_PBA, 8));
}

/* In the middle of its work: one vector pending, one queue being reset. */
TEST_F(state, running)
{
	struct machine *a = &self->from, *b = &self->to;
	struct kvpci_event event;
	uint8_t byte = 0x77;

	driver_run(a);
	ASSERT_EQ(0, a->ops->device_config_write(a, 0, 3, 1, &byte));
	queue_call(a, 0);
	guest_write(&a->g, MEM_BASE + MEM_DOORBELLS, 4, 0x80030000);
	cc_write(a, CC_QUEUE_SELECT, 1);
	cc_write(a, CC_QUEUE_RESET, 1);
	ASSERT_EQ(0, save(a, &self->image));
	ASSERT_EQ(0, restore(b, &self->image));
	expect_same(_metadata, a, b);
	EXPECT_EQ(0x80030000, queue_word(b, 0));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&b->g));

	/* No START: whoever restores knows. */
	ASSERT_EQ(KVPCI_EVENT_QUEUE_STOP, device_event(b, &event));
	EXPECT_EQ(1, event.queue);
	EXPECT_EQ(-EAGAIN, device_event(b, NULL));
	EXPECT_EQ(0, device_ack(b, KVPCI_EVENT_QUEUE_STOP, 1));
	cc_write(b, CC_QUEUE_SELECT, 1);
	EXPECT_EQ(0, cc_read(b, CC_QUEUE_RESET));

	/* What was pending, kicks and calls. */
	driver_unmask(b, 1);
	EXPECT_EQ(VECTOR(0), guest_irq(&b->g));
	guest_write(&b->g, MEM_BASE + MEM_DOORBELLS, 4, 0x80040000);
	EXPECT_EQ(1, eventfd_count(b->kick[0]));
	queue_call(b, 0);
	EXPECT_EQ(VECTOR(0), guest_irq(&b->g));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&b->g));
	/* The saved one goes on, too. */
	driver_unmask(a, 1);
	EXPECT_EQ(VECTOR(0), guest_irq(&a->g));
	EXPECT_EQ(KVPCI_EVENT_QUEUE_STOP, device_event(a, NULL));
}

TEST_F(state, sent_when_restored)
{
	struct machine *a = &self->from, *b = &self->to;

	driver_run(a);
	queue_call(a, 0);
	ASSERT_EQ(0, save(a, &self->image));
	/* The VMM may do to an image what the driver might have done. */
	self->image.vectors[1][3] = 0;
	ASSERT_EQ(0, restore(b, &self->image));
	EXPECT_EQ(VECTOR(0), guest_irq(&b->g));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&b->g));
}

/* A broadcast is sent by a work item: before SAVE returns, once, and not saved. */
TEST_F(state, sent_by_then)
{
	struct machine *a = &self->from;

	driver_vector(a, 1, 0xfeeff000, VECTOR(0), UNMASKED);
	driver_run(a);
	for (int i = 0; i < 50; i++) {
		queue_call(a, 0);
		ASSERT_EQ(0, save(a, &self->image));
		ASSERT_EQ(0, self->image.pending[0]);
		ASSERT_EQ(VECTOR(0), guest_irq(&a->g));
	}
}

TEST_F(state, start_not_read)
{
	struct machine *a = &self->from, *b = &self->to;

	driver_start(a);
	ASSERT_EQ(0, save(a, &self->image));
	ASSERT_EQ(0, restore(b, &self->image));
	expect_same(_metadata, a, b);
	EXPECT_EQ(KVPCI_EVENT_START, device_event(b, NULL));
	EXPECT_EQ(-EAGAIN, device_event(b, NULL));
}

TEST_F(state, stop_read)
{
	struct machine *a = &self->from, *b = &self->to;

	driver_run(a);
	cc_write(a, CC_STATUS, 0);
	ASSERT_EQ(KVPCI_EVENT_STOP, device_event(a, NULL));
	ASSERT_EQ(0, save(a, &self->image));
	ASSERT_EQ(0, restore(b, &self->image));
	EXPECT_EQ(-EAGAIN, device_event(b, NULL));
	EXPECT_EQ(0, device_ack(b, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	EXPECT_EQ(0, cc_read(b, CC_STATUS));
	driver_run(b);
}

TEST_F(state, suspended)
{
	struct machine *a = &self->from, *b = &self->to;

	driver_unmask(a, 1);
	driver_run(a);
	cc_write(a, CC_STATUS, ST_RUNNING | ST_SUSPEND);
	ASSERT_EQ(KVPCI_EVENT_SUSPEND, device_event(a, NULL));
	ASSERT_EQ(0, device_ack(a, KVPCI_EVENT_SUSPEND, KVPCI_EVENT_NO_QUEUE));
	ASSERT_EQ(0, a->ops->fail(a));
	ASSERT_EQ(0, save(a, &self->image));
	ASSERT_EQ(0, restore(b, &self->image));
	expect_same(_metadata, a, b);
	queue_call(b, 0);
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&b->g));
	cc_write(b, CC_STATUS, ST_READY | ST_SUSPEND | ST_DRIVER_OK);
	EXPECT_EQ(KVPCI_EVENT_RESUME, device_event(b, NULL));
	EXPECT_EQ(2, guest_read(&b->g, MEM_BASE + MEM_ISR, 1));
}

/* Without MSI-X: the line is up, and ISR tells why, once. */
TEST_F(state, line)
{
	struct machine *a = &self->from, *b = &self->to;

	cfg_wr(a, self->msix + PCI_MSIX_FLAGS, 2, 0);
	driver_run(a);
	queue_call(a, 0);
	ASSERT_EQ(0, save(a, &self->image));
	EXPECT_EQ(1, self->image.registers.isr);
	ASSERT_EQ(0, restore(b, &self->image));
	EXPECT_NE(0, cfg_rd(b, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	EXPECT_EQ(1, guest_read(&b->g, MEM_BASE + MEM_ISR, 1));
	EXPECT_EQ(0, cfg_rd(b, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	EXPECT_EQ(0, guest_read(&b->g, MEM_BASE + MEM_ISR, 1));
}

/* A BAR that did not answer does not answer now, and is placed as ever. */
TEST_F(state, no_decoding)
{
	struct machine *a = &self->from, *b = &self->to;

	cfg_wr(a, PCI_COMMAND, 2, 0);
	ASSERT_EQ(0, save(a, &self->image));
	ASSERT_EQ(0, restore(b, &self->image));
	guest_read(&b->g, MEM_BASE + CC_NUM_QUEUES, 2);
	EXPECT_EQ(1, b->g.vcpu[0].exits);
	set_up(b);
	EXPECT_EQ(DEV_QUEUES, cc_read(b, CC_NUM_QUEUES));
}

/* --- refused ----------------------------------------------------------------- */

TEST_F(state, not_over_one_in_use)
{
	struct machine *a = &self->from, *b = &self->to;

	driver_run(a);
	ASSERT_EQ(0, save(a, &self->image));
	set_up(b);
	cc_write(b, CC_STATUS, ST_ACKNOWLEDGE);
	EXPECT_EQ(-EBUSY, restore(b, &self->image));
	EXPECT_EQ(ST_ACKNOWLEDGE, cc_read(b, CC_STATUS));
	cc_write(b, CC_STATUS, 0);
	EXPECT_EQ(0, restore(b, &self->image));
	EXPECT_EQ(ST_RUNNING, cc_read(b, CC_STATUS));
}

#define AT(field)	offsetof(struct image, field)

/* The unit test has all of them; these show that the core is asked. */
TEST_F(state, refused)
{
	static const struct {
		size_t at, size;
		uint64_t value;
	} wrong[] = {
		{ AT(registers.flags), 4, 1 },
		{ AT(registers.num_queues), 4, DEV_QUEUES + 1 },
		{ AT(registers.num_vectors), 4, DEV_VECTORS - 1 },
		{ AT(registers.device_config_size), 4, 0 },
		{ AT(registers.pci_config_size), 4, 0 },
		{ AT(registers.driver_features[1]), 8, 1ULL << 63 },
		{ AT(registers.device_status), 1, 0 },
		{ AT(registers.backend), 1, 100 },
		{ AT(registers.irq_flags), 1, 0 },
		{ AT(queues[0].size), 2, 0 },
		{ AT(queues[0].msix_vector), 2, DEV_VECTORS },
		{ AT(vectors[0][3]), 4, 2 },
		{ AT(pending[0]), 8, 1ULL << DEV_VECTORS },
		{ AT(pci_config[PCI_VENDOR_ID]), 1, 0 },
		{ AT(pci_config[CONFIG_SPACE - 1]), 1, 1 },
	};
	struct machine *b = &self->to;
	struct image bad;

	driver_run(&self->from);
	ASSERT_EQ(0, save(&self->from, &self->image));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		bad = self->image;
		image_point(&bad);
		memcpy((uint8_t *)&bad + wrong[i].at, &wrong[i].value, wrong[i].size);
		EXPECT_EQ(-EINVAL, restore(b, &bad))
			TH_LOG("byte %zu", wrong[i].at);
	}
	EXPECT_EQ(-EAGAIN, device_event(b, NULL));
	set_up(b);
	EXPECT_EQ(0, cc_read(b, CC_STATUS));
	self->image.registers.num_queues++;
	EXPECT_EQ(-EINVAL, self->from.ops->save(&self->from, &self->image.registers));
}

int main(int argc, char **argv)
{
	require_kvm();
	return test_harness_run(argc, argv);
}
