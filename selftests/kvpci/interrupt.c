// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts, from the backend's eventfd to the guest's handler: MSI-X with
 * masks and pending bits, configuration changes, and the line.
 */
#include "lib/machine.h"
#include "kselftest_harness.h"

#define LAPIC		0xfee00000ULL
#define VECTOR(v)	(0x41 + 0x10 * (v))
#define PIN		DEV_PIN
#define PIN_VECTOR	0x31

FIXTURE(interrupt) {
	struct machine m;
};

TRANSPORT_VARIANTS(interrupt);

FIXTURE_SETUP(interrupt)
{
	struct machine *m = &self->m;

	machine_create_in(m, variant->ops);
	machine_fds(m);
	for (unsigned int v = 0; v < 4; v++)
		driver_vector(m, v, LAPIC, VECTOR(v), UNMASKED);
	ASSERT_EQ(0, device_irq(m, MSIX_ON, KVPCI_GSI_NONE));
	driver_run(m);	/* queue 0: vector 1, queue 1: vector 2 */
	cc_write(m, CC_CONFIG_VECTOR, 0);
}

FIXTURE_TEARDOWN(interrupt)
{
	machine_destroy(&self->m);
}

FIXTURE(one_vector) {
	struct machine m;
	struct device_desc desc;
};

TRANSPORT_VARIANTS(one_vector);

FIXTURE_SETUP(one_vector)
{
	device_describe(&self->desc);
	self->desc.create.num_vectors = 1;
	machine_create_as(&self->m, variant->ops, &self->desc);
	machine_fds(&self->m);
}

FIXTURE_TEARDOWN(one_vector)
{
	machine_destroy(&self->m);
}

FIXTURE(interrupt_file) {
	struct machine m;
};

FIXTURE_SETUP(interrupt_file)
{
	machine_create(&self->m);
}

FIXTURE_TEARDOWN(interrupt_file)
{
	machine_destroy(&self->m);
}

static int change_config(struct machine *m)
{
	static uint8_t byte = 0x80;

	byte++;
	return m->ops->device_config_write(m, 0, 0, 1, &byte);
}

TEST_F(interrupt, delivered_once)
{
	struct machine *m = &self->m;

	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	queue_call(m, 0);
	EXPECT_EQ(VECTOR(1), guest_irq(&m->g));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	queue_call(m, 1);
	EXPECT_EQ(VECTOR(2), guest_irq(&m->g));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	EXPECT_STAT(m, msix_sent, 2);
	EXPECT_STAT(m, calls, 2);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	/* the device has consumed the counter */
	EXPECT_EQ(0, eventfd_count(m->call[0]));
}

/* A guest that sleeps is woken. */
TEST_F(interrupt, wakes_the_guest)
{
	struct machine *m = &self->m;

	queue_call(m, 0);
	EXPECT_EQ(VECTOR(1), guest_irq_within(&m->g, 60000));
}

TEST_F(interrupt, both_queues)
{
	struct machine *m = &self->m;

	queue_call(m, 0);
	queue_call(m, 1);
	EXPECT_EQ(VECTOR(2), guest_irq(&m->g));
	EXPECT_EQ(VECTOR(1), guest_irq(&m->g));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
}

TEST_F(interrupt, many)
{
	struct machine *m = &self->m;

	for (unsigned int i = 0; i < 100; i++) {
		queue_call(m, i & 1);
		ASSERT_EQ(VECTOR(1 + (i & 1)), guest_irq(&m->g));
	}
	EXPECT_EQ(50, guest_irq_count(&m->g, VECTOR(1)));
	EXPECT_EQ(50, guest_irq_count(&m->g, VECTOR(2)));
}

/* R36, R37: the vector may change at any time, with no ioctl. */
TEST_F(interrupt, remapped)
{
	struct machine *m = &self->m;

	cc_write(m, CC_QUEUE_SELECT, 0);
	cc_write(m, CC_QUEUE_VECTOR, 3);
	EXPECT_EQ(3, cc_read(m, CC_QUEUE_VECTOR));
	queue_call(m, 0);
	EXPECT_EQ(VECTOR(3), guest_irq(&m->g));
	driver_vector(m, 3, LAPIC, 0x99, UNMASKED);
	queue_call(m, 0);
	EXPECT_EQ(0x99, guest_irq(&m->g));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
}

