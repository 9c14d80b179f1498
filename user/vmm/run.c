// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvpci run: puts the machine together, lets it run, takes it apart.
 *
 * Threads: one a vCPU, one a device for its events, one that starts devices, one
 * for console output, with --transport user one a device for its interrupts, and
 * this one, which waits for stdin, signals and the end.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "acpi.h"
#include "commands.h"
#include "console.h"
#include "net.h"
#include "net_state.h"
#include "options.h"
#include "pci.h"
#include "report.h"
#include "snapshot.h"
#include "starter.h"
#include "util.h"
#include "vcpu.h"
#include "vm.h"

/**
 * struct machine - everything that runs
 * @options: the command line
 * @vm: the VM
 * @tvm: its transport
 * @transport_open: @tvm and @starter are valid
 * @starter: starts the cards
 * @nets: network cards
 * @num_nets: how many were made
 * @snapshot: the file that it goes on from; open until it does
 * @console: the terminal
 * @signal_fd: signals for the main thread
 * @stdin_open: stdin may have more
 */
struct machine {
	struct options options;
	struct vm vm;
	struct transport_vm tvm;
	bool transport_open;
	struct starter starter;
	struct net *nets[OPTIONS_MAX_NETS];
	unsigned int num_nets;
	struct snapshot snapshot;
	struct console console;
	int signal_fd;
	bool stdin_open;
};

/* Before any thread is made: they all inherit the mask. */
static int open_signals(struct machine *m)
{
	static const int handled[] = {
		SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2,
	};
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < ARRAY_SIZE(handled); i++)
		sigaddset(&set, handled[i]);
	m->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->signal_fd < 0)
		return report_error(-errno, "signalfd");
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);	/* stdin in the background: as if empty */
	return 0;
}

static int build_devices(struct machine *m)
{
	unsigned int i;
	int err;

	if (!m->options.num_nets)
		return 0;
	m->tvm.ops = m->options.transport;
	m->tvm.vm = &m->vm;
	m->tvm.mmap_reads_set = m->options.mmap_reads;
	err = m->tvm.ops->open(&m->tvm);
	if (err)
		return err;
	m->transport_open = true;
	err = starter_open(&m->starter);
	for (i = 0; !err && i < m->options.num_nets; i++) {
		err = net_create(&m->tvm, &m->options.nets[i], &m->nets[i]);
		if (!err)
			m->num_nets++;
	}
	return err;
}

/* Tables, a kernel, and where the first vCPU finds it. */
static int load(struct machine *m)
{
	uint64_t window, window_last, rsdp, entry;
	struct vm *vm = &m->vm;
	int err;

	pci_window64(vm->pci, &window, &window_last);
	err = acpi_build(vm, window, window_last, &rsdp);
	if (!err)
		err = boot_load(vm, &m->options.image, rsdp, &entry);
	if (!err)
		err = registers_set(&vm->vcpus[0], entry);
	return err;
}

/* --- snapshots ------------------------------------------------------------------ */

/* What the command line has to say as well. */
struct record {
	uint64_t memory;
	uint32_t cpus;
	uint32_t nets;
};

/* Cards come before local APICs: what they had to send has reached those by then. */
static void save(struct machine *m, struct snapshot_writer *w)
{
	const struct record record = {
		.memory = m->options.memory,
		.cpus = m->options.cpus,
		.nets = m->num_nets,
	};
	unsigned int i;

	snapshot_put(w, SNAPSHOT_MACHINE, 0, &record, sizeof(record));
	for (i = 0; i < m->num_nets; i++)
		net_save(m->nets[i], w, i);
	vcpus_save(&m->vm, w);
	vm_save(&m->vm, w);
	serial_save(&m->vm.serial, w);
	power_save(&m->vm.power, w);
	memory_save(&m->vm.memory, w);
}

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * vCPUs come first: then nothing new comes from the guest. Backends finish what they
 * have begun. Once all is copied the guest goes on, and the file goes to the disk.
 */
