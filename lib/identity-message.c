/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "identity-message.h"

#include "error.h"

#include <arpa/inet.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

/* What the kernel says of a switch that the driver does not tell: (u32)-1. */
#define NOT_TOLD G_MAXUINT32

G_STATIC_ASSERT(VFERRY_LINK_AUTO == (int)IFLA_VF_LINK_STATE_AUTO);
G_STATIC_ASSERT(VFERRY_LINK_ENABLE == (int)IFLA_VF_LINK_STATE_ENABLE);
G_STATIC_ASSERT(VFERRY_LINK_DISABLE == (int)IFLA_VF_LINK_STATE_DISABLE);

static VferryNetlinkMessage *start_message(int type, int interface)
{
	struct ifinfomsg header = { .ifi_family = AF_UNSPEC, .ifi_index = interface };
	g_autoptr(VferryNetlinkMessage) message = nlmsg_alloc_simple(type, 0);

	if (!message || nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0)
		return NULL;
	return g_steal_pointer(&message);
}

VferryNetlinkMessage *vferry_identity_message_get(int interface)
{
	g_autoptr(VferryNetlinkMessage) message = start_message(RTM_GETLINK, interface);

	/* With statistics, since Linux 5.16 left out here, 256 VFs do not fit. */
	if (!message || nla_put_u32(message, IFLA_EXT_MASK,
				    RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS) < 0)
		return NULL;
	return g_steal_pointer(&message);
}

static int put_mac(struct nl_msg *message, guint32 vf, const VferryIdentity *identity)
{
	struct ifla_vf_mac mac = { .vf = vf };

	memcpy(mac.mac, identity->mac, VFERRY_MAC_SIZE);
	return nla_put(message, IFLA_VF_MAC, sizeof(mac), &mac);
}

/* IFLA_VF_VLAN knows no protocol: the list, of one entry, does. */
static int put_vlan(struct nl_msg *message, guint32 vf, const VferryIdentity *identity)
{
	gboolean tagged = identity->vlan || identity->qos;
	struct nlattr *list = nla_nest_start(message, IFLA_VF_VLAN_LIST);
	struct ifla_vf_vlan_info vlan;

	/* There are bytes after the last member. */
	memset(&vlan, 0, sizeof(vlan));
	vlan.vf = vf;
	vlan.vlan = identity->vlan;
	vlan.qos = identity->qos;
	vlan.vlan_proto = htons(tagged ? identity->vlan_protocol : VFERRY_VLAN_8021Q);
	if (!list || nla_put(message, IFLA_VF_VLAN_INFO, sizeof(vlan), &vlan) < 0)
		return -NLE_MSGSIZE;
	return nla_nest_end(message, list);
}

static int put_part(struct nl_msg *message, guint32 vf, VferryIdentityPart part,
		    const VferryIdentity *identity)
{
	const struct ifla_vf_trust trust = { vf, identity->trust != FALSE };
	const struct ifla_vf_spoofchk spoofchk = { vf, identity->spoofchk != FALSE };
	const struct ifla_vf_link_state link = { vf, identity->link_state };
	const struct ifla_vf_rate rate = { vf, identity->min_tx_rate, identity->max_tx_rate };

	switch (part) {
	case VFERRY_IDENTITY_TRUST:
		return nla_put(message, IFLA_VF_TRUST, sizeof(trust), &trust);
	case VFERRY_IDENTITY_MAC:
		return put_mac(message, vf, identity);
	case VFERRY_IDENTITY_VLAN:
		return put_vlan(message, vf, identity);
	case VFERRY_IDENTITY_SPOOFCHK:
		return nla_put(message, IFLA_VF_SPOOFCHK, sizeof(spoofchk), &spoofchk);
	case VFERRY_IDENTITY_RATE:
		return nla_put(message, IFLA_VF_RATE, sizeof(rate), &rate);
	case VFERRY_IDENTITY_LINK:
		return nla_put(message, IFLA_VF_LINK_STATE, sizeof(link), &link);
	}
	return -NLE_INVAL;
}

VferryNetlinkMessage *vferry_identity_message_set(int interface, guint vf_index,
						  VferryIdentityPart part,
						  const VferryIdentity *identity)
{
	g_autoptr(VferryNetlinkMessage) message = start_message(RTM_SETLINK, interface);
	struct nlattr *list = message ? nla_nest_start(message, IFLA_VFINFO_LIST) : NULL;
	struct nlattr *info = list ? nla_nest_start(message, IFLA_VF_INFO) : NULL;

	if (!info || put_part(message, vf_index, part, identity) < 0 ||
	    nla_nest_end(message, info) < 0 || nla_nest_end(message, list) < 0)
		return NULL;
	return g_steal_pointer(&message);
}

