// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers that the guest reads as memory: what a mapping of a device shows,
 * under a read-only memory slot, is what the registers hold, after every kind
 * of change; and a mapping is for nothing but reading.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/function.h"
#include "kselftest_harness.h"

#define SPACE		at_function(OURS, 0)
#define PAGE		4096
#define MOVED		(MSIX_BASE + 0x10000)	/* another place for the table */

enum { SLOT_CONFIG = 1, SLOT_TABLE };

FIXTURE(mmap) {
	struct machine m;
	struct device_desc desc;
	uint8_t *config;
	uint32_t *table;
};

/* A size of 0 takes the slot away. */
static void set_slot(struct machine *m, uint32_t slot, uint64_t at, void *host,
		     uint64_t size)
{
	struct kvm_userspace_memory_region region = {
		slot, KVM_MEM_READONLY, at, size, (uintptr_t)host,
	};

	if (ioctl(m->g.vm_fd, KVM_SET_USER_MEMORY_REGION, &region))
		guest_die("KVM_SET_USER_MEMORY_REGION %u", slot);
}

static uint32_t find_cap_in(const uint8_t *space, uint8_t id, uint8_t type)
{
	uint32_t at = space[PCI_CAPABILITY_LIST];

	while (at && (space[at] != id || (type && space[at + 3] != type)))
		at = space[at + 1];
	return at;
}

static void *map(int fd, off_t offset, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, offset);

	return p == MAP_FAILED ? NULL : p;
}

FIXTURE_SETUP(mmap)
{
	struct machine *m = &self->m;

	machine_create(m);
	/* a fresh device: the machine's has been mapped */
	close(m->dev);
	device_describe(&self->desc);
	m->dev = libkvpci_device_create(m->vm, &self->desc.create);
	ASSERT_LE(0, m->dev);
	machine_fds(m);
	ASSERT_EQ(0, libkvpci_vm_ecam(m->vm, ECAM_ADDR, 1, NULL));
	ASSERT_EQ(NULL, map(m->dev, KVPCI_MMAP_PCI_CONFIG, PAGE));
	ASSERT_EQ(ENXIO, errno);
	ASSERT_EQ(0, place(m->dev, OURS, 0x020000, 1, PIN));

	self->config = map(m->dev, KVPCI_MMAP_PCI_CONFIG, PAGE);
	self->table = map(m->dev, KVPCI_MMAP_MSIX, PAGE);
	ASSERT_NE(NULL, self->config);
	ASSERT_NE(NULL, self->table);
	set_slot(m, SLOT_CONFIG, SPACE, self->config, PAGE);
	set_slot(m, SLOT_TABLE, MSIX_BASE, self->table, PAGE);
	set_up(m);
}

FIXTURE_TEARDOWN(mmap)
{
	if (self->config)
		munmap(self->config, PAGE);
	if (self->table)
		munmap(self->table, PAGE);
	machine_destroy(&self->m);
}

/* Return: the first offset at which guest, mapping and module differ, or -1. */
static int differs(struct machine *m, const uint8_t *config)
{
	for (uint32_t at = 0; at < PAGE; at += 4) {
		uint32_t value;

		if (libkvpci_pci_config_read(m->dev, at, 4, &value))
			guest_die("a read of configuration space");
		if (memcmp(&value, config + at, 4))
			return at;
		if (at < 256 && guest_read(&m->g, SPACE + at, 4) != value)
			return at;
	}
	return -1;
}

TEST_F(mmap, config_follows)
{
	struct machine *m = &self->m;
	uint32_t msix = find_cap_in(self->config, PCI_CAP_ID_MSIX, 0);
	uint32_t exp = find_cap_in(self->config, PCI_CAP_ID_EXP, 0);
	const struct {
		uint32_t offset, width, value, exits;
	} rows[] = {
		{ PCI_INTERRUPT_LINE, 1, 11, 0 },
		{ PCI_CACHE_LINE_SIZE, 1, 16, 0 },
		{ msix + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE, 0 },
		{ PCI_COMMAND, 2, PCI_COMMAND_IO, 0 },
		{ BAR(1), 4, ~0U, 0 },
		{ BAR(1), 4, MEM_BASE + 0x100000, 0 },
		{ PCI_COMMAND, 2, PCI_COMMAND_MEMORY, 1 },
		{ PCI_COMMAND, 2, 0, 0 },
		{ PCI_COMMAND, 2, PCI_COMMAND_MEMORY, 0 },
		{ BAR(1) + 2, 2, MEM_BASE >> 16, 1 },
		{ BAR(1), 4, ~0U, 0 },
		{ BAR(1), 4, MEM_BASE, 0 },
		{ PCI_VENDOR_ID, 4, 0, 0 },
		{ exp + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR, 0 },
	};
	struct kvpci_device_stats before;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(rows[i].exits, cfg_wr(m, rows[i].offset,
						rows[i].width, rows[i].value));
		EXPECT_EQ(-1, differs(m, self->config))
			TH_LOG("after row %zu", i);
	}
	EXPECT_EQ(0, *(uint16_t *)(self->config + PCI_COMMAND));

	before = device_stats(m);
	EXPECT_EQ(0x10411af4, guest_read(&m->g, SPACE, 4));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	/* nobody was asked */
	EXPECT_EQ(before.pci_config_reads, device_stats(m).pci_config_reads);
}

