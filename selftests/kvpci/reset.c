// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMM resets the device: whatever its driver was about to do, nothing is left
 * of it, and nobody waits for an acknowledgement.
 */
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "lib/function.h"
#include "kselftest_harness.h"

#define LAPIC		0xfee00000ULL
#define EVERYBODY	0xfeeff000ULL	/* a broadcast, sent by a work item */
#define VECTOR(n)	(0x40 + (n))

FIXTURE(reset) {
	struct machine m;
	struct device_desc desc;
};

TRANSPORT_VARIANTS(reset);

FIXTURE_SETUP(reset)
{
	struct machine *m = &self->m;

	device_describe(&self->desc);
	self->desc.create.features[0] |= F_SUSPEND;
	machine_create_as(m, variant->ops, &self->desc);
	machine_fds(m);
	ASSERT_EQ(0, device_irq(m, MSIX_ON, KVPCI_GSI_NONE));
	for (unsigned int q = 0; q < 2; q++)
		driver_vector(m, q + 1, LAPIC, VECTOR(q), UNMASKED);
}

FIXTURE_TEARDOWN(reset)
{
	machine_destroy(&self->m);
}

static void fresh(struct machine *m)
{
	(void)m;
}

static void several_events(struct machine *m)
{
	driver_run(m);
	cc_write(m, CC_STATUS, ST_RUNNING | ST_FAILED);
	guest_write(&m->g, MEM_BASE + MEM_DEVICE + 4, 4, 1);
	cc_write(m, CC_QUEUE_SELECT, 0);
	cc_write(m, CC_QUEUE_RESET, 1);
}

static void queue_stopping(struct machine *m)
{
	driver_run(m);
	cc_write(m, CC_QUEUE_SELECT, 1);
	cc_write(m, CC_QUEUE_RESET, 1);
	device_event(m, NULL);
}

static void stop_posted(struct machine *m)
{
	driver_run(m);
	cc_write(m, CC_STATUS, 0);
}

static void stop_read(struct machine *m)
{
	stop_posted(m);
	device_event(m, NULL);
}

static void suspend_posted(struct machine *m)
{
	driver_run(m);
	cc_write(m, CC_STATUS, ST_RUNNING | ST_SUSPEND);
}

static void suspend_read(struct machine *m)
{
	suspend_posted(m);
	device_event(m, NULL);
}

static void suspended(struct machine *m)
{
	suspend_read(m);
	device_ack(m, KVPCI_EVENT_SUSPEND, KVPCI_EVENT_NO_QUEUE);
}

static void resuming(struct machine *m)
{
	suspended(m);
	cc_write(m, CC_STATUS, ST_RUNNING);
}

static const struct {
	const char *name;
	void (*enter)(struct machine *m);
} states[] = {
#define STATE(name) { #name, name }
	STATE(fresh), { "negotiated", driver_negotiate },
	{ "starting", driver_start }, { "running", driver_run },
	STATE(several_events), STATE(queue_stopping), STATE(stop_posted),
	STATE(stop_read), STATE(suspend_posted), STATE(suspend_read),
	STATE(suspended), STATE(resuming),
#undef STATE
};

/* Nothing is left that guest or VMM could see. */
static void check_reset(struct __test_metadata *_metadata, struct machine *m,
			const char *state)
{
	struct pollfd fd = { .fd = m->dev, .events = POLLIN };

	EXPECT_EQ(0, cc_read(m, CC_STATUS)) TH_LOG("%s", state);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(0, poll(&fd, 1, 0)) TH_LOG("%s", state);
	EXPECT_EQ(-EAGAIN, device_event(m, NULL)) TH_LOG("%s", state);
	EXPECT_EQ(-EALREADY, device_ack(m, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	EXPECT_EQ(-EALREADY, device_ack(m, KVPCI_EVENT_SUSPEND, KVPCI_EVENT_NO_QUEUE));
	EXPECT_EQ(-EALREADY, device_ack(m, KVPCI_EVENT_QUEUE_STOP, 1));
	EXPECT_EQ(0, device_features(m));
	for (unsigned int q = 0; q < 2; q++) {
		EXPECT_EQ(0, queue_state(m, q).enabled) TH_LOG("%s", state);
		EXPECT_EQ(NO_VECTOR, queue_state(m, q).msix_vector);
		EXPECT_EQ(0, queue_state(m, q).desc);
		eventfd_count(m->kick[q]);
		guest_write(&m->g, MEM_BASE + MEM_DOORBELLS + 4 * q, 2, q);
		EXPECT_EQ(0, eventfd_count(m->kick[q]));
		queue_call(m, q);
	}
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g)) TH_LOG("%s", state);
}

