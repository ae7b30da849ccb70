// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * All VFs of the PF at once: what happens on one must not show on another.
 */
#include "mig.h"
#include "rig.h"
#include "workers.h"

#include <regs.h>
#include <unistd.h>

#define S(name) VFIO_DEVICE_STATE_##name
#define ROUNDS 150

/* Loads the same state again and again; every other VF is also reset. */
static void load_often(const struct options *own, unsigned index, void *shared)
{
	struct nic_registers before, after;
	struct stream stream;
	struct rig rig;

	(void)shared;
	rig_open_nic(&rig, own, 1);
	rx_open(&rig.nic, 1, 32, 3072, 192);
	rx_enable(&rig.nic, 1);
	vf_write(&rig.vf[0], IGBVF_EITR(0), 0x100);
	mailbox_set_vlan(&rig.nic.mailbox, (uint16_t)(500 + index), true);
	rig_check_traffic(&rig, &rig.nic);
	nic_registers_read(&rig.vf[0], &before);
	mig_save(&rig.vf[0], &stream);
	for (int round = 0; round < ROUNDS; round++) {
		if (index % 2 && round % 5 == 0)
			CHECK_EQ(vf_reset(&rig.vf[0]), 0);
		mig_restore(&rig.vf[0], &stream, S(RUNNING));
		nic_registers_read(&rig.vf[0], &after);
		nic_registers_compare(&before, &after, own->vf[0]);
	}
	rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

static void test_loads(const struct options *options)
{
	struct rig rig;

	rig_open(&rig, options, 2);
	mig_require(&rig.vf[0]);
	rig_close(&rig);
	workers_run(options, load_often, NULL);
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
