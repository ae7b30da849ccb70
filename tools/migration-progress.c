/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migration-progress.h"

#include <string.h>

/* Page size where libvirt does not say it: that of its dirty rate. */
#define PAGE_SIZE_DEFAULT 4096

static gboolean read_number(virTypedParameterPtr params, int count, const char *name,
			    guint64 *ret)
{
	unsigned long long value;

	if (virTypedParamsGetULLong(params, count, name, &value) <= 0)
		return FALSE;
	*ret = value;
	return TRUE;
}

void migration_progress_read(MigrationProgress *ret, virTypedParameterPtr params, int count)
{
	guint64 page_size = PAGE_SIZE_DEFAULT;
	guint64 dirty_pages = 0;
	guint64 downtime;

	ret->known = TRUE;
	read_number(params, count, VIR_DOMAIN_JOB_TIME_ELAPSED, &ret->elapsed_ms);
	read_number(params, count, VIR_DOMAIN_JOB_DATA_PROCESSED, &ret->processed);
	read_number(params, count, VIR_DOMAIN_JOB_DATA_REMAINING, &ret->remaining);
	read_number(params, count, VIR_DOMAIN_JOB_MEMORY_BPS, &ret->rate);
	read_number(params, count, VIR_DOMAIN_JOB_MEMORY_ITERATION, &ret->iteration);
	read_number(params, count, VIR_DOMAIN_JOB_MEMORY_PAGE_SIZE, &page_size);
	if (read_number(params, count, VIR_DOMAIN_JOB_MEMORY_DIRTY_RATE, &dirty_pages))
		ret->dirty_rate = dirty_pages > G_MAXUINT64 / MAX(page_size, 1) ?
				  G_MAXUINT64 : dirty_pages * page_size;
	if ((read_number(params, count, VIR_DOMAIN_JOB_DOWNTIME_NET, &downtime) ||
	     read_number(params, count, VIR_DOMAIN_JOB_DOWNTIME, &downtime)) &&
	    downtime <= G_MAXINT64)
		ret->downtime_ms = (gint64)downtime;
}

guint migration_progress_percent(const MigrationProgress *progress)
{
	double all = (double)progress->processed + (double)progress->remaining;

	if (all <= 0)
		return 0;
	return (guint)(100.0 * (double)progress->processed / all);
}

/* GLib puts a no-break space before the unit, which not every locale can show. */
char *migration_size_text(guint64 bytes)
{
	g_autofree char *size = g_format_size_full(bytes, G_FORMAT_SIZE_IEC_UNITS);
	g_auto(GStrv) parts = g_strsplit(size, "\302\240", 2);

	return g_strjoinv(" ", parts);
}

static void append_size(GString *text, guint64 bytes, const char *what)
{
	g_autofree char *size = migration_size_text(bytes);

	g_string_append_printf(text, ", %s%s", size, what);
}

char *migration_progress_text(const MigrationProgress *progress)
{
	GString *text;

	if (!progress->known)
		return g_strdup("preparing");
	text = g_string_new(NULL);
	g_string_append_printf(text, "%u%%", migration_progress_percent(progress));
	append_size(text, progress->processed, " sent");
	append_size(text, progress->rate, "/s");
	append_size(text, progress->remaining, progress->iteration > 1 ? " dirty" : " left");
	if (progress->rate > progress->dirty_rate && progress->remaining > 0)
		g_string_append_printf(text, ", %" G_GUINT64_FORMAT " s to go",
				       progress->remaining /
				       (progress->rate - progress->dirty_rate) + 1);
	return g_string_free(text, FALSE);
}

char *migration_progress_bar(guint percent, guint width)
{
	guint inside = MAX(width, 3) - 2;
	guint filled = MIN(percent, 100) * inside / 100;
	char *bar = g_malloc(inside + 3);

	memset(bar + 1, ' ', inside);
	memset(bar + 1, '=', filled);
	if (filled > 0 && filled < inside)
		bar[filled] = '>';
	bar[0] = '[';
	bar[inside + 1] = ']';
	bar[inside + 2] = '\0';
	return bar;
}
