// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two processors in one device, and a VMM that changes everything under
 * them. What must hold: what a backend was told stays until it has stopped, and
 * what keeps the device from interrupting holds from when the guest's write of it
 * is done.
 */
#include <pthread.h>
#include <sys/ioctl.h>
#include <time.h>

#include "lib/machine.h"
#include "kselftest_harness.h"

#define SECONDS		4
#define WAIT_SECONDS	60	/* for what a slow machine does in one of them */
#define MEM(at)		(MEM_BASE + (at))

struct race {
	struct machine m;
	volatile bool stop;
	unsigned int starts, stops, queue_starts, queue_stops;
	const char *broken;	/* what did not hold, or NULL */
};

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* A whole life of the device as one processor drives it. */
static const struct guest_access driver_life[] = {
	{ ACCESS_WRITE, 1, MEM(CC_STATUS), 0 },
	{ ACCESS_READ, 1, MEM(CC_STATUS), 0 },
	{ ACCESS_WRITE, 1, MEM(CC_STATUS), ST_ACKNOWLEDGE | ST_DRIVER },
	{ ACCESS_WRITE, 4, MEM(CC_DRIVER_FEATURE_SELECT), 1 },
	{ ACCESS_WRITE, 4, MEM(CC_DRIVER_FEATURE), DEV_FEATURES >> 32 },
	{ ACCESS_WRITE, 1, MEM(CC_STATUS), ST_READY },
	{ ACCESS_WRITE, 2, MEM(CC_CONFIG_VECTOR), 0 },
	{ ACCESS_WRITE, 2, MEM(CC_QUEUE_SELECT), 0 },
	{ ACCESS_WRITE, 2, MEM(CC_QUEUE_SIZE), 128 },
	{ ACCESS_WRITE, 2, MEM(CC_QUEUE_VECTOR), 1 },
	{ ACCESS_WRITE, 4, MEM(CC_QUEUE_DESC), 0x1000 },
	{ ACCESS_WRITE, 2, MEM(CC_QUEUE_ENABLE), 1 },
	{ ACCESS_WRITE, 1, MEM(CC_STATUS), ST_RUNNING },
	{ ACCESS_WRITE, 2, MEM(MEM_DOORBELLS), 0 },
	{ ACCESS_WRITE, 2, MEM(CC_QUEUE_RESET), 1 },
	{ ACCESS_READ, 2, MEM(CC_QUEUE_RESET), 0 },
	{ ACCESS_WRITE, 2, MEM(CC_QUEUE_SIZE), 64 },
	{ ACCESS_WRITE, 2, MEM(CC_QUEUE_ENABLE), 1 },
	{ ACCESS_READ, 1, MEM(CC_GENERATION), 0 },
};

/* The other processor pokes at the same registers, through ports too. */
static const struct guest_access other_life[] = {
	{ ACCESS_OUT, 2, IO_BASE + CC_QUEUE_SELECT, 1 },
	{ ACCESS_OUT, 2, IO_BASE + CC_QUEUE_SIZE, 32 },
	{ ACCESS_OUT, 4, IO_BASE + CC_QUEUE_DESC, 0x2000 },
	{ ACCESS_OUT, 2, IO_BASE + CC_QUEUE_ENABLE, 1 },
	{ ACCESS_OUT, 2, IO_BASE + IO_DOORBELL, 1 },
	{ ACCESS_WRITE, 4, MSIX_BASE + 16 + 12, 1 },
	{ ACCESS_READ, 8, MSIX_BASE + MSIX_PBA, 0 },
	{ ACCESS_WRITE, 4, MSIX_BASE + 16 + 12, 0 },
	{ ACCESS_IN, 1, IO_BASE + IO_ISR, 0 },
	{ ACCESS_OUT, 2, IO_BASE + CC_QUEUE_SIZE, 16 },
	{ ACCESS_OUT, 4, IO_BASE + CC_QUEUE_DESC, 0x3000 },
	{ ACCESS_OUT, 2, IO_BASE + CC_QUEUE_RESET, 1 },
	{ ACCESS_OUT, 4, IO_BASE + IO_DEVICE + 4, 7 },
};

static void *run_vcpu(void *arg)
{
	while (!guest_run(arg))
		;
	return NULL;
}

/*
 * The threads end when they are told to, or when the vCPUs do; a kernel that
 * keeps one of them is what this reports.
 */
