/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vferry migrate: check, migrate, and show how far it is. */
#include "verb.h"

#include "check-gather.h"
#include "check.h"
#include "json.h"
#include "migration-hint.h"
#include "migration.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Seconds between two lines where standard error is no terminal. */
#define LINE_INTERVAL 5

/* Widest bar, and the columns that are kept for text. */
#define BAR_MAX 30
#define TEXT_WIDTH 64

static const VerbUsage usage = {
	"DOMAIN URI",
	"Migrate a running domain with its VFs to the host of URI.",
	"Like virsh migrate --live --p2p, for a persistent domain also --persistent\n"
	"--undefinesource, after vferry check has found nothing that fails. URI is what this\n"
	"host's libvirt connects to, as root; vferry connects to it, too.\n"
	"\n"
	"Progress goes to standard error: a bar on a terminal, else a line now and then.\n"
	"Ctrl-C (SIGINT, SIGTERM, SIGHUP) cancels: the guest then runs on here. vferry waits\n"
	"until libvirt has done so; at the very end of a migration it completes it instead.\n"
	"\n"
	"The other host's VF may have another address. Its hook chooses it; vferry-arrival\n"
	"there writes it into the persistent definition. --persistent-xml as of virsh would\n"
	"have to know it before, and is not used.\n"
	"\n"
	"With --json a check that failed is printed as vferry check does it.\n"
	"\n"
	"Exit status: 0 the domain has moved; 1 a check failed, nothing was done; 2 it failed\n"
	"or was cancelled.\n"
	"\n"
	"Examples:\n"
	"  vferry migrate guest qemu+ssh://host2/system\n"
	"  vferry migrate --bandwidth 200 --timeout 600 guest qemu+ssh://host2/system\n"
	"  vferry migrate --migrate-uri tcp://192.0.2.2 guest qemu+ssh://host2/system",
	2, 2,
};

/* Progress */

static gboolean has_terminal(void)
{
	return isatty(STDERR_FILENO);
}

static guint terminal_width(void)
{
	struct winsize size = { 0 };

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void show_bar(const MigrationProgress *progress, const char *text)
{
	guint width = terminal_width();
	guint bar_width = width > TEXT_WIDTH ? MIN(width - TEXT_WIDTH, BAR_MAX) : 0;
	g_autofree char *bar = bar_width >= 10 ?
		migration_progress_bar(migration_progress_percent(progress), bar_width) :
		g_strdup("");

	/* Back to the first column, and the rest of the old line away. */
	g_printerr("\r%s %.*s\033[K", bar, (int)width - (int)bar_width - 2, text);
}

static void show_progress(const MigrationProgress *progress)
{
	static gint64 last;
	gint64 now = g_get_monotonic_time();
	g_autofree char *text = NULL;

	if (!has_terminal() && now - last < LINE_INTERVAL * G_USEC_PER_SEC)
		return;
	text = migration_progress_text(progress);
	if (has_terminal())
		show_bar(progress, text);
	else
		g_printerr("%s\n", text);
	last = now;
}

static void end_bar(void)
{
	if (has_terminal())
		g_printerr("\r\033[K");
}

static void show_cancelling(const char *why, gboolean again)
{
	end_bar();
	g_printerr("%s: %s\n", why, again ? "it is being cancelled already, wait for it" :
		   "cancelling; the guest stays here");
}

static const MigrationWatch watch = { show_progress, show_cancelling };

/* Result */

static const char *outcome_text(MigrationOutcome outcome)
{
	static const char *const texts[] = {
		[MIGRATION_MOVED] = "moved",
		[MIGRATION_CANCELLED] = "cancelled",
		[MIGRATION_FAILED] = "failed",
	};

	return texts[outcome];
}

static void print_json(const MigrationResult *result, const char *domain, const char *uri)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	const char *hint = result->message ? migration_hint(result->message) : NULL;

	json_begin_object(builder, NULL);
	json_add_text(builder, "domain", domain);
	json_add_text(builder, "uri", uri);
	json_add_text(builder, "result", outcome_text(result->outcome));
	json_add_text(builder, "error", result->message);
	json_add_text(builder, "advice", hint);
	if (result->runs_here == ANSWER_UNKNOWN)
		json_add_text(builder, "runs_here", NULL);
	else
		json_add_bool(builder, "runs_here", result->runs_here == ANSWER_YES);
	json_add_number(builder, "milliseconds", (gint64)(result->seconds * 1000));
	json_add_number(builder, "downtime_ms", result->progress.downtime_ms);
	json_add_number(builder, "bytes_sent", (gint64)result->progress.processed);
	json_builder_end_object(builder);
	json_print(builder);
}

