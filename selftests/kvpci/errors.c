// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every errno that the uAPI header documents, ioctl by ioctl, and what the
 * calls that succeed return.
 */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include "lib/machine.h"
#include "kselftest_harness.h"

#define test_ok(fd, cmd, arg) \
	ASSERT_EQ(0, do_ioctl(fd, cmd, arg))
#define test_err(err, fd, cmd, arg) \
	EXPECT_EQ(-(err), do_ioctl(fd, cmd, arg))

FIXTURE(errors) {
	struct machine m;
	struct device_desc desc;
};

FIXTURE_SETUP(errors)
{
	device_describe(&self->desc);
	machine_create_on(&self->m, 1, &self->desc);
}

FIXTURE_TEARDOWN(errors)
{
	machine_destroy(&self->m);
}

/* Nested paging of Intel's is what makes doorbells in memory fast. */
static uint64_t expected_caps(void)
{
	char line[4096];
	bool ept = false;
	FILE *file = fopen("/proc/cpuinfo", "re");

	if (!file)
		guest_die("/proc/cpuinfo");
	while (!ept && fgets(line, sizeof(line), file))
		ept = !strncmp(line, "flags", 5) && strstr(line, " ept ");
	fclose(file);
	return ept ? KVPCI_CAP_FAST_MMIO : 0;
}

TEST_F(errors, info)
{
	struct kvpci_info info;

	/* what was there before does not stay */
	memset(&info, 0xee, sizeof(info));
	info.size = sizeof(info);
	info.flags = 0;
	test_ok(self->m.ctl, KVPCI_INFO, &info);
	EXPECT_EQ(sizeof(info), info.size);
	EXPECT_EQ(0, info.flags);
	EXPECT_EQ(expected_caps(), info.caps);
	EXPECT_EQ(1024, KVPCI_MAX_QUEUES);
	EXPECT_EQ(KVPCI_MAX_QUEUES, info.max_queues);
	EXPECT_EQ(2048, KVPCI_MAX_VECTORS);
	EXPECT_EQ(KVPCI_MAX_VECTORS, info.max_vectors);
	EXPECT_EQ(4096, KVPCI_MAX_DEVICE_CONFIG);
	EXPECT_EQ(KVPCI_MAX_DEVICE_CONFIG, info.max_device_config);
	EXPECT_EQ(16, KVPCI_MAX_REGIONS);
	EXPECT_EQ(KVPCI_MAX_REGIONS, info.max_regions);
}

/* A descriptor that names what another one is, and is good for nothing else. */
static int open_place(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_PATH | O_CLOEXEC);
}

static int open_kvm_device(int vm_fd)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_VFIO };

	return ioctl(vm_fd, KVM_CREATE_DEVICE, &device) ? -1 : (int)device.fd;
}

/* What is no KVM VM, though it bears the name of one or comes from KVM. */
TEST_F(errors, vm_create_files)
{
	struct machine *m = &self->m;
	const struct guest *g = &m->g;
	char dir[] = "/tmp/kvpci-XXXXXX";
	size_t i;

	ASSERT_NE(NULL, mkdtemp(dir));
	ASSERT_EQ(0, chdir(dir));
	struct {
		const char *name;
		int fd;
		int expect;
	} files[] = {
		{ "/dev/kvm", dup(g->kvm_fd), -EINVAL },
		{ "a vCPU", dup(g->vcpu[0].fd), -EINVAL },
		{ "a VM's statistics", ioctl(g->vm_fd, KVM_GET_STATS_FD, NULL),
		  -EINVAL },
		{ "a device of KVM's", open_kvm_device(g->vm_fd), -EINVAL },
		{ "/dev/kvpci", dup(m->ctl), -EINVAL },
		{ "a VM of kvpci's", dup(m->vm), -EINVAL },
		{ "a device of kvpci's", dup(m->dev), -EINVAL },
		{ "an eventfd", eventfd(0, EFD_CLOEXEC), -EINVAL },
		{ "a timerfd", timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC),
		  -EINVAL },
		{ "an epoll", epoll_create1(EPOLL_CLOEXEC), -EINVAL },
		{ "a userfaultfd", syscall(SYS_userfaultfd, O_CLOEXEC), -EINVAL },
		{ "a memfd by that name", memfd_create("kvm-vm", MFD_CLOEXEC),
		  -EINVAL },
		{ "a file by that name",
		  open("kvm-vm", O_RDWR | O_CREAT | O_CLOEXEC, 0600), -EINVAL },
		{ "a VM's place", open_place(g->vm_fd), -EBADF },
		{ "a VM", dup(g->vm_fd), 0 },
	};

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		int got = libkvpci_vm_create(m->ctl, files[i].fd);

		/* A kernel may have no userfaultfd, and its KVM no VFIO. */
		if (files[i].fd < 0) {
			TH_LOG("%s: cannot be had", files[i].name);
			continue;
		}
		EXPECT_EQ(files[i].expect, got < 0 ? got : 0)
			TH_LOG("%s", files[i].name);
		close(got);
		close(files[i].fd);
	}
	EXPECT_EQ(0, unlink("kvm-vm"));
	EXPECT_EQ(0, rmdir(dir));
}

