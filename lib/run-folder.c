/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run-folder.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_RETRY_US 1000
/* As wide for every process, so that it covers what an earlier holder wrote. */
#define HOLDER_FORMAT "%10d\n"
#define HOLDER_LENGTH 11

void vferry_run_set_error(GError **error, int number, const char *doing, const char *folder,
			  const char *name)
{
	g_set_error(error, VFERRY_ERROR,
		    number == ENOENT ? VFERRY_ERROR_NOT_FOUND : VFERRY_ERROR_FAILED,
		    "%s %s%s%s: %s", doing, folder, name ? "/" : "", name ? name : "",
		    number == ELOOP ? "it is a symbolic link" : g_strerror(number));
}

/* Whether root or this user owns it, and it has none of these modes. */
static gboolean is_ours(const struct stat *status, mode_t forbidden)
{
	return (status->st_uid == 0 || status->st_uid == geteuid()) &&
	       (status->st_mode & forbidden) == 0;
}

int vferry_run_open_folder(int above_fd, const char *name, const char *shown, GError **error)
{
	int fd = openat(above_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd < 0) {
		vferry_run_set_error(error, errno, "opening the folder", shown, NULL);
		return -1;
	}
	if (fstat(fd, &status) < 0 || !is_ours(&status, S_IWGRP | S_IWOTH)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED,
			    "%s must belong to root and not be writable by others: "
			    "see who made it, then chown and chmod it", shown);
		close(fd);
		return -1;
	}
	return fd;
}

int vferry_run_make_folder(int above_fd, const char *name, const char *shown, GError **error)
{
	if (mkdirat(above_fd, name, 0755) < 0 && errno != EEXIST) {
		vferry_run_set_error(error, errno, "making the folder", shown, NULL);
		return -1;
	}
	return vferry_run_open_folder(above_fd, name, shown, error);
}

/* Without O_NONBLOCK a FIFO would hold us up before we see what it is. */
static int open_file(int folder_fd, const char *folder, const char *name, GError **error)
{
	int fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;

	if (fd < 0) {
		vferry_run_set_error(error, errno, "opening", folder, name);
		return -1;
	}
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
	    !is_ours(&status, S_IWGRP | S_IWOTH)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "%s/%s is no plain file of root that no one else may write", folder,
			    name);
		close(fd);
		return -1;
	}
	return fd;
}

char *vferry_run_read(int folder_fd, const char *folder, const char *name, gsize maximum,
		      gsize *ret_length, GError **error)
{
	int fd = open_file(folder_fd, folder, name, error);
	g_autofree char *text = fd < 0 ? NULL : g_malloc(maximum + 1);
	gsize length = 0;
	ssize_t got;
	int number;

	if (!text)
		return NULL;
	do {
		got = TEMP_FAILURE_RETRY(read(fd, text + length, maximum + 1 - length));
		length += got > 0 ? (gsize)got : 0;
	} while (got > 0 && length <= maximum);
	number = errno;
	close(fd);
	if (got < 0) {
		vferry_run_set_error(error, number, "reading", folder, name);
		return NULL;
	}
	if (length > maximum) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "%s/%s has more than %zu bytes", folder, name, maximum);
		return NULL;
	}
	*ret_length = length;
	return g_steal_pointer(&text);
}

/* Whoever can open the lock's file can hold it for ever, so nobody else may. */
static int open_lock(int folder_fd, const char *folder, const char *name, GError **error)
{
	int fd = openat(folder_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
			0600);
	struct stat status;

	if (fd < 0) {
		vferry_run_set_error(error, errno, "opening", folder, name);
		return -1;
	}
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
	    !is_ours(&status, S_IRWXG | S_IRWXO)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED,
			    "%s/%s must be a plain file of root that no one else may open: "
			    "see who made it, then remove it", folder, name);
		close(fd);
		return -1;
	}
	return fd;
}

static void name_holder(int lock_fd)
{
	dprintf(lock_fd, HOLDER_FORMAT, (int)getpid());
}

static char *holder(int lock_fd)
{
	char text[HOLDER_LENGTH + 1] = "";
	guint64 pid;

	if (pread(lock_fd, text, HOLDER_LENGTH, 0) <= 0 ||
	    !g_ascii_string_to_unsigned(g_strstrip(text), 10, 1, G_MAXINT, &pid, NULL))
		return g_strdup("a process");
	return g_strdup_printf("process %d", (int)pid);
}

/*
 * flock() knows no time limit. A timer's signal is the process's to use, not a
 * library's, and inotify reports a close before the lock is free. Most holders keep it
 * for milliseconds, so asking again soon is cheap.
 */
static gboolean take_lock(int lock_fd, const char *folder, const char *name, int timeout_ms,
			  GError **error)
{
	gint64 end = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
	g_autofree char *who = NULL;

	while (flock(lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK) {
			vferry_run_set_error(error, errno, "locking", folder, name);
			return FALSE;
		}
		if (g_get_monotonic_time() >= end) {
			who = holder(lock_fd);
			g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_BUSY,
				    "%s holds %s/%s for more than %d ms: "
				    "see what it waits for, then try again",
				    who, folder, name, timeout_ms);
			return FALSE;
		}
		g_usleep(LOCK_RETRY_US);
	}
	name_holder(lock_fd);
	return TRUE;
}

int vferry_run_lock(int folder_fd, const char *folder, const char *name, int timeout_ms,
		    GError **error)
{
	int fd = open_lock(folder_fd, folder, name, error);

	if (fd >= 0 && !take_lock(fd, folder, name, timeout_ms, error)) {
		close(fd);
		return -1;
	}
	return fd;
}

void vferry_run_close(int fd)
{
	if (fd >= 0)
		close(fd);
}