static void take_snapshot(struct machine *m)
{
	int64_t begin = milliseconds(), end;
	struct snapshot_writer w;
	unsigned int i;

	if (!m->options.snapshot) {
		report("SIGUSR2: there is no --snapshot FILE to write to");
		return;
	}
	vcpus_pause(&m->vm);
	for (i = 0; i < m->num_nets; i++)
		net_pause(m->nets[i]);
	snapshot_create(&w, m->options.snapshot);
	save(m, &w);
	for (i = 0; i < m->num_nets; i++)
		net_resume(m->nets[i]);
	vcpus_resume(&m->vm);
	end = milliseconds();
	/* What has ended cannot go on, here or elsewhere. */
	if (__atomic_load_n(&m->vm.end, __ATOMIC_ACQUIRE) != VM_RUNNING) {
		report("--snapshot: the guest has ended");
		snapshot_fail(&w, -ECANCELED);
	}
	if (!snapshot_commit(&w))
		report("--snapshot: wrote '%s', %llu KiB; the guest stood still for %lld ms",
		       m->options.snapshot, (unsigned long long)w.at >> 10,
		       (long long)(end - begin));
}

/* Is this command line the machine that was saved? */
static int fit(struct machine *m)
{
	struct options *o = &m->options;
	struct snapshot *s = &m->snapshot;
	struct record record;
	unsigned int i;
	int err;

	err = snapshot_open(s, o->restore);
	if (!err)
		err = snapshot_get(s, SNAPSHOT_MACHINE, 0, &record, sizeof(record));
	if (err)
		return err;
	if (record.memory != o->memory) {
		report("--restore: '%s' has %llu MiB of memory, --memory says %llu; give --memory %llu",
		       o->restore, (unsigned long long)record.memory >> 20,
		       (unsigned long long)o->memory >> 20,
		       (unsigned long long)record.memory >> 20);
		return -EINVAL;
	}
	if (record.cpus != o->cpus) {
		report("--restore: '%s' has %u vCPUs, --cpus says %u; give --cpus %u",
		       o->restore, record.cpus, o->cpus, record.cpus);
		return -EINVAL;
	}
	if (record.nets != o->num_nets) {
		report("--restore: '%s' has %u network cards, --net is given %u times; give it %u times",
		       o->restore, record.nets, o->num_nets, record.nets);
		return -EINVAL;
	}
	for (i = 0; !err && i < o->num_nets; i++)
		err = net_state_fit(&o->nets[i], s, i);
	return err;
}

/* Lines are driven, and messages sent, once there is who takes them. */
static int restore(struct machine *m)
{
	struct snapshot *s = &m->snapshot;
	unsigned int i;
	int err;

	err = memory_restore(&m->vm.memory, s);
	if (!err)
		err = vcpus_restore(&m->vm, s);
	if (!err)
		err = vm_restore(&m->vm, s);
	if (!err)
		err = serial_restore(&m->vm.serial, s);
	if (!err)
		err = power_restore(&m->vm.power, s);
	for (i = 0; !err && i < m->num_nets; i++)
		err = net_restore(m->nets[i], s, i);
	if (!err)
		err = snapshot_all_used(s);
	snapshot_close(s);
	return err;
}

static int build(struct machine *m)
{
	struct vm *vm = &m->vm;
	int err;

	err = vm_open(vm);
	if (!err && m->options.restore)
		err = fit(m);
	if (!err)
		err = memory_add(vm, m->options.memory);
	if (!err)
		err = vcpus_create(vm, m->options.cpus);
	if (!err)
		err = pci_create(vm, m->options.num_nets);
	if (!err && !m->options.restore)
		err = load(m);
	if (!err)
		err = build_devices(m);
	return err;
}

/* --- running -------------------------------------------------------------------- */

