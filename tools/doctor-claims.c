/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor.h"

#include "arrival-folder.h"
#include "claims.h"

/* A marker that is so old, in seconds, belongs to no migration that still goes on. */
#define ARRIVAL_OLD (24 * 60 * 60)

static void look_at_owner(Doctor *doctor, const char *about, const VferryClaim *claim)
{
	const Domain *owner;

	if (!doctor->domains)
		return;
	owner = domains_find(doctor->domains, claim->uuid);
	if (owner && owner->active)
		return;
	if (claim->purpose != VFERRY_CLAIM_RUNNING && claim->lifetime > 0)
		return;	/* it ends by itself */
	report_add(doctor->report, REPORT_WARNING, about, "claimed for the domain '%s', which does "
		   "not run", claim->name ? claim->name : claim->uuid);
	report_advise(doctor->report, "if no guest uses the VF: rm " VFERRY_CLAIMS_FOLDER "/%s",
		      about);
}

static void look_at_claim(Doctor *doctor, const VferryClaim *claim, const VferryInstant *now)
{
	char about[VFERRY_ADDRESS_TEXT_SIZE];

	vferry_address_text(&claim->address, about);
	if (claim->problem && !doctor->is_root) {
		report_add(doctor->report, REPORT_UNKNOWN, about, "%s", claim->problem);
		return;
	}
	if (claim->problem) {
		report_add(doctor->report, REPORT_PROBLEM, about, "%s", claim->problem);
		report_advise(doctor->report, "nobody gets this VF: find out whether a guest uses "
			      "it, then rm " VFERRY_CLAIMS_FOLDER "/%s", about);
		return;
	}
	if (!vferry_inventory_vf(doctor->inventory, &claim->address)) {
		report_add(doctor->report, REPORT_WARNING, about, "claimed, and no VF has that "
			   "address");
		report_advise(doctor->report, "rm " VFERRY_CLAIMS_FOLDER "/%s", about);
		return;
	}
	if (!vferry_claim_expired(claim, now))
		look_at_owner(doctor, about, claim);
}

static void look_at_arrivals(Doctor *doctor)
{
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GArray) files = NULL;

	if (!doctor->is_root)
		return;
	files = arrival_folder_peek(VFERRY_ARRIVALS_FOLDER);
	for (guint i = 0; files && i < files->len; i++) {
		const ArrivalFile *file = &g_array_index(files, ArrivalFile, i);

		if (file->age < ARRIVAL_OLD)
			continue;
		report_add(doctor->report, REPORT_WARNING, file->uuid, "since a day it is on its "
			   "way to this host");
		report_advise(doctor->report, "systemctl status vferry-arrival.service; if nothing "
			      "comes: rm " VFERRY_ARRIVALS_FOLDER "/%s", file->uuid);
	}
}

void doctor_look_at_claims(Doctor *doctor)
{
	VferryInstant now;

	look_at_arrivals(doctor);
	if (!doctor->claims || !vferry_instant_now(&now, NULL)) {
		report_add(doctor->report, REPORT_UNKNOWN, "claims", "they cannot be read");
		return;
	}
	for (guint i = 0; i < doctor->claims->len; i++)
		look_at_claim(doctor, g_ptr_array_index(doctor->claims, i), &now);
	report_add(doctor->report, REPORT_OK, "claims", "%u VF%s claimed", doctor->claims->len,
		   doctor->claims->len == 1 ? " is" : "s are");
}
