/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal: what standard error is not for, as libvirt shows it only after a failure. */
#ifndef VFERRY_JOURNAL_H
#define VFERRY_JOURNAL_H

#include <glib.h>

/** journal_about() - the domain's name, which begins each line from now on */
void journal_about(const char *domain);

/* One line each. A journal that is absent or does not keep up gets nothing. */
void journal_notice(const char *format, ...) G_GNUC_PRINTF(1, 2);
void journal_warning(const char *format, ...) G_GNUC_PRINTF(1, 2);

#endif
