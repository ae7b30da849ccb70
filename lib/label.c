/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label.h"

#include "error.h"
#include "sysfs.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SELINUX "/sys/fs/selinux/enforce"
#define ATTRIBUTE "security.selinux"
#define CONTEXT_MAX 4096

#define TYPE_SYSFS "sysfs_t"
#define TYPE_DRIVER "vferry_drv_sysfs_t"

static const char *const pf_attributes[] = {
	"sriov_numvfs", "sriov_drivers_autoprobe", "sriov_vf_total_msix", "driver_override", NULL,
};
static const char *const vf_attributes[] = { "driver_override", "sriov_vf_msix_count", NULL };

/*
 * The label of a file, by its parts; NULL where it has none. They are
 * USER:ROLE:TYPE or USER:ROLE:TYPE:LEVEL, by the policy.
 */
static char **read_label(const char *path)
{
	char context[CONTEXT_MAX];
	const ssize_t length = getxattr(path, ATTRIBUTE, context, sizeof(context) - 1);
	g_auto(GStrv) parts = NULL;

	if (length <= 0)
		return NULL;
	context[length] = '\0';
	parts = g_strsplit(context, ":", 4);
	return g_strv_length(parts) >= 3 ? g_steal_pointer(&parts) : NULL;
}

char *vferry_label_type(const char *path)
{
	g_auto(GStrv) parts = read_label(path);

	return parts ? g_strdup(parts[2]) : NULL;
}

static gboolean write_label(const char *path, char *const *parts, GError **error)
{
	g_autofree char *context = g_strjoinv(":", (char **)parts);

	if (setxattr(path, ATTRIBUTE, context, strlen(context) + 1, 0) == 0)
		return TRUE;
	/* Gone meanwhile; the policy has no such type. */
	if (errno == ENOENT || errno == ENODEV || errno == EINVAL)
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED, "labelling %s as %s: %s", path,
		    context, g_strerror(errno));
	return FALSE;
}

/* An attribute that is not there needs no label. */
static gboolean set_type(const char *path, const char *type, GError **error)
{
	g_auto(GStrv) parts = read_label(path);

	if (!parts || g_str_equal(parts[2], type))
		return TRUE;
	g_free(parts[2]);
	parts[2] = g_strdup(type);
	return write_label(path, parts, error);
}

/* sysfs hands on to new files only a label that was set, be it the one that is there. */
static gboolean set_explicitly(const char *folder, GError **error)
{
	g_auto(GStrv) parts = read_label(folder);

	return !parts || write_label(folder, parts, error);
}

static gboolean set_types(const VferryAddress *device, const char *const *attributes,
			  const char *type, GError **error)
{
	char name[VFERRY_ADDRESS_TEXT_SIZE];

	vferry_address_text(device, name);
	for (; *attributes; attributes++) {
		g_autofree char *path =
			g_build_filename(VFERRY_SYSFS_PCI_DEVICES, name, *attributes, NULL);

		if (!set_type(path, type, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean is_off(void)
{
	return access(SELINUX, F_OK) != 0;
}

static gboolean set_unbind(const char *driver, const char *type, GError **error)
{
	g_autofree char *path = g_build_filename(VFERRY_SYSFS_PCI_DRIVERS, driver, "unbind", NULL);

	return set_type(path, type, error);
}

/* VFs appear beside their PF, drivers below the folder of drivers. */
static gboolean label_parents(const VferryPf *pf, GError **error)
{
	char name[VFERRY_ADDRESS_TEXT_SIZE];
	g_autofree char *above = g_build_filename(VFERRY_SYSFS_PCI_DEVICES,
						  vferry_address_text(&pf->address, name), "..",
						  NULL);

	return set_explicitly(above, error) && set_explicitly(VFERRY_SYSFS_PCI_DRIVERS, error);
}

gboolean vferry_label_pf(const VferryPf *pf, GError **error)
{
	if (is_off())
		return TRUE;
	/* A PF's driver may have come as a module that ours needs: its "unbind" is nobody's. */
	return label_parents(pf, error) &&
	       set_types(&pf->address, pf_attributes, VFERRY_LABEL_PF, error) &&
	       set_type(VFERRY_SYSFS_PCI_DRIVERS_PROBE, TYPE_DRIVER, error) &&
	       (!pf->driver || set_unbind(pf->driver, TYPE_SYSFS, error));
}

static gboolean has_pfs(const char *driver)
{
	g_autofree char *path = g_build_filename(VFERRY_SYSFS_PCI_DRIVERS, driver, NULL);
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	const char *name;

	while (folder && (name = g_dir_read_name(folder))) {
		g_autofree char *total = g_build_filename(path, name, "sriov_totalvfs", NULL);

		if (access(total, F_OK) == 0)
			return TRUE;
	}
	return FALSE;
}

static gboolean label_driver(const VferryVf *vf, GError **error)
{
	if (!vf->driver || (!vf->vfio_dev && has_pfs(vf->driver)))
		return TRUE;
	return set_unbind(vf->driver, TYPE_DRIVER, error);
}

gboolean vferry_label_vfs(const VferryPf *pf, gboolean ours, GError **error)
{
	if (is_off())
		return TRUE;
	for (guint i = 0; i < pf->vfs->len; i++) {
		const VferryVf *vf = g_ptr_array_index(pf->vfs, i);

		if (!set_types(&vf->address, vf_attributes,
			       ours ? VFERRY_LABEL_VF : TYPE_SYSFS, error) ||
		    (ours && !label_driver(vf, error)))
			return FALSE;
	}
	return TRUE;
}
