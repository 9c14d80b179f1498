// SPDX-License-Identifier: GPL-2.0-only
/*
 * What shows only in a trace: what the module's own tracepoint prints, who is
 * charged for the memory it takes, and what waits for KVM's readers.
 */
#include <linux/pci_regs.h>

#include "lib/fleet.h"
#include "kselftest_harness.h"

FIXTURE(trace) {
	struct machine m;
	struct device_desc desc;
	struct trace trace;
};

FIXTURE_SETUP(trace)
{
	trace_open(&self->trace);
	device_describe(&self->desc);
	self->desc.create.features[0] |= F_SUSPEND;
	machine_create_on(&self->m, 1, &self->desc);
	machine_fds(&self->m);
}

FIXTURE_TEARDOWN(trace)
{
	machine_destroy(&self->m);
	trace_close(&self->trace);
}

static unsigned int lines(const char *text, const char *what)
{
	unsigned int num = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		num++;
	}
	return num;
}

/* Events have names. */
TEST_F(trace, events)
{
	struct machine *m = &self->m;
	const char *text;

	trace_event(&self->trace, "kvpci/kvpci_event");
	driver_run(m);
	cc_write(m, CC_STATUS, ST_RUNNING | ST_SUSPEND);
	ASSERT_EQ(KVPCI_EVENT_SUSPEND, device_event(m, NULL));
	ASSERT_EQ(0, libkvpci_device_ack(m->dev, KVPCI_EVENT_SUSPEND,
					 KVPCI_EVENT_NO_QUEUE));
	cc_write(m, CC_STATUS, ST_READY | ST_SUSPEND | ST_DRIVER_OK);
	ASSERT_EQ(KVPCI_EVENT_RESUME, device_event(m, NULL));

	text = trace_read(&self->trace);
	EXPECT_EQ(3, lines(text, ": kvpci_event: "));
	EXPECT_EQ(1, lines(text, " start"));
	EXPECT_EQ(1, lines(text, " suspend"));
	EXPECT_EQ(1, lines(text, " resume"));
	if (!strstr(text, " resume"))
		TH_LOG("%s", text);
}

/*
 * KVM's buses are copied when a device leaves them. What the module allocates for
 * that, whoever closes the device pays for.
 */
TEST_F(trace, copies_are_charged)
{
	struct machine *m = &self->m;
	unsigned int charged = 0, others = 0;
	char *line;

	trace_event(&self->trace, "kmem/kmalloc");
	close(m->dev);
	m->dev = -1;
	trace_read(&self->trace);
	for (line = strtok(self->trace.text, "\n"); line;
	     line = strtok(NULL, "\n")) {
		if (!strstr(line, "[kvpci]"))
			continue;
		if (strstr(line, "accounted=true"))
			charged++;
		else if (others++ < 5)
			TH_LOG("not charged: %s", line);
	}
	/* one for ports and one for memory at least */
	EXPECT_LE(2, charged);
	EXPECT_EQ(0, others);
}

#define ARRIVALS	40	/* devices */

/* Grace periods of SRCU that this thread has waited for since it was asked last. */
static unsigned int waits(struct trace *trace)
{
	unsigned int num = 0;
	char pid[32], *line;

	snprintf(pid, sizeof(pid), "-%d ", getpid());
	trace_read(trace);
	for (line = strtok(trace->text, "\n"); line; line = strtok(NULL, "\n"))
		num += strstr(line, pid) && strstr(line, ": waits");
	trace_clear(trace);
	return num;
}

static void probe_waits(struct trace *trace)
{
	trace_probe(trace, "waits", 'p', "synchronize_srcu_expedited");
	trace_probe(trace, "waits_long", 'p', "synchronize_srcu");
	trace_clear(trace);
}

/* What firmware does with the nth device. Return: 0 or -errno */
static int let_answer(int dev, unsigned int n)
{
	const struct {
		uint32_t offset, length, value;
	} writes[] = {
		{ BAR(0), 4, 0x2000 + n * BAR_IO_SIZE },
		{ BAR(1), 4, MEM_BASE + n * BAR_MEM_SIZE },
		{ BAR(2), 4, (uint32_t)MSIX_BASE + n * BAR_MSIX_SIZE },
		{ BAR(3), 4, MSIX_BASE >> 32 },
		{ PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY },
	};
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(writes); i++)
		err = libkvpci_pci_config_write(dev, writes[i].offset,
						writes[i].length, writes[i].value);
	return err;
}

/*
 * Devices arrive without waiting for a vCPU that may be anywhere; only what takes
 * something away waits.
 */
