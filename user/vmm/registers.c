// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPU registers: their values at the start, and the print of them when a guest
 * ends badly.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include "boot.h"
#include "report.h"
#include "vcpu.h"

#define CR0_PE			(1ULL << 0)
#define CR0_ET			(1ULL << 4)
#define CR0_NE			(1ULL << 5)
#define CR0_PG			(1ULL << 31)
#define CR4_PAE			(1ULL << 5)
#define EFER_LME		(1ULL << 8)
#define EFER_LMA		(1ULL << 10)
#define RFLAGS_ALWAYS		(1ULL << 1)

#define MSR_MISC_ENABLE		0x1a0
#define MISC_ENABLE_FAST_STRING	(1ULL << 0)
#define MSR_MTRR_DEF_TYPE	0x2ff
#define MTRR_ENABLE		(1ULL << 11)
#define MTRR_WRITE_BACK		6ULL

/* Firmware's part: memory is cached unless something says otherwise. */
int registers_set_all(struct vcpu *vcpu)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[2];
	} msrs = {
		.head.nmsrs = 2,
		.entries = {
			{ .index = MSR_MTRR_DEF_TYPE,
			  .data = MTRR_ENABLE | MTRR_WRITE_BACK },
			{ .index = MSR_MISC_ENABLE,
			  .data = MISC_ENABLE_FAST_STRING },
		},
	};

	if (ioctl(vcpu->fd, KVM_SET_MSRS, &msrs) < 0)
		return report_error(-errno, "KVM_SET_MSRS");
	return 0;
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool code)
{
	return (struct kvm_segment) {
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.g = 1,
		.l = code,
		.db = !code,
	};
}

int registers_set(struct vcpu *vcpu, uint64_t entry)
{
	struct kvm_regs regs = {
		.rip = entry,
		.rsi = BOOT_PARAMS,
		.rsp = BOOT_STACK,
		.rbp = BOOT_STACK,
		.rflags = RFLAGS_ALWAYS,
	};
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return report_error(-errno, "KVM_GET_SREGS");
	sregs.cs = segment(BOOT_CS, 0xb, true);
	sregs.ds = segment(BOOT_DS, 0x3, false);
	sregs.es = sregs.ds;
	sregs.fs = sregs.ds;
	sregs.gs = sregs.ds;
	sregs.ss = sregs.ds;
	sregs.gdt.base = BOOT_GDT;
	sregs.gdt.limit = BOOT_DS + 7;
	sregs.idt.base = 0;
	sregs.idt.limit = 0;
	sregs.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_PG;
	sregs.cr3 = BOOT_PAGES;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs))
		return report_error(-errno, "KVM_SET_SREGS");
	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs))
		return report_error(-errno, "KVM_SET_REGS");
	return 0;
}

void registers_dump(const struct vcpu *vcpu)
{
	struct kvm_sregs s;
	struct kvm_regs r;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &r) ||
	    ioctl(vcpu->fd, KVM_GET_SREGS, &s)) {
		report("vCPU %u: its registers cannot be read", vcpu->id);
		return;
	}
	report(" rip %016llx rflags %08llx cs %04x ss %04x", r.rip, r.rflags,
	       s.cs.selector, s.ss.selector);
	report(" rax %016llx rbx %016llx rcx %016llx rdx %016llx", r.rax, r.rbx,
	       r.rcx, r.rdx);
	report(" rsi %016llx rdi %016llx rbp %016llx rsp %016llx", r.rsi, r.rdi,
	       r.rbp, r.rsp);
	report(" r8  %016llx r9  %016llx r10 %016llx r11 %016llx", r.r8, r.r9,
	       r.r10, r.r11);
	report(" r12 %016llx r13 %016llx r14 %016llx r15 %016llx", r.r12, r.r13,
	       r.r14, r.r15);
	report(" cr0 %08llx cr2 %016llx cr3 %016llx cr4 %08llx efer %04llx",
	       s.cr0, s.cr2, s.cr3, s.cr4, s.efer);
	report(" gdt %016llx limit %04x idt %016llx limit %04x", s.gdt.base,
	       s.gdt.limit, s.idt.base, s.idt.limit);
}
