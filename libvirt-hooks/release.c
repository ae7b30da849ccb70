/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * After libvirt has given a domain's devices back, so that another domain may have them
 * already: what is undone is what the domain's own claims say, and nothing else.
 */
#include "operation.h"

#include "guest-claim.h"
#include "guest-vf.h"

#define MIGRATED "migrated"
/* libvirt 9 does not say why a domain has ended. */
#define UNKNOWN "-"

static const GuestVf *guest_at(const GPtrArray *guests, const VferryAddress *vf)
{
	for (guint i = 0; guests && i < guests->len; i++) {
		const GuestVf *guest = guests->pdata[i];

		if (vferry_address_equal(&guest->vf->address, vf))
			return guest;
	}
	return NULL;
}

static gboolean may_forget(const VferryVf *vf, const char *extra)
{
	return g_str_equal(extra, MIGRATED) || (g_str_equal(extra, UNKNOWN) && guest_vf_is_blank(vf));
}

/*
 * As long as a PF bears the MAC of a guest that has moved away, it switches frames for the
 * guest to the VF that it left. libvirt sees to that for an <interface>. Of a <hostdev>
 * the administrator may have set it by hand.
 */
static gboolean has_left_its_mac(const GuestVf *guest, const char *extra)
{
	return guest && guest->device->kind == VFERRY_DOMAIN_HOSTDEV &&
	       guest->vf->pf->interfaces[0] && may_forget(guest->vf, extra) &&
	       guest_vf_is_configured(guest->vf);
}

/* A device that was plugged into a running domain has no claim: libvirt calls no hook then. */
static void forget_unclaimed(VferryClaims *claims, const GPtrArray *guests, const char *extra)
{
	for (guint i = 0; guests && i < guests->len; i++) {
		const GuestVf *guest = guests->pdata[i];
		g_autoptr(VferryClaim) claim = vferry_claims_lookup(claims, &guest->vf->address);

		if (!claim && has_left_its_mac(guest, extra))
			guest_vf_forget(guest->vf);
	}
}

gboolean operation_release(const VferryDomain *domain, const char *extra, GError **error)
{
	g_autoptr(VferryClaims) claims =
		vferry_claims_open(VFERRY_CLAIMS_FOLDER, OPERATION_LOCK_MS, error);
	g_autoptr(GPtrArray) guests = NULL;
	g_autoptr(GPtrArray) all = NULL;
	VferryInstant now;

	if (!claims || !vferry_instant_now(&now, error))
		return FALSE;
	all = vferry_claims_list(claims, error);
	if (!all)
		return FALSE;
	guests = guest_vfs_find(domain, NULL);
	forget_unclaimed(claims, guests, extra);
	for (guint i = 0; i < all->len; i++) {
		const VferryClaim *claim = all->pdata[i];

		if (!vferry_claim_blocks(claim, domain->uuid))
			guest_claim_release(claims, claim,
					    has_left_its_mac(guest_at(guests, &claim->address),
							     extra));
	}
	guest_claims_expire(claims, &now);
	return TRUE;
}
