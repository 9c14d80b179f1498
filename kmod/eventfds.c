// SPDX-License-Identifier: GPL-2.0-only
/*
 * The eventfds of a device's queues: kicks, which we signal, and calls, which
 * we wait for on the eventfd's own wait queue, as KVM's irqfd does.
 */
#include <linux/file.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/srcu.h>

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
	call->active = false;
	kvpci_irq_disarm(call);
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
static int replace(struct kvpci_device *device, u32 queue,
		   struct eventfd_ctx **kick, struct kvpci_call **call)
{
	struct kvpci_eventfds *fds = &device->fds[queue];
	struct kvpci_call *old;
	int err = 0;

	if (mutex_lock_killable(&device->fds_lock))
		return -EINTR;
	old = rcu_dereference_protected(fds->call,
					lockdep_is_held(&device->fds_lock));
	if (*call)
		err = call_prepare(*call, old);
	if (err)
		goto unlock;
	replace_call(fds, old, *call);
	*call = old;
	*kick = rcu_replace_pointer(fds->kick, *kick,
				    lockdep_is_held(&device->fds_lock));
	/* Only a doorbell under way can still use the old one. */
	if (*kick)
		synchronize_srcu_expedited(&device->vm->kvm->srcu);
unlock:
	mutex_unlock(&device->fds_lock);
	return err;
}

/* KVPCI_QUEUE_FDS */
long kvpci_queue_fds(void *object, void *arg)
{
	struct kvpci_device *device = object;
	const struct kvpci_queue_fds *fds = arg;
	struct eventfd_ctx *kick = NULL;
	struct kvpci_call *call = NULL;
	u32 queue = fds->queue;
	int err;

	if (fds->flags || fds->__reserved || queue >= device->core.num_queues)
		return -EINVAL;
	if (fds->kick_fd < -1 || fds->call_fd < -1)
		return -EBADF;
	queue = array_index_nospec(queue, device->core.num_queues);

	if (fds->kick_fd >= 0) {
		kick = eventfd_ctx_fdget(fds->kick_fd);
		if (IS_ERR(kick))
			return PTR_ERR(kick);
	}
	if (fds->call_fd >= 0) {
		call = call_create(device, queue, fds->call_fd);
		if (IS_ERR(call)) {
			err = PTR_ERR(call);
			call = NULL;
			goto put;
		}
	}
	/* Afterwards these are the old ones, or, after an error, still the new. */
	err = replace(device, queue, &kick, &call);
put:
	if (kick)
		eventfd_ctx_put(kick);
	if (call)
		call_free(call);
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