/* R40 */
TEST_F(interrupt, no_vector)
{
	struct machine *m = &self->m;

	cc_write(m, CC_QUEUE_SELECT, 0);
	cc_write(m, CC_QUEUE_VECTOR, NO_VECTOR);
	cc_write(m, CC_CONFIG_VECTOR, DEV_VECTORS);	/* R39 */
	EXPECT_EQ(NO_VECTOR, cc_read(m, CC_CONFIG_VECTOR));
	queue_call(m, 0);
	ASSERT_EQ(0, change_config(m));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	EXPECT_STAT(m, irqs_dropped, 2);
	/* gone, not kept */
	cc_write(m, CC_QUEUE_VECTOR, 1);
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
}

TEST_F(interrupt, masked)
{
	struct machine *m = &self->m;

	driver_mask(m, 1);
	queue_call(m, 0);
	queue_call(m, 0);
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	EXPECT_TRUE(driver_pending(m, 1));
	EXPECT_FALSE(driver_pending(m, 0));
	EXPECT_FALSE(driver_pending(m, 2));
	EXPECT_STAT(m, msix_pended, 2);
	/* others are not held up */
	queue_call(m, 1);
	EXPECT_EQ(VECTOR(2), guest_irq(&m->g));

	driver_unmask(m, 1);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(VECTOR(1), guest_irq(&m->g));
	EXPECT_FALSE(driver_pending(m, 1));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
}

/* What a driver does to move a vector: mask, message, unmask. */
TEST_F(interrupt, moved_while_masked)
{
	struct machine *m = &self->m;

	driver_mask(m, 1);
	queue_call(m, 0);
	driver_vector(m, 1, LAPIC, 0xa1, MASKED);
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	driver_unmask(m, 1);
	EXPECT_EQ(0xa1, guest_irq(&m->g));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
}

TEST_F(interrupt, function_mask)
{
	static const uint32_t quiet[] = {
		MSIX_ON | KVPCI_IRQ_MSIX_MASKALL,
		KVPCI_IRQ_MSIX_ENABLE,	/* no bus master */
	};
	struct machine *m = &self->m;

	for (size_t i = 0; i < ARRAY_SIZE(quiet); i++) {
		ASSERT_EQ(0, device_irq(m, quiet[i], KVPCI_GSI_NONE));
		queue_call(m, 0);
		queue_call(m, 1);
		ASSERT_EQ(0, change_config(m));
		EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g))
			TH_LOG("flags %#x", quiet[i]);
		EXPECT_TRUE(driver_pending(m, 0));
		EXPECT_TRUE(driver_pending(m, 1));
		EXPECT_TRUE(driver_pending(m, 2));
		driver_mask(m, 2);
		ASSERT_EQ(0, device_irq(m, MSIX_ON, KVPCI_GSI_NONE));
		EXPECT_EQ(VECTOR(1), guest_irq(&m->g));
		EXPECT_EQ(VECTOR(0), guest_irq(&m->g));
		EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
		/* its own mask still holds */
		EXPECT_TRUE(driver_pending(m, 2));
		driver_unmask(m, 2);
		EXPECT_EQ(VECTOR(2), guest_irq(&m->g));
		EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	}
}

TEST_F(interrupt, config_change)
{
	struct machine *m = &self->m;

	ASSERT_EQ(0, change_config(m));
	EXPECT_EQ(VECTOR(0), guest_irq(&m->g));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	EXPECT_EQ(2, guest_read(&m->g, MEM_BASE + MEM_ISR, 1));	/* R24 */
	/* R42 */
	ASSERT_EQ(0, m->ops->fail(m));
	EXPECT_EQ(ST_RUNNING | ST_NEEDS_RESET, cc_read(m, CC_STATUS));
	EXPECT_EQ(VECTOR(0), guest_irq(&m->g));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
}

/* Nothing changes, nobody is told. */
TEST_F(interrupt, config_unchanged)
{
	struct machine *m = &self->m;
	uint8_t byte = guest_read(&m->g, MEM_BASE + MEM_DEVICE, 1);
	uint64_t generation = cc_read(m, CC_GENERATION);

	ASSERT_EQ(0, m->ops->device_config_write(m, 0, 0, 1, &byte));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	EXPECT_EQ(generation, cc_read(m, CC_GENERATION));
}

