/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check-gather.h"

#include "capabilities.h"
#include "check-identity.h"
#include "device.h"
#include "devlink.h"
#include "domain-xml.h"
#include "error.h"
#include "host.h"
#include "interface.h"
#include "inventory.h"
#include "pf-interface.h"
#include "pools.h"

#include <json-glib/json-glib.h>
#include <libvirt/libvirt-qemu.h>
#include <stdlib.h>
#include <string.h>

#define IGBVF_DRIVER "igbvf_vfio_pci"

virDomainPtr check_find_domain(virConnectPtr connection, const char *name, GError **error)
{
	virDomainPtr domain = NULL;

	if (g_uuid_string_is_valid(name))
		domain = virDomainLookupByUUIDString(connection, name);
	if (!domain)
		domain = virDomainLookupByName(connection, name);
	if (!domain)
		connection_set_error(error, "looking for the domain '%s'", name);
	return domain;
}

/* The domain's XML */

static VferryDomain *read_xml(virDomainPtr domain, guint flags, DomainTraits *traits,
			      GError **error)
{
	char *text = virDomainGetXMLDesc(domain, flags);
	g_autoptr(VferryDomain) result = NULL;

	if (!text) {
		connection_set_error(error, "reading the domain's XML");
		return NULL;
	}
	result = vferry_domain_parse(text, strlen(text), error);
	if (result && traits && !domain_traits_parse(text, traits, error))
		g_clear_pointer(&result, vferry_domain_free);
	free(text);
	return g_steal_pointer(&result);
}

/* Live XML does not say that a VF came from a network; what migrates does. */
static const char *find_pool(const VferryDomain *migratable, const VferryDomainDevice *live)
{
	if (!migratable || live->kind == VFERRY_DOMAIN_HOSTDEV)
		return NULL;
	for (guint i = 0; i < migratable->devices->len; i++) {
		const VferryDomainDevice *device = g_ptr_array_index(migratable->devices, i);

		if (device->kind == VFERRY_DOMAIN_NETWORK && device->position == live->position)
			return device->network;
	}
	return NULL;
}

/* Devices */

static Answer ask_devlink(const VferryVf *vf)
{
	gboolean migratable;

	if (!vferry_devlink_migratable_read(&vf->pf->address, vf->index, &migratable, NULL))
		return ANSWER_UNKNOWN;
	return migratable ? ANSWER_YES : ANSWER_NO;
}

static void read_pf(CheckDevice *ret, const VferryDomainDevice *device, const VferryVf *vf,
		    const Host *host)
{
	const VferryPf *pf = vf->pf;
	const char *interface = vferry_pf_interface(pf, NULL);
	VferryIdentity identity;
	gboolean is_up;

	ret->network = g_strdup(host_pf_config(host, pf)->network);
	if (!interface)
		return;
	ret->pf_interface = g_strdup(interface);
	if (vferry_interface_up(interface, &is_up))
		ret->pf_up = is_up ? ANSWER_YES : ANSWER_NO;
	if (vferry_identity_read(interface, vf->index, &identity, NULL))
		ret->left_behind = check_identity_left_behind(
			device, &identity, g_strcmp0(vf->driver, IGBVF_DRIVER) == 0);
}

static void read_vf(CheckDevice *ret, const VferryDomainDevice *device, const VferryVf *vf,
		    const Host *host, const VferryInventory *inventory)
{
	ret->is_vf = TRUE;
	ret->is_vfio = vf->vfio_dev != NULL;
	ret->vendor = vf->vendor;
	ret->device = vf->device;
	ret->driver = g_strdup(vf->driver);
	ret->best = g_strdup(host_best_driver(host, vf->modalias));
	ret->devlink = ask_devlink(vf);
	if (ret->is_vfio)
		vfio_features_find(inventory, vf, &ret->features);
	read_pf(ret, device, vf, host);
}

static gboolean is_present(const VferryAddress *address)
{
	g_auto(VferryFolder) bus = VFERRY_FOLDER_INIT;
	char name[VFERRY_ADDRESS_TEXT_SIZE];

	return vferry_device_open_bus(&bus, NULL) &&
	       vferry_folder_has(&bus, vferry_address_text(address, name));
}

static void add_device(CheckHere *here, const VferryDomainDevice *device, const char *pool,
		       const Host *host, const VferryInventory *inventory)
{
	CheckDevice *ret = check_device_new(here->devices);
	const VferryVf *vf;

	ret->pool = g_strdup(pool);
	ret->managed = device->managed;
	ret->said_network = g_strdup(device->vf ? device->vf->network : NULL);
	ret->has_address = device->has_source;
	if (!ret->has_address)
		return;
	ret->address = device->source;
	ret->present = is_present(&ret->address);
	vf = vferry_inventory_vf(inventory, &ret->address);
	if (vf)
		read_vf(ret, device, vf, host, inventory);
}

