/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The objects of the kernel shell and how they are locked.
 *
 *	struct kvpci_vm		one KVM virtual machine
 *	struct kvpci_device	one virtio-pci function: a register core, its
 *				eventfds, its place on KVM's buses
 *
 * Lock order, outermost first. What is left out is never held together.
 *
 *	device->map_lock	which BARs are where
 *	  vm->ecam_lock		which functions are where
 *	    kvm->slots_lock	KVM's buses
 *	device->fds_lock	which eventfds serve the queues
 *	  kvm->srcu		(waited for)
 *	device->read_lock	one reader of events at a time
 *	  vm->line_lock		interrupt lines
 *	  eventfd's wait queue	(held by whoever signals it)
 *	    device->lock	the register core
 *	      KVM's LAPIC delivery
 *
 * Handlers of guest accesses run inside kvm->srcu and take line_lock and
 * device->lock, so neither may be held while waiting for kvm->srcu. They may
 * wait for irq_work, which therefore waits for nothing but line_lock.
 */
#ifndef KVPCI_H
#define KVPCI_H

#include <kvm/iodev.h>
#include <linux/bitmap.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/kvm_host.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "core/pci_config.h"
#include "core/core.h"

#define KVPCI_NUM_LINES	24	/* pins of the I/O APIC */

/* The counters of struct kvpci_device_stats, in its order. */
enum kvpci_counter {
	KVPCI_COUNT_COMMON_READS,
	KVPCI_COUNT_COMMON_WRITES,
	KVPCI_COUNT_DEVICE_CONFIG_READS,
	KVPCI_COUNT_DEVICE_CONFIG_WRITES,
	KVPCI_COUNT_ISR_READS,
	KVPCI_COUNT_MSIX_READS,
	KVPCI_COUNT_MSIX_WRITES,
	KVPCI_COUNT_OTHER,
	KVPCI_COUNT_KICKS,
	KVPCI_COUNT_KICKS_DROPPED,
	KVPCI_COUNT_CALLS,
	KVPCI_COUNT_MSIX_SENT,
	KVPCI_COUNT_MSIX_PENDED,
	KVPCI_COUNT_INTX_RAISED,
	KVPCI_COUNT_IRQS_DROPPED,
	KVPCI_COUNT_EVENTS,
	KVPCI_COUNT_PCI_CONFIG_READS,
	KVPCI_COUNT_PCI_CONFIG_WRITES,
	KVPCI_NUM_COUNTERS
};

struct kvpci_counters {
	u64 count[KVPCI_NUM_COUNTERS];
};

typedef int (*kvpci_set_msi_t)(struct kvm_kernel_irq_routing_entry *e,
			       struct kvm *kvm, int irq_source_id, int level,
			       bool line_status);

/**
 * struct kvpci_vm - one KVM virtual machine
 * @ref: one for the file, one for each device
 * @kvm: the VM; we hold a reference
 * @owner: KVM's vendor module, which the VM's code is in; we hold a reference
 * @set_msi: KVM's delivery of a message, found in its routing table
 * @ecam_lock: protects changes of @ecam and of its functions
 * @ecam: PCI configuration space, or NULL; never changes once set
 * @line_lock: protects @lines and every device's @gsi and @line_raised
 * @lines: how many devices pull each interrupt line
 */
struct kvpci_vm {
	/* immutable after create */
	struct kref ref;
	struct kvm *kvm;
	struct module *owner;
	kvpci_set_msi_t set_msi;

	struct mutex ecam_lock;	/* ecam and its functions */
	struct kvpci_ecam *ecam;

	struct mutex line_lock;	/* lines, devices' gsi and line_raised */
	unsigned int lines[KVPCI_NUM_LINES];
};

/**
 * struct kvpci_route - a message, ready for KVM's delivery function
 * @entry: what that is given
 * @vector: whose message it is
 */
struct kvpci_route {
	struct kvm_kernel_irq_routing_entry entry;
	u32 vector;
};

/**
 * struct kvpci_call - a wait for a backend's call eventfd
 * @wait: our entry on its wait queue
 * @device: whose interrupt it asks for
 * @source: the queue
 * @epoch: of the device, when it was decided that @route is to be sent; as
 *	@route, under the eventfd's wait queue
 * @route: what was sent last
 * @count: what the eventfd was signalled with last
 * @file: the eventfd; held, so that it cannot hang up while we wait on it
 * @ctx: the same
 * @table: carries us through poll() to @wait
 */
struct kvpci_call {
	wait_queue_entry_t wait;
	struct kvpci_device *device;
	u32 source;
	unsigned long epoch;
	struct kvpci_route route;
	u64 count;
	struct file *file;
	struct eventfd_ctx *ctx;
	poll_table table;
};

/**
 * struct kvpci_eventfds - the eventfds of one queue
 * @kick: signalled by doorbells; read inside kvm->srcu
 * @call: waited on for interrupts, or NULL; under fds_lock
 */
