/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_ARRIVAL_NOTE_H
#define VFERRY_ARRIVAL_NOTE_H

#include "run-folder.h"

/**
 * arrival_note() - leave word for vferry-arrival that a domain is arriving
 * @uuid: the domain's; an empty file of that name in VFERRY_ARRIVALS_FOLDER
 *
 * Errors: those of vferry_run_make_folder().
 */
gboolean arrival_note(const char *uuid, GError **error);

#endif
