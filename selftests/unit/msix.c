// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts: MSI-X table and pending bits, masks, NO_VECTOR, ISR status and
 * the line (R23 to R27, R35 to R41, R45, R47).
 */
#include "unit.h"
#include "kselftest_harness.h"

#define MSIX_ON		(KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_MASTER)
#define ADDRESS(v)	(0xfee00000ULL + ((v) << 12))
#define DATA(v)		(0x40 + (v))

FIXTURE(msix) {
	struct unit u;
	struct kvpci_msg msg;
};

FIXTURE_SETUP(msix)
{
	struct unit *u = &self->u;

	ASSERT_EQ(0, unit_default(u));
	for (unsigned int v = 0; v < UNIT_VECTORS; v++)
		unit_vector(u, v, ADDRESS(v), DATA(v), UNMASKED);
	kvpci_core_set_irq_flags(&u->core, MSIX_ON);
	unit_run(u);	/* queue 0: vector 1, queue 1: vector 2 */
	cc_write(u, CC_CONFIG_VECTOR, 0);
}

FIXTURE_TEARDOWN(msix)
{
	unit_destroy(&self->u);
}

static bool pending(struct unit *u, unsigned int vector)
{
	u64 word = unit_read(u, KVPCI_REGION_MSIX_PBA, vector / 64 * 8, 8);

	return word >> (vector % 64) & 1;
}

static void mask(struct unit *u, unsigned int vector)
{
	unit_write(u, KVPCI_REGION_MSIX_TABLE, 16 * vector + 12, 4, 1);
}

static void unmask(struct unit *u, unsigned int vector)
{
	unit_write(u, KVPCI_REGION_MSIX_TABLE, 16 * vector + 12, 4, 0);
}

/* The device changes its configuration. Return: what is to be done. */
static u16 change_config(struct unit *u)
{
	u->effect = kvpci_core_config_changed(&u->core);
	return u->effect.bits;
}

TEST_F(msix, sent)
{
	struct unit *u = &self->u;

	EXPECT_EQ(KVPCI_IRQ_SEND, kvpci_core_signal(&u->core, 0, &self->msg));
	EXPECT_EQ(ADDRESS(1), self->msg.address);
	EXPECT_EQ(DATA(1), self->msg.data);
	EXPECT_EQ(KVPCI_IRQ_SEND, kvpci_core_signal(&u->core, 1, &self->msg));
	EXPECT_EQ(DATA(2), self->msg.data);
	EXPECT_EQ(KVPCI_EFFECT_VECTOR, change_config(u));
	EXPECT_EQ(0, u->effect.arg);
	EXPECT_EQ(0, kvpci_core_next_pending(&u->core, 0, &self->msg));
	EXPECT_EQ(DATA(0), self->msg.data);
	EXPECT_FALSE(pending(u, 0));
	EXPECT_FALSE(pending(u, 1));
	EXPECT_FALSE(kvpci_core_intx(&u->core));
}

/* R36: any event to any vector, several to one. */
TEST_F(msix, any_vector)
{
	struct unit *u = &self->u;

	for (u32 v = 0; v < UNIT_VECTORS; v++) {
		cc_write(u, CC_QUEUE_SELECT, 0);
		cc_write(u, CC_QUEUE_VECTOR, v);
		cc_write(u, CC_CONFIG_VECTOR, v);
		ASSERT_EQ(KVPCI_IRQ_SEND,
			  kvpci_core_signal(&u->core, 0, &self->msg));
		EXPECT_EQ(DATA(v), self->msg.data);
		EXPECT_EQ(ADDRESS((u64)v), self->msg.address);
		ASSERT_EQ(KVPCI_EFFECT_VECTOR, change_config(u));
		EXPECT_EQ(v, u->effect.arg);
		ASSERT_EQ((int)v, kvpci_core_next_pending(&u->core, v, &self->msg));
		EXPECT_EQ(DATA(v), self->msg.data);
	}
}

/* R40 */
TEST_F(msix, no_vector)
{
	struct unit *u = &self->u;

	cc_write(u, CC_QUEUE_SELECT, 0);
	cc_write(u, CC_QUEUE_VECTOR, NO_VECTOR);
	EXPECT_EQ(KVPCI_IRQ_DROP, kvpci_core_signal(&u->core, 0, &self->msg));
	cc_write(u, CC_CONFIG_VECTOR, UNIT_VECTORS);	/* R39 */
	EXPECT_EQ(KVPCI_EFFECT_DROPPED, change_config(u));
	EXPECT_EQ(-1, kvpci_core_next_pending(&u->core, 0, &self->msg));
}

