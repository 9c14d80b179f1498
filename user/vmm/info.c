// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvpci info: features of the module and of the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <kvpci/kvpci.h>

#include "commands.h"
#include "report.h"
#include "util.h"

static const struct {
	unsigned long long bit;
	const char *name;
} module_caps[] = {
	{ KVPCI_CAP_FAST_MMIO, "fast_mmio" },
};

static const struct {
	int cap;
	const char *name;
} kvm_caps[] = {
	{ KVM_CAP_IRQCHIP, "irqchip" },
	{ KVM_CAP_SIGNAL_MSI, "signal_msi" },
	{ KVM_CAP_READONLY_MEM, "readonly_mem" },
	{ KVM_CAP_TSC_DEADLINE_TIMER, "tsc_deadline_timer" },
	{ KVM_CAP_IMMEDIATE_EXIT, "immediate_exit" },
	{ KVM_CAP_MAX_VCPUS, "max_vcpus" },
	{ KVM_CAP_NR_MEMSLOTS, "nr_memslots" },
};

/* The first line of a file, without its end; empty if there is none. */
static void first_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");

	line[0] = 0;
	if (!file)
		return;
	if (fgets(line, (int)size, file))
		line[strcspn(line, "\n")] = 0;
	fclose(file);
}

static void print_host(void)
{
	char line[256], vendor[64] = "unknown";
	struct utsname name;
	FILE *file;

	if (!uname(&name))
		printf("host_kernel %s\n", name.release);
	file = fopen("/proc/cpuinfo", "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "vendor_id : %63s", vendor) == 1)
			break;
	if (file)
		fclose(file);
	printf("cpu_vendor %s\n", vendor);
	printf("vhost_net %s\n", access("/dev/vhost-net", F_OK) ? "no" : "yes");
	printf("tun %s\n", access("/dev/net/tun", F_OK) ? "no" : "yes");
}

static void print_kvm(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	size_t i;

	if (fd < 0) {
		printf("kvm no (%s)\n", strerror(errno));
		return;
	}
	printf("kvm yes\n");
	for (i = 0; i < ARRAY_SIZE(kvm_caps); i++)
		printf("kvm_%s %d\n", kvm_caps[i].name,
		       ioctl(fd, KVM_CHECK_EXTENSION, kvm_caps[i].cap));
	close(fd);
}

static int print_module(void)
{
	struct kvpci_info info;
	char line[128];
	size_t i;
	int fd, err;

	fd = libkvpci_open(NULL);
	if (fd == -ENOENT) {
		printf("module no\n");
		return STATUS_OK;
	}
	if (fd < 0) {
		report_error(fd, "cannot open %s", LIBKVPCI_DEVICE);
		return STATUS_FAILED;
	}
	err = libkvpci_info(fd, &info);
	close(fd);
	if (err) {
		report_error(err, "KVPCI_INFO");
		return STATUS_FAILED;
	}
	printf("module yes\n");
	first_line("/sys/module/kvpci/version", line, sizeof(line));
	if (line[0])
		printf("module_version %s\n", line);
	first_line("/sys/module/kvpci/srcversion", line, sizeof(line));
	if (line[0])
		printf("module_srcversion %s\n", line);
	for (i = 0; i < ARRAY_SIZE(module_caps); i++)
		printf("module_%s %s\n", module_caps[i].name,
		       info.caps & module_caps[i].bit ? "yes" : "no");
	printf("module_max_queues %u\n", info.max_queues);
	printf("module_max_vectors %u\n", info.max_vectors);
	printf("module_max_device_config %u\n", info.max_device_config);
	printf("module_max_regions %u\n", info.max_regions);
	return STATUS_OK;
}

int command_info(int argc, char **argv)
{
	if (argc && is_help(argv[0])) {
		puts("usage: kvpci info\n\n"
		     "Prints what module and host support. A line is a name and a value.");
		return STATUS_OK;
	}
	if (argc) {
		report("info: unexpected argument '%s'; it takes none", argv[0]);
		return STATUS_USAGE;
	}
	printf("kvpci %s\n", libkvpci_version());
	print_host();
	print_kvm();
	return print_module();
}
