// SPDX-License-Identifier: GPL-2.0-only
/*
 * What others wait for while a vCPU does not come out of KVM: files that a kernel
 * thread releases, and calls of other tasks.
 *
 * io_uring lets go of its fixed files in a kernel thread, and then one work item
 * of the whole system releases them. A vCPU whose guest touches memory on
 * userfaultfd stays inside kvm->srcu until somebody fills the page, so whoever
 * waits there for that grace period keeps all other such files of the system.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/machine.h"
#include "kselftest_harness.h"

#define PAGE		4096
#define MISSING		GUEST_RAM_FREE	/* the page that is not there */
#define BUSES		1
#define LIMIT_MS	60000

FIXTURE(uring) {
	struct machine m;
	pthread_t thread;
	bool running;	/* the thread */
	int uffd;
	int before;	/* users of the module without the machine */
};

/* Which of the two objects is the last on KVM's buses. */
FIXTURE_VARIANT(uring) {
	bool device;
};

FIXTURE_VARIANT_ADD(uring, device) { .device = true };
FIXTURE_VARIANT_ADD(uring, vm) { .device = false };

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* --- rings ------------------------------------------------------------------ */

/* Return: a ring that holds the files, or -1 */
static int ring_with(const int *fds, unsigned int num)
{
	struct io_uring_params params = { 0 };
	int ring = syscall(SYS_io_uring_setup, 1, &params);

	if (ring < 0)
		return -1;
	if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, fds,
		    num))
		guest_die("IORING_REGISTER_FILES");
	return ring;
}

static bool no_rings(void)
{
	struct io_uring_params params = { 0 };
	int ring = syscall(SYS_io_uring_setup, 1, &params);

	if (ring >= 0)
		close(ring);
	return ring < 0;
}

/* --- where everybody stands -------------------------------------------------- */

static void tell_task(const char *pid)
{
	char path[64], name[32] = "", stack[4096] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%.16s/stack", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, stack, sizeof(stack) - 1) < 0)
		stack[0] = '\0';
	close(fd);
	if (!strstr(stack, "kvpci") && !strstr(stack, "handle_userfault") &&
	    !strstr(stack, "delayed_fput"))
		return;
	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, name, sizeof(name) - 1) < 0)
		name[0] = '\0';
	close(fd);
	name[strcspn(name, "\n")] = '\0';
	printf("# %s (%s) is at:\n", pid, name);
	for (char *line = strtok(stack, "\n"); line; line = strtok(NULL, "\n"))
		printf("#   %s\n", line);
}

/* Who is in the module, in a page that is not there, or releases files. */
static void tell_stacks(const char *dir)
{
	DIR *tasks = opendir(dir);
	struct dirent *entry;

	while (tasks && (entry = readdir(tasks)))
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
			tell_task(entry->d_name);
	if (tasks)
		closedir(tasks);
}

static void tell_everybody(void)
{
	tell_stacks("/proc");
	tell_stacks("/proc/self/task");
	fflush(stdout);
}

/* --- the vCPU ---------------------------------------------------------------- */

static void *run_vcpu(void *arg)
{
	while (!guest_run(arg))
		;
	return NULL;
}

static bool no_userfaultfd(void)
{
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (uffd >= 0)
		close(uffd);
	return uffd < 0;
}

static int make_missing(struct guest *g)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (uintptr_t)g->memory + MISSING, PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) ||
	    ioctl(uffd, UFFDIO_REGISTER, &reg))
		guest_die("userfaultfd");
	return uffd;
}

/* The guest reads the page, and is there when this returns. */
static void enter_missing(FIXTURE_DATA(uring) *self)
{
	struct guest_access read_it = {
		ACCESS_READ, 4, MISSING, 0,
	};
	struct pollfd p = { .fd = self->uffd, .events = POLLIN };
	struct uffd_msg msg;

	guest_set_script(&self->m.g.vcpu[0], &read_it, 1, 1);
	if (pthread_create(&self->thread, NULL, run_vcpu,
			   &self->m.g.vcpu[0]))
		guest_die("pthread_create");
	self->running = true;
	if (poll(&p, 1, LIMIT_MS) != 1 ||
	    read(self->uffd, &msg, sizeof(msg)) != sizeof(msg) ||
	    msg.event != UFFD_EVENT_PAGEFAULT)
		guest_die("the guest has not met the missing page");
}

static void leave_missing(FIXTURE_DATA(uring) *self)
{
	struct uffdio_zeropage zero = {
		.range = { (uintptr_t)self->m.g.memory + MISSING, PAGE },
	};

	if (!self->running)
		return;
	if (ioctl(self->uffd, UFFDIO_ZEROPAGE, &zero))
		guest_die("UFFDIO_ZEROPAGE");
	pthread_join(self->thread, NULL);
	self->running = false;
}

/* --- the test ---------------------------------------------------------------- */