TEST_F(errors, vm_create)
{
	struct machine *m = &self->m;
	struct guest bare;
	int fd;

	EXPECT_EQ(-EBADF, libkvpci_vm_create(m->ctl, -1));
	EXPECT_EQ(-EBADF, libkvpci_vm_create(m->ctl, 900));

	guest_create_parts(&bare, 0, 0);
	EXPECT_EQ(-ENXIO, libkvpci_vm_create(m->ctl, bare.vm_fd));
	guest_destroy(&bare);
	guest_create_parts(&bare, GUEST_IRQCHIP, 0);
	EXPECT_EQ(-ENXIO, libkvpci_vm_create(m->ctl, bare.vm_fd));
	guest_set_msi_routes(&bare, 1);
	fd = libkvpci_vm_create(m->ctl, bare.vm_fd);
	EXPECT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	close(fd);
	guest_destroy(&bare);

	/* several may take part in one VM */
	fd = libkvpci_vm_create(m->ctl, m->g.vm_fd);
	EXPECT_LE(0, fd);
	close(fd);
}

#define EDIT(edit_name, ...) \
	static void edit_name(struct device_desc *d) { __VA_ARGS__; }

EDIT(id, d->create.virtio_id = 64)
EDIT(no_queues, d->create.num_queues = 0)
EDIT(many_queues, d->create.num_queues = KVPCI_MAX_QUEUES + 1)
EDIT(huge_queues, d->create.num_queues = ~0U)
EDIT(one_vector, d->create.num_vectors = 1)
EDIT(many_vectors, d->create.num_vectors = ~0U)
EDIT(large_config, d->create.device_config_size = KVPCI_MAX_DEVICE_CONFIG + 1)
EDIT(huge_config, d->create.device_config_size = ~0U)
EDIT(no_regions, d->create.num_regions = 0)
EDIT(many_regions, d->create.num_regions = KVPCI_MAX_REGIONS + 1)
EDIT(huge_regions, d->create.num_regions = ~0U)
EDIT(no_name, d->create.name[0] = 0)
EDIT(endless_name, memset(d->create.name, 'x', sizeof(d->create.name)))
EDIT(odd_name, strcpy((char *)d->create.name, "a\tb"))
EDIT(slash_name, strcpy((char *)d->create.name, "../a"))
EDIT(name_behind, d->create.name[20] = 'x')
EDIT(not_virtio_1, d->create.features[0] &= ~(1ULL << 32))
EDIT(bar_size, d->create.bars[5] = ((struct kvpci_bar){ KVPCI_BAR_IO, 3 }))
EDIT(bar_after_64, d->create.bars[3] =
	((struct kvpci_bar){ KVPCI_BAR_MEM32, 4096 }))
EDIT(queue_size, d->sizes[0] = 100)
EDIT(misaligned, d->regions[5].offset = 0x102)
EDIT(too_short, d->regions[8].length = 16)
EDIT(multiplier, d->regions[7].multiplier = 3)
EDIT(region_reserved, d->regions[0].id = 1)
EDIT(no_such_bar, d->regions[5].bar = 4)
EDIT(outside, d->regions[5].offset = BAR_MEM_SIZE)
EDIT(overlap, d->regions[5].offset = 0x3c)
EDIT(two_tables, d->regions[5] = d->regions[8]; d->regions[5].offset = 0x1800)
EDIT(no_common, d->regions[0].type = d->regions[4].type = KVPCI_REGION_DEVICE)
EDIT(no_pba, d->create.num_regions--)
EDIT(sr_iov, d->create.features[0] |= 1ULL << 37)
EDIT(suspend, d->create.features[0] |= F_SUSPEND)
EDIT(reserved_feature, d->create.features[0] |= 1ULL << 44)
EDIT(notification_data, d->create.features[0] |= 1ULL << 38)
EDIT(word_short, notification_data(d); d->regions[2].length = 3)
EDIT(words_crowded, notification_data(d); d->regions[7].multiplier = 2)
EDIT(notif_config_data, d->create.features[0] |= 1ULL << 39)
EDIT(notif_data_given,
	notif_config_data(d);
	d->create.notif_config_data = (uintptr_t)d->notif_data)
