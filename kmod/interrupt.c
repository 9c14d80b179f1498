// SPDX-License-Identifier: GPL-2.0-only
/*
 * From "the device wants to interrupt" to KVM's local and I/O APICs.
 *
 * Messages go to KVM's own delivery function, whose address an MSI route
 * carries: no route is needed for each vector, and no grace period when the
 * guest changes one. Messages are delivered on the spot, with device->lock held,
 * so that once a mask write has returned nothing is sent. Broadcasts, for which
 * KVM walks all vCPUs, and the interrupt lines, whose locks may not be taken
 * where an eventfd is signalled, are left to a work item.
 */
#include <linux/srcu.h>

#include "kvpci.h"
#include "trace.h"

#define MSI_WINDOW_MASK		0xfff00000U
#define MSI_WINDOW		0xfee00000U	/* of address bits 31:0 */

/**
 * kvpci_irq_find_set_msi() - how this VM delivers a message
 * @kvm: the VM
 *
 * Return: the function, or NULL if the VM has no MSI route to learn it from.
 */
kvpci_set_msi_t kvpci_irq_find_set_msi(struct kvm *kvm)
{
	struct kvm_kernel_irq_routing_entry *entry;
	struct kvm_irq_routing_table *table;
	kvpci_set_msi_t set_msi = NULL;
	u32 gsi;
	int idx;

	idx = srcu_read_lock(&kvm->irq_srcu);
	table = srcu_dereference(kvm->irq_routing, &kvm->irq_srcu);
	for (gsi = 0; table && gsi < table->nr_rt_entries; gsi++)
		hlist_for_each_entry(entry, &table->map[gsi], link)
			if (entry->type == KVM_IRQ_ROUTING_MSI)
				set_msi = entry->set;
	srcu_read_unlock(&kvm->irq_srcu, idx);
	return set_msi;
}

/**
 * kvpci_irq_init() - ready to send messages
 * @device: the device, with its VM
 */
void kvpci_irq_init(struct kvpci_device *device)
{
	device->msi = (struct kvm_kernel_irq_routing_entry) {
		.type = KVM_IRQ_ROUTING_MSI,
		.set = device->vm->set_msi,
	};
}

/*
 * Is the address one at which a local APIC listens? Elsewhere a message is a
 * write to memory, and we do not write to memory. With the extended format KVM
 * looks at the upper half itself.
 */
static bool is_interrupt(const struct kvm *kvm, u64 address)
{
	return ((u32)address & MSI_WINDOW_MASK) == MSI_WINDOW &&
	       (!(address >> 32) || kvm->arch.x2apic_format);
}

static void deliver(struct kvpci_device *device,
		    struct kvm_kernel_irq_routing_entry *entry,
		    const struct kvpci_msg *msg)
{
	struct kvm *kvm = device->vm->kvm;
	bool sent = false;

	entry->msi.address_lo = msg->address;
	entry->msi.address_hi = msg->address >> 32;
	entry->msi.data = msg->data;
	if (is_interrupt(kvm, msg->address))
		sent = entry->set(entry, kvm, KVM_USERSPACE_IRQ_SOURCE_ID, 1,
				  false) >= 0;
	kvpci_count(device, sent ? KVPCI_COUNT_MSIX_SENT :
				   KVPCI_COUNT_IRQS_DROPPED);
	trace_kvpci_msi(device->id, msg->vector, msg->address, msg->data, sent);
}

/*
 * Does KVM have to walk all vCPUs? Any other message is for at most 16, whom
 * it finds in its map.
 */
static bool is_broadcast(const struct kvpci_msg *msg)
{
	return ((u32)msg->address >> 12 & 0xff) == 0xff;
}

/**
 * kvpci_irq_send() - send a message now, or soon
 * @device: the device; its lock is held
 * @msg: the message
 */
void kvpci_irq_send(struct kvpci_device *device, const struct kvpci_msg *msg)
{
	lockdep_assert_held(&device->lock);
	if (likely(!is_broadcast(msg))) {
		deliver(device, &device->msi, msg);
		return;
	}
	__set_bit(msg->vector, device->deferred);
	schedule_work(&device->irq_work);
}

static __always_inline void signal_locked(struct kvpci_device *device,
					  u32 source)
{
	struct kvpci_msg msg;

	lockdep_assert_held(&device->lock);
	switch (kvpci_core_signal(&device->core, source, &msg)) {
	case KVPCI_IRQ_SEND:
		kvpci_irq_send(device, &msg);
		break;
	case KVPCI_IRQ_PEND:
		kvpci_count(device, KVPCI_COUNT_MSIX_PENDED);
		break;
	case KVPCI_IRQ_INTX:
		kvpci_config_sync_intx(device);
		schedule_work(&device->irq_work);
		break;
	case KVPCI_IRQ_DROP:
		kvpci_count(device, KVPCI_COUNT_IRQS_DROPPED);
		break;
	}
}

/**
 * kvpci_irq_signal() - the device wants to notify the driver
 * @device: the device
 * @source: a queue, or KVPCI_SOURCE_CONFIG
 *
 * Context: interrupts are on.
 */
void kvpci_irq_signal(struct kvpci_device *device, u32 source)
{
	kvpci_count(device, KVPCI_COUNT_CALLS);
	spin_lock_irq(&device->lock);
	signal_locked(device, source);
	spin_unlock_irq(&device->lock);
}

/**
 * kvpci_irq_signal_wakeup() - the same from the wake-up of an eventfd
 * @device: the device
 * @source: a queue, or KVPCI_SOURCE_CONFIG
 *
 * Context: an eventfd's wait queue is locked, with interrupts off.
 */
