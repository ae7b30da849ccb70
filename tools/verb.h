/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_VERB_H
#define VFERRY_VERB_H

#include <glib.h>

/**
 * VferryVerb - one verb of the command, in a file of its own
 * @name: what the user types
 * @summary: one line for `vferry --help`
 * @run: does it; @argv[0] is the verb. On FALSE main() prints the error, one
 *	line, and exits with the status of the error.
 */
typedef struct {
	const char *name;
	const char *summary;
	gboolean (*run)(int argc, char **argv, GError **error);
} VferryVerb;

/* Errors that decide the exit status. */
#define VFERRY_ERROR (vferry_error_quark())
GQuark vferry_error_quark(void);

typedef enum {
	VFERRY_ERROR_REFUSED,	/* the input was read and is not good: exit 1 */
	VFERRY_ERROR_USAGE,	/* wrong arguments, unreadable input: exit 2 */
} VferryError;

extern const VferryVerb vferry_verb_decode;

#endif
