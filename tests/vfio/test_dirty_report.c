// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The interface of the dirty log: ranges, pieces, page sizes, arguments.
 */
#include "bed.h"

#include <regs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_report_in_pieces(const struct options *options)
{
	static const size_t piece[] = { 64 * PAGE, 256 * PAGE, 1024 * PAGE };
	struct bed bed;

	bed_open(&bed, options, 64, 512, PAGE, 2048);
	bed_start(&bed);
	for (int round = 0; round < 6; round++) {
		pool_traffic(&bed.pool, NULL, &bed.rig, 40, 800);
		truth_find(&bed.truth);
		truth_report(&bed.truth, &bed.rig.vf[0], piece[round % 3]);
		truth_compare(&bed.truth, "pieces", &bed.score);
		truth_begin(&bed.truth);
	}
	score_check(&bed.score);
	bed_close(&bed);
}

/* A report clears what it was asked for, and nothing else. */
static void test_clears_its_range_only(const struct options *options)
{
	uint64_t half[TRUTH_PAGES / 2 / 64];
	size_t middle, pages;
	struct bed bed;

	bed_open(&bed, options, 64, 512, PAGE, 2048);
	bed_start(&bed);
	pool_traffic(&bed.pool, NULL, &bed.rig, 300, 800);
	truth_find(&bed.truth);
	/* The pool's pages on both sides of the border were written; the border is in
	 * the middle of a word, of any size. */
	middle = (size_t)(bed.pool.memory - bed.rig.iommu.memory) / PAGE + 150;
	pages = middle / 64 * 64 + 13;
	for (int round = 0; round < 2; round++) {
		size_t reported = 0;

		memset(half, 0, sizeof(half));
		CHECK_EQ(log_report(&bed.rig.vf[0], bed.rig.iommu.iova, pages * PAGE, PAGE,
				    half),
			 0);
		for (size_t page = 0; page < pages; page++) {
			bool bit = half[page / 64] >> page % 64 & 1;

			if (page_set_has(&bed.truth.rings, page))
				continue;
			reported += bit;
			if (!round)
				CHECK(bit || !page_set_has(&bed.truth.written, page));
		}
		CHECK_EQ(reported > 0, round == 0);
	}
	/* The rest was not touched by those reports. */
	memset(&bed.truth.reported, 0, sizeof(bed.truth.reported));
	CHECK_EQ(log_report(&bed.rig.vf[0], bed.rig.iommu.iova + pages * PAGE,
			    bed.rig.iommu.size - pages * PAGE, PAGE,
			    bed.truth.reported.bits),
		 0);
	for (size_t page = pages; page < TRUTH_PAGES; page++)
		CHECK_IN(page_set_has(&bed.truth.reported, page - pages) ||
				 !page_set_has(&bed.truth.written, page),
			 "page %zu", page);
	bed_close(&bed);
}

/* Several ranges, with holes; sections beyond them may be asked for. */
static void test_several_ranges(const struct options *options)
{
	struct range ranges[3];
	uint64_t page_size = PAGE;
	struct bed bed;

	bed_open(&bed, options, 64, 512, PAGE, 2048);
	for (unsigned i = 0; i < 3; i++)
		ranges[i] = (struct range){
			bed.rig.iommu.iova + i * 5 * (bed.rig.iommu.size / 16),
			bed.rig.iommu.size / 4,
		};
	CHECK_EQ(log_start(&bed.rig.vf[0], ranges, 3, &page_size), 0);
	truth_begin(&bed.truth);
	for (int round = 0; round < 4; round++) {
		pool_traffic(&bed.pool, NULL, &bed.rig, 60, 800);
		truth_find(&bed.truth);
		memset(&bed.truth.reported, 0, sizeof(bed.truth.reported));
		for (int i = 2; i >= 0; i--) {
			size_t first = (ranges[i].iova - bed.rig.iommu.iova) / PAGE;

			CHECK(first % 64 == 0);
			CHECK_EQ(log_report(&bed.rig.vf[0], ranges[i].iova,
					    ranges[i].length, PAGE,
					    bed.truth.reported.bits + first / 64),
				 0);
		}
		for (size_t page = 0; page < TRUTH_PAGES; page++) {
			uint64_t iova = bed.rig.iommu.iova + page * PAGE;

			for (unsigned i = 0; i < 3; i++)
				if (iova >= ranges[i].iova &&
				    iova < ranges[i].iova + ranges[i].length)
					CHECK_IN(page_set_has(&bed.truth.reported, page) ||
							 !page_set_has(&bed.truth.written,
								       page),
						 "page %zu", page);
		}
		truth_begin(&bed.truth);
	}
	bed_close(&bed);
}

