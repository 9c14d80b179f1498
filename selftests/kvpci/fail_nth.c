// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation of the success path fails once, one after another: the call
 * that meets the failure says so and has changed nothing, and the next attempt
 * works. Needs a kernel with CONFIG_FAULT_INJECTION_DEBUG_FS and CONFIG_FAILSLAB.
 */
#include <fcntl.h>
#include <glob.h>
#include <linux/pci_regs.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "lib/function.h"
#include "lib/inject.h"
#include "kselftest_harness.h"

/* No path here has anywhere near as many allocations. */
#define TOO_MANY	400

/* How often in a row a failure goes unsaid before it is held against the call. */
#define ATTEMPTS	4

#define DEBUGFS		"/sys/kernel/debug/kvpci/"

/* A saved state and what it points to. */
struct image {
	struct kvpci_device_registers registers;
	struct kvpci_queue_registers queues[DEV_QUEUES];
	uint32_t vectors[DEV_VECTORS][4];
	uint64_t pending[1];
	uint8_t config[DEV_CONFIG];
};

#define NUM_FDS	3

/* One call, and what it is done to. */
struct step {
	struct machine m;
	struct device_desc desc;
	int fds[NUM_FDS];
	int made;		/* what the call returned, if it makes a descriptor */
	uint32_t *mapping;
	uint8_t byte;		/* last written to device configuration */
	struct image image;
};

#define SPARE	5	/* a region that exists in two BARs */

/* --- what there is before the call ------------------------------------------ */

static void mapped_device(struct step *s)
{
	machine_create_on(&s->m, 1, &s->desc);
}

static void unplaced_device(struct step *s)
{
	machine_open(&s->m, 1, &machine_module);
	/* vendor data wants room for one more capability */
	s->desc.regions[SPARE] = s->desc.regions[--s->desc.create.num_regions];
	if (s->m.ops->create(&s->m, &s->desc) ||
	    libkvpci_vm_ecam(s->m.vm, ECAM_ADDR, 1, NULL))
		guest_die("a device to be placed");
}

static void decoding_function(struct step *s)
{
	function_create(&s->m, &machine_module, &s->desc, NULL, 0);
	set_up(&s->m);
}

static void silent_function(struct step *s)
{
	function_create(&s->m, &machine_module, &s->desc, NULL, 0);
	if (libkvpci_pci_config_write(s->m.dev, BAR(BAR_IO), 4, IO_BASE) ||
	    libkvpci_pci_config_write(s->m.dev, BAR(BAR_MEM), 4, MEM_BASE))
		guest_die("a function with addresses");
}

/* --- the calls, and whether their effect is there ---------------------------- */

#define NEW_IO		0x1000
#define NEW_MEM		0xd8000000ULL
#define NEW_ECAM	0xb0000000ULL
#define VENDOR_DEVICE	0x10411af4U

/* Does anybody in the kernel answer there, with this? */
static bool reads(struct step *s, uint64_t addr, unsigned int width,
		  uint64_t value)
{
	return guest_read(&s->m.g, addr, width) == value &&
	       !s->m.g.vcpu[0].exits;
}

static bool ports_answer(struct step *s, uint16_t base)
{
	return guest_in(&s->m.g, base + CC_NUM_QUEUES, 2) == DEV_QUEUES &&
	       !s->m.g.vcpu[0].exits;
}

static bool answers(struct step *s, uint64_t mem, uint16_t io)
{
	return reads(s, mem + CC_NUM_QUEUES, 2, DEV_QUEUES) &&
	       ports_answer(s, io);
}

static bool at_old_place(struct step *s)
{
	return answers(s, MEM_BASE, IO_BASE);
}

static int make_vm(struct step *s)
{
	return libkvpci_vm_create(s->m.ctl, s->m.g.vm_fd);
}

static bool vm_made(struct step *s)
{
	int dev = libkvpci_device_create(s->made, &s->desc.create);

	close(dev);
	return dev >= 0;
}

static int make_device(struct step *s)
{
	return libkvpci_device_create(s->m.vm, &s->desc.create);
}

static bool device_made(struct step *s)
{
	const uint64_t addr[KVPCI_NUM_BARS] = { NEW_IO, NEW_MEM };

	return !libkvpci_device_map(s->made, 1 << BAR_IO | 1 << BAR_MEM, addr) &&
	       answers(s, NEW_MEM, NEW_IO);
}

