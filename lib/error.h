/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_ERROR_H
#define VFERRY_ERROR_H

#include <glib.h>

/*
 * Every message is one line without a full stop that says what is wrong, where,
 * and where it helps what to do: libvirt and systemd show it to the user as it is.
 */
#define VFERRY_ERROR (vferry_error_quark())
GQuark vferry_error_quark(void);

/**
 * VferryError - what kind of error, for callers that act on it
 * @VFERRY_ERROR_USAGE: wrong arguments, unreadable input
 * @VFERRY_ERROR_REFUSED: input was read and is not good, or policy says no
 * @VFERRY_ERROR_INVALID: an outside source (sysfs, XML, file) holds what it must not
 * @VFERRY_ERROR_NOT_FOUND: no such device, driver, attribute or claim
 * @VFERRY_ERROR_BUSY: someone else holds it
 * @VFERRY_ERROR_FAILED: the kernel or another program did not do as asked
 */
typedef enum {
	VFERRY_ERROR_USAGE,
	VFERRY_ERROR_REFUSED,
	VFERRY_ERROR_INVALID,
	VFERRY_ERROR_NOT_FOUND,
	VFERRY_ERROR_BUSY,
	VFERRY_ERROR_FAILED,
} VferryError;

#endif
