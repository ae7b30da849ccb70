// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mailbox between VF and PF (82576 data sheet 7.10.2.9).
 *
 * Only the PF driver holds a VF's MAC address, filters, VLANs and frame size,
 * and the VF cannot read them back. So the driver listens: it sees each request
 * of the guest and the PF's answer, and remembers what was granted, for replay.c
 * to ask for on the destination.
 *
 * Everything here runs under regs_lock.
 */
#include "igbvfio.h"
#include "trace.h"

#include <linux/delay.h>
#include <linux/etherdevice.h>

/* How long a save waits for an answer that is under way. */
#define MAILBOX_SETTLE_US	3000

static u32 message_info(u32 word)
{
	return (word & IGBVF_MSG_INFO) >> IGBVF_MSG_INFO_SHIFT;
}

/** igbvfio_message_mac() - the address in words 1 and 2 of a message */
void igbvfio_message_mac(const u32 *message, u8 *mac)
{
	__le32 words[2] = { cpu_to_le32(message[1]), cpu_to_le32(message[2]) };

	memcpy(mac, words, ETH_ALEN);
}

/**
 * igbvfio_mailbox_control() - read V2PMAILBOX for the driver's own use
 * @dev: device
 *
 * Reading clears bits that the guest still has to see: they are kept for it.
 *
 * Return: the register, 0 where the device cannot be reached.
 */
u32 igbvfio_mailbox_control(struct igbvfio_device *dev)
{
	u32 value = igbvfio_rd(dev, IGBVF_V2PMAILBOX);

	if (value == U32_MAX)
		return 0;
	dev->mailbox.state.latched |= value & IGBVF_MBX_R2C;
	return value;
}

/**
 * igbvfio_mailbox_peek() - read the first words of VMBMEM
 * @dev: device
 * @words: filled in
 * @count: how many, up to IGBVF_MAILBOX_WORDS
 */
void igbvfio_mailbox_peek(struct igbvfio_device *dev, u32 *words,
			  unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		words[i] = igbvfio_rd(dev, IGBVF_VMBMEM + 4 * i);
}

/**
 * igbvfio_mailbox_answers() - is this an answer to that request?
 * @word: word 0 of the buffer
 * @request: word 0 of the request; the PF may drop its info bits
 */
bool igbvfio_mailbox_answers(u32 word, u32 request)
{
	return word != U32_MAX && word & (IGBVF_MSG_ACK | IGBVF_MSG_NACK) &&
	       (word & IGBVF_MSG_TYPE) == (request & IGBVF_MSG_TYPE);
}

/* What the PF has done for the VF */

static void granted_reset(struct igbvf_mailbox_state *s, const u32 *answer)
{
	/* Unicast filters and the frame size survive this message in the PF. */
	s->flags &= ~(IGBVF_MBX_MULTICAST | IGBVF_MBX_MULTICAST_OVERFLOW |
		      IGBVF_MBX_PROMISC_MULTICAST | IGBVF_MBX_MAC_VALID);
	s->flags |= IGBVF_MBX_CTS;
	s->multicast_count = 0;
	memset(s->vlans, 0, sizeof(s->vlans));
	/* NACK: the PF knows no address yet, but has enabled the VF. */
	eth_zero_addr(s->mac);
	if (!(answer[0] & IGBVF_MSG_ACK))
		return;
	igbvfio_message_mac(answer, s->mac);
	if (is_valid_ether_addr(s->mac))
		s->flags |= IGBVF_MBX_MAC_VALID;
	else
		eth_zero_addr(s->mac);
}