static void join_all(pthread_t *threads, unsigned int num, struct machine *m)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += WAIT_SECONDS;
	for (unsigned int i = 0; i < num; i++)
		if (pthread_timedjoin_np(threads[i], NULL, &end))
			guest_die("thread %u of %u does not end; exits %u and %u",
				  i, num, m->g.vcpu[0].exits, m->g.vcpu[1].exits);
}

struct told {
	bool running;
	bool owned[DEV_QUEUES];
	struct kvpci_queue_state queue[DEV_QUEUES];
	struct kvpci_device_state state;
};

static struct kvpci_queue_state queue_now(struct race *r, unsigned int queue)
{
	struct kvpci_queue_state q = queue_state(&r->m, queue);

	q.msix_vector = 0;	/* the driver's to change */
	return q;
}

static void state_now(struct race *r, struct kvpci_device_state *state)
{
	*state = (struct kvpci_device_state){ .device_config = 0 };
	if (libkvpci_device_state(r->m.dev, state))
		r->broken = "KVPCI_DEVICE_STATE";
}

static void compare(struct race *r, struct told *told)
{
	struct kvpci_device_state state;
	struct kvpci_queue_state queue;

	if (!told->running)
		return;
	state_now(r, &state);
	if (!state.status)
		r->broken = "status 0 with a running backend";
	if (memcmp(state.driver_features, told->state.driver_features,
		   sizeof(state.driver_features)))
		r->broken = "features of a running backend";
	for (unsigned int q = 0; q < DEV_QUEUES; q++) {
		if (!told->owned[q])
			continue;
		queue = queue_now(r, q);
		if (memcmp(&queue, &told->queue[q], sizeof(queue)))
			r->broken = "queue of a running backend";
	}
}

static void on_event(struct race *r, struct told *told,
		     const struct kvpci_event *e)
{
	switch (e->kind) {
	case KVPCI_EVENT_START:
		if (told->running)
			r->broken = "START twice";
		told->running = true;
		r->starts++;
		state_now(r, &told->state);
		for (unsigned int q = 0; q < DEV_QUEUES; q++) {
			told->queue[q] = queue_now(r, q);
			told->owned[q] = told->queue[q].enabled;
		}
		break;
	case KVPCI_EVENT_STOP:
		if (!told->running)
			r->broken = "STOP without START";
		compare(r, told);
		if (device_ack(&r->m, KVPCI_EVENT_STOP,
			       KVPCI_EVENT_NO_QUEUE))
			r->broken = "acknowledgement of STOP";
		memset(told, 0, sizeof(*told));
		r->stops++;
		break;
	case KVPCI_EVENT_QUEUE_START:
		if (!told->running || told->owned[e->queue])
			r->broken = "QUEUE_START of a running queue";
		/* ready since before the event: what is read now is it */
		told->queue[e->queue] = queue_now(r, e->queue);
		told->owned[e->queue] = true;
		r->queue_starts++;
		break;
	case KVPCI_EVENT_QUEUE_STOP:
		if (!told->running || !told->owned[e->queue])
			r->broken = "QUEUE_STOP of a stopped queue";
		compare(r, told);
		told->owned[e->queue] = false;
		/* a device reset may have come first; STOP follows then */
		device_ack(&r->m, KVPCI_EVENT_QUEUE_STOP, e->queue);
		r->queue_stops++;
		break;
	}
}

static void *vmm(void *arg)
{
	struct race *r = arg;
	struct told told = { 0 };
	unsigned int events = 0;
	struct kvpci_event e;

	while (!r->stop && !r->broken) {
		compare(r, &told);
		if (device_event(&r->m, &e) < 0)
			continue;
		on_event(r, &told, &e);
		compare(r, &told);
		if (++events % 8)
			continue;
		/* It stops what it has started, and forgets about it. */
		memset(&told, 0, sizeof(told));
		if (r->m.ops->reset(&r->m, 0))
			r->broken = "reset by the VMM";
	}
	return NULL;
}

/* Interrupts, eventfds and places change all the time. */
static void *changer(void *arg)
{
	struct race *r = arg;
	struct machine *m = &r->m;
	uint8_t byte = 0;

	for (unsigned int i = 0; !r->stop; i++) {
		eventfd_add(m->call[i % 2]);
		byte = i;
		m->ops->device_config_write(m, 0, 0, 1, &byte);
		if (i % 16 == 0)
			queue_fds(m, i / 16 % 2, m->kick[0], m->call[1]);
		if (i % 16 == 8)
			device_irq(m, i % 32 == 8 ? MSIX_ON : 0, 5);
		if (i % 64 == 40)
			device_map(m, IO_BASE, 0, MSIX_BASE);
		if (i % 64 == 41)
			device_map(m, IO_BASE, MEM_BASE, MSIX_BASE);
		if (i % 8 == 0)
			usleep(500);
	}
	return NULL;
}

