/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `vferry bind` and `vferry unbind` do: change who drives one VF that nobody uses. */
#ifndef VFERRY_REBIND_H
#define VFERRY_REBIND_H

#include "choice.h"

/**
 * Rebound - what was done
 * @address: the VF
 * @driver_before: NULL for none
 * @choice: of a bind: the driver that it has now
 */
typedef struct {
	VferryAddress address;
	char *driver_before;
	VferryChoice choice;
} Rebound;

void rebound_clear(Rebound *rebound);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Rebound, rebound_clear)

/** rebind_check_root() - Return: FALSE with VFERRY_ERROR_FAILED unless it is root who asks */
gboolean rebind_check_root(GError **error);

/**
 * rebind_bind() - bind a VF
 * @vf: as device_argument_vf() takes it
 * @driver: NULL: as the configuration of its PF wants it, else the best there is
 * @ret: filled in
 *
 * Holds the claims' lock, waits for it for at most 30 s, and says so on standard error;
 * says, too, what takes long.
 *
 * Return: FALSE with VFERRY_ERROR_REFUSED, which says who, where the VF is in use, and
 * where the configuration says driver=keep and no @driver is given; VFERRY_ERROR_FAILED
 * without root; else the errors of device_argument_vf(), vferry_choose_driver(),
 * vferry_claims_open() and vferry_bind().
 */
gboolean rebind_bind(const char *vf, const char *driver, Rebound *ret, GError **error);

/** rebind_unbind() - leave a VF without driver and override; the rest as rebind_bind() */
gboolean rebind_unbind(const char *vf, Rebound *ret, GError **error);

#endif
