/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The objects of the kernel shell and how they are locked.
 *
 *	struct kvpci_vm		one KVM virtual machine
 *	struct kvpci_device	one virtio-pci function: a register core, its
 *				eventfds, its place on KVM's buses
 *
 * Lock order, outermost first. Locks that are not listed below one another are
 * never held together.
 *
 *	device->map_lock	which BARs are where
 *	  vm->ecam_lock		which functions are where
 *	    kvm->slots_lock	KVM's buses
 *	      device->lock	of a BAR that is in the way of another one
 *	      kvm->srcu		(waited for)
 *	  vm->line_lock		interrupt lines
 *	    call->head->lock	of an eventfd that tells of a line (as below)
 *	    device->lock
 *	  device->send_lock	the deferred message that is being sent
 *	    device->lock
 *	  call->head->lock	a call eventfd's wait queue, held by whoever signals
 *				it: what a signal leads to
 *	    device->lock	the register core
 *	      KVM's LAPIC delivery
 *	device->fds_lock	which eventfds serve the queues
 *	  call->head->lock	(as above)
 *	  kvm->srcu		(waited for)
 *	device->read_lock	one reader of events at a time
 *	  vm->line_lock, device->send_lock, call->head->lock (as above)
 *	  device->lock
 *
 * Handlers of guest accesses run inside kvm->srcu and take line_lock, send_lock,
 * the wait queues' locks and device->lock, so none of these may be held while
 * waiting for kvm->srcu.
 */
#ifndef KVPCI_H
#define KVPCI_H

#include <kvm/iodev.h>
#include <linux/bitmap.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/kvm_host.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "arch/x86.h"
#include "core/pci_config.h"
#include "core/core.h"

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
 * struct kvpci_teardown - an object that is to be taken apart
 * @node: on its VM's list
 * @fn: takes it apart
 */
struct kvpci_teardown {
	struct llist_node node;
	void (*fn)(struct kvpci_teardown *teardown);
};

/**
 * struct kvpci_teardowns - objects of a VM that a work item takes apart
 * @owner: the process that made the VM; it takes its objects apart by itself
 * @list: struct kvpci_teardown; each holds a reference on the VM
 * @work: takes them apart, one after another
 */
struct kvpci_teardowns {
	struct pid *owner;
	struct llist_head list;
	struct work_struct work;
};

/**
 * struct kvpci_retired - buses that were replaced
 * @rcu: waits for those who still look at them
 * @vm: the VM; it waits for the callback before its end
 * @buses: by enum kvm_bus, or NULL
 * @done: called when nobody looks at them any more, and they are freed; must not
 *	sleep
 */
struct kvpci_retired {
	struct rcu_head rcu;
	struct kvpci_vm *vm;
	struct kvm_io_bus *buses[KVM_NR_BUSES];
	void (*done)(struct kvpci_retired *retired);
};

/**
 * struct kvpci_vm - one KVM virtual machine
 * @ref: one for the file, one for each device
 * @kvm_file: the VM's file; held, and with it @kvm and the modules of KVM
 * @kvm: the VM
 * @set_msi: KVM's delivery of a message, found in its routing table
 * @ext_dest_id: KVPCI_VM_EXT_DEST_ID
 * @teardown: its entry in @teardowns when its file is closed
 * @teardowns: objects of this VM that somebody else has closed
 * @num_files: open files of the VM and of its devices
 * @num_retired: struct kvpci_retired that wait for KVM's readers
 * @ecam_lock: protects changes of @ecam and of its functions
 * @ecam: PCI configuration space, or NULL; never changes once set
 * @line_lock: protects @lines and every device's @gsi and @line_raised
 * @lines: how many devices pull each interrupt line
 */
struct kvpci_vm {
	/* immutable after create */
	struct kref ref;
	struct file *kvm_file;
	struct kvm *kvm;
	kvpci_set_msi_t set_msi;
	bool ext_dest_id;

	struct kvpci_teardown teardown;
	struct kvpci_teardowns teardowns;

