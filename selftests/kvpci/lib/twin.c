// SPDX-License-Identifier: GPL-2.0-only
/*
 * The userspace twin of the module as the launcher has it (user/vmm): its PCI
 * bus and its transport "user", which answer what the agent exits for.
 *
 * The device is on the bus, so its BARs and interrupt bits are configuration
 * space's. What a VMM tells the module by libkvpci_device_map() and
 * libkvpci_device_irq() is written there.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../user/vmm/machine.h"
#include "../../../user/vmm/pci.h"
#include "../../../user/vmm/transport.h"
#include "../../../user/vmm/transport_user.h"
#include "../../../user/vmm/vm.h"
#include "machine.h"

#define CLASS_CODE	0x020000
#define LIMIT_MS	60000

_Static_assert(ECAM_ADDR == ECAM_BASE, "the launcher's place");

/* One more than slots: the first slot's device has two functions. */
#define MAX_DEVICES	PCI_SLOTS

/**
 * struct twin - the launcher's VM
 * @vm: its VM, as the bus and the transport want it
 * @tvm: its transport
 * @num: devices
 * @devices: the devices
 */
struct twin {
	struct vm vm;
	struct transport_vm tvm;
	unsigned int num;
	struct transport *devices[MAX_DEVICES];
};

/* --- the guest's side ----------------------------------------------------- */

/* What access.c does with an exit, without the serial console and the rest. */
static bool answer(void *context, bool port, uint64_t addr, void *data,
		   uint32_t width, bool write)
{
	struct twin *twin = context;
	enum exit_class class;

	if (!port && addr >= ECAM_BASE &&
	    addr + width <= ECAM_BASE + ECAM_SIZE) {
		return pci_config_access(twin->vm.pci, addr - ECAM_BASE, data,
					 width, transport_direction(write));
	}
	return pci_bar_access(twin->vm.pci,
			      port ? PCI_SPACE_IO : PCI_SPACE_MEMORY, addr,
			      data, width, transport_direction(write), &class);
}

static void twin_open(struct machine *m)
{
	struct twin *twin = calloc(1, sizeof(*twin));
	struct vm *vm;

	if (!twin)
		guest_die("calloc");
	vm = &twin->vm;
	vm->kvm = m->g.kvm_fd;
	vm->fd = m->g.vm_fd;
	vm->memory.slots[0] = (struct memory_slot){
		0, GUEST_RAM_SIZE, m->g.memory };
	vm->memory.num_slots = 1;
	pthread_mutex_init(&vm->line_lock, NULL);
	twin->tvm.ops = &transport_user;
	twin->tvm.vm = vm;
	if (pci_create(vm, MAX_DEVICES) || transport_user.open(&twin->tvm))
		guest_die("the launcher's PCI bus");
	m->twin = twin;
	m->g.answer = answer;
	m->g.answer_context = twin;
}

static void twin_close(struct machine *m)
{
	struct twin *twin = m->twin;

	if (!twin)
		return;
	while (twin->num)
		transport_user.destroy(twin->devices[--twin->num]);
	transport_user.close(&twin->tvm);
	pci_free(&twin->vm);
	pthread_mutex_destroy(&twin->vm.line_lock);
	free(twin);
	m->g.answer = NULL;
	m->twin = NULL;
	m->dev = -1;	/* it was the device's */
}

/* --- the VMM's side ------------------------------------------------------- */

static int twin_set_flags(struct machine *m, uint32_t flags)
{
	struct transport_vm *tvm = &m->twin->tvm;

	transport_user.close(tvm);
	tvm->flags = flags;
	return transport_user.open(tvm);
}

static void twin_ids_of_32_bits(struct machine *m)
{
	guest_ids_of_32_bits(&m->g);
	m->twin->vm.ids_of_32_bits = true;
}

static struct transport *device_of(struct machine *m)
{
	return m->twin->devices[m->twin_device];
}

static uint32_t pci_config_read(struct machine *m, uint32_t at,
				unsigned int width)
{
	uint32_t value = 0;

	transport_user.pci_config(device_of(m), at, width, &value, TRANSPORT_READ,
				  TRANSPORT_VMM);
	return value;
}

static void pci_config_write(struct machine *m, uint32_t at,
			     unsigned int width, uint32_t value)
{
	transport_user.pci_config(device_of(m), at, width, &value, TRANSPORT_WRITE,
				  TRANSPORT_VMM);
}

