/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vf.h"

#include "device.h"
#include "error.h"
#include "pf.h"

void vferry_vf_free(VferryVf *vf)
{
	if (!vf)
		return;
	if (vf->owns_pf)
		vferry_pf_free(vf->pf);
	g_free(vf->modalias);
	g_free(vf->driver);
	g_free(vf->vfio_dev);
	g_free(vf->interface);
	g_free(vf);
}

static gboolean check_physfn(const VferryFolder *folder, const VferryVf *vf, GError **error)
{
	char text[VFERRY_ADDRESS_TEXT_SIZE];
	VferryAddress physfn;

	if (!vferry_device_read_link(folder, "physfn", &physfn, error))
		return FALSE;
	if (vferry_address_equal(&physfn, &vf->pf->address))
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
		    "%s/physfn does not lead to %s, whose virtfn%u leads here", folder->path,
		    vferry_address_text(&vf->pf->address, text), vf->index);
	return FALSE;
}

static gboolean read_iommu_group(const VferryFolder *folder, int *ret, GError **error)
{
	g_autofree char *name = NULL;
	guint64 number;

	if (!vferry_folder_link(folder, "iommu_group", &name, error))
		return FALSE;
	if (!name) {
		*ret = -1;
		return TRUE;
	}
	if (!g_ascii_string_to_unsigned(name, 10, 0, G_MAXINT, &number, NULL)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "%s/iommu_group is no link to a number", folder->path);
		return FALSE;
	}
	*ret = (int)number;
	return TRUE;
}

static gboolean read_driver(const VferryFolder *folder, VferryVf *vf, GError **error)
{
	g_auto(GStrv) vfio_devs = NULL;
	g_auto(GStrv) interfaces = NULL;

	if (!vferry_folder_link(folder, "driver", &vf->driver, error))
		return FALSE;
	if (!vf->driver)
		return TRUE;
	vfio_devs = vferry_device_read_names(folder, "vfio-dev", error);
	if (!vfio_devs)
		return FALSE;
	vf->vfio_dev = g_strdup(vfio_devs[0]);
	if (vf->vfio_dev)
		return TRUE;
	interfaces = vferry_device_read_names(folder, "net", error);
	if (!interfaces)
		return FALSE;
	vf->interface = g_strdup(interfaces[0]);
	return TRUE;
}

static gboolean read_ids(const VferryFolder *folder, VferryVf *vf, GError **error)
{
	VferryDeviceIds ids;

	if (!vferry_device_read_ids(folder, &ids, error))
		return FALSE;
	vf->modalias = ids.modalias;
	vf->vendor = ids.vendor;
	vf->device = ids.device;
	vf->subsystem_vendor = ids.subsystem_vendor;
	vf->subsystem_device = ids.subsystem_device;
	return TRUE;
}

VferryVf *vferry_vf_read_folder(const VferryFolder *folder, const VferryAddress *address,
				guint index, VferryPf *pf, GError **error)
{
	g_autoptr(VferryVf) vf = g_new0(VferryVf, 1);

	vf->address = *address;
	vf->index = index;
	vf->pf = pf;
	vf->numa_node = pf->numa_node;
	/* The IDs last: they tell a link that is absent from a device that has gone. */
	if (check_physfn(folder, vf, error) &&
	    read_iommu_group(folder, &vf->iommu_group, error) && read_driver(folder, vf, error) &&
	    read_ids(folder, vf, error))
		return g_steal_pointer(&vf);
	vferry_device_judge(folder, error);
	return NULL;
}
