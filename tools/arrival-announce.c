/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arrival-announce.h"

#include "announce.h"
#include "inventory.h"
#include "pf-interface.h"

#include <string.h>

static const guint8 no_mac[VFERRY_MAC_SIZE];

static const guint8 *find_mac(const VferryDomainDevice *device, const VferryIdentity *identity)
{
	if ((identity->parts & VFERRY_IDENTITY_MAC) &&
	    memcmp(identity->mac, no_mac, sizeof(no_mac)) != 0)
		return identity->mac;
	if (device->has_mac)
		return device->mac;
	if (device->vf && (device->vf->identity.parts & VFERRY_IDENTITY_MAC))
		return device->vf->identity.mac;
	return NULL;
}

static gboolean announce(const VferryDomainDevice *device, GError **error)
{
	g_autoptr(VferryVf) vf = vferry_vf_read(&device->source, error);
	const char *interface = vf ? vferry_pf_interface(vf->pf, NULL) : NULL;
	VferryIdentity identity;
	const guint8 *mac;
	guint16 vlan;

	if (!interface)
		return vf != NULL;
	if (!vferry_identity_read(interface, vf->index, &identity, error))
		return FALSE;
	mac = find_mac(device, &identity);
	vlan = identity.parts & VFERRY_IDENTITY_VLAN ? identity.vlan : 0;
	return !mac || vferry_announce(interface, mac, vlan, 1, 0, error);
}

void arrival_announce(const VferryDomain *domain, GPtrArray *problems)
{
	for (guint i = 0; i < domain->devices->len; i++) {
		const VferryDomainDevice *device = g_ptr_array_index(domain->devices, i);
		g_autoptr(GError) error = NULL;
		char address[VFERRY_ADDRESS_TEXT_SIZE];

		if (!device->has_source || announce(device, &error))
			continue;
		g_ptr_array_add(problems, g_strdup_printf(
			"domain '%s': its MAC behind %s is not announced: %s", domain->name,
			vferry_address_text(&device->source, address), error->message));
	}
}
