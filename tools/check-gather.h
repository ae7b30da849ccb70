/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds out what `vferry check` judges. */
#ifndef VFERRY_CHECK_GATHER_H
#define VFERRY_CHECK_GATHER_H

#include "check-facts.h"
#include "connection.h"

/**
 * check_find_domain() - the domain with a UUID or a name
 *
 * Return: to be freed; NULL with VFERRY_ERROR_NOT_FOUND or VFERRY_ERROR_FAILED.
 */
virDomainPtr check_find_domain(virConnectPtr connection, const char *name, GError **error);

/**
 * check_gather_here() - look at this host and the domain
 * @connection: to this host's libvirt; where it is read only, which VFs come from a
 *	libvirt network is not known
 * @ask_qemu: ask QEMU what blocks a migration. libvirt marks the domain as tainted
 *	("custom-monitor") by that until it is shut off
 *
 * Return: NULL with VFERRY_ERROR_NOT_FOUND, VFERRY_ERROR_INVALID or
 * VFERRY_ERROR_FAILED.
 */
CheckHere *check_gather_here(virConnectPtr connection, virDomainPtr domain, gboolean ask_qemu,
			     GError **error);

/**
 * check_gather_there() - look at the other host, through its libvirt and nothing else
 * @uri: libvirt's URI, opened read only
 *
 * Return: NULL with VFERRY_ERROR_FAILED where libvirt there cannot be reached or does
 * not answer.
 */
CheckThere *check_gather_there(const char *uri, const CheckHere *here, GError **error);

#endif
