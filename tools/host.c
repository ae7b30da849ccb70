/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host.h"

#include "claims.h"
#include "error.h"
#include "module-name.h"
#include "module.h"

/* What the aliases say of one modalias. */
typedef struct {
	char **modules;
	char *driver;
} Choice;

static void choice_free(gpointer data)
{
	Choice *choice = data;

	g_strfreev(choice->modules);
	g_free(choice->driver);
	g_free(choice);
}

static void note(Host *host, const GError *error)
{
	g_ptr_array_add(host->problems, g_strdup(error->message));
}

static void read_config(Host *host)
{
	host->config = vferry_config_load(VFERRY_CONFIG_FILE, VFERRY_CONFIG_FOLDER,
					  &host->config_error);
	if (host->config)
		return;
	note(host, host->config_error);
	host->config = vferry_config_new();
}

static void read_aliases(Host *host)
{
	g_autofree char *path = vferry_aliases_path();

	host->aliases = vferry_aliases_load(path, &host->aliases_error);
	if (!host->aliases)
		note(host, host->aliases_error);
}

/* A claim that counts no more is as none. */
static void drop_expired(GPtrArray *claims)
{
	VferryInstant now;

	if (!vferry_instant_now(&now, NULL))
		return;
	for (guint i = claims->len; i > 0; i--)
		if (vferry_claim_expired(g_ptr_array_index(claims, i - 1), &now))
			g_ptr_array_remove_index(claims, i - 1);
}

static void read_claims(Host *host)
{
	g_autoptr(GError) error = NULL;

	host->claims = vferry_claims_snapshot(VFERRY_CLAIMS_FOLDER, &error);
	if (!host->claims) {
		note(host, error);
		host->claims = g_ptr_array_new();
		return;
	}
	drop_expired(host->claims);
	for (guint i = 0; i < host->claims->len; i++) {
		const VferryClaim *claim = g_ptr_array_index(host->claims, i);

		if (claim->problem)
			g_ptr_array_add(host->problems, g_strdup(claim->problem));
	}
}

Host *host_read(void)
{
	Host *host = g_new0(Host, 1);

	host->problems = g_ptr_array_new_with_free_func(g_free);
	host->choices = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, choice_free);
	read_config(host);
	read_aliases(host);
	read_claims(host);
	return host;
}

void host_free(Host *host)
{
	vferry_config_free(host->config);
	g_clear_error(&host->config_error);
	g_clear_pointer(&host->aliases, vferry_aliases_free);
	g_clear_error(&host->aliases_error);
	g_ptr_array_unref(host->problems);
	g_ptr_array_unref(host->claims);
	g_hash_table_unref(host->choices);
	g_free(host);
}

gboolean host_require(const Host *host, GError **error)
{
	const GError *problem = host->config_error ? host->config_error : host->aliases_error;

	if (problem && error)
		*error = g_error_copy(problem);
	return !problem;
}

const VferryPfConfig *host_pf_config(const Host *host, const VferryPf *pf)
{
	return vferry_config_for_pf(host->config, &pf->address, pf->interfaces, pf->vendor,
				    pf->device);
}

/* Claims are sorted by address. */
const VferryClaim *host_claim(const Host *host, const VferryAddress *vf)
{
	guint from = 0, to = host->claims->len;

	while (from < to) {
		guint middle = from + (to - from) / 2;
		const VferryClaim *claim = g_ptr_array_index(host->claims, middle);
		int order = vferry_address_compare(vf, &claim->address);

		if (order == 0)
			return claim;
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return NULL;
}

static char *driver_of(const char *module)
{
	char *driver = vferry_module_driver(module, NULL);

	if (driver)
		return driver;
	return g_strdup(g_str_equal(module, VFERRY_FALLBACK_MODULE) ? VFERRY_FALLBACK_DRIVER :
								      module);
}

static const Choice *choose(const Host *host, const char *modalias)
{
	Choice *choice = g_hash_table_lookup(host->choices, modalias);

	if (choice || !host->aliases)
		return choice;
	choice = g_new0(Choice, 1);
	choice->modules = vferry_aliases_candidates(host->aliases, modalias, NULL);
	if (choice->modules)
		choice->driver = driver_of(choice->modules[0]);
	g_hash_table_insert(host->choices, g_strdup(modalias), choice);
	return choice;
}

const char *const *host_candidates(const Host *host, const char *modalias)
{
	const Choice *choice = choose(host, modalias);

	return choice ? (const char *const *)choice->modules : NULL;
}

const char *host_best_driver(const Host *host, const char *modalias)
{
	const Choice *choice = choose(host, modalias);

	return choice ? choice->driver : NULL;
}
