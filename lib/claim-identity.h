/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For claim.c: a VF's identity as keys of a claim's text. */
#ifndef VFERRY_CLAIM_IDENTITY_H
#define VFERRY_CLAIM_IDENTITY_H

#include "identity.h"

#include <glib.h>

/**
 * vferry_claim_identity_take() - read an identity
 * @group: group of the key file
 * @ret: gets a part for each that has all its keys
 *
 * Return: FALSE with VFERRY_ERROR_INVALID where a value is no number, or out of range.
 */
gboolean vferry_claim_identity_take(GKeyFile *file, const char *group, VferryIdentity *ret,
				    GError **error);

/** vferry_claim_identity_set() - write an identity, and remove the keys of what is no part of it */
void vferry_claim_identity_set(GKeyFile *file, const char *group, const VferryIdentity *identity);

#endif
