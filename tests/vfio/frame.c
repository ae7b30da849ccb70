// SPDX-License-Identifier: LGPL-2.1-or-later
#include "frame.h"

#include "check.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/random.h>

/* Never a byte of the poison that fresh buffers hold. */
static uint8_t pattern(uint32_t sequence, size_t at)
{
	return (uint8_t)((sequence * 7 + at * 3) & 0x7f);
}

static void fill(uint8_t *payload, size_t length, uint32_t sequence)
{
	uint32_t network = htonl(sequence);

	memcpy(payload, &network, sizeof(network));
	for (size_t i = sizeof(network); i < length; i++)
		payload[i] = pattern(sequence, i);
}

static uint8_t *put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

void frame_make(uint8_t *frame, size_t length, const uint8_t *to, const uint8_t *from,
		uint32_t sequence)
{
	memcpy(frame, to, MAC_LENGTH);
	memcpy(frame + MAC_LENGTH, from, MAC_LENGTH);
	put16(frame + 2 * MAC_LENGTH, FRAME_ETHERTYPE);
	fill(frame + FRAME_HEADER, length - FRAME_HEADER, sequence);
}

void frame_make_tagged(uint8_t *frame, size_t length, const uint8_t *to,
		       const uint8_t *from, uint16_t vlan, uint32_t sequence)
{
	uint8_t *at = frame + 2 * MAC_LENGTH;

	frame_make(frame, FRAME_HEADER + 4, to, from, sequence);
	at = put16(at, 0x8100);
	at = put16(at, vlan);
	at = put16(at, FRAME_ETHERTYPE);
	fill(at, length - FRAME_HEADER - VLAN_TAG, sequence);
}

int64_t frame_sequence(const uint8_t *frame, size_t length)
{
	size_t header = FRAME_HEADER;
	uint32_t sequence;

	if (length >= FRAME_HEADER && frame[12] == 0x81 && frame[13] == 0x00)
		header += VLAN_TAG;
	if (length < header + sizeof(sequence) ||
	    frame[header - 2] != (FRAME_ETHERTYPE >> 8) ||
	    frame[header - 1] != (FRAME_ETHERTYPE & 0xff))
		return -1;
	memcpy(&sequence, frame + header, sizeof(sequence));
	sequence = ntohl(sequence);
	for (size_t i = sizeof(sequence); i < length - header; i++)
		if (frame[header + i] != pattern(sequence, i))
			return -1;
	return sequence;
}

void mac_random(uint8_t *mac)
{
	CHECK(getrandom(mac, MAC_LENGTH, 0) == MAC_LENGTH);
	mac[0] = 0x02;
}

uint16_t mac_hash(const uint8_t *mac)
{
	return (uint16_t)(((mac[4] >> 4) | (mac[5] << 4)) & 0xfff);
}
