// SPDX-License-Identifier: GPL-2.0-only
/*
 * A write of configuration space that fails, because KVM's bus is full, has never
 * happened: nobody sees its bits for a moment, and nobody loses a bit that he
 * wrote meanwhile. And whoever has switched a BAR off, or reset the function, meets
 * nobody there, whatever the VMM and other processors do at the same time.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include "lib/function.h"
#include "kselftest_harness.h"

#define PAGE		4096
#define FAILURES	3000	/* writes that fail, at least */
#define PASSES		300	/* of the guest, at least */
#define LIMIT_SECONDS	60	/* for both */
#define ZONES		0x90000000ULL
#define MANY		2000	/* more than fit on a bus */
#define HIGH_BYTE	(PCI_COMMAND + 1)
#define HIGH_BITS	(PCI_COMMAND_INTX_DISABLE >> 8)

FIXTURE(decode) {
	struct machine m;
	const volatile uint16_t *command;	/* mapped */
	unsigned int failures;
	volatile unsigned int passes;
	volatile bool stop;
	volatile bool shown;	/* bits of a write that failed */
	volatile bool lost;	/* the guest's */
};

static void write_config(int dev, uint32_t offset, uint32_t length,
			 uint32_t value)
{
	int err = libkvpci_pci_config_write(dev, offset, length, value);

	errno = -err;
	if (err)
		guest_die("KVPCI_PCI_CONFIG_ACCESS %#x", offset);
}

/* KVM's coalesced writes are a device on the bus for each zone. */
static void fill_bus(struct guest *g)
{
	for (unsigned int i = 0; i < MANY; i++) {
		struct kvm_coalesced_mmio_zone zone = {
			.addr = ZONES + i * PAGE, .size = PAGE,
		};

		if (!ioctl(g->vm_fd, KVM_REGISTER_COALESCED_MMIO, &zone))
			continue;
		if (errno != ENOSPC)
			guest_die("KVM_REGISTER_COALESCED_MMIO %u", i);
		return;
	}
	errno = 0;
	guest_die("KVM's bus is not full with %u zones", MANY);
}

/* A write that may move BARs, handed back as a VMM does. */
static bool answer(void *context, bool port, uint64_t addr, void *data,
		   uint32_t width, bool write)
{
	uint32_t value = 0;

	if (port || !write || addr < at_function(OURS, 0) ||
	    addr >= at_function(OURS, PAGE))
		return false;
	memcpy(&value, data, width);
	write_config(*(int *)context, addr & (PAGE - 1), width, value);
	return true;
}

FIXTURE_SETUP(decode)
{
	struct machine *m = &self->m;
	struct device_desc desc;
	void *page;

	device_describe(&desc);
	function_create(m, &machine_module, &desc, NULL, 0);
	write_config(m->dev, BAR(1), 4, MEM_BASE);
	write_config(m->dev, BAR(2), 4, (uint32_t)MSIX_BASE);
	write_config(m->dev, BAR(3), 4, MSIX_BASE >> 32);
	page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, m->dev,
		    KVPCI_MMAP_PCI_CONFIG);
	ASSERT_NE(MAP_FAILED, page);
	self->command = (uint16_t *)((uint8_t *)page + PCI_COMMAND);
	fill_bus(&m->g);
	m->g.answer = answer;
	m->g.answer_context = &m->dev;
}

FIXTURE_TEARDOWN(decode)
{
	munmap((void *)((uintptr_t)self->command & -PAGE), PAGE);
	machine_destroy(&self->m);
}

/* --- the writes that fail ------------------------------------------------------ */

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Return: 0 or -errno, of a write of the whole register that lets BARs decode */
static int let_decode(int dev)
{
	return libkvpci_pci_config_write(dev, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
}

static bool is_enough(FIXTURE_DATA(decode) *self)
{
	return self->failures >= FAILURES && self->passes >= PASSES;
}

/* Until both sides have had their turns, or something has gone wrong. */
static void let_decode_often(struct __test_metadata *_metadata,
			     FIXTURE_DATA(decode) *self,
			     const volatile bool *wrong)
{
	const time_t end = seconds() + LIMIT_SECONDS;

	while (!is_enough(self) && !*wrong && seconds() < end) {
		ASSERT_EQ(-ENOSPC, let_decode(self->m.dev));
		self->failures++;
	}
	EXPECT_TRUE(is_enough(self) || *wrong)
		TH_LOG("after %d s: %u of %u writes that failed, %u of %u passes",
		       LIMIT_SECONDS, self->failures, FAILURES, self->passes,
		       PASSES);
}

/* --- what others see of them -------------------------------------------------- */

static void *watch(void *arg)
{
	FIXTURE_DATA(decode) *self = arg;

	while (!self->stop) {
		if (*self->command & PCI_COMMAND_MEMORY)
			self->shown = true;
		self->passes++;
	}
	return NULL;
}

static void fail_and_watch(struct __test_metadata *_metadata,
			   FIXTURE_DATA(decode) *self, void *(*watcher)(void *))
{
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, watcher, self));
	let_decode_often(_metadata, self, &self->shown);
	self->stop = true;
	pthread_join(thread, NULL);
	EXPECT_FALSE(self->shown)
		TH_LOG("after %u writes that failed", self->failures);
	EXPECT_EQ(0, *self->command & PCI_COMMAND_MEMORY);
}

