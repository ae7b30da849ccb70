/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * make-samples stream|state FOLDER DEVICE...: writes FOLDER/DEVICE.bin for each
 * PCI device id in hexadecimal: the stream of sample_state(), or an input of
 * ../fuzz/fuzz_state.c.
 *
 * The golden streams in data/ and the seeds in ../fuzz/corpus/ come from it.
 * Golden streams are made anew only when the format gets a new version.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample_state.h"

static int save(const char *path, const void *bytes, size_t size)
{
	FILE *file = fopen(path, "wb");
	bool ok = file && fwrite(bytes, 1, size, file) == size;

	if (file && fclose(file))
		ok = false;
	if (!ok)
		perror(path);
	return ok ? 0 : 1;
}

static int make_sample(bool stream, const char *folder, const char *device)
{
	struct igbvf_state state;
	u8 buf[IGBVF_STATE_MAX_SIZE];
	char path[4096];
	int used;

	if (sample_state((u16)strtoul(device, NULL, 16), &state)) {
		fprintf(stderr, "make-samples: %s: not the PCI id of a supported VF\n", device);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/%s.bin", folder, device);
	if (stream) {
		used = igbvf_stream_write(&state, buf, sizeof(buf));
		return used < 0 ? 1 : save(path, buf, (size_t)used);
	}
	buf[0] = 2 | (state.ident.queues == 1);
	memcpy(buf + 1, &state, sizeof(state));
	return save(path, buf, 1 + sizeof(state));
}

int main(int argc, char **argv)
{
	int i;

	if (argc < 4 || (strcmp(argv[1], "stream") && strcmp(argv[1], "state"))) {
		fputs("usage: make-samples stream|state FOLDER DEVICE...\n", stderr);
		return 2;
	}
	for (i = 3; i < argc; i++)
		if (make_sample(!strcmp(argv[1], "stream"), argv[2], argv[i]))
			return 1;
	return 0;
}
