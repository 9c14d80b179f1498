// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interface as a whole: sizes, flags, reserved fields, pointers, kinds of
 * object. What each ioctl refuses by itself is in errors.c.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "lib/machine.h"
#include "kselftest_harness.h"

#define test_ok(fd, cmd, arg) \
	ASSERT_EQ(0, do_ioctl(fd, cmd, arg))
#define test_err(err, fd, cmd, arg) \
	EXPECT_EQ(-(err), do_ioctl(fd, cmd, arg))

FIXTURE(uapi) {
	struct machine m;
	struct device_desc desc;
};

FIXTURE_SETUP(uapi)
{
	device_describe(&self->desc);
	self->desc.create.flags = KVPCI_DEVICE_EXIT_FEATURES;
	machine_create_on(&self->m, 1, &self->desc);
}

FIXTURE_TEARDOWN(uapi)
{
	machine_destroy(&self->m);
}

/* --- one row an ioctl ----------------------------------------------------- */

enum object { CTL, VM, DEV, OBJECTS };

union any {
	uint32_t size;
	struct kvpci_info info;
	struct kvpci_vm_create vm_create;
	struct kvpci_vm_ecam vm_ecam;
	struct kvpci_device_create device_create;
	struct kvpci_device_map device_map;
	struct kvpci_device_irq device_irq;
	struct kvpci_device_place device_place;
	struct kvpci_pci_config_access device_config;
	struct kvpci_device_ack device_ack;
	struct kvpci_device_fail device_fail;
	struct kvpci_device_reset device_reset;
	struct kvpci_device_state device_state;
	struct kvpci_device_registers registers;
	struct kvpci_device_features_ok features_ok;
	struct kvpci_device_stats device_stats;
	struct kvpci_bar_access device_access;
	struct kvpci_device_config_write config_write;
	struct kvpci_queue_fds queue_fds;
	struct kvpci_queue_state queue_state;
	struct kvpci_queue_states queue_states;
	uint8_t bytes[4096];
};

static struct device_desc fresh_desc;

/* Fill in arguments that work; the machine is fresh. */
static void fill_vm_create(struct machine *m, union any *any)
{
	any->vm_create.kvm_fd = m->g.vm_fd;
}

static void fill_vm_ecam(struct machine *m, union any *any)
{
	(void)m;
	any->vm_ecam.addr = 0xb0000000;
	any->vm_ecam.num_buses = 1;
}

static void fill_device_create(struct machine *m, union any *any)
{
	(void)m;
	device_describe(&fresh_desc);
	any->device_create = fresh_desc.create;
}

static void fill_irq(struct machine *m, union any *any)
{
	(void)m;
	any->device_irq.gsi = KVPCI_GSI_NONE;
}

static void fill_place(struct machine *m, union any *any)
{
	struct kvpci_vm_ecam ecam = {
		.size = sizeof(ecam), .addr = 0xb0000000, .num_buses = 1,
	};

	/* a device that was never mapped */
	close(m->dev);
	device_describe(&fresh_desc);
	fresh_desc.create.flags = KVPCI_DEVICE_EXIT_FEATURES;
	m->dev = libkvpci_device_create(m->vm, &fresh_desc.create);
	if (m->dev < 0 || do_ioctl(m->vm, KVPCI_VM_ECAM, &ecam))
		guest_die("KVPCI_VM_ECAM");
	any->device_place.function = 8;
	any->device_place.class_code = 0x020000;
	any->device_place.gsi = KVPCI_GSI_NONE;
}

static void fill_config(struct machine *m, union any *any)
{
	union any place = { .size = sizeof(place.device_place) };

	fill_place(m, &place);
	if (do_ioctl(m->dev, KVPCI_DEVICE_PLACE, &place))
		guest_die("KVPCI_DEVICE_PLACE");
	any->device_config.length = 4;
}

/* A STOP that waits for its acknowledgement. */
static void fill_ack(struct machine *m, union any *any)
{
	driver_run(m);
	cc_write(m, CC_STATUS, 0);
	if (device_event(m, NULL) != KVPCI_EVENT_STOP)
		guest_die("no STOP");
	any->device_ack.kind = KVPCI_EVENT_STOP;
	any->device_ack.queue = KVPCI_EVENT_NO_QUEUE;
}

