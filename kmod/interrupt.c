// SPDX-License-Identifier: GPL-2.0-only
/*
 * From "the device wants to interrupt" to KVM's local and I/O APICs.
 *
 * Messages go to KVM's own delivery function, whose address an MSI route
 * carries: no route is needed for each vector, and no grace period when the
 * guest changes one.
 *
 * Each queue has a call. A signal of its eventfd comes with the lock of the
 * eventfd's wait queue held, and repeats what the core said of the last signal, as
 * long as device->epoch is what it was then; else it asks the core, under
 * device->lock. Whoever changes what the core would say counts the epoch on, and
 * then takes and releases the lock of each call that has a message to repeat: a
 * signal is before the change, and waited for, or after it, and sees the new epoch.
 *
 * A message is delivered where the eventfd is signalled, with interrupts off, only
 * if KVM finds its targets without a walk over all vCPUs. Otherwise, and for the
 * interrupt lines, whose locks may not be taken there, a work item does it.
 */
#include <linux/srcu.h>

#include "kvpci.h"
#include "trace.h"

/*
 * Not one of the system's: KVM's walk over all vCPUs may take long, and as often as
 * the guest likes.
 */
static struct workqueue_struct *wq;

int kvpci_irq_init(void)
{
	wq = alloc_workqueue("kvpci-irq", WQ_UNBOUND, 0);
	return wq ? 0 : -ENOMEM;
}

void kvpci_irq_exit(void)
{
	destroy_workqueue(wq);
}

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
	u64 address = vm->ext_dest_id ? kvpci_arch_ext_dest(msg->address) :
					msg->address;
	enum kvpci_dest dest = kvpci_arch_dest(vm->kvm, address);

	*route = (struct kvpci_route){
		.entry = {
			.type = KVM_IRQ_ROUTING_MSI,
			.set = dest == KVPCI_DEST_NOBODY ? set_nothing : vm->set_msi,
			.msi.address_lo = address,
			.msi.address_hi = address >> 32,
			.msi.data = msg->data,
		},
		.vector = msg->vector,
		.dest = dest,
	};
}

