// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's accesses: registers through memory and ports without an exit to
 * userspace, holes and ends of BARs, BARs that move, and what is not ours.
 */
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "lib/machine.h"
#include "kselftest_harness.h"

FIXTURE(access) {
	struct machine m;
};

/* Who answers, and how a test reaches the same registers. */
FIXTURE_VARIANT(access) {
	const struct machine_ops *ops;
	bool port;
};

FIXTURE_VARIANT_ADD(access, kernel) {
	.ops = &machine_module,
};

FIXTURE_VARIANT_ADD(access, kernel_port) {
	.ops = &machine_module,
	.port = true,
};

FIXTURE_VARIANT_ADD(access, user) {
	.ops = &machine_twin,
};

FIXTURE_VARIANT_ADD(access, user_port) {
	.ops = &machine_twin,
	.port = true,
};

FIXTURE_SETUP(access)
{
	machine_create_in(&self->m, variant->ops);
}

FIXTURE_TEARDOWN(access)
{
	machine_destroy(&self->m);
}

static uint64_t rd(struct machine *m, bool port, int64_t mem_at, int64_t io_at,
		   unsigned int width)
{
	return port ? guest_in(&m->g, IO_BASE + io_at, width) :
		      guest_read(&m->g, MEM_BASE + mem_at, width);
}

static void wr(struct machine *m, bool port, int64_t mem_at, int64_t io_at,
	       unsigned int width, uint64_t value)
{
	if (port)
		guest_out(&m->g, IO_BASE + io_at, width, value);
	else
		guest_write(&m->g, MEM_BASE + mem_at, width, value);
}

/* requirements: the table of common configuration, and no exit for any row */
TEST_F(access, common_registers)
{
	static const struct {
		unsigned int at;
		uint64_t reset;
		uint64_t write, expect;
	} rows[] = {
		{ CC_DEVICE_FEATURE_SELECT, 0, 1, 1 },
		{ CC_DEVICE_FEATURE, DEV_FEATURES >> 32, 0,
		  DEV_FEATURES >> 32 },
		{ CC_DRIVER_FEATURE_SELECT, 0, 1, 1 },
		{ CC_DRIVER_FEATURE, 0, 1, 1 },
		{ CC_CONFIG_VECTOR, NO_VECTOR, 0, 0 },
		{ CC_CONFIG_VECTOR, 0, DEV_VECTORS, NO_VECTOR },
		{ CC_NUM_QUEUES, DEV_QUEUES, 9, DEV_QUEUES },
		{ CC_STATUS, 0, ST_ACKNOWLEDGE, ST_ACKNOWLEDGE },
		{ CC_GENERATION, 0, 5, 0 },
		{ CC_QUEUE_SELECT, 0, 1, 1 },
		{ CC_QUEUE_SIZE, 128, 64, 64 },
		{ CC_QUEUE_VECTOR, NO_VECTOR, 3, 3 },
		{ CC_QUEUE_NOTIFY_OFF, 1, 0, 1 },
		{ CC_QUEUE_DESC, 0, 0x11223344, 0x11223344 },
		{ CC_QUEUE_DESC + 4, 0, 0x55667788, 0x55667788 },
		{ CC_QUEUE_DRIVER, 0, ~0U, ~0U },
		{ CC_QUEUE_DRIVER + 4, 0, 1, 1 },
		{ CC_QUEUE_DEVICE, 0, 0x80000000, 0x80000000 },
		{ CC_QUEUE_DEVICE + 4, 0, 2, 2 },
		{ CC_QUEUE_ENABLE, 0, 1, 1 },
		{ CC_QUEUE_RESET, 0, 0, 0 },
		{ CC_QUEUE_SELECT, 1, DEV_QUEUES, DEV_QUEUES },
		{ CC_QUEUE_SIZE, 0, 1, 0 },
		{ CC_QUEUE_ENABLE, 0, 1, 0 },
	};
	struct machine *m = &self->m;
	const bool port = variant->port;
	unsigned int exits = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned int at = rows[i].at, width = cc_width(at);

		EXPECT_EQ(rows[i].reset, rd(m, port, MEM_COMMON + at,
					    IO_COMMON + at, width))
			TH_LOG("offset %#x", at);
		exits += m->g.vcpu[0].exits;
		wr(m, port, MEM_COMMON + at, IO_COMMON + at, width,
		   rows[i].write);
		exits += m->g.vcpu[0].exits;
		EXPECT_EQ(rows[i].expect, rd(m, port, MEM_COMMON + at,
					     IO_COMMON + at, width))
			TH_LOG("offset %#x", at);
		exits += m->g.vcpu[0].exits;
	}
	EXPECT_EQ(0, exits);
}

