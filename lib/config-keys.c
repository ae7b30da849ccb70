/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config-keys.h"

#include "network-name.h"

#include <string.h>

#define DRIVER_LENGTH_MAX 63

const VferryPfConfig vferry_config_pf_defaults = {
	.vfs = VFERRY_CONFIG_VFS_UNSET,
	.driver = VFERRY_CONFIG_DRIVER_AUTO,
	.migratable = VFERRY_CONFIG_MIGRATABLE_AUTO,
};

const VferryHostConfig vferry_config_host_defaults = {
	.claim_lifetime = 300,
	.announce = TRUE,
};

/* Every module's name has these characters, and every driver's of a module. */
static gboolean is_driver(const char *value)
{
	const gsize length = strspn(value, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-");

	return length > 0 && length <= DRIVER_LENGTH_MAX && value[length] == '\0';
}

static gboolean set_vfs(gpointer ret, const char *value)
{
	VferryPfConfig *pf = ret;
	guint64 number;

	if (!g_ascii_string_to_unsigned(value, 10, 0, 256, &number, NULL))
		return FALSE;
	pf->vfs = (int)number;
	return TRUE;
}

static gboolean set_driver(gpointer ret, const char *value)
{
	VferryPfConfig *pf = ret;

	if (!is_driver(value))
		return FALSE;
	pf->driver_name = NULL;
	if (g_str_equal(value, "auto")) {
		pf->driver = VFERRY_CONFIG_DRIVER_AUTO;
	} else if (g_str_equal(value, "keep")) {
		pf->driver = VFERRY_CONFIG_DRIVER_KEEP;
	} else {
		pf->driver = VFERRY_CONFIG_DRIVER_FORCE;
		pf->driver_name = value;
	}
	return TRUE;
}

static gboolean set_network(gpointer ret, const char *value)
{
	VferryPfConfig *pf = ret;

	if (!vferry_network_name_valid(value))
		return FALSE;
	pf->network = value;
	return TRUE;
}

static gboolean set_migratable(gpointer ret, const char *value)
{
	VferryPfConfig *pf = ret;

	if (g_str_equal(value, "auto"))
		pf->migratable = VFERRY_CONFIG_MIGRATABLE_AUTO;
	else if (g_str_equal(value, "yes"))
		pf->migratable = VFERRY_CONFIG_MIGRATABLE_YES;
	else if (g_str_equal(value, "no"))
		pf->migratable = VFERRY_CONFIG_MIGRATABLE_NO;
	else
		return FALSE;
	return TRUE;
}

static gboolean set_claim_lifetime(gpointer ret, const char *value)
{
	VferryHostConfig *host = ret;
	guint64 seconds;

	if (!g_ascii_string_to_unsigned(value, 10, 30, 3600, &seconds, NULL))
		return FALSE;
	host->claim_lifetime = (guint)seconds;
	return TRUE;
}

static gboolean set_announce(gpointer ret, const char *value)
{
	VferryHostConfig *host = ret;

	if (!g_str_equal(value, "yes") && !g_str_equal(value, "no"))
		return FALSE;
	host->announce = g_str_equal(value, "yes");
	return TRUE;
}

static const VferryConfigKey pf_keys[VFERRY_PF_KEYS] = {
	[VFERRY_PF_KEY_VFS] = { "vfs", set_vfs, "a number from 0 to 256" },
	[VFERRY_PF_KEY_DRIVER] = { "driver", set_driver,
		"auto, keep, or the name of a driver, at most 63 of A-Z a-z 0-9 _ -" },
	[VFERRY_PF_KEY_NETWORK] = { "network", set_network, "at most 63 of A-Z a-z 0-9 . _ -" },
	[VFERRY_PF_KEY_MIGRATABLE] = { "migratable", set_migratable, "yes, no or auto" },
};

static const VferryConfigKey host_keys[VFERRY_HOST_KEYS] = {
	[VFERRY_HOST_KEY_CLAIM_LIFETIME] = { "claim-lifetime", set_claim_lifetime,
		"a number of seconds from 30 to 3600" },
	[VFERRY_HOST_KEY_ANNOUNCE] = { "announce", set_announce, "yes or no" },
};

const VferryConfigKind vferry_config_pf_kind = { "pf", pf_keys, G_N_ELEMENTS(pf_keys) };
const VferryConfigKind vferry_config_host_kind = {
	"host", host_keys, G_N_ELEMENTS(host_keys),
};