/* May @route be delivered with interrupts off? Asked before each delivery. */
static __always_inline bool may_deliver(const struct kvpci_device *device,
					const struct kvpci_route *route)
{
	return likely(kvpci_arch_finds(device->vm->kvm, route->dest)) ||
	       route->dest == KVPCI_DEST_NOBODY;
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

/**
 * kvpci_irq_sync_status() - make Status.Interrupt follow the registers
 * @device: the device; its lock is held
 *
 * This is done when they change, not when it is read: the guest may read without
 * our help.
 */
void kvpci_irq_sync_status(struct kvpci_device *device)
{
	/* Pairs with the release in ecam_add(). */
	struct kvpci_pci_config *cs = smp_load_acquire(&device->cs);

	lockdep_assert_held(&device->lock);
	if (cs)
		kvpci_pci_config_set_intx(cs, kvpci_core_intx_status(&device->core));
}

/* --- signals ---------------------------------------------------------------- */

static void count_unsent(struct kvpci_device *device, u8 verdict)
{
	if (verdict == KVPCI_IRQ_PEND)
		kvpci_count(device, KVPCI_COUNT_MSIX_PENDED);
	else if (verdict == KVPCI_IRQ_DROP)
		kvpci_count(device, KVPCI_COUNT_IRQS_DROPPED);
}

/* Return: true if call->route is to be delivered now. */
static bool decide_locked(struct kvpci_call *call)
{
	struct kvpci_device *device = call->device;
	struct kvpci_msg msg;

	lockdep_assert_held(&device->lock);
	call->verdict = kvpci_core_signal(&device->core, call->queue, &msg);
	call->epoch = device->epoch;
	switch (call->verdict) {
	case KVPCI_IRQ_SEND:
		make_route(device, &msg, &call->route);
		/* What KVM takes for an interrupt may change without us. */
		if (call->route.dest == KVPCI_DEST_NOBODY)
			call->epoch = 0;
		/* Before the lock is released: see await_calls(). */
		if (!test_and_set_bit(call->queue, device->armed))
			atomic_inc(&device->num_armed);
		if (may_deliver(device, &call->route))
			return true;
		kvpci_core_defer(&device->core, call->queue);
		queue_work(wq, &device->irq_work);
		return false;
	case KVPCI_IRQ_INTX:
		/* A read of ISR, which changes no decision, ends it. */
		call->epoch = 0;
		kvpci_irq_sync_status(device);
		queue_work(wq, &device->irq_work);
		return false;
	default:
		count_unsent(device, call->verdict);
		return false;
	}
}

/* Something has changed since the last signal, or KVM would have to walk. */
static noinline void decide(struct kvpci_call *call)
{
	struct kvpci_device *device = call->device;
	bool now;

	spin_lock(&device->lock);
	now = decide_locked(call);
	spin_unlock(&device->lock);
	if (now)
		deliver(device, &call->route);
}

static __always_inline void signal(struct kvpci_call *call)
{
	struct kvpci_device *device = call->device;

	lockdep_assert_held(&call->head->lock);
	kvpci_count(device, KVPCI_COUNT_CALLS);
	if (unlikely(call->epoch != READ_ONCE(device->epoch)))
		decide(call);
	else if (unlikely(call->verdict != KVPCI_IRQ_SEND))
		count_unsent(device, call->verdict);
	else if (likely(may_deliver(device, &call->route)))
		deliver(device, &call->route);
	else
		decide(call);
}

/**
 * kvpci_irq_signal() - a queue's backend wants to notify the driver
 * @call: the queue's call; the lock of its wait queue is held
 *
 * Context: interrupts are off.
 */
void kvpci_irq_signal(struct kvpci_call *call)
{
	signal(call);
}

/**
 * kvpci_irq_wakeup() - a backend has signalled a call eventfd
 * @wait: of a struct kvpci_call
 * @mode: not used
 * @sync: not used
 * @key: what happened to the eventfd
 *
 * Context: the eventfd's wait queue is locked, with interrupts off.
 *
 * Return: 0, so that others are woken too.
 */
int kvpci_irq_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync,
		     void *key)
{
	struct kvpci_call *call = container_of(wait, struct kvpci_call, wait);

	if (unlikely(!(key_to_poll(key) & EPOLLIN) || !call->active))
		return 0;
	eventfd_ctx_do_read(call->ctx, &call->count);
	signal(call);
	return 0;
}

/**
 * kvpci_irq_disarm() - a call has no message to send again
 * @call: the call, active; the lock of its wait queue is held
 */
void kvpci_irq_disarm(struct kvpci_call *call)
{
	struct kvpci_device *device = call->device;

	lockdep_assert_held(&call->head->lock);
	if (test_and_clear_bit(call->queue, device->armed))
		atomic_dec(&device->num_armed);
}

/*
 * Without the call's lock: the vector of a message that was decided on before the
 * change was written before it, under device->lock. One that is being written now
 * is decided on after the change.
 */
static bool may_have_vector(const struct kvpci_call *call, unsigned int vector)
{
	return READ_ONCE(call->route.vector) == vector;
}

/*
 * Waits for signals that were decided on before a change. A call that may be
 * sending by an older epoch has its bit in device->armed, since it was set under
 * device->lock before the change. The bit is cleared under the wait queue's lock
 * alone, when the call has to ask the core next: then no older message of it is on
 * its way, for whoever else is waiting too. It is the bit of the queue's active
 * call: the call that replaces this one may have set it, once this one has been
 * stopped.
 */
