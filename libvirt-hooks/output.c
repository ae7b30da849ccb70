/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "output.h"

#include "error.h"

#include <errno.h>
#include <unistd.h>

gboolean output_write(const char *text, gsize length, GError **error)
{
	while (length > 0) {
		ssize_t written = TEMP_FAILURE_RETRY(write(STDOUT_FILENO, text, length));

		if (written < 0) {
			g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
				    "giving the domain's XML back: %s", g_strerror(errno));
			return FALSE;
		}
		text += written;
		length -= (gsize)written;
	}
	return TRUE;
}
