/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "capabilities.h"

#include "xml.h"

#include <stdlib.h>
#include <string.h>

/* <host>, inside of *@ret_doc; NULL where libvirt does not tell. */
static const xmlNode *read_host(virConnectPtr connection, xmlDoc **ret_doc)
{
	char *text = virConnectGetCapabilities(connection);

	*ret_doc = text ? vferry_xml_parse(text, strlen(text), NULL) : NULL;
	free(text);
	return *ret_doc ? vferry_xml_first(xmlDocGetRootElement(*ret_doc), "host") : NULL;
}

char *capabilities_host_uuid(virConnectPtr connection)
{
	g_autoptr(xmlDoc) doc = NULL;
	const xmlNode *host = read_host(connection, &doc);
	const xmlNode *uuid = host ? vferry_xml_first(host, "uuid") : NULL;

	return uuid ? vferry_xml_text(uuid, NULL) : NULL;
}

gboolean capabilities_has_apparmor(virConnectPtr connection)
{
	g_autoptr(xmlDoc) doc = NULL;
	const xmlNode *host = read_host(connection, &doc);

	for (const xmlNode *each = host ? vferry_xml_first(host, "secmodel") : NULL; each;
	     each = vferry_xml_next(each, "secmodel")) {
		const xmlNode *model = vferry_xml_first(each, "model");
		g_autofree char *name = model ? vferry_xml_text(model, NULL) : NULL;

		if (g_strcmp0(name, "apparmor") == 0)
			return TRUE;
	}
	return FALSE;
}
