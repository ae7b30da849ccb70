/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The other end of the wire: a packet socket on the PF's network interface.
 * The NIC's own switch carries its frames to the VFs and back, so nothing
 * outside of the host is needed.
 */
#ifndef PEER_H
#define PEER_H

#include "frame.h"

struct peer {
	int socket;
	int interface;
	uint8_t mac[MAC_LENGTH];
};

void peer_open(struct peer *peer, const char *interface);
void peer_close(struct peer *peer);

/* Sends a whole frame; it has left for the NIC on return. */
void peer_send_raw(struct peer *peer, const uint8_t *frame, size_t length);

/* Sends a frame of frame_make(). */
void peer_send(struct peer *peer, const uint8_t *to, size_t length, uint32_t sequence);
void peer_send_tagged(struct peer *peer, const uint8_t *to, size_t length, uint16_t vlan,
		      uint32_t sequence);

/* Waits for a frame of ours from `from`. Gives its sequence number, or -1
 * after `milliseconds`. */
int64_t peer_receive(struct peer *peer, const uint8_t *from, int milliseconds);

#endif
