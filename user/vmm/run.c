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
#include <unistd.h>

#include "acpi.h"
#include "commands.h"
#include "console.h"
#include "net.h"
#include "options.h"
#include "pci.h"
#include "report.h"
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
	struct console console;
	int signal_fd;
	bool stdin_open;
};

/* Before any thread is made: they all inherit the mask. */
static int open_signals(struct machine *m)
{
	static const int handled[] = {
		SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1,
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

static int build(struct machine *m)
{
	struct vm *vm = &m->vm;
	int err;

	err = vm_open(vm);
	if (!err)
		err = memory_add(vm, m->options.memory);
	if (!err)
		err = vcpus_create(vm, m->options.cpus);
	if (!err)
		err = pci_create(vm, m->options.num_nets);
	if (!err)
		err = load(m);
	if (!err)
		err = build_devices(m);
	return err;
}

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
	close(m->signal_fd);
}

int command_run(int argc, char **argv)
{
	/* Static: a console thread stuck in write() outlives this function. */
	static struct machine machine;
	struct machine *m = &machine;
	int status = STATUS_FAILED;

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
