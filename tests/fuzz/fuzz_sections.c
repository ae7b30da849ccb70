/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The same bytes with every checksum and the sums in END made right, so that
 * the rules behind them are reached: what a source that knows the format can do.
 */
#include "fuzz.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct igbvf_stream_reader reader;
	struct igbvf_ident want;
	size_t d;
	u8 *sealed;
	int ret;

	/* A copy of the exact size, for ASan. */
	sealed = malloc(size ? size : 1);
	ALWAYS(sealed);
	if (size)
		memcpy(sealed, data, size);
	reseal(sealed, size, 1);

	for (d = 0; d < FUZZ_DEVICES; d++) {
		ALWAYS(igbvf_ident_of(0x8086, fuzz_devices[d], &want) == 0);
		igbvf_stream_reader_init(&reader, &want);
		ret = igbvf_stream_read(&reader, sealed, size);
		ALWAYS(ret <= 0);
		ALWAYS(ret != -EBADMSG);
		ALWAYS(!ret || reader.why);
		if (!ret && reader.complete)
			check_accepted(&reader, sealed, size);
	}
	free(sealed);
	return 0;
}
