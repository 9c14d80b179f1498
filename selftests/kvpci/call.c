// SPDX-License-Identifier: GPL-2.0-only
/*
 * One eventfd is the call eventfd of one queue, whichever device and VM that is
 * of: each wait for it is work with interrupts off for whoever signals it.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>

#include "lib/machine.h"
#include "kselftest_harness.h"

#define LAPIC		0xfee00000ULL
#define VECTOR		0x51
#define REPLACED	2000
#define LIMIT_MS	60000

/* Another device, without BARs anywhere. */
FIXTURE(call) {
	struct machine m;
	int kvm, kvm_vm;	/* the other VM, or -1 */
	int vm;
	int dev;
	int own;		/* its queue 0's call eventfd */
};

FIXTURE_VARIANT(call) {
	bool same_vm;
};

FIXTURE_VARIANT_ADD(call, one_vm) { .same_vm = true };
FIXTURE_VARIANT_ADD(call, two_vms) { .same_vm = false };

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static int new_eventfd(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (fd < 0)
		guest_die("eventfd");
	return fd;
}

/* What a VM must have for the module, and no more */
static void other_vm(FIXTURE_DATA(call) *self, struct guest *g)
{
	guest_create_parts(g, GUEST_IRQCHIP | GUEST_MSI_ROUTE, 0);
	self->kvm = g->kvm_fd;
	self->kvm_vm = g->vm_fd;
	self->vm = libkvpci_vm_create(self->m.ctl, g->vm_fd);
	if (self->vm < 0)
		guest_die("KVPCI_VM_CREATE: %d", self->vm);
}

FIXTURE_SETUP(call)
{
	struct machine *m = &self->m;
	struct device_desc desc;
	struct guest other;

	machine_create(m);
	machine_fds(m);
	driver_vector(m, 1, LAPIC, VECTOR, UNMASKED);
	ASSERT_EQ(0, libkvpci_device_irq(m->dev, MSIX_ON, KVPCI_GSI_NONE));
	driver_run(m);

	self->kvm = -1;
	self->kvm_vm = -1;
	self->vm = -1;
	if (!variant->same_vm)
		other_vm(self, &other);
	device_describe(&desc);
	self->dev = libkvpci_device_create(variant->same_vm ? m->vm : self->vm, &desc.create);
	ASSERT_LE(0, self->dev);
	self->own = new_eventfd();
	ASSERT_EQ(0, libkvpci_queue_fds(self->dev, 0, -1, self->own));
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

FIXTURE_TEARDOWN(call)
{
	close_fd(&self->dev);
	close_fd(&self->vm);
	close_fd(&self->kvm_vm);
	close_fd(&self->kvm);
	close_fd(&self->own);
	machine_destroy(&self->m);
}

/* Signals that a device has taken */
static uint64_t taken(int dev)
{
	struct kvpci_device_stats stats;

	if (libkvpci_device_stats(dev, &stats))
		guest_die("KVPCI_DEVICE_STATS");
	return stats.calls;
}

TEST_F(call, of_another_device)
{
	struct machine *m = &self->m;
	int kick = new_eventfd();

	for (unsigned int q = 0; q < 2; q++)
		EXPECT_EQ(-EBUSY, libkvpci_queue_fds(self->dev, q, kick, m->call[0]));
	EXPECT_EQ(-EBUSY, libkvpci_queue_fds(m->dev, 0, kick, self->own));

	/* the other's signal is the other's alone, and the eventfd its own */
	eventfd_add(self->own);
	EXPECT_EQ(1, taken(self->dev));
	EXPECT_EQ(0, taken(m->dev));
	EXPECT_EQ(0, eventfd_count(self->own));
	eventfd_add(m->call[0]);
	EXPECT_EQ(1, taken(self->dev));
	EXPECT_EQ(1, taken(m->dev));
	EXPECT_EQ(VECTOR, guest_irq(&m->g));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	/* nor has the kick eventfd been replaced */
	guest_write(&m->g, MEM_BASE + MEM_DOORBELLS, 2, 0);
	EXPECT_EQ(1, eventfd_count(m->kick[0]));
	EXPECT_EQ(0, eventfd_count(kick));
	close(kick);
}

TEST_F(call, after_the_other_let_go)
{
	struct machine *m = &self->m;

	/* by another in its place */
	EXPECT_EQ(-EBUSY, libkvpci_queue_fds(m->dev, 0, m->kick[0], self->own));
	ASSERT_EQ(0, libkvpci_queue_fds(self->dev, 0, -1, -1));
	EXPECT_EQ(0, libkvpci_queue_fds(m->dev, 0, m->kick[0], self->own));
	eventfd_add(self->own);
	EXPECT_EQ(VECTOR, guest_irq(&m->g));
	EXPECT_EQ(0, taken(self->dev));

	/* by its end */
	EXPECT_EQ(0, libkvpci_queue_fds(self->dev, 1, -1, m->call[0]));
	EXPECT_EQ(-EBUSY, libkvpci_queue_fds(m->dev, 0, m->kick[0], m->call[0]));
	close_fd(&self->dev);
	EXPECT_EQ(0, libkvpci_queue_fds(m->dev, 0, m->kick[0], m->call[0]));
	eventfd_add(m->call[0]);
	EXPECT_EQ(VECTOR, guest_irq(&m->g));
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
}

/* --- by itself ---------------------------------------------------------------- */

TEST_F(call, by_itself)
{
	struct machine *m = &self->m;

	for (unsigned int i = 1; i <= 20; i++) {
		ASSERT_EQ(0, libkvpci_queue_fds(m->dev, 0, m->kick[0], m->call[0]));
		EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
		eventfd_add(m->call[0]);
		EXPECT_EQ(i, taken(m->dev));
		EXPECT_EQ(VECTOR, guest_irq(&m->g));
		EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	}
}

struct signals {
	struct machine *m;
	volatile bool stop;
	volatile unsigned int sent;
	bool lost;
};

/* One signal after the other, each when the device has taken the last. */
static void *signal_calls(void *arg)
{
	struct signals *s = arg;

	while (!s->stop && !s->lost) {
		eventfd_add(s->m->call[0]);
		s->sent++;
		for (int ms = 0; taken(s->m->dev) < s->sent; ms++) {
			if (ms == LIMIT_MS) {
				s->lost = true;
				break;
			}
			usleep(1000);
		}
	}
	return NULL;
}

TEST_F(call, by_itself_under_signals)
{
	struct machine *m = &self->m;
	struct signals s = { .m = m };
	const time_t end = seconds() + LIMIT_MS / 1000;
	pthread_t thread;
	unsigned int i;

	ASSERT_EQ(0, pthread_create(&thread, NULL, signal_calls, &s));
	for (i = 0; i < REPLACED || (!s.sent && seconds() < end); i++)
		ASSERT_EQ(0, libkvpci_queue_fds(m->dev, 0, m->kick[0], m->call[0]));
	EXPECT_LT(0, s.sent)
		TH_LOG("replaced %u times in %d ms, and nothing was signalled", i,
		       LIMIT_MS);
	s.stop = true;
	pthread_join(thread, NULL);
	EXPECT_FALSE(s.lost);
	EXPECT_EQ(s.sent, taken(m->dev));
	EXPECT_EQ(VECTOR, guest_irq(&m->g));
}

int main(int argc, char **argv)
{
	require_kvpci();
	return test_harness_run(argc, argv);
}
