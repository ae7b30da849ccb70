// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO PCI variant driver for the virtual functions of Intel 82576 and I350:
 * tables and life cycle. docs/driver.md explains the operating model,
 * docs/acceptance.md answers Documentation/driver-api/vfio-pci-device-specific-
 * driver-acceptance.rst.
 */
#include "igbvfio.h"

#include <linux/module.h>

#define CREATE_TRACE_POINTS
#include "trace.h"

bool igbvfio_direct_map = true;
module_param_named(direct_map, igbvfio_direct_map, bool, 0444);
MODULE_PARM_DESC(direct_map,
		 "let users map the interrupt and transmit registers (default: y); n for software that maps whole BARs");

/* Can pages 1 and 3 of BAR0 be mapped without their trapped neighbours? */
static bool can_map(struct igbvfio_device *dev)
{
	return igbvfio_direct_map && PAGE_SIZE == IGBVF_PAGE_SIZE &&
	       dev->core.bar_mmap_supported[0];
}

static int open_device(struct vfio_device *core_vdev)
{
	struct igbvfio_device *dev = to_igbvfio(core_vdev);
	void __iomem *bar0;
	int ret;

	ret = vfio_pci_core_enable(&dev->core);
	if (ret)
		return ret;
	if (pci_resource_len(dev->core.pdev, 0) < IGBVF_BAR0_SIZE) {
		ret = -ENODEV;
		goto disable;
	}
	bar0 = igbvfio_map_bar0(&dev->core);
	if (IS_ERR(bar0)) {
		ret = PTR_ERR(bar0);
		goto disable;
	}
	igbvfio_lock_regs(dev);
	dev->bar0 = bar0;
	igbvfio_unlock_regs(dev);

	/* Guest memory is read through the type1 container. With iommufd that
	 * is not possible, and the user tracks dirty pages in the IOMMU.
	 */
	core_vdev->log_ops = dev->bitmap_set && !igbvfio_uses_iommufd(core_vdev) ?
			     &igbvfio_log_ops : NULL;
	vfio_pci_core_finish_enable(&dev->core);
	return 0;
disable:
	vfio_pci_core_disable(&dev->core);
	return ret;
}

static void close_device(struct vfio_device *core_vdev)
{
	struct igbvfio_device *dev = to_igbvfio(core_vdev);

	igbvfio_migration_close(dev);
	/* The core unmaps BAR0; debugfs and the files stay. */
	down_write(&dev->core.memory_lock);
	dev->bar0 = NULL;
	up_write(&dev->core.memory_lock);
	vfio_pci_core_close_device(core_vdev);
}

/* The sparse map of BAR0: pages 1 and 3. */
static int add_sparse_areas(struct vfio_info_cap *caps)
{
	static const u32 offsets[] = { IGBVF_PAGE_INTERRUPT, IGBVF_PAGE_TX };
	struct vfio_region_info_cap_sparse_mmap *sparse;
	size_t size = struct_size(sparse, areas, ARRAY_SIZE(offsets));
	unsigned int i;
	int ret;

	sparse = kzalloc(size, GFP_KERNEL);
	if (!sparse)
		return -ENOMEM;
	sparse->header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
	sparse->header.version = 1;
	sparse->nr_areas = ARRAY_SIZE(offsets);
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		sparse->areas[i].offset = offsets[i];
		sparse->areas[i].size = IGBVF_PAGE_SIZE;
	}
	ret = vfio_info_add_capability(caps, &sparse->header, size);
	kfree(sparse);
	return ret;
}

static int describe_bar0(struct igbvfio_device *dev,
			 struct vfio_region_info *info,
			 struct vfio_info_cap *caps)
{
	info->offset = VFIO_PCI_INDEX_TO_OFFSET(info->index);
	info->size = pci_resource_len(dev->core.pdev, 0);
	info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (!can_map(dev))
		return 0;
	info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	return add_sparse_areas(caps);
}

