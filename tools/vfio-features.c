/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio-features.h"

#include "claims.h"
#include "vfio.h"

#include <fcntl.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEBUGFS_VFIO "/sys/kernel/debug/vfio"
#define DEBUGFS_IGBVF "/sys/kernel/debug/igbvf_vfio_pci"

/* Linux 6.2; missing in the headers of 6.1. */
#ifndef VFIO_MIGRATION_PRE_COPY
#define VFIO_MIGRATION_PRE_COPY (1 << 2)
#endif

/* How long to wait for whoever chooses VFs at this moment, in milliseconds. */
#define CLAIMS_TIMEOUT 2000

typedef int Descriptor;

static void close_descriptor(Descriptor *fd)
{
	if (*fd >= 0)
		close(*fd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Descriptor, close_descriptor)

void vfio_features_clear(VfioFeatures *features)
{
	g_free(features->source);
	memset(features, 0, sizeof(*features));
}

/* debugfs */

static Answer yes_if(gboolean condition)
{
	return condition ? ANSWER_YES : ANSWER_NO;
}

static gboolean has_line(char **lines, const char *line)
{
	return g_strv_contains((const char *const *)lines, line);
}

void vfio_features_parse(VfioFeatures *features, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", 0);

	if (has_line(lines, "can_report_dirty: 1") || has_line(lines, "can_report_dirty: 0")) {
		features->stop_copy = ANSWER_YES;
		features->p2p = ANSWER_YES;
		features->dirty_log = yes_if(has_line(lines, "can_report_dirty: 1"));
		return;
	}
	features->stop_copy = yes_if(has_line(lines, "stop-copy"));
	features->p2p = yes_if(has_line(lines, "p2p"));
	features->pre_copy = yes_if(has_line(lines, "pre-copy"));
	features->dirty_log = yes_if(has_line(lines, "dirty-tracking"));
}

static gboolean read_debugfs(const char *folder, const char *address, const char *name,
			     VfioFeatures *ret)
{
	g_autofree char *path = g_build_filename(folder, address, name, NULL);
	g_autofree char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return FALSE;
	vfio_features_parse(ret, text);
	ret->source = g_strdup("debugfs");
	return TRUE;
}

gboolean vfio_features_shown(const VferryVf *vf, VfioFeatures *ret)
{
	char address[VFERRY_ADDRESS_TEXT_SIZE];

	vferry_address_text(&vf->address, address);
	return read_debugfs(DEBUGFS_VFIO, address, "migration/features", ret) ||
	       read_debugfs(DEBUGFS_IGBVF, address, "status", ret);
}

/* The device */

static gboolean open_group(int group, Descriptor *ret_container, Descriptor *ret_group)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	g_autofree char *path = g_strdup_printf("/dev/vfio/%d", group);

	*ret_container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	*ret_group = open(path, O_RDWR | O_CLOEXEC);
	return *ret_container >= 0 && *ret_group >= 0 &&
	       ioctl(*ret_group, VFIO_GROUP_GET_STATUS, &status) == 0 &&
	       (status.flags & VFIO_GROUP_FLAGS_VIABLE) &&
	       ioctl(*ret_group, VFIO_GROUP_SET_CONTAINER, ret_container) == 0 &&
	       ioctl(*ret_container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) == 0;
}

/* GET_FEATURE of MIGRATION: a header, and struct vfio_device_feature_migration behind it. */
static guint64 ask_migration_flags(int device)
{
	guint64 buffer[(sizeof(struct vfio_device_feature) +
			sizeof(struct vfio_device_feature_migration)) / sizeof(guint64)] = { 0 };
	struct vfio_device_feature *feature = (struct vfio_device_feature *)buffer;
	struct vfio_device_feature_migration migration;

	feature->argsz = sizeof(buffer);
	feature->flags = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIGRATION;
	if (ioctl(device, VFIO_DEVICE_FEATURE, feature) != 0)
		return 0;
	memcpy(&migration, feature->data, sizeof(migration));
	return migration.flags;
}

static void ask_open_device(int device, VfioFeatures *ret)
{
	struct vfio_device_feature probe = {
		.argsz = sizeof(probe),
		.flags = VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET |
			 VFIO_DEVICE_FEATURE_DMA_LOGGING_START,
	};
	guint64 flags = ask_migration_flags(device);

	ret->stop_copy = yes_if(flags & VFIO_MIGRATION_STOP_COPY);
	ret->p2p = yes_if(flags & VFIO_MIGRATION_P2P);
	ret->pre_copy = yes_if(flags & VFIO_MIGRATION_PRE_COPY);
	ret->dirty_log = yes_if(ioctl(device, VFIO_DEVICE_FEATURE, &probe) == 0);
}

static gboolean ask_device(const VferryVf *vf, VfioFeatures *ret)
{
	g_auto(Descriptor) container = -1;
	g_auto(Descriptor) group = -1;
	g_auto(Descriptor) device = -1;
	char address[VFERRY_ADDRESS_TEXT_SIZE];

	vferry_address_text(&vf->address, address);
	if (!open_group(vf->iommu_group, &container, &group))
		return FALSE;
	device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address);
	if (device < 0)
		return FALSE;
	ask_open_device(device, ret);
	ret->source = g_strdup(address);
	return TRUE;
}

static gboolean is_free(VferryClaims *claims, const VferryVf *vf)
{
	g_autoptr(VferryClaim) claim = vferry_claims_lookup(claims, &vf->address);
	g_autoptr(GError) error = NULL;

	return !claim && !vferry_vfio_in_use(&vf->address, NULL, &error) && !error;
}

static gboolean is_of_kind(const VferryVf *vf, const VferryVf *like)
{
	return vf->vfio_dev && vf->iommu_group >= 0 && vf->device == like->device &&
	       vf->vendor == like->vendor && g_strcmp0(vf->driver, like->driver) == 0;
}

void vfio_features_find(const VferryInventory *inventory, const VferryVf *vf, VfioFeatures *ret)
{
	const VferryPf *pf = vferry_inventory_pf(inventory, &vf->pf->address);
	g_autoptr(VferryClaims) claims = NULL;

	if (geteuid() != 0 || vfio_features_shown(vf, ret))
		return;
	claims = vferry_claims_open(VFERRY_CLAIMS_FOLDER, CLAIMS_TIMEOUT, NULL);
	if (!claims || !pf)
		return;
	if (is_of_kind(vf, vf) && is_free(claims, vf) && ask_device(vf, ret))
		return;
	for (guint i = 0; i < pf->vfs->len; i++) {
		const VferryVf *other = g_ptr_array_index(pf->vfs, i);

		if (other != vf && is_of_kind(other, vf) && is_free(claims, other) &&
		    ask_device(other, ret))
			return;
	}
}
