/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Identities in rtnetlink messages: pure functions.
 *
 * libnl-route's rtnl_link_vf_*() are not used: their request cannot leave out the
 * statistics, with which 256 VFs pass the 64 KiB that an attribute can hold; they
 * send an 802.1ad VLAN in host byte order (3.7); they take a VF's attributes that
 * do not fit for absent.
 */
#ifndef VFERRY_IDENTITY_MESSAGE_H
#define VFERRY_IDENTITY_MESSAGE_H

#include "identity.h"
#include "netlink.h"

/**
 * vferry_identity_message_get() - the request for an interface and all its VFs
 *
 * Return: the request, NULL without memory.
 */
VferryNetlinkMessage *vferry_identity_message_get(int interface);

/**
 * vferry_identity_message_set() - the request to set one part of a VF's identity
 * @interface: index of the PF's network interface
 * @part: one bit
 * @identity: in range as vferry_identity_check() says
 *
 * Return: the request, NULL without memory.
 */
VferryNetlinkMessage *vferry_identity_message_set(int interface, guint vf_index,
						  VferryIdentityPart part,
						  const VferryIdentity *identity);

/**
 * vferry_identity_message_read() - the identities in the answer
 * @message: from the kernel, of a length that was checked
 * @interface: the interface that was asked for
 *
 * Return: array of VferryIdentity as of vferry_identity_read_all(), or NULL with
 * VFERRY_ERROR_INVALID for a malformed message or a value out of range,
 * VFERRY_ERROR_REFUSED for an interface that is not Ethernet.
 */
GArray *vferry_identity_message_read(struct nlmsghdr *message, int interface, GError **error);

#endif
