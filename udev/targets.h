/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which PFs are to be worked on now, and what is still waited for. */
#ifndef VFERRY_UDEV_TARGETS_H
#define VFERRY_UDEV_TARGETS_H

#include "config.h"
#include "inventory.h"

/**
 * VferryTargetsMode - what is meant
 * @VFERRY_TARGETS_ONE: one PF
 * @VFERRY_TARGETS_ALL: every PF that is configured, those that come late included
 * @VFERRY_TARGETS_WITH_VFS: every PF that is configured and has VFs, for each VF that comes
 */
typedef enum {
	VFERRY_TARGETS_ONE,
	VFERRY_TARGETS_ALL,
	VFERRY_TARGETS_WITH_VFS,
} VferryTargetsMode;

typedef struct VferryTargets VferryTargets;

/**
 * vferry_targets_new() - begin
 * @config: stays the caller's
 * @name: address or interface of the PF, for VFERRY_TARGETS_ONE
 */
VferryTargets *vferry_targets_new(VferryTargetsMode mode, VferryConfig *config, const char *name);

void vferry_targets_free(VferryTargets *targets);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VferryTargets, vferry_targets_free)

/**
 * vferry_targets_look() - see what is there now
 * @ret_ready: VferryAddress, filled in: PFs that became ready and were not returned before,
 *	or have VFs that none of them had
 * @ret_awaited: texts, filled in: a line for each thing that is still to come
 *
 * A PF is ready when it has a driver, and, if the configuration names any interface, when
 * udev has given its interfaces their names: until then nobody can tell which section is
 * about it.
 *
 * Return: FALSE with VFERRY_ERROR_NOT_FOUND where the one PF is not there, or the errors
 * of vferry_inventory_scan().
 */
gboolean vferry_targets_look(VferryTargets *targets, GArray *ret_ready, GPtrArray *ret_awaited,
			     GError **error);

#endif
