/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migratable.h"

#include "module-name.h"

#include <string.h>

const char *migratable_text(Migratable migratable)
{
	static const char *const texts[] = {
		[MIGRATABLE_UNKNOWN] = "unknown",
		[MIGRATABLE_NO] = "no",
		[MIGRATABLE_YES] = "yes",
	};

	return texts[migratable];
}

static gboolean is_variant(const MigratableFacts *facts)
{
	for (const char *const *module = facts->candidates; module && *module; module++)
		if (vferry_module_name_equal(facts->driver, *module))
			return TRUE;
	return FALSE;
}

static Migratable answer(Migratable verdict, char **ret_why, char *why)
{
	if (ret_why)
		*ret_why = why;
	else
		g_free(why);
	return verdict;
}

Migratable migratable_judge(const MigratableFacts *facts, char **ret_why)
{
	if (!facts->driver)
		return answer(MIGRATABLE_NO, ret_why, g_strdup("no driver is bound to it"));
	if (vferry_module_name_equal(facts->driver, VFERRY_FALLBACK_MODULE))
		return answer(MIGRATABLE_NO, ret_why,
			      g_strdup(VFERRY_FALLBACK_DRIVER " is no variant driver"));
	if (facts->devlink == MIGRATABLE_NO)
		return answer(MIGRATABLE_NO, ret_why,
			      g_strdup("devlink says 'migratable disable' of it"));
	if (is_variant(facts))
		return answer(MIGRATABLE_YES, ret_why,
			      g_strdup_printf("%s is a variant driver for it", facts->driver));
	if (facts->is_vfio)
		return answer(MIGRATABLE_UNKNOWN, ret_why,
			      g_strdup_printf("modules.alias does not name %s for it",
					      facts->driver));
	return answer(MIGRATABLE_NO, ret_why,
		      g_strdup_printf("%s is no VFIO driver", facts->driver));
}