EDIT(notif_data_large,
	notif_data_given(d);
	d->notif_data[1] = KVPCI_MAX_NOTIF_DATA + 1)
EDIT(notif_data_twice,
	notif_data_given(d);
	d->notif_data[1] = d->notif_data[3])
EDIT(notif_data_unasked,
	d->create.notif_config_data = (uintptr_t)d->notif_data)
EDIT(bad_notif_data, notif_config_data(d); d->create.notif_config_data = 8)
EDIT(deps,
	d->create.feature_deps = (uintptr_t)d->deps;
	d->create.num_feature_deps = 1;
	d->deps[0] = ((struct kvpci_feature_dep){ 5, 0, { 1ULL << 29 } }))
EDIT(deps_many,
	deps(d);
	d->create.num_feature_deps = KVPCI_MAX_FEATURE_DEPS + 1)
EDIT(deps_huge, deps(d); d->create.num_feature_deps = ~0U)
EDIT(dep_beyond, deps(d); d->deps[0].feature = 128)
EDIT(dep_reserved, deps(d); d->deps[0].__reserved = 1)
EDIT(dep_not_offered, deps(d); d->deps[0].any_of[0] = 1ULL << 3)
EDIT(bad_deps, deps(d); d->create.feature_deps = 8)
EDIT(admin_vq, d->create.features[0] |= F_ADMIN_VQ;
	d->create.num_admin_queues = 1)
EDIT(admin_none, d->create.features[0] |= F_ADMIN_VQ)
EDIT(admin_unasked, d->create.num_admin_queues = 1)
EDIT(bad_regions, d->create.regions = 8)
EDIT(bad_sizes, d->create.queue_sizes = 8)
EDIT(bad_config, d->create.device_config = 8)
EDIT(bad_mask, d->create.device_config_mask = 8)
EDIT(kernel_regions, d->create.regions = 0xffff888000000000ULL)
EDIT(io_and_mem_sound, d->create.num_queues = DEV_QUEUES)
EDIT(long_name, memset(d->create.name, 'x', sizeof(d->create.name) - 1))
EDIT(no_mask, d->create.device_config_mask = 0)

TEST_F(errors, device_create)
{
	static const struct {
		const char *name;
		void (*edit)(struct device_desc *d);
		int expect;
	} edits[] = {
#define ROW(edit, expect) { #edit, edit, expect }
		ROW(id, -EINVAL), ROW(no_queues, -EINVAL),
		ROW(many_queues, -EINVAL), ROW(huge_queues, -EINVAL),
		ROW(one_vector, 0), ROW(many_vectors, -EINVAL),
		ROW(large_config, -EINVAL), ROW(huge_config, -EINVAL),
		ROW(no_regions, -EINVAL), ROW(many_regions, -EINVAL),
		ROW(huge_regions, -EINVAL), ROW(no_name, -EINVAL),
		ROW(endless_name, -EINVAL), ROW(odd_name, -EINVAL),
		ROW(slash_name, -EINVAL), ROW(name_behind, -EINVAL),
		ROW(not_virtio_1, -EINVAL), ROW(bar_size, -EINVAL),
		ROW(bar_after_64, -EINVAL), ROW(queue_size, -EINVAL),
		ROW(misaligned, -EINVAL), ROW(too_short, -EINVAL),
		ROW(multiplier, -EINVAL), ROW(region_reserved, -EINVAL),
		ROW(no_such_bar, -ENXIO), ROW(outside, -ERANGE),
		ROW(overlap, -EEXIST), ROW(two_tables, -EEXIST),
		ROW(no_common, -ENODATA), ROW(no_pba, -ENODATA),
		ROW(sr_iov, -EOPNOTSUPP), ROW(reserved_feature, -EOPNOTSUPP),
		ROW(suspend, 0),
		ROW(bad_regions, -EFAULT), ROW(bad_sizes, -EFAULT),
		ROW(bad_config, -EFAULT), ROW(bad_mask, -EFAULT),
		ROW(kernel_regions, -EFAULT), ROW(bad_notif_data, -EFAULT),
		ROW(notification_data, 0), ROW(word_short, -EINVAL),
		ROW(words_crowded, -EINVAL), ROW(notif_config_data, 0),
		ROW(notif_data_given, 0), ROW(notif_data_large, -EINVAL),
		ROW(notif_data_twice, -EEXIST),
		ROW(notif_data_unasked, -EINVAL),
		ROW(deps, 0), ROW(deps_many, -EINVAL),
		ROW(deps_huge, -EINVAL), ROW(dep_beyond, -EINVAL),
		ROW(dep_reserved, -EINVAL), ROW(dep_not_offered, -ENODATA),
		ROW(bad_deps, -EFAULT), ROW(admin_vq, 0),
		ROW(admin_none, -EINVAL), ROW(admin_unasked, -EINVAL),
		ROW(io_and_mem_sound, 0), ROW(long_name, 0), ROW(no_mask, 0),
#undef ROW
	};
	struct machine *m = &self->m;

	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		int ret;

		device_describe(&self->desc);
		edits[i].edit(&self->desc);
		ret = libkvpci_device_create(m->vm, &self->desc.create);
		EXPECT_EQ(edits[i].expect, ret < 0 ? ret : 0)
			TH_LOG("row '%s'", edits[i].name);
		if (ret < 0)
			continue;
		EXPECT_EQ(FD_CLOEXEC, fcntl(ret, F_GETFD));
		close(ret);
	}
}

