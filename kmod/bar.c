// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's BARs: which ranges they are on KVM's buses, and the handlers there.
 *
 * A BAR is one range, whatever it holds. Memory doorbells are on the fast bus
 * as well, which VMX asks before it decodes an access.
 *
 * A range stays where it is while its BAR does not answer, so that switching a BAR
 * off and on does not touch the bus: device->decoding says which BARs answer.
 */
#include <linux/log2.h>
#include <linux/slab.h>

#include "kvpci.h"

static struct kvpci_range *to_range(struct kvm_io_device *iodev)
{
	return container_of(iodev, struct kvpci_range, iodev);
}

static bool answers(const struct kvpci_range *range)
{
	return READ_ONCE(range->device->decoding) & range->decodes;
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
	u64 value;

	if (!kvpci_iobus_covers(range, addr, len) || !answers(range))
		return -EOPNOTSUPP;
	if (!kvpci_access_read(range->device, range->bar, addr - range->base, len,
			       &value, KVPCI_GUEST))
		return -EOPNOTSUPP;
	store_value(val, len, value);
	return 0;
}

static int bar_write(struct kvm_vcpu *vcpu, struct kvm_io_device *iodev,
		     gpa_t addr, int len, const void *val)
{
	struct kvpci_range *range = to_range(iodev);
	u32 offset = addr - range->base;

	if (!kvpci_iobus_covers(range, addr, len) || !answers(range))
		return -EOPNOTSUPP;
	/* What a running device is asked for most, and needs the least. */
	if (offset == range->notify && len == 2)
		kvpci_access_kick(range->device, load_value(val, len));
	else if (!kvpci_access_write(range->device, range->bar, offset, len,
				     load_value(val, len), KVPCI_GUEST))
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

	if (offset >= range->size || offset & (BIT(range->shift) - 1) ||
	    !answers(range))
		return -EOPNOTSUPP;
	kvpci_access_kick(range->device, offset >> range->shift);
	return 0;
}

static const struct kvm_io_device_ops fast_ops = {
	.write = fast_write,
};

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
	range->decodes = BIT(bar);
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
 * kvpci_bar_makes_way() - may an entry of a bus go, for another one's sake?
 * @iodev: what it leads to, ours or not
 *
 * If it leads to a BAR that does not answer it may, and is forgotten.
 *
 * Context: kvm->slots_lock is held, so the device is there.
 */
bool kvpci_bar_makes_way(struct kvm_io_device *iodev)
{
	struct kvpci_range *range = to_range(iodev);
	struct kvpci_device *device;
	bool way;

	if (iodev->ops != &bar_ops && iodev->ops != &fast_ops)
		return false;
	device = range->device;
	kvpci_lock(device);
	way = !device->moving && !(device->decoding & range->decodes);
	if (way)
		device->placed &= ~range->decodes;
	kvpci_unlock(device);
	return way;
}

/**
 * kvpci_bar_map() - move the BARs
 * @device: the device, moving; its map_lock is held
 * @mapped: bit n: the buses are to lead to BAR n
 * @addr: where, by BAR; checked
 *
 * When it returns nothing is under way at the old places.
 *
 * Return: 0, -ENOMEM, -ENOSPC or -EINTR.
 */
int kvpci_bar_map(struct kvpci_device *device, u32 mapped, const u64 *addr)
{
	struct kvpci_map *map;
	unsigned int bar;
	int err;

	lockdep_assert_held(&device->map_lock);
	map = kvpci_iobus_alloc_map(KVPCI_NUM_BARS + KVPCI_MAX_REGIONS);
	if (!map)
		return -ENOMEM;
	map->makes_way = kvpci_bar_makes_way;
	for (bar = 0; bar < KVPCI_NUM_BARS; bar++)
		if (mapped & BIT(bar))
			map_add_bar(map, device, bar, addr[bar]);

	err = kvpci_iobus_replace(device->vm, device->map, map);
	if (!err) {
		swap(device->map, map);
		kvpci_lock(device);
		device->placed = mapped;
		memcpy(device->place, addr, sizeof(device->place));
		kvpci_unlock(device);
	}
	kfree(map);
	return err;
}

/**
 * kvpci_bar_unmap() - take the device off the buses
 * @device: the device, to which no file leads any more
 * @done: called when no handler is running
 *
 * It cannot fail. The map is the caller's to free.
 */
void kvpci_bar_unmap(struct kvpci_device *device,
		     void (*done)(struct kvpci_retired *retired))
{
	kvpci_iobus_leave(device->vm, device->map, &device->retired, done);
}

/* The VMM keeps configuration space: what it maps answers. */
static int map_all(struct kvpci_device *device, const struct kvpci_device_map *map)
{
	int err;

	lockdep_assert_held(&device->map_lock);
	kvpci_lock(device);
	device->moving = true;
	kvpci_unlock(device);
	err = kvpci_bar_map(device, map->mapped, map->addr);
	kvpci_lock(device);
	if (!err)
		WRITE_ONCE(device->decoding, map->mapped);
	device->moving = false;
	kvpci_unlock(device);
	return err;
}

/* KVPCI_DEVICE_MAP */
long kvpci_device_map(void *object, void *arg)
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

	if (mutex_lock_killable(&device->map_lock))
		return -EINTR;
	err = device->cs ? -EBUSY : map_all(device, map);
	mutex_unlock(&device->map_lock);
	return err;
}
