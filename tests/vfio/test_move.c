// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A NIC moves from one VF to another in the same memory, as a guest does
 * between hosts. After the move the first VF is reset, as QEMU's end does.
 */
#include "rig.h"
#include "sections.h"

#include <endian.h>
#include <regs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define S(name) VFIO_DEVICE_STATE_##name

static const uint8_t group[MAC_LENGTH] = { 0x01, 0x00, 0x5e, 0x0a, 0x0b, 0x0c };
static const uint8_t other_group[MAC_LENGTH] = { 0x01, 0x00, 0x5e, 0x33, 0x44, 0x55 };

/* Moves the NIC from VF `from` to VF `to`. */
static void move(struct rig *rig, unsigned from, unsigned to)
{
	struct stream stream;

	mig_save(&rig->vf[from], &stream);
	mig_restore(&rig->vf[to], &stream, S(RUNNING));
	CHECK_EQ(vf_reset(&rig->vf[from]), 0);
	nic_move(&rig->nic, &rig->vf[to]);
}

static void open_for_move(struct rig *rig, const struct options *options)
{
	rig_open_nic(rig, options, 2);
	mig_require(&rig->vf[0]);
}

static void test_registers(const struct options *options)
{
	struct nic_registers before, after;
	int fds[VECTORS];
	struct rig rig;

	open_for_move(&rig, options);
	nic_interrupts_enable(&rig.nic, fds);
	/* A second queue with values of its own, throttling, head write-back. */
	rx_open(&rig.nic, 1, 32, 3072, 192);
	rx_enable(&rig.nic, 1);
	rx_post(&rig.nic, 1, 0x100001000, 0x100002000);
	rx_doorbell(&rig.nic, 1);
	vf_write(&rig.vf[0], IGBVF_EITR(0), 0x1f40);
	vf_write(&rig.vf[0], IGBVF_EITR(1), 0x0010);
	tx_open(&rig.nic, true);
	for (int i = 0; i < 7; i++)
		rig_check_traffic(&rig, &rig.nic);

	nic_registers_read(&rig.vf[0], &before);
	move(&rig, 0, 1);
	nic_registers_read(&rig.vf[1], &after);
	nic_registers_compare(&before, &after, "after the move");
	rig_close(&rig);
}

static void test_traffic(const struct options *options)
{
	struct rig rig;

	open_for_move(&rig, options);
	rig_check_traffic(&rig, &rig.nic);
	for (unsigned i = 0; i < 6; i++) {
		move(&rig, i % 2, 1 - i % 2);
		rig_check_traffic(&rig, &rig.nic);
		rig_check_traffic(&rig, &rig.nic);
	}
	rig_close(&rig);
}