/*
 * Nobody asks whether a file in debugfs could be made: devices work without. Each
 * has a directory with two files.
 */
static bool debugfs_incomplete(struct step *s)
{
	unsigned int devices = 1 + (s->made >= 0), dirs = 0, files = 0;
	char pattern[64];
	glob_t found;

	snprintf(pattern, sizeof(pattern), DEBUGFS "%d-*", getpid());
	if (!glob(pattern, 0, NULL, &found)) {
		dirs = found.gl_pathc;
		globfree(&found);
	}
	snprintf(pattern, sizeof(pattern), DEBUGFS "%d-*/*", getpid());
	if (!glob(pattern, 0, NULL, &found)) {
		files = found.gl_pathc;
		globfree(&found);
	}
	return dirs != devices || files != 2 * devices;
}

static int map(struct step *s)
{
	return device_map(&s->m, NEW_IO, NEW_MEM, MSIX_BASE);
}

static bool moved(struct step *s)
{
	return answers(s, NEW_MEM, NEW_IO) && !ports_answer(s, IO_BASE) &&
	       !reads(s, MEM_BASE + CC_NUM_QUEUES, 2, DEV_QUEUES);
}

static int give_fds(struct step *s)
{
	const struct kvpci_fd_pair pairs[] = {
		{ s->fds[0], s->fds[1] }, { s->fds[0], s->fds[2] },
	};

	return queue_fd_pairs(&s->m, 0, ARRAY_SIZE(pairs), pairs);
}

/* Signals stay in the eventfds: no device takes them. */
static bool nobody_waits(struct step *s)
{
	bool kept = true;

	for (int i = 1; i < NUM_FDS; i++) {
		eventfd_add(s->fds[i]);
		kept &= eventfd_count(s->fds[i]) == 1;
	}
	return kept && at_old_place(s);
}

static bool rings(struct step *s)
{
	struct machine *m = &s->m;

	if (cc_read(m, CC_STATUS) != ST_RUNNING)
		driver_run(m);
	guest_write(&m->g, MEM_BASE + MEM_DOORBELLS, 2, 0);
	eventfd_add(s->fds[1]);
	eventfd_add(s->fds[2]);
	return (eventfd_count(s->fds[0]) == 1) & !eventfd_count(s->fds[1]) &
	       !eventfd_count(s->fds[2]);
}

static int irq(struct step *s)
{
	return device_irq(&s->m, MSIX_ON, KVPCI_GSI_NONE);
}

static bool sends(struct step *s)
{
	struct machine *m = &s->m;

	if (queue_fds(m, 0, -1, s->fds[1]))
		guest_die("a call eventfd");
	driver_vector(m, 1, 0xfee00000, 0x42, UNMASKED);
	if (cc_read(m, CC_STATUS) != ST_RUNNING)
		driver_run(m);
	eventfd_add(s->fds[1]);
	return guest_irq(&m->g) == 0x42;
}

static int get_state(struct step *s)
{
	uint8_t config[DEV_CONFIG] = { 0 };
	struct kvpci_device_state state = {
		.size = sizeof(state), .device_config = (uintptr_t)config,
		.device_config_size = DEV_CONFIG,
	};
	int ret = do_ioctl(s->m.dev, KVPCI_DEVICE_STATE, &state);

	if (!ret && memcmp(config, s->desc.config, DEV_CONFIG))
		return -EIO;
	return ret;
}

/* What a device knows that was never used, and what it knows otherwise. */
static struct kvpci_device_registers *registers(struct step *s)
{
	s->image = (struct image){
		.registers = {
			.size = sizeof(s->image.registers),
			.num_queues = DEV_QUEUES,
			.num_vectors = DEV_VECTORS,
			.device_config_size = DEV_CONFIG,
			.queues = (uintptr_t)s->image.queues,
			.vectors = (uintptr_t)s->image.vectors,
			.pending = (uintptr_t)s->image.pending,
			.device_config = (uintptr_t)s->image.config,
		},
	};
	return &s->image.registers;
}

static int save(struct step *s)
{
	return do_ioctl(s->m.dev, KVPCI_DEVICE_SAVE, registers(s));
}

static bool saved(struct step *s)
{
	return !memcmp(s->image.config, s->desc.config, DEV_CONFIG);
}

