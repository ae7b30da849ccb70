/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_PF_INTERFACE_H
#define VFERRY_PF_INTERFACE_H

#include "pf.h"
#include "vfio-features.h"

/**
 * pf_interface() - the PF's own network interface
 *
 * In switchdev mode the representors of its VFs are beside it; they have a port name
 * with "vf" in it (phys_port_name, "pf0vf3").
 *
 * Return: a name that @pf owns, or NULL.
 */
const char *pf_interface(const VferryPf *pf);

/** pf_interface_up() - whether a network interface is up, administratively */
Answer pf_interface_up(const char *interface);

#endif
