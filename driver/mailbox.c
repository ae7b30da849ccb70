// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mailbox between VF and PF (82576 data sheet 7.10.2.9).
 *
 * Only the PF driver holds a VF's MAC address, filters, VLANs and frame size,
 * and the VF cannot read them back. So the driver listens: it sees each request
 * of the guest and the PF's answer, and remembers what was granted. On the
 * destination it asks that host's PF for the same, through the same mailbox.
 * The PF driver there applies its own policy, as for any guest; what it refuses
 * makes the load fail.
 *
 * Everything here runs under regs_lock.
 */
#include "igbvfio.h"
#include "trace.h"

#include <linux/delay.h>
#include <linux/etherdevice.h>

/* The PF answers, and gives the buffer free, from its interrupt handler: within
 * tens of microseconds when it is up, never when its interface is down. The
 * bound leaves room for a host that is itself emulated.
 */
#define MAILBOX_TIMEOUT_US	500000
/* How long a save waits for an answer that is under way. */
#define MAILBOX_SETTLE_US	3000

static u32 message_info(u32 word)
{
	return (word & IGBVF_MSG_INFO) >> IGBVF_MSG_INFO_SHIFT;
}

static void message_mac(const u32 *message, u8 *mac)
{
	__le32 words[2] = { cpu_to_le32(message[1]), cpu_to_le32(message[2]) };

	memcpy(mac, words, ETH_ALEN);
}

/* Reading V2PMAILBOX clears bits that the guest still has to see: keep them. */
static u32 read_control(struct igbvfio_device *dev)
{
	u32 value = igbvfio_rd(dev, IGBVF_V2PMAILBOX);

	if (value == U32_MAX)
		return 0;
	dev->mailbox.state.latched |= value & IGBVF_MBX_R2C;
	return value;
}

static void read_memory(struct igbvfio_device *dev, u32 *words)
{
	unsigned int i;

	for (i = 0; i < IGBVF_MAILBOX_WORDS; i++)
		words[i] = igbvfio_rd(dev, IGBVF_VMBMEM + 4 * i);
}

static void write_memory(struct igbvfio_device *dev, const u32 *words,
			 unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		igbvfio_wr(dev, IGBVF_VMBMEM + 4 * i, words[i]);
}

/* Does this word 0 answer that request? The PF may drop the info bits. */
static bool answers(u32 word, u32 request)
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
	message_mac(answer, s->mac);
	if (is_valid_ether_addr(s->mac))
		s->flags |= IGBVF_MBX_MAC_VALID;
	else
		eth_zero_addr(s->mac);
}

static void granted_mac(struct igbvf_mailbox_state *s, const u32 *request)
{
	u8 mac[ETH_ALEN];
	unsigned int i;

	message_mac(request, mac);
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
		 * only some.
		 */
		if (type != IGBVF_MSG_RESET && type != IGBVF_MSG_SET_PROMISC)
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
	u32 answer[3];
	unsigned int i;

	if (!dev->mailbox.in_flight)
		return true;
	for (i = 0; i < ARRAY_SIZE(answer); i++)
		answer[i] = igbvfio_rd(dev, IGBVF_VMBMEM + 4 * i);
	if (!answers(answer[0], dev->mailbox.request[0]))
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

	/* PFSTS: the PF has finished writing its answer. */
	if (value & IGBVF_MBX_BIT_PFSTS)
		settle(dev);
	value |= dev->mailbox.state.latched;
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
		read_memory(dev, mbx->request);
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
	u32 control = read_control(dev);

	/* The PF writes its answer first and rings last. */
	while (mbx->in_flight && ktime_before(ktime_get(), end)) {
		if (mbx->state.latched & IGBVF_MBX_BIT_PFSTS && settle(dev))
			break;
		usleep_range(10, 20);
		control = read_control(dev);
	}

	*out = mbx->state;
	out->flags &= ~(IGBVF_MBX_PENDING | IGBVF_MBX_VFU);
	/* igb takes no filter message of a VF without an address. */
	if (!(out->flags & IGBVF_MBX_MAC_VALID))
		out->unicast_count = 0;
	if (control & IGBVF_MBX_BIT_VFU)
		out->flags |= IGBVF_MBX_VFU;
	read_memory(dev, out->memory);
	if (mbx->in_flight &&
	    (mbx->request[0] & IGBVF_MSG_TYPE) >= IGBVF_MSG_RESET &&
	    (mbx->request[0] & IGBVF_MSG_TYPE) <= IGBVF_MSG_SET_PROMISC &&
	    !(mbx->request[0] & ~(IGBVF_MSG_TYPE | IGBVF_MSG_INFO))) {
		out->flags |= IGBVF_MBX_PENDING;
		memcpy(out->memory, mbx->request, sizeof(out->memory));
	}
}

