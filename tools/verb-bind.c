/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vferry bind, vferry unbind: give one VF a driver, or take it away. */
#include "verb.h"

#include "json.h"
#include "rebind.h"
#include "terminal.h"

#include <stdio.h>

#define NAMES									\
	"VF is an address like 0000:01:10.0 or 01:10.0, or a PF's network interface and\n"	\
	"the number of the VF, like enp1s0f0/3.\n"				\
	"\n"

#define EXIT_STATUS								\
	"Needs root.\n"								\
	"\n"									\
	"Exit status: 0 done; 1 refused, as the VF is in use: a domain has claimed it, a\n"	\
	"process has it open, its network interface is up; 2 any other error. After an\n"	\
	"error all is as before, or the message says what is not.\n"		\
	"\n"

static const VerbUsage bind_usage = {
	"VF [DRIVER]",
	"Bind a VF to a driver, and verify it.",
	NAMES
	"Without DRIVER it is the one that the configuration of its PF names, else the\n"
	"best variant driver that this kernel has, else vfio-pci. Where the configuration\n"
	"says driver=keep, DRIVER has to be given.\n"
	"\n"
	EXIT_STATUS
	"Examples:\n"
	"  vferry bind 01:10.0\n"
	"  vferry bind enp1s0f0/3\n"
	"  vferry bind 01:10.0 igbvf              give it back to the host",
	1, 2,
};

static const VerbUsage unbind_usage = {
	"VF",
	"Take a VF from its driver, and let any driver have it from now on.",
	NAMES
	EXIT_STATUS
	"Example:\n"
	"  vferry unbind 01:10.0",
	1, 1,
};

static void print_json(const Rebound *done)
{
	g_autoptr(JsonBuilder) b = json_builder_new();

	json_begin_object(b, NULL);
	json_add_address(b, "address", &done->address);
	json_add_text(b, "driver_before", done->driver_before);
	json_add_text(b, "driver", done->choice.driver);
	json_add_bool(b, "migrates", done->choice.migrates);
	json_add_text(b, "reason", done->choice.reason);
	json_builder_end_object(b);
	json_print(b);
}

static void print_text(const Rebound *done)
{
	const char *before = done->driver_before ? done->driver_before : "none";
	const char *after = done->choice.driver ? done->choice.driver : "none";
	char address[VFERRY_ADDRESS_TEXT_SIZE];

	vferry_address_text(&done->address, address);
	if (g_str_equal(before, after))
		printf("%s: driver %s, as before\n", address, after);
	else
		printf("%s: driver %s, before it was %s\n", address, after, before);
	if (done->choice.reason)
		terminal_note("a guest will not migrate with it: %s", done->choice.reason);
}

static gboolean run_bind(int argc, char **argv, GError **error)
{
	gboolean json = FALSE;
	const GOptionEntry entries[] = {
		{ "json", 'j', 0, G_OPTION_ARG_NONE, &json, "Print one JSON object", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_auto(Rebound) done = { 0 };

	if (!verb_parse(&bind_usage, entries, &argc, &argv, error) ||
	    !rebind_bind(argv[0], argc > 1 ? argv[1] : NULL, &done, error))
		return FALSE;
	(json ? print_json : print_text)(&done);
	return TRUE;
}

static gboolean run_unbind(int argc, char **argv, GError **error)
{
	gboolean json = FALSE;
	const GOptionEntry entries[] = {
		{ "json", 'j', 0, G_OPTION_ARG_NONE, &json, "Print one JSON object", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_auto(Rebound) done = { 0 };

	if (!verb_parse(&unbind_usage, entries, &argc, &argv, error) ||
	    !rebind_unbind(argv[0], &done, error))
		return FALSE;
	(json ? print_json : print_text)(&done);
	return TRUE;
}

const VferryVerb vferry_verb_bind = {
	"bind", "bind a VF to its best driver, or to another", run_bind,
};

const VferryVerb vferry_verb_unbind = {
	"unbind", "take a VF from its driver", run_unbind,
};
