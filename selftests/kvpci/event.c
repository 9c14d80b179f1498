// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events to the VMM: read(), poll(), and the life of a device as they
 * tell it.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/machine.h"
#include "kselftest_harness.h"

FIXTURE(event) {
	struct machine m;
};

TRANSPORT_VARIANTS(event);

FIXTURE_SETUP(event)
{
	machine_create_in(&self->m, variant->ops);
}

FIXTURE_TEARDOWN(event)
{
	machine_destroy(&self->m);
}

/* The module's file by itself: a twin's event comes out of a function. */
FIXTURE(event_file) {
	struct machine m;
};

FIXTURE_SETUP(event_file)
{
	machine_create(&self->m);
}

FIXTURE_TEARDOWN(event_file)
{
	machine_destroy(&self->m);
}

static short polled(struct machine *m)
{
	struct pollfd p = { .fd = m->dev, .events = POLLIN };

	return poll(&p, 1, 0) == 1 ? p.revents : 0;
}

TEST_F(event, start_and_stop)
{
	struct machine *m = &self->m;
	struct kvpci_event e;
	unsigned int exits = 0;

	EXPECT_EQ(0, polled(m));
	EXPECT_EQ(-EAGAIN, device_event(m, &e));
	driver_negotiate(m);
	driver_queue(m, 0, 256);
	EXPECT_EQ(0, polled(m));
	cc_write(m, CC_STATUS, ST_RUNNING);
	exits += m->g.vcpu[0].exits;
	EXPECT_EQ(POLLIN, polled(m));
	ASSERT_EQ(KVPCI_EVENT_START, device_event(m, &e));
	EXPECT_EQ(sizeof(e), e.size);
	EXPECT_EQ(KVPCI_EVENT_NO_QUEUE, e.queue);
	EXPECT_EQ(ST_RUNNING, e.status);
	for (size_t i = 0; i < ARRAY_SIZE(e.__reserved); i++)
		EXPECT_EQ(0, e.__reserved[i]);
	EXPECT_EQ(0, polled(m));
	EXPECT_EQ(-EAGAIN, device_event(m, &e));

	/* R11: not 0 before the VMM says so */
	cc_write(m, CC_STATUS, 0);
	exits += m->g.vcpu[0].exits;
	EXPECT_EQ(POLLIN, polled(m));
	EXPECT_NE(0, cc_read(m, CC_STATUS));
	EXPECT_EQ(-EALREADY, device_ack(m, KVPCI_EVENT_STOP,
					KVPCI_EVENT_NO_QUEUE));
	ASSERT_EQ(KVPCI_EVENT_STOP, device_event(m, &e));
	EXPECT_NE(0, cc_read(m, CC_STATUS));
	exits += m->g.vcpu[0].exits;
	EXPECT_EQ(0, polled(m));
	EXPECT_EQ(0, device_ack(m, KVPCI_EVENT_STOP,
				KVPCI_EVENT_NO_QUEUE));
	EXPECT_EQ(0, cc_read(m, CC_STATUS));
	EXPECT_EQ(0, exits);
	EXPECT_STAT(m, events, 2);

	/* and again */
	driver_run(m);
	EXPECT_EQ(ST_RUNNING, cc_read(m, CC_STATUS));
}

/* START that was not read yet is taken back by a reset. */
TEST_F(event, start_taken_back)
{
	struct machine *m = &self->m;

	driver_start(m);
	EXPECT_EQ(POLLIN, polled(m));
	cc_write(m, CC_STATUS, 0);
	EXPECT_EQ(0, cc_read(m, CC_STATUS));
	EXPECT_EQ(0, polled(m));
	EXPECT_EQ(-EAGAIN, device_event(m, NULL));
	EXPECT_EQ(-EALREADY, device_ack(m, KVPCI_EVENT_STOP,
					KVPCI_EVENT_NO_QUEUE));
	EXPECT_STAT(m, events, 0);
}

/* What the backend was told stays until it has stopped. */
TEST_F(event, parameters_stay)
{
	struct machine *m = &self->m;
	struct kvpci_queue_state before, after;

	driver_run(m);
	before = queue_state(m, 0);
	driver_queue(m, 0, 2);
	cc_write(m, CC_STATUS, 0);
	driver_queue(m, 0, 4);
	cc_write(m, CC_STATUS, ST_ACKNOWLEDGE);
	cc_write(m, CC_DRIVER_FEATURE_SELECT, 0);
	cc_write(m, CC_DRIVER_FEATURE, 0);
	after = queue_state(m, 0);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	EXPECT_EQ(DEV_FEATURES, device_features(m));
	ASSERT_EQ(KVPCI_EVENT_STOP, device_event(m, NULL));
	ASSERT_EQ(0, device_ack(m, KVPCI_EVENT_STOP,
				KVPCI_EVENT_NO_QUEUE));
	after = queue_state(m, 0);
	EXPECT_EQ(0, after.enabled);
	EXPECT_EQ(256, after.queue_size);
	EXPECT_EQ(0, after.desc);
}

