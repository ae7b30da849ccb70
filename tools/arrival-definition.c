/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arrival-definition.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

/* Matching */

static gboolean has_user_alias(const VferryDomainDevice *device)
{
	return device->alias && g_str_has_prefix(device->alias, "ua-");
}

static gboolean is_same_device(const VferryDomainDevice *live, const VferryDomainDevice *defined)
{
	if (!live->has_source || live->kind != defined->kind)
		return FALSE;
	if (has_user_alias(live) || has_user_alias(defined))
		return g_strcmp0(live->alias, defined->alias) == 0;
	if (live->has_guest && defined->has_guest)
		return vferry_address_equal(&live->guest, &defined->guest);
	return live->position == defined->position;
}

static const VferryDomainDevice *find_live(const VferryDomain *live,
					   const VferryDomainDevice *defined)
{
	for (guint i = 0; i < live->devices->len; i++) {
		const VferryDomainDevice *device = g_ptr_array_index(live->devices, i);

		if (is_same_device(device, defined))
			return device;
	}
	return NULL;
}

/* Each function of the host may be in the definition once. */
static gboolean take(GHashTable *taken, const VferryAddress *source, const VferryDomain *domain,
		     GError **error)
{
	char text[VFERRY_ADDRESS_TEXT_SIZE];

	if (g_hash_table_add(taken, (gpointer)source))
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
		    "domain '%s': its definition stays as it is, since two of its devices would "
		    "get %s: correct it by virsh edit", domain->name,
		    vferry_address_text(source, text));
	return FALSE;
}

GArray *arrival_definition_changes(const VferryDomain *live, const VferryDomain *definition,
				   GError **error)
{
	g_autoptr(GArray) changes = g_array_new(FALSE, FALSE, sizeof(VferryDomainChange));
	g_autoptr(GHashTable) taken = g_hash_table_new(vferry_address_hash, vferry_address_equal);

	for (guint i = 0; i < definition->devices->len; i++) {
		const VferryDomainDevice *defined = g_ptr_array_index(definition->devices, i);
		const VferryDomainDevice *running;
		VferryDomainChange change = { .device = i };

		if (!defined->has_source)
			continue;
		running = find_live(live, defined);
		change.source = running ? &running->source : &defined->source;
		if (!take(taken, change.source, definition, error))
			return NULL;
		if (!vferry_address_equal(change.source, &defined->source))
			g_array_append_val(changes, change);
	}
	return g_steal_pointer(&changes);
}

/* libvirt */

/* Text with passwords in it, which go before its memory does. */
typedef char Secret;

static void secret_free(Secret *text)
{
	explicit_bzero(text, strlen(text));
	free(text);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Secret, secret_free)

static VferryDomain *read_domain(virDomainPtr domain, guint flags, GError **error)
{
	g_autoptr(Secret) text = virDomainGetXMLDesc(domain, flags);

	if (!text) {
		connection_set_error(error, "reading its XML");
		return NULL;
	}
	return vferry_domain_parse(text, strlen(text), error);
}

static gboolean define(virConnectPtr connection, const VferryDomain *definition,
		       const GArray *changes, GError **error)
{
	gsize length;
	g_autoptr(Secret) text = vferry_domain_change(definition,
						      (const VferryDomainChange *)changes->data,
						      changes->len, &length, error);
	g_autoptr(virDomain) defined = text ? virDomainDefineXMLFlags(connection, text, 0) : NULL;

	if (text && !defined)
		connection_set_error(error, "defining it with this host's VFs");
	return defined != NULL;
}

gboolean arrival_definition_correct(virConnectPtr connection, virDomainPtr domain,
				    guint *ret_changed, GError **error)
{
	g_autoptr(VferryDomain) live = read_domain(domain, 0, error);
	g_autoptr(VferryDomain) definition = NULL;
	g_autoptr(GArray) changes = NULL;

	if (live)
		definition = read_domain(domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE,
					 error);
	changes = definition ? arrival_definition_changes(live, definition, error) : NULL;
	if (!changes || (changes->len > 0 && !define(connection, definition, changes, error)))
		return FALSE;
	*ret_changed = changes->len;
	return TRUE;
}
