/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest agent: all the code the guest runs, in ring 0 of long mode. It
 * makes accesses from a list and takes interrupts one at a time.
 *
 * Interrupts are off but in AGENT_WINDOW and AGENT_WAIT, and the handler
 * returns with interrupts off. So a window takes at most one interrupt however
 * many wait, even one whose line stays raised, and a test counts exactly.
 *
 * Position-independent: guest.c copies it to where it likes.
 *	r15: mailbox
 */
#include "agent.h"

	.section .rodata
	.global agent_code, agent_stubs, agent_code_end
	.balign 16
agent_code:
	movl	MAILBOX_OP(%r15), %eax
	cmpl	$AGENT_WINDOW, %eax
	je	window
	cmpl	$AGENT_WAIT, %eax
	je	wait

	/* --- script --- */
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	movq	%rax, %r14
	xorl	%r13d, %r13d			/* passes */
pass:
	leaq	MAILBOX_SCRIPT(%r15), %rsi
	movl	MAILBOX_ENTRIES(%r15), %ebx
entry:
	movq	ENTRY_SLOT(%rsi), %rcx
	shlq	$4, %rcx
	leaq	slots(%rip), %rdi
	addq	%rcx, %rdi
	movq	ENTRY_ADDR(%rsi), %rdx
	movq	ENTRY_VALUE(%rsi), %rax
	jmp	*%rdi

	.balign 16
slots:
	/* reads */
	movzbl	(%rdx), %eax
	jmp	store
	.balign 16
	movzwl	(%rdx), %eax
	jmp	store
	.balign 16
	movl	(%rdx), %eax
	jmp	store
	.balign 16
	movq	(%rdx), %rax
	jmp	store
	/* writes */
	.balign 16
	movb	%al, (%rdx)
	jmp	next
	.balign 16
	movw	%ax, (%rdx)
	jmp	next
	.balign 16
	movl	%eax, (%rdx)
	jmp	next
	.balign 16
	movq	%rax, (%rdx)
	jmp	next
	/* in */
	.balign 16
	xorl	%eax, %eax
	inb	%dx, %al
	jmp	store
	.balign 16
	xorl	%eax, %eax
	inw	%dx, %ax
	jmp	store
	.balign 16
	inl	%dx, %eax
	jmp	store
	.balign 16
	ud2
	/* out */
	.balign 16
	outb	%al, %dx
	jmp	next
	.balign 16
	outw	%ax, %dx
	jmp	next
	.balign 16
	outl	%eax, %dx
	jmp	next
	.balign 16
	ud2

	.balign 16
store:
	movq	%rax, ENTRY_VALUE(%rsi)
next:
	addq	$ENTRY_SIZE, %rsi
	decl	%ebx
	jnz	entry
	incq	%r13
	cmpl	$0, MAILBOX_STOP(%r15)
	jne	passed
	cmpq	MAILBOX_REPEAT(%r15), %r13	/* never equal to 0 */
	jne	pass
passed:
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	subq	%r14, %rax
	movq	%rax, MAILBOX_TSC(%r15)
	movq	%r13, MAILBOX_PASSES(%r15)
	jmp	done

window:
	movl	$-1, MAILBOX_LAST(%r15)
	sti
	nop
	nop
	cli
	jmp	done

wait:
	movl	$-1, MAILBOX_LAST(%r15)
	sti
	hlt
	cli
done:
	outb	%al, $AGENT_PORT_DONE
	jmp	agent_code

	/* --- interrupts --- */
	/* stack: rcx, rax, vector, rip, cs, rflags, rsp, ss */
interrupt:
	pushq	%rax
	pushq	%rcx
	movq	16(%rsp), %rax
	cmpq	$32, %rax
	jb	fault
	incl	MAILBOX_COUNTS(%r15, %rax, 4)
	movl	%eax, MAILBOX_LAST(%r15)
	movl	$0xfee000b0, %ecx		/* local APIC: EOI */
	movl	$0, (%rcx)
	andq	$~0x200, 40(%rsp)		/* return with interrupts off */
	popq	%rcx
	popq	%rax
	addq	$8, %rsp
	iretq

fault:
	movq	%rax, MAILBOX_FAULT_VECTOR(%r15)
	movq	%rsp, MAILBOX_FAULT_STACK(%r15)
	movq	%cr2, %rax
	movq	%rax, MAILBOX_FAULT_CR2(%r15)
	outb	%al, $AGENT_PORT_FAULT
1:	hlt
	jmp	1b

	.balign 16
agent_stubs:
	vector = 0
	.rept 256
	.balign AGENT_SLOT_SIZE
	pushq	$vector
	jmp	interrupt
	vector = vector + 1
	.endr
agent_code_end:

	.section .note.GNU-stack, "", @progbits
