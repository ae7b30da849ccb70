/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Folders under /run that nobody but root can have filled, and locks in them. */
#ifndef VFERRY_RUN_FOLDER_H
#define VFERRY_RUN_FOLDER_H

#include "run-paths.h"

#include <glib.h>

/**
 * vferry_run_set_error() - the error of a system call on a folder, or a file in it
 * @number: errno
 * @doing: "opening"
 * @name: NULL where it is about the folder itself
 */
void vferry_run_set_error(GError **error, int number, const char *doing, const char *folder,
			  const char *name);

/**
 * vferry_run_open_folder() - open a folder that others cannot write
 * @above_fd: folder that it is in, or AT_FDCWD
 * @name: its name there
 * @shown: its path, for errors
 *
 * Return: descriptor; -1 with VFERRY_ERROR_REFUSED where it belongs or is open to others,
 * VFERRY_ERROR_NOT_FOUND or VFERRY_ERROR_FAILED where the file system says no.
 */
int vferry_run_open_folder(int above_fd, const char *name, const char *shown, GError **error);

/** vferry_run_make_folder() - make it if need be, and open it; errors as there */
int vferry_run_make_folder(int above_fd, const char *name, const char *shown, GError **error);

/**
 * vferry_run_read() - read a file that only root can have written
 * @folder_fd: folder
 * @folder: its path, for errors
 * @name: of the file
 * @maximum: bytes that are read at most
 * @ret_length: bytes of the text, behind which no zero byte stands
 *
 * Return: the text; NULL with VFERRY_ERROR_NOT_FOUND, VFERRY_ERROR_INVALID where it is no
 * plain file, belongs to others, others can write it, or it is longer, VFERRY_ERROR_FAILED.
 */
char *vferry_run_read(int folder_fd, const char *folder, const char *name, gsize maximum,
		      gsize *ret_length, GError **error);

/**
 * vferry_run_lock() - take a lock
 * @folder_fd: folder
 * @folder: its path, for errors
 * @name: of the lock's file, made if need be; nobody may remove it
 * @timeout_ms: how long to wait; 0 tries once
 *
 * It is flock(2)'s on an open file: it ends with its holder, however that dies.
 *
 * Return: descriptor, which closed releases it; -1 with VFERRY_ERROR_BUSY, which names the
 * holder, after @timeout_ms; otherwise as vferry_run_open_folder().
 */
int vferry_run_lock(int folder_fd, const char *folder, const char *name, int timeout_ms,
		    GError **error);

/** vferry_run_close() - close a descriptor; -1 is fine */
void vferry_run_close(int fd);

#endif
