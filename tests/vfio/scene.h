/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A dirty log while things happen: a NIC that may be set up again and again,
 * and somebody who floods it with frames.
 */
#ifndef SCENE_H
#define SCENE_H

#include "pool.h"
#include "truth.h"

#include <pthread.h>

struct scene {
	struct rig rig;
	struct truth truth;
	struct pool pool;
	struct score score;
	struct peer flooder;
	pthread_t flood;
	volatile bool flooding;
	unsigned flooded;
};

/* Opens the first VF and sets up its NIC with a ring of `slots`. */
void scene_open(struct scene *scene, const struct options *options, unsigned slots);

/* Resets the VF and sets up its NIC again, with a new ring. */
void nic_again(struct scene *scene, unsigned slots);

/* Starts the log over all memory. */
void scene_log(struct scene *scene);

/* Stops the log, closes all, prints the score. */
void scene_close(struct scene *scene);

/* Frames to the NIC, as fast as they go, from a thread of its own. */
void flood_start(struct scene *scene);
void flood_stop(struct scene *scene);

/* Takes what has arrived and posts buffers again. */
void drain(struct scene *scene, struct frame *frame);

/* Reads the log and adds it to `all`. */
void report_into(struct scene *scene, struct page_set *all);

#endif
