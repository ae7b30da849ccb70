/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device of a host as its libvirt describes it (https://libvirt.org/formatnode.html). */
#ifndef VFERRY_NODE_DEVICE_H
#define VFERRY_NODE_DEVICE_H

#include "address.h"
#include "identity.h"

/**
 * NodeDevice - a PCI function, or a network interface
 * @name: libvirt's name, "pci_0000_01_10_0"
 * @parent: libvirt's name of what it is behind, or NULL
 * @is_pci: it is a PCI function, and all up to @numa_node says something
 * @address: its address
 * @vendor: 16-bit PCI vendor ID
 * @device: 16-bit PCI device ID
 * @driver: the kernel's driver, or NULL
 * @is_vf: it is a VF
 * @pf: @is_vf: its PF
 * @max_vfs: how many VFs it can have, -1 for what is no PF
 * @iommu_group: number of its IOMMU group, -1 for none
 * @numa_node: NUMA node, -1 for none
 * @interface: name of the network interface, NULL for what is none
 * @link_up: of a network interface
 * @has_mac: of a network interface: @mac says something
 * @mac: of a network interface
 */
typedef struct {
	char *name;
	char *parent;
	gboolean is_pci;
	VferryAddress address;
	guint16 vendor;
	guint16 device;
	char *driver;
	gboolean is_vf;
	VferryAddress pf;
	int max_vfs;
	int iommu_group;
	int numa_node;
	char *interface;
	gboolean link_up;
	gboolean has_mac;
	guint8 mac[VFERRY_MAC_SIZE];
} NodeDevice;

/**
 * node_device_parse() - read what virNodeDeviceGetXMLDesc() gives
 *
 * Return: NULL with VFERRY_ERROR_INVALID.
 */
NodeDevice *node_device_parse(const char *text, GError **error);

void node_device_free(NodeDevice *device);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NodeDevice, node_device_free)

#endif
