// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvpci stat: the counters of running devices, which the module shows in
 * debugfs, a directory each: <pid of the launcher>-<name of the device>.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "report.h"

#define DEBUGFS	"/sys/kernel/debug"
#define DEVICES	DEBUGFS "/kvpci"

/* Copy a file of "name value" lines, indented; -ENOENT: the device has gone. */
static int print_file(const char *device, const char *name)
{
	char path[512], line[256];
	FILE *file;

	if (snprintf(path, sizeof(path), DEVICES "/%s/%s", device, name) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file))
		printf("  %s", line);
	fclose(file);
	return 0;
}

static int print_device(const char *device)
{
	int err;

	printf("%s\n", device);
	err = print_file(device, "stats");
	if (err)
		report_error(err, "stat: cannot read the counters of %s", device);
	return err;
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
		report_error(err, "stat: cannot read %s: is debugfs mounted? try: mount -t debugfs none %s",
			     DEVICES, DEBUGFS);
	}
	return STATUS_FAILED;
}

static int is_device(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strchr(entry->d_name, '-');
}

int command_stat(int argc, char **argv)
{
	struct dirent **entries;
	int i, n, bad = 0;

	if (argc && (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"))) {
		puts("usage: kvpci stat [DEVICE]...\n\n"
		     "Prints the counters of the given devices, or of all that run.");
		return STATUS_OK;
	}
	for (i = 0; i < argc; i++) {
		if (argv[i][0] == '-' || strchr(argv[i], '/')) {
			report("stat: '%s' is not a device's name such as 1234-net-tap0",
			       argv[i]);
			return STATUS_USAGE;
		}
	}
	n = scandir(DEVICES, &entries, is_device, alphasort);
	if (n < 0)
		return report_no_directory(-errno);
	if (!n && !argc)
		report("stat: no device is running");
	for (i = 0; i < n; i++) {
		if (!argc)
			print_device(entries[i]->d_name);	/* or it has just gone */
		free(entries[i]);
	}
	free(entries);
	for (i = 0; i < argc; i++)
		if (print_device(argv[i]))
			bad = 1;
	return bad ? STATUS_FAILED : STATUS_OK;
}
