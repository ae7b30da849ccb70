// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mutate.h"

#include "check.h"

#include <endian.h>
#include <stddef.h>
#include <string.h>

#define HEADER sizeof(struct igbvf_section_header)

/* SplitMix64 (Steele, Lea, Flood 2014). */
uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

uint32_t random_below(struct random *random, uint32_t bound)
{
	return (uint32_t)(random_next(random) % bound);
}

static void put32(struct stream *stream, size_t at, uint32_t value)
{
	value = htole32(value);
	memcpy(stream->data + at, &value, sizeof(value));
}

/* END counts sections and bytes: make it right for what is there. */
static void mend_end(struct stream *stream)
{
	struct sections sections;
	struct section *end;

	if (!sections_find(stream, &sections))
		return;
	end = sections_get(&sections, IGBVF_SECTION_END);
	if (!end || end->payload_length != sizeof(struct igbvf_section_end))
		return;
	put32(stream, end->at + HEADER, (uint32_t)(end - sections.section));
	put32(stream, end->at + HEADER + 4, (uint32_t)end->at);
}

static void append(struct stream *stream, const void *data, size_t size)
{
	if (stream->size + size > sizeof(stream->data))
		size = sizeof(stream->data) - stream->size;
	memcpy(stream->data + stream->size, data, size);
	stream->size += size;
}

/* The sections of `stream` in the given order; an index beyond is skipped. */
static void reorder(struct stream *stream, const struct sections *sections,
		    const unsigned *order, unsigned count)
{
	struct stream old = *stream;

	stream->size = 0;
	for (unsigned i = 0; i < count; i++)
		if (order[i] < sections->count)
			append(stream, old.data + sections->section[order[i]].at,
			       sections->section[order[i]].length);
}

static enum verdict flip(struct random *random, unsigned step, struct stream *stream,
			 bool seal, const char **what)
{
	size_t at = step % stream->size;

	stream->data[at] ^= (uint8_t)(1u << random_below(random, 8));
	if (!seal) {
		*what = "one bit flipped";
		return MUST_REFUSE;
	}
	stream_seal(stream);
	*what = "one bit flipped, checksums mended";
	return MAY_ACCEPT;
}

/* Values that arithmetic and tables stumble over. */
static uint32_t awkward(struct random *random)
{
	static const uint32_t values[] = {
		0,	    1,		2,	    0x7f,	0x80,	    0xff,
		0xfff,	    0x1000,	0x7fff,	    0x8000,	0xffff,	    0x10000,
		0x7ff80,    0x80000,	0x80080,    0xffff0,	0x100000,   0x02000000,
		0x02010810, 0x7fffffff, 0x80000000, 0xfee00000, 0xffffff80, 0xffffffff,
	};
	unsigned count = sizeof(values) / sizeof(values[0]);
	unsigned pick = random_below(random, count + 8);

	return pick < count ? values[pick] : (uint32_t)random_next(random);
}

static enum verdict change_values(struct random *random, struct stream *stream,
				  const char **what)
{
	struct sections sections;
	unsigned changes = 1 + random_below(random, 4);

	CHECK(sections_find(stream, &sections));
	for (unsigned i = 0; i < changes; i++) {
		/* Not IDENT and not END: those have mutations of their own. */
		struct section *section =
			&sections.section[1 + random_below(random, sections.count - 2)];
		uint32_t words = (uint32_t)(section->payload_length / 4);

		put32(stream, section->at + HEADER + 4 * random_below(random, words),
		      awkward(random));
	}
	stream_seal(stream);
	*what = "awkward values";
	return MAY_ACCEPT;
}

/* Rings only: addresses, lengths, heads, tails, the enable bit. */
static enum verdict change_rings(struct random *random, struct stream *stream,
				 const char **what)
{
	struct sections sections;
	struct section *section;
	uint32_t words;

	CHECK(sections_find(stream, &sections));
	section =
		sections_get(&sections, random_below(random, 2) ? IGBVF_SECTION_RX_QUEUES
								: IGBVF_SECTION_TX_QUEUES);
	CHECK(section);
	words = (uint32_t)(section->payload_length / 4);
	for (unsigned i = 0; i < 1 + random_below(random, 3); i++)
		put32(stream, section->at + HEADER + 4 * random_below(random, words),
		      awkward(random));
	stream_seal(stream);
	*what = "awkward rings";
	return MAY_ACCEPT;
}

static enum verdict change_identity(struct random *random, struct stream *stream,
				    const char **what)
{
	static const struct {
		size_t offset;
		const char *what;
	} fields[] = {
		{ offsetof(struct igbvf_section_ident, magic), "another magic" },
		{ offsetof(struct igbvf_section_ident, major), "another major version" },
		{ offsetof(struct igbvf_section_ident, vendor), "another vendor" },
		{ offsetof(struct igbvf_section_ident, device), "another device" },
		{ offsetof(struct igbvf_section_ident, features) + 3, "unknown features" },
		{ offsetof(struct igbvf_section_ident, queues), "another queue count" },
		{ offsetof(struct igbvf_section_ident, reserved), "reserved bytes" },
	};
	unsigned pick = random_below(random, sizeof(fields) / sizeof(fields[0]));

	stream->data[HEADER + fields[pick].offset] ^=
		(uint8_t)(1 + random_below(random, 255));
	stream_seal(stream);
	*what = fields[pick].what;
	return MUST_REFUSE;
}

