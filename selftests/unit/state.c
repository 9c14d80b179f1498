// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saved and restored: every state that there is, and none that there is not. (The
 * fuzzer moves the device from core to core all the time.)
 */
#include "unit.h"
#include "kselftest_harness.h"

FIXTURE(state) {
	struct unit u;		/* the one that is saved */
	struct unit v;		/* the same, fresh */
	struct unit_state s;
};

static void create(struct unit *u)
{
	unit_describe(u);
	unit_offer(u, F_SUSPEND);
	unit_offer(u, F_NOTIFICATION_DATA);
	unit_offer(u, F_ADMIN_VQ);
	u->desc.num_admin_queues = 1;
	if (unit_create(u))
		abort();
}

FIXTURE_SETUP(state)
{
	create(&self->u);
	create(&self->v);
}

FIXTURE_TEARDOWN(state)
{
	unit_destroy(&self->u);
	unit_destroy(&self->v);
}

/* Each leaves the device in another state of the backend. */

static void rest(struct unit *u)
{
	cc_write(u, CC_STATUS, ST_ACKNOWLEDGE);
}

static void suspend(struct unit *u)
{
	unit_run(u);
	cc_write(u, CC_STATUS, ST_RUNNING | ST_SUSPEND);
}

static void suspended(struct unit *u)
{
	suspend(u);
	if (unit_event(u, NULL) != KVPCI_EVENT_SUSPEND ||
	    unit_ack(u, KVPCI_EVENT_SUSPEND, KVPCI_EVENT_NO_QUEUE))
		abort();
}

static void resume(struct unit *u)
{
	suspended(u);
	cc_write(u, CC_STATUS, ST_READY | ST_SUSPEND | ST_DRIVER_OK);
}

static void stop(struct unit *u)
{
	unit_run(u);
	cc_write(u, CC_STATUS, 0);
}

static const struct {
	const char *name;
	void (*reach)(struct unit *u);
	enum kvpci_backend backend;
	u32 event;		/* that waits, before and after */
} states[] = {
	{ "at rest", rest, KVPCI_BACKEND_STOPPED, 0 },
	{ "starting", unit_start, KVPCI_BACKEND_STARTING, KVPCI_EVENT_START },
	{ "running", unit_run, KVPCI_BACKEND_RUNNING, 0 },
	{ "suspending", suspend, KVPCI_BACKEND_SUSPENDING, KVPCI_EVENT_SUSPEND },
	{ "suspended", suspended, KVPCI_BACKEND_SUSPENDED, 0 },
	{ "resuming", resume, KVPCI_BACKEND_RESUMING, KVPCI_EVENT_RESUME },
	{ "stopping", stop, KVPCI_BACKEND_STOPPING, KVPCI_EVENT_STOP },
};

TEST(every_backend_state)
{
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		struct unit u, v;
		struct unit_state s;

		create(&u);
		create(&v);
		states[i].reach(&u);
		ASSERT_EQ(0, unit_save(&u, &s));
		EXPECT_EQ(states[i].backend, s.registers.backend)
			TH_LOG("%s", states[i].name);
		ASSERT_EQ(0, unit_restore(&v, &s)) TH_LOG("%s", states[i].name);
		EXPECT_EQ(!!states[i].event, !!(v.effect.bits & KVPCI_EFFECT_EVENT));
		EXPECT_EQ(cc_read(&u, CC_STATUS), cc_read(&v, CC_STATUS));
		EXPECT_EQ(states[i].event, unit_event(&v, NULL))
			TH_LOG("%s", states[i].name);
		/* And not over what it is in now. */
		EXPECT_EQ(-EBUSY, unit_restore(&v, &s));
		unit_destroy(&u);
		unit_destroy(&v);
	}
}

