// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The dirty log against the truth: frames go into known buffers, and what the
 * log reports is compared with what memory shows. No written page may be
 * missing, and at most 10 % more than the written ones (rings apart) reported.
 */
#include "bed.h"

#include <regs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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
static void test_every_3_kib(const struct options *options)
{
	run_rounds(options, 64, 400, 3072, 2048, 60, FRAME_MAX);
}

/* Every buffer lies across a page's end, and no other one touches its pages. */
static void test_straddling(const struct options *options)
{
	struct bed bed = { 0 };

	rig_open(&bed.rig, options, 1);
	log_require(&bed.rig.vf[0]);
	nic_start(&bed.rig.nic, &bed.rig.vf[0], &bed.rig.iommu);
	rx_open(&bed.rig.nic, 0, 64, 2048, 0);
	pool_open(&bed.pool, &bed.rig.iommu, 300, 2 * PAGE, 2 * PAGE);
	bed.pool.memory += PAGE - 1024;
	rx_enable(&bed.rig.nic, 0);
	pool_post(&bed.pool, NULL, &bed.rig.nic, 0);
	truth_open(&bed.truth, &bed.rig.iommu);
	truth_nic(&bed.truth, &bed.rig.nic);
	bed_start(&bed);
	for (int round = 0; round < 6; round++) {
		pool_traffic(&bed.pool, NULL, &bed.rig, 50, FRAME_MAX);
		truth_round(&bed.truth, &bed.rig.vf[0], "straddling", &bed.score);
	}
	score_check(&bed.score);
	bed_close(&bed);
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

const struct test dirty_tests[] = {
	{ "dirty.buffer_a_page", test_buffer_a_page, 0 },
	{ "dirty.two_buffers_a_page", test_two_buffers_a_page, 0 },
	{ "dirty.every_3_kib", test_every_3_kib, 0 },
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
	{ 0 },
};
