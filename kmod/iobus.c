// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's BARs on KVM's buses.
 *
 * kvm_io_bus_register_dev() is not exported, but a bus is a public structure
 * with public rules: readers look at it inside kvm->srcu, writers hold
 * kvm->slots_lock, replace it as a whole, and free the old one, which
 * kmalloc() made, after a grace period. That lets us do better, too: all BARs
 * of a device change places together, for one grace period.
 *
 * A BAR is one range, whatever it holds. Memory doorbells are on the fast bus
 * as well, which VMX asks before it decodes an access.
 */
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/srcu.h>

#include "kvpci.h"

static struct kvpci_range *to_range(struct kvm_io_device *iodev)
{
	return container_of(iodev, struct kvpci_range, iodev);
}

/**
 * kvpci_iobus_covers() - is an access ours?
 * @range: where KVM thinks it goes
 * @addr: first byte
 * @len: bytes
 *
 * KVM also calls us for accesses that begin before a range or leave it at its
 * end; those are nobody's.
 */
bool kvpci_iobus_covers(const struct kvpci_range *range, gpa_t addr, int len)
{
	u64 offset = addr - range->base;

	return offset < range->size && len <= range->size - offset && len <= 8;
}

/* KVM's values come and go through memory of the access's length. */
static u64 load_value(const void *val, int len)
{
	u64 value = 0;

	switch (len) {
	case 1:
		return *(const u8 *)val;
	case 2:
		return get_unaligned((const u16 *)val);
	case 4:
		return get_unaligned((const u32 *)val);
	default:
		memcpy(&value, val, len);
		return value;
	}
}

static void store_value(void *val, int len, u64 value)
{
	switch (len) {
	case 1:
		*(u8 *)val = value;
		break;
	case 2:
		put_unaligned((u16)value, (u16 *)val);
		break;
	case 4:
		put_unaligned((u32)value, (u32 *)val);
		break;
	default:
		memcpy(val, &value, len);
		break;
	}
}

static int bar_read(struct kvm_vcpu *vcpu, struct kvm_io_device *iodev,
		    gpa_t addr, int len, void *val)
{
	struct kvpci_range *range = to_range(iodev);

	if (!kvpci_iobus_covers(range, addr, len))
		return -EOPNOTSUPP;
	store_value(val, len,
		    kvpci_access_read(range->device, range->bar,
				      addr - range->base, len, true));
	return 0;
}

static int bar_write(struct kvm_vcpu *vcpu, struct kvm_io_device *iodev,
		     gpa_t addr, int len, const void *val)
{
	struct kvpci_range *range = to_range(iodev);
	u32 offset = addr - range->base;

	if (!kvpci_iobus_covers(range, addr, len))
		return -EOPNOTSUPP;
	/* What a running device is asked for most, and needs the least. */
	if (offset == range->notify && len == 2)
		kvpci_access_kick(range->device, load_value(val, len));
	else if (!kvpci_access_write(range->device, range->bar, offset, len,
				     load_value(val, len), true))
		return -EOPNOTSUPP;
	return 0;
}

static const struct kvm_io_device_ops bar_ops = {
	.read = bar_read,
	.write = bar_write,
};

/*
 * The fast bus passes neither length nor value, and is asked before the access is
 * decoded: the address is all there is, and says which queue it is. What is at no
 * queue's address is decoded.
 */
static int fast_write(struct kvm_vcpu *vcpu, struct kvm_io_device *iodev,
		      gpa_t addr, int len, const void *val)
{
	struct kvpci_range *range = to_range(iodev);
	u64 offset = addr - range->base;

	if (offset >= range->size || offset & (BIT(range->shift) - 1))
		return -EOPNOTSUPP;
	kvpci_access_kick(range->device, offset >> range->shift);
	return 0;
}

static const struct kvm_io_device_ops fast_ops = {
	.write = fast_write,
};

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

static unsigned int count_on(const struct kvpci_map *map, u8 bus)
{
	unsigned int i, num = 0;

	for (i = 0; map && i < map->num; i++)
		num += map->ranges[i].bus == bus;
	return num;
}

