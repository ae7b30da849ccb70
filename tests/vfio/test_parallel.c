// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * All VFs of the PF at once: what happens on one must not show on another.
 */
#include "rig.h"
#include "sections.h"
#include "workers.h"

#include <endian.h>
#include <string.h>
#include <unistd.h>

#define S(name) VFIO_DEVICE_STATE_##name
#define ROUNDS 60

/* One PF answers all VFs in turn: an emulated one may take longer than the driver
 * waits. Such a load says so, and works when tried again. */
static void restore_patiently(struct rig *rig, const struct stream *stream, unsigned *late)
{
	for (int attempt = 0; attempt < 10; attempt++) {
		int error = mig_try_restore(&rig->vf[0], stream, S(RUNNING), NULL);

		if (!error)
			return;
		CHECK_IN(error == -ETIMEDOUT || error == -EBUSY, "%s: %s",
			 rig->vf[0].address, strerror(-error));
		CHECK_EQ(vf_reset(&rig->vf[0]), 0);
		__atomic_add_fetch(late, 1, __ATOMIC_SEQ_CST);
	}
	check_fail(__FILE__, __LINE__, "%s: the PF never answers", rig->vf[0].address);
}

/* Another state for each round: queue 1 is off, so its registers hold anything. */
static void vary(struct stream *stream, uint32_t round)
{
	struct igbvf_section_rx_queue rx;
	struct igbvf_section_tx_queue tx;
	struct sections sections;
	uint8_t *rx_at, *tx_at;

	CHECK(sections_find(stream, &sections));
	rx_at = sections_get(&sections, IGBVF_SECTION_RX_QUEUES)->payload + sizeof(rx);
	tx_at = sections_get(&sections, IGBVF_SECTION_TX_QUEUES)->payload + sizeof(tx);
	memcpy(&rx, rx_at, sizeof(rx));
	memcpy(&tx, tx_at, sizeof(tx));
	rx.base = htole64((uint64_t)round << 32 | round << 7);
	rx.length = htole32((round << 7) & 0x7ff80);
	rx.tail = htole32(round & 0xffff);
	tx.base = htole64((uint64_t)~round << 32 | round << 7);
	tx.length = rx.length;
	memcpy(rx_at, &rx, sizeof(rx));
	memcpy(tx_at, &tx, sizeof(tx));
	stream_seal(stream);
}

/* Loads one state after the other; every other VF is also reset. */
static void load_often(const struct options *own, unsigned index, void *shared)
{
	struct stream stream;
	struct rig rig;

	rig_open_nic(&rig, own, 1);
	mailbox_set_vlan(&rig.nic.mailbox, (uint16_t)(500 + index), true);
	rig_check_traffic(&rig, &rig.nic);
	mig_save(&rig.vf[0], &stream);
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		if (index % 2 && round % 5 == 0)
			CHECK_EQ(vf_reset(&rig.vf[0]), 0);
		vary(&stream, round);
		restore_patiently(&rig, &stream, shared);
		stream_compare_registers(&stream, &rig.vf[0], own->vf[0]);
	}
	rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

static void test_loads(const struct options *options)
{
	unsigned *late = workers_memory(sizeof(*late));
	struct rig rig;

	rig_open(&rig, options, 2);
	mig_require(&rig.vf[0]);
	rig_close(&rig);
	workers_run(options, load_often, late);
	check_note("%u loads, %u late answers of the PF", ROUNDS * options->vf_count,
		   *late);
}

/* Traffic on all of them. */
static void talk(const struct options *own, unsigned index, void *shared)
{
	struct rig rig;

	(void)index;
	(void)shared;
	rig_open_nic(&rig, own, 1);
	for (int i = 0; i < 60; i++)
		rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

static void test_traffic(const struct options *options)
{
	workers_run(options, talk, NULL);
}

const struct test parallel_tests[] = {
	{ "parallel.traffic", test_traffic, 0 },
	{ "parallel.loads", test_loads, 180 },
	{ 0 },
};
