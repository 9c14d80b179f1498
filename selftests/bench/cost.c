// SPDX-License-Identifier: GPL-2.0-only
/*
 * cost: what one access costs, in the VM of the kselftests. Where it runs needs
 * no guest that boots, so it can be had from slow emulators, too.
 *
 *	cost kvpci|twin|kvm
 *
 * The guest makes each access COUNT times; the best of ROUNDS is taken, less the
 * same loop over its own memory, in cycles of its clock. A few accesses take less
 * than a tick of the host's timer, so most rounds have none. "kvm" is what there
 * is without a device: exits that nobody answers, and ioeventfds, which are stock
 * QEMU's doorbells. Prints "NAME CYCLES" lines, and fails if an access exited that
 * must not.
 */
#include <linux/kvm.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "kselftest.h"
#include "lib/function.h"

#define ROUNDS	50
#define COUNT	20
#define PAGE	4096

/* Nobody is there, or an ioeventfd. */
#define NOWHERE		0xc8000000ULL
#define NOWHERE_PORT	0xd100
#define IOEVENTFD	0xc8001000ULL
#define IOEVENTFD_PORT	0xd008

#define CONFIG		(ECAM_ADDR + (OURS << 12))
#define ENTRY		(MSIX_BASE + MSIX_TABLE)	/* of vector 0 */

/* One access, or two of them */
struct row {
	const char *name;
	struct guest_access access[2];
};

static const struct row device_rows[] = {
	{ "port_common_read_1", { { ACCESS_IN, 1, IO_BASE + CC_STATUS, 0 } } },
	{ "port_common_read_2", { { ACCESS_IN, 2, IO_BASE + CC_QUEUE_SIZE, 0 } } },
	{ "port_common_read_4", { { ACCESS_IN, 4, IO_BASE + CC_DEVICE_FEATURE, 0 } } },
	{ "port_common_write_1", { { ACCESS_OUT, 1, IO_BASE + CC_STATUS, ST_RUNNING } } },
	{ "port_common_write_2", { { ACCESS_OUT, 2, IO_BASE + CC_QUEUE_SELECT, 1 } } },
	{ "port_common_write_4",
	  { { ACCESS_OUT, 4, IO_BASE + CC_DEVICE_FEATURE_SELECT, 1 } } },
	{ "port_device_read_4", { { ACCESS_IN, 4, IO_BASE + IO_DEVICE, 0 } } },
	{ "port_isr_read", { { ACCESS_IN, 1, IO_BASE + IO_ISR, 0 } } },
	{ "port_doorbell", { { ACCESS_OUT, 2, IO_BASE + IO_DOORBELL, 0 } } },
	{ "mem_common_read_1", { { ACCESS_READ, 1, MEM_BASE + CC_STATUS, 0 } } },
	{ "mem_common_read_2", { { ACCESS_READ, 2, MEM_BASE + CC_QUEUE_SIZE, 0 } } },
	{ "mem_common_read_4", { { ACCESS_READ, 4, MEM_BASE + CC_DEVICE_FEATURE, 0 } } },
	{ "mem_common_write_1",
	  { { ACCESS_WRITE, 1, MEM_BASE + CC_STATUS, ST_RUNNING } } },
	{ "mem_common_write_2", { { ACCESS_WRITE, 2, MEM_BASE + CC_QUEUE_SELECT, 1 } } },
	{ "mem_common_write_4",
	  { { ACCESS_WRITE, 4, MEM_BASE + CC_DEVICE_FEATURE_SELECT, 1 } } },
	{ "mem_device_read_4", { { ACCESS_READ, 4, MEM_BASE + MEM_DEVICE, 0 } } },
	{ "mem_isr_read", { { ACCESS_READ, 1, MEM_BASE + MEM_ISR, 0 } } },
	{ "mem_doorbell", { { ACCESS_WRITE, 2, MEM_BASE + MEM_DOORBELLS, 0 } } },
};

/* The same again where the guest reads them as memory. */
static const struct row mapped_rows[] = {
	{ "config_read", { { ACCESS_READ, 4, CONFIG, 0 } } },
	{ "config_write", { { ACCESS_WRITE, 1, CONFIG + PCI_INTERRUPT_LINE, 5 } } },
	{ "msix_read", { { ACCESS_READ, 4, ENTRY + 8, 0 } } },
	{ "msix_write", { { ACCESS_WRITE, 4, ENTRY + 8, 0x40 } } },
	{ "msix_mask_unmask", { { ACCESS_WRITE, 4, ENTRY + 12, 1 },
				{ ACCESS_WRITE, 4, ENTRY + 12, 0 } } },
};

static const struct row exit_rows[] = {
	{ "exit_port_read", { { ACCESS_IN, 2, NOWHERE_PORT, 0 } } },
	{ "exit_port_write", { { ACCESS_OUT, 2, NOWHERE_PORT, 0 } } },
	{ "exit_mem_read", { { ACCESS_READ, 2, NOWHERE, 0 } } },
	{ "exit_mem_write", { { ACCESS_WRITE, 2, NOWHERE, 0 } } },
};

