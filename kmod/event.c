// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: what the VMM reads from a device.
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "kvpci.h"
#include "trace.h"

/**
 * kvpci_event_post() - there may be something new to read
 * @device: the device; its lock is not held
 */
void kvpci_event_post(struct kvpci_device *device)
{
	wake_up_interruptible_poll(&device->wait, EPOLLIN | EPOLLRDNORM);
}

static bool peek(struct kvpci_device *device, struct kvpci_event *event)
{
	bool found;

	kvpci_lock(device);
	found = kvpci_core_event_peek(&device->core, event);
	kvpci_unlock(device);
	return found;
}

static bool take(struct kvpci_device *device, const struct kvpci_event *event)
{
	bool taken;

	kvpci_lock(device);
	taken = kvpci_core_event_take(&device->core, event);
	kvpci_unlock(device);
	return taken;
}

/*
 * Copies first and takes after, so that a fault loses nothing; an event that
 * the guest took back in between is overwritten by the next.
 *
 * START is the last of its read(), and so is RESUME: whoever reads it looks at
 * the queues next, and would see one whose QUEUE_START is in the same buffer as
 * enabled already.
 */
static ssize_t read_events(struct kvpci_device *device, char __user *buf,
			   size_t size)
{
	struct kvpci_event event;
	size_t done = 0;

	lockdep_assert_held(&device->read_lock);
	while (size - done >= sizeof(event) && peek(device, &event)) {
		if (copy_to_user(buf + done, &event, sizeof(event)))
			return done ?: -EFAULT;
		if (!take(device, &event))
			continue;
		kvpci_count(device, KVPCI_COUNT_EVENTS);
		trace_kvpci_event(device->id, event.kind, event.queue,
				  event.status);
		done += sizeof(event);
		/* A guest may make events as fast as they are read. */
		if (event.kind == KVPCI_EVENT_START ||
		    event.kind == KVPCI_EVENT_RESUME || signal_pending(current))
			break;
	}
	return done;
}

ssize_t kvpci_event_read(struct file *file, char __user *buf, size_t size,
			 loff_t *pos)
{
	struct kvpci_device *device = file->private_data;
	struct kvpci_event event;
	ssize_t done;
	int err;

	if (size < sizeof(event))
		return -EINVAL;
	for (;;) {
		if (mutex_lock_interruptible(&device->read_lock))
			return -ERESTARTSYS;
		done = read_events(device, buf, size);
		mutex_unlock(&device->read_lock);
		if (done)
			return done;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(device->wait,
					       peek(device, &event));
		if (err)
			return err;
	}
}

__poll_t kvpci_event_poll(struct file *file, poll_table *wait)
{
	struct kvpci_device *device = file->private_data;
	struct kvpci_event event;

	poll_wait(file, &device->wait, wait);
	return peek(device, &event) ? EPOLLIN | EPOLLRDNORM : 0;
}
