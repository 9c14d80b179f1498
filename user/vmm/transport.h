/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who answers a device's registers: the kvpci module, or the same register
 * core in this program. The rest of the launcher does not know which.
 */
#ifndef KVPCI_VMM_TRANSPORT_H
#define KVPCI_VMM_TRANSPORT_H

#include <linux/kvpci.h>
#include <stdbool.h>
#include <stdint.h>

struct vm;
struct transport_ops;

/**
 * struct transport_vm - a transport at work in a VM
 * @ops: which
 * @vm: the VM
 * @fd: for the kernel transport: the kvpci VM
 */
struct transport_vm {
	const struct transport_ops *ops;
	struct vm *vm;
	int fd;
};

/* One device; each transport embeds it in its own. */
struct transport {
	const struct transport_ops *ops;
	int event_fd;		/* readable when there is an event */
};

/**
 * struct transport_ops - what a transport does
 *
 * Each is the ioctl of the same name in <linux/kvpci.h>, with the same errors.
 *
 * @name: as --transport has it
 * @open: take part in the VM; reports its errors
 * @close: leave the VM
 * @create: make a device
 * @destroy: take it away
 * @map: where its BARs are
 * @irq: interrupt bits of configuration space; returns Status.Interrupt
 * @access: access a BAR as the guest would
 * @event: take an event: 1, or 0 if there is none
 * @ack: the backend has stopped
 * @fail: the device needs a reset
 * @features: out: feature bits the driver accepted
 * @queue_fds: a queue's eventfds, which must be non-blocking, or -1
 * @queue_state: what the driver set up
 */
struct transport_ops {
	const char *name;
	int (*open)(struct transport_vm *tvm);
	void (*close)(struct transport_vm *tvm);
	int (*create)(struct transport_vm *tvm,
		      struct kvpci_device_create *desc,
		      struct transport **transport);
	void (*destroy)(struct transport *transport);
	int (*map)(struct transport *transport, uint32_t mapped,
		   const uint64_t *addr);
	int (*irq)(struct transport *transport, uint32_t flags, uint32_t gsi);
	int (*access)(struct transport *transport, uint32_t bar,
		      uint32_t offset, uint32_t length, uint64_t *value,
		      bool write);
	int (*event)(struct transport *transport, struct kvpci_event *event);
	int (*ack)(struct transport *transport, uint32_t kind, uint32_t queue);
	int (*fail)(struct transport *transport);
	int (*features)(struct transport *transport, uint64_t features[2]);
	int (*queue_fds)(struct transport *transport, uint32_t queue,
			 int kick_fd, int call_fd);
	int (*queue_state)(struct transport *transport, uint32_t queue,
			   struct kvpci_queue_state *state);
};

extern const struct transport_ops transport_kernel;
extern const struct transport_ops transport_user;

#endif /* KVPCI_VMM_TRANSPORT_H */