/* Some frames received but not yet taken, some buffers still waiting. */
static void test_frames_in_the_ring(const struct options *options)
{
	struct frame *frame = malloc(sizeof(*frame));
	uint32_t first;
	struct rig rig;

	open_for_move(&rig, options);
	first = rig.sequence + 1;
	for (int i = 0; i < 10; i++)
		peer_send(&rig.peer, rig.nic.mac, 700, ++rig.sequence);
	CHECK_EQ(nic_receive(&rig.nic, frame, 3000), first);
	move(&rig, 0, 1);
	for (uint32_t i = 1; i < 10; i++)
		CHECK_EQ(nic_receive(&rig.nic, frame, 3000), first + i);
	rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

/* The destination's VF had a life of its own before. */
static void test_over_another_life(const struct options *options)
{
	struct nic_registers before, after;
	struct nic nic;
	struct rig rig;

	open_for_move(&rig, options);
	nic_start_simple(&nic, &rig.vf[1], &rig.iommu);
	mailbox_set_vlan(&nic.mailbox, 300, true);
	mailbox_set_all_multicast(&nic.mailbox, true);
	mailbox_add_unicast(&nic.mailbox, (const uint8_t[]){ 2, 9, 9, 9, 9, 9 });
	rx_open(&nic, 1, 64, 1024, 64);
	rx_enable(&nic, 1);
	vf_write(&rig.vf[1], IGBVF_EITR(2), 0x400);
	for (int i = 0; i < 5; i++)
		rig_check_traffic(&rig, &nic);

	nic_registers_read(&rig.vf[0], &before);
	move(&rig, 0, 1);
	nic_registers_read(&rig.vf[1], &after);
	nic_registers_compare(&before, &after, "after the move");
	rig_check_traffic(&rig, &rig.nic);
	rig_check_filtered(&rig, &rig.nic, nic.mac, 0);
	rig_check_filtered(&rig, &rig.nic, rig.nic.mac, 300);
	rig_check_filtered(&rig, &rig.nic, other_group, 0);
	rig_check_filtered(&rig, &rig.nic, (const uint8_t[]){ 2, 9, 9, 9, 9, 9 }, 0);
	rig_close(&rig);
}

static void test_interrupts(const struct options *options)
{
	uint32_t request[1] = { IGBVF_MSG_SET_PROMISC };
	int fds[VECTORS], moved[VECTORS];
	struct rig rig;

	open_for_move(&rig, options);
	nic_interrupts_enable(&rig.nic, fds);
	rig_check_traffic(&rig, &rig.nic);
	/* MSI-X itself is in PCI configuration, which the VMM moves. */
	vf_interrupts_open(&rig.vf[1], moved, VECTORS);
	move(&rig, 0, 1);
	/* The driver fires all vectors once, for what may have been lost. */
	for (int i = 0; i < VECTORS; i++)
		while (interrupt_wait(moved[i], 50))
			;
	rig_check_traffic(&rig, &rig.nic);
	CHECK(interrupt_wait(moved[VECTOR_RX], 3000));
	CHECK(interrupt_wait(moved[VECTOR_TX], 3000));
	while (interrupt_wait_any(moved, VECTORS, 20))
		;
	mailbox_call(&rig.nic.mailbox, request, 1);
	CHECK(interrupt_wait_any(moved, VECTORS, 3000)); /* see nic.interrupts */
	rig_close(&rig);
}

/* A frame that arrived right before the move still raises its interrupt. */
static void test_interrupts_not_lost(const struct options *options)
{
	int fds[VECTORS], moved[VECTORS];
	struct rig rig;

	open_for_move(&rig, options);
	nic_interrupts_enable(&rig.nic, fds);
	vf_interrupts_open(&rig.vf[1], moved, VECTORS);
	move(&rig, 0, 1);
	CHECK(interrupt_wait(moved[VECTOR_RX], 3000));
	CHECK(interrupt_wait(moved[VECTOR_TX], 3000));
	CHECK(interrupt_wait(moved[VECTOR_MAILBOX], 3000));
	rig_close(&rig);
}

/*
 * Vectors that the guest has disabled stay so, as in a guest whose interface is down; what is
 * fired meanwhile comes once it enables them.
 */
static void test_interrupts_disabled(const struct options *options)
{
	int fds[VECTORS], moved[VECTORS];
	struct rig rig;

	open_for_move(&rig, options);
	nic_interrupts_enable(&rig.nic, fds);
	vf_write(&rig.vf[0], IGBVF_EIMS, 1U << VECTOR_RX);
	vf_write(&rig.vf[0], IGBVF_EIMC, IGBVF_VECTORS_MASK);
	vf_write(&rig.vf[0], IGBVF_EIAC, 0);
	vf_interrupts_open(&rig.vf[1], moved, VECTORS);
	move(&rig, 0, 1);
	for (int i = 0; i < VECTORS; i++)
		CHECK(!interrupt_wait(moved[i], 50));
	vf_write(&rig.vf[1], IGBVF_EIAC, IGBVF_VECTORS_MASK);
	vf_write(&rig.vf[1], IGBVF_EIMS, IGBVF_VECTORS_MASK);
	for (int i = 0; i < VECTORS; i++)
		CHECK(interrupt_wait(moved[i], 3000));
	rig_close(&rig);
}

static void test_vlans(const struct options *options)
{
	struct rig rig;

	open_for_move(&rig, options);
	mailbox_set_vlan(&rig.nic.mailbox, 100, true);
	mailbox_set_vlan(&rig.nic.mailbox, 4094, true);
	mailbox_set_vlan(&rig.nic.mailbox, 200, true);
	mailbox_set_vlan(&rig.nic.mailbox, 200, false);
	move(&rig, 0, 1);
	rig_check_arrives(&rig, &rig.nic, rig.nic.mac, 100);
	rig_check_arrives(&rig, &rig.nic, rig.nic.mac, 4094);
	rig_check_filtered(&rig, &rig.nic, rig.nic.mac, 200);
	rig_check_filtered(&rig, &rig.nic, rig.nic.mac, 101);
	rig_check_arrives(&rig, &rig.nic, rig.nic.mac, 0);
	rig_close(&rig);
}

static void test_multicast(const struct options *options)
{
	uint16_t hash = mac_hash(group);
	struct rig rig;

	open_for_move(&rig, options);
	mailbox_set_multicast(&rig.nic.mailbox, &hash, 1);
	move(&rig, 0, 1);
	rig_check_arrives(&rig, &rig.nic, group, 0);
	rig_check_filtered(&rig, &rig.nic, other_group, 0);
	/* It can be taken back on the new VF, and that moves too. */
	mailbox_set_multicast(&rig.nic.mailbox, NULL, 0);
	move(&rig, 1, 0);
	rig_check_filtered(&rig, &rig.nic, group, 0);
	rig_close(&rig);
}

/* QEMU's igb does not model the PF's bit for it (VMOLR.MPME), so no frame tells:
 * what the destination's driver has learnt from its PF must do. */
static bool takes_all_multicast(struct rig *rig, unsigned vf)
{
	struct igbvf_section_mailbox mailbox;
	struct sections sections;
	struct section *section;
	struct stream stream;

	mig_save(&rig->vf[vf], &stream);
	mig_go(&rig->vf[vf], S(RUNNING));
	CHECK(sections_find(&stream, &sections));
	section = sections_get(&sections, IGBVF_SECTION_MAILBOX);
	CHECK(section && section->payload_length == sizeof(mailbox));
	memcpy(&mailbox, section->payload, sizeof(mailbox));
	return le32toh(mailbox.flags) & IGBVF_MBX_PROMISC_MULTICAST;
}

static void test_all_multicast(const struct options *options)
{
	struct rig rig;

	open_for_move(&rig, options);
	CHECK(!takes_all_multicast(&rig, 0));
	mailbox_set_all_multicast(&rig.nic.mailbox, true);
	CHECK(takes_all_multicast(&rig, 0));
	move(&rig, 0, 1);
	CHECK(takes_all_multicast(&rig, 1));
	mailbox_set_all_multicast(&rig.nic.mailbox, false);
	move(&rig, 1, 0);
	CHECK(!takes_all_multicast(&rig, 0));
	rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

static void test_unicast_filters(const struct options *options)
{
	uint8_t second[MAC_LENGTH], third[MAC_LENGTH];
	struct rig rig;

	open_for_move(&rig, options);
	mac_random(second);
	mac_random(third);
	mailbox_add_unicast(&rig.nic.mailbox, second);
	mailbox_add_unicast(&rig.nic.mailbox, third);
	move(&rig, 0, 1);
	rig_check_arrives(&rig, &rig.nic, second, 0);
	rig_check_arrives(&rig, &rig.nic, third, 0);
	mailbox_clear_unicast(&rig.nic.mailbox, rig.nic.mac);
	move(&rig, 1, 0);
	rig_check_filtered(&rig, &rig.nic, second, 0);
	rig_close(&rig);
}

static void test_second_address(const struct options *options)
{
	uint8_t first[MAC_LENGTH];
	struct rig rig;

	open_for_move(&rig, options);
	memcpy(first, rig.nic.mac, MAC_LENGTH);
	mac_random(rig.nic.mac);
	mailbox_set_mac(&rig.nic.mailbox, rig.nic.mac);
	move(&rig, 0, 1);
	rig_check_traffic(&rig, &rig.nic);
	rig_check_filtered(&rig, &rig.nic, first, 0);
	rig_close(&rig);
}

static void test_jumbo(const struct options *options)
{
	uint8_t *data = malloc(FRAME_JUMBO);
	struct frame *frame = malloc(sizeof(*frame));
	struct nic sender;
	struct rig rig;

	rig_open_nic(&rig, options, 3);
	mig_require(&rig.vf[0]);
	nic_start_simple(&sender, &rig.vf[2], &rig.iommu);
	mailbox_set_max_frame(&rig.nic.mailbox, 4000);
	move(&rig, 0, 1);
	frame_make(data, 3500, rig.nic.mac, sender.mac, ++rig.sequence);
	nic_send(&sender, data, 3500);
	CHECK_EQ(nic_receive(&rig.nic, frame, 3000), rig.sequence);
	CHECK_EQ(frame->slots, 2);
	/* Longer than the limit that moved. */
	frame_make(data, 4400, rig.nic.mac, sender.mac, ++rig.sequence);
	nic_send(&sender, data, 4400);
	rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

/* What the guest reads from the counters never jumps, in either direction and
 * whatever the destination's VF counted before. */
static void test_statistics(const struct options *options)
{
	static const uint32_t counters[] = { IGBVF_VFGPRC, IGBVF_VFGPTC, IGBVF_VFGORC,
					     IGBVF_VFGOTC, IGBVF_VFMPRC };
	uint32_t before[5], after[5];
	struct nic busy;
	struct rig rig;

	open_for_move(&rig, options);
	nic_start_simple(&busy, &rig.vf[1], &rig.iommu);
	for (int i = 0; i < 30; i++)
		rig_check_traffic(&rig, &busy);
	rig_check_traffic(&rig, &rig.nic);
	for (unsigned round = 0; round < 4; round++) {
		unsigned from = round % 2, to = 1 - from;

		for (int i = 0; i < 5; i++)
			before[i] = vf_read(&rig.vf[from], counters[i]);
		move(&rig, from, to);
		rig_check_traffic(&rig, &rig.nic);
		for (int i = 0; i < 5; i++)
			after[i] = vf_read(&rig.vf[to], counters[i]);
		for (int i = 0; i < 5; i++) /* a stray broadcast may add a little */
			CHECK_IN(after[i] - before[i] < 4096, "counter 0x%x was %u, is %u",
				 counters[i], before[i], after[i]);
		CHECK(after[0] - before[0] >= 1);
		CHECK_EQ(after[1] - before[1], 1);
		CHECK(after[2] - before[2] >= 800);
	}
	rig_close(&rig);
}

/* The same stream twice: to a second VF, and back to the first. */
static void test_restored_twice(const struct options *options)
{
	struct stream stream;
	struct rig rig;

	open_for_move(&rig, options);
	mig_save(&rig.vf[0], &stream);
	mig_restore(&rig.vf[1], &stream, S(STOP));
	CHECK_EQ(vf_reset(&rig.vf[1]), 0);
	/* The destination is gone; the source goes on. */
	mig_go(&rig.vf[0], S(RUNNING));
	rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

/* Loaded while in use: a second RESUMING session replaces the first. */
static void test_loaded_over_loaded(const struct options *options)
{
	struct stream stream;
	struct rig rig;

	open_for_move(&rig, options);
	mig_save(&rig.vf[0], &stream);
	mig_restore(&rig.vf[1], &stream, S(STOP));
	mig_restore(&rig.vf[1], &stream, S(STOP));
	mig_restore(&rig.vf[1], &stream, S(RUNNING));
	CHECK_EQ(vf_reset(&rig.vf[0]), 0);
	nic_move(&rig.nic, &rig.vf[1]);
	rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

const struct test move_tests[] = {
	{ "move.registers", test_registers, 0 },
	{ "move.traffic", test_traffic, 0 },
	{ "move.frames_in_the_ring", test_frames_in_the_ring, 0 },
	{ "move.over_another_life", test_over_another_life, 0 },
	{ "move.interrupts", test_interrupts, 0 },
	{ "move.interrupts_not_lost", test_interrupts_not_lost, 0 },
	{ "move.interrupts_disabled", test_interrupts_disabled, 0 },
	{ "move.vlans", test_vlans, 0 },
	{ "move.multicast", test_multicast, 0 },
	{ "move.all_multicast", test_all_multicast, 0 },
	{ "move.unicast_filters", test_unicast_filters, 0 },
	{ "move.second_address", test_second_address, 0 },
	{ "move.jumbo", test_jumbo, 0 },
	{ "move.statistics", test_statistics, 0 },
	{ "move.restored_twice", test_restored_twice, 0 },
	{ "move.loaded_over_loaded", test_loaded_over_loaded, 0 },
	{ 0 },
};