/*
 * R5: what is no register reads 0, writes nothing, and does not exit. The lower
 * bytes of a register may be read by themselves.
 */
TEST_F(access, other_widths)
{
	struct kvpci_device_stats before = { 0 };
	struct machine *m = &self->m;
	unsigned int exits = 0, others = 0;
	uint64_t value;

	wr(m, variant->port, CC_STATUS, CC_STATUS, 1, ST_ACKNOWLEDGE);
	if (m->ops->stats)
		before = device_stats(m);
	for (unsigned int at = 0; at < 0x40; at++) {
		for (unsigned int width = 1; width <= 4; width *= 2) {
			if (at % width || (cc_width(at) == width &&
					   at != 0x38 && at < 0x3c))
				continue;
			value = 0;
			others++;
			if (width < cc_width(at) && at % cc_width(at) == 0 &&
			    at != 0x38 && at < 0x3c) {
				value = cc_read(m, at) & ((1 << width * 8) - 1);
				others--;
			}
			EXPECT_EQ(value, rd(m, variant->port, at, at, width))
				TH_LOG("%u bytes at %#x", width, at);
			exits += m->g.vcpu[0].exits;
			wr(m, variant->port, at, at, width, 0x01010101);
			exits += m->g.vcpu[0].exits;
			others++;
		}
	}
	EXPECT_EQ(0, exits);
	EXPECT_STAT(m, other, before.other + others);
	EXPECT_STAT(m, common_writes, before.common_writes);
	EXPECT_EQ(0, cc_read(m, CC_QUEUE_SELECT));
	EXPECT_EQ(ST_ACKNOWLEDGE, cc_read(m, CC_STATUS));
	EXPECT_EQ(0, cc_read(m, CC_QUEUE_DESC));
}

/* R4: an address of a queue in one access; ports have none of 8 bytes. */
TEST_F(access, whole_addresses)
{
	static const unsigned int fields[] = {
		CC_QUEUE_DESC, CC_QUEUE_DRIVER, CC_QUEUE_DEVICE,
	};
	struct machine *m = &self->m;
	const uint32_t bar = variant->port ? BAR_IO : BAR_MEM;
	uint64_t value = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const uint64_t address = 0x1122334455667000ULL + 0x1000 * i;

		if (variant->port) {
			ASSERT_EQ(0, m->ops->bar_write(m, bar, fields[i], 8, address));
			ASSERT_EQ(0, m->ops->bar_read(m, bar, fields[i], 8, &value));
			EXPECT_EQ(address, value);
		} else {
			guest_write(&m->g, MEM_BASE + fields[i], 8, address);
			EXPECT_EQ(0, m->g.vcpu[0].exits);
			EXPECT_EQ(address, guest_read(&m->g, MEM_BASE + fields[i], 8));
			EXPECT_EQ(0, m->g.vcpu[0].exits);
		}
		EXPECT_EQ((uint32_t)address, cc_read(m, fields[i]));
		EXPECT_EQ(address >> 32, cc_read(m, fields[i] + 4));
	}
	EXPECT_EQ(0x1122334455667000, queue_state(m, 0).desc);
	EXPECT_EQ(0x1122334455668000, queue_state(m, 0).driver);
	EXPECT_EQ(0x1122334455669000, queue_state(m, 0).device);
	EXPECT_STAT(m, other, 0);
}

TEST_F(access, device_configuration)
{
	struct machine *m = &self->m;
	unsigned int exits = 0;

	for (unsigned int width = 1; width <= 4; width *= 2) {
		for (unsigned int at = 0; at < DEV_CONFIG; at += width) {
			uint64_t value = rd(m, variant->port, MEM_DEVICE + at,
					    IO_DEVICE + at, width);

			exits += m->g.vcpu[0].exits;
			for (unsigned int b = 0; b < width; b++)
				EXPECT_EQ(0x10 + at + b,
					  (value >> 8 * b & 0xff));
		}
	}
	/* the mask allows the second dword */
	wr(m, variant->port, MEM_DEVICE, IO_DEVICE, 4, ~0U);
	exits += m->g.vcpu[0].exits;
	EXPECT_EQ(0x13121110, rd(m, variant->port, MEM_DEVICE, IO_DEVICE, 4));
	wr(m, variant->port, MEM_DEVICE + 4, IO_DEVICE + 4, 2, 0xbeef);
	exits += m->g.vcpu[0].exits;
	EXPECT_EQ(0x1716beef,
		  rd(m, variant->port, MEM_DEVICE + 4, IO_DEVICE + 4, 4));
	EXPECT_EQ(0, exits);
	EXPECT_EQ(KVPCI_EVENT_DEVICE_CONFIG, device_event(m, NULL));
	EXPECT_EQ(-EAGAIN, device_event(m, NULL));
}