/* Stands where a device was that could not be taken off its bus. */
static const struct kvm_io_device_ops absent_ops = {};
static struct kvm_io_device absent = { .ops = &absent_ops };

static unsigned int count_buried(const struct kvm_io_bus *bus)
{
	unsigned int num = 0;
	int i;

	for (i = 0; bus && i < bus->dev_count; i++)
		num += bus->range[i].dev == &absent;
	return num;
}

/* A copy of a bus without @old and what was buried, and with @new. */
static struct kvm_io_bus *copy_bus(const struct kvm_io_bus *bus, u8 index,
				   const struct kvpci_map *old,
				   struct kvpci_map *new)
{
	int num = (bus ? bus->dev_count : 0) + count_on(new, index);
	struct kvm_io_bus *copy;
	unsigned int i;
	int j;

	/* Who goes away is not charged, so that only a full machine can fail. */
	copy = kzalloc(struct_size(copy, range, num),
		       new ? GFP_KERNEL_ACCOUNT | __GFP_NOWARN :
			     GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
	if (!copy)
		return NULL;

	copy->ioeventfd_count = bus ? bus->ioeventfd_count : 0;
	for (j = 0; bus && j < bus->dev_count; j++)
		if (bus->range[j].dev != &absent &&
		    !is_ours(&bus->range[j], old))
			copy->range[copy->dev_count++] = bus->range[j];
	for (i = 0; new && i < new->num; i++)
		if (new->ranges[i].bus == index)
			insert(copy, &new->ranges[i]);
	return copy;
}

/*
 * For want of memory for a smaller copy: our entries stay, and lead nowhere.
 * They point into the module, so each of them keeps it loaded until a later
 * copy of ours leaves them out. KVM's copies do not, and nobody tells us of the
 * VM's end: our last chance is when we let go of it.
 */
static void bury(struct kvm_io_bus *bus, const struct kvpci_map *old)
{
	int i;

	for (i = 0; i < bus->dev_count; i++) {
		if (!is_ours(&bus->range[i], old))
			continue;
		__module_get(THIS_MODULE);
		WRITE_ONCE(bus->range[i].dev, &absent);
	}
}

/* Free a bus that nobody looks at any more. */
static void free_bus(struct kvm_io_bus *bus)
{
	unsigned int num;

	for (num = count_buried(bus); num; num--)
		module_put(THIS_MODULE);
	kfree(bus);
}

/**
 * kvpci_iobus_replace() - put ranges in the place of others
 * @kvm: the VM
 * @old: ranges to remove, or NULL
 * @new: ranges to add, or NULL
 *
 * On all buses, or on none. Without @new it cannot fail. When it returns no
 * handler of @old is running. What could not be removed earlier, for want of
 * memory, is removed as well. KVM may have given up a whole bus for the same
 * reason; then there is nothing of ours on it.
 *
 * Return: 0, -ENOMEM or -ENOSPC.
 */
int kvpci_iobus_replace(struct kvm *kvm, const struct kvpci_map *old,
			struct kvpci_map *new)
{
	struct kvm_io_bus *before[KVM_NR_BUSES] = {};
	struct kvm_io_bus *after[KVM_NR_BUSES] = {};
	unsigned int i;
	int err = 0;

	mutex_lock(&kvm->slots_lock);
	for (i = 0; i < KVM_NR_BUSES; i++) {
		before[i] = rcu_dereference_protected(kvm->buses[i],
						      lockdep_is_held(&kvm->slots_lock));
		if (!count_on(old, i) && !count_on(new, i) &&
		    !count_buried(before[i]))
			continue;
		if (!before[i] && !count_on(new, i))
			continue;
		after[i] = copy_bus(before[i], i, old, new);
		if (!after[i] && !new)
			bury(before[i], old);
		else if (!after[i])
			err = -ENOMEM;
		else if (new && after[i]->dev_count - after[i]->ioeventfd_count >
				NR_IOBUS_DEVS)
			err = -ENOSPC;
		if (err)
			goto out;
	}
	for (i = 0; i < KVM_NR_BUSES; i++) {
		if (!after[i])
			continue;
		rcu_assign_pointer(kvm->buses[i], after[i]);
		after[i] = before[i];
	}
	synchronize_srcu_expedited(&kvm->srcu);
out:
	mutex_unlock(&kvm->slots_lock);
	for (i = 0; i < KVM_NR_BUSES; i++)
		free_bus(after[i]);
	return err;
}

/** kvpci_iobus_alloc_map() - room for @num ranges, none of them used */
struct kvpci_map *kvpci_iobus_alloc_map(unsigned int num)
{
	struct kvpci_map *map;

