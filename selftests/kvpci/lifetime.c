// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects end in any order, at any time, with the guest running, and leave
 * nothing behind.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lib/machine.h"
#include "kselftest_harness.h"

#define LIMIT_MS	60000	/* a slow machine's, too */

/* A use count, after what is on its way out has gone. */
static int count_after_wait(int (*count)(void), int expect)
{
	int users = count();

	for (int ms = 0; ms < LIMIT_MS && users != expect; ms += 10) {
		usleep(10000);
		users = count();
	}
	return users;
}

FIXTURE(lifetime) {
	struct machine m;
	int users;
	int kvm_users;
	int kvm_vms;
};

FIXTURE_SETUP(lifetime)
{
	self->users = module_users();
	self->kvm_users = kvm_users();
	self->kvm_vms = kvm_vms();
	/* -1: it cannot be told, and every comparison would hold */
	ASSERT_LE(0, self->users);
	ASSERT_LE(0, self->kvm_users);
	ASSERT_LE(0, self->kvm_vms);
	machine_create(&self->m);
	machine_fds(&self->m);
	driver_run(&self->m);
}

FIXTURE_TEARDOWN(lifetime)
{
	machine_destroy(&self->m);
	EXPECT_EQ(self->users, count_after_wait(module_users, self->users));
	EXPECT_EQ(self->kvm_users, count_after_wait(kvm_users, self->kvm_users));
	EXPECT_EQ(self->kvm_vms, count_after_wait(kvm_vms, self->kvm_vms));
}

static void close_one(int *fd)
{
	close(*fd);
	*fd = -1;
}

/* All 120 orders of KVM's VM, its vCPU, our control, VM and device. */
TEST_F(lifetime, every_order)
{
	struct machine *m = &self->m;
	unsigned int orders = 0;

	for (unsigned int n = 0; n < 5 * 5 * 5 * 5 * 5; n++) {
		unsigned int order[5], used = 0, left = n;
		int *fds[5];

		for (int i = 0; i < 5; i++, left /= 5) {
			order[i] = left % 5;
			used |= 1U << order[i];
		}
		if (used != 31)
			continue;
		orders++;
		machine_destroy(m);
		machine_create(m);
		fds[0] = &m->g.vm_fd;
		fds[1] = &m->g.vcpu[0].fd;
		fds[2] = &m->ctl;
		fds[3] = &m->vm;
		fds[4] = &m->dev;
		for (int i = 0; i < 5; i++) {
			close_one(fds[order[i]]);
			/* while it can, the guest still gets its answers */
			if (m->g.vcpu[0].fd < 0)
				continue;
			guest_read(&m->g, MEM_BASE + CC_NUM_QUEUES, 2);
			EXPECT_EQ(m->dev < 0, m->g.vcpu[0].exits);
		}
	}
	EXPECT_EQ(120, orders);
}

/* A closed device is off the buses at once. */
TEST_F(lifetime, off_the_bus)
{
	struct machine *m = &self->m;

	EXPECT_EQ(DEV_QUEUES, cc_read(m, CC_NUM_QUEUES));
	close_one(&m->dev);
	guest_read(&m->g, MEM_BASE + CC_NUM_QUEUES, 2);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	guest_in(&m->g, IO_BASE + CC_NUM_QUEUES, 2);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	guest_write(&m->g, MEM_BASE + MEM_DOORBELLS, 2, 0);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(0, eventfd_count(m->kick[0]));
	eventfd_add(m->call[0]);
	EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g));
	/* the eventfd is nobody's: its counter stays */
	EXPECT_EQ(1, eventfd_count(m->call[0]));
}

/* A duplicate keeps the device. */
TEST_F(lifetime, duplicate)
{
	struct machine *m = &self->m;
	int copy = dup(m->dev);

	close_one(&m->dev);
	EXPECT_EQ(DEV_QUEUES, cc_read(m, CC_NUM_QUEUES));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	m->dev = copy;
}

/* The device's file goes while its own mapping is all that holds the VM. */
TEST_F(lifetime, device_alone)
{
	struct machine *m = &self->m;

	close_one(&m->vm);
	close_one(&m->ctl);
	guest_destroy(&m->g);
	EXPECT_EQ(0, queue_fds(m, 0, m->kick[1], m->call[0]));
	eventfd_add(m->call[0]);
	EXPECT_EQ(0, device_map(m, 0x2000, 0, 0));
	EXPECT_EQ(0, device_irq(m, MSIX_ON, 5));
	EXPECT_LT(0, device_stats(m).common_writes);
	close_one(&m->dev);
}

