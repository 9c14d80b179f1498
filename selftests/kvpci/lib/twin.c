// SPDX-License-Identifier: GPL-2.0-only
/*
 * The launcher's bus and userspace transport around the agent; see twin.h.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../../user/vmm/machine.h"
#include "../../../user/vmm/pci.h"
#include "../../../user/vmm/transport.h"
#include "../../../user/vmm/vm.h"
#include "machine.h"
#include "twin.h"

#define CLASS_CODE	0x020000
#define FUNCTION_SHIFT	12	/* in the ECAM */
#define SETTLE_MS	10000

_Static_assert(ECAM_ADDR == ECAM_BASE, "the launcher's place");

/* One more than slots: the first slot's device has two functions. */
#define MAX_DEVICES	PCI_SLOTS
#define NO_DEVICE	MAX_DEVICES

/* The bus, without the host bridge. */
static struct {
	struct vm vm;
	struct transport_vm tvm;
	int fd;
	unsigned int num;
	struct transport *devices[MAX_DEVICES];
	uint32_t functions[MAX_DEVICES];	/* where on the bus */
	const void *vendor_data;
	uint32_t vendor_length;
} twin = { .fd = -1 };

/* --- the guest's side ----------------------------------------------------- */

/* What access.c does with an exit, without the serial console and the rest. */
static bool answer(bool port, uint64_t addr, void *data, uint32_t width,
		   bool write)
{
	enum exit_class class;

	if (!port && addr >= ECAM_BASE &&
	    addr + width <= ECAM_BASE + ECAM_SIZE) {
		pci_config_access(twin.vm.pci, addr - ECAM_BASE, data, width,
				  write);
		return true;
	}
	return pci_bar_access(twin.vm.pci,
			      port ? PCI_SPACE_IO : PCI_SPACE_MEMORY, addr,
			      data, width, write, &class);
}

int twin_create(struct guest *g)
{
	struct vm *vm = &twin.vm;

	vm->kvm = g->kvm_fd;
	vm->fd = g->vm_fd;
	vm->memory.slots[0] = (struct memory_slot){
		0, GUEST_RAM_SIZE, g->memory };
	vm->memory.num_slots = 1;
	pthread_mutex_init(&vm->line_lock, NULL);
	twin.tvm.ops = &transport_user;
	twin.tvm.vm = vm;
	if (pci_create(vm, MAX_DEVICES) || transport_user.open(&twin.tvm))
		guest_die("the launcher's PCI bus");
	twin.fd = eventfd(0, EFD_CLOEXEC);
	if (twin.fd < 0)
		guest_die("eventfd");
	g->answer = answer;
	return twin.fd;
}

void twin_vendor_data(const void *data, uint32_t length)
{
	twin.vendor_data = data;
	twin.vendor_length = length;
}

void twin_destroy(void)
{
	twin_vendor_data(NULL, 0);
	while (twin.num)
		transport_user.destroy(twin.devices[--twin.num]);
	transport_user.close(&twin.tvm);
	pci_free(&twin.vm);
	pthread_mutex_destroy(&twin.vm.line_lock);
	close(twin.fd);
	twin.fd = -1;
}

/* --- the VMM's side --------------------------------------------------- */

/* A device's index, or NO_DEVICE. */
static unsigned int index_of(int fd)
{
	unsigned int n;

	for (n = 0; n < twin.num; n++)
		if (twin.devices[n]->event_fd == fd)
			return n;
	return NO_DEVICE;
}

bool twin_has(int fd)
{
	return fd >= 0 && (fd == twin.fd || index_of(fd) != NO_DEVICE);
}

static uint32_t config_read(unsigned int n, uint32_t at, unsigned int width)
{
	uint32_t value = 0;

	pci_config_access(twin.vm.pci, twin.functions[n] << FUNCTION_SHIFT | at,
			  (uint8_t *)&value, width, false);
	return value;
}

static void config_write(unsigned int n, uint32_t at, unsigned int width,
			 uint32_t value)
{
	pci_config_access(twin.vm.pci, twin.functions[n] << FUNCTION_SHIFT | at,
			  (uint8_t *)&value, width, true);
}

static int create(struct kvpci_device_create *desc)
{
	struct kvpci_device_place place = {
		.class_code = CLASS_CODE,
		.vendor_data = (uintptr_t)twin.vendor_data,
		.vendor_length = twin.vendor_length,
	};
	struct transport *t;
	int err;

	if (twin.num == MAX_DEVICES)
		return -ENOSPC;
	err = transport_user.create(&twin.tvm, desc, &t);
	if (err)
		return err;
	err = pci_add(twin.vm.pci, desc, &place, t);
	if (err) {
		transport_user.destroy(t);
		return err;
	}
	twin.functions[twin.num] = place.function;
	twin.devices[twin.num++] = t;
	return t->event_fd;
}