struct kvpci_eventfds {
	struct eventfd_ctx __rcu *kick;
	struct kvpci_call *call;
};

#define KVPCI_NO_NOTIFY	0xffffffffU

/**
 * struct kvpci_range - one range on one of KVM's buses
 * @iodev: what KVM calls
 * @base: first address
 * @size: bytes
 * @bus: enum kvm_bus
 * @bar: index of the BAR
 * @device: whose BAR it is
 * @shift: of an offset, to a queue's index, for a range on the fast bus
 * @notify: offset of a doorbell that all queues share, or KVPCI_NO_NOTIFY
 * @ecam: whose configuration space it is
 */
struct kvpci_range {
	struct kvm_io_device iodev;
	gpa_t base;
	u32 size;
	u8 bus;
	u8 bar;
	u8 shift;
	struct kvpci_device *device;
	u32 notify;
	struct kvpci_ecam *ecam;
};

/**
 * struct kvpci_map - ranges that change together
 * @num: how many
 * @ranges: all immutable once on a bus
 */
struct kvpci_map {
	unsigned int num;
	struct kvpci_range ranges[];
};

/**
 * struct kvpci_ecam - the PCI configuration space of a VM
 * @vm: the VM
 * @map: its range on the bus
 * @user: functions the VMM answers for
 * @num_functions: how many there may be
 * @functions: by bus << 8 | device << 3 | function; read inside kvm->srcu
 */
struct kvpci_ecam {
	/* immutable after create */
	struct kvpci_vm *vm;
	struct kvpci_map *map;
	unsigned long *user;
	u32 num_functions;

	struct kvpci_device __rcu *functions[];
};

/**
 * struct kvpci_device - one virtio-pci function
 * @vm: its VM; holds a reference
 * @id: number in traces
 * @virtio_id: virtio device type
 * @name: what the VMM calls it
 * @counters: per CPU
 * @debugfs: its directory
 * @map_lock: protects @map, and decides @cs
 * @map: ranges on KVM's buses, or NULL
 * @cs: PCI configuration space, or NULL if the VMM keeps it; its content
 *	is under @lock, and changes of what it decodes under @map_lock too
 * @function: where on the bus, if @cs
 * @fds_lock: protects changes of @fds
 * @fds: by queue
 * @lock: protects @epoch, @core, @deferred, @sending, @pci_config_mapped and what
 *	@cs holds; interrupts are off under it, since eventfds may be signalled
 *	anywhere. Messages are delivered under it, shared if they are ready.
 * @epoch: grows whenever what is to be done about a signal may have changed
 * @core: the registers
 * @deferred: vectors whose messages @irq_work is to send
 * @sending: @irq_work is sending one of them, not under @lock
 * @pci_config_mapped: the VMM has mapped what @cs holds, for the guest to read
 * @irq_work: what may not be done where an eventfd is signalled: multicast
 *	messages, interrupt lines
 * @gsi: interrupt line, or KVPCI_GSI_NONE; under vm->line_lock
 * @line_raised: whether we count in vm->lines[gsi]; under vm->line_lock
 * @read_lock: one reader of events at a time
 * @wait: those who wait for events
 * @stopped: vCPUs that wait for the end of a reset
 */
struct kvpci_device {
	/* immutable after create */
	struct kvpci_vm *vm;
	u32 id;
	u32 virtio_id;
	char name[sizeof_field(struct kvpci_device_create, name)];
	struct kvpci_counters __percpu *counters;
	struct dentry *debugfs;

	struct mutex map_lock;	/* map, cs */
	struct kvpci_map *map;
	struct kvpci_pci_config *cs;
	u32 function;

	struct mutex fds_lock;	/* changes of fds */
	struct kvpci_eventfds *fds;

	rwlock_t lock;		/* epoch to pci_config_mapped, and *cs; irqs off */
	unsigned long epoch;
	struct kvpci_core core;
	DECLARE_BITMAP(deferred, KVPCI_MAX_VECTORS);
	bool sending;
	bool pci_config_mapped;

	struct work_struct irq_work;
	u32 gsi;
	bool line_raised;

	struct mutex read_lock;	/* one reader of events at a time */
	wait_queue_head_t wait;
	wait_queue_head_t stopped;
};

static inline void kvpci_count(struct kvpci_device *device,
			       enum kvpci_counter counter)
{
	this_cpu_inc(device->counters->count[counter]);
}

/**
 * kvpci_lock() - take a device's lock to change what it protects
 * @device: the device
 *
 * No message is on its way then, but what irq_work sends, and none will be sent
 * that was decided on before.
 */
static inline void kvpci_lock(struct kvpci_device *device)
	__acquires(&device->lock)
{
	write_lock_irq(&device->lock);
	device->epoch++;
}

static inline void kvpci_unlock(struct kvpci_device *device)
	__releases(&device->lock)
{
	write_unlock_irq(&device->lock);
}

