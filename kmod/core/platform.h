/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the register core takes from its surroundings: kernel headers inside
 * the module, a few definitions of our own in userspace. Nothing else in
 * kmod/core/ may know which of the two it is.
 */
#ifndef KVPCI_CORE_PLATFORM_H
#define KVPCI_CORE_PLATFORM_H

#ifdef __KERNEL__

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/cache.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/types.h>
#include <uapi/linux/pci_regs.h>
#include <uapi/linux/virtio_config.h>

#else /* userspace */

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/types.h>
#include <linux/virtio_config.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))
#define __aligned(n)		__attribute__((aligned(n)))
/* Which lines a queue's registers share is of interest to the module only. */
#define ____cacheline_aligned
#define is_power_of_2(n)	((n) != 0 && ((n) & ((n) - 1)) == 0)
/* A hypervisor's userspace has no secrets to keep from its own guest. */
#define array_index_nospec(index, size)	((void)(size), (index))

#endif

#include <linux/kvpci.h>
#include <linux/virtio_pci.h>

/* Bits newer than some of the kernels and C libraries we build with. */
#ifndef VIRTIO_F_RING_RESET
#define VIRTIO_F_RING_RESET	40
#endif
#ifndef VIRTIO_F_ADMIN_VQ
#define VIRTIO_F_ADMIN_VQ		41
#endif
#ifndef VIRTIO_F_SUSPEND
#define VIRTIO_F_SUSPEND		43
#endif
#ifndef VIRTIO_CONFIG_S_SUSPEND
#define VIRTIO_CONFIG_S_SUSPEND		0x10
#endif
#ifndef VIRTIO_F_NOTIFICATION_DATA
#define VIRTIO_F_NOTIFICATION_DATA	38
#endif
#ifndef VIRTIO_F_NOTIF_CONFIG_DATA
#define VIRTIO_F_NOTIF_CONFIG_DATA	39
#endif

#ifndef VIRTIO_PCI_CAP_VENDOR_CFG
#define VIRTIO_PCI_CAP_VENDOR_CFG	9
#endif
#ifndef PCI_HEADER_TYPE_MFD
#define PCI_HEADER_TYPE_MFD		0x80
#endif

#endif /* KVPCI_CORE_PLATFORM_H */
