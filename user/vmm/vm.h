/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual machine: its KVM descriptors, memory, vCPUs and devices, and how
 * it ends.
 */
#ifndef KVPCI_VMM_VM_H
#define KVPCI_VMM_VM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "memory.h"
#include "power.h"
#include "serial.h"

struct pci;
struct snapshot;
struct snapshot_writer;
struct vcpu;

/* Why the VM ended, first one wins. */
enum vm_end {
	VM_RUNNING = 0,
	VM_POWERED_OFF,		/* by the guest */
	VM_RESET,		/* by the guest */
	VM_STOPPED,		/* by the user */
	VM_CRASHED,		/* guest or KVM; it has been reported */
};

/**
 * struct vm - a virtual machine
 * @kvm: /dev/kvm
 * @fd: the KVM virtual machine
 * @ids_of_32_bits: KVM_X2APIC_API_USE_32BIT_IDS is on: the upper half of a message's
 *	address has bits of the destination
 * @num_cpus: vCPUs
 * @vcpus: @num_cpus of them
 * @memory: the guest's RAM
 * @serial: COM1
 * @power: ACPI power registers
 * @pci: PCI bus 0
 * @end: enum vm_end, atomic
 * @end_fd: eventfd, readable once @end is set
 * @line_lock: protects @lines
 * @lines: how many functions pull each interrupt line
 * @rest_lock: protects @paused and each vCPU's @resting
 * @rest: one of them has changed
 * @paused: vCPUs are to rest
 */
struct vm {
	int kvm;
	int fd;
	bool ids_of_32_bits;
	unsigned int num_cpus;
	struct vcpu *vcpus;
	struct memory memory;
	struct serial serial;
	struct power power;
	struct pci *pci;

	int end;
	int end_fd;

	pthread_mutex_t line_lock;
	unsigned int lines[24];

	pthread_mutex_t rest_lock;
	pthread_cond_t rest;
	bool paused;
};

/**
 * vm_open() - make a KVM VM with interrupt controllers, timer and routes
 * @vm: zeroed
 *
 * Return: 0 or a negative errno value, reported.
 */
int vm_open(struct vm *vm);
void vm_close(struct vm *vm);

/** vm_save() - write interrupt controllers, timer and clock to a snapshot: vm_state.c */
void vm_save(const struct vm *vm, struct snapshot_writer *w);

/** vm_restore() - after the vCPUs, before what drives interrupt lines: vm_state.c */
int vm_restore(const struct vm *vm, struct snapshot *s);

/** vm_set_line() - drive an interrupt line that has one user */
void vm_set_line(struct vm *vm, uint32_t gsi, bool level);

/** vm_share_line() - pull (+1) or release (-1) a line that has several */
void vm_share_line(struct vm *vm, uint32_t gsi, int change);

/** vm_send_message() - deliver a message signalled interrupt */
void vm_send_message(struct vm *vm, uint64_t address, uint32_t data);

/** vm_end() - ask for the end; callable from any thread, more than once */
void vm_end(struct vm *vm, enum vm_end why);

#endif /* KVPCI_VMM_VM_H */
