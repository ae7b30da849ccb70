/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decode.h"

const DecodeBit decode_mailbox_flags[] = {
	{ IGBVF_MBX_CTS, "cts", "reset answered" },
	{ IGBVF_MBX_MAC_VALID, "mac-valid", "MAC known" },
	{ IGBVF_MBX_LPE, "lpe", "frame size set" },
	{ IGBVF_MBX_MULTICAST, "multicast", "multicast list set" },
	{ IGBVF_MBX_PROMISC_MULTICAST, "promisc-multicast", "all multicast" },
	{ IGBVF_MBX_PENDING, "pending", "request unanswered" },
	{ IGBVF_MBX_VFU, "vfu", "buffer held by the guest" },
	{ IGBVF_MBX_MULTICAST_OVERFLOW, "multicast-overflow", "multicast list too long" },
	{ 0, NULL, NULL },
};

const DecodeBit decode_latched_bits[] = {
	{ IGBVF_MBX_BIT_PFSTS, "pfsts", "PFSTS" },
	{ IGBVF_MBX_BIT_PFACK, "pfack", "PFACK" },
	{ IGBVF_MBX_BIT_RSTD, "rstd", "RSTD" },
	{ 0, NULL, NULL },
};

const DecodeCounter decode_counters[IGBVF_STATISTICS] = {
	[IGBVF_STAT_GPRC] = { "gprc", "packets received" },
	[IGBVF_STAT_GPTC] = { "gptc", "packets sent" },
	[IGBVF_STAT_GORC] = { "gorc", "octets received" },
	[IGBVF_STAT_GOTC] = { "gotc", "octets sent" },
	[IGBVF_STAT_MPRC] = { "mprc", "multicast received" },
	[IGBVF_STAT_GPRLBC] = { "gprlbc", "loopback packets received" },
	[IGBVF_STAT_GPTLBC] = { "gptlbc", "loopback packets sent" },
	[IGBVF_STAT_GORLBC] = { "gorlbc", "loopback octets received" },
	[IGBVF_STAT_GOTLBC] = { "gotlbc", "loopback octets sent" },
};
