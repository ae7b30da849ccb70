/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hook.h"

#include "binding.h"
#include "journal.h"
#include "operation.h"
#include "xml.h"

#include <stdio.h>
#include <stdlib.h>

G_STATIC_ASSERT(VFERRY_HOOK_XML_MAX == VFERRY_XML_SIZE_MAX);

/* Below the program's own limit, so that its message is the better one. */
#define BINDING_LIMIT_MS 10000

/* @uses_metadata: without them it cannot be done; the others know from claims what to do */
typedef struct {
	const char *name;
	VferryOperationRun *run;
	gboolean uses_metadata;
} Operation;

static const Operation operations[] = {
	{ "prepare", operation_prepare, TRUE },
	{ "started", operation_started, FALSE },
	{ "release", operation_release, FALSE },
	{ "reconnect", operation_reconnect, FALSE },
	{ "migrate", operation_incoming, TRUE },
	{ "restore", operation_incoming, TRUE },
};

static const Operation *find_operation(const char *name)
{
	for (gsize i = 0; i < G_N_ELEMENTS(operations); i++)
		if (g_str_equal(operations[i].name, name))
			return &operations[i];
	return NULL;
}

static gboolean run(const Operation *operation, const VferryHookCall *call, GError **error)
{
	VferryDomain *domain = operation->uses_metadata ?
			       vferry_domain_parse(call->xml, call->length, error) :
			       vferry_domain_parse_bare(call->xml, call->length, error);

	if (!domain)
		return FALSE;
	journal_about(domain->name);
	return operation->run(domain, call->extra, error);
}

int vferry_hook_run(const VferryHookCall *call)
{
	const Operation *operation = find_operation(call->operation);
	g_autoptr(GError) error = NULL;

	if (!operation)
		return EXIT_SUCCESS;
	vferry_binding_set_limit(BINDING_LIMIT_MS);
	if (run(operation, call, &error))
		return EXIT_SUCCESS;
	journal_warning("%s: %s", operation->name, error->message);
	fprintf(stderr, "vferry: %s\n", error->message);
	return EXIT_FAILURE;
}