/* It serves queues and configuration; the table has no second one. */
TEST_F(one_vector, serves_all)
{
	struct machine *m = &self->m;

	driver_vector(m, 0, LAPIC, VECTOR(0), UNMASKED);
	driver_vector(m, 1, LAPIC, VECTOR(1), UNMASKED);
	EXPECT_EQ(0, guest_read(&m->g, MSIX_BASE + MSIX_TABLE + 16, 8));
	ASSERT_EQ(0, device_irq(m, MSIX_ON, KVPCI_GSI_NONE));
	driver_run(m);
	cc_write(m, CC_CONFIG_VECTOR, 1);
	EXPECT_EQ(NO_VECTOR, cc_read(m, CC_CONFIG_VECTOR));
	cc_write(m, CC_CONFIG_VECTOR, 0);
	EXPECT_EQ(0, cc_read(m, CC_CONFIG_VECTOR));
	for (unsigned int q = 0; q < 2; q++) {
		cc_write(m, CC_QUEUE_SELECT, q);
		EXPECT_EQ(NO_VECTOR, cc_read(m, CC_QUEUE_VECTOR));
		queue_call(m, q);
		EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
		cc_write(m, CC_QUEUE_VECTOR, 0);
		queue_call(m, q);
		EXPECT_EQ(VECTOR(0), guest_irq(&m->g));
	}
	ASSERT_EQ(0, change_config(m));
	EXPECT_EQ(VECTOR(0), guest_irq(&m->g));
	driver_mask(m, 0);
	queue_call(m, 1);
	EXPECT_TRUE(driver_pending(m, 0));
	driver_unmask(m, 0);
	EXPECT_EQ(VECTOR(0), guest_irq(&m->g));
}

static int write_first_byte(struct machine *m, uint32_t flags, uint32_t length,
			    uint8_t byte)
{
	return m->ops->device_config_write(m, flags, 0, length, &byte);
}

/* The VMM may leave the notification out, or ask for one by itself. */
TEST_F(interrupt, config_quiet_and_forced)
{
	struct machine *m = &self->m;
	uint64_t generation = cc_read(m, CC_GENERATION);
	const uint32_t quiet = KVPCI_CONFIG_WRITE_QUIET;
	const uint32_t force = KVPCI_CONFIG_WRITE_FORCE;

	ASSERT_EQ(0, write_first_byte(m, quiet, 1, 0x42));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	EXPECT_EQ(0x42, guest_read(&m->g, MEM_BASE + MEM_DEVICE, 1));
	EXPECT_NE(generation, cc_read(m, CC_GENERATION));

	generation = cc_read(m, CC_GENERATION);
	for (unsigned int length = 0; length < 2; length++) {
		ASSERT_EQ(0, write_first_byte(m, force, length, 0x42));
		EXPECT_EQ(VECTOR(0), guest_irq(&m->g));
		EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
		EXPECT_EQ(generation, cc_read(m, CC_GENERATION));
	}
	EXPECT_EQ(-EINVAL, write_first_byte(m, quiet | force, 1, 0));
	EXPECT_EQ(-EINVAL, write_first_byte(m, quiet, 0, 0));
}

/* A message to anywhere but the local APICs' window is no interrupt. */
TEST_F(interrupt, outside_the_window)
{
	static const uint64_t addresses[] = {
		0, 0x1000, GUEST_RAM_FREE, 0xfec00000, 0xfed00000, 0xfef00000,
		0xfff00000, 0x1fee00000, 0xffffff00fee00000,
	};
	struct machine *m = &self->m;

	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		driver_vector(m, 1, addresses[i], VECTOR(1), UNMASKED);
		queue_call(m, 0);
		EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g))
			TH_LOG("address %#llx",
			       (unsigned long long)addresses[i]);
		EXPECT_STAT(m, irqs_dropped, i + 1);
	}
	/* and guest memory is not written */
	EXPECT_EQ(0, guest_read(&m->g, GUEST_RAM_FREE, 4));
	driver_vector(m, 1, LAPIC, VECTOR(1), UNMASKED);
	queue_call(m, 0);
	EXPECT_EQ(VECTOR(1), guest_irq(&m->g));
}

