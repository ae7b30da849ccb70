/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "destination.h"

#include "error.h"

#define NOT_CHOSEN G_MAXUINT

/* @used: for each VF, whether a wish has it already */
typedef struct {
	const GArray *vfs;
	const GArray *wishes;
	const GArray *numa_nodes;
	gboolean *used;
} Choice;

/* What another VF must be like; @model: NULL where nobody tells. */
typedef struct {
	const char *network;
	const VferryVf *model;
} Needs;

/* Why VFs that would do otherwise cannot be had. */
typedef struct {
	guint on_network;
	guint taken;
	guint host_uses;
	guint pooled;
	guint no_driver;
	guint other_model;
} Tally;

static const VferryDestinationVf *vf_at(const Choice *choice, guint i)
{
	return &g_array_index(choice->vfs, VferryDestinationVf, i);
}

static const VferryDestinationWish *wish_at(const Choice *choice, guint i)
{
	return &g_array_index(choice->wishes, VferryDestinationWish, i);
}

static guint find_named(const Choice *choice, const VferryAddress *named)
{
	for (guint i = 0; i < choice->vfs->len; i++)
		if (vferry_address_equal(&vf_at(choice, i)->vf->address, named))
			return i;
	return NOT_CHOSEN;
}

/* Why the VF that the domain names cannot be kept; NULL if it can. */
static char *why_not_kept(const Choice *choice, const VferryDestinationWish *wish, guint here)
{
	const VferryDestinationVf *vf;

	if (here == NOT_CHOSEN)
		return g_strdup("there is no such VF here");
	vf = vf_at(choice, here);
	if (vf->taken)
		return g_strdup(vf->taken);
	if (choice->used[here])
		return g_strdup("the domain names it twice");
	if (wish->network && !vf->network)
		return g_strdup_printf("it is not known to be on network '%s'", wish->network);
	if (wish->network && g_strcmp0(wish->network, vf->network) != 0)
		return g_strdup_printf("it is on network '%s', not on '%s'", vf->network,
				       wish->network);
	if (!wish->managed && !vf->vf->vfio_dev && !vf->bindable)
		return g_strdup("it has no VFIO driver, and with managed='no' nobody "
				"would bind one");
	return NULL;
}

static gboolean same_model(const VferryVf *a, const VferryVf *b)
{
	return a->vendor == b->vendor && a->device == b->device;
}

/* Whether a VF will do, and if not, why, in the tally. */
static gboolean will_do(const Choice *choice, guint i, const Needs *needs, Tally *tally)
{
	const VferryDestinationVf *vf = vf_at(choice, i);

	if (!vf->configured || g_strcmp0(vf->network, needs->network) != 0)
		return FALSE;
	tally->on_network++;
	if (needs->model && !same_model(vf->vf, needs->model))
		tally->other_model++;
	else if (vf->taken || choice->used[i])
		tally->taken++;
	else if (vf->host_uses)
		tally->host_uses++;
	else if (vf->pool)
		tally->pooled++;
	else if (!vf->vf->vfio_dev && !vf->bindable)
		tally->no_driver++;
	else
		return TRUE;
	return FALSE;
}

static gboolean is_near(const Choice *choice, const VferryVf *vf)
{
	const GArray *nodes = choice->numa_nodes;

	for (guint i = 0; i < nodes->len; i++)
		if (vf->numa_node >= 0 && (guint)vf->numa_node == g_array_index(nodes, guint, i))
			return TRUE;
	return nodes->len == 0;
}

/* More is better. */
static int rank(const Choice *choice, guint i)
{
	const VferryVf *vf = vf_at(choice, i)->vf;

	return 2 * is_near(choice, vf) + (vf->vfio_dev != NULL);
}

/* A VF of another model than one that would be chosen without knowing which is right. */
static const VferryVf *find_rival(const Choice *choice, const Needs *needs, const VferryVf *vf)
{
	for (guint i = 0; i < choice->vfs->len; i++) {
		const VferryDestinationVf *other = vf_at(choice, i);

		if (other->configured && g_strcmp0(other->network, needs->network) == 0 &&
		    !same_model(other->vf, vf))
			return other->vf;
	}
	return NULL;
}

static char *where(const Needs *needs)
{
	return needs->network ? g_strdup_printf("on network '%s'", needs->network) :
				g_strdup("on PFs without a network");
}

