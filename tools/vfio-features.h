/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a VFIO device offers for live migration (VFIO_DEVICE_FEATURE_MIGRATION and
 * VFIO_DEVICE_FEATURE_DMA_LOGGING_START of linux/vfio.h).
 *
 * A guest's device cannot be opened a second time. What its kernel shows of it in
 * debugfs is read instead, or a device of the same kind that is free is asked.
 */
#ifndef VFERRY_VFIO_FEATURES_H
#define VFERRY_VFIO_FEATURES_H

#include "answer.h"
#include "inventory.h"

/**
 * VfioFeatures - what a device offers
 * @stop_copy: its state can be saved and loaded
 * @p2p: it can be stopped while others still run; QEMU wants it of each of several
 * @pre_copy: it can be saved while it runs
 * @dirty_log: it says which pages it has written
 * @source: who said so: "debugfs", "0000:01:10.0"; NULL where nobody did
 */
typedef struct {
	Answer stop_copy;
	Answer p2p;
	Answer pre_copy;
	Answer dirty_log;
	char *source;
} VfioFeatures;

void vfio_features_clear(VfioFeatures *features);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VfioFeatures, vfio_features_clear)

/**
 * vfio_features_parse() - for tests: take over what a file in debugfs says
 * @text: lines "stop-copy", "p2p", "pre-copy", "dirty-tracking", as Linux 6.18 has
 *	them, or "key: value" of igbvf_vfio_pci
 */
void vfio_features_parse(VfioFeatures *features, const char *text);

/**
 * vfio_features_shown() - what debugfs says of a VF; no device is opened
 *
 * Return: FALSE where it says nothing, as for a user who is not root.
 */
gboolean vfio_features_shown(const VferryVf *vf, VfioFeatures *ret);

/**
 * vfio_features_find() - say what a VF offers, as far as anyone does
 * @inventory: of this host
 * @vf: held by a VFIO driver
 * @ret: vfio_features_clear()ed; filled in
 *
 * In this order: debugfs; the VF itself; another VF of its PF with the same driver.
 * To open a device resets it, so only what nobody has or has claimed is opened,
 * with the claims' lock held: a hook waits for that, some 0.1 s. Needs root, else
 * all is unknown.
 */
void vfio_features_find(const VferryInventory *inventory, const VferryVf *vf,
			VfioFeatures *ret);

#endif