	atomic_t num_files;
	atomic_t num_retired;

	struct mutex ecam_lock;	/* ecam and its functions */
	struct kvpci_ecam *ecam;

	struct mutex line_lock;	/* lines, devices' gsi and line_raised */
	unsigned int lines[KVPCI_NUM_LINES];
};

/**
 * struct kvpci_route - a message, ready for KVM's delivery function
 * @entry: the argument of that function
 * @vector: the MSI-X vector that the message belongs to
 * @dest: for whom it is
 */
struct kvpci_route {
	struct kvm_kernel_irq_routing_entry entry;
	u32 vector;
	enum kvpci_dest dest;
};

/**
 * struct kvpci_call - a wait for a queue's call eventfd
 * @head: the eventfd's wait queue. Its lock protects @active to @route. Whoever
 *	signals the eventfd holds it from the comparison of @epoch to the end of
 *	the delivery, so whoever has changed device->epoch and then gets the lock
 *	knows that nothing is sent that was decided on before.
 * @active: signals are ours: the call that this one replaces has stopped
 * @verdict: what the core said of the last signal; true as long as @epoch is the
 *	device's
 * @queue: the queue's index
 * @epoch: device->epoch when @verdict was given; 0: it is not to be used again
 * @count: what the eventfd's counter was when it was taken last
 * @route: the message, for KVPCI_IRQ_SEND
 * @device: the device
 * @wait: our entry on the wait queue
 * @replaces: the call that serves the queue until this one does; NULL from then on
 * @file: the eventfd; held, so that it cannot hang up while we wait on it
 * @ctx: the same; held until nobody can take its lock
 * @table: carries us through poll() to @wait
 * @rcu: delays the end until nobody walks over the device's calls
 *
 * A signal writes nothing but this and what belongs to the CPU, the eventfd or
 * KVM; so calls do not share cache lines.
 */
struct kvpci_call {
	/* changes under head->lock */
	bool active;
	u8 verdict;
	u16 queue;
	unsigned long epoch;
	u64 count;
	struct kvpci_route route;

	/* immutable once on the wait queue */
	struct kvpci_device *device;
	wait_queue_head_t *head;
	wait_queue_entry_t wait;
	const struct kvpci_call *replaces;
	struct file *file;
	struct eventfd_ctx *ctx;
	poll_table table;
	struct rcu_head rcu;
} ____cacheline_aligned;

/**
 * struct kvpci_eventfds - the eventfds of one queue
 * @kick: signalled by doorbells; read inside kvm->srcu
 * @call: waited on for interrupts, or NULL; read under RCU
 *
 * Both change under fds_lock.
 */
struct kvpci_eventfds {
	struct eventfd_ctx __rcu *kick;
	struct kvpci_call __rcu *call;
};

#define KVPCI_NO_NOTIFY	0xffffffffU

/**
 * struct kvpci_range - one range on one of KVM's buses
 * @iodev: what KVM calls
 * @base: first address
 * @size: bytes
 * @bus: enum kvm_bus
 * @bar: index of the BAR
 * @device: the device that the BAR belongs to
 * @decodes: its bit in device->decoding: the range answers while that is set
 * @shift: an offset shifted right by this is the queue's index, on the fast bus
 * @notify: offset of a doorbell that all queues share, or KVPCI_NO_NOTIFY
 * @ecam: the space, for a range of PCI configuration space, else NULL
 */
struct kvpci_range {
	struct kvm_io_device iodev;
	gpa_t base;
	u32 size;
	u8 bus;
	u8 bar;
	u8 decodes;
	u8 shift;
	struct kvpci_device *device;
	u32 notify;
	struct kvpci_ecam *ecam;
};

/**
 * struct kvpci_map - ranges that change together
 * @makes_way: may an entry that lies where these are to be go for their sake? If so
 *	it is forgotten. kvm->slots_lock is held.
 * @num: how many
 * @ranges: all immutable once on a bus
 */
