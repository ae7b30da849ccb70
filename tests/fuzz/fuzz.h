/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the fuzzers of the stream code hold to be true. */
#ifndef FUZZ_H
#define FUZZ_H

#include "state_stream.h"

#include "always.h"
#include "reseal.h"

/* One VF with two queues, one with one. */
static const u16 fuzz_devices[] = { IGBVF_DEV_82576_VF, IGBVF_DEV_I350_VF };
#define FUZZ_DEVICES (sizeof(fuzz_devices) / sizeof(fuzz_devices[0]))

/* A stream whose identity says a higher minor version. */
static inline bool minor_is_ours(const u8 *stream)
{
	struct igbvf_section_ident ident;

	memcpy(&ident, stream + sizeof(struct igbvf_section_header), sizeof(ident));
	return le16toh(ident.minor) == IGBVF_STATE_MINOR;
}

/**
 * check_accepted() - what must hold of a stream that the reader took
 * @reader: after igbvf_stream_read(), complete
 * @stream: the stream
 * @size: bytes at @stream
 */
static inline void check_accepted(const struct igbvf_stream_reader *reader,
				  const u8 *stream, size_t size)
{
	u8 again[IGBVF_STATE_MAX_SIZE];
	struct igbvf_state masked = reader->state;
	const char *why = NULL;
	int used;

	ALWAYS(reader->have_ident);
	ALWAYS(reader->offset == size);
	ALWAYS(igbvf_state_check(&reader->state, &why) == 0);

	/* Nothing that the save side would have left out got in. */
	igbvf_state_mask(&masked);
	ALWAYS(memcmp(&masked, &reader->state, sizeof(masked)) == 0);

	used = igbvf_stream_write(&reader->state, again, sizeof(again));
	ALWAYS(used > 0 && (size_t)used == igbvf_stream_size(&reader->want));
	if (size != (size_t)used)	/* it had optional sections */
		ALWAYS(reader->sections > 7);
	else if (minor_is_ours(stream))
		ALWAYS(memcmp(stream, again, size) == 0);
}

#endif
