// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module answers: every operation is one call of libkvpci.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <kvpci/kvpci.h>

#include "machine.h"
#include "report.h"
#include "transport.h"
#include "vm.h"

/**
 * struct kernel_transport - a device that the module answers
 * @base: the part that every transport has
 * @tvm: its VM
 * @desc: its description
 * @regions: the regions that @desc points to
 * @mmap_reads: the registers that the guest reads as memory, or NULL
 */
struct kernel_transport {
	struct transport base;
	struct transport_vm *tvm;
	struct kvpci_device_create desc;
	struct kvpci_region regions[KVPCI_MAX_REGIONS];
	struct mmap_reads_function *mmap_reads;
};

static struct kernel_transport *kernel_of(struct transport *t)
{
	return (struct kernel_transport *)t;
}

static int report_open(int err)
{
	struct utsname name;

	if (err == -ENOENT || err == -ENODEV || err == -ENXIO) {
		report("%s: no such device; try: insmod build/%s/kvpci.ko, or --transport user",
		       LIBKVPCI_DEVICE, uname(&name) ? "RELEASE" : name.release);
		return err;
	}
	return report_error(err, "cannot open %s", LIBKVPCI_DEVICE);
}

static int kernel_open(struct transport_vm *tvm)
{
	struct kvpci_info info;
	int fd, vm, err;

	fd = libkvpci_open(NULL);
	if (fd < 0)
		return report_open(fd);
	err = libkvpci_info(fd, &info);
	if (err)
		tvm->mmap_reads_set = MMAP_READS_NONE;
	if (!err && info.caps & KVPCI_CAP_FAST_MMIO)
		tvm->layout = LIBKVPCI_LAYOUT_FAST_MMIO;
	vm = libkvpci_vm_create_flags(fd, tvm->vm->fd, tvm->flags);
	close(fd);
	if (vm < 0)
		return report_error(vm, "KVPCI_VM_CREATE");
	err = libkvpci_vm_ecam(vm, ECAM_BASE, ECAM_BUSES, NULL);
	if (err) {
		close(vm);
		return report_error(err, "KVPCI_VM_ECAM");
	}
	if (tvm->mmap_reads_set != MMAP_READS_NONE)
		err = mmap_reads_create(tvm->vm, tvm->mmap_reads_set, &tvm->mmap_reads);
	if (err) {
		close(vm);
		return err;
	}
	tvm->fd = vm;
	return 0;
}

static void kernel_close(struct transport_vm *tvm)
{
	mmap_reads_free(tvm->mmap_reads);
	close(tvm->fd);
}

static int kernel_create(struct transport_vm *tvm,
			 struct kvpci_device_create *desc,
			 struct transport **transport)
{
	struct kernel_transport *t = calloc(1, sizeof(*t));
	int fd, err;

	if (!t)
		return -ENOMEM;
	fd = libkvpci_device_create(tvm->fd, desc);
	if (fd < 0) {
		free(t);
		return fd;
	}
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		err = -errno;
		close(fd);
		free(t);
		return err;
	}
	t->base.ops = &transport_kernel;
	t->base.event_fd = fd;
	t->tvm = tvm;
	t->desc = *desc;
	memcpy(t->regions, (const void *)(uintptr_t)desc->regions,
	       desc->num_regions * sizeof(t->regions[0]));
	t->desc.regions = (uintptr_t)t->regions;
	*transport = &t->base;
	return 0;
}

static void kernel_destroy(struct transport *t)
{
	mmap_reads_remove(kernel_of(t)->mmap_reads);
	close(t->event_fd);
	free(t);
}

static int kernel_place(struct transport *t, struct kvpci_device_place *place)
{
	struct kernel_transport *k = kernel_of(t);
	int err;

	err = libkvpci_device_place(t->event_fd, place);
	if (!err && k->tvm->mmap_reads)
		err = mmap_reads_add(k->tvm->mmap_reads, t->event_fd, place->function,
				     &k->desc, &k->mmap_reads);
	return err;
}

static int kernel_pci_config(struct transport *t, uint32_t offset,
			     uint32_t length, uint32_t *value,
			     enum transport_direction direction,
			     enum transport_accessor accessor)
{
	int err;