struct kvpci_map {
	bool (*makes_way)(struct kvm_io_device *iodev);
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
 * @counters: per CPU
 * @fds: by queue; changes are under @fds_lock
 * @id: number in traces
 * @virtio_id: virtio device type
 * @epoch: grows whenever what is to become of a signal may have changed; changed
 *	under @lock, read by signals without it
 * @decoding: bit n: BAR n answers; changed under @lock, read by accesses without it
 * @lock: protects @core, @pci_config_mapped, @moving, @placed, @place, and what @cs
 *	holds; interrupts are off under it, since it is taken where eventfds are
 *	signalled
 * @core: the registers
 * @armed: queues that have a call with a message to send again; set under @lock,
 *	cleared under the lock of the call's wait queue
 * @num_armed: the number of bits set in @armed
 * @pci_config_mapped: the VMM has mapped what @cs holds, for the guest to read
 * @moving: BARs may be about to move: until they have, no other write changes what
 *	decides where they answer, and their ranges make way for nobody
 * @name: the VMM's name for it
 * @debugfs: its directory
 * @teardown: its entry in vm->teardowns when its file is closed, and again when
 *	nobody uses it any more
 * @retired: the buses that led to it last
 * @arrays: memory that @core points to
 * @map_lock: protects @map, and decides @cs
 * @map: ranges on KVM's buses, or NULL; some may have made way for others
 * @placed: bit n: KVM's buses lead to BAR n, whether it answers or not; under @lock
 * @place: where, by BAR; under @lock
 * @cs: PCI configuration space, or NULL if the VMM keeps it; its content
 *	is under @lock, and changes of what it decodes under @map_lock too
 * @function: its number on the bus, once @cs is set
 * @fds_lock: protects changes of @fds
 * @send_lock: held while @irq_work sends a message
 * @sending: @irq_work is sending a message, not under @lock; set under @send_lock
 *	and @lock, cleared under @send_lock
 * @irq_work: sends what may not be sent where an eventfd is signalled, and pulls
 *	the interrupt line
 * @gsi: interrupt line, or KVPCI_GSI_NONE; under vm->line_lock
 * @line_ctx: tells the VMM, whose the line is, that its level changes, or NULL; under
 *	vm->line_lock
 * @line_raised: whether we count in vm->lines[gsi], or have told the VMM that the
 *	line is up; under vm->line_lock
 * @read_lock: one reader of events at a time
 * @wait: those who wait for events
 * @stopped: vCPUs that wait for the end of a reset
 */
struct kvpci_device {
	/* What signals and doorbells read; immutable but for epoch and decoding. */
	struct kvpci_vm *vm;
	struct kvpci_counters __percpu *counters;
	struct kvpci_eventfds *fds;
	u32 id;
	u32 virtio_id;
	unsigned long epoch;
	u8 decoding;

	/* core to moving, *cs, placed and place; irqs off */
	spinlock_t lock ____cacheline_aligned;
	bool pci_config_mapped;
	bool moving;
	atomic_t num_armed;
	DECLARE_BITMAP(armed, KVPCI_MAX_QUEUES);
	struct kvpci_core core ____cacheline_aligned;

	/* immutable after create */
	char name[sizeof_field(struct kvpci_device_create, name)];
	struct dentry *debugfs;
	struct kvpci_teardown teardown;
	struct kvpci_retired retired;
	struct kvpci_array arrays[KVPCI_NUM_ARRAYS];

	struct mutex map_lock;	/* map, cs */
	struct kvpci_map *map;
	u32 placed;
	u64 place[KVPCI_NUM_BARS];
	struct kvpci_pci_config *cs;
	u32 function;

	struct mutex fds_lock;	/* changes of fds */

	struct mutex send_lock;	/* a deferred message on its way */
	bool sending;
	struct work_struct irq_work;
	u32 gsi;
	struct eventfd_ctx *line_ctx;
	bool line_raised;

