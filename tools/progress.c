/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "progress.h"

#define FIRST (2 * G_TIME_SPAN_SECOND)
#define NEXT (10 * G_TIME_SPAN_SECOND)

struct Progress {
	char *doing;
	GThread *thread;
	GMutex lock;	/* protects @ended */
	GCond wake;
	gboolean ended;
};

static gpointer tell(gpointer data)
{
	Progress *progress = data;
	const gint64 start = g_get_monotonic_time();
	gint64 next = start + FIRST;

	g_mutex_lock(&progress->lock);
	while (!progress->ended) {
		if (g_cond_wait_until(&progress->wake, &progress->lock, next))
			continue;
		g_printerr("%s (%d s)\n", progress->doing,
			   (int)((g_get_monotonic_time() - start) / G_TIME_SPAN_SECOND));
		next += NEXT;
	}
	g_mutex_unlock(&progress->lock);
	return NULL;
}

Progress *progress_begin(const char *doing)
{
	Progress *progress = g_new0(Progress, 1);

	progress->doing = g_strdup(doing);
	g_mutex_init(&progress->lock);
	g_cond_init(&progress->wake);
	progress->thread = g_thread_new("progress", tell, progress);
	return progress;
}

void progress_end(Progress *progress)
{
	g_mutex_lock(&progress->lock);
	progress->ended = TRUE;
	g_cond_signal(&progress->wake);
	g_mutex_unlock(&progress->lock);
	g_thread_join(progress->thread);
	g_mutex_clear(&progress->lock);
	g_cond_clear(&progress->wake);
	g_free(progress->doing);
	g_free(progress);
}
