/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long a signal keeps interrupts off, when the guest has switched off the
 * map by which KVM finds the target of a message. KVM then walks all vCPUs for
 * each message, and nobody may have the host do that where an eventfd is
 * signalled.
 *
 * A probe on kvpci_irq_wakeup() tells when it was entered and left, by the TSC.
 * Under -icount that counts instructions, and irqs_off_icount.c has a strict
 * bound; everywhere else there is noise, so irqs_off.c has more vCPUs to walk
 * and a bound that leaves room.
 *
 * Both define VCPUS, TENTHS (how many tenths of the normal case a signal may
 * take at most) and EXACT (the bound only means something if the TSC counts
 * instructions), and include this.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <x86intrin.h>

#include "lib/machine.h"
#include "lib/trace.h"
#include "kselftest_harness.h"

#define ROUNDS		25
#define LIMIT_MS	60000

#define LAPIC_WINDOW	0xfee00000ULL
#define LOGICAL		(1U << 2)	/* of a message's address */
#define PHYSICAL(id)	(LAPIC_WINDOW | (id) << 12)

#define APIC_ID		0x20
#define APIC_LDR	0xd0
#define APIC_DFR	0xe0
#define APIC_SPURIOUS	0xf0
#define APIC_IRR	0x200
#define DFR_FLAT	0xffffffffU
#define DFR_CLUSTER	0x0fffffffU
#define FIRST		(VCPUS - 2)	/* the two whose APICs are made alike */
#define SECOND		(VCPUS - 1)

#define ODD_VECTOR	0x51		/* of queue 0: while the map is off */
#define PLAIN_VECTOR	0x61		/* of queue 1: while it is on */
#define STOP_VECTOR	0x71

FIXTURE(irqs_off) {
	struct machine m;
	int vcpu[VCPUS];	/* all but the first, which is the machine's */
	struct trace trace;
	pthread_t thread;
	volatile pid_t target;	/* the thread that runs the first vCPU, or 0 */
	volatile unsigned int taken;
	volatile bool stop;
};

/* What the second of the two APICs has in common with the first, or has not. */
FIXTURE_VARIANT(irqs_off) {
	uint32_t id;
	uint32_t ldr;
	uint32_t dfr;
	uint64_t address;	/* of a message to the first vCPU */
	uint64_t alike;		/* of one to both of the others */
	unsigned int since;	/* the KVM (major * 100 + minor) that walks */
};

/*
 * Up to 6.2 KVM keeps its map with IDs or LDRs that are alike, and one of the
 * two gets the message. What must hold there holds with less.
 */
FIXTURE_VARIANT_ADD(irqs_off, ids_alike) {
	.id = FIRST, .ldr = 0x80, .dfr = DFR_FLAT,
	.address = PHYSICAL(0), .alike = PHYSICAL(FIRST), .since = 603,
};

FIXTURE_VARIANT_ADD(irqs_off, ldrs_alike) {
	.id = SECOND, .ldr = 0x40, .dfr = DFR_FLAT,
	.address = PHYSICAL(1) | LOGICAL, .alike = PHYSICAL(0x40) | LOGICAL,
	.since = 603,
};

/*
 * The message to both is one for bits 6 and 2 where the model is flat, which the
 * first APIC's LDR meets, and one for bit 2 in cluster 4 where it is not.
 */
FIXTURE_VARIANT_ADD(irqs_off, dfrs_mixed) {
	.id = SECOND, .ldr = 0x44, .dfr = DFR_CLUSTER,
	.address = PHYSICAL(1) | LOGICAL, .alike = PHYSICAL(0x44) | LOGICAL,
	.since = 0,
};

/* --- the local APICs ------------------------------------------------------- */

static uint32_t *apic_register(struct kvm_lapic_state *apic, unsigned int at)
{
	return (uint32_t *)(apic->regs + at);
}

static void set_apic(int vcpu, uint32_t id, uint32_t ldr, uint32_t dfr)
{
	struct kvm_lapic_state apic;

	if (ioctl(vcpu, KVM_GET_LAPIC, &apic))
		guest_die("KVM_GET_LAPIC");
	*apic_register(&apic, APIC_ID) = id << 24;
	*apic_register(&apic, APIC_LDR) = ldr << 24;
	*apic_register(&apic, APIC_DFR) = dfr;
	*apic_register(&apic, APIC_SPURIOUS) = 0x1ff;
	if (ioctl(vcpu, KVM_SET_LAPIC, &apic))
		guest_die("KVM_SET_LAPIC");
}

