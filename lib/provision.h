/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Gives a PF the VFs that the configuration wants, each on its driver, and none of
 * them by way of the network driver: sriov_drivers_autoprobe goes off before the
 * first VF is there, devlink's "migratable" is set before a driver is bound.
 *
 * Every step looks at what is there and does what is missing. So whoever is killed
 * leaves work for the next call and nothing to repair.
 *
 * One process at a time works on a PF, by a lock of its own. The claims' lock is
 * held where VFs are removed and, for each VF anew, where one is bound: libvirt's hook
 * waits for one VF and not for 256.
 */
#ifndef VFERRY_PROVISION_H
#define VFERRY_PROVISION_H

#include "alias.h"
#include "config.h"

/**
 * VferryProvisionFlags - how to go about it
 * @VFERRY_PROVISION_DRY_RUN: change nothing, load nothing, lock nothing; the result
 *	says what would be done, as far as that can be seen: VFs that are not there yet
 *	are not in it
 * @VFERRY_PROVISION_BIND_ONLY: leave the number of VFs as it is
 */
typedef enum {
	VFERRY_PROVISION_DRY_RUN = 1 << 0,
	VFERRY_PROVISION_BIND_ONLY = 1 << 1,
} VferryProvisionFlags;

/**
 * VferryProvisionOutcome - what became of a VF
 * @VFERRY_PROVISION_BOUND: it got its driver
 * @VFERRY_PROVISION_KEPT: it had it, or the configuration says driver=keep
 * @VFERRY_PROVISION_IN_USE: it is left alone with the wrong driver
 * @VFERRY_PROVISION_FAILED: it has not got its driver, or is not migratable as configured
 */
typedef enum {
	VFERRY_PROVISION_BOUND,
	VFERRY_PROVISION_KEPT,
	VFERRY_PROVISION_IN_USE,
	VFERRY_PROVISION_FAILED,
} VferryProvisionOutcome;

/** vferry_provision_outcome_text() - "bound", "kept", "in use", "failed" */
const char *vferry_provision_outcome_text(VferryProvisionOutcome outcome);

/**
 * VferryProvisionVf - one VF
 * @address: its address
 * @outcome: what became of it
 * @driver: that it has now, NULL for none; in a dry run, that it would have, or the
 *	module that has to be loaded for it
 * @problem: why it is in use or failed, one line; NULL for the others
 * @reason: why a guest with it will not migrate, one line, the same for many VFs; NULL if
 *	it may, or the configuration says driver=keep
 */
typedef struct {
	VferryAddress address;
	VferryProvisionOutcome outcome;
	char *driver;
	char *problem;
	char *reason;
} VferryProvisionVf;

/**
 * VferryProvision - what was done
 * @pf: address
 * @vfs_before: how many VFs it had
 * @vfs_after: how many it has; in a dry run, would have
 * @problem: why it has not as many as configured, one line; the VFs that are there
 *	are bound all the same. NULL if it has
 * @vfs: VferryProvisionVf, in the order of their index
 * @outcomes: how many VFs have each VferryProvisionOutcome
 */
typedef struct {
	VferryAddress pf;
	guint vfs_before;
	guint vfs_after;
	char *problem;
	GPtrArray *vfs;
	guint outcomes[VFERRY_PROVISION_FAILED + 1];
} VferryProvision;

void vferry_provision_free(VferryProvision *provision);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VferryProvision, vferry_provision_free)

/** vferry_provision_is_good() - no problem with the PF, and no VF in use or failed */
gboolean vferry_provision_is_good(const VferryProvision *provision);

/**
 * vferry_provision_pf() - make a PF's VFs and bind them
 * @config: the configuration
 * @aliases: of the running kernel
 * @pf: address
 * @flags: VferryProvisionFlags
 *
 * The number is changed only while no VF is in use: none is claimed, open through VFIO,
 * or has a network interface that is up. Such a VF is not taken from its driver either.
 * VFs that come while it works are bound as well. Needs root, except in a dry run.
 *
 * Return: what was done, good or not; NULL where nothing was: VFERRY_ERROR_NOT_FOUND for
 * no such PF, VFERRY_ERROR_REFUSED where no section of the configuration is about it,
 * VFERRY_ERROR_BUSY where another process works on it for minutes or the kernel does not
 * answer, otherwise the errors of vferry_pf_read() and vferry_claims_open().
 */
VferryProvision *vferry_provision_pf(VferryConfig *config, const VferryAliases *aliases,
				     const VferryAddress *pf, VferryProvisionFlags flags,
				     GError **error);

#endif
