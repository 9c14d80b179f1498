// SPDX-License-Identifier: GPL-2.0-only
/*
 * From an ioctl's number and pointer to a checked structure and a call.
 *
 * Structures begin with their size and may grow: copy_struct_from_user() gives
 * an older caller zeroes for what it does not know, and refuses what we do not
 * know unless it is zero.
 */
#include <linux/uaccess.h>

#include "kvpci.h"

static const struct kvpci_ioctl *find_ioctl(const struct kvpci_ioctl *table,
					    unsigned int num, unsigned int cmd)
{
	unsigned int i;

	for (i = 0; i < num; i++)
		if (table[i].cmd == cmd)
			return &table[i];
	return NULL;
}

/**
 * kvpci_ioctl() - carry out an ioctl
 * @table: what the object can do
 * @num: entries of @table
 * @object: passed on to the call
 * @cmd: number of the ioctl
 * @arg: user pointer to its structure
 *
 * The structure's size is left as the caller wrote it, in what is copied back
 * too.
 */
long kvpci_ioctl(const struct kvpci_ioctl *table, unsigned int num,
		 void *object, unsigned int cmd, unsigned long arg)
{
	const struct kvpci_ioctl *ioctl = find_ioctl(table, num, cmd);
	void __user *user = (void __user *)arg;
	u64 any[KVPCI_MAX_STRUCT / sizeof(u64)];
	u32 size;
	long ret;

	if (!ioctl)
		return -ENOTTY;
	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < ioctl->min_size)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(any, ioctl->size, user, size);
	if (ret)
		return ret;
	/* Read a second time: somebody may have changed it in between. */
	*(u32 *)any = size;

	/* The call must not run if its result cannot be written back. */
	if (ioctl->direction == KVPCI_INOUT && put_user(size, (u32 __user *)user))
		return -EFAULT;
	ret = ioctl->call(object, any);
	if (ret < 0 || ioctl->direction == KVPCI_IN)
		return ret;
	if (copy_to_user(user, any, min_t(u32, size, ioctl->size)))
		return -EFAULT;
	return ret;
}
