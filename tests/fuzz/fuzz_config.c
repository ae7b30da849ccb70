/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A configuration file of any bytes: refused in one line that names the place,
 * or read, and then every value is one that vferry.conf(5) allows.
 */
#include "always.h"

#include "config.h"
#include "error.h"

#include <string.h>

#define ALPHANUMERIC G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS

static const VferryAddress address = { 0, 1, 0, 0 };

static void check_refusal(const GError *error)
{
	const char *line;

	ALWAYS(error && error->domain == VFERRY_ERROR && error->code == VFERRY_ERROR_INVALID);
	ALWAYS(g_str_has_prefix(error->message, "one.conf:"));
	line = error->message + strlen("one.conf:");
	ALWAYS(*line >= '1' && *line <= '9');
	ALWAYS(g_str_has_prefix(line + strspn(line, "0123456789"), ": "));
	ALWAYS(g_utf8_validate(error->message, -1, NULL));
	for (const char *at = error->message; *at; at++)
		ALWAYS(*at == '\t' || !g_ascii_iscntrl(*at));
}

static gboolean is_word(const char *text, const char *characters)
{
	return *text && strlen(text) <= 63 && strspn(text, characters) == strlen(text);
}

static void check_from(const char *const *from, int count, const char *file)
{
	for (int i = 0; i < count; i++)
		ALWAYS(!from[i] || g_str_has_prefix(from[i], file));
}

static void check_values(VferryConfig *config, const char *file)
{
	char name[] = "a", *interfaces[] = { name, NULL };
	const VferryHostConfig *host = vferry_config_host(config);
	const VferryPfConfig *pf = vferry_config_for_pf(config, &address, interfaces,
							0x8086, 0x10c9);

	ALWAYS(pf->vfs >= -1 && pf->vfs <= 256);
	ALWAYS((pf->vfs == VFERRY_CONFIG_VFS_UNSET) == !pf->from[VFERRY_PF_KEY_VFS]);
	ALWAYS((pf->driver == VFERRY_CONFIG_DRIVER_FORCE) == !!pf->driver_name);
	ALWAYS(!pf->driver_name || is_word(pf->driver_name, ALPHANUMERIC "_-"));
	ALWAYS(!pf->network == !pf->from[VFERRY_PF_KEY_NETWORK]);
	ALWAYS(!pf->network || is_word(pf->network, ALPHANUMERIC "._-"));
	ALWAYS(host->claim_lifetime >= 30 && host->claim_lifetime <= 3600);
	check_from(pf->from, VFERRY_PF_KEYS, file);
	check_from(host->from, VFERRY_HOST_KEYS, file);
	for (int i = 0; i < VFERRY_PF_KEYS; i++)
		ALWAYS(!pf->from[i] || pf->configured);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(VferryConfig) config = vferry_config_new();
	g_autoptr(GError) error = NULL;

	if (!vferry_config_parse(config, "one.conf", (const char *)data, size, &error)) {
		check_refusal(error);
		return 0;
	}
	ALWAYS(!error);
	check_values(config, "one.conf:");

	/* A second file of the same text is as good, and overrides all of the first. */
	ALWAYS(vferry_config_parse(config, "two.conf", (const char *)data, size, &error));
	check_values(config, "two.conf:");
	return 0;
}
