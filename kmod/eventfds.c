// SPDX-License-Identifier: GPL-2.0-only
/*
 * The eventfds of a device's queues: kicks, which we signal, and calls, which
 * we wait for on the eventfd's own wait queue, as KVM's irqfd does.
 */
#include <linux/file.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include "kvpci.h"

/* Each call has cache lines of its own, which kmalloc() would not promise. */
static struct kmem_cache *calls;

int kvpci_eventfds_init(void)
{
	calls = KMEM_CACHE(kvpci_call, SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT);
	return calls ? 0 : -ENOMEM;
}

void kvpci_eventfds_exit(void)
{
	rcu_barrier();	/* call_free_rcu() */
	kmem_cache_destroy(calls);
}

/*
 * One call eventfd, one queue, whichever device or VM it belongs to: each wait is
 * a delivery with interrupts off for whoever signals it.
 */
static bool in_use(struct kvpci_call *call, wait_queue_head_t *head)
{
	wait_queue_entry_t *wait;

	lockdep_assert_held(&head->lock);
	list_for_each_entry(wait, &head->head, entry)
		if (wait->func == kvpci_irq_wakeup &&
		    container_of(wait, struct kvpci_call, wait) != call->replaces)
			return true;
	return false;
}

static void call_attach(struct file *file, wait_queue_head_t *head,
			poll_table *table)
{
	struct kvpci_call *call = container_of(table, struct kvpci_call, table);

	spin_lock_irq(&head->lock);
	if (!in_use(call, head)) {
		__add_wait_queue(head, &call->wait);
		call->head = head;
	}
	spin_unlock_irq(&head->lock);
}

static struct kvpci_call *call_create(struct kvpci_device *device, u32 queue,
				      int fd)
{
	struct kvpci_call *call;
	int err;

	call = kmem_cache_zalloc(calls, GFP_KERNEL_ACCOUNT);
	if (!call)
		return ERR_PTR(-ENOMEM);
	call->device = device;
	call->queue = queue;
	call->file = eventfd_fget(fd);
	if (IS_ERR(call->file)) {
		err = PTR_ERR(call->file);
		goto free;
	}
	call->ctx = eventfd_ctx_fileget(call->file);
	if (IS_ERR(call->ctx)) {
		err = PTR_ERR(call->ctx);
		goto put_file;
	}
	init_waitqueue_func_entry(&call->wait, kvpci_irq_wakeup);
	init_poll_funcptr(&call->table, call_attach);
	return call;

put_file:
	fput(call->file);
free:
	kmem_cache_free(calls, call);
	return ERR_PTR(err);
}

/* Waits on the eventfd. Its signals still belong to @replaces, if that has it, too. */
static int call_prepare(struct kvpci_call *call, const struct kvpci_call *replaces)
{
	call->replaces = replaces;
	vfs_poll(call->file, &call->table);
	return call->head ? 0 : -EBUSY;
}

/* From here on interrupts arrive; one may have been asked for before. */
static void call_start(struct kvpci_call *call)
{
	spin_lock_irq(&call->head->lock);
	call->active = true;
	call->replaces = NULL;
	eventfd_ctx_do_read(call->ctx, &call->count);
	if (call->count)
		kvpci_irq_signal(call);
	spin_unlock_irq(&call->head->lock);
}

/*
 * When it returns the wake-up is not running and will not run again. The counter
 * stays as it is, for whoever waits for the eventfd next.
 */
static void call_stop(struct kvpci_call *call)
{
	spin_lock_irq(&call->head->lock);
	/* Until it has begun the queue's bit is that of the call which it replaces. */
	if (call->active)
		kvpci_irq_disarm(call);
	call->active = false;
	__remove_wait_queue(call->head, &call->wait);
	spin_unlock_irq(&call->head->lock);
}

static void call_free_rcu(struct rcu_head *rcu)
{
	struct kvpci_call *call = container_of(rcu, struct kvpci_call, rcu);

	eventfd_ctx_put(call->ctx);
	kmem_cache_free(calls, call);
}

static void call_free(struct kvpci_call *call)
{
	fput(call->file);
	/* Whoever passes over the device's calls may be about to take its lock. */
	call_rcu(&call->rcu, call_free_rcu);
}

/* What a queue is to have; once it has that, what it had. Either may be NULL. */
struct change {
	struct eventfd_ctx *kick;
	struct kvpci_call *call;
};

/* Return: 0, or an error, and then there may be something in @change. */
static int change_get(struct change *change, struct kvpci_device *device, u32 queue,
		      const struct kvpci_fd_pair *pair)
{
	struct eventfd_ctx *kick;
	struct kvpci_call *call;

	if (pair->kick_fd < -1 || pair->call_fd < -1)
		return -EBADF;
	if (pair->kick_fd >= 0) {
		kick = eventfd_ctx_fdget(pair->kick_fd);
		if (IS_ERR(kick))
			return PTR_ERR(kick);
		change->kick = kick;
	}
	if (pair->call_fd >= 0) {
		call = call_create(device, queue, pair->call_fd);
		if (IS_ERR(call))
			return PTR_ERR(call);
		change->call = call;
	}
	return 0;
}

