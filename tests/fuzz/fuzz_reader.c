/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Raw bytes, as a hostile source would write() them: whole, and in pieces that
 * the bytes themselves choose. Both ways must end alike.
 */
#include "fuzz.h"

#define MAX_PIECES 8

/* Reads in pieces, each from memory of its exact size, so that ASan sees any
 * read beyond what has arrived.
 */
static int read_pieces(struct igbvf_stream_reader *reader, const u8 *data,
		       size_t size)
{
	size_t length = 0;
	int piece, ret = 0;

	for (piece = 0; piece < MAX_PIECES && !ret; piece++) {
		u8 *copy;

		if (piece == MAX_PIECES - 1)
			length = size;
		else if (length < size)
			length += 1 + data[length] % (size - length);
		copy = malloc(length ? length : 1);
		ALWAYS(copy);
		memcpy(copy, data, length);
		ret = igbvf_stream_read(reader, copy, length);
		free(copy);
	}
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct igbvf_stream_reader whole, pieces;
	struct igbvf_ident want;
	size_t d;
	int ret;

	for (d = 0; d < FUZZ_DEVICES; d++) {
		ALWAYS(igbvf_ident_of(0x8086, fuzz_devices[d], &want) == 0);
		igbvf_stream_reader_init(&whole, &want);
		ret = igbvf_stream_read(&whole, data, size);
		ALWAYS(ret <= 0);
		ALWAYS(!ret || whole.why);
		if (size > IGBVF_STATE_MAX_SIZE) {
			ALWAYS(ret < 0 && !whole.complete);
			continue;
		}
		igbvf_stream_reader_init(&pieces, &want);
		ALWAYS(read_pieces(&pieces, data, size) == ret);
		ALWAYS(pieces.complete == whole.complete);
		ALWAYS(pieces.offset == whole.offset);
		if (!ret && whole.complete)
			check_accepted(&whole, data, size);
	}
	return 0;
}