static void granted_mac(struct igbvf_mailbox_state *s, const u32 *request)
{
	u8 mac[ETH_ALEN];
	unsigned int i;

	igbvfio_message_mac(request, mac);
	switch (message_info(request[0])) {
	case 0:
		if (!is_valid_ether_addr(mac))
			return;
		ether_addr_copy(s->mac, mac);
		s->flags |= IGBVF_MBX_MAC_VALID;
		break;
	case IGBVF_MAC_FILTER_CLEAR:
		s->unicast_count = 0;
		break;
	case IGBVF_MAC_FILTER_ADD:
		for (i = 0; i < s->unicast_count; i++)
			if (ether_addr_equal(s->unicast[i], mac))
				return;
		/* More than any PF has room for cannot have been granted. */
		if (i < IGBVF_MAX_UNICAST && is_valid_ether_addr(mac)) {
			ether_addr_copy(s->unicast[i], mac);
			s->unicast_count++;
		}
		break;
	}
}

static void granted_multicast(struct igbvf_mailbox_state *s, const u32 *request)
{
	u32 count = message_info(request[0]);
	unsigned int i;

	s->flags |= IGBVF_MBX_MULTICAST;
	s->flags &= ~IGBVF_MBX_MULTICAST_OVERFLOW;
	if (count > IGBVF_MAX_MULTICAST) {
		s->flags |= IGBVF_MBX_MULTICAST_OVERFLOW;
		count = IGBVF_MAX_MULTICAST;
	}
	s->multicast_count = count;
	/* Two hashes a word; the multicast table has 4096 bits. */
	for (i = 0; i < count; i++)
		s->multicast[i] = request[1 + i / 2] >> (i % 2 * 16) & 0xfff;
}

static void granted_vlan(struct igbvf_mailbox_state *s, const u32 *request)
{
	u32 vid = request[1] & 0xfff;

	if (!vid)
		return;
	if (message_info(request[0]))
		s->vlans[vid / 32] |= BIT(vid % 32);
	else
		s->vlans[vid / 32] &= ~BIT(vid % 32);
}

static void granted_frame(struct igbvf_mailbox_state *s, const u32 *request)
{
	s->max_frame = min_t(u32, request[1], IGBVF_MAX_FRAME);
	if (s->max_frame)
		s->flags |= IGBVF_MBX_LPE;
	else
		s->flags &= ~IGBVF_MBX_LPE;
}

static void granted_promisc(struct igbvf_mailbox_state *s, const u32 *request)
{
	if (message_info(request[0]) & IGBVF_PROMISC_MULTICAST)
		s->flags |= IGBVF_MBX_PROMISC_MULTICAST;
	else
		s->flags &= ~IGBVF_MBX_PROMISC_MULTICAST;
}

static void note_answer(struct igbvfio_device *dev, const u32 *answer)
{
	struct igbvfio_mailbox *mbx = &dev->mailbox;
	u32 type = mbx->request[0] & IGBVF_MSG_TYPE;

	mbx->in_flight = false;
	trace_igbvfio_mailbox(&dev->core.pdev->dev, mbx->request[0], answer[0], false);
	if (answer[0] & IGBVF_MSG_NACK) {
		dev->counters.messages_refused++;
		/* These two take effect although the PF answers NACK: RESET of
		 * a VF without an address, promiscuous bits of which it knows
		 * only some (where it has enabled the VF, which CTS tells). A
		 * RESET with bits besides its type is no RESET to igb.
		 */
		if (mbx->request[0] != IGBVF_MSG_RESET &&
		    !(type == IGBVF_MSG_SET_PROMISC && answer[0] & IGBVF_MSG_CTS))
			return;
	}
	switch (type) {
	case IGBVF_MSG_RESET:
		granted_reset(&mbx->state, answer);
		break;
	case IGBVF_MSG_SET_MAC:
		granted_mac(&mbx->state, mbx->request);
		break;
	case IGBVF_MSG_SET_MULTICAST:
		granted_multicast(&mbx->state, mbx->request);
		break;
	case IGBVF_MSG_SET_VLAN:
		granted_vlan(&mbx->state, mbx->request);
		break;
	case IGBVF_MSG_SET_LPE:
		granted_frame(&mbx->state, mbx->request);
		break;
	case IGBVF_MSG_SET_PROMISC:
		granted_promisc(&mbx->state, mbx->request);
		break;
	}
}