/* The destination's side */

/* Take the buffer. Reading the control register drops what the VF's previous
 * life left there, RSTD above all: the guest must not see it.
 */
static int take_buffer(struct igbvfio_device *dev)
{
	ktime_t end = ktime_add_us(ktime_get(), MAILBOX_TIMEOUT_US);

	do {
		igbvfio_wr(dev, IGBVF_V2PMAILBOX, IGBVF_MBX_BIT_VFU);
		if (read_control(dev) & IGBVF_MBX_BIT_VFU)
			return 0;
		usleep_range(20, 50);
	} while (ktime_before(ktime_get(), end));
	return -EBUSY;
}

static int send(struct igbvfio_device *dev, const u32 *message,
		unsigned int count)
{
	int ret = take_buffer(dev);

	if (ret)
		return ret;
	write_memory(dev, message, count);
	igbvfio_wr(dev, IGBVF_V2PMAILBOX, IGBVF_MBX_BIT_REQ);
	dev->counters.replayed++;
	return 0;
}

/*
 * Ask the PF for something and wait for the answer's first three words.
 * Return: 0 with @answer filled in, -EBUSY or -ETIMEDOUT where it is silent.
 */
static int ask(struct igbvfio_device *dev, const u32 *message,
	       unsigned int count, u32 *answer)
{
	ktime_t end = ktime_add_us(ktime_get(), MAILBOX_TIMEOUT_US);
	unsigned int i;
	int ret;

	ret = send(dev, message, count);
	if (ret)
		return ret;
	while (ktime_before(ktime_get(), end)) {
		if (igbvfio_rd(dev, IGBVF_V2PMAILBOX) & IGBVF_MBX_BIT_PFSTS) {
			for (i = 0; i < 3; i++)
				answer[i] = igbvfio_rd(dev, IGBVF_VMBMEM + 4 * i);
			igbvfio_wr(dev, IGBVF_V2PMAILBOX, IGBVF_MBX_BIT_ACK);
			/* A ping of the PF may come first. */
			if (answers(answer[0], message[0])) {
				trace_igbvfio_mailbox(&dev->core.pdev->dev,
						      message[0], answer[0], true);
				return 0;
			}
		}
		usleep_range(10, 20);
	}
	return -ETIMEDOUT;
}

/* Ask for something that the guest had on the source. */
static int require(struct igbvfio_device *dev, const u32 *message,
		   unsigned int count, const char *what)
{
	u32 answer[3];
	int ret;

	ret = ask(dev, message, count, answer);
	if (ret) {
		dev_err_ratelimited(&dev->core.pdev->dev,
				    "migration: the PF does not answer (%s); is its interface up?\n",
				    what);
		return ret;
	}
	if (answer[0] & IGBVF_MSG_ACK)
		return 0;
	dev_err_ratelimited(&dev->core.pdev->dev,
			    "migration: the PF refuses the guest's %s; check the VF's mac, vlan and trust settings on this host\n",
			    what);
	return -EPERM;
}