/* All memory BARs decode, or none does. */
static int map(unsigned int n, const struct kvpci_device_map *map)
{
	const uint32_t memory = 1U << BAR_MEM | 1U << BAR_MSIX;
	uint32_t command = config_read(n, PCI_COMMAND, 2) &
			   ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY);

	if (map->mapped & memory && ~map->mapped & memory)
		return -EINVAL;
	if (map->mapped & 1U << BAR_IO) {
		config_write(n, PCI_BASE_ADDRESS_0, 4, map->addr[BAR_IO]);
		command |= PCI_COMMAND_IO;
	}
	if (map->mapped & memory) {
		config_write(n, PCI_BASE_ADDRESS_1, 4, map->addr[BAR_MEM]);
		config_write(n, PCI_BASE_ADDRESS_2, 4, map->addr[BAR_MSIX]);
		config_write(n, PCI_BASE_ADDRESS_3, 4,
			     map->addr[BAR_MSIX] >> 32);
		command |= PCI_COMMAND_MEMORY;
	}
	config_write(n, PCI_COMMAND, 2, command);
	return 0;
}

static uint32_t find_msix(unsigned int n)
{
	uint32_t at = config_read(n, PCI_CAPABILITY_LIST, 1);

	while (at && config_read(n, at, 1) != PCI_CAP_ID_MSIX)
		at = config_read(n, at + 1, 1);
	return at;
}

/* The function has its line; without one the device is not to pull it. */
static int irq(unsigned int n, struct kvpci_device_irq *irq)
{
	uint32_t command = config_read(n, PCI_COMMAND, 2) &
			   ~(PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	uint32_t msix = find_msix(n), control = 0;

	if (irq->gsi != KVPCI_GSI_NONE &&
	    irq->gsi != config_read(n, PCI_INTERRUPT_LINE, 1))
		return -EINVAL;
	if (irq->flags & KVPCI_IRQ_MASTER)
		command |= PCI_COMMAND_MASTER;
	if (irq->flags & KVPCI_IRQ_INTX_DISABLE || irq->gsi == KVPCI_GSI_NONE)
		command |= PCI_COMMAND_INTX_DISABLE;
	if (irq->flags & KVPCI_IRQ_MSIX_ENABLE)
		control |= PCI_MSIX_FLAGS_ENABLE;
	if (irq->flags & KVPCI_IRQ_MSIX_MASKALL)
		control |= PCI_MSIX_FLAGS_MASKALL;
	/* Two registers: nothing is sent in between. */
	config_write(n, msix + PCI_MSIX_FLAGS, 2,
		     control | PCI_MSIX_FLAGS_MASKALL);
	config_write(n, PCI_COMMAND, 2, command);
	config_write(n, msix + PCI_MSIX_FLAGS, 2, control);
	irq->pending = !!(config_read(n, PCI_STATUS, 2) &
			  PCI_STATUS_INTERRUPT);
	return 0;
}

static int bar_access(struct transport *t, struct kvpci_bar_access *access)
{
	return transport_user.access(t, access->bar, access->offset,
				     access->length, (uint64_t *)&access->value,
				     access->flags & KVPCI_ACCESS_WRITE);
}

static int device_ioctl(unsigned int n, unsigned long cmd, void *arg)
{
	struct transport *t = twin.devices[n];
	const struct kvpci_device_config_write *write = arg;
	const struct kvpci_device_ack *ack = arg;
	const struct kvpci_queue_fds *fds = arg;
	struct kvpci_queue_state *queue = arg;
	struct kvpci_device_state *state = arg;

	switch (cmd) {
	case KVPCI_DEVICE_MAP:
		return map(n, arg);
	case KVPCI_DEVICE_IRQ:
		return irq(n, arg);
	case KVPCI_BAR_ACCESS:
		return bar_access(t, arg);
	case KVPCI_DEVICE_ACK:
		return transport_user.ack(t, ack->kind, ack->queue);
	case KVPCI_DEVICE_FAIL:
		return transport_user.fail(t);
	case KVPCI_DEVICE_STATE:
		return transport_user.features(t, (uint64_t *)
					       state->driver_features);
	case KVPCI_DEVICE_CONFIG_WRITE:
		return transport_user.update(t, write->offset, write->length,
					     (void *)(uintptr_t)write->data);
	case KVPCI_QUEUE_FDS:
		return transport_user.queue_fds(t, fds->queue, fds->kick_fd,
						fds->call_fd);
	case KVPCI_QUEUE_STATE:
		return transport_user.queue_state(t, queue->queue, queue);
	default:
		return -ENOTTY;
	}
}

bool twin_ioctl(int fd, unsigned long cmd, void *arg, int *ret)
{
	if (!twin_has(fd))
		return false;
	if (fd != twin.fd)
		*ret = device_ioctl(index_of(fd), cmd, arg);
	else
		*ret = cmd == KVPCI_DEVICE_CREATE ? create(arg) : -ENOTTY;
	return true;
}

int twin_event(int fd, struct kvpci_event *event)
{
	return transport_user.event(twin.devices[index_of(fd)], event) ?
	       (int)event->kind : -EAGAIN;
}

void twin_settle(int fd, int call)
{
	struct pollfd p = { .fd = call, .events = POLLIN };
	uint64_t features[2];

	for (int ms = 0; poll(&p, 1, 0) == 1; ms++) {
		if (ms == SETTLE_MS)
			guest_die("a call eventfd was not taken");
		usleep(1000);
	}
	/* It was taken with the device's lock held: now that is free again. */
	transport_user.features(twin.devices[index_of(fd)], features);
}