static int twin_create_function(struct machine *m, struct device_desc *desc,
				const void *vendor, uint32_t length)
{
	struct kvpci_device_place place = {
		.class_code = CLASS_CODE,
		.vendor_data = (uintptr_t)vendor,
		.vendor_length = length,
	};
	struct twin *twin = m->twin;
	struct transport *t;
	int err;

	if (twin->num == MAX_DEVICES)
		return -ENOSPC;
	err = transport_user.create(&twin->tvm, &desc->create, &t);
	if (err)
		return err;
	err = pci_add(twin->vm.pci, &desc->create, &place, t);
	if (err) {
		transport_user.destroy(t);
		return err;
	}
	m->twin_device = twin->num++;
	twin->devices[m->twin_device] = t;
	m->dev = t->event_fd;
	/* Tests begin before firmware. */
	pci_config_write(m, PCI_COMMAND, 2, 0);
	return 0;
}

static int twin_create(struct machine *m, struct device_desc *desc)
{
	return twin_create_function(m, desc, NULL, 0);
}

static int twin_info(struct machine *m, struct kvpci_info *info)
{
	(void)m;
	memset(info, 0, sizeof(*info));
	return 0;
}

/* All memory BARs decode, or none does. */
static int twin_map(struct machine *m, uint32_t mapped,
		    const uint64_t addr[KVPCI_NUM_BARS])
{
	const uint32_t memory = 1U << BAR_MEM | 1U << BAR_MSIX;
	uint32_t command = pci_config_read(m, PCI_COMMAND, 2) &
			   ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY);

	if (mapped & memory && ~mapped & memory)
		return -EINVAL;
	if (mapped & 1U << BAR_IO) {
		pci_config_write(m, PCI_BASE_ADDRESS_0, 4, addr[BAR_IO]);
		command |= PCI_COMMAND_IO;
	}
	if (mapped & memory) {
		pci_config_write(m, PCI_BASE_ADDRESS_1, 4, addr[BAR_MEM]);
		pci_config_write(m, PCI_BASE_ADDRESS_2, 4, addr[BAR_MSIX]);
		pci_config_write(m, PCI_BASE_ADDRESS_3, 4, addr[BAR_MSIX] >> 32);
		command |= PCI_COMMAND_MEMORY;
	}
	pci_config_write(m, PCI_COMMAND, 2, command);
	return 0;
}

static uint32_t find_msix(struct machine *m)
{
	uint32_t at = pci_config_read(m, PCI_CAPABILITY_LIST, 1);

	while (at && pci_config_read(m, at, 1) != PCI_CAP_ID_MSIX)
		at = pci_config_read(m, at + 1, 1);
	return at;
}

