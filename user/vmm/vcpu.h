/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vCPUs: one thread each.
 */
#ifndef KVPCI_VMM_VCPU_H
#define KVPCI_VMM_VCPU_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "exits.h"

#define VCPU_MAX	254	/* xAPIC ids without the broadcast one */

struct kvm_run;
struct snapshot;
struct snapshot_writer;
struct vm;

/**
 * struct vcpu - one virtual CPU
 * @vm: its VM
 * @id: index and APIC id
 * @fd: KVM's descriptor
 * @run: KVM's shared page
 * @run_size: bytes at @run
 * @thread: the thread
 * @started: @thread is valid
 * @resting: it is outside the guest, and stays there; under the VM's rest_lock
 * @exits: counts of its exits to userspace
 */
struct vcpu {
	struct vm *vm;
	unsigned int id;
	int fd;
	struct kvm_run *run;
	size_t run_size;
	pthread_t thread;
	bool started;
	bool resting;
	struct exit_counts exits;
};

/**
 * vcpus_create() - make all vCPUs
 * @vm: the VM
 * @count: how many
 *
 * Return: 0 or a negative errno value, reported.
 */
int vcpus_create(struct vm *vm, unsigned int count);

/**
 * vcpus_start() - run the guest
 * @vm: the VM
 *
 * vCPU 0 has its registers, from registers_set() or from a snapshot.
 *
 * Return: 0 or a negative errno value, reported.
 */
int vcpus_start(struct vm *vm);

/**
 * vcpus_pause() - bring all vCPUs out of the guest, and keep them there
 * @vm: the VM
 *
 * When it returns, what a vCPU began is complete: its registers can be read, and
 * none of its accesses is under way. One that has ended the VM does not come back.
 */
void vcpus_pause(struct vm *vm);

/** vcpus_resume() - let them go on */
void vcpus_resume(struct vm *vm);

/** vcpus_stop() - bring all vCPUs out of the guest and end their threads */
void vcpus_stop(struct vm *vm);
void vcpus_free(struct vm *vm);

/** cpuid_set() - give a vCPU its CPUID: cpuid.c */
int cpuid_set(struct vcpu *vcpu);

/** cpuid_physical_bits() - width of the guest's physical addresses: cpuid.c */
unsigned int cpuid_physical_bits(const struct vm *vm);

/** cpuid_save() - write a vCPU's CPUID to a snapshot: cpuid.c */
void cpuid_save(const struct vcpu *vcpu, struct snapshot_writer *w);

/** cpuid_restore() - give a vCPU the CPUID it had, if this host can: cpuid.c */
int cpuid_restore(const struct vcpu *vcpu, struct snapshot *s);

/** vcpus_save() - write all vCPUs, which rest, to a snapshot: vcpu_state.c */
void vcpus_save(const struct vm *vm, struct snapshot_writer *w);

/** vcpus_restore() - before any of them runs: vcpu_state.c */
int vcpus_restore(const struct vm *vm, struct snapshot *s);

/** vcpu_tsc() - what a vCPU, which rests, reads as its TSC: vcpu_state.c */
uint64_t vcpu_tsc(const struct vcpu *vcpu);

/** registers_set() - the state the 64-bit boot protocol asks for: registers.c */
int registers_set(struct vcpu *vcpu, uint64_t entry);

/** registers_set_all() - the state that every vCPU begins with: registers.c */
int registers_set_all(struct vcpu *vcpu);

/** registers_dump() - print a vCPU's registers: registers.c */
void registers_dump(const struct vcpu *vcpu);

#endif /* KVPCI_VMM_VCPU_H */
