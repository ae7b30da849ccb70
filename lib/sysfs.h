/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where things are in sysfs, and single looks at them; for many see folder.h. */
#ifndef VFERRY_SYSFS_H
#define VFERRY_SYSFS_H

#include <glib.h>

#define VFERRY_SYSFS_PCI_DEVICES "/sys/bus/pci/devices"
#define VFERRY_SYSFS_PCI_DRIVERS "/sys/bus/pci/drivers"
#define VFERRY_SYSFS_PCI_DRIVERS_PROBE "/sys/bus/pci/drivers_probe"
#define VFERRY_SYSFS_MODULES "/sys/module"
#define VFERRY_SYSFS_NET "/sys/class/net"

/**
 * vferry_sysfs_read() - the value of an attribute, without its line end
 * @path: the device's folder
 * @attribute: name of the file in it
 *
 * Return: as vferry_folder_read(), with VFERRY_ERROR_NOT_FOUND also where there
 * is no such folder.
 */
char *vferry_sysfs_read(const char *path, const char *attribute, GError **error);

/**
 * vferry_sysfs_link() - last component of a link's target ("igbvf" of driver)
 * @path: the device's folder
 * @link: name of the link in it
 *
 * Return: the name; NULL where there is no such link.
 */
char *vferry_sysfs_link(const char *path, const char *link);

#endif
