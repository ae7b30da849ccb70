/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check-gather.h"

#include "capabilities.h"
#include "domains.h"

#include <stdlib.h>
#include <string.h>

/* Node devices */

static int by_address(gconstpointer left, gconstpointer right)
{
	const CheckFunction *const *a = left, *const *b = right;

	return vferry_address_compare(&(*a)->device->address, &(*b)->device->address);
}

static void add_node_device(CheckThere *there, virNodeDevicePtr handle, const Domains *domains)
{
	char *text = virNodeDeviceGetXMLDesc(handle, 0);
	g_autoptr(NodeDevice) device = text ? node_device_parse(text, NULL) : NULL;
	const Domain *user;
	CheckFunction *function;

	free(text);
	if (!device)	/* it went meanwhile */
		return;
	if (device->interface) {
		g_ptr_array_add(there->interfaces, g_steal_pointer(&device));
		return;
	}
	if (!device->is_vf)
		return;
	user = domains_user(domains, &device->address);
	function = g_new0(CheckFunction, 1);
	function->user = user ? g_strdup(user->name) : NULL;
	function->device = g_steal_pointer(&device);
	g_ptr_array_add(there->functions, function);
}

static gboolean read_node_devices(CheckThere *there, virConnectPtr connection,
				  const Domains *domains, GError **error)
{
	virNodeDevicePtr *handles = NULL;
	int count = virConnectListAllNodeDevices(connection, &handles,
						 VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV |
						 VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET);

	if (count < 0) {
		connection_set_error(error, "asking %s for its devices", there->uri);
		return FALSE;
	}
	for (int i = 0; i < count; i++) {
		add_node_device(there, handles[i], domains);
		virNodeDeviceFree(handles[i]);
	}
	free(handles);
	g_ptr_array_sort(there->functions, by_address);
	return TRUE;
}

/* Domains */

static void read_domains(CheckThere *there, const Domains *domains, const CheckHere *here)
{
	g_ptr_array_unref(there->pools);
	there->pools = g_ptr_array_ref(domains->pools);
	for (guint i = 0; i < domains->all->len; i++) {
		const Domain *domain = g_ptr_array_index(domains->all, i);
		gboolean same = g_str_equal(domain->uuid, here->uuid);

		there->same_uuid_active |= same && domain->active;
		there->name_taken |= !same && g_str_equal(domain->name, here->name);
	}
}

CheckThere *check_gather_there(const char *uri, const CheckHere *here, GError **error)
{
	g_autoptr(CheckThere) there = check_there_new(uri);
	g_autoptr(virConnect) connection = connection_open(uri, TRUE, error);
	g_autoptr(Domains) domains = connection ? domains_read(connection, TRUE, error) : NULL;

	if (!domains || !read_node_devices(there, connection, domains, error))
		return NULL;
	read_domains(there, domains, here);
	there->free_kib = virNodeGetFreeMemory(connection) / 1024;
	capabilities_read(connection, &there->host_uuid, &there->apparmor);
	if (virConnectGetVersion(connection, &there->qemu) < 0)
		there->qemu = 0;
	if (virConnectGetLibVersion(connection, &there->libvirt) < 0) {
		connection_set_error(error, "asking %s for its version", uri);
		return NULL;
	}
	return g_steal_pointer(&there);
}
