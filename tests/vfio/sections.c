// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sections.h"

#include "check.h"

#include <endian.h>
#include <regs.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define HEADER sizeof(struct igbvf_section_header)

bool sections_find(struct stream *stream, struct sections *sections)
{
	size_t at = 0;

	sections->count = 0;
	while (at < stream->size) {
		struct igbvf_section_header header;
		struct section *section = &sections->section[sections->count];
		size_t payload;

		if (stream->size - at < HEADER || sections->count == SECTIONS_MAX)
			return false;
		memcpy(&header, stream->data + at, HEADER);
		payload = le32toh(header.length);
		if (payload > stream->size - at - HEADER)
			return false;
		*section = (struct section){
			.at = at,
			.length = HEADER + payload,
			.type = le32toh(header.type),
			.payload = stream->data + at + HEADER,
			.payload_length = payload,
		};
		sections->count++;
		at += section->length;
	}
	return true;
}

struct section *sections_get(struct sections *sections, uint32_t type)
{
	for (unsigned i = 0; i < sections->count; i++)
		if (sections->section[i].type == type)
			return &sections->section[i];
	return NULL;
}

/* CRC-32 of IEEE 802.3, bit by bit. */
static uint32_t crc32_add(uint32_t crc, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return crc;
}

uint32_t section_checksum(const struct stream *stream, const struct section *section)
{
	struct igbvf_section_header header;
	uint32_t crc;

	memcpy(&header, stream->data + section->at, HEADER);
	header.crc = 0;
	crc = crc32_add(~0u, (const uint8_t *)&header, HEADER);
	return ~crc32_add(crc, section->payload, section->payload_length);
}

void stream_seal(struct stream *stream)
{
	struct sections sections;

	sections_find(stream, &sections);
	for (unsigned i = 0; i < sections.count; i++) {
		struct section *section = &sections.section[i];
		uint32_t crc = htole32(section_checksum(stream, section));

		memcpy(stream->data + section->at +
			       offsetof(struct igbvf_section_header, crc),
		       &crc, sizeof(crc));
	}
}

static void check_ident(const struct section *section, const struct vf *vf)
{
	struct igbvf_section_ident ident;

	(void)vf;
	CHECK_EQ(section->payload_length, sizeof(ident));
	memcpy(&ident, section->payload, sizeof(ident));
	CHECK_EQ(le64toh(ident.magic), IGBVF_STATE_MAGIC);
	CHECK_EQ(le16toh(ident.major), IGBVF_STATE_MAJOR);
	CHECK_EQ(le16toh(ident.vendor), 0x8086);
	CHECK(ident.queues >= 1 && ident.queues <= IGBVF_MAX_QUEUES);
}

static void check_end(const struct sections *sections)
{
	const struct section *last = &sections->section[sections->count - 1];
	struct igbvf_section_end end;

	CHECK_EQ(last->type, IGBVF_SECTION_END);
	CHECK_EQ(last->payload_length, sizeof(end));
	memcpy(&end, last->payload, sizeof(end));
	CHECK_EQ(le32toh(end.sections), sections->count - 1);
	CHECK_EQ(le32toh(end.length), last->at);
}

void stream_check(struct stream *stream, const struct vf *vf)
{
	struct sections sections;

	CHECK(stream->size <= IGBVF_STATE_MAX_SIZE);
	CHECK(sections_find(stream, &sections));
	CHECK(sections.count >= 2);
	for (unsigned i = 0; i < sections.count; i++) {
		struct section *section = &sections.section[i];
		struct igbvf_section_header header;

		memcpy(&header, stream->data + section->at, HEADER);
		CHECK_EQ(le16toh(header.version), IGBVF_SECTION_VERSION);
		CHECK_EQ_IN(le32toh(header.crc), section_checksum(stream, section),
			    "section %u", section->type);
		if (i)
			CHECK(section->type > sections.section[i - 1].type);
	}
	CHECK_EQ(sections.section[0].type, IGBVF_SECTION_IDENT);
	check_ident(&sections.section[0], vf);
	check_end(&sections);
}

