/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the folder of a PCI device says, checked. See also folder.h. */
#ifndef VFERRY_DEVICE_H
#define VFERRY_DEVICE_H

#include "address.h"
#include "folder.h"

#include <glib.h>

/**
 * VferryDeviceIds - what the modalias of a PCI device says
 * @modalias: the text itself
 * @vendor: 16-bit PCI vendor ID
 * @device: 16-bit PCI device ID
 * @subsystem_vendor: 16-bit PCI subsystem vendor ID
 * @subsystem_device: 16-bit PCI subsystem ID
 * @class_code: 24 bits
 */
typedef struct {
	char *modalias;
	guint16 vendor;
	guint16 device;
	guint16 subsystem_vendor;
	guint16 subsystem_device;
	guint32 class_code;
} VferryDeviceIds;

/** vferry_device_open_bus() - open the folder of all PCI devices; errors as vferry_folder_open() */
gboolean vferry_device_open_bus(VferryFolder *ret, GError **error);

/** vferry_device_open() - open a device's folder in that; errors as vferry_folder_open() */
gboolean vferry_device_open(const VferryFolder *bus, const VferryAddress *address,
			    VferryFolder *ret, GError **error);

/**
 * vferry_device_judge() - correct the error with which reading a device failed
 * @error: set, or NULL
 *
 * VFERRY_ERROR_NOT_FOUND once the device has gone, whatever was read of it; and
 * as long as it is there, VFERRY_ERROR_INVALID for what was not found.
 */
void vferry_device_judge(const VferryFolder *device, GError **error);

/**
 * vferry_device_note() - keep the message of an error that does not end a scan
 * @problems: gets it, unless it is VFERRY_ERROR_NOT_FOUND: a device that has gone
 *	is no problem; may be NULL
 */
void vferry_device_note(GPtrArray *problems, const GError *error);

/**
 * vferry_device_read_ids() - read all IDs of a device
 *
 * They come from one attribute: one file to read and not five. Every device has
 * it, so who reads it last knows that the device was there all the time.
 *
 * Errors as vferry_folder_read().
 */
gboolean vferry_device_read_ids(const VferryFolder *device, VferryDeviceIds *ret, GError **error);

/**
 * vferry_device_read_link() - the device that a link of the device leads to
 *
 * Return: FALSE with VFERRY_ERROR_NOT_FOUND where there is no such link,
 * VFERRY_ERROR_INVALID where it is no link to an address, VFERRY_ERROR_FAILED.
 */
gboolean vferry_device_read_link(const VferryFolder *device, const char *link, VferryAddress *ret,
				 GError **error);

/**
 * vferry_device_read_names() - the names in a folder of the device, like net
 *
 * Return: the names, sorted, none where there is no such folder; NULL with the
 * errors of vferry_folder_names().
 */
char **vferry_device_read_names(const VferryFolder *device, const char *name, GError **error);

#endif
