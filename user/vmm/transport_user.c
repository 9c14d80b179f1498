// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same register core as the module's, driven from the vCPUs' exits to
 * userspace: the twin that the module is measured against.
 *
 * One lock a device covers registers, eventfds and interrupts. It is held while
 * an interrupt is delivered, so that none is delivered once a reset is done. A
 * thread a device waits for the call eventfds.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "transport_user.h"
#include "vm.h"

#include "../../kmod/arch/x86_msi.h"

#define CALL_QUIT	0xffffffffU	/* in place of a queue's index */
#define CALL_BATCH	16

/* A queue's eventfds: our own duplicates, or -1. */
struct user_fds {
	int kick;
	int call;
};

static const void *user_pointer(uint64_t address)
{
	return (const void *)(uintptr_t)address;
}

/* The line is KVM's, or the VMM's, who is told that there is something to ask for. */
static void update_line(struct user_transport *u)
{
	bool has_line = u->gsi != KVPCI_GSI_NONE || u->line_fd >= 0;
	bool line = has_line && kvpci_core_intx(&u->core);

	kvpci_pci_config_set_intx(&u->cs, kvpci_core_intx_status(&u->core));
	if (line == u->line)
		return;
	u->line = line;
	if (u->line_fd >= 0)
		eventfd_write(u->line_fd, 1);
	else
		vm_share_line(u->vm, u->gsi, line ? 1 : -1);
}

u32 user_irq_flags(const struct user_transport *u)
{
	return kvpci_pci_config_irq_flags(&u->cs) |
	       (u->line_fd >= 0 ? KVPCI_IRQ_LINE_FD : 0);
}

/* The VMM, who asks for it, need not be told that its line is free. */
static void leave_line(struct user_transport *u)
{
	if (u->line && u->line_fd < 0)
		vm_share_line(u->vm, u->gsi, -1);
	u->line = false;
}

void user_set_line_fd(struct transport *t, int line_fd)
{
	struct user_transport *u = user_of(t);
	struct kvpci_effect effect;

	pthread_mutex_lock(&u->lock);
	if (u->line_fd != line_fd) {
		leave_line(u);
		u->line_fd = line_fd;
	}
	effect = kvpci_core_set_irq_flags(&u->core, user_irq_flags(u));
	effect.bits |= KVPCI_EFFECT_LINE;
	user_unlock_and(u, effect);
}

/* The event descriptor is readable as long as there is an event. */
static void update_event_fd(struct user_transport *u)
{
	struct kvpci_event event;
	bool readable = kvpci_core_event_peek(&u->core, &event);
	eventfd_t count;

	if (readable == u->event_readable)
		return;
	u->event_readable = readable;
	if (readable)
		eventfd_write(u->base.event_fd, 1);
	else
		eventfd_read(u->base.event_fd, &count);
}

static void send_message(struct user_transport *u, const struct kvpci_msg *msg)
{
	vm_send_message(u->vm, u->ext_dest_id ? kvpci_arch_ext_dest(msg->address) :
			msg->address, msg->data);
}

/* Return: the vector sent, at least @from, or -1. */
static int send_pending(struct user_transport *u, unsigned int from)
{
	struct kvpci_msg msg;
	int vector = kvpci_core_next_pending(&u->core, from, &msg);

	if (vector >= 0)
		send_message(u, &msg);
	return vector;
}

/*
 * Nobody waits here for KVPCI_EFFECT_STOPPED, and KVPCI_EFFECT_DECISION asks for
 * nothing: messages are decided on and sent under one lock, which the change
 * itself has waited for.
 */
void user_unlock_and(struct user_transport *u, struct kvpci_effect effect)
{
	int vector = -1;

	if (effect.bits & KVPCI_EFFECT_VECTOR)
		send_pending(u, effect.arg);
	if (effect.bits & KVPCI_EFFECT_PENDING) {
		do {
			vector = send_pending(u, vector + 1);
		} while (vector >= 0);
	}
	if (effect.bits & KVPCI_EFFECT_LINE)
		update_line(u);
	if (effect.bits & (KVPCI_EFFECT_EVENT | KVPCI_EFFECT_EVENT_GONE))
		update_event_fd(u);
	pthread_mutex_unlock(&u->lock);
}