	(void)accessor;	/* what comes to userspace is the VMM's */
	if (direction == TRANSPORT_WRITE) {
		err = libkvpci_pci_config_write(t->event_fd, offset, length,
						*value);
		if (!err && kernel_of(t)->mmap_reads)
			mmap_reads_update(kernel_of(t)->mmap_reads);
		return err;
	}
	return libkvpci_pci_config_read(t->event_fd, offset, length, value);
}

static int kernel_access(struct transport *t, uint32_t bar, uint32_t offset,
			 uint32_t length, uint64_t *value,
			 enum transport_direction direction,
			 enum transport_accessor accessor)
{
	(void)accessor;
	if (direction == TRANSPORT_WRITE)
		return libkvpci_bar_write(t->event_fd, bar, offset, length,
					     *value);
	return libkvpci_bar_read(t->event_fd, bar, offset, length, value);
}

static int kernel_event(struct transport *t, struct kvpci_event *event)
{
	int n = libkvpci_events_read(t->event_fd, event, 1);

	return n == -EAGAIN || n == -EINTR ? 0 : n;
}

static int kernel_ack(struct transport *t, uint32_t kind, uint32_t queue)
{
	return libkvpci_device_ack(t->event_fd, kind, queue);
}

static int kernel_fail(struct transport *t)
{
	return libkvpci_device_fail(t->event_fd);
}

static int kernel_reset(struct transport *t, uint32_t flags)
{
	int err = libkvpci_device_reset(t->event_fd, flags);

	if (!err && kernel_of(t)->mmap_reads)
		mmap_reads_update(kernel_of(t)->mmap_reads);
	return err;
}

static int kernel_update(struct transport *t, uint32_t flags, uint32_t offset,
			 uint32_t length, const void *data)
{
	return libkvpci_device_config_write(t->event_fd, flags, offset, length,
					    data);
}

static int kernel_features(struct transport *t, uint64_t features[2])
{
	struct kvpci_device_state state = { .device_config = 0 };
	int err = libkvpci_device_state(t->event_fd, &state);

	if (!err) {
		features[0] = state.driver_features[0];
		features[1] = state.driver_features[1];
	}
	return err;
}

static int kernel_features_ok(struct transport *t, uint32_t status,
			      const uint64_t features[2])
{
	return libkvpci_device_features_ok(t->event_fd, status, features);
}

static int kernel_queue_fds(struct transport *t, uint32_t first, uint32_t count,
			    const struct kvpci_fd_pair *pairs)
{
	return libkvpci_queue_fd_pairs(t->event_fd, first, count, pairs);
}

static int kernel_queue_state(struct transport *t, uint32_t queue,
			      struct kvpci_queue_state *state)
{
	return libkvpci_queue_state(t->event_fd, queue, state);
}

static int kernel_queue_states(struct transport *t, uint32_t first,
			       uint32_t count, struct kvpci_queue_state *states)
{
	return libkvpci_queue_states(t->event_fd, first, count, states);
}

static int kernel_save(struct transport *t, struct kvpci_device_registers *registers)
{
	return libkvpci_device_save(t->event_fd, registers);
}

static int kernel_restore(struct transport *t,
			  const struct kvpci_device_registers *registers)
{
	int err = libkvpci_device_restore(t->event_fd, registers);

	/* BARs are where the guest had them. */
	if (!err && kernel_of(t)->mmap_reads)
		mmap_reads_update(kernel_of(t)->mmap_reads);
	return err;
}

const struct transport_ops transport_kernel = {
	.name = "kernel",
	.open = kernel_open,
	.close = kernel_close,
	.create = kernel_create,
	.destroy = kernel_destroy,
	.place = kernel_place,
	.pci_config = kernel_pci_config,
	.access = kernel_access,
	.event = kernel_event,
	.ack = kernel_ack,
	.fail = kernel_fail,
	.reset = kernel_reset,
	.update = kernel_update,
	.features = kernel_features,
	.features_ok = kernel_features_ok,
	.queue_fds = kernel_queue_fds,
	.queue_state = kernel_queue_state,
	.queue_states = kernel_queue_states,
	.save = kernel_save,
	.restore = kernel_restore,
};
