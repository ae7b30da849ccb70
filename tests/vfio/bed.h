/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What tests of the dirty log stand on: a NIC whose queue 0 has buffers of a
 * pool, and what is true about them.
 */
#ifndef BED_H
#define BED_H

#include "pool.h"
#include "truth.h"

struct bed {
	struct rig rig;
	struct truth truth;
	struct pool pool;
	struct score score;
};

/* Opens the first VF and fills a ring of `slots` from `buffers` buffers of
 * `buffer_size` bytes, `stride` bytes apart. The log is not started. */
void bed_open(struct bed *bed, const struct options *options, unsigned slots,
	      unsigned buffers, size_t stride, unsigned buffer_size);

/* Starts the log over all memory, and the comparison. */
void bed_start(struct bed *bed);

/* Stops the log and closes all. */
void bed_close(struct bed *bed);

#endif
