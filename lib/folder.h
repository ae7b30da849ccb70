/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A folder of sysfs that is held open, for readers of many devices: each look
 * starts at the folder and not at the root, which is twice as quick as
 * sysfs.h, and a device that has gone is never mistaken for its successor.
 * Texts are checked: bounded, one line, no control characters.
 */
#ifndef VFERRY_FOLDER_H
#define VFERRY_FOLDER_H

#include <glib.h>

/**
 * VferryFolder - an open folder
 * @fd: descriptor, -1 where none is open
 * @path: for messages, and to ask whether the folder is still there; cut where
 *	it is longer
 */
typedef struct {
	int fd;
	char path[128];
} VferryFolder;

#define VFERRY_FOLDER_INIT { .fd = -1 }

/**
 * vferry_folder_open() - open a folder
 * @parent: open folder that @name is in; NULL where @name is a path
 * @name: name, or path
 * @ret: VFERRY_FOLDER_INIT; filled in
 *
 * Return: FALSE with VFERRY_ERROR_NOT_FOUND or VFERRY_ERROR_FAILED.
 */
gboolean vferry_folder_open(const VferryFolder *parent, const char *name, VferryFolder *ret,
			    GError **error);

/** vferry_folder_close() - close it; nothing happens where it is not open */
void vferry_folder_close(VferryFolder *folder);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VferryFolder, vferry_folder_close)

/** vferry_folder_is_there() - whether its path still leads to a folder */
gboolean vferry_folder_is_there(const VferryFolder *folder);

/** vferry_folder_has() - whether there is a file, folder or link of that name in it */
gboolean vferry_folder_has(const VferryFolder *folder, const char *name);

/**
 * vferry_folder_read() - the value of an attribute, without its line end
 *
 * Return: the text, or NULL with VFERRY_ERROR_NOT_FOUND where there is no such
 * attribute, VFERRY_ERROR_INVALID where it is no line of text of at most 4 KiB,
 * VFERRY_ERROR_FAILED where reading it fails.
 */
char *vferry_folder_read(const VferryFolder *folder, const char *attribute, GError **error);

/**
 * vferry_folder_read_number() - the value of an attribute that is a decimal number
 *
 * Errors as vferry_folder_read(); VFERRY_ERROR_INVALID where it is no number
 * from @minimum to @maximum.
 */
gboolean vferry_folder_read_number(const VferryFolder *folder, const char *attribute, int minimum,
				   int maximum, int *ret, GError **error);

/**
 * vferry_folder_link() - last component of a link's target ("igbvf" of driver)
 * @ret: the name; NULL where there is no such link
 *
 * Return: FALSE with VFERRY_ERROR_INVALID where it is no link to a name,
 * VFERRY_ERROR_FAILED where reading it fails.
 */
gboolean vferry_folder_link(const VferryFolder *folder, const char *link, char **ret,
			    GError **error);

/**
 * vferry_folder_names() - what is in a folder, in no order
 * @name: name of a folder in @folder; "." for itself
 *
 * Return: the names without "." and "..", none where there is no such folder;
 * NULL with VFERRY_ERROR_INVALID where one is no line of text,
 * VFERRY_ERROR_FAILED where reading fails.
 */
GPtrArray *vferry_folder_names(const VferryFolder *folder, const char *name, GError **error);

#endif
