// SPDX-License-Identifier: LGPL-2.1-or-later
// VFs in rtnetlink messages: what the kernel is asked for.
#include "vf_messages.h"

extern "C" {
#include "identity-message.h"
}

#include <gtest/gtest.h>

#include <vector>

namespace {

constexpr int interface = 7;

TEST(Get, AsksForVfsWithoutStatistics) {
  Message message(vferry_identity_message_get(interface));
  auto *header = static_cast<ifinfomsg *>(nlmsg_data(nlmsg_hdr(message)));
  nlattr *mask = nlmsg_find_attr(nlmsg_hdr(message), sizeof(*header), IFLA_EXT_MASK);

  EXPECT_EQ(nlmsg_hdr(message)->nlmsg_type, RTM_GETLINK);
  EXPECT_EQ(header->ifi_index, interface);
  ASSERT_NE(mask, nullptr);
  EXPECT_EQ(nla_get_u32(mask), static_cast<uint32_t>(RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS));
}

// The one attribute in a request to set one.
std::vector<char> set_attribute(VferryIdentityPart part, const VferryIdentity &identity,
                                int *type) {
  Message message(vferry_identity_message_set(interface, 5, part, &identity));
  auto *header = static_cast<ifinfomsg *>(nlmsg_data(nlmsg_hdr(message)));
  nlattr *list = nlmsg_find_attr(nlmsg_hdr(message), sizeof(*header), IFLA_VFINFO_LIST);

  EXPECT_EQ(nlmsg_hdr(message)->nlmsg_type, RTM_SETLINK);
  EXPECT_EQ(header->ifi_index, interface);
  EXPECT_EQ(header->ifi_change, 0U);
  EXPECT_EQ(nlmsg_attrlen(nlmsg_hdr(message), sizeof(*header)), nla_total_size(nla_len(list)));
  auto *info = static_cast<nlattr *>(nla_data(list));
  EXPECT_EQ(nla_type(info), IFLA_VF_INFO);
  EXPECT_EQ(nla_len(list), nla_total_size(nla_len(info)));
  auto *attribute = static_cast<nlattr *>(nla_data(info));
  EXPECT_EQ(nla_len(info), nla_total_size(nla_len(attribute)));
  *type = nla_type(attribute);
  auto *first = static_cast<char *>(nla_data(attribute));
  return {first, first + nla_len(attribute)};
}

template <typename Body>
std::vector<char> bytes_of(const Body &body) {
  auto *first = reinterpret_cast<const char *>(&body);
  return {first, first + sizeof(body)};
}

TEST(Set, OnePartAMessage) {
  VferryIdentity identity = some_identity(9);
  int type = 0;

  identity.trust = 17;
  EXPECT_EQ(set_attribute(VFERRY_IDENTITY_MAC, identity, &type), bytes_of(mac_of(5, identity.mac)));
  EXPECT_EQ(type, IFLA_VF_MAC);
  EXPECT_EQ(set_attribute(VFERRY_IDENTITY_TRUST, identity, &type), bytes_of(ifla_vf_trust{5, 1}));
  EXPECT_EQ(type, IFLA_VF_TRUST);
  EXPECT_EQ(set_attribute(VFERRY_IDENTITY_SPOOFCHK, identity, &type),
            bytes_of(ifla_vf_spoofchk{5, 1}));
  EXPECT_EQ(type, IFLA_VF_SPOOFCHK);
  EXPECT_EQ(set_attribute(VFERRY_IDENTITY_RATE, identity, &type),
            bytes_of(ifla_vf_rate{5, 10, 900}));
  EXPECT_EQ(type, IFLA_VF_RATE);
  EXPECT_EQ(set_attribute(VFERRY_IDENTITY_LINK, identity, &type),
            bytes_of(ifla_vf_link_state{5, IFLA_VF_LINK_STATE_DISABLE}));
  EXPECT_EQ(type, IFLA_VF_LINK_STATE);
}

TEST(Set, AVlanHasItsProtocolInNetworkOrder) {
  int type = 0;
  std::vector<char> bytes = set_attribute(VFERRY_IDENTITY_VLAN, some_identity(1), &type);
  ifla_vf_vlan_info vlan;

  EXPECT_EQ(type, IFLA_VF_VLAN_LIST);
  ASSERT_EQ(bytes.size(), NLA_HDRLEN + sizeof(vlan));
  memcpy(&vlan, bytes.data() + NLA_HDRLEN, sizeof(vlan));
  EXPECT_EQ(vlan.vf, 5U);
  EXPECT_EQ(vlan.vlan, 100U);
  EXPECT_EQ(vlan.qos, 3U);
  // The last two bytes are no member's.
  EXPECT_EQ(std::vector<char>(bytes.end() - 4, bytes.end()),
            (std::vector<char>{'\x88', '\xa8', 0, 0}));
}

// igb and ixgbe refuse 802.1ad, even to remove a VLAN.
TEST(Set, NoVlanIs8021Q) {
  VferryIdentity identity = some_identity(1);
  int type = 0;

  identity.vlan = identity.qos = 0;
  std::vector<char> bytes = set_attribute(VFERRY_IDENTITY_VLAN, identity, &type);
  ifla_vf_vlan_info vlan;
  ASSERT_EQ(bytes.size(), NLA_HDRLEN + sizeof(vlan));
  memcpy(&vlan, bytes.data() + NLA_HDRLEN, sizeof(vlan));
  EXPECT_EQ(memcmp(&vlan.vlan_proto, "\x81\x00", 2), 0);
}

TEST(Set, NoSuchPart) {
  const VferryIdentity identity = some_identity(1);

  EXPECT_EQ(
      vferry_identity_message_set(interface, 5, static_cast<VferryIdentityPart>(64), &identity),
      nullptr);
}

}  // namespace
