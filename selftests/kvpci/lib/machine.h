/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest with one kvpci device, and what a driver and a VMM do with it.
 */
#ifndef KVPCI_SELFTEST_MACHINE_H
#define KVPCI_SELFTEST_MACHINE_H

#include <kvpci/kvpci.h>
#include <stdint.h>

#include "../../registers.h"
#include "guest.h"

/*
 * Tests of what a guest sees run twice and expect the same: on the module, and
 * on the launcher's userspace transport, which needs no module (-v user).
 */
#define TRANSPORT_VARIANTS(fixture)					\
	FIXTURE_VARIANT(fixture) { const struct machine_ops *ops; };	\
	FIXTURE_VARIANT_ADD(fixture, kernel) { .ops = &machine_module };	\
	FIXTURE_VARIANT_ADD(fixture, user) { .ops = &machine_twin }

/* The device of device_describe() */
#define DEV_QUEUES	4
#define DEV_ABSENT	2	/* the queue that does not exist */
#define DEV_VECTORS	8
#define DEV_CONFIG	24
#define DEV_FEATURES	(1ULL << 32 | 1ULL << 40 | 1ULL << 29 | 1ULL << 5)

/* What tests offer beside */
#define F_NOTIFICATION_DATA	(1ULL << 38)
#define F_NOTIF_CONFIG_DATA	(1ULL << 39)
#define F_ADMIN_VQ		(1ULL << 41)
#define F_SUSPEND		(1ULL << 43)

/* Its queues' queue_notif_config_data, if the create points to it */
#define DEV_NOTIF_DATA(q)	(4000 - 7 * (q))

/* Its BARs, and where machine_create() maps them */
#define BAR_IO		0
#define BAR_MEM		1
#define BAR_MSIX	2	/* 64 bits: BAR 3 is not there */
#define BAR_IO_SIZE	128
#define BAR_MEM_SIZE	0x4000
#define BAR_MSIX_SIZE	0x2000
#define IO_BASE		0xc000ULL
#define MEM_BASE	0xd0000000ULL
#define MSIX_BASE	0x180000000ULL

/* Configuration space, where there is one, and the device's line in the twin */
#define ECAM_ADDR	0xe0000000ULL
#define DEV_PIN		17

/* Offsets of the structures in I/O and in memory */
#define IO_COMMON	0x00
#define IO_ISR		0x40
#define IO_DOORBELL	0x44	/* multiplier 0 */
#define IO_DEVICE	0x48
#define MEM_COMMON	0x0000
#define MEM_ISR		0x0100
#define MEM_DEVICE	0x0200
#define MEM_DOORBELLS	0x1000	/* multiplier 4, a page */
#define MSIX_TABLE	0x0000
#define MSIX_PBA	0x1000

#define MSIX_ON		(KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_MASTER)

/**
 * struct device_desc - a description and what it points to
 *
 * Edit it between device_describe() and device_create().
 */
struct device_desc {
	struct kvpci_device_create create;
	struct kvpci_region regions[KVPCI_MAX_REGIONS + 1];
	uint16_t sizes[KVPCI_MAX_QUEUES + 1];
	uint16_t notif_data[KVPCI_MAX_QUEUES + 1];	/* DEV_NOTIF_DATA */
	struct kvpci_feature_dep deps[KVPCI_MAX_FEATURE_DEPS + 1];
	uint8_t config[KVPCI_MAX_DEVICE_CONFIG];
	uint8_t mask[KVPCI_MAX_DEVICE_CONFIG];
};

/** device_describe() - a sound description */
void device_describe(struct device_desc *desc);

/** do_ioctl() - an ioctl of the module, as it is. Return: its result, or -errno */
int do_ioctl(int fd, unsigned long cmd, void *arg);

/** require_kvm() - exit as skipped when /dev/kvm is not there */
void require_kvm(void);
/** require_kvpci() - exit as skipped when /dev/kvpci or /dev/kvm is not there */
void require_kvpci(void);

/** module_users() - use count of the module, or -1 if it cannot be told */
int module_users(void);
/** kvm_users() - the same of KVM: its files and virtual machines */
int kvm_users(void);
/** kvm_vms() - KVM virtual machines as debugfs lists them, -1 without it */
int kvm_vms(void);

struct twin;
struct machine;

