/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For provision.c: one VF gets its driver. */
#ifndef VFERRY_PROVISION_VF_H
#define VFERRY_PROVISION_VF_H

#include "choice.h"
#include "claim.h"
#include "provision.h"

/* How long somebody else's lock on the claims is waited for. */
#define VFERRY_PROVISION_CLAIMS_MS 30000

/**
 * VferryProvisionPlan - what is wanted of all VFs of a PF
 * @config: of the PF
 * @aliases: of the running kernel
 * @flags: VferryProvisionFlags
 * @claims: dry run: VferryClaim, a snapshot; NULL otherwise
 * @migratable: VferryDevlinkVf, what devlink says before
 * @choice: private: the one for @modalias, so that a module is loaded once
 * @failure: private: why there is none
 */
typedef struct {
	const VferryPfConfig *config;
	const VferryAliases *aliases;
	VferryProvisionFlags flags;
	GPtrArray *claims;
	GArray *migratable;
	char *modalias;
	VferryChoice choice;
	GError *failure;
} VferryProvisionPlan;

void vferry_provision_plan_clear(VferryProvisionPlan *plan);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VferryProvisionPlan, vferry_provision_plan_clear)

/**
 * vferry_provision_vf() - bind a VF
 *
 * Return: what became of it; NULL where it went away.
 */
VferryProvisionVf *vferry_provision_vf(VferryProvisionPlan *plan, const VferryVf *vf);

void vferry_provision_vf_free(VferryProvisionVf *vf);

/** vferry_provision_claim_on() - the claim of a list on a VF, or NULL */
const VferryClaim *vferry_provision_claim_on(const GPtrArray *claims, const VferryAddress *vf);

#endif
