/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest-process.h"

#include <string.h>

/* @arguments: each ends with a zero byte */
static gboolean has_argument(const char *arguments, gsize length, const char *wanted)
{
	const char *end = arguments + length;

	for (const char *at = arguments; at < end; at += strnlen(at, (gsize)(end - at)) + 1)
		if (strncmp(at, wanted, (gsize)(end - at)) == 0)
			return TRUE;
	return FALSE;
}

gboolean guest_process_exists(const char *uuid)
{
	g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
	const char *name;

	while (proc && (name = g_dir_read_name(proc))) {
		g_autofree char *path = NULL, *arguments = NULL;
		gsize length;

		if (!g_ascii_isdigit(*name))
			continue;
		path = g_build_filename("/proc", name, "cmdline", NULL);
		if (g_file_get_contents(path, &arguments, &length, NULL) &&
		    has_argument(arguments, length, uuid))
			return TRUE;
	}
	return FALSE;
}