static void change_put(struct change *change)
{
	if (change->kick)
		eventfd_ctx_put(change->kick);
	if (change->call)
		call_free(change->call);
}

/* The queues' own; fds_lock is held, and the queues are there. */
static struct kvpci_eventfds *fds_of(struct kvpci_device *device, u32 queue)
{
	lockdep_assert_held(&device->fds_lock);
	return &device->fds[array_index_nospec(queue, device->core.num_queues)];
}

static struct kvpci_call *call_of(struct kvpci_device *device, u32 queue)
{
	return rcu_dereference_protected(fds_of(device, queue)->call,
					 lockdep_is_held(&device->fds_lock));
}

/* All new calls wait on their eventfds, or none does. */
static int prepare(struct kvpci_device *device, struct change *changes, u32 first,
		   u32 count)
{
	int err = 0;
	u32 i;

	for (i = 0; i < count; i++) {
		if (!changes[i].call)
			continue;
		err = call_prepare(changes[i].call, call_of(device, first + i));
		if (err)
			break;
	}
	while (err && i--)
		if (changes[i].call)
			call_stop(changes[i].call);
	return err;
}

static void replace_call(struct kvpci_eventfds *fds, struct kvpci_call *old,
			 struct kvpci_call *new)
{
	if (old)
		call_stop(old);
	rcu_assign_pointer(fds->call, new);
	if (new)
		call_start(new);
}

/* Return: 0, or -EBUSY or -EINTR, and then nothing has changed. */
static int replace(struct kvpci_device *device, struct change *changes, u32 first,
		   u32 count)
{
	struct kvpci_eventfds *fds;
	struct kvpci_call *old;
	bool may_ring = false;
	int err;
	u32 i;

	if (mutex_lock_killable(&device->fds_lock))
		return -EINTR;
	err = prepare(device, changes, first, count);
	for (i = 0; !err && i < count; i++) {
		fds = fds_of(device, first + i);
		old = call_of(device, first + i);
		replace_call(fds, old, changes[i].call);
		changes[i].call = old;
		changes[i].kick = rcu_replace_pointer(fds->kick, changes[i].kick,
						      lockdep_is_held(&device->fds_lock));
		may_ring |= !!changes[i].kick;
	}
	/* Only a doorbell under way can still use the old ones. */
	if (!err && may_ring)
		synchronize_srcu_expedited(&device->vm->kvm->srcu);
	mutex_unlock(&device->fds_lock);
	return err;
}

/* Copies the pairs and takes what they name, into zeroed @changes. */
static int get_changes(struct kvpci_device *device, struct change *changes,
		       const struct kvpci_queue_fds *fds)
{
	const void __user *from = u64_to_user_ptr(fds->pairs);
	struct kvpci_fd_pair pair;
	int err;
	u32 i;

	for (i = 0; i < fds->count; i++, from += fds->entry_size) {
		err = copy_struct_from_user(&pair, sizeof(pair), from, fds->entry_size);
		if (!err)
			err = change_get(&changes[i], device, fds->first + i, &pair);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

/* KVPCI_QUEUE_FDS */
long kvpci_queue_fds(void *object, void *arg)
{
	const u32 first_size = offsetofend(struct kvpci_fd_pair, call_fd);
	struct kvpci_device *device = object;
	const struct kvpci_queue_fds *fds = arg;
	struct change *changes;
	int err;
	u32 i;

	if (fds->flags || fds->__reserved || !fds->count ||
	    fds->first >= device->core.num_queues ||
	    fds->count > device->core.num_queues - fds->first ||
	    fds->entry_size < first_size || fds->entry_size % 8)
		return -EINVAL;
	if (fds->entry_size > PAGE_SIZE)
		return -E2BIG;
	changes = kvcalloc(fds->count, sizeof(*changes), GFP_KERNEL_ACCOUNT);
	if (!changes)
		return -ENOMEM;
	err = get_changes(device, changes, fds);
	if (!err)
		err = replace(device, changes, fds->first, fds->count);
	for (i = 0; i < fds->count; i++)
		change_put(&changes[i]);
	kvfree(changes);
	return err;
}

/**
 * kvpci_eventfds_stop() - interrupts end, and call eventfds are let go of
 * @device: the device, to which no file leads any more; handlers may run
 */
void kvpci_eventfds_stop(struct kvpci_device *device)
{
	struct kvpci_call *call;
	u32 i;

	for (i = 0; i < device->core.num_queues; i++) {
		call = rcu_dereference_protected(device->fds[i].call, true);
		if (!call)
			continue;
		call_stop(call);
		RCU_INIT_POINTER(device->fds[i].call, NULL);
		call_free(call);
	}
}

/**
 * kvpci_eventfds_release() - let go of the eventfds that doorbells use
 * @device: the device, which nobody uses any more
 */
void kvpci_eventfds_release(struct kvpci_device *device)
{
	struct eventfd_ctx *kick;
	u32 i;

	for (i = 0; i < device->core.num_queues; i++) {
		kick = rcu_dereference_protected(device->fds[i].kick, true);
		if (kick)
			eventfd_ctx_put(kick);
	}
}
