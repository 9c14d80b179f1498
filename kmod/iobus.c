// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's buses: how ranges get there and leave them. It knows no device.
 *
 * kvm_io_bus_register_dev() is not exported, but a bus is a public structure
 * with public rules: readers look at it inside kvm->srcu, writers hold
 * kvm->slots_lock, replace it as a whole, and free the old one, which
 * kmalloc() made, after a grace period. That lets us do better, too: all ranges
 * of a device change places together, for one grace period. Where ranges only arrive,
 * or only leave, nobody waits for it: a callback frees the old bus.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/srcu.h>

#include "kvpci.h"

/*
 * Of a VM. A vCPU that sits in a page fault keeps them from being freed, and its VMM
 * may go on adding ranges.
 */
#define MAX_RETIRED	64

static bool is_ours(const struct kvm_io_range *entry,
		    const struct kvpci_map *map)
{
	unsigned int i;

	for (i = 0; map && i < map->num; i++)
		if (entry->dev == &map->ranges[i].iodev)
			return true;
	return false;
}

/* KVM searches a bus by halves: entries are in order of address, then end. */
static void insert(struct kvm_io_bus *bus, struct kvpci_range *range)
{
	int i = bus->dev_count++;

	for (; i > 0; i--) {
		const struct kvm_io_range *prev = &bus->range[i - 1];

		if (prev->addr < range->base ||
		    (prev->addr == range->base && prev->len <= range->size))
			break;
		bus->range[i] = *prev;
	}
	bus->range[i] = (struct kvm_io_range) {
		.addr = range->base,
		.len = range->size,
		.dev = &range->iodev,
	};
}

/*
 * Does an entry have to go for those that come? Only if it leads to what does not
 * answer. KVM's search by halves may miss an entry in which another one lies, so
 * it could hide one that answers.
 */
static bool makes_way(const struct kvm_io_range *entry, u8 index,
		      const struct kvpci_map *new)
{
	const struct kvpci_range *range;
	unsigned int i;

	for (i = 0; new && i < new->num; i++) {
		range = &new->ranges[i];
		if (range->bus == index && entry->addr < range->base + range->size &&
		    range->base < entry->addr + entry->len)
			return new->makes_way(entry->dev);
	}
	return false;
}

static unsigned int count_on(const struct kvpci_map *map, u8 bus)
{
	unsigned int i, num = 0;

	for (i = 0; map && i < map->num; i++)
		num += map->ranges[i].bus == bus;
	return num;
}

/* A tombstone stands where a range was that could not be taken off its bus. */
static const struct kvm_io_device_ops tombstone_ops = {};
static struct kvm_io_device tombstone = { .ops = &tombstone_ops };

static unsigned int count_tombstones(const struct kvm_io_bus *bus)
{
	unsigned int num = 0;
	int i;

	for (i = 0; bus && i < bus->dev_count; i++)
		num += bus->range[i].dev == &tombstone;
	return num;
}

/*
 * The copy at a removal is charged to the task if its limit allows that. A removal
 * cannot be refused, so it is then tried without charge, and only a full machine
 * can fail.
 */
static struct kvm_io_bus *alloc_bus(int num, const struct kvpci_map *new)
{
	struct kvm_io_bus *bus;
	size_t size = struct_size(bus, range, num);

	if (new)
		return kzalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	bus = kzalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN | __GFP_NORETRY);
	if (!bus)
		bus = kzalloc(size, GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
	return bus;
}

/* A copy of a bus without @old, tombstones and what makes way, and with @new. */
static struct kvm_io_bus *copy_bus(const struct kvm_io_bus *bus, u8 index,
				   const struct kvpci_map *old,
				   struct kvpci_map *new)
{
	int num = (bus ? bus->dev_count : 0) + count_on(new, index);
	struct kvm_io_bus *copy;
	unsigned int i;
	int j;

	copy = alloc_bus(num, new);
	if (!copy)
		return NULL;

