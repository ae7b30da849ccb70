// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A guest caught in the middle of a mailbox transaction: whatever step it was
 * at, it finishes on the other VF (or on the same one) and gets its answer.
 */
#include "mig.h"
#include "rig.h"

#include <regs.h>
#include <unistd.h>

#define S(name) VFIO_DEVICE_STATE_##name

enum where { SAME_VF, OTHER_VF, PLACES };

/* Saves, and restores on the other VF or goes on where it was. */
static void carry_on(struct rig *rig, enum where where)
{
	struct stream stream;

	mig_save(&rig->vf[0], &stream);
	if (where == SAME_VF) {
		mig_go(&rig->vf[0], S(RUNNING));
		return;
	}
	mig_restore(&rig->vf[1], &stream, S(RUNNING));
	CHECK_EQ(vf_reset(&rig->vf[0]), 0);
	nic_move(&rig->nic, &rig->vf[1]);
}

static void check_answer(struct rig *rig, uint32_t request)
{
	uint32_t answer[1];

	CHECK_EQ(mailbox_collect(&rig->nic.mailbox, answer, 1), 0);
	CHECK_EQ(answer[0] & ~(uint32_t)IGBVF_MSG_CTS, request | IGBVF_MSG_ACK);
	/* And the mailbox is as good as new. */
	mailbox_set_vlan(&rig->nic.mailbox, 55, true);
	rig_check_arrives(rig, &rig->nic, rig->nic.mac, 55);
}

/* The buffer is taken and half filled. */
static void test_buffer_held(const struct options *options)
{
	for (enum where where = 0; where < PLACES; where++) {
		uint32_t request = IGBVF_MSG_SET_VLAN | 1 << IGBVF_MSG_INFO_SHIFT;
		struct rig rig;

		rig_open_nic(&rig, options, 2);
		mig_require(&rig.vf[0]);
		CHECK_EQ(mailbox_lock(&rig.nic.mailbox), 0);
		vf_write(&rig.vf[0], IGBVF_VMBMEM, request);
		vf_write(&rig.vf[0], IGBVF_VMBMEM + 4, 1000);
		vf_write(&rig.vf[0], IGBVF_VMBMEM + 8, 0x12345678);
		carry_on(&rig, where);

		CHECK(vf_read(rig.nic.vf, IGBVF_V2PMAILBOX) & IGBVF_MBX_BIT_VFU);
		CHECK_EQ(vf_read(rig.nic.vf, IGBVF_VMBMEM), request);
		CHECK_EQ(vf_read(rig.nic.vf, IGBVF_VMBMEM + 4), 1000);
		CHECK_EQ(vf_read(rig.nic.vf, IGBVF_VMBMEM + 8), 0x12345678);
		rig.nic.mailbox.latched = 0;
		vf_write(rig.nic.vf, IGBVF_V2PMAILBOX, IGBVF_MBX_BIT_REQ);
		check_answer(&rig, request);
		rig_check_arrives(&rig, &rig.nic, rig.nic.mac, 1000);
		rig_close(&rig);
	}
}

/* The PF has answered; the guest has not looked. */
static void test_answer_waits(const struct options *options)
{
	for (enum where where = 0; where < PLACES; where++) {
		uint32_t request[2] = { IGBVF_MSG_SET_VLAN | 1 << IGBVF_MSG_INFO_SHIFT,
					60 };
		uint64_t deadline = now_ns() + 3000000000ULL;
		struct rig rig;

		rig_open_nic(&rig, options, 2);
		mig_require(&rig.vf[0]);
		CHECK_EQ(mailbox_post(&rig.nic.mailbox, request, 2), 0);
		/* The answer shows in the buffer; V2PMAILBOX must stay unread. */
		while (!(vf_read(&rig.vf[0], IGBVF_VMBMEM) & IGBVF_MSG_ACK))
			CHECK(now_ns() < deadline);
		usleep(2000);
		carry_on(&rig, where);
		check_answer(&rig, request[0]);
		rig_check_arrives(&rig, &rig.nic, rig.nic.mac, 60);
		rig_close(&rig);
	}
}