static void print_moved(const MigrationResult *result, const char *domain, const char *uri)
{
	g_autofree char *sent = migration_size_text(result->progress.processed);

	printf("%s has moved to %s in %.1f s, %s sent", domain, uri, result->seconds, sent);
	if (result->progress.downtime_ms >= 0)
		printf("; it stood still for %" G_GINT64_FORMAT " ms",
		       result->progress.downtime_ms);
	putchar('\n');
}

static const char *where_it_is(const MigrationResult *result)
{
	if (result->runs_here == ANSWER_UNKNOWN)
		return "libvirt here does not say where it is: look on both hosts (virsh list) before "
		       "you start it";
	if (result->runs_here == ANSWER_NO)
		return "it does not run here any more: look for it on the other host";
	return result->paused ? "it is here, and paused: virsh resume" : "it runs on here";
}

static void set_error(GError **error, const MigrationResult *result, const char *domain)
{
	const char *hint = migration_hint(result->message);

	if (result->outcome == MIGRATION_CANCELLED)
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED, "cancelled; %s: %s", domain,
			    where_it_is(result));
	else
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED, "%s; %s: %s%s%s",
			    result->message, domain, where_it_is(result), hint ? "; " : "",
			    hint ? hint : "");
}

/* The verb */

static gboolean passes_check(virConnectPtr connection, virDomainPtr domain, const char *name,
			     const char *uri, gboolean json, GError **error)
{
	g_autoptr(Check) check = check_run(connection, domain, uri, FALSE, error);
	guint failures = check ? check_failures(check) : 0;

	if (!check)
		return FALSE;
	if (failures == 0)
		return TRUE;
	if (json)
		check_print_json(check, name, uri);
	else
		check_print(check, uri);
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED,
		    "%s stays here: %u check%s failed; --no-check migrates all the same", name,
		    failures, failures == 1 ? "" : "s");
	return FALSE;
}

static gboolean migrate(virConnectPtr connection, virDomainPtr domain, const char *name,
			const MigrationOptions *options, gboolean json, GError **error)
{
	/* As long as someone is connected, a libvirt that ends when idle does not. */
	g_autoptr(virConnect) other = connection_open(options->uri, TRUE, NULL);
	g_auto(MigrationResult) result = { 0 };

	migration_run(connection, domain, options, &watch, &result);
	end_bar();
	if (json)
		print_json(&result, name, options->uri);
	else if (result.outcome == MIGRATION_MOVED)
		print_moved(&result, name, options->uri);
	if (result.outcome == MIGRATION_MOVED)
		return TRUE;
	set_error(error, &result, name);
	return FALSE;
}

static gboolean check_numbers(int bandwidth, int timeout, GError **error)
{
	if (bandwidth >= 0 && timeout >= 0)
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_USAGE,
		    "--%s has to be 0 or more", bandwidth < 0 ? "bandwidth" : "timeout");
	return FALSE;
}

static gboolean run_migrate(int argc, char **argv, GError **error)
{
	g_autofree char *connect = NULL;
	g_autofree char *migrate_uri = NULL;
	gboolean json = FALSE, no_check = FALSE;
	int bandwidth = 0, timeout = 0;
	const GOptionEntry entries[] = {
		{ "bandwidth", 'b', 0, G_OPTION_ARG_INT, &bandwidth,
		  "Send no more than N MiB a second", "N" },
		{ "connect", 'c', 0, G_OPTION_ARG_STRING, &connect,
		  "This host's libvirt; qemu:///system unless given", "URI" },
		{ "json", 'j', 0, G_OPTION_ARG_NONE, &json, "Print the result as JSON", NULL },
		{ "migrate-uri", 0, 0, G_OPTION_ARG_STRING, &migrate_uri,
		  "How QEMU reaches the other host", "tcp://ADDRESS" },
		{ "no-check", 0, 0, G_OPTION_ARG_NONE, &no_check, "Do not check before", NULL },
		{ "timeout", 't', 0, G_OPTION_ARG_INT, &timeout,
		  "Cancel after N seconds", "N" },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(virConnect) connection = NULL;
	g_autoptr(virDomain) domain = NULL;
	MigrationOptions options;

	if (!verb_parse(&usage, entries, &argc, &argv, error) ||
	    !check_numbers(bandwidth, timeout, error))
		return FALSE;
	options = (MigrationOptions){ argv[1], migrate_uri, (guint64)bandwidth, (guint)timeout };
	migration_prepare();
	connection = connection_open(connect, FALSE, error);
	domain = connection ? check_find_domain(connection, argv[0], error) : NULL;
	if (!domain || (!no_check && !passes_check(connection, domain, argv[0], argv[1], json,
						   error)))
		return FALSE;
	return migrate(connection, domain, argv[0], &options, json, error);
}

const VferryVerb vferry_verb_migrate = {
	"migrate", "migrate a domain with its VFs", run_migrate,
};
