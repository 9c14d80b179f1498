// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvpci: the launcher. Finds the command and runs it.
 */
#include <stdio.h>
#include <string.h>

#include <kvpci/kvpci.h>

#include "commands.h"
#include "report.h"
#include "util.h"

static int command_help(int argc, char **argv);

static int command_version(int argc, char **argv)
{
	if (argc && is_help(argv[0])) {
		puts("usage: kvpci version\n\nPrints the version of kvpci.");
		return STATUS_OK;
	}
	if (argc) {
		report("version: takes no arguments");
		return STATUS_USAGE;
	}
	printf("kvpci %s\n", libkvpci_version());
	return STATUS_OK;
}

static const struct {
	const char *name;
	const char *help;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "run", "run a virtual machine; see kvpci run --help", command_run },
	{ "stat", "print the counters of running devices", command_stat },
	{ "info", "print what module and host support", command_info },
	{ "help", "print this", command_help },
	{ "version", "print the version", command_version },
	{ "--help", NULL, command_help },
	{ "-h", NULL, command_help },
	{ "--version", NULL, command_version },
};

#define NUM_COMMANDS	ARRAY_SIZE(commands)

static void print_usage(FILE *to)
{
	size_t i;

	fputs("usage: kvpci COMMAND [OPTION]...\n\n"
	      "Virtual machines whose virtio-pci devices are answered inside the host kernel.\n\n",
	      to);
	for (i = 0; i < NUM_COMMANDS; i++)
		if (commands[i].help)
			fprintf(to, "  %-9s%s\n", commands[i].name,
				commands[i].help);
}

static int command_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	print_usage(stdout);
	return STATUS_OK;
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		print_usage(stderr);
		return STATUS_USAGE;
	}
	for (i = 0; i < NUM_COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 2, argv + 2);
	report("unknown command '%s'; see kvpci help", argv[1]);
	return STATUS_USAGE;
}
