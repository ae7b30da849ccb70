/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "export.h"

#include "choice.h"
#include "device-argument.h"
#include "error.h"
#include "pf-interface.h"

void export_pf_free(ExportPf *pf)
{
	g_free(pf->interface);
	g_free(pf->network);
	g_free(pf->driver);
	g_clear_pointer(&pf->vfs, g_array_unref);
	g_free(pf);
}

char *export_name(const ExportPf *pf)
{
	char address[VFERRY_ADDRESS_TEXT_SIZE];

	if (pf->network)
		return g_strdup(pf->network);
	if (pf->interface)
		return g_strdup(pf->interface);
	vferry_address_text(&pf->address, address);
	return g_strdup(g_strdelimit(address, ":", '_'));
}

/* With driver=keep it is the driver that the first VF has. */
static gboolean add_driver(const Host *host, const VferryPf *pf, ExportPf *result, GError **error)
{
	const VferryVf *vf = g_ptr_array_index(pf->vfs, 0);
	VferryPfConfig wanted = *host_pf_config(host, pf);
	g_auto(VferryChoice) choice = { 0 };

	if (wanted.driver == VFERRY_CONFIG_DRIVER_KEEP && !vf->driver)
		return TRUE;
	if (wanted.driver == VFERRY_CONFIG_DRIVER_KEEP) {
		wanted.driver = VFERRY_CONFIG_DRIVER_FORCE;
		wanted.driver_name = vf->driver;
	}
	if (!vferry_foresee_driver(host->aliases, vf, &wanted, NULL, &choice, error))
		return FALSE;
	result->driver = g_steal_pointer(&choice.driver);
	result->migrates = choice.migrates;
	return TRUE;
}

static ExportPf *describe(const Host *host, const VferryPf *pf, GError **error)
{
	g_autoptr(ExportPf) result = g_new0(ExportPf, 1);
	const VferryVf *first = g_ptr_array_index(pf->vfs, 0);

	result->address = pf->address;
	result->interface = g_strdup(vferry_pf_interface(pf, NULL));
	result->network = g_strdup(host_pf_config(host, pf)->network);
	result->vf_vendor = first->vendor;
	result->vf_device = first->device;
	result->vfs = g_array_new(FALSE, FALSE, sizeof(VferryAddress));
	for (guint i = 0; i < pf->vfs->len; i++) {
		const VferryVf *vf = g_ptr_array_index(pf->vfs, i);

		g_array_append_val(result->vfs, vf->address);
	}
	return add_driver(host, pf, result, error) ? g_steal_pointer(&result) : NULL;
}

static gboolean add_pf(const Host *host, const VferryPf *pf, const char *network, GPtrArray *result,
		       GError **error)
{
	ExportPf *described;

	if (network && g_strcmp0(host_pf_config(host, pf)->network, network) != 0)
		return TRUE;
	described = describe(host, pf, error);
	if (!described)
		return FALSE;
	g_ptr_array_add(result, described);
	return TRUE;
}

static gboolean add_configured(const Host *host, const char *network, GPtrArray *result,
			       GError **error)
{
	g_autoptr(VferryInventory) inventory = vferry_inventory_scan(error);

	if (!inventory)
		return FALSE;
	for (guint i = 0; i < inventory->pfs->len; i++) {
		const VferryPf *pf = g_ptr_array_index(inventory->pfs, i);

		if (pf->vfs->len > 0 && host_pf_config(host, pf)->configured &&
		    !add_pf(host, pf, network, result, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean add_named(const Host *host, const char *name, const char *network,
			  GPtrArray *result, GError **error)
{
	g_autoptr(VferryPf) pf = NULL;
	VferryAddress address;

	if (!device_argument_pf(name, &address, error))
		return FALSE;
	pf = vferry_pf_read(&address, NULL, error);
	if (!pf)
		return FALSE;
	if (pf->vfs->len == 0) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
			    "PF %s has no VFs: 'vferry provision' makes them", name);
		return FALSE;
	}
	return add_pf(host, pf, network, result, error);
}

static gboolean add_all(const Host *host, char **pfs, guint n, const char *network,
			GPtrArray *result, GError **error)
{
	if (n == 0)
		return add_configured(host, network, result, error);
	for (guint i = 0; i < n; i++)
		if (!add_named(host, pfs[i], network, result, error))
			return FALSE;
	return TRUE;
}

GPtrArray *export_read(char **pfs, guint n, const char *network, GError **error)
{
	g_autoptr(GPtrArray) result =
		g_ptr_array_new_with_free_func((GDestroyNotify)export_pf_free);
	g_autoptr(Host) host = host_read();

	if (!host_require(host, error) || !add_all(host, pfs, n, network, result, error))
		return NULL;
	if (result->len > 0)
		return g_steal_pointer(&result);
	if (network)
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
			    "of these PFs none has VFs and network=%s in vferry.conf(5)", network);
	else
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
			    "vferry.conf(5) is about no PF with VFs: name PFs");
	return NULL;
}
