/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* AppArmor: may guests use what libvirt's networks give them? The hook: see doctor-hook.c. */
#include "doctor.h"

#include "apparmor.h"

#include <string.h>

#define PROFILES "/sys/kernel/security/apparmor/profiles"

/* libvirt confines guests where it is confined itself. It could tell (virsh capabilities), but
 * takes its time for that. */
static gboolean confines_guests(void)
{
	static const char *const daemons[] = { "libvirtd (enforce)", "virtqemud (enforce)", NULL };
	g_autofree char *text = NULL;
	g_auto(GStrv) profiles = NULL;

	if (!g_file_get_contents(PROFILES, &text, NULL, NULL))
		return FALSE;
	profiles = g_strsplit(text, "\n", -1);
	for (char **profile = profiles; *profile; profile++)
		if (g_strv_contains(daemons, *profile))
			return TRUE;
	return FALSE;
}

static gboolean has_rule(const char *rules)
{
	g_auto(GStrv) lines = g_strsplit(rules, "\n", -1);

	for (char **line = lines; *line; line++)
		if (g_strchug(*line)[0] != '#' && strstr(*line, "/dev/vfio/"))
			return TRUE;
	return FALSE;
}

void doctor_look_at_apparmor(Doctor *doctor)
{
	const Domains *domains = doctor->domains;
	g_autofree char *rules = NULL;
	const char *pool;

	if (!domains || !domains->pools->len || !confines_guests())
		return;
	pool = g_ptr_array_index(domains->pools, 0);
	if (g_file_get_contents(APPARMOR_GUESTS, &rules, NULL, NULL) && has_rule(rules)) {
		report_add(doctor->report, REPORT_OK, "AppArmor", "guests may use the VFs that "
			   "the network '%s' gives them", pool);
		return;
	}
	report_add(doctor->report, REPORT_WARNING, "AppArmor", "the network '%s' gives VFs to "
		   "guests, and AppArmor keeps guests from them: they do not start", pool);
	report_advise(doctor->report, "add the line '" APPARMOR_GROUPS "' to " APPARMOR_GUESTS);
}
