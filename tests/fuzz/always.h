/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every fuzzer has. */
#ifndef ALWAYS_H
#define ALWAYS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Unlike assert(), in every build. libFuzzer keeps the input of an abort. */
#define ALWAYS(condition)							\
	do {									\
		if (!(condition)) {						\
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__,	\
				__LINE__, #condition);				\
			abort();						\
		}								\
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