static bool apic_has(int vcpu, unsigned int vector)
{
	struct kvm_lapic_state apic;

	if (ioctl(vcpu, KVM_GET_LAPIC, &apic))
		guest_die("KVM_GET_LAPIC");
	return *apic_register(&apic, APIC_IRR + vector / 32 * 0x10) >>
		       vector % 32 & 1;
}

static void map_on(int *vcpu)
{
	set_apic(vcpu[SECOND], SECOND, 0, DFR_FLAT);
}

static void map_off(int *vcpu, const FIXTURE_VARIANT(irqs_off) *v)
{
	set_apic(vcpu[SECOND], v->id, v->ldr, v->dfr);
}

/* --- the target ------------------------------------------------------------ */

/* It halts, takes an interrupt, and halts again. */
static void *run_target(void *arg)
{
	FIXTURE_DATA(irqs_off) *self = arg;
	struct guest_vcpu *vcpu = &self->m.g.vcpu[0];

	self->target = syscall(SYS_gettid);
	while (!self->stop) {
		*(volatile uint32_t *)(vcpu->mailbox + MAILBOX_OP) = AGENT_WAIT;
		while (!guest_run(vcpu))
			;
		self->taken++;
	}
	return NULL;
}

/* What the target's thread does: 'S' while its vCPU is halted. */
static char target_state(pid_t target)
{
	char path[64], text[256] = "", *end;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", target);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		guest_die("%s", path);
	close(fd);
	end = strrchr(text, ')');
	return end ? end[2] : '?';
}

static void wait_for_halt(FIXTURE_DATA(irqs_off) *self, unsigned int taken)
{
	char state = '?';

	for (int ms = 0; ms < LIMIT_MS; ms++) {
		if (self->target && self->taken == taken) {
			state = target_state(self->target);
			if (state == 'S')
				return;
		}
		usleep(1000);
	}
	errno = ETIMEDOUT;
	guest_die("the target has taken %u interrupts, not %u, and is '%c'",
		  self->taken, taken, state);
}

static void stop_target(FIXTURE_DATA(irqs_off) *self)
{
	struct kvm_msi msi = {
		.address_lo = PHYSICAL(0), .data = STOP_VECTOR,
	};

	self->stop = true;
	if (ioctl(self->m.g.vm_fd, KVM_SIGNAL_MSI, &msi) < 0)
		guest_die("KVM_SIGNAL_MSI");
	pthread_join(self->thread, NULL);
}

/* --- the machine ----------------------------------------------------------- */

static void add_vcpus(FIXTURE_DATA(irqs_off) *self)
{
	struct guest *g = &self->m.g;

	for (unsigned int i = 1; i < VCPUS; i++) {
		self->vcpu[i] = ioctl(g->vm_fd, KVM_CREATE_VCPU, i);
		if (self->vcpu[i] < 0)
			guest_die("KVM_CREATE_VCPU %u", i);
	}
	guest_write(g, LAPIC_WINDOW + APIC_LDR, 4, 0x01000000);
	set_apic(self->vcpu[FIRST], FIRST, 0x40, DFR_FLAT);
}

/* Nothing is to poll for the target's interrupt: it sleeps when it halts. */
static void no_polling(struct guest *g)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_HALT_POLL };

	if (ioctl(g->vm_fd, KVM_ENABLE_CAP, &cap))
		guest_die("KVM_CAP_HALT_POLL");
}

FIXTURE_SETUP(irqs_off)
{
	struct machine *m = &self->m;

	trace_open(&self->trace);
	machine_create(m);
	machine_fds(m);
	no_polling(&m->g);
	add_vcpus(self);
	driver_vector(m, 1, variant->address, ODD_VECTOR, UNMASKED);
	driver_vector(m, 2, PHYSICAL(0), PLAIN_VECTOR, UNMASKED);
	ASSERT_EQ(0, libkvpci_device_irq(m->dev, MSIX_ON, KVPCI_GSI_NONE));
	driver_run(m);	/* queue 0: vector 1, queue 1: vector 2 */
	map_on(self->vcpu);
}

FIXTURE_TEARDOWN(irqs_off)
{
	for (unsigned int i = 1; i < VCPUS; i++)
		close(self->vcpu[i]);
	machine_destroy(&self->m);
	trace_close(&self->trace);
}

