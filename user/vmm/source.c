// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files on their way into the guest's memory, and messages when they cannot be read.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"
#include "source.h"

int source_open(struct source *s, const char *option, const char *path)
{
	struct stat st;

	s->option = option;
	s->path = path;
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0)
		return report_error(-errno, "%s: cannot open '%s'", option, path);
	if (fstat(s->fd, &st))
		return report_error(-errno, "%s: cannot read '%s'", option, path);
	if (!S_ISREG(st.st_mode)) {
		report("%s: '%s' is not a regular file", option, path);
		return -EINVAL;
	}
	s->size = st.st_size;
	return 0;
}

void source_close(struct source *s)
{
	if (s->fd >= 0)
		close(s->fd);
}

int source_read(const struct source *s, void *to, uint64_t offset,
		uint64_t length)
{
	uint8_t *at = to;
	ssize_t n;

	while (length) {
		n = pread(s->fd, at, length, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return report_error(-errno, "%s: cannot read '%s'",
					    s->option, s->path);
		if (n == 0) {
			report("%s: '%s' ended while it was read", s->option,
			       s->path);
			return -EIO;
		}
		at += n;
		offset += n;
		length -= n;
	}
	return 0;
}
