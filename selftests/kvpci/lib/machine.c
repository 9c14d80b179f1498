// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest with one kvpci device; see machine.h.
 */
#include "machine.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

/* --- objects -------------------------------------------------------------- */

static const struct kvpci_region default_regions[] = {
	{ KVPCI_REGION_COMMON, BAR_IO, IO_COMMON, 0x40, 0, 0 },
	{ KVPCI_REGION_ISR, BAR_IO, IO_ISR, 4, 0, 0 },
	{ KVPCI_REGION_NOTIFY, BAR_IO, IO_DOORBELL, 4, 0, 0 },
	{ KVPCI_REGION_DEVICE, BAR_IO, IO_DEVICE, DEV_CONFIG, 0, 0 },
	{ KVPCI_REGION_COMMON, BAR_MEM, MEM_COMMON, 0x40, 0, 0 },
	{ KVPCI_REGION_ISR, BAR_MEM, MEM_ISR, 4, 0, 0 },
	{ KVPCI_REGION_DEVICE, BAR_MEM, MEM_DEVICE, DEV_CONFIG, 0, 0 },
	{ KVPCI_REGION_NOTIFY, BAR_MEM, MEM_DOORBELLS, 0x1000, 4, 0 },
	{ KVPCI_REGION_MSIX_TABLE, BAR_MSIX, MSIX_TABLE, 16 * DEV_VECTORS, 0, 0 },
	{ KVPCI_REGION_MSIX_PBA, BAR_MSIX, MSIX_PBA, 8, 0, 0 },
};

void device_describe(struct device_desc *desc)
{
	static const uint16_t sizes[DEV_QUEUES] = { 256, 128, 0, 64 };
	struct kvpci_device_create *create = &desc->create;

	memset(desc, 0, sizeof(*desc));
	create->size = sizeof(*create);
	create->virtio_id = 1;
	create->num_queues = DEV_QUEUES;
	create->num_vectors = DEV_VECTORS;
	create->device_config_size = DEV_CONFIG;
	create->features[0] = DEV_FEATURES;
	create->features[1] = 2;
	create->bars[BAR_IO] = (struct kvpci_bar){ KVPCI_BAR_IO, BAR_IO_SIZE };
	create->bars[BAR_MEM] =
		(struct kvpci_bar){ KVPCI_BAR_MEM32, BAR_MEM_SIZE };
	create->bars[BAR_MSIX] =
		(struct kvpci_bar){ KVPCI_BAR_MEM64, BAR_MSIX_SIZE };
	create->num_regions = sizeof(default_regions) /
			      sizeof(default_regions[0]);
	create->regions = (uintptr_t)desc->regions;
	create->queue_sizes = (uintptr_t)desc->sizes;
	create->device_config = (uintptr_t)desc->config;
	create->device_config_mask = (uintptr_t)desc->mask;
	strcpy((char *)create->name, "test");
	memcpy(desc->regions, default_regions, sizeof(default_regions));
	memcpy(desc->sizes, sizes, sizeof(sizes));
	for (unsigned int q = 0; q < DEV_QUEUES; q++)
		desc->notif_data[q] = DEV_NOTIF_DATA(q);
	for (unsigned int i = 0; i < DEV_CONFIG; i++)
		desc->config[i] = 0x10 + i;
	/* the driver may write the second dword */
	memset(desc->mask + 4, 0xff, 4);
}

