/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vferry provision: give PFs the VFs that the configuration wants. */
#include "verb.h"

#include "device-argument.h"
#include "host.h"
#include "json.h"
#include "progress.h"
#include "provision.h"

#include <stdio.h>
#include <unistd.h>

static const VerbUsage usage = {
	"[PF...]",
	"Give PFs the VFs that vferry.conf(5) wants, each on its driver.",
	"PF is an address like 0000:01:00.0 or 01:00.0, or a network interface. The host\n"
	"does the same at boot, and when a PF is plugged in.\n"
	"\n"
	"A number of VFs that differs is changed only while no VF is in use; a VF that is\n"
	"in use is not taken from its driver. Needs root, except for --dry-run.\n"
	"\n"
	"Exit status: 0 all is as configured; 1 something is not, see what is printed, or\n"
	"no section of the configuration is about the PF; 2 any other error.\n"
	"\n"
	"Examples:\n"
	"  vferry provision enp1s0f0\n"
	"  vferry provision --all --dry-run",
	0, G_MAXINT,
};

typedef struct {
	gboolean all;
	gboolean dry_run;
	gboolean json;
} Options;

/* Of --all: what a section names and is not there is skipped, as at boot. */
static gboolean add_all(const Host *host, GArray *pfs, GError **error)
{
	g_autoptr(VferryInventory) inventory = vferry_inventory_scan(error);

	if (!inventory)
		return FALSE;
	for (guint i = 0; i < inventory->pfs->len; i++) {
		const VferryPf *pf = g_ptr_array_index(inventory->pfs, i);

		if (host_pf_config(host, pf)->configured)
			g_array_append_val(pfs, pf->address);
	}
	return TRUE;
}

static GArray *find_pfs(const Host *host, gboolean all, int argc, char **argv, GError **error)
{
	g_autoptr(GArray) pfs = g_array_new(FALSE, FALSE, sizeof(VferryAddress));

	if (all)
		return add_all(host, pfs, error) ? g_steal_pointer(&pfs) : NULL;
	for (int i = 0; i < argc; i++) {
		VferryAddress address;

		if (!device_argument_pf(argv[i], &address, error))
			return NULL;
		g_array_append_val(pfs, address);
	}
	return g_steal_pointer(&pfs);
}

static VferryProvision *provision(const Host *host, const VferryAddress *pf, gboolean dry_run,
				  GError **error)
{
	char address[VFERRY_ADDRESS_TEXT_SIZE];
	g_autofree char *doing =
		g_strconcat("provisioning ", vferry_address_text(pf, address), NULL);
	g_autoptr(Progress) progress = progress_begin(doing);

	return vferry_provision_pf(host->config, host->aliases, pf,
				   dry_run ? VFERRY_PROVISION_DRY_RUN : 0, error);
}

static void print_vf(const VferryProvisionVf *vf)
{
	char address[VFERRY_ADDRESS_TEXT_SIZE];

	printf("  %s  %-6s  %s%s%s\n", vferry_address_text(&vf->address, address),
	       vferry_provision_outcome_text(vf->outcome), vf->driver ? vf->driver : "no driver",
	       vf->problem ? ": " : "", vf->problem ? vf->problem : "");
}

/* The reason is the same for many VFs: once is enough. */
static void print_reason(const VferryProvision *done)
{
	for (guint i = 0; i < done->vfs->len; i++) {
		const VferryProvisionVf *vf = g_ptr_array_index(done->vfs, i);

		if (!vf->reason)
			continue;
		printf("  guests will not migrate: %s\n", vf->reason);
		return;
	}
}

static void print_text(const VferryProvision *done, gboolean dry_run)
{
	char address[VFERRY_ADDRESS_TEXT_SIZE];

	printf("%s: %u VFs%s, before %u\n", vferry_address_text(&done->pf, address),
	       done->vfs_after, dry_run ? " it would have" : "", done->vfs_before);
	if (done->problem)
		printf("  %s\n", done->problem);
	for (guint i = 0; i < done->vfs->len; i++)
		print_vf(g_ptr_array_index(done->vfs, i));
	print_reason(done);
	fflush(stdout);
}