static void expect(struct vf *vf, uint32_t offset, uint32_t value, const char *what)
{
	uint32_t actual = vf_read(vf, offset);

	/* While another VF is being reset, QEMU now and then lets an access reach
	 * the wrong one (lab/README.md): what counts is a value that stays. */
	for (int again = 0; actual != value && again < 3; again++) {
		usleep(1000);
		actual = vf_read(vf, offset);
	}
	CHECK_IN(actual == value, "%s: register 0x%04x is 0x%x, the stream says 0x%x", what,
		 offset, actual, value);
}

static void compare_rx(struct vf *vf, unsigned queue,
		       const struct igbvf_section_rx_queue *state, const char *what)
{
	uint64_t base = le64toh(state->base);

	expect(vf, IGBVF_RDBAL(queue), (uint32_t)base, what);
	expect(vf, IGBVF_RDBAH(queue), (uint32_t)(base >> 32), what);
	expect(vf, IGBVF_RDLEN(queue), le32toh(state->length), what);
	expect(vf, IGBVF_SRRCTL(queue), le32toh(state->srrctl), what);
	expect(vf, IGBVF_RDT(queue), le32toh(state->tail), what);
	expect(vf, IGBVF_RXDCTL(queue), le32toh(state->rxdctl), what);
}

static void compare_tx(struct vf *vf, unsigned queue,
		       const struct igbvf_section_tx_queue *state, const char *what)
{
	uint64_t base = le64toh(state->base);
	uint64_t writeback = le64toh(state->head_writeback);

	expect(vf, IGBVF_TDBAL(queue), (uint32_t)base, what);
	expect(vf, IGBVF_TDBAH(queue), (uint32_t)(base >> 32), what);
	expect(vf, IGBVF_TDLEN(queue), le32toh(state->length), what);
	expect(vf, IGBVF_TDT(queue), le32toh(state->tail), what);
	expect(vf, IGBVF_TXDCTL(queue), le32toh(state->txdctl), what);
	expect(vf, IGBVF_TDWBAL(queue), (uint32_t)writeback, what);
	expect(vf, IGBVF_TDWBAH(queue), (uint32_t)(writeback >> 32), what);
}

static void compare_interrupts(struct vf *vf, const struct igbvf_section_interrupts *state,
			       const char *what)
{
	expect(vf, IGBVF_EIAC, le32toh(state->eiac), what);
	expect(vf, IGBVF_EIAM, le32toh(state->eiam), what);
	for (unsigned i = 0; i < IGBVF_MSIX_VECTORS; i++)
		expect(vf, IGBVF_EITR(i), le32toh(state->eitr[i]), what);
	expect(vf, IGBVF_IVAR0, le32toh(state->ivar0), what);
	expect(vf, IGBVF_IVAR_MISC, le32toh(state->ivar_misc), what);
}

void stream_compare_registers(struct stream *stream, struct vf *vf, const char *what)
{
	struct sections sections;
	struct section *section;

	CHECK(sections_find(stream, &sections));
	section = sections_get(&sections, IGBVF_SECTION_RX_QUEUES);
	for (size_t at = 0, queue = 0; section && at < section->payload_length;
	     at += sizeof(struct igbvf_section_rx_queue), queue++) {
		struct igbvf_section_rx_queue state;

		memcpy(&state, section->payload + at, sizeof(state));
		compare_rx(vf, (unsigned)queue, &state, what);
	}
	section = sections_get(&sections, IGBVF_SECTION_TX_QUEUES);
	for (size_t at = 0, queue = 0; section && at < section->payload_length;
	     at += sizeof(struct igbvf_section_tx_queue), queue++) {
		struct igbvf_section_tx_queue state;

		memcpy(&state, section->payload + at, sizeof(state));
		compare_tx(vf, (unsigned)queue, &state, what);
	}
	section = sections_get(&sections, IGBVF_SECTION_INTERRUPTS);
	if (section) {
		struct igbvf_section_interrupts state;

		CHECK_EQ(section->payload_length, sizeof(state));
		memcpy(&state, section->payload, sizeof(state));
		compare_interrupts(vf, &state, what);
	}
}

void stream_compare(const struct stream *before, const struct stream *after,
		    const char *what)
{
	CHECK_IN(before->size == after->size, "%s: %zu bytes, then %zu", what, before->size,
		 after->size);
	for (size_t i = 0; i < before->size; i++)
		CHECK_IN(before->data[i] == after->data[i],
			 "%s: byte %zu is 0x%02x, was 0x%02x", what, i, after->data[i],
			 before->data[i]);
}