static void add_ecam(int vm)
{
	struct kvpci_vm_ecam ecam = {
		.size = sizeof(ecam), .addr = ECAM_ADDR,
		.num_buses = BUSES,
	};

	if (do_ioctl(vm, KVPCI_VM_ECAM, &ecam))
		guest_die("KVPCI_VM_ECAM");
}

FIXTURE_SETUP(uring)
{
	/* Nothing is there yet that a test which is skipped would leave. */
	if (no_userfaultfd())
		SKIP(return, "no userfaultfd: %s", strerror(errno));
	self->before = module_users();
	ASSERT_LE(0, self->before);
	machine_create(&self->m);
	if (!variant->device) {
		close_fd(&self->m.dev);
		add_ecam(self->m.vm);
	}
	self->uffd = make_missing(&self->m.g);
}

FIXTURE_TEARDOWN(uring)
{
	leave_missing(self);
	close_fd(&self->uffd);
	machine_destroy(&self->m);
}

/* The other end is closed. */
static bool ended(int pipe_end)
{
	struct pollfd p = { .fd = pipe_end };

	return poll(&p, 1, LIMIT_MS) == 1 && p.revents & POLLHUP;
}

static bool users_are(int expect)
{
	for (int ms = 0; ms < LIMIT_MS && module_users() != expect; ms++)
		usleep(1000);
	return module_users() == expect;
}

/*
 * Give up the objects, the last of them by a ring, which also has the write end
 * of a pipe. Kernel threads release what they let go of last first, so when that
 * end is closed, the object is next, if it has not been before.
 */
static void give_up(FIXTURE_DATA(uring) *self, int pipe_end)
{
	struct machine *m = &self->m;
	int fds[] = { m->dev >= 0 ? m->dev : m->vm, pipe_end, m->vm };
	int ring = ring_with(fds, m->dev >= 0 ? 3 : 2);

	if (ring < 0)
		guest_die("io_uring_setup");
	close_fd(&m->dev);
	close_fd(&m->vm);
	close_fd(&m->ctl);
	close(pipe_end);
	close(ring);
}

TEST_F(uring, others_are_released)
{
	int with[2], other[2], ring;

	if (no_rings())
		SKIP(return, "no io_uring");
	ASSERT_EQ(0, pipe2(with, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(other, O_CLOEXEC));
	ring = ring_with(&other[1], 1);
	ASSERT_LE(0, ring);
	close(other[1]);

	enter_missing(self);
	give_up(self, with[1]);
	EXPECT_TRUE(ended(with[0]))
		tell_everybody();
	close(ring);
	EXPECT_TRUE(ended(other[0]))
		tell_everybody();
	/* for as long as the vCPU can come back into the module, that stays */
	EXPECT_LT(self->before, module_users());

	leave_missing(self);
	EXPECT_TRUE(users_are(self->before)) {
		TH_LOG("users of the module: %d, not %d", module_users(),
		       self->before);
		tell_everybody();
	}
	close(with[0]);
	close(other[0]);
}

static bool ends(pid_t pid)
{
	for (int ms = 0; ms < LIMIT_MS; ms++) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return true;
		usleep(1000);
	}
	return false;
}

/*
 * Another process that was given the files closes them last. It has nothing to do
 * with the VM, and does not wait for it.
 */
TEST_F(uring, another_process_closes_last)
{
	struct machine *m = &self->m;
	int go[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(go[1]);
		_exit(read(go[0], &c, 1));
	}
	enter_missing(self);
	close_fd(&m->dev);
	close_fd(&m->vm);
	close_fd(&m->ctl);
	close(go[0]);
	close(go[1]);
	EXPECT_TRUE(ends(pid))
		tell_everybody();
	EXPECT_LT(self->before, module_users());
	leave_missing(self);
	EXPECT_TRUE(users_are(self->before))
		tell_everybody();
}

/* --- a task that waits for a call of another --------------------------------- */

/* The BARs move, which waits for the vCPU; the next call waits for this one. */
static int move_bars(int dev)
{
	const uint64_t addr[KVPCI_NUM_BARS] = { [BAR_IO] = IO_BASE };

	return libkvpci_device_map(dev, 1U << BAR_IO, addr);
}

/* A kick eventfd is replaced, which waits for the vCPU as well. */
static int replace_kick(int dev)
{
	return libkvpci_queue_fds(dev, 0, -1, -1);
}

static pid_t call_in_child(int (*call)(int dev), int dev)
{
	pid_t pid = fork();

	if (pid < 0)
		guest_die("fork");
	if (!pid)
		_exit(call(dev) ? 1 : 0);
	return pid;
}

/* Does a task come to wait where only the end of the wait, or its own, helps? */
static bool comes_to_wait(pid_t pid)
{
	char path[64], line[256] = "";

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (int ms = 0; ms < LIMIT_MS; ms++) {
		FILE *file = fopen(path, "re");
		const char *state;

		if (!file || !fgets(line, sizeof(line), file))
			guest_die("%s", path);
		fclose(file);
		state = strrchr(line, ')');
		if (state && state[2] == 'D')
			return true;
		usleep(1000);
	}
	return false;
}

