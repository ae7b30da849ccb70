/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vferry list: every PF and VF, and who has it. */
#include "verb.h"

#include "listing.h"
#include "terminal.h"

#include <stdio.h>

/* How long libvirt of this host may take to say which domain has which VF, in ms. */
#define LIBVIRT_LIMIT 2000

static const VerbUsage usage = {
	"",
	"List the PFs of this host, and their VFs.",
	"DRIVER is what holds the device now, BEST what suits the VF best, \"=\" if that is\n"
	"the same. MIGR says whether a guest can migrate with the VF as it is bound now.\n"
	"USED BY is a domain, or the network interface that the host itself has.\n"
	"\n"
	"Needs no privilege. With --connect, what another host's libvirt can tell.\n"
	"\n"
	"Exit status: 0; 2 wrong arguments, or nothing can be read.\n"
	"\n"
	"Examples:\n"
	"  vferry list\n"
	"  vferry list --json | jq -r '.pfs[].vfs[] | select(.migratable != \"yes\").address'\n"
	"  vferry list --connect qemu+ssh://host2/system",
	0, 0,
};

static Listing *read_here(GError **error)
{
	g_autoptr(Listing) listing = listing_read_host(error);
	g_autoptr(Domains) domains = NULL;
	g_autoptr(GError) problem = NULL;

	if (!listing)
		return NULL;
	domains = domains_open(NULL, FALSE, LIBVIRT_LIMIT, &problem);
	if (domains)
		listing_add_users(listing, domains);
	else
		g_ptr_array_add(listing->notes,
				g_strdup_printf("which domain has a VF is from claims alone: %s",
						problem->message));
	return g_steal_pointer(&listing);
}

static Listing *read_there(const char *uri, GError **error)
{
	g_autoptr(virConnect) connection = connection_open(uri, TRUE, error);

	return connection ? listing_read_libvirt(connection, error) : NULL;
}

static gboolean run_list(int argc, char **argv, GError **error)
{
	g_autofree char *uri = NULL;
	gboolean json = FALSE;
	const GOptionEntry entries[] = {
		{ "connect", 'c', 0, G_OPTION_ARG_STRING, &uri,
		  "Ask the libvirt at URI, and nothing else", "URI" },
		{ "json", 'j', 0, G_OPTION_ARG_NONE, &json, "Print one JSON object", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(Listing) listing = NULL;

	if (!verb_parse(&usage, entries, &argc, &argv, error))
		return FALSE;
	listing = uri ? read_there(uri, error) : read_here(error);
	if (!listing)
		return FALSE;
	if (json) {
		listing_print_json(listing);
		return TRUE;
	}
	if (listing->pfs->len > 0)
		listing_print_table(listing);
	else
		puts("There is no PF: no PCI device with SR-IOV.");
	for (guint i = 0; i < listing->notes->len; i++)
		terminal_note("%s", (char *)listing->notes->pdata[i]);
	return TRUE;
}

const VferryVerb vferry_verb_list = {
	"list", "list PFs and VFs, and who has them", run_list,
};
