/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections to libvirt, and its errors as GError. */
#ifndef VFERRY_CONNECTION_H
#define VFERRY_CONNECTION_H

#include "libvirt-version.h"

#include <glib.h>
#include <libvirt/libvirt.h>

/* The libvirt of this host that runs QEMU. */
#define CONNECTION_LOCAL_URI "qemu:///system"

/* The first libvirt that gives guests VFs on any VFIO driver; before, it was vfio-pci alone. */
#define CONNECTION_WITH_VARIANT_DRIVERS VERSION(10, 0)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(virConnect, virConnectClose)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virDomain, virDomainFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virNodeDevice, virNodeDeviceFree)

/**
 * connection_open() - connect to a libvirt
 * @uri: "qemu+ssh://host2/system"; NULL for CONNECTION_LOCAL_URI, whatever the
 *	environment says
 * @read_only: all that any user may ask for: no domain can be changed, and libvirt
 *	asks for no password on this host
 *
 * May wait for long: for a host that does not answer, for ssh(1), which asks on the
 * terminal. Nothing of libvirt prints errors from now on.
 *
 * Return: the connection, closed by its autoptr; NULL with VFERRY_ERROR_FAILED.
 */
virConnectPtr connection_open(const char *uri, gboolean read_only, GError **error);

/**
 * connection_set_error() - what libvirt said last in this thread, as an error
 * @format: what was being done, before ": " and libvirt's words
 *
 * The code is VFERRY_ERROR_NOT_FOUND where libvirt knows no such domain or node
 * device, else VFERRY_ERROR_FAILED. Always one line.
 */
void connection_set_error(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

#endif
