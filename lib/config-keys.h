/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a configuration file may hold: the one place that knows each key. */
#ifndef VFERRY_CONFIG_KEYS_H
#define VFERRY_CONFIG_KEYS_H

#include "config.h"

/**
 * VferryConfigKey - one key of a kind of section
 * @name: as it stands in the file
 * @set: puts a value into a VferryPfConfig or VferryHostConfig, which may keep the
 *	pointer; FALSE, with nothing done, where it is no value of this key
 * @give: what the value may be, for errors
 */
typedef struct {
	const char *name;
	gboolean (*set)(gpointer ret, const char *value);
	const char *give;
} VferryConfigKey;

/**
 * VferryConfigKind - a kind of section
 * @name: first word of its heading
 * @keys: by VferryPfKey or VferryHostKey
 * @key_count: number of @keys, at least one
 */
typedef struct {
	const char *name;
	const VferryConfigKey *keys;
	guint key_count;
} VferryConfigKind;

extern const VferryConfigKind vferry_config_pf_kind;
extern const VferryConfigKind vferry_config_host_kind;

/* What holds where no section says otherwise. */
extern const VferryPfConfig vferry_config_pf_defaults;
extern const VferryHostConfig vferry_config_host_defaults;

#endif
