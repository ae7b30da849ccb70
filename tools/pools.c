/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pools.h"

#include "xml.h"

#include <stdlib.h>
#include <string.h>

static gboolean is_pool(virNetworkPtr network)
{
	char *text = virNetworkGetXMLDesc(network, 0);
	g_autoptr(xmlDoc) doc = text ? vferry_xml_parse(text, strlen(text), NULL) : NULL;
	const xmlNode *forward = doc ? vferry_xml_first(xmlDocGetRootElement(doc), "forward") :
				       NULL;
	g_autofree char *mode = NULL;

	free(text);
	return forward && vferry_xml_attribute(forward, "mode", &mode, NULL) &&
	       g_strcmp0(mode, "hostdev") == 0;
}

gboolean pools_has(virConnectPtr connection, const char *name)
{
	virNetworkPtr network = virNetworkLookupByName(connection, name);
	gboolean has = network && is_pool(network);

	if (network)
		virNetworkFree(network);
	return has;
}

void pools_read(virConnectPtr connection, GPtrArray *ret)
{
	virNetworkPtr *networks = NULL;
	int count = virConnectListAllNetworks(connection, &networks,
					      VIR_CONNECT_LIST_NETWORKS_ACTIVE);

	for (int i = 0; i < count; i++) {
		if (is_pool(networks[i]))
			g_ptr_array_add(ret, g_strdup(virNetworkGetName(networks[i])));
		virNetworkFree(networks[i]);
	}
	free(networks);
}
