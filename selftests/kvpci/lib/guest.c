// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual machine around the guest agent; see guest.h.
 *
 * Guest-physical memory, 2 MiB:
 *	0x001000	GDT
 *	0x002000	IDT
 *	0x008000	the agent
 *	0x010000	mailbox, script and stack of each vCPU
 *	0x100000	page tables
 */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#define GDT		0x1000
#define IDT		0x2000
#define CODE		0x8000
#define MAILBOXES	0x10000
#define PML4		0x100000
#define PDPT_LOW	0x101000
#define PDPT_HIGH	0x102000
#define PD_HIGH		0x103000
#define PD_LOW		0x104000	/* one page a GiB */

#define TSS_ADDR	0xfffbd000
#define IDENTITY_ADDR	0xfffbc000

#define CS_SELECTOR	0x08
#define SS_SELECTOR	0x10
#define TR_SELECTOR	0x18

#define PTE_PRESENT	0x001ULL
#define PTE_WRITE	0x002ULL
#define PTE_LARGE	0x080ULL

#define LAPIC		0xfee00000ULL
#define LAPIC_TPR	0x80
#define LAPIC_SPURIOUS	0xf0
#define IOAPIC		0xfec00000ULL

extern const uint8_t agent_code[], agent_stubs[], agent_code_end[];

void guest_die(const char *format, ...)
{
	int err = errno;
	va_list ap;

	fprintf(stderr, "# guest: ");
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, " (errno %d: %s)\n", err, strerror(err));
	fflush(stderr);
	_exit(1);
}

/* --- making it ------------------------------------------------------------ */

static void write_u64(struct guest *g, uint64_t at, uint64_t value)
{
	memcpy(g->memory + at, &value, sizeof(value));
}

static void map_large(struct guest *g, uint64_t pd, uint64_t base)
{
	for (unsigned int i = 0; i < 512; i++)
		write_u64(g, pd + 8 * i, (base + ((uint64_t)i << 21)) |
			  PTE_PRESENT | PTE_WRITE | PTE_LARGE);
}

static void make_page_tables(struct guest *g)
{
	const uint64_t flags = PTE_PRESENT | PTE_WRITE;

	write_u64(g, PML4, PDPT_LOW | flags);
	for (uint64_t gib = 0; gib < GUEST_LOW_END >> 30; gib++) {
		write_u64(g, PDPT_LOW + 8 * gib, (PD_LOW + gib * 4096) | flags);
		map_large(g, PD_LOW + gib * 4096, gib << 30);
	}
	write_u64(g, PML4 + 8 * (GUEST_HIGH_BASE >> 39), PDPT_HIGH | flags);
	write_u64(g, PDPT_HIGH, PD_HIGH | flags);
	map_large(g, PD_HIGH, GUEST_HIGH_BASE);
}

static void make_descriptors(struct guest *g)
{
	write_u64(g, GDT + CS_SELECTOR, 0x00af9b000000ffffULL);
	write_u64(g, GDT + SS_SELECTOR, 0x00cf93000000ffffULL);
	for (unsigned int v = 0; v < 256; v++) {
		uint64_t handler = CODE + (agent_stubs - agent_code) +
				   v * AGENT_SLOT_SIZE;

		/* present, interrupt gate, no IST; below 64 KiB */
		write_u64(g, IDT + 16 * v, (handler & 0xffff) |
			  CS_SELECTOR << 16 | 0x8e00ULL << 32);
	}
}

static void set_cpuid(struct guest *g, int vcpu_fd)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[128];
	} cpuid = { .head.nent = 128 };

	if (ioctl(g->kvm_fd, KVM_GET_SUPPORTED_CPUID, &cpuid))
		guest_die("KVM_GET_SUPPORTED_CPUID");
	if (ioctl(vcpu_fd, KVM_SET_CPUID2, &cpuid))
		guest_die("KVM_SET_CPUID2");
}

