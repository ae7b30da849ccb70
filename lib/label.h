/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SELinux labels of what is written in sysfs: see docs/security.md.
 *
 * sysfs forgets labels with the device, and no policy can name a VF's files. So whoever
 * provisions a PF labels them: those of the PF, and the folder in which its VFs appear, from
 * then on explicitly; the kernel gives the files of a VF their label when it makes them (a
 * named type_transition from the label of that folder). No VF is there without it.
 *
 * Where SELinux is off, or its policy does not have our types, nothing is done.
 */
#ifndef VFERRY_LABEL_H
#define VFERRY_LABEL_H

#include "inventory.h"

#include <glib.h>

/* Types of the attributes of a PF, and of a VF. */
#define VFERRY_LABEL_PF "vferry_pf_sysfs_t"
#define VFERRY_LABEL_VF "vferry_vf_sysfs_t"

/** vferry_label_type() - Return: the type in a file's label; NULL where there is no such file */
char *vferry_label_type(const char *path);

/**
 * vferry_label_pf() - before VFs are made: the attributes of a PF, and where VFs will appear
 *
 * Return: FALSE with VFERRY_ERROR_FAILED where the file system says no.
 */
gboolean vferry_label_pf(const VferryPf *pf, GError **error);

/**
 * vferry_label_vfs() - the VFs that are there, and "unbind" of their drivers
 * @ours: drivers are chosen by us; else the VFs get the label that the rest of sysfs has
 *
 * To be called before they are bound, for what others have made, and after, for drivers
 * that have come. A driver that has PFs, too, is never one of ours, unless it is of VFIO.
 *
 * Return: as vferry_label_pf().
 */
gboolean vferry_label_vfs(const VferryPf *pf, gboolean ours, GError **error);

#endif
