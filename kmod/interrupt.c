// SPDX-License-Identifier: GPL-2.0-only
/*
 * From "the device wants to interrupt" to KVM's local and I/O APICs.
 *
 * Messages go to KVM's own delivery function, whose address an MSI route
 * carries: no route is needed for each vector, and no grace period when the
 * guest changes one. Messages are delivered on the spot, with device->lock held,
 * so that once a mask write has returned nothing is sent. What a queue sent last
 * is kept, and sent again without asking the core, until somebody writes to the
 * device: see kvpci_lock(). Broadcasts, for which KVM walks all vCPUs, and the
 * interrupt lines, whose locks may not be taken where an eventfd is signalled,
 * are left to a work item.
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

/* Nobody listens there. */
static int set_nothing(struct kvm_kernel_irq_routing_entry *entry,
		       struct kvm *kvm, int irq_source_id, int level,
		       bool line_status)
{
	return -1;
}

static void make_route(const struct kvpci_device *device,
		       const struct kvpci_msg *msg, struct kvpci_route *route)
{
	const struct kvpci_vm *vm = device->vm;

	*route = (struct kvpci_route){
		.entry = {
			.type = KVM_IRQ_ROUTING_MSI,
			.set = is_interrupt(vm->kvm, msg->address) ?
			       vm->set_msi : set_nothing,
			.msi.address_lo = msg->address,
			.msi.address_hi = msg->address >> 32,
			.msi.data = msg->data,
		},
		.vector = msg->vector,
	};
}

static __always_inline void deliver(struct kvpci_device *device,
				    struct kvpci_route *route)
{
	struct kvm_kernel_irq_routing_entry *entry = &route->entry;
	int got;

	got = entry->set(entry, device->vm->kvm, KVM_USERSPACE_IRQ_SOURCE_ID, 1,
			 false);
	if (likely(got >= 0))
		kvpci_count(device, KVPCI_COUNT_MSIX_SENT);
	else
		kvpci_count(device, KVPCI_COUNT_IRQS_DROPPED);
	trace_kvpci_msi(device, route, got >= 0);
}

/*
 * Does KVM have to walk all vCPUs? Any other message is for at most 16, whom
 * it finds in its map.
 */
static bool is_broadcast(const struct kvpci_msg *msg)
{
	return ((u32)msg->address >> 12 & 0xff) == 0xff;
}

/* Return: true if @route can be sent again as long as nothing changes. */
static bool send(struct kvpci_device *device, const struct kvpci_msg *msg,
		 struct kvpci_route *route)
{
	lockdep_assert_held_write(&device->lock);
	if (unlikely(is_broadcast(msg))) {
		__set_bit(msg->vector, device->deferred);
		schedule_work(&device->irq_work);
		return false;
	}
	make_route(device, msg, route);
	deliver(device, route);
	/* What KVM takes for an interrupt may change without us. */
	return route->entry.set != set_nothing;
}

/**
 * kvpci_irq_send() - send a message now, or soon
 * @device: the device; its lock is held
 * @msg: the message
 */
void kvpci_irq_send(struct kvpci_device *device, const struct kvpci_msg *msg)
{
	struct kvpci_route route;

	send(device, msg, &route);
}

/* Return: true if a message was sent, and @route can be sent again. */
static bool signal_locked(struct kvpci_device *device, u32 source,
			  struct kvpci_route *route)
{
	struct kvpci_msg msg;

	lockdep_assert_held_write(&device->lock);
	switch (kvpci_core_signal(&device->core, source, &msg)) {
	case KVPCI_IRQ_SEND:
		return send(device, &msg, route);
	case KVPCI_IRQ_PEND:
		kvpci_count(device, KVPCI_COUNT_MSIX_PENDED);
		break;
	case KVPCI_IRQ_INTX:
		kvpci_irq_sync_status(device);
		schedule_work(&device->irq_work);
		break;
	case KVPCI_IRQ_DROP:
		kvpci_count(device, KVPCI_COUNT_IRQS_DROPPED);
		break;
	}
	return false;
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
	struct kvpci_route route;

	kvpci_count(device, KVPCI_COUNT_CALLS);
	kvpci_lock(device);
	signal_locked(device, source, &route);
	kvpci_unlock(device);
}

/* The first signal since something changed: is its message to be sent? */
static noinline void decide(struct kvpci_call *call)
{
	struct kvpci_device *device = call->device;

	/* Not kvpci_lock(): nothing changes that others have decided on. */
	write_lock(&device->lock);
	if (signal_locked(device, call->source, &call->route))
		call->epoch = device->epoch;
	write_unlock(&device->lock);
}

/**
 * kvpci_irq_wakeup() - a backend has signalled a call eventfd
 * @wait: of a struct kvpci_call
 * @mode: not used
 * @sync: not used
 * @key: what happened to the eventfd
 *
 * What was sent last is sent again if nothing has changed since.
 *
 * Context: the eventfd's wait queue is locked, with interrupts off.
 *
 * Return: 0, so that others are woken too.
 */
int kvpci_irq_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync,
		     void *key)
{
	struct kvpci_call *call = container_of(wait, struct kvpci_call, wait);
	struct kvpci_device *device = call->device;

	if (!(key_to_poll(key) & EPOLLIN))
		return 0;
	eventfd_ctx_do_read(call->ctx, &call->count);
	kvpci_count(device, KVPCI_COUNT_CALLS);

	read_lock(&device->lock);
	if (likely(call->epoch == device->epoch)) {
		deliver(device, &call->route);
		read_unlock(&device->lock);
		return 0;
	}
	read_unlock(&device->lock);
	decide(call);
	return 0;
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
		kvpci_lock(device);
		vector = kvpci_core_next_pending(&device->core, vector + 1, &msg);
		if (vector >= 0)
			kvpci_irq_send(device, &msg);
		kvpci_unlock(device);
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
	read_lock_irq(&device->lock);
	raise = kvpci_core_intx(&device->core);
	read_unlock_irq(&device->lock);
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
	struct kvpci_route route;
	struct kvpci_msg msg;
	unsigned int vector;

	kvpci_lock(device);
	vector = find_next_bit(device->deferred, KVPCI_MAX_VECTORS, from);
	if (vector < KVPCI_MAX_VECTORS) {
		__clear_bit(vector, device->deferred);
		device->sending = kvpci_core_raise(&device->core, vector, &msg) ==
				  KVPCI_IRQ_SEND;
	}
	kvpci_unlock(device);

	if (device->sending) {
		make_route(device, &msg, &route);
		deliver(device, &route);
	}
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