/* What others see of the register, by mapping. */
TEST_F(decode, failure_is_not_shown)
{
	fail_and_watch(_metadata, self, watch);
}

static uint32_t read_config(int dev, uint32_t offset, uint32_t length)
{
	uint32_t value = 0;

	if (libkvpci_pci_config_read(dev, offset, length, &value))
		guest_die("KVPCI_PCI_CONFIG_ACCESS %#x", offset);
	return value;
}

static void *watch_by_ioctl(void *arg)
{
	FIXTURE_DATA(decode) *self = arg;

	while (!self->stop) {
		if (read_config(self->m.dev, PCI_COMMAND, 2) &
		    PCI_COMMAND_MEMORY)
			self->shown = true;
		self->passes++;
	}
	return NULL;
}

/* And by ioctl, as the guest sees it. */
TEST_F(decode, failure_is_not_read)
{
	fail_and_watch(_metadata, self, watch_by_ioctl);
}

/* The guest sets a bit, looks, clears it, looks: it is what it has written. */
static void *guest_bits(void *arg)
{
	FIXTURE_DATA(decode) *self = arg;
	struct guest_vcpu *vcpu = &self->m.g.vcpu[0];
	struct guest_access script[] = {
		{ ACCESS_WRITE, 1, at_function(OURS, HIGH_BYTE), HIGH_BITS },
		{ ACCESS_READ, 1, at_function(OURS, HIGH_BYTE), 0 },
		{ ACCESS_WRITE, 1, at_function(OURS, HIGH_BYTE), 0 },
		{ ACCESS_READ, 1, at_function(OURS, HIGH_BYTE), 0 },
	};

	while (!self->stop && !self->lost) {
		guest_set_script(vcpu, script, ARRAY_SIZE(script), 1);
		while (!guest_run(vcpu))
			;
		guest_get_script(vcpu, script, ARRAY_SIZE(script));
		if (script[1].value != HIGH_BITS || script[3].value)
			self->lost = true;
		self->passes++;
	}
	return NULL;
}

TEST_F(decode, failure_undoes_nothing)
{
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, guest_bits, self));
	let_decode_often(_metadata, self, &self->lost);
	self->stop = true;
	pthread_join(thread, NULL);
	EXPECT_FALSE(self->lost)
		TH_LOG("after %u passes and %u writes that failed",
		       self->passes, self->failures);
}

/* --- off is off, while BARs move ------------------------------------------------ */

#define ELSEWHERE	0xd8000000ULL
#define ROUNDS		300
#define HAMMER		1000	/* accesses in a row */

FIXTURE(off) {
	struct machine m;
	struct device_desc desc;
	volatile unsigned int passes;
	volatile bool stop;
	volatile bool broken;
};

FIXTURE_SETUP(off)
{
	struct machine *m = &self->m;
	int err;

	device_describe(&self->desc);
	machine_open(m, 2, &machine_module);
	err = m->ops->create_function(m, &self->desc, NULL, 0);
	ASSERT_EQ(0, err);
	machine_fds(m);
	set_up(m);
	m->g.answer = answer;
	m->g.answer_context = &m->dev;
}

FIXTURE_TEARDOWN(off)
{
	machine_destroy(&self->m);
}

static void run_script(struct guest_vcpu *vcpu, struct guest_access *script,
		       unsigned int num)
{
	guest_set_script(vcpu, script, num, 1);
	while (!guest_run(vcpu))
		;
	guest_get_script(vcpu, script, num);
}

/* Off, look at both places, on, look. */
static void *switch_decoding(void *arg)
{
	FIXTURE_DATA(off) *self = arg;
	struct guest_access script[] = {
		{ ACCESS_WRITE, 2, at_function(OURS, PCI_COMMAND), 0 },
		{ ACCESS_READ, 2, MEM_BASE + CC_NUM_QUEUES, 0 },
		{ ACCESS_READ, 2, ELSEWHERE + CC_NUM_QUEUES, 0 },
		{ ACCESS_WRITE, 2, at_function(OURS, PCI_COMMAND),
		  PCI_COMMAND_MEMORY },
		{ ACCESS_READ, 2, at_function(OURS, PCI_COMMAND), 0 },
	};

	while (!self->stop && !self->broken) {
		run_script(&self->m.g.vcpu[0], script, ARRAY_SIZE(script));
		if (script[1].value == DEV_QUEUES ||
		    script[2].value == DEV_QUEUES ||
		    script[4].value != PCI_COMMAND_MEMORY)
			self->broken = true;
		self->passes++;
	}
	return NULL;
}

