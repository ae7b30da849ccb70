/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sysfs.h"

#include "folder.h"

char *vferry_sysfs_read(const char *path, const char *attribute, GError **error)
{
	g_auto(VferryFolder) folder = VFERRY_FOLDER_INIT;

	if (!vferry_folder_open(NULL, path, &folder, error))
		return NULL;
	return vferry_folder_read(&folder, attribute, error);
}

char *vferry_sysfs_link(const char *path, const char *link)
{
	g_auto(VferryFolder) folder = VFERRY_FOLDER_INIT;
	char *name = NULL;

	if (vferry_folder_open(NULL, path, &folder, NULL))
		vferry_folder_link(&folder, link, &name, NULL);
	return name;
}
