/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A KVM virtual machine whose guest is the agent (agent.S): a test says which
 * access the guest is to make and gets the value, and how often the access
 * left to userspace.
 *
 * These functions do not return errors: what fails here is the rig, not the
 * thing under test, so they say what it was and end the test as failed.
 */
#ifndef KVPCI_SELFTEST_GUEST_H
#define KVPCI_SELFTEST_GUEST_H

#include <linux/kvm.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent.h"

#define GUEST_MAX_VCPUS		4
#define GUEST_MAX_EXITS		16	/* exits remembered one by one */
#define GUEST_MSI_GSI		24	/* the VM's one MSI route */

/* Memory the agent can reach: identity-mapped, the rest faults. */
#define GUEST_LOW_END		0x200000000ULL	/* 0 to 8 GiB */
#define GUEST_HIGH_BASE		0x8000000000ULL	/* 1 GiB from 512 GiB on */
#define GUEST_RAM_SIZE		0x200000ULL
#define GUEST_RAM_FREE		0x180000ULL	/* unused from here on */

/* What guest_irq() returns when there was none. */
#define GUEST_NO_IRQ		(-1)

/* An access that left to userspace. */
struct guest_exit {
	uint32_t reason;	/* KVM_EXIT_MMIO or KVM_EXIT_IO */
	bool write;
	uint32_t width;
	uint64_t addr;
	uint64_t value;		/* written */
};

/* One access of a script. */
struct guest_access {
	int kind;		/* ACCESS_* */
	unsigned int width;
	uint64_t addr;
	uint64_t value;		/* in for writes, out for reads */
};

/**
 * struct guest_vcpu - one virtual processor
 * @fd: KVM's descriptor
 * @run: KVM's shared page
 * @mailbox: its mailbox, in the guest's memory
 * @guest: whose
 * @exits: exits to userspace of the last request that nobody answered, but its
 *	completion
 * @exit: the first GUEST_MAX_EXITS of them
 * @read_value: what reads that leave to userspace get, cut to their width
 */
struct guest_vcpu {
	struct guest *guest;
	int fd;
	struct kvm_run *run;
	uint8_t *mailbox;
	unsigned int exits;
	struct guest_exit exit[GUEST_MAX_EXITS];
	uint64_t read_value;
};

/**
 * struct guest - a virtual machine
 * @kvm_fd: /dev/kvm
 * @vm_fd: KVM's descriptor
 * @memory: where its memory is mapped here
 * @num_vcpus: virtual processors
 * @run_size: bytes at each one's @run
 * @vcpu: @num_vcpus of them
 * @answer: answers an access that left to userspace, false: it does not concern
 *	the one who answers; NULL: nobody does
 * @answer_context: the first argument of @answer
 */
struct guest {
	int kvm_fd;
	int vm_fd;
	uint8_t *memory;
	unsigned int num_vcpus;
	size_t run_size;
	struct guest_vcpu vcpu[GUEST_MAX_VCPUS];
	bool (*answer)(void *context, bool port, uint64_t addr, void *data,
		       uint32_t width, bool write);
	void *answer_context;
};

/** guest_die() - the rig failed: say why and end the test as failed */
void guest_die(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* Parts of a VM, for tests of VMs that lack some: guest_create_parts(). */
#define GUEST_IRQCHIP	1
#define GUEST_MSI_ROUTE	2
#define GUEST_VCPUS	4
#define GUEST_ALL	7

/** guest_create_parts() - make a VM of GUEST_* parts and @vcpus processors */
void guest_create_parts(struct guest *g, int parts, unsigned int vcpus);

/** guest_create() - make a whole VM with one processor */
void guest_create(struct guest *g);

/** guest_destroy() - close everything that is still open (fd >= 0) */
void guest_destroy(struct guest *g);

/** guest_set_msi_routes() - replace the routing table: pins and @count MSIs */
void guest_set_msi_routes(struct guest *g, unsigned int count);

/** guest_ids_of_32_bits() - KVM_X2APIC_API_USE_32BIT_IDS, or die */
void guest_ids_of_32_bits(struct guest *g);

/**
 * guest_run() - let a vCPU do what its mailbox says
 *
 * Accesses that leave to userspace and that nobody answers get @read_value.
 *
 * Return: false if a signal came before it was done; call it again.
 */
bool guest_run(struct guest_vcpu *vcpu);

/** guest_set_script() - what the next guest_run() is to do */
void guest_set_script(struct guest_vcpu *vcpu,
		      const struct guest_access *accesses, unsigned int count,
		      uint64_t repeat);

/** guest_get_script() - what its reads returned */
void guest_get_script(struct guest_vcpu *vcpu, struct guest_access *accesses,
		      unsigned int count);

/** guest_stop_script() - make a running script end, from another thread */
void guest_stop_script(struct guest_vcpu *vcpu);

/* Single accesses by vCPU 0; @g->vcpu[0].exits says what they cost. */
uint64_t guest_read(struct guest *g, uint64_t addr, unsigned int width);
void guest_write(struct guest *g, uint64_t addr, unsigned int width,
		 uint64_t value);
uint64_t guest_in(struct guest *g, uint16_t port, unsigned int width);
void guest_out(struct guest *g, uint16_t port, unsigned int width,
	       uint64_t value);

/**
 * guest_cycles() - time an access in the guest
 *
 * Return: cycles of the guest's clock for @count of them.
 */
uint64_t guest_cycles(struct guest *g, struct guest_access access,
		      unsigned int count);

/** guest_script_cycles() - the same of @num accesses, one after the other */
uint64_t guest_script_cycles(struct guest *g,
			     const struct guest_access *accesses,
			     unsigned int num, unsigned int count);

/**
 * guest_irq() - let vCPU 0 take one interrupt if one is pending
 *
 * Return: its vector, or GUEST_NO_IRQ.
 */
int guest_irq(struct guest *g);

/**
 * guest_irq_within() - the same, but wait for it
 * @ms: milliseconds to halt for it at most
 */
int guest_irq_within(struct guest *g, unsigned int ms);

/** guest_irq_of() - guest_irq() of any vCPU */
int guest_irq_of(struct guest_vcpu *vcpu);

/**
 * guest_hold_interrupts() - let interrupts wait in every local APIC
 *
 * Its task priority is above them all, so that KVM has none to deliver and does
 * not ask the processor to tell it when one can be. The VM has GUEST_IRQCHIP.
 */
void guest_hold_interrupts(struct guest *g);

/** guest_irq_count() - interrupts of a vector that vCPU 0 has taken */
unsigned int guest_irq_count(struct guest *g, unsigned int vector);

/** guest_ioapic_route() - send a pin of the IOAPIC to vCPU 0, level, high */
void guest_ioapic_route(struct guest *g, unsigned int pin, uint8_t vector);

#endif /* KVPCI_SELFTEST_GUEST_H */