static size_t count_bits(const uint64_t *bits, size_t count)
{
	size_t set = 0;

	for (size_t i = 0; i < count; i++)
		set += bits[i / 64] >> i % 64 & 1;
	return set;
}

/* Reports in larger pages: a bit for each that holds a written page. */
static void test_page_sizes(const struct options *options)
{
	static const uint64_t sizes[] = { 8192, 65536, 2 << 20 };
	struct bed bed;

	bed_open(&bed, options, 64, 256, 5 * PAGE, 2048);
	bed_start(&bed);
	for (size_t i = 0; i < 3; i++) {
		uint64_t bits[TRUTH_PAGES / 64] = { 0 };
		size_t factor = sizes[i] / PAGE;

		pool_traffic(&bed.pool, NULL, &bed.rig, 30, 800);
		truth_find(&bed.truth);
		CHECK_EQ(log_report(&bed.rig.vf[0], bed.rig.iommu.iova, bed.rig.iommu.size,
				    sizes[i], bits),
			 0);
		for (size_t page = 0; page < TRUTH_PAGES; page++)
			if (page_set_has(&bed.truth.written, page))
				CHECK_IN(bits[page / factor / 64] >> page / factor % 64 & 1,
					 "page %zu in pages of %llu", page,
					 (unsigned long long)sizes[i]);
		CHECK_EQ(count_bits(bits, TRUTH_PAGES),
			 count_bits(bits, TRUTH_PAGES / factor));
		truth_begin(&bed.truth);
	}
	bed_close(&bed);
}

/* Bits that are set already stay set; a byte beyond the bitmap stays as is. */
static void test_only_sets_bits(const struct options *options)
{
	uint64_t bits[TRUTH_PAGES / 64 + 1];
	struct bed bed;

	bed_open(&bed, options, 64, 256, PAGE, 2048);
	bed_start(&bed);
	memset(bits, 0xff, sizeof(bits));
	CHECK_EQ(log_report(&bed.rig.vf[0], bed.rig.iommu.iova, bed.rig.iommu.size, PAGE,
			    bits),
		 0);
	for (size_t i = 0; i <= TRUTH_PAGES / 64; i++)
		CHECK_EQ(bits[i], -1);
	memset(bits, 0, sizeof(bits));
	pool_traffic(&bed.pool, NULL, &bed.rig, 64, 800);
	CHECK_EQ(log_report(&bed.rig.vf[0], bed.rig.iommu.iova, 3 * PAGE, PAGE, bits), 0);
	CHECK_EQ(bits[0] & ~7ULL, 0);
	for (size_t i = 1; i <= TRUTH_PAGES / 64; i++)
		CHECK_EQ(bits[i], 0);
	bed_close(&bed);
}

static void test_arguments(const struct options *options)
{
	static const uint64_t bad_sizes[] = { 0, 1, 2048, 4095, 6144, 3 << 20 };
	uint64_t bits[TRUTH_PAGES / 64] = { 0 };
	struct range all, two[2];
	uint64_t page_size;
	struct vf *vf;
	struct bed bed;

	bed_open(&bed, options, 64, 256, PAGE, 2048);
	vf = &bed.rig.vf[0];
	all = (struct range){ bed.rig.iommu.iova, bed.rig.iommu.size };
	CHECK(log_report(vf, all.iova, all.length, PAGE, bits) < 0);
	for (size_t i = 0; i < sizeof(bad_sizes) / sizeof(bad_sizes[0]); i++) {
		page_size = bad_sizes[i];
		CHECK_EQ_IN(log_start(vf, &all, 1, &page_size), -EINVAL, "page size %llu",
			    (unsigned long long)bad_sizes[i]);
	}
	page_size = PAGE;
	CHECK_EQ(log_start(vf, &all, 0, &page_size), -EINVAL);
	CHECK_EQ(log_start(vf, NULL, 1, &page_size), -EFAULT);
	two[0] = all;
	two[1] = (struct range){ all.iova + PAGE, all.length };
	CHECK_EQ(log_start(vf, two, 2, &page_size), -EINVAL);
	two[0] = (struct range){ all.iova + 1, PAGE };
	CHECK_EQ(log_start(vf, two, 1, &page_size), -EINVAL);
	two[0] = (struct range){ ~0ULL - PAGE + 1, 2 * PAGE };
	CHECK(log_start(vf, two, 1, &page_size) < 0);

	/* After all of these it can start, once. */
	CHECK_EQ(log_start(vf, &all, 1, &page_size), 0);
	CHECK_EQ(log_start(vf, &all, 1, &page_size), -EINVAL);
	for (size_t i = 0; i < sizeof(bad_sizes) / sizeof(bad_sizes[0]); i++)
		CHECK_EQ_IN(log_report(vf, all.iova, all.length, bad_sizes[i], bits),
			    -EINVAL, "page size %llu", (unsigned long long)bad_sizes[i]);
	CHECK(log_report(vf, ~0ULL - PAGE + 1, 2 * PAGE, PAGE, bits) < 0);
	CHECK_EQ(log_report(vf, all.iova, all.length, PAGE, bits), 0);
	CHECK_EQ(log_stop(vf), 0);
	CHECK(log_report(vf, all.iova, all.length, PAGE, bits) < 0);
	CHECK_EQ(log_start(vf, &all, 1, &page_size), 0);
	bed_close(&bed);
}

