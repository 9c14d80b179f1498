// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device object: made from a description, driven through ioctls, gone with
 * its file. Its birth, its death, and what the VMM asks and tells of its state.
 */
#include <linux/ctype.h>
#include <linux/debugfs.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "kvpci.h"

static atomic_t last_id = ATOMIC_INIT(0);

static void free_arrays_of(struct kvpci_array *arrays)
{
	unsigned int i;

	for (i = 0; i < KVPCI_NUM_ARRAYS; i++) {
		void *memory = *arrays[i].pointer;

		if (memory && arrays[i].align == KVPCI_PAGE_SIZE)
			free_pages_exact(memory, PAGE_ALIGN(arrays[i].size));
		else
			kvfree(memory);
	}
}

static int alloc_arrays_of(struct kvpci_array *arrays)
{
	unsigned int i;
	size_t size;

	for (i = 0; i < KVPCI_NUM_ARRAYS; i++) {
		size = arrays[i].size;
		if (!size)
			continue;
		if (arrays[i].align == KVPCI_PAGE_SIZE)
			*arrays[i].pointer =
				alloc_pages_exact(PAGE_ALIGN(size),
						  GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		else	/* A power of two is aligned to itself. */
			*arrays[i].pointer =
				kvzalloc(arrays[i].align ? roundup_pow_of_two(size) : size,
					 GFP_KERNEL_ACCOUNT);
		if (!*arrays[i].pointer)
			return -ENOMEM;
	}
	return 0;
}

static void free_memory(struct kvpci_device *device)
{
	free_percpu(device->counters);
	kvpci_function_free(device->cs);
	kfree(device->map);
	free_arrays_of(device->arrays);
	kvfree(device->fds);
	mutex_destroy(&device->send_lock);
	mutex_destroy(&device->read_lock);
	mutex_destroy(&device->fds_lock);
	mutex_destroy(&device->map_lock);
	kfree(device);
}

/* All memory the device will ever need, for any access of the guest. */
static struct kvpci_device *
alloc_memory(const struct kvpci_device_create *create)
{
	struct kvpci_device *device;

	device = kzalloc(sizeof(*device), GFP_KERNEL_ACCOUNT);
	if (!device)
		return NULL;
	mutex_init(&device->map_lock);
	mutex_init(&device->fds_lock);
	mutex_init(&device->read_lock);
	mutex_init(&device->send_lock);
	spin_lock_init(&device->lock);
	device->epoch = 1;	/* calls begin with 0 */
	init_waitqueue_head(&device->wait);
	init_waitqueue_head(&device->stopped);
	INIT_WORK(&device->irq_work, kvpci_irq_work);
	device->gsi = KVPCI_GSI_NONE;

	kvpci_core_arrays(&device->core, create, device->arrays);
	device->fds = kvcalloc(create->num_queues, sizeof(*device->fds),
			       GFP_KERNEL_ACCOUNT);
	device->counters = alloc_percpu_gfp(struct kvpci_counters,
					    GFP_KERNEL_ACCOUNT);
	if (!alloc_arrays_of(device->arrays) && device->fds && device->counters)
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

static int fill_device_config(struct kvpci_core *core,
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
	err = fill_device_config(&device->core, create);
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
		if (!parts[i].size || (parts[i].optional && !parts[i].from))
			continue;
		copy = memdup_user(u64_to_user_ptr(parts[i].from),
				   parts[i].size);
		if (IS_ERR(copy))
			return PTR_ERR(copy);
		*parts[i].to = copy;
	}
	return 0;
}

/**
 * kvpci_device_make() - make a device
 * @vm: its VM
 * @create: the description; what it points to is copied
 *
 * Return: the device, or an error that KVPCI_DEVICE_CREATE documents.
 */
struct kvpci_device *kvpci_device_make(struct kvpci_vm *vm,
				       const struct kvpci_device_create *create)
{
	struct kvpci_arrays arrays = {};
	struct kvpci_device *device;
	int err;

	if (create->flags & ~KVPCI_EXITS || create->__reserved ||
	    !name_ok(create->name, sizeof(create->name)) ||
	    create->num_regions > KVPCI_MAX_REGIONS ||
	    create->num_queues > KVPCI_MAX_QUEUES ||
	    create->num_feature_deps > KVPCI_MAX_FEATURE_DEPS)
		return ERR_PTR(-EINVAL);
	err = copy_arrays(create, &arrays);
	device = err ? ERR_PTR(err) : build(create, &arrays);
	free_arrays(&arrays);
	if (IS_ERR(device))
		return device;
	device->vm = kvpci_vm_get(vm);
	atomic_inc(&vm->num_files);
	kvpci_debugfs_add(device);
	return device;
}

/* Nobody uses it any more. */
static void free_device(struct kvpci_teardown *teardown)
{
	struct kvpci_device *device =
		container_of(teardown, struct kvpci_device, teardown);
	struct kvpci_vm *vm = device->vm;

	kvpci_eventfds_release(device);
	cancel_work_sync(&device->irq_work);
	free_memory(device);
	kvpci_vm_put(vm);
}

static void device_left(struct kvpci_retired *retired)
{
	struct kvpci_device *device =
		container_of(retired, struct kvpci_device, retired);

	kvpci_teardown_queue(&device->vm->teardowns, &device->teardown, free_device);
}

/*
 * From here on there is no device. Accesses that have found it before may be under
 * way, and nobody waits for them.
 */
static void remove_device(struct kvpci_teardown *teardown)
{
	struct kvpci_device *device =
		container_of(teardown, struct kvpci_device, teardown);

	debugfs_remove_recursive(device->debugfs);
	kvpci_ecam_remove(device);
	kvpci_eventfds_stop(device);
	kvpci_irq_set_line(device, KVPCI_GSI_NONE, NULL);
	/* For free_device(): the last thing that is done with the device here. */
	__module_get(THIS_MODULE);
	kvpci_bar_unmap(device, device_left);
}

/**
 * kvpci_device_destroy() - the end of a device
 * @device: the device, which no file leads to
 *
 * Context: may sleep, see kvpci_vm_close().
 */
void kvpci_device_destroy(struct kvpci_device *device)
{
	kvpci_vm_close(device->vm, &device->teardown, remove_device);
}

int kvpci_device_release(struct inode *inode, struct file *file)
{
	kvpci_device_destroy(file->private_data);
	return 0;
}

/* --- what the VMM asks and tells --------------------------------------------- */

/*
 * What the backend has asked for is sent before the guest is told of the
 * suspension, and nothing is sent afterwards. Nobody reads another SUSPEND in
 * between, which this would acknowledge as well.
 */
static int ack_suspend(struct kvpci_device *device)
{
	struct kvpci_effect effect;
	int err;

	if (mutex_lock_killable(&device->read_lock))
		return -EINTR;
	flush_work(&device->irq_work);
	kvpci_lock(device);
	err = kvpci_core_silence(&device->core, &effect);
	kvpci_unlock_and(device, effect);
	if (!err) {
		kvpci_lock(device);
		err = kvpci_core_ack(&device->core, KVPCI_EVENT_SUSPEND,
				     KVPCI_EVENT_NO_QUEUE, &effect);
		kvpci_unlock_and(device, effect);
	}
	mutex_unlock(&device->read_lock);
	return err;
}

/* KVPCI_DEVICE_ACK */
long kvpci_device_ack(void *object, void *arg)
{
	struct kvpci_device *device = object;
	const struct kvpci_device_ack *ack = arg;
	struct kvpci_effect effect;
	int err;

	if (ack->__reserved)
		return -EINVAL;
	if (ack->kind == KVPCI_EVENT_SUSPEND && ack->queue == KVPCI_EVENT_NO_QUEUE)
		return ack_suspend(device);
	kvpci_lock(device);
	err = kvpci_core_ack(&device->core, ack->kind, ack->queue, &effect);
	kvpci_unlock_and(device, effect);
	return err;
}

/* KVPCI_DEVICE_FAIL */
long kvpci_device_fail(void *object, void *arg)
{
	struct kvpci_device *device = object;
	const struct kvpci_device_fail *fail = arg;

	if (fail->flags)
		return -EINVAL;
	kvpci_lock(device);
	kvpci_unlock_and(device, kvpci_core_fail(&device->core));
	return 0;
}

/* KVPCI_DEVICE_FEATURES_OK */
long kvpci_device_features_ok(void *object, void *arg)
{
	struct kvpci_device *device = object;
	struct kvpci_effect effect;
	int err;

	kvpci_lock(device);
	err = kvpci_core_features_ok(&device->core, arg, &effect);
	kvpci_unlock_and(device, effect);
	return err;
}

static void copy_state(const struct kvpci_core *core,
		       struct kvpci_device_state *state, u8 *device_config)
{
	unsigned int i;

	state->status = core->device_status;
	state->generation = core->config_generation;
	for (i = 0; i < ARRAY_SIZE(state->driver_features); i++)
		state->driver_features[i] =
			core->driver_features[2 * i] |
			(u64)core->driver_features[2 * i + 1] << 32;
	if (device_config)
		memcpy(device_config, core->device_config, state->device_config_size);
}

/* KVPCI_DEVICE_STATE */
long kvpci_device_state(void *object, void *arg)
{
	struct kvpci_device *device = object;
	struct kvpci_device_state *state = arg;
	u8 *device_config = NULL;
	long err = 0;

	if (state->flags || state->__reserved ||
	    state->device_config_size > device->core.device_config_size ||
	    (!state->device_config && state->device_config_size))
		return -EINVAL;
	if (state->device_config_size) {
		device_config = kvmalloc(state->device_config_size, GFP_KERNEL_ACCOUNT);
		if (!device_config)
			return -ENOMEM;
	}
	kvpci_lock(device);
	copy_state(&device->core, state, device_config);
	kvpci_unlock(device);
	if (device_config && copy_to_user(u64_to_user_ptr(state->device_config), device_config,
					  state->device_config_size))
		err = -EFAULT;
	kvfree(device_config);
	return err;
}

/* KVPCI_DEVICE_CONFIG_WRITE */
long kvpci_device_config_write(void *object, void *arg)
{
	struct kvpci_device *device = object;
	const struct kvpci_device_config_write *write = arg;
	struct kvpci_effect effect;
	void *data;
	int err;

	if (!kvpci_config_write_valid(write->flags, write->length))
		return -EINVAL;
	if (write->offset > device->core.device_config_size ||
	    write->length > device->core.device_config_size - write->offset)
		return -ERANGE;
	data = memdup_user(u64_to_user_ptr(write->data), write->length);
	if (IS_ERR(data))
		return PTR_ERR(data);
	kvpci_lock(device);
	err = kvpci_core_device_config_write(&device->core, write->flags,
					     write->offset, write->length, data,
					     &effect);
	kvpci_unlock_and(device, effect);
	kfree(data);
	return err;
}

/* @state->queue is below num_queues. */
static void get_queue_state(struct kvpci_device *device,
			    struct kvpci_queue_state *state)
{
	u32 index = array_index_nospec(state->queue, device->core.num_queues);

	kvpci_lock(device);
	kvpci_core_queue_state(&device->core, index, state);
	kvpci_unlock(device);
}

/* KVPCI_QUEUE_STATE */
long kvpci_queue_state(void *object, void *arg)
{
	struct kvpci_device *device = object;
	struct kvpci_queue_state *state = arg;

	if (state->queue >= device->core.num_queues)
		return -EINVAL;
	get_queue_state(device, state);
	return 0;
}

/*
 * KVPCI_QUEUE_STATES
 *
 * It takes the lock anew for each queue: there may be 1,024 of them.
 */
long kvpci_queue_states(void *object, void *arg)
{
	const u32 first_size = offsetofend(struct kvpci_queue_state, device);
	struct kvpci_device *device = object;
	const struct kvpci_queue_states *states = arg;
	void __user *to = u64_to_user_ptr(states->states);
	struct kvpci_queue_state state;
	u32 i, known;

	if (states->flags || states->__reserved || !states->count ||
	    states->first >= device->core.num_queues ||
	    states->count > device->core.num_queues - states->first ||
	    states->entry_size < first_size || states->entry_size % 8)
		return -EINVAL;
	if (states->entry_size > PAGE_SIZE)
		return -E2BIG;
	known = min_t(u32, states->entry_size, sizeof(state));
	for (i = 0; i < states->count; i++, to += states->entry_size) {
		state = (struct kvpci_queue_state){
			.size = states->entry_size,
			.queue = states->first + i,
		};
		get_queue_state(device, &state);
		if (copy_to_user(to, &state, known) ||
		    clear_user(to + known, states->entry_size - known))
			return -EFAULT;
		cond_resched();
	}
	return 0;
}
