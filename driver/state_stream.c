// SPDX-License-Identifier: GPL-2.0-only
/*
 * Migration data of an 82576 / I350 VF: writer, reader, and the rules that
 * decide whether a value may reach a register. See state_format.h.
 */
#ifdef __KERNEL__
#include <linux/bitops.h>
#include <linux/crc32.h>
#include <linux/errno.h>
#include <linux/etherdevice.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/byteorder.h>
#else
#include "state_userspace.h"
#endif

#include "state_stream.h"

/* Device kinds. The I350 gives each VF one queue pair, the 82576 two. */
static const struct igbvf_ident igbvf_idents[] = {
	{ 0x8086, IGBVF_DEV_82576_VF, 2, IGBVF_FEATURE_MAILBOX },
	{ 0x8086, IGBVF_DEV_82576_VF_HV, 2, IGBVF_FEATURE_MAILBOX },
	{ 0x8086, IGBVF_DEV_I350_VF, 1, IGBVF_FEATURE_MAILBOX },
	{ 0x8086, IGBVF_DEV_I350_VF_HV, 1, IGBVF_FEATURE_MAILBOX },
};

int igbvf_ident_of(u16 vendor, u16 device, struct igbvf_ident *ident)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(igbvf_idents); i++) {
		if (igbvf_idents[i].vendor == vendor &&
		    igbvf_idents[i].device == device) {
			*ident = igbvf_idents[i];
			return 0;
		}
	}
	return -ENODEV;
}

/* CRC of a header with crc = 0, then its payload. */
static u32 section_crc(const struct igbvf_section_header *header,
		       const void *payload, size_t length)
{
	struct igbvf_section_header clean = *header;
	u32 crc;

	clean.crc = 0;
	crc = crc32_le(~0U, (const u8 *)&clean, sizeof(clean));
	return ~crc32_le(crc, payload, length);
}

/* Writer */

struct writer {
	u8 *buf;
	size_t size;
	size_t used;
	u32 sections;
	bool full;
};

static void put_section(struct writer *w, u32 type, const void *payload,
			size_t length)
{
	struct igbvf_section_header header = {
		.type = cpu_to_le32(type),
		.version = cpu_to_le16(IGBVF_SECTION_VERSION),
		.length = cpu_to_le32(length),
	};

	if (w->full || w->size - w->used < sizeof(header) + length) {
		w->full = true;
		return;
	}
	header.crc = cpu_to_le32(section_crc(&header, payload, length));
	memcpy(w->buf + w->used, &header, sizeof(header));
	memcpy(w->buf + w->used + sizeof(header), payload, length);
	w->used += sizeof(header) + length;
	w->sections++;
}

static void put_ident(struct writer *w, const struct igbvf_ident *ident)
{
	struct igbvf_section_ident s = {
		.magic = cpu_to_le64(IGBVF_STATE_MAGIC),
		.major = cpu_to_le16(IGBVF_STATE_MAJOR),
		.minor = cpu_to_le16(IGBVF_STATE_MINOR),
		.vendor = cpu_to_le16(ident->vendor),
		.device = cpu_to_le16(ident->device),
		.features = cpu_to_le32(ident->features),
		.queues = ident->queues,
	};

	put_section(w, IGBVF_SECTION_IDENT, &s, sizeof(s));
}

static void put_mailbox(struct writer *w, const struct igbvf_mailbox_state *m)
{
	struct igbvf_section_mailbox s = {
		.flags = cpu_to_le32(m->flags),
		.latched = cpu_to_le32(m->latched),
		.max_frame = cpu_to_le32(m->max_frame),
		.unicast_count = m->unicast_count,
		.multicast_count = m->multicast_count,
	};
	unsigned int i;

	memcpy(s.mac, m->mac, sizeof(s.mac));
	memcpy(s.unicast, m->unicast, sizeof(s.unicast));
	for (i = 0; i < IGBVF_MAX_MULTICAST; i++)
		s.multicast[i] = cpu_to_le16(m->multicast[i]);
	for (i = 0; i < IGBVF_MAILBOX_WORDS; i++)
		s.memory[i] = cpu_to_le32(m->memory[i]);
	for (i = 0; i < IGBVF_VLAN_WORDS; i++)
		s.vlans[i] = cpu_to_le32(m->vlans[i]);
	put_section(w, IGBVF_SECTION_MAILBOX, &s, sizeof(s));
}

