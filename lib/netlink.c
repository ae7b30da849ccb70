/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "netlink.h"

#include "error.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

/*
 * A message may have 64 KiB, which the kernel counts double, and the
 * acknowledgement after it is dropped where the buffer is full.
 */
#define RECEIVE_BUFFER (256 * 1024)

/* What vferry_netlink_ask() is doing; the callbacks of libnl fill it in. */
typedef struct {
	VferryNetlink *netlink;
	VferryNetlinkRead read;
	gpointer data;
	gboolean done;
	GError *error;
} Exchange;

static gboolean set_options(VferryNetlink *netlink)
{
	const struct timeval timeout = { .tv_sec = VFERRY_NETLINK_TIMEOUT_SECONDS };
	const int on = 1;
	int fd = nl_socket_get_fd(netlink);

	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0 &&
	       setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) == 0 &&
	       setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) == 0;
}

VferryNetlink *vferry_netlink_open(int protocol, GError **error)
{
	g_autoptr(VferryNetlink) netlink = nl_socket_alloc();
	int result = netlink ? nl_connect(netlink, protocol) : -NLE_NOMEM;

	if (result == 0)
		result = nl_socket_set_buffer_size(netlink, RECEIVE_BUFFER, 0);
	if (result < 0) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
			    "opening a netlink socket: %s", nl_geterror(result));
		return NULL;
	}
	/* Asks for a message's length before it is received, so that none is cut. */
	nl_socket_enable_msg_peek(netlink);
	if (!set_options(netlink)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
			    "setting up a netlink socket: %s", g_strerror(errno));
		return NULL;
	}
	return g_steal_pointer(&netlink);
}

gboolean vferry_netlink_parse(struct nlattr **ret, int max, struct nlattr *head, int length,
			      const struct nla_policy *policy)
{
	struct nlattr *attribute;
	int left;

	/* nla_parse() stops at an attribute that does not fit, without an error. */
	nla_for_each_attr(attribute, head, length, left)
		;
	/* Below zero is the padding of the last attribute, which may be absent. */
	return left <= 0 && nla_parse(ret, max, head, length, policy) == 0;
}

static VferryError code_of(int number)
{
	switch (number) {
	case EAGAIN:
	case EBUSY:
		return VFERRY_ERROR_BUSY;
	case ENODEV:
		return VFERRY_ERROR_NOT_FOUND;
	default:
		return VFERRY_ERROR_FAILED;
	}
}

/* The sentence that a driver may add to an error; NULL where there is none. */
static const char *words_of(struct nlmsghdr *message, int fixed)
{
	static const struct nla_policy policy[NLMSGERR_ATTR_MSG + 1] = {
		[NLMSGERR_ATTR_MSG] = { .type = NLA_STRING },
	};
	struct nlattr *attributes[NLMSGERR_ATTR_MSG + 1];
	const char *words;

	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS) || !nlmsg_valid_hdr(message, fixed) ||
	    !vferry_netlink_parse(attributes, NLMSGERR_ATTR_MSG,
				  nlmsg_attrdata(message, fixed),
				  nlmsg_attrlen(message, fixed), policy) ||
	    !attributes[NLMSGERR_ATTR_MSG])
		return NULL;
	words = nla_get_string(attributes[NLMSGERR_ATTR_MSG]);
	for (const char *c = words; *c; c++)
		if (!g_ascii_isprint(*c))
			return NULL;
	return words;
}

/* @number: errno, less than zero; @fixed: length of what stands before attributes */
static void set_kernel_error(Exchange *exchange, struct nlmsghdr *message, int number, int fixed)
{
	const char *words = words_of(message, fixed);

	if (exchange->error)
		return;
	/* -INT_MIN is no number; nor is it an errno. */
	number = number < -4095 ? EPROTO : -number;
	exchange->error = g_error_new(VFERRY_ERROR, code_of(number), "%s%s%s%s",
				      g_strerror(number), words ? " (" : "",
				      words ? words : "", words ? ")" : "");
}

