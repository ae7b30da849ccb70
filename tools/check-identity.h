/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_CHECK_IDENTITY_H
#define VFERRY_CHECK_IDENTITY_H

#include "domain-xml.h"

/**
 * check_identity_left_behind() - what a PF has set for a VF and its domain does not say
 * @device: the device of the domain
 * @actual: what the PF has set
 * @carries_mac: the VF's driver migrates the MAC with the device
 *
 * What every PF does by itself is not counted: no VLAN, not trusted, spoof check, link
 * as the PF's, no rate.
 *
 * Return: text for a message, to be freed; NULL for nothing.
 */
char *check_identity_left_behind(const VferryDomainDevice *device, const VferryIdentity *actual,
				 gboolean carries_mac);

#endif
