/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool-vfs.h"

#include "error.h"
#include "journal.h"
#include "run-folder.h"
#include "xml.h"

#include <fcntl.h>

#define FILE_MAX_BYTES (1024 * 1024)

static gboolean add_addresses(GHashTable *vfs, const xmlNode *forward, const char *network,
			      GError **error)
{
	const xmlNode *node = vferry_xml_first(forward, "address");

	for (; node; node = vferry_xml_next(node, "address")) {
		VferryAddress address;

		if (!vferry_xml_pci_address(node, &address, error))
			return FALSE;
		g_hash_table_insert(vfs, g_memdup2(&address, sizeof(address)), g_strdup(network));
	}
	return TRUE;
}

/* <networkstatus><network><name/><forward mode='hostdev'><address/>... */
static gboolean add_network(GHashTable *vfs, const xmlNode *root, GError **error)
{
	const xmlNode *network = vferry_xml_first(root, "network");
	const xmlNode *name_element = network ? vferry_xml_first(network, "name") : NULL;
	const xmlNode *forward = network ? vferry_xml_first(network, "forward") : NULL;
	g_autofree char *name = NULL, *mode = NULL;

	if (!name_element || !forward)
		return TRUE;
	name = vferry_xml_text(name_element, error);
	if (!name || !vferry_xml_attribute(forward, "mode", &mode, error))
		return FALSE;
	return g_strcmp0(mode, "hostdev") != 0 || add_addresses(vfs, forward, name, error);
}

static gboolean add_file(GHashTable *vfs, int folder_fd, const char *folder, const char *name,
			 GError **error)
{
	gsize length;
	g_autofree char *text =
		vferry_run_read(folder_fd, folder, name, FILE_MAX_BYTES, &length, error);
	g_autoptr(xmlDoc) doc = text ? vferry_xml_parse(text, length, error) : NULL;

	return doc && add_network(vfs, xmlDocGetRootElement(doc), error);
}

/* A network that ends meanwhile takes its file with it. */
static void tell(const char *what, const GError *problem)
{
	if (problem && !g_error_matches(problem, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND))
		journal_warning("a VF that one of libvirt's networks owns may be chosen: %s: %s",
				what, problem->message);
}

GHashTable *pool_vfs_read(const char *folder)
{
	GHashTable *vfs = g_hash_table_new_full(vferry_address_hash, vferry_address_equal, g_free,
						g_free);
	g_autoptr(GError) problem = NULL;
	int fd = vferry_run_open_folder(AT_FDCWD, folder, folder, &problem);
	g_autoptr(GDir) names = fd < 0 ? NULL : g_dir_open(folder, 0, NULL);
	const char *name;

	tell(folder, problem);
	while (names && (name = g_dir_read_name(names))) {
		g_autoptr(GError) failure = NULL;

		if (g_str_has_suffix(name, ".xml") &&
		    !add_file(vfs, fd, folder, name, &failure))
			tell(name, failure);
	}
	vferry_run_close(fd);
	return vfs;
}
