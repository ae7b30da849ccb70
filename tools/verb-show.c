/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vferry show: everything about one VF. */
#include "verb.h"

#include "device-argument.h"
#include "show.h"
#include "terminal.h"

static const VerbUsage usage = {
	"VF",
	"Show everything about one VF: what it is, who holds it, and what decides about it.",
	"VF is an address like 0000:01:10.0 or 01:10.0, or a PF's network interface and\n"
	"the number of the VF, like enp1s0f0/3.\n"
	"\n"
	"Needs no privilege.\n"
	"\n"
	"Exit status: 0; 2 wrong arguments, or there is no such VF.\n"
	"\n"
	"Examples:\n"
	"  vferry show 01:10.0\n"
	"  vferry show enp1s0f0/3\n"
	"  vferry show --json 01:10.0 | jq .identity",
	1, 1,
};

static gboolean run_show(int argc, char **argv, GError **error)
{
	gboolean json = FALSE;
	const GOptionEntry entries[] = {
		{ "json", 'j', 0, G_OPTION_ARG_NONE, &json, "Print one JSON object", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(Shown) shown = NULL;
	VferryVf *vf;

	if (!verb_parse(&usage, entries, &argc, &argv, error))
		return FALSE;
	vf = device_argument_vf(argv[0], error);
	if (!vf)
		return FALSE;
	shown = shown_read(vf);
	if (json) {
		shown_print_json(shown);
		return TRUE;
	}
	shown_print_text(shown);
	for (guint i = 0; i < shown->notes->len; i++)
		terminal_note("%s", (char *)shown->notes->pdata[i]);
	return TRUE;
}

const VferryVerb vferry_verb_show = {
	"show", "show everything about one VF", run_show,
};
