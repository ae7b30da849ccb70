/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_GUEST_PROCESS_H
#define VFERRY_GUEST_PROCESS_H

#include <glib.h>

/**
 * guest_process_exists() - whether a process has a domain's UUID among its arguments
 * @uuid: as libvirt gives it to QEMU, behind -uuid
 *
 * A domain may run and not have its VF open: one of a failover pair (<teaming>) is opened
 * when the guest asks for it, and where memory is filled first, that takes its time.
 */
gboolean guest_process_exists(const char *uuid);

#endif