static void set_registers(struct guest *g, unsigned int index)
{
	struct guest_vcpu *vcpu = &g->vcpu[index];
	const uint64_t mailbox = MAILBOXES + index * MAILBOX_SIZE;
	struct kvm_regs regs = {
		.rip = CODE,
		.rsp = mailbox + MAILBOX_STACK_TOP,
		.r15 = mailbox,
		.rflags = 2,
	};
	struct kvm_segment code = {
		.limit = ~0U, .selector = CS_SELECTOR, .type = 11,
		.present = 1, .s = 1, .l = 1, .g = 1,
	};
	struct kvm_segment data = {
		.limit = ~0U, .selector = SS_SELECTOR, .type = 3,
		.present = 1, .s = 1, .db = 1, .g = 1,
	};
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		guest_die("KVM_GET_SREGS");
	sregs.cs = code;
	sregs.ds = data;
	sregs.es = data;
	sregs.fs = data;
	sregs.gs = data;
	sregs.ss = data;
	sregs.tr = (struct kvm_segment){
		.limit = 0x67, .selector = TR_SELECTOR, .type = 11,
		.present = 1,
	};
	sregs.gdt.base = GDT;
	sregs.gdt.limit = 0x1f;
	sregs.idt.base = IDT;
	sregs.idt.limit = 0xfff;
	sregs.cr3 = PML4;
	sregs.cr4 = 0x20;		/* PAE */
	sregs.cr0 = 0x80000011;		/* PG, ET, PE */
	sregs.efer = 0x500;		/* LMA, LME */
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs))
		guest_die("KVM_SET_SREGS");
	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs))
		guest_die("KVM_SET_REGS");
}

static void add_vcpu(struct guest *g, unsigned int index, int parts)
{
	struct guest_vcpu *vcpu = &g->vcpu[index];
	struct kvm_mp_state runnable = { .mp_state = KVM_MP_STATE_RUNNABLE };

	vcpu->guest = g;
	vcpu->fd = ioctl(g->vm_fd, KVM_CREATE_VCPU, index);
	if (vcpu->fd < 0)
		guest_die("KVM_CREATE_VCPU");
	vcpu->run = mmap(NULL, g->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		guest_die("mmap of a vCPU");
	vcpu->mailbox = g->memory + MAILBOXES + index * MAILBOX_SIZE;
	vcpu->read_value = ~0ULL;
	set_cpuid(g, vcpu->fd);
	set_registers(g, index);
	if (!(parts & GUEST_IRQCHIP))
		return;
	if (index && ioctl(vcpu->fd, KVM_SET_MP_STATE, &runnable))
		guest_die("KVM_SET_MP_STATE");
}

void guest_set_msi_routes(struct guest *g, unsigned int count)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entries[64];
	} table = { 0 };
	struct kvm_irq_routing_entry *e = table.entries;

	for (unsigned int pin = 0; pin < 24; pin++) {
		*e++ = (struct kvm_irq_routing_entry){
			.gsi = pin, .type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip = { KVM_IRQCHIP_IOAPIC, pin },
		};
	}
	for (unsigned int i = 0; i < count; i++) {
		*e++ = (struct kvm_irq_routing_entry){
			.gsi = GUEST_MSI_GSI + i, .type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = LAPIC, .data = 0xfe },
		};
	}
	table.head.nr = e - table.entries;
	if (ioctl(g->vm_fd, KVM_SET_GSI_ROUTING, &table))
		guest_die("KVM_SET_GSI_ROUTING");
}

static void add_memory(struct guest *g)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = GUEST_RAM_SIZE,
	};

	g->memory = mmap(NULL, GUEST_RAM_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (g->memory == MAP_FAILED)
		guest_die("mmap of guest memory");
	region.userspace_addr = (uintptr_t)g->memory;
	if (ioctl(g->vm_fd, KVM_SET_USER_MEMORY_REGION, &region))
		guest_die("KVM_SET_USER_MEMORY_REGION");
	make_page_tables(g);
	make_descriptors(g);
	memcpy(g->memory + CODE, agent_code, agent_code_end - agent_code);
}

static uint64_t one_access(struct guest_vcpu *vcpu, struct guest_access access)
{
	guest_set_script(vcpu, &access, 1, 1);
	while (!guest_run(vcpu))
		;
	guest_get_script(vcpu, &access, 1);
	return access.value;
}