/* Doorbells change nothing that has an effect but the kick. */
static void kick(struct user_transport *u, const struct kvpci_region *region,
		 uint32_t offset, uint32_t length, uint64_t value)
{
	u32 queue;

	pthread_mutex_lock(&u->lock);
	if (kvpci_core_doorbell(&u->core, region, offset, length, value,
				&queue) == KVPCI_DOORBELL_KICK &&
	    u->fds[queue].kick >= 0)
		eventfd_write(u->fds[queue].kick, 1);
	pthread_mutex_unlock(&u->lock);
}

/* Is an access the VMM's to do, which is told so and nothing else happens? */
static bool exits(const struct user_transport *u, const struct kvpci_region *region,
		  uint32_t offset, uint32_t length, uint64_t value, bool write)
{
	return write ?
		kvpci_core_write_exits(&u->core, region, offset, length, value) :
		kvpci_core_read_exits(&u->core, region, offset, length);
}

int user_access(struct transport *t, uint32_t bar, uint32_t offset,
		uint32_t length, uint64_t *value,
		enum transport_direction direction,
		enum transport_accessor accessor)
{
	const bool write = direction == TRANSPORT_WRITE;
	struct user_transport *u = user_of(t);
	const struct kvpci_region *region;
	struct kvpci_effect effect;
	u64 word = 0;

	if (bar >= KVPCI_NUM_BARS || u->core.bars[bar].kind == KVPCI_BAR_NONE)
		return -ENXIO;
	if (length != 1 && length != 2 && length != 4 && length != 8)
		return -EINVAL;
	if (offset >= u->core.bars[bar].size ||
	    length > u->core.bars[bar].size - offset)
		return -ERANGE;
	region = kvpci_core_find(&u->core, bar, offset, length);
	if (!region) {
		/* Holes read as 0. */
		if (!write)
			*value = 0;
		return 0;
	}
	offset -= region->offset;
	if (write && region->type == KVPCI_REGION_NOTIFY) {
		kick(u, region, offset, length, *value);
		return 0;
	}
	pthread_mutex_lock(&u->lock);
	if (accessor == TRANSPORT_GUEST &&
	    exits(u, region, offset, length, *value, write)) {
		pthread_mutex_unlock(&u->lock);
		return -EOPNOTSUPP;
	}
	effect = write ?
		kvpci_core_write(&u->core, region, offset, length, *value) :
		kvpci_core_read(&u->core, region, offset, length, &word);
	user_unlock_and(u, effect);
	if (!write)
		*value = word;
	return 0;
}

/* Return: what is left to be done. */
static struct kvpci_effect signal_queue(struct user_transport *u, uint32_t queue)
{
	struct kvpci_msg msg;

	switch (kvpci_core_signal(&u->core, queue, &msg)) {
	case KVPCI_IRQ_SEND:
		send_message(u, &msg);
		break;
	case KVPCI_IRQ_INTX:
		return kvpci_effect(KVPCI_EFFECT_LINE);
	default:
		break;
	}
	return kvpci_no_effect();
}

static void take_call(struct user_transport *u, uint32_t queue)
{
	struct kvpci_effect effect = kvpci_no_effect();
	eventfd_t count;

	pthread_mutex_lock(&u->lock);
	if (u->fds[queue].call >= 0 && !eventfd_read(u->fds[queue].call, &count))
		effect = signal_queue(u, queue);
	user_unlock_and(u, effect);
}

static void *wait_for_calls(void *arg)
{
	struct epoll_event events[CALL_BATCH];
	struct user_transport *u = arg;
	int i, n;

	for (;;) {
		n = epoll_wait(u->epoll, events, CALL_BATCH, -1);
		for (i = 0; i < n; i++) {
			if (events[i].data.u32 == CALL_QUIT)
				return NULL;
			take_call(u, events[i].data.u32);
		}
	}
}