/* R10: a change between two reads of the generation shows. */
TEST_F(access, generation)
{
	struct machine *m = &self->m;
	uint8_t byte = 0x99;
	uint64_t was;

	was = rd(m, variant->port, CC_GENERATION, CC_GENERATION, 1);
	EXPECT_EQ(was, rd(m, variant->port, CC_GENERATION, CC_GENERATION, 1));
	ASSERT_EQ(0, m->ops->device_config_write(m, 0, 1, 1, &byte));
	EXPECT_NE(was, rd(m, variant->port, CC_GENERATION, CC_GENERATION, 1));
	EXPECT_EQ(0x99, rd(m, variant->port, MEM_DEVICE + 1, IO_DEVICE + 1, 1));
}

/* Bytes of a BAR that no region claims: 0, ignored, no exit. */
TEST_F(access, holes)
{
	static const unsigned int mem[] = { 0x40, 0x104, 0x300, 0x2000,
					    BAR_MEM_SIZE - 4 };
	static const unsigned int io[] = { 0x60, 0x64, 0x70, 0x78,
					   BAR_IO_SIZE - 4 };
	struct machine *m = &self->m;

	for (size_t i = 0; i < ARRAY_SIZE(mem); i++) {
		wr(m, variant->port, mem[i], io[i], 4, ~0U);
		EXPECT_EQ(0, m->g.vcpu[0].exits);
		EXPECT_EQ(0, rd(m, variant->port, mem[i], io[i], 4));
		EXPECT_EQ(0, m->g.vcpu[0].exits);
	}
}

/* Just before and just behind a BAR is not ours, nor across its end. */
TEST_F(access, ends)
{
	static const struct {
		int mem, io;	/* from the BAR's first byte */
		unsigned int width;
		unsigned int exits;
	} rows[] = {
		{ -1, -1, 1, 1 }, { -4, -4, 4, 1 },
		{ 0, 0, 1, 0 },
		{ BAR_MEM_SIZE - 1, BAR_IO_SIZE - 1, 1, 0 },
		{ BAR_MEM_SIZE - 4, BAR_IO_SIZE - 4, 4, 0 },
		{ BAR_MEM_SIZE, BAR_IO_SIZE, 1, 1 },
		{ BAR_MEM_SIZE, BAR_IO_SIZE, 4, 1 },
	};
	struct machine *m = &self->m;

	m->g.vcpu[0].read_value = 0x5a5a5a5a5a5a5a5a;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t value = rd(m, variant->port, rows[i].mem, rows[i].io,
				    rows[i].width);

		EXPECT_EQ(rows[i].exits, m->g.vcpu[0].exits)
			TH_LOG("row %zu", i);
		EXPECT_EQ(rows[i].exits ? 0x5a : 0, value & 0xff);
		wr(m, variant->port, rows[i].mem, rows[i].io, rows[i].width, 0);
		EXPECT_EQ(rows[i].exits, m->g.vcpu[0].exits);
	}
	/* half in, half out: whole to userspace, not half answered */
	if (variant->port) {
		guest_in(&m->g, IO_BASE + BAR_IO_SIZE - 2, 4);
		EXPECT_EQ(1, m->g.vcpu[0].exits);
	}
}

