/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a claim says of a VF before the guest, taken over from claim to claim, and undone. */
#ifndef VFERRY_GUEST_CLAIM_H
#define VFERRY_GUEST_CLAIM_H

#include "claims.h"
#include "domain-xml.h"
#include "vf.h"

/**
 * guest_claim_inherit() - take over what an earlier claim of the same domain says of before
 *
 * What an earlier operation found counts more than what is found now: it may have been
 * killed before it had undone its work.
 */
void guest_claim_inherit(VferryClaim *claim, const VferryClaim *earlier);

/**
 * guest_claim_release() - put driver and identity of a VF back as a claim says, remove the claim
 * @forget: have the PF forget MAC and VLAN even if the claim does not ask for it
 *
 * A VF that is gone, or that a process uses, is left as it is. All is tried even if one
 * thing fails; what failed is in the journal. The claim stays where the next guest would
 * get trust, MAC or VLAN of this one, and where the domain's own process has not ended.
 *
 * Return: whether the claim is gone.
 */
gboolean guest_claim_release(VferryClaims *claims, const VferryClaim *claim, gboolean forget);

/**
 * guest_vf_forget() - have the PF forget MAC and VLAN of a guest that has left a VF without a claim
 *
 * A VF that a process uses is left as it is. What failed is in the journal.
 */
void guest_vf_forget(const VferryVf *vf);

/**
 * guest_claims_expire() - release the claims that are past their lifetime, of another boot
 *
 * A VF that a process has open keeps its claim, and one whose domain has a process here.
 * Of another boot's claim nothing is put back: that is gone.
 *
 * Return: whether there was any, so that VFs have to be looked at anew.
 */
gboolean guest_claims_expire(VferryClaims *claims, const VferryInstant *now);

/**
 * guest_claims_mend() - the same, and stale ones
 * @domain: NULL, or the domain on whose VFs alone stale claims are looked for: to know what
 *	is in use takes a look at every process
 *
 * A stale claim is of a domain that ran and does not have its VF open any more: it has
 * ended without a release, or with one that failed, or the VF was unplugged from it an
 * hour ago. One of a failover pair is not stale while its domain runs.
 */
gboolean guest_claims_mend(VferryClaims *claims, const VferryInstant *now,
			   const VferryDomain *domain);

#endif
