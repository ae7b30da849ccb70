/* SPDX-License-Identifier: GPL-2.0-only */
/* What the driver asks of vfio-pci-core and of the dirty log. */
#ifndef IGBVFIO_CORE_H
#define IGBVFIO_CORE_H

#include <linux/iova_bitmap.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>
#include <linux/vfio_pci_core.h>

#define IGBVFIO_MIGRATION_FLAGS \
	(VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P | VFIO_MIGRATION_PRE_COPY)

/*
 * Map BAR0 for the driver's own accesses; the core unmaps it when the device
 * is closed. Called between vfio_pci_core_enable() and _finish_enable().
 */
static inline void __iomem *igbvfio_map_bar0(struct vfio_pci_core_device *core)
{
	return vfio_pci_core_get_iomap(core, 0);
}

/* Is the device used through iommufd rather than a type1 container? */
static inline bool igbvfio_uses_iommufd(struct vfio_device *core_vdev)
{
#if IS_ENABLED(CONFIG_IOMMUFD)
	return core_vdev->iommufd_device;
#else
	return false;
#endif
}

/* Marking a user's bitmap of dirty pages. */
typedef void (*igbvfio_bitmap_set_t)(struct iova_bitmap *bitmap,
				     unsigned long iova, size_t length);

static inline igbvfio_bitmap_set_t igbvfio_get_bitmap_set(void)
{
	return iova_bitmap_set;
}

static inline void igbvfio_put_bitmap_set(igbvfio_bitmap_set_t set) {}

#endif