TEST(two_processors)
{
	struct race r = { 0 };
	struct device_desc desc;
	pthread_t threads[4];

	device_describe(&desc);
	machine_create_on(&r.m, 2, &desc);
	guest_hold_interrupts(&r.m.g);
	machine_fds(&r.m);
	for (unsigned int v = 0; v < 4; v++)
		driver_vector(&r.m, v, 0xfee00000 + (v << 12), 0x41 + v, UNMASKED);
	guest_set_script(&r.m.g.vcpu[0], driver_life, ARRAY_SIZE(driver_life),
			 0);
	guest_set_script(&r.m.g.vcpu[1], other_life, ARRAY_SIZE(other_life), 0);
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, run_vcpu,
					    &r.m.g.vcpu[i]));
	ASSERT_EQ(0, pthread_create(&threads[2], NULL, vmm, &r));
	ASSERT_EQ(0, pthread_create(&threads[3], NULL, changer, &r));
	for (int i = 0; i < SECONDS * 10 && !r.broken; i++)
		usleep(100000);
	/* A machine may be slow. */
	for (int i = 0; r.stops <= 3 && i < 600 && !r.broken; i++)
		usleep(100000);
	r.stop = true;
	for (int i = 0; i < 2; i++)
		guest_stop_script(&r.m.g.vcpu[i]);
	join_all(threads, 4, &r.m);
	EXPECT_EQ(NULL, r.broken)
		TH_LOG("broken: %s", r.broken);
	TH_LOG("%u starts, %u stops, %u and %u of queues", r.starts, r.stops,
	       r.queue_starts, r.queue_stops);
	EXPECT_LT(3, r.starts);
	EXPECT_LT(3, r.stops);
	machine_destroy(&r.m);
}

/* The device ends while both processors are inside it. */
TEST(close_under_two_processors)
{
	struct machine m;
	struct device_desc desc;
	pthread_t threads[2];
	const time_t start = seconds();
	unsigned int i;

	device_describe(&desc);
	machine_create_on(&m, 2, &desc);
	guest_hold_interrupts(&m.g);
	machine_fds(&m);
	guest_set_script(&m.g.vcpu[0], driver_life, ARRAY_SIZE(driver_life), 0);
	guest_set_script(&m.g.vcpu[1], other_life, ARRAY_SIZE(other_life), 0);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, run_vcpu,
					    &m.g.vcpu[i]));
	/* Where two processors are less than that each takes its time. */
	for (i = 0; i < 30 && (i < 5 || seconds() < start + 5 * SECONDS); i++) {
		usleep(2000);
		close(m.dev);
		m.dev = libkvpci_device_create(m.vm, &desc.create);
		ASSERT_LE(0, m.dev);
		ASSERT_EQ(0, device_map(&m, IO_BASE, MEM_BASE, MSIX_BASE));
		ASSERT_EQ(0, queue_fds(&m, 0, m.kick[0], m.call[0]));
		eventfd_add(m.call[0]);
	}
	TH_LOG("closed %u times in %ld s", i, (long)(seconds() - start));
	for (i = 0; i < 2; i++)
		guest_stop_script(&m.g.vcpu[i]);
	join_all(threads, 2, &m);
	machine_destroy(&m);
}

/* --- no message after what forbids it -------------------------------------- */

#define LAPIC		0xfee00000ULL
#define NOBODY		0xfed00000ULL	/* no local APIC is there */
#define ROUNDS		25

struct backend {
	struct machine *m;
	volatile bool stop;
};

/* A backend that has a lot to tell queue 0. */
static void *signal_always(void *arg)
{
	struct backend *b = arg;

	while (!b->stop)
		eventfd_add(b->m->call[0]);
	return NULL;
}

enum noise { LOUD, QUIET };

/* What everybody has done so far, of a wait that ended without its end. */
static void die_waiting(struct machine *m, const char *what)
{
	struct kvpci_device_stats s = device_stats(m);
	struct kvpci_device_state state = { .device_config = 0 };

	if (libkvpci_device_state(m->dev, &state))
		state.status = ~0U;
	guest_die("no %s: status %#x, calls %llu, sent %llu, pended %llu, dropped %llu",
		  what, state.status, (unsigned long long)s.calls,
		  (unsigned long long)s.msix_sent,
		  (unsigned long long)s.msix_pended,
		  (unsigned long long)s.irqs_dropped);
}

