/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_POOL_VFS_H
#define VFERRY_POOL_VFS_H

#include <glib.h>

/* Where libvirt keeps what it must not forget of its running networks, whichever daemon it is. */
#define POOL_VFS_FOLDER "/run/libvirt/network"

/**
 * pool_vfs_read() - VFs that libvirt's running networks give to guests
 * @folder: POOL_VFS_FOLDER
 *
 * From a network with <forward mode='hostdev'> libvirt takes the first VF that it has not
 * given to a guest, without a look at who else has it. Its file lists all VFs, also where
 * the network was defined by its PF (networkCreateInterfacePool() in libvirt's
 * src/network/bridge_driver.c). The hook must not ask libvirt.
 *
 * Return: VferryAddress to the network's name, to be unreferenced. What cannot be read is in
 * the journal, and left out.
 */
GHashTable *pool_vfs_read(const char *folder);

#endif
