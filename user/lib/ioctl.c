// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * One function per ioctl: fill in the sizes, call, turn errno into a return
 * value. <kvpci/kvpci.h> describes each.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <kvpci/kvpci.h>

static int call(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

static uint64_t pointer(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

const char *libkvpci_version(void)
{
	return LIBKVPCI_VERSION;
}

int libkvpci_open(const char *path)
{
	int fd = open(path ? path : LIBKVPCI_DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int libkvpci_info(int fd, struct kvpci_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return call(fd, KVPCI_INFO, info);
}

int libkvpci_vm_create_flags(int fd, int kvm_vm_fd, uint32_t flags)
{
	struct kvpci_vm_create arg = {
		.size = sizeof(arg),
		.flags = flags,
		.kvm_fd = kvm_vm_fd,
	};

	return call(fd, KVPCI_VM_CREATE, &arg);
}

int libkvpci_vm_create(int fd, int kvm_vm_fd)
{
	return libkvpci_vm_create_flags(fd, kvm_vm_fd, 0);
}

int libkvpci_vm_ecam(int vm, uint64_t addr, uint32_t num_buses,
		     const void *user_functions)
{
	struct kvpci_vm_ecam arg = {
		.size = sizeof(arg),
		.addr = addr,
		.num_buses = num_buses,
		.user_functions = pointer(user_functions),
	};

	return call(vm, KVPCI_VM_ECAM, &arg);
}

int libkvpci_device_create(int vm, struct kvpci_device_create *desc)
{
	desc->size = sizeof(*desc);
	return call(vm, KVPCI_DEVICE_CREATE, desc);
}

int libkvpci_device_map(int dev, uint32_t mapped,
			const uint64_t addr[KVPCI_NUM_BARS])
{
	struct kvpci_device_map arg = {
		.size = sizeof(arg),
		.mapped = mapped,
	};

	memcpy(arg.addr, addr, sizeof(arg.addr));
	return call(dev, KVPCI_DEVICE_MAP, &arg);
}

/* Return: the error, or whether Status.Interrupt is set. */
static int set_irq(int dev, struct kvpci_device_irq *arg)
{
	int ret = call(dev, KVPCI_DEVICE_IRQ, arg);

	return ret < 0 ? ret : arg->pending != 0;
}

int libkvpci_device_irq(int dev, uint32_t flags, uint32_t gsi)
{
	struct kvpci_device_irq arg = {
		.size = sizeof(arg),
		.flags = flags,
		.gsi = gsi,
	};

	return set_irq(dev, &arg);
}

int libkvpci_device_irq_fd(int dev, uint32_t flags, int line_fd)
{
	struct kvpci_device_irq arg = {
		.size = sizeof(arg),
		.flags = flags | KVPCI_IRQ_LINE_FD,
		.gsi = KVPCI_GSI_NONE,
		.line_fd = line_fd,
	};

	return set_irq(dev, &arg);
}

int libkvpci_device_place(int dev, struct kvpci_device_place *place)
{
	place->size = sizeof(*place);
	return call(dev, KVPCI_DEVICE_PLACE, place);
}

int libkvpci_pci_config_read(int dev, uint32_t offset, uint32_t length,
			     uint32_t *value)
{
	struct kvpci_pci_config_access arg = {
		.size = sizeof(arg),
		.offset = offset,
		.length = length,
	};
	int ret = call(dev, KVPCI_PCI_CONFIG_ACCESS, &arg);

	if (ret >= 0)
		*value = arg.value;
	return ret;
}

int libkvpci_pci_config_write(int dev, uint32_t offset, uint32_t length,
			      uint32_t value)
{
	struct kvpci_pci_config_access arg = {
		.size = sizeof(arg),
		.flags = KVPCI_ACCESS_WRITE,
		.offset = offset,
		.length = length,
		.value = value,
	};

	return call(dev, KVPCI_PCI_CONFIG_ACCESS, &arg);
}

int libkvpci_device_ack(int dev, uint32_t kind, uint32_t queue)
{
	struct kvpci_device_ack arg = {
		.size = sizeof(arg),
		.kind = kind,
		.queue = queue,
	};

	return call(dev, KVPCI_DEVICE_ACK, &arg);
}

int libkvpci_device_fail(int dev)
{
	struct kvpci_device_fail arg = { .size = sizeof(arg) };

	return call(dev, KVPCI_DEVICE_FAIL, &arg);
}

int libkvpci_device_reset(int dev, uint32_t flags)
{
	struct kvpci_device_reset arg = {
		.size = sizeof(arg),
		.flags = flags,
	};

	return call(dev, KVPCI_DEVICE_RESET, &arg);
}

int libkvpci_device_state(int dev, struct kvpci_device_state *state)
{
	state->size = sizeof(*state);
	state->flags = 0;
	state->__reserved = 0;
	return call(dev, KVPCI_DEVICE_STATE, state);
}

int libkvpci_device_save(int dev, struct kvpci_device_registers *registers)
{
	registers->size = sizeof(*registers);
	return call(dev, KVPCI_DEVICE_SAVE, registers);
}

int libkvpci_device_restore(int dev,
			    const struct kvpci_device_registers *registers)
{
	struct kvpci_device_registers arg = *registers;

	arg.size = sizeof(arg);
	return call(dev, KVPCI_DEVICE_RESTORE, &arg);
}

int libkvpci_device_stats(int dev, struct kvpci_device_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	stats->size = sizeof(*stats);
	return call(dev, KVPCI_DEVICE_STATS, stats);
}

int libkvpci_bar_read(int dev, uint32_t bar, uint32_t offset,
		      uint32_t length, uint64_t *value)
{
	struct kvpci_bar_access arg = {
		.size = sizeof(arg),
		.bar = bar,
		.offset = offset,
		.length = length,
	};
	int ret = call(dev, KVPCI_BAR_ACCESS, &arg);

	if (ret >= 0)
		*value = arg.value;
	return ret;
}

int libkvpci_bar_write(int dev, uint32_t bar, uint32_t offset,
		       uint32_t length, uint64_t value)
{
	struct kvpci_bar_access arg = {
		.size = sizeof(arg),
		.flags = KVPCI_ACCESS_WRITE,
		.bar = bar,
		.offset = offset,
		.length = length,
		.value = value,
	};

	return call(dev, KVPCI_BAR_ACCESS, &arg);
}

int libkvpci_device_features_ok(int dev, uint32_t status,
				const uint64_t features[2])
{
	struct kvpci_device_features_ok arg = {
		.size = sizeof(arg),
		.status = status,
		.driver_features = { features[0], features[1] },
	};

	return call(dev, KVPCI_DEVICE_FEATURES_OK, &arg);
}

int libkvpci_device_config_write(int dev, uint32_t flags, uint32_t offset,
				 uint32_t length, const void *data)
{
	struct kvpci_device_config_write arg = {
		.size = sizeof(arg),
		.flags = flags,
		.offset = offset,
		.length = length,
		.data = pointer(data),
	};

	return call(dev, KVPCI_DEVICE_CONFIG_WRITE, &arg);
}

int libkvpci_queue_fd_pairs(int dev, uint32_t first, uint32_t count,
			    const struct kvpci_fd_pair *pairs)
{
	struct kvpci_queue_fds arg = {
		.size = sizeof(arg),
		.first = first,
		.count = count,
		.entry_size = sizeof(*pairs),
		.pairs = pointer(pairs),
	};

	return call(dev, KVPCI_QUEUE_FDS, &arg);
}

int libkvpci_queue_fds(int dev, uint32_t queue, int kick_fd, int call_fd)
{
	const struct kvpci_fd_pair pair = { kick_fd, call_fd };

	return libkvpci_queue_fd_pairs(dev, queue, 1, &pair);
}

int libkvpci_queue_state(int dev, uint32_t queue,
			 struct kvpci_queue_state *state)
{
	memset(state, 0, sizeof(*state));
	state->size = sizeof(*state);
	state->queue = queue;
	return call(dev, KVPCI_QUEUE_STATE, state);
}

int libkvpci_queue_states(int dev, uint32_t first, uint32_t count,
			  struct kvpci_queue_state *states)
{
	struct kvpci_queue_states arg = {
		.size = sizeof(arg),
		.first = first,
		.count = count,
		.entry_size = sizeof(*states),
		.states = pointer(states),
	};

	return call(dev, KVPCI_QUEUE_STATES, &arg);
}

/*
 * A module newer than this library may return larger events. They follow each
 * other at the distance that each one names, and begin with the fields of ours.
 */
int libkvpci_events_read(int dev, struct kvpci_event *events,
			 unsigned int count)
{
	unsigned int n = 0;
	size_t at = 0, size = count * sizeof(*events);
	char *bytes = (char *)events;
	struct kvpci_event event;
	ssize_t got;

	got = read(dev, events, size);
	if (got < 0)
		return -errno;
	/* Compaction never overtakes: an event is no smaller than ours. */
	while (at + sizeof(event) <= (size_t)got) {
		memcpy(&event, bytes + at, sizeof(event));
		if (event.size < sizeof(event))
			return -EPROTO;
		at += event.size;
		events[n++] = event;
	}
	return n ? (int)n : -EPROTO;
}
