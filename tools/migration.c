/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migration.h"

#include "error.h"

#include <libvirt/virterror.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Milliseconds between two looks at signals, and between two questions to libvirt. */
#define LOOK_INTERVAL 100
#define ASK_INTERVAL 400

/* How long after its end the event with the downtime is waited for, in milliseconds. */
#define EVENT_LIMIT 1000

/*
 * Three threads: this one waits for signals, the worker is inside
 * virDomainMigrateToURI3() for all of the migration, and the minder asks libvirt how
 * far it is, tells it to cancel, and receives its events. So a libvirt that takes its
 * time, as it does while QEMU saves devices, never keeps us from seeing a signal.
 */
typedef struct {
	virConnectPtr connection;
	virDomainPtr domain;
	const MigrationOptions *options;

	GMutex lock;	/* protects progress and message */
	MigrationProgress progress;
	char *message;

	int moved;	/* the worker's, read after it ended */
	int finished;	/* atomic: the worker ended */
	int cancel;	/* atomic: libvirt has to be told */
	int stop;	/* atomic: the minder has to end */
	gboolean told;	/* the minder's: libvirt was told */
} Migration;

void migration_result_clear(MigrationResult *result)
{
	g_clear_pointer(&result->message, g_free);
}

void migration_prepare(void)
{
	virInitialize();
	virEventRegisterDefaultImpl();
}

/* Worker */

static guint flags_for(virDomainPtr domain)
{
	guint flags = VIR_MIGRATE_LIVE | VIR_MIGRATE_PEER2PEER;

	if (virDomainIsPersistent(domain) > 0)
		flags |= VIR_MIGRATE_PERSIST_DEST | VIR_MIGRATE_UNDEFINE_SOURCE;
	return flags;
}

static gboolean add_params(const MigrationOptions *options, virTypedParameterPtr *params,
			   int *count)
{
	int max = 0;

	if (options->migrate_uri &&
	    virTypedParamsAddString(params, count, &max, VIR_MIGRATE_PARAM_URI,
				    options->migrate_uri) < 0)
		return FALSE;
	return options->bandwidth == 0 ||
	       virTypedParamsAddULLong(params, count, &max, VIR_MIGRATE_PARAM_BANDWIDTH,
				       options->bandwidth) == 0;
}

static gboolean migrate(Migration *migration)
{
	virTypedParameterPtr params = NULL;
	int count = 0;
	gboolean ok;

	ok = add_params(migration->options, &params, &count) &&
	     virDomainMigrateToURI3(migration->domain, migration->options->uri, params,
				    (guint)count, flags_for(migration->domain)) == 0;
	virTypedParamsFree(params, count);
	return ok;
}

static gpointer work(gpointer data)
{
	Migration *migration = data;
	g_autoptr(GError) error = NULL;

	migration->moved = migrate(migration);
	if (!migration->moved) {
		connection_set_error(&error, "libvirt");
		g_mutex_lock(&migration->lock);
		migration->message = g_strdup(error->message);
		g_mutex_unlock(&migration->lock);
	}
	g_atomic_int_set(&migration->finished, TRUE);
	return NULL;
}

/* Minder */

static void take_stats(Migration *migration, virTypedParameterPtr params, int count)
{
	g_mutex_lock(&migration->lock);
	migration_progress_read(&migration->progress, params, count);
	g_mutex_unlock(&migration->lock);
}

static void ask(Migration *migration)
{
	virTypedParameterPtr params = NULL;
	int type = VIR_DOMAIN_JOB_NONE, count = 0;

	if (virDomainGetJobStats(migration->domain, &type, &params, &count, 0) == 0 &&
	    type != VIR_DOMAIN_JOB_NONE)
		take_stats(migration, params, count);
	virTypedParamsFree(params, count);
}

/* Before libvirt has begun the job, and at its very end, it refuses: tell it again. */
static void on_timer(int timer, void *data)
{
	Migration *migration = data;

	(void)timer;
	if (g_atomic_int_get(&migration->finished))
		return;
	if (g_atomic_int_get(&migration->cancel) && !migration->told)
		migration->told = virDomainAbortJob(migration->domain) == 0;
	ask(migration);
}

static void on_completed(virConnectPtr connection, virDomainPtr domain,
			 virTypedParameterPtr params, int count, void *data)
{
	(void)connection;
	(void)domain;
	take_stats(data, params, count);
}

static gpointer mind(gpointer data)
{
	Migration *migration = data;
	int timer = virEventAddTimeout(ASK_INTERVAL, on_timer, migration, NULL);
	int event = virConnectDomainEventRegisterAny(
		migration->connection, migration->domain, VIR_DOMAIN_EVENT_ID_JOB_COMPLETED,
		VIR_DOMAIN_EVENT_CALLBACK(on_completed), migration, NULL);

	while (!g_atomic_int_get(&migration->stop))
		if (virEventRunDefaultImpl() < 0)
			g_usleep(LOOK_INTERVAL * 1000);
	if (event >= 0)
		virConnectDomainEventDeregisterAny(migration->connection, event);
	virEventRemoveTimeout(timer);
	return NULL;
}