/* A driver that has chosen and has not said so. */
static void fill_features_ok(struct machine *m, union any *any)
{
	static const struct {
		unsigned int at;
		uint32_t value;
	} driver[] = {
		{ CC_STATUS, 0 },
		{ CC_STATUS, ST_ACKNOWLEDGE | ST_DRIVER },
		{ CC_DRIVER_FEATURE_SELECT, 1 },
		{ CC_DRIVER_FEATURE, 1 },
	};

	/* not by the guest: a row before may have unmapped the BARs */
	for (size_t i = 0; i < ARRAY_SIZE(driver); i++)
		if (libkvpci_bar_write(m->dev, BAR_MEM, MEM_COMMON + driver[i].at,
				       cc_width(driver[i].at), driver[i].value))
			guest_die("a write of common configuration");
	any->features_ok.status = ST_READY;
	any->features_ok.driver_features[0] = 1ULL << 32;
}

static void fill_access(struct machine *m, union any *any)
{
	(void)m;
	any->device_access.bar = BAR_MEM;
	any->device_access.length = 4;
}

static const uint8_t some_bytes[8] = { 1, 2, 3, 4 };

static void fill_config_write(struct machine *m, union any *any)
{
	(void)m;
	any->config_write.length = 4;
	any->config_write.data = (uintptr_t)some_bytes;
}

/* The machine's state, in room of its own, for what it was taken from. */
static void fill_save(struct machine *m, union any *any)
{
	static struct {
		struct kvpci_queue_registers queues[DEV_QUEUES];
		uint32_t vectors[DEV_VECTORS][4];
		uint64_t pending[1];
		uint8_t config[DEV_CONFIG];
	} room;
	struct kvpci_device_registers *r = &any->registers;

	(void)m;
	r->num_queues = DEV_QUEUES;
	r->num_vectors = DEV_VECTORS;
	r->device_config_size = DEV_CONFIG;
	r->queues = (uintptr_t)room.queues;
	r->vectors = (uintptr_t)room.vectors;
	r->pending = (uintptr_t)room.pending;
	r->device_config = (uintptr_t)room.config;
}

static void fill_restore(struct machine *m, union any *any)
{
	fill_save(m, any);
	/* A row before may have left it in use. */
	libkvpci_bar_write(m->dev, BAR_MEM, MEM_COMMON + CC_STATUS, 1, 0);
	if (libkvpci_device_save(m->dev, &any->registers))
		guest_die("KVPCI_DEVICE_SAVE");
}

static void fill_queue_fds(struct machine *m, union any *any)
{
	static const struct kvpci_fd_pair none[] = { { -1, -1 }, { -1, -1 } };

	(void)m;
	any->queue_fds.count = 2;
	any->queue_fds.entry_size = sizeof(none[0]);
	any->queue_fds.pairs = (uintptr_t)none;
}

static void fill_queue_states(struct machine *m, union any *any)
{
	static struct kvpci_queue_state states[2];

	(void)m;
	any->queue_states.count = 2;
	any->queue_states.entry_size = sizeof(states[0]);
	any->queue_states.states = (uintptr_t)states;
}

#define NO_FIELD	0xffff
#define AT(s, f)	offsetof(struct s, f)