static char *tally_text(const Tally *tally, const Needs *needs)
{
	g_autofree char *place = where(needs);
	GString *text = g_string_new(NULL);
	const struct {
		guint number;
		const char *what;
	} parts[] = {
		{ tally->taken, "claimed or in use" },
		{ tally->host_uses, "used by the host itself" },
		{ tally->pooled, "of a network of libvirt's" },
		{ tally->no_driver, "without a VFIO driver under driver=keep" },
		{ tally->other_model, "of another model" },
	};

	if (!tally->on_network) {
		g_string_printf(text, "no PF %s is in vferry.conf with VFs: set network= of the "
				"PF there, or of <vferry:vf> in the domain", place);
		return g_string_free(text, FALSE);
	}
	g_string_printf(text, "none of the %u VFs %s is free:", tally->on_network, place);
	for (gsize i = 0; i < G_N_ELEMENTS(parts); i++)
		if (parts[i].number)
			g_string_append_printf(text, " %u %s,", parts[i].number, parts[i].what);
	g_string_append(text, " see vferry list");
	return g_string_free(text, FALSE);
}

static gboolean refuse(const VferryAddress *named, const char *problem, const char *others,
		       GError **error)
{
	char address[VFERRY_ADDRESS_TEXT_SIZE];

	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED, "the domain cannot have VF %s: %s; %s",
		    vferry_address_text(named, address), problem, others);
	return FALSE;
}

static gboolean choose_other(Choice *choice, const VferryDestinationWish *wish, guint here,
			     guint *ret, GError **error)
{
	const VferryDestinationVf *named = here == NOT_CHOSEN ? NULL : vf_at(choice, here);
	const Needs needs = {
		.network = wish->network ? wish->network : named ? named->network : NULL,
		.model = named ? named->vf : NULL,
	};
	g_autofree char *problem = why_not_kept(choice, wish, here);
	g_autofree char *others = NULL;
	const VferryVf *rival;
	Tally tally = { 0 };
	guint best = NOT_CHOSEN;

	for (guint i = 0; i < choice->vfs->len; i++)
		if (will_do(choice, i, &needs, &tally) &&
		    (best == NOT_CHOSEN || rank(choice, i) > rank(choice, best)))
			best = i;
	if (best == NOT_CHOSEN) {
		others = tally_text(&tally, &needs);
		return refuse(&wish->named, problem, others, error);
	}
	rival = needs.model ? NULL : find_rival(choice, &needs, vf_at(choice, best)->vf);
	if (rival) {
		g_autofree char *place = where(&needs);
		const VferryVf *vf = vf_at(choice, best)->vf;

		others = g_strdup_printf("VFs %s are of several models (%04x:%04x, %04x:%04x), and "
					 "nothing tells which the guest has: give their PFs "
					 "different network= in vferry.conf", place, vf->vendor,
					 vf->device, rival->vendor, rival->device);
		return refuse(&wish->named, problem, others, error);
	}
	choice->used[best] = TRUE;
	*ret = best;
	return TRUE;
}

/* First all that can be kept: no wish takes what another one names. */
static gboolean keep_named(Choice *choice, const char *orchestrator, guint *ret, GError **error)
{
	for (guint i = 0; i < choice->wishes->len; i++) {
		const VferryDestinationWish *wish = wish_at(choice, i);
		guint here = find_named(choice, &wish->named);
		g_autofree char *problem = why_not_kept(choice, wish, here);
		g_autofree char *others = NULL;

		ret[i] = NOT_CHOSEN;
		if (!problem) {
			choice->used[here] = TRUE;
			ret[i] = here;
		} else if (orchestrator) {
			others = g_strdup_printf("%s chose it, so vferry takes no other: let %s "
						 "choose again", orchestrator, orchestrator);
			return refuse(&wish->named, problem, others, error);
		}
	}
	return TRUE;
}

gboolean vferry_destination_choose(const GArray *vfs, const GArray *wishes,
				   const GArray *numa_nodes, const char *orchestrator, guint *ret,
				   GError **error)
{
	g_autofree gboolean *used = g_new0(gboolean, vfs->len);
	Choice choice = { vfs, wishes, numa_nodes, used };

	if (!keep_named(&choice, orchestrator, ret, error))
		return FALSE;
	for (guint i = 0; i < wishes->len; i++) {
		const VferryDestinationWish *wish = wish_at(&choice, i);

		if (ret[i] == NOT_CHOSEN &&
		    !choose_other(&choice, wish, find_named(&choice, &wish->named), &ret[i], error))
			return FALSE;
	}
	return TRUE;
}