static gboolean malformed(const char *what, GError **error)
{
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
		    "the kernel's message is malformed: %s", what);
	return FALSE;
}

static gboolean parse_nested(struct nlattr **ret, int max, struct nlattr *nest,
			     const struct nla_policy *policy)
{
	return vferry_netlink_parse(ret, max, nla_data(nest), nla_len(nest), policy);
}

static gboolean read_vlan(struct nlattr *list, guint32 vf, VferryIdentity *identity, GError **error)
{
	static const struct nla_policy policy[IFLA_VF_VLAN_INFO + 1] = {
		[IFLA_VF_VLAN_INFO] = { .minlen = sizeof(struct ifla_vf_vlan_info) },
	};
	struct nlattr *attributes[IFLA_VF_VLAN_INFO + 1];
	const struct ifla_vf_vlan_info *vlan;
	struct nlattr *entry;
	guint entries = 0;
	int left;

	nla_for_each_nested(entry, list, left)
		entries++;
	if (entries != 1 || !parse_nested(attributes, IFLA_VF_VLAN_INFO, list, policy) ||
	    !attributes[IFLA_VF_VLAN_INFO])
		return malformed("a VF's VLAN list is not one VLAN", error);
	vlan = nla_data(attributes[IFLA_VF_VLAN_INFO]);
	if (vlan->vf != vf)
		return malformed("a VF's VLAN is another's", error);
	if (vlan->vlan > G_MAXUINT16 || vlan->qos > G_MAXUINT8)
		return malformed("a VLAN is out of range", error);
	identity->vlan = (guint16)vlan->vlan;
	identity->qos = (guint8)vlan->qos;
	/* mlx5 leaves the protocol at zero, ice does without a VLAN. */
	identity->vlan_protocol = vlan->vlan_proto && (vlan->vlan || vlan->qos) ?
		ntohs(vlan->vlan_proto) : VFERRY_VLAN_8021Q;
	identity->parts |= VFERRY_IDENTITY_VLAN;
	return TRUE;
}

static void read_mac(struct nlattr *attribute, VferryIdentity *identity)
{
	const struct ifla_vf_mac *mac = nla_data(attribute);

	memcpy(identity->mac, mac->mac, VFERRY_MAC_SIZE);
	identity->parts |= VFERRY_IDENTITY_MAC;
}

static void read_trust(struct nlattr *attribute, VferryIdentity *identity)
{
	const struct ifla_vf_trust *trust = nla_data(attribute);

	if (trust->setting == NOT_TOLD)
		return;
	identity->trust = trust->setting != 0;
	identity->parts |= VFERRY_IDENTITY_TRUST;
}

static void read_spoofchk(struct nlattr *attribute, VferryIdentity *identity)
{
	const struct ifla_vf_spoofchk *spoofchk = nla_data(attribute);

	if (spoofchk->setting == NOT_TOLD)
		return;
	identity->spoofchk = spoofchk->setting != 0;
	identity->parts |= VFERRY_IDENTITY_SPOOFCHK;
}

static void read_rate(struct nlattr *attribute, VferryIdentity *identity)
{
	const struct ifla_vf_rate *rate = nla_data(attribute);

	identity->min_tx_rate = rate->min_tx_rate;
	identity->max_tx_rate = rate->max_tx_rate;
	identity->parts |= VFERRY_IDENTITY_RATE;
}

static void read_link(struct nlattr *attribute, VferryIdentity *identity)
{
	const struct ifla_vf_link_state *link = nla_data(attribute);

	identity->link_state = (VferryLinkState)link->link_state;
	identity->parts |= VFERRY_IDENTITY_LINK;
}

/* All but the list of VLANs begin with the index of their VF. */
static const struct {
	int type;
	void (*read)(struct nlattr *attribute, VferryIdentity *identity);
} readers[] = {
	{ IFLA_VF_MAC, read_mac },
	{ IFLA_VF_TRUST, read_trust },
	{ IFLA_VF_SPOOFCHK, read_spoofchk },
	{ IFLA_VF_RATE, read_rate },
	{ IFLA_VF_LINK_STATE, read_link },
};

