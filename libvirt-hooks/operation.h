/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operations, a file each. What they share is in guest-vf.h, guest-claim.h, host-vfs.h. */
#ifndef VFERRY_OPERATION_H
#define VFERRY_OPERATION_H

#include "claims.h"
#include "domain-xml.h"

/* How long another hook, or provisioning, may hold the claims' lock. */
#define OPERATION_LOCK_MS 20000

/**
 * VferryOperationRun - do an operation
 * @domain: the domain
 * @extra: libvirt's extra argument
 *
 * Return: FALSE where libvirt shall not go on; all is then as it was before.
 */
typedef gboolean VferryOperationRun(const VferryDomain *domain, const char *extra,
				    GError **error);

/** operation_prepare() - before a domain starts: drivers, identities, claims */
VferryOperationRun operation_prepare;

/** operation_started() - QEMU has its devices: claims without an end, word of an arrival */
VferryOperationRun operation_started;

/** operation_release() - the devices are given back: undo what operation_prepare() did */
VferryOperationRun operation_release;

/** operation_reconnect() - libvirt was started anew: make sure of the claims */
VferryOperationRun operation_reconnect;

/** operation_incoming() - a domain comes from elsewhere: choose VFs, write the XML to stdout */
VferryOperationRun operation_incoming;

#endif
