/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verb.h"

gboolean verb_parse(const VerbUsage *usage, const GOptionEntry *entries, int *argc, char ***argv,
		    GError **error)
{
	g_autoptr(GOptionContext) context = g_option_context_new(usage->arguments);
	int count;

	g_option_context_set_summary(context, usage->summary);
	g_option_context_set_description(context, usage->description);
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, argc, argv, error))
		return FALSE;
	*argv += 1;
	count = *argc - 1;
	if (count > 0 && g_str_equal(**argv, "--")) {
		*argv += 1;
		count--;
	}
	*argc = count;
	if (count >= usage->least && count <= usage->most)
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_USAGE, "%s %s%s: see %s --help",
		    count < usage->least ? "too few arguments" : "too many arguments",
		    *usage->arguments ? "for " : "are given", usage->arguments, g_get_prgname());
	return FALSE;
}
