/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "terminal.h"

#include <stdio.h>
#include <unistd.h>

gboolean terminal_has_colours(void)
{
	const char *no_color = g_getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && g_strcmp0(g_getenv("TERM"), "dumb") != 0 &&
	       (!no_color || !*no_color);
}

char *terminal_text(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *result = g_string_new(NULL);

	for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);

		g_string_append_unichar(result, g_unichar_isprint(c) ? c : '?');
	}
	return g_string_free(result, FALSE);
}

void terminal_note(const char *format, ...)
{
	g_autofree char *text = NULL;
	g_autofree char *shown = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	shown = terminal_text(text);
	fflush(stdout);
	g_printerr("note: %s\n", shown);
}
