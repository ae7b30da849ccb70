/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_VERB_H
#define VFERRY_VERB_H

#include "error.h"

/**
 * VferryVerb - one verb of the command, in a file of its own
 * @name: what the user types
 * @summary: one line for `vferry --help`
 * @run: does it; @argv[0] is the verb. On FALSE main() prints the error, one
 *	line, and exits with the status of the error: 1 for VFERRY_ERROR_REFUSED,
 *	2 for any other.
 */
typedef struct {
	const char *name;
	const char *summary;
	gboolean (*run)(int argc, char **argv, GError **error);
} VferryVerb;

extern const VferryVerb vferry_verb_decode;

#endif
