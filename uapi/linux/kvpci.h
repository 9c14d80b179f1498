/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * kvpci: virtio-pci devices answered inside the host kernel.
 *
 * This is the whole interface between the module and a virtual machine monitor
 * (VMM). Clause numbers are those of the virtio 1.2, 1.3 and 1.4 specifications.
 *
 * Objects are file descriptors:
 *
 *	/dev/kvpci --KVPCI_VM_CREATE--> VM --KVPCI_DEVICE_CREATE--> device
 *
 * Each holds a reference on the one to its left, and a VM holds one on the KVM
 * virtual machine. They may be closed in any order, at any time, with the
 * guest running; closing a device takes it off the guest's buses.
 *
 * Every structure passed to an ioctl begins with its own size in bytes. A size
 * smaller than the first published one is -EINVAL. A larger one than the
 * kernel knows is accepted as long as what the kernel does not know is zero,
 * and is -E2BIG otherwise, as is one above 4096. Reserved fields and undefined
 * flag bits must be zero, else -EINVAL. Fields marked "out" are ignored on the
 * way in. An ioctl that fails has changed nothing, unless memory it was to
 * write to went away while it ran.
 *
 * Errors any ioctl can return, beside those named with it:
 *	-EFAULT		a pointer does not lead to accessible memory
 *	-EINTR		a fatal signal ended the wait for another call; the process
 *			does not live to see it
 *	-EINVAL		size too small, reserved field or unknown flag set
 *	-E2BIG		unknown tail of the structure is not zero, or size too large
 *	-ENOTTY		no such ioctl on this kind of object
 *	-ENOMEM		out of memory
 */
#ifndef _UAPI_LINUX_KVPCI_H
#define _UAPI_LINUX_KVPCI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define KVPCI_IOCTL_TYPE	0xC4

/* Numbers of ioctls; the structure behind each bears the same name. */
enum {
	KVPCI_CMD_INFO,
	KVPCI_CMD_VM_CREATE,
	KVPCI_CMD_VM_ECAM,
	KVPCI_CMD_DEVICE_CREATE,
	KVPCI_CMD_DEVICE_PLACE,
	KVPCI_CMD_DEVICE_MAP,
	KVPCI_CMD_DEVICE_IRQ,
	KVPCI_CMD_DEVICE_ACK,
	KVPCI_CMD_DEVICE_FAIL,
	KVPCI_CMD_DEVICE_STATE,
	KVPCI_CMD_DEVICE_STATS,
	KVPCI_CMD_DEVICE_FEATURES_OK,
	KVPCI_CMD_DEVICE_CONFIG_WRITE,
	KVPCI_CMD_QUEUE_FDS,
	KVPCI_CMD_QUEUE_STATE,
	KVPCI_CMD_BAR_ACCESS,
	KVPCI_CMD_PCI_CONFIG_ACCESS,
	KVPCI_CMD_DEVICE_RESET,
	KVPCI_CMD_QUEUE_STATES,
	KVPCI_CMD_DEVICE_SAVE,
	KVPCI_CMD_DEVICE_RESTORE,
};

/* Limits of this interface; KVPCI_INFO tells those of the running module. */
#define KVPCI_NUM_BARS		6
#define KVPCI_MAX_REGIONS	16
#define KVPCI_MAX_QUEUES	1024	/* queues of one device */
#define KVPCI_MAX_VECTORS	2048	/* MSI-X vectors, 4.1.5.1.2 */
#define KVPCI_MAX_DEVICE_CONFIG	4096	/* bytes of device configuration */
#define KVPCI_MAX_QUEUE_SIZE	32768	/* entries, 2.7 */
#define KVPCI_MAX_NOTIF_DATA	4095	/* queue_notif_config_data, 4.1.4.3 */
#define KVPCI_MAX_FEATURE_DEPS	128	/* entries */
#define KVPCI_MAX_VENDOR_DATA	128	/* bytes of a vendor data capability */

/* -------------------------------------------------------------------------- */

/*
 * kvpci_info.caps: what differs from host to host, and a VMM has to ask. What
 * this header describes and no bit stands for is there on every host.
 */
#define KVPCI_CAP_FAST_MMIO	(1ULL << 0)	/* memory doorbells cost less than ports */

/**
 * struct kvpci_info - what the module supports (KVPCI_INFO, on /dev/kvpci)
 * @size: in: bytes of this structure
 * @flags: in: zero
 * @caps: out: KVPCI_CAP_* bits
 * @max_queues: out: queues a device may have
 * @max_vectors: out: MSI-X vectors a device may have
 * @max_device_config: out: bytes of device configuration a device may have
 * @max_regions: out: regions a device may have
 */
struct kvpci_info {
	__u32 size;
	__u32 flags;
	__aligned_u64 caps;
	__u32 max_queues;
	__u32 max_vectors;
	__u32 max_device_config;
	__u32 max_regions;
};

#define KVPCI_INFO		_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_INFO)

/*
 * kvpci_vm_create.flags: the guest was told of extended destination IDs
 * (KVM_FEATURE_MSI_EXT_DEST_ID). Address bits 11:5 of its messages are bits 14:8 of
 * the destination, unless bit 4 (remappable format) or anything in the upper half of
 * the address is set. KVM takes such destinations if the VM has
 * KVM_X2APIC_API_USE_32BIT_IDS; without it these messages have no target, and are
 * dropped.
 */
#define KVPCI_VM_EXT_DEST_ID	(1U << 0)

/**
 * struct kvpci_vm_create - take part in a KVM VM (KVPCI_VM_CREATE, on /dev/kvpci)
 * @size: in: bytes of this structure
 * @flags: in: KVPCI_VM_* bits
 * @kvm_fd: in: the VM's file descriptor, as KVM_CREATE_VM returned it
 * @__reserved: in: zero
 *
 * The VM needs an in-kernel interrupt controller, and at least one MSI route in
 * its routing table at the time of this call; the route's content and later
 * life do not matter. (kvpci learns from it how KVM delivers a message; from
 * then on it needs no route.)
 *
 * The VM's file stays open until the result and its devices are closed, as if they
 * were duplicates of it.
 *
 * Return: a file descriptor (close-on-exec) for the VM, or
 *	-EBADF		@kvm_fd is not open, or was opened with O_PATH
 *	-EINVAL		@kvm_fd is not a KVM VM
 *	-ENXIO		the VM has no in-kernel interrupt controller or no MSI route
 */
struct kvpci_vm_create {
	__u32 size;
	__u32 flags;
	__s32 kvm_fd;
	__u32 __reserved;
};

#define KVPCI_VM_CREATE		_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_VM_CREATE)

/* -------------------------------------------------------------------------- */

/* Kinds of BAR: kvpci_bar.kind. */
enum kvpci_bar_kind {
	KVPCI_BAR_NONE = 0,	/* no such BAR; size is 0 */
	KVPCI_BAR_IO = 1,	/* I/O ports, 4 to 256 */
	KVPCI_BAR_MEM32 = 2,	/* memory below 4 GiB */
	KVPCI_BAR_MEM64 = 3,	/* memory anywhere; the next BAR is its upper half */
};