TEST_F(msix, masked_vector)
{
	struct unit *u = &self->u;

	mask(u, 1);
	EXPECT_EQ(KVPCI_IRQ_PEND, kvpci_core_signal(&u->core, 0, &self->msg));
	EXPECT_EQ(KVPCI_IRQ_PEND, kvpci_core_signal(&u->core, 0, &self->msg));
	EXPECT_TRUE(pending(u, 1));
	EXPECT_FALSE(pending(u, 0));
	EXPECT_FALSE(pending(u, 2));
	EXPECT_EQ(-1, kvpci_core_next_pending(&u->core, 0, &self->msg));
	/* the others go on */
	EXPECT_EQ(KVPCI_IRQ_SEND, kvpci_core_signal(&u->core, 1, &self->msg));

	unmask(u, 1);
	EXPECT_EQ(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_VECTOR_ONLY |
		  KVPCI_EFFECT_VECTOR, u->effect.bits);
	EXPECT_EQ(1, u->effect.arg);
	EXPECT_EQ(1, kvpci_core_next_pending(&u->core, 0, &self->msg));
	EXPECT_EQ(ADDRESS(1), self->msg.address);
	EXPECT_EQ(DATA(1), self->msg.data);
	EXPECT_FALSE(pending(u, 1));
	/* once */
	EXPECT_EQ(-1, kvpci_core_next_pending(&u->core, 0, &self->msg));
}

/* The message is the table's at the time it is sent, not when it pended. */
TEST_F(msix, message_changes_while_masked)
{
	struct unit *u = &self->u;

	mask(u, 1);
	EXPECT_EQ(KVPCI_IRQ_PEND, kvpci_core_signal(&u->core, 0, &self->msg));
	unit_vector(u, 1, 0xfee77000, 0x99, UNMASKED);
	EXPECT_EQ(1, kvpci_core_next_pending(&u->core, 0, &self->msg));
	EXPECT_EQ(0xfee77000, self->msg.address);
	EXPECT_EQ(0x99, self->msg.data);
}

/* Function mask, MSI-X off, bus master off: nothing passes. */
TEST_F(msix, function_switches)
{
	static const struct {
		u32 flags;
		enum kvpci_verdict verdict;
		bool pends;
	} rows[] = {
		{ MSIX_ON | KVPCI_IRQ_MSIX_MASKALL, KVPCI_IRQ_PEND, true },
		{ KVPCI_IRQ_MSIX_ENABLE, KVPCI_IRQ_PEND, true },
		{ KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_MSIX_MASKALL,
		  KVPCI_IRQ_PEND, true },
		{ MSIX_ON | KVPCI_IRQ_INTX_DISABLE, KVPCI_IRQ_SEND, false },
		{ KVPCI_IRQ_MASTER, KVPCI_IRQ_INTX, false },
		{ 0, KVPCI_IRQ_INTX, false },
	};
	struct unit *u = &self->u;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		kvpci_core_set_irq_flags(&u->core, rows[i].flags);
		EXPECT_EQ(rows[i].verdict,
			  kvpci_core_signal(&u->core, 0, &self->msg))
			TH_LOG("flags %#x", rows[i].flags);
		EXPECT_EQ(rows[i].pends, pending(u, 1));
		EXPECT_EQ(-1, kvpci_core_next_pending(&u->core, 0, &self->msg));
		kvpci_core_set_irq_flags(&u->core, MSIX_ON);
		EXPECT_EQ(rows[i].pends ? 1 : -1,
			  kvpci_core_next_pending(&u->core, 0, &self->msg));
	}
}

/* A vector's own mask holds when the function's is lifted. */
TEST_F(msix, both_masks)
{
	struct unit *u = &self->u;

	mask(u, 1);
	kvpci_core_set_irq_flags(&u->core, MSIX_ON | KVPCI_IRQ_MSIX_MASKALL);
	kvpci_core_signal(&u->core, 0, &self->msg);
	kvpci_core_signal(&u->core, 1, &self->msg);
	kvpci_core_set_irq_flags(&u->core, MSIX_ON);
	EXPECT_EQ(2, kvpci_core_next_pending(&u->core, 0, &self->msg));
	EXPECT_EQ(-1, kvpci_core_next_pending(&u->core, 3, &self->msg));
	EXPECT_TRUE(pending(u, 1));
	unmask(u, 1);
	EXPECT_EQ(1, kvpci_core_next_pending(&u->core, 0, &self->msg));
}

