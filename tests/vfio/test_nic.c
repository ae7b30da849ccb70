// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The VF as a network card. These tests need nothing of our driver: they also
 * pass on stock vfio-pci and so tell a broken lab from a broken driver.
 */
#include "rig.h"

#include <regs.h>
#include <stdlib.h>
#include <string.h>

static void test_handshake(const struct options *options)
{
	struct rig rig;
	uint8_t mac[MAC_LENGTH];

	rig_open(&rig, options, 1);
	nic_start(&rig.nic, &rig.vf[0], &rig.iommu);
	CHECK(mailbox_reset(&rig.nic.mailbox, mac));
	CHECK(!memcmp(mac, rig.nic.mac, MAC_LENGTH));
	rig_close(&rig);
}

static void test_traffic(const struct options *options)
{
	struct rig rig;

	rig_open_nic(&rig, options, 1);
	for (int i = 0; i < 40; i++)
		rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

static void test_lengths(const struct options *options)
{
	struct rig rig;
	struct frame *frame = malloc(sizeof(*frame));

	rig_open_nic(&rig, options, 1);
	for (size_t length = FRAME_MIN; length <= FRAME_MAX; length += 58) {
		peer_send(&rig.peer, rig.nic.mac, length, ++rig.sequence);
		CHECK_EQ(nic_receive(&rig.nic, frame, 3000), rig.sequence);
		CHECK_EQ(frame->length, length);
	}
	rig_close(&rig);
}

/* The ring turns many times; every slot gets a fresh buffer. */
static void test_ring_wraps(const struct options *options)
{
	struct rig rig;
	struct frame *frame = malloc(sizeof(*frame));
	uint8_t *buffers;

	rig_open(&rig, options, 1);
	nic_start(&rig.nic, &rig.vf[0], &rig.iommu);
	rx_open(&rig.nic, 0, 16, 2048, 0);
	rx_enable(&rig.nic, 0);
	buffers = dma_alloc(&rig.iommu, 16 * 2048, PAGE);
	for (int i = 0; i < 200; i++) {
		rx_refill(&rig.nic, 0, buffers);
		peer_send(&rig.peer, rig.nic.mac, 200, ++rig.sequence);
		CHECK_EQ(nic_receive(&rig.nic, frame, 3000), rig.sequence);
	}
	rig_close(&rig);
}

static void test_filters(const struct options *options)
{
	static const uint8_t group[MAC_LENGTH] = { 0x01, 0x00, 0x5e, 0x01, 0x02, 0x03 };
	static const uint8_t other[MAC_LENGTH] = { 0x01, 0x00, 0x5e, 0x05, 0x06, 0x07 };
	uint16_t hash = mac_hash(group);
	uint8_t second[MAC_LENGTH];
	struct rig rig;

	rig_open_nic(&rig, options, 1);
	rig_check_filtered(&rig, &rig.nic, group, 0);
	mailbox_set_multicast(&rig.nic.mailbox, &hash, 1);
	rig_check_arrives(&rig, &rig.nic, group, 0);
	rig_check_filtered(&rig, &rig.nic, other, 0);

	rig_check_filtered(&rig, &rig.nic, rig.nic.mac, 77);
	mailbox_set_vlan(&rig.nic.mailbox, 77, true);
	rig_check_arrives(&rig, &rig.nic, rig.nic.mac, 77);
	rig_check_filtered(&rig, &rig.nic, rig.nic.mac, 78);

	mac_random(second);
	rig_check_filtered(&rig, &rig.nic, second, 0);
	mailbox_add_unicast(&rig.nic.mailbox, second);
	rig_check_arrives(&rig, &rig.nic, second, 0);
	mailbox_clear_unicast(&rig.nic.mailbox, rig.nic.mac);
	rig_check_filtered(&rig, &rig.nic, second, 0);
	rig_close(&rig);
}

static void test_jumbo(const struct options *options)
{
	uint8_t *data = malloc(FRAME_JUMBO);
	struct frame *frame = malloc(sizeof(*frame));
	struct nic sender;
	struct rig rig;

	rig_open_nic(&rig, options, 2);
	nic_start_simple(&sender, &rig.vf[1], &rig.iommu);
	mailbox_set_max_frame(&rig.nic.mailbox, 5000);
	frame_make(data, 4500, rig.nic.mac, sender.mac, ++rig.sequence);
	nic_send(&sender, data, 4500);
	CHECK_EQ(nic_receive(&rig.nic, frame, 3000), rig.sequence);
	CHECK_EQ(frame->length, 4500);
	CHECK_EQ(frame->slots, 3);
	rig_close(&rig);
}

static void test_header_split(const struct options *options)
{
	struct frame *frame = malloc(sizeof(*frame));
	uint8_t *buffers, *headers;
	struct rig rig;

	rig_open(&rig, options, 1);
	nic_start(&rig.nic, &rig.vf[0], &rig.iommu);
	rx_open(&rig.nic, 0, 8, 2048, 128);
	rx_enable(&rig.nic, 0);
	buffers = dma_alloc(&rig.iommu, PAGE, PAGE);
	headers = dma_alloc(&rig.iommu, PAGE, PAGE);
	rx_post(&rig.nic, 0, dma_iova(&rig.iommu, buffers), dma_iova(&rig.iommu, headers));
	rx_doorbell(&rig.nic, 0);
	peer_send(&rig.peer, rig.nic.mac, 1000, ++rig.sequence);
	while (!rx_poll(&rig.nic, 0, frame))
		;
	CHECK_EQ(frame->length, 1000 - 128);
	CHECK(!memcmp(headers, rig.nic.mac, MAC_LENGTH));
	rig_close(&rig);
}

static void test_head_writeback(const struct options *options)
{
	uint8_t data[FRAME_MIN];
	struct rig rig;

	rig_open(&rig, options, 1);
	nic_start(&rig.nic, &rig.vf[0], &rig.iommu);
	tx_open(&rig.nic, true);
	for (int i = 0; i < 70; i++) {
		frame_make(data, sizeof(data), rig.peer.mac, rig.nic.mac, ++rig.sequence);
		nic_send(&rig.nic, data, sizeof(data));
		CHECK_EQ(peer_receive(&rig.peer, rig.nic.mac, 3000), rig.sequence);
	}
	rig_close(&rig);
}

static void test_interrupts(const struct options *options)
{
	uint32_t request[1] = { IGBVF_MSG_SET_PROMISC };
	int fds[VECTORS];
	struct rig rig;

	rig_open_nic(&rig, options, 1);
	nic_interrupts_enable(&rig.nic, fds);
	rig_check_traffic(&rig, &rig.nic);
	CHECK(interrupt_wait(fds[VECTOR_RX], 3000));
	CHECK(interrupt_wait(fds[VECTOR_TX], 3000));
	/* QEMU's igb takes the number in IVAR_MISC for a bit mask, so that the
	 * mailbox fires the vector below. */
	while (interrupt_wait_any(fds, VECTORS, 20))
		;
	mailbox_call(&rig.nic.mailbox, request, 1);
	CHECK(interrupt_wait_any(fds, VECTORS, 3000));
	rig_close(&rig);
}

static void test_statistics(const struct options *options)
{
	struct rig rig;
	uint32_t received, sent;

	rig_open_nic(&rig, options, 1);
	received = vf_read(&rig.vf[0], IGBVF_VFGPRC);
	sent = vf_read(&rig.vf[0], IGBVF_VFGPTC);
	for (int i = 0; i < 5; i++)
		rig_check_traffic(&rig, &rig.nic);
	/* Somebody else's broadcast may come in between. */
	CHECK(vf_read(&rig.vf[0], IGBVF_VFGPRC) - received >= 5);
	CHECK_EQ(vf_read(&rig.vf[0], IGBVF_VFGPTC) - sent, 5);
	rig_close(&rig);
}

const struct test nic_tests[] = {
	{ "nic.handshake", test_handshake, 0 },
	{ "nic.traffic", test_traffic, 0 },
	{ "nic.lengths", test_lengths, 0 },
	{ "nic.ring_wraps", test_ring_wraps, 0 },
	{ "nic.filters", test_filters, 0 },
	{ "nic.jumbo", test_jumbo, 0 },
	{ "nic.header_split", test_header_split, 0 },
	{ "nic.head_writeback", test_head_writeback, 0 },
	{ "nic.interrupts", test_interrupts, 0 },
	{ "nic.statistics", test_statistics, 0 },
	{ 0 },
};
