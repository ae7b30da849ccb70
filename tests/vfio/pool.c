// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pool.h"

#include <stdlib.h>
#include <unistd.h>

void pool_open(struct pool *pool, struct iommu *iommu, unsigned count, size_t stride,
	       size_t last)
{
	*pool = (struct pool){
		.memory = dma_alloc(iommu, (count - 1) * stride + last, PAGE),
		.stride = stride,
		.count = count,
	};
	/* What comes next starts on a page of its own. */
	iommu->used = (iommu->used + PAGE - 1) / PAGE * PAGE;
}

uint64_t pool_take(struct pool *pool, struct iommu *iommu)
{
	uint8_t *buffer = pool->memory + pool->next * pool->stride;

	pool->next = (pool->next + 1) % pool->count;
	return dma_iova(iommu, buffer);
}

void pool_post(struct pool *pool, struct pool *headers, struct nic *nic, unsigned index)
{
	while (rx_free(&nic->rx[index]) > 0)
		rx_post(nic, index, pool_take(pool, nic->iommu),
			headers ? pool_take(headers, nic->iommu) : 0);
	rx_doorbell(nic, index);
}

void pool_traffic(struct pool *pool, struct pool *headers, struct rig *rig, unsigned frames,
		  size_t length)
{
	struct frame *frame = malloc(sizeof(*frame));

	CHECK(frame);
	for (unsigned i = 0; i < frames; i++) {
		uint64_t deadline = now_ns() + 3000000000ULL;

		peer_send(&rig->peer, rig->nic.mac, length, ++rig->sequence);
		/* Some other frame may come first; it counts for itself. */
		while (!rx_poll(&rig->nic, 0, frame)) {
			CHECK_IN(now_ns() < deadline, "frame %u of %u", i, frames);
			usleep(20);
		}
		pool_post(pool, headers, &rig->nic, 0);
	}
	free(frame);
}