/* Odd messages: no such CPU, vectors below 16, other delivery modes. */
TEST_F(interrupt, odd_messages)
{
	static const struct {
		uint64_t address;
		uint32_t data;
		int expect;
	} rows[] = {
		{ LAPIC | 7 << 12, VECTOR(1), GUEST_NO_IRQ },
		{ LAPIC, 0x00, GUEST_NO_IRQ },
		{ LAPIC, 0x0f, GUEST_NO_IRQ },
		{ LAPIC | 0xff << 12, VECTOR(1), VECTOR(1) },	/* all CPUs */
		{ LAPIC | 1 << 3, VECTOR(1) | 1 << 8, VECTOR(1) },
		{ LAPIC, VECTOR(1) | 1 << 14, VECTOR(1) },
	};
	struct machine *m = &self->m;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int irq = GUEST_NO_IRQ;

		driver_vector(m, 1, rows[i].address, rows[i].data, UNMASKED);
		queue_call(m, 0);
		/* multicast is sent from a work item */
		for (int t = 0; t < 50 && irq == GUEST_NO_IRQ; t++) {
			irq = guest_irq(&m->g);
			if (rows[i].expect == GUEST_NO_IRQ && t == 5)
				break;
			if (irq == GUEST_NO_IRQ)
				usleep(10000);
		}
		EXPECT_EQ(rows[i].expect, irq) TH_LOG("row %zu", i);
		EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	}
}

/* A mask that has been written holds, for messages sent by a work item too. */
TEST_F(interrupt, broadcast_masked)
{
	struct machine *m = &self->m;
	unsigned int sent = 0;

	driver_vector(m, 1, LAPIC | 0xff << 12, VECTOR(1), UNMASKED);
	for (int i = 0; i < 50; i++) {
		int irq;

		queue_call(m, 0);
		driver_mask(m, 1);
		/* either it was sent before, or it is soon pending */
		irq = guest_irq(&m->g);
		for (int t = 0; t < 500 && irq == GUEST_NO_IRQ; t++) {
			if (driver_pending(m, 1))
				break;
			usleep(1000);
		}
		EXPECT_NE(irq == VECTOR(1), driver_pending(m, 1));
		EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
		sent += irq == VECTOR(1);
		driver_unmask(m, 1);
		if (irq == VECTOR(1))
			continue;
		for (int t = 0; t < 50 && irq == GUEST_NO_IRQ; t++) {
			usleep(1000);
			irq = guest_irq(&m->g);
		}
		EXPECT_EQ(VECTOR(1), irq);
	}
	TH_LOG("%u of 50 were sent before the mask", sent);
}

/* R41, R45, R47 */
TEST_F(interrupt, life_cycle)
{
	struct machine *m = &self->m;

	/* a queue that is not enabled */
	queue_call(m, 3);
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	/* one under reset */
	cc_write(m, CC_QUEUE_SELECT, 0);
	cc_write(m, CC_QUEUE_RESET, 1);
	queue_call(m, 0);
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	queue_call(m, 1);
	EXPECT_EQ(VECTOR(2), guest_irq(&m->g));
	/* after the reset, acknowledged or not */
	cc_write(m, CC_STATUS, 0);
	queue_call(m, 1);
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	ASSERT_EQ(KVPCI_EVENT_STOP, device_event(m, NULL));
	ASSERT_EQ(0, device_ack(m, KVPCI_EVENT_STOP,
				KVPCI_EVENT_NO_QUEUE));
	queue_call(m, 1);
	ASSERT_EQ(0, change_config(m));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	/* before DRIVER_OK */
	driver_negotiate(m);
	cc_write(m, CC_CONFIG_VECTOR, 0);
	driver_queue(m, 1, 64);
	queue_call(m, 1);
	ASSERT_EQ(0, change_config(m));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	EXPECT_EQ(0, guest_read(&m->g, MEM_BASE + MEM_ISR, 1));
	cc_write(m, CC_STATUS, ST_RUNNING);
	queue_call(m, 1);
	EXPECT_EQ(VECTOR(2), guest_irq(&m->g));
}

/* The call eventfd is replaced: the old one is out of use. */
TEST_F(interrupt, call_replaced)
{
	struct machine *m = &self->m;

	/* for the module, one eventfd serves one queue */
	if (variant->ops == &machine_module)
		EXPECT_EQ(-EBUSY, queue_fds(m, 0, -1, m->call[3]));
	queue_call(m, 0);
	EXPECT_EQ(VECTOR(1), guest_irq(&m->g));
	ASSERT_EQ(0, queue_fds(m, 3, -1, -1));
	ASSERT_EQ(0, queue_fds(m, 0, -1, m->call[3]));
	eventfd_add(m->call[0]);
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	EXPECT_EQ(1, eventfd_count(m->call[0]));
	queue_call(m, 3);
	EXPECT_EQ(VECTOR(1), guest_irq(&m->g));
}