TEST_F(mmap, table_follows)
{
	struct machine *m = &self->m;
	struct kvpci_device_stats before = device_stats(m);

	for (unsigned int v = 0; v < DEV_VECTORS; v++)
		driver_vector(m, v, 0xfee00000 | v << 12, 0x40 + v,
			      v & 1 ? MASKED : UNMASKED);
	EXPECT_EQ(before.msix_writes + 4 * DEV_VECTORS,
		  device_stats(m).msix_writes);
	for (unsigned int v = 0; v < DEV_VECTORS; v++) {
		const uint32_t expect[] = {
			0xfee00000 | v << 12, 0, 0x40 + v, v & 1,
		};

		for (int i = 0; i < 4; i++) {
			EXPECT_EQ(expect[i], self->table[4 * v + i]);
			EXPECT_EQ(expect[i], guest_read(&m->g, MSIX_BASE +
							16 * v + 4 * i, 4));
			EXPECT_EQ(0, m->g.vcpu[0].exits);
		}
	}
	/* nothing but the table */
	for (int i = 4 * DEV_VECTORS; i < PAGE / 4; i++)
		ASSERT_EQ(0, self->table[i]);
	EXPECT_EQ(before.msix_reads, device_stats(m).msix_reads);
}

TEST_F(mmap, table_moves)
{
	struct machine *m = &self->m;

	EXPECT_EQ(1, cfg_wr(m, BAR(2), 4, (uint32_t)MOVED));
	set_slot(m, SLOT_TABLE, MSIX_BASE, self->table, 0);
	set_slot(m, SLOT_TABLE, MOVED, self->table, PAGE);
	guest_write(&m->g, MOVED + 24, 4, 0x77);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(0x77, guest_read(&m->g, MOVED + 24, 4));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(0x77, self->table[6]);
	guest_read(&m->g, MSIX_BASE + 24, 4);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
}

/*
 * While its BAR does not answer the table's slot may stay: no exit tells of that, and
 * reads show the table. Writes meet nobody.
 */
TEST_F(mmap, table_stays)
{
	struct machine *m = &self->m;

	guest_write(&m->g, MSIX_BASE + 24, 4, 0x55);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(0, cfg_wr(m, PCI_COMMAND, 2, 0));
	EXPECT_EQ(0x55, guest_read(&m->g, MSIX_BASE + 24, 4));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	guest_write(&m->g, MSIX_BASE + 24, 4, 0x66);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(0x55, self->table[6]);
	EXPECT_EQ(0, cfg_wr(m, PCI_COMMAND, 2, PCI_COMMAND_MEMORY));
	guest_write(&m->g, MSIX_BASE + 24, 4, 0x77);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(0x77, guest_read(&m->g, MSIX_BASE + 24, 4));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
}

static bool status_interrupt(struct machine *m)
{
	bool set = guest_read(&m->g, SPACE + PCI_STATUS, 2) &
		   PCI_STATUS_INTERRUPT;

	if (m->g.vcpu[0].exits)
		guest_die("a read of Status left to userspace");
	return set;
}

