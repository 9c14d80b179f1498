/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line of `kvpci run`.
 */
#ifndef KVPCI_VMM_OPTIONS_H
#define KVPCI_VMM_OPTIONS_H

#include <linux/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "boot.h"
#include "machine.h"
#include "transport.h"

#define OPTIONS_MAX_NETS	PCI_MAX_DEVICES
#define OPTIONS_MAX_QUEUES	256	/* pairs; a tap has no more */
#define OPTIONS_MAC_SIZE	6
#define OPTIONS_LAYOUT_HOST	(~0U)	/* the best one for the host */

/**
 * struct net_options - one --net
 * @tap: name of the interface
 * @queues: queue pairs
 * @layout: LIBKVPCI_LAYOUT_* flags, or OPTIONS_LAYOUT_HOST
 * @mac: address, all zero: make one up
 */
struct net_options {
	char tap[IFNAMSIZ];
	unsigned int queues;
	unsigned int layout;
	uint8_t mac[OPTIONS_MAC_SIZE];
};

/**
 * struct options - all of it
 * @image: --kernel, --initrd, --append
 * @memory: bytes
 * @cpus: vCPUs
 * @transport: the transport that answers registers
 * @mmap_reads: the registers that the guest reads as memory
 * @nets: --net, in order
 * @num_nets: how many
 * @exits: --exits was given
 * @exits_path: its file, or NULL: stderr
 * @snapshot: --snapshot: the file that SIGUSR2 writes, or NULL
 * @restore: --restore: the file to go on from, or NULL
 * @help: --help was given
 */
struct options {
	struct boot_image image;
	uint64_t memory;
	unsigned int cpus;
	const struct transport_ops *transport;
	enum mmap_reads_set mmap_reads;
	struct net_options nets[OPTIONS_MAX_NETS];
	unsigned int num_nets;
	bool exits;
	const char *exits_path;
	const char *snapshot;
	const char *restore;
	bool help;
};

/**
 * options_parse() - read the arguments
 * @options: out
 * @argc: how many there are at @argv
 * @argv: the arguments after "kvpci run"
 *
 * Return: 0 or -EINVAL, reported.
 */
int options_parse(struct options *options, int argc, char **argv);

/** options_help() - print all options, to stdout */
void options_help(void);

#endif /* KVPCI_VMM_OPTIONS_H */