/* A signal from before the registration is not forgotten. */
TEST_F(interrupt, signalled_before_registration)
{
	struct machine *m = &self->m;

	ASSERT_EQ(0, queue_fds(m, 0, -1, -1));
	eventfd_add(m->call[0]);
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	ASSERT_EQ(0, queue_fds(m, 0, -1, m->call[0]));
	device_await_call(m, m->call[0]);
	EXPECT_EQ(VECTOR(1), guest_irq(&m->g));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
}

/* The device keeps the eventfd when its descriptor is closed. */
TEST_F(interrupt, descriptor_closed)
{
	struct machine *m = &self->m;
	int copy = dup(m->call[0]);

	close(m->call[0]);
	m->call[0] = copy;
	queue_call(m, 0);
	EXPECT_EQ(VECTOR(1), guest_irq(&m->g));
	close(m->call[1]);
	m->call[1] = -1;
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
}

/* --- the line --------------------------------------------------------------*/

/* The line follows soon, not at once: a work item moves it. */
static int line_irq(struct machine *m)
{
	for (int t = 0; t < 100; t++) {
		int irq = guest_irq(&m->g);

		if (irq != GUEST_NO_IRQ)
			return irq;
		usleep(5000);
	}
	return GUEST_NO_IRQ;
}

/* Down; what was on its way from either pin may still come. */
static int line_quiet(struct machine *m)
{
	for (int i = 0; i < 3; i++)
		if (guest_irq(&m->g) == GUEST_NO_IRQ)
			break;
	return guest_irq(&m->g);
}

/* R25, R26, R27 */
TEST_F(interrupt, line)
{
	struct machine *m = &self->m;

	guest_ioapic_route(&m->g, PIN, PIN_VECTOR);
	ASSERT_EQ(0, device_irq(m, 0, PIN));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));

	queue_call(m, 0);
	EXPECT_EQ(PIN_VECTOR, line_irq(m));
	/* up until ISR is read */
	EXPECT_EQ(PIN_VECTOR, guest_irq(&m->g));
	EXPECT_EQ(PIN_VECTOR, guest_irq(&m->g));
	EXPECT_EQ(1, device_irq(m, 0, PIN));	/* Status.Interrupt */
	EXPECT_EQ(1, guest_read(&m->g, MEM_BASE + MEM_ISR, 1));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(GUEST_NO_IRQ, line_quiet(m));
	EXPECT_EQ(0, device_irq(m, 0, PIN));
	EXPECT_STAT(m, intx_raised, 1);
	EXPECT_STAT(m, msix_sent, 0);

	ASSERT_EQ(0, change_config(m));
	EXPECT_EQ(PIN_VECTOR, line_irq(m));
	EXPECT_EQ(2, guest_in(&m->g, IO_BASE + IO_ISR, 1));
	EXPECT_EQ(GUEST_NO_IRQ, line_quiet(m));
	EXPECT_EQ(0, guest_read(&m->g, MEM_BASE + MEM_ISR, 1));

	/* both causes */
	queue_call(m, 0);
	ASSERT_EQ(0, change_config(m));
	EXPECT_EQ(PIN_VECTOR, line_irq(m));
	EXPECT_EQ(3, guest_read(&m->g, MEM_BASE + MEM_ISR, 1));
	EXPECT_EQ(GUEST_NO_IRQ, line_quiet(m));
}

/* Command's disable bit lowers the line; the status bit stays. */
TEST_F(interrupt, line_disabled)
{
	struct machine *m = &self->m;

	guest_ioapic_route(&m->g, PIN, PIN_VECTOR);
	ASSERT_EQ(0, device_irq(m, KVPCI_IRQ_INTX_DISABLE, PIN));
	queue_call(m, 0);
	usleep(50000);
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	EXPECT_EQ(1, device_irq(m, KVPCI_IRQ_INTX_DISABLE, PIN));
	EXPECT_EQ(1, device_irq(m, 0, PIN));
	EXPECT_EQ(PIN_VECTOR, line_irq(m));
	EXPECT_EQ(1, device_irq(m, KVPCI_IRQ_INTX_DISABLE, PIN));
	EXPECT_EQ(GUEST_NO_IRQ, line_quiet(m));
	/* MSI-X takes over: no line, no status */
	EXPECT_EQ(1, device_irq(m, 0, PIN));
	EXPECT_EQ(PIN_VECTOR, line_irq(m));
	EXPECT_EQ(0, device_irq(m, MSIX_ON, PIN));
	EXPECT_EQ(GUEST_NO_IRQ, line_quiet(m));
}

