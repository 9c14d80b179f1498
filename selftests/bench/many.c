// SPDX-License-Identifier: GPL-2.0-only
/*
 * many: what many devices of one VM cost a VMM, in cycles, which under -icount are
 * instructions.
 *
 *	many restore kvpci|qemu
 *	many attach kvpci|qemu
 *
 * "restore": 12 devices, of 8 queues and 9 vectors each, appear in a VM that was
 * made for them, 50 times. "attach": 200 of them appear, one after the other, in a
 * VM whose guest runs, and leave. "qemu" is what QEMU asks KVM for, whose devices
 * are its own: routes and irqfds for vectors, ioeventfds for doorbells, but none of
 * the registers. Prints "NAME NUMBER" lines.
 *
 * Two numbers may be had of a span of time: what passed, and what this thread has
 * executed. They differ where it waits, and there others execute.
 */
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "kselftest.h"
#include "lib/fleet.h"

#define DEVICES		12
#define ROUNDS		50
#define ATTACHED	200
#define ATTACH_ROUNDS	3

#define PINS		24	/* GSIs up to here are pins of the I/O APIC */
#define FIXED_ROUTES	40	/* QEMU's: two PICs and the I/O APIC */
#define LAPIC		0xfee00000U

static struct fleet_fds fds[ATTACHED];
static struct fleet_image image[DEVICES];
static struct fleet_fds config_fds;	/* KVM wants one a device for changes */
static struct fleet_fds config_fds2;

static void number(const char *name, uint64_t value)
{
	printf("%s %llu\n", name, (unsigned long long)value);
}

/* --- time -------------------------------------------------------------------- */

struct span {
	uint64_t passed;
	uint64_t executed;
};

static uint64_t executed(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts))
		guest_die("clock_gettime");
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static struct span begin(void)
{
	struct span now = { .executed = executed() };

	now.passed = __rdtsc();
	return now;
}

static struct span end(struct span start)
{
	struct span now = { .passed = __rdtsc() };

	now.executed = executed();
	return (struct span){
		now.passed - start.passed, now.executed - start.executed,
	};
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t median(uint64_t *values, size_t num)
{
	qsort(values, num, sizeof(*values), compare);
	return values[num / 2];
}

/* --- restored by kvpci ------------------------------------------------------- */

static void save_all(void)
{
	struct machine m;
	int devices[DEVICES];

	fleet_open(&m);
	for (unsigned int n = 0; n < DEVICES; n++)
		devices[n] = fleet_start(&m, n, &fds[n]);
	for (unsigned int n = 0; n < DEVICES; n++)
		fleet_save(devices[n], &image[n]);
	for (unsigned int n = 0; n < DEVICES; n++)
		close(devices[n]);
	machine_destroy(&m);
}

static void expect_vector(struct guest *g, int fd, unsigned int n, unsigned int v)
{
	int irq;

	eventfd_add(fd);
	irq = guest_irq(g);
	if (irq != FLEET_DATA((int)n, (int)v))
		guest_die("device %u, vector %u: %d arrived", n, v, irq);
}

static void expect_kick(struct guest *g, unsigned int n, unsigned int q)
{
	guest_write(g, FLEET_MEM(n) + MEM_DOORBELLS + 4 * q, 2, q);
	if (g->vcpu[0].exits || eventfd_count(fds[n].pairs[q].kick_fd) != 1)
		guest_die("device %u, queue %u: no kick", n, q);
}

/* Every doorbell and every queue's interrupt works. */
static void expect_running(struct guest *g)
{
	for (unsigned int n = 0; n < DEVICES; n++) {
		for (unsigned int q = 0; q < FLEET_QUEUES; q++) {
			expect_kick(g, n, q);
			expect_vector(g, fds[n].pairs[q].call_fd, n, q);
		}
	}
}

static void restore_kvpci(struct machine *m, int *devices)
{
	for (unsigned int n = 0; n < DEVICES; n++) {
		devices[n] = fleet_restore(m, n, &fds[n], &image[n]);
		if (devices[n] < 0)
			guest_die("restore: %d", devices[n]);
	}
}

/* --- the same of KVM alone --------------------------------------------------- */

static void set_routes(int vm, unsigned int vectors)
{
	static struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entries[FIXED_ROUTES +
						     DEVICES * FLEET_VECTORS];
	} routes;
	struct kvm_irq_routing_entry *e = routes.entries;

