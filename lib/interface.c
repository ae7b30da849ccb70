/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "interface.h"

#include "error.h"
#include "sysfs.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

gboolean vferry_interface_name_valid(const char *name)
{
	gsize length = strlen(name);

	if (length == 0 || length >= IF_NAMESIZE || g_str_equal(name, ".") ||
	    g_str_equal(name, ".."))
		return FALSE;
	for (gsize i = 0; i < length; i++)
		if (!g_ascii_isgraph(name[i]) || name[i] == '/' || name[i] == ':')
			return FALSE;
	return TRUE;
}

gboolean vferry_interface_index(const char *name, int *ret, GError **error)
{
	guint index;

	if (!vferry_interface_name_valid(name)) {
		g_autofree char *shown = g_strescape(name, NULL);

		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "'%.40s' is no name of a network interface", shown);
		return FALSE;
	}
	index = if_nametoindex(name);
	if (index == 0 && errno != ENODEV && errno != ENXIO) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
			    "looking for network interface %s: %s", name, g_strerror(errno));
		return FALSE;
	}
	if (index == 0 || index > G_MAXINT) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
			    "there is no network interface %s", name);
		return FALSE;
	}
	*ret = (int)index;
	return TRUE;
}

gboolean vferry_interface_up(const char *name, gboolean *ret)
{
	g_autofree char *folder = g_build_filename(VFERRY_SYSFS_NET, name, NULL);
	g_autofree char *text = vferry_sysfs_read(folder, "flags", NULL);
	guint64 flags;

	if (!text || !g_str_has_prefix(text, "0x") ||
	    !g_ascii_string_to_unsigned(text + 2, 16, 0, G_MAXUINT32, &flags, NULL))
		return FALSE;
	*ret = (flags & IFF_UP) != 0;
	return TRUE;
}
