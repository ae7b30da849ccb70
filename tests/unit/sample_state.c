/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sample_state.h"

#include <string.h>

static const struct igbvf_mailbox_state sample_mailbox = {
	.flags = IGBVF_MBX_CTS | IGBVF_MBX_MAC_VALID | IGBVF_MBX_LPE |
		 IGBVF_MBX_MULTICAST | IGBVF_MBX_PENDING | IGBVF_MBX_VFU,
	.latched = IGBVF_MBX_BIT_PFACK,
	.max_frame = 9018,
	.mac = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 },
	.unicast_count = 2,
	.unicast = {
		{ 0x52, 0x54, 0x00, 0xaa, 0xbb, 0x01 },
		{ 0x52, 0x54, 0x00, 0xaa, 0xbb, 0x02 },
	},
	.multicast_count = 3,
	.multicast = { 0x001, 0xfb0, 0xfff },
	.memory = { IGBVF_MSG_SET_VLAN | 1 << IGBVF_MSG_INFO_SHIFT, 100 },
	.vlans = {
		[0] = 1U << 10 | 1U << 11 | 1U << 12,	/* 10, 11, 12 */
		[3] = 1U << 4,				/* 100 */
		[127] = 1U << 30,			/* 4094 */
	},
};

static const struct igbvf_interrupt_state sample_interrupts = {
	.eims = 0x7,
	.eiac = 0x3,
	.eiam = 0x5,
	.eitr = { 0x01e8, 0x07a0, 0x0010 },
	.ivar0 = 0x81808180,
	.ivar_misc = 0x82,
	.psrtype = 0x00040010,
};

static const u32 sample_statistics[IGBVF_STATISTICS] = {
	[IGBVF_STAT_GPRC] = 1000001,
	[IGBVF_STAT_GPTC] = 900002,
	[IGBVF_STAT_GORC] = 3000000003,
	[IGBVF_STAT_GOTC] = 70000004,
	[IGBVF_STAT_MPRC] = 505,
	[IGBVF_STAT_GPRLBC] = 606,
	[IGBVF_STAT_GPTLBC] = 707,
	[IGBVF_STAT_GORLBC] = 80808,
	[IGBVF_STAT_GOTLBC] = 90909,
};

int sample_state(u16 device, struct igbvf_state *state)
{
	u32 q;
	int ret;

	memset(state, 0, sizeof(*state));
	ret = igbvf_ident_of(0x8086, device, &state->ident);
	if (ret)
		return ret;
	state->mailbox = sample_mailbox;
	state->interrupts = sample_interrupts;
	memcpy(state->statistics, sample_statistics, sizeof(sample_statistics));
	for (q = 0; q < state->ident.queues; q++) {
		state->rx[q] = (struct igbvf_rx_queue_state){
			.base = 0x123450000 + q * 0x10000,
			.length = 0x4000,
			.srrctl = 0x82000402,
			.head = 17 + q,
			.tail = 16 + q,
			.rxdctl = 0x02010808 | q << 17,
			.dca_rxctrl = 0xa200,
		};
		state->tx[q] = (struct igbvf_tx_queue_state){
			.base = 0x0fedc0000 + q * 0x10000,
			.head_writeback = 0x0abcd0001 + q * 0x40,
			.length = 0x1000,
			.head = 40 + q,
			.tail = 42 + q,
			.txdctl = 0x02100108 | q << 16,
			.dca_txctrl = 0x2a00,
		};
	}
	return 0;
}