	struct mutex read_lock;	/* one reader of events at a time */
	wait_queue_head_t wait;
	wait_queue_head_t stopped;
};

/*
 * Queues do not disturb each other: no cache line that a doorbell or a signal
 * writes is touched by those of another queue. What they read of a device is
 * apart from its lock, and from what is written under it when a signal has to ask
 * the core.
 */
#define KVPCI_LINE(type, field)	(offsetof(type, field) / SMP_CACHE_BYTES)
static_assert(sizeof(struct kvpci_queue) % SMP_CACHE_BYTES == 0);
static_assert(__alignof__(struct kvpci_queue) == SMP_CACHE_BYTES);
static_assert(__alignof__(struct kvpci_call) == SMP_CACHE_BYTES);
static_assert(KVPCI_LINE(struct kvpci_device, decoding) <
	      KVPCI_LINE(struct kvpci_device, lock));
static_assert(KVPCI_LINE(struct kvpci_device, decoding) ==
	      KVPCI_LINE(struct kvpci_device, fds));
static_assert(KVPCI_LINE(struct kvpci_device, armed) <
	      KVPCI_LINE(struct kvpci_device, core));
static_assert(KVPCI_LINE(struct kvpci_core, notify_config_data) <
	      KVPCI_LINE(struct kvpci_core, device_feature_select));
static_assert(KVPCI_LINE(struct kvpci_core, device_status) <
	      KVPCI_LINE(struct kvpci_core, isr));
static_assert(KVPCI_LINE(struct kvpci_core, notify_config_data) <
	      KVPCI_LINE(struct kvpci_core, pending));
/* kmalloc() aligns objects of this size to a cache line at least. */
static_assert(sizeof(struct kvpci_device) > 192);

/**
 * kvpci_iobus_covers() - is an access ours?
 * @range: where KVM thinks it goes
 * @addr: first byte
 * @len: bytes
 *
 * KVM also calls us for accesses that begin before a range or leave it at its
 * end; those are nobody's.
 */
static inline bool kvpci_iobus_covers(const struct kvpci_range *range,
				      gpa_t addr, int len)
{
	u64 offset = addr - range->base;

	return offset < range->size && len <= range->size - offset && len <= 8;
}

/* Who makes an access. */
enum kvpci_accessor {
	KVPCI_GUEST,	/* a vCPU: it may wait, and what the VMM decides on exits */
	KVPCI_WINDOW,	/* the same through the access window: the BAR need not answer */
	KVPCI_VMM,	/* the VMM, in the guest's place */
};

enum kvpci_access_kind { KVPCI_READ, KVPCI_WRITE };

static inline void kvpci_count(struct kvpci_device *device,
			       enum kvpci_counter counter)
{
	this_cpu_inc(device->counters->count[counter]);
}

/** kvpci_lock() - take a device's lock */
static inline void kvpci_lock(struct kvpci_device *device)
	__acquires(&device->lock)
{
	spin_lock_irq(&device->lock);
}

/** kvpci_unlock() - release it after looking, or after a change without effect */
static inline void kvpci_unlock(struct kvpci_device *device)
	__releases(&device->lock)
{
	spin_unlock_irq(&device->lock);
}

/* Whole pages, so that they can be mapped. */
static inline size_t kvpci_vectors_size(unsigned int num_vectors)
{
	return PAGE_ALIGN(num_vectors * sizeof(struct kvpci_vector));
}

/* ioctl.c: one dispatcher for all kinds of file */

/* Which way an ioctl's structure goes. */
enum kvpci_direction {
	KVPCI_IN,	/* from the caller */
	KVPCI_INOUT,	/* and back to him after success */
};

#define KVPCI_MAX_STRUCT	256	/* bytes of the largest structure */

/**
 * struct kvpci_ioctl - an ioctl and its structure
 * @cmd: KVPCI_*
 * @min_size: size of the structure as first published
 * @size: its size now
 * @direction: which way the structure goes
 * @call: does it. @object is the file's private data, @arg the structure.
 */
struct kvpci_ioctl {
	unsigned int cmd;
	u16 min_size;
	u16 size;
	enum kvpci_direction direction;
	long (*call)(void *object, void *arg);
};

#define KVPCI_IOCTL_WITH(struct_, cmd_, call_, last_, direction_)		\
	{								\
		.cmd = (cmd_),						\
		.min_size = offsetofend(struct struct_, last_),		\
		.size = sizeof(struct struct_) +			\
			BUILD_BUG_ON_ZERO(sizeof(struct struct_) >	\
					  KVPCI_MAX_STRUCT),		\
		.direction = (direction_),				\
		.call = (call_),					\
	}

/* Structure and function bear the ioctl's name. */
#define KVPCI_IOCTL(cmd_, name_, last_, direction_)			\
	KVPCI_IOCTL_WITH(name_, cmd_, name_, last_, direction_)

long kvpci_ioctl(const struct kvpci_ioctl *table, unsigned int num,
		 void *object, unsigned int cmd, unsigned long arg);

/*
 * The rest is what each file has for those above it. Functions that take
 * (void *object, void *arg) are ioctls: the file's private data, and the checked
 * copy of the structure that bears the function's name.
 */

/* teardown.c */
int kvpci_teardown_init(void);
void kvpci_teardown_exit(void);
void kvpci_teardowns_init(struct kvpci_teardowns *teardowns);
void kvpci_teardowns_free(struct kvpci_teardowns *teardowns);
void kvpci_teardowns_flush(struct kvpci_teardowns *teardowns);
bool kvpci_teardown_is_ours(const struct kvpci_teardowns *teardowns);
void kvpci_teardown_queue(struct kvpci_teardowns *teardowns,
			  struct kvpci_teardown *teardown,
			  void (*fn)(struct kvpci_teardown *teardown));

/* device.c */
struct kvpci_device *kvpci_device_make(struct kvpci_vm *vm,
				       const struct kvpci_device_create *create);
void kvpci_device_destroy(struct kvpci_device *device);
int kvpci_device_release(struct inode *inode, struct file *file);
long kvpci_device_ack(void *object, void *arg);
long kvpci_device_fail(void *object, void *arg);
long kvpci_device_state(void *object, void *arg);
long kvpci_device_features_ok(void *object, void *arg);
long kvpci_device_config_write(void *object, void *arg);
long kvpci_queue_state(void *object, void *arg);
long kvpci_queue_states(void *object, void *arg);

/* state.c */
long kvpci_device_save(void *object, void *arg);
long kvpci_device_restore(void *object, void *arg);

/* vm.c */
struct kvpci_vm *kvpci_vm_make(const struct kvpci_vm_create *create);
struct kvpci_vm *kvpci_vm_get(struct kvpci_vm *vm);
void kvpci_vm_put(struct kvpci_vm *vm);
void kvpci_vm_close(struct kvpci_vm *vm, struct kvpci_teardown *teardown,
		    void (*fn)(struct kvpci_teardown *teardown));
int kvpci_vm_release(struct inode *inode, struct file *file);

/* ecam.c */
long kvpci_vm_ecam(void *object, void *arg);
long kvpci_device_place(void *object, void *arg);
void kvpci_ecam_destroy(struct kvpci_vm *vm);
void kvpci_ecam_remove(struct kvpci_device *device);

/* pci_config.c */
int kvpci_function_move(struct kvpci_device *device, const u8 *bytes, u32 irq_flags);
void kvpci_function_moved(struct kvpci_device *device, const u8 *bytes);
void kvpci_function_move_back(struct kvpci_device *device);
long kvpci_pci_config_access(void *object, void *arg);
long kvpci_device_irq(void *object, void *arg);
long kvpci_device_reset(void *object, void *arg);
struct kvpci_pci_config *
kvpci_function_build(const struct kvpci_device *device,
		     const struct kvpci_device_place *place);
void kvpci_function_free(struct kvpci_pci_config *cs);
bool kvpci_function_read(struct kvpci_device *device, u32 offset,
			 unsigned int length, u32 *value,
			 enum kvpci_accessor accessor);
bool kvpci_function_try_write(struct kvpci_device *device, u32 offset,
			      unsigned int length, u32 value);

/* mmap.c */
int kvpci_mmap(struct file *file, struct vm_area_struct *vma);

/* bar.c */
long kvpci_device_map(void *object, void *arg);
int kvpci_bar_map(struct kvpci_device *device, u32 mapped, const u64 *addr);
void kvpci_bar_unmap(struct kvpci_device *device,
		     void (*done)(struct kvpci_retired *retired));
bool kvpci_bar_makes_way(struct kvm_io_device *iodev);

/* access.c */
long kvpci_bar_access(void *object, void *arg);
bool kvpci_access_read(struct kvpci_device *device, unsigned int bar,
		       u32 offset, unsigned int length, u64 *value,
		       enum kvpci_accessor accessor);
bool kvpci_access_write(struct kvpci_device *device, unsigned int bar,
			u32 offset, unsigned int length, u64 value,
			enum kvpci_accessor accessor);
void kvpci_access_kick(struct kvpci_device *device, u32 queue);

/* effect.c */
void kvpci_unlock_and(struct kvpci_device *device, struct kvpci_effect effect)
	__releases(&device->lock);

/* eventfds.c */
int kvpci_eventfds_init(void);
void kvpci_eventfds_exit(void);
long kvpci_queue_fds(void *object, void *arg);
void kvpci_eventfds_stop(struct kvpci_device *device);
void kvpci_eventfds_release(struct kvpci_device *device);

/* interrupt.c */
int kvpci_irq_init(void);
void kvpci_irq_exit(void);
kvpci_set_msi_t kvpci_irq_find_set_msi(struct kvm *kvm);
void kvpci_irq_signal(struct kvpci_call *call);
int kvpci_irq_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync,
		     void *key);
