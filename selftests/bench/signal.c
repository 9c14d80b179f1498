// SPDX-License-Identifier: GPL-2.0-only
/*
 * signal: what a backend's signal costs, up to the vector in the local APIC.
 *
 * Writes an eventfd in a tight loop: one that nobody waits for, one that is
 * KVM's irqfd, and one that is the call eventfd of a queue under kvpci. The
 * best of 5 times 200 is taken, in cycles: under -icount a cycle is an
 * instruction. The system call is part of it. Prints "NAME CYCLES" lines, and
 * fails if an interrupt did not arrive.
 */
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <x86intrin.h>

#include "lib/machine.h"

#define ROUNDS	5
#define COUNT	200

#define LAPIC		0xfee00000ULL
#define VECTOR		0x41
#define QUEUE_VECTOR	1	/* driver_run() gives it to queue 0 */
#define IRQFD_VECTOR	0xfe	/* of the VM's one MSI route */

static uint64_t best(int fd)
{
	uint64_t one = 1, least = UINT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t start = __rdtsc(), cycles;

		for (int i = 0; i < COUNT; i++)
			if (write(fd, &one, sizeof(one)) != sizeof(one))
				guest_die("write to an eventfd");
		cycles = __rdtsc() - start;
		if (cycles < least)
			least = cycles;
	}
	return (least + COUNT / 2) / COUNT;
}

static void measure(struct guest *g, const char *name, int fd, int vector)
{
	uint64_t cycles = best(fd);
	int arrived = guest_irq(g);

	if (arrived != vector)
		guest_die("%s: vector %d arrived, not %d", name, arrived, vector);
	printf("%s %llu\n", name, (unsigned long long)cycles);
}

int main(void)
{
	struct machine machine, *m = &machine;
	struct kvm_irqfd irqfd = { .gsi = GUEST_MSI_GSI };

	require_kvpci();
	machine_create(m);
	machine_fds(m);
	driver_vector(m, QUEUE_VECTOR, LAPIC, VECTOR, UNMASKED);
	if (device_irq(m, MSIX_ON, KVPCI_GSI_NONE))
		guest_die("KVPCI_DEVICE_IRQ");
	driver_run(m);
	irqfd.fd = eventfd(0, EFD_NONBLOCK);
	if ((int)irqfd.fd < 0 || ioctl(m->g.vm_fd, KVM_IRQFD, &irqfd))
		guest_die("KVM_IRQFD");

	measure(&m->g, "signal_nobody", m->kick[1], GUEST_NO_IRQ);
	measure(&m->g, "signal_irqfd", (int)irqfd.fd, IRQFD_VECTOR);
	measure(&m->g, "signal_kvpci", m->call[0], VECTOR);
	machine_destroy(m);
	return 0;
}