/* Main thread */

static MigrationProgress get_progress(Migration *migration)
{
	MigrationProgress progress;

	g_mutex_lock(&migration->lock);
	progress = migration->progress;
	g_mutex_unlock(&migration->lock);
	return progress;
}

static void block_signals(sigset_t *set, sigset_t *before)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, set, before);
}

static void cancel(Migration *migration, const MigrationWatch *watch, const char *why)
{
	watch->cancelling(why, g_atomic_int_get(&migration->cancel));
	g_atomic_int_set(&migration->cancel, TRUE);
}

static gboolean is_late(const Migration *migration, gint64 start)
{
	guint timeout = migration->options->timeout;

	return timeout > 0 && g_get_monotonic_time() - start >= (gint64)timeout * G_USEC_PER_SEC;
}

static void watch_it(Migration *migration, const sigset_t *signals, const MigrationWatch *watch)
{
	const struct timespec interval = { 0, LOOK_INTERVAL * 1000000L };
	gint64 start = g_get_monotonic_time();

	while (!g_atomic_int_get(&migration->finished)) {
		MigrationProgress progress = get_progress(migration);
		int number = sigtimedwait(signals, NULL, &interval);

		if (number > 0)
			cancel(migration, watch, strsignal(number));
		else if (is_late(migration, start) && !g_atomic_int_get(&migration->cancel))
			cancel(migration, watch, "timeout");
		watch->progress(&progress);
	}
}

static void await_downtime(Migration *migration)
{
	for (int waited = 0; waited < EVENT_LIMIT; waited += LOOK_INTERVAL) {
		MigrationProgress progress = get_progress(migration);

		if (progress.downtime_ms >= 0)
			return;
		g_usleep(LOOK_INTERVAL * 1000);
	}
}

/* Return: FALSE where libvirt does not tell. */
static gboolean read_state(virDomainPtr domain, MigrationResult *ret)
{
	int active = virDomainIsActive(domain), state = VIR_DOMAIN_NOSTATE;

	if (active < 0)
		return FALSE;
	ret->runs_here = active ? ANSWER_YES : ANSWER_NO;
	ret->paused = active && virDomainGetState(domain, &state, NULL, 0) == 0 &&
		      state == VIR_DOMAIN_PAUSED;
	return TRUE;
}

/*
 * Of a domain that libvirt knows no more, or a libvirt whose daemon has ended meanwhile. A
 * daemon that was started again may have the domain still, so that must not be said to be gone.
 */
static void read_state_anew(virConnectPtr lost, virDomainPtr domain, MigrationResult *ret)
{
	char uuid[VIR_UUID_STRING_BUFLEN] = "";
	char *uri = virConnectGetURI(lost);
	g_autoptr(virConnect) connection = uri ? connection_open(uri, TRUE, NULL) : NULL;
	g_autoptr(virDomain) found = NULL;
	g_autoptr(GError) error = NULL;

	free(uri);
	if (!connection || virDomainGetUUIDString(domain, uuid) < 0)
		return;
	found = virDomainLookupByUUIDString(connection, uuid);
	if (found) {
		read_state(found, ret);
		return;
	}
	connection_set_error(&error, "looking for the domain");
	if (g_error_matches(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND))
		ret->runs_here = ANSWER_NO;
}

static MigrationOutcome outcome(Migration *migration, const MigrationResult *result)
{
	if (migration->moved)
		return MIGRATION_MOVED;
	return g_atomic_int_get(&migration->cancel) && result->runs_here == ANSWER_YES ?
	       MIGRATION_CANCELLED : MIGRATION_FAILED;
}

void migration_run(virConnectPtr connection, virDomainPtr domain,
		   const MigrationOptions *options, const MigrationWatch *watch,
		   MigrationResult *ret)
{
	Migration migration = {
		.connection = connection,
		.domain = domain,
		.options = options,
		.progress = MIGRATION_PROGRESS_INIT,
	};
	gint64 start = g_get_monotonic_time();
	GThread *minder, *worker;
	sigset_t signals, before;

	g_mutex_init(&migration.lock);
	/* Threads inherit the mask, so that a signal finds sigtimedwait() alone. */
	block_signals(&signals, &before);
	minder = g_thread_new("minder", mind, &migration);
	worker = g_thread_new("worker", work, &migration);
	watch_it(&migration, &signals, watch);
	g_thread_join(worker);
	ret->seconds = (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC;
	if (migration.moved)
		await_downtime(&migration);
	else if (!read_state(domain, ret))
		read_state_anew(connection, domain, ret);
	g_atomic_int_set(&migration.stop, TRUE);
	g_thread_join(minder);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	ret->outcome = outcome(&migration, ret);
	ret->progress = migration.progress;
	ret->message = g_steal_pointer(&migration.message);
	g_mutex_clear(&migration.lock);
}