/* Unmapped, nothing is answered; mapped elsewhere, only there. */
TEST_F(access, move)
{
	struct machine *m = &self->m;
	uint64_t value;

	wr(m, variant->port, CC_QUEUE_SELECT, CC_QUEUE_SELECT, 2, 1);
	m->g.vcpu[0].read_value = 0xeeee;

	ASSERT_EQ(0, device_map(m, 0, 0, 0));
	value = rd(m, variant->port, CC_QUEUE_SELECT, CC_QUEUE_SELECT, 2);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(0xeeee, value);

	ASSERT_EQ(0, device_map(m, 0x1000, 0xd1000000, MSIX_BASE));
	value = rd(m, variant->port, CC_QUEUE_SELECT, CC_QUEUE_SELECT, 2);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	EXPECT_EQ(0xeeee, value);
	value = rd(m, variant->port, CC_QUEUE_SELECT + 0x1000000,
		   CC_QUEUE_SELECT + 0x1000 - (int64_t)IO_BASE, 2);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	/* and the register kept its value */
	EXPECT_EQ(1, value);

	ASSERT_EQ(0, device_map(m, IO_BASE, MEM_BASE, MSIX_BASE));
	value = rd(m, variant->port, CC_QUEUE_SELECT, CC_QUEUE_SELECT, 2);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(1, value);
}

struct runner {
	struct machine *m;
	volatile bool done;
	unsigned int mismatches;
};

/* Reads the register at both places until told to stop. */
static void *run_guest(void *arg)
{
	struct runner *r = arg;

	while (!guest_run(&r->m->g.vcpu[0]))
		;
	r->done = true;
	return NULL;
}

/*
 * The guest reads the number of queues at two places while the BAR moves from
 * one to the other: each read is answered here or exits, and one that is
 * answered has the right value.
 */
TEST_F(access, move_under_load)
{
	const uint64_t places[2] = { MEM_BASE, 0xd1000000 };
	const uint16_t ports[2] = { IO_BASE, 0x2000 };
	const int kind = variant->port ? ACCESS_IN : ACCESS_READ;
	struct machine *m = &self->m;
	struct runner r = { .m = m };
	struct guest_access list[2];
	pthread_t thread;

	for (int i = 0; i < 2; i++) {
		list[i] = (struct guest_access){
			kind, 2, (variant->port ? ports[i] : places[i]) +
				 CC_NUM_QUEUES, 0 };
	}
	m->g.vcpu[0].read_value = 0xeeee;
	guest_set_script(&m->g.vcpu[0], list, 2, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_guest, &r));
	for (int i = 0; i < 60; i++) {
		EXPECT_EQ(0, device_map(m, ports[i & 1], places[i & 1],
					MSIX_BASE));
		guest_get_script(&m->g.vcpu[0], list, 2);
		for (int p = 0; p < 2; p++) {
			EXPECT_TRUE(list[p].value == DEV_QUEUES ||
				    list[p].value == 0xeeee ||
				    list[p].value == 0)
				TH_LOG("read %#llx", (unsigned long long)
				       list[p].value);
		}
		usleep(1000);
	}
	EXPECT_FALSE(r.done);
	guest_stop_script(&m->g.vcpu[0]);
	pthread_join(thread, NULL);
	/* now it is at the second place */
	EXPECT_EQ(DEV_QUEUES, rd(m, variant->port, (int64_t)(places[1] - MEM_BASE) +
				 CC_NUM_QUEUES, ports[1] - (int64_t)IO_BASE +
				 CC_NUM_QUEUES, 2));
	EXPECT_EQ(0, m->g.vcpu[0].exits);
}

/* Many devices, one beside the other, each answers for itself. */
TEST_F(access, neighbours)
{
	struct machine *m = &self->m;
	struct machine others[12];	/* of the same guest */
	struct device_desc desc;

	device_describe(&desc);
	for (unsigned int i = 0; i < ARRAY_SIZE(others); i++) {
		desc.create.num_queues = 4 + i;
		ASSERT_EQ(0, machine_add_device(m, &desc, &others[i]));
		/* in an order that is not that of the addresses */
		unsigned int at = (i * 5 + 5) % 13;

		ASSERT_EQ(0, device_map(&others[i], IO_BASE + BAR_IO_SIZE * at,
					MEM_BASE + BAR_MEM_SIZE * at,
					MSIX_BASE + BAR_MSIX_SIZE * at));
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(others); i++) {
		unsigned int at = (i * 5 + 5) % 13;

		EXPECT_EQ(4 + i, rd(m, variant->port,
				    BAR_MEM_SIZE * at + CC_NUM_QUEUES,
				    BAR_IO_SIZE * at + CC_NUM_QUEUES, 2));
		EXPECT_EQ(0, m->g.vcpu[0].exits);
	}
	EXPECT_EQ(DEV_QUEUES, cc_read(m, CC_NUM_QUEUES));
	if (variant->ops == &machine_twin)	/* nobody leaves its bus */
		return;
	/* every second one goes; the others stay */
	for (unsigned int i = 0; i < ARRAY_SIZE(others); i += 2)
		close(others[i].dev);
	for (unsigned int i = 0; i < ARRAY_SIZE(others); i++) {
		unsigned int at = (i * 5 + 5) % 13;

		rd(m, variant->port, BAR_MEM_SIZE * at + CC_NUM_QUEUES,
		   BAR_IO_SIZE * at + CC_NUM_QUEUES, 2);
		EXPECT_EQ(i % 2 ? 0 : 1, m->g.vcpu[0].exits);
	}
	for (unsigned int i = 1; i < ARRAY_SIZE(others); i += 2)
		close(others[i].dev);
	EXPECT_EQ(DEV_QUEUES, cc_read(m, CC_NUM_QUEUES));
}