/* The VMM moves a BAR that a guest switches off and on. */
TEST_F(off, while_moved)
{
	static const uint64_t places[] = { ELSEWHERE, MEM_BASE };
	struct machine *m = &self->m;
	const time_t end = seconds() + LIMIT_SECONDS;
	unsigned int moves = 0;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, switch_decoding, self));
	while ((moves < ROUNDS || self->passes < ROUNDS) && !self->broken &&
	       seconds() < end)
		write_config(m->dev, BAR(1), 4, places[moves++ % 2]);
	self->stop = true;
	pthread_join(thread, NULL);
	EXPECT_FALSE(self->broken)
		TH_LOG("after %u passes and %u moves", self->passes, moves);
	EXPECT_LE(ROUNDS, moves);
	EXPECT_LE(ROUNDS, self->passes);
	/* on, and where it was moved to last */
	EXPECT_EQ(DEV_QUEUES, guest_read(&m->g, places[(moves - 1) % 2] +
					 CC_NUM_QUEUES, 2));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	guest_read(&m->g, places[moves % 2] + CC_NUM_QUEUES, 2);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
}

static void *hammer(void *arg)
{
	FIXTURE_DATA(off) *self = arg;
	struct guest_vcpu *vcpu = &self->m.g.vcpu[1];
	const struct guest_access script[] = {
		{ ACCESS_WRITE, 2, MEM_BASE + CC_QUEUE_SELECT, 1 },
	};

	while (!self->stop) {
		guest_set_script(vcpu, script, ARRAY_SIZE(script), HAMMER);
		while (!guest_run(vcpu))
			;
	}
	return NULL;
}

/*
 * A write that another processor began before the reset of the function does not
 * arrive after it. The window shows what is left, with the BARs still off.
 */
TEST_F(off, after_reset)
{
	struct machine *m = &self->m;
	uint32_t ctl = find_cap(m, PCI_CAP_ID_EXP, 0, 0) + PCI_EXP_DEVCTL;
	uint32_t cap = find_cap(m, PCI_CAP_ID_VNDR, VIRTIO_PCI_CAP_PCI_CFG, 0);
	const struct guest_access steps[] = {
		{ ACCESS_WRITE, 2, at_function(OURS, ctl), PCI_EXP_DEVCTL_BCR_FLR },
		{ ACCESS_WRITE, 1, at_function(OURS, cap + 4), BAR_MEM },
		{ ACCESS_WRITE, 4, at_function(OURS, cap + 8), CC_QUEUE_SELECT },
		{ ACCESS_WRITE, 4, at_function(OURS, cap + 12), 2 },
		{ ACCESS_READ, 4, at_function(OURS, cap + 16), 0 },
		{ ACCESS_READ, 4, at_function(OURS, cap + 16), 0 },
		{ ACCESS_WRITE, 4, at_function(OURS, BAR(1)), MEM_BASE },
		{ ACCESS_WRITE, 2, at_function(OURS, PCI_COMMAND),
		  PCI_COMMAND_MEMORY },
		{ ACCESS_READ, 2, MEM_BASE + CC_NUM_QUEUES, 0 },
		{ ACCESS_READ, 2, MEM_BASE + CC_NUM_QUEUES, 0 },
	};
	const time_t end = seconds() + LIMIT_SECONDS;
	struct guest_access script[ARRAY_SIZE(steps)];
	unsigned int exits = 0, rounds = 0;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, hammer, self));
	while (rounds < 10 * ROUNDS && !self->broken && seconds() < end) {
		memcpy(script, steps, sizeof(script));
		run_script(&m->g.vcpu[0], script, ARRAY_SIZE(script));
		exits += m->g.vcpu[0].exits;
		if (script[4].value || script[5].value ||
		    script[8].value != DEV_QUEUES)
			self->broken = true;
		rounds++;
	}
	self->stop = true;
	pthread_join(thread, NULL);
	EXPECT_FALSE(self->broken) TH_LOG("after %u rounds", rounds);
	EXPECT_LE(ROUNDS, rounds);
	EXPECT_EQ(0, exits);
}

int main(int argc, char **argv)
{
	require_kvpci();
	return test_harness_run(argc, argv);
}
