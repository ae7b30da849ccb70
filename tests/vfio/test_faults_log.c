// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Failures (test_faults.c) in the dirty log: whatever fails, no page that was
 * written may be missing from a report.
 */
#include "bed.h"
#include "faults.h"

#include <regs.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT 1800 /* seconds: each failure is a try of its own */

static void start_log(void *context)
{
	bed_start(context);
}

static int run_log_start(void *context)
{
	struct bed *bed = context;
	struct range all = { bed->rig.iommu.iova, bed->rig.iommu.size };
	uint64_t page_size = PAGE;

	return log_start(&bed->rig.vf[0], &all, 1, &page_size);
}

static void compare_and_stop(struct bed *bed)
{
	pool_traffic(&bed->pool, NULL, &bed->rig, 5, 600);
	truth_round(&bed->truth, &bed->rig.vf[0], "after a failure", &bed->score);
	CHECK_EQ(log_stop(&bed->rig.vf[0]), 0);
}

static void settle_log_start(void *context, int error)
{
	struct bed *bed = context;

	if (error)
		CHECK_EQ(run_log_start(bed), 0);
	truth_begin(&bed->truth);
	compare_and_stop(bed);
}

/* Frames have come, and nobody has asked for a report. */
static void start_log_with_frames(void *context)
{
	struct bed *bed = context;

	bed_start(bed);
	pool_traffic(&bed->pool, NULL, &bed->rig, 10, 600);
	truth_find(&bed->truth);
}

static int run_report(void *context)
{
	struct bed *bed = context;
	struct truth *truth = &bed->truth;

	memset(&truth->reported, 0, sizeof(truth->reported));
	return log_report(&bed->rig.vf[0], truth->iommu->iova, truth->iommu->size, PAGE,
			  truth->reported.bits);
}

/* A report that failed ends a migration; one that did not is complete. */
static void settle_report(void *context, int error)
{
	struct bed *bed = context;

	if (!error)
		truth_compare(&bed->truth, "with a failure", &bed->score);
	truth_begin(&bed->truth);
	compare_and_stop(bed);
}

/* Frames lie in the ring; the guest takes them, and posts buffers anew. */
static void start_log_before_posts(void *context)
{
	struct frame *frame = malloc(sizeof(*frame));
	struct bed *bed = context;
	struct nic *nic = &bed->rig.nic;

	CHECK(frame);
	bed_start(bed);
	for (unsigned i = 0; i < 10; i++) {
		peer_send(&bed->rig.peer, nic->mac, 600, ++bed->rig.sequence);
		CHECK(nic_receive(nic, frame, 3000) == bed->rig.sequence);
	}
	truth_find(&bed->truth);
	while (rx_free(&nic->rx[0]) > 0)
		rx_post(nic, 0, pool_take(&bed->pool, nic->iommu), 0);
	free(frame);
}

static int run_post(void *context)
{
	struct bed *bed = context;
	uint32_t tail = bed->rig.nic.rx[0].tail;
	ssize_t done = vf_pwrite(&bed->rig.vf[0], IGBVF_RDT(0), &tail, sizeof(tail));

	return done < 0 ? (int)done : 0;
}

static void settle_post(void *context, int error)
{
	struct bed *bed = context;

	if (error)
		CHECK_EQ(run_post(bed), 0);
	CHECK_EQ(run_report(bed), 0);
	settle_report(bed, 0);
}

static int run_log_stop(void *context)
{
	struct bed *bed = context;

	return log_stop(&bed->rig.vf[0]);
}

static void settle_log_stop(void *context, int error)
{
	CHECK_EQ(error, 0);
	start_log(context);
	compare_and_stop(context);
}

static void test_log(const struct options *options)
{
	const struct attempt start = { .name = "log start", .run = run_log_start,
				       .settle = settle_log_start };
	const struct attempt report = { .name = "log report", .prepare = start_log_with_frames,
				       .run = run_report, .settle = settle_report };
	const struct attempt post = { .name = "posted buffers", .prepare = start_log_before_posts,
				       .run = run_post, .settle = settle_post };
	const struct attempt stop = { .name = "log stop", .prepare = start_log_with_frames,
				       .run = run_log_stop, .settle = settle_log_stop };
	struct bed bed;

	faults_require(options->vf[0]);
	bed_open(&bed, options, 64, 512, PAGE, 2048);
	faults_each(&start, &bed);
	faults_each(&report, &bed);
	faults_each(&post, &bed);
	faults_each(&stop, &bed);
	rig_close(&bed.rig);
}

const struct test faults_log_tests[] = {
	{ "faults.log", test_log, LIMIT },
	{ 0 },
};