static enum verdict change_header(struct random *random, struct stream *stream,
				  const char **what)
{
	static const uint32_t lengths[] = { 0,		1,	    0xfff,
					    0x1000,	0x1001,	    0x7fffffff,
					    0x80000000, 0xfffffff0, 0xffffffff };
	struct sections sections;
	struct section *section;
	size_t at;

	CHECK(sections_find(stream, &sections));
	section = &sections.section[random_below(random, sections.count)];
	at = section->at;
	switch (random_below(random, 4)) {
	case 0:
		put32(stream, at + offsetof(struct igbvf_section_header, length),
		      lengths[random_below(random, sizeof(lengths) / sizeof(lengths[0]))]);
		*what = "absurd length";
		break;
	case 1:
		stream->data[at + offsetof(struct igbvf_section_header, version)] ^=
			(uint8_t)(1 + random_below(random, 255));
		*what = "another section version";
		break;
	case 2:
		put32(stream, at + offsetof(struct igbvf_section_header, type),
		      section->type ^ (1 + random_below(random, 0xffff)));
		*what = "another section type";
		break;
	default:
		stream->data[at + offsetof(struct igbvf_section_header, flags)] ^=
			(uint8_t)(1 + random_below(random, 255));
		*what = "unknown section flags";
	}
	stream_seal(stream);
	/* A huge length that is yet to come may only make it incomplete. */
	return MUST_NOT_FINISH;
}

static enum verdict change_order(struct random *random, struct stream *stream,
				 const char **what)
{
	struct sections sections;
	unsigned order[SECTIONS_MAX + 1], one, two, count = 0;

	CHECK(sections_find(stream, &sections));
	one = random_below(random, sections.count - 1);
	two = one + 1 + random_below(random, sections.count - 1 - one);
	switch (random_below(random, 3)) {
	case 0:
		for (unsigned i = 0; i < sections.count; i++)
			order[count++] = i == one ? two : i == two ? one : i;
		*what = "sections swapped";
		break;
	case 1:
		for (unsigned i = 0; i < sections.count; i++) {
			order[count++] = i;
			if (i == one)
				order[count++] = i;
		}
		*what = "a section twice";
		break;
	default:
		for (unsigned i = 0; i < sections.count; i++)
			if (i != one)
				order[count++] = i;
		*what = "a section missing";
	}
	reorder(stream, &sections, order, count);
	if (random_below(random, 2))
		mend_end(stream);
	stream_seal(stream);
	return MUST_NOT_FINISH;
}

static enum verdict cut(struct random *random, struct stream *stream, const char **what)
{
	stream->size = random_below(random, (uint32_t)stream->size);
	*what = "cut short";
	return MUST_NOT_FINISH;
}

static enum verdict lengthen(struct random *random, struct stream *stream,
			     const char **what)
{
	struct stream tail = *stream;
	uint8_t rubbish[64];

	switch (random_below(random, 3)) {
	case 0:
		for (size_t i = 0; i < sizeof(rubbish); i++)
			rubbish[i] = (uint8_t)random_next(random);
		append(stream, rubbish, 1 + random_below(random, sizeof(rubbish) - 1));
		*what = "rubbish after the end";
		break;
	case 1:
		append(stream, tail.data, tail.size);
		*what = "a second stream after the end";
		break;
	default:
		while (stream->size < sizeof(stream->data))
			append(stream, tail.data, tail.size);
		*what = "twice the largest size";
	}
	return MUST_REFUSE;
}

/* The first sections of one stream, the rest of another: both good. */
static enum verdict splice(struct random *random, struct stream *stream,
			   const struct stream *donor, const char **what)
{
	struct sections ours, theirs;
	struct stream copy = *donor;
	unsigned at;

	CHECK(sections_find(stream, &ours) && sections_find(&copy, &theirs));
	CHECK(ours.count == theirs.count);
	at = random_below(random, ours.count);
	if (random_below(random, 2)) {
		stream->size = ours.section[at].at;
		append(stream, copy.data + theirs.section[at].at,
		       copy.size - theirs.section[at].at);
		stream_seal(stream);
		*what = "two streams spliced between sections";
	} else {
		size_t byte = random_below(random, (uint32_t)stream->size);

		memcpy(stream->data + byte, copy.data + byte, stream->size - byte);
		stream_seal(stream);
		*what = "two streams spliced within a section";
	}
	return MAY_ACCEPT;
}

static enum verdict shower(struct random *random, struct stream *stream, const char **what)
{
	unsigned bytes = 1 + random_below(random, 30);

	for (unsigned i = 0; i < bytes; i++)
		stream->data[random_below(random, (uint32_t)stream->size)] =
			(uint8_t)random_next(random);
	stream_seal(stream);
	*what = "random bytes, checksums mended";
	return MAY_ACCEPT;
}

static enum verdict structure(struct random *random, struct stream *stream,
			      const struct stream *donor, const char **what)
{
	switch (random_below(random, 7)) {
	case 0:
		return change_identity(random, stream, what);
	case 1:
		return change_header(random, stream, what);
	case 2:
		return change_order(random, stream, what);
	case 3:
		return cut(random, stream, what);
	case 4:
		return lengthen(random, stream, what);
	case 5:
		return splice(random, stream, donor, what);
	default:
		return shower(random, stream, what);
	}
}

enum verdict mutate(uint64_t seed, unsigned number, const struct stream *first,
		    const struct stream *second, struct stream *result, const char **what)
{
	struct random random = { .state = seed ^ (uint64_t)number << 20 };
	unsigned step = number / 4;

	*result = *first;
	switch (number % 4) {
	case 0:
		return flip(&random, step, result, false, what);
	case 1:
		return flip(&random, step, result, true, what);
	case 2:
		return structure(&random, result, second, what);
	default:
		return random_below(&random, 2) ? change_values(&random, result, what)
						: change_rings(&random, result, what);
	}
}