TEST_F(errors, device_map)
{
	static const struct {
		uint32_t mapped;
		uint64_t addr[KVPCI_NUM_BARS];
		int expect;
	} maps[] = {
		{ 1, { 0xc000 }, 0 },
		{ 7, { 0xff80, 0xffffc000, 0xfffffffffe000 }, 0 },
		{ 0, { 0 }, 0 },
		{ 1 << 3, { 0 }, -ENXIO },
		{ 1 << 4, { 0, 0, 0, 0, 0x10000 }, -ENXIO },
		{ 1 << 6, { 0 }, -ENXIO },
		{ 0x80000000, { 0 }, -ENXIO },
		{ 1, { 0xc001 }, -EINVAL },
		{ 1, { 0xc040 }, -EINVAL },
		{ 2, { 0, 0xd0001000 }, -EINVAL },
		{ 2, { 0xc000, 0xd0000000 }, -EINVAL },
		{ 0, { 0, 0, 0, 0, 0, 1 }, -EINVAL },
		{ 1, { 0x10000 }, -ERANGE },
		{ 2, { 0, 0x100000000 }, -ERANGE },
		{ 2, { 0, 0xffffffffffffc000 }, -ERANGE },
		{ 4, { 0, 0, 1ULL << 52 }, -ERANGE },
		{ 4, { 0, 0, 0xffffffffffffe000 }, -ERANGE },
	};
	struct machine *m = &self->m;

	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		struct kvpci_device_map map = {
			.size = sizeof(map), .mapped = maps[i].mapped,
		};

		memcpy(map.addr, maps[i].addr, sizeof(map.addr));
		EXPECT_EQ(maps[i].expect, do_ioctl(m->dev, KVPCI_DEVICE_MAP,
						   &map))
			TH_LOG("row %zu", i);
		/* A call that fails has changed nothing. */
		if (maps[i].expect)
			continue;
		ASSERT_EQ(0, device_map(m, IO_BASE, MEM_BASE, MSIX_BASE));
	}
	EXPECT_EQ(DEV_QUEUES, cc_read(m, CC_NUM_QUEUES));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
}

TEST_F(errors, device_irq)
{
	struct machine *m = &self->m;
	int dev;

	EXPECT_EQ(0, device_irq(m, MSIX_ON, 0));
	EXPECT_EQ(0, device_irq(m, 0, 23));
	EXPECT_EQ(-EINVAL, device_irq(m, 0, 24));
	EXPECT_EQ(-EINVAL, device_irq(m, 0, KVPCI_GSI_NONE - 1));

	self->desc.create.num_vectors = 0;
	self->desc.create.num_regions -= 2;
	dev = libkvpci_device_create(m->vm, &self->desc.create);
	ASSERT_LE(0, dev);
	EXPECT_EQ(-ENXIO, libkvpci_device_irq(dev, KVPCI_IRQ_MSIX_ENABLE, 0));
	EXPECT_EQ(-ENXIO, libkvpci_device_irq(dev, KVPCI_IRQ_MSIX_MASKALL, 0));
	EXPECT_EQ(0, libkvpci_device_irq(dev, KVPCI_IRQ_MASTER, 0));
	close(dev);
}

