/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How far a migration is: libvirt's statistics of a job, and their text. */
#ifndef VFERRY_MIGRATION_PROGRESS_H
#define VFERRY_MIGRATION_PROGRESS_H

#include <glib.h>
#include <libvirt/libvirt.h>

/**
 * MigrationProgress - how far it is
 * @known: libvirt has said something
 * @elapsed_ms: since the job began
 * @processed: bytes sent
 * @remaining: bytes still to send; what the guest dirties comes back to it
 * @rate: bytes a second, 0 unknown
 * @dirty_rate: bytes a second that the guest dirties, 0 unknown
 * @iteration: how often memory was gone through
 * @downtime_ms: how long the guest stood still; -1 unknown
 */
typedef struct {
	gboolean known;
	guint64 elapsed_ms;
	guint64 processed;
	guint64 remaining;
	guint64 rate;
	guint64 dirty_rate;
	guint64 iteration;
	gint64 downtime_ms;
} MigrationProgress;

#define MIGRATION_PROGRESS_INIT { .downtime_ms = -1 }

/**
 * migration_progress_read() - take over what virDomainGetJobStats() says
 * @ret: what is not said stays
 */
void migration_progress_read(MigrationProgress *ret, virTypedParameterPtr params, int count);

/** migration_progress_percent() - of what is known now, 0 to 100; may go back */
guint migration_progress_percent(const MigrationProgress *progress);

/**
 * migration_progress_text() - "63%, 123.0 MiB sent, 12.3 MiB/s, 4.5 MiB left, 6 s"
 *
 * Times that nobody can tell, while more gets dirty than is sent, are left out.
 */
char *migration_progress_text(const MigrationProgress *progress);

/** migration_size_text() - "4.0 MiB" */
char *migration_size_text(guint64 bytes);

/** migration_progress_bar() - "[====>    ]", of @width characters; 3 at least */
char *migration_progress_bar(guint percent, guint width);

#endif