#ifdef IGBVFIO_HAVE_REGION_INFO_CAPS
static int get_region_info_caps(struct vfio_device *core_vdev,
				struct vfio_region_info *info,
				struct vfio_info_cap *caps)
{
	if (info->index == VFIO_PCI_BAR0_REGION_INDEX)
		return describe_bar0(to_igbvfio(core_vdev), info, caps);
	return vfio_pci_ioctl_get_region_info(core_vdev, info, caps);
}
#else
/* Before 7.0 the driver copies region info and its capabilities itself. */
static long bar0_region_info(struct igbvfio_device *dev,
			     struct vfio_region_info __user *arg)
{
	unsigned long minsz = offsetofend(struct vfio_region_info, offset);
	struct vfio_info_cap caps = {};
	struct vfio_region_info info;
	long ret;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	if (info.index != VFIO_PCI_BAR0_REGION_INDEX)
		return vfio_pci_core_ioctl(&dev->core.vdev,
					   VFIO_DEVICE_GET_REGION_INFO,
					   (unsigned long)arg);
	info.cap_offset = 0;
	ret = describe_bar0(dev, &info, &caps);
	if (!ret && caps.size) {
		info.flags |= VFIO_REGION_INFO_FLAG_CAPS;
		if (info.argsz < sizeof(info) + caps.size) {
			info.argsz = sizeof(info) + caps.size;
		} else {
			vfio_info_cap_shift(&caps, sizeof(info));
			if (copy_to_user(arg + 1, caps.buf, caps.size))
				ret = -EFAULT;
			info.cap_offset = sizeof(info);
		}
	}
	kfree(caps.buf);
	if (ret)
		return ret;
	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}
#endif

static long device_ioctl(struct vfio_device *core_vdev, unsigned int cmd,
			 unsigned long arg)
{
	switch (cmd) {
#ifndef IGBVFIO_HAVE_REGION_INFO_CAPS
	case VFIO_DEVICE_GET_REGION_INFO:
		return bar0_region_info(to_igbvfio(core_vdev), (void __user *)arg);
#endif
	case VFIO_DEVICE_IOEVENTFD:
		/* Writes a register behind the driver's back. Which one cannot be
		 * checked: the core reads the request again.
		 */
		return -EINVAL;
	}
	return vfio_pci_core_ioctl(core_vdev, cmd, arg);
}

static int device_feature(struct vfio_device *core_vdev, u32 flags,
			  void __user *arg, size_t argsz)
{
	struct vfio_device_feature_mig_data_size size = {};
	int ret;

	if ((flags & VFIO_DEVICE_FEATURE_MASK) != VFIO_DEVICE_FEATURE_MIG_DATA_SIZE)
		return vfio_pci_core_ioctl_feature(core_vdev, flags, arg, argsz);
	/* Gets here only where the core does not know the feature. */
	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_GET, sizeof(size));
	if (ret != 1)
		return ret;
	size.stop_copy_length = igbvf_stream_size(&to_igbvfio(core_vdev)->ident);
	return copy_to_user(arg, &size, sizeof(size)) ? -EFAULT : 0;
}

static int device_mmap(struct vfio_device *core_vdev, struct vm_area_struct *vma)
{
	const unsigned long index_shift = VFIO_PCI_OFFSET_SHIFT - PAGE_SHIFT;
	u64 offset = (u64)(vma->vm_pgoff & ((1UL << index_shift) - 1)) << PAGE_SHIFT;

	if (vma->vm_pgoff >> index_shift == VFIO_PCI_BAR0_REGION_INDEX &&
	    (!can_map(to_igbvfio(core_vdev)) ||
	     igbvfio_trapped(offset, vma->vm_end - vma->vm_start)))
		return -EINVAL;
	return vfio_pci_core_mmap(core_vdev, vma);
}

static int init_device(struct vfio_device *core_vdev)
{
	struct igbvfio_device *dev = to_igbvfio(core_vdev);
	int ret;

	ret = vfio_pci_core_init_dev(core_vdev);
	if (ret)
		return ret;
	igbvfio_migration_init(dev);
	igbvfio_dirty_init(dev);
	core_vdev->migration_flags = IGBVFIO_MIGRATION_FLAGS;
	core_vdev->mig_ops = &igbvfio_migration_ops;
	return 0;
}

static void release_device(struct vfio_device *core_vdev)
{
	struct igbvfio_device *dev = to_igbvfio(core_vdev);

	igbvfio_put_bitmap_set(dev->bitmap_set);
	mutex_destroy(&dev->regs_lock);
	mutex_destroy(&dev->state_mutex);
	/* Last: older cores free the device in here. */
	vfio_pci_core_release_dev(core_vdev);
}

