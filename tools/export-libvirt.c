/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "export.h"

static void G_GNUC_PRINTF(2, 3) append(GString *out, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = g_markup_vprintf_escaped(format, arguments);
	va_end(arguments);
	g_string_append(out, text);
}

static void append_vfs(GString *out, const ExportPf *pf)
{
	for (guint i = 0; i < pf->vfs->len; i++) {
		const VferryAddress *vf = &g_array_index(pf->vfs, VferryAddress, i);

		append(out, "    <address type='pci' domain='0x%04x' bus='0x%02x' slot='0x%02x' "
		       "function='0x%x'/>\n", vf->domain, vf->bus, vf->device, vf->function);
	}
}

/* The driver that all of them have, or NULL: libvirt then takes the best for each. */
static const char *common_driver(const GPtrArray *members)
{
	const ExportPf *first = g_ptr_array_index(members, 0);

	for (guint i = 1; i < members->len; i++) {
		const ExportPf *pf = g_ptr_array_index(members, i);

		if (g_strcmp0(pf->driver, first->driver) != 0)
			return NULL;
	}
	return first->driver;
}

/* libvirt takes one <pf>, or addresses. */
static void append_network(GString *out, const char *name, const GPtrArray *members,
			   gboolean managed)
{
	const ExportPf *first = g_ptr_array_index(members, 0);
	const char *driver = common_driver(members);

	append(out, "<network>\n  <name>%s</name>\n  <forward mode='hostdev' managed='%s'>\n",
	       name, managed ? "yes" : "no");
	if (driver)
		append(out, "    <driver model='%s'/>\n", driver);
	if (members->len == 1 && first->interface)
		append(out, "    <pf dev='%s'/>\n", first->interface);
	else
		for (guint i = 0; i < members->len; i++)
			append_vfs(out, g_ptr_array_index(members, i));
	append(out, "  </forward>\n</network>\n");
}

static GPtrArray *members_of(const GPtrArray *pfs, const char *name)
{
	GPtrArray *members = g_ptr_array_new();

	for (guint i = 0; i < pfs->len; i++) {
		g_autofree char *own = export_name(g_ptr_array_index(pfs, i));

		if (g_str_equal(own, name))
			g_ptr_array_add(members, g_ptr_array_index(pfs, i));
	}
	return members;
}

char *export_libvirt_network(const GPtrArray *pfs, gboolean managed)
{
	GString *out = g_string_new(NULL);

	for (guint i = 0; i < pfs->len; i++) {
		g_autofree char *name = export_name(g_ptr_array_index(pfs, i));
		g_autoptr(GPtrArray) members = members_of(pfs, name);

		if (g_ptr_array_index(members, 0) == g_ptr_array_index(pfs, i))
			append_network(out, name, members, managed);
	}
	return g_string_free(out, FALSE);
}
