/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vferry decode: show a captured device state. */
#include "verb.h"

#include "capture.h"
#include "decode.h"

static const char description[] =
	"What is good of a state that is refused is shown before the error.\n"
	"\n"
	"Exit status: 0 the state is good; 1 it is refused; 2 wrong arguments, or the\n"
	"input cannot be read.\n"
	"\n"
	"Examples:\n"
	"  vferry decode state.bin                the state in a file\n"
	"  vferry decode - < state.bin            the same from standard input\n"
	"  vferry decode --json state.bin | jq .mailbox.vlans\n"
	"  vferry decode /sys/kernel/debug/igbvf_vfio_pci/0000:01:10.0/last_stream";

static gboolean run_decode(int argc, char **argv, GError **error)
{
	gboolean json = FALSE;
	const GOptionEntry entries[] = {
		{ "json", 'j', 0, G_OPTION_ARG_NONE, &json, "Print one JSON object", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new("FILE|-");
	g_autoptr(Capture) capture = NULL;
	g_autoptr(GError) refusal = NULL;

	g_option_context_set_summary(context,
				     "Show the captured device state of an Intel 82576 or I350 VF.");
	g_option_context_set_description(context, description);
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, error))
		return FALSE;
	if (argc > 1 && g_str_equal(argv[1], "--")) {
		argc--;
		argv++;
	}
	if (argc != 2) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_USAGE,
			    "one file is expected, %d are given: see vferry decode --help",
			    argc - 1);
		return FALSE;
	}

	capture = capture_read(argv[1], error);
	if (!capture)
		return FALSE;
	capture_accepted(capture, &refusal);
	if (json)
		decode_print_json(capture, refusal);
	else
		decode_print_text(capture);
	if (refusal) {
		g_propagate_error(error, g_steal_pointer(&refusal));
		return FALSE;
	}
	return TRUE;
}

const VferryVerb vferry_verb_decode = {
	"decode", "show a captured device state", run_decode,
};