static const struct nla_policy vf_policy[IFLA_VF_MAX + 1] = {
	[IFLA_VF_MAC] = { .minlen = sizeof(struct ifla_vf_mac) },
	[IFLA_VF_TRUST] = { .minlen = sizeof(struct ifla_vf_trust) },
	[IFLA_VF_SPOOFCHK] = { .minlen = sizeof(struct ifla_vf_spoofchk) },
	[IFLA_VF_RATE] = { .minlen = sizeof(struct ifla_vf_rate) },
	[IFLA_VF_LINK_STATE] = { .minlen = sizeof(struct ifla_vf_link_state) },
	[IFLA_VF_VLAN_LIST] = { .type = NLA_NESTED },
};

static gboolean read_attributes(struct nlattr **attributes, guint32 vf, VferryIdentity *identity,
				GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(readers); i++) {
		struct nlattr *attribute = attributes[readers[i].type];

		if (!attribute)
			continue;
		if (nla_get_u32(attribute) != vf)
			return malformed("an attribute is another VF's", error);
		readers[i].read(attribute, identity);
	}
	return !attributes[IFLA_VF_VLAN_LIST] ||
	       read_vlan(attributes[IFLA_VF_VLAN_LIST], vf, identity, error);
}

/* The kernel leaves out a VF of which the driver tells nothing, and keeps no order. */
static gboolean read_vf(struct nlattr *info, GArray *identities, GError **error)
{
	struct nlattr *attributes[IFLA_VF_MAX + 1];
	VferryIdentity *identity;
	guint32 vf;

	if (nla_type(info) != IFLA_VF_INFO ||
	    !parse_nested(attributes, IFLA_VF_MAX, info, vf_policy) || !attributes[IFLA_VF_MAC])
		return malformed("an attribute of a VF is missing or does not fit", error);
	vf = nla_get_u32(attributes[IFLA_VF_MAC]);
	if (vf >= identities->len)
		return malformed("it speaks of more VFs than there are", error);
	identity = &g_array_index(identities, VferryIdentity, vf);
	if (identity->parts)
		return malformed("it speaks of a VF twice", error);
	if (!read_attributes(attributes, vf, identity, error))
		return FALSE;
	if (!vferry_identity_check(identity, error)) {
		g_prefix_error(error, "VF %u as the kernel describes it: ", vf);
		return FALSE;
	}
	return TRUE;
}

static gboolean read_vfs(struct nlattr *list, GArray *identities, GError **error)
{
	struct nlattr *info;
	int left;

	nla_for_each_nested(info, list, left)
		if (!read_vf(info, identities, error))
			return FALSE;
	return left <= 0 || malformed("its list of VFs does not fit", error);
}

GArray *vferry_identity_message_read(struct nlmsghdr *message, int interface, GError **error)
{
	static const struct nla_policy policy[IFLA_MAX + 1] = {
		[IFLA_NUM_VF] = { .type = NLA_U32 },
		[IFLA_VFINFO_LIST] = { .type = NLA_NESTED },
	};
	g_autoptr(GArray) identities = g_array_new(FALSE, TRUE, sizeof(VferryIdentity));
	struct nlattr *attributes[IFLA_MAX + 1];
	const struct ifinfomsg *header = nlmsg_data(message);
	guint32 number = 0;

	if (message->nlmsg_type != RTM_NEWLINK || !nlmsg_valid_hdr(message, sizeof(*header)) ||
	    header->ifi_index != interface) {
		malformed("it does not describe the interface", error);
		return NULL;
	}
	if (header->ifi_type != ARPHRD_ETHER) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED, "it is not Ethernet");
		return NULL;
	}
	if (!vferry_netlink_parse(attributes, IFLA_MAX, nlmsg_attrdata(message, sizeof(*header)),
				  nlmsg_attrlen(message, sizeof(*header)), policy)) {
		malformed("an attribute does not fit", error);
		return NULL;
	}
	if (attributes[IFLA_NUM_VF])
		number = nla_get_u32(attributes[IFLA_NUM_VF]);
	/* NumVFs of the SR-IOV capability has 16 bits. */
	if (number > G_MAXUINT16) {
		malformed("no PF has so many VFs", error);
		return NULL;
	}
	g_array_set_size(identities, number);
	if (attributes[IFLA_VFINFO_LIST] &&
	    !read_vfs(attributes[IFLA_VFINFO_LIST], identities, error))
		return NULL;
	return g_steal_pointer(&identities);
}
