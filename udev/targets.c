/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "targets.h"

#include "error.h"

#include <libudev.h>
#include <string.h>
#include <unistd.h>

#define UDEV_IS_THERE "/run/udev/control"

typedef struct udev Udev;
typedef struct udev_device UdevDevice;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UdevDevice, udev_device_unref)

struct VferryTargets {
	VferryTargetsMode mode;
	VferryConfig *config;
	char *name;
	char **sections;
	gboolean names_interfaces;
	Udev *udev;		/* NULL where no udev runs that would name interfaces */
	GHashTable *seen;	/* addresses: of PFs that were returned, of VFs */
};

static gboolean is_address(const char *name)
{
	VferryAddress ignored;

	return vferry_address_parse(name, &ignored, NULL);
}

static gboolean is_interface(const char *name)
{
	return !strchr(name, ':');
}

VferryTargets *vferry_targets_new(VferryTargetsMode mode, VferryConfig *config, const char *name)
{
	VferryTargets *targets = g_new0(VferryTargets, 1);

	targets->mode = mode;
	targets->config = config;
	targets->name = g_strdup(name);
	targets->sections = vferry_config_pf_sections(config);
	for (char **section = targets->sections; *section; section++)
		targets->names_interfaces |= is_interface(*section);
	if (access(UDEV_IS_THERE, F_OK) == 0)
		targets->udev = udev_new();
	targets->seen = g_hash_table_new_full(vferry_address_hash, vferry_address_equal, g_free,
					      NULL);
	return targets;
}

void vferry_targets_free(VferryTargets *targets)
{
	if (!targets)
		return;
	g_free(targets->name);
	g_strfreev(targets->sections);
	udev_unref(targets->udev);
	g_hash_table_unref(targets->seen);
	g_free(targets);
}

static gboolean has_its_name(const VferryTargets *targets, const char *interface)
{
	g_autoptr(UdevDevice) device = NULL;

	if (!targets->udev)
		return TRUE;
	device = udev_device_new_from_subsystem_sysname(targets->udev, "net", interface);
	/* One that is gone, or has another name by now, is looked at again when udev says so. */
	return device && udev_device_get_is_initialized(device);
}

G_GNUC_PRINTF(2, 3)
static void await(GPtrArray *awaited, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_ptr_array_add(awaited, g_strdup_vprintf(format, arguments));
	va_end(arguments);
}

static gboolean is_ready(const VferryTargets *targets, const VferryPf *pf, GPtrArray *awaited)
{
	char address[VFERRY_ADDRESS_TEXT_SIZE];

	vferry_address_text(&pf->address, address);
	/* Of the one PF that was asked for it is said at once. */
	if (!pf->driver && targets->mode != VFERRY_TARGETS_ONE) {
		await(awaited, "%s has no driver", address);
		return FALSE;
	}
	for (char **name = pf->interfaces; targets->names_interfaces && *name; name++)
		if (!has_its_name(targets, *name)) {
			await(awaited, "udev has not named interface %s of %s yet", *name, address);
			return FALSE;
		}
	return TRUE;
}

/* Return: was it not in there? */
static gboolean note(const VferryTargets *targets, const VferryAddress *address)
{
	return g_hash_table_add(targets->seen, g_memdup2(address, sizeof(*address)));
}

static gboolean is_new(const VferryTargets *targets, const VferryPf *pf)
{
	gboolean any = FALSE;

	if (targets->mode != VFERRY_TARGETS_WITH_VFS)
		return note(targets, &pf->address);
	for (guint i = 0; i < pf->vfs->len; i++) {
		const VferryVf *vf = g_ptr_array_index(pf->vfs, i);

		any |= note(targets, &vf->address);
	}
	return any;
}

static gboolean is_configured(const VferryTargets *targets, const VferryPf *pf)
{
	return vferry_config_for_pf(targets->config, &pf->address, pf->interfaces, pf->vendor,
				    pf->device)->configured;
}

static void look_at_pf(const VferryTargets *targets, const VferryPf *pf, GArray *ready,
		       GPtrArray *awaited)
{
	if (targets->mode == VFERRY_TARGETS_WITH_VFS && !pf->vfs->len)
		return;
	if (is_ready(targets, pf, awaited) && is_configured(targets, pf) && is_new(targets, pf))
		g_array_append_val(ready, pf->address);
}

static const VferryPf *find(const VferryInventory *inventory, const char *name)
{
	VferryAddress address;

	return vferry_address_parse(name, &address, NULL) ?
		       vferry_inventory_pf(inventory, &address) :
		       vferry_inventory_pf_by_interface(inventory, name);
}

static void look_for_sections(const VferryTargets *targets, const VferryInventory *inventory,
			      GPtrArray *awaited)
{
	for (char **name = targets->sections; *name; name++) {
		if ((!is_interface(*name) && !is_address(*name)) || find(inventory, *name))
			continue;
		await(awaited, "[pf %s] is configured, but there is no PF with this %s", *name,
		      is_interface(*name) ? "interface" : "address");
	}
}

/* A PF without a driver is no one's to wait for unless a section is about it. */
static void look_at_all(const VferryTargets *targets, const VferryInventory *inventory,
			GArray *ready, GPtrArray *awaited)
{
	for (guint i = 0; i < inventory->pfs->len; i++) {
		const VferryPf *pf = g_ptr_array_index(inventory->pfs, i);

		if (pf->driver || is_configured(targets, pf))
			look_at_pf(targets, pf, ready, awaited);
	}
	if (targets->mode == VFERRY_TARGETS_ALL)
		look_for_sections(targets, inventory, awaited);
}

gboolean vferry_targets_look(VferryTargets *targets, GArray *ret_ready, GPtrArray *ret_awaited,
			     GError **error)
{
	g_autoptr(VferryInventory) inventory = vferry_inventory_scan(error);
	const VferryPf *pf;

	if (!inventory)
		return FALSE;
	if (targets->mode != VFERRY_TARGETS_ONE) {
		look_at_all(targets, inventory, ret_ready, ret_awaited);
		return TRUE;
	}
	pf = find(inventory, targets->name);
	if (pf) {
		look_at_pf(targets, pf, ret_ready, ret_awaited);
		return TRUE;
	}
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
		    "there is no PF with this address or interface: %s", targets->name);
	return FALSE;
}
