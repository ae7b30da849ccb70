// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the destination's PF refuses fails inside write(), while the source can
 * still go on. The administrator's side is played with ip(8).
 */
#include "mig.h"
#include "pf.h"
#include "rig.h"

#include <string.h>

#define S(name) VFIO_DEVICE_STATE_##name

/* write() on the second VF fails, the first VF goes on, and once the cause is
 * gone the same stream is taken. */
static void check_refused(struct rig *rig, const struct stream *stream)
{
	const char *stage;
	int error = mig_try_restore(&rig->vf[1], stream, S(STOP), &stage);

	CHECK(error < 0);
	CHECK_IN(!strcmp(stage, "write"), "refused at %s", stage);
	check_note("refused in write(): %s", strerror(-error));
	CHECK_EQ(mig_get(&rig->vf[1]), S(RESUMING));
}

static void check_taken(struct rig *rig, const struct stream *stream)
{
	CHECK_EQ(vf_reset(&rig->vf[1]), 0);
	mig_restore(&rig->vf[1], stream, S(RUNNING));
	CHECK_EQ(vf_reset(&rig->vf[0]), 0);
	nic_move(&rig->nic, &rig->vf[1]);
	rig_check_traffic(rig, &rig->nic);
}

/* The administrator gave the destination's VF another address. */
static void test_other_address(const struct options *options)
{
	struct stream stream;
	unsigned number;
	struct rig rig;

	rig_open_nic(&rig, options, 2);
	mig_require(&rig.vf[0]);
	number = vf_number(options->vf[1]);
	pf_link_after(options, "mac 00:00:00:00:00:00", number);
	pf_link(options, "vf %u mac 02:de:ad:be:ef:01", number);
	mig_save(&rig.vf[0], &stream);
	check_refused(&rig, &stream);
	pf_link(options, "vf %u mac 00:00:00:00:00:00", number);
	mig_go(&rig.vf[0], S(RUNNING));
	rig_check_traffic(&rig, &rig.nic);
	mig_save(&rig.vf[0], &stream);
	check_taken(&rig, &stream);
	rig_close(&rig);
}

/* The administrator gave the destination's VF the guest's address. */
static void test_same_address(const struct options *options)
{
	struct stream stream;
	unsigned number;
	struct rig rig;

	rig_open_nic(&rig, options, 2);
	mig_require(&rig.vf[0]);
	number = vf_number(options->vf[1]);
	pf_link_after(options, "mac 00:00:00:00:00:00", number);
	pf_link(options, "vf %u mac %02x:%02x:%02x:%02x:%02x:%02x", number, rig.nic.mac[0],
		rig.nic.mac[1], rig.nic.mac[2], rig.nic.mac[3], rig.nic.mac[4],
		rig.nic.mac[5]);
	mig_save(&rig.vf[0], &stream);
	check_taken(&rig, &stream);
	rig_close(&rig);
}

/* The administrator put the destination's VF into a VLAN; the guest has its
 * own. */
static void test_other_vlan(const struct options *options)
{
	struct stream stream;
	unsigned number;
	struct rig rig;

	rig_open_nic(&rig, options, 2);
	mig_require(&rig.vf[0]);
	mailbox_set_vlan(&rig.nic.mailbox, 12, true);
	number = vf_number(options->vf[1]);
	pf_link_after(options, "vlan 0", number);
	pf_link(options, "vf %u vlan 13", number);
	mig_save(&rig.vf[0], &stream);
	check_refused(&rig, &stream);
	pf_link(options, "vf %u vlan 0", number);
	mig_go(&rig.vf[0], S(RUNNING));
	rig_check_traffic(&rig, &rig.nic);
	mig_save(&rig.vf[0], &stream);
	check_taken(&rig, &stream);
	rig_check_arrives(&rig, &rig.nic, rig.nic.mac, 12);
	rig_close(&rig);
}

/* The destination's PF is down and answers nothing. Here it is the source's
 * PF too, so the guest begins again afterwards. */
static void test_pf_down(const struct options *options)
{
	struct stream stream;
	struct rig rig;

	rig_open_nic(&rig, options, 2);
	mig_require(&rig.vf[0]);
	mig_save(&rig.vf[0], &stream);
	pf_down(options);
	check_refused(&rig, &stream);
	pf_up(options);
	/* The old socket has heard that the interface went down. */
	peer_close(&rig.peer);
	peer_open(&rig.peer, options->pf);
	CHECK_EQ(vf_reset(&rig.vf[0]), 0);
	CHECK_EQ(vf_reset(&rig.vf[1]), 0);
	nic_start_simple(&rig.nic, &rig.vf[0], &rig.iommu);
	rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

const struct test refusal_tests[] = {
	{ "refusal.other_address", test_other_address, 0 },
	{ "refusal.same_address", test_same_address, 0 },
	{ "refusal.other_vlan", test_other_vlan, 0 },
	{ "refusal.pf_down", test_pf_down, 120 },
	{ 0 },
};