static void saved_device(struct step *s)
{
	mapped_device(s);
	if (save(s))
		guest_die("KVPCI_DEVICE_SAVE");
	s->image.registers.device_status = ST_ACKNOWLEDGE;
}

static int restore(struct step *s)
{
	return do_ioctl(s->m.dev, KVPCI_DEVICE_RESTORE, &s->image.registers);
}

static bool restored(struct step *s)
{
	return cc_read(&s->m, CC_STATUS) == ST_ACKNOWLEDGE;
}

static bool not_restored(struct step *s)
{
	return cc_read(&s->m, CC_STATUS) == 0;
}

static int write_config(struct step *s)
{
	struct kvpci_device_config_write write = {
		.size = sizeof(write), .length = 1,
		.data = (uintptr_t)&s->byte,
	};

	s->byte = 0x77;
	return do_ioctl(s->m.dev, KVPCI_DEVICE_CONFIG_WRITE, &write);
}

static bool config_written(struct step *s)
{
	return reads(s, MEM_BASE + MEM_DEVICE, 1, s->byte);
}

static int ecam(struct step *s)
{
	static const uint8_t users[32] = { 1 };
	struct kvpci_vm_ecam e = {
		.size = sizeof(e), .addr = NEW_ECAM, .num_buses = 1,
		.user_functions = (uintptr_t)users,
	};

	return do_ioctl(s->m.vm, KVPCI_VM_ECAM, &e);
}

static bool ecam_made(struct step *s)
{
	return reads(s, NEW_ECAM + (FN(0, 1, 0) << 12), 4, ~0U);
}

static int place_it(struct step *s)
{
	static const uint8_t vendor[] = { 0x34, 0x12, 1, 2 };

	return place_vendor(s->m.dev, OURS, 0x020000, 1, PIN, vendor,
			    sizeof(vendor));
}

static bool placed(struct step *s)
{
	return reads(s, at_function(OURS, 0), 4, VENDOR_DEVICE);
}

static bool not_there(struct step *s)
{
	return reads(s, at_function(OURS, 0), 4, ~0U);
}

/* The BAR in memory moves; the one of ports stays. */
static int move_bar(struct step *s)
{
	struct kvpci_pci_config_access c = {
		.size = sizeof(c), .flags = KVPCI_ACCESS_WRITE,
		.offset = BAR(BAR_MEM), .length = 4, .value = NEW_MEM,
	};

	return do_ioctl(s->m.dev, KVPCI_PCI_CONFIG_ACCESS, &c);
}

/* Its BARs answer for the first time. */
static int let_decode(struct step *s)
{
	return libkvpci_pci_config_write(s->m.dev, PCI_COMMAND, 2,
					 PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
}

static bool nobody_answers(struct step *s)
{
	return !cfg_rd(&s->m, PCI_COMMAND, 2) && !ports_answer(s, IO_BASE) &&
	       !reads(s, MEM_BASE + CC_NUM_QUEUES, 2, DEV_QUEUES);
}

static bool bar_moved(struct step *s)
{
	return cfg_rd(&s->m, BAR(BAR_MEM), 4) == NEW_MEM &&
	       answers(s, NEW_MEM, IO_BASE) &&
	       !reads(s, MEM_BASE + CC_NUM_QUEUES, 2, DEV_QUEUES);
}

static bool bar_stays(struct step *s)
{
	return cfg_rd(&s->m, BAR(BAR_MEM), 4) == MEM_BASE && at_old_place(s);
}

/* The function is reset, and with it its BARs go. */
static int reset_function(struct step *s)
{
	struct kvpci_device_reset reset = {
		.size = sizeof(reset), .flags = KVPCI_RESET_FUNCTION,
	};

	return do_ioctl(s->m.dev, KVPCI_DEVICE_RESET, &reset);
}

static bool function_is_reset(struct step *s)
{
	return !cfg_rd(&s->m, BAR(BAR_MEM), 4) && !cfg_rd(&s->m, PCI_COMMAND, 2) &&
	       !reads(s, MEM_BASE + CC_NUM_QUEUES, 2, DEV_QUEUES);
}

static int map_registers(struct step *s)
{
	void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, s->m.dev,
		       KVPCI_MMAP_PCI_CONFIG);

	if (p == MAP_FAILED)
		return -errno;
	s->mapping = p;
	return 0;
}

