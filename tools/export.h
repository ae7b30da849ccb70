/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `vferry export` writes for other programs about PFs and their VFs. */
#ifndef VFERRY_EXPORT_H
#define VFERRY_EXPORT_H

#include "host.h"
#include "pf.h"

/**
 * ExportPf - a PF that has VFs
 * @address: of the PF
 * @interface: its network interface, or NULL
 * @network: the physical network that it is plugged into, or NULL
 * @vf_vendor: 16-bit PCI vendor ID of its VFs
 * @vf_device: 16-bit PCI device ID of its VFs
 * @driver: that its VFs have, or get; NULL where that is not known
 * @migrates: a guest may be able to migrate with that
 * @vfs: VferryAddress, by index
 */
typedef struct {
	VferryAddress address;
	char *interface;
	char *network;
	guint16 vf_vendor;
	guint16 vf_device;
	char *driver;
	gboolean migrates;
	GArray *vfs;
} ExportPf;

/**
 * export_read() - look at PFs
 * @pfs: as device_argument_pf() takes them, @n of them; of none it is every PF that has
 *	VFs and that the configuration is about
 * @network: NULL, or leave out PFs that are not plugged into this physical network
 *
 * Return: ExportPf, at least one; NULL with VFERRY_ERROR_NOT_FOUND where none is left, or
 * one that is named has no VFs, else the errors of reading them and of the configuration.
 */
GPtrArray *export_read(char **pfs, guint n, const char *network, GError **error);

/** export_name() - the network of a PF, else its interface, else its address with "_" for ":" */
char *export_name(const ExportPf *pf);

/**
 * export_libvirt_network() - networks of the form https://libvirt.org/formatnetwork.html
 * @managed: libvirt binds the driver at the start of a domain, where that is not so yet
 *
 * PFs of one network make one <network>, which has a PF's name where it is one with an
 * interface, and else the VFs' addresses.
 *
 * Return: each <network> is a document of its own.
 */
char *export_libvirt_network(const GPtrArray *pfs, gboolean managed);

/** export_nova() - options device_spec and alias of [pci] in nova.conf, Nova 2025.1 and later */
char *export_nova(const GPtrArray *pfs);

/** export_device_plugin() - a ConfigMap for k8snetworkplumbingwg/sriov-network-device-plugin */
char *export_device_plugin(const GPtrArray *pfs);

/** export_pf_free() - for who builds such a list itself */
void export_pf_free(ExportPf *pf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExportPf, export_pf_free)

#endif
