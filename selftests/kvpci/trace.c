// SPDX-License-Identifier: GPL-2.0-only
/*
 * What shows only in a trace: what the module's own tracepoint prints, and who is
 * charged for the memory it takes.
 */
#include "lib/machine.h"
#include "lib/trace.h"
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

int main(int argc, char **argv)
{
	require_kvpci();
	require_trace();
	return test_harness_run(argc, argv);
}
