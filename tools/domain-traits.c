/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-traits.h"

#include "error.h"
#include "xml.h"

#include <string.h>

#define QEMU_NAMESPACE "http://libvirt.org/schemas/domain/qemu/1.0"

void domain_traits_clear(DomainTraits *traits)
{
	g_free(traits->machine);
	memset(traits, 0, sizeof(*traits));
}

static gboolean is_qemu(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && node->ns &&
	       xmlStrEqual(node->ns->href, BAD_CAST QEMU_NAMESPACE) &&
	       xmlStrEqual(node->name, BAD_CAST name);
}

static gboolean is_on(const char *value)
{
	return g_str_equal(value, "on") || g_str_equal(value, "true");
}

/* "-global migration.postcopy-ram=on", "-global vfio-pci.enable-migration=off", and the
 * same with the x- that older QEMU wants.
 */
static void read_argument(const char *value, DomainTraits *ret)
{
	const char *post_copy = strstr(value, "postcopy-ram=");
	const char *migration = strstr(value, "enable-migration=off");

	if (post_copy && is_on(post_copy + strlen("postcopy-ram=")))
		ret->post_copy = TRUE;
	if (migration)
		ret->migration_off = TRUE;
}

static gboolean read_arguments(const xmlNode *command_line, DomainTraits *ret, GError **error)
{
	for (const xmlNode *node = command_line->children; node; node = node->next) {
		g_autofree char *value = NULL;

		if (!is_qemu(node, "arg"))
			continue;
		if (!vferry_xml_attribute(node, "value", &value, error))
			return FALSE;
		if (value)
			read_argument(value, ret);
	}
	return TRUE;
}

/* <qemu:override> <qemu:device> <qemu:frontend> <qemu:property name= type= value=/> */
static gboolean read_overrides(const xmlNode *parent, DomainTraits *ret, GError **error)
{
	for (const xmlNode *node = parent->children; node; node = node->next) {
		g_autofree char *name = NULL;
		g_autofree char *value = NULL;

		if (is_qemu(node, "device") || is_qemu(node, "frontend")) {
			if (!read_overrides(node, ret, error))
				return FALSE;
			continue;
		}
		if (!is_qemu(node, "property"))
			continue;
		if (!vferry_xml_attribute(node, "name", &name, error) ||
		    !vferry_xml_attribute(node, "value", &value, error))
			return FALSE;
		if (name && g_str_has_suffix(name, "enable-migration") &&
		    g_strcmp0(value, "off") == 0)
			ret->migration_off = TRUE;
	}
	return TRUE;
}

static gboolean read_devices(const xmlNode *devices, DomainTraits *ret, GError **error)
{
	const xmlNode *node;

	ret->viommu = vferry_xml_first(devices, "iommu") != NULL;
	for (node = vferry_xml_first(devices, "hostdev"); node;
	     node = vferry_xml_next(node, "hostdev")) {
		g_autofree char *type = NULL;

		if (!vferry_xml_attribute(node, "type", &type, error))
			return FALSE;
		ret->other_vfio += g_strcmp0(type, "mdev") == 0;
	}
	return TRUE;
}

static gboolean read_machine(const xmlNode *domain, DomainTraits *ret, GError **error)
{
	const xmlNode *os = vferry_xml_first(domain, "os");
	const xmlNode *type = os ? vferry_xml_first(os, "type") : NULL;

	return !type || vferry_xml_attribute(type, "machine", &ret->machine, error);
}

static void read_memory(const xmlNode *domain, DomainTraits *ret)
{
	const xmlNode *memory = vferry_xml_first(domain, "memory");
	g_autofree char *text = memory ? vferry_xml_text(memory, NULL) : NULL;

	if (text)
		g_ascii_string_to_unsigned(g_strstrip(text), 10, 0, G_MAXUINT64 / 1024,
					   &ret->memory_kib, NULL);
}

static gboolean read_domain(const xmlNode *domain, DomainTraits *ret, GError **error)
{
	const xmlNode *devices = vferry_xml_first(domain, "devices");

	for (const xmlNode *node = domain->children; node; node = node->next) {
		if (is_qemu(node, "commandline") && !read_arguments(node, ret, error))
			return FALSE;
		if (is_qemu(node, "override") && !read_overrides(node, ret, error))
			return FALSE;
	}
	read_memory(domain, ret);
	return read_machine(domain, ret, error) &&
	       (!devices || read_devices(devices, ret, error));
}

gboolean domain_traits_parse(const char *text, DomainTraits *ret, GError **error)
{
	g_autoptr(xmlDoc) doc = vferry_xml_parse(text, strlen(text), error);
	g_auto(DomainTraits) traits = { 0 };

	if (!doc || !read_domain(xmlDocGetRootElement(doc), &traits, error))
		return FALSE;
	*ret = traits;
	memset(&traits, 0, sizeof(traits));
	return TRUE;
}
