// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvpci stat: the counters of running devices. The module shows them in
 * debugfs. Each device has a directory: <pid of its maker>-<name>.<id>.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "report.h"
#include "util.h"

#define DEBUGFS	"/sys/kernel/debug"
#define DEVICES	DEBUGFS "/kvpci"

/**
 * struct device - a running device
 * @directory: its directory below DEVICES
 * @name: its name
 * @pid: the process that made it
 */
struct device {
	const char *directory;
	char name[32];
	unsigned long pid;
};

/* false: the directory is not a device's */
static bool parse(struct device *d, const char *directory)
{
	const char *id = strrchr(directory, '.');
	char *dash;
	size_t length;

	if (!isdigit((unsigned char)directory[0]))
		return false;
	d->pid = strtoul(directory, &dash, 10);
	if (*dash != '-' || !id || id <= dash + 1)
		return false;
	length = (size_t)(id - dash - 1);
	if (length >= sizeof(d->name))
		return false;
	memcpy(d->name, dash + 1, length);
	d->name[length] = 0;
	d->directory = directory;
	return true;
}

/* `net-tap0` is also found as `tap0`, the name that --net has. */
static bool is_called(const struct device *d, const char *name)
{
	const char *dash = strchr(d->name, '-');

	return !strcmp(d->name, name) || (dash && !strcmp(dash + 1, name));
}

/* Print "name value" lines, indented; -ENOENT: the device has gone. */
static int print_stats(const struct device *d)
{
	char path[512], line[256];
	FILE *file;

	if (snprintf(path, sizeof(path), DEVICES "/%s/stats", d->directory) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	file = fopen(path, "re");
	if (!file)
		return -errno;
	printf("%s (process %lu)\n", d->name, d->pid);
	while (fgets(line, sizeof(line), file))
		printf("  %s", line);
	fclose(file);
	return 0;
}

/* Print every device of that name, or all. Return: how many there are. */
static int print_devices(const struct device *devices, int count, const char *name)
{
	int i, err, found = 0;

	for (i = 0; i < count; i++) {
		if (name && !is_called(&devices[i], name))
			continue;
		err = print_stats(&devices[i]);
		if (err == -ENOENT)
			continue;	/* it has just gone */
		found++;
		if (err)
			report_error(err, "stat: cannot read the counters of %s",
				     devices[i].name);
	}
	return found;
}

static void report_not_found(const struct device *devices, int count,
			     const char *name)
{
	char names[512] = "";
	size_t n = 0;
	int i;

	for (i = 0; i < count && n < sizeof(names); i++)
		n += snprintf(names + n, sizeof(names) - n, "%s%s",
			      i ? ", " : "", devices[i].name);
	if (count)
		report("stat: no device is called '%s'; there are: %s", name, names);
	else
		report("stat: no device is called '%s'; none is running", name);
}

static int report_no_directory(int err)
{
	if (err == -EACCES) {
		report_error(err, "stat: cannot read %s: counters are for root",
			     DEVICES);
	} else if (access(DEBUGFS "/.", R_OK | X_OK) && errno == EACCES) {
		report_error(-errno, "stat: cannot read %s: counters are for root",
			     DEBUGFS);
	} else if (access("/sys/module/kvpci", F_OK)) {
		report("stat: the kvpci module is not loaded");
	} else {
		report_error(err, "stat: cannot read %s: try: mount -t debugfs none %s",
			     DEVICES, DEBUGFS);
	}
	return STATUS_FAILED;
}

static int is_device(const struct dirent *entry)
{
	struct device d;

	return parse(&d, entry->d_name);
}

static int print_all(int argc, char **argv, struct dirent **entries, int count)
{
	struct device *devices = calloc(count + 1, sizeof(*devices));
	int i, status = STATUS_OK;

	if (!devices) {
		report_error(-ENOMEM, "stat");
		return STATUS_FAILED;
	}
	for (i = 0; i < count; i++)
		parse(&devices[i], entries[i]->d_name);
	if (!argc && !print_devices(devices, count, NULL))
		report("stat: no device is running");
	for (i = 0; i < argc; i++) {
		if (print_devices(devices, count, argv[i]))
			continue;
		report_not_found(devices, count, argv[i]);
		status = STATUS_FAILED;
	}
	free(devices);
	return status;
}

int command_stat(int argc, char **argv)
{
	struct dirent **entries;
	int i, n, status;

	if (argc && is_help(argv[0])) {
		puts("usage: kvpci stat [NAME]...\n\n"
		     "Prints the counters of the devices with these names, or of all that run.\n"
		     "A network card is called by its tap: tap0, or net-tap0.");
		return STATUS_OK;
	}
	for (i = 0; i < argc; i++) {
		if (argv[i][0] == '-') {
			report("stat: unknown option '%s'; see kvpci stat --help", argv[i]);
			return STATUS_USAGE;
		}
	}
	n = scandir(DEVICES, &entries, is_device, alphasort);
	if (n < 0)
		return report_no_directory(-errno);
	status = print_all(argc, argv, entries, n);
	while (n)
		free(entries[--n]);
	free(entries);
	return status;
}