/**
 * struct kvpci_bar - one base address register
 * @kind: enum kvpci_bar_kind
 * @size: bytes (ports): a power of two; I/O 4 to 256, memory 4096 to 1 GiB
 */
struct kvpci_bar {
	__u32 kind;
	__u32 size;
};

/* What a region holds: kvpci_region.type. */
enum kvpci_region_type {
	KVPCI_REGION_COMMON = 1,	/* common configuration, 4.1.4.3 */
	KVPCI_REGION_NOTIFY = 2,	/* doorbells, 4.1.4.4 */
	KVPCI_REGION_ISR = 3,		/* ISR status, 4.1.4.5 */
	KVPCI_REGION_DEVICE = 4,	/* device configuration, 4.1.4.6 */
	KVPCI_REGION_MSIX_TABLE = 5,	/* MSI-X table */
	KVPCI_REGION_MSIX_PBA = 6,	/* MSI-X pending bit array */
	KVPCI_REGION_SHM = 7,		/* shared memory, 4.1.4.7 */
};

/**
 * struct kvpci_region - a structure of the device, placed inside a BAR
 * @type: enum kvpci_region_type
 * @bar: index of the BAR
 * @offset: first byte inside the BAR; a multiple of 4 (8 for MSI-X, 4096 for
 *	shared memory)
 * @length: bytes; at least what the structure needs; a multiple of 4096 for
 *	shared memory
 * @multiplier: doorbells only: notify_off_multiplier; 0, or a power of two
 *	from 2 up, from 4 up with NOTIFICATION_DATA (4.1.4.4.1). 0 only where
 *	every queue may share one doorbell.
 * @id: shared memory only: shmid, 0 to 255, of its own (2.10); else zero
 *
 * The same type may appear several times, MSI-X table and PBA once each. Bytes
 * of a BAR that no region claims read as zero and ignore writes.
 *
 * So does shared memory, until the VMM puts a memory slot there, which KVM
 * asks before the module. The VMM moves the slot with the BAR, since it maps the
 * BAR or hands back the write that moves it (see KVPCI_VM_ECAM).
 */
struct kvpci_region {
	__u32 type;
	__u32 bar;
	__u32 offset;
	__u32 length;
	__u32 multiplier;
	__u32 id;
};

/**
 * struct kvpci_feature_dep - a feature that needs another (2.2.1)
 * @feature: feature bit, 0 to 127
 * @__reserved: zero
 * @any_of: feature bits 0 to 127, lowest word first, one or more: a driver that
 *	accepts @feature must accept one of these as well
 *
 * Where a feature has several entries all of them count. An entry for a feature
 * that is not offered says nothing. An entry for VERSION_1, which no driver can
 * decline, makes another feature compulsory, as ACCESS_PLATFORM may be (6.2).
 */
struct kvpci_feature_dep {
	__u32 feature;
	__u32 __reserved;
	__aligned_u64 any_of[2];
};

/*
 * kvpci_device_create.flags: the VMM decides on FEATURES_OK. The driver's write
 * of device_status that would set it leaves to the VMM, as the KVM exit of that
 * access, and has done nothing. The VMM looks at KVPCI_DEVICE_STATE, and does the
 * write with KVPCI_DEVICE_FEATURES_OK, or leaves it: then the driver reads back
 * that FEATURES_OK is not set. A write that the module refuses by itself does not
 * exit.
 *
 * A write through the access window (4.1.4.9) of PCI configuration space that the
 * module keeps exits as the one that it makes. The VMM does the same, and hands it
 * back with KVPCI_PCI_CONFIG_ACCESS. Nothing of the window exits for a reason of
 * its own.
 */
#define KVPCI_DEVICE_EXIT_FEATURES	(1U << 0)

/*
 * kvpci_device_create.flags: device configuration is the VMM's. The driver's
 * accesses to it leave to the VMM, as KVM exits, and have done nothing:
 *
 *	KVPCI_DEVICE_EXIT_CONFIG_WRITE	its writes. They have happened when the vCPU
 *					goes on, so its next read may depend on them.
 *	KVPCI_DEVICE_EXIT_CONFIG	its writes and its reads
 *
 * The VMM does what it thinks right, and may bring the module's copy up to date with
 * KVPCI_DEVICE_CONFIG_WRITE. KVPCI_BAR_ACCESS does such an access in the driver's
 * place, and does not exit: a write goes by @device_config_mask and posts
 * KVPCI_EVENT_DEVICE_CONFIG, a read gives the copy. A write that the module ignores
 * by itself, during a reset or a suspension, and accesses beyond
 * @device_config_size do not exit.
 *
 * A write through the access window is as for KVPCI_DEVICE_EXIT_FEATURES. A read of
 * the window's data exits as such a read; the VMM answers it, by itself or with a
 * read by KVPCI_PCI_CONFIG_ACCESS, which gives the copy.
 */
#define KVPCI_DEVICE_EXIT_CONFIG_WRITE	(1U << 1)
#define KVPCI_DEVICE_EXIT_CONFIG	(1U << 2)

/*
 * kvpci_device_create.flags: resets of a running device are the VMM's. The driver's
 * write of 0 to device_status, where it would post KVPCI_EVENT_STOP, leaves to the
 * VMM, as the KVM exit of that access, and has done nothing. The VMM stops its
 * backend, calls KVPCI_DEVICE_RESET, and lets the vCPU go on: the reset is done when
 * the write is. It is for drivers that do not wait until they read 0, as firmware
 * may. A reset before KVPCI_EVENT_START was read is done by the module and does not
 * exit.
 *
 * The access window is as for KVPCI_DEVICE_EXIT_FEATURES. A write with
 * KVPCI_BAR_ACCESS and a function level reset post KVPCI_EVENT_STOP as ever.
 */
#define KVPCI_DEVICE_EXIT_RESET		(1U << 3)

