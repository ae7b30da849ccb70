// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The dirty log while something happens: resets, new rings, states. Here only
 * one thing counts: no page that the device has written may be missing.
 */
#include "scene.h"

#include <regs.h>
#include <stdlib.h>
#include <unistd.h>

#define S(name) VFIO_DEVICE_STATE_##name

/* A page that is written again after its report is reported again. */
static void test_written_again(const struct options *options)
{
	struct frame *frame = malloc(sizeof(*frame));
	struct scene scene;

	scene_open(&scene, options, 16);
	scene.pool.count = 15; /* the same few buffers, over and over */
	scene.pool.next = 0;
	nic_again(&scene, 16);
	scene_log(&scene);
	truth_begin(&scene.truth);
	for (int round = 0; round < 12; round++) {
		pool_traffic(&scene.pool, NULL, &scene.rig, 15, 900);
		truth_round(&scene.truth, &scene.rig.vf[0], "again", &scene.score);
	}
	CHECK(scene.score.written >= 12 * 14);
	free(frame);
	score_check(&scene.score);
	scene_close(&scene);
}

static void leave_frames(struct scene *scene, int frames)
{
	for (int i = 0; i < frames; i++)
		peer_send(&scene->rig.peer, scene->rig.nic.mac, 800, ++scene->rig.sequence);
	usleep(20000);
}

/* Frames received, then a reset before anybody asks. */
static void event(const struct options *options, bool guest_reset)
{
	struct scene scene;

	scene_open(&scene, options, 64);
	scene_log(&scene);
	for (int round = 0; round < 5; round++) {
		truth_begin(&scene.truth);
		leave_frames(&scene, 20);
		if (!guest_reset)
			CHECK_EQ(vf_reset(&scene.rig.vf[0]), 0);
		nic_again(&scene, 64); /* begins with CTRL.RST */
		leave_frames(&scene, 20);
		truth_find(&scene.truth);
		truth_report(&scene.truth, &scene.rig.vf[0], scene.rig.iommu.size);
		truth_compare(&scene.truth, guest_reset ? "CTRL.RST" : "reset",
			      &scene.score);
	}
	CHECK(scene.score.written > 100);
	scene_close(&scene);
}

static void test_reset(const struct options *options)
{
	event(options, false);
}

static void test_ctrl_rst(const struct options *options)
{
	event(options, true);
}

/* Frames in a ring that is gone when the report comes. */
static void test_new_ring(const struct options *options)
{
	struct scene scene;

	scene_open(&scene, options, 64);
	scene_log(&scene);
	for (int round = 0; round < 5; round++) {
		truth_begin(&scene.truth);
		leave_frames(&scene, 15);
		rx_disable(&scene.rig.nic, 0);
		rx_open(&scene.rig.nic, 0, 32, 1024 * (unsigned)(1 + round % 3), 0);
		truth_nic(&scene.truth, &scene.rig.nic);
		rx_enable(&scene.rig.nic, 0);
		pool_post(&scene.pool, NULL, &scene.rig.nic, 0);
		leave_frames(&scene, 15);
		truth_find(&scene.truth);
		truth_report(&scene.truth, &scene.rig.vf[0], scene.rig.iommu.size);
		truth_compare(&scene.truth, "new ring", &scene.score);
	}
	CHECK(scene.score.written > 100);
	scene_close(&scene);
}

/* A transmit ring that came after the last report, which may be the final one. */
static void new_transmit_ring(const struct options *options, bool head_writeback)
{
	uint8_t data[FRAME_MIN];
	struct scene scene;

	scene_open(&scene, options, 64);
	scene_log(&scene);
	for (int round = 0; round < 4; round++) {
		truth_begin(&scene.truth);
		tx_open(&scene.rig.nic, head_writeback);
		truth_nic(&scene.truth, &scene.rig.nic);
		for (int i = 0; i < 5; i++) {
			frame_make(data, sizeof(data), scene.rig.peer.mac,
				   scene.rig.nic.mac, ++scene.rig.sequence);
			nic_send(&scene.rig.nic, data, sizeof(data));
		}
		truth_round(&scene.truth, &scene.rig.vf[0], "new transmit ring",
			    &scene.score);
	}
	CHECK(scene.score.rings + scene.score.written >= 4);
	scene_close(&scene);
}

