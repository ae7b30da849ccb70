/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few kernel helpers that state_stream.c uses, for userspace: decoder,
 * unit tests, fuzzers. Needs zlib for the CRC.
 */
#ifndef IGBVF_STATE_USERSPACE_H
#define IGBVF_STATE_USERSPACE_H

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <asm/types.h>
#include <zlib.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define cpu_to_le16 htole16
#define cpu_to_le32 htole32
#define cpu_to_le64 htole64
#define le16_to_cpu le16toh
#define le32_to_cpu le32toh
#define le64_to_cpu le64toh

/* zlib inverts the CRC before and after; the kernel leaves that to callers. */
static inline __u32 crc32_le(__u32 crc, const __u8 *p, size_t length)
{
	return ~(__u32)crc32(~crc, p, length);
}

/* Neither all zeroes nor a group address. */
static inline bool is_valid_ether_addr(const __u8 *addr)
{
	static const __u8 zero[6];

	return memcmp(addr, zero, sizeof(zero)) != 0 && !(addr[0] & 1);
}

#endif