/* Another pin, and none: the VMM's choice in the module only. */
TEST_F(interrupt_file, line_moved)
{
	struct machine *m = &self->m;

	machine_fds(m);
	driver_run(m);
	guest_ioapic_route(&m->g, PIN, PIN_VECTOR);
	guest_ioapic_route(&m->g, PIN + 1, PIN_VECTOR + 0x10);
	ASSERT_EQ(0, device_irq(m, 0, PIN));
	queue_call(m, 0);
	EXPECT_EQ(PIN_VECTOR, line_irq(m));
	ASSERT_EQ(1, device_irq(m, 0, PIN + 1));
	/* the last of the old line may come first */
	if (guest_irq(&m->g) == PIN_VECTOR)
		guest_irq(&m->g);
	EXPECT_EQ(PIN_VECTOR + 0x10, guest_irq(&m->g));
	EXPECT_EQ(PIN_VECTOR + 0x10, guest_irq(&m->g));
	ASSERT_EQ(1, device_irq(m, 0, KVPCI_GSI_NONE));
	EXPECT_EQ(GUEST_NO_IRQ, line_quiet(m));
}

/* A reset lowers the line at the latest when it is done. */
TEST_F(interrupt, line_after_reset)
{
	struct machine *m = &self->m;

	guest_ioapic_route(&m->g, PIN, PIN_VECTOR);
	ASSERT_EQ(0, device_irq(m, 0, PIN));
	queue_call(m, 0);
	EXPECT_EQ(PIN_VECTOR, line_irq(m));
	cc_write(m, CC_STATUS, 0);
	ASSERT_EQ(KVPCI_EVENT_STOP, device_event(m, NULL));
	ASSERT_EQ(0, device_ack(m, KVPCI_EVENT_STOP,
				KVPCI_EVENT_NO_QUEUE));
	EXPECT_EQ(GUEST_NO_IRQ, line_quiet(m));
	EXPECT_EQ(0, guest_read(&m->g, MEM_BASE + MEM_ISR, 1));
}

/* Two functions on one line: it is up as long as one of them pulls. */
TEST_F(interrupt, line_shared)
{
	struct machine *m = &self->m;
	struct machine two;	/* the same guest, a second device */
	const bool twin = variant->ops == &machine_twin;
	struct device_desc desc;
	uint64_t isr;

	device_describe(&desc);
	/* the launcher has eight lines: the ninth slot has the first's again */
	for (int i = 0; i < (twin ? 8 : 1); i++)
		ASSERT_EQ(0, machine_add_device(m, &desc, &two));
	ASSERT_EQ(0, device_map(m, 0, 0, 0));
	ASSERT_EQ(0, device_map(&two, IO_BASE, MEM_BASE, MSIX_BASE));
	for (unsigned int q = 0; q < DEV_QUEUES; q++)
		ASSERT_EQ(0, queue_fds(m, q, -1, -1));
	machine_fds(&two);
	driver_run(&two);
	ASSERT_EQ(0, queue_fds(m, 0, -1, m->call[0]));

	guest_ioapic_route(&m->g, PIN, PIN_VECTOR);
	ASSERT_EQ(0, device_irq(m, 0, PIN));
	ASSERT_EQ(0, device_irq(&two, 0, PIN));
	queue_call(m, 0);
	queue_call(&two, 0);
	EXPECT_EQ(PIN_VECTOR, line_irq(m));
	/* the second is serviced; the first still pulls */
	EXPECT_EQ(1, guest_read(&m->g, MEM_BASE + MEM_ISR, 1));
	EXPECT_EQ(PIN_VECTOR, guest_irq(&m->g));
	EXPECT_EQ(PIN_VECTOR, guest_irq(&m->g));
	if (twin) {
		ASSERT_EQ(0, m->ops->bar_read(m, BAR_MEM, MEM_ISR, 1, &isr));
		EXPECT_EQ(1, isr);
	} else {
		/* it goes away with its line up, and takes its pull along */
		close(m->dev);
		m->dev = two.dev;
	}
	EXPECT_EQ(GUEST_NO_IRQ, line_quiet(m));
	queue_call(&two, 0);
	EXPECT_EQ(PIN_VECTOR, line_irq(m));
	for (unsigned int q = 0; q < DEV_QUEUES; q++) {
		close(two.call[q]);
		close(two.kick[q]);
	}
}

int main(int argc, char **argv)
{
	require_kvm();
	return test_harness_run(argc, argv);
}
