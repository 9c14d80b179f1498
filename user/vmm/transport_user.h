/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the two halves of the userspace transport share: registers in
 * transport_user.c, PCI configuration space in config_user.c.
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
 * @lock: protects what follows
 * @core: the registers
 * @gsi: interrupt line, or KVPCI_GSI_NONE
 * @line: level that this device gives it
 * @news: @base.event_fd is readable
 * @fds: by queue
 * @cs: configuration space
 * @mapped: BARs that answer; changes in config() only
 * @addr: where
 */
struct user_transport {
	struct transport base;
	struct vm *vm;
	int epoll;
	int quit;
	pthread_t thread;
	uint32_t virtio_id;

	pthread_mutex_t lock;
	struct kvpci_core core;
	uint32_t gsi;
	bool line;
	bool news;
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
		uint32_t length, uint64_t *value, bool write);

/** user_carry_out() - do what an access asks for; with the lock held */
void user_carry_out(struct user_transport *u, struct kvpci_effect effect);

/** user_update_interrupts() - after interrupt bits changed; with the lock held */
void user_update_interrupts(struct user_transport *u);

/* Operations of config_user.c */
int user_place(struct transport *t, struct kvpci_device_place *place);
int user_config(struct transport *t, uint32_t offset, uint32_t length,
		uint32_t *value, bool write);
bool user_find(struct transport *t, bool io, uint64_t address,
	       uint32_t length, struct transport_place *place);

#endif /* KVPCI_VMM_TRANSPORT_USER_H */
