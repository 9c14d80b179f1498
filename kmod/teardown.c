// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking objects apart, where that may take long.
 *
 * The end of a device or a VM waits for kvm->srcu, and so for a vCPU that may sit
 * in a page fault that somebody in userspace has to resolve. The process that made
 * the VM waits by itself, and hurts nobody else. Anybody else must not wait: a
 * process may have been sent the file to close it, and the kernel has one work item
 * for all files that its threads let go of. So there a workqueue of ours waits,
 * with one work item a VM: a VM that is stuck holds up its own objects.
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

/**
 * kvpci_teardown() - take an object apart, now or in a while
 * @teardowns: those of its VM, on which the object holds a reference
 * @teardown: the object
 * @fn: takes it apart, and lets go of the VM in the end
 *
 * An object that waits holds the module, which flushes the workqueue before it
 * goes.
 */
void kvpci_teardown(struct kvpci_teardowns *teardowns,
		    struct kvpci_teardown *teardown,
		    void (*fn)(struct kvpci_teardown *teardown))
{
	if (task_tgid(current) == teardowns->owner) {
		fn(teardown);
		return;
	}
	__module_get(THIS_MODULE);
	teardown->fn = fn;
	/*
	 * Only the first on the list queues the work: once it is there, the work
	 * may take it apart, and the VM with it.
	 */
	if (llist_add(&teardown->node, &teardowns->list))
		queue_work(wq, &teardowns->work);
}