void kvpci_irq_signal_wakeup(struct kvpci_device *device, u32 source)
{
	kvpci_count(device, KVPCI_COUNT_CALLS);
	spin_lock(&device->lock);
	signal_locked(device, source);
	spin_unlock(&device->lock);
}

/**
 * kvpci_irq_settle() - wait for a message on its way
 * @device: the device; its lock is not held
 *
 * After a vector was masked, or the device reset: broadcasts are not sent
 * under the lock, so one may have been overtaken.
 */
void kvpci_irq_settle(struct kvpci_device *device)
{
	if (unlikely(READ_ONCE(device->sending)))
		flush_work(&device->irq_work);
}

/**
 * kvpci_irq_send_pending() - send what became sendable
 * @device: the device; its lock is not held
 *
 * Takes the lock anew for each vector: there may be 2,048 of them.
 */
void kvpci_irq_send_pending(struct kvpci_device *device)
{
	struct kvpci_msg msg;
	int vector = -1;

	do {
		spin_lock_irq(&device->lock);
		vector = kvpci_core_next_pending(&device->core, vector + 1, &msg);
		if (vector >= 0)
			kvpci_irq_send(device, &msg);
		spin_unlock_irq(&device->lock);
	} while (vector >= 0);
}

/* The same as kvm_set_irq(), which is not exported. */
static void set_pin(struct kvm *kvm, u32 gsi, int level)
{
	struct kvm_kernel_irq_routing_entry entries[KVM_NR_IRQCHIPS];
	struct kvm_kernel_irq_routing_entry *entry;
	struct kvm_irq_routing_table *table;
	unsigned int i, num = 0;
	int idx;

	idx = srcu_read_lock(&kvm->irq_srcu);
	table = srcu_dereference(kvm->irq_routing, &kvm->irq_srcu);
	if (table && gsi < table->nr_rt_entries)
		hlist_for_each_entry(entry, &table->map[gsi], link)
			/* Other types care who calls them. */
			if (entry->type == KVM_IRQ_ROUTING_IRQCHIP &&
			    num < ARRAY_SIZE(entries))
				entries[num++] = *entry;
	srcu_read_unlock(&kvm->irq_srcu, idx);

	for (i = 0; i < num; i++)
		entries[i].set(&entries[i], kvm, KVM_USERSPACE_IRQ_SOURCE_ID,
			       level, false);
}

/* Lines are shared: a line is up as long as anyone pulls it. */
static void pull_line(struct kvpci_device *device, bool raise)
{
	struct kvpci_vm *vm = device->vm;

	lockdep_assert_held(&vm->line_lock);
	if (raise == device->line_raised)
		return;
	device->line_raised = raise;
	if (raise) {
		kvpci_count(device, KVPCI_COUNT_INTX_RAISED);
		if (!vm->lines[device->gsi]++)
			set_pin(vm->kvm, device->gsi, 1);
	} else {
		if (!--vm->lines[device->gsi])
			set_pin(vm->kvm, device->gsi, 0);
	}
	trace_kvpci_intx(device->id, device->gsi, raise);
}

static void sync_line_locked(struct kvpci_device *device)
{
	bool raise;

	lockdep_assert_held(&device->vm->line_lock);
	if (device->gsi == KVPCI_GSI_NONE)
		return;
	spin_lock_irq(&device->lock);
	raise = kvpci_core_intx(&device->core);
	spin_unlock_irq(&device->lock);
	pull_line(device, raise);
}

/**
 * kvpci_irq_sync_line() - make the interrupt line follow the registers
 * @device: the device
 *
 * Context: may sleep.
 */
void kvpci_irq_sync_line(struct kvpci_device *device)
{
	/* Most devices use MSI-X and never touch their line. */
	if (READ_ONCE(device->gsi) == KVPCI_GSI_NONE)
		return;
	mutex_lock(&device->vm->line_lock);
	sync_line_locked(device);
	mutex_unlock(&device->vm->line_lock);
}

/**
 * kvpci_irq_set_line() - connect the device to another line
 * @device: the device
 * @gsi: below KVPCI_NUM_LINES, or KVPCI_GSI_NONE
 */
void kvpci_irq_set_line(struct kvpci_device *device, u32 gsi)
{
	mutex_lock(&device->vm->line_lock);
	if (device->gsi != gsi) {
		pull_line(device, false);
		WRITE_ONCE(device->gsi, gsi);
	}
	sync_line_locked(device);
	mutex_unlock(&device->vm->line_lock);
}

/* The first deferred message from vector @from on; its vector, if there is one. */
static unsigned int send_deferred(struct kvpci_device *device, unsigned int from)
{
	struct kvm_kernel_irq_routing_entry entry = device->msi;
	struct kvpci_msg msg;
	unsigned int vector;

	spin_lock_irq(&device->lock);
	vector = find_next_bit(device->deferred, KVPCI_MAX_VECTORS, from);
	if (vector < KVPCI_MAX_VECTORS) {
		__clear_bit(vector, device->deferred);
		device->sending = kvpci_core_raise(&device->core, vector, &msg) ==
				  KVPCI_IRQ_SEND;
	}
	spin_unlock_irq(&device->lock);

	if (device->sending)
		deliver(device, &entry, &msg);
	WRITE_ONCE(device->sending, false);
	return vector;
}

/*
 * Once through the vectors. Whoever defers one meanwhile has queued us again, so
 * no stream of broadcasts keeps us running, and others waiting for our end.
 */
void kvpci_irq_work(struct work_struct *work)
{
	struct kvpci_device *device =
		container_of(work, struct kvpci_device, irq_work);
	unsigned int vector = 0;

	while ((vector = send_deferred(device, vector)) < KVPCI_MAX_VECTORS) {
		vector++;
		cond_resched();
	}
	kvpci_irq_sync_line(device);
}
