/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `vferry decode` prints: the good sections of a capture. */
#ifndef VFERRY_DECODE_H
#define VFERRY_DECODE_H

#include <glib.h>

#include "capture.h"

/** decode_print_text() - for humans, aligned, at most 80 columns */
void decode_print_text(const Capture *capture);

/**
 * decode_print_json() - one object; members that could not be read are absent
 * @refusal: why no device would take the state, or NULL
 */
void decode_print_json(const Capture *capture, const GError *refusal);

/* Names of single bits, in the order in which they are shown. */
typedef struct {
	guint32 bit;
	const char *name;	/* in JSON */
	const char *text;	/* for humans */
} DecodeBit;

extern const DecodeBit decode_mailbox_flags[];
extern const DecodeBit decode_latched_bits[];

/* Names of the counters, by enum igbvf_statistic. */
typedef struct {
	const char *name;
	const char *text;
} DecodeCounter;

extern const DecodeCounter decode_counters[IGBVF_STATISTICS];

#endif
