// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The dirty log while frames pour in: no page that the device has written may
 * be missing, whatever happens meanwhile.
 */
#include "scene.h"

#include <regs.h>
#include <stdlib.h>
#include <unistd.h>

#define S(name) VFIO_DEVICE_STATE_##name

/* What the reports together say, against what memory says. */
static void compare_all(struct scene *scene, struct page_set *all, const char *what)
{
	truth_find(&scene->truth);
	report_into(scene, all);
	scene->truth.reported = *all;
	truth_compare(&scene->truth, what, &scene->score);
}

/* START in the middle of traffic: from its return on nothing is lost. */
static void test_started_under_load(const struct options *options)
{
	struct frame *frame = malloc(sizeof(*frame));
	struct scene scene;

	scene_open(&scene, options, 256);
	flood_start(&scene);
	for (int round = 0; round < 10; round++) {
		struct page_set all = { 0 };
		uint64_t end;

		for (int i = 0; i < 20; i++) {
			drain(&scene, frame);
			usleep(500);
		}
		scene_log(&scene);
		truth_begin(&scene.truth);
		end = now_ns() + 30000000;
		while (now_ns() < end)
			drain(&scene, frame);
		flood_stop(&scene);
		compare_all(&scene, &all, "started under load");
		CHECK_EQ(log_stop(&scene.rig.vf[0]), 0);
		flood_start(&scene);
	}
	flood_stop(&scene);
	CHECK(scene.score.written > 0);
	score_note(&scene.score);
	rig_close(&scene.rig);
}

/* Reports in the middle of traffic; together they have every page. */
static void test_reported_under_load(const struct options *options)
{
	struct frame *frame = malloc(sizeof(*frame));
	struct page_set all = { 0 };
	struct scene scene;
	unsigned reports = 0;
	uint64_t end;

	scene_open(&scene, options, 64);
	scene_log(&scene);
	truth_begin(&scene.truth);
	flood_start(&scene);
	end = now_ns() + 2000000000ULL;
	while (now_ns() < end) {
		for (int i = 0; i < 50; i++)
			drain(&scene, frame);
		report_into(&scene, &all);
		reports++;
	}
	flood_stop(&scene);
	compare_all(&scene, &all, "under load");
	CHECK(scene.score.written > 100);
	check_note("%u frames sent, %u reports", scene.flooded, reports);
	scene_close(&scene);
}

/* The guest resets its VF while frames pour in: what the device wrote between
 * the last look and the reset counts too. */
static void reset_vf(struct scene *scene)
{
	nic_again(scene, 256); /* begins with CTRL.RST */
}

/* The queue is switched off while frames pour in, and gets a new ring. */
static void change_ring(struct scene *scene)
{
	rx_disable(&scene->rig.nic, 0);
	rx_open(&scene->rig.nic, 0, 256, 2048, 0);
	truth_nic(&scene->truth, &scene->rig.nic);
	rx_enable(&scene->rig.nic, 0);
	pool_post(&scene->pool, NULL, &scene->rig.nic, 0);
}

/* The device itself is stopped and started. */
static void stop_and_run(struct scene *scene)
{
	mig_go(&scene->rig.vf[0], S(STOP));
	mig_go(&scene->rig.vf[0], S(RUNNING));
}

static void change_under_load(const struct options *options,
			      void (*change)(struct scene *scene), const char *what)
{
	struct frame *frame = malloc(sizeof(*frame));
	struct scene scene;

	scene_open(&scene, options, 256);
	scene_log(&scene);
	for (int round = 0; round < 60; round++) {
		struct page_set all = { 0 };

		truth_begin(&scene.truth);
		flood_start(&scene);
		for (int i = 0; i < 10; i++) {
			drain(&scene, frame);
			usleep(500);
		}
		change(&scene);
		flood_stop(&scene);
		compare_all(&scene, &all, what);
	}
	CHECK(scene.score.written > 500);
	scene_close(&scene);
}

static void test_ctrl_rst_under_load(const struct options *options)
{
	change_under_load(options, reset_vf, "CTRL.RST under load");
}

static void test_new_ring_under_load(const struct options *options)
{
	change_under_load(options, change_ring, "new ring under load");
}

static void test_stopped_under_load(const struct options *options)
{
	change_under_load(options, stop_and_run, "stopped under load");
}

const struct test dirty_load_tests[] = {
	{ "dirty_load.started", test_started_under_load, 120 },
	{ "dirty_load.reported", test_reported_under_load, 0 },
	{ "dirty_load.ctrl_rst", test_ctrl_rst_under_load, 120 },
	{ "dirty_load.new_ring", test_new_ring_under_load, 120 },
	{ "dirty_load.stopped", test_stopped_under_load, 120 },
	{ 0 },
};