TEST_F(errors, device_ack)
{
	struct machine *m = &self->m;

	EXPECT_EQ(-EINVAL, device_ack(m, 0, KVPCI_EVENT_NO_QUEUE));
	EXPECT_EQ(-EINVAL, device_ack(m, KVPCI_EVENT_START,
				      KVPCI_EVENT_NO_QUEUE));
	EXPECT_EQ(-EINVAL, device_ack(m, KVPCI_EVENT_STOP, 0));
	EXPECT_EQ(-EINVAL, device_ack(m, KVPCI_EVENT_QUEUE_STOP,
				      DEV_QUEUES));
	EXPECT_EQ(-EALREADY, device_ack(m, KVPCI_EVENT_QUEUE_STOP, 0));
	EXPECT_EQ(-EALREADY, device_ack(m, KVPCI_EVENT_STOP,
					KVPCI_EVENT_NO_QUEUE));
	EXPECT_EQ(-EINVAL, device_ack(m, KVPCI_EVENT_SUSPEND, 0));
	EXPECT_EQ(-EALREADY, device_ack(m, KVPCI_EVENT_SUSPEND,
					KVPCI_EVENT_NO_QUEUE));
	EXPECT_EQ(-EINVAL, device_ack(m, KVPCI_EVENT_RESUME,
				      KVPCI_EVENT_NO_QUEUE));
}

TEST_F(errors, device_state)
{
	struct machine *m = &self->m;
	uint8_t bytes[DEV_CONFIG + 1];
	struct kvpci_device_state state = {
		.size = sizeof(state), .device_config = (uintptr_t)bytes,
		.device_config_size = DEV_CONFIG,
	};

	memset(bytes, 0xee, sizeof(bytes));
	test_ok(m->dev, KVPCI_DEVICE_STATE, &state);
	EXPECT_EQ(0, memcmp(bytes, self->desc.config, DEV_CONFIG));
	EXPECT_EQ(0xee, bytes[DEV_CONFIG]);
	EXPECT_EQ(0, state.status);
	EXPECT_EQ(0, state.driver_features[0]);

	driver_negotiate(m);
	state.device_config_size = 1;
	bytes[1] = 0xee;
	test_ok(m->dev, KVPCI_DEVICE_STATE, &state);
	EXPECT_EQ(0xee, bytes[1]);
	EXPECT_EQ(ST_READY, state.status);
	EXPECT_EQ(DEV_FEATURES, state.driver_features[0]);
	EXPECT_EQ(2, state.driver_features[1]);

	state.device_config_size = DEV_CONFIG + 1;
	test_err(EINVAL, m->dev, KVPCI_DEVICE_STATE, &state);
	state.device_config_size = ~0U;
	test_err(EINVAL, m->dev, KVPCI_DEVICE_STATE, &state);
	state.device_config_size = DEV_CONFIG;
	state.device_config = 8;
	test_err(EFAULT, m->dev, KVPCI_DEVICE_STATE, &state);
	state.device_config = 0;
	state.device_config_size = 0;
	test_ok(m->dev, KVPCI_DEVICE_STATE, &state);
}

TEST_F(errors, device_access)
{
	static const struct {
		uint32_t bar, offset, length;
		int expect;
	} accesses[] = {
		{ BAR_MEM, 0, 4, 0 }, { BAR_MEM, BAR_MEM_SIZE - 8, 8, 0 },
		{ BAR_IO, BAR_IO_SIZE - 1, 1, 0 },
		{ 3, 0, 4, -ENXIO }, { 4, 0, 4, -ENXIO }, { 6, 0, 4, -ENXIO },
		{ ~0U, 0, 4, -ENXIO },
		{ BAR_MEM, BAR_MEM_SIZE, 1, -ERANGE },
		{ BAR_MEM, BAR_MEM_SIZE - 7, 8, -ERANGE },
		{ BAR_MEM, ~0U, 1, -ERANGE }, { BAR_MEM, ~0U - 3, 4, -ERANGE },
		{ BAR_MEM, 0, 0, -EINVAL }, { BAR_MEM, 0, 3, -EINVAL },
		{ BAR_MEM, 0, 16, -EINVAL }, { BAR_MEM, 0, ~0U, -EINVAL },
	};
	struct machine *m = &self->m;
	struct kvpci_bar_access access = { .size = sizeof(access) };

	for (size_t i = 0; i < ARRAY_SIZE(accesses); i++) {
		for (access.flags = 0; access.flags < 2; access.flags++) {
			access.bar = accesses[i].bar;
			access.offset = accesses[i].offset;
			access.length = accesses[i].length;
			EXPECT_EQ(accesses[i].expect,
				  do_ioctl(m->dev, KVPCI_BAR_ACCESS,
					   &access))
				TH_LOG("row %zu", i);
		}
	}
	/* as the guest would, mapped or not */
	ASSERT_EQ(0, device_map(m, 0, 0, 0));
	access = (struct kvpci_bar_access){
		.size = sizeof(access), .flags = KVPCI_ACCESS_WRITE,
		.bar = BAR_MEM, .offset = CC_QUEUE_SELECT, .length = 2,
		.value = 1,
	};
	test_ok(m->dev, KVPCI_BAR_ACCESS, &access);
	access.flags = 0;
	access.value = ~0ULL;
	access.offset = CC_QUEUE_SIZE;
	test_ok(m->dev, KVPCI_BAR_ACCESS, &access);
	EXPECT_EQ(128, access.value);
}