static void put_queues(struct writer *w, const struct igbvf_state *state)
{
	struct igbvf_section_rx_queue rx[IGBVF_MAX_QUEUES] = {};
	struct igbvf_section_tx_queue tx[IGBVF_MAX_QUEUES] = {};
	unsigned int q, n = state->ident.queues;

	for (q = 0; q < n; q++) {
		const struct igbvf_rx_queue_state *r = &state->rx[q];
		const struct igbvf_tx_queue_state *t = &state->tx[q];

		rx[q].base = cpu_to_le64(r->base);
		rx[q].length = cpu_to_le32(r->length);
		rx[q].srrctl = cpu_to_le32(r->srrctl);
		rx[q].head = cpu_to_le32(r->head);
		rx[q].tail = cpu_to_le32(r->tail);
		rx[q].rxdctl = cpu_to_le32(r->rxdctl);
		rx[q].dca_rxctrl = cpu_to_le32(r->dca_rxctrl);

		tx[q].base = cpu_to_le64(t->base);
		tx[q].head_writeback = cpu_to_le64(t->head_writeback);
		tx[q].length = cpu_to_le32(t->length);
		tx[q].head = cpu_to_le32(t->head);
		tx[q].tail = cpu_to_le32(t->tail);
		tx[q].txdctl = cpu_to_le32(t->txdctl);
		tx[q].dca_txctrl = cpu_to_le32(t->dca_txctrl);
	}
	put_section(w, IGBVF_SECTION_RX_QUEUES, rx, n * sizeof(rx[0]));
	put_section(w, IGBVF_SECTION_TX_QUEUES, tx, n * sizeof(tx[0]));
}

static void put_interrupts(struct writer *w,
			   const struct igbvf_interrupt_state *in)
{
	struct igbvf_section_interrupts s = {
		.eims = cpu_to_le32(in->eims),
		.eiac = cpu_to_le32(in->eiac),
		.eiam = cpu_to_le32(in->eiam),
		.ivar0 = cpu_to_le32(in->ivar0),
		.ivar_misc = cpu_to_le32(in->ivar_misc),
		.psrtype = cpu_to_le32(in->psrtype),
	};
	unsigned int i;

	for (i = 0; i < IGBVF_MSIX_VECTORS; i++)
		s.eitr[i] = cpu_to_le32(in->eitr[i]);
	put_section(w, IGBVF_SECTION_INTERRUPTS, &s, sizeof(s));
}

static void put_statistics(struct writer *w, const u32 *value)
{
	struct igbvf_section_statistics s = {};
	unsigned int i;

	for (i = 0; i < IGBVF_STATISTICS; i++)
		s.value[i] = cpu_to_le32(value[i]);
	put_section(w, IGBVF_SECTION_STATISTICS, &s, sizeof(s));
}

static void put_end(struct writer *w)
{
	struct igbvf_section_end s = {
		.sections = cpu_to_le32(w->sections),
		.length = cpu_to_le32(w->used),
	};

	put_section(w, IGBVF_SECTION_END, &s, sizeof(s));
}

int igbvf_stream_write_ident(const struct igbvf_ident *ident, u8 *buf,
			     size_t size)
{
	struct writer w = { .buf = buf, .size = size };

	put_ident(&w, ident);
	return w.full ? -ENOSPC : (int)w.used;
}