void kvpci_irq_disarm(struct kvpci_call *call);
void kvpci_irq_send_vector(struct kvpci_device *device, unsigned int vector);
void kvpci_irq_send_pending(struct kvpci_device *device);
void kvpci_irq_await_slow(struct kvpci_device *device, struct kvpci_effect effect);
void kvpci_irq_sync_status(struct kvpci_device *device);
void kvpci_irq_sync_line(struct kvpci_device *device);
void kvpci_irq_set_line(struct kvpci_device *device, u32 gsi,
			struct eventfd_ctx *ctx);
void kvpci_irq_work(struct work_struct *work);

/* event.c */
ssize_t kvpci_event_read(struct file *file, char __user *buf, size_t size,
			 loff_t *pos);
__poll_t kvpci_event_poll(struct file *file, poll_table *wait);
void kvpci_event_post(struct kvpci_device *device);

/* iobus.c */
struct kvpci_map *kvpci_iobus_alloc_map(unsigned int num);
int kvpci_iobus_replace(struct kvpci_vm *vm, const struct kvpci_map *old,
			struct kvpci_map *new);
void kvpci_iobus_leave(struct kvpci_vm *vm, const struct kvpci_map *old,
		       struct kvpci_retired *retired,
		       void (*done)(struct kvpci_retired *retired));
void kvpci_iobus_remove(struct kvpci_vm *vm, const struct kvpci_map *old);
void kvpci_iobus_flush(struct kvpci_vm *vm);

/* debugfs.c */
long kvpci_device_stats(void *object, void *arg);
void kvpci_debugfs_init(void);
void kvpci_debugfs_exit(void);
void kvpci_debugfs_add(struct kvpci_device *device);

/**
 * kvpci_irq_await() - wait for messages that were decided on before a change
 * @device: the device; its lock is not held, and its epoch has been counted on
 * @effect: KVPCI_EFFECT_DECISION; with _VECTOR_ONLY, of one vector's signals
 */
static inline void kvpci_irq_await(struct kvpci_device *device,
				   struct kvpci_effect effect)
{
	/* The acquire pairs with the release in send_all(). */
	bool sending = smp_load_acquire(&device->sending);

	if (unlikely(atomic_read(&device->num_armed) || sending))
		kvpci_irq_await_slow(device, effect);
}

#endif /* KVPCI_H */