/* Whole pages, so that they can be mapped. */
static inline size_t kvpci_vectors_size(unsigned int num_vectors)
{
	return PAGE_ALIGN(num_vectors * sizeof(struct kvpci_vector));
}

/* ioctl.c: one dispatcher for all kinds of file */

#define KVPCI_MAX_STRUCT	256	/* bytes of the largest structure */

/**
 * struct kvpci_ioctl - an ioctl and its structure
 * @cmd: KVPCI_*
 * @min_size: size of the structure as first published
 * @size: its size now
 * @out: the structure is copied back after success
 * @call: does it. @object is the file's private data, @arg the structure.
 */
struct kvpci_ioctl {
	unsigned int cmd;
	u16 min_size;
	u16 size;
	bool out;
	long (*call)(void *object, void *arg);
};

#define KVPCI_IOCTL(cmd_, struct_, last_, out_, call_)			\
	{								\
		.cmd = (cmd_),						\
		.min_size = offsetofend(struct struct_, last_),		\
		.size = sizeof(struct struct_) +			\
			BUILD_BUG_ON_ZERO(sizeof(struct struct_) >	\
					  KVPCI_MAX_STRUCT),		\
		.out = (out_),						\
		.call = (call_),					\
	}

long kvpci_ioctl(const struct kvpci_ioctl *table, unsigned int num,
		 void *object, unsigned int cmd, unsigned long arg);

/* vm.c */
long kvpci_vm_create(void *object, void *arg);
struct kvpci_vm *kvpci_vm_get(struct kvpci_vm *vm);
void kvpci_vm_put(struct kvpci_vm *vm);

/* device.c */
long kvpci_device_create(void *object, void *arg);

/* config.c */
int kvpci_ecam_place(struct kvpci_device *device,
		       const struct kvpci_device_place *place);
u32 kvpci_function_read(struct kvpci_device *device, u32 offset,
		      unsigned int length);
bool kvpci_function_try_write(struct kvpci_device *device, u32 offset,
			    unsigned int length, u32 value);
int kvpci_function_write(struct kvpci_device *device, u32 offset,
		       unsigned int length, u32 value);

void kvpci_irq_sync_status(struct kvpci_device *device);
void kvpci_function_free(struct kvpci_device *device);

/* mmap.c */
int kvpci_mmap(struct file *file, struct vm_area_struct *vma);

/* ecam.c */
long kvpci_ecam_create(void *object, void *arg);
void kvpci_ecam_destroy(struct kvpci_vm *vm);
int kvpci_ecam_add(struct kvpci_device *device, struct kvpci_pci_config *cs,
		   u32 function);
void kvpci_ecam_remove(struct kvpci_device *device);

/* iobus.c */
bool kvpci_iobus_covers(const struct kvpci_range *range, gpa_t addr, int len);
struct kvpci_map *kvpci_iobus_alloc_map(unsigned int num);
int kvpci_iobus_replace(struct kvm *kvm, const struct kvpci_map *old,
			struct kvpci_map *new);
int kvpci_iobus_map(struct kvpci_device *device, u32 mapped, const u64 *addr);
void kvpci_iobus_unmap(struct kvpci_device *device);

/* access.c */
u64 kvpci_access_read(struct kvpci_device *device, unsigned int bar,
		      u32 offset, unsigned int length, bool wait);
bool kvpci_access_write(struct kvpci_device *device, unsigned int bar,
			u32 offset, unsigned int length, u64 value, bool ask);
int kvpci_access_features_ok(struct kvpci_device *device, u8 status,
			     const u64 *features);
void kvpci_access_kick(struct kvpci_device *device, u32 queue);

/* eventfds.c */
int kvpci_eventfds_set(struct kvpci_device *device, u32 queue, int kick_fd,
		       int call_fd);
void kvpci_eventfds_release(struct kvpci_device *device);

/* interrupt.c */
kvpci_set_msi_t kvpci_irq_find_set_msi(struct kvm *kvm);
void kvpci_irq_signal(struct kvpci_device *device, u32 source);
int kvpci_irq_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync,
		     void *key);
void kvpci_irq_send(struct kvpci_device *device, const struct kvpci_msg *msg);
void kvpci_irq_send_pending(struct kvpci_device *device);
void kvpci_irq_settle(struct kvpci_device *device);
void kvpci_irq_sync_line(struct kvpci_device *device);
void kvpci_irq_set_line(struct kvpci_device *device, u32 gsi);
void kvpci_irq_work(struct work_struct *work);

/* event.c */
ssize_t kvpci_event_read(struct file *file, char __user *buf, size_t size,
			 loff_t *pos);
__poll_t kvpci_event_poll(struct file *file, poll_table *wait);
void kvpci_event_post(struct kvpci_device *device);

/* debugfs.c */
void kvpci_debugfs_init(void);
void kvpci_debugfs_exit(void);
void kvpci_debugfs_add(struct kvpci_device *device);
void kvpci_stats_read(struct kvpci_device *device, u64 *sum);

#endif /* KVPCI_H */
