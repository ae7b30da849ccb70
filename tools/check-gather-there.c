/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check-gather.h"

#include "domains.h"
#include "xml.h"

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

/* Networks */

gboolean check_is_pool(const char *network)
{
	g_autoptr(xmlDoc) doc = vferry_xml_parse(network, strlen(network), NULL);
	const xmlNode *forward = doc ? vferry_xml_first(xmlDocGetRootElement(doc), "forward") :
				       NULL;
	g_autofree char *mode = NULL;

	return forward && vferry_xml_attribute(forward, "mode", &mode, NULL) &&
	       g_strcmp0(mode, "hostdev") == 0;
}

/* A libvirt without networks has no pools. */
static void read_pools(CheckThere *there, virConnectPtr connection)
{
	virNetworkPtr *networks = NULL;
	int count = virConnectListAllNetworks(connection, &networks,
					      VIR_CONNECT_LIST_NETWORKS_ACTIVE);

	for (int i = 0; i < count; i++) {
		char *text = virNetworkGetXMLDesc(networks[i], 0);

		if (text && check_is_pool(text))
			g_ptr_array_add(there->pools, g_strdup(virNetworkGetName(networks[i])));
		free(text);
		virNetworkFree(networks[i]);
	}
	free(networks);
}

/* Domains */

static void read_domains(CheckThere *there, const Domains *domains, const CheckHere *here)
{
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
	g_autoptr(Domains) domains = connection ? domains_read(connection, error) : NULL;

	if (!domains || !read_node_devices(there, connection, domains, error))
		return NULL;
	read_domains(there, domains, here);
	read_pools(there, connection);
	there->free_kib = virNodeGetFreeMemory(connection) / 1024;
	there->host_uuid = check_host_uuid(connection);
	if (virConnectGetVersion(connection, &there->qemu) < 0)
		there->qemu = 0;
	if (virConnectGetLibVersion(connection, &there->libvirt) < 0) {
		connection_set_error(error, "asking %s for its version", uri);
		return NULL;
	}
	return g_steal_pointer(&there);
}
