// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mailbox.h"

#include "check.h"

#include <regs.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_NS 3000000000ULL
#define POLL_US 50

#define NO_ANSWER (IGBVF_MSG_ACK | IGBVF_MSG_NACK)

uint32_t mailbox_bits(struct mailbox *mailbox)
{
	uint32_t bits = vf_read(mailbox->vf, IGBVF_V2PMAILBOX);

	mailbox->latched |= bits & IGBVF_MBX_R2C;
	return bits | mailbox->latched;
}

int mailbox_lock(struct mailbox *mailbox)
{
	uint64_t deadline = now_ns() + TIMEOUT_NS;

	while (now_ns() < deadline) {
		vf_write(mailbox->vf, IGBVF_V2PMAILBOX, IGBVF_MBX_BIT_VFU);
		if (mailbox_bits(mailbox) & IGBVF_MBX_BIT_VFU)
			return 0;
		usleep(POLL_US);
	}
	return -ETIMEDOUT;
}

int mailbox_post(struct mailbox *mailbox, const uint32_t *words, unsigned count)
{
	int error = mailbox_lock(mailbox);

	if (error)
		return error;
	mailbox->latched = 0;
	for (unsigned i = 0; i < count; i++)
		vf_write(mailbox->vf, IGBVF_VMBMEM + 4 * i, words[i]);
	vf_write(mailbox->vf, IGBVF_V2PMAILBOX, IGBVF_MBX_BIT_REQ);
	return 0;
}

static int wait_bits(struct mailbox *mailbox, uint32_t bits)
{
	uint64_t deadline = now_ns() + TIMEOUT_NS;

	while (!(mailbox_bits(mailbox) & bits)) {
		if (now_ns() > deadline)
			return -ETIMEDOUT;
		usleep(POLL_US);
	}
	mailbox->latched &= ~bits;
	return 0;
}

int mailbox_collect(struct mailbox *mailbox, uint32_t *words, unsigned count)
{
	for (;;) {
		int error = wait_bits(mailbox, IGBVF_MBX_BIT_PFSTS);

		if (!error)
			error = mailbox_lock(mailbox);
		if (error)
			return error;
		for (unsigned i = 0; i < count; i++)
			words[i] = vf_read(mailbox->vf, IGBVF_VMBMEM + 4 * i);
		vf_write(mailbox->vf, IGBVF_V2PMAILBOX, IGBVF_MBX_BIT_ACK);
		/* The PF may call at any time, for instance when its link changes. */
		if ((words[0] & IGBVF_MSG_TYPE) != IGBVF_MSG_PF_CONTROL)
			return 0;
	}
}

/* Sends a request and takes word 0 of the answer without CTS; false if the PF is silent. */
static bool try_call(struct mailbox *mailbox, const uint32_t *words, unsigned count,
		     uint32_t *answer)
{
	int error;

	CHECK_EQ_IN(mailbox_post(mailbox, words, count), 0, "request 0x%x of %s", words[0],
		    mailbox->vf->address);
	error = mailbox_collect(mailbox, answer, 1);
	if (error == -ETIMEDOUT)
		return false;
	CHECK_EQ_IN(error, 0, "request 0x%x of %s", words[0], mailbox->vf->address);
	*answer &= ~(uint32_t)IGBVF_MSG_CTS;
	return true;
}

uint32_t mailbox_call(struct mailbox *mailbox, const uint32_t *words, unsigned count)
{
	uint32_t answer = 0;

	CHECK_IN(try_call(mailbox, words, count, &answer), "request 0x%x of %s: no answer",
		 words[0], mailbox->vf->address);
	return answer;
}

static void call_for_yes(struct mailbox *mailbox, const uint32_t *words, unsigned count)
{
	CHECK_EQ_IN(mailbox_call(mailbox, words, count) & NO_ANSWER, IGBVF_MSG_ACK,
		    "request 0x%x of %s", words[0], mailbox->vf->address);
}

static void call_with_mac(struct mailbox *mailbox, uint32_t request, const uint8_t *mac)
{
	uint32_t words[3] = { request };

	memcpy(words + 1, mac, MAC_LENGTH);
	call_for_yes(mailbox, words, 3);
}

void mailbox_set_mac(struct mailbox *mailbox, const uint8_t *mac)
{
	call_with_mac(mailbox, IGBVF_MSG_SET_MAC, mac);
}

bool mailbox_try_mac(struct mailbox *mailbox, const uint8_t *mac)
{
	uint32_t words[3] = { IGBVF_MSG_SET_MAC };
	uint32_t answer = 0;

	memcpy(words + 1, mac, MAC_LENGTH);
	if (!try_call(mailbox, words, 3, &answer))
		return false;
	CHECK_EQ_IN(answer & NO_ANSWER, IGBVF_MSG_ACK, "the MAC of %s", mailbox->vf->address);
	return true;
}

void mailbox_add_unicast(struct mailbox *mailbox, const uint8_t *mac)
{
	call_with_mac(mailbox,
		      IGBVF_MSG_SET_MAC | IGBVF_MAC_FILTER_ADD << IGBVF_MSG_INFO_SHIFT,
		      mac);
}

void mailbox_clear_unicast(struct mailbox *mailbox, const uint8_t *mac)
{
	call_with_mac(mailbox,
		      IGBVF_MSG_SET_MAC | IGBVF_MAC_FILTER_CLEAR << IGBVF_MSG_INFO_SHIFT,
		      mac);
}

void mailbox_set_multicast(struct mailbox *mailbox, const uint16_t *hashes, unsigned count)
{
	uint32_t words[16] = { IGBVF_MSG_SET_MULTICAST | count << IGBVF_MSG_INFO_SHIFT };

	CHECK(count <= 30);
	if (count)
		memcpy(words + 1, hashes, count * sizeof(*hashes));
	call_for_yes(mailbox, words, 16);
}

void mailbox_set_vlan(struct mailbox *mailbox, uint16_t vlan, bool add)
{
	uint32_t words[2] = { IGBVF_MSG_SET_VLAN | (add ? 1 : 0) << IGBVF_MSG_INFO_SHIFT,
			      vlan };

	call_for_yes(mailbox, words, 2);
}

void mailbox_set_max_frame(struct mailbox *mailbox, uint32_t bytes)
{
	uint32_t words[2] = { IGBVF_MSG_SET_LPE, bytes };

	call_for_yes(mailbox, words, 2);
}

void mailbox_set_all_multicast(struct mailbox *mailbox, bool on)
{
	uint32_t words[1] = { IGBVF_MSG_SET_PROMISC | (on ? IGBVF_PROMISC_MULTICAST : 0)
							      << IGBVF_MSG_INFO_SHIFT };

	call_for_yes(mailbox, words, 1);
}

bool mailbox_reset(struct mailbox *mailbox, uint8_t *mac)
{
	uint32_t words[3] = { IGBVF_MSG_RESET };

	CHECK_EQ(mailbox_post(mailbox, words, 1), 0);
	CHECK_EQ_IN(mailbox_collect(mailbox, words, 3), 0, "RESET of %s: is the PF up?",
		    mailbox->vf->address);
	CHECK_EQ(words[0] & IGBVF_MSG_TYPE, IGBVF_MSG_RESET);
	if (!(words[0] & IGBVF_MSG_ACK))
		return false;
	memcpy(mac, words + 1, MAC_LENGTH);
	return true;
}
