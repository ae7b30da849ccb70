/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any register content through writer and reader: the reader takes exactly
 * what igbvf_state_check() takes, and gets back what was written.
 *
 * Input: one byte (bit 0: which device, bit 1: apply igbvf_state_mask() as the
 * driver does when it saves), then a struct igbvf_state of the host, the rest
 * of it zero where the input is short.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	u8 stream[IGBVF_STATE_MAX_SIZE];
	struct igbvf_stream_reader reader;
	struct igbvf_state state = {};
	const char *why = NULL;
	struct igbvf_ident ident;
	int used, check, ret;

	if (size < 1 || size > 1 + sizeof(state))
		return -1;
	memcpy(&state, data + 1, size - 1);
	ALWAYS(igbvf_ident_of(0x8086, fuzz_devices[data[0] & 1], &ident) == 0);
	state.ident = ident;
	if (data[0] & 2)
		igbvf_state_mask(&state);

	check = igbvf_state_check(&state, &why);
	ALWAYS(!check || why);
	used = igbvf_stream_write(&state, stream, sizeof(stream));
	ALWAYS(used > 0 && (size_t)used == igbvf_stream_size(&ident));

	igbvf_stream_reader_init(&reader, &ident);
	ret = igbvf_stream_read(&reader, stream, (size_t)used);
	ALWAYS(ret == check);
	ALWAYS(reader.complete == !ret);
	if (reader.complete)
		check_accepted(&reader, stream, (size_t)used);
	return 0;
}