/*
 * A write to the table is about its own vector; a message goes out only if
 * nothing else holds it back.
 */
TEST_F(msix, effect_of_table_writes)
{
	static const struct {
		u32 flags;
		bool pends, masked, live, sends;
	} rows[] = {
		{ MSIX_ON, true, false, true, true },
		{ MSIX_ON, false, false, true, false },
		{ MSIX_ON, true, true, true, false },
		{ MSIX_ON, true, false, false, false },
		{ KVPCI_IRQ_MSIX_ENABLE, true, false, true, false },
		{ KVPCI_IRQ_MASTER, true, false, true, false },
		{ MSIX_ON | KVPCI_IRQ_MSIX_MASKALL, true, false, true, false },
	};
	struct unit *u = &self->u;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		mask(u, 1);
		kvpci_core_set_irq_flags(&u->core, MSIX_ON);
		while (kvpci_core_next_pending(&u->core, 0, &self->msg) >= 0)
			;
		u->core.pending[0] = 0;
		if (rows[i].pends)
			ASSERT_EQ(KVPCI_IRQ_PEND,
				  kvpci_core_signal(&u->core, 0, &self->msg));
		kvpci_core_set_irq_flags(&u->core, rows[i].flags);
		u->core.backend = rows[i].live ? KVPCI_BACKEND_RUNNING :
						 KVPCI_BACKEND_STOPPING;
		if (rows[i].masked)
			mask(u, 1);
		else
			unmask(u, 1);
		EXPECT_EQ(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_VECTOR_ONLY |
			  (rows[i].sends ? KVPCI_EFFECT_VECTOR : 0), u->effect.bits)
			TH_LOG("row %zu", i);
		EXPECT_EQ(1, u->effect.arg);
		u->core.backend = KVPCI_BACKEND_RUNNING;
	}
}

/* All vectors pend and come back, each once, in order. */
TEST_F(msix, next_pending_walk)
{
	struct unit *u = &self->u;
	unsigned int from = 0;
	int v, n = 0;

	kvpci_core_set_irq_flags(&u->core, MSIX_ON | KVPCI_IRQ_MSIX_MASKALL);
	cc_write(u, CC_QUEUE_SELECT, 0);
	for (u32 i = 0; i < UNIT_VECTORS; i++) {
		cc_write(u, CC_QUEUE_VECTOR, i);
		ASSERT_EQ(KVPCI_IRQ_PEND,
			  kvpci_core_signal(&u->core, 0, &self->msg));
	}
	mask(u, 63);
	kvpci_core_set_irq_flags(&u->core, MSIX_ON);
	while ((v = kvpci_core_next_pending(&u->core, from, &self->msg)) >= 0) {
		ASSERT_GE(v, (int)from);
		ASSERT_LT(v, UNIT_VECTORS);
		EXPECT_NE(63, v);
		EXPECT_EQ(DATA(v), (int)self->msg.data);
		from = v + 1;
		n++;
	}
	EXPECT_EQ(UNIT_VECTORS - 1, n);
	EXPECT_TRUE(pending(u, 63));
}

/* The table keeps what is written; reserved bits stay 0. */
TEST_F(msix, table)
{
	struct unit *u = &self->u;

	for (u32 v = 0; v < UNIT_VECTORS; v += 23) {
		u32 at = 16 * v;

		unit_write(u, KVPCI_REGION_MSIX_TABLE, at, 4, ~0U);
		EXPECT_EQ(0xfffffffc,
			  unit_read(u, KVPCI_REGION_MSIX_TABLE, at, 4));
		unit_write(u, KVPCI_REGION_MSIX_TABLE, at + 4, 4, ~0U);
		EXPECT_EQ(~0U, unit_read(u, KVPCI_REGION_MSIX_TABLE, at + 4, 4));
		unit_write(u, KVPCI_REGION_MSIX_TABLE, at + 8, 4, ~0U);
		EXPECT_EQ(~0U, unit_read(u, KVPCI_REGION_MSIX_TABLE, at + 8, 4));
		unit_write(u, KVPCI_REGION_MSIX_TABLE, at + 12, 4, ~0U);
		EXPECT_EQ(1, unit_read(u, KVPCI_REGION_MSIX_TABLE, at + 12, 4));
		/* as two qwords */
		unit_write(u, KVPCI_REGION_MSIX_TABLE, at, 8,
			   0x11223344fee55667);
		EXPECT_EQ(0x11223344fee55664,
			  unit_read(u, KVPCI_REGION_MSIX_TABLE, at, 8));
		unit_write(u, KVPCI_REGION_MSIX_TABLE, at + 8, 8,
			   0xfffffffe00004142);
		EXPECT_EQ(0x4142,
			  unit_read(u, KVPCI_REGION_MSIX_TABLE, at + 8, 8));
	}
}

