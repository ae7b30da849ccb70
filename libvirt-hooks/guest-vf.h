/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VFs of this host that a domain's XML names. */
#ifndef VFERRY_GUEST_VF_H
#define VFERRY_GUEST_VF_H

#include "domain-xml.h"
#include "inventory.h"

/**
 * GuestVf - a VF
 * @device: of the domain
 * @vf: the VF, read from sysfs
 */
typedef struct {
	const VferryDomainDevice *device;
	VferryVf *vf;
} GuestVf;

/**
 * guest_vfs_find() - every device of a domain that is a VF here
 *
 * What is no VF, or not here, is none of our business, nor is a VF that is named twice:
 * libvirt says what it thinks of them.
 *
 * Return: GuestVf, freed with the array; NULL with VFERRY_ERROR_INVALID or
 * VFERRY_ERROR_FAILED where a VF cannot be read.
 */
GPtrArray *guest_vfs_find(const VferryDomain *domain, GError **error);

/** guest_vf_is_configured() - whether vferry.conf is about its PF */
gboolean guest_vf_is_configured(const VferryVf *vf);

/**
 * guest_vf_is_blank() - whether its PF shows neither MAC nor VLAN, so nobody has set them by hand
 *
 * igb shows none once the VF is reset, and still takes frames for the MAC that the guest has
 * chosen: to forget does good then and no harm.
 */
gboolean guest_vf_is_blank(const VferryVf *vf);

/** guest_vf_text() - its address */
const char *guest_vf_text(const GuestVf *guest, char *text);

#endif
