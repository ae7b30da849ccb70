/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal.h"

#include "journal-entry.h"

#define IDENTIFIER "vferry-hook"

static char *subject;

void journal_about(const char *domain)
{
	g_free(subject);
	subject = g_strdup_printf("domain '%s': ", domain);
}

static void write_line(int priority, const char *format, va_list arguments)
{
	g_autofree char *text = g_strdup_vprintf(format, arguments);
	g_autofree char *line = g_strconcat(subject ? subject : "", text, NULL);

	vferry_journal_entry(priority, IDENTIFIER, NULL, line);
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
