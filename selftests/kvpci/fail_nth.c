// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation of the success path fails once, one after another: the call
 * that meets the failure says so and has changed nothing, and the next attempt
 * works. Needs a kernel with CONFIG_FAULT_INJECTION_DEBUG_FS and CONFIG_FAILSLAB.
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "lib/machine.h"
#include "kselftest_harness.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define SLAB		"/sys/kernel/debug/failslab/"
#define PAGES		"/sys/kernel/debug/fail_page_alloc/"
#define COPIES		"/sys/kernel/debug/fail_usercopy/"

/* No path here has anywhere near as many allocations. */
#define TOO_MANY	400

static int nth_fd = -1;

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		guest_die("%s", path);
	close(fd);
}

/* By itself failslab spares allocations that may sleep, that is: ours. */
static bool injection_possible(void)
{
	struct stat st;

	if (stat("/sys/kernel/debug/failslab", &st))
		mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	if (stat(FAIL_NTH, &st) || stat("/sys/kernel/debug/failslab", &st))
		return false;
	write_file(SLAB "ignore-gfp-wait", "N");
	write_file(SLAB "verbose", "0");
	write_file(PAGES "ignore-gfp-wait", "N");
	write_file(PAGES "min-order", "0");
	write_file(PAGES "verbose", "0");
	write_file(COPIES "verbose", "0");
	return true;
}

/* Copies from and to userspace count, too: ours may be the one that fails. */
static void arm(unsigned int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(nth_fd, text, n, 0) != n &&
	    (errno != EFAULT || pwrite(nth_fd, text, n, 0) != n))
		guest_die("write " FAIL_NTH);
}

/* Return: has the failure happened? */
static bool disarm(void)
{
	char text[16] = "1";

	if (pread(nth_fd, text, sizeof(text) - 1, 0) <= 0 && errno != EFAULT)
		guest_die("read " FAIL_NTH);
	arm(0);
	return atoi(text) == 0;
}

/*
 * One call with its nth allocation failing. @call returns what the ioctl did.
 * Return: true as long as there may be an nth + 1st.
 */
struct step {
	struct machine *m;
	struct device_desc *desc;
	int fds[2];
};

static int make_vm(struct step *s)
{
	return libkvpci_vm_create(s->m->ctl, s->m->g.vm_fd);
}

static int make_device(struct step *s)
{
	return libkvpci_device_create(s->m->vm, &s->desc->create);
}

static int map(struct step *s)
{
	return device_map(s->m, 0x1000, 0xe0000000, MSIX_BASE);
}

static int give_fds(struct step *s)
{
	return queue_fds(s->m, 0, s->fds[0], s->fds[1]);
}

static int irq(struct step *s)
{
	return device_irq(s->m, MSIX_ON, 5);
}

static int get_state(struct step *s)
{
	uint8_t config[DEV_CONFIG];
	struct kvpci_device_state state = {
		.size = sizeof(state), .device_config = (uintptr_t)config,
		.device_config_size = DEV_CONFIG,
	};

	return do_ioctl(s->m->dev, KVPCI_DEVICE_STATE, &state);
}

static int write_config(struct step *s)
{
	static uint8_t byte;
	struct kvpci_device_config_write write = {
		.size = sizeof(write), .length = 1, .data = (uintptr_t)&byte,
	};

	byte++;
	return do_ioctl(s->m->dev, KVPCI_DEVICE_CONFIG_WRITE, &write);
}

static int ecam(struct step *s)
{
	static const uint8_t users[32] = { 1 };
	struct kvpci_vm_ecam e = {
		.size = sizeof(e), .addr = 0xb0000000, .num_buses = 1,
		.user_functions = (uintptr_t)users,
	};

	return do_ioctl(s->m->vm, KVPCI_VM_ECAM, &e);
}

/* The device goes away: that must work without any memory. */
static int close_device(struct step *s)
{
	int ret = close(s->m->dev);

	s->m->dev = -1;
	return ret;
}

static const struct {
	const char *name;
	int (*call)(struct step *s);
	bool makes_fd;
	bool cannot_fail;
} calls[] = {
	{ "KVPCI_VM_CREATE", make_vm, true, false },
	{ "KVPCI_DEVICE_CREATE", make_device, true, false },
	{ "KVPCI_DEVICE_MAP", map, false, false },
	{ "KVPCI_QUEUE_FDS", give_fds, false, false },
	{ "KVPCI_DEVICE_IRQ", irq, false, false },
	{ "KVPCI_DEVICE_STATE", get_state, false, false },
	{ "KVPCI_DEVICE_CONFIG_WRITE", write_config, false, false },
	{ "KVPCI_VM_ECAM", ecam, false, false },
	{ "close of a device", close_device, false, true },
};

TEST(every_allocation)
{
	struct device_desc desc;
	int users = module_users();
	struct machine m;

	if (!injection_possible()) {
		printf("# SKIP expected: this kernel cannot inject failures\n");
		SKIP(return, "no fault injection in this kernel");
	}
	nth_fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, nth_fd);
	device_describe(&desc);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		unsigned int nth;

		for (nth = 1; nth < TOO_MANY; nth++) {
			struct step s = { .m = &m, .desc = &desc };
			bool failed;
			int ret;

			machine_create(&m);
			s.fds[0] = eventfd(0, EFD_CLOEXEC);
			s.fds[1] = eventfd(0, EFD_CLOEXEC);
			arm(nth);
			ret = calls[i].call(&s);
			failed = disarm();
			if (!failed || calls[i].cannot_fail) {
				EXPECT_LE(0, ret) TH_LOG("%s", calls[i].name);
			} else if (ret < 0) {
				EXPECT_TRUE(ret == -ENOMEM || ret == -EFAULT)
					TH_LOG("%s, allocation %u",
					       calls[i].name, nth);
				/* nothing has changed: it works now */
				EXPECT_EQ(DEV_QUEUES,
					  cc_read(&m, CC_NUM_QUEUES));
				EXPECT_EQ(0, m.g.vcpu[0].exits);
				ret = calls[i].call(&s);
				EXPECT_LE(0, ret) TH_LOG("%s again",
							 calls[i].name);
			}
			if (ret >= 0 && calls[i].makes_fd)
				close(ret);
			close(s.fds[0]);
			close(s.fds[1]);
			machine_destroy(&m);
			if (!failed)
				break;
		}
		EXPECT_GT(TOO_MANY, nth) TH_LOG("%s", calls[i].name);
		TH_LOG("%s: %u allocations failed", calls[i].name, nth - 1);
	}
	close(nth_fd);
	/* What could not be undone at once was undone later. */
	EXPECT_EQ(users, module_users());
}

int main(int argc, char **argv)
{
	require_kvpci();
	return test_harness_run(argc, argv);
}
