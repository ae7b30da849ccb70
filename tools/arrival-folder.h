/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guests that are on their way to this host: the files of VFERRY_ARRIVALS_FOLDER. */
#ifndef VFERRY_ARRIVAL_FOLDER_H
#define VFERRY_ARRIVAL_FOLDER_H

#include "run-folder.h"

/**
 * ArrivalFile - one of them
 * @uuid: the domain, lower case with hyphens
 * @age: seconds since the file was made
 */
typedef struct {
	char uuid[37];
	gint64 age;
} ArrivalFile;

/**
 * arrival_folder_list() - the files
 * @folder: has to belong to root, or to the user who runs this, and must not be
 *	writable by others
 * @problems: gets a line for each file whose name is no UUID; those are removed, as
 *	the .path unit would start us for them for ever
 *
 * Return: ArrivalFile; none where there is no such folder. NULL with
 * VFERRY_ERROR_REFUSED where the folder is open to others, VFERRY_ERROR_FAILED.
 */
GArray *arrival_folder_list(const char *folder, GPtrArray *problems, GError **error);

/** arrival_folder_peek() - the files, for who only shows them; NULL where they cannot be read */
GArray *arrival_folder_peek(const char *folder);

/** arrival_folder_remove() - remove the file of a domain; none to remove is fine */
gboolean arrival_folder_remove(const char *folder, const char *uuid, GError **error);

#endif
