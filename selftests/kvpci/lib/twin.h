/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The userspace twin of the module as the launcher has it (user/vmm): its PCI
 * bus and its transport "user", which answer what the agent exits for.
 *
 * The device is on the bus, so its BARs and interrupt bits are configuration
 * space's. What DEVICE_MAP and DEVICE_IRQ tell the module is written there.
 */
#ifndef KVPCI_SELFTEST_TWIN_H
#define KVPCI_SELFTEST_TWIN_H

#include <stdbool.h>

#include "guest.h"

/**
 * twin_create() - give a guest a PCI bus; one guest a process
 *
 * Return: a descriptor that stands for the VM, as KVPCI_VM_CREATE gives one.
 */
int twin_create(struct guest *g);

/** twin_vendor_data() - the vendor data (4.1.4.8) of devices made from now on */
void twin_vendor_data(const void *data, uint32_t length);

/** twin_destroy() - take bus and devices away; the guest no longer runs */
void twin_destroy(void);

/**
 * twin_ioctl() - an ioctl of <linux/kvpci.h>, if it is for the twin
 * @fd: of a VM or a device; a device's is the transport's event descriptor
 * @cmd: KVPCI_*
 * @arg: its structure
 * @ret: out: its result, or -errno
 *
 * KVPCI_DEVICE_STATE tells the features only.
 *
 * Return: false if @fd is none of the twin's.
 */
bool twin_ioctl(int fd, unsigned long cmd, void *arg, int *ret);

/** twin_event() - take an event of a device. Return: as device_event() */
int twin_event(int fd, struct kvpci_event *event);

/**
 * twin_settle() - wait until a device has done what a thread of it does
 * @fd: the device
 * @call: a call eventfd it has; its signal is seen when this returns
 */
void twin_settle(int fd, int call);

/** twin_has() - is a descriptor one of the twin's? */
bool twin_has(int fd);

#endif /* KVPCI_SELFTEST_TWIN_H */
