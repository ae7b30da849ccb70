/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The preflight for a migration, for `vferry check` and `vferry migrate`. */
#ifndef VFERRY_CHECK_H
#define VFERRY_CHECK_H

#include "connection.h"
#include "report.h"

/**
 * Check - what was found
 * @here: lines about this host and the domain
 * @there: lines about the other host; NULL where none was named
 */
typedef struct {
	Report *here;
	Report *there;
} Check;

/**
 * check_run() - look at everything
 * @domain: of this host
 * @uri: libvirt of the other host, or NULL
 * @ask_qemu: see check_gather_here()
 *
 * Return: NULL with an error where something cannot be looked at.
 */
Check *check_run(virConnectPtr connection, virDomainPtr domain, const char *uri,
		 gboolean ask_qemu, GError **error);

/** check_failures() - how many lines say that the migration will fail */
guint check_failures(const Check *check);

/** check_print() - all lines, to standard output */
void check_print(const Check *check, const char *uri);

/** check_print_json() - the same as one object */
void check_print_json(const Check *check, const char *domain, const char *uri);

void check_free(Check *check);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Check, check_free)

#endif
