// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bed.h"

void bed_open(struct bed *bed, const struct options *options, unsigned slots,
	      unsigned buffers, size_t stride, unsigned buffer_size)
{
	*bed = (struct bed){ 0 };
	rig_open(&bed->rig, options, 1);
	log_require(&bed->rig.vf[0]);
	nic_start(&bed->rig.nic, &bed->rig.vf[0], &bed->rig.iommu);
	rx_open(&bed->rig.nic, 0, slots, buffer_size, 0);
	pool_open(&bed->pool, &bed->rig.iommu, buffers, stride, buffer_size);
	rx_enable(&bed->rig.nic, 0);
	pool_post(&bed->pool, NULL, &bed->rig.nic, 0);
	truth_open(&bed->truth, &bed->rig.iommu);
	truth_nic(&bed->truth, &bed->rig.nic);
}

void bed_start(struct bed *bed)
{
	struct range all = { bed->rig.iommu.iova, bed->rig.iommu.size };
	uint64_t page_size = PAGE;

	CHECK_EQ(log_start(&bed->rig.vf[0], &all, 1, &page_size), 0);
	CHECK_EQ(page_size, PAGE);
	truth_begin(&bed->truth);
}

void bed_close(struct bed *bed)
{
	CHECK_EQ(log_stop(&bed->rig.vf[0]), 0);
	rig_close(&bed->rig);
}
