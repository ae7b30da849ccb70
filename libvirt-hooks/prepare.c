/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Before a domain starts. First all its VFs are claimed, and the claims say what is there
 * before; then the lock is given back, for binding may take seconds; then each VF gets
 * driver and identity. Whoever is killed after the claims leaves what libvirt's release,
 * or the end of the claims' lifetime, undoes.
 */
#include "operation.h"

#include "binding.h"
#include "choice.h"
#include "error.h"
#include "guest-claim.h"
#include "guest-vf.h"
#include "journal.h"
#include "pf-interface.h"
#include "vfio.h"

/* A start may take long where much memory is filled first; a claim left behind is rare. */
#define START_LIFETIME_SECONDS 3600

/**
 * Plan - what is to be done with a VF
 * @guest: the VF
 * @config: what is wanted of its PF
 * @choice: the driver that it gets; none: it has it, or it is not ours to choose
 * @wanted: identity by the metadata; no parts: none
 * @interface: of the PF; NULL where there is no identity to set
 * @claimed: the claim is there
 */
typedef struct {
	const GuestVf *guest;
	const VferryPfConfig *config;
	VferryChoice choice;
	VferryIdentity wanted;
	const char *interface;
	gboolean claimed;
} Plan;

static void plan_clear(gpointer data)
{
	vferry_choice_clear(&((Plan *)data)->choice);
}

static gboolean prefix(const Plan *plan, GError **error)
{
	char text[VFERRY_ADDRESS_TEXT_SIZE];

	g_prefix_error(error, "VF %s: ", guest_vf_text(plan->guest, text));
	return FALSE;
}

/* Only what the configuration is about is bound. A driver for the host is not for a guest. */
static gboolean choose(Plan *plan, VferryAliases **aliases, GError **error)
{
	const VferryVf *vf = plan->guest->vf;
	g_autofree char *path = NULL;
	char text[VFERRY_ADDRESS_TEXT_SIZE];

	if (!plan->config->configured || plan->config->driver == VFERRY_CONFIG_DRIVER_KEEP)
		return TRUE;
	if (!*aliases) {
		path = vferry_aliases_path();
		*aliases = vferry_aliases_load(path, error);
	}
	if (!*aliases || !vferry_choose_driver(*aliases, vf, plan->config,
					       plan->guest->device->driver_model, &plan->choice,
					       error))
		return prefix(plan, error);
	if (plan->choice.reason)
		journal_warning("it cannot migrate with VF %s: %s", guest_vf_text(plan->guest, text),
				plan->choice.reason);
	if (!plan->choice.needs_vfio ||
	    (vf->vfio_dev && g_strcmp0(vf->driver, plan->choice.driver) == 0))
		g_clear_pointer(&plan->choice.driver, g_free);
	return TRUE;
}

static gboolean make_plan(Plan *plan, VferryConfig *config, VferryAliases **aliases,
			  GError **error)
{
	const VferryPf *pf = plan->guest->vf->pf;
	const VferryDomainVf *metadata = plan->guest->device->vf;
	char text[VFERRY_ADDRESS_TEXT_SIZE];

	plan->config = vferry_config_for_pf(config, &pf->address, pf->interfaces, pf->vendor,
					    pf->device);
	if (metadata && metadata->network && plan->config->network &&
	    !g_str_equal(metadata->network, plan->config->network))
		journal_warning("VF %s is on network '%s', the domain's metadata say '%s'",
				guest_vf_text(plan->guest, text), plan->config->network,
				metadata->network);
	if (!choose(plan, aliases, error))
		return FALSE;
	if (!metadata || !metadata->identity.parts)
		return TRUE;
	plan->wanted = metadata->identity;
	plan->interface = vferry_pf_interface(pf, error);
	return plan->interface || prefix(plan, error);
}

/*
 * What a release puts back. A PF that was told a MAC or VLAN has to forget both, so the
 * VLAN is put back even where only the MAC is set.
 */
static gboolean note_identity(const Plan *plan, VferryClaim *claim, GError **error)
{
	if (!plan->interface)
		return TRUE;
	if (!vferry_identity_read(plan->interface, plan->guest->vf->index, &claim->identity, error))
		return FALSE;
	claim->forget = (plan->wanted.parts & VFERRY_IDENTITY_WIRE) != 0;
	claim->identity.parts &=
		vferry_identity_difference(&plan->wanted, &claim->identity) |
		(claim->forget ? VFERRY_IDENTITY_VLAN : 0);
	claim->identity.parts &= ~(guint)VFERRY_IDENTITY_MAC;
	return TRUE;
}

static gboolean note_binding(const Plan *plan, VferryClaim *claim, GError **error)
{
	g_auto(VferryBinding) before = { 0 };

	if (!plan->choice.driver)
		return TRUE;
	if (!vferry_binding_read(&claim->address, &before, error))
		return FALSE;
	claim->driver = g_steal_pointer(&before.driver);
	claim->driver_override = g_steal_pointer(&before.driver_override);
	claim->bound_by_us = TRUE;
	return TRUE;
}

/*
 * A process that has no claim: a domain that libvirt calls no hook for, or no domain at all. A
 * bind looks itself; an identity would be the user's from now on, and libvirt refuses later.
 */