static void test_new_transmit_ring(const struct options *options)
{
	new_transmit_ring(options, false);
}

static void test_new_head_writeback(const struct options *options)
{
	new_transmit_ring(options, true);
}

/* The same ring, its registers written anew; tail before or after enable. */
static void test_tail_before_enable(const struct options *options)
{
	struct scene scene;

	scene_open(&scene, options, 64);
	scene_log(&scene);
	for (int round = 0; round < 4; round++) {
		struct rx_queue *queue = &scene.rig.nic.rx[0];

		truth_begin(&scene.truth);
		rx_disable(&scene.rig.nic, 0);
		vf_write(&scene.rig.vf[0], IGBVF_RDH(0), 0);
		vf_write(&scene.rig.vf[0], IGBVF_RDT(0), 0);
		queue->next = queue->tail = 0;
		pool_post(&scene.pool, NULL, &scene.rig.nic, 0);
		vf_write(&scene.rig.vf[0], IGBVF_RXDCTL(0), IGBVF_QUEUE_ENABLE);
		leave_frames(&scene, 20);
		truth_find(&scene.truth);
		truth_report(&scene.truth, &scene.rig.vf[0], scene.rig.iommu.size);
		truth_compare(&scene.truth, "tail before enable", &scene.score);
	}
	CHECK(scene.score.written > 60);
	scene_close(&scene);
}

/* The last reports of a migration come when the device is stopped. */
static void test_reported_when_stopped(const struct options *options)
{
	static const uint8_t stops[] = { S(RUNNING_P2P), S(STOP), S(STOP_COPY) };
	struct scene scene;

	scene_open(&scene, options, 64);
	scene_log(&scene);
	for (size_t i = 0; i < 3 * sizeof(stops); i++) {
		struct frame *frame = malloc(sizeof(*frame));

		truth_begin(&scene.truth);
		leave_frames(&scene, 12);
		close(mig_go(&scene.rig.vf[0], stops[i % sizeof(stops)]));
		truth_round(&scene.truth, &scene.rig.vf[0], "stopped", &scene.score);
		mig_go(&scene.rig.vf[0], S(RUNNING));
		drain(&scene, frame);
		free(frame);
	}
	score_check(&scene.score);
	scene_close(&scene);
}

/* The log may be started while the device is stopped. */
static void test_started_when_stopped(const struct options *options)
{
	static const uint8_t stops[] = { S(RUNNING_P2P), S(STOP), S(STOP_COPY) };
	struct frame *frame = malloc(sizeof(*frame));
	struct scene scene;

	scene_open(&scene, options, 64);
	for (size_t i = 0; i < sizeof(stops); i++) {
		leave_frames(&scene, 5);
		close(mig_go(&scene.rig.vf[0], stops[i]));
		scene_log(&scene);
		truth_begin(&scene.truth);
		mig_go(&scene.rig.vf[0], S(RUNNING));
		leave_frames(&scene, 10);
		drain(&scene, frame);
		leave_frames(&scene, 10);
		truth_round(&scene.truth, &scene.rig.vf[0], "started when stopped",
			    &scene.score);
		CHECK_EQ(log_stop(&scene.rig.vf[0]), 0);
		drain(&scene, frame);
	}
	score_check(&scene.score);
	rig_close(&scene.rig);
}

/* Buffers posted while the device was quiesced. */
static void test_posted_when_stopped(const struct options *options)
{
	static const uint8_t stops[] = { S(RUNNING_P2P), S(STOP) };
	struct frame *frame = malloc(sizeof(*frame));
	struct scene scene;

	scene_open(&scene, options, 16);
	scene_log(&scene);
	for (int i = 0; i < 8; i++) {
		truth_begin(&scene.truth);
		pool_traffic(&scene.pool, NULL, &scene.rig, 10, 500);
		leave_frames(&scene, 10);
		mig_go(&scene.rig.vf[0], stops[i % 2]);
		drain(&scene, frame);
		if (i % 3 == 0) {
			truth_round(&scene.truth, &scene.rig.vf[0], "posted", &scene.score);
		}
		mig_go(&scene.rig.vf[0], S(RUNNING));
		leave_frames(&scene, 12);
		truth_round(&scene.truth, &scene.rig.vf[0], "posted when stopped",
			    &scene.score);
		drain(&scene, frame);
	}
	CHECK(scene.score.written > 100);
	scene_close(&scene);
}