static void put_mac(u32 *message, const u8 *mac)
{
	__le32 words[2] = {};

	memcpy(words, mac, ETH_ALEN);
	message[1] = le32_to_cpu(words[0]);
	message[2] = le32_to_cpu(words[1]);
}

static int replay_mac(struct igbvfio_device *dev,
		      const struct igbvf_mailbox_state *state, const u8 *now)
{
	u32 message[3] = { IGBVF_MSG_SET_MAC };

	/* Even the same address is refused where the administrator set it. */
	if (!(state->flags & IGBVF_MBX_MAC_VALID) ||
	    ether_addr_equal(state->mac, now))
		return 0;
	put_mac(message, state->mac);
	return require(dev, message, 3, "MAC address");
}

static int replay_unicast(struct igbvfio_device *dev,
			  const struct igbvf_mailbox_state *state)
{
	u32 message[3] = {
		IGBVF_MSG_SET_MAC | IGBVF_MAC_FILTER_CLEAR << IGBVF_MSG_INFO_SHIFT
	};
	u32 answer[3];
	unsigned int i;
	int ret;

	if (!(state->flags & IGBVF_MBX_MAC_VALID))
		return 0;
	/* An earlier guest's filters outlive even a reset of the VF. A PF that
	 * refuses this one refused that guest's filters, too.
	 */
	put_mac(message, state->mac);
	ret = ask(dev, message, 3, answer);
	if (ret)
		return ret;
	message[0] = IGBVF_MSG_SET_MAC | IGBVF_MAC_FILTER_ADD << IGBVF_MSG_INFO_SHIFT;
	for (i = 0; i < state->unicast_count; i++) {
		put_mac(message, state->unicast[i]);
		ret = require(dev, message, 3, "additional MAC address");
		if (ret)
			return ret;
	}
	return 0;
}

static int replay_vlans(struct igbvfio_device *dev,
			const struct igbvf_mailbox_state *state)
{
	u32 message[2] = { IGBVF_MSG_SET_VLAN | 1 << IGBVF_MSG_INFO_SHIFT };
	unsigned int vid;
	int ret;

	for (vid = 1; vid < 32 * IGBVF_VLAN_WORDS; vid++) {
		if (!(state->vlans[vid / 32] & BIT(vid % 32)))
			continue;
		message[1] = vid;
		ret = require(dev, message, 2, "VLAN");
		if (ret)
			return ret;
	}
	return 0;
}

/* Last, and always: its answer carries CTS, which RESET's does not. A guest
 * that finds neither takes its link to be down.
 */
static int replay_multicast(struct igbvfio_device *dev,
			    const struct igbvf_mailbox_state *state)
{
	u32 message[IGBVF_MAILBOX_WORDS] = {};
	u32 count = state->multicast_count;
	unsigned int i;

	if (state->flags & IGBVF_MBX_MULTICAST_OVERFLOW)
		count++;
	message[0] = IGBVF_MSG_SET_MULTICAST | count << IGBVF_MSG_INFO_SHIFT;
	for (i = 0; i < state->multicast_count; i++)
		message[1 + i / 2] |= (u32)state->multicast[i] << (i % 2 * 16);
	return require(dev, message, IGBVF_MAILBOX_WORDS, "multicast list");
}