/**
 * struct kvpci_device_create - make a device (KVPCI_DEVICE_CREATE, on a VM)
 * @size: in: bytes of this structure
 * @flags: in: KVPCI_DEVICE_* bits
 * @virtio_id: in: virtio device type, 1 to 63 (chapter 5)
 * @num_queues: in: virtqueues, 1 to KVPCI_MAX_QUEUES, administration virtqueues
 *	included
 * @num_vectors: in: MSI-X vectors: 0 (no MSI-X) to KVPCI_MAX_VECTORS. virtio asks
 *	for 2 or more (4.1.5.1.2). With 1 a driver that wants to tell configuration
 *	changes from queues uses INTx.
 * @device_config_size: in: bytes of device configuration, 0 to KVPCI_MAX_DEVICE_CONFIG
 * @features: in: offered feature bits 0 to 127, lowest word first.
 *	VIRTIO_F_VERSION_1 must be among them. SR_IOV (37) and the reserved
 *	bits 44 to 49 are not supported.
 * @num_regions: in: entries at @regions, 1 to KVPCI_MAX_REGIONS
 * @__reserved: in: zero
 * @bars: in: the BARs by index
 * @regions: in: pointer to struct kvpci_region[@num_regions]
 * @queue_sizes: in: pointer to __u16[@num_queues]: each queue's largest size,
 *	a power of two up to KVPCI_MAX_QUEUE_SIZE, or 0: the queue does not exist
 * @device_config: in: pointer to @device_config_size bytes, what the device
 *	configuration holds at first
 * @device_config_mask: in: 0, or pointer to @device_config_size bytes: the bits
 *	the driver may write. 0: it may write none.
 * @name: in: what debugfs and `kvpci stat` call the device: 1 to 31 letters,
 *	digits, '.', '_' and '-', the first a letter or digit, then zero bytes
 * @notif_config_data: in: only with NOTIF_CONFIG_DATA (39) among @features: 0,
 *	or pointer to __u16[@num_queues]: each queue's queue_notif_config_data,
 *	at most KVPCI_MAX_NOTIF_DATA, all different. 0: each queue's index.
 * @feature_deps: in: pointer to struct kvpci_feature_dep[@num_feature_deps].
 *	FEATURES_OK is refused to a driver that breaks one of them (2.2.2), as
 *	it is to one that accepts what was not offered, or not VERSION_1.
 * @num_feature_deps: in: entries there, 0 to KVPCI_MAX_FEATURE_DEPS
 * @num_admin_queues: in: how many of @num_queues, the last ones, are
 *	administration virtqueues (2.13): with ADMIN_VQ (41) among @features
 *	1 to @num_queues - 1, else 0. The driver reads num_queues without them
 *	and finds them behind the others once it has accepted ADMIN_VQ; for the
 *	VMM they are queues as any.
 *
 * The device answers nothing until KVPCI_DEVICE_MAP gives its BARs addresses.
 *
 * Return: a file descriptor (close-on-exec) for the device, or
 *	-EINVAL		a count, BAR, queue size or name is out of its range;
 *			a BAR follows a 64-bit one; a region is misaligned, too
 *			short, or has a bad multiplier
 *	-ENXIO		a region names a BAR that is not there
 *	-ERANGE		a region does not fit inside its BAR
 *	-EEXIST		two regions overlap, or a second MSI-X table or PBA; two
 *			queues with the same queue_notif_config_data, or shared
 *			memory regions with the same @id
 *	-ENODATA	a region that every device needs is missing: common
 *			configuration, doorbells, ISR; device configuration if
 *			@device_config_size is not 0; table and PBA if @num_vectors
 *			is not 0. Or a feature is offered without one it needs
 *	-EOPNOTSUPP	a feature bit that the module cannot offer
 */
struct kvpci_device_create {
	__u32 size;
	__u32 flags;
	__u32 virtio_id;
	__u32 num_queues;
	__u32 num_vectors;
	__u32 device_config_size;
	__aligned_u64 features[2];
	__u32 num_regions;
	__u32 __reserved;
	struct kvpci_bar bars[KVPCI_NUM_BARS];
	__aligned_u64 regions;
	__aligned_u64 queue_sizes;
	__aligned_u64 device_config;
	__aligned_u64 device_config_mask;
	__u8 name[32];
	__aligned_u64 notif_config_data;
	__aligned_u64 feature_deps;
	__u32 num_feature_deps;
	__u32 num_admin_queues;
};

#define KVPCI_DEVICE_CREATE	_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_DEVICE_CREATE)

/* -------------------------------------------------------------------------- */

/**
 * struct kvpci_device_map - where the BARs are (KVPCI_DEVICE_MAP, on a device)
 * @size: in: bytes of this structure
 * @flags: in: zero
 * @mapped: in: bit n: BAR n decodes accesses, at @addr[n]
 * @__reserved: in: zero
 * @addr: in: guest-physical address, or I/O port, of each mapped BAR; a
 *	multiple of the BAR's size. Zero for a BAR that is not mapped.
 *
 * Replaces the whole mapping at once, with the guest running. When the call
 * returns no access to an old address is under way. The module does not
 * compare addresses across devices: where two overlap, as two PCI functions
 * may, at most one of them answers, and others of their addresses may exit to
 * the VMM.
 *
 * Errors:
 *	-ENXIO		@mapped names a BAR that is not there
 *	-EINVAL		an address is not a multiple of the BAR's size, or not 0
 *			for a BAR that is not mapped
 *	-ERANGE		the BAR would end beyond its address space
 *	-ENOSPC		KVM's bus has no room for more devices
 *	-EBUSY		the module keeps PCI configuration space: KVPCI_DEVICE_PLACE
 */
struct kvpci_device_map {
	__u32 size;
	__u32 flags;
	__u32 mapped;
	__u32 __reserved;
	__aligned_u64 addr[KVPCI_NUM_BARS];
};

#define KVPCI_DEVICE_MAP	_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_DEVICE_MAP)

/* kvpci_device_irq.flags: the PCI side of the function's interrupts. */
#define KVPCI_IRQ_MSIX_ENABLE	(1U << 0)	/* Message Control, bit 15 */
#define KVPCI_IRQ_MSIX_MASKALL	(1U << 1)	/* Message Control, bit 14 */
#define KVPCI_IRQ_INTX_DISABLE	(1U << 2)	/* Command, bit 10 */
#define KVPCI_IRQ_MASTER	(1U << 3)	/* Command, bit 2: may send MSIs */
#define KVPCI_IRQ_LINE_FD	(1U << 4)	/* INTx is the VMM's: @line_fd */

/* kvpci_device_irq.gsi: the function has no interrupt pin. */
#define KVPCI_GSI_NONE		0xffffffffU

/**
 * struct kvpci_device_irq - interrupt bits of PCI configuration space
 *	(KVPCI_DEVICE_IRQ, on a device)
 * @size: in: bytes of this structure
 * @flags: in: KVPCI_IRQ_* bits
 * @gsi: in: the line INTx drives, 0 to 23, or KVPCI_GSI_NONE. Devices of one
 *	kvpci VM may share a line; nothing else may drive it. A line needs the
 *	I/O APIC in the kernel.
 * @pending: out: 1 if PCI Status.Interrupt is set, else 0
 * @line_fd: in: with KVPCI_IRQ_LINE_FD an eventfd, else 0
 * @__reserved: in: zero
 *
 * For a VMM that keeps PCI configuration space to itself. Call it whenever the
 * guest changes one of these bits. After creation all flags are clear and
 * there is no line. Without KVPCI_IRQ_MASTER all vectors are as if masked; a
 * function in D3hot sends nothing, so the VMM clears it then and sets
 * KVPCI_IRQ_INTX_DISABLE.
 * Vectors that become unmasked and are pending are sent before the call
 * returns.
 *
 * With KVPCI_IRQ_LINE_FD the VMM drives the line, which may be one that other devices
 * share, or one of an I/O APIC of its own. @line_fd is signalled when the function
 * begins to pull its line, and when it lets go: the VMM asks for @pending, by this
 * call with the same arguments, and does with its line what that and INTX_DISABLE
 * say. The guest's reads of ISR exit then as long as MSI-X is off, and have done
 * nothing: the VMM does the read with KVPCI_BAR_ACCESS and lowers its line before the
 * vCPU goes on, so that no interrupt comes that nobody sent. Closing the descriptor
 * does not end its use; the next call without the flag does.
 *
 * Errors:
 *	-EBADF		@line_fd is not open
 *	-EINVAL		@gsi is neither a line nor KVPCI_GSI_NONE, or a line with
 *			KVPCI_IRQ_LINE_FD; @line_fd is no eventfd
 *	-ENXIO		KVPCI_IRQ_MSIX_* on a device without vectors, or a line
 *			in a VM whose I/O APIC is not in the kernel (split
 *			irqchip, or a host kernel without one)
 *	-EBUSY		the module keeps PCI configuration space: KVPCI_DEVICE_PLACE
 */
