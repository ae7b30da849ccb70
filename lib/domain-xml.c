/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-xml.h"

#include "error.h"
#include "xml.h"

#include <string.h>

/* Nodes that Linux can number: MAX_NUMNODES with the largest NODES_SHIFT, 10. */
#define NUMA_NODES_MAX 1024

#define NAME_MAX_BYTES 255

static void device_free(VferryDomainDevice *device)
{
	g_free(device->driver_name);
	g_free(device->driver_model);
	g_free(device->alias);
	g_free(device->network);
	g_array_unref(device->vlans);
	g_free(device);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VferryDomainDevice, device_free)

void vferry_domain_free(VferryDomain *domain)
{
	g_free(domain->name);
	g_clear_pointer(&domain->devices, g_ptr_array_unref);
	g_clear_pointer(&domain->vfs, g_ptr_array_unref);
	g_clear_pointer(&domain->numa_nodes, g_array_unref);
	g_clear_pointer(&domain->doc, xmlFreeDoc);
	g_free(domain->text);
	g_free(domain);
}

/* The attribute of the child of that name; *ret is NULL without the one or the other. */
static gboolean take_of_child(const xmlNode *parent, const char *child, const char *attribute,
			      char **ret, GError **error)
{
	xmlNode *node;

	*ret = NULL;
	return vferry_xml_single(parent, child, &node, error) &&
	       (!node || vferry_xml_attribute(node, attribute, ret, error));
}

static gboolean attribute_is(const xmlNode *node, const char *name, const char *value,
			     gboolean *ret, GError **error)
{
	g_autofree char *text = NULL;

	if (!vferry_xml_attribute(node, name, &text, error))
		return FALSE;
	*ret = g_strcmp0(text, value) == 0;
	return TRUE;
}

static gboolean take_guest_address(const xmlNode *node, VferryDomainDevice *device,
				   GError **error)
{
	xmlNode *address;
	gboolean is_pci;

	if (!vferry_xml_single(node, "address", &address, error))
		return FALSE;
	if (!address)
		return TRUE;
	if (!attribute_is(address, "type", "pci", &is_pci, error) ||
	    (is_pci && !vferry_xml_pci_address(address, &device->guest, error)))
		return FALSE;
	/* libvirt chooses one where these are 0. */
	device->has_guest = device->guest.domain || device->guest.bus || device->guest.device;
	return TRUE;
}

/* <source> and <driver> of a hostdev, of an interface or of its <actual>. */
static gboolean take_source(const xmlNode *node, VferryDomainDevice *device, GError **error)
{
	if (!attribute_is(node, "managed", "yes", &device->managed, error) ||
	    !vferry_xml_single(node, "driver", &device->driver_element, error) ||
	    !vferry_xml_single(node, "source", &device->source_element, error))
		return FALSE;
	if (device->driver_element &&
	    (!vferry_xml_attribute(device->driver_element, "name", &device->driver_name, error) ||
	     !vferry_xml_attribute(device->driver_element, "model", &device->driver_model,
				   error)))
		return FALSE;
	if (device->source_element &&
	    !vferry_xml_single(device->source_element, "address", &device->address_element, error))
		return FALSE;
	if (!device->address_element) {
		vferry_xml_refuse(error, node, "<%s> has no <address> in <source>",
				  (const char *)node->name);
		return FALSE;
	}
	device->has_source = TRUE;
	return vferry_xml_pci_address(device->address_element, &device->source, error);
}

static gboolean take_mac(const xmlNode *node, VferryDomainDevice *device, GError **error)
{
	g_autofree char *mac = NULL;

	if (!take_of_child(node, "mac", "address", &mac, error))
		return FALSE;
	if (mac && !vferry_mac_parse(mac, device->mac)) {
		vferry_xml_refuse(error, node,
				  "address in <mac> is no unicast MAC like 52:54:00:12:34:56");
		return FALSE;
	}
	device->has_mac = mac != NULL;
	return TRUE;
}