static const struct row {
	const char *name;
	unsigned long cmd;
	enum object object;
	unsigned int size;
	unsigned int first_size;	/* 0: it has not grown */
	bool makes_fd;
	void (*fill)(struct machine *m, union any *any);
	uint32_t flags;		/* those that are known */
	uint16_t flags_at;	/* NO_FIELD: has none */
	uint16_t reserved_at;	/* NO_FIELD: has none that comes in */
} rows[] = {
#define ROW_GROWN(cmd, object, s, first, ...) \
	{ #cmd, cmd, object, sizeof(struct s), first, __VA_ARGS__ }
#define ROW(cmd, object, s, ...) ROW_GROWN(cmd, object, s, 0, __VA_ARGS__)
	ROW(KVPCI_INFO, CTL, kvpci_info, false, NULL,
	    0, AT(kvpci_info, flags), NO_FIELD),
	ROW(KVPCI_VM_CREATE, CTL, kvpci_vm_create, true, fill_vm_create,
	    KVPCI_VM_EXT_DEST_ID, AT(kvpci_vm_create, flags),
	    AT(kvpci_vm_create, __reserved)),
	ROW(KVPCI_VM_ECAM, VM, kvpci_vm_ecam, false, fill_vm_ecam,
	    0, AT(kvpci_vm_ecam, flags), AT(kvpci_vm_ecam, __reserved)),
	ROW(KVPCI_DEVICE_CREATE, VM, kvpci_device_create, true, fill_device_create,
	    KVPCI_DEVICE_EXIT_FEATURES | KVPCI_DEVICE_EXIT_CONFIG_WRITE |
	    KVPCI_DEVICE_EXIT_CONFIG | KVPCI_DEVICE_EXIT_RESET,
	    AT(kvpci_device_create, flags),
	    AT(kvpci_device_create, __reserved)),
	ROW(KVPCI_DEVICE_MAP, DEV, kvpci_device_map, false, NULL,
	    0, AT(kvpci_device_map, flags), AT(kvpci_device_map, __reserved)),
	ROW_GROWN(KVPCI_DEVICE_IRQ, DEV, kvpci_device_irq, 16, false, fill_irq,
		  15, AT(kvpci_device_irq, flags), AT(kvpci_device_irq, __reserved)),
	ROW(KVPCI_DEVICE_PLACE, DEV, kvpci_device_place, false, fill_place,
	    KVPCI_PLACE_MULTIFUNCTION, AT(kvpci_device_place, flags),
	    AT(kvpci_device_place, __reserved)),
	ROW(KVPCI_PCI_CONFIG_ACCESS, DEV, kvpci_pci_config_access, false, fill_config,
	    KVPCI_ACCESS_WRITE, AT(kvpci_pci_config_access, flags),
	    AT(kvpci_pci_config_access, __reserved)),
	ROW(KVPCI_DEVICE_ACK, DEV, kvpci_device_ack, false, fill_ack,
	    0, NO_FIELD, AT(kvpci_device_ack, __reserved)),
	ROW(KVPCI_DEVICE_FAIL, DEV, kvpci_device_fail, false, NULL,
	    0, AT(kvpci_device_fail, flags), NO_FIELD),
	ROW(KVPCI_DEVICE_RESET, DEV, kvpci_device_reset, false, NULL,
	    KVPCI_RESET_FUNCTION, AT(kvpci_device_reset, flags), NO_FIELD),
	ROW(KVPCI_DEVICE_STATE, DEV, kvpci_device_state, false, NULL,
	    0, AT(kvpci_device_state, flags),
	    AT(kvpci_device_state, __reserved)),
	ROW(KVPCI_DEVICE_FEATURES_OK, DEV, kvpci_device_features_ok, false,
	    fill_features_ok, 0, AT(kvpci_device_features_ok, flags),
	    AT(kvpci_device_features_ok, __reserved)),
	ROW(KVPCI_DEVICE_STATS, DEV, kvpci_device_stats, false, NULL,
	    0, AT(kvpci_device_stats, flags), NO_FIELD),
	ROW(KVPCI_BAR_ACCESS, DEV, kvpci_bar_access, false, fill_access,
	    KVPCI_ACCESS_WRITE, AT(kvpci_bar_access, flags),
	    AT(kvpci_bar_access, __reserved)),
	ROW(KVPCI_DEVICE_CONFIG_WRITE, DEV, kvpci_device_config_write, false,
	    fill_config_write,
	    KVPCI_CONFIG_WRITE_QUIET | KVPCI_CONFIG_WRITE_FORCE,
	    AT(kvpci_device_config_write, flags), NO_FIELD),
	ROW(KVPCI_DEVICE_SAVE, DEV, kvpci_device_registers, false, fill_save,
	    0, AT(kvpci_device_registers, flags), NO_FIELD),
	ROW(KVPCI_DEVICE_RESTORE, DEV, kvpci_device_registers, false, fill_restore,
	    0, AT(kvpci_device_registers, flags), NO_FIELD),
	ROW(KVPCI_QUEUE_FDS, DEV, kvpci_queue_fds, false, fill_queue_fds,
	    0, AT(kvpci_queue_fds, flags), AT(kvpci_queue_fds, __reserved)),
	ROW(KVPCI_QUEUE_STATE, DEV, kvpci_queue_state, false, NULL,
	    0, NO_FIELD, NO_FIELD),
	ROW(KVPCI_QUEUE_STATES, DEV, kvpci_queue_states, false,
	    fill_queue_states, 0, AT(kvpci_queue_states, flags),
	    AT(kvpci_queue_states, __reserved)),
#undef ROW_GROWN
#undef ROW
};

/*
 * One call on a fresh machine. @edit is done to arguments that would work.
 * Return: 0 or -errno; descriptors are closed again.
 */
struct trial {
	const struct row *row;
	uint32_t size;		/* 0xffffffff: the right one */
	uint16_t poke_at;	/* NO_FIELD, or where to put @poke */
	uint32_t poke;
};

static int try_row(struct trial t)
{
	const struct row *row = t.row;
	struct device_desc desc;
	union any any;
	struct machine m;
	int fds[OBJECTS];
	int ret;

	device_describe(&desc);
	/* Only this call asks for it, and others want a driver that goes on. */
	if (row->cmd == KVPCI_DEVICE_FEATURES_OK)
		desc.create.flags = KVPCI_DEVICE_EXIT_FEATURES;
	machine_create_on(&m, 1, &desc);
	memset(&any, 0, sizeof(any));
	any.size = t.size == 0xffffffff ? row->size : t.size;
	if (row->fill)
		row->fill(&m, &any);
	any.size = t.size == 0xffffffff ? row->size : t.size;
	if (t.poke_at != NO_FIELD)
		memcpy(any.bytes + t.poke_at, &t.poke, sizeof(t.poke));
	fds[CTL] = m.ctl;
	fds[VM] = m.vm;
	fds[DEV] = m.dev;
	ret = do_ioctl(fds[row->object], row->cmd, &any);
	if (ret >= 0 && row->makes_fd) {
		close(ret);
		ret = 0;
	}
	machine_destroy(&m);
	return ret;
}

static int try_size(const struct row *row, uint32_t size)
{
	return try_row((struct trial){ row, size, NO_FIELD, 0 });
}

TEST(sizes)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		unsigned int first = row->first_size ?: row->size;

		EXPECT_EQ(0, try_size(row, row->size))
			TH_LOG("%s exact", row->name);
		EXPECT_EQ(-EINVAL, try_size(row, 0))
			TH_LOG("%s 0", row->name);
		EXPECT_EQ(-EINVAL, try_size(row, first - 1))
			TH_LOG("%s short", row->name);
		EXPECT_EQ(0, try_size(row, first))
			TH_LOG("%s as first published", row->name);
		EXPECT_EQ(0, try_size(row, row->size + 1))
			TH_LOG("%s one zero byte longer", row->name);
		EXPECT_EQ(0, try_size(row, row->size + 64))
			TH_LOG("%s 64 zero bytes longer", row->name);
		EXPECT_EQ(-E2BIG, try_row((struct trial){
				row, row->size + 1, row->size, 1 }))
			TH_LOG("%s one byte longer", row->name);
		EXPECT_EQ(-E2BIG, try_row((struct trial){
				row, row->size + 64, row->size + 60,
				0x80000000 }))
			TH_LOG("%s last byte of 64", row->name);
	}
}

