/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * COM1: a 16550A on the console.
 */
#ifndef KVPCI_VMM_SERIAL_H
#define KVPCI_VMM_SERIAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct console;
struct snapshot;
struct snapshot_writer;
struct vm;

#define SERIAL_FIFO	256

/**
 * struct serial - the UART
 * @vm: the VM that has the interrupt line
 * @console: the terminal for its bytes
 * @room_fd: eventfd, signalled when an input FIFO that was full has room
 * @lock: protects the fields from @divisor on
 * @divisor: DLL and DLM
 * @ier: interrupt enables
 * @fcr: FIFO control
 * @lcr: line control
 * @mcr: modem control
 * @scr: scratch
 * @sent: the transmitter has become empty and this has not been reported
 * @line: level of the interrupt line
 * @input: bytes received
 * @first: index of the oldest
 * @used: how many
 */
struct serial {
	struct vm *vm;
	struct console *console;
	int room_fd;

	pthread_mutex_t lock;
	uint8_t divisor[2];
	uint8_t ier;
	uint8_t fcr;
	uint8_t lcr;
	uint8_t mcr;
	uint8_t scr;
	bool sent;
	bool line;
	uint8_t input[SERIAL_FIFO];
	size_t first;
	size_t used;
};

int serial_open(struct serial *serial, struct vm *vm, struct console *console);
void serial_close(struct serial *serial);

/** serial_access() - the guest reads or writes register 0 to 7 */
void serial_access(struct serial *serial, unsigned int reg, uint8_t *value,
		   bool write);

/** serial_room() - bytes that serial_receive() takes */
size_t serial_room(struct serial *serial);
void serial_receive(struct serial *serial, const uint8_t *bytes, size_t count);

/** serial_save() - write its registers to a snapshot */
void serial_save(struct serial *serial, struct snapshot_writer *w);

/** serial_restore() - when it is open, and interrupt controllers are restored */
int serial_restore(struct serial *serial, struct snapshot *s);

#endif /* KVPCI_VMM_SERIAL_H */
