// SPDX-License-Identifier: GPL-2.0-only
/*
 * Options are rows of a table: a name, the kind of its value, a function.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kvpci/kvpci.h>

#include "options.h"
#include "report.h"
#include "util.h"
#include "vcpu.h"

#define MIB		(1ULL << 20)
#define MEMORY_DEFAULT	512
#define MEMORY_MIN	32
#define MEMORY_MAX	(1024 * 1024)

enum value_kind {
	VALUE_NONE,
	VALUE_NEEDED,		/* --name VALUE or --name=VALUE */
	VALUE_OPTIONAL,		/* --name or --name=VALUE */
};

struct option_row {
	const char *name;
	enum value_kind value;
	const char *metavar;
	const char *help;
	int (*set)(struct options *o, const char *name, const char *value);
};

/* A number: decimal digits only, within bounds. An error is reported. */
static int number(const char *name, const char *value, unsigned long min,
		  unsigned long max, unsigned long *result)
{
	char *end;

	errno = 0;
	*result = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || *result < min ||
	    *result > max) {
		report("%s: '%s' is not a number from %lu to %lu", name, value,
		       min, max);
		return -EINVAL;
	}
	return 0;
}

static int set_kernel(struct options *o, const char *name, const char *value)
{
	(void)name;
	o->image.kernel = value;
	return 0;
}

static int set_initrd(struct options *o, const char *name, const char *value)
{
	(void)name;
	o->image.initrd = value;
	return 0;
}

static int set_append(struct options *o, const char *name, const char *value)
{
	(void)name;
	o->image.append = value;
	return 0;
}

static int set_memory(struct options *o, const char *name, const char *value)
{
	unsigned long n;
	int err = number(name, value, MEMORY_MIN, MEMORY_MAX, &n);

	o->memory = n * MIB;
	return err;
}

static int set_cpus(struct options *o, const char *name, const char *value)
{
	unsigned long n;
	int err = number(name, value, 1, VCPU_MAX, &n);

	o->cpus = (unsigned int)n;
	return err;
}

static int set_transport(struct options *o, const char *name,
			 const char *value)
{
	static const struct transport_ops *const transports[] = {
		&transport_kernel, &transport_user,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(transports); i++) {
		if (!strcmp(value, transports[i]->name)) {
			o->transport = transports[i];
			return 0;
		}
	}
	report("%s: '%s' is neither kernel nor user", name, value);
	return -EINVAL;
}

static int set_mmap_reads(struct options *o, const char *name, const char *value)
{
	static const char *const sets[] = {
		[MMAP_READS_NONE] = "none",
		[MMAP_READS_PCI_CONFIG] = "pci-config",
		[MMAP_READS_ALL] = "all",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sets); i++) {
		if (!strcmp(value, sets[i])) {
			o->mmap_reads = i;
			return 0;
		}
	}
	report("%s: '%s' is none of none, pci-config and all", name, value);
	return -EINVAL;
}

static int file_name(const char **path, const char *name, const char *value)
{
	if (!*value) {
		report("%s: the file's name is empty", name);
		return -EINVAL;
	}
	*path = value;
	return 0;
}

static int set_exits(struct options *o, const char *name, const char *value)
{
	o->exits = true;
	return value ? file_name(&o->exits_path, name, value) : 0;
}

static int set_snapshot(struct options *o, const char *name, const char *value)
{
	return file_name(&o->snapshot, name, value);
}

static int set_restore(struct options *o, const char *name, const char *value)
{
	return file_name(&o->restore, name, value);
}

static int set_help(struct options *o, const char *name, const char *value)
{
	(void)name;
	(void)value;
	o->help = true;
	return 0;
}

/* --net: a list of key=value, again as a table */

static int net_tap(struct net_options *net, const char *value)
{
	size_t length = strlen(value);

	if (!length || length >= sizeof(net->tap) || strchr(value, '/')) {
		report("--net: tap: '%s' is not an interface's name", value);
		return -EINVAL;
	}
	memcpy(net->tap, value, length + 1);
	return 0;
}

