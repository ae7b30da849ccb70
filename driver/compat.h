/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything in which kernels 6.1 to 7.2 differ for this driver. Kbuild looks
 * for the interfaces in the kernel's own headers and sets IGBVFIO_HAVE_*, so
 * that back-ports count as what they are.
 */
#ifndef IGBVFIO_COMPAT_H
#define IGBVFIO_COMPAT_H

#include <linux/iova_bitmap.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>
#include <linux/vfio_pci_core.h>

/* VFIO_DEVICE_FEATURE_MIG_DATA_SIZE, since 6.2. The core of an older kernel
 * hands unknown features to the driver, which then answers this one itself.
 */
#ifndef VFIO_DEVICE_FEATURE_MIG_DATA_SIZE
#define VFIO_DEVICE_FEATURE_MIG_DATA_SIZE	9

struct vfio_device_feature_mig_data_size {
	__aligned_u64 stop_copy_length;
};
#endif

/* PRE_COPY, since 6.2: without it the states can never be entered. */
#ifdef VFIO_MIGRATION_PRE_COPY
#define IGBVFIO_MIGRATION_FLAGS \
	(VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P | VFIO_MIGRATION_PRE_COPY)
#else
#define IGBVFIO_MIGRATION_FLAGS	(VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P)
#define VFIO_DEVICE_STATE_PRE_COPY	((enum vfio_device_mig_state)6)
#define VFIO_DEVICE_STATE_PRE_COPY_P2P	((enum vfio_device_mig_state)7)
#define VFIO_MIG_GET_PRECOPY_INFO	_IO(VFIO_TYPE, VFIO_BASE + 21)

struct vfio_precopy_info {
	__u32 argsz;
	__u32 flags;
	__aligned_u64 initial_bytes;
	__aligned_u64 dirty_bytes;
};
#endif

#ifndef IGBVFIO_HAVE_CHECK_PRECOPY
static inline int vfio_check_precopy_ioctl(struct vfio_device *vdev,
					   unsigned int cmd, unsigned long arg,
					   struct vfio_precopy_info *info)
{
	unsigned long minsz = offsetofend(struct vfio_precopy_info, dirty_bytes);

	if (cmd != VFIO_MIG_GET_PRECOPY_INFO)
		return -ENOTTY;
	if (copy_from_user(info, (void __user *)arg, minsz))
		return -EFAULT;
	if (info->argsz < minsz)
		return -EINVAL;
	return 0;
}
#endif

/*
 * Map BAR0 for the driver's own accesses; the core unmaps it when the device
 * is closed. Called between vfio_pci_core_enable() and _finish_enable().
 */
#if defined(IGBVFIO_HAVE_GET_IOMAP)
static inline void __iomem *igbvfio_map_bar0(struct vfio_pci_core_device *core)
{
	return vfio_pci_core_get_iomap(core, 0);
}
#elif defined(IGBVFIO_HAVE_SETUP_BARMAP)
static inline void __iomem *igbvfio_map_bar0(struct vfio_pci_core_device *core)
{
	int ret = vfio_pci_core_setup_barmap(core, 0);

	return ret ? IOMEM_ERR_PTR(ret) : core->barmap[0];
}
#else
static inline void __iomem *igbvfio_map_bar0(struct vfio_pci_core_device *core)
{
	void __iomem *io;
	int ret;

	if (core->barmap[0])
		return core->barmap[0];
	ret = pci_request_selected_regions(core->pdev, 1, "vfio");
	if (ret)
		return IOMEM_ERR_PTR(ret);
	io = pci_iomap(core->pdev, 0, 0);
	if (!io) {
		pci_release_selected_regions(core->pdev, 1);
		return IOMEM_ERR_PTR(-ENOMEM);
	}
	core->barmap[0] = io;
	return io;
}
#endif

/* Allocation by object, since 7.0. */
#ifndef kzalloc_obj
#define kzalloc_obj(obj, gfp)	kzalloc(sizeof(obj), gfp)
#define kvzalloc_obj(obj, gfp)	kvzalloc(sizeof(obj), gfp)
#endif

/* Is the device used through iommufd rather than a type1 container? */
static inline bool igbvfio_uses_iommufd(struct vfio_device *core_vdev)
{
#if defined(IGBVFIO_HAVE_IOMMUFD) && IS_ENABLED(CONFIG_IOMMUFD)
	return core_vdev->iommufd_device;
#else
	return false;
#endif
}

/*
 * Marking a user's bitmap of dirty pages.
 *
 * The core reads dirty logs through iova_bitmap. Kernels before 6.7 have
 * it in vfio.ko; later ones only with CONFIG_IOMMUFD_DRIVER, which some
 * distributions leave out: then the core's report answers -EOPNOTSUPP although
 * its start succeeds. Where iova_bitmap_set() exists, the core can report. An
 * out-of-tree build looks it up when it probes, so that one binary serves a
 * kernel with and without (see driver/vfio-core).
 */
typedef void (*igbvfio_bitmap_set_t)(struct iova_bitmap *bitmap,
				     unsigned long iova, size_t length);

#ifdef MODULE
static inline igbvfio_bitmap_set_t igbvfio_get_bitmap_set(void)
{
	return (igbvfio_bitmap_set_t)__symbol_get("iova_bitmap_set");
}

static inline void igbvfio_put_bitmap_set(igbvfio_bitmap_set_t set)
{
	if (set)
		__symbol_put("iova_bitmap_set");
}
#else
static inline igbvfio_bitmap_set_t igbvfio_get_bitmap_set(void)
{
	return IS_ENABLED(CONFIG_IOMMUFD_DRIVER) ? iova_bitmap_set : NULL;
}

static inline void igbvfio_put_bitmap_set(igbvfio_bitmap_set_t set) {}
#endif

#endif