int igbvf_stream_write(const struct igbvf_state *state, u8 *buf, size_t size)
{
	struct writer w = { .buf = buf, .size = size };

	put_ident(&w, &state->ident);
	put_mailbox(&w, &state->mailbox);
	put_queues(&w, state);
	put_interrupts(&w, &state->interrupts);
	put_statistics(&w, state->statistics);
	put_end(&w);
	return w.full ? -ENOSPC : (int)w.used;
}

size_t igbvf_stream_size(const struct igbvf_ident *ident)
{
	return 7 * sizeof(struct igbvf_section_header) +
	       sizeof(struct igbvf_section_ident) +
	       sizeof(struct igbvf_section_mailbox) +
	       ident->queues * sizeof(struct igbvf_section_rx_queue) +
	       ident->queues * sizeof(struct igbvf_section_tx_queue) +
	       sizeof(struct igbvf_section_interrupts) +
	       sizeof(struct igbvf_section_statistics) +
	       sizeof(struct igbvf_section_end);
}

/* Rules */

void igbvf_state_mask(struct igbvf_state *state)
{
	struct igbvf_interrupt_state *in = &state->interrupts;
	unsigned int i;

	for (i = 0; i < state->ident.queues; i++) {
		struct igbvf_rx_queue_state *rx = &state->rx[i];
		struct igbvf_tx_queue_state *tx = &state->tx[i];

		rx->base &= ~(u64)(IGBVF_RING_ALIGN - 1);
		rx->length &= (2 * IGBVF_RING_MAX_LENGTH - 1) & ~(IGBVF_RING_ALIGN - 1);
		rx->srrctl &= IGBVF_SRRCTL_MASK;
		rx->head &= IGBVF_HEAD_MASK;
		rx->tail &= IGBVF_HEAD_MASK;
		rx->rxdctl &= IGBVF_RXDCTL_MASK;
		rx->dca_rxctrl &= IGBVF_DCA_RXCTRL_MASK;
		tx->base &= ~(u64)(IGBVF_RING_ALIGN - 1);
		tx->length &= (2 * IGBVF_RING_MAX_LENGTH - 1) & ~(IGBVF_RING_ALIGN - 1);
		tx->head &= IGBVF_HEAD_MASK;
		tx->tail &= IGBVF_HEAD_MASK;
		tx->txdctl &= IGBVF_TXDCTL_MASK;
		tx->dca_txctrl &= IGBVF_DCA_TXCTRL_MASK;
	}
	in->eims &= IGBVF_VECTORS_MASK;
	in->eiac &= IGBVF_VECTORS_MASK;
	in->eiam &= IGBVF_VECTORS_MASK;
	for (i = 0; i < IGBVF_MSIX_VECTORS; i++)
		in->eitr[i] &= IGBVF_EITR_MASK;
	in->ivar0 &= IGBVF_IVAR0_MASK;
	in->ivar_misc &= IGBVF_IVAR_MISC_MASK;
	in->psrtype &= IGBVF_PSRTYPE_MASK;
}

static int refuse(const char **why, const char *text)
{
	*why = text;
	return -EINVAL;
}

/* A ring that the device will walk must be one that it can walk. A ring that
 * is off may hold whatever the guest left there, within the registers' widths.
 */
static bool ring_ok(bool enabled, u64 base, u32 length, u32 head, u32 tail)
{
	u32 descriptors = length / IGBVF_DESCRIPTOR_SIZE;

	if (base % IGBVF_RING_ALIGN || length % IGBVF_RING_ALIGN ||
	    length >= 2 * IGBVF_RING_MAX_LENGTH)
		return false;
	if (head > IGBVF_HEAD_MASK || tail > IGBVF_HEAD_MASK)
		return false;
	return !enabled || (length && length <= IGBVF_RING_MAX_LENGTH &&
			    head < descriptors && tail < descriptors);
}

