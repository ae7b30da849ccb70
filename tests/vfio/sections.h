/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stream taken apart, by our own reading of driver/state_format.h: the
 * tests must not believe the driver's parser.
 */
#ifndef SECTIONS_H
#define SECTIONS_H

#include "mig.h"
#include "nic.h"

#include <state_format.h>

#define SECTIONS_MAX 16

struct section {
	size_t at;     /* of the header, in the stream */
	size_t length; /* header and payload */
	uint32_t type;
	uint8_t *payload;
	size_t payload_length;
};

struct sections {
	unsigned count;
	struct section section[SECTIONS_MAX];
};

/* Finds the sections of a stream; false where lengths do not add up. Looks at
 * lengths only, not at checksums or contents. */
bool sections_find(struct stream *stream, struct sections *sections);

/* The section of a type, or NULL. */
struct section *sections_get(struct sections *sections, uint32_t type);

/* The checksum that belongs into the header of the section. */
uint32_t section_checksum(const struct stream *stream, const struct section *section);

/* Puts right checksums into all sections, as far as lengths add up. */
void stream_seal(struct stream *stream);

/* Fails unless the stream is as the format says, from IDENT to END. */
void stream_check(struct stream *stream, const struct vf *vf);

/* Fails unless the VF, in RUNNING, has in its registers what the stream says.
 * Heads and statistics are left out: any broadcast frame moves them. */
void stream_compare_registers(struct stream *stream, struct vf *vf, const char *what);

/* Fails unless both streams say the same. */
void stream_compare(const struct stream *before, const struct stream *after,
		    const char *what);

#endif
