// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bus: which function's configuration space, or BAR, an access means. The
 * transport knows their content.
 *
 * One lock: accesses to configuration space take it for writing, which keeps vCPUs
 * apart; accesses to BARs take it for reading.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "pci.h"
#include "pci_place.h"
#include "report.h"
#include "transport.h"
#include "util.h"
#include "vm.h"

#define FUNCTION_SHIFT		12	/* ECAM: 4 KiB a function */
#define DEVICE_SLOTS		(PCI_SLOTS - 1)
#define INTX_PINS		4	/* INTA# to INTD# */

_Static_assert(DEVICE_SLOTS * PCI_FUNCTIONS == PCI_MAX_DEVICES,
	       "functions behind the empty slot");

/*
 * Slot 0, a host bridge's by custom, stays empty: firmware and kernel find the bus
 * in the tables of ACPI, and nothing drives a bridge. Devices are functions 0 of the
 * other slots, in the order they are added, then functions 1, and so on.
 */
struct pci {
	pthread_rwlock_t lock;
	struct pci_places places;
	unsigned int max_devices;
	unsigned int num_devices;
	struct transport *devices[PCI_MAX_DEVICES];
	bool complained;
};

int pci_create(struct vm *vm, unsigned int max_devices)
{
	struct pci *pci = calloc(1, sizeof(*pci));
	int err;

	if (!pci)
		return report_error(-ENOMEM, "PCI bus");
	vm->pci = pci;
	pthread_rwlock_init(&pci->lock, NULL);
	pci->max_devices = max_devices;
	err = pci_places_init(&pci->places, vm);
	return err;
}

void pci_free(struct vm *vm)
{
	struct pci *pci = vm->pci;

	if (!pci)
		return;
	pthread_rwlock_destroy(&pci->lock);
	free(pci);
	vm->pci = NULL;
}

void pci_window64(const struct pci *pci, uint64_t *first, uint64_t *last)
{
	*first = pci->places.mem64_first;
	*last = pci->places.mem64_last;
}

/* The device that is a function of the bus, or NULL. */
static struct transport *find_device(const struct pci *pci, uint32_t function)
{
	uint32_t slot = function / PCI_FUNCTIONS, n;

	if (slot == 0)
		return NULL;
	n = function % PCI_FUNCTIONS * DEVICE_SLOTS + slot - 1;
	return n < pci->num_devices ? pci->devices[n] : NULL;
}

/*
 * One access of 1, 2 or 4 bytes in one dword.
 *
 * Return: false if it is the VMM's.
 */
static bool config_access(struct pci *pci, uint32_t offset,
			  unsigned int length, uint32_t *value,
			  enum transport_direction direction)
{
	uint32_t function = offset >> FUNCTION_SHIFT;
	struct transport *t;
	int err;

	offset &= (1U << FUNCTION_SHIFT) - 1;
	t = find_device(pci, function);
	if (!t) {
		*value = ~0U;
		return true;
	}
	err = t->ops->pci_config(t, offset, length, value, direction, TRANSPORT_GUEST);
	if (err == -EOPNOTSUPP)
		return false;
	if (err && !pci->complained) {
		/* Once: a guest could cause it all day long. */
		pci->complained = true;
		report_error(err, "PCI function %02x.%u: configuration space",
			     function / PCI_FUNCTIONS,
			     function % PCI_FUNCTIONS);
	}
	return true;
}

bool pci_config_access(struct pci *pci, uint32_t offset, uint8_t *data,
		       unsigned int length, enum transport_direction direction)
{
	const bool write = direction == TRANSPORT_WRITE;
	uint32_t value = 0;
	bool done;

	/* Configuration accesses are 1, 2 or 4 bytes in one dword. */
	if (length > 4 || length == 3 || offset % 4 + length > 4) {
		if (!write)
			memset(data, 0xff, length);
		return true;
	}
	if (write)
		memcpy(&value, data, length);
	pthread_rwlock_wrlock(&pci->lock);
	done = config_access(pci, offset, length, &value, direction);
	pthread_rwlock_unlock(&pci->lock);
	if (done && !write)
		memcpy(data, &value, length);
	return done;
}

static enum exit_class classify(uint32_t region_type)
{
	static const enum exit_class classes[] = {
		[0] = EXIT_BAR_NONE,
		[KVPCI_REGION_COMMON] = EXIT_BAR_COMMON,
		[KVPCI_REGION_NOTIFY] = EXIT_BAR_NOTIFY,
		[KVPCI_REGION_ISR] = EXIT_BAR_ISR,
		[KVPCI_REGION_DEVICE] = EXIT_BAR_DEVICE,
		[KVPCI_REGION_MSIX_TABLE] = EXIT_BAR_MSIX_TABLE,
		[KVPCI_REGION_MSIX_PBA] = EXIT_BAR_MSIX_PBA,
		[KVPCI_REGION_SHM] = EXIT_BAR_NONE,
	};

