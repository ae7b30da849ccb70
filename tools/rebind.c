/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rebind.h"

#include "binding.h"
#include "claims.h"
#include "device-argument.h"
#include "error.h"
#include "host.h"
#include "progress.h"
#include "vf-user.h"

#include <unistd.h>

#define CLAIMS_LIMIT 30000

void rebound_clear(Rebound *rebound)
{
	g_clear_pointer(&rebound->driver_before, g_free);
	vferry_choice_clear(&rebound->choice);
}

gboolean rebind_check_root(GError **error)
{
	if (geteuid() == 0)
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
		    "only root may do this: run it with sudo");
	return FALSE;
}

static VferryClaims *take_lock(GError **error)
{
	g_autoptr(GError) busy = NULL;
	VferryClaims *claims = vferry_claims_open(VFERRY_CLAIMS_FOLDER, 0, &busy);

	if (claims || !g_error_matches(busy, VFERRY_ERROR, VFERRY_ERROR_BUSY)) {
		if (busy)
			g_propagate_error(error, g_steal_pointer(&busy));
		return claims;
	}
	g_printerr("waiting: %s\n", busy->message);
	return vferry_claims_open(VFERRY_CLAIMS_FOLDER, CLAIMS_LIMIT, error);
}

/* To be called with the lock held. */
static gboolean check_unused(VferryClaims *claims, const VferryVf *vf, GError **error)
{
	g_autoptr(VferryClaim) claim = vferry_claims_lookup(claims, &vf->address);
	g_autofree char *user = vferry_vf_user(vf, claim);
	char address[VFERRY_ADDRESS_TEXT_SIZE];

	if (!user)
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED, "%s is in use: %s",
		    vferry_address_text(&vf->address, address), user);
	return FALSE;
}

/* A driver on the command line is taken as one in the configuration is. */
static gboolean choose(const VferryVf *vf, const char *driver, VferryChoice *ret, GError **error)
{
	g_autoptr(Host) host = host_read();
	char address[VFERRY_ADDRESS_TEXT_SIZE];
	VferryPfConfig wanted;

	if (!host_require(host, error))
		return FALSE;
	wanted = *host_pf_config(host, vf->pf);
	if (driver) {
		wanted.driver = VFERRY_CONFIG_DRIVER_FORCE;
		wanted.driver_name = driver;
	}
	if (wanted.driver == VFERRY_CONFIG_DRIVER_KEEP) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED,
			    "%s says driver=keep of the PF of %s: name the driver that it shall "
			    "have",
			    wanted.from[VFERRY_PF_KEY_DRIVER],
			    vferry_address_text(&vf->address, address));
		return FALSE;
	}
	return vferry_choose_driver(host->aliases, vf, &wanted, NULL, ret, error);
}

static gboolean bind_it(const VferryAddress *vf, const VferryChoice *choice,
			VferryBinding *ret_before, GError **error)
{
	char address[VFERRY_ADDRESS_TEXT_SIZE];
	g_autofree char *doing = g_strdup_printf("binding %s to %s",
						 vferry_address_text(vf, address), choice->driver);
	g_autoptr(Progress) progress = progress_begin(doing);

	return vferry_bind(vf, choice->driver, choice->needs_vfio, ret_before, error);
}

static gboolean unbind_it(const VferryAddress *vf, GError **error)
{
	char address[VFERRY_ADDRESS_TEXT_SIZE];
	g_autofree char *doing = g_strconcat("unbinding ", vferry_address_text(vf, address), NULL);
	g_autoptr(Progress) progress = progress_begin(doing);

	return vferry_unbind(vf, NULL, error);
}

gboolean rebind_bind(const char *vf, const char *driver, Rebound *ret, GError **error)
{
	g_autoptr(VferryVf) device = rebind_check_root(error) ? device_argument_vf(vf, error) : NULL;
	g_autoptr(VferryClaims) claims = device ? take_lock(error) : NULL;
	g_auto(VferryBinding) before = { 0 };
	g_auto(VferryChoice) choice = { 0 };

	if (!claims || !check_unused(claims, device, error) ||
	    !choose(device, driver, &choice, error) ||
	    !bind_it(&device->address, &choice, &before, error))
		return FALSE;
	ret->address = device->address;
	ret->driver_before = g_steal_pointer(&before.driver);
	ret->choice = choice;
	choice = (VferryChoice){ 0 };
	return TRUE;
}

gboolean rebind_unbind(const char *vf, Rebound *ret, GError **error)
{
	g_autoptr(VferryVf) device = rebind_check_root(error) ? device_argument_vf(vf, error) : NULL;
	g_autoptr(VferryClaims) claims = device ? take_lock(error) : NULL;

	if (!claims || !check_unused(claims, device, error) ||
	    !unbind_it(&device->address, error))
		return FALSE;
	ret->address = device->address;
	ret->driver_before = g_strdup(device->driver);
	return TRUE;
}