/* A VM that only we hold still needs the module that runs it. */
TEST_F(lifetime, kvm_module_is_held)
{
	struct machine *m = &self->m;

	guest_destroy(&m->g);
	close_one(&m->vm);
	close_one(&m->ctl);
	EXPECT_LT(self->kvm_users, kvm_users());
	EXPECT_EQ(self->kvm_vms + 1, kvm_vms());
	close_one(&m->dev);
}

/* --- with the guest running ------------------------------------------------ */

struct load {
	struct machine *m;
	pthread_t thread;
	volatile bool stop;
};

static void *load_guest(void *arg)
{
	struct load *load = arg;

	while (!guest_run(&load->m->g.vcpu[0]))
		;
	return NULL;
}

/* Everything a driver does, over and over, on every kind of register. */
static void start_load(struct load *load, struct machine *m)
{
	static const struct guest_access list[] = {
		{ ACCESS_READ, 2, MEM_BASE + CC_NUM_QUEUES, 0 },
		{ ACCESS_WRITE, 2, MEM_BASE + CC_QUEUE_SELECT, 1 },
		{ ACCESS_READ, 2, MEM_BASE + CC_QUEUE_SIZE, 0 },
		{ ACCESS_WRITE, 2, MEM_BASE + MEM_DOORBELLS, 0 },
		{ ACCESS_IN, 1, IO_BASE + IO_ISR, 0 },
		{ ACCESS_OUT, 2, IO_BASE + IO_DOORBELL, 1 },
		{ ACCESS_WRITE, 4, MSIX_BASE + 16 + 12, 1 },
		{ ACCESS_WRITE, 4, MSIX_BASE + 16 + 12, 0 },
		{ ACCESS_READ, 4, MSIX_BASE + MSIX_PBA, 0 },
		{ ACCESS_READ, 4, MEM_BASE + MEM_DEVICE, 0 },
		{ ACCESS_WRITE, 4, MEM_BASE + MEM_DEVICE + 4, 0 },
	};

	load->m = m;
	load->stop = false;
	guest_set_script(&m->g.vcpu[0], list, ARRAY_SIZE(list), 0);
	if (pthread_create(&load->thread, NULL, load_guest, load))
		guest_die("pthread_create");
}

static void stop_load(struct load *load)
{
	guest_stop_script(&load->m->g.vcpu[0]);
	pthread_join(load->thread, NULL);
}

TEST_F(lifetime, close_device_under_load)
{
	struct machine *m = &self->m;
	struct device_desc desc;
	struct load load;

	device_describe(&desc);
	start_load(&load, m);
	for (int i = 0; i < 40; i++) {
		usleep(1000);
		close_one(&m->dev);
		usleep(500);
		m->dev = libkvpci_device_create(m->vm, &desc.create);
		ASSERT_LE(0, m->dev);
		ASSERT_EQ(0, device_map(m, IO_BASE, MEM_BASE, MSIX_BASE));
		ASSERT_EQ(0, queue_fds(m, 0, m->kick[0], m->call[0]));
		eventfd_add(m->call[0]);
	}
	stop_load(&load);
}

/* Everything but the vCPU goes while the guest runs. */
TEST_F(lifetime, close_all_under_load)
{
	struct machine *m = &self->m;
	struct load load;

	start_load(&load, m);
	usleep(2000);
	close_one(&m->vm);
	close_one(&m->ctl);
	close_one(&m->g.vm_fd);
	close_one(&m->dev);
	usleep(2000);
	stop_load(&load);
}

static void *signal_calls(void *arg)
{
	struct load *load = arg;

	for (unsigned int i = 0; !load->stop; i++) {
		eventfd_add(load->m->call[i % 2]);
		if (i % 64 == 0)
			usleep(100);
	}
	return NULL;
}

