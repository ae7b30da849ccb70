/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loads the module of a variant driver, and finds the driver in it: modules
 * and drivers differ in name ("vfio_pci" has "vfio-pci").
 */
#ifndef VFERRY_MODULE_H
#define VFERRY_MODULE_H

#include <glib.h>

/**
 * vferry_module_load() - load a module and what it depends on, as modprobe -b does
 * @module: its name, not an alias
 *
 * A module that is in the kernel already is loaded. A line "install" of
 * modprobe.d(5) is run, without our standard files: the hook's output is read
 * by libvirt until everyone has closed it.
 *
 * Where vferry-modprobe is installed, it does that: under SELinux it is the one of our
 * programs that may.
 *
 * Return: FALSE with VFERRY_ERROR_NOT_FOUND where there is no such module,
 * VFERRY_ERROR_REFUSED where modprobe.d keeps it from loading (blacklist,
 * install), VFERRY_ERROR_FAILED where the kernel refuses it,
 * VFERRY_ERROR_INVALID where it is no name of a module.
 */
gboolean vferry_module_load(const char *module, GError **error);

/** vferry_module_insert() - the same, in this process: for vferry-modprobe */
gboolean vferry_module_insert(const char *module, GError **error);

/**
 * vferry_module_pci_drivers() - the PCI drivers that a loaded module has registered
 *
 * Source: links /sys/module/NAME/drivers/pci:DRIVER (drivers/base/module.c).
 *
 * Return: sorted names, which may be none; NULL with VFERRY_ERROR_NOT_FOUND
 * where the module is not loaded, VFERRY_ERROR_FAILED where its folder cannot
 * be read, VFERRY_ERROR_INVALID where @module or a driver has no proper name.
 */
char **vferry_module_pci_drivers(const char *module, GError **error);

/**
 * vferry_module_driver() - the PCI driver of a loaded variant module
 *
 * Of several, it is the one that is named as the module.
 *
 * Return: its name; NULL as vferry_module_pci_drivers(), also
 * VFERRY_ERROR_NOT_FOUND where it has none, VFERRY_ERROR_INVALID where it
 * cannot be told which of several it is.
 */
char *vferry_module_driver(const char *module, GError **error);

#endif
