/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal-entry.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void send_entry(const GString *entry)
{
	static const struct sockaddr_un journal = { AF_UNIX, "/run/systemd/journal/socket" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return;
	sendto(fd, entry->str, entry->len, MSG_NOSIGNAL, (const struct sockaddr *)&journal,
	       sizeof(journal));
	close(fd);
}

void vferry_journal_entry(int priority, const char *identifier, const char *device,
			  const char *message)
{
	g_autoptr(GString) entry = g_string_new(NULL);
	/* A line's end would begin another field. */
	g_autofree char *line = g_strdelimit(g_strdup(message), "\n", ' ');

	g_string_append_printf(entry, "PRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nMESSAGE=%s\n", priority,
			       identifier, line);
	if (device)
		g_string_append_printf(entry, "VFERRY_DEVICE=%s\n", device);
	send_entry(entry);
}