static int watch(struct user_transport *u, int fd, uint32_t data)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = data };

	return epoll_ctl(u->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static void no_fds(struct user_fds *fds, uint32_t count)
{
	while (count--)
		fds[count] = (struct user_fds){ .kick = -1, .call = -1 };
}

static void drop_fds(struct user_transport *u, const struct user_fds *fds)
{
	if (fds->call >= 0) {
		epoll_ctl(u->epoll, EPOLL_CTL_DEL, fds->call, NULL);
		close(fds->call);
	}
	if (fds->kick >= 0)
		close(fds->kick);
}

static int duplicate(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return copy < 0 ? -errno : copy;
}

/* Return: 0, or an error, and then there may be something in @fds. */
static int take_fds(struct user_transport *u, struct user_fds *fds, uint32_t queue,
		    const struct kvpci_fd_pair *pair)
{
	if (pair->kick_fd != -1) {
		fds->kick = duplicate(pair->kick_fd);
		if (fds->kick < 0)
			return fds->kick;
	}
	if (pair->call_fd != -1) {
		fds->call = duplicate(pair->call_fd);
		if (fds->call < 0)
			return fds->call;
		return watch(u, fds->call, queue);
	}
	return 0;
}

static int user_queue_fds(struct transport *t, uint32_t first, uint32_t count,
			  const struct kvpci_fd_pair *pairs)
{
	struct user_transport *u = user_of(t);
	struct user_fds *fds, old;
	int err = 0;
	uint32_t i;

	if (!count || first >= u->core.num_queues || count > u->core.num_queues - first)
		return -EINVAL;
	fds = calloc(count, sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	no_fds(fds, count);
	for (i = 0; !err && i < count; i++)
		err = take_fds(u, &fds[i], first + i, &pairs[i]);
	pthread_mutex_lock(&u->lock);
	for (i = 0; i < count; i++) {
		if (!err) {
			old = u->fds[first + i];
			u->fds[first + i] = fds[i];
			fds[i] = old;
		}
		/* The old ones, or, after an error, still the new. */
		drop_fds(u, &fds[i]);
	}
	pthread_mutex_unlock(&u->lock);
	free(fds);
	return err;
}

static int user_event(struct transport *t, struct kvpci_event *event)
{
	struct user_transport *u = user_of(t);
	int got;

	pthread_mutex_lock(&u->lock);
	got = kvpci_core_event_peek(&u->core, event) &&
		kvpci_core_event_take(&u->core, event);
	/* Another event may follow the one that is gone. */
	user_unlock_and(u, kvpci_effect(KVPCI_EFFECT_EVENT_GONE));
	return got;
}

static int user_ack(struct transport *t, uint32_t kind, uint32_t queue)
{
	struct user_transport *u = user_of(t);
	struct kvpci_effect effect;
	int err;

	pthread_mutex_lock(&u->lock);
	err = kvpci_core_ack(&u->core, kind, queue, &effect);
	user_unlock_and(u, effect);
	return err;
}

static int user_fail(struct transport *t)
{
	struct user_transport *u = user_of(t);

	pthread_mutex_lock(&u->lock);
	user_unlock_and(u, kvpci_core_fail(&u->core));
	return 0;
}

static int user_reset(struct transport *t, uint32_t flags)
{
	struct user_transport *u = user_of(t);
	struct kvpci_effect effect;

	if (flags & ~KVPCI_RESET_FUNCTION)
		return -EINVAL;
	pthread_mutex_lock(&u->lock);
	if (flags & KVPCI_RESET_FUNCTION) {
		kvpci_pci_config_reset(&u->cs);
		u->mapped = kvpci_pci_config_decode(&u->cs, u->addr);
	}
	effect = kvpci_core_reset_by_vmm(&u->core, flags);
	user_unlock_and(u, effect);
	return 0;
}

static int user_update(struct transport *t, uint32_t flags, uint32_t offset,
		       uint32_t length, const void *data)
{
	struct user_transport *u = user_of(t);
	struct kvpci_effect effect;
	int err;

	if (!kvpci_config_write_valid(flags, length))
		return -EINVAL;
	if (offset > u->core.device_config_size ||
	    length > u->core.device_config_size - offset)
		return -ERANGE;
	pthread_mutex_lock(&u->lock);
	err = kvpci_core_device_config_write(&u->core, flags, offset, length,
					     data, &effect);
	user_unlock_and(u, effect);
	return err;
}

static int user_features(struct transport *t, uint64_t features[2])
{
	struct user_transport *u = user_of(t);
	const u32 *words = u->core.driver_features;

	pthread_mutex_lock(&u->lock);
	features[0] = words[0] | (uint64_t)words[1] << 32;
	features[1] = words[2] | (uint64_t)words[3] << 32;
	pthread_mutex_unlock(&u->lock);
	return 0;
}

static int user_features_ok(struct transport *t, uint32_t status,
			    const uint64_t features[2])
{
	const struct kvpci_device_features_ok ok = {
		.size = sizeof(ok),
		.status = status,
		.driver_features = { features[0], features[1] },
	};
	struct user_transport *u = user_of(t);
	struct kvpci_effect effect;
	int err;

	pthread_mutex_lock(&u->lock);
	err = kvpci_core_features_ok(&u->core, &ok, &effect);
	user_unlock_and(u, effect);
	return err;
}

static int user_queue_state(struct transport *t, uint32_t queue,
			    struct kvpci_queue_state *state)
{
	struct user_transport *u = user_of(t);

	if (queue >= u->core.num_queues)
		return -EINVAL;
	state->size = sizeof(*state);
	state->queue = queue;
	pthread_mutex_lock(&u->lock);
	kvpci_core_queue_state(&u->core, queue, state);
	pthread_mutex_unlock(&u->lock);
	return 0;
}

static int user_queue_states(struct transport *t, uint32_t first,
			     uint32_t count, struct kvpci_queue_state *states)
{
	struct user_transport *u = user_of(t);
	uint32_t i;

	if (!count || first >= u->core.num_queues ||
	    count > u->core.num_queues - first)
		return -EINVAL;
	for (i = 0; i < count; i++)
		user_queue_state(t, first + i, &states[i]);
	return 0;
}

/* What the registers lead to lies in this program. */
static struct kvpci_state state_of(const struct kvpci_device_registers *registers)
{
	return (struct kvpci_state){
		.queues = (void *)user_pointer(registers->queues),
		.vectors = (void *)user_pointer(registers->vectors),
		.pending = (void *)user_pointer(registers->pending),
		.device_config = (void *)user_pointer(registers->device_config),
	};
}

/* A function without a place has no configuration space yet. */
static bool registers_fit(const struct user_transport *u,
			  const struct kvpci_device_registers *registers)
{
	uint32_t size = u->cs.exp ? KVPCI_PCI_CONFIG_SIZE : 0;

	return !registers->flags && registers->pci_config_size == size &&
	       kvpci_core_state_fits(&u->core, registers);
}

static int user_save(struct transport *t, struct kvpci_device_registers *registers)
{
	const struct kvpci_state state = state_of(registers);
	struct user_transport *u = user_of(t);
	uint32_t i;
	int err;

	if (!registers_fit(u, registers))
		return -EINVAL;
	/* As the module has it: what was asked for before is sent, or pending. */
	for (i = 0; i < u->core.num_queues; i++)
		take_call(u, i);
	pthread_mutex_lock(&u->lock);
	err = kvpci_core_save(&u->core, registers, &state);
	if (registers->pci_config_size)
		memcpy((void *)user_pointer(registers->pci_config), u->cs.value,
		       registers->pci_config_size);
	pthread_mutex_unlock(&u->lock);
	return err;
}

static int user_restore(struct transport *t,
			const struct kvpci_device_registers *registers)
{
	const struct kvpci_state state = state_of(registers);
	const u8 *pci_config = user_pointer(registers->pci_config);
	struct kvpci_effect effect = kvpci_no_effect();
	struct user_transport *u = user_of(t);
	int err;

	if (!registers_fit(u, registers))
		return -EINVAL;
	err = kvpci_core_state_check(&u->core, registers, &state);
	if (err)
		return err;
	pthread_mutex_lock(&u->lock);
	if (registers->pci_config_size)
		err = kvpci_pci_config_state_check(&u->cs, pci_config,
						   registers->irq_flags);
	if (!err)
		err = kvpci_core_restore(&u->core, registers, &state, &effect);
	if (!err && registers->pci_config_size) {
		kvpci_pci_config_restore(&u->cs, pci_config);
		u->mapped = kvpci_pci_config_decode(&u->cs, u->addr);
	}
	user_unlock_and(u, effect);
	return err;
}

/* Memory for what the core points to, and our own by queue. */
static int allocate(struct user_transport *u,
		    const struct kvpci_device_create *desc)
{
	struct kvpci_core *core = &u->core;
	uint32_t i;

	kvpci_core_arrays(core, desc, u->arrays);
	for (i = 0; i < KVPCI_NUM_ARRAYS; i++) {
		const struct kvpci_array *array = &u->arrays[i];

		/* What is page-aligned is so for the module, which maps it. */
		if (array->size)
			*array->pointer = calloc(1, array->size);
		if (array->size && !*array->pointer)
			return -ENOMEM;
	}
	u->fds = calloc(desc->num_queues, sizeof(*u->fds));
	if (!u->fds)
		return -ENOMEM;
	no_fds(u->fds, desc->num_queues);
	if (core->device_config)
		memcpy(core->device_config, user_pointer(desc->device_config),
		       desc->device_config_size);
	if (core->device_config_mask)
		memcpy(core->device_config_mask,
		       user_pointer(desc->device_config_mask),
		       desc->device_config_size);
	return 0;
}

static void user_free(struct user_transport *u)
{
	unsigned int i;

	if (u->base.event_fd >= 0)
		close(u->base.event_fd);
	if (u->epoll >= 0)
		close(u->epoll);
	if (u->quit >= 0)
		close(u->quit);
	for (i = 0; i < KVPCI_NUM_ARRAYS; i++)
		free(*u->arrays[i].pointer);
	free(u->fds);
	pthread_mutex_destroy(&u->lock);
	free(u);
}

static void user_destroy(struct transport *t)
{
	struct user_transport *u = user_of(t);
	uint32_t i;

	eventfd_write(u->quit, 1);
	pthread_join(u->thread, NULL);
	for (i = 0; i < u->core.num_queues; i++)
		drop_fds(u, &u->fds[i]);
	leave_line(u);
	user_free(u);
}

static int start_thread(struct user_transport *u)
{
	int err;

	u->base.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	u->quit = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	u->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (u->base.event_fd < 0 || u->quit < 0 || u->epoll < 0)
		return -errno;
	err = watch(u, u->quit, CALL_QUIT);
	return err ? err : -pthread_create(&u->thread, NULL, wait_for_calls, u);
}

static int user_create(struct transport_vm *tvm,
		       struct kvpci_device_create *desc,
		       struct transport **transport)
{
	const struct kvpci_arrays arrays = {
		.regions = user_pointer(desc->regions),
		.queue_sizes = user_pointer(desc->queue_sizes),
		.notif_config_data = user_pointer(desc->notif_config_data),
		.feature_deps = user_pointer(desc->feature_deps),
	};
	struct user_transport *u;
	int err;

	if (desc->flags & ~KVPCI_EXITS)
		return -EINVAL;
	desc->size = sizeof(*desc);
	err = kvpci_core_check(desc, &arrays);
	if (err)
		return err;
	u = calloc(1, sizeof(*u));
	if (!u)
		return -ENOMEM;
	u->base.ops = &transport_user;
	u->base.event_fd = -1;
	u->vm = tvm->vm;
	u->virtio_id = desc->virtio_id;
	u->ext_dest_id = tvm->flags & KVPCI_VM_EXT_DEST_ID;
	u->epoll = -1;
	u->quit = -1;
	u->gsi = KVPCI_GSI_NONE;
	u->line_fd = -1;
	pthread_mutex_init(&u->lock, NULL);
	err = allocate(u, desc);
	if (!err) {
		kvpci_core_init(&u->core, desc, &arrays);
		err = start_thread(u);
	}
	if (err) {
		user_free(u);
		return err;
	}
	*transport = &u->base;
	return 0;
}

static int user_open(struct transport_vm *tvm)
{
	tvm->fd = -1;
	return tvm->flags & ~KVPCI_VM_EXT_DEST_ID ? -EINVAL : 0;
}

static void user_close(struct transport_vm *tvm)
{
	(void)tvm;
}

const struct transport_ops transport_user = {
	.name = "user",
	.open = user_open,
	.close = user_close,
	.create = user_create,
	.destroy = user_destroy,
	.place = user_place,
	.pci_config = user_pci_config,
	.find = user_find,
	.access = user_access,
	.event = user_event,
	.ack = user_ack,
	.fail = user_fail,
	.reset = user_reset,
	.update = user_update,
	.features = user_features,
	.features_ok = user_features_ok,
	.queue_fds = user_queue_fds,
	.queue_state = user_queue_state,
	.queue_states = user_queue_states,
	.save = user_save,
	.restore = user_restore,
};
