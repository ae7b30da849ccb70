/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Configuration files on disk, as far as they are to be trusted: who can write them
 * can have any PF reset and any driver bound, so that must be root alone.
 */
#ifndef VFERRY_CONFIG_FILE_H
#define VFERRY_CONFIG_FILE_H

#include <glib.h>

/**
 * vferry_config_file_read() - what a file holds
 * @path: a regular file of at most 1 MiB, owned by root, writable by no other; or a
 *	link to one
 * @ret: its bytes, to be freed; NULL where there is no such file
 * @ret_length: number of bytes
 *
 * Return: FALSE with VFERRY_ERROR_REFUSED for any other file, VFERRY_ERROR_FAILED where
 * the kernel does not let it be read, as does a link that leads nowhere.
 */
gboolean vferry_config_file_read(const char *path, char **ret, gsize *ret_length, GError **error);

/**
 * vferry_config_file_list() - paths of the *.conf in a folder, in strcmp order
 * @folder: owned by root, writable by no other, or missing
 *
 * Names that begin with a dot are left out.
 *
 * Return: GPtrArray of char *, or NULL with errors as of vferry_config_file_read().
 */
GPtrArray *vferry_config_file_list(const char *folder, GError **error);

#endif