static void add_json(JsonBuilder *b, const VferryProvision *done)
{
	json_begin_object(b, NULL);
	json_add_address(b, "pf", &done->pf);
	json_add_bool(b, "good", vferry_provision_is_good(done));
	json_add_number(b, "vfs_before", done->vfs_before);
	json_add_number(b, "vfs_after", done->vfs_after);
	json_add_text(b, "problem", done->problem);
	json_begin_array(b, "vfs");
	for (guint i = 0; i < done->vfs->len; i++) {
		const VferryProvisionVf *vf = g_ptr_array_index(done->vfs, i);

		json_begin_object(b, NULL);
		json_add_address(b, "address", &vf->address);
		json_add_text(b, "outcome", vferry_provision_outcome_text(vf->outcome));
		json_add_text(b, "driver", vf->driver);
		json_add_text(b, "problem", vf->problem);
		json_add_text(b, "reason", vf->reason);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
	json_builder_end_object(b);
}

/* A PF that fails does not keep the next from being done; the first error is the verb's. */
static gboolean provision_all(const Host *host, const GArray *pfs, const Options *options,
			      JsonBuilder *b, GError **error)
{
	g_autoptr(GError) first = NULL;
	guint bad = 0;

	for (guint i = 0; i < pfs->len; i++) {
		const VferryAddress *pf = &g_array_index(pfs, VferryAddress, i);
		g_autoptr(GError) problem = NULL;
		g_autoptr(VferryProvision) done = provision(host, pf, options->dry_run, &problem);

		if (!done) {
			if (first)
				g_printerr("%s\n", problem->message);
			else
				first = g_steal_pointer(&problem);
			continue;
		}
		bad += !vferry_provision_is_good(done);
		if (options->json)
			add_json(b, done);
		else
			print_text(done, options->dry_run);
	}
	if (!first && bad)
		g_set_error(&first, VFERRY_ERROR, VFERRY_ERROR_REFUSED,
			    "%u of %u PFs %s not as configured: see what is printed of each", bad,
			    pfs->len, bad == 1 ? "is" : "are");
	if (!first)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&first));
	return FALSE;
}

static gboolean check_options(const Options *options, int argc, GError **error)
{
	if (options->all == (argc > 0)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_USAGE,
			    "give PFs, or --all, and not both: see vferry provision --help");
		return FALSE;
	}
	if (geteuid() == 0 || options->dry_run)
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
		    "only root may do this: run it with sudo, or with --dry-run");
	return FALSE;
}

static gboolean run_provision(int argc, char **argv, GError **error)
{
	Options options = { 0 };
	const GOptionEntry entries[] = {
		{ "all", 'a', 0, G_OPTION_ARG_NONE, &options.all,
		  "Every PF that the configuration is about", NULL },
		{ "dry-run", 'n', 0, G_OPTION_ARG_NONE, &options.dry_run,
		  "Change nothing, say what would be done", NULL },
		{ "json", 'j', 0, G_OPTION_ARG_NONE, &options.json, "Print one JSON object", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(JsonBuilder) b = json_builder_new();
	g_autoptr(Host) host = NULL;
	g_autoptr(GArray) pfs = NULL;
	gboolean good;

	if (!verb_parse(&usage, entries, &argc, &argv, error) ||
	    !check_options(&options, argc, error))
		return FALSE;
	host = host_read();
	if (!host_require(host, error))
		return FALSE;
	pfs = find_pfs(host, options.all, argc, argv, error);
	if (!pfs)
		return FALSE;
	json_begin_object(b, NULL);
	json_begin_array(b, "pfs");
	good = provision_all(host, pfs, &options, b, error);
	json_builder_end_array(b);
	json_builder_end_object(b);
	if (options.json)
		json_print(b);
	else if (pfs->len == 0)
		puts("The configuration is about no PF of this host.");
	return good;
}

const VferryVerb vferry_verb_provision = {
	"provision", "make the VFs that the configuration wants", run_provision,
};
