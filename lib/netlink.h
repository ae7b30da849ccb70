/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One request to the kernel and its answer, on libnl-3. What libnl does not do is
 * added here: a time limit, the kernel's words for a refusal (extended
 * acknowledgement, netlink(7)), a check that the kernel is the sender, and no
 * silence about attributes that do not fit.
 */
#ifndef VFERRY_NETLINK_H
#define VFERRY_NETLINK_H

#include <glib.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

/* How long each message of an answer is waited for. */
#define VFERRY_NETLINK_TIMEOUT_SECONDS 5

/* A connected socket. A request that failed may leave answers in it: close it then. */
typedef struct nl_sock VferryNetlink;
typedef struct nl_msg VferryNetlinkMessage;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(VferryNetlink, nl_socket_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VferryNetlinkMessage, nlmsg_free)

/**
 * vferry_netlink_open() - connect to a part of the kernel
 * @protocol: NETLINK_ROUTE or NETLINK_GENERIC
 *
 * Return: the socket, or NULL with VFERRY_ERROR_FAILED.
 */
VferryNetlink *vferry_netlink_open(int protocol, GError **error);

/**
 * vferry_netlink_family() - the number of a generic netlink family
 * @netlink: socket of NETLINK_GENERIC
 * @name: "devlink"
 *
 * Return: message type of the family's messages; -1 with VFERRY_ERROR_NOT_FOUND
 * where this kernel lacks it, VFERRY_ERROR_FAILED where asking fails.
 */
int vferry_netlink_family(VferryNetlink *netlink, const char *name, GError **error);

/**
 * VferryNetlinkRead - take one message of an answer
 * @message: its length was checked, its type and contents were not
 * @data: what the caller of vferry_netlink_ask() gave
 *
 * Return: FALSE with an error set to give up.
 */
typedef gboolean (*VferryNetlinkRead)(struct nlmsghdr *message, gpointer data, GError **error);

/**
 * vferry_netlink_ask() - send a request and wait until all of its answer was read
 * @netlink: socket
 * @request: NULL says that there was no memory to make one
 * @read: called for each message of the answer; NULL where none is expected
 * @data: for @read
 *
 * Return: FALSE with @read's error, or with the kernel's words: VFERRY_ERROR_BUSY
 * where trying again may help, VFERRY_ERROR_NOT_FOUND where the device is not
 * there, else VFERRY_ERROR_FAILED. VFERRY_ERROR_INVALID for an answer that is
 * malformed or not the kernel's.
 */
gboolean vferry_netlink_ask(VferryNetlink *netlink, VferryNetlinkMessage *request,
			    VferryNetlinkRead read, gpointer data, GError **error);

/**
 * vferry_netlink_parse() - sort attributes by their type
 * @ret: @max + 1 pointers, NULL for what is absent; types above @max are left out
 * @max: highest type of interest
 * @head: first attribute
 * @length: bytes from there
 * @policy: what libnl checks of each type
 *
 * Return: FALSE where an attribute is longer than what holds it, bytes are left
 * over, or the policy is violated.
 */
gboolean vferry_netlink_parse(struct nlattr **ret, int max, struct nlattr *head, int length,
			      const struct nla_policy *policy);

#endif
