/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that a VFIO driver holds, and who uses them. */
#ifndef VFERRY_VFIO_H
#define VFERRY_VFIO_H

#include "address.h"

#include <sys/types.h>

/**
 * vferry_vfio_device() - name of the VFIO device ("vfio3")
 *
 * The kernel makes it before a VFIO driver's probe returns (6.1 and later, folder
 * vfio-dev of the PCI device) and takes it away before it waits for the last user.
 *
 * Return: the name; NULL where no VFIO driver holds @vf.
 */
char *vferry_vfio_device(const VferryAddress *vf);

/**
 * vferry_vfio_in_use() - does a process have the device's VFIO nodes open?
 * @vf: address
 * @ret_user: filled in with TRUE: one such process; may be NULL
 *
 * Looks through /proc/PID/fd of every process for /dev/vfio/GROUP and
 * /dev/vfio/devices/vfioN, whatever path they have there. Needs root. The group
 * counts, so another device of it in use makes this one so, too. Not seen are
 * processes of other PID namespaces and one that has closed the group and kept
 * the device; whoever opens it a moment later isn't either.
 *
 * Return: TRUE if one has. FALSE without @error set if none has; FALSE with
 * VFERRY_ERROR_FAILED or VFERRY_ERROR_INVALID if that cannot be told.
 */
gboolean vferry_vfio_in_use(const VferryAddress *vf, pid_t *ret_user, GError **error);

/**
 * vferry_vfio_users() - vferry_vfio_in_use() for many devices, in one look at /proc
 * @vfs: @n addresses
 * @ret_users: @n of them: a process that has the device's nodes open, 0 for none;
 *	not to be used after an error
 *
 * Return: FALSE with the errors of vferry_vfio_in_use() where it cannot be told of one.
 */
gboolean vferry_vfio_users(const VferryAddress *vfs, gsize n, pid_t *ret_users, GError **error);

#endif