	return classes[region_type];
}

/* Return: false if it is the VMM's. */
static bool device_access(struct transport *t,
			  const struct transport_place *place, uint8_t *data,
			  unsigned int length,
			  enum transport_direction direction)
{
	const bool write = direction == TRANSPORT_WRITE;
	uint64_t value = 0;

	if (write)
		memcpy(&value, data, length);
	/* An access that it refuses, such as one of three bytes, reads as zero. */
	if (t->ops->access(t, place->bar, place->offset, length, &value, direction,
			   TRANSPORT_GUEST) == -EOPNOTSUPP)
		return false;
	if (!write)
		memcpy(data, &value, length);
	return true;
}

bool pci_bar_access(struct pci *pci, enum pci_space space, uint64_t address,
		    uint8_t *data, unsigned int length,
		    enum transport_direction direction,
		    enum exit_class *class)
{
	const bool io = space == PCI_SPACE_IO;
	struct transport_place place;
	bool found = false, done = false;
	struct transport *t;
	unsigned int i;

	if (!pci_places_contain(&pci->places, io, address))
		return false;
	/* Between BARs, or where the module should have answered. */
	*class = EXIT_BAR_NONE;
	pthread_rwlock_rdlock(&pci->lock);
	for (i = 0; !found && i < pci->num_devices; i++) {
		t = pci->devices[i];
		found = t->ops->find &&
			t->ops->find(t, io, address, length, &place);
		if (!found)
			continue;
		*class = classify(place.type);
		done = device_access(t, &place, data, length, direction);
	}
	pthread_rwlock_unlock(&pci->lock);
	return done;
}

static int write_bar(struct transport *t, unsigned int bar, uint32_t value)
{
	return t->ops->pci_config(t, PCI_BASE_ADDRESS_0 + 4 * bar, 4, &value,
				  TRANSPORT_WRITE, TRANSPORT_VMM);
}

/*
 * As firmware leaves a function: BARs placed, and answering. From then on the module
 * finds them there, whether the guest switches them off or on.
 */
static int set_up(struct transport *t, const struct kvpci_bar *bars,
		  const uint64_t *addr, uint32_t gsi)
{
	uint32_t command = PCI_COMMAND_IO | PCI_COMMAND_MEMORY;
	unsigned int i;
	int err;

	err = t->ops->pci_config(t, PCI_INTERRUPT_LINE, 1, &gsi,
				 TRANSPORT_WRITE, TRANSPORT_VMM);
	for (i = 0; !err && i < KVPCI_NUM_BARS; i++) {
		if (bars[i].kind == KVPCI_BAR_NONE)
			continue;
		err = write_bar(t, i, (uint32_t)addr[i]);
		if (!err && bars[i].kind == KVPCI_BAR_MEM64)
			err = write_bar(t, i + 1, (uint32_t)(addr[i] >> 32));
	}
	if (!err)
		err = t->ops->pci_config(t, PCI_COMMAND, 2, &command,
					 TRANSPORT_WRITE, TRANSPORT_VMM);
	return err;
}

/* The nth device's function, and its pin: the DSDT has the line of each pin. */
static void choose_function(const struct pci *pci, unsigned int n,
			    struct kvpci_device_place *place)
{
	unsigned int slot = n % DEVICE_SLOTS + 1, function = n / DEVICE_SLOTS;
	unsigned int pin = function % INTX_PINS;

	place->function = slot * PCI_FUNCTIONS + function;
	/* Is function 1 of this slot going to be there? */
	if (n % DEVICE_SLOTS + DEVICE_SLOTS < pci->max_devices)
		place->flags |= KVPCI_PLACE_MULTIFUNCTION;
	place->intx_pin = 1 + pin;
	place->gsi = PCI_GSI_BASE + (slot + pin) % PCI_GSI_COUNT;
}

int pci_add(struct pci *pci, const struct kvpci_device_create *desc,
	    struct kvpci_device_place *place, struct transport *t)
{
	uint64_t addr[KVPCI_NUM_BARS];
	int err;

	if (pci->num_devices >= pci->max_devices) {
		report("too many devices: the PCI bus holds %u",
		       pci->max_devices);
		return -ENOSPC;
	}
	err = pci_place(&pci->places, desc->bars, addr);
	if (err)
		return err;
	choose_function(pci, pci->num_devices, place);
	err = t->ops->place(t, place);
	if (!err)
		err = set_up(t, desc->bars, addr, place->gsi);
	if (err)
		return report_error(err, "%s: cannot put it on the PCI bus",
				    (const char *)desc->name);
	pci->devices[pci->num_devices++] = t;
	return 0;
}