/* Nothing is longer than a page, whatever it holds. */
TEST_F(uapi, size_limit)
{
	struct kvpci_info *info = calloc(3, 4096);

	ASSERT_NE(NULL, info);
	info->size = 4096;
	test_ok(self->m.ctl, KVPCI_INFO, info);
	info->size = 4097;
	test_err(E2BIG, self->m.ctl, KVPCI_INFO, info);
	info->size = 3 * 4096;
	test_err(E2BIG, self->m.ctl, KVPCI_INFO, info);
	info->size = ~0U;
	test_err(E2BIG, self->m.ctl, KVPCI_INFO, info);
	free(info);
}

/* Fields that only come out may hold anything on the way in. */
TEST_F(uapi, out_fields_are_ignored)
{
	struct machine *m = &self->m;
	struct kvpci_device_irq irq = {
		.size = sizeof(irq), .gsi = KVPCI_GSI_NONE, .pending = 77,
	};
	struct kvpci_queue_state queue = { .size = sizeof(queue) };

	test_ok(m->dev, KVPCI_DEVICE_IRQ, &irq);
	EXPECT_EQ(0, irq.pending);
	memset((uint8_t *)&queue + 8, 0xee, sizeof(queue) - 8);
	test_ok(m->dev, KVPCI_QUEUE_STATE, &queue);
	EXPECT_EQ(0, queue.notification);
	EXPECT_EQ(0, queue.desc);
}