static void take_input(struct machine *m)
{
	uint8_t bytes[SERIAL_FIFO];
	size_t count = serial_room(&m->vm.serial);

	switch (console_get(&m->console, bytes, &count)) {
	case CONSOLE_BYTES:
		serial_receive(&m->vm.serial, bytes, count);
		break;
	case CONSOLE_EOF:
		m->stdin_open = false;
		break;
	case CONSOLE_QUIT:
		vm_end(&m->vm, VM_STOPPED);
		break;
	}
}

static void take_signal(struct machine *m)
{
	struct signalfd_siginfo info;

	if (read(m->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGUSR1) {
		if (m->options.exits)
			exits_write(&m->vm, m->options.exits_path);
		return;
	}
	if (info.ssi_signo == SIGUSR2) {
		take_snapshot(m);
		return;
	}
	report("stopped by signal %u", info.ssi_signo);
	vm_end(&m->vm, VM_STOPPED);
}

/* stdin is left alone while the guest has no room for more. */
static void wait_for_end(struct machine *m)
{
	enum { END, SIGNAL, ROOM, INPUT, NUM };
	struct pollfd fds[NUM] = {
		[END] = { .fd = m->vm.end_fd, .events = POLLIN },
		[SIGNAL] = { .fd = m->signal_fd, .events = POLLIN },
		[ROOM] = { .fd = m->vm.serial.room_fd, .events = POLLIN },
		[INPUT] = { .events = POLLIN },
	};
	eventfd_t count;

	m->stdin_open = true;
	while (!fds[END].revents) {
		fds[INPUT].fd = m->stdin_open && serial_room(&m->vm.serial) ?
			STDIN_FILENO : -1;
		if (poll(fds, NUM, -1) < 0)
			continue;
		if (fds[SIGNAL].revents)
			take_signal(m);
		if (fds[ROOM].revents)
			eventfd_read(fds[ROOM].fd, &count);
		if (fds[INPUT].revents)
			take_input(m);
	}
}

static int execute(struct machine *m)
{
	unsigned int i;
	int err;

	err = console_open(&m->console);
	if (err)
		return err;
	err = serial_open(&m->vm.serial, &m->vm, &m->console);
	if (!err && m->options.restore)
		err = restore(m);
	for (i = 0; !err && i < m->num_nets; i++)
		err = net_start(m->nets[i], &m->starter);
	if (!err)
		err = vcpus_start(&m->vm);
	if (err)
		vm_end(&m->vm, VM_CRASHED);
	else
		wait_for_end(m);
	vcpus_stop(&m->vm);
	console_close(&m->console);
	serial_close(&m->vm.serial);
	if (!err && m->options.exits)
		err = exits_write(&m->vm, m->options.exits_path);
	return err;
}

/* In any state of completeness. */
static void dismantle(struct machine *m)
{
	if (m->transport_open)
		starter_stop(&m->starter);
	while (m->num_nets)
		net_destroy(m->nets[--m->num_nets]);
	if (m->transport_open) {
		starter_close(&m->starter);
		m->tvm.ops->close(&m->tvm);
	}
	pci_free(&m->vm);
	vcpus_free(&m->vm);
	memory_free(&m->vm.memory);
	vm_close(&m->vm);
	snapshot_close(&m->snapshot);
	close(m->signal_fd);
}

int command_run(int argc, char **argv)
{
	/* Static: a console thread stuck in write() outlives this function. */
	static struct machine machine;
	struct machine *m = &machine;
	int status = STATUS_FAILED;

	m->snapshot.fd = -1;
	if (options_parse(&m->options, argc, argv)) {
		status = STATUS_USAGE;
	} else if (m->options.help) {
		options_help();
		status = STATUS_OK;
	} else if (!open_signals(m)) {
		if (!build(m) && !execute(m) && m->vm.end != VM_CRASHED)
			status = STATUS_OK;
		dismantle(m);
	}
	return status;
}