/* A register of every local APIC. */
static void write_lapics(struct guest *g, uint64_t reg, uint32_t value)
{
	for (unsigned int i = 0; i < g->num_vcpus; i++)
		one_access(&g->vcpu[i], (struct guest_access){
			ACCESS_WRITE, 4, LAPIC + reg, value });
}

void guest_create_parts(struct guest *g, int parts, unsigned int vcpus)
{
	uint64_t identity = IDENTITY_ADDR;

	memset(g, 0, sizeof(*g));
	for (unsigned int i = 0; i < GUEST_MAX_VCPUS; i++)
		g->vcpu[i].fd = -1;
	g->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (g->kvm_fd < 0)
		guest_die("open /dev/kvm");
	g->run_size = ioctl(g->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	g->vm_fd = ioctl(g->kvm_fd, KVM_CREATE_VM, 0);
	if (g->vm_fd < 0)
		guest_die("KVM_CREATE_VM");
	/* Wanted by Intel processors; harmless on others. */
	ioctl(g->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity);
	ioctl(g->vm_fd, KVM_SET_TSS_ADDR, TSS_ADDR);
	if (parts & GUEST_IRQCHIP && ioctl(g->vm_fd, KVM_CREATE_IRQCHIP, 0))
		guest_die("KVM_CREATE_IRQCHIP");
	if (parts & GUEST_MSI_ROUTE)
		guest_set_msi_routes(g, 1);
	if (!(parts & GUEST_VCPUS))
		return;
	add_memory(g);
	g->num_vcpus = vcpus;
	for (unsigned int i = 0; i < vcpus; i++)
		add_vcpu(g, i, parts);
	if (parts & GUEST_IRQCHIP)
		write_lapics(g, LAPIC_SPURIOUS, 0x1ff);
}

void guest_ids_of_32_bits(struct guest *g)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X2APIC_API,
		.args = { KVM_X2APIC_API_USE_32BIT_IDS },
	};

	if (ioctl(g->vm_fd, KVM_ENABLE_CAP, &cap))
		guest_die("KVM_CAP_X2APIC_API");
}

void guest_create(struct guest *g)
{
	guest_create_parts(g, GUEST_ALL, 1);
}

void guest_destroy(struct guest *g)
{
	for (unsigned int i = 0; i < g->num_vcpus; i++) {
		if (g->vcpu[i].run)
			munmap(g->vcpu[i].run, g->run_size);
		if (g->vcpu[i].fd >= 0)
			close(g->vcpu[i].fd);
		g->vcpu[i].run = NULL;
		g->vcpu[i].fd = -1;
	}
	if (g->vm_fd >= 0)
		close(g->vm_fd);
	if (g->kvm_fd >= 0)
		close(g->kvm_fd);
	if (g->memory)
		munmap(g->memory, GUEST_RAM_SIZE);
	g->vm_fd = -1;
	g->kvm_fd = -1;
	g->memory = NULL;
}

/* --- running it ----------------------------------------------------------- */

static uint32_t mailbox_u32(const struct guest_vcpu *vcpu, unsigned int at)
{
	return *(volatile uint32_t *)(vcpu->mailbox + at);
}

static void set_mailbox_u32(struct guest_vcpu *vcpu, unsigned int at,
			    uint32_t value)
{
	*(volatile uint32_t *)(vcpu->mailbox + at) = value;
}

static uint64_t mailbox_u64(const struct guest_vcpu *vcpu, unsigned int at)
{
	return *(volatile uint64_t *)(vcpu->mailbox + at);
}

static void set_mailbox_u64(struct guest_vcpu *vcpu, unsigned int at,
			    uint64_t value)
{
	*(volatile uint64_t *)(vcpu->mailbox + at) = value;
}

static void handle_exit(struct guest_vcpu *vcpu, bool write, uint32_t width,
			uint64_t addr, void *data)
{
	const bool port = vcpu->run->exit_reason == KVM_EXIT_IO;
	struct guest_exit e = {
		.reason = vcpu->run->exit_reason, .write = write,
		.width = width, .addr = addr,
	};

	if (vcpu->guest->answer &&
	    vcpu->guest->answer(vcpu->guest->answer_context, port, addr, data,
				width, write))
		return;
	if (write)
		memcpy(&e.value, data, width);
	else
		memcpy(data, &vcpu->read_value, width);
	if (vcpu->exits < GUEST_MAX_EXITS)
		vcpu->exit[vcpu->exits] = e;
	vcpu->exits++;
}

