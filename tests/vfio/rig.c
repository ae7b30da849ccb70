// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rig.h"

#include <stdlib.h>

#define ARRIVAL_MS 3000

void rig_open(struct rig *rig, const struct options *options, unsigned vfs)
{
	*rig = (struct rig){ .vf_count = vfs, .sequence = (uint32_t)now_ns() };
	if (options->vf_count < vfs)
		check_skip("needs %u VFs, has %u", vfs, options->vf_count);
	iommu_open(&rig->iommu, RIG_MEMORY);
	for (unsigned i = 0; i < vfs; i++)
		vf_open(&rig->vf[i], &rig->iommu, options->vf[i]);
	peer_open(&rig->peer, options->pf);
}

void rig_open_nic(struct rig *rig, const struct options *options, unsigned vfs)
{
	rig_open(rig, options, vfs);
	nic_start_simple(&rig->nic, &rig->vf[0], &rig->iommu);
}

void rig_close(struct rig *rig)
{
	for (unsigned i = 0; i < rig->vf_count; i++)
		vf_close(&rig->vf[i]);
	iommu_close(&rig->iommu);
	peer_close(&rig->peer);
}

void rig_check_traffic(struct rig *rig, struct nic *nic)
{
	uint8_t data[FRAME_MAX];

	rig_check_arrives(rig, nic, nic->mac, 0);
	rig->sequence++;
	frame_make(data, 1000, rig->peer.mac, nic->mac, rig->sequence);
	nic_send(nic, data, 1000);
	CHECK_EQ_IN(peer_receive(&rig->peer, nic->mac, ARRIVAL_MS), rig->sequence,
		    "a frame from %s", nic->vf->address);
}

static void send(struct rig *rig, const uint8_t *to, uint16_t vlan)
{
	rig->sequence++;
	if (vlan)
		peer_send_tagged(&rig->peer, to, 800 + VLAN_TAG, vlan, rig->sequence);
	else
		peer_send(&rig->peer, to, 800, rig->sequence);
}

void rig_check_arrives(struct rig *rig, struct nic *nic, const uint8_t *to, uint16_t vlan)
{
	struct frame *frame = malloc(sizeof(*frame));

	CHECK(frame);
	send(rig, to, vlan);
	CHECK_EQ_IN(nic_receive(nic, frame, ARRIVAL_MS), rig->sequence,
		    "a frame to %02x:..:%02x, VLAN %u, at %s", to[0], to[5], vlan,
		    nic->vf->address);
	if (vlan && frame->tagged)
		CHECK_EQ(frame->vlan, vlan);
	free(frame);
}

void rig_check_filtered(struct rig *rig, struct nic *nic, const uint8_t *to, uint16_t vlan)
{
	send(rig, to, vlan);
	/* The switch keeps the order: had the first come through, it were first. */
	rig_check_arrives(rig, nic, nic->mac, 0);
}
