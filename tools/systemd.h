/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Units, as systemd's D-Bus interface tells them (org.freedesktop.systemd1(5)). */
#ifndef VFERRY_SYSTEMD_H
#define VFERRY_SYSTEMD_H

#include <gio/gio.h>

/** systemd_connect() - the system bus; NULL with an error of GIO */
GDBusConnection *systemd_connect(GError **error);

/**
 * SystemdUnit - a unit that systemd has loaded
 * @active: it is active, or is being reloaded
 * @changed: seconds since the epoch when it was started, or reloaded last
 * @main_pid: of a service, 0 for none
 */
typedef struct {
	gboolean active;
	gint64 changed;
	guint32 main_pid;
} SystemdUnit;

/**
 * systemd_unit() - say how a unit is
 * @name: "virtqemud.service"
 *
 * Return: FALSE where systemd has no such unit in memory, or does not answer.
 */
gboolean systemd_unit(GDBusConnection *bus, const char *name, SystemdUnit *ret);

/**
 * systemd_failed() - names of units that have failed
 * @pattern: "vferry*"
 *
 * Return: to be freed; NULL with an error of GIO.
 */
char **systemd_failed(GDBusConnection *bus, const char *pattern, GError **error);

#endif