static const struct vfio_device_ops igbvfio_ops = {
	.name = KBUILD_MODNAME,
	.init = init_device,
	.release = release_device,
	.open_device = open_device,
	.close_device = close_device,
	.ioctl = device_ioctl,
#ifdef IGBVFIO_HAVE_REGION_INFO_CAPS
	.get_region_info_caps = get_region_info_caps,
#endif
	.device_feature = device_feature,
	.read = igbvfio_read,
	.write = igbvfio_write,
	.mmap = device_mmap,
	.request = vfio_pci_core_request,
	.match = vfio_pci_core_match,
#ifdef IGBVFIO_HAVE_MATCH_TOKEN
	.match_token_uuid = vfio_pci_core_match_token_uuid,
#endif
#ifdef IGBVFIO_HAVE_IOMMUFD
	.bind_iommufd = vfio_iommufd_physical_bind,
	.unbind_iommufd = vfio_iommufd_physical_unbind,
	.attach_ioas = vfio_iommufd_physical_attach_ioas,
#endif
#ifdef IGBVFIO_HAVE_DETACH_IOAS
	.detach_ioas = vfio_iommufd_physical_detach_ioas,
#endif
};

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct igbvfio_device *dev;
	int ret;

	dev = vfio_alloc_device(igbvfio_device, core.vdev, &pdev->dev, &igbvfio_ops);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	ret = igbvf_ident_of(pdev->vendor, pdev->device, &dev->ident);
	if (ret)
		goto put;
	dev->bitmap_set = igbvfio_get_bitmap_set();
	dev_set_drvdata(&pdev->dev, &dev->core);
	ret = vfio_pci_core_register_device(&dev->core);
	if (ret)
		goto put;
	igbvfio_debugfs_add(dev);
	if (dev->bitmap_set)
		pci_info(pdev, "live migration with dirty page tracking\n");
	else
		pci_info(pdev, "live migration without dirty page tracking: this kernel's vfio.ko cannot report (CONFIG_IOMMUFD_DRIVER is off); see vfio-dirty-log-dkms\n");
	return 0;
put:
	vfio_put_device(&dev->core.vdev);
	return ret;
}

static void remove(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = dev_get_drvdata(&pdev->dev);
	struct igbvfio_device *dev = container_of(core, struct igbvfio_device, core);

	igbvfio_debugfs_remove(dev);
	vfio_pci_core_unregister_device(&dev->core);
	vfio_put_device(&dev->core.vdev);
}

static void reset_done(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = dev_get_drvdata(&pdev->dev);

	igbvfio_migration_reset(container_of(core, struct igbvfio_device, core));
}

static pci_ers_result_t error_detected(struct pci_dev *pdev,
				       pci_channel_state_t state)
{
	struct vfio_pci_core_device *core = dev_get_drvdata(&pdev->dev);

	igbvfio_migration_error(container_of(core, struct igbvfio_device, core));
	return vfio_pci_core_aer_err_detected(pdev, state);
}

static const struct pci_error_handlers err_handlers = {
	.reset_done = reset_done,
	.error_detected = error_detected,
};

static const struct pci_device_id igbvfio_table[] = {
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_VENDOR_ID_INTEL, IGBVF_DEV_82576_VF) },
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_VENDOR_ID_INTEL, IGBVF_DEV_82576_VF_HV) },
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_VENDOR_ID_INTEL, IGBVF_DEV_I350_VF) },
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_VENDOR_ID_INTEL, IGBVF_DEV_I350_VF_HV) },
	{}
};
MODULE_DEVICE_TABLE(pci, igbvfio_table);

static struct pci_driver igbvfio_driver = {
	.name = KBUILD_MODNAME,
	.id_table = igbvfio_table,
	.probe = probe,
	.remove = remove,
	.err_handler = &err_handlers,
	.driver_managed_dma = true,
};

static int __init igbvfio_init(void)
{
	int ret;

	igbvfio_debugfs_init();
	ret = pci_register_driver(&igbvfio_driver);
	if (ret)
		igbvfio_debugfs_exit();
	return ret;
}
module_init(igbvfio_init);

static void __exit igbvfio_exit(void)
{
	pci_unregister_driver(&igbvfio_driver);
	igbvfio_debugfs_exit();
}
module_exit(igbvfio_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The vferry project");
MODULE_DESCRIPTION("VFIO PCI variant driver with live migration for Intel 82576 and I350 virtual functions");
