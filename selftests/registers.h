/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device's registers as the specification numbers them, for the tests. Not
 * taken from the core's headers, nor from the kernel's: a test that shares a
 * mistake with what it tests does not find it.
 */
#ifndef KVPCI_SELFTEST_REGISTERS_H
#define KVPCI_SELFTEST_REGISTERS_H

/* Device status bits, 2.1 */
#define ST_ACKNOWLEDGE	0x01
#define ST_DRIVER	0x02
#define ST_DRIVER_OK	0x04
#define ST_FEATURES_OK	0x08
#define ST_SUSPEND	0x10
#define ST_NEEDS_RESET	0x40
#define ST_FAILED	0x80
#define ST_READY	(ST_ACKNOWLEDGE | ST_DRIVER | ST_FEATURES_OK)
#define ST_RUNNING	(ST_READY | ST_DRIVER_OK)

/* Offsets in the common configuration, 4.1.4.3 */
enum {
	CC_DEVICE_FEATURE_SELECT = 0x00,
	CC_DEVICE_FEATURE = 0x04,
	CC_DRIVER_FEATURE_SELECT = 0x08,
	CC_DRIVER_FEATURE = 0x0c,
	CC_CONFIG_VECTOR = 0x10,
	CC_NUM_QUEUES = 0x12,
	CC_STATUS = 0x14,
	CC_GENERATION = 0x15,
	CC_QUEUE_SELECT = 0x16,
	CC_QUEUE_SIZE = 0x18,
	CC_QUEUE_VECTOR = 0x1a,
	CC_QUEUE_ENABLE = 0x1c,
	CC_QUEUE_NOTIFY_OFF = 0x1e,
	CC_QUEUE_DESC = 0x20,
	CC_QUEUE_DRIVER = 0x28,
	CC_QUEUE_DEVICE = 0x30,
	CC_QUEUE_NOTIF_DATA = 0x38,
	CC_QUEUE_RESET = 0x3a,
	CC_ADMIN_INDEX = 0x3c,
	CC_ADMIN_NUM = 0x3e,
};

#define NO_VECTOR	0xffff

#endif /* KVPCI_SELFTEST_REGISTERS_H */