/* Note the answer to the guest's request if it has come. */
static bool settle(struct igbvfio_device *dev)
{
	u32 answer[IGBVF_ANSWER_WORDS];

	if (!dev->mailbox.in_flight)
		return true;
	igbvfio_mailbox_peek(dev, answer, ARRAY_SIZE(answer));
	if (!igbvfio_mailbox_answers(answer[0], dev->mailbox.request[0]))
		return false;
	note_answer(dev, answer);
	return true;
}

/* The guest's side */

/**
 * igbvfio_mailbox_read() - the guest reads V2PMAILBOX
 * @dev: device
 *
 * Return: the register, with the bits that others have read meanwhile.
 */
u32 igbvfio_mailbox_read(struct igbvfio_device *dev)
{
	u32 value = igbvfio_rd(dev, IGBVF_V2PMAILBOX);

	value |= dev->mailbox.state.latched;
	/* PFSTS: the PF has finished writing its answer. */
	if (value & IGBVF_MBX_BIT_PFSTS)
		settle(dev);
	dev->mailbox.state.latched = 0;
	return value;
}

/**
 * igbvfio_mailbox_write() - the guest writes V2PMAILBOX
 * @dev: device
 * @value: REQ sends what is in VMBMEM
 */
void igbvfio_mailbox_write(struct igbvfio_device *dev, u32 value)
{
	struct igbvfio_mailbox *mbx = &dev->mailbox;

	/* Before the PF can answer, since the answer replaces the request. */
	if (value & IGBVF_MBX_BIT_REQ) {
		igbvfio_mailbox_peek(dev, mbx->request, IGBVF_MAILBOX_WORDS);
		mbx->in_flight = true;
		dev->counters.messages++;
	}
	igbvfio_wr(dev, IGBVF_V2PMAILBOX, value);
}

/** igbvfio_mailbox_reset() - a function level reset made the PF forget the VF */
void igbvfio_mailbox_reset(struct igbvfio_device *dev)
{
	memset(&dev->mailbox, 0, sizeof(dev->mailbox));
}

/**
 * igbvfio_mailbox_save() - the mailbox's part of the migration data
 * @dev: device, quiesced
 * @out: filled in
 *
 * Waits briefly for an answer that is under way. One that does not come makes
 * the destination send the request again.
 */
void igbvfio_mailbox_save(struct igbvfio_device *dev,
			  struct igbvf_mailbox_state *out)
{
	struct igbvfio_mailbox *mbx = &dev->mailbox;
	ktime_t end = ktime_add_us(ktime_get(), MAILBOX_SETTLE_US);
	u32 control;

	/* The PF writes its answer first and rings last. */
	for (;;) {
		bool late = ktime_after(ktime_get(), end);

		control = igbvfio_mailbox_control(dev);
		if (mbx->state.latched & IGBVF_MBX_BIT_PFSTS)
			settle(dev);
		if (!mbx->in_flight || late)
			break;
		usleep_range(10, 20);
	}

	*out = mbx->state;
	out->flags &= ~(IGBVF_MBX_PENDING | IGBVF_MBX_VFU);
	/* igb takes no filter message of a VF without an address. */
	if (!(out->flags & IGBVF_MBX_MAC_VALID))
		out->unicast_count = 0;
	if (control & IGBVF_MBX_BIT_VFU)
		out->flags |= IGBVF_MBX_VFU;
	igbvfio_mailbox_peek(dev, out->memory, IGBVF_MAILBOX_WORDS);
	if (mbx->in_flight &&
	    (mbx->request[0] & IGBVF_MSG_TYPE) >= IGBVF_MSG_RESET &&
	    (mbx->request[0] & IGBVF_MSG_TYPE) <= IGBVF_MSG_SET_PROMISC &&
	    !(mbx->request[0] & ~(IGBVF_MSG_TYPE | IGBVF_MSG_INFO))) {
		out->flags |= IGBVF_MBX_PENDING;
		memcpy(out->memory, mbx->request, sizeof(out->memory));
	}
}
