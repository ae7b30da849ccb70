/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What decides about this host's VFs: configuration, aliases, claims. */
#ifndef VFERRY_HOST_H
#define VFERRY_HOST_H

#include "alias.h"
#include "claim.h"
#include "config.h"
#include "pf.h"

/**
 * Host - see above
 * @config: nothing is configured in it where @config_error is set
 * @config_error: why the configuration cannot be used, or NULL
 * @aliases: of the running kernel; NULL where @aliases_error is set
 * @aliases_error: why the aliases cannot be used, or NULL
 * @problems: texts, one line each: these two errors, and what is wrong with claims
 * @claims: private
 * @choices: private
 */
typedef struct {
	VferryConfig *config;
	GError *config_error;
	VferryAliases *aliases;
	GError *aliases_error;
	GPtrArray *problems;
	GPtrArray *claims;
	GHashTable *choices;
} Host;

/** host_read() - read what can be read, as any user */
Host *host_read(void);

/**
 * host_require() - refuse to go on without a configuration and aliases that can be used
 *
 * Return: FALSE with @config_error or @aliases_error.
 */
gboolean host_require(const Host *host, GError **error);

/** host_pf_config() - what is wanted of a PF; see vferry_config_for_pf() */
const VferryPfConfig *host_pf_config(const Host *host, const VferryPf *pf);

/** host_claim() - the claim on a VF, NULL for none, and for one that counts no more */
const VferryClaim *host_claim(const Host *host, const VferryAddress *vf);

/**
 * host_candidates() - vferry_aliases_candidates(), asked once for each modalias
 *
 * Return: NULL where that cannot be told.
 */
const char *const *host_candidates(const Host *host, const char *modalias);

/**
 * host_best_driver() - the driver of the first of them
 *
 * A module that is not loaded is taken to have a driver of its name.
 *
 * Return: NULL where that cannot be told.
 */
const char *host_best_driver(const Host *host, const char *modalias);

void host_free(Host *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Host, host_free)

#endif
