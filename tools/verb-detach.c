/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vferry detach: let a libvirt that knows no variant drivers give guests VFs that have one. */
#include "verb.h"

#include "connection.h"
#include "host.h"
#include "inventory.h"
#include "json.h"
#include "migratable.h"
#include "rebind.h"
#include "vf-user.h"

#include <stdio.h>

static const VerbUsage usage = {
	"",
	"Let a libvirt before 10.0 give guests the VFs of configured PFs.",
	"Such a libvirt starts a guest with a VF that it shall not bind (managed='no') only\n"
	"if the VF is on vfio-pci, or was detached through libvirt since its daemon was\n"
	"started. So VFs that nobody uses are detached, which binds them to vfio-pci, and\n"
	"bound to their own driver again. vferry-detach.service does it whenever the\n"
	"daemon starts. A later libvirt needs nothing of this, and nothing is done.\n"
	"\n"
	"Needs root.\n"
	"\n"
	"Exit status: 0 all that are free are detached, or nothing is needed; 2 any error.\n"
	"\n"
	"Example:\n"
	"  vferry detach",
	0, 0,
};

typedef struct {
	gulong libvirt;
	GArray *detached;
	guint used;
} Detached;

/* Freed by its g_auto(). */
static void detached_clear(Detached *detached)
{
	g_clear_pointer(&detached->detached, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Detached, detached_clear)

static gboolean is_needed(gulong libvirt)
{
	return libvirt < CONNECTION_WITH_VARIANT_DRIVERS;
}

static gboolean has_variant_driver(const Host *host, const VferryVf *vf)
{
	const MigratableFacts facts = {
		.driver = vf->driver,
		.candidates = host_candidates(host, vf->modalias),
	};

	return migratable_judge(&facts, NULL) == MIGRATABLE_YES;
}

/* Between the two steps the VF is on vfio-pci, which a guest that starts now would get: its
 * hook then binds it, and this bind is refused, as the VF is claimed.
 */
static gboolean detach_vf(virConnectPtr connection, const VferryVf *vf, GError **error)
{
	g_autofree char *name = g_strdup_printf("pci_%04x_%02x_%02x_%x", vf->address.domain,
						vf->address.bus, vf->address.device,
						vf->address.function);
	g_autoptr(virNodeDevice) device = virNodeDeviceLookupByName(connection, name);
	char address[VFERRY_ADDRESS_TEXT_SIZE];
	g_autoptr(GError) problem = NULL;
	g_auto(Rebound) done = { 0 };

	vferry_address_text(&vf->address, address);
	if (!device || virNodeDeviceDetachFlags(device, NULL, 0) < 0) {
		connection_set_error(error, "detaching %s", address);
		return FALSE;
	}
	if (rebind_bind(address, vf->driver, &done, &problem) ||
	    g_error_matches(problem, VFERRY_ERROR, VFERRY_ERROR_REFUSED))
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&problem));
	return FALSE;
}

static gboolean detach_pf(virConnectPtr connection, const Host *host, const VferryPf *pf,
			  Detached *ret, GError **error)
{
	for (guint i = 0; i < pf->vfs->len; i++) {
		const VferryVf *vf = g_ptr_array_index(pf->vfs, i);
		g_autofree char *user = NULL;

		if (!has_variant_driver(host, vf))
			continue;
		user = vferry_vf_user(vf, host_claim(host, &vf->address));
		if (user) {
			ret->used++;
			continue;
		}
		if (!detach_vf(connection, vf, error))
			return FALSE;
		g_array_append_val(ret->detached, vf->address);
	}
	return TRUE;
}

static gboolean detach_all(virConnectPtr connection, Detached *ret, GError **error)
{
	g_autoptr(Host) host = host_read();
	g_autoptr(VferryInventory) inventory = NULL;

	if (!host_require(host, error))
		return FALSE;
	inventory = vferry_inventory_scan(error);
	if (!inventory)
		return FALSE;
	for (guint i = 0; i < inventory->pfs->len; i++) {
		const VferryPf *pf = g_ptr_array_index(inventory->pfs, i);
		const VferryPfConfig *config = host_pf_config(host, pf);

		if (config->configured && config->driver != VFERRY_CONFIG_DRIVER_KEEP &&
		    !detach_pf(connection, host, pf, ret, error))
			return FALSE;
	}
	return TRUE;
}

static void print_text(const Detached *done)
{
	if (!is_needed(done->libvirt)) {
		printf("libvirt " VERSION_FORMAT " needs nothing of this\n",
		       VERSION_ARGUMENTS(done->libvirt));
		return;
	}
	printf("libvirt " VERSION_FORMAT ": %u VFs detached", VERSION_ARGUMENTS(done->libvirt),
	       done->detached->len);
	if (done->used)
		printf(", %u in use", done->used);
	printf("\n");
}

static void print_json(const Detached *done)
{
	g_autoptr(JsonBuilder) b = json_builder_new();

	json_begin_object(b, NULL);
	json_add_bool(b, "needed", is_needed(done->libvirt));
	json_add_number(b, "used", done->used);
	json_begin_array(b, "detached");
	for (guint i = 0; i < done->detached->len; i++)
		json_add_address(b, NULL, &g_array_index(done->detached, VferryAddress, i));
	json_builder_end_array(b);
	json_builder_end_object(b);
	json_print(b);
}

static gboolean run_detach(int argc, char **argv, GError **error)
{
	gboolean json = FALSE;
	const GOptionEntry entries[] = {
		{ "json", 'j', 0, G_OPTION_ARG_NONE, &json, "Print one JSON object", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_auto(Detached) done = { 0, g_array_new(FALSE, FALSE, sizeof(VferryAddress)), 0 };
	g_autoptr(virConnect) connection = NULL;

	if (!verb_parse(&usage, entries, &argc, &argv, error) || !rebind_check_root(error))
		return FALSE;
	connection = connection_open(NULL, FALSE, error);
	if (!connection)
		return FALSE;
	if (virConnectGetLibVersion(connection, &done.libvirt) < 0) {
		connection_set_error(error, "asking libvirt for its version");
		return FALSE;
	}
	if (is_needed(done.libvirt) && !detach_all(connection, &done, error))
		return FALSE;
	(json ? print_json : print_text)(&done);
	return TRUE;
}

const VferryVerb vferry_verb_detach = {
	"detach", "let a libvirt before 10.0 give guests VFs", run_detach,
};
