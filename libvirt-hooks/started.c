/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU runs and has its devices open: from now on nothing but its end, or the device's
 * unplugging, frees them. Also after a restart of libvirt, when claims are made good that
 * it did not live to see.
 *
 * A VF that libvirt took from a network's pool is first seen here, and nothing tells
 * whether its domain comes from elsewhere: so it is taken to arrive. For one that was
 * started here that means that switches learn its MAC a little sooner.
 */
#include "operation.h"

#include "arrival.h"
#include "guest-claim.h"
#include "guest-vf.h"
#include "journal.h"

/* @ret_incoming: set to TRUE where the domain may come from elsewhere */
static void claim_running(VferryClaims *claims, const VferryDomain *domain, const GuestVf *guest,
			  const VferryInstant *now, gboolean *ret_incoming)
{
	const VferryAddress *vf = &guest->vf->address;
	g_autoptr(VferryClaim) earlier = vferry_claims_lookup(claims, vf);
	g_autoptr(VferryClaim) claim =
		vferry_claim_new(vf, domain->uuid, domain->name, VFERRY_CLAIM_RUNNING, now);
	g_autoptr(GError) problem = NULL;

	claim->failover = guest->device->failover;
	*ret_incoming |= !earlier;
	if (earlier && !vferry_claim_blocks(earlier, domain->uuid)) {
		*ret_incoming |= earlier->purpose == VFERRY_CLAIM_INCOMING;
		claim->xml_address = earlier->xml_address;
		claim->network = g_strdup(earlier->network);
		guest_claim_inherit(claim, earlier);
	}
	if (!vferry_claims_put(claims, claim, &problem))
		journal_warning("it has a VF without a claim: %s", problem->message);
}

static gboolean claim_all_running(const VferryDomain *domain, gboolean *ret_incoming,
				  GError **error)
{
	g_autoptr(GPtrArray) guests = guest_vfs_find(domain, error);
	g_autoptr(VferryClaims) claims = NULL;
	VferryInstant now;

	if (!guests || !guests->len)
		return guests != NULL;
	claims = vferry_claims_open(VFERRY_CLAIMS_FOLDER, OPERATION_LOCK_MS, error);
	if (!claims || !vferry_instant_now(&now, error))
		return FALSE;
	for (guint i = 0; i < guests->len; i++)
		claim_running(claims, domain, guests->pdata[i], &now, ret_incoming);
	guest_claims_expire(claims, &now);
	return TRUE;
}

gboolean operation_started(const VferryDomain *domain, const char *extra, GError **error)
{
	gboolean incoming = FALSE;

	(void)extra;
	return claim_all_running(domain, &incoming, error) &&
	       (!incoming || arrival_note(domain->uuid, error));
}

gboolean operation_reconnect(const VferryDomain *domain, const char *extra, GError **error)
{
	gboolean incoming = FALSE;

	(void)extra;
	return claim_all_running(domain, &incoming, error);
}