static void die_of_fault(struct guest_vcpu *vcpu)
{
	uint64_t stack = mailbox_u64(vcpu, MAILBOX_FAULT_STACK);
	uint64_t base = (uintptr_t)vcpu->mailbox & (MAILBOX_SIZE - 1);
	uint64_t rip = 0;

	/* the frame: two registers, the vector, and (maybe) an error code */
	memcpy(&rip, vcpu->mailbox - base + (stack & (MAILBOX_SIZE - 1)) + 24,
	       sizeof(rip));
	errno = EFAULT;
	guest_die("agent took exception %llu at %#llx, cr2 %#llx",
		  (unsigned long long)mailbox_u64(vcpu, MAILBOX_FAULT_VECTOR),
		  (unsigned long long)rip,
		  (unsigned long long)mailbox_u64(vcpu, MAILBOX_FAULT_CR2));
}

/* Port I/O that left to userspace. Return: is it the agent's completion? */
static bool port_exit(struct guest_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;

	if (run->io.port == AGENT_PORT_DONE)
		return true;
	if (run->io.port == AGENT_PORT_FAULT)
		die_of_fault(vcpu);
	handle_exit(vcpu, run->io.direction == KVM_EXIT_IO_OUT, run->io.size,
		    run->io.port, data);
	return false;
}

bool guest_run(struct guest_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	for (;;) {
		if (ioctl(vcpu->fd, KVM_RUN, 0)) {
			if (errno == EINTR)
				return false;
			guest_die("KVM_RUN");
		}
		switch (run->exit_reason) {
		case KVM_EXIT_IO:
			if (port_exit(vcpu))
				return true;
			break;
		case KVM_EXIT_MMIO:
			handle_exit(vcpu, run->mmio.is_write, run->mmio.len,
				    run->mmio.phys_addr, run->mmio.data);
			break;
		case KVM_EXIT_INTR:
			return false;
		default:
			errno = 0;
			guest_die("exit reason %u (%#llx)", run->exit_reason,
				  (unsigned long long)
				  run->hw.hardware_exit_reason);
		}
	}
}

static unsigned int log2_of(unsigned int width)
{
	return width == 8 ? 3 : width == 4 ? 2 : width == 2 ? 1 : 0;
}

void guest_set_script(struct guest_vcpu *vcpu,
		      const struct guest_access *accesses, unsigned int count,
		      uint64_t repeat)
{
	if (!count || count > MAILBOX_SCRIPT_MAX) {
		errno = EINVAL;
		guest_die("a script of %u accesses", count);
	}
	for (unsigned int i = 0; i < count; i++) {
		unsigned int at = MAILBOX_SCRIPT + i * ENTRY_SIZE;

		set_mailbox_u64(vcpu, at + ENTRY_SLOT, accesses[i].kind * 4 +
				log2_of(accesses[i].width));
		set_mailbox_u64(vcpu, at + ENTRY_ADDR, accesses[i].addr);
		set_mailbox_u64(vcpu, at + ENTRY_VALUE, accesses[i].value);
	}
	set_mailbox_u32(vcpu, MAILBOX_OP, AGENT_SCRIPT);
	set_mailbox_u32(vcpu, MAILBOX_ENTRIES, count);
	set_mailbox_u64(vcpu, MAILBOX_REPEAT, repeat);
	set_mailbox_u32(vcpu, MAILBOX_STOP, 0);
	vcpu->exits = 0;
}

void guest_get_script(struct guest_vcpu *vcpu, struct guest_access *accesses,
		      unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		accesses[i].value = mailbox_u64(vcpu, MAILBOX_SCRIPT +
						i * ENTRY_SIZE + ENTRY_VALUE);
}

void guest_stop_script(struct guest_vcpu *vcpu)
{
	set_mailbox_u32(vcpu, MAILBOX_STOP, 1);
}

uint64_t guest_read(struct guest *g, uint64_t addr, unsigned int width)
{
	return one_access(&g->vcpu[0], (struct guest_access){
		ACCESS_READ, width, addr, 0 });
}

