/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_ANNOUNCE_H
#define VFERRY_ANNOUNCE_H

#include <glib.h>

/* The longest frame that is sent. */
#define VFERRY_ANNOUNCE_FRAME_SIZE 64

/* Limits of vferry_announce(): it returns within 10 s. */
#define VFERRY_ANNOUNCE_COUNT_MAX 10
#define VFERRY_ANNOUNCE_INTERVAL_MAX 1000

/**
 * vferry_announce_frame() - build the frame that tells switches where a MAC is
 * @mac: 6 bytes
 * @vlan: 1..4094 for an 802.1Q tag of priority 0, 0 for no tag
 * @frame: VFERRY_ANNOUNCE_FRAME_SIZE bytes
 *
 * A broadcast RARP request, "who am I", from @mac (RFC 903), with zeros up to the
 * shortest frame that Ethernet allows: 60 bytes, with a tag 64, without the
 * checksum. Only a RARP server would answer it.
 *
 * Return: length of the frame.
 */
gsize vferry_announce_frame(const guint8 *mac, guint16 vlan, guint8 *frame);

/**
 * vferry_announce() - let switches learn that a guest's MAC is behind an interface
 * @interface: the PF's network interface; it has to be up
 * @mac: 6 bytes, the guest's
 * @vlan: the VF's port VLAN, 0 for none
 * @count: frames to send, 1..VFERRY_ANNOUNCE_COUNT_MAX; some may get lost while a
 *	switch's port comes up
 * @interval_ms: time between two, 0..VFERRY_ANNOUNCE_INTERVAL_MAX
 *
 * Takes (@count - 1) * @interval_ms. Sending never blocks. Needs CAP_NET_RAW.
 *
 * Return: FALSE with VFERRY_ERROR_INVALID for a name, MAC or VLAN that cannot be,
 * VFERRY_ERROR_USAGE for a count or interval out of range, VFERRY_ERROR_NOT_FOUND
 * where there is no such interface, VFERRY_ERROR_FAILED where a frame is not sent.
 */
gboolean vferry_announce(const char *interface, const guint8 *mac, guint16 vlan, guint count,
			 guint interval_ms, GError **error);

#endif
