// SPDX-License-Identifier: GPL-2.0-only
/*
 * The thread that starts devices.
 *
 * At DRIVER_OK nobody waits for it: the guest goes on. So it must not take the
 * processor from the vCPU that wakes it. A batch task does not when it is woken.
 * But Linux also looks whether the running task's time is up when it queues a task
 * beside another that waits already. With a thread a device that happens as soon as
 * two of them start. One thread for all is not queued twice.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "report.h"
#include "starter.h"

/* Each device is started once, until starter_watch() is called for it. */
static int control(struct starter *starter, int op, int fd, uint32_t events,
		   void *what)
{
	struct epoll_event event = {
		.events = events | EPOLLONESHOT, .data.ptr = what,
	};

	return epoll_ctl(starter->epoll, op, fd, &event) ? -errno : 0;
}

static void *run(void *arg)
{
	const struct sched_param param = { 0 };
	struct starter *starter = arg;
	struct epoll_event event;
	struct startable *device;

	/* A matter of speed only: nothing to do if it is refused. */
	pthread_setschedparam(pthread_self(), SCHED_BATCH, &param);
	for (;;) {
		if (epoll_wait(starter->epoll, &event, 1, -1) != 1)
			continue;
		device = event.data.ptr;
		if (!device)
			return NULL;
		device->start(device->opaque);
	}
}

int starter_open(struct starter *starter)
{
	int err;

	starter->started = false;
	starter->epoll = epoll_create1(EPOLL_CLOEXEC);
	starter->quit = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (starter->epoll < 0 || starter->quit < 0 ||
	    control(starter, EPOLL_CTL_ADD, starter->quit, EPOLLIN, NULL))
		return report_error(-errno, "the thread that starts devices");
	err = pthread_create(&starter->thread, NULL, run, starter);
	if (err)
		return report_error(-err, "the thread that starts devices");
	starter->started = true;
	pthread_setname_np(starter->thread, "starter");
	return 0;
}

void starter_stop(struct starter *starter)
{
	if (!starter->started)
		return;
	eventfd_write(starter->quit, 1);
	pthread_join(starter->thread, NULL);
	starter->started = false;
}

void starter_close(struct starter *starter)
{
	if (starter->epoll >= 0)
		close(starter->epoll);
	if (starter->quit >= 0)
		close(starter->quit);
}

int starter_add(struct starter *starter, struct startable *device)
{
	int err = control(starter, EPOLL_CTL_ADD, device->fd, 0, device);

	return err ? report_error(err, "epoll for a device") : 0;
}

void starter_watch(struct starter *starter, struct startable *device)
{
	control(starter, EPOLL_CTL_MOD, device->fd, EPOLLIN, device);
}