/* A log begins empty: what was written before START is not in it. */
static void test_starts_empty(const struct options *options)
{
	struct bed bed;

	bed_open(&bed, options, 64, 512, PAGE, 2048);
	for (int round = 0; round < 3; round++) {
		pool_traffic(&bed.pool, NULL, &bed.rig, 80, 700);
		bed_start(&bed);
		truth_round(&bed.truth, &bed.rig.vf[0], "just started", &bed.score);
		CHECK_EQ(bed.score.written, 0);
		CHECK(bed.score.excess <= 2);
		pool_traffic(&bed.pool, NULL, &bed.rig, 20, 700);
		CHECK_EQ(log_stop(&bed.rig.vf[0]), 0);
	}
	rig_close(&bed.rig);
}

static bool is_reported(const struct bed *bed, uint64_t buffer)
{
	return page_set_has(&bed->truth.reported, (buffer - bed->rig.iommu.iova) / PAGE);
}

/* A guest may leave DD on in what it posts. Nobody can tell then whether it was written: the
 * buffer is reported until it is posted again. */
static void test_posted_as_done(const struct options *options)
{
	struct frame *frame = malloc(sizeof(*frame));
	uint64_t done, usual;
	struct rx_queue *rx;
	struct bed bed;
	struct nic *nic;

	CHECK(frame);
	bed_open(&bed, options, 8, 64, PAGE, 2048);
	nic = &bed.rig.nic;
	rx = &nic->rx[0];
	bed_start(&bed);
	peer_send(&bed.rig.peer, nic->mac, 800, ++bed.rig.sequence);
	CHECK_EQ(nic_receive(nic, frame, 3000), bed.rig.sequence);
	done = pool_take(&bed.pool, &bed.rig.iommu);
	usual = rx->buffer[rx->next];
	rx_post(nic, 0, done, IGBVF_RXD_DD);
	rx_doorbell(nic, 0);
	while (vf_read(nic->vf, IGBVF_RDH(0)) != rx->tail) {
		peer_send(&bed.rig.peer, nic->mac, 800, ++bed.rig.sequence);
		usleep(1000);
	}
	for (int round = 0; round < 3; round++) {
		truth_report(&bed.truth, nic->vf, bed.rig.iommu.size);
		CHECK_IN(is_reported(&bed, done), "report %d", round);
		CHECK_EQ_IN(is_reported(&bed, usual), round == 0, "report %d", round);
	}
	bed_close(&bed);
	free(frame);
}

const struct test dirty_report_tests[] = {
	{ "dirty_report.in_pieces", test_report_in_pieces, 0 },
	{ "dirty_report.clears_its_range_only", test_clears_its_range_only, 0 },
	{ "dirty_report.several_ranges", test_several_ranges, 0 },
	{ "dirty_report.page_sizes", test_page_sizes, 0 },
	{ "dirty_report.only_sets_bits", test_only_sets_bits, 0 },
	{ "dirty_report.arguments", test_arguments, 0 },
	{ "dirty_report.posted_as_done", test_posted_as_done, 0 },
	{ "dirty_report.starts_empty", test_starts_empty, 0 },
	{ 0 },
};
