/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config-file.h"

#include "error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_LIMIT (1024 * 1024)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DIR, closedir)

static gboolean failed(const char *path, const char *doing, int number, GError **error)
{
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
		    "%s: %s it failed: %s; make it readable or remove it", path, doing,
		    g_strerror(number));
	return FALSE;
}

static gboolean refused(const char *path, const char *what, GError **error)
{
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED, "%s: %s", path, what);
	return FALSE;
}

/* open(2) says ENOENT of a link that leads nowhere, too. */
static gboolean is_missing(const char *path, int number)
{
	return number == ENOENT && !g_file_test(path, G_FILE_TEST_IS_SYMLINK);
}

static gboolean check_writers(const struct stat *status, const char *path, GError **error)
{
	if (status->st_uid != 0)
		return refused(path, "owned by another user than root, who could take over the "
			       "host by it; check what it holds, then chown it to root", error);
	if (status->st_mode & (S_IWGRP | S_IWOTH))
		return refused(path, "writable by its group or others, who could take over the "
			       "host by it; check what it holds, then chmod it go-w", error);
	return TRUE;
}

static gboolean check_file(int fd, const char *path, GError **error)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return failed(path, "reading", errno, error);
	if (!S_ISREG(status.st_mode))
		return refused(path, "no regular file; remove it or put a file there", error);
	return check_writers(&status, path, error);
}

/* The size that fstat() tells is not asked: a file may grow. */
static char *read_all(int fd, const char *path, gsize *ret_length, GError **error)
{
	g_autofree char *text = g_malloc(SIZE_LIMIT + 1);
	gsize length = 0;
	ssize_t got;

	do {
		got = TEMP_FAILURE_RETRY(read(fd, text + length, SIZE_LIMIT + 1 - length));
		if (got < 0) {
			failed(path, "reading", errno, error);
			return NULL;
		}
		length += (gsize)got;
	} while (got > 0 && length <= SIZE_LIMIT);
	if (length > SIZE_LIMIT) {
		refused(path, "longer than 1 MiB; shorten it", error);
		return NULL;
	}
	*ret_length = length;
	return g_steal_pointer(&text);
}

gboolean vferry_config_file_read(const char *path, char **ret, gsize *ret_length, GError **error)
{
	/* O_NONBLOCK: a FIFO must not hold us up before fstat() tells what it is. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int number = errno;
	char *text = NULL;

	if (fd < 0 && is_missing(path, number)) {
		*ret = NULL;
		*ret_length = 0;
		return TRUE;
	}
	if (fd < 0)
		return failed(path, "opening", number, error);
	if (check_file(fd, path, error))
		text = read_all(fd, path, ret_length, error);
	close(fd);
	if (!text)
		return FALSE;
	*ret = text;
	return TRUE;
}

static gboolean is_configuration(const char *name)
{
	return name[0] != '.' && g_str_has_suffix(name, ".conf");
}

static int compare_paths(gconstpointer left, gconstpointer right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static gboolean check_folder(DIR *directory, const char *folder, GError **error)
{
	struct stat status;

	if (fstat(dirfd(directory), &status) < 0)
		return failed(folder, "reading", errno, error);
	return check_writers(&status, folder, error);
}

GPtrArray *vferry_config_file_list(const char *folder, GError **error)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(DIR) directory = opendir(folder);
	int number = errno;
	const struct dirent *entry;

	if (!directory && is_missing(folder, number))
		return g_steal_pointer(&paths);
	if (!directory) {
		failed(folder, "opening", number, error);
		return NULL;
	}
	if (!check_folder(directory, folder, error))
		return NULL;
	while (errno = 0, (entry = readdir(directory)))
		if (is_configuration(entry->d_name))
			g_ptr_array_add(paths, g_build_filename(folder, entry->d_name, NULL));
	if (errno != 0) {
		failed(folder, "reading", errno, error);
		return NULL;
	}
	g_ptr_array_sort(paths, compare_paths);
	return g_steal_pointer(&paths);
}