static bool registers_mapped(struct step *s)
{
	return s->mapping && *s->mapping == VENDOR_DEVICE;
}

/* The device goes away: that must work without any memory. */
static int close_device(struct step *s)
{
	int ret = close(s->m.dev);

	s->m.dev = -1;
	return ret;
}

static bool device_gone(struct step *s)
{
	return !reads(s, MEM_BASE + CC_NUM_QUEUES, 2, DEV_QUEUES) &&
	       !ports_answer(s, IO_BASE);
}

/*
 * What a call whose allocation failed may do. To take something off KVM's buses
 * must work without memory, so what is allocated for it has a substitute, and
 * a call that moves a device does that, too.
 */
enum on_failure { FAILS, FAILS_OR_WORKS, WORKS };

static const struct call {
	const char *name;
	enum on_failure on_failure;
	void (*prepare)(struct step *s);
	int (*call)(struct step *s);
	bool (*worked)(struct step *s);	/* NULL: @call looks by itself */
	bool (*unchanged)(struct step *s);
	bool makes_fd;
	bool (*optional_lost)(struct step *s);	/* is missing what nobody asks for? */
} calls[] = {
	{ "KVPCI_VM_CREATE", FAILS, mapped_device,
	  make_vm, vm_made, at_old_place, true, NULL },
	{ "KVPCI_DEVICE_CREATE", FAILS, mapped_device,
	  make_device, device_made, at_old_place, true, debugfs_incomplete },
	{ "KVPCI_DEVICE_MAP", FAILS_OR_WORKS, mapped_device,
	  map, moved, at_old_place, false, NULL },
	{ "KVPCI_QUEUE_FDS", FAILS, mapped_device,
	  give_fds, rings, nobody_waits, false, NULL },
	{ "KVPCI_DEVICE_IRQ", FAILS, mapped_device,
	  irq, sends, at_old_place, false, NULL },
	{ "KVPCI_DEVICE_STATE", FAILS, mapped_device,
	  get_state, NULL, at_old_place, false, NULL },
	{ "KVPCI_DEVICE_SAVE", FAILS, mapped_device,
	  save, saved, at_old_place, false, NULL },
	{ "KVPCI_DEVICE_RESTORE", FAILS, saved_device,
	  restore, restored, not_restored, false, NULL },
	{ "KVPCI_DEVICE_CONFIG_WRITE", FAILS, mapped_device,
	  write_config, config_written, at_old_place, false, NULL },
	{ "KVPCI_VM_ECAM", FAILS, mapped_device,
	  ecam, ecam_made, at_old_place, false, NULL },
	{ "KVPCI_DEVICE_PLACE", FAILS, unplaced_device,
	  place_it, placed, not_there, false, NULL },
	{ "KVPCI_PCI_CONFIG_ACCESS", FAILS_OR_WORKS, decoding_function,
	  move_bar, bar_moved, bar_stays, false, NULL },
	{ "KVPCI_DEVICE_RESET", FAILS_OR_WORKS, decoding_function,
	  reset_function, function_is_reset, bar_stays, false, NULL },
	{ "KVPCI_PCI_CONFIG_ACCESS, the first", FAILS, silent_function,
	  let_decode, at_old_place, nobody_answers, false, NULL },
	{ "mmap", FAILS, decoding_function,
	  map_registers, registers_mapped, bar_stays, false, NULL },
	{ "close of a device", WORKS, mapped_device,
	  close_device, device_gone, NULL, false, NULL },
};

static void begin(struct step *s, const struct call *call)
{
	memset(s, 0, sizeof(*s));
	device_describe(&s->desc);
	call->prepare(s);
	for (int i = 0; i < NUM_FDS; i++) {
		s->fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (s->fds[i] < 0)
			guest_die("eventfd");
	}
	s->made = -1;
}

static void end(struct step *s)
{
	if (s->mapping)
		munmap(s->mapping, 4096);
	if (s->made >= 0)
		close(s->made);
	for (int i = 0; i < NUM_FDS; i++)
		close(s->fds[i]);
	machine_destroy(&s->m);
}

static int do_call(struct step *s, const struct call *call)
{
	int ret = call->call(s);

	if (call->makes_fd && ret >= 0)
		s->made = ret;
	return ret;
}

