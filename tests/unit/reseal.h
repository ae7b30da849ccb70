/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes the sums of an altered stream right again, so that what lies behind
 * them is reached. Knows the layout from state_format.h and nothing of
 * state_stream.c: it is a second opinion. For C and C++.
 */
#ifndef RESEAL_H
#define RESEAL_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include "state_format.h"

/** section_crc_of() - CRC-32 of a whole section as if its crc field were zero */
static inline uint32_t section_crc_of(const uint8_t *section, size_t size)
{
	struct igbvf_section_header header;
	uLong crc;

	memcpy(&header, section, sizeof(header));
	header.crc = 0;
	crc = crc32(0, (const Bytef *)&header, sizeof(header));
	return (uint32_t)crc32(crc, section + sizeof(header),
			       (uInt)(size - sizeof(header)));
}

/**
 * reseal() - put the right CRC into every section that lies whole in @buf
 * @buf: a stream, perhaps a broken one
 * @size: bytes at @buf
 * @end_sums: also make the sums in END tell the truth
 */
static inline void reseal(uint8_t *buf, size_t size, int end_sums)
{
	struct igbvf_section_header header;
	uint32_t sections = 0;
	size_t offset = 0;

	while (size - offset >= sizeof(header)) {
		uint8_t *section = buf + offset;
		size_t whole;
		uint32_t crc;

		memcpy(&header, section, sizeof(header));
		whole = sizeof(header) + (size_t)le32toh(header.length);
		if (whole > size - offset)
			return;
		if (end_sums && le32toh(header.type) == IGBVF_SECTION_END &&
		    whole == sizeof(header) + sizeof(struct igbvf_section_end)) {
			struct igbvf_section_end end;

			end.sections = htole32(sections);
			end.length = htole32((uint32_t)offset);
			memcpy(section + sizeof(header), &end, sizeof(end));
		}
		crc = htole32(section_crc_of(section, whole));
		memcpy(section + offsetof(struct igbvf_section_header, crc), &crc,
		       sizeof(crc));
		offset += whole;
		sections++;
	}
}

#endif