/* PCI: sub-dword and unaligned accesses; here they do nothing. */
TEST_F(msix, table_other_widths)
{
	static const struct {
		u32 offset, length;
	} rows[] = {
		{ 0, 1 }, { 0, 2 }, { 2, 2 }, { 1, 4 }, { 2, 4 }, { 4, 8 },
		{ 12, 8 }, { 12, 1 }, { 16 * UNIT_VECTORS, 4 },
		{ 16 * UNIT_VECTORS + 0x1000, 8 },
	};
	struct unit *u = &self->u;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(0, unit_read(u, KVPCI_REGION_MSIX_TABLE,
				       rows[i].offset, rows[i].length));
		EXPECT_EQ(KVPCI_EFFECT_OTHER, u->effect.bits);
		unit_write(u, KVPCI_REGION_MSIX_TABLE, rows[i].offset,
			   rows[i].length, ~0ULL);
		EXPECT_EQ(KVPCI_EFFECT_OTHER, u->effect.bits);
	}
	EXPECT_EQ(ADDRESS(0), unit_read(u, KVPCI_REGION_MSIX_TABLE, 0, 8));
	EXPECT_EQ(DATA(0), unit_read(u, KVPCI_REGION_MSIX_TABLE, 8, 8));
}

TEST_F(msix, pba_is_read_only)
{
	struct unit *u = &self->u;

	mask(u, 1);
	kvpci_core_signal(&u->core, 0, &self->msg);
	unit_write(u, KVPCI_REGION_MSIX_PBA, 0, 8, 0);
	EXPECT_EQ(2, unit_read(u, KVPCI_REGION_MSIX_PBA, 0, 8));
	unit_write(u, KVPCI_REGION_MSIX_PBA, 0, 4, ~0U);
	EXPECT_EQ(2, unit_read(u, KVPCI_REGION_MSIX_PBA, 0, 4));
	EXPECT_EQ(0, unit_read(u, KVPCI_REGION_MSIX_PBA, 4, 4));
	EXPECT_EQ(0, unit_read(u, KVPCI_REGION_MSIX_PBA, 8, 8));
	EXPECT_EQ(0, unit_read(u, KVPCI_REGION_MSIX_PBA, 16, 8));
	EXPECT_EQ(0, unit_read(u, KVPCI_REGION_MSIX_PBA, 0, 1));
	EXPECT_EQ(0, unit_read(u, KVPCI_REGION_MSIX_PBA, 2, 4));
}

/* The halves of the PBA's words, and the last word. */
TEST_F(msix, pba_words)
{
	static const u32 vectors[] = { 0, 31, 32, 63, 64, UNIT_VECTORS - 1 };
	struct unit *u = &self->u;

	kvpci_core_set_irq_flags(&u->core, MSIX_ON | KVPCI_IRQ_MSIX_MASKALL);
	cc_write(u, CC_QUEUE_SELECT, 0);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		cc_write(u, CC_QUEUE_VECTOR, vectors[i]);
		kvpci_core_signal(&u->core, 0, &self->msg);
	}
	EXPECT_EQ(0x80000001, unit_read(u, KVPCI_REGION_MSIX_PBA, 0, 4));
	EXPECT_EQ(0x80000001, unit_read(u, KVPCI_REGION_MSIX_PBA, 4, 4));
	EXPECT_EQ(0x8000000180000001,
		  unit_read(u, KVPCI_REGION_MSIX_PBA, 0, 8));
	EXPECT_EQ(BIT(0) | BIT(UNIT_VECTORS - 1 - 64),
		  unit_read(u, KVPCI_REGION_MSIX_PBA, 8, 8));
}