static int check_queues(const struct igbvf_state *state, const char **why)
{
	unsigned int q;

	for (q = 0; q < state->ident.queues; q++) {
		const struct igbvf_rx_queue_state *rx = &state->rx[q];
		const struct igbvf_tx_queue_state *tx = &state->tx[q];

		if (rx->rxdctl & ~IGBVF_RXDCTL_MASK)
			return refuse(why, "unknown bits in RXDCTL");
		if (rx->srrctl & ~IGBVF_SRRCTL_MASK)
			return refuse(why, "unknown bits in SRRCTL");
		if (rx->rxdctl & IGBVF_QUEUE_ENABLE &&
		    (rx->srrctl & IGBVF_SRRCTL_DESCTYPE) > IGBVF_SRRCTL_DESCTYPE_MAX)
			return refuse(why, "reserved descriptor type in SRRCTL");
		if (rx->dca_rxctrl & ~IGBVF_DCA_RXCTRL_MASK)
			return refuse(why, "unknown bits in DCA_RXCTRL");
		if (!ring_ok(rx->rxdctl & IGBVF_QUEUE_ENABLE, rx->base,
			     rx->length, rx->head, rx->tail))
			return refuse(why, "impossible receive ring");
		if (tx->txdctl & ~IGBVF_TXDCTL_MASK)
			return refuse(why, "unknown bits in TXDCTL");
		if (tx->dca_txctrl & ~IGBVF_DCA_TXCTRL_MASK)
			return refuse(why, "unknown bits in DCA_TXCTRL");
		if (!ring_ok(tx->txdctl & IGBVF_QUEUE_ENABLE, tx->base,
			     tx->length, tx->head, tx->tail))
			return refuse(why, "impossible transmit ring");
	}
	return 0;
}

static int check_interrupts(const struct igbvf_interrupt_state *in,
			    const char **why)
{
	unsigned int i;

	if ((in->eims | in->eiac | in->eiam) & ~IGBVF_VECTORS_MASK)
		return refuse(why, "unknown interrupt vector");
	if (in->ivar0 & ~IGBVF_IVAR0_MASK ||
	    in->ivar_misc & ~IGBVF_IVAR_MISC_MASK)
		return refuse(why, "unknown bits in IVAR");
	if (in->psrtype & ~IGBVF_PSRTYPE_MASK)
		return refuse(why, "unknown bits in PSRTYPE");
	for (i = 0; i < IGBVF_MSIX_VECTORS; i++)
		if (in->eitr[i] & ~IGBVF_EITR_MASK)
			return refuse(why, "unknown bits in EITR");
	return 0;
}

static bool message_known(u32 word)
{
	u32 type = word & IGBVF_MSG_TYPE;

	return type >= IGBVF_MSG_RESET && type <= IGBVF_MSG_SET_PROMISC &&
	       !(word & ~(IGBVF_MSG_TYPE | IGBVF_MSG_INFO));
}

static int check_mailbox(const struct igbvf_mailbox_state *m, const char **why)
{
	bool has_mac = m->flags & IGBVF_MBX_MAC_VALID;
	unsigned int i;

	if (m->flags & ~IGBVF_MBX_FLAGS_KNOWN)
		return refuse(why, "unknown mailbox flags");
	if (m->latched & ~IGBVF_MBX_R2C)
		return refuse(why, "unknown mailbox bits");
	if (has_mac != is_valid_ether_addr(m->mac))
		return refuse(why, "MAC address and its flag disagree");
	if (m->unicast_count > IGBVF_MAX_UNICAST ||
	    (m->unicast_count && !has_mac))
		return refuse(why, "impossible number of unicast filters");
	for (i = 0; i < m->unicast_count; i++)
		if (!is_valid_ether_addr(m->unicast[i]))
			return refuse(why, "invalid unicast filter");
	if (m->multicast_count > IGBVF_MAX_MULTICAST ||
	    (m->multicast_count && !(m->flags & IGBVF_MBX_MULTICAST)))
		return refuse(why, "impossible number of multicast hashes");
	for (i = 0; i < m->multicast_count; i++)
		if (m->multicast[i] > 0xfff)
			return refuse(why, "invalid multicast hash");
	if (m->flags & IGBVF_MBX_MULTICAST_OVERFLOW &&
	    m->multicast_count != IGBVF_MAX_MULTICAST)
		return refuse(why, "multicast overflow without a full list");
	if (!(m->flags & IGBVF_MBX_LPE) != !m->max_frame ||
	    m->max_frame > IGBVF_MAX_FRAME)
		return refuse(why, "impossible frame size");
	if (m->vlans[0] & 1)
		return refuse(why, "VLAN 0 in the filter table");
	if (m->flags & IGBVF_MBX_PENDING && !message_known(m->memory[0]))
		return refuse(why, "unknown message pending in the mailbox");
	return 0;
}

