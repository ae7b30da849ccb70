/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "announce.h"

#include "error.h"
#include "interface.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define VLAN_MAX 4094

/* RFC 903: ARP's layout for Ethernet and IPv4, with an operation of its own. */
typedef struct __attribute__((packed)) {
	guint16 hardware_type;
	guint16 protocol_type;
	guint8 hardware_size;
	guint8 protocol_size;
	guint16 operation;
	guint8 sender_mac[ETH_ALEN];
	guint8 sender_ip[4];
	guint8 target_mac[ETH_ALEN];
	guint8 target_ip[4];
} Rarp;

typedef struct __attribute__((packed)) {
	guint16 type;
	guint16 control;
} Tag;

G_STATIC_ASSERT(VFERRY_ANNOUNCE_FRAME_SIZE == ETH_ZLEN + sizeof(Tag));

gsize vferry_announce_frame(const guint8 *mac, guint16 vlan, guint8 *frame)
{
	const Tag tag = { htons(ETHERTYPE_VLAN), htons(vlan) };
	const guint16 type = htons(ETHERTYPE_REVARP);
	Rarp rarp = {
		.hardware_type = htons(ARPHRD_ETHER),
		.protocol_type = htons(ETHERTYPE_IP),
		.hardware_size = ETH_ALEN,
		.protocol_size = 4,
		.operation = htons(ARPOP_RREQUEST),
	};
	guint8 *end = frame;

	memcpy(rarp.sender_mac, mac, ETH_ALEN);
	memcpy(rarp.target_mac, mac, ETH_ALEN);
	memset(frame, 0, VFERRY_ANNOUNCE_FRAME_SIZE);
	end = memset(end, 0xff, ETH_ALEN);
	end = mempcpy(end + ETH_ALEN, mac, ETH_ALEN);
	if (vlan)
		end = mempcpy(end, &tag, sizeof(tag));
	end = mempcpy(end, &type, sizeof(type));
	memcpy(end, &rarp, sizeof(rarp));
	/* A switch that takes the tag off must not get a runt. */
	return vlan ? ETH_ZLEN + sizeof(tag) : ETH_ZLEN;
}

static gboolean check_arguments(const guint8 *mac, guint16 vlan, guint count, guint interval_ms,
				GError **error)
{
	static const guint8 none[ETH_ALEN];

	if ((mac[0] & 1) || memcmp(mac, none, ETH_ALEN) == 0)
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "%02x:%02x:%02x:%02x:%02x:%02x is no MAC of one interface", mac[0],
			    mac[1], mac[2], mac[3], mac[4], mac[5]);
	else if (vlan > VLAN_MAX)
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "VLAN %u is above %u", vlan, VLAN_MAX);
	else if (count < 1 || count > VFERRY_ANNOUNCE_COUNT_MAX)
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_USAGE,
			    "%u announcements are not 1 to %u", count, VFERRY_ANNOUNCE_COUNT_MAX);
	else if (interval_ms > VFERRY_ANNOUNCE_INTERVAL_MAX)
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_USAGE,
			    "an interval of %u ms is above %u ms", interval_ms,
			    VFERRY_ANNOUNCE_INTERVAL_MAX);
	else
		return TRUE;
	return FALSE;
}

static gboolean send_frame(int fd, int interface, const guint8 *frame, gsize length)
{
	const struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = interface,
		.sll_halen = ETH_ALEN,
		.sll_addr = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	};

	return sendto(fd, frame, length, MSG_DONTWAIT, (const struct sockaddr *)&to,
		      sizeof(to)) == (ssize_t)length;
}

static gboolean send_frames(int fd, int interface, const guint8 *frame, gsize length, guint count,
			    guint interval_ms)
{
	for (guint i = 0; i < count; i++) {
		if (i)
			g_usleep(interval_ms * 1000UL);
		if (!send_frame(fd, interface, frame, length))
			return FALSE;
	}
	return TRUE;
}

gboolean vferry_announce(const char *interface, const guint8 *mac, guint16 vlan, guint count,
			 guint interval_ms, GError **error)
{
	guint8 frame[VFERRY_ANNOUNCE_FRAME_SIZE];
	gboolean sent = FALSE;
	gsize length;
	int index;
	int number;
	int fd;

	if (!check_arguments(mac, vlan, count, interval_ms, error) ||
	    !vferry_interface_index(interface, &index, error))
		return FALSE;
	length = vferry_announce_frame(mac, vlan, frame);
	/* Protocol 0: nothing is received. */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		sent = send_frames(fd, index, frame, length, count, interval_ms);
	number = errno;
	if (fd >= 0)
		close(fd);
	if (!sent)
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
			    "announcing a guest from %s: %s", interface, g_strerror(number));
	return sent;
}