static void await_calls(struct kvpci_device *device, struct kvpci_effect effect)
{
	bool all = !(effect.bits & KVPCI_EFFECT_VECTOR_ONLY);
	struct kvpci_call *call;
	unsigned int queue;

	for_each_set_bit(queue, device->armed, device->core.num_queues) {
		rcu_read_lock();
		call = rcu_dereference(device->fds[queue].call);
		if (call && (all || may_have_vector(call, effect.arg))) {
			spin_lock_irq(&call->head->lock);
			if (call->active && call->epoch != READ_ONCE(device->epoch))
				kvpci_irq_disarm(call);
			spin_unlock_irq(&call->head->lock);
		}
		rcu_read_unlock();
		/* Each lock may be held for as long as others wait on the eventfd. */
		cond_resched();
	}
}

/**
 * kvpci_irq_await_slow() - kvpci_irq_await() where there may be something
 * @device: the device
 * @effect: as for kvpci_irq_await()
 *
 * What the work item sends after the message it is sending it has asked the core
 * for after the change.
 */
void kvpci_irq_await_slow(struct kvpci_device *device, struct kvpci_effect effect)
{
	await_calls(device, effect);
	if (unlikely(READ_ONCE(device->sending))) {
		mutex_lock(&device->send_lock);
		mutex_unlock(&device->send_lock);
	}
}

/* --- vectors that were pending ---------------------------------------------- */

/* Sends the message of a vector just taken, or leaves the vector to the work. */
static void send_locked(struct kvpci_device *device, const struct kvpci_msg *msg)
{
	struct kvpci_route route;

	lockdep_assert_held(&device->lock);
	make_route(device, msg, &route);
	if (may_deliver(device, &route)) {
		deliver(device, &route);
		return;
	}
	kvpci_core_pend(&device->core, msg->vector);
	queue_work(wq, &device->irq_work);
}

/**
 * kvpci_irq_send_vector() - send a pending vector
 * @device: the device; its lock is held, so that nothing overtakes the message
 * @vector: the vector, which may be sent
 */
void kvpci_irq_send_vector(struct kvpci_device *device, unsigned int vector)
{
	struct kvpci_msg msg;

	lockdep_assert_held(&device->lock);
	if (kvpci_core_next_pending(&device->core, vector, &msg) >= 0)
		send_locked(device, &msg);
}

/**
 * kvpci_irq_send_pending() - send what became sendable
 * @device: the device; its lock is not held
 *
 * It takes the lock anew for each vector: there may be 2,048 of them.
 */
void kvpci_irq_send_pending(struct kvpci_device *device)
{
	struct kvpci_msg msg;
	int vector = -1;

	do {
		kvpci_lock(device);
		vector = kvpci_core_next_pending(&device->core, vector + 1, &msg);
		if (vector >= 0)
			send_locked(device, &msg);
		kvpci_unlock(device);
		cond_resched();
	} while (vector >= 0);
}

/* --- the interrupt line ------------------------------------------------------ */

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
static void pull(struct kvpci_vm *vm, u32 gsi)
{
	lockdep_assert_held(&vm->line_lock);
	if (!vm->lines[gsi]++)
		set_pin(vm->kvm, gsi, 1);
}

static void let_go(struct kvpci_vm *vm, u32 gsi)
{
	lockdep_assert_held(&vm->line_lock);
	if (!--vm->lines[gsi])
		set_pin(vm->kvm, gsi, 0);
}

/* The line is KVM's, or the VMM's, who is told that there is something to ask for. */
static void set_level(struct kvpci_device *device, bool up)
{
	lockdep_assert_held(&device->vm->line_lock);
	if (device->line_raised == up)
		return;
	device->line_raised = up;
	if (up)
		kvpci_count(device, KVPCI_COUNT_INTX_RAISED);
	if (device->line_ctx)
		eventfd_signal(device->line_ctx);
	else if (up)
		pull(device->vm, device->gsi);
	else
		let_go(device->vm, device->gsi);
	trace_kvpci_intx(device->id, device->gsi, up);
}

static bool has_line(const struct kvpci_device *device)
{
	return READ_ONCE(device->gsi) != KVPCI_GSI_NONE ||
	       READ_ONCE(device->line_ctx);
}

