/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Formats: help of [pci]/device_spec and [pci]/alias in nova/conf/pci.py, read by
 * nova/pci/devspec.py and nova/pci/request.py; "managed" and "live_migratable" are Nova
 * 2025.1's. All values are strings. The address of a PF with the IDs of a VF means all its VFs.
 */
#include "export.h"

#include "json.h"

/* An option takes one line. */
static void append_option(GString *out, const char *name, JsonBuilder *b)
{
	g_autoptr(JsonNode) root = json_builder_get_root(b);
	g_autofree char *text = json_to_string(root, FALSE);

	g_string_append_printf(out, "%s = %s\n", name, text);
}

static void append_device_spec(GString *out, const ExportPf *pf)
{
	g_autoptr(JsonBuilder) b = json_builder_new();

	json_begin_object(b, NULL);
	json_add_address(b, "address", &pf->address);
	json_add_id(b, "vendor_id", pf->vf_vendor);
	json_add_id(b, "product_id", pf->vf_device);
	if (pf->network)
		json_add_text(b, "physical_network", pf->network);
	/* Whether it is on a VFIO driver is ours to see to, and not libvirt's. */
	json_add_text(b, "managed", "no");
	json_add_text(b, "live_migratable", pf->migrates ? "yes" : "no");
	json_builder_end_object(b);
	append_option(out, "device_spec", b);
}

static gboolean is_first_of_kind(const GPtrArray *pfs, guint index)
{
	const ExportPf *pf = g_ptr_array_index(pfs, index);

	for (guint i = 0; i < index; i++) {
		const ExportPf *earlier = g_ptr_array_index(pfs, i);

		if (earlier->vf_vendor == pf->vf_vendor && earlier->vf_device == pf->vf_device)
			return FALSE;
	}
	return TRUE;
}

static gboolean any_migrates(const GPtrArray *pfs, const ExportPf *kind)
{
	for (guint i = 0; i < pfs->len; i++) {
		const ExportPf *pf = g_ptr_array_index(pfs, i);

		if (pf->vf_vendor == kind->vf_vendor && pf->vf_device == kind->vf_device &&
		    pf->migrates)
			return TRUE;
	}
	return FALSE;
}

static void append_alias(GString *out, const GPtrArray *pfs, const ExportPf *kind)
{
	g_autofree char *name = g_strdup_printf("vf-%04x-%04x", kind->vf_vendor, kind->vf_device);
	g_autoptr(JsonBuilder) b = json_builder_new();

	json_begin_object(b, NULL);
	json_add_text(b, "name", name);
	json_add_id(b, "vendor_id", kind->vf_vendor);
	json_add_id(b, "product_id", kind->vf_device);
	json_add_text(b, "device_type", "type-VF");
	json_add_text(b, "live_migratable", any_migrates(pfs, kind) ? "yes" : "no");
	json_builder_end_object(b);
	append_option(out, "alias", b);
}

char *export_nova(const GPtrArray *pfs)
{
	GString *out = g_string_new("[pci]\n");

	for (guint i = 0; i < pfs->len; i++)
		append_device_spec(out, g_ptr_array_index(pfs, i));
	for (guint i = 0; i < pfs->len; i++)
		if (is_first_of_kind(pfs, i))
			append_alias(out, pfs, g_ptr_array_index(pfs, i));
	return g_string_free(out, FALSE);
}
