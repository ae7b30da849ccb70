/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All VFs of this host, with who has or uses them. */
#ifndef VFERRY_HOST_VFS_H
#define VFERRY_HOST_VFS_H

#include "claims.h"
#include "config.h"
#include "destination.h"
#include "inventory.h"

/**
 * host_vfs_look() - look at every VF
 * @inventory: keeps the VFs
 * @config: keeps the networks' names
 * @claims: the lock is held, and guest_claims_mend() was called
 * @uuid: the domain that would like some: its own claims stand in nobody's way
 *
 * Return: VferryDestinationVf, by address; NULL with the errors of vferry_vfio_users() or
 * vferry_claims_list().
 */
GArray *host_vfs_look(const VferryInventory *inventory, VferryConfig *config,
		      VferryClaims *claims, const char *uuid, GError **error);

#endif