static int on_any(struct nl_msg *message, void *data)
{
	Exchange *exchange = data;

	if (nlmsg_get_src(message)->nl_pid == 0 &&
	    nlmsg_hdr(message)->nlmsg_pid == nl_socket_get_local_port(exchange->netlink))
		return NL_OK;
	if (!exchange->error)
		exchange->error = g_error_new_literal(VFERRY_ERROR, VFERRY_ERROR_INVALID,
						      "a netlink message is not the kernel's");
	return -NLE_INVAL;
}

static int on_answer(struct nl_msg *message, void *data)
{
	Exchange *exchange = data;

	if (exchange->error)
		return -NLE_INVAL;
	if (!exchange->read) {
		exchange->error = g_error_new_literal(VFERRY_ERROR, VFERRY_ERROR_INVALID,
						      "the kernel says more than was asked");
		return -NLE_INVAL;
	}
	if (!exchange->read(nlmsg_hdr(message), exchange->data, &exchange->error))
		return -NLE_INVAL;
	return NL_OK;
}

static int on_acknowledgement(struct nl_msg *message G_GNUC_UNUSED, void *data)
{
	Exchange *exchange = data;

	exchange->done = TRUE;
	return NL_STOP;
}

/* The end of a dump holds the dump's own error. */
static int on_finish(struct nl_msg *message, void *data)
{
	Exchange *exchange = data;
	struct nlmsghdr *header = nlmsg_hdr(message);
	int number = 0;

	if (nlmsg_valid_hdr(header, sizeof(number)))
		memcpy(&number, nlmsg_data(header), sizeof(number));
	if (number < 0)
		set_kernel_error(exchange, header, number, sizeof(number));
	exchange->done = TRUE;
	return NL_STOP;
}

static int on_error(struct sockaddr_nl *sender G_GNUC_UNUSED, struct nlmsgerr *refusal, void *data)
{
	/* libnl hands out the payload; the attributes are found from the header before it. */
	struct nlmsghdr *header = (struct nlmsghdr *)((char *)refusal - NLMSG_HDRLEN);

	set_kernel_error(data, header, refusal->error, sizeof(*refusal));
	return NL_STOP;
}

static void set_transport_error(int result, GError **error)
{
	if (result == -NLE_AGAIN)
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
			    "the kernel does not answer within %d s",
			    VFERRY_NETLINK_TIMEOUT_SECONDS);
	else if (result == -NLE_DUMP_INTR)
		g_set_error_literal(error, VFERRY_ERROR, VFERRY_ERROR_BUSY,
				    "devices changed while the kernel listed them: try again");
	else
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "talking to the kernel by netlink: %s", nl_geterror(result));
}

static gboolean receive(Exchange *exchange, GError **error)
{
	struct nl_cb *callbacks = nl_cb_alloc(NL_CB_DEFAULT);
	int result = callbacks ? 0 : -NLE_NOMEM;

	if (callbacks) {
		nl_cb_set(callbacks, NL_CB_MSG_IN, NL_CB_CUSTOM, on_any, exchange);
		nl_cb_set(callbacks, NL_CB_VALID, NL_CB_CUSTOM, on_answer, exchange);
		nl_cb_set(callbacks, NL_CB_ACK, NL_CB_CUSTOM, on_acknowledgement, exchange);
		nl_cb_set(callbacks, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, exchange);
		nl_cb_err(callbacks, NL_CB_CUSTOM, on_error, exchange);
	}
	while (result >= 0 && !exchange->done)
		result = nl_recvmsgs(exchange->netlink, callbacks);
	nl_cb_put(callbacks);

	if (exchange->error) {
		g_propagate_error(error, g_steal_pointer(&exchange->error));
		return FALSE;
	}
	if (result < 0) {
		set_transport_error(result, error);
		return FALSE;
	}
	return TRUE;
}

gboolean vferry_netlink_ask(VferryNetlink *netlink, VferryNetlinkMessage *request,
			    VferryNetlinkRead read, gpointer data, GError **error)
{
	Exchange exchange = { .netlink = netlink, .read = read, .data = data };
	int result = request ? nl_send_auto(netlink, request) : -NLE_NOMEM;

	if (result < 0) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
			    "sending a netlink request: %s", nl_geterror(result));
		return FALSE;
	}
	return receive(&exchange, error);
}