/* Eventfds, lines and interrupt bits change while calls come in. */
TEST_F(lifetime, reconfigure_under_calls)
{
	struct machine *m = &self->m;
	struct load load, calls = { .m = m };

	/* queue 0 is to have this eventfd at times */
	ASSERT_EQ(0, queue_fds(m, 2, -1, -1));
	ASSERT_EQ(0, device_irq(m, MSIX_ON, 5));
	for (unsigned int v = 0; v < 4; v++)
		driver_vector(m, v, 0xfee00000, 0x41 + v, UNMASKED);
	start_load(&load, m);
	ASSERT_EQ(0, pthread_create(&calls.thread, NULL, signal_calls, &calls));
	for (int i = 0; i < 150; i++) {
		EXPECT_EQ(0, queue_fds(m, 0, m->kick[0],
				       m->call[i % 2 * 2]));
		EXPECT_EQ(0, queue_fds(m, 1, i % 3 ? m->kick[1] : -1,
				       i % 5 ? m->call[1] : -1));
		device_irq(m, i % 4 ? MSIX_ON : 0, i % 7);
		device_map(m, i % 3 ? IO_BASE : 0, i % 5 ? MEM_BASE : 0,
			   MSIX_BASE);
	}
	close_one(&m->dev);
	calls.stop = true;
	pthread_join(calls.thread, NULL);
	stop_load(&load);
}

static void *wait_for_event(void *arg)
{
	struct machine *m = arg;
	struct pollfd p = { .fd = m->dev, .events = POLLIN };

	poll(&p, 1, 3000);
	return NULL;
}

/* poll() holds the file: closing the descriptor under it is harmless. */
TEST_F(lifetime, close_under_poll)
{
	struct machine *m = &self->m;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_for_event, m));
	usleep(50000);
	close(m->dev);
	m->dev = -1;
	pthread_join(thread, NULL);
}

/* --- a VMM that is killed -------------------------------------------------- */

static void live_until_killed(int ready)
{
	struct machine m;
	struct load load, calls = { .m = &m };

	machine_create(&m);
	machine_fds(&m);
	driver_run(&m);
	device_irq(&m, MSIX_ON, 4);
	for (unsigned int v = 0; v < 4; v++)
		driver_vector(&m, v, 0xfee00000, 0x41 + v, UNMASKED);
	start_load(&load, &m);
	if (pthread_create(&calls.thread, NULL, signal_calls, &calls))
		guest_die("pthread_create");
	if (write(ready, "", 1) != 1)
		guest_die("write");
	for (;;)
		pause();
}

TEST_F(lifetime, killed)
{
	for (int i = 0; i < 10; i++) {
		int ready[2], status;
		char byte;
		pid_t pid;

		ASSERT_EQ(0, pipe(ready));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			/* let go of what the parent has */
			machine_destroy(&self->m);
			live_until_killed(ready[1]);
		}
		close(ready[1]);
		ASSERT_EQ(1, read(ready[0], &byte, 1));
		usleep(i * 1700);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		close(ready[0]);
	}
	/* the parent's device has noticed nothing */
	EXPECT_EQ(ST_RUNNING, cc_read(&self->m, CC_STATUS));
}

/* Descriptors on their way to nobody. */
TEST_F(lifetime, in_flight)
{
	struct machine *m = &self->m;
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(3 * sizeof(int))];
	} control = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int pair[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(3 * sizeof(int));
	memcpy(CMSG_DATA(&control.head),
	       (int[]){ m->dev, m->vm, m->ctl }, 3 * sizeof(int));
	ASSERT_EQ(1, sendmsg(pair[0], &msg, 0));
	close_one(&m->dev);
	close_one(&m->vm);
	close_one(&m->ctl);
	EXPECT_EQ(DEV_QUEUES, cc_read(m, CC_NUM_QUEUES));
	close(pair[0]);
	close(pair[1]);
	guest_read(&m->g, MEM_BASE + CC_NUM_QUEUES, 2);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
}

/* Each object holds the module; each, closed, lets go. */
TEST(users_of_the_module)
{
	struct machine m;
	int before = module_users();

	ASSERT_LE(0, before);
	machine_create(&m);
	EXPECT_EQ(before + 3, module_users());
	close_one(&m.dev);
	EXPECT_EQ(before + 2, count_after_wait(module_users, before + 2));
	close_one(&m.vm);
	close_one(&m.ctl);
	EXPECT_EQ(before, count_after_wait(module_users, before));
	machine_destroy(&m);
}

int main(int argc, char **argv)
{
	require_kvpci();
	return test_harness_run(argc, argv);
}