struct kvpci_device_irq {
	__u32 size;
	__u32 flags;
	__u32 gsi;
	__u32 pending;
	__s32 line_fd;
	__u32 __reserved;
};

#define KVPCI_DEVICE_IRQ	_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_DEVICE_IRQ)

/* -------------------------------------------------------------------------- */

/**
 * struct kvpci_vm_ecam - answer PCI configuration space (KVPCI_VM_ECAM, on a VM)
 * @size: in: bytes of this structure
 * @flags: in: zero
 * @addr: in: guest-physical address of bus 0's PCI configuration space: a
 *	multiple of 1 MiB
 * @num_buses: in: buses from 0, 1 to 256; each takes 1 MiB
 * @__reserved: in: zero
 * @user_functions: in: 0, or pointer to @num_buses * 32 bytes: bit n of byte b
 *	set: the VMM answers for function (b * 8 + n), numbered bus << 8 |
 *	device << 3 | function
 *
 * From then on accesses to devices placed by KVPCI_DEVICE_PLACE are answered
 * in the kernel, those to the VMM's functions exit to it, and all other
 * functions are absent: they read as ones, without an exit. A write after which a
 * BAR would answer at another address than it did last exits to the VMM as well,
 * which hands it back through KVPCI_PCI_CONFIG_ACCESS; and so does any write of
 * what decides where BARs answer while such a call is under way, and what
 * KVPCI_MMAP_PCI_CONFIG says of the access window. Others do not exit: a BAR
 * switched off, and on at the address where it answered last; one that is sized;
 * another power state; a function level reset.
 *
 * A BAR has answered nowhere at first. A VMM that places BARs and switches them on
 * once, before the guest runs, spares the guest the exit of that. A BAR that comes
 * to answer where another one has been switched off makes that one exit when it is
 * switched on again.
 *
 * Accesses to a BAR that is switched off exit, as those to addresses where nobody
 * is. Doorbells and reads that are under way when another vCPU switches it off may
 * still be answered.
 *
 * Errors:
 *	-EINVAL		@addr or @num_buses is out of its range
 *	-EEXIST		the VM has one already
 *	-ENOSPC		KVM's bus has no room for more devices
 */
struct kvpci_vm_ecam {
	__u32 size;
	__u32 flags;
	__aligned_u64 addr;
	__u32 num_buses;
	__u32 __reserved;
	__aligned_u64 user_functions;
};

#define KVPCI_VM_ECAM		_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_VM_ECAM)

/*
 * kvpci_device_place.flags: the PCI device has, or may have, further functions.
 * Bit 7 of Header Type is set; guests look for them only if function 0 has it.
 */
#define KVPCI_PLACE_MULTIFUNCTION	(1U << 0)

/**
 * struct kvpci_device_place - make a device a function of the bus
 *	(KVPCI_DEVICE_PLACE, on a device)
 * @size: in: bytes of this structure
 * @flags: in: KVPCI_PLACE_* bits
 * @function: in: bus << 8 | device << 3 | function
 * @class_code: in: PCI class code, 24 bits
 * @intx_pin: in: 1 to 4 for INTA# to INTD#, 0: none
 * @gsi: in: the line the pin is wired to, 0 to 23; KVPCI_GSI_NONE without pin
 * @vendor_data: in: pointer to @vendor_length bytes: what a vendor data
 *	capability (4.1.4.8) holds from its vendor_id on. The driver may read
 *	them; its writes are ignored.
 * @vendor_length: in: a multiple of 4 up to KVPCI_MAX_VENDOR_DATA; 0: there is
 *	no such capability
 * @__reserved: in: zero
 *
 * The module builds the function's PCI configuration space and keeps it from then
 * on: KVPCI_DEVICE_MAP and KVPCI_DEVICE_IRQ become -EBUSY. BARs are at 0 and
 * nothing is enabled, as after power-on.
 *
 * Errors:
 *	-EINVAL		@class_code, @intx_pin, @gsi or @vendor_length is out of
 *			its range; the vendor_id is virtio's own, 0x1af4
 *	-ENXIO		the VM has no KVPCI_VM_ECAM, or @gsi is a line and the
 *			VM's I/O APIC is not in the kernel
 *	-ERANGE		@function lies beyond its buses
 *	-EEXIST		@function is taken, or the VMM's own
 *	-EBUSY		the device has been placed, or mapped, already
 *	-ENOSPC		the capabilities do not all fit into 192 bytes. Beside
 *			@vendor_length + 4, regions take 16 each, doorbells 20,
 *			shared memory 24, MSI-X 12, and what every function has 40
 */
struct kvpci_device_place {
	__u32 size;
	__u32 flags;
	__u32 function;
	__u32 class_code;
	__u32 intx_pin;
	__u32 gsi;
	__aligned_u64 vendor_data;
	__u32 vendor_length;
	__u32 __reserved;
};

#define KVPCI_DEVICE_PLACE	_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_DEVICE_PLACE)

/**
 * struct kvpci_pci_config_access - access PCI configuration space as the guest
 *	would (KVPCI_PCI_CONFIG_ACCESS, on a device)
 * @size: in: bytes of this structure
 * @flags: in: KVPCI_ACCESS_WRITE: write @value, else read it
 * @offset: in: first byte, 0 to 4095
 * @length: in: 1, 2 or 4
 * @value: in for a write, out for a read: the value, zero-extended
 * @__reserved: in: zero
 *
 * The access has all its effects. A VMM uses it to give BARs their first
 * addresses, and to hand back the guest's writes that exit (see KVPCI_VM_ECAM).
 * When the call returns, no access to an address that a BAR has left is under
 * way. A BAR that is switched off has left none.
 *
 * Errors:
 *	-EINVAL		@length is none of those
 *	-ERANGE		the access leaves configuration space
 *	-ENXIO		the device has not been placed
 *	-ENOSPC		KVM's bus has no room for more devices
 */
