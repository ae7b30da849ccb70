/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device-argument.h"

#include "error.h"
#include "interface.h"
#include "sysfs.h"

#include <string.h>

/* TotalVFs of the SR-IOV capability has 16 bits. */
#define VF_INDEX_MAX 65534

gboolean device_argument_address(const char *text, VferryAddress *ret)
{
	g_autofree char *full = g_strconcat("0000:", text, NULL);

	return vferry_address_parse(text, ret, NULL) || vferry_address_parse(full, ret, NULL);
}

gboolean device_argument_split(const char *text, char **ret_interface, guint *ret_index)
{
	const char *slash = strchr(text, '/');
	g_autofree char *interface = slash ? g_strndup(text, (gsize)(slash - text)) : NULL;
	guint64 index;

	if (!interface || !vferry_interface_name_valid(interface) ||
	    !g_ascii_string_to_unsigned(slash + 1, 10, 0, VF_INDEX_MAX, &index, NULL))
		return FALSE;
	*ret_interface = g_steal_pointer(&interface);
	*ret_index = (guint)index;
	return TRUE;
}

static gboolean find_by_interface(const char *interface, VferryAddress *ret, GError **error)
{
	g_autofree char *folder = g_build_filename(VFERRY_SYSFS_NET, interface, NULL);
	g_autofree char *device = vferry_sysfs_link(folder, "device");

	if (device && vferry_address_parse(device, ret, NULL))
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
		    "no PCI device has a network interface '%s'", interface);
	return FALSE;
}

gboolean device_argument_pf(const char *text, VferryAddress *ret, GError **error)
{
	if (device_argument_address(text, ret))
		return TRUE;
	if (vferry_interface_name_valid(text))
		return find_by_interface(text, ret, error);
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_USAGE,
		    "'%.40s' names no PF: give an address like 0000:01:00.0, or its network "
		    "interface", text);
	return FALSE;
}

static VferryVf *read_by_index(const char *interface, guint index, GError **error)
{
	g_autoptr(VferryPf) pf = NULL;
	VferryAddress address;

	if (!find_by_interface(interface, &address, error))
		return NULL;
	pf = vferry_pf_read(&address, NULL, error);
	if (!pf)
		return NULL;
	for (guint i = 0; i < pf->vfs->len; i++) {
		const VferryVf *vf = g_ptr_array_index(pf->vfs, i);

		if (vf->index == index)
			return vferry_vf_read(&vf->address, error);
	}
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
		    "PF %s has no VF %u: it has %u, counted from 0", interface, index,
		    pf->sriov_numvfs);
	return NULL;
}

VferryVf *device_argument_vf(const char *text, GError **error)
{
	g_autofree char *interface = NULL;
	VferryAddress address;
	guint index;

	if (device_argument_address(text, &address))
		return vferry_vf_read(&address, error);
	if (device_argument_split(text, &interface, &index))
		return read_by_index(interface, index, error);
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_USAGE,
		    "'%.40s' names no VF: give an address like 0000:01:10.0, or a PF's network "
		    "interface and a number like enp1s0f0/3", text);
	return NULL;
}
