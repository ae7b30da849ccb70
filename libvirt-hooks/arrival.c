/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arrival.h"

#include <errno.h>
#include <fcntl.h>

static gboolean make_file(int folder_fd, const char *name, GError **error)
{
	int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
			0600);

	if (fd < 0) {
		vferry_run_set_error(error, errno, "making", VFERRY_ARRIVALS_FOLDER, name);
		return FALSE;
	}
	vferry_run_close(fd);
	return TRUE;
}

gboolean arrival_note(const char *uuid, GError **error)
{
	int above = vferry_run_make_folder(AT_FDCWD, VFERRY_RUN_FOLDER, VFERRY_RUN_FOLDER, error);
	int folder = above < 0 ? -1 :
		     vferry_run_make_folder(above, VFERRY_ARRIVALS, VFERRY_ARRIVALS_FOLDER, error);
	gboolean made = folder >= 0 && make_file(folder, uuid, error);

	vferry_run_close(folder);
	vferry_run_close(above);
	return made;
}
