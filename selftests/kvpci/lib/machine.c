// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest with one kvpci device; see machine.h.
 */
#include "machine.h"
#include "twin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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
	int ret;

	if (twin_ioctl(fd, cmd, arg, &ret))
		return ret;
	ret = ioctl(fd, cmd, arg);
	return ret < 0 ? -errno : ret;
}

int device_create(int vm_fd, struct device_desc *desc)
{
	return do_ioctl(vm_fd, KVPCI_DEVICE_CREATE, &desc->create);
}

int open_kvpci(void)
{
	int fd = open("/dev/kvpci", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		guest_die("open /dev/kvpci");
	return fd;
}

int vm_create(int ctl_fd, int kvm_vm_fd)
{
	struct kvpci_vm_create create = {
		.size = sizeof(create), .kvm_fd = kvm_vm_fd,
	};

	return do_ioctl(ctl_fd, KVPCI_VM_CREATE, &create);
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

void machine_open(struct machine *m, unsigned int vcpus, bool twin)
{
	memset(m, 0, sizeof(*m));
	for (unsigned int q = 0; q < DEV_QUEUES; q++) {
		m->kick[q] = -1;
		m->call[q] = -1;
	}
	m->dev = -1;
	m->ctl = -1;
	guest_create_parts(&m->g, GUEST_ALL, vcpus);
	if (twin) {
		m->vm = twin_create(&m->g);
		return;
	}
	m->ctl = open_kvpci();
	m->vm = vm_create(m->ctl, m->g.vm_fd);
	if (m->vm < 0)
		guest_die("KVPCI_VM_CREATE: %d", m->vm);
}

static void add_device(struct machine *m, struct device_desc *desc)
{
	m->dev = device_create(m->vm, desc);
	if (m->dev < 0)
		guest_die("KVPCI_DEVICE_CREATE: %d", m->dev);
	if (device_map(m->dev, IO_BASE, MEM_BASE, MSIX_BASE))
		guest_die("KVPCI_DEVICE_MAP");
}

void machine_create_on(struct machine *m, unsigned int vcpus,
		       struct device_desc *desc)
{
	machine_open(m, vcpus, false);
	add_device(m, desc);
}

void machine_create_as(struct machine *m, bool twin, struct device_desc *desc)
{
	machine_open(m, 1, twin);
	add_device(m, desc);
}

void machine_create_in(struct machine *m, bool twin)
{
	struct device_desc *desc = malloc(sizeof(*desc));

	if (!desc)
		guest_die("malloc");
	device_describe(desc);
	machine_create_as(m, twin, desc);
	free(desc);
}

void machine_create(struct machine *m)
{
	machine_create_in(m, false);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void machine_destroy(struct machine *m)
{
	for (unsigned int q = 0; q < DEV_QUEUES; q++) {
		close_fd(&m->kick[q]);
		close_fd(&m->call[q]);
	}
	if (twin_has(m->vm)) {
		twin_destroy();
		m->dev = -1;
		m->vm = -1;
	}
	close_fd(&m->dev);
	close_fd(&m->vm);
	close_fd(&m->ctl);
	guest_destroy(&m->g);
}

/* --- the launcher --------------------------------------------------------- */

int device_map(int dev, uint64_t io, uint64_t mem, uint64_t msix)
{
	struct kvpci_device_map map = {
		.size = sizeof(map),
		.mapped = !!io << BAR_IO | !!mem << BAR_MEM |
			  !!msix << BAR_MSIX,
		.addr = { io, mem, msix },
	};

	return do_ioctl(dev, KVPCI_DEVICE_MAP, &map);
}

int device_irq(int dev, uint32_t flags, uint32_t gsi)
{
	struct kvpci_device_irq irq = {
		.size = sizeof(irq), .flags = flags, .gsi = gsi,
	};
	int ret = do_ioctl(dev, KVPCI_DEVICE_IRQ, &irq);

	return ret ? ret : (int)irq.pending;
}

int queue_fds(int dev, uint32_t queue, int kick, int call)
{
	struct kvpci_queue_fds fds = {
		.size = sizeof(fds), .queue = queue,
		.kick_fd = kick, .call_fd = call,
	};

	return do_ioctl(dev, KVPCI_QUEUE_FDS, &fds);
}

uint32_t queue_word(int dev, uint32_t queue)
{
	struct kvpci_queue_state state = {
		.size = sizeof(state), .queue = queue,
	};

	if (do_ioctl(dev, KVPCI_QUEUE_STATE, &state))
		guest_die("KVPCI_QUEUE_STATE");
	return state.notification;
}

void machine_fds(struct machine *m)
{
	for (unsigned int q = 0; q < DEV_QUEUES; q++) {
		m->kick[q] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		m->call[q] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (m->kick[q] < 0 || m->call[q] < 0)
			guest_die("eventfd");
		if (queue_fds(m->dev, q, m->kick[q], m->call[q]))
			guest_die("KVPCI_QUEUE_FDS");
	}
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
	device_settle(m->dev, m->call[queue]);
}

/* The module takes it before the writer returns, the twin in a thread. */
void device_settle(int dev, int call)
{
	if (twin_has(dev))
		twin_settle(dev, call);
}

int device_ack(int dev, uint32_t kind, uint32_t queue)
{
	struct kvpci_device_ack ack = {
		.size = sizeof(ack), .kind = kind, .queue = queue,
	};

	return do_ioctl(dev, KVPCI_DEVICE_ACK, &ack);
}

struct kvpci_device_stats device_stats(int dev)
{
	struct kvpci_device_stats stats = { .size = sizeof(stats) };

	if (do_ioctl(dev, KVPCI_DEVICE_STATS, &stats))
		guest_die("KVPCI_DEVICE_STATS");
	return stats;
}

int device_event(int dev, struct kvpci_event *event)
{
	struct kvpci_event own;
	int flags = fcntl(dev, F_GETFL);
	ssize_t n;
	int err;

	if (!event)
		event = &own;
	if (twin_has(dev))
		return twin_event(dev, event);
	fcntl(dev, F_SETFL, flags | O_NONBLOCK);
	n = read(dev, event, sizeof(*event));
	err = errno;
	fcntl(dev, F_SETFL, flags);
	if (n < 0)
		return -err;
	if (n != sizeof(*event)) {
		errno = EIO;
		guest_die("read() of an event returned %zd", n);
	}
	return event->kind;
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
	kind = device_event(m->dev, NULL);
	if (kind != KVPCI_EVENT_START) {
		errno = 0;
		guest_die("event %d after DRIVER_OK, not START", kind);
	}
}

void driver_vector(struct machine *m, unsigned int vector, uint64_t address,
		   uint32_t data, bool masked)
{
	uint64_t entry = MSIX_BASE + MSIX_TABLE + 16 * vector;

	guest_write(&m->g, entry, 4, (uint32_t)address);
	guest_write(&m->g, entry + 4, 4, address >> 32);
	guest_write(&m->g, entry + 8, 4, data);
	guest_write(&m->g, entry + 12, 4, masked);
}

void driver_mask(struct machine *m, unsigned int vector, bool masked)
{
	guest_write(&m->g, MSIX_BASE + MSIX_TABLE + 16 * vector + 12, 4,
		    masked);
}

bool driver_pending(struct machine *m, unsigned int vector)
{
	return guest_read(&m->g, MSIX_BASE + MSIX_PBA, 8) >> vector & 1;
}
