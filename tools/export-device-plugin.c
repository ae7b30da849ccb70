/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Format: README.md and pkg/types/types.go of the plugin. Each selector holds values of
 * which one has to match, and all selectors have to match. So PFs whose VFs have the same
 * IDs and driver share a resource, and others have one of their own.
 */
#include "export.h"

#include "json.h"

static gboolean is_alike(const ExportPf *a, const ExportPf *b)
{
	g_autofree char *a_name = export_name(a), *b_name = export_name(b);

	return g_str_equal(a_name, b_name) && a->vf_vendor == b->vf_vendor &&
	       a->vf_device == b->vf_device && g_strcmp0(a->driver, b->driver) == 0;
}

static gboolean is_first_alike(const GPtrArray *pfs, guint index)
{
	for (guint i = 0; i < index; i++)
		if (is_alike(g_ptr_array_index(pfs, i), g_ptr_array_index(pfs, index)))
			return FALSE;
	return TRUE;
}

/* Names are unique, of letters, digits and "_". */
static char *resource_name(const ExportPf *pf, GHashTable *taken)
{
	g_autofree char *base = export_name(pf);
	char *name;

	g_strcanon(base, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS, '_');
	name = g_strdup(base);
	for (guint i = 2; g_hash_table_contains(taken, name); i++) {
		g_free(name);
		name = g_strdup_printf("%s_%u", base, i);
	}
	g_hash_table_add(taken, g_strdup(name));
	return name;
}

static void add_id_selector(JsonBuilder *b, const char *name, guint16 id)
{
	json_begin_array(b, name);
	json_add_id(b, NULL, id);
	json_builder_end_array(b);
}

static void add_selectors(JsonBuilder *b, const GPtrArray *pfs, const ExportPf *kind)
{
	json_begin_object(b, "selectors");
	add_id_selector(b, "vendors", kind->vf_vendor);
	add_id_selector(b, "devices", kind->vf_device);
	if (kind->driver) {
		json_begin_array(b, "drivers");
		json_add_text(b, NULL, kind->driver);
		json_builder_end_array(b);
	}
	json_begin_array(b, "rootDevices");
	for (guint i = 0; i < pfs->len; i++) {
		const ExportPf *pf = g_ptr_array_index(pfs, i);

		if (is_alike(pf, kind))
			json_add_address(b, NULL, &pf->address);
	}
	json_builder_end_array(b);
	json_builder_end_object(b);
}

static char *config_json(const GPtrArray *pfs)
{
	g_autoptr(GHashTable) taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(JsonBuilder) b = json_builder_new();
	g_autoptr(JsonNode) root = NULL;

	json_begin_object(b, NULL);
	json_begin_array(b, "resourceList");
	for (guint i = 0; i < pfs->len; i++) {
		const ExportPf *pf = g_ptr_array_index(pfs, i);
		g_autofree char *name = NULL;

		if (!is_first_alike(pfs, i))
			continue;
		name = resource_name(pf, taken);
		json_begin_object(b, NULL);
		json_add_text(b, "resourceName", name);
		add_selectors(b, pfs, pf);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
	json_builder_end_object(b);
	root = json_builder_get_root(b);
	return json_to_string(root, TRUE);
}

char *export_device_plugin(const GPtrArray *pfs)
{
	g_autofree char *config = config_json(pfs);
	g_autoptr(JsonBuilder) b = json_builder_new();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL;

	json_begin_object(b, NULL);
	json_add_text(b, "apiVersion", "v1");
	json_add_text(b, "kind", "ConfigMap");
	json_begin_object(b, "metadata");
	json_add_text(b, "name", "sriovdp-config");
	json_add_text(b, "namespace", "kube-system");
	json_builder_end_object(b);
	json_begin_object(b, "data");
	json_add_text(b, "config.json", config);
	json_builder_end_object(b);
	json_builder_end_object(b);
	root = json_builder_get_root(b);
	text = json_to_string(root, TRUE);
	return g_strconcat(text, "\n", NULL);
}