static void sync_line_locked(struct kvpci_device *device)
{
	bool up;

	lockdep_assert_held(&device->vm->line_lock);
	if (!has_line(device))
		return;
	kvpci_lock(device);
	up = kvpci_core_intx(&device->core);
	kvpci_unlock(device);
	set_level(device, up);
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
	if (!has_line(device))
		return;
	mutex_lock(&device->vm->line_lock);
	sync_line_locked(device);
	mutex_unlock(&device->vm->line_lock);
}

/**
 * kvpci_irq_set_line() - connect the device to another line
 * @device: the device
 * @gsi: below KVPCI_NUM_LINES, or KVPCI_GSI_NONE
 * @ctx: by which the VMM, whose the line is, is told of it, or NULL; consumed
 */
void kvpci_irq_set_line(struct kvpci_device *device, u32 gsi,
			struct eventfd_ctx *ctx)
{
	mutex_lock(&device->vm->line_lock);
	if (device->gsi != gsi || device->line_ctx != ctx) {
		/* The VMM, who asks for it, need not be told that his line is free. */
		if (device->line_raised && !device->line_ctx)
			let_go(device->vm, device->gsi);
		device->line_raised = false;
		WRITE_ONCE(device->gsi, gsi);
		swap(device->line_ctx, ctx);
	}
	sync_line_locked(device);
	mutex_unlock(&device->vm->line_lock);
	/* The former one, or a second reference on the one that stays. */
	if (ctx)
		eventfd_ctx_put(ctx);
}

/* --- the work item ---------------------------------------------------------- */

/*
 * Each of these takes one thing to send, from number @from on, under device->lock.
 * Return: its number, or -1 if there is none. *@send says whether there is @msg.
 */

static int take_deferred(struct kvpci_device *device, unsigned int from,
			 struct kvpci_msg *msg, bool *send)
{
	int queue = kvpci_core_next_deferred(&device->core, from);
	enum kvpci_verdict verdict;

	*send = false;
	if (queue < 0)
		return -1;
	/* By now the vector may be masked, or MSI-X off. */
	verdict = kvpci_core_signal(&device->core, queue, msg);
	*send = verdict == KVPCI_IRQ_SEND;
	if (verdict == KVPCI_IRQ_INTX)
		kvpci_irq_sync_status(device);
	count_unsent(device, verdict);
	return queue;
}

static int take_pending(struct kvpci_device *device, unsigned int from,
			struct kvpci_msg *msg, bool *send)
{
	int vector = kvpci_core_next_pending(&device->core, from, msg);

	*send = vector >= 0;
	return vector;
}

/*
 * Once through all of one kind. Messages are sent without device->lock, since KVM
 * may walk over all vCPUs; whoever changes what they depend on waits for @sending:
 * see kvpci_irq_await().
 */
static void send_all(struct kvpci_device *device,
		     int (*take)(struct kvpci_device *device, unsigned int from,
				 struct kvpci_msg *msg, bool *send))
{
	struct kvpci_route route;
	struct kvpci_msg msg;
	int at = -1;
	bool send;

	do {
		mutex_lock(&device->send_lock);
		kvpci_lock(device);
		at = take(device, at + 1, &msg, &send);
		WRITE_ONCE(device->sending, send);
		kvpci_unlock(device);
		if (send) {
			make_route(device, &msg, &route);
			deliver(device, &route);
			/* Pairs with kvpci_irq_await(): the message is out. */
			smp_store_release(&device->sending, false);
		}
		mutex_unlock(&device->send_lock);
		cond_resched();
	} while (at >= 0);
}

/*
 * Whoever defers something while this runs has queued it again, so no stream of
 * signals keeps it running.
 */
void kvpci_irq_work(struct work_struct *work)
{
	struct kvpci_device *device =
		container_of(work, struct kvpci_device, irq_work);

	send_all(device, take_deferred);
	send_all(device, take_pending);
	kvpci_irq_sync_line(device);
}
