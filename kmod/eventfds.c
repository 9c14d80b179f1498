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

static void call_queue(struct file *file, wait_queue_head_t *head,
		       poll_table *table)
{
	struct kvpci_call *call = container_of(table, struct kvpci_call, table);

	add_wait_queue(head, &call->wait);
}

static struct kvpci_call *call_create(struct kvpci_device *device, u32 source,
				      int fd)
{
	struct kvpci_call *call;
	int err;

	call = kzalloc(sizeof(*call), GFP_KERNEL_ACCOUNT);
	if (!call)
		return ERR_PTR(-ENOMEM);
	call->device = device;
	call->source = source;
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
	init_poll_funcptr(&call->table, call_queue);
	return call;

put_file:
	fput(call->file);
free:
	kfree(call);
	return ERR_PTR(err);
}

/* From here on interrupts arrive; one may have been asked for before. */
static void call_start(struct kvpci_call *call)
{
	if (vfs_poll(call->file, &call->table) & EPOLLIN)
		kvpci_irq_signal(call->device, call->source);
}

/* When it returns the wake-up is not running and will not run again. */
static void call_stop(struct kvpci_call *call)
{
	u64 count;

	eventfd_ctx_remove_wait_queue(call->ctx, &call->wait, &count);
}

static void call_free(struct kvpci_call *call)
{
	eventfd_ctx_put(call->ctx);
	fput(call->file);
	kfree(call);
}

/*
 * One queue, one call eventfd: each wait is work with interrupts off for
 * whoever signals it.
 */
static bool call_in_use(struct kvpci_device *device, u32 queue,
			const struct kvpci_call *call)
{
	u32 i;

	lockdep_assert_held(&device->fds_lock);
	for (i = 0; call && i < device->core.num_queues; i++)
		if (i != queue && device->fds[i].call &&
		    device->fds[i].call->ctx == call->ctx)
			return true;
	return false;
}

/**
 * kvpci_eventfds_set() - replace a queue's eventfds
 * @device: the device
 * @queue: below num_queues
 * @kick_fd: eventfd, or -1
 * @call_fd: eventfd, or -1
 *
 * Return: 0, or the error KVPCI_QUEUE_FDS documents; then nothing has changed.
 */
int kvpci_eventfds_set(struct kvpci_device *device, u32 queue, int kick_fd,
		       int call_fd)
{
	struct kvpci_eventfds *fds = &device->fds[queue];
	struct eventfd_ctx *kick = NULL;
	struct kvpci_call *call = NULL;
	int err = 0;

	if (kick_fd >= 0) {
		kick = eventfd_ctx_fdget(kick_fd);
		if (IS_ERR(kick))
			return PTR_ERR(kick);
	}
	if (call_fd >= 0) {
		call = call_create(device, queue, call_fd);
		if (IS_ERR(call)) {
			if (kick)
				eventfd_ctx_put(kick);
			return PTR_ERR(call);
		}
	}

	mutex_lock(&device->fds_lock);
	if (call_in_use(device, queue, call)) {
		err = -EBUSY;
		goto out;
	}
	if (fds->call)
		call_stop(fds->call);
	swap(fds->call, call);
	if (fds->call)
		call_start(fds->call);
	kick = rcu_replace_pointer(fds->kick, kick,
				   lockdep_is_held(&device->fds_lock));
	/* Only a doorbell under way can still use the old one. */
	if (kick)
		synchronize_srcu_expedited(&device->vm->kvm->srcu);
out:
	mutex_unlock(&device->fds_lock);
	if (kick)
		eventfd_ctx_put(kick);
	if (call)
		call_free(call);
	return err;
}

/**
 * kvpci_eventfds_release() - let go of all eventfds
 * @device: the device, off the buses, which nobody else uses any more
 */
void kvpci_eventfds_release(struct kvpci_device *device)
{
	struct eventfd_ctx *kick;
	u32 i;

	for (i = 0; i < device->core.num_queues; i++) {
		kick = rcu_dereference_protected(device->fds[i].kick, true);
		if (kick)
			eventfd_ctx_put(kick);
		if (device->fds[i].call) {
			call_stop(device->fds[i].call);
			call_free(device->fds[i].call);
		}
	}
}