TEST_F(errors, config_write)
{
	const uint32_t quiet = KVPCI_CONFIG_WRITE_QUIET;
	const uint32_t force = KVPCI_CONFIG_WRITE_FORCE;
	const struct {
		uint32_t offset, length;
		int expect;
		uint32_t flags;
	} writes[] = {
		{ 0, DEV_CONFIG, 0, 0 }, { DEV_CONFIG - 1, 1, 0, 0 },
		{ 0, 0, -EINVAL, 0 }, { 0, DEV_CONFIG + 1, -ERANGE, 0 },
		{ DEV_CONFIG, 1, -ERANGE, 0 }, { 1, DEV_CONFIG, -ERANGE, 0 },
		{ ~0U, 2, -ERANGE, 0 }, { 2, ~0U, -ERANGE, 0 },
		{ 0, 4, 0, quiet }, { 0, 4, 0, force },
		{ 0, 4, -EINVAL, quiet | force }, { 0, 0, -EINVAL, quiet },
		{ 0, 0, -EINVAL, quiet | force }, { 0, 0, 0, force },
		{ DEV_CONFIG, 0, 0, force }, { ~0U, 0, -ERANGE, force },
		{ DEV_CONFIG, 1, -ERANGE, quiet }, { 0, 4, -EINVAL, 4 },
		{ 0, 4, -EINVAL, 4 | force },
	};
	struct machine *m = &self->m;
	uint8_t bytes[DEV_CONFIG] = { 0xaa };
	struct kvpci_device_config_write write = {
		.size = sizeof(write), .data = (uintptr_t)bytes,
	};

	for (size_t i = 0; i < ARRAY_SIZE(writes); i++) {
		write.offset = writes[i].offset;
		write.length = writes[i].length;
		write.flags = writes[i].flags;
		EXPECT_EQ(writes[i].expect,
			  do_ioctl(m->dev, KVPCI_DEVICE_CONFIG_WRITE, &write))
			TH_LOG("row %zu", i);
	}
	write.flags = 0;
	write.offset = 0;
	write.length = 4;
	write.data = 8;
	test_err(EFAULT, m->dev, KVPCI_DEVICE_CONFIG_WRITE, &write);
	EXPECT_EQ(0xaa, guest_read(&m->g, MEM_BASE + MEM_DEVICE, 1));
}

TEST_F(errors, queue_fds)
{
	struct machine *m = &self->m;
	int event = eventfd(0, 0);

	EXPECT_EQ(0, queue_fds(m, 0, event, event));
	EXPECT_EQ(0, queue_fds(m, 0, -1, event));
	EXPECT_EQ(0, queue_fds(m, 0, -1, -1));
	/* queues that do not exist may have them, and never use them */
	EXPECT_EQ(0, queue_fds(m, DEV_ABSENT, event, -1));
	EXPECT_EQ(-EINVAL, queue_fds(m, DEV_QUEUES, event, -1));
	EXPECT_EQ(-EINVAL, queue_fds(m, ~0U, event, -1));
	EXPECT_EQ(-EBADF, queue_fds(m, 0, 900, -1));
	EXPECT_EQ(-EBADF, queue_fds(m, 0, -1, 900));
	EXPECT_EQ(-EBADF, queue_fds(m, 0, event, 900));
	EXPECT_EQ(-EBADF, queue_fds(m, 0, -2, -1));
	EXPECT_EQ(-EINVAL, queue_fds(m, 0, m->g.vm_fd, -1));
	EXPECT_EQ(-EINVAL, queue_fds(m, 0, -1, m->g.vm_fd));
	EXPECT_EQ(-EINVAL, queue_fds(m, 0, m->dev, -1));
	EXPECT_EQ(-EINVAL, queue_fds(m, 0, -1, m->dev));
	close(event);
}

/* A call for many queues: its last entry is @last, and @behind comes after it. */
struct pairs_row {
	uint32_t first, count, entry_size;
	int expect;
	struct kvpci_fd_pair second;
	uint8_t behind;
};