/* --- how long --------------------------------------------------------------- */

/* A work item counts a message after the target has got it. */
static void wait_until_sent(struct machine *m, uint64_t sent)
{
	for (int ms = 0; ms < LIMIT_MS; ms++) {
		if (device_stats(m).msix_sent == sent)
			return;
		usleep(1000);
	}
	errno = ETIMEDOUT;
	guest_die("%llu messages were sent, not %llu",
		  (unsigned long long)device_stats(m).msix_sent,
		  (unsigned long long)sent);
}

/* Cycles from the entry of the wake-up to its return, of one signal. */
static uint64_t signal_cycles(FIXTURE_DATA(irqs_off) *self, unsigned int queue)
{
	unsigned int taken = self->taken;
	uint64_t from, to;

	wait_for_halt(self, taken);
	trace_clear(&self->trace);
	eventfd_add(self->m.call[queue]);
	wait_for_halt(self, taken + 1);
	wait_until_sent(&self->m, taken + 1);
	if (trace_stamps(&self->trace, ": wake:", &from, 1) != 1 ||
	    trace_stamps(&self->trace, ": woken:", &to, 1) != 1)
		guest_die("a signal is not in the trace once: %s",
			  self->trace.text);
	return to - from;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/*
 * The lower quartile: noise makes many longer, and now and then one is shorter,
 * because the target's thread slept, but not in its halt.
 */
static unsigned long long typical(uint64_t *cycles)
{
	qsort(cycles, ROUNDS, sizeof(*cycles), compare);
	return cycles[ROUNDS / 4];
}

TEST_F(irqs_off, no_longer_without_the_map)
{
	uint64_t on[ROUNDS], off[ROUNDS];
	unsigned long long with, without;

	if (EXACT && !trace_clock_counts())
		SKIP(return, "the TSC does not count instructions");
	trace_probe(&self->trace, "wake", 'p', "kvpci_irq_wakeup");
	trace_probe(&self->trace, "woken", 'r', "kvpci_irq_wakeup");
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, run_target, self));
	for (int round = 0; round < ROUNDS; round++) {
		map_off(self->vcpu, variant);
		off[round] = signal_cycles(self, 0);
		map_on(self->vcpu);
		on[round] = signal_cycles(self, 1);
	}
	stop_target(self);
	with = typical(on);
	without = typical(off);
	TH_LOG("cycles with interrupts off: %llu with the map, %llu without",
	       with, without);
	EXPECT_LT(without * 10, with * TENTHS);
	/* each of them got through */
	EXPECT_EQ(ROUNDS, guest_irq_count(&self->m.g, ODD_VECTOR));
	EXPECT_EQ(ROUNDS, guest_irq_count(&self->m.g, PLAIN_VECTOR));
}

/* --- and to whom ------------------------------------------------------------ */

static bool kvm_walks(unsigned int since)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	if (uname(&name) ||
	    sscanf(name.release, "%u.%u", &major, &minor) != 2)
		guest_die("which kernel is this?");
	return major * 100 + minor >= since;
}

/*
 * Where KVM walks, both get the message: the map is off. The first signal is
 * decided on, the second is what was decided.
 */
TEST_F(irqs_off, delivered_to_both)
{
	struct machine *m = &self->m;
	int first = self->vcpu[FIRST], second = self->vcpu[SECOND];
	bool walks = kvm_walks(variant->since);
	bool got_first = false, got_second = false;

	map_off(self->vcpu, variant);
	for (unsigned int v = ODD_VECTOR; v < ODD_VECTOR + 2; v++) {
		driver_vector(m, 1, variant->alike, v, UNMASKED);
		eventfd_add(m->call[0]);
		for (int ms = 0; ms < LIMIT_MS; ms++) {
			got_first = apic_has(first, v);
			got_second = apic_has(second, v);
			if (walks ? got_first && got_second :
				    got_first || got_second)
				break;
			usleep(1000);
		}
		EXPECT_TRUE(got_first || !walks);
		EXPECT_TRUE(got_second || !walks);
		EXPECT_TRUE(got_first || got_second);
	}
	wait_until_sent(m, 2);
	EXPECT_EQ(0, device_stats(m).irqs_dropped);
}

int main(int argc, char **argv)
{
	require_kvpci();
	require_trace();
	return test_harness_run(argc, argv);
}
