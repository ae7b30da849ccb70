// SPDX-License-Identifier: LGPL-2.1-or-later
// VFs in rtnetlink messages: what the kernel says and what it must not say.
#include "vf_messages.h"

extern "C" {
#include "error.h"
#include "identity-message.h"
}

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

namespace {

constexpr int interface = 7;

struct Result {
  std::vector<VferryIdentity> identities;
  bool good = false;
  int code = -1;
  std::string text;
};

Result read_bytes(std::vector<char> bytes) {
  g_autoptr(GError) error = nullptr;
  g_autoptr(GArray) array =
      vferry_identity_message_read(reinterpret_cast<nlmsghdr *>(bytes.data()), interface, &error);
  Result result;

  result.good = array != nullptr;
  EXPECT_EQ(result.good, error == nullptr);
  if (error) {
    EXPECT_EQ(error->domain, VFERRY_ERROR);
    result.code = error->code;
    result.text = error->message;
  }
  for (guint i = 0; array && i < array->len; i++)
    result.identities.push_back(g_array_index(array, VferryIdentity, i));
  return result;
}

// An interface of so many VFs, whose list @fill makes.
Result read_link(uint32_t vfs, const std::function<void(nl_msg *)> &fill) {
  Message message(start_link(interface));

  nla_put_u32(message, IFLA_NUM_VF, vfs);
  nlattr *list = nla_nest_start(message, IFLA_VFINFO_LIST);
  fill(message);
  nla_nest_end(message, list);
  return read_bytes(message.bytes());
}

void expect_malformed(const Result &result, const std::string &why) {
  EXPECT_FALSE(result.good);
  EXPECT_EQ(result.code, VFERRY_ERROR_INVALID);
  EXPECT_NE(result.text.find(why), std::string::npos) << result.text;
}

void expect_equal(const VferryIdentity &a, const VferryIdentity &b) {
  EXPECT_EQ(a.parts, b.parts);
  EXPECT_EQ(vferry_identity_difference(&a, &b), 0U);
}

TEST(Read, OneVfWithEverything) {
  const VferryIdentity wanted = some_identity(1);
  Result result = read_link(1, [&](nl_msg *message) { put_vf(message, 0, wanted); });

  ASSERT_TRUE(result.good) << result.text;
  ASSERT_EQ(result.identities.size(), 1U);
  const VferryIdentity &got = result.identities[0];
  EXPECT_EQ(got.parts, VFERRY_IDENTITY_ALL);
  EXPECT_EQ(memcmp(got.mac, wanted.mac, VFERRY_MAC_SIZE), 0);
  EXPECT_EQ(got.vlan, 100);
  EXPECT_EQ(got.qos, 3);
  EXPECT_EQ(got.vlan_protocol, VFERRY_VLAN_8021AD);
  EXPECT_FALSE(got.trust);
  EXPECT_TRUE(got.spoofchk);
  EXPECT_EQ(got.link_state, VFERRY_LINK_DISABLE);
  EXPECT_EQ(got.min_tx_rate, 10U);
  EXPECT_EQ(got.max_tx_rate, 900U);
}

TEST(Read, AnInterfaceThatIsNoPfHasNoVfs) {
  Message message(start_link(interface));
  Result result = read_bytes(message.bytes());

  ASSERT_TRUE(result.good) << result.text;
  EXPECT_TRUE(result.identities.empty());
}

TEST(Read, NoVfs) {
  Result result = read_link(0, [](nl_msg *) {});

  ASSERT_TRUE(result.good) << result.text;
  EXPECT_TRUE(result.identities.empty());
}

TEST(Read, VfsWithoutAListHaveNoParts) {
  Message message(start_link(interface));

  nla_put_u32(message, IFLA_NUM_VF, 3);
  Result result = read_bytes(message.bytes());
  ASSERT_TRUE(result.good) << result.text;
  ASSERT_EQ(result.identities.size(), 3U);
  EXPECT_EQ(result.identities[2].parts, 0U);
}

TEST(Read, TwoHundredFiftySixVfs) {
  Result result = read_link(256, [](nl_msg *message) {
    for (uint32_t vf = 0; vf < 256; vf++)
      put_vf(message, vf, some_identity(static_cast<guint8>(vf)));
  });

  ASSERT_TRUE(result.good) << result.text;
  ASSERT_EQ(result.identities.size(), 256U);
  for (uint32_t vf = 0; vf < 256; vf++)
    expect_equal(result.identities[vf], some_identity(static_cast<guint8>(vf)));
}

TEST(Read, AVfThatTheDriverLeavesOutKeepsItsPlace) {
  Result result = read_link(3, [](nl_msg *message) {
    put_vf(message, 2, some_identity(2));
    put_vf(message, 0, some_identity(0));
  });

  ASSERT_TRUE(result.good) << result.text;
  expect_equal(result.identities[0], some_identity(0));
  EXPECT_EQ(result.identities[1].parts, 0U);
  expect_equal(result.identities[2], some_identity(2));
}

TEST(Read, WhatTheDriverDoesNotTellIsNoPart) {
  VferryIdentity identity = some_identity(1);

  identity.parts &= ~static_cast<guint>(VFERRY_IDENTITY_TRUST | VFERRY_IDENTITY_SPOOFCHK);
  Result result = read_link(1, [&](nl_msg *message) { put_vf(message, 0, identity); });
  ASSERT_TRUE(result.good) << result.text;
  EXPECT_EQ(result.identities[0].parts, identity.parts);
}

TEST(Read, AProtocolOfZeroIs8021Q) {
  VferryIdentity identity = some_identity(1);

  identity.vlan_protocol = 0;
  Result result = read_link(1, [&](nl_msg *message) { put_vf(message, 0, identity); });
  ASSERT_TRUE(result.good) << result.text;
  EXPECT_EQ(result.identities[0].vlan_protocol, VFERRY_VLAN_8021Q);
  EXPECT_EQ(result.identities[0].vlan, 100);
}

TEST(Read, AttributesOfANewerKernelAreLeftOut) {
  Result result = read_link(1, [](nl_msg *message) {
    nlattr *info = nla_nest_start(message, IFLA_VF_INFO);
    put_vf_attributes(message, 0, some_identity(1));
    nla_put_u32(message, IFLA_VF_MAX + 5, 1);
    nla_nest_end(message, info);
  });

  ASSERT_TRUE(result.good) << result.text;
  expect_equal(result.identities[0], some_identity(1));
}

// The kernel's list is full; the attribute after it is 802.1Q only, and not needed.
TEST(Read, WithoutAVlanListThereIsNoVlanPart) {
  Result result = read_link(1, [](nl_msg *message) {
    nlattr *info = nla_nest_start(message, IFLA_VF_INFO);
    put(message, IFLA_VF_MAC, mac_of(0, some_identity(1).mac));
    nla_nest_end(message, info);
  });

  ASSERT_TRUE(result.good) << result.text;
  EXPECT_EQ(result.identities[0].parts, static_cast<guint>(VFERRY_IDENTITY_MAC));
}

TEST(Malformed, MessageOfAnotherType) {
  Message message(start_link(interface));

  nlmsg_hdr(message)->nlmsg_type = RTM_DELLINK;
  expect_malformed(read_bytes(message.bytes()), "does not describe the interface");
}

TEST(Malformed, MessageOfAnotherInterface) {
  Message message(start_link(interface + 1));

  expect_malformed(read_bytes(message.bytes()), "does not describe the interface");
}

TEST(Malformed, MessageWithoutRoomForItsHeader) {
  Message message(start_link(interface));
  std::vector<char> bytes = message.bytes();

  bytes.resize(NLMSG_HDRLEN + sizeof(ifinfomsg) - 4);
  reinterpret_cast<nlmsghdr *>(bytes.data())->nlmsg_len = static_cast<uint32_t>(bytes.size());
  expect_malformed(read_bytes(bytes), "does not describe the interface");
}

TEST(Malformed, NotEthernet) {
  Message message(start_link(interface, ARPHRD_INFINIBAND));
  Result result = read_bytes(message.bytes());

  EXPECT_FALSE(result.good);
  EXPECT_EQ(result.code, VFERRY_ERROR_REFUSED);
}

TEST(Malformed, NumberOfVfsTooShort) {
  Message message(start_link(interface));
  uint16_t number = 1;

  nla_put(message, IFLA_NUM_VF, sizeof(number), &number);
  expect_malformed(read_bytes(message.bytes()), "does not fit");
}

TEST(Malformed, MoreVfsThanPciAllows) {
  expect_malformed(read_link(65536, [](nl_msg *) {}), "no PF has so many VFs");
  expect_malformed(read_link(G_MAXUINT32, [](nl_msg *) {}), "no PF has so many VFs");
}

TEST(Malformed, EntryOfAnotherType) {
  expect_malformed(read_link(1,
                             [](nl_msg *message) {
                               nlattr *info = nla_nest_start(message, IFLA_VF_INFO + 1);
                               put_vf_attributes(message, 0, some_identity(1));
                               nla_nest_end(message, info);
                             }),
                   "is missing or does not fit");
}

TEST(Malformed, EntryWithoutAMac) {
  expect_malformed(read_link(1,
                             [](nl_msg *message) {
                               nlattr *info = nla_nest_start(message, IFLA_VF_INFO);
                               put(message, IFLA_VF_TRUST, ifla_vf_trust{0, 1});
                               nla_nest_end(message, info);
                             }),
                   "is missing or does not fit");
}

TEST(Malformed, EntryThatIsEmpty) {
  expect_malformed(
      read_link(1, [](nl_msg *message) { nla_put(message, IFLA_VF_INFO, 0, nullptr); }),
      "is missing or does not fit");
}

class ShortAttribute : public testing::TestWithParam<int> {};

TEST_P(ShortAttribute, IsRefused) {
  expect_malformed(read_link(1,
                             [this](nl_msg *message) {
                               const uint32_t vf = 0;
                               nlattr *info = nla_nest_start(message, IFLA_VF_INFO);
                               if (GetParam() != IFLA_VF_MAC)
                                 put(message, IFLA_VF_MAC, mac_of(0, some_identity(1).mac));
                               nla_put(message, GetParam(), sizeof(vf), &vf);
                               nla_nest_end(message, info);
                             }),
                   "is missing or does not fit");
}

INSTANTIATE_TEST_SUITE_P(All, ShortAttribute,
                         testing::Values(IFLA_VF_MAC, IFLA_VF_TRUST, IFLA_VF_SPOOFCHK, IFLA_VF_RATE,
                                         IFLA_VF_LINK_STATE));

class OtherVf : public testing::TestWithParam<int> {};

TEST_P(OtherVf, IsRefused) {
  expect_malformed(read_link(2,
                             [this](nl_msg *message) {
                               nlattr *info = nla_nest_start(message, IFLA_VF_INFO);
                               put(message, IFLA_VF_MAC, mac_of(0, some_identity(1).mac));
                               const uint32_t body[3] = {1, 0, 0};
                               nla_put(message, GetParam(), sizeof(body), body);
                               nla_nest_end(message, info);
                             }),
                   "an attribute is another VF's");
}

INSTANTIATE_TEST_SUITE_P(All, OtherVf,
                         testing::Values(IFLA_VF_TRUST, IFLA_VF_SPOOFCHK, IFLA_VF_RATE,
                                         IFLA_VF_LINK_STATE));

TEST(Malformed, VfThatIsNotThere) {
  expect_malformed(read_link(1, [](nl_msg *message) { put_vf(message, 1, some_identity(1)); }),
                   "more VFs than there are");
  expect_malformed(
      read_link(1, [](nl_msg *message) { put_vf(message, G_MAXUINT32, some_identity(1)); }),
      "more VFs than there are");
}

TEST(Malformed, VfTwice) {
  expect_malformed(read_link(2,
                             [](nl_msg *message) {
                               put_vf(message, 1, some_identity(1));
                               put_vf(message, 1, some_identity(2));
                             }),
                   "twice");
}

Result read_vlans(const std::function<void(nl_msg *)> &fill) {
  return read_link(1, [&](nl_msg *message) {
    nlattr *info = nla_nest_start(message, IFLA_VF_INFO);
    put(message, IFLA_VF_MAC, mac_of(0, some_identity(1).mac));
    nlattr *list = nla_nest_start(message, IFLA_VF_VLAN_LIST);
    fill(message);
    nla_nest_end_keep_empty(message, list);
    nla_nest_end(message, info);
  });
}

TEST(Malformed, VlanListIsNotOneVlan) {
  const char *why = "VLAN list is not one VLAN";
  const ifla_vf_vlan_info vlan = vlan_of(0, some_identity(1));

  expect_malformed(read_vlans([](nl_msg *) {}), why);
  expect_malformed(read_vlans([&](nl_msg *message) {
                     put(message, IFLA_VF_VLAN_INFO, vlan);
                     put(message, IFLA_VF_VLAN_INFO, vlan);
                   }),
                   why);
  expect_malformed(read_vlans([&](nl_msg *message) { put(message, IFLA_VF_VLAN_INFO + 1, vlan); }),
                   why);
  expect_malformed(read_vlans([](nl_msg *message) {
                     put(message, IFLA_VF_VLAN_INFO, ifla_vf_vlan{0, 1, 2});
                   }),
                   why);
}

TEST(Malformed, VlanOfAnotherVf) {
  expect_malformed(read_vlans([](nl_msg *message) {
                     put(message, IFLA_VF_VLAN_INFO, vlan_of(1, some_identity(1)));
                   }),
                   "VLAN is another's");
}

Result read_identity(const std::function<void(VferryIdentity *)> &change) {
  VferryIdentity identity = some_identity(1);

  change(&identity);
  return read_link(1, [&](nl_msg *message) { put_vf(message, 0, identity); });
}

TEST(Malformed, ValuesOutOfRange) {
  expect_malformed(read_identity([](VferryIdentity *i) { i->vlan = 4095; }), "VLAN 4095");
  expect_malformed(read_identity([](VferryIdentity *i) { i->qos = 8; }), "qos 8");
  expect_malformed(read_identity([](VferryIdentity *i) { i->vlan_protocol = 0x9100; }), "VLAN 100");
  expect_malformed(read_identity([](VferryIdentity *i) { i->mac[0] = 1; }), "MAC 01:");
  expect_malformed(read_identity([](VferryIdentity *i) { i->min_tx_rate = 901; }), "rate 901");
  expect_malformed(
      read_identity([](VferryIdentity *i) { i->link_state = static_cast<VferryLinkState>(3); }),
      "link ?");
}

TEST(Malformed, VlanThatWouldBeCutToSixteenBits) {
  ifla_vf_vlan_info vlan = vlan_of(0, some_identity(1));

  vlan.vlan = 0x10064;
  expect_malformed(read_vlans([&](nl_msg *message) { put(message, IFLA_VF_VLAN_INFO, vlan); }),
                   "out of range");
  vlan.vlan = 1;
  vlan.qos = 0x101;
  expect_malformed(read_vlans([&](nl_msg *message) { put(message, IFLA_VF_VLAN_INFO, vlan); }),
                   "out of range");
}

// Where the one VF's attributes begin and end in a message.
struct Nested {
  std::vector<char> bytes;
  nlattr *list;
  nlattr *info;
  nlattr *last;
};

Nested nested() {
  Message message(start_link(interface));
  Nested result;

  nla_put_u32(message, IFLA_NUM_VF, 1);
  nlattr *list = nla_nest_start(message, IFLA_VFINFO_LIST);
  put_vf(message, 0, some_identity(1));
  nla_nest_end(message, list);
  result.bytes = message.bytes();
  auto *header = reinterpret_cast<nlmsghdr *>(result.bytes.data());
  result.list = nlmsg_find_attr(header, sizeof(ifinfomsg), IFLA_VFINFO_LIST);
  result.info = static_cast<nlattr *>(nla_data(result.list));
  result.last = nla_find(static_cast<nlattr *>(nla_data(result.info)), nla_len(result.info),
                         IFLA_VF_VLAN_LIST);
  return result;
}

TEST(Malformed, AttributesLongerThanWhatHoldsThem) {
  Nested longer = nested();

  longer.list->nla_len += 4;
  expect_malformed(read_bytes(longer.bytes), "does not fit");
  longer = nested();
  longer.info->nla_len += 4;
  expect_malformed(read_bytes(longer.bytes), "does not fit");
  longer = nested();
  longer.last->nla_len += 4;
  expect_malformed(read_bytes(longer.bytes), "does not fit");
}

TEST(Malformed, BytesLeftOver) {
  Nested shorter = nested();

  shorter.info->nla_len -= 4;
  expect_malformed(read_bytes(shorter.bytes), "does not fit");
  shorter = nested();
  shorter.last->nla_len = 2;
  expect_malformed(read_bytes(shorter.bytes), "does not fit");
}

// Nothing is read outside of the message, whatever its bytes; seen with a sanitizer.
TEST(Malformed, AnyBytes) {
  std::mt19937 random(1);
  const std::vector<char> good = nested().bytes;
  unsigned refused = 0;

  for (int round = 0; round < 5000; round++) {
    std::vector<char> bytes = good;
    for (unsigned flips = 1 + random() % 4; flips; flips--)
      bytes[NLMSG_HDRLEN + random() % (bytes.size() - NLMSG_HDRLEN)] = static_cast<char>(random());
    refused += !read_bytes(bytes).good;
  }
  EXPECT_GT(refused, 500U);
}

}  // namespace