TEST_F(reset, in_any_state)
{
	struct machine *m = &self->m;

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		states[i].enter(m);
		ASSERT_EQ(0, m->ops->reset(m, 0));
		check_reset(_metadata, m, states[i].name);
		/* the function is as it was, and the device works */
		driver_run(m);
		queue_call(m, 1);
		EXPECT_EQ(VECTOR(1), guest_irq(&m->g)) TH_LOG("%s", states[i].name);
		ASSERT_EQ(0, m->ops->reset(m, 0));
	}
	EXPECT_EQ(-EINVAL, m->ops->reset(m, KVPCI_RESET_FUNCTION << 1));
}

/* What waited behind a mask is forgotten. */
TEST_F(reset, pending)
{
	struct machine *m = &self->m;

	driver_run(m);
	driver_mask(m, 1);
	queue_call(m, 0);
	ASSERT_TRUE(driver_pending(m, 1));
	ASSERT_EQ(0, m->ops->reset(m, 0));
	EXPECT_FALSE(driver_pending(m, 1));
	driver_run(m);
	driver_unmask(m, 1);
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
}

/* Sent before the call returns, or never. */
TEST_F(reset, deferred_interrupt)
{
	struct machine *m = &self->m;

	driver_vector(m, 1, EVERYBODY, VECTOR(0), UNMASKED);
	for (int i = 0; i < 50; i++) {
		driver_run(m);
		queue_call(m, 0);
		ASSERT_EQ(0, m->ops->reset(m, 0));
		guest_irq(&m->g);
		driver_run(m);
		EXPECT_EQ(GUEST_NO_IRQ, guest_irq_within(&m->g, 1));
		ASSERT_EQ(0, m->ops->reset(m, 0));
	}
}

TEST_F(reset, line)
{
	struct machine *m = &self->m;

	ASSERT_EQ(0, device_irq(m, KVPCI_IRQ_MASTER, DEV_PIN));
	for (uint32_t flags = 0; flags <= KVPCI_RESET_FUNCTION; flags++) {
		guest_ioapic_route(&m->g, DEV_PIN, 0x55);
		driver_run(m);
		queue_call(m, 0);
		EXPECT_EQ(0x55, guest_irq_within(&m->g, 1000));
		EXPECT_EQ(1, device_irq(m, KVPCI_IRQ_MASTER, DEV_PIN));
		ASSERT_EQ(0, m->ops->reset(m, flags));
		/* the level is low, however often it was taken */
		while (guest_irq(&m->g) != GUEST_NO_IRQ)
			;
		EXPECT_EQ(GUEST_NO_IRQ, guest_irq_within(&m->g, 1));
		ASSERT_EQ(0, device_map(m, IO_BASE, MEM_BASE, MSIX_BASE));
		EXPECT_EQ(0, guest_read(&m->g, MEM_BASE + MEM_ISR, 1));
	}
}

