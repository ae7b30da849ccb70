/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_CHOICE_H
#define VFERRY_CHOICE_H

#include "alias.h"
#include "config.h"
#include "vf.h"

/*
 * Which driver a VF gets: what its domain names, else what the configuration of
 * its PF names, else the best variant driver that this kernel has and can load;
 * where there is none of these, vfio-pci.
 */

/**
 * VferryChoice - the driver for a VF
 * @driver: name under /sys/bus/pci/drivers, registered; NULL: leave the VF as it is
 * @needs_vfio: it is a VFIO driver, see vferry_bind()
 * @migrates: it is a variant driver, so that the guest may be able to migrate
 * @reason: why the guest will not migrate, one line for the journal; NULL if @migrates
 *	or @driver is NULL
 */
typedef struct {
	char *driver;
	gboolean needs_vfio;
	gboolean migrates;
	char *reason;
} VferryChoice;

/** vferry_choice_clear() - free what is in it; VferryChoice choice = { 0 } is clear */
void vferry_choice_clear(VferryChoice *choice);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VferryChoice, vferry_choice_clear)

/**
 * vferry_choose_driver() - choose, and load the module if need be
 * @aliases: of the running kernel
 * @vf: the VF
 * @config: what is wanted of its PF
 * @named: the driver that its domain names (<driver model=/>), or NULL
 * @ret: filled in; to be cleared by the caller; untouched on failure
 *
 * A driver that is named, by domain or configuration, is an order: where it cannot
 * be had that is an error. A best driver that cannot be loaded is not: then it is
 * vfio-pci, and @reason says so.
 *
 * Return: FALSE with VFERRY_ERROR_NOT_FOUND or VFERRY_ERROR_REFUSED where there is no
 * such driver or modprobe.d(5) keeps it out, VFERRY_ERROR_INVALID, VFERRY_ERROR_FAILED.
 */
gboolean vferry_choose_driver(const VferryAliases *aliases, const VferryVf *vf,
			      const VferryPfConfig *config, const char *named,
			      VferryChoice *ret, GError **error);

/**
 * vferry_foresee_driver() - what vferry_choose_driver() would choose, with nothing loaded
 *
 * For whoever only shows it. @driver of the choice is the module's name where it is not
 * loaded yet; whether it can be is not known.
 *
 * Errors: those about names.
 */
gboolean vferry_foresee_driver(const VferryAliases *aliases, const VferryVf *vf,
			       const VferryPfConfig *config, const char *named,
			       VferryChoice *ret, GError **error);

#endif
