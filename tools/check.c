/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check.h"

#include "check-gather.h"
#include "check-judge.h"
#include "json.h"
#include "terminal.h"

#include <stdio.h>

static ReportWords words = {
	[REPORT_OK] = "passed",
	[REPORT_UNKNOWN] = "unknown",
	[REPORT_WARNING] = "warned",
	[REPORT_PROBLEM] = "failed",
};

Check *check_run(virConnectPtr connection, virDomainPtr domain, const char *uri,
		 gboolean ask_qemu, GError **error)
{
	g_autoptr(CheckHere) here = check_gather_here(connection, domain, ask_qemu, error);
	g_autoptr(CheckThere) there = NULL;
	g_autoptr(Check) check = g_new0(Check, 1);

	if (!here)
		return NULL;
	check->here = report_new();
	check_judge_here(check->here, here);
	if (!uri)
		return g_steal_pointer(&check);
	there = check_gather_there(uri, here, error);
	if (!there)
		return NULL;
	check->there = report_new();
	check_judge_there(check->there, here, there);
	return g_steal_pointer(&check);
}

void check_free(Check *check)
{
	g_clear_pointer(&check->here, report_free);
	g_clear_pointer(&check->there, report_free);
	g_free(check);
}

static guint count(const Check *check, ReportLevel level)
{
	return report_count(check->here, level) +
	       (check->there ? report_count(check->there, level) : 0);
}

guint check_failures(const Check *check)
{
	return count(check, REPORT_PROBLEM);
}

void check_print(const Check *check, const char *uri)
{
	puts("This host");
	report_print(check->here, words);
	if (check->there) {
		g_autofree char *name = terminal_text(uri);

		printf("\n%s\n", name);
		report_print(check->there, words);
	}
	printf("\n%u passed, %u unknown, %u warned, %u failed\n", count(check, REPORT_OK),
	       count(check, REPORT_UNKNOWN), count(check, REPORT_WARNING),
	       count(check, REPORT_PROBLEM));
}

void check_print_json(const Check *check, const char *domain, const char *uri)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();

	json_begin_object(builder, NULL);
	json_add_text(builder, "domain", domain);
	json_add_text(builder, "uri", uri);
	json_add_bool(builder, "passed", check_failures(check) == 0);
	report_add_json(check->here, words, builder, "here");
	if (check->there)
		report_add_json(check->there, words, builder, "there");
	json_builder_end_object(builder);
	json_print(builder);
}
