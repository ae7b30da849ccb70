/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What most tests stand on: one container, some VFs, a working NIC on the
 * first VF and the peer that it talks to.
 */
#ifndef RIG_H
#define RIG_H

#include "check.h"
#include "nic.h"
#include "peer.h"

#define RIG_MEMORY (16u << 20)

struct rig {
	struct iommu iommu;
	struct vf vf[MAX_VFS];
	unsigned vf_count;
	struct nic nic;
	struct peer peer;
	uint32_t sequence; /* of the last frame */
};

/* Opens `vfs` VFs and the peer; the NIC is not started. Skips the test where
 * the command line names fewer VFs. */
void rig_open(struct rig *rig, const struct options *options, unsigned vfs);

/* The same, with nic_start_simple() on the first VF. */
void rig_open_nic(struct rig *rig, const struct options *options, unsigned vfs);

void rig_close(struct rig *rig);

/* A frame each way arrives whole. The receive slots are not given back. */
void rig_check_traffic(struct rig *rig, struct nic *nic);

/* A frame for `to` of any kind (unicast, multicast, VLAN 0 or another) does or
 * does not arrive. The proof of absence: a later frame that does. */
void rig_check_arrives(struct rig *rig, struct nic *nic, const uint8_t *to, uint16_t vlan);
void rig_check_filtered(struct rig *rig, struct nic *nic, const uint8_t *to, uint16_t vlan);

#endif
