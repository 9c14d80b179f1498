// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening taps, with errors that say what to do. TUNSETIFF would make an
 * interface that does not exist, so that is looked at first.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report.h"
#include "tap.h"

#define TUN_DEVICE	"/dev/net/tun"
#define NET_HEADER	12	/* struct virtio_net_hdr_v1 */

/* The interface's IFF_* flags as the tun driver has them, or -1: no tap. */
static int tap_flags(const char *name)
{
	unsigned int flags;
	char path[64];
	FILE *file;
	int n;

	snprintf(path, sizeof(path), "/sys/class/net/%s/tun_flags", name);
	file = fopen(path, "re");
	if (!file)
		return -1;
	n = fscanf(file, "%x", &flags);
	fclose(file);
	return n == 1 ? (int)flags : -1;
}

/* TUNSETIFF's errors are few and mean different things. */
static int report_attach(const char *name, int err, unsigned int queues,
			 int flags)
{
	const char *what = "cannot attach to it";

	if (err == -EPERM || err == -EACCES)
		what = "no permission: it belongs to another user";
	else if (err == -EBUSY)
		what = "it is in use, or has no queue left";
	else if (err == -EINVAL && flags < 0)
		what = "this interface is not a tap";
	else if (err == -EINVAL && queues > 1)
		what = "it has one queue only; make it with multi_queue";
	return report_error(err, "--net: tap '%s': %s", name, what);
}

static int open_queue(const char *name, unsigned int queues, int flags)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd, err, header = NET_HEADER;

	fd = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		if (err == -ENOENT || err == -ENODEV)
			return report_error(err, "cannot open %s: try: modprobe tun",
					    TUN_DEVICE);
		return report_error(err, "cannot open %s", TUN_DEVICE);
	}
	/* A tap made for several queues wants to be asked for them. */
	if (queues > 1 || (flags >= 0 && flags & IFF_MULTI_QUEUE))
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr)) {
		err = report_attach(name, -errno, queues, flags);
	} else if (ioctl(fd, TUNSETVNETHDRSZ, &header)) {
		err = report_error(-errno, "--net: tap '%s': TUNSETVNETHDRSZ",
				   name);
	} else {
		return fd;
	}
	close(fd);
	return err;
}

int tap_open(const char *name, int *fds, unsigned int queues)
{
	int flags = tap_flags(name);
	unsigned int i;

	if (!if_nametoindex(name)) {
		report("--net: tap '%s' does not exist; try: ip tuntap add %s mode tap vnet_hdr%s",
		       name, name, queues > 1 ? " multi_queue" : "");
		return -ENODEV;
	}
	if (flags >= 0 && !(flags & IFF_TAP)) {
		report("--net: tap '%s' is a tun, without Ethernet frames", name);
		return -EINVAL;
	}
	for (i = 0; i < queues; i++) {
		fds[i] = open_queue(name, queues, flags);
		if (fds[i] < 0) {
			int err = fds[i];

			while (i)
				close(fds[--i]);
			return err;
		}
	}
	return 0;
}

int tap_set_offload(int fd, unsigned int flags)
{
	return ioctl(fd, TUNSETOFFLOAD, flags) ? -errno : 0;
}

/* Return: 0 or a negative errno value. */
static int set_queue(int fd, short flags)
{
	struct ifreq ifr = { .ifr_flags = flags };

	return ioctl(fd, TUNSETQUEUE, &ifr) ? -errno : 0;
}

int tap_attach(int fd)
{
	return set_queue(fd, IFF_ATTACH_QUEUE);
}

int tap_detach(int fd)
{
	return set_queue(fd, IFF_DETACH_QUEUE);
}