/* The MSI-X table and the bits of configuration space, too. */
TEST_F(reset, function)
{
	struct machine *m = &self->m;

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		states[i].enter(m);
		ASSERT_EQ(0, m->ops->reset(m, KVPCI_RESET_FUNCTION));
		/* the twin has no other configuration space than its own */
		ASSERT_EQ(0, device_map(m, IO_BASE, MEM_BASE, MSIX_BASE));
		for (unsigned int v = 0; v < DEV_VECTORS; v++) {
			EXPECT_EQ(0, guest_read(&m->g, MSIX_BASE + 16 * v, 8));
			EXPECT_EQ(1ULL << 32,
				  guest_read(&m->g, MSIX_BASE + 16 * v + 8, 8));
		}
		check_reset(_metadata, m, states[i].name);
		/* MSI-X is off */
		driver_vector(m, 2, LAPIC, VECTOR(1), UNMASKED);
		driver_run(m);
		queue_call(m, 1);
		EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
		EXPECT_EQ(1, guest_read(&m->g, MEM_BASE + MEM_ISR, 1));
		ASSERT_EQ(0, device_irq(m, MSIX_ON, KVPCI_GSI_NONE));
		queue_call(m, 1);
		EXPECT_EQ(VECTOR(1), guest_irq(&m->g));
		ASSERT_EQ(0, m->ops->reset(m, 0));
	}
}

/* --- with configuration space ------------------------------------------------- */

FIXTURE(reset_function) {
	struct machine m;
	struct device_desc desc;
};

TRANSPORT_VARIANTS(reset_function);

FIXTURE_SETUP(reset_function)
{
	device_describe(&self->desc);
	function_create(&self->m, variant->ops, &self->desc, NULL, 0);
	machine_fds(&self->m);
	set_up(&self->m);
}

FIXTURE_TEARDOWN(reset_function)
{
	machine_destroy(&self->m);
}

TEST_F(reset_function, configuration_space)
{
	struct machine *m = &self->m;
	uint32_t msix = find_cap(m, PCI_CAP_ID_MSIX, 0, 0);
	uint32_t fresh_space[64], at;

	for (int i = 0; i < 2; i++) {
		cfg_wr(m, msix + 2, 2, PCI_MSIX_FLAGS_ENABLE);
		driver_vector(m, 1, LAPIC, VECTOR(0), UNMASKED);
		driver_run(m);
		/* of the device alone: the function stays */
		ASSERT_EQ(0, m->ops->reset(m, 0));
		EXPECT_EQ(0, cc_read(m, CC_STATUS));
		EXPECT_EQ(0, m->g.vcpu[0].exits);
		driver_run(m);

		ASSERT_EQ(0, m->ops->reset(m, KVPCI_RESET_FUNCTION));
		EXPECT_EQ(0, cfg_rd(m, PCI_COMMAND, 2));
		EXPECT_EQ(1, cfg_rd(m, BAR(0), 4));
		EXPECT_EQ(0, cfg_rd(m, BAR(1), 4));
		EXPECT_EQ(DEV_VECTORS - 1, cfg_rd(m, msix + 2, 2));
		for (at = 0; at < ARRAY_SIZE(fresh_space); at++) {
			uint32_t value = cfg_rd(m, 4 * at, 4);

			EXPECT_TRUE(!i || value == fresh_space[at]);
			fresh_space[at] = value;
		}
		EXPECT_EQ(-EAGAIN, device_event(m, NULL));
		guest_read(&m->g, MEM_BASE + CC_NUM_QUEUES, 2);
		EXPECT_EQ(1, m->g.vcpu[0].exits);
		guest_in(&m->g, IO_BASE + CC_NUM_QUEUES, 2);
		EXPECT_EQ(1, m->g.vcpu[0].exits);

		set_up(m);
		EXPECT_EQ(0, cc_read(m, CC_STATUS));
		EXPECT_EQ(1, guest_read(&m->g, MSIX_BASE + 16 + 12, 4));
		driver_run(m);
		EXPECT_EQ(ST_RUNNING, cc_read(m, CC_STATUS));
		ASSERT_EQ(0, m->ops->reset(m, 0));
	}
}

/* --- resets that exit ----------------------------------------------------------- */

FIXTURE(exit_reset) {
	struct machine m;
	struct device_desc desc;
};