int igbvf_state_check(const struct igbvf_state *state, const char **why)
{
	int ret;

	ret = check_mailbox(&state->mailbox, why);
	if (ret)
		return ret;
	ret = check_queues(state, why);
	if (ret)
		return ret;
	return check_interrupts(&state->interrupts, why);
}

/* Reader */

static int bad(struct igbvf_stream_reader *r, int error, const char *why)
{
	r->why = why;
	return error;
}

static int get_ident(struct igbvf_stream_reader *r, const void *payload)
{
	struct igbvf_section_ident s;

	memcpy(&s, payload, sizeof(s));
	if (le64_to_cpu(s.magic) != IGBVF_STATE_MAGIC)
		return bad(r, -EMEDIUMTYPE, "not migration data of an igb VF");
	if (le16_to_cpu(s.major) != IGBVF_STATE_MAJOR)
		return bad(r, -EMEDIUMTYPE, "another major version of the format");
	if (le16_to_cpu(s.vendor) != r->want.vendor ||
	    le16_to_cpu(s.device) != r->want.device ||
	    s.queues != r->want.queues)
		return bad(r, -ENODEV, "state of another kind of device");
	if (le32_to_cpu(s.features) & ~r->want.features)
		return bad(r, -ENODEV, "features that this driver does not know");
	if (s.reserved[0] || s.reserved[1] || s.reserved[2])
		return bad(r, -EINVAL, "reserved bytes are not zero");

	r->state.ident = r->want;
	r->state.ident.features = le32_to_cpu(s.features);
	r->have_ident = true;
	return 0;
}

static int get_mailbox(struct igbvf_stream_reader *r, const void *payload)
{
	struct igbvf_mailbox_state *m = &r->state.mailbox;
	struct igbvf_section_mailbox s;
	unsigned int i;

	memcpy(&s, payload, sizeof(s));
	m->flags = le32_to_cpu(s.flags);
	m->latched = le32_to_cpu(s.latched);
	m->max_frame = le32_to_cpu(s.max_frame);
	m->unicast_count = s.unicast_count;
	m->multicast_count = s.multicast_count;
	memcpy(m->mac, s.mac, sizeof(m->mac));
	memcpy(m->unicast, s.unicast, sizeof(m->unicast));
	for (i = 0; i < IGBVF_MAX_MULTICAST; i++)
		m->multicast[i] = le16_to_cpu(s.multicast[i]);
	for (i = 0; i < IGBVF_MAILBOX_WORDS; i++)
		m->memory[i] = le32_to_cpu(s.memory[i]);
	for (i = 0; i < IGBVF_VLAN_WORDS; i++)
		m->vlans[i] = le32_to_cpu(s.vlans[i]);
	return 0;
}

static int get_rx_queues(struct igbvf_stream_reader *r, const void *payload)
{
	const u8 *p = payload;
	unsigned int q;

	for (q = 0; q < r->want.queues; q++) {
		struct igbvf_rx_queue_state *rx = &r->state.rx[q];
		struct igbvf_section_rx_queue s;

		memcpy(&s, p + q * sizeof(s), sizeof(s));
		rx->base = le64_to_cpu(s.base);
		rx->length = le32_to_cpu(s.length);
		rx->srrctl = le32_to_cpu(s.srrctl);
		rx->head = le32_to_cpu(s.head);
		rx->tail = le32_to_cpu(s.tail);
		rx->rxdctl = le32_to_cpu(s.rxdctl);
		rx->dca_rxctrl = le32_to_cpu(s.dca_rxctrl);
	}
	return 0;
}

