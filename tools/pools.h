/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Networks of libvirt that give devices of their host to guests (<forward mode='hostdev'>). */
#ifndef VFERRY_POOLS_H
#define VFERRY_POOLS_H

#include "connection.h"

/** pools_has() - whether an active network of this name gives out devices */
gboolean pools_has(virConnectPtr connection, const char *name);

/**
 * pools_read() - add the names of the active networks that give out devices
 * @ret: char *; nothing is added either where libvirt has no networks
 */
void pools_read(virConnectPtr connection, GPtrArray *ret);

#endif