TEST_F(trace, arrival_waits_for_nobody)
{
	struct machine *m = &self->m;
	const struct kvpci_fd_pair pairs[] = {
		{ m->kick[0], -1 }, { m->kick[1], -1 },
	};
	int devices[ARRIVALS];
	unsigned int num;
	int before = module_users() - 3;	/* without the machine */

	probe_waits(&self->trace);
	ASSERT_EQ(0, libkvpci_vm_ecam(m->vm, ECAM_ADDR, 1, NULL));
	for (unsigned int i = 0; i < ARRIVALS; i++) {
		devices[i] = libkvpci_device_create(m->vm, &self->desc.create);
		ASSERT_LE(0, devices[i]);
		ASSERT_EQ(0, place(devices[i], 8 + i, 0x020000, 1, PIN));
		ASSERT_EQ(0, libkvpci_queue_fd_pairs(devices[i], 0, ARRAY_SIZE(pairs),
						     pairs));
		ASSERT_EQ(0, let_answer(devices[i], 1 + i));
	}
	EXPECT_EQ(0, waits(&self->trace));
	/* they are there, all of them, and switched off and on they stay */
	for (unsigned int i = 0; i < ARRIVALS; i++) {
		EXPECT_EQ(DEV_QUEUES, guest_read(&m->g, MEM_BASE + (1 + i) *
						 BAR_MEM_SIZE + CC_NUM_QUEUES, 2));
		EXPECT_EQ(0, m->g.vcpu[0].exits);
		ASSERT_EQ(0, libkvpci_pci_config_write(devices[i], PCI_COMMAND, 2, 0));
		ASSERT_EQ(0, libkvpci_pci_config_write(devices[i], PCI_COMMAND, 2,
						       PCI_COMMAND_MEMORY));
	}
	EXPECT_EQ(0, waits(&self->trace));
	/* what moves and what is replaced does wait, what leaves does not */
	ASSERT_EQ(0, let_answer(devices[0], 1 + ARRIVALS));
	EXPECT_LE(1, waits(&self->trace));
	ASSERT_EQ(0, libkvpci_queue_fds(devices[0], 0, m->kick[1], -1));
	EXPECT_EQ(1, waits(&self->trace));
	/* once, however many they are */
	ASSERT_EQ(0, libkvpci_queue_fd_pairs(devices[0], 0, ARRAY_SIZE(pairs), pairs));
	EXPECT_EQ(1, waits(&self->trace));
	for (unsigned int i = 0; i < ARRIVALS; i++)
		close(devices[i]);
	EXPECT_EQ(0, waits(&self->trace));
	/* the end of the VM waits for all that were there */
	close(m->vm);
	m->vm = -1;
	EXPECT_EQ(0, waits(&self->trace));
	close(m->dev);
	m->dev = -1;
	num = waits(&self->trace);
	EXPECT_LE(1, num);
	EXPECT_GE(2, num);
	EXPECT_EQ(before + 1, module_users());
}

#define RESTORED	12	/* devices */

/* A device is back with four ioctls, and none of them is about its vectors. */
TEST_F(trace, restore_takes_four_ioctls)
{
	static struct fleet_image image[RESTORED];
	struct fleet_fds fds[RESTORED];
	int devices[RESTORED];
	struct fleet_ioctls ioctls;
	struct machine m;

	fleet_open(&m);
	for (unsigned int n = 0; n < RESTORED; n++) {
		fleet_fds(&fds[n]);
		devices[n] = fleet_start(&m, n, &fds[n]);
		fleet_save(devices[n], &image[n]);
	}
	for (unsigned int n = 0; n < RESTORED; n++)
		close(devices[n]);
	machine_destroy(&m);

	fleet_open(&m);
	fleet_count_ioctls(&self->trace);
	for (unsigned int n = 0; n < RESTORED; n++)
		devices[n] = fleet_restore(&m, n, &fds[n], &image[n]);
	ioctls = fleet_ioctls(&self->trace);
	EXPECT_EQ(4 * RESTORED, ioctls.all);
	EXPECT_EQ(0, ioctls.irqfd);
	EXPECT_EQ(0, ioctls.routing);
	EXPECT_EQ(0, ioctls.ioeventfd);
	/* Their doorbells ring, and each queue has its vector. */
	for (unsigned int n = 0; n < RESTORED; n++) {
		ASSERT_LE(0, devices[n]);
		for (unsigned int q = 0; q < FLEET_QUEUES; q++) {
			guest_write(&m.g, FLEET_MEM(n) + MEM_DOORBELLS + 4 * q, 2, q);
			EXPECT_EQ(1, eventfd_count(fds[n].pairs[q].kick_fd));
			eventfd_add(fds[n].pairs[q].call_fd);
			EXPECT_EQ(FLEET_DATA(n, q), guest_irq(&m.g));
		}
		close(devices[n]);
	}
	machine_destroy(&m);
}

int main(int argc, char **argv)
{
	require_kvpci();
	require_trace();
	return test_harness_run(argc, argv);
}
