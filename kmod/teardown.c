// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking objects apart, where that may take long or comes late.
 *
 * The end of a device or a VM may wait for kvm->srcu, and so for a vCPU that may sit
 * in a page fault that somebody in userspace has to resolve. The process that made
 * the VM waits by itself, and hurts nobody else. Anybody else must not wait: a
 * process may have been sent the file to close it, and the kernel has one work item
 * for all files that its threads let go of. So there a workqueue of ours waits,
 * with one work item a VM: a VM that is stuck holds up its own objects. The same
 * work frees devices, once KVM's readers have left them.
 */
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched.h>

#include "kvpci.h"

static struct workqueue_struct *wq;

int kvpci_teardown_init(void)
{
	/* As many VMs at a time as a workqueue can have: each may be stuck. */
	wq = alloc_workqueue("kvpci", WQ_UNBOUND, WQ_UNBOUND_MAX_ACTIVE);
	return wq ? 0 : -ENOMEM;
}

void kvpci_teardown_exit(void)
{
	destroy_workqueue(wq);
}

/* Each object holds its VM, and with it @work, until its own @fn has run. */
static void teardown_work(struct work_struct *work)
{
	struct kvpci_teardowns *teardowns =
		container_of(work, struct kvpci_teardowns, work);
	struct llist_node *list = llist_del_all(&teardowns->list);
	struct kvpci_teardown *teardown, *next;

	llist_for_each_entry_safe(teardown, next, list, node) {
		teardown->fn(teardown);
		module_put(THIS_MODULE);
	}
}

/** kvpci_teardowns_init() - for a VM of the calling process */
void kvpci_teardowns_init(struct kvpci_teardowns *teardowns)
{
	init_llist_head(&teardowns->list);
	INIT_WORK(&teardowns->work, teardown_work);
	teardowns->owner = get_pid(task_tgid(current));
}

void kvpci_teardowns_free(struct kvpci_teardowns *teardowns)
{
	put_pid(teardowns->owner);
}

/** kvpci_teardowns_flush() - wait for what has been queued */
void kvpci_teardowns_flush(struct kvpci_teardowns *teardowns)
{
	flush_work(&teardowns->work);
}

/** kvpci_teardown_is_ours() - may the caller wait for objects of this VM? */
bool kvpci_teardown_is_ours(const struct kvpci_teardowns *teardowns)
{
	return task_tgid(current) == teardowns->owner;
}

/**
 * kvpci_teardown_queue() - take an object apart in a while
 * @teardowns: those of its VM, on which the object holds a reference
 * @teardown: the object; it holds the module, of which the work lets go
 * @fn: takes it apart, and lets go of the VM in the end
 *
 * The module flushes the workqueue before it goes.
 *
 * Context: any.
 */
void kvpci_teardown_queue(struct kvpci_teardowns *teardowns,
			  struct kvpci_teardown *teardown,
			  void (*fn)(struct kvpci_teardown *teardown))
{
	teardown->fn = fn;
	/*
	 * Only the first on the list queues the work: once it is there, the work
	 * may take it apart, and the VM with it.
	 */
	if (llist_add(&teardown->node, &teardowns->list))
		queue_work(wq, &teardowns->work);
}
