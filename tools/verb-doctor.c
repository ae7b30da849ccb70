/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vferry doctor: what is wrong with this host? */
#include "verb.h"

#include "claims.h"
#include "doctor.h"
#include "json.h"
#include "systemd.h"

#include <stdio.h>
#include <unistd.h>

/* How long libvirt may take to name its domains, in milliseconds. */
#define LIBVIRT_LIMIT 5000

static const VerbUsage usage = {
	"",
	"Look for what is wrong with this host, as far as VFs and vferry are concerned.",
	"Changes nothing: no device is opened or reset, no module loaded. Without root some\n"
	"looks end with \"unknown\".\n"
	"\n"
	"Exit status: 0 no problem (there may be warnings); 1 a problem; 2 wrong arguments, or\n"
	"sysfs cannot be read.\n"
	"\n"
	"Examples:\n"
	"  vferry doctor\n"
	"  vferry doctor --json | jq -r '.looks[] | select(.level == \"problem\").advice'",
	0, 0,
};

static ReportWords words = {
	[REPORT_OK] = "ok",
	[REPORT_UNKNOWN] = "unknown",
	[REPORT_WARNING] = "warning",
	[REPORT_PROBLEM] = "problem",
};

static void doctor_clear(Doctor *doctor)
{
	g_clear_pointer(&doctor->report, report_free);
	g_clear_pointer(&doctor->host, host_free);
	g_clear_pointer(&doctor->inventory, vferry_inventory_free);
	g_clear_pointer(&doctor->claims, g_ptr_array_unref);
	g_clear_pointer(&doctor->domains, domains_free);
	g_clear_object(&doctor->bus);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Doctor, doctor_clear)

static gboolean read_all(Doctor *doctor, const char *uri, GError **error)
{
	doctor->inventory = vferry_inventory_scan(error);
	if (!doctor->inventory)
		return FALSE;
	doctor->report = report_new();
	doctor->host = host_read();
	doctor->claims = vferry_claims_snapshot(VFERRY_CLAIMS_FOLDER, NULL);
	doctor->domains = domains_open(uri, TRUE, LIBVIRT_LIMIT, NULL);
	doctor->bus = systemd_connect(NULL);
	doctor->is_root = geteuid() == 0;
	return TRUE;
}

static void print_text(const Report *report)
{
	report_print(report, words);
	printf("\n%u ok, %u unknown, %u warnings, %u problems\n",
	       report_count(report, REPORT_OK), report_count(report, REPORT_UNKNOWN),
	       report_count(report, REPORT_WARNING), report_count(report, REPORT_PROBLEM));
}

static void print_json(const Report *report)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();

	json_begin_object(builder, NULL);
	json_add_number(builder, "problems", report_count(report, REPORT_PROBLEM));
	json_add_number(builder, "warnings", report_count(report, REPORT_WARNING));
	report_add_json(report, words, builder, "looks");
	json_builder_end_object(builder);
	json_print(builder);
}

static gboolean run_doctor(int argc, char **argv, GError **error)
{
	g_autofree char *connect = NULL;
	gboolean json = FALSE;
	const GOptionEntry entries[] = {
		{ "connect", 'c', 0, G_OPTION_ARG_STRING, &connect,
		  "This host's libvirt; qemu:///system unless given", "URI" },
		{ "json", 'j', 0, G_OPTION_ARG_NONE, &json, "Print one JSON object", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_auto(Doctor) doctor = { 0 };
	guint problems;

	if (!verb_parse(&usage, entries, &argc, &argv, error) ||
	    !read_all(&doctor, connect, error))
		return FALSE;
	doctor_look_at_host(&doctor);
	doctor_look_at_hook(&doctor);
	doctor_look_at_apparmor(&doctor);
	doctor_look_at_selinux(&doctor);
	doctor_look_at_units(&doctor);
	doctor_look_at_pfs(&doctor);
	doctor_look_at_claims(&doctor);
	doctor_look_at_domains(&doctor);
	if (json)
		print_json(doctor.report);
	else
		print_text(doctor.report);
	problems = report_count(doctor.report, REPORT_PROBLEM);
	if (problems == 0)
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED, "%u problem%s found", problems,
		    problems == 1 ? " was" : "s were");
	return FALSE;
}

const VferryVerb vferry_verb_doctor = {
	"doctor", "say what is wrong with this host", run_doctor,
};
