/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "systemd.h"

#define SERVICE "org.freedesktop.systemd1"
#define MANAGER "/org/freedesktop/systemd1"

/* Milliseconds for an answer. */
#define LIMIT 3000

GDBusConnection *systemd_connect(GError **error)
{
	return g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, error);
}

static GVariant *call(GDBusConnection *bus, const char *path, const char *interface,
		      const char *method, GVariant *arguments, const char *type, GError **error)
{
	return g_dbus_connection_call_sync(bus, SERVICE, path, interface, method, arguments,
					   G_VARIANT_TYPE(type), G_DBUS_CALL_FLAGS_NO_AUTO_START,
					   LIMIT, NULL, error);
}

static GVariant *get_property(GDBusConnection *bus, const char *path, const char *interface,
			      const char *name)
{
	g_autoptr(GVariant) answer = call(bus, path, "org.freedesktop.DBus.Properties", "Get",
					  g_variant_new("(ss)", interface, name), "(v)", NULL);
	GVariant *value = NULL;

	if (answer)
		g_variant_get(answer, "(v)", &value);
	return value;
}

static char *unit_path(GDBusConnection *bus, const char *name)
{
	g_autoptr(GVariant) answer = call(bus, MANAGER, SERVICE ".Manager", "GetUnit",
					  g_variant_new("(s)", name), "(o)", NULL);
	char *path = NULL;

	if (answer)
		g_variant_get(answer, "(o)", &path);
	return path;
}

static gboolean is_active(GVariant *state)
{
	const char *text;

	if (!state || !g_variant_is_of_type(state, G_VARIANT_TYPE_STRING))
		return FALSE;
	text = g_variant_get_string(state, NULL);
	return g_str_equal(text, "active") || g_str_equal(text, "reloading");
}

gboolean systemd_unit(GDBusConnection *bus, const char *name, SystemdUnit *ret)
{
	g_autofree char *path = unit_path(bus, name);
	g_autoptr(GVariant) state = NULL, changed = NULL, pid = NULL;

	if (!path)
		return FALSE;
	state = get_property(bus, path, SERVICE ".Unit", "ActiveState");
	changed = get_property(bus, path, SERVICE ".Unit", "StateChangeTimestamp");
	if (g_str_has_suffix(name, ".service"))
		pid = get_property(bus, path, SERVICE ".Service", "MainPID");
	ret->active = is_active(state);
	ret->changed = changed && g_variant_is_of_type(changed, G_VARIANT_TYPE_UINT64) ?
		       (gint64)(g_variant_get_uint64(changed) / G_USEC_PER_SEC) : 0;
	ret->main_pid = pid && g_variant_is_of_type(pid, G_VARIANT_TYPE_UINT32) ?
			g_variant_get_uint32(pid) : 0;
	return TRUE;
}

char **systemd_failed(GDBusConnection *bus, const char *pattern, GError **error)
{
	const char *const states[] = { "failed", NULL };
	const char *const patterns[] = { pattern, NULL };
	g_autoptr(GVariant) answer = call(bus, MANAGER, SERVICE ".Manager", "ListUnitsByPatterns",
					  g_variant_new("(^as^as)", states, patterns),
					  "(a(ssssssouso))", error);
	g_autoptr(GVariant) units = NULL;
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	if (!answer)
		return NULL;
	units = g_variant_get_child_value(answer, 0);
	for (gsize i = 0; i < g_variant_n_children(units); i++) {
		g_autoptr(GVariant) unit = g_variant_get_child_value(units, i);
		char *name;

		g_variant_get_child(unit, 0, "s", &name);
		g_ptr_array_add(names, name);
	}
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}
