/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_ARRIVAL_ANNOUNCE_H
#define VFERRY_ARRIVAL_ANNOUNCE_H

#include "domain-xml.h"

/**
 * arrival_announce() - send one frame for each VF of a domain, from the VF's PF
 * @domain: as it runs
 * @problems: gets a line for each VF for which that fails
 *
 * MAC and VLAN are what the PF has for the VF; where the PF does not tell the MAC, the
 * domain's. A VF whose MAC nobody tells is passed over: its guest has to speak first.
 */
void arrival_announce(const VferryDomain *domain, GPtrArray *problems);

#endif
