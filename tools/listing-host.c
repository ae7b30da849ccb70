/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "listing.h"

#include "devlink.h"
#include "domain-vf.h"
#include "pf-interface.h"
#include "survey.h"
#include "sysfs.h"
#include "vfio.h"

#include <string.h>

static Migratable devlink_of(const GArray *known, guint index)
{
	for (guint i = 0; known && i < known->len; i++) {
		const VferryDevlinkVf *vf = &g_array_index(known, VferryDevlinkVf, i);

		if (vf->index == index)
			return vf->migratable ? MIGRATABLE_YES : MIGRATABLE_NO;
	}
	return MIGRATABLE_UNKNOWN;
}

static GArray *read_devlink(const SurveyedPf *surveyed)
{
	if (surveyed->vfs->len == 0)
		return NULL;
	return vferry_devlink_migratable_list(&surveyed->pf->address, NULL);
}

/* One request for all VFs of a PF; NULL where the PF has no interface or does not tell. */
static GArray *read_identities(const SurveyedPf *surveyed, const char *interface)
{
	return interface && surveyed->vfs->len > 0 ? vferry_identity_read_all(interface, NULL) :
						     NULL;
}

/* All zero is a VF that has not chosen one yet. */
static void add_mac(Listed *listed, const GArray *identities, guint index)
{
	static const guint8 none[VFERRY_MAC_SIZE];
	const VferryIdentity *identity;

	if (!identities || index >= identities->len)
		return;
	identity = &g_array_index(identities, VferryIdentity, index);
	if (!(identity->parts & VFERRY_IDENTITY_MAC))
		return;
	memcpy(listed->mac, identity->mac, VFERRY_MAC_SIZE);
	listed->has_mac = memcmp(listed->mac, none, VFERRY_MAC_SIZE) != 0;
}

static void add_claim(Listing *listing, Listed *listed, const VferryClaim *claim)
{
	if (!claim)
		return;
	if (claim->problem)
		listed->user = (ListedUser){ "?", NULL, NULL };
	else
		listed->user = (ListedUser){
			listing_text(listing, claim->name), listing_text(listing, claim->uuid),
			vferry_claim_purpose_text(claim->purpose),
		};
}

/* A VFIO driver that the aliases do not name is worth a look. */
static Migratable judge(const SurveyedVf *vf, const char *const *candidates, Migratable devlink)
{
	MigratableFacts facts = {
		.driver = vf->driver,
		.is_vfio = FALSE,
		.candidates = candidates,
		.devlink = devlink,
	};
	Migratable verdict = migratable_judge(&facts, NULL);
	g_autofree char *device = NULL;

	if (verdict != MIGRATABLE_NO || !vf->driver || vf->interface)
		return verdict;
	device = vferry_vfio_device(&vf->address);
	facts.is_vfio = device != NULL;
	return migratable_judge(&facts, NULL);
}

static void add_vf(Listing *listing, ListedPf *pf, const Host *host, const SurveyedPf *surveyed,
		   const SurveyedVf *vf, Migratable devlink)
{
	const char *const *candidates =
		surveyed->vf_modalias ? host_candidates(host, surveyed->vf_modalias) : NULL;
	Listed *listed = listing_add_vf(pf, &vf->address);

	listed->vendor = surveyed->vf_vendor;
	listed->device = surveyed->vf_device;
	listed->driver = listing_text(listing, vf->driver);
	if (candidates)
		listed->best_driver =
			listing_text(listing, host_best_driver(host, surveyed->vf_modalias));
	listed->migratable = judge(vf, candidates, devlink);
	listed->is_judged = TRUE;
	listed->network = pf->self.network;
	listed->iommu_group = vf->iommu_group;
	listed->numa_node = pf->self.numa_node;
	listed->interface = listing_text(listing, vf->interface);
	add_claim(listing, listed, host_claim(host, &vf->address));
}

static void add_own_mac(Listed *listed, const char *interface)
{
	g_autofree char *folder = g_build_filename(VFERRY_SYSFS_NET, interface, NULL);
	g_autofree char *text = vferry_sysfs_read(folder, "address", NULL);

	listed->has_mac = text && vferry_mac_parse(text, listed->mac);
}

static void add_pf(Listing *listing, const Host *host, const SurveyedPf *surveyed)
{
	const VferryPf *pf = surveyed->pf;
	ListedPf *listed = listing_add_pf(listing, &pf->address);
	const char *interface = vferry_pf_interface(pf, NULL);
	g_autoptr(GArray) identities = read_identities(surveyed, interface);
	g_autoptr(GArray) devlink = read_devlink(surveyed);

	listed->total_vfs = (int)pf->sriov_totalvfs;
	listed->self.vendor = pf->vendor;
	listed->self.device = pf->device;
	listed->self.driver = listing_text(listing, pf->driver);
	listed->self.network = listing_text(listing, host_pf_config(host, pf)->network);
	listed->self.numa_node = pf->numa_node;
	listed->self.interface = listing_text(listing, interface);
	if (interface)
		add_own_mac(&listed->self, interface);
	for (guint i = 0; i < surveyed->vfs->len; i++) {
		const SurveyedVf *vf = &g_array_index(surveyed->vfs, SurveyedVf, i);

		add_vf(listing, listed, host, surveyed, vf, devlink_of(devlink, vf->index));
		add_mac(&g_array_index(listed->vfs, Listed, i), identities, vf->index);
	}
}

static void add_notes(Listing *listing, const GPtrArray *problems)
{
	for (guint i = 0; i < problems->len; i++)
		g_ptr_array_add(listing->notes, g_strdup(problems->pdata[i]));
}

Listing *listing_read_host(GError **error)
{
	g_autoptr(Survey) survey = survey_read(error);
	g_autoptr(Host) host = NULL;
	Listing *listing;

	if (!survey)
		return NULL;
	host = host_read();
	listing = listing_new();
	for (guint i = 0; i < survey->pfs->len; i++)
		add_pf(listing, host, g_ptr_array_index(survey->pfs, i));
	add_notes(listing, survey->problems);
	add_notes(listing, host->problems);
	return listing;
}
