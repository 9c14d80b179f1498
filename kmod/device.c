// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device object: made from a description, driven through ioctls, gone with
 * its file.
 */
#include <linux/anon_inodes.h>
#include <linux/ctype.h>
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include "kvpci.h"

static atomic_t last_id = ATOMIC_INIT(0);

static void free_memory(struct kvpci_device *device)
{
	free_percpu(device->counters);
	kvpci_function_free(device);
	kvfree(device->core.deps);
	kvfree(device->core.notif_queues);
	kvfree(device->core.device_config_mask);
	kvfree(device->core.device_config);
	if (device->core.vectors)
		free_pages_exact(device->core.vectors,
				 kvpci_vectors_size(device->core.num_vectors));
	kvfree(device->core.queues);
	kvfree(device->fds);
	mutex_destroy(&device->read_lock);
	mutex_destroy(&device->fds_lock);
	mutex_destroy(&device->map_lock);
	kfree(device);
}

/* All memory the device will ever need, for any access of the guest. */
static struct kvpci_device *
alloc_memory(const struct kvpci_device_create *create)
{
	size_t notif_queues = kvpci_core_notif_queues_size(create);
	struct kvpci_device *device;
	struct kvpci_core *core;

	device = kzalloc(sizeof(*device), GFP_KERNEL_ACCOUNT);
	if (!device)
		return NULL;
	mutex_init(&device->map_lock);
	mutex_init(&device->fds_lock);
	mutex_init(&device->read_lock);
	rwlock_init(&device->lock);
	device->epoch = 1;	/* calls begin with 0 */
	init_waitqueue_head(&device->wait);
	init_waitqueue_head(&device->stopped);
	INIT_WORK(&device->irq_work, kvpci_irq_work);
	device->gsi = KVPCI_GSI_NONE;

	core = &device->core;
	core->queues = kvcalloc(create->num_queues, sizeof(*core->queues),
				GFP_KERNEL_ACCOUNT);
	core->num_vectors = create->num_vectors;
	if (core->num_vectors)
		core->vectors =
			alloc_pages_exact(kvpci_vectors_size(core->num_vectors),
					  GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	core->device_config = kvzalloc(create->device_config_size, GFP_KERNEL_ACCOUNT);
	if (create->device_config_mask)
		core->device_config_mask = kvzalloc(create->device_config_size,
					     GFP_KERNEL_ACCOUNT);
	core->deps = kvcalloc(create->num_feature_deps, sizeof(*core->deps),
			      GFP_KERNEL_ACCOUNT);
	core->notif_queues = kvzalloc(notif_queues, GFP_KERNEL_ACCOUNT);
	device->fds = kvcalloc(create->num_queues, sizeof(*device->fds),
			       GFP_KERNEL_ACCOUNT);
	device->counters = alloc_percpu_gfp(struct kvpci_counters,
					    GFP_KERNEL_ACCOUNT);
	if (core->queues && (core->vectors || !core->num_vectors) &&
	    core->device_config && device->fds && device->counters &&
	    core->notif_queues && core->deps &&
	    (core->device_config_mask || !create->device_config_mask))
		return device;
	free_memory(device);
	return NULL;
}

static bool name_ok(const u8 *name, size_t size)
{
	size_t i, length = strnlen(name, size);

	if (!length || length == size || !isalnum(name[0]) ||
	    memchr_inv(name + length, 0, size - length))
		return false;
	for (i = 0; i < length; i++)
		if (!isascii(name[i]) ||
		    (!isalnum(name[i]) && !strchr("._-", name[i])))
			return false;
	return true;
}

static int fill_config(struct kvpci_core *core,
		       const struct kvpci_device_create *create)
{
	if (copy_from_user(core->device_config, u64_to_user_ptr(create->device_config),
			   create->device_config_size))
		return -EFAULT;
	if (core->device_config_mask &&
	    copy_from_user(core->device_config_mask,
			   u64_to_user_ptr(create->device_config_mask),
			   create->device_config_size))
		return -EFAULT;
	return 0;
}

/* A device as described, or an error; not yet anybody's. */
static struct kvpci_device *build(const struct kvpci_device_create *create,
				  const struct kvpci_arrays *arrays)
{
	struct kvpci_device *device;
	int err;

	err = kvpci_core_check(create, arrays);
	if (err)
		return ERR_PTR(err);
	device = alloc_memory(create);
	if (!device)
		return ERR_PTR(-ENOMEM);
	err = fill_config(&device->core, create);
	if (err) {
		free_memory(device);
		return ERR_PTR(err);
	}
	kvpci_core_init(&device->core, create, arrays);
	memcpy(device->name, create->name, sizeof(device->name));
	device->id = atomic_inc_return(&last_id);
	device->virtio_id = create->virtio_id;
	return device;
}

static int device_release(struct inode *inode, struct file *file)
{
	struct kvpci_device *device = file->private_data;
	struct kvpci_vm *vm = device->vm;

	debugfs_remove_recursive(device->debugfs);
	/* First the sources of work, then the work, then what it may touch. */
	kvpci_ecam_remove(device);
	kvpci_iobus_unmap(device);
	kvpci_eventfds_release(device);
	cancel_work_sync(&device->irq_work);
	kvpci_irq_set_line(device, KVPCI_GSI_NONE);
	free_memory(device);
	kvpci_vm_put(vm);
	return 0;
}

static long device_map(void *object, void *arg)
{
	/* One past the last address of each kind of BAR */
	static const u64 end[] = {
		[KVPCI_BAR_IO] = BIT_ULL(16),
		[KVPCI_BAR_MEM32] = BIT_ULL(32),
		[KVPCI_BAR_MEM64] = BIT_ULL(52),
	};
	struct kvpci_device *device = object;
	const struct kvpci_device_map *map = arg;
	unsigned int i;
	long err;

	if (map->flags || map->__reserved)
		return -EINVAL;
	if (map->mapped >= BIT(KVPCI_NUM_BARS))
		return -ENXIO;
	for (i = 0; i < KVPCI_NUM_BARS; i++) {
		const struct kvpci_bar *bar = &device->core.bars[i];

		if (!(map->mapped & BIT(i))) {
			if (map->addr[i])
				return -EINVAL;
			continue;
		}
		if (bar->kind == KVPCI_BAR_NONE)
			return -ENXIO;
		if (map->addr[i] & (bar->size - 1))
			return -EINVAL;
		if (map->addr[i] >= end[bar->kind])
			return -ERANGE;
	}

	mutex_lock(&device->map_lock);
	err = device->cs ? -EBUSY :
			   kvpci_iobus_map(device, map->mapped, map->addr);
	mutex_unlock(&device->map_lock);
	return err;
}

static long device_irq(void *object, void *arg)
{
	const u32 msix = KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_MSIX_MASKALL;
	struct kvpci_device *device = object;
	struct kvpci_device_irq *irq = arg;

	if (irq->flags & ~(msix | KVPCI_IRQ_INTX_DISABLE | KVPCI_IRQ_MASTER))
		return -EINVAL;
	if (irq->gsi >= KVPCI_NUM_LINES && irq->gsi != KVPCI_GSI_NONE)
		return -EINVAL;
	if (irq->flags & msix && !device->core.num_vectors)
		return -ENXIO;

	mutex_lock(&device->map_lock);
	if (device->cs) {
		mutex_unlock(&device->map_lock);
		return -EBUSY;
	}
	kvpci_lock(device);
	kvpci_core_set_irq_flags(&device->core, irq->flags);
	irq->pending = kvpci_core_intx_status(&device->core);
	kvpci_unlock(device);

	kvpci_irq_set_line(device, irq->gsi);
	kvpci_irq_send_pending(device);
	kvpci_irq_settle(device);
	mutex_unlock(&device->map_lock);
	return 0;
}

static long device_place(void *object, void *arg)
{
	const struct kvpci_device_place *place = arg;

	if (place->flags & ~KVPCI_PLACE_MULTIFUNCTION || place->__reserved ||
	    place->class_code >> 24 || place->intx_pin > 4 ||
	    place->vendor_length > KVPCI_MAX_VENDOR_DATA)
		return -EINVAL;
	if (place->intx_pin ? place->gsi >= KVPCI_NUM_LINES :
			      place->gsi != KVPCI_GSI_NONE)
		return -EINVAL;
	return kvpci_ecam_place(object, place);
}

static long device_config(void *object, void *arg)
{
	struct kvpci_device *device = object;
	struct kvpci_pci_config_access *config = arg;
	int idx;

	if (config->flags & ~KVPCI_ACCESS_WRITE || config->__reserved ||
	    config->length > 4 || !is_power_of_2(config->length))
		return -EINVAL;
	if (config->offset > KVPCI_PCI_CONFIG_SIZE - config->length)
		return -ERANGE;
	/* Pairs with the release in kvpci_ecam_add(). */
	if (!smp_load_acquire(&device->cs))
		return -ENXIO;
	if (config->flags & KVPCI_ACCESS_WRITE)
		return kvpci_function_write(device, config->offset,
					  config->length, config->value);
	idx = srcu_read_lock(&device->vm->kvm->srcu);
	config->value = kvpci_function_read(device, config->offset,
					  config->length);
	srcu_read_unlock(&device->vm->kvm->srcu, idx);
	return 0;
}

static long device_ack(void *object, void *arg)
{
	struct kvpci_device *device = object;
	const struct kvpci_device_ack *ack = arg;
	int err;

	if (ack->__reserved)
		return -EINVAL;
	/* What the backend has asked for is sent before the guest is told. */
	if (ack->kind == KVPCI_EVENT_SUSPEND)
		flush_work(&device->irq_work);
	kvpci_lock(device);
	err = kvpci_core_ack(&device->core, ack->kind, ack->queue);
	kvpci_irq_sync_status(device);
	kvpci_unlock(device);
	if (!err) {
		wake_up_interruptible_all(&device->stopped);
		kvpci_irq_sync_line(device);
	}
	return err;
}

static long device_fail(void *object, void *arg)
{
	struct kvpci_device *device = object;
	const struct kvpci_device_fail *fail = arg;
	bool notify;

	if (fail->flags)
		return -EINVAL;
	kvpci_lock(device);
	notify = kvpci_core_fail(&device->core);
	kvpci_unlock(device);
	if (notify)
		kvpci_irq_signal(device, KVPCI_SOURCE_CONFIG);
	return 0;
}

static long device_features_ok(void *object, void *arg)
{
	struct kvpci_device *device = object;
	const struct kvpci_device_features_ok *ok = arg;

	if (ok->flags || ok->__reserved || ok->status > 255 ||
	    !(ok->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return -EINVAL;
	return kvpci_access_features_ok(device, ok->status, ok->driver_features);
}

static void copy_state(const struct kvpci_core *core,
		       struct kvpci_device_state *state, u8 *config)
{
	unsigned int i;

	state->status = core->device_status;
	state->generation = core->config_generation;
	for (i = 0; i < ARRAY_SIZE(state->driver_features); i++)
		state->driver_features[i] =
			core->driver_features[2 * i] |
			(u64)core->driver_features[2 * i + 1] << 32;
	if (config)
		memcpy(config, core->device_config, state->device_config_size);
}

static long device_state(void *object, void *arg)
{
	struct kvpci_device *device = object;
	struct kvpci_device_state *state = arg;
	u8 *config = NULL;
	long err = 0;

	if (state->flags || state->__reserved ||
	    state->device_config_size > device->core.device_config_size ||
	    (!state->device_config && state->device_config_size))
		return -EINVAL;
	if (state->device_config_size) {
		config = kvmalloc(state->device_config_size, GFP_KERNEL_ACCOUNT);
		if (!config)
			return -ENOMEM;
	}
	read_lock_irq(&device->lock);
	copy_state(&device->core, state, config);
	read_unlock_irq(&device->lock);
	if (config && copy_to_user(u64_to_user_ptr(state->device_config), config,
				   state->device_config_size))
		err = -EFAULT;
	kvfree(config);
	return err;
}

static long device_stats(void *object, void *arg)
{
	struct kvpci_device_stats *stats = arg;

	/* The structure is the counters, in their order. */
	BUILD_BUG_ON(sizeof(*stats) != 8 + KVPCI_NUM_COUNTERS * sizeof(u64));
	BUILD_BUG_ON(offsetof(struct kvpci_device_stats, pci_config_writes) !=
		     8 + KVPCI_COUNT_PCI_CONFIG_WRITES * sizeof(u64));
	if (stats->flags)
		return -EINVAL;
	kvpci_stats_read(object, (u64 *)&stats->common_reads);
	return 0;
}

static long device_access(void *object, void *arg)
{
	struct kvpci_device *device = object;
	struct kvpci_bar_access *access = arg;
	const struct kvpci_bar *bar;
	int idx;

	if (access->flags & ~KVPCI_ACCESS_WRITE || access->__reserved ||
	    access->length > 8 || !is_power_of_2(access->length))
		return -EINVAL;
	if (access->bar >= KVPCI_NUM_BARS)
		return -ENXIO;
	access->bar = array_index_nospec(access->bar, KVPCI_NUM_BARS);
	bar = &device->core.bars[access->bar];
	if (bar->kind == KVPCI_BAR_NONE)
		return -ENXIO;
	if (access->offset >= bar->size ||
	    access->length > bar->size - access->offset)
		return -ERANGE;

	idx = srcu_read_lock(&device->vm->kvm->srcu);
	if (access->flags & KVPCI_ACCESS_WRITE) {
		kvpci_access_write(device, access->bar, access->offset,
				   access->length, access->value, false);
	} else {
		access->value = kvpci_access_read(device, access->bar,
						  access->offset,
						  access->length, false);
	}
	srcu_read_unlock(&device->vm->kvm->srcu, idx);
	return 0;
}

static long config_write(void *object, void *arg)
{
	struct kvpci_device *device = object;
	const struct kvpci_device_config_write *write = arg;
	int changed;
	void *data;

	if (write->flags || !write->length)
		return -EINVAL;
	if (write->offset > device->core.device_config_size ||
	    write->length > device->core.device_config_size - write->offset)
		return -ERANGE;
	data = memdup_user(u64_to_user_ptr(write->data), write->length);
	if (IS_ERR(data))
		return PTR_ERR(data);
	kvpci_lock(device);
	changed = kvpci_core_device_config_write(&device->core, write->offset,
					   write->length, data);
	kvpci_unlock(device);
	kfree(data);
	if (changed > 0)
		kvpci_irq_signal(device, KVPCI_SOURCE_CONFIG);
	return min(changed, 0);
}

static long queue_fds(void *object, void *arg)
{
	struct kvpci_device *device = object;
	const struct kvpci_queue_fds *fds = arg;
	u32 queue = fds->queue;

	if (fds->flags || fds->__reserved ||
	    queue >= device->core.num_queues)
		return -EINVAL;
	if (fds->kick_fd < -1 || fds->call_fd < -1)
		return -EBADF;
	queue = array_index_nospec(queue, device->core.num_queues);
	return kvpci_eventfds_set(device, queue, fds->kick_fd, fds->call_fd);
}

static long queue_state(void *object, void *arg)
{
	struct kvpci_device *device = object;
	struct kvpci_queue_state *state = arg;
	u32 index = state->queue;

	if (index >= device->core.num_queues)
		return -EINVAL;
	index = array_index_nospec(index, device->core.num_queues);
	read_lock_irq(&device->lock);
	kvpci_core_queue_state(&device->core, index, state);
	read_unlock_irq(&device->lock);
	return 0;
}

static const struct kvpci_ioctl device_ioctls[] = {
	KVPCI_IOCTL(KVPCI_DEVICE_MAP, kvpci_device_map, addr, false,
		    device_map),
	KVPCI_IOCTL(KVPCI_DEVICE_IRQ, kvpci_device_irq, pending, true,
		    device_irq),
	KVPCI_IOCTL(KVPCI_DEVICE_ACK, kvpci_device_ack, __reserved, false,
		    device_ack),
	KVPCI_IOCTL(KVPCI_DEVICE_FAIL, kvpci_device_fail, flags, false,
		    device_fail),
	KVPCI_IOCTL(KVPCI_DEVICE_STATE, kvpci_device_state, __reserved, true,
		    device_state),
	KVPCI_IOCTL(KVPCI_DEVICE_STATS, kvpci_device_stats, pci_config_writes, true,
		    device_stats),
	KVPCI_IOCTL(KVPCI_BAR_ACCESS, kvpci_bar_access, value, true,
		    device_access),
	KVPCI_IOCTL(KVPCI_DEVICE_FEATURES_OK, kvpci_device_features_ok,
		    driver_features, false, device_features_ok),
	KVPCI_IOCTL(KVPCI_DEVICE_CONFIG_WRITE, kvpci_device_config_write, data, false,
		    config_write),
	KVPCI_IOCTL(KVPCI_QUEUE_FDS, kvpci_queue_fds, __reserved, false,
		    queue_fds),
	KVPCI_IOCTL(KVPCI_QUEUE_STATE, kvpci_queue_state, device, true,
		    queue_state),
	KVPCI_IOCTL(KVPCI_DEVICE_PLACE, kvpci_device_place, __reserved, false,
		    device_place),
	KVPCI_IOCTL(KVPCI_PCI_CONFIG_ACCESS, kvpci_pci_config_access, __reserved, true,
		    device_config),
};

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return kvpci_ioctl(device_ioctls, ARRAY_SIZE(device_ioctls),
			   file->private_data, cmd, arg);
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.read = kvpci_event_read,
	.poll = kvpci_event_poll,
	.mmap = kvpci_mmap,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = device_release,
	.llseek = noop_llseek,
};

static void free_arrays(const struct kvpci_arrays *arrays)
{
	kfree(arrays->feature_deps);
	kfree(arrays->notif_config_data);
	kfree(arrays->queue_sizes);
	kfree(arrays->regions);
}

/* What the description points to; counts are in their ranges. */
static int copy_arrays(const struct kvpci_device_create *create,
		       struct kvpci_arrays *arrays)
{
	const struct {
		const void **to;
		u64 from;
		size_t size;
		bool optional;
	} parts[] = {
		{ (const void **)&arrays->regions, create->regions,
		  create->num_regions * sizeof(*arrays->regions) },
		{ (const void **)&arrays->queue_sizes, create->queue_sizes,
		  create->num_queues * sizeof(*arrays->queue_sizes) },
		{ (const void **)&arrays->notif_config_data,
		  create->notif_config_data,
		  create->num_queues * sizeof(*arrays->notif_config_data), true },
		{ (const void **)&arrays->feature_deps, create->feature_deps,
		  create->num_feature_deps * sizeof(*arrays->feature_deps) },
	};
	unsigned int i;
	void *copy;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		if (parts[i].optional && !parts[i].from)
			continue;
		copy = memdup_user(u64_to_user_ptr(parts[i].from),
				   parts[i].size);
		if (IS_ERR(copy))
			return PTR_ERR(copy);
		*parts[i].to = copy;
	}
	return 0;
}

/* Copies what the description points to, builds, and gives it a file. */
long kvpci_device_create(void *object, void *arg)
{
	const struct kvpci_device_create *create = arg;
	struct kvpci_arrays arrays = {};
	struct kvpci_device *device;
	int fd, err;

	if (create->flags & ~KVPCI_DEVICE_EXIT_FEATURES || create->__reserved ||
	    !name_ok(create->name, sizeof(create->name)) ||
	    create->num_regions > KVPCI_MAX_REGIONS ||
	    create->num_queues > KVPCI_MAX_QUEUES ||
	    create->num_feature_deps > KVPCI_MAX_FEATURE_DEPS)
		return -EINVAL;
	err = copy_arrays(create, &arrays);
	device = err ? ERR_PTR(err) : build(create, &arrays);
	free_arrays(&arrays);
	if (IS_ERR(device))
		return PTR_ERR(device);

	device->vm = kvpci_vm_get(object);
	kvpci_debugfs_add(device);
	fd = anon_inode_getfd("kvpci-device", &device_fops, device,
			      O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		debugfs_remove_recursive(device->debugfs);
		kvpci_vm_put(device->vm);
		free_memory(device);
	}
	return fd;
}
