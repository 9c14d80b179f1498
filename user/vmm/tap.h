/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Queues of an existing tap interface.
 */
#ifndef KVPCI_VMM_TAP_H
#define KVPCI_VMM_TAP_H

#include <stdint.h>

/**
 * tap_open() - open queues of a tap
 * @name: the interface, which must exist
 * @fds: out: @queues descriptors
 * @queues: how many
 *
 * Frames carry a struct virtio_net_hdr_v1 of 12 bytes.
 *
 * Return: 0 or a negative errno value, reported; then no descriptor is open.
 */
int tap_open(const char *name, int *fds, unsigned int queues);

/** tap_set_offload() - TUN_F_* bits: what frames the reader can take */
int tap_set_offload(int fd, unsigned int flags);

/** tap_attach() - let a queue take part */
int tap_attach(int fd);

/** tap_detach() - let a queue take part no more */
int tap_detach(int fd);

#endif /* KVPCI_VMM_TAP_H */