void guest_write(struct guest *g, uint64_t addr, unsigned int width,
		 uint64_t value)
{
	one_access(&g->vcpu[0], (struct guest_access){
		ACCESS_WRITE, width, addr, value });
}

uint64_t guest_in(struct guest *g, uint16_t port, unsigned int width)
{
	return one_access(&g->vcpu[0], (struct guest_access){
		ACCESS_IN, width, port, 0 });
}

void guest_out(struct guest *g, uint16_t port, unsigned int width,
	       uint64_t value)
{
	one_access(&g->vcpu[0], (struct guest_access){
		ACCESS_OUT, width, port, value });
}

uint64_t guest_script_cycles(struct guest *g,
			     const struct guest_access *accesses,
			     unsigned int num, unsigned int count)
{
	struct guest_vcpu *vcpu = &g->vcpu[0];

	guest_set_script(vcpu, accesses, num, count);
	while (!guest_run(vcpu))
		;
	return mailbox_u64(vcpu, MAILBOX_TSC);
}

uint64_t guest_cycles(struct guest *g, struct guest_access access,
		      unsigned int count)
{
	return guest_script_cycles(g, &access, 1, count);
}

/* --- interrupts ----------------------------------------------------------- */

static int last_vector(const struct guest_vcpu *vcpu)
{
	uint32_t last = mailbox_u32(vcpu, MAILBOX_LAST);

	return last == ~0U ? GUEST_NO_IRQ : (int)last;
}

int guest_irq_of(struct guest_vcpu *vcpu)
{
	vcpu->exits = 0;
	set_mailbox_u32(vcpu, MAILBOX_OP, AGENT_WINDOW);
	while (!guest_run(vcpu))
		;
	return last_vector(vcpu);
}

void guest_hold_interrupts(struct guest *g)
{
	write_lapics(g, LAPIC_TPR, 0xff);
}

int guest_irq(struct guest *g)
{
	return guest_irq_of(&g->vcpu[0]);
}

static void on_alarm(int sig)
{
	(void)sig;
}

int guest_irq_within(struct guest *g, unsigned int ms)
{
	struct sigaction alarm_action = { .sa_handler = on_alarm }, old;
	struct itimerval timer = {
		/* again and again: the first may come before KVM_RUN */
		.it_interval = { .tv_usec = 100000 },
		.it_value = { ms / 1000, ms % 1000 * 1000 + 1 },
	};
	struct guest_vcpu *vcpu = &g->vcpu[0];
	struct kvm_regs regs;
	bool done;

	sigaction(SIGALRM, &alarm_action, &old);
	vcpu->exits = 0;
	set_mailbox_u32(vcpu, MAILBOX_OP, AGENT_WAIT);
	setitimer(ITIMER_REAL, &timer, NULL);
	done = guest_run(vcpu);
	memset(&timer, 0, sizeof(timer));
	setitimer(ITIMER_REAL, &timer, NULL);
	sigaction(SIGALRM, &old, NULL);
	if (done)
		return last_vector(vcpu);
	/* Nothing came: the agent sits behind hlt; begin anew. */
	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs))
		guest_die("KVM_GET_REGS");
	regs.rip = CODE;
	regs.rflags = 2;
	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs) ||
	    ioctl(vcpu->fd, KVM_SET_MP_STATE,
		  &(struct kvm_mp_state){ KVM_MP_STATE_RUNNABLE }))
		guest_die("waking the agent");
	return guest_irq(g);
}

unsigned int guest_irq_count(struct guest *g, unsigned int vector)
{
	return mailbox_u32(&g->vcpu[0], MAILBOX_COUNTS + 4 * vector);
}

void guest_ioapic_route(struct guest *g, unsigned int pin, uint8_t vector)
{
	/* physical, fixed, active high, level, unmasked, to APIC 0 */
	guest_write(g, IOAPIC, 4, 0x10 + 2 * pin + 1);
	guest_write(g, IOAPIC + 0x10, 4, 0);
	guest_write(g, IOAPIC, 4, 0x10 + 2 * pin);
	guest_write(g, IOAPIC + 0x10, 4, vector | 1 << 15);
}