TRANSPORT_VARIANTS(exit_reset);

FIXTURE_SETUP(exit_reset)
{
	device_describe(&self->desc);
	self->desc.create.flags = KVPCI_DEVICE_EXIT_RESET;
	self->desc.create.features[0] |= F_SUSPEND;
}

FIXTURE_TEARDOWN(exit_reset)
{
	machine_destroy(&self->m);
}

/* Nothing has happened, and nothing is to be read. */
static void check_exit(struct __test_metadata *_metadata, struct machine *m,
		       uint64_t addr, uint32_t reason, unsigned int status)
{
	const struct guest_exit *e = &m->g.vcpu[0].exit[0];

	ASSERT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(reason, e->reason);
	EXPECT_TRUE(e->write);
	EXPECT_EQ(1, e->width);
	EXPECT_EQ(addr, e->addr);
	EXPECT_EQ(0, e->value);
	EXPECT_EQ(status, cc_read(m, CC_STATUS));
	EXPECT_EQ(-EAGAIN, device_event(m, NULL));
}

/* A driver that does not wait: it writes 0 and goes on. */
TEST_F(exit_reset, driver_that_does_not_wait)
{
	struct machine *m = &self->m;

	machine_create_as(m, variant->ops, &self->desc);
	machine_fds(m);
	for (int i = 0; i < 3; i++) {
		driver_run(m);
		if (i == 2)
			guest_out(&m->g, IO_BASE + IO_COMMON + CC_STATUS, 1, 0);
		else
			cc_write(m, CC_STATUS, 0);
		check_exit(_metadata, m, i == 2 ? IO_BASE + CC_STATUS :
						  MEM_BASE + CC_STATUS,
			   i == 2 ? KVM_EXIT_IO : KVM_EXIT_MMIO, ST_RUNNING);
		/* the backend still has its queues */
		EXPECT_EQ(1, queue_state(m, 0).enabled);
		ASSERT_EQ(0, m->ops->reset(m, 0));
	}
	/* negotiation begins with no look at the status */
	driver_run(m);
	EXPECT_EQ(ST_RUNNING, cc_read(m, CC_STATUS));
}

/* Before START is read nobody has to stop. */
TEST_F(exit_reset, before_start_is_read)
{
	struct machine *m = &self->m;

	machine_create_as(m, variant->ops, &self->desc);
	cc_write(m, CC_STATUS, 0);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	driver_start(m);
	cc_write(m, CC_STATUS, 0);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(0, cc_read(m, CC_STATUS));
	EXPECT_EQ(-EAGAIN, device_event(m, NULL));
}

TEST_F(exit_reset, suspended)
{
	struct machine *m = &self->m;

	machine_create_as(m, variant->ops, &self->desc);
	suspended(m);
	cc_write(m, CC_STATUS, 0);
	check_exit(_metadata, m, MEM_BASE + CC_STATUS, KVM_EXIT_MMIO,
		   ST_READY | ST_SUSPEND);
	ASSERT_EQ(0, m->ops->reset(m, 0));
	resuming(m);
	cc_write(m, CC_STATUS, 0);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(KVPCI_EVENT_RESUME, device_event(m, NULL));
	ASSERT_EQ(0, m->ops->reset(m, 0));
	EXPECT_EQ(0, cc_read(m, CC_STATUS));
}