static int get_tx_queues(struct igbvf_stream_reader *r, const void *payload)
{
	const u8 *p = payload;
	unsigned int q;

	for (q = 0; q < r->want.queues; q++) {
		struct igbvf_tx_queue_state *tx = &r->state.tx[q];
		struct igbvf_section_tx_queue s;

		memcpy(&s, p + q * sizeof(s), sizeof(s));
		if (s.reserved)
			return bad(r, -EINVAL, "reserved bytes are not zero");
		tx->base = le64_to_cpu(s.base);
		tx->head_writeback = le64_to_cpu(s.head_writeback);
		tx->length = le32_to_cpu(s.length);
		tx->head = le32_to_cpu(s.head);
		tx->tail = le32_to_cpu(s.tail);
		tx->txdctl = le32_to_cpu(s.txdctl);
		tx->dca_txctrl = le32_to_cpu(s.dca_txctrl);
	}
	return 0;
}

static int get_interrupts(struct igbvf_stream_reader *r, const void *payload)
{
	struct igbvf_interrupt_state *in = &r->state.interrupts;
	struct igbvf_section_interrupts s;
	unsigned int i;

	memcpy(&s, payload, sizeof(s));
	if (s.reserved)
		return bad(r, -EINVAL, "reserved bytes are not zero");
	in->eims = le32_to_cpu(s.eims);
	in->eiac = le32_to_cpu(s.eiac);
	in->eiam = le32_to_cpu(s.eiam);
	for (i = 0; i < IGBVF_MSIX_VECTORS; i++)
		in->eitr[i] = le32_to_cpu(s.eitr[i]);
	in->ivar0 = le32_to_cpu(s.ivar0);
	in->ivar_misc = le32_to_cpu(s.ivar_misc);
	in->psrtype = le32_to_cpu(s.psrtype);
	return 0;
}

static int get_statistics(struct igbvf_stream_reader *r, const void *payload)
{
	struct igbvf_section_statistics s;
	unsigned int i;

	memcpy(&s, payload, sizeof(s));
	if (s.reserved)
		return bad(r, -EINVAL, "reserved bytes are not zero");
	for (i = 0; i < IGBVF_STATISTICS; i++)
		r->state.statistics[i] = le32_to_cpu(s.value[i]);
	return 0;
}

static int get_end(struct igbvf_stream_reader *r, const void *payload)
{
	struct igbvf_section_end s;

	memcpy(&s, payload, sizeof(s));
	if (le32_to_cpu(s.sections) != r->sections ||
	    le32_to_cpu(s.length) != r->offset)
		return bad(r, -EINVAL, "sections are missing");
	if (igbvf_state_check(&r->state, &r->why))
		return -EINVAL;
	r->complete = true;
	return 0;
}

/* Mandatory sections, in the order in which they must come. */
static const struct section_rule {
	u32 type;
	u32 length;
	bool per_queue;
	int (*get)(struct igbvf_stream_reader *reader, const void *payload);
} section_rules[] = {
	{ IGBVF_SECTION_IDENT, sizeof(struct igbvf_section_ident),
	  false, get_ident },
	{ IGBVF_SECTION_MAILBOX, sizeof(struct igbvf_section_mailbox),
	  false, get_mailbox },
	{ IGBVF_SECTION_RX_QUEUES, sizeof(struct igbvf_section_rx_queue),
	  true, get_rx_queues },
	{ IGBVF_SECTION_TX_QUEUES, sizeof(struct igbvf_section_tx_queue),
	  true, get_tx_queues },
	{ IGBVF_SECTION_INTERRUPTS, sizeof(struct igbvf_section_interrupts),
	  false, get_interrupts },
	{ IGBVF_SECTION_STATISTICS, sizeof(struct igbvf_section_statistics),
	  false, get_statistics },
	{ IGBVF_SECTION_END, sizeof(struct igbvf_section_end),
	  false, get_end },
};