	return kzalloc(struct_size(map, ranges, num), GFP_KERNEL_ACCOUNT);
}

static struct kvpci_range *
map_add(struct kvpci_map *map, struct kvpci_device *device, unsigned int bar,
	u8 bus, gpa_t base, u32 size)
{
	struct kvpci_range *range = &map->ranges[map->num++];

	kvm_iodevice_init(&range->iodev,
			  bus == KVM_FAST_MMIO_BUS ? &fast_ops : &bar_ops);
	range->device = device;
	range->base = base;
	range->size = size;
	range->bus = bus;
	range->bar = bar;
	range->notify = KVPCI_NO_NOTIFY;
	return range;
}

static void map_add_bar(struct kvpci_map *map, struct kvpci_device *device,
			unsigned int bar, u64 addr)
{
	const struct kvpci_core *core = &device->core;
	bool io = core->bars[bar].kind == KVPCI_BAR_IO;
	bool data = kvpci_core_offers(core, VIRTIO_F_NOTIFICATION_DATA);
	/* A doorbell's value is the queue's index, and nothing else. */
	bool plain = !data && !kvpci_core_offers(core, VIRTIO_F_NOTIF_CONFIG_DATA);
	struct kvpci_range *range;
	unsigned int i;

	range = map_add(map, device, bar, io ? KVM_PIO_BUS : KVM_MMIO_BUS, addr,
			core->bars[bar].size);
	for (i = core->region_first[bar]; i < core->region_first[bar + 1]; i++) {
		const struct kvpci_region *region = &core->regions[i];

		if (region->type != KVPCI_REGION_NOTIFY)
			continue;
		/* The fast bus has no values, which others need. */
		if (!region->multiplier)
			range->notify = plain ? region->offset : KVPCI_NO_NOTIFY;
		else if (!io && !data)
			map_add(map, device, bar, KVM_FAST_MMIO_BUS,
				addr + region->offset, region->length)->shift =
					ilog2(region->multiplier);
	}
}

/**
 * kvpci_iobus_map() - move the BARs
 * @device: the device; its map_lock is held
 * @mapped: bit n: BAR n answers
 * @addr: where, by BAR; checked
 *
 * When it returns nothing is under way at the old places.
 *
 * Return: 0, -ENOMEM or -ENOSPC.
 */
int kvpci_iobus_map(struct kvpci_device *device, u32 mapped, const u64 *addr)
{
	struct kvpci_map *map;
	unsigned int bar;
	int err;

	lockdep_assert_held(&device->map_lock);
	map = kvpci_iobus_alloc_map(KVPCI_NUM_BARS + KVPCI_MAX_REGIONS);
	if (!map)
		return -ENOMEM;
	for (bar = 0; bar < KVPCI_NUM_BARS; bar++)
		if (mapped & BIT(bar))
			map_add_bar(map, device, bar, addr[bar]);

	err = kvpci_iobus_replace(device->vm->kvm, device->map, map);
	if (!err)
		swap(device->map, map);
	kfree(map);
	return err;
}

/**
 * kvpci_iobus_unmap() - take the device off the buses
 * @device: the device, which nobody else uses any more
 *
 * Cannot fail. When it returns no handler is running.
 */
void kvpci_iobus_unmap(struct kvpci_device *device)
{
	kvpci_iobus_replace(device->vm->kvm, device->map, NULL);
	kfree(device->map);
	device->map = NULL;
}
