/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The truth about dirty pages, found without the driver's help: memory is
 * compared with a copy of what it was, and each ring slot that the device has
 * written back counts for the ring's page.
 */
#ifndef TRUTH_H
#define TRUTH_H

#include "mig.h"
#include "rig.h"

#define TRUTH_PAGES (RIG_MEMORY / PAGE)

struct page_set {
	uint64_t bits[TRUTH_PAGES / 64];
};

struct truth {
	struct iommu *iommu;
	uint8_t *copy;		 /* memory at the last truth_begin() */
	struct page_set rings;	 /* pages with descriptors: excess is allowed there */
	struct page_set ignored; /* pages that this program writes itself */
	struct page_set written; /* of the last truth_find() */
	struct page_set reported;
};

/* What the driver got right over all rounds. */
struct score {
	unsigned written, reported, excess, rings;
};

void truth_open(struct truth *truth, struct iommu *iommu);

/* Descriptors live here; transmit buffers, and what else only the CPU writes,
 * live there. */
void truth_ring(struct truth *truth, const void *memory, size_t size);
void truth_cpu(struct truth *truth, const void *memory, size_t size);
/* The rings and transmit buffers of a NIC. */
void truth_nic(struct truth *truth, struct nic *nic);

/* From now on, what the device writes counts. */
void truth_begin(struct truth *truth);

/* Finds the pages written since. */
void truth_find(struct truth *truth);

/* Reads the log of all memory into `reported`, in pieces of `piece` bytes. */
void truth_report(struct truth *truth, struct vf *vf, size_t piece);

/* Fails if a written page was not reported; adds to the score. */
void truth_compare(struct truth *truth, const char *what, struct score *score);

/* All of that: find, report, compare, begin anew. */
void truth_round(struct truth *truth, struct vf *vf, const char *what, struct score *score);

/* Fails if more than 10 % beyond the written pages (rings apart) were
 * reported; prints the figures. */
void score_check(const struct score *score);
void score_note(const struct score *score);

bool page_set_has(const struct page_set *set, size_t page);
void page_set_add(struct page_set *set, size_t page);

#endif
