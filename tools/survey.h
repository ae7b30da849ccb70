/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every PF and VF of this host by few looks at sysfs: what `vferry list` shows, and no
 * more. A look takes microseconds and hosts have thousands of VFs, so where inventory.h
 * looks a dozen times at each VF, and has the links confirm each other, this looks twice:
 *
 * - that a VF is there, and whose it is, its PF's link virtfnN says;
 * - drivers are looked up in the drivers' folders, interfaces in /sys/class/net;
 * - IDs are the first VF's: all VFs of a PF have the same (SR-IOV 1.1, 3.4.1; the kernel
 *   reads them once for all in drivers/pci/iov.c).
 *
 * Who decides or changes something takes inventory.h.
 */
#ifndef VFERRY_SURVEY_H
#define VFERRY_SURVEY_H

#include "pf.h"

/**
 * SurveyedVf - a VF
 * @address: its address
 * @index: N of its PF's link virtfnN, from 0
 * @driver: name of its driver, or NULL
 * @interface: name of its network interface on this host, or NULL
 * @iommu_group: number of its IOMMU group, -1 for none
 */
typedef struct {
	VferryAddress address;
	guint index;
	const char *driver;
	const char *interface;
	int iommu_group;
} SurveyedVf;

/**
 * SurveyedPf - a PF
 * @pf: the PF; its @vfs are empty
 * @vfs: SurveyedVf, by index
 * @vf_vendor: 16-bit PCI vendor ID of its VFs; this and what follows are 0 and NULL
 *	where it has none
 * @vf_device: 16-bit PCI device ID of its VFs
 * @vf_modalias: their modalias
 */
typedef struct {
	VferryPf *pf;
	GArray *vfs;
	guint16 vf_vendor;
	guint16 vf_device;
	char *vf_modalias;
} SurveyedPf;

/**
 * Survey - a host
 * @pfs: SurveyedPf, by address
 * @problems: texts, one line each, about devices that are left out
 * @drivers: private
 * @interfaces: private
 * @names: private
 */
typedef struct {
	GPtrArray *pfs;
	GPtrArray *problems;
	GHashTable *drivers;
	GHashTable *interfaces;
	GStringChunk *names;
} Survey;

/** survey_read() - look; errors as vferry_inventory_scan() */
Survey *survey_read(GError **error);

void survey_free(Survey *survey);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Survey, survey_free)

#endif
