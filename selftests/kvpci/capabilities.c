// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capabilities that a device has when its VMM asks for them: shared memory
 * (4.1.4.7) and vendor data (4.1.4.8).
 */
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "lib/function.h"
#include "kselftest_harness.h"

#define VENDOR_CFG	9	/* cfg_type of vendor data, 4.1.4 */
#define SHM_OFFSET	0x2000
#define SHM_SIZE	0x2000
#define SHM_ID		5

/* Tests make the machine, out of their own description. */
FIXTURE(capability) {
	struct machine m;
	struct device_desc desc;
};

TRANSPORT_VARIANTS(capability);

FIXTURE(capability_file) {
	struct machine m;
	struct device_desc desc;
};

/* Make room for one more capability. */
static void drop_memory_region(struct device_desc *desc, uint32_t type)
{
	struct kvpci_region *r = desc->regions;

	while (r->type != type || r->bar != BAR_MEM)
		r++;
	*r = desc->regions[--desc->create.num_regions];
}

FIXTURE_SETUP(capability)
{
	device_describe(&self->desc);
}

FIXTURE_TEARDOWN(capability)
{
	machine_destroy(&self->m);
}

FIXTURE_SETUP(capability_file)
{
	device_describe(&self->desc);
	function_create(&self->m, &machine_module, &self->desc, NULL, 0);
}

FIXTURE_TEARDOWN(capability_file)
{
	machine_destroy(&self->m);
}

/* R31: the guest reads what the VMM gave, and cannot change it. */
TEST_F(capability, vendor_data)
{
	static const uint8_t data[] = { 0x34, 0x12, 1, 2 };
	struct machine *m = &self->m;
	uint32_t at;

	drop_memory_region(&self->desc, KVPCI_REGION_ISR);
	function_create(m, variant->ops, &self->desc, data, sizeof(data));
	at = find_cap(m, PCI_CAP_ID_VNDR, VENDOR_CFG, 0);
	ASSERT_NE(0, at);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(8, cfg_rd(m, at + 2, 1));
	EXPECT_EQ(0x02011234, cfg_rd(m, at + 4, 4));
	EXPECT_EQ(0, cfg_wr(m, at + 4, 4, ~0U));
	EXPECT_EQ(0x02011234, cfg_rd(m, at + 4, 4));
}

TEST_F(capability_file, vendor_data_errors)
{
	static const uint8_t virtio[] = { 0xf4, 0x1a, 0, 0 };
	static const uint8_t large[KVPCI_MAX_VENDOR_DATA + 4] = { 1 };
	static const struct {
		const void *data;
		uint32_t length;
		int expect;
	} rows[] = {
		{ large, 6, -EINVAL },
		{ virtio, 4, -EINVAL },
		{ large, sizeof(large), -EINVAL },
		{ large, KVPCI_MAX_VENDOR_DATA, -ENOSPC },
		{ NULL, 4, -EFAULT },
		{ large, 4, 0 },
	};
	int dev;

	drop_memory_region(&self->desc, KVPCI_REGION_ISR);
	dev = libkvpci_device_create(self->m.vm, &self->desc.create);
	ASSERT_LE(0, dev);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(rows[i].expect,
			  place_vendor(dev, FN(0, 9, 0), 0x020000, 0,
				       KVPCI_GSI_NONE, rows[i].data,
				       rows[i].length))
			TH_LOG("row %zu", i);
	}
	close(dev);
}

/*
 * R29, R30: the driver finds the region where the capability says; memory that
 * the VMM puts there is memory, and nothing in it is a register.
 */
TEST_F(capability, shared_memory)
{
	const uint64_t at = MEM_BASE + SHM_OFFSET;
	struct machine *m = &self->m;
	struct kvm_userspace_memory_region slot = {
		.slot = 9, .guest_phys_addr = at, .memory_size = SHM_SIZE,
	};
	uint32_t *memory, cap;

	drop_memory_region(&self->desc, KVPCI_REGION_ISR);
	drop_memory_region(&self->desc, KVPCI_REGION_DEVICE);
	self->desc.regions[self->desc.create.num_regions++] =
		(struct kvpci_region){ KVPCI_REGION_SHM, BAR_MEM, SHM_OFFSET,
				       SHM_SIZE, 0, SHM_ID };
	function_create(m, variant->ops, &self->desc, NULL, 0);
	set_up(m);

	cap = find_cap(m, PCI_CAP_ID_VNDR, VIRTIO_PCI_CAP_SHARED_MEMORY_CFG, 0);
	ASSERT_NE(0, cap);
	EXPECT_EQ(24, cfg_rd(m, cap + 2, 1));
	EXPECT_EQ(BAR_MEM | SHM_ID << 8, cfg_rd(m, cap + 4, 2));
	EXPECT_EQ(SHM_OFFSET, cfg_rd(m, cap + 8, 4));
	EXPECT_EQ(SHM_SIZE, cfg_rd(m, cap + 12, 4));
	EXPECT_EQ(0, cfg_rd(m, cap + 16, 4));
	EXPECT_EQ(0, cfg_rd(m, cap + 20, 4));

	/* Nobody's memory yet, and harmless. */
	guest_write(&m->g, at, 4, 0x12345678);
	EXPECT_EQ(0, guest_read(&m->g, at, 4));
	EXPECT_EQ(0, m->g.vcpu[0].exits);

	memory = mmap(NULL, SHM_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, memory);
	slot.userspace_addr = (uintptr_t)memory;
	ASSERT_EQ(0, ioctl(m->g.vm_fd, KVM_SET_USER_MEMORY_REGION, &slot));
	memory[1] = 0xcafe;
	guest_write(&m->g, at, 4, 0x12345678);
	EXPECT_EQ(0x12345678, memory[0]);
	EXPECT_EQ(0xcafe, guest_read(&m->g, at + 4, 4));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(DEV_QUEUES, guest_read(&m->g, MEM_BASE + CC_NUM_QUEUES, 2));
	slot.memory_size = 0;
	ASSERT_EQ(0, ioctl(m->g.vm_fd, KVM_SET_USER_MEMORY_REGION, &slot));
	EXPECT_EQ(0, guest_read(&m->g, at, 4));
	munmap(memory, SHM_SIZE);
}

TEST_HARNESS_MAIN
