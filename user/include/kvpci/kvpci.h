/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libkvpci: the interface of the kvpci module, for any VMM.
 *
 * One function per ioctl of <linux/kvpci.h>, where structures, limits and the
 * errors of each call are described, and a few helpers on top of them. Clause
 * numbers are those of the virtio 1.2, 1.3 and 1.4 specifications.
 *
 * Conventions
 *	- Functions return 0, a file descriptor or a count on success and a
 *	  negative errno value on failure; errno itself is not meant to be read.
 *	- A call that fails has changed nothing.
 *	- The library keeps no state: descriptors are plain ints, closed with
 *	  close(2), in any order, at any time. They are close-on-exec.
 *	- All functions may be called from several threads at once.
 *	- The library fills in the size field of every structure.
 *
 * A VMM's life with one device:
 *
 *	fd = libkvpci_open(NULL);
 *	libkvpci_default_routes(kvm_vm_fd);
 *	vm = libkvpci_vm_create(fd, kvm_vm_fd);
 *	desc = ...; libkvpci_default_layout(&desc, regions, 0);
 *	dev = libkvpci_device_create(vm, &desc);
 *	libkvpci_queue_fd_pairs(dev, 0, num_queues, pairs);
 *	either libkvpci_vm_ecam() once and libkvpci_device_place(): the module
 *		keeps configuration space, and libkvpci_pci_config_write()
 *		hands it the few writes that exit;
 *	or libkvpci_device_map() and libkvpci_device_irq() whenever the guest
 *		changes configuration space that the VMM keeps;
 *	poll(dev), libkvpci_events_read(): start and stop the backend.
 */
#ifndef LIBKVPCI_KVPCI_H
#define LIBKVPCI_KVPCI_H

#include <linux/kvpci.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** LIBKVPCI_DEVICE - what libkvpci_open() opens when it is given no path */
#define LIBKVPCI_DEVICE		"/dev/kvpci"

/** libkvpci_version() - the library's version, such as "0.1.0" */
const char *libkvpci_version(void);

/**
 * libkvpci_open() - open the module's device
 * @path: the device, or NULL for LIBKVPCI_DEVICE
 *
 * Return: a descriptor, or -ENOENT: the module is not loaded, -EACCES: no
 *	permission, or another error of open(2).
 */
int libkvpci_open(const char *path);

/**
 * libkvpci_info() - limits of the module, and features of the host (KVPCI_INFO)
 * @fd: from libkvpci_open()
 * @info: out: capabilities and limits
 */
int libkvpci_info(int fd, struct kvpci_info *info);

/**
 * libkvpci_default_routes() - give a VM the usual interrupt routes of a PC
 * @kvm_vm_fd: a VM with KVM_CREATE_IRQCHIP done
 *
 * GSIs 0 to 15 reach both 8259s and the I/O APIC (GSI 0 its pin 2, as MADTs
 * say), 16 to 23 the I/O APIC. GSI 24 is a message that nothing sends: the
 * module learns from it how KVM delivers messages. This is one
 * KVM_SET_GSI_ROUTING; kvpci needs no other. Call it before libkvpci_vm_create().
 *
 * Return: 0, or what KVM said, such as -EINVAL without an interrupt controller.
 */
int libkvpci_default_routes(int kvm_vm_fd);

/**
 * libkvpci_vm_create() - take part in a KVM VM (KVPCI_VM_CREATE)
 * @fd: from libkvpci_open()
 * @kvm_vm_fd: the VM, as KVM_CREATE_VM returned it
 *
 * The result holds its own reference on the VM; both may be closed at any time.
 *
 * Return: a descriptor, or -EBADF, -EINVAL: not a KVM VM, -ENXIO: no in-kernel
 *	interrupt controller or no MSI route.
 */
int libkvpci_vm_create(int fd, int kvm_vm_fd);

/**
 * libkvpci_vm_create_flags() - libkvpci_vm_create() with flags
 * @fd: from libkvpci_open()
 * @kvm_vm_fd: the VM, as KVM_CREATE_VM returned it
 * @flags: 0, or KVPCI_VM_EXT_DEST_ID for guests with extended destination IDs
 *
 * Return: as libkvpci_vm_create(); -EINVAL also for an unknown flag.
 */
int libkvpci_vm_create_flags(int fd, int kvm_vm_fd, uint32_t flags);

