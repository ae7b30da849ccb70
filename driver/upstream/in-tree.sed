# SPDX-License-Identifier: GPL-2.0-only
#
# What the driver has because it is built outside of a kernel's tree, after unifdef: wrappers of interfaces
# (compat.h), the search for iova_bitmap_set() at run time, mentions of what else is in this repository.

# igbvfio.h
/^#include <linux\/if_ether\.h>$/,/"compat\.h"/c\
#include <linux/if_ether.h>\
#include <linux/iova_bitmap.h>\
#include <linux/ktime.h>\
#include <linux/mutex.h>\
#include <linux/pci.h>\
#include <linux/slab.h>\
#include <linux/spinlock.h>\
#include <linux/uaccess.h>\
#include <linux/vfio.h>\
#include <linux/vfio_pci_core.h>\
#include <linux/xarray.h>\

/igbvfio_bitmap_set_t bitmap_set;/d

# main.c
/^static int open_device(/i\
/* Is the device used through iommufd rather than a type1 container? */\
static bool uses_iommufd(struct vfio_device *core_vdev)\
{\
#if IS_ENABLED(CONFIG_IOMMUFD)\
	return core_vdev->iommufd_device;\
#else\
	return false;\
#endif\
}\

s/igbvfio_map_bar0(&dev->core)/vfio_pci_core_get_iomap(\&dev->core, 0)/
/dev->bitmap_set && !igbvfio_uses_iommufd(core_vdev) ?$/ {
	N
	s/= .*/= uses_iommufd(core_vdev) ? NULL : \&igbvfio_log_ops;/
}
# The core knows of MIG_DATA_SIZE.
/^static int device_feature(/,/^}$/ {
	/^}$/ {
		N
		d
	}
	d
}
s/\.device_feature = device_feature,/.device_feature = vfio_pci_core_ioctl_feature,/
s/= IGBVFIO_MIGRATION_FLAGS;/= VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P |\
				     VFIO_MIGRATION_PRE_COPY;/
/igbvfio_put_bitmap_set(/d
/older cores free the device/d
/igbvfio_get_bitmap_set(/d
/^	if (dev->bitmap_set)$/,/without dirty page tracking/d
/^MODULE_LICENSE/a MODULE_IMPORT_NS("IOMMUFD");

# dirty.c, debugfs.c
s/dev->bitmap_set(/iova_bitmap_set(/
/can_report_dirty/d

# Comments
s/docs\/driver\.md explains the operating model,$/vfio-igbvf.rst explains the operating model./
/docs\/acceptance\.md/,/acceptance\.rst\.$/d
s/docs\/[a-z-]*\.md/vfio-igbvf.rst/
s/, for `vferry decode`//
s/ It compiles in the kernel and in userspace\.//
/ It is shared by the$/ {
	N
	s/ It is shared by the\n.*//
}
