/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * GLib and libsystemd would wait where the journal does not keep up, and the domain's
 * start with them. Source of the format: systemd's docs/JOURNAL_NATIVE_PROTOCOL.md.
 */
#include "journal.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#define IDENTIFIER "vferry-hook"

static char *subject;

void journal_about(const char *domain)
{
	g_free(subject);
	subject = g_strdup_printf("domain '%s': ", domain);
}

static void send_entry(const char *entry)
{
	static const struct sockaddr_un journal = { AF_UNIX, "/run/systemd/journal/socket" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return;
	sendto(fd, entry, strlen(entry), MSG_NOSIGNAL, (const struct sockaddr *)&journal,
	       sizeof(journal));
	close(fd);
}

static void write_line(int priority, const char *format, va_list arguments)
{
	g_autofree char *line = g_strdup_vprintf(format, arguments);
	g_autofree char *entry = NULL;

	/* A line's end would begin another field. */
	g_strdelimit(line, "\n", ' ');
	entry = g_strdup_printf("PRIORITY=%d\nSYSLOG_IDENTIFIER=" IDENTIFIER "\nMESSAGE=%s%s\n",
				priority, subject ? subject : "", line);
	send_entry(entry);
}

void journal_notice(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line(LOG_NOTICE, format, arguments);
	va_end(arguments);
}

void journal_warning(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line(LOG_WARNING, format, arguments);
	va_end(arguments);
}
