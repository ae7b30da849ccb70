/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Receive buffers at known places, handed out in turn: a page that the device
 * writes is thus a page that a test can name.
 */
#ifndef POOL_H
#define POOL_H

#include "rig.h"

struct pool {
	uint8_t *memory;
	size_t stride; /* bytes from one buffer to the next */
	unsigned count;
	unsigned next;
};

/* `count` buffers, `stride` bytes apart; `last` bytes follow the last start. */
void pool_open(struct pool *pool, struct iommu *iommu, unsigned count, size_t stride,
	       size_t last);

uint64_t pool_take(struct pool *pool, struct iommu *iommu);

/* Fills all free slots of a queue and rings. `headers` may be NULL. */
void pool_post(struct pool *pool, struct pool *headers, struct nic *nic, unsigned index);

/* Sends `frames` frames of `length` bytes to the NIC and takes each, posting
 * buffers again as they come. */
void pool_traffic(struct pool *pool, struct pool *headers, struct rig *rig, unsigned frames,
		  size_t length);

#endif