/* All that is new to the VMM is that it has to start the backend by itself. */
TEST_F(state, goes_on)
{
	struct unit *u = &self->u, *v = &self->v;
	struct kvpci_event event;
	struct kvpci_msg msg;

	unit_vector(u, 1, 0xfee00000, 0x41, MASKED);
	unit_vector(u, 2, 0xfee00000, 0x42, UNMASKED);
	kvpci_core_set_irq_flags(&u->core, KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_MASTER);
	unit_run(u);
	unit_bar_write(u, UNIT_BAR_MEM, 0x1000 + 4, 4, 0x80050001);
	ASSERT_EQ(KVPCI_DOORBELL_KICK, u->doorbell);
	ASSERT_EQ(KVPCI_IRQ_PEND, kvpci_core_signal(&u->core, 0, &msg));
	cc_write(u, CC_QUEUE_SELECT, 1);
	cc_write(u, CC_QUEUE_RESET, 1);
	ASSERT_EQ(0, unit_save(u, &self->s));
	ASSERT_EQ(0, unit_restore(v, &self->s));

	EXPECT_EQ(0x80050001, v->core.queues[1].notification);
	EXPECT_EQ(1, cc_read(v, CC_QUEUE_RESET));
	ASSERT_EQ(KVPCI_EVENT_QUEUE_STOP, unit_event(v, &event));
	EXPECT_EQ(1, event.queue);
	EXPECT_EQ(0, unit_ack(v, KVPCI_EVENT_QUEUE_STOP, 1));
	EXPECT_EQ(0, cc_read(v, CC_QUEUE_RESET));

	/* The pending vector, once it is unmasked. */
	EXPECT_EQ(-1, kvpci_core_next_pending(&v->core, 0, &msg));
	unit_vector(v, 1, 0xfee00000, 0x41, UNMASKED);
	EXPECT_EQ(1, kvpci_core_next_pending(&v->core, 0, &msg));
	EXPECT_EQ(0x41, msg.data);
	/* A doorbell is of the form that was agreed on. */
	unit_bar_write(v, UNIT_BAR_MEM, 0x1000, 2, 0);
	EXPECT_EQ(KVPCI_DOORBELL_OTHER, v->doorbell);
	unit_bar_write(v, UNIT_BAR_MEM, 0x1000, 4, 0);
	EXPECT_EQ(KVPCI_DOORBELL_KICK, v->doorbell);
}

/* A signal that was put off, and a configuration change of a suspended device. */
TEST_F(state, what_is_due)
{
	struct unit *u = &self->u, *v = &self->v;
	struct kvpci_msg msg;

	unit_vector(u, 1, 0xfee00000, 0x41, UNMASKED);
	kvpci_core_set_irq_flags(&u->core, KVPCI_IRQ_MSIX_ENABLE | KVPCI_IRQ_MASTER);
	unit_run(u);
	ASSERT_EQ(KVPCI_IRQ_SEND, kvpci_core_signal(&u->core, 0, &msg));
	kvpci_core_defer(&u->core, 0);
	ASSERT_EQ(0, unit_save(u, &self->s));
	EXPECT_EQ(2, self->s.pending[0]);
	EXPECT_EQ(0, u->core.pending[0]);
	ASSERT_EQ(0, unit_restore(v, &self->s));
	EXPECT_NE(0, v->effect.bits & KVPCI_EFFECT_PENDING);
	EXPECT_EQ(1, kvpci_core_next_pending(&v->core, 0, &msg));
}

TEST_F(state, change_while_suspended)
{
	struct unit *u = &self->u, *v = &self->v;

	suspended(u);
	kvpci_core_fail(&u->core);
	ASSERT_EQ(0, unit_save(u, &self->s));
	EXPECT_EQ(1, self->s.registers.config_changed);
	ASSERT_EQ(0, unit_restore(v, &self->s));
	cc_write(v, CC_STATUS, ST_READY | ST_SUSPEND | ST_DRIVER_OK);
	EXPECT_EQ(2, unit_read(v, KVPCI_REGION_ISR, 0, 1));
}

TEST_F(state, silence)
{
	struct kvpci_effect effect;

	suspend(&self->u);
	ASSERT_EQ(KVPCI_EVENT_SUSPEND, unit_event(&self->u, NULL));
	ASSERT_EQ(0, kvpci_core_silence(&self->u.core, &effect));
	EXPECT_EQ(-EBUSY, unit_save(&self->u, &self->s));
}

/* --- what there is not -------------------------------------------------------- */

#define AT(field)	offsetof(struct unit_state, field)

