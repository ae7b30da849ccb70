/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_VF_H
#define VFERRY_VF_H

#include "address.h"
#include "folder.h"

#include <glib.h>

typedef struct VferryPf VferryPf;

/**
 * VferryVf - a virtual function
 * @address: its address
 * @index: N of its PF's link virtfnN, from 0
 * @vendor: 16-bit PCI vendor ID
 * @device: 16-bit PCI device ID
 * @subsystem_vendor: 16-bit PCI subsystem vendor ID
 * @subsystem_device: 16-bit PCI subsystem ID
 * @modalias: what drivers match, "pci:v00008086d000010CA..."
 * @driver: name of its driver, or NULL
 * @iommu_group: number of its IOMMU group, -1 for none
 * @numa_node: NUMA node of its PF, -1 for none
 * @vfio_dev: "vfio3" where its driver offers it as /dev/vfio/devices/vfio3, or NULL
 * @interface: name of its network interface on this host, or NULL
 * @pf: its PF
 * @owns_pf: private
 */
typedef struct {
	VferryAddress address;
	guint index;
	guint16 vendor;
	guint16 device;
	guint16 subsystem_vendor;
	guint16 subsystem_device;
	char *modalias;
	char *driver;
	int iommu_group;
	int numa_node;
	char *vfio_dev;
	char *interface;
	VferryPf *pf;
	gboolean owns_pf;
} VferryVf;

/** vferry_vf_free() - free what vferry_vf_read() returned, and nothing else; takes NULL */
void vferry_vf_free(VferryVf *vf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VferryVf, vferry_vf_free)

/**
 * vferry_vf_read_folder() - for inventory.c: a VF from its open folder
 * @index: N of the link virtfnN of @pf that leads to it
 *
 * Return: the VF, which does not own @pf, or NULL with the errors of
 * vferry_vf_read().
 */
VferryVf *vferry_vf_read_folder(const VferryFolder *folder, const VferryAddress *address,
				guint index, VferryPf *pf, GError **error);

#endif