struct kvpci_pci_config_access {
	__u32 size;
	__u32 flags;
	__u32 offset;
	__u32 length;
	__u32 value;
	__u32 __reserved;
};

#define KVPCI_PCI_CONFIG_ACCESS	_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_PCI_CONFIG_ACCESS)

/* -------------------------------------------------------------------------- */

/*
 * Registers that a device can be mapped for: offsets for mmap() on a device.
 *
 *	KVPCI_MMAP_PCI_CONFIG	4096 bytes: its PCI configuration space, once
 *				KVPCI_DEVICE_PLACE has made it
 *	KVPCI_MMAP_MSIX		its MSI-X table, up to the end of the last page;
 *				zero behind the last vector
 *
 * A mapping shows what the registers hold at any time. Under a memory slot with
 * KVM_MEM_READONLY, at the address where the guest expects the registers, it
 * makes the guest's reads free of exits. Its writes still reach the module, at
 * a somewhat higher price. Reads through it are not counted.
 *
 * Reading the data of the configuration access window (4.1.4.9) has effects,
 * which a mapping cannot have. So once configuration space has been mapped, a
 * write that makes the window's length 0, or something else than 0, exits to
 * the VMM as one that moves BARs does (see KVPCI_VM_ECAM), a function level reset
 * included. The VMM hands it back through KVPCI_PCI_CONFIG_ACCESS; while the length
 * is not 0, no memory slot may cover the space.
 *
 * It is for the VMM, too, to move the slot of a table with its BAR, and to keep from
 * it a page in which other structures lie than the table. While the BAR is
 * switched off, of which the VMM does not hear, the slot may stay: reads show the
 * table where nobody should read, and writes meet nobody. When something else comes
 * to that place, such as another BAR, the slot must go; the VMM hears of that.
 *
 * A mapping is for reading only. It keeps the device, as an open descriptor
 * does. Errors of mmap():
 *	-EACCES		it was to be writable, or executable
 *	-EPERM		the same of executable, on kernels that ask no such file
 *	-ENXIO		there is no such register at the offset, or not so many
 *			bytes of it
 */
#define KVPCI_MMAP_PCI_CONFIG	0x00000
#define KVPCI_MMAP_MSIX		0x10000

/* -------------------------------------------------------------------------- */

/* What happened: kvpci_event.kind. */
enum kvpci_event_kind {
	/*
	 * The driver set DRIVER_OK: read the queues, start the backend. Queue
	 * parameters and features stay as they are until KVPCI_EVENT_STOP is
	 * acknowledged. Kicks wait in their eventfds.
	 */
	KVPCI_EVENT_START = 1,
	/*
	 * The driver reset a device whose START had been read: stop the
	 * backend, then KVPCI_DEVICE_ACK. Until then the guest reads a
	 * device_status that is not 0. (KVPCI_DEVICE_EXIT_RESET: the driver's
	 * write exits instead.)
	 */
	KVPCI_EVENT_STOP = 2,
	/* The driver enabled a queue after DRIVER_OK (RING_RESET). */
	KVPCI_EVENT_QUEUE_START = 3,
	/*
	 * The driver reset a running queue: stop it, then KVPCI_DEVICE_ACK.
	 * Until then the guest reads queue_reset as 1.
	 */
	KVPCI_EVENT_QUEUE_STOP = 4,
	/*
	 * The driver wrote device configuration: see KVPCI_DEVICE_STATE.
	 * (KVPCI_DEVICE_EXIT_CONFIG_WRITE: its write exits instead.)
	 */
	KVPCI_EVENT_DEVICE_CONFIG = 5,
	/* The driver set FAILED in device_status. */
	KVPCI_EVENT_FAILED = 6,
	/*
	 * The driver set SUSPEND (1.4, VIRTIO_F_SUSPEND): let the backend
	 * finish the buffers it has begun, stop it where it is, then
	 * KVPCI_DEVICE_ACK. Until then the guest reads device_status without
	 * SUSPEND and with DRIVER_OK.
	 */
	KVPCI_EVENT_SUSPEND = 7,
	/*
	 * The driver set DRIVER_OK while suspended: go on where SUSPEND
	 * stopped. Queues are as they were then. Kicks wait in their eventfds.
	 */
	KVPCI_EVENT_RESUME = 8,
};

#define KVPCI_EVENT_NO_QUEUE	0xffffffffU

/**
 * struct kvpci_event - what read() on a device returns, one or more
 * @size: bytes of this structure as the module knows it; the next event
 *	follows at that distance
 * @kind: enum kvpci_event_kind
 * @queue: the queue, or KVPCI_EVENT_NO_QUEUE
 * @status: device_status when the event was read
 * @__reserved: zero; room for what events may tell some day
 *
 * Events are states that wait to be seen, not a log: the guest cannot make the
 * module remember more than one of a kind (and queue), and an event that the
 * guest took back before it was read, such as START by a reset, is not
 * delivered. STOP comes before all others, then START and RESUME, each the last
 * of its read(), then FAILED. QUEUE_*, which come only between START and STOP,
 * and DEVICE_CONFIG take turns. SUSPEND comes after all that happened before it.
 *
 * read() blocks until there is an event unless the descriptor is O_NONBLOCK;
 * poll() reports EPOLLIN. Errors of read():
 *	-EAGAIN		no event, O_NONBLOCK
 *	-EINTR		a signal came first (restarted if so installed)
 *	-EINVAL		the buffer cannot hold one event
 */
struct kvpci_event {
	__u32 size;
	__u32 kind;
	__u32 queue;
	__u32 status;
	__u32 __reserved[4];
};

/**
 * struct kvpci_device_ack - the backend has stopped (KVPCI_DEVICE_ACK, on a device)
 * @size: in: bytes of this structure
 * @kind: in: KVPCI_EVENT_STOP, KVPCI_EVENT_QUEUE_STOP or KVPCI_EVENT_SUSPEND
 * @queue: in: the queue, or KVPCI_EVENT_NO_QUEUE for STOP and SUSPEND
 * @__reserved: in: zero
 *
 * For STOP: the device is reset, device_status reads 0. For SUSPEND: the device
 * is suspended, device_status reads SUSPEND without DRIVER_OK. Interrupts asked
 * for before the call have been sent; none are until the driver resumes the
 * device, and what masked vectors have pending waits for that, too.
 *
 * Errors:
 *	-EINVAL		@kind is none of these, or @queue is out of range
 *	-EALREADY	no such event has been read that waits for this
 */
struct kvpci_device_ack {
	__u32 size;
	__u32 kind;
	__u32 queue;
	__u32 __reserved;
};

#define KVPCI_DEVICE_ACK	_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_DEVICE_ACK)

/**
 * struct kvpci_device_fail - the device needs a reset (KVPCI_DEVICE_FAIL, on a device)
 * @size: in: bytes of this structure
 * @flags: in: zero
 *
 * Sets DEVICE_NEEDS_RESET in device_status and, if DRIVER_OK is set, sends a
 * configuration change notification (2.1.2). A suspended device sends it when it
 * is resumed. No effect at status 0 or during a reset.
 */