static int set_irq_flags(struct machine *m, uint32_t flags)
{
	uint32_t command = pci_config_read(m, PCI_COMMAND, 2) &
			   ~(PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	uint32_t msix = find_msix(m), control = 0;

	if (flags & KVPCI_IRQ_MASTER)
		command |= PCI_COMMAND_MASTER;
	if (flags & KVPCI_IRQ_INTX_DISABLE)
		command |= PCI_COMMAND_INTX_DISABLE;
	if (flags & KVPCI_IRQ_MSIX_ENABLE)
		control |= PCI_MSIX_FLAGS_ENABLE;
	if (flags & KVPCI_IRQ_MSIX_MASKALL)
		control |= PCI_MSIX_FLAGS_MASKALL;
	/* Two registers: nothing is sent in between. */
	pci_config_write(m, msix + PCI_MSIX_FLAGS, 2,
			 control | PCI_MSIX_FLAGS_MASKALL);
	pci_config_write(m, PCI_COMMAND, 2, command);
	pci_config_write(m, msix + PCI_MSIX_FLAGS, 2, control);
	return !!(pci_config_read(m, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
}

/* The function has its line; without one the device is not to pull it. */
static int twin_irq(struct machine *m, uint32_t flags, uint32_t gsi)
{
	if (gsi == KVPCI_GSI_NONE)
		flags |= KVPCI_IRQ_INTX_DISABLE;
	else if (gsi != pci_config_read(m, PCI_INTERRUPT_LINE, 1))
		return -EINVAL;
	user_set_line_fd(device_of(m), -1);
	return set_irq_flags(m, flags);
}

static int twin_irq_fd(struct machine *m, uint32_t flags, int line_fd)
{
	user_set_line_fd(device_of(m), line_fd);
	return set_irq_flags(m, flags);
}

static int twin_event(struct machine *m, struct kvpci_event *event)
{
	return transport_user.event(device_of(m), event) ? (int)event->kind :
							    -EAGAIN;
}

static int twin_ack(struct machine *m, uint32_t kind, uint32_t queue)
{
	return transport_user.ack(device_of(m), kind, queue);
}

static int twin_fail(struct machine *m)
{
	return transport_user.fail(device_of(m));
}

static int twin_reset(struct machine *m, uint32_t flags)
{
	return transport_user.reset(device_of(m), flags);
}

static int twin_features(struct machine *m, uint64_t features[2])
{
	return transport_user.features(device_of(m), features);
}

static int twin_features_ok(struct machine *m, uint32_t status,
			    const uint64_t features[2])
{
	return transport_user.features_ok(device_of(m), status, features);
}

static int twin_device_config_write(struct machine *m, uint32_t flags,
				    uint32_t offset, uint32_t length,
				    const void *data)
{
	return transport_user.update(device_of(m), flags, offset, length, data);
}

static int twin_queue_fds(struct machine *m, uint32_t first, uint32_t count,
			  const struct kvpci_fd_pair *pairs)
{
	return transport_user.queue_fds(device_of(m), first, count, pairs);
}

static int twin_queue_state(struct machine *m, uint32_t queue,
			    struct kvpci_queue_state *state)
{
	return transport_user.queue_state(device_of(m), queue, state);
}

static int twin_queue_states(struct machine *m, uint32_t first, uint32_t count,
			     struct kvpci_queue_state *states)
{
	return transport_user.queue_states(device_of(m), first, count, states);
}

static int twin_bar_read(struct machine *m, uint32_t bar, uint32_t offset,
			 uint32_t length, uint64_t *value)
{
	return transport_user.access(device_of(m), bar, offset, length, value,
				     TRANSPORT_READ, TRANSPORT_VMM);
}

static int twin_bar_write(struct machine *m, uint32_t bar, uint32_t offset,
			  uint32_t length, uint64_t value)
{
	return transport_user.access(device_of(m), bar, offset, length, &value,
				     TRANSPORT_WRITE, TRANSPORT_VMM);
}

static int twin_pci_config_read(struct machine *m, uint32_t offset, uint32_t length,
				uint32_t *value)
{
	return transport_user.pci_config(device_of(m), offset, length, value,
					 TRANSPORT_READ, TRANSPORT_VMM);
}

static int twin_pci_config_write(struct machine *m, uint32_t offset, uint32_t length,
				 uint32_t value)
{
	return transport_user.pci_config(device_of(m), offset, length, &value,
					 TRANSPORT_WRITE, TRANSPORT_VMM);
}

static int twin_save(struct machine *m, struct kvpci_device_registers *registers)
{
	return transport_user.save(device_of(m), registers);
}

static int twin_restore(struct machine *m,
			const struct kvpci_device_registers *registers)
{
	return transport_user.restore(device_of(m), registers);
}

/* A thread of the transport takes the signals. */
static void twin_await_call(struct machine *m, int call)
{
	struct pollfd p = { .fd = call, .events = POLLIN };
	uint64_t features[2];

	for (int ms = 0; poll(&p, 1, 0) == 1; ms++) {
		if (ms == LIMIT_MS)
			guest_die("a call eventfd was not taken in %d ms", ms);
		usleep(1000);
	}
	/* It was taken with the device's lock held: now that is free again. */
	transport_user.features(device_of(m), features);
}

const struct machine_ops machine_twin = {
	.open = twin_open,
	.close = twin_close,
	.set_flags = twin_set_flags,
	.ids_of_32_bits = twin_ids_of_32_bits,
	.create = twin_create,
	.create_function = twin_create_function,
	.info = twin_info,
	.map = twin_map,
	.irq = twin_irq,
	.irq_fd = twin_irq_fd,
	.event = twin_event,
	.ack = twin_ack,
	.fail = twin_fail,
	.reset = twin_reset,
	.features = twin_features,
	.features_ok = twin_features_ok,
	.device_config_write = twin_device_config_write,
	.queue_fds = twin_queue_fds,
	.queue_state = twin_queue_state,
	.queue_states = twin_queue_states,
	.bar_read = twin_bar_read,
	.bar_write = twin_bar_write,
	.pci_config_read = twin_pci_config_read,
	.pci_config_write = twin_pci_config_write,
	.save = twin_save,
	.restore = twin_restore,
	.await_call = twin_await_call,
	.buses = 1,
	.moved_exits = 0,
};
