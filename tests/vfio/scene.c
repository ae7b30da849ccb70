// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scene.h"

#include <unistd.h>

void nic_again(struct scene *scene, unsigned slots)
{
	nic_start(&scene->rig.nic, &scene->rig.vf[0], &scene->rig.iommu);
	rx_open(&scene->rig.nic, 0, slots, 2048, 0);
	truth_nic(&scene->truth, &scene->rig.nic);
	rx_enable(&scene->rig.nic, 0);
	pool_post(&scene->pool, NULL, &scene->rig.nic, 0);
}

void scene_open(struct scene *scene, const struct options *options, unsigned slots)
{
	*scene = (struct scene){ 0 };
	rig_open(&scene->rig, options, 1);
	log_require(&scene->rig.vf[0]);
	truth_open(&scene->truth, &scene->rig.iommu);
	pool_open(&scene->pool, &scene->rig.iommu, 1024, PAGE, 2048);
	nic_again(scene, slots);
	peer_open(&scene->flooder, options->pf);
}

void scene_log(struct scene *scene)
{
	struct range all = { scene->rig.iommu.iova, scene->rig.iommu.size };
	uint64_t page_size = PAGE;

	CHECK_EQ(log_start(&scene->rig.vf[0], &all, 1, &page_size), 0);
}

void scene_close(struct scene *scene)
{
	score_note(&scene->score);
	CHECK_EQ(log_stop(&scene->rig.vf[0]), 0);
	rig_close(&scene->rig);
}

static void *flood(void *argument)
{
	struct scene *scene = argument;
	uint8_t data[FRAME_MIN];

	while (scene->flooding) {
		frame_make(data, sizeof(data), scene->rig.nic.mac, scene->flooder.mac,
			   ++scene->flooded);
		peer_send_raw(&scene->flooder, data, sizeof(data));
	}
	return NULL;
}

void flood_start(struct scene *scene)
{
	scene->flooding = true;
	CHECK(!pthread_create(&scene->flood, NULL, flood, scene));
}

void flood_stop(struct scene *scene)
{
	scene->flooding = false;
	pthread_join(scene->flood, NULL);
	usleep(5000);
}

void drain(struct scene *scene, struct frame *frame)
{
	bool any = false;

	while (rx_poll(&scene->rig.nic, 0, frame))
		any = true;
	if (any)
		pool_post(&scene->pool, NULL, &scene->rig.nic, 0);
}

void report_into(struct scene *scene, struct page_set *all)
{
	truth_report(&scene->truth, &scene->rig.vf[0], scene->rig.iommu.size);
	for (size_t i = 0; i < TRUTH_PAGES / 64; i++)
		all->bits[i] |= scene->truth.reported.bits[i];
}
