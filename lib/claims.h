/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who has or is about to get which VF: a folder with a file a claim, named by
 * the VF's address, and one lock beside it ("lock" in the folder above).
 *
 * Whoever chooses a VF holds the lock from the first look to the last
 * vferry_claims_put(). A file is complete at every instant, so the lock's holder
 * may be killed between any two system calls, and whoever only shows claims
 * needs no lock. The folder is on a tmpfs: a boot begins without claims.
 *
 * To undo a binding, look at the claim, undo, then remove: whoever is killed in
 * between leaves the claim for the next one to undo again.
 */
#ifndef VFERRY_CLAIMS_H
#define VFERRY_CLAIMS_H

#include "claim.h"
#include "run-folder.h"

#include <glib.h>

/** VferryClaims - the folder, with the lock held */
typedef struct VferryClaims VferryClaims;

/**
 * vferry_claims_open() - take the lock
 * @folder: VFERRY_CLAIMS_FOLDER; it and the one above are made if need be
 * @timeout_ms: how long to wait for the lock; 0 tries once
 *
 * Both folders have to belong to root, or to the user who runs this, and must
 * not be writable by others. What a killed process left half written goes.
 *
 * Return: NULL with the errors of vferry_run_lock().
 */
VferryClaims *vferry_claims_open(const char *folder, int timeout_ms, GError **error);

/** vferry_claims_close() - release the lock; NULL is fine */
void vferry_claims_close(VferryClaims *claims);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VferryClaims, vferry_claims_close)

/**
 * vferry_claims_lookup() - the claim on a VF
 *
 * Return: the claim, or NULL where there is none. A file that is malformed, not
 * plain, not root's or writable by others is a claim with a problem.
 */
VferryClaim *vferry_claims_lookup(VferryClaims *claims, const VferryAddress *address);

/**
 * vferry_claims_list() - all claims, by address
 *
 * Files with a name that is no address concern no VF and are passed over. They are read
 * once: the lock's holder sees what he does himself, and nobody else does anything.
 *
 * Return: VferryClaim pointers, freed with the array; NULL with
 * VFERRY_ERROR_FAILED where the folder cannot be read.
 */
GPtrArray *vferry_claims_list(VferryClaims *claims, GError **error);

/**
 * vferry_claims_put() - claim a VF, or change one's own claim
 *
 * Keys of a newer version in one's own claim are kept. The file has the mode
 * 0640: a group of readers comes with the folder's set-group-id bit.
 *
 * Return: FALSE with VFERRY_ERROR_BUSY where another domain has the VF;
 * VFERRY_ERROR_INVALID where the claim there has a problem or @claim is no good;
 * VFERRY_ERROR_FAILED. What was there before is then there still.
 */
gboolean vferry_claims_put(VferryClaims *claims, const VferryClaim *claim, GError **error);

/**
 * vferry_claims_remove() - drop one claim of a domain
 *
 * Return: FALSE with VFERRY_ERROR_NOT_FOUND where there is none, otherwise as
 * vferry_claims_put().
 */
gboolean vferry_claims_remove(VferryClaims *claims, const VferryAddress *address, const char *uuid,
			      GError **error);

/**
 * vferry_claims_snapshot() - all claims, to show them
 * @folder: VFERRY_CLAIMS_FOLDER; one that is not there has none
 *
 * For any user, without the lock; changes nothing, and is no base for a choice.
 * A claim that the user may not read is one with a problem.
 *
 * Return: as vferry_claims_list(), or NULL with VFERRY_ERROR_REFUSED where the
 * folder is open to others.
 */
GPtrArray *vferry_claims_snapshot(const char *folder, GError **error);

#endif
