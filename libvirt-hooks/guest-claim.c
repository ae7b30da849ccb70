/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest-claim.h"

#include "binding.h"
#include "error.h"
#include "guest-process.h"
#include "guest-vf.h"
#include "journal.h"
#include "pf-interface.h"
#include "vfio.h"

/* How long a running domain keeps a VF that it does not use. */
#define UNUSED_SECONDS 3600

static void inherit_identity(VferryIdentity *identity, const VferryIdentity *earlier)
{
	const guint parts = earlier->parts;

	identity->parts |= parts;
	if (parts & VFERRY_IDENTITY_TRUST)
		identity->trust = earlier->trust;
	if (parts & VFERRY_IDENTITY_VLAN) {
		identity->vlan = earlier->vlan;
		identity->qos = earlier->qos;
		identity->vlan_protocol = earlier->vlan_protocol;
	}
	if (parts & VFERRY_IDENTITY_SPOOFCHK)
		identity->spoofchk = earlier->spoofchk;
	if (parts & VFERRY_IDENTITY_RATE) {
		identity->min_tx_rate = earlier->min_tx_rate;
		identity->max_tx_rate = earlier->max_tx_rate;
	}
	if (parts & VFERRY_IDENTITY_LINK)
		identity->link_state = earlier->link_state;
}

void guest_claim_inherit(VferryClaim *claim, const VferryClaim *earlier)
{
	if (earlier->bound_by_us) {
		g_free(claim->driver);
		g_free(claim->driver_override);
		claim->driver = g_strdup(earlier->driver);
		claim->driver_override = g_strdup(earlier->driver_override);
		claim->bound_by_us = TRUE;
	}
	inherit_identity(&claim->identity, &earlier->identity);
	claim->forget |= earlier->forget;
}

/*
 * Part by part, since one that fails would take the others back: igb sets no rate while the PF
 * has no link, and a VF must not be left trusted for that.
 *
 * Return: the parts that are not as they were; VFERRY_IDENTITY_MAC and _VLAN where the PF has not
 * forgotten them. @error is set with any.
 */
static guint undo_identity(const VferryVf *vf, const VferryIdentity *before, gboolean forget,
			   GError **error)
{
	const char *interface = vferry_pf_interface(vf->pf, error);
	g_autoptr(GError) first = NULL;
	guint wrong = 0;

	if (!interface)
		return before->parts | (forget ? VFERRY_IDENTITY_WIRE : 0);
	if (forget && !vferry_identity_forget(interface, vf->index, &first))
		wrong |= VFERRY_IDENTITY_WIRE;
	for (guint part = 1; part <= VFERRY_IDENTITY_ALL; part <<= 1) {
		VferryIdentity one = *before;

		one.parts &= part;
		if (one.parts && !vferry_identity_apply(interface, vf->index, &one, NULL,
							first ? NULL : &first))
			wrong |= part;
	}
	if (first)
		g_propagate_error(error, g_steal_pointer(&first));
	return wrong;
}

/* Return: TRUE where a process uses the VF, or nobody can tell. */
static gboolean in_use(const VferryAddress *vf, GError **error)
{
	g_autoptr(GError) failure = NULL;
	char text[VFERRY_ADDRESS_TEXT_SIZE];
	pid_t user;

	vferry_address_text(vf, text);
	if (vferry_vfio_in_use(vf, &user, &failure)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_BUSY,
			    "VF %s is left as it is, process %d uses it", text, (int)user);
		return TRUE;
	}
	if (!failure)
		return FALSE;
	g_propagate_prefixed_error(error, g_steal_pointer(&failure), "VF %s is left as it is: ",
				   text);
	return TRUE;
}

/* The parts without which the next guest could send or get what is not its own. */
static guint guarded_parts(const VferryClaim *claim)
{
	guint ours = claim->identity.parts;

	if (claim->forget)
		ours |= VFERRY_IDENTITY_WIRE;
	return ours & (VFERRY_IDENTITY_WIRE | VFERRY_IDENTITY_TRUST | VFERRY_IDENTITY_SPOOFCHK);
}

/*
 * @ret_again: the VF must not be another guest's before this was tried once more
 *
 * Return: FALSE where something is not as it was.
 */
static gboolean undo(const VferryClaim *claim, gboolean forget, gboolean *ret_again,
		     GError **error)
{
	const VferryBinding before = { claim->driver, claim->driver_override };
	g_autoptr(VferryVf) vf = NULL;
	g_autoptr(GError) first = NULL;
	guint wrong = 0;

	forget |= claim->forget;
	if (!claim->bound_by_us && !claim->identity.parts && !forget)
		return TRUE;
	vf = vferry_vf_read(&claim->address, &first);
	if (g_error_matches(first, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND))
		return TRUE;
	if (vf && in_use(&claim->address, error)) {
		/* Else it is somebody else's by now. */
		*ret_again = guest_process_exists(claim->uuid);
		return FALSE;
	}
	if (vf && (claim->identity.parts || forget))
		wrong = undo_identity(vf, &claim->identity, forget, &first);
	*ret_again = (wrong & guarded_parts(claim)) != 0;
	if (vf && claim->bound_by_us)
		vferry_unbind(&claim->address, &before, first ? NULL : &first);
	if (!first)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&first));
	return FALSE;
}

void guest_vf_forget(const VferryVf *vf)
{
	const VferryIdentity nothing = { 0 };
	g_autoptr(GError) problem = NULL;
	char text[VFERRY_ADDRESS_TEXT_SIZE];

	if (!in_use(&vf->address, &problem))
		undo_identity(vf, &nothing, TRUE, &problem);
	if (!problem)
		return;
	journal_warning("the PF of VF %s may still bear the MAC of a guest that has left: %s",
			vferry_address_text(&vf->address, text), problem->message);
}

