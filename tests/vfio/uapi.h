/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The VFIO interface, whatever the age of the build machine's headers: what
 * Linux 6.1 did not yet have is named here. Source of every number:
 * include/uapi/linux/vfio.h.
 */
#ifndef UAPI_H
#define UAPI_H

#include <linux/vfio.h>

/* Linux 6.2: PRE_COPY, its two states and VFIO_MIG_GET_PRECOPY_INFO. */
#ifndef VFIO_MIGRATION_PRE_COPY
#define VFIO_MIGRATION_PRE_COPY (1 << 2)
#define VFIO_DEVICE_STATE_PRE_COPY 6
#define VFIO_DEVICE_STATE_PRE_COPY_P2P 7
#define VFIO_MIG_GET_PRECOPY_INFO _IO(VFIO_TYPE, VFIO_BASE + 21)
struct vfio_precopy_info {
	__u32 argsz;
	__u32 flags;
	__aligned_u64 initial_bytes;
	__aligned_u64 dirty_bytes;
};
#endif

/* Linux 6.2: how much data STOP_COPY will take. */
#ifndef VFIO_DEVICE_FEATURE_MIG_DATA_SIZE
#define VFIO_DEVICE_FEATURE_MIG_DATA_SIZE 9
struct vfio_device_feature_mig_data_size {
	__aligned_u64 stop_copy_length;
};
#endif

#endif
