/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor.h"

#include "systemd.h"

#define ARRIVAL_UNIT "vferry-arrival.path"

static void look_at_arrival(Doctor *doctor)
{
	SystemdUnit unit;

	if (systemd_unit(doctor->bus, ARRIVAL_UNIT, &unit) && unit.active) {
		report_add(doctor->report, REPORT_OK, ARRIVAL_UNIT,
			   "it waits for guests to arrive");
		return;
	}
	report_add(doctor->report, REPORT_PROBLEM, ARRIVAL_UNIT, "it is not active: a guest that "
		   "arrives is not announced, and keeps addresses of the other host in its "
		   "definition");
	report_advise(doctor->report, "systemctl enable --now " ARRIVAL_UNIT);
}

static void look_at_failed(Doctor *doctor)
{
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) names = systemd_failed(doctor->bus, "vferry*", &error);

	if (!names) {
		report_add(doctor->report, REPORT_UNKNOWN, "units", "%s", error->message);
		return;
	}
	for (guint i = 0; names[i]; i++) {
		report_add(doctor->report, REPORT_PROBLEM, names[i], "this unit has failed");
		report_advise(doctor->report, "journalctl -b -u '%s'", names[i]);
	}
	if (!names[0])
		report_add(doctor->report, REPORT_OK, "units", "none of vferry's has failed");
}

void doctor_look_at_units(Doctor *doctor)
{
	if (!doctor->bus) {
		report_add(doctor->report, REPORT_UNKNOWN, "units", "systemd cannot be asked");
		return;
	}
	look_at_arrival(doctor);
	look_at_failed(doctor);
}