/* The VMM's own write is a reset as ever; during one nothing exits. */
TEST_F(exit_reset, by_bar_access)
{
	struct machine *m = &self->m;

	machine_create_as(m, variant->ops, &self->desc);
	driver_run(m);
	ASSERT_EQ(0, m->ops->bar_write(m, BAR_MEM, MEM_COMMON + CC_STATUS, 1, 0));
	cc_write(m, CC_STATUS, 0);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(KVPCI_EVENT_STOP, device_event(m, NULL));
	cc_write(m, CC_STATUS, 0);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(0, device_ack(m, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	EXPECT_EQ(0, cc_read(m, CC_STATUS));
}

/* Through the access window the write of configuration space exits. */
TEST_F(exit_reset, through_the_window)
{
	struct machine *m = &self->m;
	uint32_t window;
	uint64_t data;

	function_create(m, variant->ops, &self->desc, NULL, 0);
	set_up(m);
	driver_run(m);
	window = find_cap(m, PCI_CAP_ID_VNDR, VIRTIO_PCI_CAP_PCI_CFG, 0);
	ASSERT_NE(0, window);
	data = at_function(OURS, window + 16);
	guest_write(&m->g, at_function(OURS, window + 4), 1, BAR_MEM);
	guest_write(&m->g, at_function(OURS, window + 8), 4, CC_STATUS);
	guest_write(&m->g, at_function(OURS, window + 12), 4, 1);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	/* one byte of the data is what counts */
	guest_write(&m->g, data, 4, 0x0f00);
	ASSERT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(data, m->g.vcpu[0].exit[0].addr);
	EXPECT_EQ(ST_RUNNING, cc_read(m, CC_STATUS));
	/* handed back without an answer it stops no backend */
	ASSERT_EQ(0, m->ops->pci_config_write(m, window + 16, 4, 0x0f00));
	EXPECT_EQ(ST_RUNNING, cc_read(m, CC_STATUS));
	EXPECT_EQ(-EAGAIN, device_event(m, NULL));
	/* as it is meant */
	ASSERT_EQ(0, m->ops->reset(m, 0));
	ASSERT_EQ(0, m->ops->pci_config_write(m, window + 16, 4, 0x0f00));
	EXPECT_EQ(0, cc_read(m, CC_STATUS));
	EXPECT_EQ(-EAGAIN, device_event(m, NULL));
	driver_run(m);
}

/* --- and a vCPU that waits ------------------------------------------------------ */

/* A VMM that resets when the vCPU's thread sleeps, or has read. */
struct resetter {
	struct machine *m;
	int stat;		/* of that thread */
	atomic_bool has_read;
};

/* "PID (NAME) STATE ..." */
static bool sleeps(const struct resetter *r)
{
	char text[128] = "";
	const char *name_end;

	if (pread(r->stat, text, sizeof(text) - 1, 0) < 0)
		guest_die("a thread's stat");
	name_end = strrchr(text, ')');
	return name_end && name_end[1] == ' ' && name_end[2] == 'S';
}

static void *reset_late(void *arg)
{
	struct resetter *r = arg;
	struct pollfd fd = { .fd = r->m->dev, .events = POLLIN };

	while (poll(&fd, 1, 0) != 1)
		sched_yield();
	while (!atomic_load(&r->has_read) && !sleeps(r))
		sched_yield();
	libkvpci_device_reset(r->m->dev, 0);
	return NULL;
}

/* A read of device_status that waits for the end of a reset gets it. */
TEST(wakes_the_reader)
{
	struct machine machine, *m = &machine;
	struct resetter r = { .m = m };
	unsigned int waited = 0;
	pthread_t thread;

	machine_create(m);
	r.stat = open("/proc/thread-self/stat", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, r.stat);
	for (int i = 0; i < 20; i++) {
		driver_run(m);
		atomic_store(&r.has_read, false);
		ASSERT_EQ(0, pthread_create(&thread, NULL, reset_late, &r));
		cc_write(m, CC_STATUS, 0);
		waited += !cc_read(m, CC_STATUS);
		atomic_store(&r.has_read, true);
		ASSERT_EQ(0, pthread_join(thread, NULL));
		EXPECT_EQ(0, cc_read(m, CC_STATUS));
		EXPECT_EQ(-EAGAIN, device_event(m, NULL));
	}
	close(r.stat);
	EXPECT_LE(1, waited);
	TH_LOG("%u of 20 waited", waited);
	machine_destroy(m);
}

int main(int argc, char **argv)
{
	require_kvm();
	return test_harness_run(argc, argv);
}
