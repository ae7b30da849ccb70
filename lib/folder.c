/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "folder.h"

#include "error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VALUE_MAX 4096

/* ENODEV: an open attribute of a device that has gone. */
static gboolean means_absent(int number)
{
	return number == ENOENT || number == ENODEV || number == ENOTDIR;
}

static void set_error(GError **error, int number, const VferryFolder *folder, const char *name)
{
	g_set_error(error, VFERRY_ERROR,
		    means_absent(number) ? VFERRY_ERROR_NOT_FOUND : VFERRY_ERROR_FAILED,
		    "reading %s/%s: %s", folder->path, name, g_strerror(number));
}

static gboolean is_line(const char *text, gsize length)
{
	for (gsize i = 0; i < length; i++)
		if (g_ascii_iscntrl(text[i]))
			return FALSE;
	return g_utf8_validate(text, (gssize)length, NULL);
}

gboolean vferry_folder_open(const VferryFolder *parent, const char *name, VferryFolder *ret,
			    GError **error)
{
	VferryFolder folder;

	if (parent)
		g_snprintf(folder.path, sizeof(folder.path), "%s/%s", parent->path, name);
	else
		g_strlcpy(folder.path, name, sizeof(folder.path));
	folder.fd = openat(parent ? parent->fd : AT_FDCWD, name,
			   O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder.fd < 0) {
		int number = errno;

		g_set_error(error, VFERRY_ERROR,
			    means_absent(number) ? VFERRY_ERROR_NOT_FOUND : VFERRY_ERROR_FAILED,
			    "opening %s: %s", folder.path, g_strerror(number));
		return FALSE;
	}
	*ret = folder;
	return TRUE;
}

void vferry_folder_close(VferryFolder *folder)
{
	if (folder->fd >= 0)
		close(folder->fd);
	folder->fd = -1;
}

gboolean vferry_folder_is_there(const VferryFolder *folder)
{
	return access(folder->path, F_OK) == 0;
}

gboolean vferry_folder_has(const VferryFolder *folder, const char *name)
{
	struct stat status;

	return fstatat(folder->fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

char *vferry_folder_read(const VferryFolder *folder, const char *attribute, GError **error)
{
	char value[VALUE_MAX + 1];
	int fd = openat(folder->fd, attribute, O_RDONLY | O_CLOEXEC);
	ssize_t length;
	int number;

	if (fd < 0) {
		set_error(error, errno, folder, attribute);
		return NULL;
	}
	length = read(fd, value, sizeof(value));
	number = errno;
	close(fd);
	if (length < 0) {
		set_error(error, number, folder, attribute);
		return NULL;
	}
	if (length > 0 && value[length - 1] == '\n')
		length--;
	if (length >= VALUE_MAX || !is_line(value, (gsize)length)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "%s/%s holds no line of text", folder->path, attribute);
		return NULL;
	}
	return g_strndup(value, (gsize)length);
}

gboolean vferry_folder_read_number(const VferryFolder *folder, const char *attribute, int minimum,
				   int maximum, int *ret, GError **error)
{
	g_autofree char *text = vferry_folder_read(folder, attribute, error);
	gint64 number;

	if (!text)
		return FALSE;
	if (!g_ascii_string_to_signed(text, 10, minimum, maximum, &number, NULL)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "%s/%s holds no number from %d to %d", folder->path, attribute, minimum,
			    maximum);
		return FALSE;
	}
	*ret = (int)number;
	return TRUE;
}

gboolean vferry_folder_link(const VferryFolder *folder, const char *link, char **ret,
			    GError **error)
{
	char target[VALUE_MAX];
	ssize_t length = readlinkat(folder->fd, link, target, sizeof(target));
	const char *name;

	if (length < 0 && errno == ENOENT) {
		*ret = NULL;
		return TRUE;
	}
	if (length < 0 && errno != EINVAL) {
		set_error(error, errno, folder, link);
		return FALSE;
	}
	name = length > 0 ? memrchr(target, '/', (gsize)length) : NULL;
	name = name ? name + 1 : target;
	if (length <= 0 || length == sizeof(target) || name == target + length ||
	    !is_line(name, (gsize)(target + length - name))) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID, "%s/%s is no link to a name",
			    folder->path, link);
		return FALSE;
	}
	*ret = g_strndup(name, (gsize)(target + length - name));
	return TRUE;
}

/* getdents64(): readdir() would take three more system calls and 32 KiB for each folder. */
static gboolean add_names(int fd, GPtrArray *names)
{
	char buffer[VALUE_MAX] __attribute__((aligned(8)));
	const struct dirent64 *entry;
	ssize_t length;

	while ((length = getdents64(fd, buffer, sizeof(buffer))) > 0)
		for (ssize_t i = 0; i < length; i += entry->d_reclen) {
			entry = (const struct dirent64 *)(buffer + i);
			if (!g_str_equal(entry->d_name, ".") && !g_str_equal(entry->d_name, ".."))
				g_ptr_array_add(names, g_strdup(entry->d_name));
		}
	return length == 0;
}

GPtrArray *vferry_folder_names(const VferryFolder *folder, const char *name, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	int fd = openat(folder->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	gboolean listed;
	int number;

	if (fd < 0 && errno == ENOENT)
		return g_steal_pointer(&names);
	if (fd < 0) {
		set_error(error, errno, folder, name);
		return NULL;
	}
	listed = add_names(fd, names);
	number = errno;
	close(fd);
	if (!listed) {
		set_error(error, number, folder, name);
		return NULL;
	}
	for (guint i = 0; i < names->len; i++)
		if (!is_line(names->pdata[i], strlen(names->pdata[i]))) {
			g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
				    "%s/%s holds a name that is no text", folder->path, name);
			return NULL;
		}
	return g_steal_pointer(&names);
}
