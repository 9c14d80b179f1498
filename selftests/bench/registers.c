// SPDX-License-Identifier: GPL-2.0-only
/*
 * registers: what one access of the guest costs, by kind of register.
 *
 * The guest agent makes each access in a tight loop in its kernel mode; the
 * best of 5 times 200 is taken, less the same loop around an access to plain
 * memory. Under -icount a cycle is a nanosecond is an instruction, and the
 * figures repeat to the digit. Prints "NAME CYCLES" lines, and fails if an
 * access that the module is to answer left to userspace.
 */
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "lib/agent.h"
#include "lib/guest.h"
#include "lib/machine.h"

#define ROUNDS	5
#define COUNT	200

#define CONFIG_BASE	0xe0000000ULL	/* configuration space of bus 0 */
#define FUNCTION	0x08		/* device 1, function 0 */

/* Where no one is: what an exit to a monitor that does nothing costs. */
#define NOBODY_MEM	0xd8000000ULL
#define NOBODY_PORT	0xd000

static uint64_t best(struct guest *g, struct guest_access access)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t cycles = guest_cycles(g, access, COUNT);

		if (cycles < least)
			least = cycles;
	}
	return least;
}

static uint64_t loop;	/* of an access that costs next to nothing */
static int failed;

static void measure(struct guest *g, const char *name, bool exits,
		    struct guest_access access)
{
	uint64_t cycles = best(g, access);

	printf("%s %lld\n", name,
	       ((long long)cycles - (long long)loop + COUNT / 2) / COUNT);
	if (!g->vcpu[0].exits != !exits) {
		printf("# %s: %u exits to userspace, expected %s\n", name,
		       g->vcpu[0].exits, exits ? "some" : "none");
		failed = 1;
	}
}

static void place(struct machine *m)
{
	struct kvpci_vm_ecam ecam = {
		.size = sizeof(ecam),
		.addr = CONFIG_BASE,
		.num_buses = 1,
	};
	struct kvpci_device_place where = {
		.size = sizeof(where),
		.function = FUNCTION,
		.class_code = 0x020000,
		.gsi = KVPCI_GSI_NONE,
	};
	struct device_desc desc;
	int err, dev;

	device_describe(&desc);
	dev = device_create(m->vm, &desc);
	if (dev < 0)
		guest_die("KVPCI_DEVICE_CREATE: %d", dev);
	err = do_ioctl(m->vm, KVPCI_VM_ECAM, &ecam);
	if (!err)
		err = do_ioctl(dev, KVPCI_DEVICE_PLACE, &where);
	if (err)
		guest_die("KVPCI_DEVICE_PLACE: %d", err);
}

/* KVM's own doorbells, to compare with. */
static void ioeventfd(struct guest *g, uint64_t addr, uint32_t len,
		      uint32_t flags)
{
	struct kvm_ioeventfd args = {
		.addr = addr,
		.len = len,
		.fd = eventfd(0, EFD_NONBLOCK),
		.flags = flags,
	};

	if (args.fd < 0 || ioctl(g->vm_fd, KVM_IOEVENTFD, &args))
		guest_die("KVM_IOEVENTFD at %#llx failed",
			  (unsigned long long)addr);
}

int main(void)
{
	const uint64_t function = CONFIG_BASE + ((uint64_t)FUNCTION << 12);
	struct machine machine, *m = &machine;
	struct guest *g = &m->g;

	require_kvpci();
	machine_create(m);
	machine_fds(m);
	place(m);
	driver_run(m);
	device_irq(m->dev, MSIX_ON, KVPCI_GSI_NONE);
	driver_vector(m, 0, 0xfee00000, 0x40, true);

	loop = best(g, (struct guest_access){
			    ACCESS_READ, 4, GUEST_RAM_FREE, 0 });
#define M(name, ...) measure(g, name, false, (struct guest_access){ __VA_ARGS__ })
	M("io_common_read", ACCESS_IN, 2, IO_BASE + CC_QUEUE_SIZE, 0);
	M("io_common_write", ACCESS_OUT, 2, IO_BASE + CC_QUEUE_SELECT, 1);
	M("io_num_queues_read", ACCESS_IN, 2, IO_BASE + CC_NUM_QUEUES, 0);
	M("io_feature_read", ACCESS_IN, 4, IO_BASE + CC_DEVICE_FEATURE, 0);
	M("io_status_read", ACCESS_IN, 1, IO_BASE + CC_STATUS, 0);
	M("io_generation_read", ACCESS_IN, 1, IO_BASE + CC_GENERATION, 0);
	M("io_vector_write", ACCESS_OUT, 2, IO_BASE + CC_QUEUE_VECTOR, 0);
	M("io_device_read", ACCESS_IN, 4, IO_BASE + IO_DEVICE, 0);
	M("io_isr_read", ACCESS_IN, 1, IO_BASE + IO_ISR, 0);
	M("io_doorbell", ACCESS_OUT, 2, IO_BASE + IO_DOORBELL, 0);
	M("mem_common_read", ACCESS_READ, 2, MEM_BASE + CC_QUEUE_SIZE, 0);
	M("mem_common_write", ACCESS_WRITE, 2, MEM_BASE + CC_QUEUE_SELECT, 1);
	M("mem_device_read", ACCESS_READ, 4, MEM_BASE + MEM_DEVICE, 0);
	M("mem_isr_read", ACCESS_READ, 1, MEM_BASE + MEM_ISR, 0);
	M("mem_doorbell", ACCESS_WRITE, 2, MEM_BASE + MEM_DOORBELLS, 0);
	M("msix_read", ACCESS_READ, 4, MSIX_BASE + 8, 0);
	M("msix_mask_write", ACCESS_WRITE, 4, MSIX_BASE + 12, 1);
	M("msix_unmask_write", ACCESS_WRITE, 4, MSIX_BASE + 12, 0);
	M("config_read", ACCESS_READ, 4, function, 0);
	M("config_write", ACCESS_WRITE, 1, function + 0x3c, 11);
	M("config_absent_read", ACCESS_READ, 4, CONFIG_BASE + 0x20000, 0);
	ioeventfd(g, NOBODY_PORT + 8, 2, KVM_IOEVENTFD_FLAG_PIO);
	M("ioeventfd_io", ACCESS_OUT, 2, NOBODY_PORT + 8, 0);
	ioeventfd(g, NOBODY_MEM + 0x1000, 0, 0);
	M("ioeventfd_mem", ACCESS_WRITE, 2, NOBODY_MEM + 0x1000, 0);
	measure(g, "exit_mem_read", true, (struct guest_access){
			ACCESS_READ, 4, NOBODY_MEM, 0 });
	measure(g, "exit_io_write", true, (struct guest_access){
			ACCESS_OUT, 4, NOBODY_PORT, 0 });
	machine_destroy(m);
	return failed;
}