/* Reserved fields and unknown flags. */
TEST(zeroes)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct trial t = { row, 0xffffffff, row->reserved_at, 1 };

		if (row->reserved_at != NO_FIELD)
			EXPECT_EQ(-EINVAL, try_row(t))
				TH_LOG("%s reserved", rows[i].name);
		t.poke = 0x80000000;
		if (row->reserved_at != NO_FIELD)
			EXPECT_EQ(-EINVAL, try_row(t))
				TH_LOG("%s reserved", rows[i].name);
		if (row->flags_at == NO_FIELD)
			continue;
		t.poke_at = row->flags_at;
		/* the first that is not known, and the last */
		for (t.poke = 1; t.poke & row->flags; t.poke <<= 1)
			EXPECT_EQ(0, try_row(t))
				TH_LOG("%s flag %#x", rows[i].name, t.poke);
		EXPECT_EQ(-EINVAL, try_row(t))
			TH_LOG("%s flag %#x", rows[i].name, t.poke);
		t.poke = 0x80000000;
		EXPECT_EQ(-EINVAL, try_row(t))
			TH_LOG("%s flag %#x", rows[i].name, t.poke);
	}
}

/* What is written back ends where the caller's structure does. */
TEST_F(uapi, nothing_behind_the_structure)
{
	struct machine *m = &self->m;
	const int fds[OBJECTS] = { m->ctl, m->vm, m->dev };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		union any any;

		if (rows[i].makes_fd || rows[i].fill == fill_place ||
		    rows[i].fill == fill_config || rows[i].fill == fill_ack)
			continue;
		memset(&any, 0, sizeof(any));
		if (rows[i].fill)
			rows[i].fill(m, &any);
		any.size = rows[i].size;
		memset(any.bytes + rows[i].size, 0x5a, 16);
		test_ok(fds[rows[i].object], rows[i].cmd, &any);
		EXPECT_EQ(rows[i].size, any.size);
		for (int b = 0; b < 16; b++)
			EXPECT_EQ(0x5a, any.bytes[rows[i].size + b])
				TH_LOG("%s", rows[i].name);
	}
}

/* A pointer that leads nowhere, or off the end of what is mapped. */
TEST_F(uapi, faults)
{
	struct machine *m = &self->m;
	const int fds[OBJECTS] = { m->ctl, m->vm, m->dev };
	uint8_t *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, pages);
	ASSERT_EQ(0, mprotect(pages + 4096, 4096, PROT_NONE));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		uint32_t *edge = (uint32_t *)(pages + 4096 - (row->size - 4));

		test_err(EFAULT, fds[row->object], row->cmd, NULL);
		test_err(EFAULT, fds[row->object], row->cmd, pages + 4096);
		test_err(EFAULT, fds[row->object], row->cmd, (void *)-4096L);
		*edge = row->size;
		test_err(EFAULT, fds[row->object], row->cmd, edge);
	}
	munmap(pages, 8192);
}

/* Read-only memory under a structure that is written back. */
TEST_F(uapi, fault_on_the_way_back)
{
	struct kvpci_info *info = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, info);
	info->size = sizeof(*info);
	ASSERT_EQ(0, mprotect(info, 4096, PROT_READ));
	test_err(EFAULT, self->m.ctl, KVPCI_INFO, info);
	munmap(info, 4096);
}

/* Every ioctl works on one kind of object only. */
TEST_F(uapi, wrong_object)
{
	struct machine *m = &self->m;
	const int fds[OBJECTS] = { m->ctl, m->vm, m->dev };
	union any any;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (enum object o = 0; o < OBJECTS; o++) {
			memset(&any, 0, sizeof(any));
			any.size = rows[i].size;
			if (o != rows[i].object)
				test_err(ENOTTY, fds[o], rows[i].cmd, &any);
		}
	}
	for (enum object o = 0; o < OBJECTS; o++) {
		test_err(ENOTTY, fds[o], _IO(KVPCI_IOCTL_TYPE, 0x7f), &any);
		test_err(ENOTTY, fds[o], KVM_CREATE_VCPU, &any);
		test_err(ENOTTY, fds[o], TCGETS, &any);
	}
}

int main(int argc, char **argv)
{
	require_kvpci();
	return test_harness_run(argc, argv);
}
