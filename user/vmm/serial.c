// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 16550A as far as drivers look: transmission takes no time, there are no
 * line errors, and the other end is always ready.
 */
#include <errno.h>
#include <linux/serial_reg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "console.h"
#include "machine.h"
#include "report.h"
#include "serial.h"
#include "snapshot.h"
#include "vm.h"

#define IER_MASK	0x0f
#define MCR_MASK	0x1f
#define IIR_FIFO	0xc0	/* FIFOs are on */

/* The transmitter is empty as long as the console takes another byte. */
static bool transmitter_empty(struct serial *s)
{
	return console_has_room(s->console);
}

static uint8_t interrupt_id(const struct serial *s)
{
	if (s->ier & UART_IER_RDI && s->used)
		return UART_IIR_RDI;
	if (s->ier & UART_IER_THRI && s->sent)
		return UART_IIR_THRI;
	return UART_IIR_NO_INT;
}

static void update_line(struct serial *s)
{
	bool line = interrupt_id(s) != UART_IIR_NO_INT;

	if (line != s->line) {
		s->line = line;
		vm_set_line(s->vm, SERIAL_IRQ, line);
	}
}

static void push(struct serial *s, uint8_t byte)
{
	if (s->used < SERIAL_FIFO)
		s->input[(s->first + s->used++) % SERIAL_FIFO] = byte;
}

static uint8_t pull(struct serial *s)
{
	uint8_t byte;

	if (!s->used)
		return 0;
	byte = s->input[s->first];
	s->first = (s->first + 1) % SERIAL_FIFO;
	if (s->used-- == SERIAL_FIFO)
		eventfd_write(s->room_fd, 1);
	return byte;
}

static uint8_t line_status(struct serial *s)
{
	return (s->used ? UART_LSR_DR : 0) |
		(transmitter_empty(s) ? UART_LSR_THRE | UART_LSR_TEMT : 0);
}

/* In loopback the outputs are the inputs; else the other end is ready. */
static uint8_t modem_status(const struct serial *s)
{
	if (!(s->mcr & UART_MCR_LOOP))
		return UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS;
	return (s->mcr & UART_MCR_RTS ? UART_MSR_CTS : 0) |
		(s->mcr & UART_MCR_DTR ? UART_MSR_DSR : 0) |
		(s->mcr & UART_MCR_OUT1 ? UART_MSR_RI : 0) |
		(s->mcr & UART_MCR_OUT2 ? UART_MSR_DCD : 0);
}

static void transmit(struct serial *s, uint8_t byte)
{
	if (s->mcr & UART_MCR_LOOP)
		push(s, byte);
	else
		console_put(s->console, byte);
	s->sent = transmitter_empty(s);
}

static uint8_t read_register(struct serial *s, unsigned int reg)
{
	bool latch = s->lcr & UART_LCR_DLAB;
	uint8_t value;

	switch (reg) {
	case UART_RX:
		return latch ? s->divisor[0] : pull(s);
	case UART_IER:
		return latch ? s->divisor[1] : s->ier;
	case UART_IIR:
		value = interrupt_id(s);
		if (value == UART_IIR_THRI)
			s->sent = false;
		return value | (s->fcr & UART_FCR_ENABLE_FIFO ? IIR_FIFO : 0);
	case UART_LCR:
		return s->lcr;
	case UART_MCR:
		return s->mcr;
	case UART_LSR:
		return line_status(s);
	case UART_MSR:
		return modem_status(s);
	default:
		return s->scr;
	}
}

static void write_enables(struct serial *s, uint8_t value)
{
	bool more = value & ~s->ier & UART_IER_THRI;

	s->ier = value & IER_MASK;
	if (more && transmitter_empty(s))
		s->sent = true;
}

static void write_register(struct serial *s, unsigned int reg, uint8_t value)
{
	bool latch = s->lcr & UART_LCR_DLAB;

	switch (reg) {
	case UART_TX:
		if (latch)
			s->divisor[0] = value;
		else
			transmit(s, value);
		break;
	case UART_IER:
		if (latch)
			s->divisor[1] = value;
		else
			write_enables(s, value);
		break;
	case UART_FCR:
		s->fcr = value;
		if (value & UART_FCR_CLEAR_RCVR)
			while (s->used)
				pull(s);
		break;
	case UART_LCR:
		s->lcr = value;
		break;
	case UART_MCR:
		s->mcr = value & MCR_MASK;
		break;
	case UART_SCR:
		s->scr = value;
		break;
	default:
		break;	/* LSR and MSR are read-only */
	}
}

