/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A process for each PF, so that none waits for another. */
#ifndef VFERRY_UDEV_WORKERS_H
#define VFERRY_UDEV_WORKERS_H

#include "targets.h"

/**
 * VferryWork - work on a PF, in a process of its own
 *
 * Return: FALSE where something is not as configured; that was reported.
 */
typedef gboolean (*VferryWork)(const VferryAddress *pf, gpointer data);

/**
 * vferry_workers_run() - do it for each PF as soon as it is ready
 * @wait_seconds: how long to wait for PFs that are not
 * @ret_missing: filled in with what did not come, a line of text each
 * @ret_good: filled in: did all work succeed?
 *
 * Returns when all work has ended and nothing more is ready or awaited.
 *
 * Return: FALSE with the errors of vferry_targets_look(), VFERRY_ERROR_FAILED where no
 * process can be made.
 */
gboolean vferry_workers_run(VferryTargets *targets, guint wait_seconds, VferryWork work,
			    gpointer data, GPtrArray *ret_missing, gboolean *ret_good,
			    GError **error);

#endif
