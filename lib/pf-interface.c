/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pf-interface.h"

#include "error.h"
#include "sysfs.h"

/* As libvirt tells them apart (VIR_PF_PHYS_PORT_NAME_REGEX). */
#define OWN_PORT "^p[0-9]+(s[0-9]+)?$"

static gboolean is_own(const char *interface)
{
	g_autofree char *folder = g_build_filename(VFERRY_SYSFS_NET, interface, NULL);
	g_autofree char *port = vferry_sysfs_read(folder, "phys_port_name", NULL);

	return !port || g_regex_match_simple(OWN_PORT, port, 0, 0);
}

const char *vferry_pf_interface(const VferryPf *pf, GError **error)
{
	char text[VFERRY_ADDRESS_TEXT_SIZE];

	for (char **interface = pf->interfaces; *interface; interface++)
		if (is_own(*interface))
			return *interface;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
		    "PF %s has no network interface here that tells of its VFs",
		    vferry_address_text(&pf->address, text));
	return NULL;
}