/* The console has room again: the transmitter has become empty. */
static void on_room(void *opaque)
{
	struct serial *s = opaque;

	pthread_mutex_lock(&s->lock);
	s->sent = true;
	update_line(s);
	pthread_mutex_unlock(&s->lock);
}

int serial_open(struct serial *serial, struct vm *vm, struct console *console)
{
	pthread_mutex_init(&serial->lock, NULL);
	serial->vm = vm;
	serial->console = console;
	serial->divisor[0] = 1;		/* 115200 baud */
	serial->room_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (serial->room_fd < 0)
		return report_error(-errno, "eventfd");
	console->opaque = serial;
	console->on_room = on_room;
	return 0;
}

void serial_close(struct serial *serial)
{
	close(serial->room_fd);
	pthread_mutex_destroy(&serial->lock);
}

void serial_access(struct serial *serial, unsigned int reg, uint8_t *value,
		   bool write)
{
	pthread_mutex_lock(&serial->lock);
	if (write)
		write_register(serial, reg, *value);
	else
		*value = read_register(serial, reg);
	update_line(serial);
	pthread_mutex_unlock(&serial->lock);
}

size_t serial_room(struct serial *serial)
{
	size_t room;

	pthread_mutex_lock(&serial->lock);
	room = SERIAL_FIFO - serial->used;
	pthread_mutex_unlock(&serial->lock);
	return room;
}

void serial_receive(struct serial *serial, const uint8_t *bytes, size_t count)
{
	size_t i;

	pthread_mutex_lock(&serial->lock);
	for (i = 0; i < count; i++)
		push(serial, bytes[i]);
	update_line(serial);
	pthread_mutex_unlock(&serial->lock);
}

/* Its section of a snapshot. */
struct record {
	uint8_t divisor[2];
	uint8_t ier;
	uint8_t fcr;
	uint8_t lcr;
	uint8_t mcr;
	uint8_t scr;
	uint8_t reserved;
	uint16_t used;
	uint8_t input[SERIAL_FIFO];	/* the oldest first */
	uint8_t reserved2[6];
};

void serial_save(struct serial *serial, struct snapshot_writer *w)
{
	struct record record;
	size_t i;

	memset(&record, 0, sizeof(record));
	pthread_mutex_lock(&serial->lock);
	memcpy(record.divisor, serial->divisor, sizeof(record.divisor));
	record.ier = serial->ier;
	record.fcr = serial->fcr;
	record.lcr = serial->lcr;
	record.mcr = serial->mcr;
	record.scr = serial->scr;
	record.used = (uint16_t)serial->used;
	for (i = 0; i < serial->used; i++)
		record.input[i] = serial->input[(serial->first + i) % SERIAL_FIFO];
	pthread_mutex_unlock(&serial->lock);
	snapshot_put(w, SNAPSHOT_SERIAL, 0, &record, sizeof(record));
}

/*
 * Interrupt controllers do not keep what drives their lines. That the transmitter is
 * empty is told once more: the console is another one, and has room.
 */
int serial_restore(struct serial *serial, struct snapshot *s)
{
	struct record record;
	int err;

	err = snapshot_get(s, SNAPSHOT_SERIAL, 0, &record, sizeof(record));
	if (err)
		return err;
	if (record.used > SERIAL_FIFO || record.ier & ~IER_MASK ||
	    record.mcr & ~MCR_MASK)
		return snapshot_refuse(s, SNAPSHOT_SERIAL, 0,
				       "no serial port can be like that");
	pthread_mutex_lock(&serial->lock);
	memcpy(serial->divisor, record.divisor, sizeof(serial->divisor));
	serial->ier = record.ier;
	serial->fcr = record.fcr;
	serial->lcr = record.lcr;
	serial->mcr = record.mcr;
	serial->scr = record.scr;
	memcpy(serial->input, record.input, sizeof(serial->input));
	serial->first = 0;
	serial->used = record.used;
	serial->sent = true;
	update_line(serial);
	pthread_mutex_unlock(&serial->lock);
	return 0;
}