static gboolean take_vlans(const xmlNode *node, VferryDomainDevice *device, GError **error)
{
	xmlNode *vlan, *tag;

	if (!vferry_xml_single(node, "vlan", &vlan, error))
		return FALSE;
	for (tag = vlan ? vferry_xml_first(vlan, "tag") : NULL; tag;
	     tag = vferry_xml_next(tag, "tag")) {
		guint64 id;
		gboolean found;
		guint16 value;

		if (!vferry_xml_number(tag, "id", 10, 4095, &id, &found, error))
			return FALSE;
		if (!found) {
			vferry_xml_refuse(error, tag, "<tag> without id");
			return FALSE;
		}
		value = (guint16)id;
		g_array_append_val(device->vlans, value);
	}
	return TRUE;
}

static VferryDomainDevice *device_new(const xmlNode *node, VferryDomainDeviceKind kind,
				      guint position)
{
	VferryDomainDevice *device = g_new0(VferryDomainDevice, 1);

	device->kind = kind;
	device->position = position;
	device->line = vferry_xml_line(node);
	device->failover = vferry_xml_first(node, "teaming") != NULL;
	device->vlans = g_array_new(FALSE, FALSE, sizeof(guint16));
	return device;
}

static gboolean take_hostdev(const xmlNode *node, guint position, GPtrArray *devices,
			     GError **error)
{
	g_autoptr(VferryDomainDevice) device = NULL;
	g_autofree char *mode = NULL;
	gboolean is_pci;

	if (!vferry_xml_attribute(node, "mode", &mode, error) ||
	    !attribute_is(node, "type", "pci", &is_pci, error))
		return FALSE;
	if (!is_pci || (mode && !g_str_equal(mode, "subsystem")))
		return TRUE;
	device = device_new(node, VFERRY_DOMAIN_HOSTDEV, position);
	if (!take_source(node, device, error) ||
	    !take_of_child(node, "alias", "name", &device->alias, error) ||
	    !take_guest_address(node, device, error))
		return FALSE;
	g_ptr_array_add(devices, g_steal_pointer(&device));
	return TRUE;
}

/* Where the element says which VF it has: the interface, or <actual> of a status file. */
static gboolean find_vf(const xmlNode *interface, const char *type, const xmlNode **ret,
			GError **error)
{
	const xmlNode *node = interface;
	xmlNode *actual = NULL;
	xmlNode *source;
	g_autofree char *address_type = NULL;
	gboolean is_hostdev = g_str_equal(type, "hostdev");

	*ret = NULL;
	if (!is_hostdev) {
		if (!vferry_xml_single(interface, "actual", &actual, error) ||
		    (actual && !attribute_is(actual, "type", "hostdev", &is_hostdev, error)))
			return FALSE;
		node = actual;
	}
	if (!is_hostdev)
		return TRUE;
	if (!vferry_xml_single(node, "source", &source, error) ||
	    (source && !take_of_child(source, "address", "type", &address_type, error)))
		return FALSE;
	if (g_strcmp0(address_type, "pci") == 0)
		*ret = node;
	return TRUE;
}

static gboolean take_interface(const xmlNode *node, guint position, GPtrArray *devices,
			       GError **error)
{
	g_autoptr(VferryDomainDevice) device = NULL;
	g_autofree char *type = NULL;
	const xmlNode *vf;
	gboolean is_network;

	if (!vferry_xml_attribute(node, "type", &type, error))
		return FALSE;
	is_network = g_strcmp0(type, "network") == 0;
	if (!is_network && g_strcmp0(type, "hostdev") != 0)
		return TRUE;
	if (!find_vf(node, type, &vf, error))
		return FALSE;
	if (!is_network && !vf)	/* USB */
		return TRUE;
	device = device_new(node, is_network ? VFERRY_DOMAIN_NETWORK : VFERRY_DOMAIN_INTERFACE,
			    position);
	if ((vf && !take_source(vf, device, error)) ||
	    !take_mac(node, device, error) ||
	    !take_vlans(vf ? vf : node, device, error) ||
	    !take_of_child(node, "source", "network", &device->network, error) ||
	    !take_of_child(node, "alias", "name", &device->alias, error) ||
	    !take_guest_address(node, device, error))
		return FALSE;
	g_ptr_array_add(devices, g_steal_pointer(&device));
	return TRUE;
}

