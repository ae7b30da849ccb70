/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report.h"

#include "json.h"
#include "terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const colours[REPORT_LEVELS] = {
	[REPORT_OK] = "\033[32m",
	[REPORT_UNKNOWN] = "\033[36m",
	[REPORT_WARNING] = "\033[33m",
	[REPORT_PROBLEM] = "\033[1;31m",
};

static void line_free(gpointer data)
{
	ReportLine *line = data;

	g_free(line->about);
	g_free(line->text);
	g_free(line->advice);
	g_free(line);
}

Report *report_new(void)
{
	Report *report = g_new0(Report, 1);

	report->lines = g_ptr_array_new_with_free_func(line_free);
	return report;
}

void report_free(Report *report)
{
	g_ptr_array_unref(report->lines);
	g_free(report);
}

void report_add(Report *report, ReportLevel level, const char *about, const char *format, ...)
{
	ReportLine *line = g_new0(ReportLine, 1);
	va_list arguments;

	line->level = level;
	line->about = g_strdup(about);
	va_start(arguments, format);
	line->text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_ptr_array_add(report->lines, line);
}

void report_advise(Report *report, const char *format, ...)
{
	ReportLine *line = g_ptr_array_index(report->lines, report->lines->len - 1);
	va_list arguments;

	g_free(line->advice);
	va_start(arguments, format);
	line->advice = g_strdup_vprintf(format, arguments);
	va_end(arguments);
}

guint report_count(const Report *report, ReportLevel level)
{
	guint count = 0;

	for (guint i = 0; i < report->lines->len; i++) {
		const ReportLine *line = g_ptr_array_index(report->lines, i);

		count += line->level == level;
	}
	return count;
}

static int widest_about(const Report *report)
{
	glong widest = 0;

	for (guint i = 0; i < report->lines->len; i++) {
		const ReportLine *line = g_ptr_array_index(report->lines, i);
		g_autofree char *about = terminal_text(line->about);

		widest = MAX(widest, g_utf8_strlen(about, -1));
	}
	return (int)widest;
}

static int widest_word(ReportWords words)
{
	gsize widest = 0;

	for (guint i = 0; i < REPORT_LEVELS; i++)
		widest = MAX(widest, strlen(words[i]));
	return (int)widest;
}

void report_print(const Report *report, ReportWords words)
{
	gboolean coloured = terminal_has_colours();
	int about_width = widest_about(report);
	int word_width = widest_word(words);

	for (guint i = 0; i < report->lines->len; i++) {
		const ReportLine *line = g_ptr_array_index(report->lines, i);
		g_autofree char *about = terminal_text(line->about);
		g_autofree char *text = terminal_text(line->text);
		int padding = about_width - (int)g_utf8_strlen(about, -1);

		printf("%s%-*s%s  %s%*s  %s\n", coloured ? colours[line->level] : "", word_width,
		       words[line->level], coloured ? "\033[0m" : "", about, padding, "", text);
		if (line->advice) {
			g_autofree char *advice = terminal_text(line->advice);

			printf("%*s  to do: %s\n", word_width + 2 + about_width, "", advice);
		}
	}
}

void report_add_json(const Report *report, ReportWords words, JsonBuilder *builder,
		     const char *name)
{
	json_begin_array(builder, name);
	for (guint i = 0; i < report->lines->len; i++) {
		const ReportLine *line = g_ptr_array_index(report->lines, i);

		json_begin_object(builder, NULL);
		json_add_text(builder, "level", words[line->level]);
		json_add_text(builder, "about", line->about);
		json_add_text(builder, "text", line->text);
		json_add_text(builder, "advice", line->advice);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}
