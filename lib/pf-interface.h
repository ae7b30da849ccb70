/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_PF_INTERFACE_H
#define VFERRY_PF_INTERFACE_H

#include "pf.h"

/**
 * vferry_pf_interface() - the PF's own network interface, by which its VFs are set
 *
 * In switchdev mode the representors of VFs, of subfunctions and of the PF itself are
 * interfaces of the PF, too. The kernel gives each a port name (phys_port_name): "p0" or, of a
 * port that is split, "p0s1" to the PF's own, "pf0vf3" and the like to representors
 * (__devlink_port_phys_port_name_get() in net/devlink/port.c). Other drivers give none.
 *
 * Return: a name that @pf owns, the first of several; NULL with VFERRY_ERROR_NOT_FOUND.
 */
const char *vferry_pf_interface(const VferryPf *pf, GError **error);

#endif
