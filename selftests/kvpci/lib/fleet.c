// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many devices of one VM; see fleet.h.
 */
#include "fleet.h"

#include <linux/pci_regs.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#define LAPIC		0xfee00000U

/* The result of a call of libkvpci, or the end. */
static int checked(const char *what, int ret)
{
	if (ret < 0)
		guest_die("%s: %d", what, ret);
	return ret;
}

void fleet_open(struct machine *m)
{
	machine_open(m, 1, &machine_module);
	checked("libkvpci_vm_ecam",
		libkvpci_vm_ecam(m->vm, ECAM_ADDR, MODULE_BUSES, NULL));
}

void fleet_fds(struct fleet_fds *fds)
{
	for (unsigned int q = 0; q < FLEET_QUEUES; q++) {
		fds->pairs[q].kick_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		fds->pairs[q].call_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (fds->pairs[q].kick_fd < 0 || fds->pairs[q].call_fd < 0)
			guest_die("eventfd");
	}
}

static void describe(struct device_desc *desc)
{
	device_describe(desc);
	desc->create.num_queues = FLEET_QUEUES;
	desc->create.num_vectors = FLEET_VECTORS;
	for (unsigned int q = 0; q < FLEET_QUEUES; q++)
		desc->sizes[q] = 256;
	for (unsigned int i = 0; i < desc->create.num_regions; i++)
		if (desc->regions[i].type == KVPCI_REGION_MSIX_TABLE)
			desc->regions[i].length = 16 * FLEET_VECTORS;
}

/* A VMM has its descriptions by then. */
static struct kvpci_device_create *description(void)
{
	static struct device_desc desc;

	if (!desc.create.size)
		describe(&desc);
	return &desc.create;
}

static void config_write(int dev, uint32_t offset, uint32_t length, uint32_t value)
{
	checked("libkvpci_pci_config_write",
		libkvpci_pci_config_write(dev, offset, length, value));
}

static uint32_t config_read(int dev, uint32_t offset)
{
	uint32_t value = 0;

	checked("libkvpci_pci_config_read",
		libkvpci_pci_config_read(dev, offset, 1, &value));
	return value;
}

static void bar_write(int dev, uint32_t bar, uint32_t offset, uint32_t length,
		      uint64_t value)
{
	checked("libkvpci_bar_write",
		libkvpci_bar_write(dev, bar, offset, length, value));
}

static void firmware(int dev, unsigned int n)
{
	config_write(dev, BAR(0), 4, FLEET_IO(n));
	config_write(dev, BAR(1), 4, FLEET_MEM(n));
	config_write(dev, BAR(2), 4, (uint32_t)FLEET_MSIX(n));
	config_write(dev, BAR(3), 4, FLEET_MSIX(n) >> 32);
	config_write(dev, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
		     PCI_COMMAND_MASTER);
}