/**
 * libkvpci_vm_ecam() - have the module answer PCI configuration space
 *	(KVPCI_VM_ECAM)
 * @vm: from libkvpci_vm_create()
 * @addr: guest-physical address of bus 0's, a multiple of 1 MiB
 * @num_buses: buses, 1 MiB each
 * @user_functions: NULL, or @num_buses * 32 bytes, a bit for each function
 *	that the VMM answers itself, such as a host bridge
 *
 * Return: 0, or -EINVAL, -EEXIST: done before, -ENOSPC.
 */
int libkvpci_vm_ecam(int vm, uint64_t addr, uint32_t num_buses,
		     const void *user_functions);

/* libkvpci_default_layout() flags */
#define LIBKVPCI_LAYOUT_MEMORY	(1U << 0)	/* no I/O BAR */
#define LIBKVPCI_LAYOUT_MEM32	(1U << 1)	/* the memory BAR below 4 GiB */
#define LIBKVPCI_LAYOUT_FAST_MMIO	(1U << 2)	/* doorbells in memory only */

/**
 * libkvpci_default_layout() - choose BARs and regions for a device
 * @desc: in: num_queues, num_vectors, device_config_size, features; out: bars,
 *	regions, num_regions
 * @regions: receives the regions; @desc->regions will point to it
 * @flags: LIBKVPCI_LAYOUT_* bits
 *
 * BAR 0 is I/O space, the cheapest to access: common configuration, ISR, one
 * doorbell for all queues and, if it fits into the 256 ports, the device
 * configuration. BAR 2 is memory with the same structures a page each, doorbells
 * four bytes apart, MSI-X table and PBA. Regions of the I/O BAR come first:
 * drivers take the first they can use (4.1.4).
 *
 * LIBKVPCI_LAYOUT_FAST_MMIO is for hosts with KVPCI_CAP_FAST_MMIO. It has no effect on
 * a device that offers NOTIFICATION_DATA: its doorbells are not answered faster.
 *
 * Return: 0, or -EINVAL: a count beyond the limits or an unknown flag.
 */
int libkvpci_default_layout(struct kvpci_device_create *desc,
			    struct kvpci_region regions[KVPCI_MAX_REGIONS],
			    unsigned int flags);

/**
 * libkvpci_device_create() - make a device (KVPCI_DEVICE_CREATE)
 * @vm: from libkvpci_vm_create()
 * @desc: the device; arrays it points to are read during the call only
 *
 * Closing the result takes the device off the guest's buses.
 *
 * Return: a descriptor, or the errors listed with struct kvpci_device_create:
 *	-EINVAL, -ENXIO, -ERANGE, -EEXIST, -ENODATA, -EOPNOTSUPP.
 */
int libkvpci_device_create(int vm, struct kvpci_device_create *desc);

/**
 * libkvpci_device_map() - set the addresses of the BARs (KVPCI_DEVICE_MAP)
 * @dev: from libkvpci_device_create()
 * @mapped: bit n: BAR n answers
 * @addr: guest-physical address or I/O port of each BAR, 0 if not mapped
 *
 * Return: 0, or -ENXIO, -EINVAL, -ERANGE, -ENOSPC, -EBUSY: the device was placed.
 */
int libkvpci_device_map(int dev, uint32_t mapped,
			const uint64_t addr[KVPCI_NUM_BARS]);

/**
 * libkvpci_device_irq() - pass on the interrupt bits of configuration space
 *	(KVPCI_DEVICE_IRQ)
 * @dev: the device
 * @flags: KVPCI_IRQ_* bits
 * @gsi: the line INTx drives, 0 to 23, or KVPCI_GSI_NONE
 *
 * Return: 1 if Status.Interrupt is set, 0 if not, or -EINVAL, -ENXIO: no vectors, or a
 *	line without an I/O APIC, -EBUSY: the device was placed.
 */
int libkvpci_device_irq(int dev, uint32_t flags, uint32_t gsi);

/**
 * libkvpci_device_irq_fd() - the same with a line of the VMM's
 * @dev: the device
 * @flags: KVPCI_IRQ_* bits
 * @line_fd: an eventfd, signalled when the level of the line changes
 *
 * Reads of ISR exit as long as MSI-X is off: see struct kvpci_device_irq.
 *
 * Return: 1 if PCI Status.Interrupt is set, 0 if not, or -EBADF, -EINVAL: no eventfd,
 *	or an error of libkvpci_device_irq().
 */
int libkvpci_device_irq_fd(int dev, uint32_t flags, int line_fd);