static int net_queues(struct net_options *net, const char *value)
{
	unsigned long n;
	int err = number("--net: queues", value, 1, OPTIONS_MAX_QUEUES, &n);

	net->queues = (unsigned int)n;
	return err;
}

static int net_mac(struct net_options *net, const char *value)
{
	unsigned int b[OPTIONS_MAC_SIZE];
	int i, end = 0;

	if (sscanf(value, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2],
		   &b[3], &b[4], &b[5], &end) != OPTIONS_MAC_SIZE ||
	    value[end] || end != 17) {
		report("--net: mac: '%s' is not an address such as 02:00:00:00:00:01",
		       value);
		return -EINVAL;
	}
	if (b[0] & 1) {
		report("--net: mac: '%s' is a group address", value);
		return -EINVAL;
	}
	if (!(b[0] | b[1] | b[2] | b[3] | b[4] | b[5])) {
		report("--net: mac: '%s' is no station's address", value);
		return -EINVAL;
	}
	for (i = 0; i < OPTIONS_MAC_SIZE; i++)
		net->mac[i] = (uint8_t)b[i];
	return 0;
}

static int net_layout(struct net_options *net, const char *value)
{
	static const struct {
		const char *name;
		unsigned int flags;
	} layouts[] = {
		{ "io", 0 },
		{ "fast-mmio", LIBKVPCI_LAYOUT_FAST_MMIO },
		{ "memory", LIBKVPCI_LAYOUT_MEMORY },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(layouts); i++) {
		if (strcmp(value, layouts[i].name))
			continue;
		net->layout = layouts[i].flags;
		return 0;
	}
	report("--net: layout: '%s' is none of io, fast-mmio and memory", value);
	return -EINVAL;
}

static const struct {
	const char *key;
	int (*set)(struct net_options *net, const char *value);
} net_keys[] = {
	{ "tap", net_tap },
	{ "queues", net_queues },
	{ "mac", net_mac },
	{ "layout", net_layout },
};

static int net_item(struct net_options *net, char *item)
{
	char *value = strchr(item, '=');
	size_t i;

	if (!value) {
		report("--net: '%s' has no value; write KEY=VALUE", item);
		return -EINVAL;
	}
	*value++ = 0;
	for (i = 0; i < ARRAY_SIZE(net_keys); i++)
		if (!strcmp(item, net_keys[i].key))
			return net_keys[i].set(net, value);
	report("--net: unknown key '%s'; there are tap, queues, mac and layout",
	       item);
	return -EINVAL;
}

static int set_net(struct options *o, const char *name, const char *value)
{
	struct net_options *net = &o->nets[o->num_nets];
	char *copy, *rest, *item;
	int err = 0;

	if (o->num_nets == OPTIONS_MAX_NETS) {
		report("%s: given more than %d times", name, OPTIONS_MAX_NETS);
		return -EINVAL;
	}
	copy = strdup(value);
	if (!copy)
		return report_error(-ENOMEM, "%s", name);
	memset(net, 0, sizeof(*net));
	net->queues = 1;
	net->layout = OPTIONS_LAYOUT_HOST;
	rest = copy;
	while (!err && (item = strsep(&rest, ",")))
		err = net_item(net, item);
	if (!err && !net->tap[0]) {
		report("%s: '%s' names no tap; write tap=IFNAME", name, value);
		err = -EINVAL;
	}
	free(copy);
	if (!err)
		o->num_nets++;
	return err;
}