struct kvpci_device_fail {
	__u32 size;
	__u32 flags;
};

#define KVPCI_DEVICE_FAIL	_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_DEVICE_FAIL)

/*
 * kvpci_device_reset.flags: the function as a whole. The MSI-X table and its
 * pending bits are as after creation, and all KVPCI_IRQ_* bits are clear. If the
 * module keeps PCI configuration space, that is reset as by a function level reset:
 * BARs do not answer any more. If the VMM keeps it, BARs and line stay where
 * KVPCI_DEVICE_MAP and KVPCI_DEVICE_IRQ have put them.
 */
#define KVPCI_RESET_FUNCTION	(1U << 0)

/**
 * struct kvpci_device_reset - reset the device (KVPCI_DEVICE_RESET, on a device)
 * @size: in: bytes of this structure
 * @flags: in: KVPCI_RESET_* bits
 *
 * For a reset that does not come from the driver: of the machine, the bus, the
 * slot. The device is as after an acknowledged STOP, whatever state it was in:
 * device_status reads 0, queues are off, no event waits, not even STOP, and
 * nothing is left to be acknowledged. Device configuration stays as it is.
 *
 * The backend has stopped: whoever calls this vouches for it. When the call returns
 * no message is under way that was asked for before. A read() that has begun
 * before the call may still return events of before.
 */
struct kvpci_device_reset {
	__u32 size;
	__u32 flags;
};

#define KVPCI_DEVICE_RESET	_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_DEVICE_RESET)

/**
 * struct kvpci_device_state - what driver and device agreed on
 *	(KVPCI_DEVICE_STATE, on a device)
 * @size: in: bytes of this structure
 * @flags: in: zero
 * @status: out: device_status
 * @generation: out: config_generation
 * @driver_features: out: feature bits 0 to 127 the driver accepted. Complete
 *	and fixed once FEATURES_OK is set in @status.
 * @device_config: in: 0, or pointer to @device_config_size bytes that receive
 *	the device configuration
 * @device_config_size: in: bytes at @device_config, at most the device's
 * @__reserved: in: zero
 *
 * Errors:
 *	-EINVAL		@device_config_size is larger than the device's
 *			configuration, or not 0 without @device_config
 */
struct kvpci_device_state {
	__u32 size;
	__u32 flags;
	__u32 status;
	__u32 generation;
	__aligned_u64 driver_features[2];
	__aligned_u64 device_config;
	__u32 device_config_size;
	__u32 __reserved;
};

#define KVPCI_DEVICE_STATE	_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_DEVICE_STATE)

/**
 * struct kvpci_device_features_ok - accept the driver's features
 *	(KVPCI_DEVICE_FEATURES_OK, on a device)
 * @size: in: bytes of this structure
 * @flags: in: zero
 * @status: in: what the driver wrote to device_status, with FEATURES_OK (8)
 * @__reserved: in: zero
 * @driver_features: in: the features that the VMM accepts, as
 *	KVPCI_DEVICE_STATE gave them
 *
 * Does the driver's write of device_status if the driver's features are still
 * these. Between the VMM's look and its answer another vCPU may have changed
 * them; then nothing happens, and the VMM looks again.
 *
 * Errors:
 *	-EINVAL		@status is above 255 or has no FEATURES_OK, or the
 *			device was made without KVPCI_DEVICE_EXIT_FEATURES
 *	-EAGAIN		the driver's features are others by now
 */
struct kvpci_device_features_ok {
	__u32 size;
	__u32 flags;
	__u32 status;
	__u32 __reserved;
	__aligned_u64 driver_features[2];
};

#define KVPCI_DEVICE_FEATURES_OK	_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_DEVICE_FEATURES_OK)

/*
 * kvpci_device_config_write.flags: whether the driver is notified. Without a flag
 * it is when the bytes change.
 *
 *	KVPCI_CONFIG_WRITE_QUIET	it is not. The bytes and config_generation
 *					change; for what the driver has changed, or
 *					learns in another way.
 *	KVPCI_CONFIG_WRITE_FORCE	it is, even if the bytes are equal; then
 *					config_generation stays. For what happened
 *					without a trace in the bytes.
 */
#define KVPCI_CONFIG_WRITE_QUIET	(1U << 0)
#define KVPCI_CONFIG_WRITE_FORCE	(1U << 1)

/**
 * struct kvpci_device_config_write - change device configuration
 *	(KVPCI_DEVICE_CONFIG_WRITE, on a device)
 * @size: in: bytes of this structure
 * @flags: in: KVPCI_CONFIG_WRITE_* bits, one of them at most
 * @offset: in: first byte to change
 * @length: in: bytes to change, 1 or more; with KVPCI_CONFIG_WRITE_FORCE also 0
 * @data: in: pointer to the new bytes
 *
 * config_generation changes with the bytes (4.1.4.3.1), and the driver is
 * notified if DRIVER_OK is set. Without a flag nothing happens if the bytes are
 * equal.
 *
 * Errors:
 *	-EINVAL		both flags, or @length is 0 without KVPCI_CONFIG_WRITE_FORCE
 *	-ERANGE		@offset and @length leave the device configuration
 *	-EBUSY		the device is suspended: nothing may change until RESUME
 */
struct kvpci_device_config_write {
	__u32 size;
	__u32 flags;
	__u32 offset;
	__u32 length;
	__aligned_u64 data;
};

#define KVPCI_DEVICE_CONFIG_WRITE	_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_DEVICE_CONFIG_WRITE)

/**
 * struct kvpci_fd_pair - a queue's eventfds
 * @kick_fd: eventfd the driver's notifications signal, or -1
 * @call_fd: eventfd by which the backend asks for the queue's interrupt, or -1. The
 *	module consumes its counter.
 */
struct kvpci_fd_pair {
	__s32 kick_fd;
	__s32 call_fd;
};

/**
 * struct kvpci_queue_fds - the eventfds of queues (KVPCI_QUEUE_FDS, on a device)
 * @size: in: bytes of this structure
 * @flags: in: zero
 * @first: in: index of the first queue
 * @count: in: queues, 1 or more
 * @entry_size: in: bytes of struct kvpci_fd_pair as the caller knows it; a multiple
 *	of 8
 * @__reserved: in: zero
 * @pairs: in: pointer to @count entries of @entry_size bytes each. What the module
 *	does not know of an entry must be zero.
 *
 * Replaces both eventfds of each queue. When the call returns the old ones are out
 * of use. It waits for accesses of the guest that may still use an old kick eventfd,
 * once, and only if there is one. A notification of a queue without kick eventfd is
 * counted and dropped, and so is one of a queue that is not enabled. Closing the
 * descriptors afterwards does not end their use.
 *
 * Errors:
 *	-EBADF		a descriptor is not open
 *	-EINVAL		@first and @count are not queues of the device, or a descriptor
 *			is not an eventfd; @entry_size is no multiple of 8, or below
 *			the size first published
 *	-E2BIG		@entry_size is above 4096, or a part of an entry that the
 *			module does not know is not zero
 *	-EBUSY		a call eventfd serves another queue, of this device or another,
 *			or is there twice. One that is to move to another queue is taken
 *			from its own first, in a call of its own.
 */
