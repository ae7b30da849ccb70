/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "provision-vf.h"

#include "binding.h"
#include "claims.h"
#include "devlink.h"
#include "error.h"
#include "inventory.h"
#include "sysfs.h"
#include "vf-user.h"

/* What has to be done to a VF. @devlink: what its port says; NULL where it has none */
typedef struct {
	VferryProvisionPlan *plan;
	const VferryVf *vf;
	const VferryDevlinkVf *devlink;
	gboolean set_migratable;
	gboolean bind;
	VferryProvisionVf *result;
} Work;

void vferry_provision_plan_clear(VferryProvisionPlan *plan)
{
	g_clear_pointer(&plan->claims, g_ptr_array_unref);
	g_clear_pointer(&plan->migratable, g_array_unref);
	g_clear_pointer(&plan->modalias, g_free);
	vferry_choice_clear(&plan->choice);
	g_clear_error(&plan->failure);
}

void vferry_provision_vf_free(VferryProvisionVf *vf)
{
	g_free(vf->driver);
	g_free(vf->problem);
	g_free(vf->reason);
	g_free(vf);
}

const VferryClaim *vferry_provision_claim_on(const GPtrArray *claims, const VferryAddress *vf)
{
	for (guint i = 0; claims && i < claims->len; i++) {
		const VferryClaim *claim = g_ptr_array_index(claims, i);

		if (vferry_address_equal(&claim->address, vf))
			return claim;
	}
	return NULL;
}

/* The VFs of a PF have one modalias, as a rule. */
static gboolean choose(VferryProvisionPlan *plan, const VferryVf *vf)
{
	if (g_strcmp0(plan->modalias, vf->modalias) == 0)
		return !plan->failure;
	g_free(plan->modalias);
	plan->modalias = g_strdup(vf->modalias);
	vferry_choice_clear(&plan->choice);
	g_clear_error(&plan->failure);
	return (plan->flags & VFERRY_PROVISION_DRY_RUN ?
		vferry_foresee_driver(plan->aliases, vf, plan->config, NULL, &plan->choice,
				      &plan->failure) :
		vferry_choose_driver(plan->aliases, vf, plan->config, NULL, &plan->choice,
				     &plan->failure));
}

static gboolean wants_migratable(const VferryProvisionPlan *plan)
{
	return plan->config->migratable != VFERRY_CONFIG_MIGRATABLE_NO;
}

static const VferryDevlinkVf *devlink_of(const VferryProvisionPlan *plan, const VferryVf *vf)
{
	for (guint i = 0; i < plan->migratable->len; i++) {
		const VferryDevlinkVf *known = &g_array_index(plan->migratable, VferryDevlinkVf, i);

		if (known->index == vf->index)
			return known;
	}
	return NULL;
}

static gboolean has_driver(const VferryChoice *choice, const VferryVf *vf)
{
	return !choice->driver || (g_strcmp0(vf->driver, choice->driver) == 0 &&
				   (!choice->needs_vfio || vf->vfio_dev));
}

static void finish(VferryProvisionVf *result, VferryProvisionOutcome outcome, char *problem)
{
	g_free(result->problem);
	result->outcome = outcome;
	result->problem = problem;
}

static void set_driver(VferryProvisionVf *result, const char *driver)
{
	g_free(result->driver);
	result->driver = g_strdup(driver);
}

/* With driver=keep only 'migratable' was set, and the VF is as it was. */
static void finish_bound(const Work *work)
{
	const char *driver = work->plan->choice.driver;

	if (!driver)
		return;
	set_driver(work->result, driver);
	work->result->outcome = VFERRY_PROVISION_BOUND;
}

/* devlink wants the VF without a driver; the override keeps all but ours away meanwhile. */
static gboolean release(const Work *work, VferryBinding *ret_before, GError **error)
{
	VferryBinding ours = { .driver_override = work->plan->choice.driver };

	return vferry_binding_read(&work->vf->address, ret_before, error) &&
	       (!ret_before->driver || vferry_unbind(&work->vf->address, &ours, error));
}

/* A VF that cannot be made migratable gets its driver all the same. */
static gboolean set_and_bind(const Work *work, GError **error)
{
	const VferryVf *vf = work->vf;
	const VferryChoice *choice = &work->plan->choice;
	g_auto(VferryBinding) before = { 0 };
	g_autoptr(GError) refusal = NULL;

	if (work->set_migratable) {
		if (!release(work, &before, error))
			return FALSE;
		vferry_devlink_migratable_set(&vf->pf->address, work->devlink,
					      wants_migratable(work->plan), &refusal);
	}
	if (choice->driver &&
	    !vferry_bind(&vf->address, choice->driver, choice->needs_vfio, NULL, error)) {
		if (before.driver)
			vferry_unbind(&vf->address, &before, NULL);
		return FALSE;
	}
	finish_bound(work);
	if (refusal)
		finish(work->result, VFERRY_PROVISION_FAILED, g_strdup(refusal->message));
	return TRUE;
}

