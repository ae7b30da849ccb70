/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_PF_H
#define VFERRY_PF_H

#include "address.h"
#include "folder.h"
#include "vf.h"

#include <glib.h>

/**
 * VferryPf - a physical function: a device that can have VFs
 * @address: its address
 * @vendor: 16-bit PCI vendor ID
 * @device: 16-bit PCI device ID
 * @class_code: 24 bits, 0x020000 is an Ethernet controller
 * @numa_node: NUMA node, -1 for none
 * @sriov_totalvfs: how many VFs it can have
 * @sriov_numvfs: how many it has: the number of virtfnN links, which while VFs
 *	are made or removed is between the attribute's old and new value
 * @drivers_autoprobe: whether the kernel offers new VFs to drivers
 * @driver: name of its driver, or NULL
 * @interfaces: sorted names of its network interfaces, perhaps none; in
 *	switchdev mode the representors of its VFs are among them. Never NULL
 * @vfs: VferryVf, in order of their index; fewer than @sriov_numvfs where one
 *	cannot be read
 */
struct VferryPf {
	VferryAddress address;
	guint16 vendor;
	guint16 device;
	guint32 class_code;
	int numa_node;
	guint sriov_totalvfs;
	guint sriov_numvfs;
	gboolean drivers_autoprobe;
	char *driver;
	char **interfaces;
	GPtrArray *vfs;
};

/** vferry_pf_free() - free what vferry_pf_read() returned, and nothing else; takes NULL */
void vferry_pf_free(VferryPf *pf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VferryPf, vferry_pf_free)

/**
 * VferryVirtfn - for inventory.c: a link virtfnN of a PF
 * @index: N
 * @address: of the VF that it leads to
 */
typedef struct {
	guint index;
	VferryAddress address;
} VferryVirtfn;

/**
 * vferry_pf_read_virtfns() - for inventory.c: the links of a PF to its VFs
 * @problems: gets a line for each link that is malformed; may be NULL
 *
 * Return: VferryVirtfn, in order of N, or NULL with the errors of
 * vferry_folder_names().
 */
GArray *vferry_pf_read_virtfns(const VferryFolder *folder, GPtrArray *problems, GError **error);

/**
 * vferry_pf_read_folder() - for inventory.c: a PF from its open folder
 *
 * Return: the PF with no VF in @vfs, or NULL with the errors of vferry_vf_read().
 */
VferryPf *vferry_pf_read_folder(const VferryFolder *folder, const VferryAddress *address,
				guint numvfs, GError **error);

#endif
