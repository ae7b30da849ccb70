/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The looks of `vferry doctor`: each adds lines to a report and changes nothing. */
#ifndef VFERRY_DOCTOR_H
#define VFERRY_DOCTOR_H

#include "domains.h"
#include "host.h"
#include "inventory.h"
#include "report.h"

#include <gio/gio.h>

/**
 * Doctor - what is looked at
 * @report: gets the lines
 * @host: configuration, aliases, claims that count
 * @inventory: PFs and VFs
 * @claims: VferryClaim, all of them; NULL where they cannot be read
 * @domains: NULL where libvirt does not answer
 * @bus: NULL where there is no system bus
 * @is_root: what only root may see, can be
 */
typedef struct {
	Report *report;
	Host *host;
	VferryInventory *inventory;
	GPtrArray *claims;
	Domains *domains;
	GDBusConnection *bus;
	gboolean is_root;
} Doctor;

/** doctor_look_at_host() - IOMMU, configuration, modules of variant drivers */
void doctor_look_at_host(Doctor *doctor);

/** doctor_look_at_hook() - the hook: there, executable, known to libvirt, allowed */
void doctor_look_at_hook(Doctor *doctor);

/** doctor_look_at_pfs() - PFs that are configured, and their VFs' drivers */
void doctor_look_at_pfs(Doctor *doctor);

/** doctor_look_at_claims() - claims that do not fit what runs */
void doctor_look_at_claims(Doctor *doctor);

/** doctor_look_at_domains() - VFs of domains that are not there, or not claimed */
void doctor_look_at_domains(Doctor *doctor);

/** doctor_look_at_apparmor() - whether guests may use the VFs of libvirt's networks */
void doctor_look_at_apparmor(Doctor *doctor);

/** doctor_look_at_selinux() - whether vferry is confined, and labels are right */
void doctor_look_at_selinux(Doctor *doctor);

/** doctor_look_at_units() - vferry's units */
void doctor_look_at_units(Doctor *doctor);

#endif
