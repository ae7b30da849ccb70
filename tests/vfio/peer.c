// SPDX-License-Identifier: LGPL-2.1-or-later
#include "peer.h"

#include "check.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

void peer_open(struct peer *peer, const char *interface)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(FRAME_ETHERTYPE),
	};
	struct ifreq request = { 0 };
	int on = 1;

	CHECK_IN(*interface, "network interface of the PF: %s", "none");
	peer->socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	CHECK(peer->socket >= 0);
	strncpy(request.ifr_name, interface, sizeof(request.ifr_name) - 1);
	CHECK(ioctl(peer->socket, SIOCGIFHWADDR, &request) == 0);
	memcpy(peer->mac, request.ifr_hwaddr.sa_data, MAC_LENGTH);
	CHECK(ioctl(peer->socket, SIOCGIFINDEX, &request) == 0);
	peer->interface = request.ifr_ifindex;
	address.sll_ifindex = request.ifr_ifindex;
	CHECK(bind(peer->socket, (void *)&address, sizeof(address)) == 0);
	/* Straight to the driver: no queue may hold a frame back. */
	CHECK(setsockopt(peer->socket, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) ==
	      0);
}

void peer_close(struct peer *peer)
{
	close(peer->socket);
}

void peer_send_raw(struct peer *peer, const uint8_t *frame, size_t length)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(FRAME_ETHERTYPE),
		.sll_ifindex = peer->interface,
		.sll_halen = MAC_LENGTH,
	};
	uint64_t deadline = now_ns() + 5000000000ULL;
	ssize_t sent;

	memcpy(address.sll_addr, frame, MAC_LENGTH);
	do {
		sent = sendto(peer->socket, frame, length, 0, (void *)&address,
			      sizeof(address));
		if (sent >= 0 || (errno != ENOBUFS && errno != EBUSY))
			break;
		usleep(100); /* the PF's transmit ring is full */
	} while (now_ns() < deadline);
	CHECK_IN(sent == (ssize_t)length, "%s", strerror(errno));
}

void peer_send(struct peer *peer, const uint8_t *to, size_t length, uint32_t sequence)
{
	uint8_t frame[FRAME_MAX];

	CHECK(length <= sizeof(frame));
	frame_make(frame, length, to, peer->mac, sequence);
	peer_send_raw(peer, frame, length);
}

void peer_send_tagged(struct peer *peer, const uint8_t *to, size_t length, uint16_t vlan,
		      uint32_t sequence)
{
	uint8_t frame[FRAME_MAX + VLAN_TAG];

	CHECK(length <= sizeof(frame));
	frame_make_tagged(frame, length, to, peer->mac, vlan, sequence);
	peer_send_raw(peer, frame, length);
}

int64_t peer_receive(struct peer *peer, const uint8_t *from, int milliseconds)
{
	uint64_t deadline = now_ns() + (uint64_t)milliseconds * 1000000;
	struct pollfd readable = { .fd = peer->socket, .events = POLLIN };
	uint8_t frame[FRAME_JUMBO];

	while (now_ns() < deadline) {
		struct sockaddr_ll sender;
		socklen_t size = sizeof(sender);
		ssize_t length;

		if (poll(&readable, 1, 10) != 1)
			continue;
		length = recvfrom(peer->socket, frame, sizeof(frame), MSG_DONTWAIT,
				  (void *)&sender, &size);
		if (length < FRAME_HEADER || sender.sll_pkttype == PACKET_OUTGOING)
			continue;
		if (!memcmp(frame + MAC_LENGTH, from, MAC_LENGTH))
			return frame_sequence(frame, (size_t)length);
	}
	return -1;
}
