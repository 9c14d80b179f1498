// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that is a function of a PCI bus: making one, and its configuration
 * space as guest and VMM access it.
 */
#include <linux/pci_regs.h>

#include "function.h"

int place_vendor(int dev, uint32_t function, uint32_t class_code, uint32_t pin,
		 uint32_t gsi, const void *data, uint32_t length)
{
	struct kvpci_device_place p = {
		.function = function,
		.class_code = class_code, .intx_pin = pin, .gsi = gsi,
		.vendor_data = (uintptr_t)data, .vendor_length = length,
	};

	return libkvpci_device_place(dev, &p);
}

int place(int dev, uint32_t function, uint32_t class_code, uint32_t pin,
	  uint32_t gsi)
{
	return place_vendor(dev, function, class_code, pin, gsi, NULL, 0);
}

void function_create(struct machine *m, const struct machine_ops *ops,
		     struct device_desc *desc, const void *vendor,
		     uint32_t length)
{
	int err;

	machine_open(m, 1, ops);
	err = ops->create_function(m, desc, vendor, length);
	if (err)
		guest_die("creation of the function: %d", err);
	machine_fds(m);
}

uint64_t at_function(uint32_t function, uint32_t offset)
{
	return ECAM_ADDR + ((uint64_t)function << 12) + offset;
}

uint32_t cfg_rd(struct machine *m, uint32_t offset, unsigned int width)
{
	return guest_read(&m->g, at_function(OURS, offset), width);
}

unsigned int cfg_wr(struct machine *m, uint32_t offset, unsigned int width,
		    uint32_t value)
{
	struct guest_vcpu *vcpu = &m->g.vcpu[0];
	unsigned int exits;

	guest_write(&m->g, at_function(OURS, offset), width, value);
	exits = vcpu->exits;
	for (unsigned int i = 0; i < exits; i++) {
		const struct guest_exit *e = &vcpu->exit[i];

		if (m->ops->pci_config_write(m, e->addr & 0xfff, e->width, e->value))
			guest_die("a write of configuration space");
	}
	return exits;
}

uint32_t find_cap(struct machine *m, uint8_t id, uint8_t type, int nth)
{
	uint32_t at = cfg_rd(m, PCI_CAPABILITY_LIST, 1);

	for (int i = 0; at && i < 48; i++) {
		if (cfg_rd(m, at, 1) == id &&
		    (!type || cfg_rd(m, at + 3, 1) == type) && !nth--)
			return at;
		at = cfg_rd(m, at + 1, 1);
	}
	return 0;
}

unsigned int set_up(struct machine *m)
{
	unsigned int exits = 0;

	exits += cfg_wr(m, BAR(0), 4, IO_BASE);
	exits += cfg_wr(m, BAR(1), 4, MEM_BASE);
	exits += cfg_wr(m, BAR(2), 4, (uint32_t)MSIX_BASE);
	exits += cfg_wr(m, BAR(3), 4, MSIX_BASE >> 32);
	exits += cfg_wr(m, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
			PCI_COMMAND_MASTER);
	return exits;
}
