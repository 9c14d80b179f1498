// SPDX-License-Identifier: GPL-2.0-only
/*
 * repeat: the guest makes one access over and over, or we signal an eventfd in
 * a backend's place, until this is killed, for selftests/bench/profile to look
 * at. Each line it prints is 200 of them.
 */
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "kselftest.h"
#include "lib/machine.h"

#define COUNT	200

#define IOEVENTFD_PORT	0xd008

static const struct {
	const char *name;
	struct guest_access access;
} rows[] = {
	{ "common_read", { ACCESS_IN, 2, IO_BASE + CC_QUEUE_SIZE, 0 } },
	{ "common_write", { ACCESS_OUT, 2, IO_BASE + CC_QUEUE_SELECT, 1 } },
	{ "isr_read", { ACCESS_IN, 1, IO_BASE + IO_ISR, 0 } },
	{ "doorbell", { ACCESS_OUT, 2, IO_BASE + IO_DOORBELL, 0 } },
	{ "ioeventfd", { ACCESS_OUT, 2, IOEVENTFD_PORT, 0 } },
	{ "mem_common_read", { ACCESS_READ, 2, MEM_BASE + CC_QUEUE_SIZE, 0 } },
	{ "msix_write", { ACCESS_WRITE, 4, MSIX_BASE + 12, 1 } },
	/* The same where the guest reads the table as memory. */
	{ "mmap_msix_write", { ACCESS_WRITE, 4, MSIX_BASE + 12, 1 } },
	/* No access: the eventfd of KVM's irqfd, and the one of a queue. */
	{ "signal_irqfd", { 0 } },
	{ "signal_kvpci", { 0 } },
};

/* KVM's own doorbell, to compare with. */
static void ioeventfd(struct guest *g)
{
	struct kvm_ioeventfd args = {
		.addr = IOEVENTFD_PORT,
		.len = 2,
		.fd = eventfd(0, EFD_NONBLOCK),
		.flags = KVM_IOEVENTFD_FLAG_PIO,
	};

	if (args.fd < 0 || ioctl(g->vm_fd, KVM_IOEVENTFD, &args))
		guest_die("KVM_IOEVENTFD");
}

static void mmap_table(struct machine *m)
{
	struct kvm_userspace_memory_region region = {
		.slot = 1,
		.flags = KVM_MEM_READONLY,
		.guest_phys_addr = MSIX_BASE,
		.memory_size = 4096,
	};
	void *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, m->dev,
			  KVPCI_MMAP_MSIX);

	region.userspace_addr = (uintptr_t)page;
	if (page == MAP_FAILED ||
	    ioctl(m->g.vm_fd, KVM_SET_USER_MEMORY_REGION, &region))
		guest_die("KVM_SET_USER_MEMORY_REGION");
}

/* KVM's own interrupt, to compare with. Return: its eventfd. */
static int irqfd(struct guest *g)
{
	struct kvm_irqfd args = {
		.fd = eventfd(0, EFD_NONBLOCK),
		.gsi = GUEST_MSI_GSI,
	};

	if ((int)args.fd < 0 || ioctl(g->vm_fd, KVM_IRQFD, &args))
		guest_die("KVM_IRQFD");
	return args.fd;
}

static void signal_often(int fd)
{
	for (int i = 0; i < COUNT; i++)
		eventfd_add(fd);
}

int main(int argc, char **argv)
{
	struct machine machine, *m = &machine;
	int fd = -1;
	size_t i = 0;

	while (argc == 2 && i < ARRAY_SIZE(rows) &&
	       strcmp(argv[1], rows[i].name))
		i++;
	if (argc != 2 || i == ARRAY_SIZE(rows)) {
		for (i = 0; i < ARRAY_SIZE(rows); i++)
			fprintf(stderr, "%s\n", rows[i].name);
		return 2;
	}
	require_kvpci();
	machine_create(m);
	machine_fds(m);
	driver_run(m);
	if (device_irq(m, MSIX_ON, KVPCI_GSI_NONE))
		guest_die("KVPCI_DEVICE_IRQ");
	driver_vector(m, 0, 0xfee00000, 0x40, MASKED);
	ioeventfd(&m->g);
	if (!strncmp(argv[1], "mmap", 4))
		mmap_table(m);
	driver_vector(m, 1, 0xfee00000, 0x41, UNMASKED);
	if (!strcmp(argv[1], "signal_irqfd"))
		fd = irqfd(&m->g);
	else if (!strcmp(argv[1], "signal_kvpci"))
		fd = m->call[0];
	for (;;) {
		if (fd >= 0)
			signal_often(fd);
		else
			guest_cycles(&m->g, rows[i].access, COUNT);
		printf("%s\n", rows[i].name);
		fflush(stdout);
		if (m->g.vcpu[0].exits)
			guest_die("%s left to userspace", rows[i].name);
	}
}