static bool has_worked(struct step *s, const struct call *call)
{
	return !call->worked || call->worked(s);
}

/*
 * A call that fails has changed nothing, unless it is its answer that could not
 * be written to the caller's memory.
 */
static bool holds(struct step *s, const struct call *call, int ret)
{
	return !call->unchanged || call->unchanged(s) ||
	       (ret == -EFAULT && has_worked(s, call));
}

/* What came of one call with its nth allocation failing. */
enum outcome { NO_SUCH_ALLOCATION, FAILED, OPTIONAL, SWALLOWED };

static enum outcome try_nth(struct __test_metadata *_metadata,
			    const struct call *call, unsigned int nth)
{
	enum outcome outcome = FAILED;
	static struct step s;
	bool injected;
	int ret;

	begin(&s, call);
	inject_arm(nth);
	ret = do_call(&s, call);
	injected = inject_disarm();
	if (injected && ret < 0) {
		EXPECT_NE(WORKS, call->on_failure)
			TH_LOG("%s, allocation %u: %d", call->name, nth, ret);
		EXPECT_TRUE(ret == -ENOMEM || ret == -EFAULT)
			TH_LOG("%s, allocation %u: %d", call->name, nth, ret);
		EXPECT_TRUE(holds(&s, call, ret))
			TH_LOG("%s, allocation %u: something has changed",
			       call->name, nth);
		ret = do_call(&s, call);
	} else if (!injected) {
		outcome = NO_SUCH_ALLOCATION;
	} else if (call->optional_lost && call->optional_lost(&s)) {
		outcome = OPTIONAL;
	} else {
		outcome = SWALLOWED;
	}
	EXPECT_LE(0, ret)
		TH_LOG("%s, after allocation %u: %d", call->name, nth, ret);
	EXPECT_TRUE(has_worked(&s, call))
		TH_LOG("%s, allocation %u: no effect", call->name, nth);
	end(&s);
	return outcome;
}

/*
 * The kernel's own bookkeeping fails without a word, too, but not every time: where
 * slabs are refilled and stacks are recorded for the first time, a failure has moved
 * on at the next attempt.
 */
static enum outcome try_again(struct __test_metadata *_metadata,
			      const struct call *call, unsigned int nth)
{
	enum outcome outcome = SWALLOWED;

	for (int i = 0; i < ATTEMPTS && outcome == SWALLOWED; i++)
		outcome = try_nth(_metadata, call, nth);
	return outcome;
}

/* All allocations of a call. */
static void try_call(struct __test_metadata *_metadata, const struct call *call)
{
	unsigned int nth, optional = 0, swallowed = 0;
	enum outcome outcome;
	char list[512] = "";
	size_t used = 0;

	for (nth = 1; nth < TOO_MANY; nth++) {
		outcome = try_again(_metadata, call, nth);
		if (outcome == NO_SUCH_ALLOCATION)
			break;
		optional += outcome == OPTIONAL;
		if (outcome != SWALLOWED)
			continue;
		swallowed++;
		if (used < sizeof(list) - 8)
			used += snprintf(list + used, sizeof(list) - used,
					 " %u", nth);
	}
	EXPECT_GT(TOO_MANY, nth) TH_LOG("%s", call->name);
	TH_LOG("%s: %u allocations failed; %u cost debugfs a file; not told of:%s",
	       call->name, nth - 1, optional, used ? list : " none");
	/* What fails has been told of; to close has no other way. */
	if (call->on_failure == FAILS)
		EXPECT_EQ(0, swallowed)
			TH_LOG("%s says that it worked without what it asked for",
			       call->name);
	/* The test itself: debugfs has allocations, and their loss was seen. */
	EXPECT_EQ(!!call->optional_lost, !!optional);
}

TEST(every_allocation)
{
	int users = module_users();

	if (!inject_possible()) {
		printf("# SKIP expected: this kernel cannot inject failures\n");
		SKIP(return, "no fault injection in this kernel");
	}
	ASSERT_LE(0, users);
	inject_open();
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		try_call(_metadata, &calls[i]);
	inject_close();
	/* What could not be undone at once was undone later. */
	EXPECT_EQ(users, module_users());
}

int main(int argc, char **argv)
{
	require_kvpci();
	return test_harness_run(argc, argv);
}
