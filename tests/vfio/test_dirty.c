// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The dirty log against the truth: frames go into known buffers, and what the
 * log reports is compared with what memory shows. No written page may be
 * missing, and at most 10 % more than the written ones (rings apart) reported.
 */
#include "pool.h"
#include "truth.h"

#include <regs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A NIC whose queue 0 has buffers of a pool, and what is true about it. */
struct bed {
	struct rig rig;
	struct truth truth;
	struct pool pool;
	struct score score;
};

static void bed_open(struct bed *bed, const struct options *options, unsigned slots,
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

static void bed_start(struct bed *bed)
{
	struct range all = { bed->rig.iommu.iova, bed->rig.iommu.size };
	uint64_t page_size = PAGE;

	CHECK_EQ(log_start(&bed->rig.vf[0], &all, 1, &page_size), 0);
	CHECK_EQ(page_size, PAGE);
	truth_begin(&bed->truth);
}

static void bed_close(struct bed *bed)
{
	CHECK_EQ(log_stop(&bed->rig.vf[0]), 0);
	rig_close(&bed->rig);
}

static void run_rounds(const struct options *options, unsigned slots, unsigned buffers,
		       size_t stride, unsigned buffer_size, unsigned frames, size_t length)
{
	struct bed bed;

	bed_open(&bed, options, slots, buffers, stride, buffer_size);
	bed_start(&bed);
	for (unsigned round = 0; round < 8; round++) {
		pool_traffic(&bed.pool, NULL, &bed.rig, frames, length);
		truth_round(&bed.truth, &bed.rig.vf[0], "round", &bed.score);
	}
	score_check(&bed.score);
	bed_close(&bed);
}

static void test_buffer_a_page(const struct options *options)
{
	run_rounds(options, 64, 512, PAGE, 2048, 50, FRAME_MAX);
}

static void test_two_buffers_a_page(const struct options *options)
{
	run_rounds(options, 64, 512, 2048, 2048, 50, 300);
}

/* Buffers of 2 KiB every 3 KiB: one in four lies across a page's end. */
static void test_straddling(const struct options *options)
{
	run_rounds(options, 64, 400, 3072, 2048, 60, FRAME_MAX);
}

static void test_ring_wraps(const struct options *options)
{
	run_rounds(options, 8, 600, PAGE, 2048, 150, 700);
}

static void test_long_ring(const struct options *options)
{
	run_rounds(options, 2048, 2600, PAGE, 1024, 100, 700);
}

/* Nothing arrives: no buffer page may be reported, however many are posted. */
static void test_idle(const struct options *options)
{
	struct bed bed;

	bed_open(&bed, options, 256, 256, PAGE, 2048);
	bed_start(&bed);
	for (int round = 0; round < 4; round++)
		truth_round(&bed.truth, &bed.rig.vf[0], "idle", &bed.score);
	score_note(&bed.score);
	CHECK(bed.score.excess <= 1);
	bed_close(&bed);
}

/* Frames taken by the device, but not yet looked at by the guest. */
static void test_frames_left_in_the_ring(const struct options *options)
{
	struct bed bed;

	bed_open(&bed, options, 64, 512, PAGE, 2048);
	bed_start(&bed);
	for (int round = 0; round < 6; round++) {
		struct frame *frame = malloc(sizeof(*frame));

		for (int i = 0; i < 8; i++)
			peer_send(&bed.rig.peer, bed.rig.nic.mac, 1000, ++bed.rig.sequence);
		usleep(20000);
		truth_round(&bed.truth, &bed.rig.vf[0], "left in the ring", &bed.score);
		if (round % 2) {
			while (rx_poll(&bed.rig.nic, 0, frame))
				;
			pool_post(&bed.pool, NULL, &bed.rig.nic, 0);
		}
		free(frame);
	}
	score_check(&bed.score);
	bed_close(&bed);
}

static void test_header_split(const struct options *options)
{
	struct pool headers;
	struct bed bed = { 0 };

	rig_open(&bed.rig, options, 1);
	log_require(&bed.rig.vf[0]);
	nic_start(&bed.rig.nic, &bed.rig.vf[0], &bed.rig.iommu);
	rx_open(&bed.rig.nic, 0, 64, 2048, 256);
	pool_open(&bed.pool, &bed.rig.iommu, 512, PAGE, 2048);
	pool_open(&headers, &bed.rig.iommu, 512, PAGE, 256);
	rx_enable(&bed.rig.nic, 0);
	pool_post(&bed.pool, &headers, &bed.rig.nic, 0);
	truth_open(&bed.truth, &bed.rig.iommu);
	truth_nic(&bed.truth, &bed.rig.nic);
	bed_start(&bed);
	for (int round = 0; round < 6; round++) {
		pool_traffic(&bed.pool, &headers, &bed.rig, 50, 1200);
		truth_round(&bed.truth, &bed.rig.vf[0], "split", &bed.score);
	}
	score_check(&bed.score);
	bed_close(&bed);
}

/* The model receives on queue 0 only; queue 1 has buffers that wait, and none
 * of them may count. */
static void test_second_queue(const struct options *options)
{
	struct pool second;
	struct bed bed;

	bed_open(&bed, options, 64, 512, PAGE, 2048);
	rx_open(&bed.rig.nic, 1, 64, 2048, 0);
	pool_open(&second, &bed.rig.iommu, 64, PAGE, 2048);
	rx_enable(&bed.rig.nic, 1);
	pool_post(&second, NULL, &bed.rig.nic, 1);
	truth_nic(&bed.truth, &bed.rig.nic);
	bed_start(&bed);
	for (int round = 0; round < 6; round++) {
		pool_traffic(&bed.pool, NULL, &bed.rig, 50, 900);
		truth_round(&bed.truth, &bed.rig.vf[0], "queue 0", &bed.score);
	}
	score_check(&bed.score);
	bed_close(&bed);
}

/* One frame in several buffers. */
static void test_jumbo(const struct options *options)
{
	uint8_t *data = malloc(FRAME_JUMBO);
	struct frame *frame = malloc(sizeof(*frame));
	struct nic sender;
	struct bed bed = { 0 };

	rig_open(&bed.rig, options, 2);
	log_require(&bed.rig.vf[0]);
	nic_start_simple(&sender, &bed.rig.vf[1], &bed.rig.iommu);
	nic_start(&bed.rig.nic, &bed.rig.vf[0], &bed.rig.iommu);
	mailbox_set_max_frame(&bed.rig.nic.mailbox, 9000);
	rx_open(&bed.rig.nic, 0, 64, 1024, 0);
	pool_open(&bed.pool, &bed.rig.iommu, 512, PAGE, 1024);
	rx_enable(&bed.rig.nic, 0);
	pool_post(&bed.pool, NULL, &bed.rig.nic, 0);
	truth_open(&bed.truth, &bed.rig.iommu);
	truth_nic(&bed.truth, &bed.rig.nic);
	truth_nic(&bed.truth, &sender); /* the other VF's rings are not this log's */
	truth_cpu(&bed.truth, sender.tx.ring, PAGE);
	bed_start(&bed);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 8; i++) {
			frame_make(data, 7000, bed.rig.nic.mac, sender.mac,
				   ++bed.rig.sequence);
			nic_send(&sender, data, 7000);
			CHECK_EQ(nic_receive(&bed.rig.nic, frame, 3000), bed.rig.sequence);
			CHECK_EQ(frame->slots, 7);
			pool_post(&bed.pool, NULL, &bed.rig.nic, 0);
		}
		truth_round(&bed.truth, &bed.rig.vf[0], "jumbo", &bed.score);
	}
	score_check(&bed.score);
	bed_close(&bed);
}