/* The request has left at this very moment. */
static void test_request_under_way(const struct options *options)
{
	for (int round = 0; round < 8; round++) {
		uint32_t request[2] = { IGBVF_MSG_SET_VLAN | 1 << IGBVF_MSG_INFO_SHIFT,
					61 };
		struct rig rig;

		rig_open_nic(&rig, options, 2);
		mig_require(&rig.vf[0]);
		CHECK_EQ(mailbox_post(&rig.nic.mailbox, request, 2), 0);
		carry_on(&rig, round % PLACES);
		check_answer(&rig, request[0]);
		rig_check_arrives(&rig, &rig.nic, rig.nic.mac, 61);
		rig_close(&rig);
	}
}

/* The bits of an answer that the guest has read do not come back. */
static void test_nothing_latched_twice(const struct options *options)
{
	struct rig rig;

	rig_open_nic(&rig, options, 2);
	mig_require(&rig.vf[0]);
	mailbox_set_vlan(&rig.nic.mailbox, 70, true);
	vf_read(&rig.vf[0], IGBVF_V2PMAILBOX);
	carry_on(&rig, OTHER_VF);
	CHECK_EQ(vf_read(rig.nic.vf, IGBVF_V2PMAILBOX) & IGBVF_MBX_R2C, 0);
	/* igbvf takes a missing CTS in word 0 for a PF that was reset. */
	CHECK(vf_read(rig.nic.vf, IGBVF_VMBMEM) & IGBVF_MSG_CTS);
	rig_close(&rig);
}

/* The NIC is only reset, no address set: RESET was the last request. */
static void test_after_reset_only(const struct options *options)
{
	uint8_t mac[MAC_LENGTH];
	struct rig rig;

	rig_open(&rig, options, 2);
	mig_require(&rig.vf[0]);
	nic_start(&rig.nic, &rig.vf[0], &rig.iommu);
	CHECK(mailbox_reset(&rig.nic.mailbox, mac));
	carry_on(&rig, OTHER_VF);
	rx_open(&rig.nic, 0, 16, 2048, 0);
	rx_enable(&rig.nic, 0);
	rx_refill(&rig.nic, 0, dma_alloc(&rig.iommu, 16 * 2048, PAGE));
	tx_open(&rig.nic, false);
	rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

/* RESET with bits besides its type is none to igb: the PF says no and forgets nothing. */
static void test_reset_that_is_none(const struct options *options)
{
	uint32_t request = IGBVF_MSG_RESET | 1 << IGBVF_MSG_INFO_SHIFT;
	struct rig rig;

	rig_open_nic(&rig, options, 2);
	mig_require(&rig.vf[0]);
	mailbox_set_vlan(&rig.nic.mailbox, 77, true);
	CHECK_EQ(mailbox_call(&rig.nic.mailbox, &request, 1), request | IGBVF_MSG_NACK);
	rig_check_arrives(&rig, &rig.nic, rig.nic.mac, 77);
	carry_on(&rig, OTHER_VF);
	rig_check_arrives(&rig, &rig.nic, rig.nic.mac, 77);
	rig_close(&rig);
}

/* Requests while the device is stopped: QEMU's own reads must do no harm, and
 * a guest cannot be there. The mailbox may refuse, the host may not care. */
static void test_used_while_stopped(const struct options *options)
{
	uint32_t request[2] = { IGBVF_MSG_SET_VLAN | 1 << IGBVF_MSG_INFO_SHIFT, 62 };
	struct rig rig;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	mig_go(&rig.vf[0], S(STOP));
	vf_write(&rig.vf[0], IGBVF_V2PMAILBOX, IGBVF_MBX_BIT_VFU);
	vf_write(&rig.vf[0], IGBVF_VMBMEM, request[0]);
	vf_write(&rig.vf[0], IGBVF_V2PMAILBOX, IGBVF_MBX_BIT_REQ);
	vf_write(&rig.vf[0], IGBVF_V2PMAILBOX, 0);
	mig_go(&rig.vf[0], S(RUNNING));
	nic_start_simple(&rig.nic, &rig.vf[0], &rig.iommu);
	rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

const struct test mailbox_tests[] = {
	{ "mailbox.buffer_held", test_buffer_held, 0 },
	{ "mailbox.answer_waits", test_answer_waits, 0 },
	{ "mailbox.request_under_way", test_request_under_way, 0 },
	{ "mailbox.nothing_latched_twice", test_nothing_latched_twice, 0 },
	{ "mailbox.after_reset_only", test_after_reset_only, 0 },
	{ "mailbox.reset_that_is_none", test_reset_that_is_none, 0 },
	{ "mailbox.used_while_stopped", test_used_while_stopped, 0 },
	{ 0 },
};