/* R26: with nobody reading through the module, it must be there before. */
TEST_F(mmap, status_interrupt)
{
	struct machine *m = &self->m;
	uint32_t msix = find_cap_in(self->config, PCI_CAP_ID_MSIX, 0);
	uint32_t exp = find_cap_in(self->config, PCI_CAP_ID_EXP, 0);

	driver_run(m);
	EXPECT_FALSE(status_interrupt(m));
	eventfd_add(m->call[0]);
	EXPECT_TRUE(status_interrupt(m));
	EXPECT_EQ(1, guest_in(&m->g, IO_BASE + IO_ISR, 1));
	EXPECT_FALSE(status_interrupt(m));

	/* MSI-X takes it away and gives it back */
	eventfd_add(m->call[0]);
	cfg_wr(m, msix + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	EXPECT_FALSE(status_interrupt(m));
	cfg_wr(m, msix + PCI_MSIX_FLAGS, 2, 0);
	EXPECT_TRUE(status_interrupt(m));

	/* a reset that waits, and one that does not */
	cc_write(m, CC_STATUS, 0);
	EXPECT_FALSE(status_interrupt(m));
	EXPECT_EQ(KVPCI_EVENT_STOP, device_event(m, NULL));
	EXPECT_EQ(0, device_ack(m, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	EXPECT_FALSE(status_interrupt(m));
	driver_start(m);
	eventfd_add(m->call[0]);
	EXPECT_TRUE(status_interrupt(m));
	cc_write(m, CC_STATUS, 0);
	EXPECT_FALSE(status_interrupt(m));

	/* nor does it outlive the function's reset */
	driver_start(m);
	eventfd_add(m->call[0]);
	EXPECT_TRUE(status_interrupt(m));
	EXPECT_EQ(0, cfg_wr(m, exp + PCI_EXP_DEVCTL, 2,
			    PCI_EXP_DEVCTL_BCR_FLR));
	EXPECT_FALSE(status_interrupt(m));
}

/* A mapping cannot do what a read of the window does: the VMM is told. */
TEST_F(mmap, window)
{
	struct machine *m = &self->m;
	uint32_t cap = find_cap_in(self->config, PCI_CAP_ID_VNDR,
				VIRTIO_PCI_CAP_PCI_CFG);
	uint32_t exp = find_cap_in(self->config, PCI_CAP_ID_EXP, 0);
	uint32_t length = cap + VIRTIO_PCI_CAP_LENGTH, data = cap + 16;

	/* not yet: bar, offset, and data that goes nowhere */
	EXPECT_EQ(0, cfg_wr(m, cap + VIRTIO_PCI_CAP_BAR, 1, BAR_MEM));
	EXPECT_EQ(0, cfg_wr(m, cap + VIRTIO_PCI_CAP_OFFSET, 4,
			    MEM_COMMON + CC_NUM_QUEUES));
	EXPECT_EQ(0, cfg_wr(m, data, 4, 0));
	EXPECT_EQ(0, cfg_wr(m, length, 4, 0));
	EXPECT_EQ(1, cfg_wr(m, length, 4, 2));
	/* set up, it may change without us */
	EXPECT_EQ(0, cfg_wr(m, length, 4, 1));
	EXPECT_EQ(0, cfg_wr(m, length, 1, 2));
	set_slot(m, SLOT_CONFIG, SPACE, self->config, 0);
	EXPECT_EQ(DEV_QUEUES, guest_read(&m->g, SPACE + data, 4));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(1, cfg_wr(m, length, 1, 0));
	set_slot(m, SLOT_CONFIG, SPACE, self->config, PAGE);
	EXPECT_EQ(0, cfg_wr(m, data, 4, 0x12345678));
	EXPECT_EQ(0x12345678, guest_read(&m->g, SPACE + data, 4));
	EXPECT_EQ(-1, differs(m, self->config));
	/* the function's reset takes it away as well */
	EXPECT_EQ(1, cfg_wr(m, length, 4, 4));
	EXPECT_EQ(1, cfg_wr(m, exp + PCI_EXP_DEVCTL, 2,
			    PCI_EXP_DEVCTL_BCR_FLR));
	EXPECT_EQ(0, *(uint32_t *)(self->config + length));
	EXPECT_EQ(0, cfg_wr(m, exp + PCI_EXP_DEVCTL, 2,
			    PCI_EXP_DEVCTL_BCR_FLR));
}

/*
 * What some kernels say to PROT_EXEC before they ask the file, as an eventfd shows,
 * which has no mmap(); 0 where they ask.
 */
static int exec_refused(int event)
{
	errno = 0;
	mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, event, 0);
	return errno == ENODEV ? 0 : errno;
}

TEST_F(mmap, mmap_errors)
{
	static const struct {
		off_t offset;
		size_t size;
		int prot, flags, expect;
	} rows[] = {
		{ KVPCI_MMAP_PCI_CONFIG, PAGE, PROT_READ, MAP_SHARED, 0 },
		{ KVPCI_MMAP_PCI_CONFIG, PAGE, PROT_READ, MAP_PRIVATE, 0 },
		{ KVPCI_MMAP_PCI_CONFIG, PAGE, PROT_NONE, MAP_SHARED, 0 },
		{ KVPCI_MMAP_PCI_CONFIG, 2 * PAGE, PROT_READ, MAP_SHARED, ENXIO },
		{ KVPCI_MMAP_PCI_CONFIG + PAGE, PAGE, PROT_READ, MAP_SHARED, ENXIO },
		{ KVPCI_MMAP_PCI_CONFIG, PAGE, PROT_WRITE, MAP_SHARED, EACCES },
		{ KVPCI_MMAP_PCI_CONFIG, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		  EACCES },
		{ KVPCI_MMAP_PCI_CONFIG, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
		  EACCES },
		{ KVPCI_MMAP_PCI_CONFIG, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED,
		  EACCES },
		{ KVPCI_MMAP_MSIX - PAGE, PAGE, PROT_READ, MAP_SHARED, ENXIO },
		{ KVPCI_MMAP_MSIX, PAGE, PROT_READ, MAP_SHARED, 0 },
		{ KVPCI_MMAP_MSIX, 2 * PAGE, PROT_READ, MAP_SHARED, ENXIO },
		{ KVPCI_MMAP_MSIX + PAGE, PAGE, PROT_READ, MAP_SHARED, ENXIO },
		{ KVPCI_MMAP_MSIX, PAGE, PROT_WRITE, MAP_SHARED, EACCES },
		{ (off_t)1 << 52, PAGE, PROT_READ, MAP_SHARED, ENXIO },
	};
	struct machine *m = &self->m;
	int refused = exec_refused(m->call[0]);
	void *p;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int expect = rows[i].expect;

		if (refused && rows[i].prot & PROT_EXEC)
			expect = refused;
		errno = 0;
		p = mmap(NULL, rows[i].size, rows[i].prot, rows[i].flags,
			 m->dev, rows[i].offset);
		EXPECT_EQ(expect, errno) TH_LOG("row %zu", i);
		EXPECT_EQ(expect == 0, p != MAP_FAILED);
		if (p != MAP_FAILED)
			munmap(p, rows[i].size);
	}
	/* neither the VM nor the module has registers to read */
	EXPECT_EQ(NULL, map(m->vm, 0, PAGE));
	EXPECT_EQ(NULL, map(m->ctl, 0, PAGE));
}

/* A mapping cannot be turned into one to write to, in any way. */
TEST_F(mmap, never_writable)
{
	int memory = open("/proc/self/mem", O_RDWR);
	uint32_t vendor = 0;

	EXPECT_EQ(-1, mprotect(self->config, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, mprotect(self->table, PAGE, PROT_READ | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, mprotect(self->table, PAGE, PROT_WRITE));
	ASSERT_LE(0, memory);
	EXPECT_EQ(-1, pwrite(memory, &vendor, 4, (off_t)(uintptr_t)self->config));
	close(memory);
	EXPECT_EQ(0x10411af4, *(uint32_t *)self->config);

	/* read again after the page was given up: the same, not a page of zeroes */
	EXPECT_EQ(0, madvise(self->config, PAGE, MADV_DONTNEED));
	EXPECT_EQ(0x10411af4, *(uint32_t *)self->config);
}

/* KVM is no way around it either: a slot to write to takes no write. */
TEST_F(mmap, writable_slot)
{
	struct machine *m = &self->m;
	struct kvm_userspace_memory_region region = {
		SLOT_CONFIG, 0, SPACE, PAGE, (uintptr_t)self->config,
	};
	struct guest_access access = { ACCESS_WRITE, 4, SPACE, 0 };
	struct guest_vcpu *vcpu = &m->g.vcpu[0];

	set_slot(m, SLOT_CONFIG, SPACE, self->config, 0);
	ASSERT_EQ(0, ioctl(m->g.vm_fd, KVM_SET_USER_MEMORY_REGION, &region));
	guest_set_script(vcpu, &access, 1, 1);
	/* the vCPU cannot go on */
	EXPECT_EQ(-1, ioctl(vcpu->fd, KVM_RUN, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0x10411af4, *(uint32_t *)self->config);
}

/* A mapping keeps the device, as a descriptor does. */
TEST_F(mmap, outlives_descriptor)
{
	struct machine *m = &self->m;

	close(m->dev);
	m->dev = -1;
	EXPECT_EQ(0x10411af4, *(uint32_t *)self->config);
	EXPECT_EQ(DEV_QUEUES, guest_in(&m->g, IO_BASE + CC_NUM_QUEUES, 2));
	EXPECT_EQ(0, m->g.vcpu[0].exits);

	/* under its slot, with the guest able to read it */
	munmap(self->table, PAGE);
	self->table = NULL;
	set_slot(m, SLOT_CONFIG, SPACE, self->config, 0);
	munmap(self->config, PAGE);
	self->config = NULL;
	guest_in(&m->g, IO_BASE + CC_NUM_QUEUES, 2);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(0xffffffff, guest_read(&m->g, SPACE, 4));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
}

int main(int argc, char **argv)
{
	require_kvpci();
	return test_harness_run(argc, argv);
}
