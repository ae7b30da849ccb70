/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One live migration by libvirt: started, watched, cancelled. */
#ifndef VFERRY_MIGRATION_H
#define VFERRY_MIGRATION_H

#include "answer.h"
#include "connection.h"
#include "migration-progress.h"

/**
 * MigrationOptions - what is wanted
 * @uri: libvirt of the other host, as the libvirt of this host reaches it
 * @migrate_uri: how QEMU reaches it, "tcp://192.0.2.2"; NULL lets libvirt find out
 * @bandwidth: MiB a second, 0 for no limit
 * @timeout: seconds after which it is cancelled, 0 for never
 */
typedef struct {
	const char *uri;
	const char *migrate_uri;
	guint64 bandwidth;
	guint timeout;
} MigrationOptions;

typedef enum {
	MIGRATION_MOVED,
	MIGRATION_CANCELLED,
	MIGRATION_FAILED,
} MigrationOutcome;

/**
 * MigrationResult - how it ended
 * @outcome: see above; cancelled only where the domain has stayed for that reason
 * @message: libvirt's words where it has not moved, or NULL
 * @runs_here: the domain is active on this host; unknown where its libvirt does not answer any more
 * @paused: it is here and stands still
 * @seconds: how long it took
 * @progress: what was known last
 */
typedef struct {
	MigrationOutcome outcome;
	char *message;
	Answer runs_here;
	gboolean paused;
	double seconds;
	MigrationProgress progress;
} MigrationResult;

void migration_result_clear(MigrationResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MigrationResult, migration_result_clear)

/**
 * MigrationWatch - what is told meanwhile, from the calling thread
 * @progress: several times a second
 * @cancelling: a signal came, or the timeout; @again: libvirt was told before
 */
typedef struct {
	void (*progress)(const MigrationProgress *progress);
	void (*cancelling)(const char *why, gboolean again);
} MigrationWatch;

/**
 * migration_prepare() - to be called before the first connection is opened
 *
 * Registers libvirt's event loop, by which a connection is told of the job's end.
 */
void migration_prepare(void);

/**
 * migration_run() - migrate a domain, and wait until it is here or there
 * @connection: to this host's libvirt, which connects to the other host itself
 * @domain: it is defined there and undefined here if it is persistent here
 *
 * PERSIST_XML is not used: the other host's VF is chosen there, in the midst of the
 * migration, so nobody knows the address here. vferry-arrival puts it into the
 * definition there.
 *
 * SIGINT, SIGTERM and SIGHUP cancel it, whenever they come and as often as they come;
 * it ends when libvirt says so. What libvirt can no longer cancel is completed.
 */
void migration_run(virConnectPtr connection, virDomainPtr domain,
		   const MigrationOptions *options, const MigrationWatch *watch,
		   MigrationResult *ret);

#endif
