/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "node-device.h"

#include "domain-vf.h"
#include "error.h"
#include "xml.h"

#include <string.h>

void node_device_free(NodeDevice *device)
{
	g_free(device->name);
	g_free(device->parent);
	g_free(device->driver);
	g_free(device->interface);
	g_free(device);
}

static gboolean read_text(const xmlNode *parent, const char *name, char **ret, GError **error)
{
	const xmlNode *node = vferry_xml_first(parent, name);

	if (node)
		*ret = vferry_xml_text(node, error);
	return !node || *ret;
}

/* <domain>0</domain>: decimal. */
static gboolean read_number(const xmlNode *parent, const char *name, guint64 maximum,
			    guint64 *ret, GError **error)
{
	g_autofree char *text = NULL;

	if (!read_text(parent, name, &text, error))
		return FALSE;
	if (text && g_ascii_string_to_unsigned(g_strstrip(text), 10, 0, maximum, ret, NULL))
		return TRUE;
	vferry_xml_refuse(error, parent, "its <%s> is no number", name);
	return FALSE;
}

static gboolean read_own_address(const xmlNode *pci, VferryAddress *ret, GError **error)
{
	guint64 domain, bus, slot, function;

	if (!read_number(pci, "domain", G_MAXUINT32, &domain, error) ||
	    !read_number(pci, "bus", 0xff, &bus, error) ||
	    !read_number(pci, "slot", 0x1f, &slot, error) ||
	    !read_number(pci, "function", 7, &function, error))
		return FALSE;
	*ret = (VferryAddress){ (guint32)domain, (guint8)bus, (guint8)slot, (guint8)function };
	return TRUE;
}

static gboolean read_id(const xmlNode *pci, const char *name, guint16 *ret, GError **error)
{
	const xmlNode *node = vferry_xml_first(pci, name);
	guint64 value = 0;

	if (node && !vferry_xml_number(node, "id", 0, G_MAXUINT16, &value, NULL, error))
		return FALSE;
	*ret = (guint16)value;
	return TRUE;
}

/* <iommuGroup number='15'>, <numa node='0'/>: -1 where there is none. */
static gboolean read_attribute(const xmlNode *pci, const char *name, const char *attribute,
			       int *ret, GError **error)
{
	const xmlNode *node = vferry_xml_first(pci, name);
	guint64 value = 0;
	gboolean found = FALSE;

	if (node && !vferry_xml_number(node, attribute, 10, G_MAXINT, &value, &found, error))
		return FALSE;
	*ret = found ? (int)value : -1;
	return TRUE;
}

static gboolean read_max_vfs(const xmlNode *capability, NodeDevice *ret, GError **error)
{
	guint64 value;

	if (!vferry_xml_number(capability, "maxCount", 10, G_MAXUINT16, &value, NULL, error))
		return FALSE;
	ret->max_vfs = (int)value;
	return TRUE;
}

/* <capability type='phys_function'> in that of a VF, 'virt_functions' in that of a PF. */
static gboolean read_sriov(const xmlNode *pci, NodeDevice *ret, GError **error)
{
	ret->max_vfs = -1;
	for (const xmlNode *node = vferry_xml_first(pci, "capability"); node;
	     node = vferry_xml_next(node, "capability")) {
		const xmlNode *address = vferry_xml_first(node, "address");
		g_autofree char *type = NULL;

		if (!vferry_xml_attribute(node, "type", &type, error))
			return FALSE;
		if (g_strcmp0(type, "virt_functions") == 0)
			return read_max_vfs(node, ret, error);
		if (g_strcmp0(type, "phys_function") != 0 || !address)
			continue;
		ret->is_vf = TRUE;
		return vferry_xml_pci_address(address, &ret->pf, error);
	}
	return TRUE;
}

static gboolean read_pci(const xmlNode *pci, NodeDevice *ret, GError **error)
{
	ret->is_pci = TRUE;
	return read_own_address(pci, &ret->address, error) &&
	       read_id(pci, "vendor", &ret->vendor, error) &&
	       read_id(pci, "product", &ret->device, error) && read_sriov(pci, ret, error) &&
	       read_attribute(pci, "iommuGroup", "number", &ret->iommu_group, error) &&
	       read_attribute(pci, "numa", "node", &ret->numa_node, error);
}

static gboolean read_net(const xmlNode *net, NodeDevice *ret, GError **error)
{
	const xmlNode *link = vferry_xml_first(net, "link");
	g_autofree char *state = NULL;
	g_autofree char *mac = NULL;

	if (!read_text(net, "interface", &ret->interface, error) ||
	    !read_text(net, "address", &mac, error) ||
	    (link && !vferry_xml_attribute(link, "state", &state, error)))
		return FALSE;
	ret->link_up = g_strcmp0(state, "up") == 0;
	ret->has_mac = mac && vferry_mac_parse(mac, ret->mac);
	return TRUE;
}

static gboolean read_device(const xmlNode *root, NodeDevice *ret, GError **error)
{
	const xmlNode *driver = vferry_xml_first(root, "driver");
	const xmlNode *capability = vferry_xml_first(root, "capability");
	g_autofree char *type = NULL;

	if (!read_text(root, "name", &ret->name, error) ||
	    !read_text(root, "parent", &ret->parent, error) ||
	    (driver && !read_text(driver, "name", &ret->driver, error)) ||
	    (capability && !vferry_xml_attribute(capability, "type", &type, error)))
		return FALSE;
	if (g_strcmp0(type, "pci") == 0)
		return read_pci(capability, ret, error);
	return g_strcmp0(type, "net") != 0 || read_net(capability, ret, error);
}

NodeDevice *node_device_parse(const char *text, GError **error)
{
	g_autoptr(xmlDoc) doc = vferry_xml_parse(text, strlen(text), error);
	g_autoptr(NodeDevice) device = g_new0(NodeDevice, 1);

	if (!doc || !read_device(xmlDocGetRootElement(doc), device, error))
		return NULL;
	return g_steal_pointer(&device);
}
