/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arrival-folder.h"

#include "error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DIR, closedir)

static gboolean is_uuid(const char *name)
{
	g_autofree char *lower = g_ascii_strdown(name, -1);

	return g_uuid_string_is_valid(name) && g_str_equal(lower, name);
}

static gboolean check_folder(int fd, const char *folder, GError **error)
{
	struct stat status;

	if (fstat(fd, &status) == 0 && (status.st_uid == 0 || status.st_uid == geteuid()) &&
	    !(status.st_mode & (S_IWGRP | S_IWOTH)))
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED,
		    "%s: others than root can write to it: chown root and chmod go-w", folder);
	return FALSE;
}

static void remove_stranger(int fd, const char *folder, const char *name, GPtrArray *problems)
{
	g_autofree char *text = g_strescape(name, NULL);

	if (unlinkat(fd, name, 0) == 0)
		g_ptr_array_add(problems, g_strdup_printf("%s/%s: removed, it is not named by a "
							  "domain's UUID", folder, text));
	else if (errno != ENOENT)
		g_ptr_array_add(problems, g_strdup_printf(
			"%s/%s: not named by a domain's UUID, and cannot be removed: %s", folder,
			text, g_strerror(errno)));
}

static void add_file(GArray *files, int fd, const char *uuid)
{
	ArrivalFile file = { .age = 0 };
	struct stat status;

	if (fstatat(fd, uuid, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return;	/* it went meanwhile */
	g_strlcpy(file.uuid, uuid, sizeof(file.uuid));
	file.age = g_get_real_time() / G_USEC_PER_SEC - status.st_mtime;
	g_array_append_val(files, file);
}

GArray *arrival_folder_list(const char *folder, GPtrArray *problems, GError **error)
{
	g_autoptr(DIR) dir = opendir(folder);
	g_autoptr(GArray) files = g_array_new(FALSE, FALSE, sizeof(ArrivalFile));
	const struct dirent *entry;

	if (!dir && errno == ENOENT)
		return g_steal_pointer(&files);
	if (!dir) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED, "%s: cannot be read: %s",
			    folder, g_strerror(errno));
		return NULL;
	}
	if (!check_folder(dirfd(dir), folder, error))
		return NULL;
	while ((entry = readdir(dir))) {
		if (is_uuid(entry->d_name))
			add_file(files, dirfd(dir), entry->d_name);
		else if (!g_str_equal(entry->d_name, ".") && !g_str_equal(entry->d_name, ".."))
			remove_stranger(dirfd(dir), folder, entry->d_name, problems);
	}
	return g_steal_pointer(&files);
}

GArray *arrival_folder_peek(const char *folder)
{
	g_autoptr(DIR) dir = opendir(folder);
	g_autoptr(GArray) files = g_array_new(FALSE, FALSE, sizeof(ArrivalFile));
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (is_uuid(entry->d_name))
			add_file(files, dirfd(dir), entry->d_name);
	return dir ? g_steal_pointer(&files) : NULL;
}

gboolean arrival_folder_remove(const char *folder, const char *uuid, GError **error)
{
	g_autofree char *path = g_build_filename(folder, uuid, NULL);

	if (unlink(path) == 0 || errno == ENOENT)
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED, "%s: cannot be removed: %s", path,
		    g_strerror(errno));
	return FALSE;
}
