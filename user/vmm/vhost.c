// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of vhost-net, in the order that it wants.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvpci.h>
#include <linux/vhost.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "memory.h"
#include "report.h"
#include "vhost.h"

#define VHOST_DEVICE	"/dev/vhost-net"
/* Sizes of split rings (2.7), with used_event and avail_event. */
#define DESC_SIZE	sizeof(struct vring_desc)
#define AVAIL_SIZE(n)	(6ULL + 2ULL * (n))
#define USED_SIZE(n)	(6ULL + sizeof(struct vring_used_elem) * (n))

static int set_memory(int fd, const struct memory *memory)
{
	struct {
		struct vhost_memory head;
		struct vhost_memory_region regions[MEMORY_MAX_SLOTS];
	} table;
	unsigned int i;

	memset(&table, 0, sizeof(table));
	table.head.nregions = memory->num_slots;
	for (i = 0; i < memory->num_slots; i++) {
		table.regions[i].guest_phys_addr = memory->slots[i].guest;
		table.regions[i].memory_size = memory->slots[i].size;
		table.regions[i].userspace_addr =
			(uintptr_t)memory->slots[i].host;
	}
	return ioctl(fd, VHOST_SET_MEM_TABLE, &table) ? -errno : 0;
}

int vhost_open(const struct memory *memory, uint64_t *features)
{
	int fd, err;

	fd = open(VHOST_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		if (err == -ENOENT || err == -ENODEV)
			return report_error(err, "cannot open %s: try: modprobe vhost_net",
					    VHOST_DEVICE);
		return report_error(err, "cannot open %s", VHOST_DEVICE);
	}
	if (ioctl(fd, VHOST_SET_OWNER, NULL)) {
		err = report_error(-errno, "VHOST_SET_OWNER");
	} else if (ioctl(fd, VHOST_GET_FEATURES, features)) {
		err = report_error(-errno, "VHOST_GET_FEATURES");
	} else {
		err = set_memory(fd, memory);
		if (!err)
			return fd;
		report_error(err, "VHOST_SET_MEM_TABLE");
	}
	close(fd);
	return err;
}

int vhost_set_features(int fd, uint64_t features)
{
	return ioctl(fd, VHOST_SET_FEATURES, &features) ? -errno : 0;
}

static int set_rings(int fd, unsigned int index, const struct memory *memory,
		     const struct kvpci_queue_state *queue, uint16_t next)
{
	struct vhost_vring_state state = { .index = index };
	struct vhost_vring_addr addr = { .index = index };
	uint32_t n = queue->queue_size;
	void *desc = memory_at(memory, queue->desc, DESC_SIZE * n);
	void *avail = memory_at(memory, queue->driver, AVAIL_SIZE(n));
	void *used = memory_at(memory, queue->device, USED_SIZE(n));

	if (!desc || !avail || !used)
		return -EFAULT;
	state.num = n;
	if (ioctl(fd, VHOST_SET_VRING_NUM, &state))
		return -errno;
	state.num = next;
	if (ioctl(fd, VHOST_SET_VRING_BASE, &state))
		return -errno;
	addr.desc_user_addr = (uintptr_t)desc;
	addr.avail_user_addr = (uintptr_t)avail;
	addr.used_user_addr = (uintptr_t)used;
	return ioctl(fd, VHOST_SET_VRING_ADDR, &addr) ? -errno : 0;
}

int vhost_queue_wire(int fd, unsigned int index, int kick_fd, int call_fd)
{
	struct vhost_vring_file call = { .index = index, .fd = call_fd };
	struct vhost_vring_file kick = { .index = index, .fd = kick_fd };

	return ioctl(fd, VHOST_SET_VRING_CALL, &call) ||
	       ioctl(fd, VHOST_SET_VRING_KICK, &kick) ? -errno : 0;
}

int vhost_queue_start(int fd, unsigned int index, const struct memory *memory,
		      const struct kvpci_queue_state *queue, uint16_t next,
		      int kick_fd, int tap)
{
	struct vhost_vring_file backend = { .index = index, .fd = tap };
	int err;

	err = set_rings(fd, index, memory, queue, next);
	if (err)
		return err;
	if (ioctl(fd, VHOST_NET_SET_BACKEND, &backend))
		return -errno;
	/*
	 * A kick before SET_BACKEND found no backend and was dropped; one kick
	 * too many does no harm.
	 */
	eventfd_write(kick_fd, 1);
	return 0;
}

void vhost_queue_stop(int fd, unsigned int index)
{
	struct vhost_vring_file file = { .index = index, .fd = -1 };

	/* Waits until the queue is idle; without backend it stays so. */
	if (ioctl(fd, VHOST_NET_SET_BACKEND, &file))
		report_error(-errno, "stopping a vhost queue");
}

/* What it has taken from the queue it has also finished by then. */
uint16_t vhost_queue_next(int fd, unsigned int index)
{
	struct vhost_vring_state state = { .index = index };

	if (ioctl(fd, VHOST_GET_VRING_BASE, &state))
		report_error(-errno, "VHOST_GET_VRING_BASE");
	return (uint16_t)state.num;
}
