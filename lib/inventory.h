/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The PFs and VFs of this host, as sysfs tells it (Documentation/ABI/testing/
 * sysfs-bus-pci of the kernel).
 *
 * No attribute is read for which the kernel takes the device's lock: it holds
 * that lock while VFs are made, and while a driver's removal waits for a guest to
 * let go of a VF. One such device would stop every reader, unkillably. So
 * sriov_numvfs is counted, and driver_override is left to binding.h.
 */
#ifndef VFERRY_INVENTORY_H
#define VFERRY_INVENTORY_H

#include "address.h"
#include "pf.h"
#include "vf.h"

#include <glib.h>

/**
 * vferry_vf_read() - one VF, without a look at any other
 *
 * Return: the VF, with a PF that it owns and the @vfs of which are empty; NULL
 * with VFERRY_ERROR_NOT_FOUND where no VF has that address (also where it goes
 * while it is read, or the kernel has not linked it to its PF yet),
 * VFERRY_ERROR_INVALID where sysfs holds what it must not, as virtfnN and physfn
 * that do not agree, VFERRY_ERROR_FAILED where reading fails.
 */
VferryVf *vferry_vf_read(const VferryAddress *address, GError **error);

/**
 * vferry_pf_read() - one PF and its VFs
 * @problems: gets a line of text for each VF that is left out; may be NULL
 *
 * Return: the PF, or NULL with the errors of vferry_vf_read().
 */
VferryPf *vferry_pf_read(const VferryAddress *address, GPtrArray *problems, GError **error);

/**
 * VferryInventory - all PFs and VFs at about one instant
 * @pfs: VferryPf, by address
 * @problems: texts, one line each, about devices that are left out
 * @vfs: private
 */
typedef struct {
	GPtrArray *pfs;
	GPtrArray *problems;
	GHashTable *vfs;
} VferryInventory;

/**
 * vferry_inventory_scan() - every PF and VF of this host
 *
 * A device that goes while it is read is left out; one that cannot be read is
 * left out and has a line in @problems.
 *
 * Return: the inventory, or NULL with VFERRY_ERROR_NOT_FOUND,
 * VFERRY_ERROR_INVALID or VFERRY_ERROR_FAILED where the list of PCI devices
 * cannot be read.
 */
VferryInventory *vferry_inventory_scan(GError **error);

/** vferry_inventory_free() - free it with all its PFs and VFs; takes NULL */
void vferry_inventory_free(VferryInventory *inventory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VferryInventory, vferry_inventory_free)

/** vferry_inventory_pf() - the PF at an address, or NULL */
VferryPf *vferry_inventory_pf(const VferryInventory *inventory, const VferryAddress *address);

/** vferry_inventory_pf_by_interface() - the PF that has a network interface, or NULL */
VferryPf *vferry_inventory_pf_by_interface(const VferryInventory *inventory, const char *name);

/** vferry_inventory_vf() - the VF at an address, or NULL */
VferryVf *vferry_inventory_vf(const VferryInventory *inventory, const VferryAddress *address);

#endif