static void add_devices(CheckHere *here, virConnectPtr connection, const VferryDomain *domain,
			const VferryDomain *migratable, const Host *host,
			const VferryInventory *inventory)
{
	for (guint i = 0; i < domain->devices->len; i++) {
		const VferryDomainDevice *device = g_ptr_array_index(domain->devices, i);
		const char *pool = device->has_source ? find_pool(migratable, device) :
							device->network;

		if (device->has_source || (pool && pools_has(connection, pool)))
			add_device(here, device, pool, host, inventory);
	}
}

/* QEMU */

/* A member of a type; NULL where it, or @node, is of another. */
static JsonNode *get_member(JsonNode *node, const char *name, JsonNodeType type)
{
	JsonNode *member = node && JSON_NODE_HOLDS_OBJECT(node) ?
			   json_object_get_member(json_node_get_object(node), name) : NULL;

	return member && json_node_get_node_type(member) == type ? member : NULL;
}

static char **read_reasons(JsonArray *array)
{
	g_autoptr(GPtrArray) reasons = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < json_array_get_length(array); i++) {
		JsonNode *reason = json_array_get_element(array, i);

		if (json_node_get_value_type(reason) != G_TYPE_STRING)
			return NULL;
		g_ptr_array_add(reasons, json_node_dup_string(reason));
	}
	g_ptr_array_add(reasons, NULL);
	return g_strdupv((char **)reasons->pdata);
}

/* {"return": {"blocked-reasons": ["..."]}}; without a reason the member is not there. */
static char **parse_blockers(const char *answer)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	JsonNode *result, *reasons;

	if (!json_parser_load_from_data(parser, answer, -1, NULL))
		return NULL;
	result = get_member(json_parser_get_root(parser), "return", JSON_NODE_OBJECT);
	if (!result)
		return NULL;
	if (!json_object_has_member(json_node_get_object(result), "blocked-reasons"))
		return g_new0(char *, 1);
	reasons = get_member(result, "blocked-reasons", JSON_NODE_ARRAY);
	return reasons ? read_reasons(json_node_get_array(reasons)) : NULL;
}

static gboolean ask_blockers(CheckHere *here, virDomainPtr domain, GError **error)
{
	char *answer = NULL;

	if (virDomainQemuMonitorCommand(domain, "{\"execute\":\"query-migrate\"}", &answer,
					VIR_DOMAIN_QEMU_MONITOR_COMMAND_DEFAULT) < 0) {
		connection_set_error(error, "asking QEMU what blocks a migration");
		return FALSE;
	}
	here->blockers = parse_blockers(answer);
	free(answer);
	here->asked_qemu = TRUE;
	if (here->blockers)
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
		    "QEMU's answer to query-migrate is not understood");
	return FALSE;
}

static gboolean read_domain(CheckHere *here, virConnectPtr connection, virDomainPtr domain,
			    GError **error)
{
	g_autoptr(VferryInventory) inventory = vferry_inventory_scan(error);
	g_autoptr(VferryDomain) xml = inventory ? read_xml(domain, 0, &here->traits, error) : NULL;
	g_autoptr(VferryDomain) migratable = NULL;
	g_autoptr(Host) host = NULL;

	if (!xml)
		return FALSE;
	here->name = g_strdup(xml->name);
	here->uuid = g_strdup(xml->uuid);
	here->orchestrator = xml->orchestrator;
	here->active = virDomainIsActive(domain) > 0;
	migratable = read_xml(domain, VIR_DOMAIN_XML_MIGRATABLE, NULL, NULL);
	/* What is wrong with the host's configuration only makes advice poorer. */
	host = host_read();
	add_devices(here, connection, xml, migratable, host, inventory);
	return TRUE;
}

CheckHere *check_gather_here(virConnectPtr connection, virDomainPtr domain, gboolean ask_qemu,
			     GError **error)
{
	g_autoptr(CheckHere) here = check_here_new();

	if (!read_domain(here, connection, domain, error))
		return NULL;
	if (virConnectGetVersion(connection, &here->qemu) < 0)
		here->qemu = 0;
	if (virConnectGetLibVersion(connection, &here->libvirt) < 0) {
		connection_set_error(error, "asking libvirt for its version");
		return NULL;
	}
	capabilities_read(connection, &here->host_uuid, NULL);
	if (ask_qemu && here->active && !ask_blockers(here, domain, error))
		return NULL;
	return g_steal_pointer(&here);
}
