/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_INTERFACE_H
#define VFERRY_INTERFACE_H

#include <glib.h>

/**
 * vferry_interface_name_valid() - whether a network interface can have this name
 *
 * What dev_valid_name() of the kernel's net/core/dev.c allows, and printable.
 */
gboolean vferry_interface_name_valid(const char *name);

/**
 * vferry_interface_index() - the number of a network interface
 * @name: name or alternative name of at most 15 characters, as the kernel allows it
 * @ret: filled in; greater than 0. It stays the same when the interface is renamed
 *
 * Return: FALSE with VFERRY_ERROR_INVALID for what cannot be a name,
 * VFERRY_ERROR_NOT_FOUND where there is no such interface in this network
 * namespace.
 */
gboolean vferry_interface_index(const char *name, int *ret, GError **error);

/**
 * vferry_interface_up() - whether a network interface is up, administratively
 *
 * Return: FALSE where that cannot be told, as it is not there.
 */
gboolean vferry_interface_up(const char *name, gboolean *ret);

#endif