static const struct {
	const char *what;
	void (*reach)(struct unit *u);
	size_t at, size;
	u64 value;
} refused[] = {
	{ "reserved", unit_run, AT(registers.__reserved), 1, 1 },
	{ "config vector", unit_run, AT(registers.config_msix_vector), 2, UNIT_VECTORS },
	{ "no such backend", unit_run, AT(registers.backend), 1, 7 },
	{ "DRIVER_OK, stopped", unit_run, AT(registers.backend), 1, KVPCI_BACKEND_STOPPED },
	{ "starting without START", unit_run, AT(registers.backend), 1, KVPCI_BACKEND_STARTING },
	{ "running with START", unit_start, AT(registers.backend), 1, KVPCI_BACKEND_RUNNING },
	{ "resuming without RESUME", unit_run, AT(registers.backend), 1, KVPCI_BACKEND_RESUMING },
	{ "suspended with DRIVER_OK", suspended, AT(registers.device_status), 1, 0x1f },
	{ "stopping, at rest", stop, AT(registers.device_status), 1, ST_READY },
	{ "DRIVER_OK without FEATURES_OK", unit_run,
	  AT(registers.device_status), 1, ST_RUNNING & ~ST_FEATURES_OK },
	{ "features not offered", unit_run, AT(registers.driver_features[0]), 8, ~0ULL },
	{ "no VERSION_1", unit_run, AT(registers.driver_features[0]), 8, 0 },
	{ "an event of no kind", unit_run, AT(registers.events), 2, 1 },
	{ "an event of a queue", unit_run, AT(registers.events), 2, 1 << KVPCI_EVENT_QUEUE_START },
	{ "STOP while running", unit_run, AT(registers.events), 2, 1 << KVPCI_EVENT_STOP },
	{ "FAILED, not failed", unit_run, AT(registers.events), 2, 1 << KVPCI_EVENT_FAILED },
	{ "turn", unit_run, AT(registers.next_event), 2, UNIT_QUEUES + 1 },
	{ "generation", unit_run, AT(registers.config_generation), 1, 2 },
	{ "generation", unit_run, AT(registers.generation_read), 1, 1 },
	{ "change, not suspended", unit_run, AT(registers.config_changed), 1, 1 },
	{ "change", suspended, AT(registers.config_changed), 1, 2 },
	{ "ISR", unit_run, AT(registers.isr), 1, 4 },
	{ "ISR, stopping", stop, AT(registers.isr), 1, 1 },
	{ "ISR, at rest", rest, AT(registers.isr), 1, 1 },
	{ "PCI side", unit_run, AT(registers.irq_flags), 1, 16 },
	{ "pending, at rest", rest,
	  AT(pending), 8, 2 },
	{ "pending beyond the vectors", unit_run,
	  AT(pending[1]), 8, 1 << (UNIT_VECTORS - 64) },
	{ "low bits of an address", unit_run, AT(vectors[3].word[0]), 4, 0xfee00001 },
	{ "vector control", unit_run, AT(vectors[UNIT_VECTORS - 1].word[3]), 4, 2 },
	{ "no size", unit_run, AT(queues[0].size), 2, 0 },
	{ "odd size", unit_run, AT(queues[0].size), 2, 100 },
	{ "size too large", unit_run, AT(queues[0].size), 2, 0x8000 },
	{ "vector of a queue", unit_run, AT(queues[0].msix_vector), 2, UNIT_VECTORS },
	{ "enabled", unit_run, AT(queues[0].enabled), 1, 2 },
	{ "reset without its phase", unit_run, AT(queues[0].reset), 1, 1 },
	{ "phase without reset", unit_run, AT(queues[0].phase), 1, KVPCI_QUEUE_STOP_READ },
	{ "no such phase", unit_run, AT(queues[0].phase), 1, 4 },
	{ "phase, at rest", unit_start, AT(queues[0].phase), 1, KVPCI_QUEUE_STARTING },
	{ "phase of a disabled queue", unit_run, AT(queues[2].phase), 1, KVPCI_QUEUE_STARTING },
	{ "reserved of a queue", unit_run, AT(queues[0].__reserved), 1, 1 },
	{ "reserved of a queue", unit_run, AT(queues[0].__reserved2), 4, 1 },
	{ "word of a disabled queue", unit_run, AT(queues[2].notification), 4, 1 },
	{ "word, not agreed on", unit_negotiate_least, AT(queues[0].notification), 4, 1 },
	{ "absent queue enabled", unit_run, AT(queues[UNIT_ABSENT].enabled), 1, 1 },
	{ "absent queue with a size", unit_run, AT(queues[UNIT_ABSENT].size), 2, 1 },
	{ "administration queue, not agreed on", unit_negotiate_least,
	  AT(queues[UNIT_QUEUES - 1].enabled), 1, 1 },
};

