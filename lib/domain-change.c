/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-xml.h"

#include "driver-name.h"
#include "error.h"
#include "xml-patch.h"

static void edit_clear(gpointer edit)
{
	g_free(((VferryXmlEdit *)edit)->value);
}

static void add_edit(GArray *edits, xmlNode *element, const char *insert, const char *attribute,
		     char *value)
{
	VferryXmlEdit edit = { element, insert, attribute, value };

	g_array_append_val(edits, edit);
}

static void add_address(GArray *edits, const VferryDomainDevice *device,
			const VferryAddress *to)
{
	const VferryAddress *was = &device->source;
	xmlNode *element = device->address_element;

	if (was->domain != to->domain)
		add_edit(edits, element, NULL, "domain", g_strdup_printf("0x%04x", to->domain));
	if (was->bus != to->bus)
		add_edit(edits, element, NULL, "bus", g_strdup_printf("0x%02x", to->bus));
	if (was->device != to->device)
		add_edit(edits, element, NULL, "slot", g_strdup_printf("0x%02x", to->device));
	if (was->function != to->function)
		add_edit(edits, element, NULL, "function", g_strdup_printf("0x%x", to->function));
}

static void add_driver_model(GArray *edits, const VferryDomainDevice *device, const char *model)
{
	if (device->driver_element)
		add_edit(edits, device->driver_element, NULL, "model", g_strdup(model));
	else
		add_edit(edits, device->source_element, "driver", "model", g_strdup(model));
}

static gboolean is_possible(const VferryDomain *domain, const VferryDomainChange *change,
			    GError **error)
{
	const VferryDomainDevice *device;

	if (change->device >= domain->devices->len) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_USAGE,
			    "domain XML has %u devices, none with the number %u",
			    domain->devices->len, change->device);
		return FALSE;
	}
	device = domain->devices->pdata[change->device];
	if (device->kind == VFERRY_DOMAIN_NETWORK) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_USAGE,
			    "domain XML, line %ld: the VF of an <interface type='network'> "
			    "is libvirt's choice",
			    device->line);
		return FALSE;
	}
	if (change->driver_model && !vferry_driver_name_valid(change->driver_model)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_USAGE,
			    "domain XML, line %ld: no name of a driver was given", device->line);
		return FALSE;
	}
	return TRUE;
}

char *vferry_domain_change(const VferryDomain *domain, const VferryDomainChange *changes,
			   gsize n, gsize *ret_length, GError **error)
{
	g_autoptr(GArray) edits = g_array_new(FALSE, FALSE, sizeof(VferryXmlEdit));
	g_autofree gboolean *changed = g_new0(gboolean, domain->devices->len);

	g_array_set_clear_func(edits, edit_clear);
	for (gsize i = 0; i < n; i++) {
		const VferryDomainDevice *device;

		if (!is_possible(domain, &changes[i], error))
			return NULL;
		device = domain->devices->pdata[changes[i].device];
		if (changed[changes[i].device]) {
			g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_USAGE,
				    "domain XML, line %ld: two changes of one device",
				    device->line);
			return NULL;
		}
		changed[changes[i].device] = TRUE;
		if (changes[i].source)
			add_address(edits, device, changes[i].source);
		if (changes[i].driver_model)
			add_driver_model(edits, device, changes[i].driver_model);
	}
	return vferry_xml_patch(domain->doc, domain->text, domain->length, edits, ret_length,
				error);
}