struct kvpci_queue_fds {
	__u32 size;
	__u32 flags;
	__u32 first;
	__u32 count;
	__u32 entry_size;
	__u32 __reserved;
	__aligned_u64 pairs;
};

#define KVPCI_QUEUE_FDS		_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_QUEUE_FDS)

/**
 * struct kvpci_queue_state - what the driver set up (KVPCI_QUEUE_STATE, on a device)
 * @size: in: bytes of this structure
 * @queue: in: index of the queue
 * @enabled: out: queue_enable, 0 or 1; 0 also while a QUEUE_START of this
 *	queue waits to be read
 * @queue_size: out: entries
 * @msix_vector: out: vector, or 0xffff for none
 * @notification: out: what the driver last wrote to the queue's doorbell since
 *	the queue was enabled, if NOTIFICATION_DATA was accepted: the queue's
 *	index or queue_notif_config_data in bits 0 to 15, next_off in bits 16 to
 *	30, next_wrap in bit 31 (4.1.5.2); else 0
 * @desc: out: guest-physical address of the descriptor area
 * @driver: out: guest-physical address of the driver area (available ring)
 * @device: out: guest-physical address of the device area (used ring)
 *
 * The addresses are the guest's word: they may lie anywhere.
 *
 * A doorbell's word is kept before the kick eventfd is signalled: whoever reads
 * the eventfd and then @notification gets that word or a newer one. A newer one
 * says all that older ones said, since next_off only moves on. Words of other
 * queues, and of no enabled queue, are not kept.
 *
 * Errors:
 *	-EINVAL		@queue is out of range
 */
struct kvpci_queue_state {
	__u32 size;
	__u32 queue;
	__u32 enabled;
	__u32 queue_size;
	__u32 msix_vector;
	__u32 notification;
	__aligned_u64 desc;
	__aligned_u64 driver;
	__aligned_u64 device;
};

#define KVPCI_QUEUE_STATE	_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_QUEUE_STATE)

/**
 * struct kvpci_queue_states - what the driver set up for many queues
 *	(KVPCI_QUEUE_STATES, on a device)
 * @size: in: bytes of this structure
 * @flags: in: zero
 * @first: in: index of the first queue
 * @count: in: queues, 1 or more
 * @entry_size: in: bytes of struct kvpci_queue_state as the caller knows it; a
 *	multiple of 8
 * @__reserved: in: zero
 * @states: in: pointer to @count entries of @entry_size bytes each, which receive
 *	what KVPCI_QUEUE_STATE gives: @size is @entry_size, @queue the index. What the
 *	module does not know of an entry becomes zero, and what the caller does not
 *	know is left out.
 *
 * Each entry is of one moment, and they may be of different ones: the driver may
 * change a queue between two of them. From KVPCI_EVENT_START until
 * KVPCI_EVENT_STOP is acknowledged what is enabled stays as it is, so then they
 * belong together.
 *
 * Errors:
 *	-EINVAL		@first and @count are not queues of the device; @entry_size is
 *			no multiple of 8, or below the size first published
 *	-E2BIG		@entry_size is above 4096
 */
struct kvpci_queue_states {
	__u32 size;
	__u32 flags;
	__u32 first;
	__u32 count;
	__u32 entry_size;
	__u32 __reserved;
	__aligned_u64 states;
};

#define KVPCI_QUEUE_STATES	_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_QUEUE_STATES)

/* -------------------------------------------------------------------------- */

/* What the backend does, as far as the module knows: kvpci_device_registers.backend. */
enum kvpci_backend {
	KVPCI_BACKEND_STOPPED = 0,	/* no DRIVER_OK since the last reset */
	KVPCI_BACKEND_STARTING = 1,	/* START waits to be read */
	KVPCI_BACKEND_RUNNING = 2,	/* START has been read */
	KVPCI_BACKEND_SUSPENDING = 3,	/* SUSPEND is posted, not yet acknowledged */
	KVPCI_BACKEND_SUSPENDED = 4,	/* SUSPEND is acknowledged */
	KVPCI_BACKEND_RESUMING = 5,	/* RESUME waits to be read */
	KVPCI_BACKEND_STOPPING = 6,	/* STOP is posted, not yet acknowledged */
};

/* A queue's own events, while the backend runs: kvpci_queue_registers.phase. */
enum kvpci_queue_phase {
	KVPCI_QUEUE_IDLE = 0,		/* none */
	KVPCI_QUEUE_STARTING = 1,	/* QUEUE_START waits to be read */
	KVPCI_QUEUE_STOP_POSTED = 2,	/* QUEUE_STOP waits to be read */
	KVPCI_QUEUE_STOP_READ = 3,	/* QUEUE_STOP is read, not yet acknowledged */
};

/**
 * struct kvpci_queue_registers - all that a device knows of a queue
 * @size: queue_size; 0 for a queue that does not exist
 * @msix_vector: queue_msix_vector: below the device's number of vectors, or 0xffff
 * @enabled: queue_enable, 0 or 1
 * @reset: queue_reset, 0 or 1: 1 while @phase is one of QUEUE_STOP
 * @phase: enum kvpci_queue_phase
 * @__reserved: zero
 * @notification: see struct kvpci_queue_state; 0 for a queue that is not enabled
 * @__reserved2: zero
 * @desc: queue_desc
 * @driver: queue_driver
 * @device: queue_device
 */
struct kvpci_queue_registers {
	__u16 size;
	__u16 msix_vector;
	__u8 enabled;
	__u8 reset;
	__u8 phase;
	__u8 __reserved;
	__u32 notification;
	__u32 __reserved2;
	__aligned_u64 desc;
	__aligned_u64 driver;
	__aligned_u64 device;
};