/* Whoever waits for another's call can be killed. */
static void kill_second(struct __test_metadata *_metadata,
			FIXTURE_DATA(uring) *self, int (*call)(int dev))
{
	struct machine *m = &self->m;
	struct device_desc desc;
	pid_t first, second;

	device_describe(&desc);
	if (m->dev < 0)
		m->dev = libkvpci_device_create(m->vm, &desc.create);
	ASSERT_LE(0, m->dev);
	ASSERT_EQ(0, libkvpci_queue_fds(m->dev, 0, eventfd(0, EFD_CLOEXEC), -1));
	/* Nothing waits where nothing was before. */
	ASSERT_EQ(0, move_bars(m->dev));
	enter_missing(self);
	first = call_in_child(call, m->dev);
	EXPECT_TRUE(comes_to_wait(first))
		tell_everybody();
	second = call_in_child(call, m->dev);
	EXPECT_TRUE(comes_to_wait(second))
		tell_everybody();
	kill(second, SIGKILL);
	EXPECT_TRUE(ends(second))
		tell_everybody();
	/* The first one waits for the vCPU, and for nothing else. */
	EXPECT_EQ(0, waitpid(first, NULL, WNOHANG));
	leave_missing(self);
	EXPECT_TRUE(ends(first))
		tell_everybody();
}

TEST_F(uring, killed_while_bars_move)
{
	kill_second(_metadata, self, move_bars);
}

TEST_F(uring, killed_while_a_kick_is_replaced)
{
	kill_second(_metadata, self, replace_kick);
}

/* --- devices that arrive meanwhile -------------------------------------------- */

#define MANY		80	/* devices */
#define UNFREED		64	/* changes of buses that may wait for the vCPU */

/* Return: never */
static void arrive(struct machine *m, struct device_desc *desc,
		   volatile unsigned int *arrived)
{
	const uint64_t addr[KVPCI_NUM_BARS] = { [BAR_IO] = IO_BASE };

	for (; *arrived < MANY; ++*arrived) {
		int dev = libkvpci_device_create(m->vm, &desc->create);

		if (dev < 0 || libkvpci_device_map(dev, 1U << BAR_IO, addr))
			_exit(1);
	}
	_exit(0);
}

/* They do not wait for the vCPU, until what they leave behind is too much. */
TEST_F(uring, arrivals_are_bounded)
{
	volatile unsigned int *arrived =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct machine *m = &self->m;
	/* What the fixture has closed may still be on its way out. */
	int users = self->before + 2 + (m->dev >= 0);
	struct device_desc desc;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, arrived);
	device_describe(&desc);
	enter_missing(self);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		arrive(m, &desc, arrived);
	EXPECT_TRUE(comes_to_wait(pid))
		tell_everybody();
	/* What the fixture has changed may still wait, too. */
	EXPECT_GE(UNFREED, *arrived);
	EXPECT_LE(UNFREED - 4, *arrived);
	leave_missing(self);
	EXPECT_TRUE(ends(pid))
		tell_everybody();
	EXPECT_EQ(MANY, *arrived);
	/* nobody waits for the child's files to be released, but the next test */
	EXPECT_TRUE(users_are(users))
		tell_everybody();
	munmap((void *)arrived, PAGE);
}

/* --- devices that leave meanwhile ---------------------------------------------- */

struct leaving {
	struct machine *m;
	int devices[MANY];
	volatile pid_t tid;
	volatile unsigned int left;
};

static void *leave(void *arg)
{
	struct leaving *leaving = arg;

	leaving->tid = gettid();
	for (; leaving->left < MANY; leaving->left++)
		close(leaving->devices[leaving->left]);
	return NULL;
}

/* Whoever made the VM does not wait either, until it is too much. */
TEST_F(uring, departures_are_bounded)
{
	struct leaving leaving = { .m = &self->m };
	struct machine *m = &self->m;
	int users = self->before + 2 + (m->dev >= 0);
	struct device_desc desc;
	pthread_t thread;

	device_describe(&desc);
	for (unsigned int i = 0; i < MANY; i++) {
		leaving.devices[i] = libkvpci_device_create(m->vm, &desc.create);
		ASSERT_LE(0, leaving.devices[i]);
	}
	enter_missing(self);
	ASSERT_EQ(0, pthread_create(&thread, NULL, leave, &leaving));
	while (!leaving.tid)
		usleep(1000);
	EXPECT_TRUE(comes_to_wait(leaving.tid))
		tell_everybody();
	EXPECT_GE(UNFREED, leaving.left);
	EXPECT_LE(UNFREED - 4, leaving.left);
	leave_missing(self);
	pthread_join(thread, NULL);
	EXPECT_TRUE(users_are(users)) {
		TH_LOG("users of the module: %d, not %d", module_users(), users);
		tell_everybody();
	}
}

int main(int argc, char **argv)
{
	require_kvpci();
	return test_harness_run(argc, argv);
}
