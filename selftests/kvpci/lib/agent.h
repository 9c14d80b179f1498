/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mailbox between a test and the guest agent; agent.S and guest.c include
 * it. All offsets are from the vCPU's mailbox, which the agent keeps in r15.
 */
#ifndef KVPCI_SELFTEST_AGENT_H
#define KVPCI_SELFTEST_AGENT_H

/* What the agent is asked to do: MAILBOX_OP. */
#define AGENT_SCRIPT	0	/* run the script MAILBOX_REPEAT times */
#define AGENT_WINDOW	1	/* take at most one interrupt, or none */
#define AGENT_WAIT	2	/* halt until one interrupt came */

/* Ports by which the agent leaves to userspace; al: nothing in particular. */
#define AGENT_PORT_DONE		0xf4
#define AGENT_PORT_FAULT	0xf5

#define MAILBOX_OP		0x000	/* u32 */
#define MAILBOX_ENTRIES		0x004	/* u32: of the script */
#define MAILBOX_REPEAT		0x008	/* u64: 0: until stopped */
#define MAILBOX_STOP		0x010	/* u32: not 0: end the script */
#define MAILBOX_LAST		0x014	/* u32: vector taken, or ~0 */
#define MAILBOX_TSC		0x018	/* u64: cycles the script took */
#define MAILBOX_PASSES		0x020	/* u64: times the script was run */
#define MAILBOX_FAULT_VECTOR	0x028	/* u64 */
#define MAILBOX_FAULT_STACK	0x030	/* u64: where the frame is */
#define MAILBOX_FAULT_CR2	0x038	/* u64 */
#define MAILBOX_COUNTS		0x400	/* u32[256]: interrupts by vector */
#define MAILBOX_SCRIPT		0x1000	/* entries, see below */
#define MAILBOX_SCRIPT_MAX	128
#define MAILBOX_STACK_TOP	0x4000
#define MAILBOX_SIZE		0x4000

/* One access of the script. */
#define ENTRY_SLOT		0x00	/* u64: kind * 4 + log2(width) */
#define ENTRY_ADDR		0x08	/* u64: address or port */
#define ENTRY_VALUE		0x10	/* u64: written, or what was read */
#define ENTRY_SIZE		0x20

#define ACCESS_READ	0
#define ACCESS_WRITE	1
#define ACCESS_IN	2
#define ACCESS_OUT	3

/* Each interrupt stub's and each access's bytes. */
#define AGENT_SLOT_SIZE	16

#endif /* KVPCI_SELFTEST_AGENT_H */
