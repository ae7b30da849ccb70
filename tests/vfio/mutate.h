/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Streams that no driver has written, made from ones that a driver has. The
 * same seed and number always give the same stream.
 */
#ifndef MUTATE_H
#define MUTATE_H

#include "sections.h"

struct random {
	uint64_t state;
};

uint64_t random_next(struct random *random);
/* From 0 to `bound` - 1. */
uint32_t random_below(struct random *random, uint32_t bound);

enum verdict {
	MUST_REFUSE,	 /* write() has to say no */
	MUST_NOT_FINISH, /* write() or the end of RESUMING has to say no */
	MAY_ACCEPT,	 /* if it is taken, then as it reads */
};

/* Mutation `number` of `first`, with `second` as the donor of splices. Puts
 * it into `result`; `what` gets a static line that says what was done. */
enum verdict mutate(uint64_t seed, unsigned number, const struct stream *first,
		    const struct stream *second, struct stream *result, const char **what);

#endif
