// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mailbox on the destination of a migration: this host's PF is asked for
 * what the guest had on the source (82576 data sheet 7.10.2.9).
 *
 * The PF driver applies its own policy, as for any guest; what it refuses makes
 * the load fail. What does not depend on the guest is done when its identity
 * arrives, so that the guest need not stand still for it.
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

static void write_memory(struct igbvfio_device *dev, const u32 *words,
			 unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		igbvfio_wr(dev, IGBVF_VMBMEM + 4 * i, words[i]);
}

/* Take the buffer. Reading the control register latches what the VF's previous
 * life left there, RSTD above all; who is done here overwrites it, for the guest
 * must not see it.
 */
static int take_buffer(struct igbvfio_device *dev)
{
	ktime_t end = ktime_add_us(ktime_get(), MAILBOX_TIMEOUT_US);

	do {
		igbvfio_wr(dev, IGBVF_V2PMAILBOX, IGBVF_MBX_BIT_VFU);
		if (igbvfio_mailbox_control(dev) & IGBVF_MBX_BIT_VFU)
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
 * Ask the PF for something and wait for the answer, IGBVF_ANSWER_WORDS words.
 * Return: 0 with @answer filled in, -EBUSY or -ETIMEDOUT where it is silent.
 */
static int ask(struct igbvfio_device *dev, const u32 *message,
	       unsigned int count, u32 *answer)
{
	ktime_t end = ktime_add_us(ktime_get(), MAILBOX_TIMEOUT_US);
	int ret;

	ret = send(dev, message, count);
	if (ret)
		return ret;
	while (ktime_before(ktime_get(), end)) {
		if (igbvfio_rd(dev, IGBVF_V2PMAILBOX) & IGBVF_MBX_BIT_PFSTS) {
			igbvfio_mailbox_peek(dev, answer, IGBVF_ANSWER_WORDS);
			igbvfio_wr(dev, IGBVF_V2PMAILBOX, IGBVF_MBX_BIT_ACK);
			/* A ping of the PF may come first. */
			if (igbvfio_mailbox_answers(answer[0], message[0])) {
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
	u32 answer[IGBVF_ANSWER_WORDS];
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
		IGBVF_MSG_SET_MAC | IGBVF_MAC_FILTER_ADD << IGBVF_MSG_INFO_SHIFT
	};
	unsigned int i;
	int ret;

	if (!(state->flags & IGBVF_MBX_MAC_VALID))
		return 0;
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
	u32 message[2];
	int ret;

	/* The address comes first: spoof checking drops what is sent with
	 * another one.
	 */
	ret = replay_mac(dev, state, dev->mailbox.pf_mac);
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
 * igbvfio_mailbox_prepare() - all of a replay that does not depend on the guest
 * @dev: device, quiesced
 *
 * RESET, and an end to the unicast filters of an earlier guest. Called when only
 * the identity of a guest has arrived, so that a PF that is down fails the
 * migration while the guest still runs on the source, and so that it need not
 * stand still for these two messages.
 *
 * Return: 0, -ETIMEDOUT or -EBUSY.
 */
int igbvfio_mailbox_prepare(struct igbvfio_device *dev)
{
	/* igb wants a valid address in "clear", whichever. */
	static const u8 any[ETH_ALEN] = { 0x02, 0, 0, 0, 0, 1 };
	struct igbvfio_mailbox *mbx = &dev->mailbox;
	u32 message[3] = { IGBVF_MSG_RESET };
	u32 answer[IGBVF_ANSWER_WORDS];
	int ret;

	mbx->prepared = false;
	ret = ask(dev, message, 1, answer);
	if (ret) {
		dev_err_ratelimited(&dev->core.pdev->dev,
				    "migration: the PF does not answer; is its interface up?\n");
		return ret;
	}
	eth_zero_addr(mbx->pf_mac);
	if (answer[0] & IGBVF_MSG_ACK)
		igbvfio_message_mac(answer, mbx->pf_mac);

	/* An earlier guest's filters outlive even a reset of the VF. A PF that
	 * refuses this one refused that guest's filters, too.
	 */
	message[0] = IGBVF_MSG_SET_MAC | IGBVF_MAC_FILTER_CLEAR << IGBVF_MSG_INFO_SHIFT;
	put_mac(message, any);
	ret = ask(dev, message, 3, answer);
	mbx->state.latched = 0;
	mbx->prepared = !ret;
	return ret;
}

/* A PF that was reset meanwhile has forgotten the VF; RSTD tells. */
static bool still_prepared(struct igbvfio_device *dev)
{
	u32 control = igbvfio_mailbox_control(dev) | dev->mailbox.state.latched;

	return dev->mailbox.prepared &&
	       !(control & (IGBVF_MBX_BIT_RSTI | IGBVF_MBX_BIT_RSTD));
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

	if (state->flags & IGBVF_MBX_CTS) {
		ret = still_prepared(dev) ? 0 : igbvfio_mailbox_prepare(dev);
		if (!ret)
			ret = replay_granted(dev, state);
		if (ret)
			return ret;
	}

	igbvfio_mailbox_reset(dev);
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
