/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a verb has looked at and found: lines with a level and what to do. */
#ifndef VFERRY_REPORT_H
#define VFERRY_REPORT_H

#include <glib.h>
#include <json-glib/json-glib.h>

/** ReportLevel - how a look ended, from good to bad */
typedef enum {
	REPORT_OK,
	REPORT_UNKNOWN,
	REPORT_WARNING,
	REPORT_PROBLEM,
	REPORT_LEVELS,
} ReportLevel;

/**
 * ReportLine - one look
 * @level: how it ended
 * @about: what was looked at: "0000:01:10.0", "hook"
 * @text: what was found
 * @advice: what to do; NULL where there is nothing to do
 */
typedef struct {
	ReportLevel level;
	char *about;
	char *text;
	char *advice;
} ReportLine;

/** ReportWords - what a verb calls the levels, by ReportLevel */
typedef const char *const ReportWords[REPORT_LEVELS];

/** Report - @lines: ReportLine, in the order in which they were added */
typedef struct {
	GPtrArray *lines;
} Report;

Report *report_new(void);
void report_free(Report *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Report, report_free)

/** report_add() - add a line without advice */
void report_add(Report *report, ReportLevel level, const char *about, const char *format, ...)
	G_GNUC_PRINTF(4, 5);

/** report_advise() - say what to do about the line that was added last */
void report_advise(Report *report, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** report_count() - how many lines have a level */
guint report_count(const Report *report, ReportLevel level);

/**
 * report_print() - to standard output: level, what it is about, what was found, and
 * below what to do
 *
 * In colours on a terminal. What cannot be printed is replaced.
 */
void report_print(const Report *report, ReportWords words);

/**
 * report_add_json() - an array of objects {level, about, text, advice}
 * @name: member of the object that is being built
 */
void report_add_json(const Report *report, ReportWords words, JsonBuilder *builder,
		     const char *name);

#endif
