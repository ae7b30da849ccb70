/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a user names a VF or a PF on the command line. */
#ifndef VFERRY_DEVICE_ARGUMENT_H
#define VFERRY_DEVICE_ARGUMENT_H

#include "inventory.h"

/**
 * device_argument_address() - "0000:01:10.0", or without "0000:" as lspci(8) prints it
 *
 * Return: FALSE for anything else.
 */
gboolean device_argument_address(const char *text, VferryAddress *ret);

/**
 * device_argument_split() - "enp1s0f0/3": VF 3 of the PF with that interface
 * @ret_interface: to be freed; what may be the name of a network interface
 * @ret_index: number of the VF
 *
 * Return: FALSE for anything else.
 */
gboolean device_argument_split(const char *text, char **ret_interface, guint *ret_index);

/**
 * device_argument_pf() - the address of the PF that is meant
 * @text: its address, or the name of its network interface
 *
 * Return: FALSE with VFERRY_ERROR_USAGE for what is neither, VFERRY_ERROR_NOT_FOUND
 * where no PCI device has that interface. Whether a PF has that address is not looked at.
 */
gboolean device_argument_pf(const char *text, VferryAddress *ret, GError **error);

/**
 * device_argument_vf() - the VF that is meant
 * @text: its address, or its PF's interface, "/" and its number
 *
 * Return: the VF, or NULL with VFERRY_ERROR_USAGE for what is neither, else the errors
 * of vferry_vf_read().
 */
VferryVf *device_argument_vf(const char *text, GError **error);

#endif
