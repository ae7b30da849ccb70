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

extern const VferryVerb vferry_verb_bind;
extern const VferryVerb vferry_verb_check;
extern const VferryVerb vferry_verb_decode;
extern const VferryVerb vferry_verb_detach;
extern const VferryVerb vferry_verb_doctor;
extern const VferryVerb vferry_verb_export;
extern const VferryVerb vferry_verb_list;
extern const VferryVerb vferry_verb_migrate;
extern const VferryVerb vferry_verb_provision;
extern const VferryVerb vferry_verb_show;
extern const VferryVerb vferry_verb_unbind;

/**
 * VerbUsage - what --help says of a verb, and how many arguments it takes
 * @arguments: "VF [DRIVER]"; "" for none
 * @summary: a sentence above the options
 * @description: below the options: exit status, examples
 * @least: fewest arguments
 * @most: most arguments
 */
typedef struct {
	const char *arguments;
	const char *summary;
	const char *description;
	int least;
	int most;
} VerbUsage;

/**
 * verb_parse() - take the options off a verb's command line
 * @argc: on success the number of arguments, without the verb and "--"
 * @argv: on success the first of them
 *
 * With --help it prints that and exits.
 *
 * Return: FALSE with G_OPTION_ERROR or VFERRY_ERROR_USAGE.
 */
gboolean verb_parse(const VerbUsage *usage, const GOptionEntry *entries, int *argc, char ***argv,
		    GError **error);

#endif