/* As of a domain that ran: whoever looks for a VF next tries again to release it. */
static gboolean keep(VferryClaims *claims, const VferryClaim *claim, gboolean forget,
		     GError **error)
{
	g_autoptr(VferryClaim) kept = vferry_claim_new(&claim->address, claim->uuid, claim->name,
						       VFERRY_CLAIM_RUNNING, &claim->created);

	guest_claim_inherit(kept, claim);
	kept->network = g_strdup(claim->network);
	kept->forget |= forget;
	return vferry_claims_put(claims, kept, error);
}

gboolean guest_claim_release(VferryClaims *claims, const VferryClaim *claim, gboolean forget)
{
	g_autoptr(GError) problem = NULL;
	char text[VFERRY_ADDRESS_TEXT_SIZE];
	gboolean again = FALSE;

	if (!undo(claim, forget, &again, &problem)) {
		journal_warning("VF %s is not as it was before domain '%s'%s: %s",
				vferry_address_text(&claim->address, text), claim->name,
				again ? ", and stays claimed until it is" : "", problem->message);
		g_clear_error(&problem);
	}
	if (again && keep(claims, claim, forget, &problem))
		return FALSE;
	if (!again && vferry_claims_remove(claims, &claim->address, claim->uuid, &problem))
		return TRUE;
	journal_warning("%s", problem->message);
	return FALSE;
}

static gboolean names(const VferryDomain *domain, const VferryAddress *vf)
{
	for (guint i = 0; i < domain->devices->len; i++) {
		const VferryDomainDevice *device = domain->devices->pdata[i];

		if (device->has_source && vferry_address_equal(&device->source, vf))
			return TRUE;
	}
	return FALSE;
}

static gboolean is_expired(const VferryClaim *claim, const VferryInstant *now,
			   const VferryDomain *domain)
{
	(void)domain;
	return vferry_claim_expired(claim, now);
}

static gboolean may_be_stale(const VferryClaim *claim, const VferryInstant *now,
			     const VferryDomain *domain)
{
	if (vferry_claim_expired(claim, now))
		return TRUE;
	return !claim->problem && claim->purpose == VFERRY_CLAIM_RUNNING &&
	       (!domain || names(domain, &claim->address));
}

typedef gboolean Suspect(const VferryClaim *claim, const VferryInstant *now,
			 const VferryDomain *domain);

/*
 * Whether a claim on a VF that nobody uses still counts, as its domain is here. What was
 * unplugged from a domain is free for others after some time, but for a VF that its guest may
 * ask for as long as it runs.
 */
static gboolean still_counts(const VferryClaim *claim, const VferryInstant *now)
{
	if (!g_str_equal(claim->created.boot, now->boot) ||
	    (claim->purpose == VFERRY_CLAIM_RUNNING && !claim->failover &&
	     now->seconds - claim->created.seconds > UNUSED_SECONDS))
		return FALSE;
	return guest_process_exists(claim->uuid);
}

/* Nobody knows why the domain has ended. */
static void mend(VferryClaims *claims, const VferryClaim *claim, const VferryInstant *now)
{
	g_autoptr(VferryVf) vf = vferry_vf_read(&claim->address, NULL);
	char text[VFERRY_ADDRESS_TEXT_SIZE];

	journal_notice("dropping the claim of domain '%s' (%s) on VF %s, which it does not use",
		       claim->name, vferry_claim_purpose_text(claim->purpose),
		       vferry_address_text(&claim->address, text));
	if (g_str_equal(claim->created.boot, now->boot))
		guest_claim_release(claims, claim, vf && guest_vf_is_configured(vf) &&
				    guest_vf_is_blank(vf));
	else
		vferry_claims_remove(claims, &claim->address, claim->uuid, NULL);
}

/* Releases the suspects that no domain here uses or will. Return: whether there were suspects. */
static gboolean mend_suspects(VferryClaims *claims, const VferryInstant *now,
			      const VferryDomain *domain, Suspect *is_suspect)
{
	g_autoptr(GPtrArray) all = vferry_claims_list(claims, NULL);
	g_autofree VferryAddress *vfs = all ? g_new(VferryAddress, all->len) : NULL;
	g_autofree pid_t *users = all ? g_new(pid_t, all->len) : NULL;
	g_autoptr(GError) problem = NULL;
	guint n = 0;

	for (guint i = 0; all && i < all->len; i++) {
		VferryClaim *claim = all->pdata[i];

		if (!is_suspect(claim, now, domain))
			continue;
		vfs[n] = claim->address;
		all->pdata[i] = all->pdata[n];
		all->pdata[n++] = claim;
	}
	if (!n)
		return FALSE;
	if (!vferry_vfio_users(vfs, n, users, &problem)) {
		journal_warning("claims are kept: %s", problem->message);
		return FALSE;
	}
	for (guint i = 0; i < n; i++)
		if (!users[i] && !still_counts(all->pdata[i], now))
			mend(claims, all->pdata[i], now);
	return TRUE;
}

gboolean guest_claims_expire(VferryClaims *claims, const VferryInstant *now)
{
	return mend_suspects(claims, now, NULL, is_expired);
}

gboolean guest_claims_mend(VferryClaims *claims, const VferryInstant *now,
			   const VferryDomain *domain)
{
	return mend_suspects(claims, now, domain, may_be_stale);
}
