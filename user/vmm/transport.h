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

#include "mmap_reads.h"

struct vm;
struct transport_ops;

enum transport_direction { TRANSPORT_READ, TRANSPORT_WRITE };

/** transport_direction() - of an access that KVM describes */
static inline enum transport_direction transport_direction(bool write)
{
	return write ? TRANSPORT_WRITE : TRANSPORT_READ;
}

/*
 * Who makes an access: a vCPU, or the VMM in its place, or handing it back. What
 * KVPCI_DEVICE_EXIT_* name is the VMM's to do: with the transport in the kernel it
 * has not come to the transport again, in userspace it is refused.
 */
enum transport_accessor { TRANSPORT_GUEST, TRANSPORT_VMM };

/**
 * struct transport_vm - a transport at work in a VM
 * @ops: its operations
 * @vm: the VM
 * @flags: KVPCI_VM_* bits
 * @fd: the kvpci VM (kernel transport)
 * @mmap_reads_set: registers that the guest is to read as memory (kernel transport)
 * @mmap_reads: the same at work, or NULL
 * @layout: LIBKVPCI_LAYOUT_* flags, the best ones for the host
 */
struct transport_vm {
	const struct transport_ops *ops;
	struct vm *vm;
	uint32_t flags;
	int fd;
	enum mmap_reads_set mmap_reads_set;
	struct mmap_reads *mmap_reads;
	unsigned int layout;
};

/* One device; each transport embeds it in its own. */
struct transport {
	const struct transport_ops *ops;
	int event_fd;		/* readable when there is an event */
};

/* Where in a device's BARs an access falls. */
struct transport_place {
	uint32_t bar;
	uint32_t offset;
	uint32_t type;		/* enum kvpci_region_type; 0: between regions */
};

/**
 * struct transport_ops - operations of a transport
 *
 * Where an operation is an ioctl of <linux/kvpci.h>, it returns its errors.
 *
 * @name: its name in --transport
 * @open: take part in the VM; reports its errors
 * @close: leave the VM
 * @create: make a device
 * @destroy: take it away
 * @place: make it a function of the bus
 * @pci_config: access its PCI configuration space; calls never overlap. -EOPNOTSUPP:
 *	by a vCPU, but the VMM's to do or to answer. Then nothing is done, but what the
 *	VMM does again when it hands the access back.
 * @find: which BAR holds all of an access; not during @pci_config. NULL: accesses
 *	to BARs do not come to userspace
 * @access: access a BAR as the guest would. -EOPNOTSUPP: by a vCPU, but the VMM's to
 *	do or to answer; nothing is done
 * @event: take an event: 1, or 0 if there is none
 * @ack: the backend has stopped
 * @fail: the device needs a reset
 * @reset: reset the device, or with KVPCI_RESET_FUNCTION the function
 * @update: the device configuration changes, and the driver is told, or not
 * @features: out: feature bits the driver accepted
 * @features_ok: accept them, where the driver has written @status
 * @queue_fds: the eventfds of queues, which must be non-blocking, or -1
 * @queue_state: size, vector and addresses that the driver set up
 * @queue_states: the same of many queues
 * @save: all that the device knows; numbers and pointers are set
 * @restore: what @save gave, here or elsewhere
 */
struct transport_ops {
	const char *name;
	int (*open)(struct transport_vm *tvm);
	void (*close)(struct transport_vm *tvm);
	int (*create)(struct transport_vm *tvm,
		      struct kvpci_device_create *desc,
		      struct transport **transport);
	void (*destroy)(struct transport *transport);
	int (*place)(struct transport *transport,
		     struct kvpci_device_place *place);
	int (*pci_config)(struct transport *transport, uint32_t offset,
			  uint32_t length, uint32_t *value,
			  enum transport_direction direction,
			  enum transport_accessor accessor);
	bool (*find)(struct transport *transport, bool io, uint64_t address,
		     uint32_t length, struct transport_place *place);
	int (*access)(struct transport *transport, uint32_t bar,
		      uint32_t offset, uint32_t length, uint64_t *value,
		      enum transport_direction direction,
		      enum transport_accessor accessor);
	int (*event)(struct transport *transport, struct kvpci_event *event);
	int (*ack)(struct transport *transport, uint32_t kind, uint32_t queue);
	int (*fail)(struct transport *transport);
	int (*reset)(struct transport *transport, uint32_t flags);
	int (*update)(struct transport *transport, uint32_t flags,
		      uint32_t offset, uint32_t length, const void *data);
	int (*features)(struct transport *transport, uint64_t features[2]);
	int (*features_ok)(struct transport *transport, uint32_t status,
			   const uint64_t features[2]);
	int (*queue_fds)(struct transport *transport, uint32_t first,
			 uint32_t count, const struct kvpci_fd_pair *pairs);
	int (*queue_state)(struct transport *transport, uint32_t queue,
			   struct kvpci_queue_state *state);
	int (*queue_states)(struct transport *transport, uint32_t first,
			    uint32_t count, struct kvpci_queue_state *states);
	int (*save)(struct transport *transport,
		    struct kvpci_device_registers *registers);
	int (*restore)(struct transport *transport,
		       const struct kvpci_device_registers *registers);
};

extern const struct transport_ops transport_kernel;
extern const struct transport_ops transport_user;

#endif /* KVPCI_VMM_TRANSPORT_H */
