/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What standard output is, and text that cannot steer it. */
#ifndef VFERRY_TERMINAL_H
#define VFERRY_TERMINAL_H

#include <glib.h>

/** terminal_has_colours() - a terminal, and NO_COLOR (https://no-color.org) is not set */
gboolean terminal_has_colours(void);

/** terminal_text() - what cannot be printed becomes "?": names come from other programs */
char *terminal_text(const char *text);

/**
 * terminal_note() - "note: ..." on standard error, behind what is on standard output by now
 *
 * What cannot be printed becomes "?".
 */
void terminal_note(const char *format, ...) G_GNUC_PRINTF(1, 2);

#endif
