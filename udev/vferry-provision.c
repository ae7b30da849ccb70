/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Creates and binds VFs as vferry.conf(5) says: see vferry-provision(8). */
#include "error.h"
#include "provision.h"
#include "report.h"
#include "targets.h"
#include "workers.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>

enum {
	EXIT_DONE = 0,
	EXIT_PROBLEM = 1,
	EXIT_USAGE = 2,
	EXIT_CONFIGURATION = 3,
	EXIT_NO_PF = 4,
};

#define WAIT_SECONDS 30
#define WAIT_SECONDS_MAX 3600

typedef struct {
	gboolean boot;
	gboolean bind;
	gboolean dry_run;
	gboolean version;
	int wait;
	const char *pf;
} Options;

static gboolean usage(GError **error, const char *what)
{
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_USAGE, "%s: see vferry-provision --help",
		    what);
	return FALSE;
}

static gboolean parse_options(int argc, char **argv, Options *options, GError **error)
{
	const GOptionEntry entries[] = {
		{ "boot", 0, 0, G_OPTION_ARG_NONE, &options->boot,
		  "Every PF that is configured; wait for those that come late", NULL },
		{ "bind", 0, 0, G_OPTION_ARG_NONE, &options->bind,
		  "Only bind the VFs that are there, of every PF that is configured", NULL },
		{ "wait", 0, 0, G_OPTION_ARG_INT, &options->wait,
		  "How long to wait for PFs, 30 unless said", "SECONDS" },
		{ "dry-run", 'n', 0, G_OPTION_ARG_NONE, &options->dry_run,
		  "Say what would be done, and change nothing", NULL },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version",
		  NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new("[PF]");

	g_option_context_set_summary(context, "Create and bind the virtual functions (VFs) that "
				     "vferry.conf(5) wants of a\nphysical function (PF): an "
				     "address or a network interface.");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, error))
		return FALSE;
	options->pf = argv[1];
	if (options->version)
		return TRUE;
	if (argc > 2)
		return usage(error, "there is more than one PF");
	if (options->boot + options->bind + (options->pf != NULL) > 1)
		return usage(error, "only one of PF, --boot and --bind is possible");
	if (!options->boot && !options->bind && !options->pf && !options->dry_run)
		return usage(error, "a PF is missing");
	if (options->wait < 0 || options->wait > WAIT_SECONDS_MAX)
		return usage(error, "--wait takes 0 to 3600 seconds");
	return TRUE;
}

static VferryProvision *provision(const VferryAddress *pf, VferryConfig *config,
				  const Options *options, GError **error)
{
	g_autofree char *path = vferry_aliases_path();
	g_autoptr(VferryAliases) aliases = vferry_aliases_load(path, error);
	VferryProvisionFlags flags = 0;

	if (options->dry_run)
		flags |= VFERRY_PROVISION_DRY_RUN;
	if (options->bind)
		flags |= VFERRY_PROVISION_BIND_ONLY;
	return aliases ? vferry_provision_pf(config, aliases, pf, flags, error) : NULL;
}

/*
 * With --bind a VF that is in use is none of our business: whoever uses it may have given it
 * its driver, as a libvirt before 10.0 does with vfio-pci.
 */
static gboolean is_good(const VferryProvision *done, const Options *options)
{
	if (options->bind)
		return !done->problem && !done->outcomes[VFERRY_PROVISION_FAILED];
	return vferry_provision_is_good(done);
}

typedef struct {
	VferryConfig *config;
	const Options *options;
} Job;

static gboolean work(const VferryAddress *pf, gpointer data)
{
	const Job *job = data;
	const gint64 start = g_get_monotonic_time();
	g_autoptr(GError) error = NULL;
	g_autoptr(VferryProvision) done = provision(pf, job->config, job->options, &error);
	char name[VFERRY_ADDRESS_TEXT_SIZE];

	if (!done) {
		vferry_report_line(LOG_ERR, vferry_address_text(pf, name), "%s", error->message);
		return FALSE;
	}
	vferry_report_done(done, (g_get_monotonic_time() - start) / 1000);
	return is_good(done, job->options);
}

static int exit_status(const GError *error)
{
	if (g_error_matches(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND))
		return EXIT_NO_PF;
	return EXIT_PROBLEM;
}

static int fail(const GError *error, int status)
{
	vferry_report_line(LOG_ERR, NULL, "%s", error->message);
	return status;
}

static VferryTargets *targets_of(const Options *options, VferryConfig *config)
{
	VferryTargetsMode mode = options->pf ? VFERRY_TARGETS_ONE :
				 options->bind ? VFERRY_TARGETS_WITH_VFS : VFERRY_TARGETS_ALL;

	return vferry_targets_new(mode, config, options->pf);
}

static int dry_run(VferryConfig *config, const Options *options)
{
	g_autoptr(VferryTargets) targets = targets_of(options, config);
	g_autoptr(GArray) pfs = g_array_new(FALSE, FALSE, sizeof(VferryAddress));
	g_autoptr(GPtrArray) missing = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;
	int status = EXIT_DONE;

	if (!vferry_targets_look(targets, pfs, missing, &error))
		return fail(error, exit_status(error));
	for (guint i = 0; i < pfs->len; i++) {
		g_autoptr(VferryProvision) foreseen =
			provision(&g_array_index(pfs, VferryAddress, i), config, options, &error);

		if (!foreseen)
			return fail(error, EXIT_PROBLEM);
		vferry_report_foreseen(foreseen);
		if (!is_good(foreseen, options))
			status = EXIT_PROBLEM;
	}
	for (guint i = 0; i < missing->len; i++)
		printf("missing: %s\n", (char *)g_ptr_array_index(missing, i));
	return missing->len ? EXIT_PROBLEM : status;
}

static int run(VferryConfig *config, const Options *options)
{
	g_autoptr(VferryTargets) targets = targets_of(options, config);
	g_autoptr(GPtrArray) missing = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;
	Job job = { config, options };
	gboolean good;

	if (!vferry_workers_run(targets, (guint)options->wait, work, &job, missing, &good, &error))
		return fail(error, exit_status(error));
	for (guint i = 0; i < missing->len; i++)
		vferry_report_line(LOG_ERR, NULL, "%s: waited %d s for it",
				   (char *)g_ptr_array_index(missing, i), options->wait);
	return good && !missing->len ? EXIT_DONE : EXIT_PROBLEM;
}

static gboolean is_empty(VferryConfig *config)
{
	g_auto(GStrv) sections = vferry_config_pf_sections(config);

	return !sections[0];
}

int main(int argc, char **argv)
{
	Options options = { .wait = WAIT_SECONDS };
	g_autoptr(VferryConfig) config = NULL;
	g_autoptr(GError) error = NULL;
	int status;

	setlocale(LC_ALL, "");
	g_set_prgname("vferry-provision");
	if (!parse_options(argc, argv, &options, &error))
		return fail(error, EXIT_USAGE);
	if (options.version) {
		puts("vferry-provision " VFERRY_VERSION);
		return EXIT_DONE;
	}
	config = vferry_config_load(VFERRY_CONFIG_FILE, VFERRY_CONFIG_FOLDER, &error);
	if (!config)
		return fail(error, EXIT_CONFIGURATION);
	if (is_empty(config))
		return EXIT_DONE;
	status = options.dry_run ? dry_run(config, &options) : run(config, &options);
	if (fflush(stdout) != 0) {
		vferry_report_line(LOG_ERR, NULL, "cannot write to standard output: %s",
				   g_strerror(errno));
		return EXIT_PROBLEM;
	}
	return status;
}
