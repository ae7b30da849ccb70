/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One entry of the systemd journal. GLib and libsystemd would wait where the journal does not
 * keep up, and a domain's start or the boot with them. Source of the format: systemd's
 * docs/JOURNAL_NATIVE_PROTOCOL.md.
 */
#ifndef VFERRY_JOURNAL_ENTRY_H
#define VFERRY_JOURNAL_ENTRY_H

#include <glib.h>
#include <syslog.h>

/**
 * vferry_journal_entry() - write an entry
 * @priority: of syslog(3)
 * @identifier: name of the program
 * @device: address of the device that it is about, the field VFERRY_DEVICE; or NULL
 * @message: one line; where it has more they become one
 *
 * A journal that is absent or does not keep up gets nothing.
 */
void vferry_journal_entry(int priority, const char *identifier, const char *device,
			  const char *message);

#endif
