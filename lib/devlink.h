/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The port function attribute "migratable" of a VF, by devlink
 * (Documentation/networking/devlink/devlink-port.rst, linux/devlink.h). mlx5 lets
 * a VF migrate only if it is enabled, and takes it before a driver is bound to the
 * VF. Reading needs no privilege, setting needs CAP_NET_ADMIN.
 */
#ifndef VFERRY_DEVLINK_H
#define VFERRY_DEVLINK_H

#include "address.h"

/**
 * vferry_devlink_migratable_read() - say whether a VF is migratable
 * @pf: the PF
 * @vf_index: number of the VF, from 0
 *
 * Return: FALSE with VFERRY_ERROR_NOT_FOUND where there is nothing to read or set:
 * no devlink in the kernel, no devlink for the PF, no port for the VF (mlx5 has
 * ports in switchdev mode only), or a port that does not know the attribute (not
 * the device, or the kernel is before 6.2). VFERRY_ERROR_INVALID for a malformed
 * answer, VFERRY_ERROR_BUSY, VFERRY_ERROR_FAILED.
 */
gboolean vferry_devlink_migratable_read(const VferryAddress *pf, guint vf_index, gboolean *ret,
					GError **error);

/**
 * VferryDevlinkVf - a VF whose port knows the attribute
 * @index: number of the VF, from 0
 * @port: number of the port
 * @migratable: its value
 */
typedef struct {
	guint index;
	guint32 port;
	gboolean migratable;
} VferryDevlinkVf;

/**
 * vferry_devlink_migratable_list() - the same for all VFs of a PF, asked once
 *
 * Return: VferryDevlinkVf, none where there is nothing to read; NULL with the other errors
 * of vferry_devlink_migratable_read().
 */
GArray *vferry_devlink_migratable_list(const VferryAddress *pf, GError **error);

/**
 * vferry_devlink_migratable_set() - make a VF migratable, or not, and read that back
 * @vf: of vferry_devlink_migratable_list(), of just now
 *
 * No driver may be bound to the VF.
 *
 * Errors as vferry_devlink_migratable_read(); VFERRY_ERROR_FAILED or _BUSY with the
 * kernel's words where the driver refuses.
 */
gboolean vferry_devlink_migratable_set(const VferryAddress *pf, const VferryDevlinkVf *vf,
				       gboolean migratable, GError **error);

#endif