/* A destination that logs from the start, as one does that migrates on. */
static void test_logged_at_destination(const struct options *options)
{
	struct frame *frame = malloc(sizeof(*frame));
	struct range all;
	uint64_t page_size = PAGE;
	struct stream stream;
	struct scene scene;
	struct vf other;

	if (options->vf_count < 2)
		check_skip("needs 2 VFs");
	scene_open(&scene, options, 64);
	vf_open(&other, &scene.rig.iommu, options->vf[1]);
	all = (struct range){ scene.rig.iommu.iova, scene.rig.iommu.size };
	leave_frames(&scene, 10);
	mig_save(&scene.rig.vf[0], &stream);
	CHECK_EQ(log_start(&other, &all, 1, &page_size), 0);
	truth_begin(&scene.truth);
	mig_restore(&other, &stream, S(RUNNING));
	CHECK_EQ(vf_reset(&scene.rig.vf[0]), 0);
	nic_move(&scene.rig.nic, &other);
	for (int round = 0; round < 4; round++) {
		leave_frames(&scene, 15);
		truth_round(&scene.truth, &other, "destination", &scene.score);
		drain(&scene, frame);
	}
	score_check(&scene.score);
	CHECK_EQ(log_stop(&other), 0);
	vf_close(&other);
	rig_close(&scene.rig);
}

/* A ring outside of all memory: the log must not end in an error or hide
 * that it knows nothing. */
static void test_unreadable_ring(const struct options *options)
{
	struct page_set all = { 0 };
	struct scene scene;

	scene_open(&scene, options, 64);
	scene_log(&scene);
	rx_disable(&scene.rig.nic, 0);
	vf_write(&scene.rig.vf[0], IGBVF_RDBAH(0), 0x7fff);
	vf_write(&scene.rig.vf[0], IGBVF_RDH(0), 0);
	vf_write(&scene.rig.vf[0], IGBVF_RXDCTL(0), IGBVF_QUEUE_ENABLE);
	vf_write(&scene.rig.vf[0], IGBVF_RDT(0), 20);
	report_into(&scene, &all);
	for (size_t i = 0; i < TRUTH_PAGES / 64; i++)
		CHECK_EQ(all.bits[i], -1);
	/* The next START is precise again. */
	rx_disable(&scene.rig.nic, 0);
	CHECK_EQ(log_stop(&scene.rig.vf[0]), 0);
	nic_again(&scene, 64);
	scene_log(&scene);
	truth_begin(&scene.truth);
	pool_traffic(&scene.pool, NULL, &scene.rig, 50, 500);
	truth_round(&scene.truth, &scene.rig.vf[0], "after an unreadable ring",
		    &scene.score);
	score_check(&scene.score);
	scene_close(&scene);
}

const struct test dirty_events_tests[] = {
	{ "dirty_events.written_again", test_written_again, 0 },
	{ "dirty_events.reset", test_reset, 0 },
	{ "dirty_events.ctrl_rst", test_ctrl_rst, 0 },
	{ "dirty_events.new_ring", test_new_ring, 0 },
	{ "dirty_events.new_transmit_ring", test_new_transmit_ring, 0 },
	{ "dirty_events.new_head_writeback", test_new_head_writeback, 0 },
	{ "dirty_events.tail_before_enable", test_tail_before_enable, 0 },
	{ "dirty_events.reported_when_stopped", test_reported_when_stopped, 0 },
	{ "dirty_events.started_when_stopped", test_started_when_stopped, 0 },
	{ "dirty_events.posted_when_stopped", test_posted_when_stopped, 0 },
	{ "dirty_events.logged_at_destination", test_logged_at_destination, 0 },
	{ "dirty_events.unreadable_ring", test_unreadable_ring, 0 },
	{ 0 },
};
