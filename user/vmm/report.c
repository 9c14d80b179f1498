// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages. Each is one write, so that those of several threads do not mix.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

static void emit(const char *error, const char *format, va_list args)
{
	static const char prefix[] = "kvpci: ";
	size_t max, n = sizeof(prefix) - 1;
	char line[1024];
	int len;

	memcpy(line, prefix, n);
	max = sizeof(line) - 1;		/* room for the newline */
	len = vsnprintf(line + n, max - n, format, args);
	if (len < 0)
		return;
	n = n + len < max ? n + len : max - 1;
	if (error) {
		len = snprintf(line + n, max - n, ": %s", error);
		n = n + len < max ? n + len : max - 1;
	}
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return;		/* nobody is left to tell */
}

void report(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	emit(NULL, format, args);
	va_end(args);
}

int report_error(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	emit(strerror(-err), format, args);
	va_end(args);
	return err;
}
