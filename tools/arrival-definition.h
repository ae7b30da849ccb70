/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The persistent definition of a domain that has arrived names the VFs of the host it
 * came from; its next cold boot needs those of this one.
 */
#ifndef VFERRY_ARRIVAL_DEFINITION_H
#define VFERRY_ARRIVAL_DEFINITION_H

#include "connection.h"
#include "domain-xml.h"

/**
 * arrival_definition_changes() - what to change of a definition
 * @live: the domain as it runs
 * @definition: the domain as it would start
 *
 * A device of the definition is the running domain's device of the same kind with the
 * same alias of the user's ("ua-..."), else with the same address in the guest, else at
 * the same position. One that is none of these stays as it is.
 *
 * Return: VferryDomainChange, sources of which are in @live; none where all is right.
 * NULL with VFERRY_ERROR_INVALID where two devices would get one function.
 */
GArray *arrival_definition_changes(const VferryDomain *live, const VferryDomain *definition,
				   GError **error);

/**
 * arrival_definition_correct() - change the definition of a domain that is persistent
 * @ret_changed: how many devices got another function
 *
 * Return: FALSE with VFERRY_ERROR_NOT_FOUND where the domain has gone,
 * VFERRY_ERROR_INVALID, VFERRY_ERROR_FAILED.
 */
gboolean arrival_definition_correct(virConnectPtr connection, virDomainPtr domain,
				    guint *ret_changed, GError **error);

#endif
