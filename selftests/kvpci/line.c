// SPDX-License-Identifier: GPL-2.0-only
/*
 * INTx that the VMM drives: it is told by an eventfd when the level changes, and
 * reads of ISR are its own.
 */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/machine.h"
#include "kselftest_harness.h"

#define LIMIT_MS	60000

FIXTURE(line) {
	struct machine m;
	int fd;
};

TRANSPORT_VARIANTS(line);

/* Return: the eventfd. */
static int create(struct machine *m, const struct machine_ops *ops)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	machine_create_in(m, ops);
	machine_fds(m);
	if (fd < 0 || device_irq_fd(m, KVPCI_IRQ_MASTER, fd))
		guest_die("the line's eventfd");
	driver_run(m);
	return fd;
}

FIXTURE_SETUP(line)
{
	self->fd = create(&self->m, variant->ops);
}

FIXTURE_TEARDOWN(line)
{
	close(self->fd);
	machine_destroy(&self->m);
}

/* Is the VMM told? A work item does it where a backend signals. */
static uint64_t told(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	poll(&p, 1, LIMIT_MS);
	return eventfd_count(fd);
}

static int level(struct machine *m, int fd)
{
	return device_irq_fd(m, KVPCI_IRQ_MASTER, fd);
}

static uint64_t read_isr(struct machine *m)
{
	return guest_read(&m->g, MEM_BASE + MEM_ISR, 1);
}

static uint64_t vmm_reads_isr(struct machine *m)
{
	uint64_t value = ~0ULL;

	if (m->ops->bar_read(m, BAR_MEM, MEM_ISR, 1, &value))
		guest_die("the VMM's read of ISR");
	return value;
}

TEST_F(line, up_and_down)
{
	struct machine *m = &self->m;

	EXPECT_EQ(0, eventfd_count(self->fd));
	queue_call(m, 0);
	EXPECT_EQ(1, told(self->fd));
	EXPECT_EQ(1, level(m, self->fd));
	/* It is up already. */
	queue_call(m, 0);
	EXPECT_EQ(1, level(m, self->fd));
	EXPECT_EQ(0, eventfd_count(self->fd));

	/* The read exits, and has done nothing. */
	read_isr(m);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(1, level(m, self->fd));
	EXPECT_EQ(1, vmm_reads_isr(m));
	EXPECT_EQ(1, told(self->fd));
	EXPECT_EQ(0, level(m, self->fd));
	if (m->ops->stats)
		EXPECT_EQ(1, device_stats(m).intx_raised);
}

/* A reset lets go of the line, whoever makes it. */
TEST_F(line, down_by_reset)
{
	struct machine *m = &self->m;

	queue_call(m, 0);
	EXPECT_EQ(1, told(self->fd));
	cc_write(m, CC_STATUS, 0);
	EXPECT_EQ(1, told(self->fd));
	EXPECT_EQ(0, level(m, self->fd));
}

TEST_F(line, disabled)
{
	struct machine *m = &self->m;

	queue_call(m, 0);
	EXPECT_EQ(1, told(self->fd));
	/* Pending stays, the line does not. */
	EXPECT_EQ(1, device_irq_fd(m, KVPCI_IRQ_MASTER | KVPCI_IRQ_INTX_DISABLE,
				   self->fd));
	EXPECT_EQ(1, told(self->fd));
	EXPECT_EQ(1, level(m, self->fd));
	EXPECT_EQ(1, told(self->fd));
}

/* With MSI-X the line is out of use, and reads of ISR stay in the kernel. */
TEST_F(line, msix)
{
	struct machine *m = &self->m;

	ASSERT_EQ(0, device_irq_fd(m, MSIX_ON, self->fd));
	queue_call(m, 0);
	EXPECT_EQ(0, read_isr(m));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(0, eventfd_count(self->fd));
	/* A reset of the function forgets MSI-X, but not whose the line is. */
	ASSERT_EQ(0, m->ops->reset(m, KVPCI_RESET_FUNCTION));
	ASSERT_EQ(0, device_map(m, IO_BASE, MEM_BASE, MSIX_BASE));
	read_isr(m);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
}

/* A line of KVM's again, or none: nobody is told any more. */
TEST_F(line, taken_back)
{
	struct machine *m = &self->m;

	queue_call(m, 0);
	EXPECT_EQ(1, told(self->fd));
	EXPECT_EQ(1, device_irq(m, KVPCI_IRQ_MASTER, KVPCI_GSI_NONE));
	EXPECT_EQ(1, read_isr(m));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(0, eventfd_count(self->fd));
	/* It is up when it is connected, so that is told. */
	queue_call(m, 0);
	EXPECT_EQ(1, level(m, self->fd));
	EXPECT_EQ(1, told(self->fd));
}

/* The descriptor may be closed, and be the call of the device itself. */
TEST_F(line, its_own_call)
{
	struct machine *m = &self->m;

	EXPECT_EQ(0, level(m, m->call[0]));
	queue_call(m, 0);
	EXPECT_EQ(1, level(m, m->call[0]));
	EXPECT_EQ(1, vmm_reads_isr(m));
	/* To be told that the line is down was one more call. */
	device_await_call(m, m->call[0]);
	EXPECT_EQ(1, level(m, self->fd));
}

TEST(line_refused)
{
	struct kvpci_device_irq irq = {
		.size = sizeof(irq), .flags = KVPCI_IRQ_LINE_FD, .gsi = 17,
	};
	struct machine m;
	int fd = create(&m, &machine_module);

	irq.line_fd = fd;
	EXPECT_EQ(-EINVAL, do_ioctl(m.dev, KVPCI_DEVICE_IRQ, &irq));
	irq.flags = 0;
	irq.gsi = KVPCI_GSI_NONE;
	EXPECT_EQ(-EINVAL, do_ioctl(m.dev, KVPCI_DEVICE_IRQ, &irq));
	EXPECT_EQ(-EBADF, device_irq_fd(&m, 0, 12345));
	EXPECT_EQ(-EINVAL, device_irq_fd(&m, 0, m.dev));
	queue_call(&m, 0);
	EXPECT_EQ(1, told(fd));
	close(fd);
	machine_destroy(&m);
}

int main(int argc, char **argv)
{
	require_kvm();
	return test_harness_run(argc, argv);
}