/**
 * libkvpci_device_place() - make a device a function of the bus
 *	(KVPCI_DEVICE_PLACE)
 * @dev: the device
 * @place: function, class_code, intx_pin and gsi; flags, and vendor_data with
 *	its length, if not 0
 *
 * Return: 0, or -EINVAL, -EFAULT: the vendor data, -ENXIO: no
 *	libkvpci_vm_ecam(), or a line without an I/O APIC, -ERANGE, -EEXIST:
 *	taken, -EBUSY: placed or mapped already, -ENOSPC: too many regions.
 */
int libkvpci_device_place(int dev, struct kvpci_device_place *place);

/**
 * libkvpci_pci_config_read() - read a placed device's configuration space as
 *	the guest would (KVPCI_PCI_CONFIG_ACCESS)
 * @dev: the device
 * @offset: first byte, 0 to 4095
 * @length: 1, 2 or 4
 * @value: out: zero-extended
 *
 * Return: 0, or -EINVAL: @length, -ERANGE: beyond it, -ENXIO: not placed.
 */
int libkvpci_pci_config_read(int dev, uint32_t offset, uint32_t length,
			     uint32_t *value);

/**
 * libkvpci_pci_config_write() - write it, with all effects
 * @dev: the device
 * @offset: first byte, 0 to 4095
 * @length: 1, 2 or 4
 * @value: the value
 *
 * BARs move, a function level reset happens.
 *
 * Return: as for the read, or -ENOSPC: KVM's bus is full.
 */
int libkvpci_pci_config_write(int dev, uint32_t offset, uint32_t length,
			      uint32_t value);

/**
 * libkvpci_events_read() - read events of a device
 * @dev: the device
 * @events: receives the events
 * @count: room at @events; 8 leaves room for the larger events of a later
 *	module, less may not
 *
 * Blocks until there is an event unless @dev is O_NONBLOCK; poll(2) reports
 * POLLIN. What START, STOP and the others ask for: enum kvpci_event_kind.
 *
 * Return: the number of events, 1 or more, or -EAGAIN: none (O_NONBLOCK),
 *	-EINTR, -EINVAL: @count is too small.
 */
int libkvpci_events_read(int dev, struct kvpci_event *events,
			 unsigned int count);

/**
 * libkvpci_device_ack() - report that the backend has stopped (KVPCI_DEVICE_ACK)
 * @dev: the device
 * @kind: KVPCI_EVENT_STOP, KVPCI_EVENT_QUEUE_STOP or KVPCI_EVENT_SUSPEND
 * @queue: the queue, or KVPCI_EVENT_NO_QUEUE for STOP and SUSPEND
 *
 * Return: 0, or -EINVAL, -EALREADY: no such event has been read.
 */
int libkvpci_device_ack(int dev, uint32_t kind, uint32_t queue);

/** libkvpci_device_fail() - set DEVICE_NEEDS_RESET, 2.1.2 (KVPCI_DEVICE_FAIL) */
int libkvpci_device_fail(int dev);

/**
 * libkvpci_device_reset() - reset the device, whose backend has stopped
 *	(KVPCI_DEVICE_RESET)
 * @dev: the device
 * @flags: 0, or KVPCI_RESET_FUNCTION: MSI-X and PCI configuration space as well
 *
 * Return: 0, or -EINVAL.
 */
int libkvpci_device_reset(int dev, uint32_t flags);

/**
 * libkvpci_device_state() - status, features and device configuration
 *	(KVPCI_DEVICE_STATE)
 * @dev: the device
 * @state: in: device_config and device_config_size, or both 0; out: the rest
 *
 * Return: 0, or -EINVAL: device_config_size is larger than the device's.
 */
int libkvpci_device_state(int dev, struct kvpci_device_state *state);

/**
 * libkvpci_device_features_ok() - accept the driver's features
 *	(KVPCI_DEVICE_FEATURES_OK)
 * @dev: the device, made with KVPCI_DEVICE_EXIT_FEATURES
 * @status: the value that the driver wrote to device_status
 * @features: the features that are accepted, as libkvpci_device_state() gave them
 *
 * Return: 0, or -EAGAIN: the driver has changed its features, look again,
 *	-EINVAL: @status has no FEATURES_OK.
 */
int libkvpci_device_features_ok(int dev, uint32_t status,
				const uint64_t features[2]);

/**
 * libkvpci_device_save() - all that a device knows (KVPCI_DEVICE_SAVE)
 * @dev: the device
 * @registers: in: numbers and pointers; out: the rest, and what they lead to
 *
 * Return: 0, or -EINVAL: a number is not the device's.
 */