static void send_some(struct bed *bed, int frames)
{
	uint8_t data[FRAME_MIN];

	for (int i = 0; i < frames; i++) {
		frame_make(data, sizeof(data), bed->rig.peer.mac, bed->rig.nic.mac,
			   ++bed->rig.sequence);
		nic_send(&bed->rig.nic, data, sizeof(data));
	}
}

/* What the device only reads is not dirty; what it writes back is. */
static void transmit(const struct options *options, bool head_writeback)
{
	struct bed bed;

	bed_open(&bed, options, 64, 512, PAGE, 2048);
	tx_open(&bed.rig.nic, head_writeback);
	truth_nic(&bed.truth, &bed.rig.nic);
	bed_start(&bed);
	for (int round = 0; round < 5; round++) {
		send_some(&bed, 10);
		pool_traffic(&bed.pool, NULL, &bed.rig, 20, 600);
		truth_round(&bed.truth, &bed.rig.vf[0], "transmit", &bed.score);
	}
	score_check(&bed.score);
	bed_close(&bed);
}

static void test_transmit(const struct options *options)
{
	transmit(options, false);
}

static void test_head_writeback(const struct options *options)
{
	transmit(options, true);
}

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
	/* The pool's pages on both sides of the middle were written. */
	middle = (size_t)(bed.pool.memory - bed.rig.iommu.memory) / PAGE + 150;
	pages = middle / 64 * 64;
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
			    bed.truth.reported.bits + pages / 64),
		 0);
	for (size_t page = pages; page < TRUTH_PAGES; page++)
		CHECK_IN(page_set_has(&bed.truth.reported, page) ||
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

const struct test dirty_tests[] = {
	{ "dirty.buffer_a_page", test_buffer_a_page, 0 },
	{ "dirty.two_buffers_a_page", test_two_buffers_a_page, 0 },
	{ "dirty.straddling", test_straddling, 0 },
	{ "dirty.ring_wraps", test_ring_wraps, 0 },
	{ "dirty.long_ring", test_long_ring, 0 },
	{ "dirty.idle", test_idle, 0 },
	{ "dirty.frames_left_in_the_ring", test_frames_left_in_the_ring, 0 },
	{ "dirty.header_split", test_header_split, 0 },
	{ "dirty.second_queue", test_second_queue, 0 },
	{ "dirty.jumbo", test_jumbo, 0 },
	{ "dirty.transmit", test_transmit, 0 },
	{ "dirty.head_writeback", test_head_writeback, 0 },
	{ "dirty.report_in_pieces", test_report_in_pieces, 0 },
	{ "dirty.clears_its_range_only", test_clears_its_range_only, 0 },
	{ "dirty.several_ranges", test_several_ranges, 0 },
	{ "dirty.page_sizes", test_page_sizes, 0 },
	{ "dirty.only_sets_bits", test_only_sets_bits, 0 },
	{ "dirty.arguments", test_arguments, 0 },
	{ "dirty.starts_empty", test_starts_empty, 0 },
	{ 0 },
};