/**
 * struct machine_ops - who answers the registers, and how a VMM talks to it
 *
 * Each operation is the call of libkvpci of that name, on the machine's device
 * if it does not say otherwise, and returns the same errors.
 *
 * @open: take part in the machine's VM, or end the test
 * @close: leave it; the guest no longer runs
 * @set_flags: leave it, and take part again with KVPCI_VM_* flags; before there is a
 *	device
 * @ids_of_32_bits: guest_ids_of_32_bits(), and whoever has to know it does
 * @create: make the machine's device
 * @create_function: make it a function that no firmware has set up; @length
 *	bytes of vendor data (4.1.4.8) if not 0
 * @event: take an event. Return: its kind, -EAGAIN if there is none, or -errno
 * @await_call: wait until a signal of a call eventfd has been taken
 * @stats: the counters; NULL: nothing is counted
 * @buses: buses that configuration space has
 * @moved_exits: exits of a guest's write that makes BARs answer at other places
 */
struct machine_ops {
	void (*open)(struct machine *m);
	void (*close)(struct machine *m);
	int (*set_flags)(struct machine *m, uint32_t flags);
	void (*ids_of_32_bits)(struct machine *m);
	int (*create)(struct machine *m, struct device_desc *desc);
	int (*create_function)(struct machine *m, struct device_desc *desc,
			       const void *vendor, uint32_t length);
	int (*info)(struct machine *m, struct kvpci_info *info);
	int (*map)(struct machine *m, uint32_t mapped,
		   const uint64_t addr[KVPCI_NUM_BARS]);
	int (*irq)(struct machine *m, uint32_t flags, uint32_t gsi);
	int (*irq_fd)(struct machine *m, uint32_t flags, int line_fd);
	int (*event)(struct machine *m, struct kvpci_event *event);
	int (*ack)(struct machine *m, uint32_t kind, uint32_t queue);
	int (*fail)(struct machine *m);
	int (*reset)(struct machine *m, uint32_t flags);
	int (*features)(struct machine *m, uint64_t features[2]);
	int (*features_ok)(struct machine *m, uint32_t status,
			   const uint64_t features[2]);
	int (*device_config_write)(struct machine *m, uint32_t flags,
				   uint32_t offset, uint32_t length,
				   const void *data);
	int (*queue_fds)(struct machine *m, uint32_t first, uint32_t count,
			 const struct kvpci_fd_pair *pairs);
	int (*queue_state)(struct machine *m, uint32_t queue,
			   struct kvpci_queue_state *state);
	int (*queue_states)(struct machine *m, uint32_t first, uint32_t count,
			    struct kvpci_queue_state *states);
	int (*bar_read)(struct machine *m, uint32_t bar, uint32_t offset,
			uint32_t length, uint64_t *value);
	int (*bar_write)(struct machine *m, uint32_t bar, uint32_t offset,
			 uint32_t length, uint64_t value);
	int (*pci_config_read)(struct machine *m, uint32_t offset, uint32_t length,
			       uint32_t *value);
	int (*pci_config_write)(struct machine *m, uint32_t offset, uint32_t length,
				uint32_t value);
	int (*save)(struct machine *m, struct kvpci_device_registers *registers);
	int (*restore)(struct machine *m,
		       const struct kvpci_device_registers *registers);
	void (*await_call)(struct machine *m, int call);
	int (*stats)(struct machine *m, struct kvpci_device_stats *stats);
	unsigned int buses;
	unsigned int moved_exits;
};

/* libkvpci on the module, and the launcher's own transport, its twin. */
extern const struct machine_ops machine_module;
extern const struct machine_ops machine_twin;

/**
 * struct machine - a guest and a device
 * @g: the guest
 * @ops: who answers
 * @ctl: of the module: /dev/kvpci; else -1
 * @vm: of the module: the VM; else -1
 * @dev: readable when there is an event; of the module: the device
 * @twin: of the twin: the launcher's bus
 * @twin_device: of the twin: the device's index there
 * @kick: eventfds that doorbells signal
 * @call: eventfds by which the backend interrupts
 */
struct machine {
	struct guest g;
	const struct machine_ops *ops;
	int ctl;
	int vm;
	int dev;
	struct twin *twin;
	unsigned int twin_device;
	int kick[DEV_QUEUES];
	int call[DEV_QUEUES];
};

/** machine_create() - a guest, the module's default device, its BARs mapped */
void machine_create(struct machine *m);

/** machine_create_on() - the same with a guest and a description given */
void machine_create_on(struct machine *m, unsigned int vcpus,
		       struct device_desc *desc);

/** machine_create_in() - machine_create() with the variant's operations */
void machine_create_in(struct machine *m, const struct machine_ops *ops);