/**
 * struct kvpci_device_registers - all that a device knows
 *	(KVPCI_DEVICE_SAVE, KVPCI_DEVICE_RESTORE, on a device)
 * @size: in: bytes of this structure
 * @flags: in: zero
 * @device_feature_select: device_feature_select
 * @driver_feature_select: driver_feature_select
 * @driver_features: feature bits 0 to 127 as the driver wrote them, lowest word
 *	first
 * @config_msix_vector: config_msix_vector: below @num_vectors, or 0xffff
 * @queue_select: queue_select
 * @device_status: device_status
 * @config_generation: config_generation
 * @generation_read: the generation that the driver has read last: that, or the one
 *	before
 * @isr: ISR status: bits 0 and 1
 * @irq_flags: KVPCI_IRQ_* bits, see struct kvpci_device_irq
 * @backend: enum kvpci_backend
 * @events: bit n: the event of kind n waits to be read (of those without a queue)
 * @next_event: whose turn it is: a queue, or @num_queues for DEVICE_CONFIG
 * @config_changed: 1: the driver is to be notified of a configuration change when
 *	it resumes the device, else 0
 * @__reserved: zero
 * @num_queues: in: the device's queues
 * @num_vectors: in: its vectors
 * @device_config_size: in: bytes of its device configuration
 * @pci_config_size: in: 4096 if the module keeps PCI configuration space, else 0
 * @queues: in: pointer to struct kvpci_queue_registers[@num_queues]
 * @vectors: in: pointer to @num_vectors entries of the MSI-X table, 16 bytes each
 * @pending: in: pointer to the pending bits, @num_vectors in words of 64
 * @device_config: in: pointer to @device_config_size bytes
 * @pci_config: in: pointer to @pci_config_size bytes, PCI configuration space
 *
 * KVPCI_DEVICE_SAVE writes it and what it points to, and changes nothing. All of
 * it is of one moment. An interrupt that was asked for before the call has reached KVM
 * when it returns, or is pending: local APICs are saved afterwards.
 * A VMM that wants the state to stay as it is stops vCPUs and backends first.
 *
 * KVPCI_DEVICE_RESTORE gives a device what another one of the same description
 * had, on this host or another, by this module, another version of it, or a
 * userspace transport of the same registers. The device must be as it was created
 * or as a reset leaves it. The guest cannot tell the two apart, and nor can the
 * VMM: events that waited to be read wait again, and what waited for
 * KVPCI_DEVICE_ACK still does. No event tells of the restore: where @backend says
 * that the backend runs, the VMM starts it. It comes after KVPCI_QUEUE_FDS and
 * before the backend begins to signal, since what is signalled earlier is lost.
 * What is pending and may be sent is sent.
 *
 * All fields are checked: what no guest can bring about is refused.
 *
 * A device that KVPCI_DEVICE_PLACE has made a function has its PCI configuration
 * space restored, too: BARs answer where they did. It must have been placed with the
 * same capabilities; function number, line, and whether there are other functions
 * beside it are those of the new place. A VMM that
 * keeps the space to itself saves and restores it by itself; @irq_flags are what
 * KVPCI_DEVICE_IRQ told last, and need not be told again.
 *
 * Errors:
 *	-EINVAL		a number is not the device's; RESTORE: a field holds what
 *			it can never hold in such a device
 *	-EBUSY		RESTORE: the device is not as a reset leaves it
 *	-ENOSPC		RESTORE: KVM's bus has no room for more devices
 */
struct kvpci_device_registers {
	__u32 size;
	__u32 flags;
	__u32 device_feature_select;
	__u32 driver_feature_select;
	__aligned_u64 driver_features[2];
	__u16 config_msix_vector;
	__u16 queue_select;
	__u8 device_status;
	__u8 config_generation;
	__u8 generation_read;
	__u8 isr;
	__u8 irq_flags;
	__u8 backend;
	__u16 events;
	__u16 next_event;
	__u8 config_changed;
	__u8 __reserved;
	__u32 num_queues;
	__u32 num_vectors;
	__u32 device_config_size;
	__u32 pci_config_size;
	__aligned_u64 queues;
	__aligned_u64 vectors;
	__aligned_u64 pending;
	__aligned_u64 device_config;
	__aligned_u64 pci_config;
};

#define KVPCI_DEVICE_SAVE	_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_DEVICE_SAVE)
#define KVPCI_DEVICE_RESTORE	_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_DEVICE_RESTORE)

/* -------------------------------------------------------------------------- */

/* kvpci_bar_access.flags, kvpci_pci_config_access.flags */
#define KVPCI_ACCESS_WRITE	(1U << 0)	/* write @value, else read it */

/**
 * struct kvpci_bar_access - access a BAR as the guest would
 *	(KVPCI_BAR_ACCESS, on a device)
 * @size: in: bytes of this structure
 * @flags: in: KVPCI_ACCESS_* bits
 * @bar: in: index of the BAR; it need not be mapped
 * @offset: in: first byte inside the BAR
 * @length: in: 1, 2, 4 or 8
 * @__reserved: in: zero
 * @value: in for a write, out for a read: the value, zero-extended
 *
 * The access has all its effects: doorbells ring, events are posted, ISR is
 * cleared. It is how a VMM that keeps PCI configuration space to itself
 * implements the PCI configuration access window (4.1.4.9).
 *
 * Errors:
 *	-ENXIO		no such BAR
 *	-ERANGE		the access leaves the BAR
 *	-EINVAL		@length is none of those
 */
struct kvpci_bar_access {
	__u32 size;
	__u32 flags;
	__u32 bar;
	__u32 offset;
	__u32 length;
	__u32 __reserved;
	__aligned_u64 value;
};

#define KVPCI_BAR_ACCESS	_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_BAR_ACCESS)

/**
 * struct kvpci_device_stats - a device's counters (KVPCI_DEVICE_STATS, on a device)
 * @size: in: bytes of this structure
 * @flags: in: zero
 * @common_reads: out: reads of common configuration
 * @common_writes: out: writes of common configuration
 * @device_config_reads: out: reads of device configuration
 * @device_config_writes: out: writes of device configuration
 * @isr_reads: out: reads of the ISR status
 * @msix_reads: out: reads of MSI-X table and PBA
 * @msix_writes: out: writes of the MSI-X table
 * @other: out: accesses that met no register, or one of another width
 * @kicks: out: doorbells passed to an eventfd
 * @kicks_dropped: out: doorbells of no, or no enabled, queue
 * @calls: out: interrupts the backend asked for
 * @msix_sent: out: messages delivered
 * @msix_pended: out: interrupts that found their vector masked
 * @intx_raised: out: rising edges of the interrupt line's state
 * @irqs_dropped: out: interrupts with nowhere to go: no vector, an address
 *	outside the local APICs' window, or no DRIVER_OK
 * @events: out: events the VMM has read
 * @pci_config_reads: out: reads of PCI configuration space answered in the kernel
 * @pci_config_writes: out: writes of PCI configuration space
 *
 * Counts since creation. New counters are added at the end.
 */
struct kvpci_device_stats {
	__u32 size;
	__u32 flags;
	__aligned_u64 common_reads;
	__aligned_u64 common_writes;
	__aligned_u64 device_config_reads;
	__aligned_u64 device_config_writes;
	__aligned_u64 isr_reads;
	__aligned_u64 msix_reads;
	__aligned_u64 msix_writes;
	__aligned_u64 other;
	__aligned_u64 kicks;
	__aligned_u64 kicks_dropped;
	__aligned_u64 calls;
	__aligned_u64 msix_sent;
	__aligned_u64 msix_pended;
	__aligned_u64 intx_raised;
	__aligned_u64 irqs_dropped;
	__aligned_u64 events;
	__aligned_u64 pci_config_reads;
	__aligned_u64 pci_config_writes;
};

#define KVPCI_DEVICE_STATS	_IO(KVPCI_IOCTL_TYPE, KVPCI_CMD_DEVICE_STATS)

#endif /* _UAPI_LINUX_KVPCI_H */
