/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The VF's side of the mailbox to the PF, as igbvf speaks it. Requests and
 * their answers: driver/regs.h and drivers/net/ethernet/intel/igb.
 */
#ifndef MAILBOX_H
#define MAILBOX_H

#include "frame.h"
#include "vf.h"

/* V2PMAILBOX clears PFSTS, PFACK and RSTD when it is read: `latched` keeps
 * them until somebody here has used them. */
struct mailbox {
	struct vf *vf;
	uint32_t latched;
};

/* V2PMAILBOX with what was latched before. */
uint32_t mailbox_bits(struct mailbox *mailbox);

/* Takes the buffer (VFU). 0 or -ETIMEDOUT. */
int mailbox_lock(struct mailbox *mailbox);

/* Puts a request into the buffer and rings; the answer comes later. */
int mailbox_post(struct mailbox *mailbox, const uint32_t *words, unsigned count);

/* Waits for the answer and takes it. 0 or -ETIMEDOUT. */
int mailbox_collect(struct mailbox *mailbox, uint32_t *words, unsigned count);

/* Both: gives word 0 of the answer without CTS, or ends the test. */
uint32_t mailbox_call(struct mailbox *mailbox, const uint32_t *words, unsigned count);

/* Requests; each ends the test unless the PF says yes. */
void mailbox_set_mac(struct mailbox *mailbox, const uint8_t *mac);
/* False if the PF does not answer. */
bool mailbox_try_mac(struct mailbox *mailbox, const uint8_t *mac);
void mailbox_add_unicast(struct mailbox *mailbox, const uint8_t *mac);
void mailbox_clear_unicast(struct mailbox *mailbox, const uint8_t *mac);
void mailbox_set_multicast(struct mailbox *mailbox, const uint16_t *hashes, unsigned count);
void mailbox_set_vlan(struct mailbox *mailbox, uint16_t vlan, bool add);
void mailbox_set_max_frame(struct mailbox *mailbox, uint32_t bytes);
void mailbox_set_all_multicast(struct mailbox *mailbox, bool on);

/* RESET. Gives true and the address where the PF has one for the VF. */
bool mailbox_reset(struct mailbox *mailbox, uint8_t *mac);

#endif