/** machine_create_as() - the same with a description given */
void machine_create_as(struct machine *m, const struct machine_ops *ops,
		       struct device_desc *desc);

/** machine_open() - a guest and its VM, without any device yet */
void machine_open(struct machine *m, unsigned int vcpus,
		  const struct machine_ops *ops);

/**
 * machine_add_device() - make one more device in a machine's VM, not mapped
 * @m: the machine
 * @desc: its description
 * @other: out: the same guest with the new device; it is not destroyed
 *
 * Return: 0 or -errno.
 */
int machine_add_device(struct machine *m, struct device_desc *desc,
		       struct machine *other);

/** machine_destroy() - close what is open (>= 0) */
void machine_destroy(struct machine *m);

/** device_map() - libkvpci_device_map(); an address of 0 is not mapped */
int device_map(struct machine *m, uint64_t io, uint64_t mem, uint64_t msix);

/** device_irq() - libkvpci_device_irq(). Return: pending, or -errno */
int device_irq(struct machine *m, uint32_t flags, uint32_t gsi);

/** device_irq_fd() - libkvpci_device_irq_fd(). Return: pending, or -errno */
int device_irq_fd(struct machine *m, uint32_t flags, int line_fd);

/** device_ack() - libkvpci_device_ack() */
int device_ack(struct machine *m, uint32_t kind, uint32_t queue);

/** device_event() - read one event without waiting. Return: kind, or -errno */
int device_event(struct machine *m, struct kvpci_event *event);

/** device_stats() - libkvpci_device_stats(), or die */
struct kvpci_device_stats device_stats(struct machine *m);

/** device_features() - what the driver accepted, bits 0 to 63, or die */
uint64_t device_features(struct machine *m);

/** device_await_call() - wait until a signal of a call eventfd has been taken */
void device_await_call(struct machine *m, int call);

/** queue_fds() - libkvpci_queue_fds() */
int queue_fds(struct machine *m, uint32_t queue, int kick, int call);

/** queue_fd_pairs() - libkvpci_queue_fd_pairs() */
int queue_fd_pairs(struct machine *m, uint32_t first, uint32_t count,
		   const struct kvpci_fd_pair *pairs);

/** queue_state() - libkvpci_queue_state(), or die */
struct kvpci_queue_state queue_state(struct machine *m, uint32_t queue);

/** queue_word() - the doorbell word that queue_state() tells */
uint32_t queue_word(struct machine *m, uint32_t queue);

/** machine_fds() - make eventfds for all queues and register them */
void machine_fds(struct machine *m);

/**
 * queue_call() - the backend interrupts: it signals a queue's call eventfd
 *
 * Returns when the device has taken it.
 */
void queue_call(struct machine *m, unsigned int queue);

/** eventfd_count() - read a nonblocking eventfd; 0 if nothing was signalled */
uint64_t eventfd_count(int fd);
/** eventfd_add() - signal an eventfd once */
void eventfd_add(int fd);

/* The module counts; its twin does not. */
#define EXPECT_STAT(m, counter, expected) do {				\
	struct machine *_m = (m);					\
									\
	if (_m->ops->stats)						\
		EXPECT_EQ(expected, device_stats(_m).counter);		\
} while (0)

/* What the guest's driver does, through BAR_MEM. */
uint64_t cc_read(struct machine *m, unsigned int at);
void cc_write(struct machine *m, unsigned int at, uint64_t value);
unsigned int cc_width(unsigned int at);
void driver_negotiate(struct machine *m);
void driver_queue(struct machine *m, unsigned int queue, unsigned int size);
/** driver_start() - negotiate, enable queues 0 and 1, DRIVER_OK */
void driver_start(struct machine *m);
/** driver_run() - driver_start(), and the VMM reads START */
void driver_run(struct machine *m);

enum vector_mask { UNMASKED, MASKED };

/** driver_vector() - program a vector's message and its mask */
void driver_vector(struct machine *m, unsigned int vector, uint64_t address,
		   uint32_t data, enum vector_mask mask);
/** driver_mask() - mask a vector */
void driver_mask(struct machine *m, unsigned int vector);
/** driver_unmask() - unmask a vector */
void driver_unmask(struct machine *m, unsigned int vector);
/** driver_pending() - is a vector's pending bit set? */
bool driver_pending(struct machine *m, unsigned int vector);

#endif /* KVPCI_SELFTEST_MACHINE_H */