static gboolean nobody_uses(const GArray *plans, GError **error)
{
	g_autofree VferryAddress *vfs = g_new(VferryAddress, plans->len);
	g_autofree pid_t *users = g_new(pid_t, plans->len);
	char text[VFERRY_ADDRESS_TEXT_SIZE];
	guint n = 0;

	for (guint i = 0; i < plans->len; i++) {
		const Plan *plan = &g_array_index(plans, Plan, i);

		if (plan->interface)
			vfs[n++] = plan->guest->vf->address;
	}
	if (!n)
		return TRUE;
	if (!vferry_vfio_users(vfs, n, users, error))
		return FALSE;
	for (guint i = 0; i < n; i++) {
		if (!users[i])
			continue;
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_BUSY, "VF %s: process %d uses it",
			    vferry_address_text(&vfs[i], text), (int)users[i]);
		return FALSE;
	}
	return TRUE;
}

static gboolean claim(Plan *plan, const VferryDomain *domain, VferryClaims *claims,
		      const VferryInstant *now, GError **error)
{
	const VferryAddress *vf = &plan->guest->vf->address;
	g_autoptr(VferryClaim) new_claim =
		vferry_claim_new(vf, domain->uuid, domain->name, VFERRY_CLAIM_BOUND, now);
	g_autoptr(VferryClaim) earlier = vferry_claims_lookup(claims, vf);

	new_claim->lifetime = START_LIFETIME_SECONDS;
	new_claim->failover = plan->guest->device->failover;
	new_claim->network = g_strdup(plan->config->network);
	if (!note_binding(plan, new_claim, error) || !note_identity(plan, new_claim, error))
		return prefix(plan, error);
	if (earlier && !vferry_claim_blocks(earlier, domain->uuid)) {
		if (earlier->purpose == VFERRY_CLAIM_INCOMING)
			new_claim->purpose = VFERRY_CLAIM_INCOMING;
		new_claim->xml_address = earlier->xml_address;
		guest_claim_inherit(new_claim, earlier);
	}
	if (!vferry_claims_put(claims, new_claim, error))
		return FALSE;
	plan->claimed = TRUE;
	return TRUE;
}

/* @guests: is looked for anew where claims were mended, which may have unbound a VF */
static gboolean plan_and_claim(const VferryDomain *domain, VferryConfig *config,
			       GPtrArray **guests, GArray *plans, GError **error)
{
	g_autoptr(VferryClaims) claims =
		vferry_claims_open(VFERRY_CLAIMS_FOLDER, OPERATION_LOCK_MS, error);
	g_autoptr(VferryAliases) aliases = NULL;
	VferryInstant now;

	if (!claims || !vferry_instant_now(&now, error))
		return FALSE;
	if (guest_claims_mend(claims, &now, domain)) {
		g_ptr_array_unref(*guests);
		*guests = guest_vfs_find(domain, error);
	}
	if (!*guests)
		return FALSE;
	for (guint i = 0; i < (*guests)->len; i++) {
		Plan plan = { .guest = (*guests)->pdata[i] };

		g_array_append_val(plans, plan);
		if (!make_plan(&g_array_index(plans, Plan, i), config, &aliases, error))
			return FALSE;
	}
	if (!nobody_uses(plans, error))
		return FALSE;
	for (guint i = 0; i < plans->len; i++)
		if (!claim(&g_array_index(plans, Plan, i), domain, claims, &now, error))
			return FALSE;
	return TRUE;
}

static gboolean carry_out(const Plan *plan, GError **error)
{
	const VferryVf *vf = plan->guest->vf;

	if (plan->choice.driver && !vferry_bind(&vf->address, plan->choice.driver, TRUE, NULL, error))
		return prefix(plan, error);
	if (plan->interface &&
	    !vferry_identity_apply(plan->interface, vf->index, &plan->wanted, NULL, error))
		return prefix(plan, error);
	return TRUE;
}

static gboolean has_claimed(const GArray *plans)
{
	for (guint i = 0; i < plans->len; i++)
		if (g_array_index(plans, Plan, i).claimed)
			return TRUE;
	return FALSE;
}

static void undo_all(const GArray *plans, const VferryDomain *domain)
{
	g_autoptr(VferryClaims) claims = NULL;

	/* What failed may be this lock: to wait for it again would use up the call's time. */
	if (!has_claimed(plans))
		return;
	claims = vferry_claims_open(VFERRY_CLAIMS_FOLDER, OPERATION_LOCK_MS, NULL);
	for (guint i = 0; claims && i < plans->len; i++) {
		const Plan *plan = &g_array_index(plans, Plan, i);
		g_autoptr(VferryClaim) ours =
			vferry_claims_lookup(claims, &plan->guest->vf->address);

		if (plan->claimed && ours && !vferry_claim_blocks(ours, domain->uuid))
			guest_claim_release(claims, ours, FALSE);
	}
}

static gboolean carry_out_all(const GArray *plans, GError **error)
{
	for (guint i = 0; i < plans->len; i++)
		if (!carry_out(&g_array_index(plans, Plan, i), error))
			return FALSE;
	return TRUE;
}

gboolean operation_prepare(const VferryDomain *domain, const char *extra, GError **error)
{
	g_autoptr(GPtrArray) guests = guest_vfs_find(domain, error);
	g_autoptr(GArray) plans = g_array_new(FALSE, TRUE, sizeof(Plan));
	g_autoptr(VferryConfig) config = NULL;

	(void)extra;
	if (!guests || !guests->len)
		return guests != NULL;
	g_array_set_clear_func(plans, plan_clear);
	config = vferry_config_load(VFERRY_CONFIG_FILE, VFERRY_CONFIG_FOLDER, error);
	if (!config)
		return FALSE;
	if (plan_and_claim(domain, config, &guests, plans, error) && carry_out_all(plans, error))
		return TRUE;
	undo_all(plans, domain);
	return FALSE;
}
