/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pf-interface.h"

#include "sysfs.h"

#include <net/if.h>
#include <string.h>

static char *read_attribute(const char *interface, const char *attribute)
{
	g_autofree char *folder = g_build_filename(VFERRY_SYSFS_NET, interface, NULL);

	return vferry_sysfs_read(folder, attribute, NULL);
}

static gboolean is_representor(const char *interface)
{
	g_autofree char *port = read_attribute(interface, "phys_port_name");

	return port && strstr(port, "vf");
}

const char *pf_interface(const VferryPf *pf)
{
	for (guint i = 0; pf->interfaces[i]; i++)
		if (!is_representor(pf->interfaces[i]))
			return pf->interfaces[i];
	return NULL;
}

Answer pf_interface_up(const char *interface)
{
	g_autofree char *text = read_attribute(interface, "flags");
	guint64 flags;

	if (!text || !g_str_has_prefix(text, "0x") ||
	    !g_ascii_string_to_unsigned(text + 2, 16, 0, G_MAXUINT32, &flags, NULL))
		return ANSWER_UNKNOWN;
	return flags & IFF_UP ? ANSWER_YES : ANSWER_NO;
}