static void msix_on(int dev)
{
	uint32_t at = config_read(dev, PCI_CAPABILITY_LIST);

	while (at && config_read(dev, at) != PCI_CAP_ID_MSIX)
		at = config_read(dev, at + 1);
	if (!at)
		guest_die("no MSI-X");
	config_write(dev, at + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
}

static void cc(int dev, uint32_t at, uint64_t value)
{
	bar_write(dev, BAR_MEM, MEM_COMMON + at, cc_width(at), value);
}

static void driver(int dev, unsigned int n)
{
	const uint64_t features = DEV_FEATURES;

	cc(dev, CC_STATUS, ST_ACKNOWLEDGE);
	cc(dev, CC_STATUS, ST_ACKNOWLEDGE | ST_DRIVER);
	for (unsigned int word = 0; word < 2; word++) {
		cc(dev, CC_DRIVER_FEATURE_SELECT, word);
		cc(dev, CC_DRIVER_FEATURE, (uint32_t)(features >> 32 * word));
	}
	cc(dev, CC_STATUS, ST_READY);
	for (unsigned int v = 0; v < FLEET_VECTORS; v++) {
		bar_write(dev, BAR_MSIX, 16 * v, 4, LAPIC);
		bar_write(dev, BAR_MSIX, 16 * v + 8, 4, (uint8_t)FLEET_DATA(n, v));
		bar_write(dev, BAR_MSIX, 16 * v + 12, 4, 0);
	}
	cc(dev, CC_CONFIG_VECTOR, FLEET_QUEUES);
	for (unsigned int q = 0; q < FLEET_QUEUES; q++) {
		cc(dev, CC_QUEUE_SELECT, q);
		cc(dev, CC_QUEUE_VECTOR, q);
		cc(dev, CC_QUEUE_DESC, 0x1000 * (q + 1));
		cc(dev, CC_QUEUE_DRIVER, 0x1000 * (q + 1) + 0x400);
		cc(dev, CC_QUEUE_DEVICE, 0x1000 * (q + 1) + 0x800);
		cc(dev, CC_QUEUE_ENABLE, 1);
	}
	cc(dev, CC_STATUS, ST_RUNNING);
}

/* A function of the bus whose BARs answer nowhere yet. Return: it, or -errno */
static int appear(struct machine *m, unsigned int n, const struct fleet_fds *fds)
{
	int dev = libkvpci_device_create(m->vm, description());
	int err;

	if (dev < 0)
		return dev;
	err = place(dev, FLEET_FUNCTION(n), 0x020000, 1, PIN);
	if (!err)
		err = libkvpci_queue_fd_pairs(dev, 0, FLEET_QUEUES, fds->pairs);
	if (!err)
		return dev;
	close(dev);
	return err;
}

int fleet_start(struct machine *m, unsigned int n, const struct fleet_fds *fds)
{
	int dev = checked("a device", appear(m, n, fds));
	struct kvpci_event event;

	firmware(dev, n);
	msix_on(dev);
	driver(dev, n);
	if (libkvpci_events_read(dev, &event, 1) != 1 ||
	    event.kind != KVPCI_EVENT_START)
		guest_die("no START");
	return dev;
}

void fleet_save(int dev, struct fleet_image *image)
{
	struct kvpci_device_registers *r = &image->registers;

	memset(image, 0, sizeof(*image));
	r->size = sizeof(*r);
	r->num_queues = FLEET_QUEUES;
	r->num_vectors = FLEET_VECTORS;
	r->device_config_size = DEV_CONFIG;
	r->pci_config_size = sizeof(image->pci_config);
	r->queues = (uintptr_t)image->queues;
	r->vectors = (uintptr_t)image->vectors;
	r->pending = (uintptr_t)image->pending;
	r->device_config = (uintptr_t)image->device_config;
	r->pci_config = (uintptr_t)image->pci_config;
	checked("libkvpci_device_save", libkvpci_device_save(dev, r));
}

static void set_bar(struct fleet_image *image, unsigned int bar, uint32_t addr)
{
	uint32_t old, flags;

	memcpy(&old, image->pci_config + BAR(bar), sizeof(old));
	flags = old & PCI_BASE_ADDRESS_SPACE_IO ? 3 : 0xf;
	addr |= old & flags;
	memcpy(image->pci_config + BAR(bar), &addr, sizeof(addr));
}

void fleet_move(struct fleet_image *image, unsigned int n)
{
	set_bar(image, 0, FLEET_IO(n));
	set_bar(image, 1, FLEET_MEM(n));
	set_bar(image, 2, (uint32_t)FLEET_MSIX(n));
}

int fleet_restore(struct machine *m, unsigned int n, const struct fleet_fds *fds,
		  const struct fleet_image *image)
{
	int dev = appear(m, n, fds);
	int err;

	if (dev < 0)
		return dev;
	err = libkvpci_device_restore(dev, &image->registers);
	if (!err)
		return dev;
	close(dev);
	return err;
}

/* --- beside a guest that runs ------------------------------------------------ */

static volatile bool stopping;
static pthread_t guest_thread;

static void *run_guest(void *arg)
{
	const struct guest_access read = { ACCESS_READ, 4, GUEST_RAM_FREE, 0 };
	struct guest_vcpu *vcpu = arg;

	guest_set_script(vcpu, &read, 1, 0);
	while (!guest_run(vcpu) && !stopping)
		;
	return NULL;
}

void fleet_start_guest(struct guest *g)
{
	const struct sched_param first = { .sched_priority = 1 };

	stopping = false;
	if (pthread_create(&guest_thread, NULL, run_guest, &g->vcpu[0]) ||
	    sched_setscheduler(0, SCHED_FIFO, &first))
		guest_die("a thread for the guest");
	usleep(10000);
}

void fleet_stop_guest(struct guest *g)
{
	const struct sched_param none = { .sched_priority = 0 };

	sched_setscheduler(0, SCHED_OTHER, &none);
	stopping = true;
	guest_stop_script(&g->vcpu[0]);
	pthread_join(guest_thread, NULL);
}

void fleet_probe(struct trace *trace)
{
	trace_probe(trace, "bus", 'p', "kvpci_iobus_replace");
	trace_probe(trace, "bus_done", 'r', "kvpci_iobus_replace");
	trace_probe(trace, "leave", 'p', "kvpci_iobus_leave");
	trace_probe(trace, "leave_done", 'r', "kvpci_iobus_leave");
}

/* How long the one call lasted that the probes have seen. */
static uint64_t between(struct trace *trace, const char *enter, const char *leave)
{
	uint64_t from, to;

	if (trace_stamps(trace, enter, &from, 1) != 1 ||
	    trace_stamps(trace, leave, &to, 1) != 1)
		guest_die("not one change of the buses");
	return to - from;
}

/* What is freed when nobody looks at it any more is freed meanwhile. */
static void pause_for(struct trace *trace)
{
	usleep(1000);
	if (trace)
		trace_clear(trace);
}

struct attach {
	struct machine m;
	const struct fleet_fds *fds;
	struct fleet_image *image;
	struct trace *trace;
	struct fleet_spans *spans;
};

static void keep_least(uint64_t *least, uint64_t value)
{
	if (value < *least)
		*least = value;
}

static int come(struct attach *a, unsigned int n)
{
	struct fleet_spans *spans = &a->spans[n];
	uint64_t start;
	int dev;

	fleet_move(a->image, n);
	pause_for(a->trace);
	start = __rdtsc();
	dev = fleet_restore(&a->m, n, &a->fds[n], a->image);
	start = __rdtsc() - start;
	checked("a device that comes", dev);
	if (a->trace)
		keep_least(&spans->arrive_bus,
			   between(a->trace, ": bus: ", ": bus_done: "));
	else
		keep_least(&spans->arrive, start);
	return dev;
}

static void go(struct attach *a, unsigned int n, int dev)
{
	struct fleet_spans *spans = &a->spans[n];
	uint64_t start;

	pause_for(a->trace);
	start = __rdtsc();
	close(dev);
	start = __rdtsc() - start;
	if (a->trace)
		keep_least(&spans->leave_bus,
			   between(a->trace, ": leave: ", ": leave_done: "));
	else
		keep_least(&spans->leave, start);
}

static void forget(struct fleet_spans *spans, bool bus)
{
	if (bus) {
		spans->arrive_bus = UINT64_MAX;
		spans->leave_bus = UINT64_MAX;
	} else {
		spans->arrive = UINT64_MAX;
		spans->leave = UINT64_MAX;
	}
}

void fleet_attach(const struct fleet_fds *fds, unsigned int num, unsigned int times,
		  struct fleet_image *image, struct trace *trace,
		  struct fleet_spans *spans)
{
	struct attach a = {
		.fds = fds, .image = image, .trace = trace, .spans = spans,
	};
	int *devices = calloc(num, sizeof(*devices));

	if (!devices)
		guest_die("calloc");
	fleet_open(&a.m);
	fleet_start_guest(&a.m.g);
	for (unsigned int n = 0; n < num; n++) {
		unsigned int i = n && n < num - 1 ? 1 : times;

		forget(&spans[n], trace);
		devices[n] = come(&a, n);
		while (--i) {
			go(&a, n, devices[n]);
			devices[n] = come(&a, n);
		}
	}
	for (unsigned int n = num; n--;)
		go(&a, n, devices[n]);
	fleet_stop_guest(&a.m.g);
	machine_destroy(&a.m);
	free(devices);
}

/* --- ioctls ------------------------------------------------------------------ */

void fleet_count_ioctls(struct trace *trace)
{
	trace_event(trace, "syscalls/sys_enter_ioctl");
	trace_clear(trace);
}

struct fleet_ioctls fleet_ioctls(struct trace *trace)
{
	struct fleet_ioctls count = { 0 };
	char pid[32], *line, *cmd;

	snprintf(pid, sizeof(pid), "-%ld ", syscall(SYS_gettid));
	trace_read(trace);
	for (line = strtok(trace->text, "\n"); line; line = strtok(NULL, "\n")) {
		if (!strstr(line, pid) || !strstr(line, "sys_ioctl("))
			continue;
		count.all++;
		cmd = strstr(line, "cmd: ");
		switch (cmd ? strtoul(cmd + 5, NULL, 16) : 0) {
		case KVM_IRQFD:
			count.irqfd++;
			break;
		case KVM_SET_GSI_ROUTING:
			count.routing++;
			break;
		case KVM_IOEVENTFD:
			count.ioeventfd++;
			break;
		}
	}
	trace_clear(trace);
	return count;
}