/* One thing wrong in what is right else. */
TEST_F(state, refused)
{
	struct unit_state s;

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct unit u;

		create(&u);
		refused[i].reach(&u);
		ASSERT_EQ(0, unit_save(&u, &s));
		EXPECT_EQ(0, unit_state_check(&self->v, &s))
			TH_LOG("before: %s", refused[i].what);
		memcpy((u8 *)&s + refused[i].at, &refused[i].value, refused[i].size);
		EXPECT_EQ(-EINVAL, unit_restore(&self->v, &s))
			TH_LOG("%s", refused[i].what);
		unit_destroy(&u);
	}
	/* Nothing of it is left. */
	EXPECT_EQ(0, cc_read(&self->v, CC_STATUS));
	EXPECT_EQ(0, unit_event(&self->v, NULL));
}

TEST_F(state, numbers)
{
	static const size_t numbers[] = {
		offsetof(struct kvpci_device_registers, num_queues),
		offsetof(struct kvpci_device_registers, num_vectors),
		offsetof(struct kvpci_device_registers, device_config_size),
	};

	ASSERT_EQ(0, unit_save(&self->u, &self->s));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		u32 *number = (u32 *)((u8 *)&self->s.registers + numbers[i]);

		EXPECT_TRUE(kvpci_core_state_fits(&self->v.core, &self->s.registers));
		(*number)++;
		EXPECT_FALSE(kvpci_core_state_fits(&self->v.core, &self->s.registers));
		(*number)--;
	}
}

/* --- PCI configuration space --------------------------------------------------- */

TEST_F(state, pci_config)
{
	struct unit *u = &self->u;
	struct kvpci_pci_config a = { 0 }, b = { 0 };
	u64 addr[KVPCI_NUM_BARS], restored[KVPCI_NUM_BARS];
	u32 flags, mapped;

	ASSERT_EQ(0, kvpci_pci_config_init(&a, &u->desc, u->regions, 0x020000, 1));
	ASSERT_EQ(0, kvpci_pci_config_init(&b, &u->desc, u->regions, 0x020000, 1));
	kvpci_pci_config_write(&a, PCI_BASE_ADDRESS_1, 4, 0xd0000000);
	kvpci_pci_config_write(&a, PCI_COMMAND, 2,
			       PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	kvpci_pci_config_set_intx(&a, true);
	flags = kvpci_pci_config_irq_flags(&a);
	ASSERT_EQ(KVPCI_IRQ_MASTER, flags);
	EXPECT_EQ(0, kvpci_pci_config_state_check(&b, a.value, flags));
	EXPECT_EQ(-EINVAL, kvpci_pci_config_state_check(&b, a.value, 0));
	mapped = kvpci_pci_config_decode(&a, addr);
	EXPECT_EQ(1 << 1, mapped);
	EXPECT_EQ(mapped, kvpci_pci_config_decode_restored(&b, a.value, restored));
	EXPECT_EQ(0, memcmp(addr, restored, sizeof(addr)));
	kvpci_pci_config_restore(&b, a.value);
	EXPECT_EQ(mapped, kvpci_pci_config_decode(&b, restored));
	/* That one follows the registers. */
	EXPECT_EQ(0, b.value[PCI_STATUS] & PCI_STATUS_INTERRUPT);
	b.value[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
	EXPECT_EQ(0, memcmp(a.value, b.value, sizeof(a.value)));
}

/* No bit that the driver cannot write. */
TEST_F(state, pci_config_refused)
{
	struct unit *u = &self->u;
	struct kvpci_pci_config a = { 0 };
	u8 bytes[KVPCI_PCI_CONFIG_SIZE];

	ASSERT_EQ(0, kvpci_pci_config_init(&a, &u->desc, u->regions, 0x020000, 1));
	memcpy(bytes, a.value, sizeof(bytes));
	for (unsigned int i = 0; i < 8 * sizeof(bytes); i++) {
		u8 bit = 1 << (i % 8);
		bool free = a.wmask[i / 8] & bit || i == 8 * PCI_STATUS + 3 ||
			    i == 8 * PCI_HEADER_TYPE + 7;
		u32 flags;

		bytes[i / 8] ^= bit;
		memcpy(a.value, bytes, sizeof(bytes));
		flags = kvpci_pci_config_irq_flags(&a);
		a.value[i / 8] ^= bit;
		EXPECT_EQ(free ? 0 : -EINVAL,
			  kvpci_pci_config_state_check(&a, bytes, flags))
			TH_LOG("byte %u, bit %u", i / 8, i % 8);
		bytes[i / 8] ^= bit;
	}
}

TEST_HARNESS_MAIN
