/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command vferry: the table of verbs, and what holds for all of them. */
#include "version.h"

#include "terminal.h"
#include "verb.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

static const VferryVerb *const verbs[] = {
	&vferry_verb_list,
	&vferry_verb_show,
	&vferry_verb_provision,
	&vferry_verb_bind,
	&vferry_verb_unbind,
	&vferry_verb_detach,
	&vferry_verb_check,
	&vferry_verb_migrate,
	&vferry_verb_doctor,
	&vferry_verb_export,
	&vferry_verb_decode,
};

static const VferryVerb *find_verb(const char *name)
{
	for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++)
		if (g_str_equal(verbs[i]->name, name))
			return verbs[i];
	return NULL;
}

static char *describe_verbs(void)
{
	GString *text = g_string_new("Verbs:\n");

	for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++)
		g_string_append_printf(text, "  %-12s %s\n", verbs[i]->name,
				       verbs[i]->summary);
	g_string_append(text, "\n`vferry VERB --help` says more about each.");
	return g_string_free(text, FALSE);
}

static gboolean run(int argc, char **argv, GError **error)
{
	gboolean version = FALSE;
	const GOptionEntry entries[] = {
		{ "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new("VERB [ARGUMENT...]");
	g_autofree char *description = describe_verbs();
	g_autofree char *name = NULL;
	const VferryVerb *verb;

	g_option_context_set_summary(context, "Live-migratable SR-IOV virtual functions under libvirt.");
	g_option_context_set_description(context, description);
	g_option_context_add_main_entries(context, entries, NULL);
	/* What comes after the verb is the verb's. */
	g_option_context_set_strict_posix(context, TRUE);
	if (!g_option_context_parse(context, &argc, &argv, error))
		return FALSE;
	if (version) {
		puts("vferry " VFERRY_VERSION);
		return TRUE;
	}
	if (argc > 1 && g_str_equal(argv[1], "--")) {
		argc--;
		argv++;
	}
	if (argc < 2) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_USAGE,
			    "a verb is missing: see vferry --help");
		return FALSE;
	}
	verb = find_verb(argv[1]);
	if (!verb) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_USAGE,
			    "there is no verb '%s': see vferry --help", argv[1]);
		return FALSE;
	}
	name = g_strdup_printf("vferry %s", verb->name);	/* for its --help */
	g_set_prgname(name);
	if (!verb->run(argc - 1, argv + 1, error)) {
		g_prefix_error(error, "%s: ", verb->name);
		return FALSE;
	}
	return TRUE;
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *message = NULL;
	gboolean ok;

	setlocale(LC_ALL, "");
	g_set_prgname("vferry");
	ok = run(argc, argv, &error);
	/* A full disk or a closed pipe must not look like success. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		g_printerr("vferry: cannot write to standard output: %s\n", g_strerror(errno));
		return 2;
	}
	if (ok)
		return EXIT_SUCCESS;
	message = terminal_text(error->message);
	g_printerr("vferry: %s\n", message);
	return g_error_matches(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED) ? 1 : 2;
}
