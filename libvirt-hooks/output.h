/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_OUTPUT_H
#define VFERRY_OUTPUT_H

#include <glib.h>

/** output_write() - write all to standard output; FALSE with VFERRY_ERROR_FAILED */
gboolean output_write(const char *text, gsize length, GError **error);

#endif
