// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's buses as seen from userspace. An address that nobody answers reads as
 * all ones, as on a PC.
 */
#include <string.h>

#include "access.h"
#include "machine.h"
#include "pci.h"
#include "vcpu.h"
#include "vm.h"

static bool serial_port(struct vm *vm, uint16_t port, uint8_t *data,
			unsigned int length, bool write)
{
	unsigned int i;

	if (port < SERIAL_PORT || port + length > SERIAL_PORT + SERIAL_PORTS)
		return false;
	for (i = 0; i < length; i++)
		serial_access(&vm->serial, port - SERIAL_PORT + i, &data[i],
			      write);
	return true;
}

void access_port(struct vcpu *vcpu, uint16_t port, uint8_t *data,
		 unsigned int length, bool write)
{
	struct vm *vm = vcpu->vm;
	enum exit_class class = EXIT_OTHER_IO;

	if (serial_port(vm, port, data, length, write))
		class = EXIT_SERIAL;
	else if (pci_bar_access(vm->pci, PCI_SPACE_IO, port, data, length,
				transport_direction(write), &class))
		;	/* it told the class */
	else if (power_access(vm, port, data, length, write))
		class = EXIT_POWER;
	else if (!write)
		memset(data, 0xff, length);
	exit_count(&vcpu->exits.accesses[class][write]);
}

void access_memory(struct vcpu *vcpu, uint64_t address, uint8_t *data,
		   unsigned int length, bool write)
{
	enum exit_class class = EXIT_OTHER_MMIO;
	struct vm *vm = vcpu->vm;
	bool answered;

	if (address >= ECAM_BASE && address + length <= ECAM_BASE + ECAM_SIZE) {
		class = EXIT_ECAM;
		answered = pci_config_access(vm->pci, (uint32_t)(address - ECAM_BASE),
					     data, length, transport_direction(write));
	} else {
		answered = pci_bar_access(vm->pci, PCI_SPACE_MEMORY, address, data,
					  length, transport_direction(write), &class);
	}
	if (!answered && !write)
		memset(data, 0xff, length);
	exit_count(&vcpu->exits.accesses[class][write]);
}