TEST_F(event, queue_reset)
{
	struct machine *m = &self->m;
	struct kvpci_queue_state state;
	struct kvpci_event e;

	driver_run(m);
	cc_write(m, CC_QUEUE_SELECT, 0);
	cc_write(m, CC_QUEUE_RESET, 1);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(1, cc_read(m, CC_QUEUE_RESET));
	ASSERT_EQ(KVPCI_EVENT_QUEUE_STOP, device_event(m, &e));
	EXPECT_EQ(0, e.queue);
	EXPECT_EQ(1, cc_read(m, CC_QUEUE_RESET));
	EXPECT_EQ(0, device_ack(m, KVPCI_EVENT_QUEUE_STOP, 0));
	EXPECT_EQ(0, cc_read(m, CC_QUEUE_RESET));
	EXPECT_EQ(0, cc_read(m, CC_QUEUE_ENABLE));
	driver_queue(m, 0, 8);
	ASSERT_EQ(KVPCI_EVENT_QUEUE_START, device_event(m, &e));
	EXPECT_EQ(0, e.queue);
	state = queue_state(m, 0);
	EXPECT_EQ(1, state.enabled);
	EXPECT_EQ(8, state.queue_size);
}

/* DRIVER_OK with none of the queues, then with one, then with all. */
TEST_F(event, few_queues)
{
	struct machine *m = &self->m;

	for (unsigned int used = 0; used <= DEV_QUEUES; used++) {
		driver_negotiate(m);
		for (unsigned int q = 0; q < used; q++)
			driver_queue(m, q, 16);
		cc_write(m, CC_STATUS, ST_RUNNING);
		EXPECT_EQ(ST_RUNNING, cc_read(m, CC_STATUS));
		ASSERT_EQ(KVPCI_EVENT_START, device_event(m, NULL));
		for (unsigned int q = 0; q < DEV_QUEUES; q++) {
			/* queue 2 does not exist */
			EXPECT_EQ(q < used && q != 2, queue_state(m, q).enabled);
		}
		cc_write(m, CC_STATUS, 0);
		ASSERT_EQ(KVPCI_EVENT_STOP, device_event(m, NULL));
		ASSERT_EQ(0, device_ack(m, KVPCI_EVENT_STOP,
					KVPCI_EVENT_NO_QUEUE));
		EXPECT_EQ(0, cc_read(m, CC_STATUS));
	}
}

/* All queues in one call are what each by itself is. */
TEST_F(event, queue_states)
{
	struct kvpci_queue_state all[DEV_QUEUES], one;
	struct machine *m = &self->m;

	driver_run(m);
	for (unsigned int first = 0; first < DEV_QUEUES; first++) {
		unsigned int count = DEV_QUEUES - first;

		memset(all, 0xee, sizeof(all));
		ASSERT_EQ(0, m->ops->queue_states(m, first, count, all));
		for (unsigned int i = 0; i < count; i++) {
			one = queue_state(m, first + i);
			EXPECT_EQ(first + i, all[i].queue);
			EXPECT_EQ(first + i < 2, all[i].enabled);
			EXPECT_EQ(0, memcmp(&one, &all[i], sizeof(one)));
		}
		EXPECT_EQ(-EINVAL, m->ops->queue_states(m, first, count + 1, all));
	}
	EXPECT_EQ(-EINVAL, m->ops->queue_states(m, 0, 0, all));
	EXPECT_EQ(-EINVAL, m->ops->queue_states(m, DEV_QUEUES, 1, all));
}