static const struct section_rule *find_rule(u32 type, unsigned int *index)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(section_rules); i++) {
		if (section_rules[i].type == type) {
			*index = i;
			return &section_rules[i];
		}
	}
	return NULL;
}

static u32 rule_length(const struct section_rule *rule,
		       const struct igbvf_ident *ident)
{
	return rule->per_queue ? rule->length * ident->queues : rule->length;
}

/* Checks of a header that need no payload, so that a hostile length is refused
 * before anyone waits for that many bytes.
 */
static int check_header(struct igbvf_stream_reader *r,
			const struct igbvf_section_header *header,
			const struct section_rule *rule, unsigned int index)
{
	u32 type = le32_to_cpu(header->type);
	u32 length = le32_to_cpu(header->length);
	u16 flags = le16_to_cpu(header->flags);

	if (r->complete)
		return bad(r, -EINVAL, "data after the end");
	if (!r->have_ident && type != IGBVF_SECTION_IDENT)
		return bad(r, -EMEDIUMTYPE, "not migration data of an igb VF");
	if (type <= r->last_type)
		return bad(r, -EINVAL, "sections out of order");
	if (length > IGBVF_STATE_MAX_SIZE - sizeof(*header) ||
	    r->offset > IGBVF_STATE_MAX_SIZE - sizeof(*header) - length)
		return bad(r, -EINVAL, "longer than a stream can be");
	if (!rule) {
		if (flags != IGBVF_SECTION_OPTIONAL)
			return bad(r, -EMEDIUMTYPE, "unknown section that is not optional");
		return 0;
	}
	if (flags)
		return bad(r, -EINVAL, "flags on a mandatory section");
	if (le16_to_cpu(header->version) != IGBVF_SECTION_VERSION)
		return bad(r, -EMEDIUMTYPE, "another version of a section");
	if (length != rule_length(rule, &r->want))
		return bad(r, -EINVAL, "section of a wrong length");
	if (r->seen != (1U << index) - 1)
		return bad(r, -EINVAL, "sections are missing");
	return 0;
}

void igbvf_stream_reader_init(struct igbvf_stream_reader *reader,
			      const struct igbvf_ident *want)
{
	memset(reader, 0, sizeof(*reader));
	reader->want = *want;
}

int igbvf_stream_read(struct igbvf_stream_reader *reader, const u8 *buf,
		      size_t length)
{
	struct igbvf_section_header header;
	const struct section_rule *rule;
	unsigned int index = 0;
	size_t payload;
	int ret;

	if (length > IGBVF_STATE_MAX_SIZE)
		return bad(reader, -EINVAL, "longer than a stream can be");
	if (reader->complete && length > reader->offset)
		return bad(reader, -EINVAL, "data after the end");

	while (length - reader->offset >= sizeof(header)) {
		memcpy(&header, buf + reader->offset, sizeof(header));
		rule = find_rule(le32_to_cpu(header.type), &index);
		ret = check_header(reader, &header, rule, index);
		if (ret)
			return ret;

		payload = le32_to_cpu(header.length);
		if (length - reader->offset < sizeof(header) + payload)
			return 0;
		if (section_crc(&header, buf + reader->offset + sizeof(header),
				payload) != le32_to_cpu(header.crc))
			return bad(reader, -EBADMSG, "checksum does not match");
		if (rule) {
			ret = rule->get(reader, buf + reader->offset + sizeof(header));
			if (ret)
				return ret;
			reader->seen |= 1U << index;
		}
		reader->last_type = le32_to_cpu(header.type);
		reader->offset += sizeof(header) + payload;
		reader->sections++;
		if (reader->complete && length > reader->offset)
			return bad(reader, -EINVAL, "data after the end");
	}
	return 0;
}