static char *driver_now(const VferryAddress *vf, gboolean *ret_gone)
{
	char name[VFERRY_ADDRESS_TEXT_SIZE];
	g_autofree char *folder = g_build_filename(VFERRY_SYSFS_PCI_DEVICES,
						   vferry_address_text(vf, name), NULL);

	*ret_gone = !g_file_test(folder, G_FILE_TEST_IS_DIR);
	return vferry_sysfs_link(folder, "driver");
}

/* As it is now, with the lock held. One without a driver is used by nobody but a claim's owner. */
static char *user_now(const VferryVf *vf, const VferryClaim *claim)
{
	gboolean gone;
	g_autofree char *driver = driver_now(&vf->address, &gone);
	g_autoptr(VferryVf) fresh = NULL;
	g_autoptr(GError) failure = NULL;

	if (!driver && !vf->driver)
		return vferry_vf_user(vf, claim);
	fresh = vferry_vf_read(&vf->address, &failure);
	return fresh ? vferry_vf_user(fresh, claim) : g_strdup(failure->message);
}

static gboolean bind_unused(const Work *work, GError **error)
{
	g_autoptr(VferryClaims) claims =
		vferry_claims_open(VFERRY_CLAIMS_FOLDER, VFERRY_PROVISION_CLAIMS_MS, error);
	g_autoptr(VferryClaim) claim = NULL;
	char *user;

	if (!claims)
		return FALSE;
	claim = vferry_claims_lookup(claims, &work->vf->address);
	user = user_now(work->vf, claim);
	if (!user)
		return set_and_bind(work, error);
	finish(work->result, VFERRY_PROVISION_IN_USE, user);
	return TRUE;
}

static void foresee(const Work *work)
{
	const VferryProvisionPlan *plan = work->plan;
	const VferryClaim *claim = vferry_provision_claim_on(plan->claims, &work->vf->address);
	char *user = vferry_vf_user(work->vf, claim);

	if (user)
		finish(work->result, VFERRY_PROVISION_IN_USE, user);
	else
		finish_bound(work);
}

static void work_on(const Work *work)
{
	const VferryPfConfig *config = work->plan->config;
	const VferryVf *vf = work->vf;
	g_autoptr(GError) failure = NULL;

	if (!work->bind && !work->set_migratable)
		return;
	if (config->driver == VFERRY_CONFIG_DRIVER_KEEP && vf->driver) {
		if (config->migratable != VFERRY_CONFIG_MIGRATABLE_AUTO)
			finish(work->result, VFERRY_PROVISION_FAILED,
			       g_strdup_printf("driver=keep leaves it on driver %s, with which "
					       "'migratable' cannot be set: unbind it",
					       vf->driver));
		return;
	}
	if (work->plan->flags & VFERRY_PROVISION_DRY_RUN)
		foresee(work);
	else if (!bind_unused(work, &failure))
		finish(work->result, VFERRY_PROVISION_FAILED, g_strdup(failure->message));
}

static VferryProvisionVf *result_new(const VferryVf *vf)
{
	VferryProvisionVf *result = g_new0(VferryProvisionVf, 1);

	result->address = vf->address;
	result->outcome = VFERRY_PROVISION_KEPT;
	result->driver = g_strdup(vf->driver);
	return result;
}

VferryProvisionVf *vferry_provision_vf(VferryProvisionPlan *plan, const VferryVf *vf)
{
	VferryProvisionVf *result = result_new(vf);
	Work work = {
		.plan = plan, .vf = vf, .devlink = devlink_of(plan, vf), .result = result,
	};
	g_autofree char *driver = NULL;
	gboolean gone;

	if (!choose(plan, vf)) {
		finish(result, VFERRY_PROVISION_FAILED, g_strdup(plan->failure->message));
		return result;
	}
	result->reason = g_strdup(plan->choice.reason);
	work.bind = !has_driver(&plan->choice, vf);
	work.set_migratable =
		work.devlink && work.devlink->migratable != wants_migratable(plan);
	work_on(&work);
	if (!result->problem && !work.devlink &&
	    plan->config->migratable == VFERRY_CONFIG_MIGRATABLE_YES)
		finish(result, VFERRY_PROVISION_FAILED,
		       g_strdup("migratable=yes, but its device has no such devlink attribute"));
	if (!result->problem)
		return result;

	driver = driver_now(&vf->address, &gone);
	set_driver(result, driver);
	if (!gone)
		return result;
	vferry_provision_vf_free(result);
	return NULL;
}
