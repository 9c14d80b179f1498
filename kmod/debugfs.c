// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters: an ioctl, and a directory for each device,
 * /sys/kernel/debug/kvpci/<pid of its maker>-<name>.<id>/{stats,state}
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "kvpci.h"

static struct dentry *root;

static const char * const counter_names[KVPCI_NUM_COUNTERS] = {
	[KVPCI_COUNT_COMMON_READS] = "common_reads",
	[KVPCI_COUNT_COMMON_WRITES] = "common_writes",
	[KVPCI_COUNT_DEVICE_CONFIG_READS] = "device_config_reads",
	[KVPCI_COUNT_DEVICE_CONFIG_WRITES] = "device_config_writes",
	[KVPCI_COUNT_ISR_READS] = "isr_reads",
	[KVPCI_COUNT_MSIX_READS] = "msix_reads",
	[KVPCI_COUNT_MSIX_WRITES] = "msix_writes",
	[KVPCI_COUNT_OTHER] = "other",
	[KVPCI_COUNT_KICKS] = "kicks",
	[KVPCI_COUNT_KICKS_DROPPED] = "kicks_dropped",
	[KVPCI_COUNT_CALLS] = "calls",
	[KVPCI_COUNT_MSIX_SENT] = "msix_sent",
	[KVPCI_COUNT_MSIX_PENDED] = "msix_pended",
	[KVPCI_COUNT_INTX_RAISED] = "intx_raised",
	[KVPCI_COUNT_IRQS_DROPPED] = "irqs_dropped",
	[KVPCI_COUNT_EVENTS] = "events",
	[KVPCI_COUNT_PCI_CONFIG_READS] = "pci_config_reads",
	[KVPCI_COUNT_PCI_CONFIG_WRITES] = "pci_config_writes",
};

/* @sum: out: KVPCI_NUM_COUNTERS sums */
static void add_up(struct kvpci_device *device, u64 *sum)
{
	unsigned int i;
	int cpu;

	memset(sum, 0, KVPCI_NUM_COUNTERS * sizeof(*sum));
	for_each_possible_cpu(cpu) {
		struct kvpci_counters *counters =
			per_cpu_ptr(device->counters, cpu);

		for (i = 0; i < KVPCI_NUM_COUNTERS; i++)
			sum[i] += READ_ONCE(counters->count[i]);
	}
}

/* KVPCI_DEVICE_STATS */
long kvpci_device_stats(void *object, void *arg)
{
	struct kvpci_device_stats *stats = arg;

	/* The structure is the counters, in their order. */
	BUILD_BUG_ON(sizeof(*stats) != 8 + KVPCI_NUM_COUNTERS * sizeof(u64));
	BUILD_BUG_ON(offsetof(struct kvpci_device_stats, pci_config_writes) !=
		     8 + KVPCI_COUNT_PCI_CONFIG_WRITES * sizeof(u64));
	if (stats->flags)
		return -EINVAL;
	add_up(object, (u64 *)&stats->common_reads);
	return 0;
}

static int stats_show(struct seq_file *m, void *unused)
{
	u64 sum[KVPCI_NUM_COUNTERS];
	unsigned int i;

	add_up(m->private, sum);
	for (i = 0; i < KVPCI_NUM_COUNTERS; i++)
		seq_printf(m, "%s %llu\n", counter_names[i], sum[i]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int state_show(struct seq_file *m, void *unused)
{
	static const char * const backends[] = {
		[KVPCI_BACKEND_STOPPED] = "stopped",
		[KVPCI_BACKEND_STARTING] = "starting",
		[KVPCI_BACKEND_RUNNING] = "running",
		[KVPCI_BACKEND_SUSPENDING] = "suspending",
		[KVPCI_BACKEND_SUSPENDED] = "suspended",
		[KVPCI_BACKEND_RESUMING] = "resuming",
		[KVPCI_BACKEND_STOPPING] = "stopping",
	};
	struct kvpci_device *device = m->private;
	struct kvpci_core *core = &device->core;
	u8 status, irq_flags, backend;
	unsigned int i, enabled = 0;

	kvpci_lock(device);
	status = core->device_status;
	irq_flags = core->irq_flags;
	backend = core->backend;
	for (i = 0; i < core->num_queues; i++)
		enabled += core->queues[i].enable;
	kvpci_unlock(device);

	seq_printf(m, "id %u\n", device->id);
	seq_printf(m, "status %#x\n", status);
	seq_printf(m, "backend %s\n", backends[backend]);
	seq_printf(m, "queues %u\n", core->num_queues);
	seq_printf(m, "queues_enabled %u\n", enabled);
	seq_printf(m, "vectors %u\n", core->num_vectors);
	seq_printf(m, "msix %u\n", !!(irq_flags & KVPCI_IRQ_MSIX_ENABLE));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(state);

/**
 * kvpci_debugfs_add() - give a device its directory
 * @device: the device
 *
 * debugfs may be absent or full; nothing depends on it.
 */
void kvpci_debugfs_add(struct kvpci_device *device)
{
	char name[sizeof(device->name) + 32];

	/* The id, since debugfs complains aloud of a name used twice. */
	snprintf(name, sizeof(name), "%d-%s.%u", task_tgid_nr(current),
		 device->name, device->id);
	device->debugfs = debugfs_create_dir(name, root);
	debugfs_create_file("stats", 0444, device->debugfs, device,
			    &stats_fops);
	debugfs_create_file("state", 0444, device->debugfs, device,
			    &state_fops);
}

void kvpci_debugfs_init(void)
{
	root = debugfs_create_dir("kvpci", NULL);
}

void kvpci_debugfs_exit(void)
{
	debugfs_remove_recursive(root);
}
