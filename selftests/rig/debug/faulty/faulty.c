// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that makes one of each mistake that a kernel with checks has to
 * report. check-debug loads it once, to see that the reports come and that the
 * rig takes them for failures. It never stays loaded.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static DEFINE_SPINLOCK(spin);
static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

/* One pointer may be found on a stack by chance, not all of them. */
static void forget_memory(void)
{
	for (int i = 0; i < 16; i++) {
		void *p = kzalloc(200, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(p);
	}
}

static int use_after_free(void)
{
	int *p = kzalloc(sizeof(*p), GFP_KERNEL);
	int *stale = p;

	if (!p)
		return 0;
	OPTIMIZER_HIDE_VAR(stale);
	kfree(p);
	return READ_ONCE(*stale);
}

static void sleep_in_atomic_context(void)
{
	spin_lock(&spin);
	might_sleep();
	spin_unlock(&spin);
}

static void lock_in_both_orders(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static int __init faulty_init(void)
{
	lock_in_both_orders();	/* first: other reports turn lockdep off */
	sleep_in_atomic_context();
	use_after_free();
	forget_memory();
	return -ECANCELED;
}
module_init(faulty_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("What kernels with checks must notice");
