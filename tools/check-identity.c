/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check-identity.h"

#include <string.h>

static const guint8 no_mac[VFERRY_MAC_SIZE];

static guint notable_parts(const VferryIdentity *actual)
{
	guint parts = 0;

	if (memcmp(actual->mac, no_mac, sizeof(no_mac)) != 0)
		parts |= VFERRY_IDENTITY_MAC;
	if (actual->vlan)
		parts |= VFERRY_IDENTITY_VLAN;
	if (actual->trust)
		parts |= VFERRY_IDENTITY_TRUST;
	if (!actual->spoofchk)
		parts |= VFERRY_IDENTITY_SPOOFCHK;
	if (actual->min_tx_rate || actual->max_tx_rate)
		parts |= VFERRY_IDENTITY_RATE;
	if (actual->link_state != VFERRY_LINK_AUTO)
		parts |= VFERRY_IDENTITY_LINK;
	return parts & actual->parts;
}

static guint said_parts(const VferryDomainDevice *device)
{
	guint parts = device->vf ? device->vf->identity.parts : 0;

	if (device->has_mac)
		parts |= VFERRY_IDENTITY_MAC;
	if (device->vlans->len > 0)
		parts |= VFERRY_IDENTITY_VLAN;
	return parts;
}

char *check_identity_left_behind(const VferryDomainDevice *device, const VferryIdentity *actual,
				 gboolean carries_mac)
{
	guint parts = notable_parts(actual) & ~said_parts(device);

	if (carries_mac)
		parts &= ~(guint)VFERRY_IDENTITY_MAC;
	return parts ? vferry_identity_text(actual, parts) : NULL;
}
