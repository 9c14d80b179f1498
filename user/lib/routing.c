// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The interrupt routes of a PC, set once when a VM is made.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include <kvpci/kvpci.h>

#define PIC_PINS	8
#define ISA_LINES	16
#define IOAPIC_PINS	24
#define MSI_GSI		24
#define MSI_WINDOW	0xfee00000U	/* where local APICs take messages */
#define NUM_ROUTES	(ISA_LINES + IOAPIC_PINS + 1)

struct routes {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry entries[NUM_ROUTES];
};

static void add_pin(struct routes *routes, uint32_t gsi, uint32_t chip,
		    uint32_t pin)
{
	struct kvm_irq_routing_entry *e = &routes->entries[routes->head.nr++];

	e->gsi = gsi;
	e->type = KVM_IRQ_ROUTING_IRQCHIP;
	e->u.irqchip.irqchip = chip;
	e->u.irqchip.pin = pin;
}

int libkvpci_default_routes(int kvm_vm_fd)
{
	struct kvm_irq_routing_entry *msi;
	struct routes routes;
	uint32_t i;

	memset(&routes, 0, sizeof(routes));
	for (i = 0; i < ISA_LINES; i++)
		add_pin(&routes, i, i < PIC_PINS ? KVM_IRQCHIP_PIC_MASTER :
			KVM_IRQCHIP_PIC_SLAVE, i % PIC_PINS);
	/* The timer is wired to pin 2; line 2 itself joins the two 8259s. */
	for (i = 0; i < IOAPIC_PINS; i++)
		if (i != 2)
			add_pin(&routes, i, KVM_IRQCHIP_IOAPIC, i ? i : 2);
	msi = &routes.entries[routes.head.nr++];
	msi->gsi = MSI_GSI;
	msi->type = KVM_IRQ_ROUTING_MSI;
	msi->u.msi.address_lo = MSI_WINDOW;
	return ioctl(kvm_vm_fd, KVM_SET_GSI_ROUTING, &routes) < 0 ? -errno : 0;
}
