/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a guest can migrate with a VF, as far as that can be told without asking the device. */
#ifndef VFERRY_MIGRATABLE_H
#define VFERRY_MIGRATABLE_H

#include <glib.h>

typedef enum {
	MIGRATABLE_UNKNOWN,
	MIGRATABLE_NO,
	MIGRATABLE_YES,
} Migratable;

/**
 * MigratableFacts - what decides
 * @driver: that holds the VF; NULL for none
 * @is_vfio: the driver offers the VF through VFIO
 * @candidates: modules that know the VF, best first (vferry_aliases_candidates()); NULL
 *	where that cannot be told
 * @devlink: what the PF's driver says of the VF; MIGRATABLE_UNKNOWN where it says nothing
 */
typedef struct {
	const char *driver;
	gboolean is_vfio;
	const char *const *candidates;
	Migratable devlink;
} MigratableFacts;

/**
 * migratable_judge() - judge by the driver that the VF has now
 * @ret_why: one line, to be freed; may be NULL
 */
Migratable migratable_judge(const MigratableFacts *facts, char **ret_why);

/** migratable_text() - "yes", "no", "unknown" */
const char *migratable_text(Migratable migratable);

#endif