	copy->ioeventfd_count = bus ? bus->ioeventfd_count : 0;
	for (j = 0; bus && j < bus->dev_count; j++)
		if (bus->range[j].dev != &tombstone &&
		    !is_ours(&bus->range[j], old) &&
		    !makes_way(&bus->range[j], index, new))
			copy->range[copy->dev_count++] = bus->range[j];
	for (i = 0; new && i < new->num; i++)
		if (new->ranges[i].bus == index)
			insert(copy, &new->ranges[i]);
	return copy;
}

/*
 * For want of memory for a smaller copy our entries stay, and lead nowhere. They
 * point into the module, so each of them keeps it loaded until a later copy of
 * ours leaves them out. KVM's copies do not, and nobody tells us of the VM's end:
 * our last chance is when we let go of it.
 */
static void leave_tombstones(struct kvm_io_bus *bus, const struct kvpci_map *old)
{
	int i;

	for (i = 0; i < bus->dev_count; i++) {
		if (!is_ours(&bus->range[i], old))
			continue;
		__module_get(THIS_MODULE);
		WRITE_ONCE(bus->range[i].dev, &tombstone);
	}
}

/* Free a bus that nobody looks at any more. */
static void free_bus(struct kvm_io_bus *bus)
{
	unsigned int num;

	for (num = count_tombstones(bus); num; num--)
		module_put(THIS_MODULE);
	kfree(bus);
}

static void free_buses(struct kvm_io_bus **buses)
{
	unsigned int i;

	for (i = 0; i < KVM_NR_BUSES; i++)
		free_bus(buses[i]);
}

static void retired_rcu(struct rcu_head *rcu)
{
	struct kvpci_retired *retired =
		container_of(rcu, struct kvpci_retired, rcu);

	free_buses(retired->buses);
	atomic_dec(&retired->vm->num_retired);
	retired->done(retired);
}

static void free_retired(struct kvpci_retired *retired)
{
	kfree(retired);
}

/* Return: NULL if there are too many. */
static struct kvpci_retired *alloc_retired(struct kvpci_vm *vm)
{
	struct kvpci_retired *retired = NULL;

	if (atomic_inc_return(&vm->num_retired) <= MAX_RETIRED) {
		retired = kzalloc(sizeof(*retired), GFP_KERNEL_ACCOUNT);
		if (retired) {
			retired->vm = vm;
			retired->done = free_retired;
			return retired;
		}
		retired = ERR_PTR(-ENOMEM);
	}
	atomic_dec(&vm->num_retired);
	return retired;
}

/* Return: false if there is nothing to do on this bus. */
static bool concerns(const struct kvm_io_bus *bus, u8 index,
		     const struct kvpci_map *old, const struct kvpci_map *new)
{
	if (count_on(new, index))
		return true;
	return bus && (count_on(old, index) || count_tombstones(bus));
}

/*
 * On all buses, or on none. Without @new it cannot fail. What could not be removed
 * earlier, for want of memory, is removed as well. KVM may have given up a whole
 * bus for the same reason; then there is nothing of ours on it.
 */
static int replace_locked(struct kvm *kvm, const struct kvpci_map *old,
			  struct kvpci_map *new, struct kvm_io_bus **unused)
{
	struct kvm_io_bus *before[KVM_NR_BUSES] = {};
	unsigned int i;

	lockdep_assert_held(&kvm->slots_lock);
	for (i = 0; i < KVM_NR_BUSES; i++) {
		before[i] = rcu_dereference_protected(kvm->buses[i],
						      lockdep_is_held(&kvm->slots_lock));
		if (!concerns(before[i], i, old, new))
			continue;
		unused[i] = copy_bus(before[i], i, old, new);
		if (!unused[i] && new)
			return -ENOMEM;
		if (!unused[i])
			leave_tombstones(before[i], old);
		else if (new && unused[i]->dev_count - unused[i]->ioeventfd_count >
				NR_IOBUS_DEVS)
			return -ENOSPC;
	}
	for (i = 0; i < KVM_NR_BUSES; i++) {
		if (!unused[i])
			continue;
		rcu_assign_pointer(kvm->buses[i], unused[i]);
		unused[i] = before[i];
	}
	return 0;
}

/* Nothing leaves the buses, so nobody has to wait. */
static int add(struct kvpci_vm *vm, struct kvpci_map *new,
	       struct kvpci_retired *retired)
{
	struct kvm *kvm = vm->kvm;
	int err = -EINTR;

