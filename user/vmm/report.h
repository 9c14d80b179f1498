/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages of the launcher, on stderr.
 */
#ifndef KVPCI_VMM_REPORT_H
#define KVPCI_VMM_REPORT_H

/* Exit status of the program. */
enum status {
	STATUS_OK = 0,		/* the guest ended by itself or was told to */
	STATUS_FAILED = 1,	/* it could not run, or did not end well */
	STATUS_USAGE = 2,	/* the command line is wrong */
};

/** report() - print "kvpci: ", the message and a newline */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * report_error() - report(), with the error behind a colon
 * @err: a negative errno value
 * @format: as for printf(), with its arguments
 *
 * Return: @err.
 */
int report_error(int err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* KVPCI_VMM_REPORT_H */
