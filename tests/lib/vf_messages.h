// SPDX-License-Identifier: LGPL-2.1-or-later
// The kernel's description of an interface and its VFs, as rtnl_fill_vfinfo() makes it.
#pragma once

#include <glib.h>

extern "C" {
#include "identity.h"
#include "netlink.h"
}

#include <arpa/inet.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <cstring>
#include <vector>

class Message {
 public:
  explicit Message(nl_msg *message) : message_(message) {}
  ~Message() { nlmsg_free(message_); }
  Message(const Message &) = delete;
  Message &operator=(const Message &) = delete;
  operator nl_msg *() const { return message_; }

  // Of exactly its length, so that a byte read too far is seen.
  std::vector<char> bytes() const {
    auto *first = reinterpret_cast<char *>(nlmsg_hdr(message_));
    return {first, first + nlmsg_hdr(message_)->nlmsg_len};
  }

 private:
  nl_msg *message_;
};

template <typename Body>
void put(nl_msg *message, int type, const Body &body) {
  nla_put(message, type, sizeof(body), &body);
}

inline nl_msg *start_link(int interface, unsigned short type = ARPHRD_ETHER) {
  nl_msg *message = nlmsg_alloc_size(256 * 1024);
  ifinfomsg header = {};

  header.ifi_type = type;
  header.ifi_index = interface;
  nlmsg_put(message, 0, 0, RTM_NEWLINK, 0, 0);
  nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO);
  nla_put_string(message, IFLA_IFNAME, "pf0");
  return message;
}

inline ifla_vf_mac mac_of(uint32_t vf, const guint8 *mac) {
  ifla_vf_mac body = {};

  body.vf = vf;
  memcpy(body.mac, mac, VFERRY_MAC_SIZE);
  return body;
}

inline ifla_vf_vlan_info vlan_of(uint32_t vf, const VferryIdentity &identity) {
  ifla_vf_vlan_info body = {};

  body.vf = vf;
  body.vlan = identity.vlan;
  body.qos = identity.qos;
  body.vlan_proto = htons(identity.vlan_protocol);
  return body;
}

inline uint32_t told(const VferryIdentity &identity, guint part, gboolean value) {
  return identity.parts & part ? static_cast<uint32_t>(value) : G_MAXUINT32;
}

// All attributes of one VF; a switch that is no part of the identity is not told.
inline void put_vf_attributes(nl_msg *message, uint32_t vf, const VferryIdentity &identity) {
  ifla_vf_broadcast broadcast = {};

  put(message, IFLA_VF_MAC, mac_of(vf, identity.mac));
  memset(broadcast.broadcast, 0xff, VFERRY_MAC_SIZE);
  put(message, IFLA_VF_BROADCAST, broadcast);
  put(message, IFLA_VF_VLAN, ifla_vf_vlan{vf, identity.vlan, identity.qos});
  put(message, IFLA_VF_RATE, ifla_vf_rate{vf, identity.min_tx_rate, identity.max_tx_rate});
  put(message, IFLA_VF_TX_RATE, ifla_vf_tx_rate{vf, identity.max_tx_rate});
  put(message, IFLA_VF_SPOOFCHK,
      ifla_vf_spoofchk{vf, told(identity, VFERRY_IDENTITY_SPOOFCHK, identity.spoofchk)});
  put(message, IFLA_VF_LINK_STATE, ifla_vf_link_state{vf, identity.link_state});
  put(message, IFLA_VF_RSS_QUERY_EN, ifla_vf_rss_query_en{vf, G_MAXUINT32});
  put(message, IFLA_VF_TRUST,
      ifla_vf_trust{vf, told(identity, VFERRY_IDENTITY_TRUST, identity.trust)});
  nlattr *list = nla_nest_start(message, IFLA_VF_VLAN_LIST);
  put(message, IFLA_VF_VLAN_INFO, vlan_of(vf, identity));
  nla_nest_end(message, list);
}

inline void put_vf(nl_msg *message, uint32_t vf, const VferryIdentity &identity) {
  nlattr *info = nla_nest_start(message, IFLA_VF_INFO);

  put_vf_attributes(message, vf, identity);
  nla_nest_end(message, info);
}

inline VferryIdentity some_identity(guint8 last) {
  VferryIdentity identity = {};

  identity.parts = VFERRY_IDENTITY_ALL;
  const guint8 mac[] = {0x52, 0x54, 0x00, 0x00, 0x01, last};
  memcpy(identity.mac, mac, sizeof(mac));
  identity.vlan = 100;
  identity.qos = 3;
  identity.vlan_protocol = VFERRY_VLAN_8021AD;
  identity.spoofchk = TRUE;
  identity.link_state = VFERRY_LINK_DISABLE;
  identity.min_tx_rate = 10;
  identity.max_tx_rate = 900;
  return identity;
}
