/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Many devices of one VM, each with 8 queues and 9 vectors, made as a VMM makes
 * them that restores a guest.
 */
#ifndef KVPCI_SELFTEST_FLEET_H
#define KVPCI_SELFTEST_FLEET_H

#include "function.h"
#include "trace.h"

#define FLEET_QUEUES	8
#define FLEET_VECTORS	(FLEET_QUEUES + 1)	/* one for configuration changes */

/* Where the nth device is */
#define FLEET_FUNCTION(n)	(8 + (n))
#define FLEET_IO(n)		(0x2000 + (n) * BAR_IO_SIZE)
#define FLEET_MEM(n)		(MEM_BASE + (n) * (uint64_t)BAR_MEM_SIZE)
#define FLEET_MSIX(n)		(MSIX_BASE + (n) * (uint64_t)BAR_MSIX_SIZE)

/* What a vector of the nth device says to the local APIC, of 24 devices at most */
#define FLEET_DATA(n, vector)	(0x20 + (n) * FLEET_VECTORS + (vector))

/** struct fleet_image - a device's state and all that it points to */
struct fleet_image {
	struct kvpci_device_registers registers;
	struct kvpci_queue_registers queues[FLEET_QUEUES];
	uint32_t vectors[FLEET_VECTORS][4];
	uint64_t pending[1];
	uint8_t device_config[DEV_CONFIG];
	uint8_t pci_config[4096];
};

/** struct fleet_fds - a device's eventfds */
struct fleet_fds {
	struct kvpci_fd_pair pairs[FLEET_QUEUES];
};

/** fleet_open() - a guest and its VM with configuration space, without a device */
void fleet_open(struct machine *m);

/** fleet_fds() - make eventfds for a device */
void fleet_fds(struct fleet_fds *fds);

/**
 * fleet_start() - make the nth device, and do what firmware and driver do
 *
 * Return: the device, in DRIVER_OK, with MSI-X on and START read.
 */
int fleet_start(struct machine *m, unsigned int n, const struct fleet_fds *fds);

/** fleet_save() - the state of a device */
void fleet_save(int dev, struct fleet_image *image);

/** fleet_move() - say of a state that it is the nth device's */
void fleet_move(struct fleet_image *image, unsigned int n);

/**
 * fleet_restore() - make the nth device with a state that was saved
 *
 * Return: the device, or -errno.
 */
int fleet_restore(struct machine *m, unsigned int n, const struct fleet_fds *fds,
		  const struct fleet_image *image);

/**
 * struct fleet_spans - the nth device comes and goes, in cycles
 * @arrive: fleet_restore()
 * @arrive_bus: its change of KVM's buses, which are copied
 * @leave: close()
 * @leave_bus: its change of them
 */
struct fleet_spans {
	uint64_t arrive;
	uint64_t arrive_bus;
	uint64_t leave;
	uint64_t leave_bus;
};

/** fleet_start_guest() - the guest runs whenever this thread sleeps, and then only */
void fleet_start_guest(struct guest *g);

/** fleet_stop_guest() - it no longer does */
void fleet_stop_guest(struct guest *g);

/**
 * fleet_attach() - devices come one after the other, while the guest runs, and go
 * @fds: eventfds of each
 * @num: how many there are
 * @times: how often the first one and the last one come and go; what took least is
 *	kept
 * @image: a device's state; it is each one's in its turn
 * @trace: by what the buses' part is told apart, or NULL; probes cost time, too
 * @spans: out: @num of them; without @trace all but the buses' part, else that
 */
void fleet_attach(const struct fleet_fds *fds, unsigned int num, unsigned int times,
		  struct fleet_image *image, struct trace *trace,
		  struct fleet_spans *spans);

/** fleet_probe() - what fleet_attach() wants of its @trace */
void fleet_probe(struct trace *trace);

/** struct fleet_ioctls - what a thread has called, by the kernel's count */
struct fleet_ioctls {
	unsigned int all;
	unsigned int irqfd;	/* KVM_IRQFD */
	unsigned int routing;	/* KVM_SET_GSI_ROUTING */
	unsigned int ioeventfd;	/* KVM_IOEVENTFD */
};

/** fleet_count_ioctls() - begin to count this thread's */
void fleet_count_ioctls(struct trace *trace);

/** fleet_ioctls() - how many there have been since */
struct fleet_ioctls fleet_ioctls(struct trace *trace);

#endif /* KVPCI_SELFTEST_FLEET_H */