int do_ioctl(int fd, unsigned long cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

static void require(const char *path)
{
	if (!access(path, R_OK | W_OK))
		return;
	printf("TAP version 13\n1..0 # SKIP %s: %s\n", path, strerror(errno));
	exit(4);
}

void require_kvm(void)
{
	require("/dev/kvm");
}

void require_kvpci(void)
{
	require("/dev/kvpci");
	require_kvm();
}

static int use_count(const char *module)
{
	char path[64];
	FILE *file;
	int users = -1;

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", module);
	file = fopen(path, "re");
	if (!file)
		return -1;
	if (fscanf(file, "%d", &users) != 1)
		users = -1;
	fclose(file);
	return users;
}

int module_users(void)
{
	return use_count("kvpci");
}

int kvm_users(void)
{
	int users = use_count("kvm_intel");

	return users < 0 ? use_count("kvm_amd") : users;
}

int kvm_vms(void)
{
	const char *path = "/sys/kernel/debug/kvm";
	struct dirent *entry;
	int vms = 0;
	DIR *dir;

	dir = opendir(path);
	if (!dir) {
		mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
		dir = opendir(path);
	}
	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		vms += entry->d_type == DT_DIR && entry->d_name[0] != '.';
	closedir(dir);
	return vms;
}

static void no_eventfds(struct machine *m)
{
	for (unsigned int q = 0; q < DEV_QUEUES; q++) {
		m->kick[q] = -1;
		m->call[q] = -1;
	}
}

void machine_open(struct machine *m, unsigned int vcpus,
		  const struct machine_ops *ops)
{
	memset(m, 0, sizeof(*m));
	no_eventfds(m);
	m->ops = ops;
	m->dev = -1;
	m->vm = -1;
	m->ctl = -1;
	guest_create_parts(&m->g, GUEST_ALL, vcpus);
	ops->open(m);
}

static void add_device(struct machine *m, struct device_desc *desc)
{
	int err = m->ops->create(m, desc);

	if (err)
		guest_die("creation of the device: %d", err);
	err = device_map(m, IO_BASE, MEM_BASE, MSIX_BASE);
	if (err)
		guest_die("mapping of the device: %d", err);
}

void machine_create_on(struct machine *m, unsigned int vcpus,
		       struct device_desc *desc)
{
	machine_open(m, vcpus, &machine_module);
	add_device(m, desc);
}

void machine_create_as(struct machine *m, const struct machine_ops *ops,
		       struct device_desc *desc)
{
	machine_open(m, 1, ops);
	add_device(m, desc);
}

void machine_create_in(struct machine *m, const struct machine_ops *ops)
{
	struct device_desc *desc = malloc(sizeof(*desc));

	if (!desc)
		guest_die("malloc");
	device_describe(desc);
	machine_create_as(m, ops, desc);
	free(desc);
}

void machine_create(struct machine *m)
{
	machine_create_in(m, &machine_module);
}

int machine_add_device(struct machine *m, struct device_desc *desc,
		       struct machine *other)
{
	*other = *m;
	no_eventfds(other);
	other->dev = -1;
	return other->ops->create(other, desc);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void machine_destroy(struct machine *m)
{
	/* A test that ends before it has opened its machine has one of zeroes. */
	if (!m->ops)
		return;
	for (unsigned int q = 0; q < DEV_QUEUES; q++) {
		close_fd(&m->kick[q]);
		close_fd(&m->call[q]);
	}
	m->ops->close(m);
	guest_destroy(&m->g);
}

/* --- the VMM -------------------------------------------------------------- */

int device_map(struct machine *m, uint64_t io, uint64_t mem, uint64_t msix)
{
	const uint64_t addr[KVPCI_NUM_BARS] = { io, mem, msix };

	return m->ops->map(m, !!io << BAR_IO | !!mem << BAR_MEM |
			   !!msix << BAR_MSIX, addr);
}

int device_irq(struct machine *m, uint32_t flags, uint32_t gsi)
{
	return m->ops->irq(m, flags, gsi);
}

int device_irq_fd(struct machine *m, uint32_t flags, int line_fd)
{
	return m->ops->irq_fd(m, flags, line_fd);
}

int device_ack(struct machine *m, uint32_t kind, uint32_t queue)
{
	return m->ops->ack(m, kind, queue);
}

int device_event(struct machine *m, struct kvpci_event *event)
{
	struct kvpci_event own;

	return m->ops->event(m, event ? event : &own);
}

struct kvpci_device_stats device_stats(struct machine *m)
{
	struct kvpci_device_stats stats;

	if (m->ops->stats(m, &stats))
		guest_die("counters of the device");
	return stats;
}

uint64_t device_features(struct machine *m)
{
	uint64_t features[2];

	if (m->ops->features(m, features))
		guest_die("features of the driver");
	return features[0];
}

void device_await_call(struct machine *m, int call)
{
	m->ops->await_call(m, call);
}

int queue_fds(struct machine *m, uint32_t queue, int kick, int call)
{
	const struct kvpci_fd_pair pair = { kick, call };

	return queue_fd_pairs(m, queue, 1, &pair);
}

int queue_fd_pairs(struct machine *m, uint32_t first, uint32_t count,
		   const struct kvpci_fd_pair *pairs)
{
	return m->ops->queue_fds(m, first, count, pairs);
}

struct kvpci_queue_state queue_state(struct machine *m, uint32_t queue)
{
	struct kvpci_queue_state state;

	memset(&state, 0, sizeof(state));
	if (m->ops->queue_state(m, queue, &state))
		guest_die("state of queue %u", queue);
	return state;
}

uint32_t queue_word(struct machine *m, uint32_t queue)
{
	return queue_state(m, queue).notification;
}

void machine_fds(struct machine *m)
{
	struct kvpci_fd_pair pairs[DEV_QUEUES];

	for (unsigned int q = 0; q < DEV_QUEUES; q++) {
		m->kick[q] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		m->call[q] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (m->kick[q] < 0 || m->call[q] < 0)
			guest_die("eventfd");
		pairs[q] = (struct kvpci_fd_pair){ m->kick[q], m->call[q] };
	}
	if (queue_fd_pairs(m, 0, DEV_QUEUES, pairs))
		guest_die("eventfds of the queues");
}

uint64_t eventfd_count(int fd)
{
	uint64_t count = 0;

	if (read(fd, &count, sizeof(count)) != sizeof(count))
		return 0;
	return count;
}

void eventfd_add(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		guest_die("write to an eventfd");
}

void queue_call(struct machine *m, unsigned int queue)
{
	eventfd_add(m->call[queue]);
	device_await_call(m, m->call[queue]);
}

/* --- the driver ----------------------------------------------------------- */

unsigned int cc_width(unsigned int at)
{
	if (at == CC_STATUS || at == CC_GENERATION)
		return 1;
	if (at < CC_CONFIG_VECTOR || (at >= CC_QUEUE_DESC && at < 0x38))
		return 4;
	return 2;
}

uint64_t cc_read(struct machine *m, unsigned int at)
{
	return guest_read(&m->g, MEM_BASE + MEM_COMMON + at, cc_width(at));
}

void cc_write(struct machine *m, unsigned int at, uint64_t value)
{
	guest_write(&m->g, MEM_BASE + MEM_COMMON + at, cc_width(at), value);
}

void driver_negotiate(struct machine *m)
{
	cc_write(m, CC_STATUS, ST_ACKNOWLEDGE);
	cc_write(m, CC_STATUS, ST_ACKNOWLEDGE | ST_DRIVER);
	for (unsigned int word = 0; word < 4; word++) {
		cc_write(m, CC_DEVICE_FEATURE_SELECT, word);
		cc_write(m, CC_DRIVER_FEATURE_SELECT, word);
		cc_write(m, CC_DRIVER_FEATURE, cc_read(m, CC_DEVICE_FEATURE));
	}
	cc_write(m, CC_STATUS, ST_READY);
}

void driver_queue(struct machine *m, unsigned int queue, unsigned int size)
{
	cc_write(m, CC_QUEUE_SELECT, queue);
	cc_write(m, CC_QUEUE_SIZE, size);
	cc_write(m, CC_QUEUE_VECTOR, queue + 1);
	cc_write(m, CC_QUEUE_DESC, 0x1000 * (queue + 1));
	cc_write(m, CC_QUEUE_DESC + 4, 1);
	cc_write(m, CC_QUEUE_DRIVER, 0x1000 * (queue + 1) + 0x400);
	cc_write(m, CC_QUEUE_DRIVER + 4, 2);
	cc_write(m, CC_QUEUE_DEVICE, 0x1000 * (queue + 1) + 0x800);
	cc_write(m, CC_QUEUE_DEVICE + 4, 3);
	cc_write(m, CC_QUEUE_ENABLE, 1);
}

void driver_start(struct machine *m)
{
	driver_negotiate(m);
	driver_queue(m, 0, 256);
	driver_queue(m, 1, 64);
	cc_write(m, CC_STATUS, ST_RUNNING);
}

void driver_run(struct machine *m)
{
	int kind;

	driver_start(m);
	kind = device_event(m, NULL);
	if (kind != KVPCI_EVENT_START) {
		errno = 0;
		guest_die("event %d after DRIVER_OK, not START", kind);
	}
}

static uint64_t vector_entry(unsigned int vector)
{
	return MSIX_BASE + MSIX_TABLE + 16 * vector;
}

void driver_vector(struct machine *m, unsigned int vector, uint64_t address,
		   uint32_t data, enum vector_mask mask)
{
	uint64_t entry = vector_entry(vector);

	guest_write(&m->g, entry, 4, (uint32_t)address);
	guest_write(&m->g, entry + 4, 4, address >> 32);
	guest_write(&m->g, entry + 8, 4, data);
	guest_write(&m->g, entry + 12, 4, mask == MASKED);
}

void driver_mask(struct machine *m, unsigned int vector)
{
	guest_write(&m->g, vector_entry(vector) + 12, 4, 1);
}

void driver_unmask(struct machine *m, unsigned int vector)
{
	guest_write(&m->g, vector_entry(vector) + 12, 4, 0);
}

bool driver_pending(struct machine *m, unsigned int vector)
{
	return guest_read(&m->g, MSIX_BASE + MSIX_PBA, 8) >> vector & 1;
}
