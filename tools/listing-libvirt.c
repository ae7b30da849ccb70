/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "listing.h"

#include "error.h"
#include "node-device.h"

#include <stdlib.h>
#include <string.h>

static NodeDevice *read_device(virNodeDevicePtr handle, GError **error)
{
	char *text = virNodeDeviceGetXMLDesc(handle, 0);
	NodeDevice *device;

	if (!text) {
		connection_set_error(error, "reading the node device %s",
				     virNodeDeviceGetName(handle));
		return NULL;
	}
	device = node_device_parse(text, error);
	free(text);
	return device;
}

/* NodeDevice; what goes meanwhile is left out, what cannot be read has a note. */
static GPtrArray *read_devices(virConnectPtr connection, Listing *listing, GError **error)
{
	g_autoptr(GPtrArray) devices =
		g_ptr_array_new_with_free_func((GDestroyNotify)node_device_free);
	virNodeDevicePtr *handles = NULL;
	int count = virConnectListAllNodeDevices(connection, &handles,
						 VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV |
						 VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET);

	if (count < 0) {
		connection_set_error(error, "listing node devices");
		return NULL;
	}
	for (int i = 0; i < count; i++) {
		g_autoptr(GError) problem = NULL;
		NodeDevice *device = read_device(handles[i], &problem);

		if (device)
			g_ptr_array_add(devices, device);
		else if (!g_error_matches(problem, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND))
			g_ptr_array_add(listing->notes, g_strdup(problem->message));
		virNodeDeviceFree(handles[i]);
	}
	free(handles);
	return g_steal_pointer(&devices);
}

static int by_address(gconstpointer left, gconstpointer right)
{
	const NodeDevice *const *a = left, *const *b = right;

	return vferry_address_compare(&(*a)->address, &(*b)->address);
}

static void set_device(Listing *listing, Listed *listed, const NodeDevice *device,
		       GHashTable *interfaces)
{
	const NodeDevice *interface = g_hash_table_lookup(interfaces, device->name);

	listed->vendor = device->vendor;
	listed->device = device->device;
	listed->driver = listing_text(listing, device->driver);
	listed->iommu_group = device->iommu_group;
	listed->numa_node = device->numa_node;
	if (!interface)
		return;
	listed->interface = listing_text(listing, interface->interface);
	listed->has_mac = interface->has_mac;
	memcpy(listed->mac, interface->mac, VFERRY_MAC_SIZE);
}

/* Sorted by address, so that VFs come in the order of their index. */
static void add_vfs(Listing *listing, const GPtrArray *devices, GHashTable *interfaces,
		    ListedPf *pf)
{
	for (guint i = 0; i < devices->len; i++) {
		const NodeDevice *device = g_ptr_array_index(devices, i);

		if (device->is_vf && vferry_address_equal(&device->pf, &pf->self.address))
			set_device(listing, listing_add_vf(pf, &device->address), device,
				   interfaces);
	}
}

static void add_pfs(Listing *listing, GPtrArray *devices)
{
	g_autoptr(GHashTable) interfaces = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GPtrArray) functions = g_ptr_array_new();

	for (guint i = 0; i < devices->len; i++) {
		NodeDevice *device = g_ptr_array_index(devices, i);

		if (device->is_pci && (device->is_vf || device->max_vfs >= 0))
			g_ptr_array_add(functions, device);
		else if (device->interface && device->parent)
			g_hash_table_insert(interfaces, device->parent, device);
	}
	g_ptr_array_sort(functions, by_address);
	for (guint i = 0; i < functions->len; i++) {
		const NodeDevice *device = g_ptr_array_index(functions, i);
		ListedPf *pf;

		if (device->is_vf)
			continue;
		pf = listing_add_pf(listing, &device->address);
		pf->total_vfs = device->max_vfs;
		set_device(listing, &pf->self, device, interfaces);
		add_vfs(listing, functions, interfaces, pf);
	}
}

Listing *listing_read_libvirt(virConnectPtr connection, GError **error)
{
	g_autoptr(Listing) listing = listing_new();
	g_autoptr(GPtrArray) devices = read_devices(connection, listing, error);
	g_autoptr(Domains) domains = devices ? domains_read(connection, FALSE, error) : NULL;

	if (!domains)
		return NULL;
	add_pfs(listing, devices);
	listing_add_users(listing, domains);
	return g_steal_pointer(&listing);
}
