/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_MIGRATION_HINT_H
#define VFERRY_MIGRATION_HINT_H

/**
 * migration_hint() - what to do about the message with which a migration failed
 * @message: libvirt's
 *
 * Return: one line, or NULL where nothing better is known than the message.
 */
const char *migration_hint(const char *message);

#endif