static const struct row ioeventfd_rows[] = {
	{ "port_doorbell", { { ACCESS_OUT, 2, IOEVENTFD_PORT, 0 } } },
	{ "mem_doorbell", { { ACCESS_WRITE, 2, IOEVENTFD, 0 } } },
};

static uint64_t best(struct guest *g, const struct guest_access *access,
		     unsigned int num)
{
	uint64_t least = UINT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t cycles = guest_script_cycles(g, access, num, COUNT);

		if (cycles < least)
			least = cycles;
	}
	return least;
}

enum exits { NO_EXITS, EXITS };

static void measure(struct guest *g, const char *prefix, const struct row *rows,
		    size_t num, enum exits exits)
{
	const struct guest_access ram = { ACCESS_READ, 4, GUEST_RAM_FREE, 0 };
	const struct guest_access none[] = { ram, ram };
	const bool stays = exits == NO_EXITS;	/* in the kernel */

	for (size_t i = 0; i < num; i++) {
		unsigned int n = rows[i].access[1].width ? 2 : 1;
		int64_t cycles = best(g, rows[i].access, n);

		if (!g->vcpu[0].exits != stays)
			guest_die("%s: %u exits", rows[i].name,
				  g->vcpu[0].exits);
		/* An access to memory is an instruction, too. */
		cycles += n * COUNT - best(g, none, n);
		printf("%s%s %lld\n", prefix, rows[i].name,
		       (long long)(cycles + COUNT / 2) / COUNT);
	}
}

static void add_ioeventfd(struct guest *g, uint64_t addr, uint32_t length,
			  uint32_t flags)
{
	struct kvm_ioeventfd args = {
		.addr = addr, .len = length, .flags = flags,
		.fd = eventfd(0, EFD_NONBLOCK),
	};

	if (args.fd < 0 || ioctl(g->vm_fd, KVM_IOEVENTFD, &args))
		guest_die("KVM_IOEVENTFD");
}

/* A VM without interrupt controllers has less to do at each exit. */
static void kvm_alone(const char *prefix, int parts)
{
	struct guest guest;

	guest_create_parts(&guest, parts, 1);
	add_ioeventfd(&guest, IOEVENTFD_PORT, 2, KVM_IOEVENTFD_FLAG_PIO);
	add_ioeventfd(&guest, IOEVENTFD, 0, 0);
	measure(&guest, prefix, exit_rows, ARRAY_SIZE(exit_rows), EXITS);
	measure(&guest, prefix, ioeventfd_rows, ARRAY_SIZE(ioeventfd_rows),
		NO_EXITS);
	guest_destroy(&guest);
}

static void map(struct machine *m, uint32_t slot, uint64_t at, off_t offset)
{
	void *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, m->dev, offset);
	struct kvm_userspace_memory_region region = {
		slot, KVM_MEM_READONLY, at, PAGE, (uintptr_t)page,
	};

	if (page == MAP_FAILED ||
	    ioctl(m->g.vm_fd, KVM_SET_USER_MEMORY_REGION, &region))
		guest_die("a mapping at %#llx", (unsigned long long)at);
}

static void device(const struct machine_ops *ops)
{
	static struct device_desc desc;
	struct machine machine, *m = &machine;

	device_describe(&desc);
	function_create(m, ops, &desc, NULL, 0);
	set_up(m);
	cfg_wr(m, find_cap(m, PCI_CAP_ID_MSIX, 0, 0) + PCI_MSIX_FLAGS, 2,
	       PCI_MSIX_FLAGS_ENABLE);
	driver_run(m);
	driver_vector(m, 0, 0xfee00000, 0x40, UNMASKED);
	measure(&m->g, "", device_rows, ARRAY_SIZE(device_rows), NO_EXITS);
	measure(&m->g, "", mapped_rows, ARRAY_SIZE(mapped_rows), NO_EXITS);
	if (ops == &machine_module) {
		map(m, 1, CONFIG, KVPCI_MMAP_PCI_CONFIG);
		map(m, 2, ENTRY, KVPCI_MMAP_MSIX);
		measure(&m->g, "mapped_", mapped_rows, ARRAY_SIZE(mapped_rows),
			NO_EXITS);
	}
	machine_destroy(m);
}

int main(int argc, char **argv)
{
	const char *system = argc == 2 ? argv[1] : "";

	require_kvm();
	if (!strcmp(system, "kvm")) {
		kvm_alone("", GUEST_ALL);
		kvm_alone("no_apic_", GUEST_VCPUS);
	} else if (!strcmp(system, "twin")) {
		device(&machine_twin);
	} else if (!strcmp(system, "kvpci")) {
		device(&machine_module);
	} else {
		guest_die("cost kvpci|twin|kvm");
	}
	return 0;
}