	memset(&routes, 0, sizeof(routes));
	for (unsigned int i = 0; i < 16; i++, e++) {
		e->gsi = i;
		e->type = KVM_IRQ_ROUTING_IRQCHIP;
		e->u.irqchip.irqchip = i < 8 ? KVM_IRQCHIP_PIC_MASTER :
			KVM_IRQCHIP_PIC_SLAVE;
		e->u.irqchip.pin = i % 8;
	}
	for (unsigned int i = 0; i < PINS; i++, e++) {
		e->gsi = i;
		e->type = KVM_IRQ_ROUTING_IRQCHIP;
		e->u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		e->u.irqchip.pin = i;
	}
	for (unsigned int i = 0; i < vectors; i++, e++) {
		e->gsi = PINS + i;
		e->type = KVM_IRQ_ROUTING_MSI;
		e->u.msi.address_lo = LAPIC;
		e->u.msi.data = (uint8_t)FLEET_DATA(0, i);
	}
	routes.head.nr = e - routes.entries;
	if (ioctl(vm, KVM_SET_GSI_ROUTING, &routes))
		guest_die("KVM_SET_GSI_ROUTING");
}

static void add_irqfd(int vm, int fd, unsigned int index)
{
	struct kvm_irqfd args = { .fd = fd, .gsi = PINS + index };

	if (ioctl(vm, KVM_IRQFD, &args))
		guest_die("KVM_IRQFD");
}

static void ioeventfd(int vm, int fd, uint64_t addr, uint32_t length, uint32_t flags)
{
	struct kvm_ioeventfd args = {
		.addr = addr, .len = length, .fd = fd, .flags = flags,
	};

	if (ioctl(vm, KVM_IOEVENTFD, &args))
		guest_die("KVM_IOEVENTFD");
}

static int config_fd(unsigned int n)
{
	const struct fleet_fds *which = n < FLEET_QUEUES ? &config_fds : &config_fds2;

	return which->pairs[n % FLEET_QUEUES].call_fd;
}

/* How many vectors a KVM_SET_GSI_ROUTING brings. */
enum batch { A_VECTOR = 1, A_DEVICE = FLEET_VECTORS, ALL = DEVICES * FLEET_VECTORS };

static void restore_kvm(struct guest *g, enum batch batch)
{
	for (unsigned int n = 0; n < DEVICES; n++) {
		for (unsigned int v = 0; v < FLEET_VECTORS; v++) {
			unsigned int i = n * FLEET_VECTORS + v;

			if (i % batch == 0)
				set_routes(g->vm_fd, i + batch);
			add_irqfd(g->vm_fd, v < FLEET_QUEUES ? fds[n].pairs[v].call_fd :
				  config_fd(n), i);
		}
		/* Of any length, as QEMU has them where KVM can. */
		for (unsigned int q = 0; q < FLEET_QUEUES; q++)
			ioeventfd(g->vm_fd, fds[n].pairs[q].kick_fd,
				  FLEET_MEM(n) + MEM_DOORBELLS + 4 * q, 0, 0);
	}
}

/* --- restore ----------------------------------------------------------------- */

struct result {
	uint64_t passed[ROUNDS];
	uint64_t executed[ROUNDS];
	struct fleet_ioctls ioctls;	/* of the last round, which is not timed */
};

static void report(const char *what, struct result *r)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_passed", what);
	number(name, median(r->passed, ROUNDS) / DEVICES);
	snprintf(name, sizeof(name), "%s_executed", what);
	number(name, median(r->executed, ROUNDS) / DEVICES);
	snprintf(name, sizeof(name), "%s_ioctls", what);
	number(name, r->ioctls.all);
}

static void count_only(struct trace *trace, bool last)
{
	if (last) {
		trace_open(trace);
		fleet_count_ioctls(trace);
	}
}

static void bench_restore_kvpci(void)
{
	static struct result r;
	static struct trace trace;
	int devices[DEVICES];
	struct machine m;

	save_all();
	for (unsigned int round = 0; round <= ROUNDS; round++) {
		struct span span;

		fleet_open(&m);
		count_only(&trace, round == ROUNDS);
		span = begin();
		restore_kvpci(&m, devices);
		span = end(span);
		if (round < ROUNDS) {
			r.passed[round] = span.passed;
			r.executed[round] = span.executed;
		} else {
			r.ioctls = fleet_ioctls(&trace);
			trace_close(&trace);
			expect_running(&m.g);
		}
		for (unsigned int n = 0; n < DEVICES; n++)
			close(devices[n]);
		machine_destroy(&m);
	}
	if (r.ioctls.irqfd || r.ioctls.routing || r.ioctls.ioeventfd)
		guest_die("an ioctl of KVM");
	report("restore", &r);
}

static void bench_restore_kvm(const char *what, enum batch batch)
{
	static struct result r;
	static struct trace trace;
	struct guest g;

	for (unsigned int round = 0; round <= ROUNDS; round++) {
		struct span span;

		guest_create(&g);
		count_only(&trace, round == ROUNDS);
		span = begin();
		restore_kvm(&g, batch);
		span = end(span);
		if (round < ROUNDS) {
			r.passed[round] = span.passed;
			r.executed[round] = span.executed;
		} else {
			r.ioctls = fleet_ioctls(&trace);
			trace_close(&trace);
			expect_running(&g);
		}
		guest_destroy(&g);
	}
	if (r.ioctls.routing != ALL / batch || r.ioctls.irqfd != ALL ||
	    r.ioctls.ioeventfd != DEVICES * FLEET_QUEUES)
		guest_die("%u routings, %u irqfds, %u ioeventfds", r.ioctls.routing,
			  r.ioctls.irqfd, r.ioctls.ioeventfd);
	report(what, &r);
}