/* After creation every vector is masked. */
TEST_F(msix, masked_at_first)
{
	struct unit u;

	ASSERT_EQ(0, unit_default(&u));
	for (u32 v = 0; v < UNIT_VECTORS; v++) {
		EXPECT_EQ(1, unit_read(&u, KVPCI_REGION_MSIX_TABLE,
				       16 * v + 12, 4));
		EXPECT_EQ(0, unit_read(&u, KVPCI_REGION_MSIX_TABLE,
				       16 * v, 8));
	}
	unit_destroy(&u);
}

/*
 * A virtio reset unmaps and forgets what was pending, but the MSI-X table is
 * the PCI function's and stays (2.4).
 */
TEST_F(msix, reset_keeps_the_table)
{
	struct unit *u = &self->u;

	mask(u, 1);
	kvpci_core_signal(&u->core, 0, &self->msg);
	cc_write(u, CC_STATUS, 0);
	ASSERT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
	ASSERT_EQ(0, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	EXPECT_FALSE(pending(u, 1));
	EXPECT_EQ(ADDRESS(5), unit_read(u, KVPCI_REGION_MSIX_TABLE, 80, 8));
	EXPECT_EQ(DATA(5), unit_read(u, KVPCI_REGION_MSIX_TABLE, 88, 8));
	unmask(u, 1);
	EXPECT_EQ(-1, kvpci_core_next_pending(&u->core, 0, &self->msg));
	EXPECT_EQ(MSIX_ON, u->core.irq_flags);
}

/* R41, R45, R47: when no notification may be sent at all. */
TEST_F(msix, life_cycle)
{
	struct unit *u = &self->u;

	/* not for a queue that is not enabled */
	EXPECT_EQ(KVPCI_IRQ_DROP, kvpci_core_signal(&u->core, 2, &self->msg));
	/* not for one under reset */
	cc_write(u, CC_QUEUE_SELECT, 0);
	cc_write(u, CC_QUEUE_RESET, 1);
	EXPECT_EQ(KVPCI_IRQ_DROP, kvpci_core_signal(&u->core, 0, &self->msg));
	EXPECT_EQ(KVPCI_IRQ_SEND, kvpci_core_signal(&u->core, 1, &self->msg));
	/* not after reset, finished or not */
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(KVPCI_IRQ_DROP, kvpci_core_signal(&u->core, 1, &self->msg));
	EXPECT_EQ(0, change_config(u));
	ASSERT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
	ASSERT_EQ(0, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	EXPECT_EQ(KVPCI_IRQ_DROP, kvpci_core_signal(&u->core, 1, &self->msg));
	/* not before DRIVER_OK */
	unit_negotiate(u);
	unit_queue(u, 1, 64);
	cc_write(u, CC_CONFIG_VECTOR, 0);
	EXPECT_EQ(KVPCI_IRQ_DROP, kvpci_core_signal(&u->core, 1, &self->msg));
	EXPECT_EQ(0, change_config(u));
	EXPECT_EQ(0, unit_read(u, KVPCI_REGION_ISR, 0, 1));
	cc_write(u, CC_STATUS, ST_RUNNING);
	EXPECT_EQ(-1, kvpci_core_next_pending(&u->core, 0, &self->msg));
	EXPECT_EQ(KVPCI_IRQ_SEND, kvpci_core_signal(&u->core, 1, &self->msg));
}

/* R25, R26, R27 */
TEST_F(msix, isr_and_line)
{
	static const u8 isr[] = { 1, 1, 2 };	/* two queues, configuration */
	struct unit *u = &self->u;

	kvpci_core_set_irq_flags(&u->core, KVPCI_IRQ_MASTER);
	for (u32 source = 0; source < ARRAY_SIZE(isr); source++) {
		EXPECT_FALSE(kvpci_core_intx(&u->core));
		if (source < 2) {
			EXPECT_EQ(KVPCI_IRQ_INTX,
				  kvpci_core_signal(&u->core, source, &self->msg));
		} else {
			EXPECT_EQ(KVPCI_EFFECT_LINE, change_config(u));
		}
		EXPECT_TRUE(kvpci_core_intx(&u->core));
		EXPECT_TRUE(kvpci_core_intx_status(&u->core));
		EXPECT_EQ(isr[source], unit_read(u, KVPCI_REGION_ISR, 0, 1));
		EXPECT_EQ(KVPCI_EFFECT_LINE, u->effect.bits);
		EXPECT_FALSE(kvpci_core_intx(&u->core));
		EXPECT_FALSE(kvpci_core_intx_status(&u->core));
		EXPECT_EQ(0, unit_read(u, KVPCI_REGION_ISR, 0, 1));
		EXPECT_EQ(0, u->effect.bits);
	}
	/* both causes at once */
	kvpci_core_signal(&u->core, 1, &self->msg);
	change_config(u);
	EXPECT_EQ(3, unit_read(u, KVPCI_REGION_ISR, 0, 1));
	/* read only */
	kvpci_core_signal(&u->core, 1, &self->msg);
	unit_write(u, KVPCI_REGION_ISR, 0, 1, 0);
	unit_write(u, KVPCI_REGION_ISR, 0, 1, 0xff);
	EXPECT_EQ(1, unit_read(u, KVPCI_REGION_ISR, 0, 1));
}

/* The line obeys Command; Status.Interrupt does not (R26). */
TEST_F(msix, line_disabled)
{
	struct unit *u = &self->u;

	kvpci_core_set_irq_flags(&u->core, KVPCI_IRQ_INTX_DISABLE);
	kvpci_core_signal(&u->core, 0, &self->msg);
	EXPECT_FALSE(kvpci_core_intx(&u->core));
	EXPECT_TRUE(kvpci_core_intx_status(&u->core));
	kvpci_core_set_irq_flags(&u->core, 0);
	EXPECT_TRUE(kvpci_core_intx(&u->core));
	/* MSI-X takes over: the line falls */
	kvpci_core_set_irq_flags(&u->core, MSIX_ON);
	EXPECT_FALSE(kvpci_core_intx(&u->core));
	EXPECT_FALSE(kvpci_core_intx_status(&u->core));
}

/* Without MSI-X the vectors do not matter, and bus mastering neither. */
TEST_F(msix, line_without_vector)
{
	struct unit *u = &self->u;

	kvpci_core_set_irq_flags(&u->core, 0);
	cc_write(u, CC_QUEUE_SELECT, 0);
	cc_write(u, CC_QUEUE_VECTOR, NO_VECTOR);
	EXPECT_EQ(KVPCI_IRQ_INTX, kvpci_core_signal(&u->core, 0, &self->msg));
	EXPECT_TRUE(kvpci_core_intx(&u->core));
}

/* A reset clears ISR and so lowers the line, at once or when acknowledged. */
TEST_F(msix, reset_lowers_the_line)
{
	struct unit *u = &self->u;

	kvpci_core_set_irq_flags(&u->core, 0);
	kvpci_core_signal(&u->core, 0, &self->msg);
	cc_write(u, CC_STATUS, 0);
	ASSERT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
	ASSERT_EQ(0, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	EXPECT_FALSE(kvpci_core_intx_status(&u->core));

	unit_start(u);
	kvpci_core_signal(&u->core, 0, &self->msg);
	EXPECT_TRUE(kvpci_core_intx(&u->core));
	cc_write(u, CC_STATUS, 0);
	EXPECT_EQ(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_LINE |
		  KVPCI_EFFECT_EVENT_GONE, u->effect.bits);
	EXPECT_FALSE(kvpci_core_intx(&u->core));
	EXPECT_EQ(0, unit_read(u, KVPCI_REGION_ISR, 0, 1));
}

/* R24: with MSI-X too, a configuration change sets its ISR bit. */
TEST_F(msix, isr_config_bit_with_msix)
{
	struct unit *u = &self->u;

	kvpci_core_signal(&u->core, 0, &self->msg);
	EXPECT_EQ(0, unit_read(u, KVPCI_REGION_ISR, 0, 1));
	change_config(u);
	EXPECT_EQ(2, unit_read(u, KVPCI_REGION_ISR, 0, 1));
}

/* R45: what waits for its mask when the driver resets is not sent any more. */
TEST_F(msix, unmasked_while_stopping)
{
	struct unit *u = &self->u;

	mask(u, 1);
	EXPECT_EQ(KVPCI_IRQ_PEND, kvpci_core_signal(&u->core, 0, &self->msg));
	cc_write(u, CC_STATUS, 0);
	unmask(u, 1);
	EXPECT_EQ(-1, kvpci_core_next_pending(&u->core, 0, &self->msg));
	ASSERT_EQ(KVPCI_EVENT_STOP, unit_event(u, NULL));
	EXPECT_EQ(-1, kvpci_core_next_pending(&u->core, 0, &self->msg));
	ASSERT_EQ(0, unit_ack(u, KVPCI_EVENT_STOP, KVPCI_EVENT_NO_QUEUE));
	EXPECT_EQ(-1, kvpci_core_next_pending(&u->core, 0, &self->msg));
	EXPECT_FALSE(pending(u, 1));
}

/* A function level reset does not keep it. */
TEST_F(msix, function_reset)
{
	struct unit *u = &self->u;

	mask(u, 1);
	kvpci_core_signal(&u->core, 0, &self->msg);
	kvpci_core_msix_reset(&u->core);
	EXPECT_EQ(0, u->core.irq_flags);
	EXPECT_EQ(0, unit_read(u, KVPCI_REGION_MSIX_PBA, 0, 8));
	for (u32 v = 0; v < UNIT_VECTORS; v++) {
		EXPECT_EQ(0, unit_read(u, KVPCI_REGION_MSIX_TABLE, 16 * v, 8));
		EXPECT_EQ(1ULL << 32,
			  unit_read(u, KVPCI_REGION_MSIX_TABLE, 16 * v + 8, 8));
	}
}

/* The line falls with the reset, though the backend has yet to stop. */
TEST_F(msix, reset_lowers_the_line_before_stop)
{
	struct unit *u = &self->u;

	kvpci_core_set_irq_flags(&u->core, 0);
	kvpci_core_signal(&u->core, 0, &self->msg);
	ASSERT_TRUE(kvpci_core_intx(&u->core));
	cc_write(u, CC_STATUS, 0);
	EXPECT_FALSE(kvpci_core_intx(&u->core));
	EXPECT_FALSE(kvpci_core_intx_status(&u->core));
}

/* What pends in D3hot goes out in D0, and the line comes back. */
TEST_F(msix, powered_down)
{
	const u32 d3hot = KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_INTX_DISABLE;
	struct unit *u = &self->u;
	struct kvpci_effect effect;

	effect = kvpci_core_set_irq_flags(&u->core, d3hot);
	EXPECT_EQ(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_PENDING | KVPCI_EFFECT_LINE,
		  effect.bits);
	EXPECT_EQ(KVPCI_IRQ_PEND, kvpci_core_signal(&u->core, 0, &self->msg));
	EXPECT_EQ(KVPCI_EFFECT_PENDED, change_config(u));
	EXPECT_EQ(-1, kvpci_core_next_pending(&u->core, 0, &self->msg));
	unmask(u, 1);
	EXPECT_EQ(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_VECTOR_ONLY, u->effect.bits);
	effect = kvpci_core_set_irq_flags(&u->core, MSIX_ON);
	EXPECT_EQ(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_PENDING | KVPCI_EFFECT_LINE,
		  effect.bits);
	EXPECT_EQ(0, kvpci_core_next_pending(&u->core, 0, &self->msg));
	EXPECT_EQ(1, kvpci_core_next_pending(&u->core, 1, &self->msg));
	EXPECT_EQ(-1, kvpci_core_next_pending(&u->core, 0, &self->msg));
	EXPECT_EQ(2, unit_read(u, KVPCI_REGION_ISR, 0, 1));

	kvpci_core_set_irq_flags(&u->core, KVPCI_IRQ_INTX_DISABLE);
	EXPECT_EQ(KVPCI_IRQ_INTX, kvpci_core_signal(&u->core, 0, &self->msg));
	EXPECT_FALSE(kvpci_core_intx(&u->core));
	EXPECT_TRUE(kvpci_core_intx_status(&u->core));
	kvpci_core_set_irq_flags(&u->core, KVPCI_IRQ_MASTER);
	EXPECT_TRUE(kvpci_core_intx(&u->core));
}

/* kvpci_core_pend() gives back what kvpci_core_next_pending() gave. */
TEST_F(msix, not_sent_after_all)
{
	struct unit *u = &self->u;

	mask(u, 1);
	EXPECT_EQ(KVPCI_IRQ_PEND, kvpci_core_signal(&u->core, 0, &self->msg));
	unmask(u, 1);
	ASSERT_EQ(1, kvpci_core_next_pending(&u->core, 0, &self->msg));
	kvpci_core_pend(&u->core, 1);
	EXPECT_TRUE(pending(u, 1));
	EXPECT_EQ(1, kvpci_core_next_pending(&u->core, 0, &self->msg));
	EXPECT_EQ(DATA(1), self->msg.data);
	EXPECT_FALSE(pending(u, 1));
}

TEST_HARNESS_MAIN
