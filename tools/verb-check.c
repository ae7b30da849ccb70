/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vferry check: can this domain migrate, and to that host? */
#include "verb.h"

#include "check-gather.h"
#include "check.h"

#include <unistd.h>

static const VerbUsage usage = {
	"DOMAIN [URI]",
	"Say whether a domain with VFs can migrate, and to the host of URI.",
	"Changes nothing. Of the other host only what its libvirt tells is looked at; URI is\n"
	"what virsh migrate takes. Run as root: another user cannot ask the devices.\n"
	"\n"
	"A guest has its device open, so what it offers for migration is read from debugfs\n"
	"(Linux 6.18, or igbvf_vfio_pci), or a free VF of the same PF is opened and so reset.\n"
	"--ask-qemu asks the guest's QEMU what blocks a migration: the surest answer, but\n"
	"libvirt then marks the domain as tainted (custom-monitor) until it is shut off.\n"
	"\n"
	"Exit status: 0 nothing failed; 1 a check failed; 2 something could not be looked at.\n"
	"\n"
	"Examples:\n"
	"  vferry check guest\n"
	"  vferry check guest qemu+ssh://host2/system\n"
	"  vferry check --json guest qemu+ssh://host2/system | jq -r '.there[].text'",
	1, 2,
};

static gboolean print(const Check *check, const char *domain, const char *uri, gboolean json,
		      GError **error)
{
	guint failures = check_failures(check);

	if (json)
		check_print_json(check, domain, uri);
	else
		check_print(check, uri);
	if (failures == 0)
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED,
		    "%s cannot migrate: %u check%s failed", domain, failures,
		    failures == 1 ? "" : "s");
	return FALSE;
}

static gboolean run_check(int argc, char **argv, GError **error)
{
	g_autofree char *connect = NULL;
	gboolean json = FALSE, ask_qemu = FALSE;
	const GOptionEntry entries[] = {
		{ "connect", 'c', 0, G_OPTION_ARG_STRING, &connect,
		  "This host's libvirt; qemu:///system unless given", "URI" },
		{ "ask-qemu", 0, 0, G_OPTION_ARG_NONE, &ask_qemu,
		  "Ask QEMU, too; taints the domain", NULL },
		{ "json", 'j', 0, G_OPTION_ARG_NONE, &json, "Print one JSON object", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(virConnect) connection = NULL;
	g_autoptr(virDomain) domain = NULL;
	g_autoptr(Check) check = NULL;
	const char *uri;

	if (!verb_parse(&usage, entries, &argc, &argv, error))
		return FALSE;
	uri = argc > 1 ? argv[1] : NULL;
	connection = connection_open(connect, geteuid() != 0 && !ask_qemu, error);
	domain = connection ? check_find_domain(connection, argv[0], error) : NULL;
	check = domain ? check_run(connection, domain, uri, ask_qemu, error) : NULL;
	return check && print(check, argv[0], uri, json, error);
}

const VferryVerb vferry_verb_check = {
	"check", "say whether a domain can migrate", run_check,
};