	if (!mutex_lock_killable(&kvm->slots_lock)) {
		err = replace_locked(kvm, NULL, new, retired->buses);
		mutex_unlock(&kvm->slots_lock);
	}
	if (err)
		retired_rcu(&retired->rcu);
	else
		call_srcu(&kvm->srcu, &retired->rcu, retired_rcu);
	return err;
}

static int replace(struct kvpci_vm *vm, const struct kvpci_map *old,
		   struct kvpci_map *new)
{
	struct kvm_io_bus *unused[KVM_NR_BUSES] = {};
	struct kvm *kvm = vm->kvm;
	int err;

	if (mutex_lock_killable(&kvm->slots_lock))
		return -EINTR;
	err = replace_locked(kvm, old, new, unused);
	if (!err)
		synchronize_srcu_expedited(&kvm->srcu);
	mutex_unlock(&kvm->slots_lock);
	free_buses(unused);
	return err;
}

/**
 * kvpci_iobus_replace() - put ranges in the place of others
 * @vm: the VM
 * @old: ranges to remove, or NULL
 * @new: ranges to add
 *
 * On all buses, or on none. When it returns no handler of @old is running. Without
 * ranges in @old it does not wait.
 *
 * Return: 0, -ENOMEM, -ENOSPC, or -EINTR if the task is being killed.
 */
int kvpci_iobus_replace(struct kvpci_vm *vm, const struct kvpci_map *old,
			struct kvpci_map *new)
{
	struct kvpci_retired *retired = old && old->num ? NULL : alloc_retired(vm);

	if (IS_ERR(retired))
		return PTR_ERR(retired);
	return retired ? add(vm, new, retired) : replace(vm, old, new);
}

/**
 * kvpci_iobus_leave() - take ranges off the buses, and wait for nobody
 * @vm: the VM
 * @old: the ranges, or NULL
 * @retired: room for the buses
 * @done: called when no handler of @old is running, nor of anything that was
 *	published through a pointer read inside kvm->srcu and is not any more
 *
 * It cannot fail. If many have left and are still looked at, it waits.
 */
void kvpci_iobus_leave(struct kvpci_vm *vm, const struct kvpci_map *old,
		       struct kvpci_retired *retired,
		       void (*done)(struct kvpci_retired *retired))
{
	struct kvm *kvm = vm->kvm;
	bool many = atomic_inc_return(&vm->num_retired) > MAX_RETIRED;

	retired->vm = vm;
	retired->done = done;
	mutex_lock(&kvm->slots_lock);
	replace_locked(kvm, old, NULL, retired->buses);
	mutex_unlock(&kvm->slots_lock);
	if (many)
		synchronize_srcu_expedited(&kvm->srcu);
	call_srcu(&kvm->srcu, &retired->rcu, retired_rcu);
}

/**
 * kvpci_iobus_remove() - take ranges off the buses
 * @vm: the VM
 * @old: the ranges, or NULL
 *
 * It cannot fail. When it returns no handler of @old is running.
 */
void kvpci_iobus_remove(struct kvpci_vm *vm, const struct kvpci_map *old)
{
	struct kvm_io_bus *unused[KVM_NR_BUSES] = {};
	struct kvm *kvm = vm->kvm;

	mutex_lock(&kvm->slots_lock);
	replace_locked(kvm, old, NULL, unused);
	synchronize_srcu_expedited(&kvm->srcu);
	mutex_unlock(&kvm->slots_lock);
	free_buses(unused);
}

/** kvpci_iobus_flush() - whatever has left a VM's buses is done with */
void kvpci_iobus_flush(struct kvpci_vm *vm)
{
	/* A callback by itself takes its time. */
	if (atomic_read(&vm->num_retired))
		synchronize_srcu_expedited(&vm->kvm->srcu);
	srcu_barrier(&vm->kvm->srcu);
}

/** kvpci_iobus_alloc_map() - room for @num ranges, none of them used */
struct kvpci_map *kvpci_iobus_alloc_map(unsigned int num)
{
	struct kvpci_map *map;

	return kzalloc(struct_size(map, ranges, num), GFP_KERNEL_ACCOUNT);
}
