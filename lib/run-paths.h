/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where vferry keeps what lasts until the next boot. No GLib here: the hook's program reads it. */
#ifndef VFERRY_RUN_PATHS_H
#define VFERRY_RUN_PATHS_H

#define VFERRY_RUN_FOLDER "/run/vferry"

/* Who has which VF: see claims.h. */
#define VFERRY_CLAIMS_FOLDER VFERRY_RUN_FOLDER "/claims"

/*
 * Guests that are on their way to this host, an empty file named by the UUID for each. The
 * hook makes it, vferry-arrival removes it.
 */
#define VFERRY_ARRIVALS "arrivals"
#define VFERRY_ARRIVALS_FOLDER VFERRY_RUN_FOLDER "/" VFERRY_ARRIVALS

#endif
