/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the two halves of the userspace transport share: registers in
 * transport_user.c, PCI configuration space in pci_config_user.c.
 */
#ifndef KVPCI_VMM_TRANSPORT_USER_H
#define KVPCI_VMM_TRANSPORT_USER_H

#include <pthread.h>

#include "../../kmod/core/pci_config.h"
#include "../../kmod/core/core.h"
#include "transport.h"

struct user_fds;

/**
 * struct user_transport - a device
 * @base: what the rest of the launcher sees
 * @vm: the VM
 * @epoll: of all call eventfds and @quit
 * @quit: eventfd that ends @thread
 * @thread: waits for call eventfds
 * @virtio_id: device type
 * @ext_dest_id: KVPCI_VM_EXT_DEST_ID
 * @lock: protects what follows
 * @core: the registers
 * @arrays: where the memory is that @core points to
 * @gsi: interrupt line, or KVPCI_GSI_NONE
 * @line_fd: eventfd by which the VMM, whose the line is, is told of it, or -1
 * @line: level that this device gives it
 * @event_readable: @base.event_fd is readable
 * @fds: by queue
 * @cs: configuration space
 * @mapped: BARs that answer; changes in user_pci_config() only
 * @addr: where
 */
struct user_transport {
	struct transport base;
	struct vm *vm;
	int epoll;
	int quit;
	pthread_t thread;
	uint32_t virtio_id;
	bool ext_dest_id;

	pthread_mutex_t lock;
	struct kvpci_core core;
	struct kvpci_array arrays[KVPCI_NUM_ARRAYS];
	uint32_t gsi;
	int line_fd;
	bool line;
	bool event_readable;
	struct user_fds *fds;
	struct kvpci_pci_config cs;
	uint32_t mapped;
	u64 addr[KVPCI_NUM_BARS];
};

static inline struct user_transport *user_of(struct transport *t)
{
	return (struct user_transport *)t;
}

/** user_access() - access a BAR; takes the lock */
int user_access(struct transport *t, uint32_t bar, uint32_t offset,
		uint32_t length, uint64_t *value,
		enum transport_direction direction,
		enum transport_accessor accessor);

/**
 * user_unlock_and() - let go of the lock, and do what a change wants done
 * @u: the device, locked
 * @effect: what the register core returned
 *
 * Every change of the core ends here, so that the order of what follows one is
 * known to one place.
 */
void user_unlock_and(struct user_transport *u, struct kvpci_effect effect);

/**
 * user_set_line_fd() - whose the function's interrupt line is
 * @t: the device
 * @line_fd: an eventfd, signalled when the level changes, which stays open; -1:
 *	KVM's line, which the function got with its place
 *
 * The VMM asks for the level by Status.Interrupt of configuration space, and reads of
 * ISR by the guest are its to do, as with the module's KVPCI_IRQ_LINE_FD.
 */
void user_set_line_fd(struct transport *t, int line_fd);

/** user_irq_flags() - what configuration space and the line's owner say; locked */
u32 user_irq_flags(const struct user_transport *u);

/* Operations of pci_config_user.c */
int user_place(struct transport *t, struct kvpci_device_place *place);
int user_pci_config(struct transport *t, uint32_t offset, uint32_t length,
		    uint32_t *value, enum transport_direction direction,
		    enum transport_accessor accessor);
bool user_find(struct transport *t, bool io, uint64_t address,
	       uint32_t length, struct transport_place *place);

#endif /* KVPCI_VMM_TRANSPORT_USER_H */