/* The first entry is @first; those after the second have no eventfds. */
static int give_pairs(struct machine *m, const struct pairs_row *row,
		      const struct kvpci_fd_pair *first)
{
	const struct kvpci_fd_pair none = { -1, -1 };
	static uint8_t bytes[(DEV_QUEUES + 1) * 4096];
	struct kvpci_queue_fds arg = {
		.size = sizeof(arg), .first = row->first, .count = row->count,
		.entry_size = row->entry_size, .pairs = (uintptr_t)bytes,
	};
	uint8_t *entry = bytes;

	memset(bytes, 0, sizeof(bytes));
	for (uint32_t n = 1; n <= row->count && n <= DEV_QUEUES; n++) {
		memcpy(entry, n == 1 ? first : n == 2 ? &row->second : &none,
		       sizeof(none));
		entry[sizeof(none)] = n == 2 ? row->behind : 0;
		entry += row->entry_size <= 4096 ? row->entry_size : 0;
	}
	return do_ioctl(m->dev, KVPCI_QUEUE_FDS, &arg);
}

/* A refused entry, whichever it is, leaves all queues what they have. */
TEST_F(errors, queue_fd_pairs)
{
	struct machine *m = &self->m;
	const int kick = eventfd(0, EFD_NONBLOCK), call = eventfd(0, EFD_NONBLOCK);
	const uint32_t one = sizeof(struct kvpci_fd_pair);
	const struct kvpci_fd_pair first = { kick, call }, none = { -1, -1 };

	machine_fds(m);
	const struct pairs_row rows[] = {
		{ 0, 0, one, -EINVAL, none, 0 },
		{ 0, DEV_QUEUES + 1, one, -EINVAL, none, 0 },
		{ 1, DEV_QUEUES, one, -EINVAL, none, 0 },
		{ DEV_QUEUES, 1, one, -EINVAL, none, 0 },
		{ ~0U, 2, one, -EINVAL, none, 0 }, { 1, ~0U, one, -EINVAL, none, 0 },
		{ 0, 1, 0, -EINVAL, none, 0 }, { 0, 1, one - 4, -EINVAL, none, 0 },
		{ 0, 2, one + 4, -EINVAL, none, 0 }, { 0, 1, 4104, -E2BIG, none, 0 },
		{ 0, 1, ~0U - 7, -E2BIG, none, 0 },
		{ 0, 2, one + 8, -E2BIG, none, 1 }, { 0, 4, 4096, -E2BIG, none, 1 },
		{ 0, 4, one, -EBADF, { 900, -1 }, 0 },
		{ 0, 4, one, -EBADF, { -1, 900 }, 0 },
		{ 0, 4, one, -EBADF, { -2, -1 }, 0 },
		{ 0, 4, one, -EBADF, { -1, -2 }, 0 },
		{ 0, 4, one, -EINVAL, { m->dev, -1 }, 0 },
		{ 0, 4, one, -EINVAL, { -1, m->dev }, 0 },
		/* it is there twice, serves another queue, or is to move */
		{ 0, 4, one, -EBUSY, { -1, call }, 0 },
		{ 0, 2, one, -EBUSY, { -1, m->call[3] }, 0 },
		{ 0, 4, one, -EBUSY, { -1, m->call[3] }, 0 },
		/* and what an older or a newer VMM may say */
		{ 0, 2, one + 8, 0, none, 0 }, { 0, 4, 4096, 0, none, 0 },
		{ 0, 4, one, 0, none, 0 },
	};

	driver_vector(m, 1, 0xfee00000, 0x41, UNMASKED);
	ASSERT_EQ(0, device_irq(m, MSIX_ON, KVPCI_GSI_NONE));
	driver_run(m);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool given = !rows[i].expect;

		EXPECT_EQ(rows[i].expect, give_pairs(m, &rows[i], &first))
			TH_LOG("row %zu", i);
		guest_write(&m->g, MEM_BASE + MEM_DOORBELLS, 2, 0);
		EXPECT_EQ(given, eventfd_count(kick)) TH_LOG("row %zu", i);
		EXPECT_EQ(!given, eventfd_count(m->kick[0])) TH_LOG("row %zu", i);
		eventfd_add(given ? call : m->call[0]);
		EXPECT_EQ(0x41, guest_irq(&m->g)) TH_LOG("row %zu", i);
		eventfd_add(given ? m->call[0] : call);
		EXPECT_EQ(1, eventfd_count(given ? m->call[0] : call));
		EXPECT_EQ(GUEST_NO_IRQ, guest_irq(&m->g)) TH_LOG("row %zu", i);
	}
	struct kvpci_queue_fds arg = {
		.size = sizeof(arg), .count = 1, .entry_size = one, .pairs = 8,
	};
	test_err(EFAULT, m->dev, KVPCI_QUEUE_FDS, &arg);
	close(kick);
	close(call);
}

