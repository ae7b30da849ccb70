/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "capabilities.h"

#include "xml.h"

#include <stdlib.h>
#include <string.h>

static gboolean has_apparmor(const xmlNode *host)
{
	for (const xmlNode *each = vferry_xml_first(host, "secmodel"); each;
	     each = vferry_xml_next(each, "secmodel")) {
		const xmlNode *model = vferry_xml_first(each, "model");
		g_autofree char *name = model ? vferry_xml_text(model, NULL) : NULL;

		if (g_strcmp0(name, "apparmor") == 0)
			return TRUE;
	}
	return FALSE;
}

void capabilities_read(virConnectPtr connection, char **ret_uuid, gboolean *ret_apparmor)
{
	char *text = virConnectGetCapabilities(connection);
	g_autoptr(xmlDoc) doc = text ? vferry_xml_parse(text, strlen(text), NULL) : NULL;
	const xmlNode *host = doc ? vferry_xml_first(xmlDocGetRootElement(doc), "host") : NULL;
	const xmlNode *uuid = host ? vferry_xml_first(host, "uuid") : NULL;

	free(text);
	*ret_uuid = uuid ? vferry_xml_text(uuid, NULL) : NULL;
	if (ret_apparmor)
		*ret_apparmor = host && has_apparmor(host);
}
