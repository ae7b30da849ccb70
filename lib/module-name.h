/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of kernel modules, and of the one that is used where no better one is. */
#ifndef VFERRY_MODULE_NAME_H
#define VFERRY_MODULE_NAME_H

#include <glib.h>

/* The generic VFIO driver takes every PCI device; guests on it cannot migrate. */
#define VFERRY_FALLBACK_MODULE "vfio_pci"
#define VFERRY_FALLBACK_DRIVER "vfio-pci"

/* Room for the name of any module and its end: MODULE_NAME_LEN of a 32-bit kernel. */
#define VFERRY_MODULE_NAME_SIZE 60

/**
 * vferry_module_name_valid() - whether a module can have this name
 *
 * Return: TRUE for 1 to VFERRY_MODULE_NAME_SIZE - 1 of A-Z, a-z, 0-9, "_", "-".
 */
gboolean vferry_module_name_valid(const char *name);

/** vferry_module_name_equal() - are they the same but for "-" and "_"? Also for a driver's name */
gboolean vferry_module_name_equal(const char *left, const char *right);

/**
 * vferry_module_name_normal() - the name as /sys/module has it, "_" for each "-"
 *
 * A module's file, and the driver in it, may have either.
 */
char *vferry_module_name_normal(const char *name);

#endif
