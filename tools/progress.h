/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Says what is waited for, where it takes long. */
#ifndef VFERRY_PROGRESS_H
#define VFERRY_PROGRESS_H

#include <glib.h>

typedef struct Progress Progress;

/**
 * progress_begin() - say on standard error what is being done, unless it ends within 2 s
 * @doing: "binding 0000:01:10.0 to igbvf_vfio_pci"
 *
 * Once more every 10 s, with the time that it has taken.
 */
Progress *progress_begin(const char *doing);

void progress_end(Progress *progress);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Progress, progress_end)

#endif
