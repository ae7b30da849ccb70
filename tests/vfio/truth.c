// SPDX-License-Identifier: LGPL-2.1-or-later
#include "truth.h"

#include <stdlib.h>
#include <string.h>

bool page_set_has(const struct page_set *set, size_t page)
{
	return set->bits[page / 64] >> page % 64 & 1;
}

void page_set_add(struct page_set *set, size_t page)
{
	set->bits[page / 64] |= 1ULL << page % 64;
}

static void add_range(struct truth *truth, struct page_set *set, const void *memory,
		      size_t size)
{
	size_t start = (size_t)((const uint8_t *)memory - truth->iommu->memory);

	for (size_t page = start / PAGE; page <= (start + size - 1) / PAGE; page++)
		page_set_add(set, page);
}

void truth_open(struct truth *truth, struct iommu *iommu)
{
	*truth = (struct truth){ .iommu = iommu, .copy = malloc(iommu->size) };
	CHECK(truth->copy);
	CHECK_EQ(iommu->size, RIG_MEMORY);
}

void truth_ring(struct truth *truth, const void *memory, size_t size)
{
	add_range(truth, &truth->rings, memory, size);
}

void truth_cpu(struct truth *truth, const void *memory, size_t size)
{
	add_range(truth, &truth->ignored, memory, size);
}

void truth_nic(struct truth *truth, struct nic *nic)
{
	for (unsigned i = 0; i < RX_QUEUES; i++)
		if (nic->rx[i].ring)
			truth_ring(truth, nic->rx[i].ring,
				   nic->rx[i].count * sizeof(struct descriptor));
	if (!nic->tx.ring)
		return;
	truth_ring(truth, nic->tx.ring, nic->tx.count * sizeof(struct descriptor));
	truth_cpu(truth, nic->tx.buffers, nic->tx.count * (size_t)TX_SLOT_SIZE);
}

void truth_begin(struct truth *truth)
{
	memcpy(truth->copy, truth->iommu->memory, truth->iommu->size);
}

/* The CPU writes descriptors too: only a write-back of the device counts, and
 * that sets the done bit where it was clear. */
static bool ring_written(const uint8_t *now, const uint8_t *before)
{
	for (size_t at = 0; at < PAGE; at += sizeof(struct descriptor)) {
		struct descriptor current, old;

		memcpy(&current, now + at, sizeof(current));
		memcpy(&old, before + at, sizeof(old));
		if (!memcmp(&current, &old, sizeof(current)))
			continue;
		/* Receive: DD in bit 0 of the high half. Transmit: in bit 32. */
		if (current.high & 1 || (current.high >> 32 & 1 && !(old.high >> 32 & 1)))
			return true;
	}
	return false;
}

void truth_find(struct truth *truth)
{
	memset(&truth->written, 0, sizeof(truth->written));
	for (size_t page = 0; page < TRUTH_PAGES; page++) {
		const uint8_t *now = truth->iommu->memory + page * PAGE;
		const uint8_t *before = truth->copy + page * PAGE;

		if (page_set_has(&truth->ignored, page) || !memcmp(now, before, PAGE))
			continue;
		if (page_set_has(&truth->rings, page) && !ring_written(now, before))
			continue;
		page_set_add(&truth->written, page);
	}
}

void truth_report(struct truth *truth, struct vf *vf, size_t piece)
{
	uint64_t *bits = truth->reported.bits;

	CHECK(piece % (64 * PAGE) == 0);
	memset(&truth->reported, 0, sizeof(truth->reported));
	for (size_t at = 0; at < truth->iommu->size; at += piece)
		CHECK_EQ(log_report(vf, truth->iommu->iova + at, piece, PAGE,
				    bits + at / PAGE / 64),
			 0);
}

void truth_compare(struct truth *truth, const char *what, struct score *score)
{
	for (size_t page = 0; page < TRUTH_PAGES; page++) {
		bool written = page_set_has(&truth->written, page);
		bool reported = page_set_has(&truth->reported, page);
		bool ring = page_set_has(&truth->rings, page);

		CHECK_IN(reported || !written, "%s: %s page %zu was written, not reported",
			 what, ring ? "ring" : "buffer", page);
		score->rings += reported && ring;
		score->written += written && !ring;
		score->reported += reported && !ring;
		score->excess += reported && !written && !ring;
	}
}

void truth_round(struct truth *truth, struct vf *vf, const char *what, struct score *score)
{
	truth_find(truth);
	truth_report(truth, vf, truth->iommu->size);
	truth_compare(truth, what, score);
	truth_begin(truth);
}

void score_note(const struct score *score)
{
	check_note("%u pages written, %u reported, %u too many; ring pages %u times",
		   score->written, score->reported, score->excess, score->rings);
}

void score_check(const struct score *score)
{
	score_note(score);
	CHECK(score->written > 0);
	CHECK_IN(score->excess * 10 <= score->written, "%u of %u too many", score->excess,
		 score->written);
}