static int replay_granted(struct igbvfio_device *dev,
			  const struct igbvf_mailbox_state *state)
{
	u32 message[2] = { IGBVF_MSG_RESET };
	u8 now[ETH_ALEN] = {};
	u32 answer[3];
	int ret;

	ret = ask(dev, message, 1, answer);
	if (ret) {
		dev_err_ratelimited(&dev->core.pdev->dev,
				    "migration: the PF does not answer; is its interface up?\n");
		return ret;
	}
	if (answer[0] & IGBVF_MSG_ACK)
		message_mac(answer, now);

	/* The address comes first: spoof checking drops what is sent with
	 * another one.
	 */
	ret = replay_mac(dev, state, now);
	if (ret)
		return ret;
	ret = replay_unicast(dev, state);
	if (ret)
		return ret;
	ret = replay_vlans(dev, state);
	if (ret)
		return ret;
	if (state->flags & IGBVF_MBX_LPE) {
		message[0] = IGBVF_MSG_SET_LPE;
		message[1] = state->max_frame;
		ret = require(dev, message, 2, "frame size");
		if (ret)
			return ret;
	}
	if (state->flags & IGBVF_MBX_PROMISC_MULTICAST) {
		message[0] = IGBVF_MSG_SET_PROMISC |
			     IGBVF_PROMISC_MULTICAST << IGBVF_MSG_INFO_SHIFT;
		ret = require(dev, message, 1, "promiscuous mode");
		if (ret)
			return ret;
	}
	return replay_multicast(dev, state);
}

/*
 * The guest waits for the answer to a request that the source's PF never gave:
 * send it here. V2PMAILBOX is not read, so that PFACK and PFSTS stay latched
 * in the device for the guest.
 */
static int resend_pending(struct igbvfio_device *dev,
			  const struct igbvf_mailbox_state *state)
{
	struct igbvfio_mailbox *mbx = &dev->mailbox;
	int ret;

	ret = send(dev, state->memory, IGBVF_MAILBOX_WORDS);
	if (ret)
		return ret;
	memcpy(mbx->request, state->memory, sizeof(mbx->request));
	mbx->in_flight = true;
	return 0;
}

static int restore_buffer(struct igbvfio_device *dev,
			  const struct igbvf_mailbox_state *state)
{
	int ret = take_buffer(dev);

	if (ret)
		return ret;
	write_memory(dev, state->memory, IGBVF_MAILBOX_WORDS);
	igbvfio_wr(dev, IGBVF_V2PMAILBOX,
		   state->flags & IGBVF_MBX_VFU ? IGBVF_MBX_BIT_VFU : 0);
	return 0;
}

/**
 * igbvfio_mailbox_probe() - does the PF of this host answer?
 * @dev: device, quiesced
 *
 * Called when only the identity of a guest has arrived, so that a PF that is
 * down fails the migration while the guest still runs on the source.
 *
 * Return: 0, -ETIMEDOUT or -EBUSY.
 */
int igbvfio_mailbox_probe(struct igbvfio_device *dev)
{
	const u32 message = IGBVF_MSG_RESET;
	u32 answer[3];
	int ret;

	ret = ask(dev, &message, 1, answer);
	if (ret)
		dev_err_ratelimited(&dev->core.pdev->dev,
				    "migration: the PF does not answer; is its interface up?\n");
	dev->mailbox.state.latched = 0;
	return ret;
}

/**
 * igbvfio_mailbox_replay() - ask this host's PF for what the guest had
 * @dev: device, quiesced
 * @state: checked mailbox state of the source
 *
 * Return: 0; -EPERM where the PF refuses something; -ETIMEDOUT or -EBUSY where
 * it does not answer. After an error the VF needs a reset.
 */
int igbvfio_mailbox_replay(struct igbvfio_device *dev,
			   const struct igbvf_mailbox_state *state)
{
	struct igbvfio_mailbox *mbx = &dev->mailbox;
	int ret;

	igbvfio_mailbox_reset(dev);
	if (state->flags & IGBVF_MBX_CTS) {
		ret = replay_granted(dev, state);
		if (ret)
			return ret;
	}

	mbx->state = *state;
	mbx->state.flags &= ~(IGBVF_MBX_PENDING | IGBVF_MBX_VFU);
	if (state->flags & IGBVF_MBX_PENDING)
		ret = resend_pending(dev, state);
	else
		ret = restore_buffer(dev, state);
	/* Only what the guest had not read on the source is for it to see. */
	mbx->state.latched = state->latched;
	return ret;
}