/* Several wait: START comes first, then FAILED, then the rest. */
TEST_F(event, several)
{
	struct machine *m = &self->m;
	struct kvpci_event e;

	driver_start(m);
	guest_write(&m->g, MEM_BASE + MEM_DEVICE + 4, 4, 1);
	cc_write(m, CC_STATUS, ST_RUNNING | ST_FAILED);
	EXPECT_EQ(KVPCI_EVENT_START, device_event(m, &e));
	EXPECT_EQ(POLLIN, polled(m));
	EXPECT_EQ(KVPCI_EVENT_FAILED, device_event(m, &e));
	EXPECT_EQ(ST_RUNNING | ST_FAILED, e.status);
	EXPECT_EQ(KVPCI_EVENT_DEVICE_CONFIG, device_event(m, &e));
	EXPECT_EQ(0, polled(m));
	/* STOP is alone: what else waited is gone */
	guest_write(&m->g, MEM_BASE + MEM_DEVICE + 4, 4, 2);
	cc_write(m, CC_STATUS, 0);
	EXPECT_EQ(KVPCI_EVENT_STOP, device_event(m, &e));
	EXPECT_EQ(-EAGAIN, device_event(m, &e));
}

/* Several in one read; but nothing behind START. */
TEST_F(event_file, several)
{
	struct machine *m = &self->m;
	struct kvpci_event e[8];

	driver_start(m);
	guest_write(&m->g, MEM_BASE + MEM_DEVICE + 4, 4, 1);
	cc_write(m, CC_STATUS, ST_RUNNING | ST_FAILED);
	ASSERT_EQ(sizeof(e[0]), read(m->dev, e, sizeof(e)));
	EXPECT_EQ(KVPCI_EVENT_START, e[0].kind);
	cc_write(m, CC_QUEUE_SELECT, 0);
	cc_write(m, CC_QUEUE_RESET, 1);
	EXPECT_EQ(POLLIN, polled(m));
	ASSERT_EQ(3 * sizeof(e[0]), read(m->dev, e, sizeof(e)));
	EXPECT_EQ(KVPCI_EVENT_FAILED, e[0].kind);
	EXPECT_EQ(ST_RUNNING | ST_FAILED, e[0].status);
	EXPECT_EQ(KVPCI_EVENT_QUEUE_STOP, e[1].kind);
	EXPECT_EQ(KVPCI_EVENT_DEVICE_CONFIG, e[2].kind);
	/* STOP is alone: what else waited is gone */
	guest_write(&m->g, MEM_BASE + MEM_DEVICE + 4, 4, 2);
	cc_write(m, CC_STATUS, 0);
	ASSERT_EQ(sizeof(e[0]), read(m->dev, e, sizeof(e)));
	EXPECT_EQ(KVPCI_EVENT_STOP, e[0].kind);
}

