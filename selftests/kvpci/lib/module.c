// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module answers: each operation of a machine is one call of libkvpci.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "function.h"

static void module_open(struct machine *m)
{
	m->ctl = libkvpci_open(NULL);
	if (m->ctl < 0)
		guest_die("libkvpci_open: %d", m->ctl);
	m->vm = libkvpci_vm_create(m->ctl, m->g.vm_fd);
	if (m->vm < 0)
		guest_die("libkvpci_vm_create: %d", m->vm);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void module_close(struct machine *m)
{
	close_fd(&m->dev);
	close_fd(&m->vm);
	close_fd(&m->ctl);
}

static int module_set_flags(struct machine *m, uint32_t flags)
{
	close_fd(&m->vm);
	m->vm = libkvpci_vm_create_flags(m->ctl, m->g.vm_fd, flags);
	return m->vm < 0 ? m->vm : 0;
}

static void module_ids_of_32_bits(struct machine *m)
{
	guest_ids_of_32_bits(&m->g);
}

static int module_create(struct machine *m, struct device_desc *desc)
{
	int fd = libkvpci_device_create(m->vm, &desc->create);

	if (fd < 0)
		return fd;
	m->dev = fd;
	return 0;
}

static int module_create_function(struct machine *m, struct device_desc *desc,
				  const void *vendor, uint32_t length)
{
	uint8_t users[MODULE_BUSES * 32] = { 0 };
	int err = module_create(m, desc);

	if (err)
		return err;
	users[USERS / 8] = 1 << (USERS % 8);
	err = libkvpci_vm_ecam(m->vm, ECAM_ADDR, MODULE_BUSES, users);
	if (err)
		return err;
	return place_vendor(m->dev, OURS, 0x020000, 1, PIN, vendor, length);
}

static int module_info(struct machine *m, struct kvpci_info *info)
{
	return libkvpci_info(m->ctl, info);
}

static int module_map(struct machine *m, uint32_t mapped,
		      const uint64_t addr[KVPCI_NUM_BARS])
{
	return libkvpci_device_map(m->dev, mapped, addr);
}

static int module_irq(struct machine *m, uint32_t flags, uint32_t gsi)
{
	return libkvpci_device_irq(m->dev, flags, gsi);
}

static int module_irq_fd(struct machine *m, uint32_t flags, int line_fd)
{
	return libkvpci_device_irq_fd(m->dev, flags, line_fd);
}

/* Tests of a read() that waits use the descriptor, so it is made to wait again. */
static int module_event(struct machine *m, struct kvpci_event *event)
{
	int flags = fcntl(m->dev, F_GETFL);
	int n;

	fcntl(m->dev, F_SETFL, flags | O_NONBLOCK);
	n = libkvpci_events_read(m->dev, event, 1);
	fcntl(m->dev, F_SETFL, flags);
	return n < 0 ? n : (int)event->kind;
}

static int module_ack(struct machine *m, uint32_t kind, uint32_t queue)
{
	return libkvpci_device_ack(m->dev, kind, queue);
}

static int module_fail(struct machine *m)
{
	return libkvpci_device_fail(m->dev);
}

static int module_reset(struct machine *m, uint32_t flags)
{
	return libkvpci_device_reset(m->dev, flags);
}

static int module_features(struct machine *m, uint64_t features[2])
{
	struct kvpci_device_state state = { .device_config = 0 };
	int err = libkvpci_device_state(m->dev, &state);

	features[0] = state.driver_features[0];
	features[1] = state.driver_features[1];
	return err;
}

static int module_features_ok(struct machine *m, uint32_t status,
			      const uint64_t features[2])
{
	return libkvpci_device_features_ok(m->dev, status, features);
}

static int module_device_config_write(struct machine *m, uint32_t flags,
				      uint32_t offset, uint32_t length,
				      const void *data)
{
	return libkvpci_device_config_write(m->dev, flags, offset, length, data);
}

static int module_queue_fds(struct machine *m, uint32_t first, uint32_t count,
			    const struct kvpci_fd_pair *pairs)
{
	return libkvpci_queue_fd_pairs(m->dev, first, count, pairs);
}

static int module_queue_state(struct machine *m, uint32_t queue,
			      struct kvpci_queue_state *state)
{
	return libkvpci_queue_state(m->dev, queue, state);
}

static int module_queue_states(struct machine *m, uint32_t first,
			       uint32_t count, struct kvpci_queue_state *states)
{
	return libkvpci_queue_states(m->dev, first, count, states);
}

static int module_bar_read(struct machine *m, uint32_t bar, uint32_t offset,
			   uint32_t length, uint64_t *value)
{
	return libkvpci_bar_read(m->dev, bar, offset, length, value);
}

static int module_bar_write(struct machine *m, uint32_t bar, uint32_t offset,
			    uint32_t length, uint64_t value)
{
	return libkvpci_bar_write(m->dev, bar, offset, length, value);
}

static int module_pci_config_read(struct machine *m, uint32_t offset,
				  uint32_t length, uint32_t *value)
{
	return libkvpci_pci_config_read(m->dev, offset, length, value);
}

static int module_pci_config_write(struct machine *m, uint32_t offset,
				   uint32_t length, uint32_t value)
{
	return libkvpci_pci_config_write(m->dev, offset, length, value);
}

static int module_save(struct machine *m, struct kvpci_device_registers *registers)
{
	return libkvpci_device_save(m->dev, registers);
}

static int module_restore(struct machine *m,
			  const struct kvpci_device_registers *registers)
{
	return libkvpci_device_restore(m->dev, registers);
}

/* The module takes a signal before the write to the eventfd returns. */
static void module_await_call(struct machine *m, int call)
{
	(void)m;
	(void)call;
}

static int module_stats(struct machine *m, struct kvpci_device_stats *stats)
{
	return libkvpci_device_stats(m->dev, stats);
}

const struct machine_ops machine_module = {
	.open = module_open,
	.close = module_close,
	.set_flags = module_set_flags,
	.ids_of_32_bits = module_ids_of_32_bits,
	.create = module_create,
	.create_function = module_create_function,
	.info = module_info,
	.map = module_map,
	.irq = module_irq,
	.irq_fd = module_irq_fd,
	.event = module_event,
	.ack = module_ack,
	.fail = module_fail,
	.reset = module_reset,
	.features = module_features,
	.features_ok = module_features_ok,
	.device_config_write = module_device_config_write,
	.queue_fds = module_queue_fds,
	.queue_state = module_queue_state,
	.queue_states = module_queue_states,
	.bar_read = module_bar_read,
	.bar_write = module_bar_write,
	.pci_config_read = module_pci_config_read,
	.pci_config_write = module_pci_config_write,
	.save = module_save,
	.restore = module_restore,
	.await_call = module_await_call,
	.stats = module_stats,
	.buses = MODULE_BUSES,
	.moved_exits = 1,
};