/* KVM's own users of the bus go on beside ours. */
TEST_F(access, beside_ioeventfd)
{
	struct machine *m = &self->m;
	struct kvm_ioeventfd io = {
		.addr = variant->port ? IO_BASE + BAR_IO_SIZE :
					MEM_BASE + BAR_MEM_SIZE,
		.len = 2,
		.flags = variant->port ? KVM_IOEVENTFD_FLAG_PIO : 0,
		.fd = eventfd(0, EFD_NONBLOCK),
	};

	ASSERT_EQ(0, ioctl(m->g.vm_fd, KVM_IOEVENTFD, &io));
	wr(m, variant->port, BAR_MEM_SIZE, BAR_IO_SIZE, 2, 1);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(1, eventfd_count(io.fd));
	ASSERT_EQ(0, device_map(m, IO_BASE, MEM_BASE, MSIX_BASE));
	wr(m, variant->port, BAR_MEM_SIZE, BAR_IO_SIZE, 2, 1);
	EXPECT_EQ(1, eventfd_count(io.fd));
	if (variant->ops == &machine_module) {
		close(m->dev);
		m->dev = -1;
	}
	wr(m, variant->port, BAR_MEM_SIZE, BAR_IO_SIZE, 2, 1);
	EXPECT_EQ(0, m->g.vcpu[0].exits);
	EXPECT_EQ(1, eventfd_count(io.fd));
	io.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
	ASSERT_EQ(0, ioctl(m->g.vm_fd, KVM_IOEVENTFD, &io));
	wr(m, variant->port, BAR_MEM_SIZE, BAR_IO_SIZE, 2, 1);
	EXPECT_EQ(1, m->g.vcpu[0].exits);
	close(io.fd);
}

/* Each register is counted where it belongs. */
TEST(counters)
{
	struct kvpci_device_stats s;
	struct machine m;

	machine_create(&m);
	for (uint64_t n = 1; n <= 2; n++) {
		const bool port = n == 2;

		rd(&m, port, CC_NUM_QUEUES, CC_NUM_QUEUES, 2);
		rd(&m, port, CC_STATUS, CC_STATUS, 1);
		wr(&m, port, CC_QUEUE_SELECT, CC_QUEUE_SELECT, 2, 0);
		rd(&m, port, MEM_DEVICE, IO_DEVICE, 4);
		rd(&m, port, MEM_DEVICE + 4, IO_DEVICE + 4, 4);
		wr(&m, port, MEM_DEVICE + 4, IO_DEVICE + 4, 4, 0);
		rd(&m, port, MEM_ISR, IO_ISR, 1);
		guest_read(&m.g, MSIX_BASE + MSIX_TABLE, 4);
		guest_read(&m.g, MSIX_BASE + MSIX_PBA, 4);
		guest_write(&m.g, MSIX_BASE + MSIX_TABLE, 4, 0);
		rd(&m, port, CC_STATUS, CC_STATUS, 2);
		s = device_stats(&m);
		EXPECT_EQ(2 * n, s.common_reads);
		EXPECT_EQ(1 * n, s.common_writes);
		EXPECT_EQ(2 * n, s.device_config_reads);
		EXPECT_EQ(1 * n, s.device_config_writes);
		EXPECT_EQ(1 * n, s.isr_reads);
		EXPECT_EQ(2 * n, s.msix_reads);
		EXPECT_EQ(1 * n, s.msix_writes);
		EXPECT_EQ(1 * n, s.other);
	}
	machine_destroy(&m);
}

int main(int argc, char **argv)
{
	require_kvm();
	return test_harness_run(argc, argv);
}