static const struct option_row rows[] = {
	{ "--kernel", VALUE_NEEDED, "FILE",
	  "the Linux kernel to boot, bzImage or vmlinux (needed)", set_kernel },
	{ "--initrd", VALUE_NEEDED, "FILE", "its initial ramdisk", set_initrd },
	{ "--append", VALUE_NEEDED, "STRING", "its command line", set_append },
	{ "--memory", VALUE_NEEDED, "MIB", "memory (default 512)", set_memory },
	{ "--cpus", VALUE_NEEDED, "N", "virtual CPUs (default 1)", set_cpus },
	{ "--net", VALUE_NEEDED,
	  "tap=IFNAME[,queues=N][,mac=ADDR][,layout=io|fast-mmio|memory]",
	  "a network card on an existing tap; repeatable", set_net },
	{ "--transport", VALUE_NEEDED, "kernel|user",
	  "who answers device registers: the kvpci module (default) or this program",
	  set_transport },
	{ "--mmap-reads", VALUE_NEEDED, "none|pci-config|all",
	  "what the guest reads as memory, without an exit: nothing, PCI configuration\n"
	  "        space, or that and MSI-X tables (default all)",
	  set_mmap_reads },
	{ "--exits", VALUE_OPTIONAL, "[=FILE]",
	  "at the end, and on SIGUSR1, count exits to userspace", set_exits },
	{ "--snapshot", VALUE_NEEDED, "FILE",
	  "on SIGUSR2, write all of the running machine to this file, and go on",
	  set_snapshot },
	{ "--restore", VALUE_NEEDED, "FILE",
	  "go on from such a file, in place of a kernel's boot", set_restore },
	{ "--help", VALUE_NONE, "", "print this; -h is the same", set_help },
	{ "-h", VALUE_NONE, "", NULL, set_help },
};

#define NUM_ROWS	ARRAY_SIZE(rows)

static const struct option_row *find_row(const char *arg, size_t length)
{
	size_t i;

	for (i = 0; i < NUM_ROWS; i++)
		if (strlen(rows[i].name) == length &&
		    !memcmp(rows[i].name, arg, length))
			return &rows[i];
	return NULL;
}

/* Return: how many arguments were used, or -EINVAL. */
static int parse_one(struct options *o, int left, char **args)
{
	const char *arg = args[0], *equals = strchr(arg, '=');
	size_t length = equals ? (size_t)(equals - arg) : strlen(arg);
	const char *value = equals ? equals + 1 : NULL;
	const struct option_row *row = find_row(arg, length);
	int used = 1;

	if (arg[0] != '-') {
		report("run: unexpected argument '%s'; see kvpci run --help", arg);
		return -EINVAL;
	}
	if (!row) {
		report("run: unknown option '%s'; see kvpci run --help", arg);
		return -EINVAL;
	}
	if (row->value == VALUE_NONE && value) {
		report("%s: takes no value, found '%s'", row->name, value);
		return -EINVAL;
	}
	if (row->value == VALUE_NEEDED && !value) {
		if (left < 2) {
			report("%s: needs a value: %s", row->name, row->metavar);
			return -EINVAL;
		}
		value = args[1];
		used = 2;
	}
	return row->set(o, row->name, value) ? -EINVAL : used;
}

int options_parse(struct options *options, int argc, char **argv)
{
	int i, used;

	memset(options, 0, sizeof(*options));
	options->image.append = "";
	options->memory = MEMORY_DEFAULT * MIB;
	options->cpus = 1;
	options->transport = &transport_kernel;
	options->mmap_reads = MMAP_READS_ALL;
	for (i = 0; i < argc; i += used) {
		used = parse_one(options, argc - i, argv + i);
		if (used < 0)
			return used;
	}
	if (!options->help && !options->image.kernel && !options->restore) {
		report("--kernel: missing: which kernel is to boot?");
		return -EINVAL;
	}
	return 0;
}

void options_help(void)
{
	size_t i;

	puts("usage: kvpci run --kernel FILE [OPTION]...\n"
	     "       kvpci run --restore FILE [OPTION]...\n\n"
	     "Boots a Linux kernel in a virtual machine, its console on stdin and stdout.\n"
	     "Ctrl-A x ends it.\n");
	for (i = 0; i < NUM_ROWS; i++) {
		if (!rows[i].help)
			continue;
		printf("  %s%s%s\n        %s\n", rows[i].name,
		       rows[i].value == VALUE_NEEDED ? " " : "",
		       rows[i].metavar, rows[i].help);
	}
	puts("\nexit status: 0 after power-off, reboot, Ctrl-A x, SIGTERM or SIGINT;\n"
	     "1 if the guest crashed or could not be run; 2 if an option is wrong.");
}
