/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor.h"

#include "systemd.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOOK "/etc/libvirt/hooks/qemu.d/vferry"

/* Daemons that call the hook: the one for QEMU alone, or the one for all. */
static const char *const daemons[] = { "virtqemud", "libvirtd" };

static gboolean look_at_file(Doctor *doctor, struct stat *ret)
{
	if (stat(HOOK, ret) != 0) {
		report_add(doctor->report, REPORT_PROBLEM, "hook", HOOK ": %s", g_strerror(errno));
		report_advise(doctor->report, "link it to vferry-hook in the sbin folder of "
			      "vferry, and restart libvirt's daemon");
		return FALSE;
	}
	if (!S_ISREG(ret->st_mode) || !(ret->st_mode & S_IXUSR)) {
		report_add(doctor->report, REPORT_PROBLEM, "hook",
			   HOOK " is no file that can be executed: libvirt passes it over");
		report_advise(doctor->report, "chmod 0755 what it leads to");
		return FALSE;
	}
	if (ret->st_uid != 0 || (ret->st_mode & (S_IWGRP | S_IWOTH))) {
		report_add(doctor->report, REPORT_PROBLEM, "hook",
			   HOOK ": others than root can change it, and root runs it");
		report_advise(doctor->report, "chown root and chmod go-w what it leads to");
		return FALSE;
	}
	report_add(doctor->report, REPORT_OK, "hook", HOOK " can be executed");
	return TRUE;
}

/* When it came to stand in its folder: the link's time, or the file's own. */
static gint64 installed_at(void)
{
	struct stat status;

	return lstat(HOOK, &status) == 0 ? status.st_ctime : 0;
}

/* libvirt looks for hooks when it starts and when it is reloaded, and not again. */
static void look_at_daemon(Doctor *doctor, const char *name, const SystemdUnit *unit)
{
	if (unit->changed >= installed_at()) {
		report_add(doctor->report, REPORT_OK, name, "it was started or reloaded after the "
			   "hook was installed, and knows it");
		return;
	}
	report_add(doctor->report, REPORT_WARNING, name, "it was started before the hook was "
		   "installed: unless another hook was there already, it calls none");
	report_advise(doctor->report, "systemctl restart %s; running guests are not affected",
		      name);
}

/* What Debian's profiles let libvirt's daemon execute, by its real path. */
static gboolean in_profile(const char *path)
{
	static const char *const folders[] = {
		"/etc/libvirt/hooks/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(folders); i++)
		if (g_str_has_prefix(path, folders[i]))
			return TRUE;
	return FALSE;
}

static void look_at_apparmor(Doctor *doctor, const char *name, guint32 pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%u/attr/current", pid);
	g_autofree char *target = realpath(HOOK, NULL);
	g_autofree char *label = NULL, *rules = NULL, *local = NULL;

	if (!target || in_profile(target) ||
	    !g_file_get_contents(path, &label, NULL, NULL) || !strstr(label, "(enforce)"))
		return;
	local = g_strdup_printf("/etc/apparmor.d/local/usr.sbin.%s", name);
	if (g_file_get_contents(local, &rules, NULL, NULL) && strstr(rules, target)) {
		report_add(doctor->report, REPORT_OK, "AppArmor", "%s names the hook", local);
		return;
	}
	report_add(doctor->report, REPORT_WARNING, "AppArmor", "%s is confined, and %s does not "
		   "name the hook: no guest may start", name, local);
	report_advise(doctor->report, "add the line '%s PUx,' there and reload the profile",
		      target);
}

static void look_at_daemons(Doctor *doctor)
{
	gboolean found = FALSE;

	if (!doctor->bus) {
		report_add(doctor->report, REPORT_UNKNOWN, "hook",
			   "whether libvirt knows it: systemd cannot be asked");
		return;
	}
	for (gsize i = 0; i < G_N_ELEMENTS(daemons); i++) {
		g_autofree char *name = g_strconcat(daemons[i], ".service", NULL);
		SystemdUnit unit;

		if (!systemd_unit(doctor->bus, name, &unit) || !unit.active)
			continue;
		found = TRUE;
		look_at_daemon(doctor, daemons[i], &unit);
		look_at_apparmor(doctor, daemons[i], unit.main_pid);
	}
	if (!found)
		report_add(doctor->report, REPORT_OK, "libvirt",
			   "no daemon runs now; it finds the hook when it starts");
}

void doctor_look_at_hook(Doctor *doctor)
{
	struct stat status;

	if (!look_at_file(doctor, &status))
		return;
	look_at_daemons(doctor);
}