static GPtrArray *parse_devices(const xmlNode *domain, GError **error)
{
	g_autoptr(GPtrArray) devices =
		g_ptr_array_new_with_free_func((GDestroyNotify)device_free);
	const xmlNode *parent = vferry_xml_first(domain, "devices");
	guint hostdevs = 0, interfaces = 0;

	for (; parent; parent = vferry_xml_next(parent, "devices")) {
		for (const xmlNode *node = parent->children; node; node = node->next) {
			if (vferry_xml_is(node, "hostdev") &&
			    !take_hostdev(node, hostdevs++, devices, error))
				return NULL;
			if (vferry_xml_is(node, "interface") &&
			    !take_interface(node, interfaces++, devices, error))
				return NULL;
			if (devices->len > VFERRY_DOMAIN_VFS_MAX) {
				vferry_xml_refuse(error, node, "more than %d PCI devices",
						  VFERRY_DOMAIN_VFS_MAX);
				return NULL;
			}
		}
	}
	return g_steal_pointer(&devices);
}

/* One of "1", "1-3" and "^1", between blanks. */
static gboolean take_numa_range(char *range, gboolean *nodes)
{
	gboolean member = *g_strstrip(range) != '^';
	g_auto(GStrv) ends = g_strsplit(member ? range : range + 1, "-", 2);
	guint64 first, last;

	if (!ends[0] || (!member && ends[1]))
		return FALSE;
	if (!g_ascii_string_to_unsigned(g_strstrip(ends[0]), 10, 0, NUMA_NODES_MAX - 1, &first,
					NULL))
		return FALSE;
	last = first;
	if (ends[1] && !g_ascii_string_to_unsigned(g_strstrip(ends[1]), 10, first,
						   NUMA_NODES_MAX - 1, &last, NULL))
		return FALSE;
	for (guint64 i = first; i <= last; i++)
		nodes[i] = member;
	return TRUE;
}

static gboolean take_nodeset(const xmlNode *node, gboolean *all, GError **error)
{
	gboolean nodes[NUMA_NODES_MAX] = { FALSE };
	g_autofree char *nodeset = NULL;
	g_auto(GStrv) ranges = NULL;

	if (!vferry_xml_attribute(node, "nodeset", &nodeset, error))
		return FALSE;
	ranges = g_strsplit(nodeset ? nodeset : "", ",", -1);
	for (guint i = 0; ranges[i]; i++) {
		if (!take_numa_range(ranges[i], nodes)) {
			vferry_xml_refuse(error, node,
					  "attribute nodeset of <%s> is no list like 0-3,^2 "
					  "of numbers up to %d",
					  (const char *)node->name, NUMA_NODES_MAX - 1);
			return FALSE;
		}
	}
	for (guint i = 0; i < NUMA_NODES_MAX; i++)
		all[i] |= nodes[i];
	return TRUE;
}

static GArray *parse_numa_nodes(const xmlNode *domain, GError **error)
{
	gboolean nodes[NUMA_NODES_MAX] = { FALSE };
	xmlNode *numatune;
	GArray *list;

	if (!vferry_xml_single(domain, "numatune", &numatune, error))
		return NULL;
	for (const xmlNode *node = numatune ? numatune->children : NULL; node; node = node->next)
		if ((vferry_xml_is(node, "memory") || vferry_xml_is(node, "memnode")) &&
		    !take_nodeset(node, nodes, error))
			return NULL;
	list = g_array_new(FALSE, FALSE, sizeof(guint));
	for (guint i = 0; i < NUMA_NODES_MAX; i++)
		if (nodes[i])
			g_array_append_val(list, i);
	return list;
}

