/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of kernel drivers: components of paths in sysfs, values of driver_override. */
#ifndef VFERRY_DRIVER_NAME_H
#define VFERRY_DRIVER_NAME_H

#include <glib.h>

/**
 * vferry_driver_name_valid() - whether a driver can have this name
 *
 * Return: TRUE for 1 to NAME_MAX of A-Z, a-z, 0-9, "_", ".", "-", the first of which is
 * no ".": nothing that a path, XML or a log could take for something else.
 */
gboolean vferry_driver_name_valid(const char *name);

#endif