static void vector_mask(struct machine *m, enum noise noise)
{
	if (noise == QUIET)
		driver_mask(m, 1);
	else
		driver_unmask(m, 1);
}

static void function_mask(struct machine *m, enum noise noise)
{
	device_irq(m, MSIX_ON | (noise == QUIET ? KVPCI_IRQ_MSIX_MASKALL : 0),
		   KVPCI_GSI_NONE);
}

static void no_master(struct machine *m, enum noise noise)
{
	device_irq(m, noise == QUIET ? KVPCI_IRQ_MSIX_ENABLE : MSIX_ON,
		   KVPCI_GSI_NONE);
}

static void msix_off(struct machine *m, enum noise noise)
{
	device_irq(m, noise == QUIET ? 0 : MSIX_ON, KVPCI_GSI_NONE);
}

static void no_vector(struct machine *m, enum noise noise)
{
	cc_write(m, CC_QUEUE_SELECT, 0);
	cc_write(m, CC_QUEUE_VECTOR, noise == QUIET ? NO_VECTOR : 1);
}

static void other_message(struct machine *m, enum noise noise)
{
	guest_write(&m->g, MSIX_BASE + 16, 4, noise == QUIET ? NOBODY : LAPIC);
}

static void device_reset(struct machine *m, enum noise noise)
{
	const time_t end = seconds() + WAIT_SECONDS;

	if (noise == QUIET) {
		cc_write(m, CC_STATUS, 0);
		return;
	}
	while (device_event(m, NULL) != KVPCI_EVENT_STOP) {
		if (seconds() > end)
			die_waiting(m, "STOP");
		usleep(100);
	}
	device_ack(m, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE);
	driver_run(m);
}

static void vmm_reset(struct machine *m, enum noise noise)
{
	if (noise == LOUD)
		driver_run(m);
	else if (m->ops->reset(m, 0))
		guest_die("KVPCI_DEVICE_RESET");
}

static const struct {
	const char *name;
	void (*set)(struct machine *m, enum noise noise);
	bool pends;	/* what was not sent is remembered */
} quieters[] = {
	{ "vector masked", vector_mask, true },
	{ "function masked", function_mask, true },
	{ "no bus master", no_master, true },
	{ "MSI-X off", msix_off, false },
	{ "no vector", no_vector, false },
	{ "other message", other_message, false },
	{ "reset", device_reset, false },
	{ "reset by the VMM", vmm_reset, false },
};

/* Wait until the backend has signalled some more. */
static void await_calls(struct machine *m)
{
	const time_t end = seconds() + WAIT_SECONDS;
	uint64_t calls = device_stats(m).calls;

	do {
		if (seconds() > end)
			die_waiting(m, "call");
		usleep(100);
	} while (device_stats(m).calls < calls + 4);
}

/* Wait until more messages have been sent. */
static void await_sent(struct machine *m, uint64_t before)
{
	const time_t end = seconds() + WAIT_SECONDS;

	while (device_stats(m).msix_sent <= before) {
		if (seconds() > end)
			die_waiting(m, "message");
		usleep(100);
	}
}

TEST(no_message_after)
{
	struct machine machine, *m = &machine;
	struct backend b = { .m = m };
	pthread_t thread;

	machine_create(m);
	guest_hold_interrupts(&m->g);
	machine_fds(m);
	driver_vector(m, 1, LAPIC, 0x41, UNMASKED);
	ASSERT_EQ(0, device_irq(m, MSIX_ON, KVPCI_GSI_NONE));
	driver_run(m);
	ASSERT_EQ(0, pthread_create(&thread, NULL, signal_always, &b));
	for (size_t i = 0; i < ARRAY_SIZE(quieters); i++) {
		for (int round = 0; round < ROUNDS; round++) {
			uint64_t sent = device_stats(m).msix_sent;

			await_sent(m, sent);
			quieters[i].set(m, QUIET);
			sent = device_stats(m).msix_sent;
			await_calls(m);
			EXPECT_EQ(sent, device_stats(m).msix_sent)
				TH_LOG("%s", quieters[i].name);
			if (quieters[i].pends)
				EXPECT_TRUE(driver_pending(m, 1));
			quieters[i].set(m, LOUD);
		}
	}
	b.stop = true;
	join_all(&thread, 1, m);
	machine_destroy(m);
}

int main(int argc, char **argv)
{
	require_kvpci();
	return test_harness_run(argc, argv);
}