/* --- attach ------------------------------------------------------------------ */

/* A round before the others brings the host's allocators to where they stay. */
static struct fleet_spans spans[ATTACH_ROUNDS + 1][ATTACHED];

static uint64_t median_of(unsigned int n, size_t field)
{
	uint64_t values[ATTACH_ROUNDS];

	for (unsigned int i = 0; i < ATTACH_ROUNDS; i++)
		memcpy(&values[i], (char *)&spans[i + 1][n] + field, sizeof(values[i]));
	return median(values, ATTACH_ROUNDS);
}

#define MEDIAN_OF(n, field)	median_of(n, offsetof(struct fleet_spans, field))

/* "first" and "last", in all and less its change of the buses. */
static void report_attach(const char *which, unsigned int n)
{
	const struct {
		const char *name;
		uint64_t all, bus;
	} parts[] = {
		{ "arrive", MEDIAN_OF(n, arrive), MEDIAN_OF(n, arrive_bus) },
		{ "leave", MEDIAN_OF(n, leave), MEDIAN_OF(n, leave_bus) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		printf("%s_%s %llu\n", parts[i].name, which,
		       (unsigned long long)parts[i].all);
		printf("%s_bus_%s %llu\n", parts[i].name, which,
		       (unsigned long long)parts[i].bus);
		printf("%s_beside_%s %llu\n", parts[i].name, which,
		       (unsigned long long)(parts[i].all - parts[i].bus));
	}
}

static void bench_attach_kvpci(void)
{
	static struct trace trace;

	save_all();
	for (unsigned int round = 0; round <= ATTACH_ROUNDS; round++)
		fleet_attach(fds, ATTACHED, 1, &image[0], NULL, spans[round]);
	trace_open(&trace);
	fleet_probe(&trace);
	for (unsigned int round = 0; round <= ATTACH_ROUNDS; round++)
		fleet_attach(fds, ATTACHED, 1, &image[0], &trace, spans[round]);
	trace_close(&trace);
	report_attach("first", 0);
	report_attach("last", ATTACHED - 1);
}

/*
 * As many entries on each bus as a device of kvpci has. Where KVM waits others
 * execute, the guest among them, so what this thread does counts.
 */
static void attach_kvm(struct fleet_spans *spans_of_round)
{
	struct guest g;

	guest_create(&g);
	fleet_start_guest(&g);
	for (unsigned int n = 0; n < ATTACHED; n++) {
		uint64_t start;

		usleep(1000);
		start = executed();
		ioeventfd(g.vm_fd, fds[n].pairs[0].kick_fd, FLEET_IO(n), 2,
			  KVM_IOEVENTFD_FLAG_PIO);
		ioeventfd(g.vm_fd, fds[n].pairs[1].kick_fd, FLEET_MEM(n), 0, 0);
		ioeventfd(g.vm_fd, fds[n].pairs[2].kick_fd, FLEET_MSIX(n), 4, 0);
		spans_of_round[n].arrive_bus = executed() - start;
	}
	fleet_stop_guest(&g);
	guest_destroy(&g);
}

static void bench_attach_kvm(void)
{
	for (unsigned int round = 0; round <= ATTACH_ROUNDS; round++)
		attach_kvm(spans[round]);
	number("arrive_bus_first", MEDIAN_OF(0, arrive_bus));
	number("arrive_bus_last", MEDIAN_OF(ATTACHED - 1, arrive_bus));
}

int main(int argc, char **argv)
{
	const char *what = argc == 3 ? argv[1] : "", *system = argc == 3 ? argv[2] : "";
	const struct rlimit files = { 8192, 8192 };
	bool kvpci = !strcmp(system, "kvpci");

	require_kvm();
	require_trace();
	if (setrlimit(RLIMIT_NOFILE, &files))
		guest_die("setrlimit");
	for (unsigned int n = 0; n < ATTACHED; n++)
		fleet_fds(&fds[n]);
	fleet_fds(&config_fds);
	fleet_fds(&config_fds2);
	if (!strcmp(what, "restore") && kvpci) {
		bench_restore_kvpci();
	} else if (!strcmp(what, "restore")) {
		bench_restore_kvm("restore", A_VECTOR);
		bench_restore_kvm("restore_batched", A_DEVICE);
		bench_restore_kvm("restore_once", ALL);
	} else if (!strcmp(what, "attach") && kvpci) {
		bench_attach_kvpci();
	} else if (!strcmp(what, "attach")) {
		bench_attach_kvm();
	} else {
		guest_die("many restore|attach kvpci|qemu");
	}
	return 0;
}
