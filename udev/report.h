/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the journal, or whoever runs the program by hand, is told. */
#ifndef VFERRY_UDEV_REPORT_H
#define VFERRY_UDEV_REPORT_H

#include "provision.h"

#include <syslog.h>

/**
 * vferry_report_line() - write one line to standard error
 * @priority: of syslog(3), LOG_ERR to LOG_DEBUG
 * @device: address of the device that it is about, becomes its beginning; may be NULL
 *
 * To the journal, if that is where standard error goes, with its priority and the field
 * VFERRY_DEVICE.
 */
void vferry_report_line(int priority, const char *device, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/**
 * vferry_report_done() - what was done with a PF: a line, and one for each problem
 * @milliseconds: how long it took
 */
void vferry_report_done(const VferryProvision *provision, gint64 milliseconds);

/** vferry_report_foreseen() - the result of a dry run, to standard output */
void vferry_report_foreseen(const VferryProvision *provision);

#endif
