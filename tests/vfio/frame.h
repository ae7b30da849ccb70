/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Ethernet frames of the tests: an EtherType of our own, a sequence number
 * and a pattern made from it, so that a frame tells which one it is and that
 * it arrived whole. Lengths are without the frame check sequence.
 */
#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAC_LENGTH 6
#define FRAME_HEADER 14
#define FRAME_MIN 60
#define FRAME_MAX 1514
#define FRAME_JUMBO 9000
#define VLAN_TAG 4

/* "Local experimental EtherType 1", IEEE 802. */
#define FRAME_ETHERTYPE 0x88b5

/* Fills `frame` with `length` bytes. */
void frame_make(uint8_t *frame, size_t length, const uint8_t *to, const uint8_t *from,
		uint32_t sequence);

/* The same with an 802.1Q tag; `length` includes its four bytes. */
void frame_make_tagged(uint8_t *frame, size_t length, const uint8_t *to,
		       const uint8_t *from, uint16_t vlan, uint32_t sequence);

/* The sequence number of a frame of ours, or -1 where it is none or the
 * pattern is broken. */
int64_t frame_sequence(const uint8_t *frame, size_t length);

/* A locally administered unicast address that no earlier test has used. */
void mac_random(uint8_t *mac);

/* The 12-bit hash that igbvf sends for a multicast address (MTA, RCTL.MO 0). */
uint16_t mac_hash(const uint8_t *mac);

#endif
