// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failures on demand. The kernel counts down in /proc/thread-self/fail-nth.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest.h"
#include "guest.h"
#include "inject.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define SLAB		"/sys/kernel/debug/failslab/"
#define PAGES		"/sys/kernel/debug/fail_page_alloc/"
#define COPIES		"/sys/kernel/debug/fail_usercopy/"

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

/* By itself failslab spares allocations that may sleep, that is: those of ioctls. */
bool inject_possible(void)
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

/*
 * kmemleak allocates for each allocation that it watches, and does without: what
 * fails is anything but that. This is its code, by the functions that it begins and
 * ends with, about. What is marked __ref there lies elsewhere: a range up to it
 * would be half the kernel.
 */
static const char *const kmemleak_functions[] = {
	"mem_pool_alloc", "__alloc_object"
};

static void reject(const char *file, unsigned long value)
{
	static const char *const attrs[] = { SLAB, PAGES };
	char path[128], text[32];

	snprintf(text, sizeof(text), "0x%lx", value);
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		snprintf(path, sizeof(path), "%s%s", attrs[i], file);
		if (access(path, W_OK))
			guest_die("%s: CONFIG_FAULT_INJECTION_STACKTRACE_FILTER?",
				  path);
		write_file(path, text);
	}
}

static void spare_kmemleak(void)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	unsigned long at, start = ~0UL, end = 0;
	char line[512], name[128], type;

	if (!file)
		guest_die("/proc/kallsyms");
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx %c %127s", &at, &type, name) != 3)
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(kmemleak_functions); i++) {
			if (strcmp(kmemleak_functions[i], name))
				continue;
			if (at < start)
				start = at;
			if (at + 1024 > end)	/* the last function's length */
				end = at + 1024;
		}
	}
	fclose(file);
	if (end) {
		reject("reject-start", start);
		reject("reject-end", end);
	}
}

void inject_open(void)
{
	spare_kmemleak();
	nth_fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	if (nth_fd < 0)
		guest_die(FAIL_NTH);
}

void inject_close(void)
{
	close(nth_fd);
	nth_fd = -1;
}

/* Copies from and to userspace count, too: the copy may be what fails. */
void inject_arm(unsigned int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(nth_fd, text, n, 0) != n &&
	    (errno != EFAULT || pwrite(nth_fd, text, n, 0) != n))
		guest_die("write " FAIL_NTH);
}

bool inject_disarm(void)
{
	char text[16] = "1";

	if (pread(nth_fd, text, sizeof(text) - 1, 0) <= 0 && errno != EFAULT)
		guest_die("read " FAIL_NTH);
	inject_arm(0);
	return atoi(text) == 0;
}