static gboolean take_name(const xmlNode *root, VferryDomain *domain, GError **error)
{
	g_autofree char *uuid = NULL;
	xmlNode *name_element, *uuid_element;

	if (!vferry_xml_single(root, "name", &name_element, error) ||
	    !vferry_xml_single(root, "uuid", &uuid_element, error))
		return FALSE;
	if (!name_element || !uuid_element) {
		vferry_xml_refuse(error, root, "<domain> without <name> or <uuid>");
		return FALSE;
	}
	domain->name = vferry_xml_text(name_element, error);
	if (!domain->name)
		return FALSE;
	uuid = vferry_xml_text(uuid_element, error);
	if (!uuid)
		return FALSE;
	if (!*domain->name || strlen(domain->name) > NAME_MAX_BYTES) {
		vferry_xml_refuse(error, name_element, "<name> is not of 1 to %d bytes",
				  NAME_MAX_BYTES);
		return FALSE;
	}
	if (!g_uuid_string_is_valid(uuid)) {
		vferry_xml_refuse(error, uuid_element, "<uuid> holds no UUID");
		return FALSE;
	}
	for (guint i = 0; uuid[i]; i++)
		domain->uuid[i] = g_ascii_tolower(uuid[i]);
	return TRUE;
}

static gboolean is_about(const VferryDomainVf *vf, const VferryDomainDevice *device)
{
	if (vf->is_interface != (device->kind != VFERRY_DOMAIN_HOSTDEV))
		return FALSE;
	return vf->alias ? g_strcmp0(vf->alias, device->alias) == 0 :
			   (guint)vf->position == device->position;
}

static gboolean match_vfs(VferryDomain *domain, GError **error)
{
	for (guint v = 0; v < domain->vfs->len; v++) {
		VferryDomainVf *vf = domain->vfs->pdata[v];

		for (guint d = 0; d < domain->devices->len && vf->device < 0; d++) {
			VferryDomainDevice *device = domain->devices->pdata[d];

			if (!is_about(vf, device))
				continue;
			if (device->vf) {
				g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
					    "domain XML, line %ld: vferry's <vf> is about the same "
					    "device as that of line %ld",
					    vf->line, device->vf->line);
				return FALSE;
			}
			device->vf = vf;
			vf->device = (int)d;
		}
	}
	return TRUE;
}

static gboolean take_domain(const xmlNode *root, gboolean bare, VferryDomain *domain,
			    GError **error)
{
	if (!vferry_xml_is(root, "domain")) {
		vferry_xml_refuse(error, root, "the root is not <domain>");
		return FALSE;
	}
	if (!take_name(root, domain, error))
		return FALSE;
	domain->devices = parse_devices(root, error);
	if (!domain->devices)
		return FALSE;
	domain->vfs = bare ? g_ptr_array_new() : vferry_domain_vfs_parse(root, error);
	if (!domain->vfs)
		return FALSE;
	domain->numa_nodes = parse_numa_nodes(root, error);
	if (!domain->numa_nodes)
		return FALSE;
	domain->orchestrator = vferry_domain_orchestrator(root);
	return match_vfs(domain, error);
}

static gboolean is_root(const xmlNode *element)
{
	return element->parent->type == XML_DOCUMENT_NODE;
}

/* What the functions above look for, VferryXmlKeep. */
static gboolean matters(const xmlNode *parent, const char *name)
{
	static const char *const of_domain[] = {
		"name", "uuid", "metadata", "numatune", "devices", NULL,
	};
	static const char *const of_devices[] = { "hostdev", "interface", NULL };

	if (is_root(parent))
		return g_strv_contains(of_domain, name);
	if (vferry_xml_is(parent, "devices") && is_root(parent->parent))
		return g_strv_contains(of_devices, name);
	return TRUE;
}

static VferryDomain *parse(const char *text, gsize length, gboolean bare, GError **error)
{
	g_autoptr(VferryDomain) domain = g_new0(VferryDomain, 1);

	domain->doc = vferry_xml_parse_some(text, length, matters, error);
	if (!domain->doc || !take_domain(xmlDocGetRootElement(domain->doc), bare, domain, error))
		return NULL;
	domain->text = g_memdup2(text, length);
	domain->length = length;
	return g_steal_pointer(&domain);
}

VferryDomain *vferry_domain_parse(const char *text, gsize length, GError **error)
{
	return parse(text, length, FALSE, error);
}

VferryDomain *vferry_domain_parse_bare(const char *text, gsize length, GError **error)
{
	return parse(text, length, TRUE, error);
}
