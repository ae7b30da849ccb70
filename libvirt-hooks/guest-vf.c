/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest-vf.h"

#include "config.h"
#include "error.h"
#include "pf-interface.h"

#include <string.h>

static void guest_vf_free(GuestVf *guest)
{
	vferry_vf_free(guest->vf);
	g_free(guest);
}

static gboolean is_known(const GPtrArray *guests, const VferryAddress *address)
{
	for (guint i = 0; i < guests->len; i++) {
		const GuestVf *guest = guests->pdata[i];

		if (vferry_address_equal(&guest->vf->address, address))
			return TRUE;
	}
	return FALSE;
}

GPtrArray *guest_vfs_find(const VferryDomain *domain, GError **error)
{
	g_autoptr(GPtrArray) guests =
		g_ptr_array_new_with_free_func((GDestroyNotify)guest_vf_free);

	for (guint i = 0; i < domain->devices->len; i++) {
		const VferryDomainDevice *device = domain->devices->pdata[i];
		g_autoptr(GError) problem = NULL;
		GuestVf *guest;
		VferryVf *vf;

		if (!device->has_source || is_known(guests, &device->source))
			continue;
		vf = vferry_vf_read(&device->source, &problem);
		if (g_error_matches(problem, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND))
			continue;
		if (!vf) {
			g_propagate_error(error, g_steal_pointer(&problem));
			return NULL;
		}
		guest = g_new0(GuestVf, 1);
		guest->device = device;
		guest->vf = vf;
		g_ptr_array_add(guests, guest);
	}
	return g_steal_pointer(&guests);
}

const char *guest_vf_text(const GuestVf *guest, char *text)
{
	return vferry_address_text(&guest->vf->address, text);
}

gboolean guest_vf_is_configured(const VferryVf *vf)
{
	g_autoptr(VferryConfig) config =
		vferry_config_load(VFERRY_CONFIG_FILE, VFERRY_CONFIG_FOLDER, NULL);
	const VferryPf *pf = vf->pf;

	return config && vferry_config_for_pf(config, &pf->address, pf->interfaces, pf->vendor,
					      pf->device)->configured;
}

gboolean guest_vf_is_blank(const VferryVf *vf)
{
	static const guint8 no_mac[VFERRY_MAC_SIZE];
	const char *interface = vferry_pf_interface(vf->pf, NULL);
	VferryIdentity held = { 0 };

	if (!interface || !vferry_identity_read(interface, vf->index, &held, NULL))
		return FALSE;
	return (held.parts & VFERRY_IDENTITY_WIRE) == VFERRY_IDENTITY_WIRE &&
	       memcmp(held.mac, no_mac, sizeof(no_mac)) == 0 && held.vlan == 0;
}