/* One event at a time, when there is no room for more. */
TEST_F(event_file, buffers)
{
	struct machine *m = &self->m;
	void *volatile nowhere = (void *)8;
	uint8_t buffer[2 * sizeof(struct kvpci_event)];
	const int one = sizeof(struct kvpci_event);

	EXPECT_EQ(-1, read(m->dev, buffer, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, read(m->dev, buffer, one - 1));
	EXPECT_EQ(EINVAL, errno);
	driver_run(m);
	guest_write(&m->g, MEM_BASE + MEM_DEVICE + 4, 4, 1);
	cc_write(m, CC_STATUS, ST_RUNNING | ST_FAILED);
	/* a fault loses nothing */
	EXPECT_EQ(-1, read(m->dev, nowhere, one));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(one, read(m->dev, buffer, 2 * one - 1));
	EXPECT_EQ(KVPCI_EVENT_DEVICE_CONFIG, device_event(m, NULL));
	EXPECT_EQ(-EAGAIN, device_event(m, NULL));
}

/* Half of the buffer cannot be written: what fitted is delivered. */
TEST_F(event_file, fault_after_the_first)
{
	struct machine *m = &self->m;
	uint8_t *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct kvpci_event *e = (void *)(pages + 4096 - sizeof(*e));

	ASSERT_EQ(0, mprotect(pages + 4096, 4096, PROT_NONE));
	driver_run(m);
	guest_write(&m->g, MEM_BASE + MEM_DEVICE + 4, 4, 1);
	cc_write(m, CC_STATUS, ST_RUNNING | ST_FAILED);
	EXPECT_EQ(sizeof(*e), read(m->dev, e, 2 * sizeof(*e)));
	EXPECT_EQ(KVPCI_EVENT_FAILED, e->kind);
	EXPECT_EQ(KVPCI_EVENT_DEVICE_CONFIG, device_event(m, NULL));
	munmap(pages, 8192);
}

static void *read_event(void *arg)
{
	struct machine *m = arg;
	struct kvpci_event e = { 0 };

	if (read(m->dev, &e, sizeof(e)) != sizeof(e))
		return NULL;
	return (void *)(uintptr_t)e.kind;
}

/* read() waits. */
TEST_F(event_file, blocking_read)
{
	struct machine *m = &self->m;
	pthread_t thread;
	void *kind;

	ASSERT_EQ(0, pthread_create(&thread, NULL, read_event, m));
	usleep(50000);
	driver_start(m);
	ASSERT_EQ(0, pthread_join(thread, &kind));
	EXPECT_EQ(KVPCI_EVENT_START, (uintptr_t)kind);
}

/* poll() wakes. */
static void *poll_event(void *arg)
{
	struct machine *m = arg;
	struct pollfd p = { .fd = m->dev, .events = POLLIN };

	return (void *)(intptr_t)(poll(&p, 1, 20000) == 1 ? p.revents : -1);
}

TEST_F(event, blocking_poll)
{
	struct machine *m = &self->m;
	pthread_t thread;
	void *revents;

	ASSERT_EQ(0, pthread_create(&thread, NULL, poll_event, m));
	usleep(50000);
	driver_start(m);
	ASSERT_EQ(0, pthread_join(thread, &revents));
	EXPECT_EQ(POLLIN, (intptr_t)revents);
}

/* A backend that stops when the vCPU's thread sleeps, or has read. */
struct stopper {
	struct machine *m;
	int stat;		/* of that thread */
	atomic_bool has_read;
};

/* "PID (NAME) STATE ..." */
static bool sleeps(const struct stopper *s)
{
	char text[128] = "";
	const char *name_end;

	if (pread(s->stat, text, sizeof(text) - 1, 0) < 0)
		guest_die("a thread's stat");
	name_end = strrchr(text, ')');
	return name_end && name_end[1] == ' ' && name_end[2] == 'S';
}

static void *stop_late(void *arg)
{
	struct stopper *s = arg;

	while (device_event(s->m, NULL) != KVPCI_EVENT_STOP)
		sched_yield();
	while (!atomic_load(&s->has_read) && !sleeps(s))
		sched_yield();
	device_ack(s->m, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE);
	return NULL;
}

/* The first read gives 0, unless the wait was over before anyone could look. */
TEST_F(event_file, status_waits_for_stop)
{
	struct machine *m = &self->m;
	struct stopper s = { .m = m };
	unsigned int waited = 0;
	pthread_t thread;

	s.stat = open("/proc/thread-self/stat", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, s.stat);
	for (int i = 0; i < 20; i++) {
		driver_run(m);
		atomic_store(&s.has_read, false);
		ASSERT_EQ(0, pthread_create(&thread, NULL, stop_late, &s));
		cc_write(m, CC_STATUS, 0);
		waited += !cc_read(m, CC_STATUS);
		atomic_store(&s.has_read, true);
		ASSERT_EQ(0, pthread_join(thread, NULL));
		EXPECT_EQ(0, cc_read(m, CC_STATUS));
	}
	close(s.stat);
	EXPECT_LE(1, waited);
	TH_LOG("%u of 20 waited", waited);
}

/* It does not wait for ever, and a reset that was not acknowledged goes on. */
TEST_F(event_file, status_does_not_wait_for_ever)
{
	struct machine *m = &self->m;

	driver_run(m);
	cc_write(m, CC_STATUS, 0);
	EXPECT_EQ(ST_RUNNING, cc_read(m, CC_STATUS));
	EXPECT_EQ(ST_RUNNING, cc_read(m, CC_STATUS));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(KVPCI_EVENT_STOP, device_event(m, NULL));
	ASSERT_EQ(0, device_ack(m, KVPCI_EVENT_STOP,
				KVPCI_EVENT_NO_QUEUE));
	EXPECT_EQ(0, cc_read(m, CC_STATUS));
}

static void on_signal(int sig)
{
	(void)sig;
}

TEST_F(event_file, interrupted_read)
{
	struct machine *m = &self->m;
	struct sigaction action = { .sa_handler = on_signal };
	struct kvpci_event e;

	sigaction(SIGALRM, &action, NULL);
	ualarm(50000, 50000);
	EXPECT_EQ(-1, read(m->dev, &e, sizeof(e)));
	EXPECT_EQ(EINTR, errno);
	ualarm(0, 0);
}

/* Nothing but read, poll and ioctl. */
TEST_F(event_file, other_calls)
{
	struct machine *m = &self->m;
	char byte = 0;

	EXPECT_EQ(-1, write(m->dev, &byte, 1));
	EXPECT_EQ(-1, read(m->vm, &byte, 1));
	EXPECT_EQ(-1, read(m->ctl, &byte, 1));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, m->dev,
				   0));
}

int main(int argc, char **argv)
{
	require_kvm();
	return test_harness_run(argc, argv);
}
