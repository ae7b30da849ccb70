/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pf.h"

#include "device.h"
#include "error.h"

#include <string.h>

/* TotalVFs of the SR-IOV capability has 16 bits. */
#define VFS_MAX 65535
#define NUMA_NODE_MAX 65535

void vferry_pf_free(VferryPf *pf)
{
	if (!pf)
		return;
	g_ptr_array_unref(pf->vfs);
	g_strfreev(pf->interfaces);
	g_free(pf->driver);
	g_free(pf);
}

static gboolean parse_virtfn(const char *name, guint *ret)
{
	guint64 index;

	if (!g_str_has_prefix(name, "virtfn") ||
	    !g_ascii_string_to_unsigned(name + strlen("virtfn"), 10, 0, VFS_MAX - 1, &index, NULL))
		return FALSE;
	*ret = (guint)index;
	return TRUE;
}

static int compare_virtfns(gconstpointer left, gconstpointer right)
{
	guint a = ((const VferryVirtfn *)left)->index, b = ((const VferryVirtfn *)right)->index;

	return (a > b) - (a < b);
}

GArray *vferry_pf_read_virtfns(const VferryFolder *folder, GPtrArray *problems, GError **error)
{
	g_autoptr(GArray) virtfns = g_array_new(FALSE, FALSE, sizeof(VferryVirtfn));
	g_autoptr(GPtrArray) names = vferry_folder_names(folder, ".", error);

	if (!names)
		return NULL;
	for (guint i = 0; i < names->len; i++) {
		g_autoptr(GError) problem = NULL;
		VferryVirtfn virtfn;

		if (!parse_virtfn(names->pdata[i], &virtfn.index))
			continue;
		if (vferry_device_read_link(folder, names->pdata[i], &virtfn.address, &problem))
			g_array_append_val(virtfns, virtfn);
		else
			vferry_device_note(problems, problem);
	}
	g_array_sort(virtfns, compare_virtfns);
	return g_steal_pointer(&virtfns);
}

static gboolean read_sriov(const VferryFolder *folder, VferryPf *pf, GError **error)
{
	int totalvfs;

	if (!vferry_folder_read_number(folder, "sriov_totalvfs", 0, VFS_MAX, &totalvfs, error))
		return FALSE;
	pf->sriov_totalvfs = (guint)totalvfs;
	return vferry_folder_read_number(folder, "sriov_drivers_autoprobe", 0, 1,
					 &pf->drivers_autoprobe, error);
}

static gboolean read_numa_node(const VferryFolder *folder, int *ret, GError **error)
{
	g_autoptr(GError) problem = NULL;

	if (vferry_folder_read_number(folder, "numa_node", -1, NUMA_NODE_MAX, ret, &problem))
		return TRUE;
	/* A kernel without NUMA has no such attribute. */
	if (g_error_matches(problem, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND)) {
		*ret = -1;
		return TRUE;
	}
	g_propagate_error(error, g_steal_pointer(&problem));
	return FALSE;
}

static gboolean read_driver(const VferryFolder *folder, VferryPf *pf, GError **error)
{
	if (!vferry_folder_link(folder, "driver", &pf->driver, error))
		return FALSE;
	pf->interfaces = vferry_device_read_names(folder, "net", error);
	return pf->interfaces != NULL;
}

static gboolean read_ids(const VferryFolder *folder, VferryPf *pf, GError **error)
{
	VferryDeviceIds ids;

	if (!vferry_device_read_ids(folder, &ids, error))
		return FALSE;
	g_free(ids.modalias);
	pf->vendor = ids.vendor;
	pf->device = ids.device;
	pf->class_code = ids.class_code;
	return TRUE;
}

VferryPf *vferry_pf_read_folder(const VferryFolder *folder, const VferryAddress *address,
				guint numvfs, GError **error)
{
	g_autoptr(VferryPf) pf = g_new0(VferryPf, 1);

	pf->address = *address;
	pf->sriov_numvfs = numvfs;
	pf->vfs = g_ptr_array_new_with_free_func((GDestroyNotify)vferry_vf_free);
	/* The IDs last: they tell a link that is absent from a device that has gone. */
	if (read_sriov(folder, pf, error) && read_numa_node(folder, &pf->numa_node, error) &&
	    read_driver(folder, pf, error) && read_ids(folder, pf, error))
		return g_steal_pointer(&pf);
	vferry_device_judge(folder, error);
	return NULL;
}