int libkvpci_device_save(int dev, struct kvpci_device_registers *registers);

/**
 * libkvpci_device_restore() - give a device what another one had
 *	(KVPCI_DEVICE_RESTORE)
 * @dev: the device, as created or reset, of the same description
 * @registers: what libkvpci_device_save() gave
 *
 * Return: 0, or -EINVAL: a state that such a device is never in, -EBUSY: it is in
 *	use, -ENOSPC: KVM's bus has no room for more devices.
 */
int libkvpci_device_restore(int dev,
			    const struct kvpci_device_registers *registers);

/**
 * libkvpci_device_stats() - read the counters (KVPCI_DEVICE_STATS)
 * @dev: the device
 * @stats: out: counts since creation
 */
int libkvpci_device_stats(int dev, struct kvpci_device_stats *stats);

/**
 * libkvpci_bar_read() - read a BAR as the guest would (KVPCI_BAR_ACCESS)
 * @dev: the device
 * @bar: index of the BAR; it need not be mapped
 * @offset: first byte
 * @length: 1, 2, 4 or 8
 * @value: out: zero-extended
 *
 * Return: 0, or -ENXIO: no such BAR, -ERANGE: beyond it, -EINVAL: @length.
 */
int libkvpci_bar_read(int dev, uint32_t bar, uint32_t offset,
		      uint32_t length, uint64_t *value);

/**
 * libkvpci_bar_write() - write a BAR as the guest would
 * @dev: the device
 * @bar: index of the BAR
 * @offset: first byte
 * @length: 1, 2, 4 or 8
 * @value: the value
 *
 * Return: as for the read.
 */
int libkvpci_bar_write(int dev, uint32_t bar, uint32_t offset,
		       uint32_t length, uint64_t value);

/**
 * libkvpci_device_config_write() - change the device configuration
 *	(KVPCI_DEVICE_CONFIG_WRITE)
 * @dev: the device
 * @flags: 0, KVPCI_CONFIG_WRITE_QUIET or KVPCI_CONFIG_WRITE_FORCE
 * @offset: first byte
 * @length: bytes, 1 or more; with KVPCI_CONFIG_WRITE_FORCE also 0
 * @data: the new bytes
 *
 * Return: 0, or -EINVAL, -ERANGE: beyond the configuration, -EBUSY: suspended.
 */
int libkvpci_device_config_write(int dev, uint32_t flags, uint32_t offset,
				 uint32_t length, const void *data);

/**
 * libkvpci_queue_fds() - give a queue its eventfds (KVPCI_QUEUE_FDS)
 * @dev: the device
 * @queue: index of the queue
 * @kick_fd: signalled by the driver's notifications, or -1
 * @call_fd: by which the backend asks for interrupts, or -1
 *
 * The module holds its own references; the descriptors may be closed.
 *
 * Return: 0, or -EBADF, -EINVAL: no such queue or not an eventfd, -EBUSY: @call_fd
 *	serves another queue.
 */
int libkvpci_queue_fds(int dev, uint32_t queue, int kick_fd, int call_fd);

/**
 * libkvpci_queue_fd_pairs() - the same for many queues, in one call
 * @dev: the device
 * @first: index of the first queue
 * @count: queues, 1 or more
 * @pairs: @count of them, for one queue each
 *
 * All queues get theirs, or none does.
 *
 * Return: as libkvpci_queue_fds(); -EBUSY also if a call eventfd is there twice.
 */
int libkvpci_queue_fd_pairs(int dev, uint32_t first, uint32_t count,
			    const struct kvpci_fd_pair *pairs);

/**
 * libkvpci_queue_state() - a queue as the driver set it up (KVPCI_QUEUE_STATE)
 * @dev: the device
 * @queue: index of the queue
 * @state: out: size, vector and addresses; the addresses may lie anywhere
 *
 * Return: 0, or -EINVAL: no such queue.
 */
int libkvpci_queue_state(int dev, uint32_t queue,
			 struct kvpci_queue_state *state);

/**
 * libkvpci_queue_states() - the same of many queues, in one call
 *	(KVPCI_QUEUE_STATES)
 * @dev: the device
 * @first: index of the first queue
 * @count: queues, 1 or more
 * @states: out: @count of them, each of a moment of its own
 *
 * Return: 0, or -EINVAL: no such queues.
 */
int libkvpci_queue_states(int dev, uint32_t first, uint32_t count,
			  struct kvpci_queue_state *states);

#ifdef __cplusplus
}
#endif

#endif /* LIBKVPCI_KVPCI_H */