TEST_F(errors, queue_state)
{
	struct machine *m = &self->m;
	struct kvpci_queue_state state = { .size = sizeof(state) };

	test_ok(m->dev, KVPCI_QUEUE_STATE, &state);
	EXPECT_EQ(0, state.enabled);
	EXPECT_EQ(256, state.queue_size);
	EXPECT_EQ(NO_VECTOR, state.msix_vector);
	driver_start(m);
	state.queue = 1;
	state.notification = 77;
	test_ok(m->dev, KVPCI_QUEUE_STATE, &state);
	EXPECT_EQ(1, state.queue);
	EXPECT_EQ(1, state.enabled);
	EXPECT_EQ(64, state.queue_size);
	EXPECT_EQ(2, state.msix_vector);
	EXPECT_EQ(0, state.notification);
	EXPECT_EQ(0x100002000, state.desc);
	EXPECT_EQ(0x200002400, state.driver);
	EXPECT_EQ(0x300002800, state.device);
	state.queue = DEV_ABSENT;
	test_ok(m->dev, KVPCI_QUEUE_STATE, &state);
	EXPECT_EQ(0, state.queue_size);
	state.queue = DEV_QUEUES;
	test_err(EINVAL, m->dev, KVPCI_QUEUE_STATE, &state);
	state.queue = ~0U;
	test_err(EINVAL, m->dev, KVPCI_QUEUE_STATE, &state);
}

TEST_F(errors, queue_states)
{
	const uint32_t one = sizeof(struct kvpci_queue_state);
	const struct {
		uint32_t first, count, entry_size;
		int expect;
	} rows[] = {
		{ 0, DEV_QUEUES, one, 0 }, { DEV_QUEUES - 1, 1, one, 0 },
		{ 1, 2, one + 8, 0 }, { 0, 1, 4096, 0 },
		{ 0, 0, one, -EINVAL }, { 0, DEV_QUEUES + 1, one, -EINVAL },
		{ DEV_QUEUES, 1, one, -EINVAL }, { ~0U, 2, one, -EINVAL },
		{ 1, ~0U, one, -EINVAL }, { 1, DEV_QUEUES, one, -EINVAL },
		{ 0, 1, 0, -EINVAL }, { 0, 1, one - 8, -EINVAL },
		{ 0, 1, one + 4, -EINVAL }, { 0, 1, 4104, -E2BIG },
		{ 0, 1, ~0U - 7, -E2BIG },
	};
	struct machine *m = &self->m;
	static uint8_t bytes[8192];
	struct kvpci_queue_states arg = {
		.size = sizeof(arg), .states = (uintptr_t)bytes,
	};

	driver_start(m);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t end = rows[i].count * rows[i].entry_size;

		arg.first = rows[i].first;
		arg.count = rows[i].count;
		arg.entry_size = rows[i].entry_size;
		memset(bytes, 0xee, sizeof(bytes));
		EXPECT_EQ(rows[i].expect,
			  do_ioctl(m->dev, KVPCI_QUEUE_STATES, &arg))
			TH_LOG("row %zu", i);
		if (rows[i].expect)
			end = 0;
		EXPECT_EQ(0xee, bytes[end]) TH_LOG("row %zu", i);
		for (uint32_t n = 0; end && n < rows[i].count; n++) {
			const uint8_t *entry = bytes + n * rows[i].entry_size;
			struct kvpci_queue_state expect, got;

			/* the rest, which nobody knows yet, is zero */
			for (uint32_t b = one; b < rows[i].entry_size; b++)
				ASSERT_EQ(0, entry[b]);
			expect = queue_state(m, rows[i].first + n);
			expect.size = rows[i].entry_size;
			memcpy(&got, entry, one);
			EXPECT_EQ(0, memcmp(&got, &expect, one))
				TH_LOG("row %zu, queue %u", i, n);
		}
	}
	arg.first = 0;
	arg.count = 1;
	arg.entry_size = one;
	arg.states = 8;
	test_err(EFAULT, m->dev, KVPCI_QUEUE_STATES, &arg);
}

int main(int argc, char **argv)
{
	require_kvpci();
	return test_harness_run(argc, argv);
}
