// SPDX-License-Identifier: LGPL-2.1-or-later
// One request and its answer: from this host's kernel, and from one that misbehaves.
#include "caught.h"
#include "fake_kernel.h"

extern "C" {
#include "netlink.h"
}

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/genl/genl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <chrono>
#include <cstring>
#include <string>
#include <vector>

namespace {

nl_msg *link_message(int type, int interface) {
  nl_msg *message = nlmsg_alloc_simple(type, 0);
  ifinfomsg header = {};

  header.ifi_index = interface;
  nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO);
  return message;
}

nl_msg *some_answer() { return link_message(RTM_NEWLINK, 1); }

struct Answers {
  unsigned count = 0;
  bool refuse = false;
};

gboolean take(nlmsghdr *message, gpointer data, GError **error) {
  auto *answers = static_cast<Answers *>(data);

  EXPECT_EQ(message->nlmsg_type, RTM_NEWLINK);
  answers->count++;
  if (answers->refuse)
    g_set_error_literal(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED, "not like this");
  return !answers->refuse;
}

class Netlink : public testing::Test {
 protected:
  void SetUp() override { connect(NETLINK_ROUTE); }
  void TearDown() override { nl_socket_free(netlink_); }

  void connect(int protocol) {
    if (netlink_)
      nl_socket_free(netlink_);
    netlink_ = vferry_netlink_open(protocol, caught_.out());
    ASSERT_NE(netlink_, nullptr) << caught_.text();
  }

  bool ask(int type = RTM_GETLINK, int interface = 1, bool with_reader = true) {
    g_autoptr(VferryNetlinkMessage) request = link_message(type, interface);

    return vferry_netlink_ask(netlink_, request, with_reader ? take : nullptr, &answers_,
                              caught_.out());
  }

  VferryNetlink *netlink_ = nullptr;
  Answers answers_;
  Caught caught_;
};

TEST_F(Netlink, TheKernelDescribesTheLoopback) {
  EXPECT_TRUE(ask()) << caught_.text();
  EXPECT_EQ(answers_.count, 1U);
  // The acknowledgement was read: the next answer is the next request's.
  EXPECT_TRUE(ask()) << caught_.text();
  EXPECT_EQ(answers_.count, 2U);
}

TEST_F(Netlink, TheKernelListsInterfaces) {
  g_autoptr(VferryNetlinkMessage) request = nlmsg_alloc_simple(RTM_GETLINK, NLM_F_DUMP);
  const ifinfomsg header = {};

  nlmsg_append(request, const_cast<ifinfomsg *>(&header), sizeof(header), NLMSG_ALIGNTO);
  EXPECT_TRUE(vferry_netlink_ask(netlink_, request, take, &answers_, caught_.out()))
      << caught_.text();
  EXPECT_GE(answers_.count, 1U);
}

TEST_F(Netlink, TheKernelKnowsNoSuchInterface) {
  EXPECT_FALSE(ask(RTM_GETLINK, 0x7ffffff0));
  caught_.expect(VFERRY_ERROR_NOT_FOUND, g_strerror(ENODEV));
}

TEST_F(Netlink, TheKernelHasAGenericFamily) {
  connect(NETLINK_GENERIC);
  EXPECT_EQ(vferry_netlink_family(netlink_, "nlctrl", caught_.out()), GENL_ID_CTRL);
  EXPECT_EQ(vferry_netlink_family(netlink_, "vferry-none", caught_.out()), -1);
  caught_.expect(VFERRY_ERROR_NOT_FOUND, "this kernel has no vferry-none");
}

// Sockets of this protocol may send to each other: one plays a kernel that is silent.
TEST_F(Netlink, SilenceHasAnEnd) {
  const timeval short_time = {0, 50000};
  VferryNetlink *peer = vferry_netlink_open(NETLINK_USERSOCK, caught_.out());

  ASSERT_NE(peer, nullptr) << caught_.text();
  connect(NETLINK_USERSOCK);
  nl_socket_set_peer_port(netlink_, nl_socket_get_local_port(peer));
  timeval limit = {};
  socklen_t length = sizeof(limit);
  getsockopt(nl_socket_get_fd(netlink_), SOL_SOCKET, SO_RCVTIMEO, &limit, &length);
  EXPECT_EQ(limit.tv_sec, VFERRY_NETLINK_TIMEOUT_SECONDS);
  setsockopt(nl_socket_get_fd(netlink_), SOL_SOCKET, SO_RCVTIMEO, &short_time, sizeof(short_time));
  EXPECT_FALSE(ask());
  caught_.expect(VFERRY_ERROR_FAILED, "the kernel does not answer within");
  nl_socket_free(peer);
}

TEST_F(Netlink, AnotherProcessIsNotTheKernel) {
  VferryNetlink *peer = vferry_netlink_open(NETLINK_USERSOCK, caught_.out());

  ASSERT_NE(peer, nullptr) << caught_.text();
  connect(NETLINK_USERSOCK);
  nl_socket_set_peer_port(netlink_, nl_socket_get_local_port(peer));
  nl_socket_set_peer_port(peer, nl_socket_get_local_port(netlink_));
  g_autoptr(VferryNetlinkMessage) answer = some_answer();
  ASSERT_GT(nl_send_auto(peer, answer), 0);
  EXPECT_FALSE(ask());
  caught_.expect(VFERRY_ERROR_INVALID, "not the kernel's");
  EXPECT_EQ(answers_.count, 0U);
  nl_socket_free(peer);
}

TEST_F(Netlink, NoMemoryForARequest) {
  EXPECT_FALSE(vferry_netlink_ask(netlink_, nullptr, take, &answers_, caught_.out()));
  caught_.expect(VFERRY_ERROR_FAILED, "sending a netlink request");
}

using OddKernel = Netlink;

TEST_F(OddKernel, SaysNothing) {
  FakeKernel kernel([](FakeKernel &, nlmsghdr *) {});

  EXPECT_FALSE(ask());
  caught_.expect(VFERRY_ERROR_FAILED, "does not answer");
}

TEST_F(OddKernel, ForgetsToAcknowledge) {
  FakeKernel kernel([](FakeKernel &k, nlmsghdr *) { k.say(some_answer()); });

  EXPECT_FALSE(ask());
  caught_.expect(VFERRY_ERROR_FAILED, "does not answer");
}

TEST_F(OddKernel, IsAnotherProcess) {
  FakeKernel kernel([](FakeKernel &k, nlmsghdr *) {
    k.say(some_answer());
    k.acknowledge();
  });

  kernel.sender = 4711;
  EXPECT_FALSE(ask());
  caught_.expect(VFERRY_ERROR_INVALID, "not the kernel's");
  EXPECT_EQ(answers_.count, 0U);
}

TEST_F(OddKernel, AnswersAnotherPort) {
  FakeKernel kernel([](FakeKernel &k, nlmsghdr *request) {
    request->nlmsg_pid++;
    k.say(some_answer());
  });

  EXPECT_FALSE(ask());
  caught_.expect(VFERRY_ERROR_INVALID, "not the kernel's");
  EXPECT_EQ(answers_.count, 0U);
}

TEST_F(OddKernel, AnswersAnotherRequest) {
  FakeKernel kernel([](FakeKernel &k, nlmsghdr *request) {
    request->nlmsg_seq--;
    k.say(some_answer());
  });

  EXPECT_FALSE(ask());
  caught_.expect(VFERRY_ERROR_INVALID, "talking to the kernel by netlink");
  EXPECT_EQ(answers_.count, 0U);
}

TEST_F(OddKernel, AnswersWhereNothingWasAsked) {
  FakeKernel kernel([](FakeKernel &k, nlmsghdr *) {
    k.say(some_answer());
    k.acknowledge();
  });

  EXPECT_FALSE(ask(RTM_SETLINK, 1, false));
  caught_.expect(VFERRY_ERROR_INVALID, "more than was asked");
}

TEST_F(OddKernel, SaysWhatTheReaderRefuses) {
  FakeKernel kernel([](FakeKernel &k, nlmsghdr *) {
    k.say(some_answer());
    k.say(some_answer());
    k.acknowledge();
  });

  answers_.refuse = true;
  EXPECT_FALSE(ask());
  caught_.expect(VFERRY_ERROR_REFUSED, "not like this");
  EXPECT_EQ(answers_.count, 1U);
}

TEST_F(OddKernel, CutsItsMessageShort) {
  FakeKernel kernel([](FakeKernel &k, nlmsghdr *request) {
    nlmsghdr header = *request;

    header.nlmsg_len = 1000;
    header.nlmsg_type = RTM_NEWLINK;
    k.say_bytes(&header, sizeof(header));
  });

  EXPECT_FALSE(ask());
  EXPECT_EQ(answers_.count, 0U);
}

TEST_F(OddKernel, SendsLessThanAHeader) {
  FakeKernel kernel([](FakeKernel &k, nlmsghdr *) { k.say_bytes("oops", 4); });

  EXPECT_FALSE(ask());
  EXPECT_EQ(answers_.count, 0U);
}

// Longer than any buffer that libnl starts with.
TEST_F(OddKernel, SaysALot) {
  FakeKernel kernel([](FakeKernel &k, nlmsghdr *) {
    nl_msg *message = nlmsg_alloc_size(128 * 1024);
    const std::vector<char> much(60000, 'x');

    nlmsg_put(message, 0, 0, RTM_NEWLINK, sizeof(ifinfomsg), 0);
    nla_put(message, 1, static_cast<int>(much.size()), much.data());
    k.say(message);
    k.acknowledge();
  });

  EXPECT_TRUE(ask()) << caught_.text();
  EXPECT_EQ(answers_.count, 1U);
}

struct Refusal {
  int number;
  VferryError code;
};

class Refused : public Netlink, public testing::WithParamInterface<Refusal> {};

TEST_P(Refused, WithTheKernelsWords) {
  FakeKernel kernel(
      [](FakeKernel &k, nlmsghdr *) { k.acknowledge(-GetParam().number, "igb: not today"); });
  const std::string expected = std::string(g_strerror(GetParam().number)) + " (igb: not today)";

  EXPECT_FALSE(ask());
  caught_.expect(GetParam().code, expected);
}

INSTANTIATE_TEST_SUITE_P(All, Refused,
                         testing::Values(Refusal{EOPNOTSUPP, VFERRY_ERROR_FAILED},
                                         Refusal{EPERM, VFERRY_ERROR_FAILED},
                                         Refusal{EBUSY, VFERRY_ERROR_BUSY},
                                         Refusal{EAGAIN, VFERRY_ERROR_BUSY},
                                         Refusal{ENODEV, VFERRY_ERROR_NOT_FOUND}));

TEST_F(OddKernel, RefusesWithWordsThatAreNoLine) {
  FakeKernel kernel([](FakeKernel &k, nlmsghdr *) { k.acknowledge(-EPERM, "two\nlines"); });

  EXPECT_FALSE(ask());
  caught_.expect(VFERRY_ERROR_FAILED, g_strerror(EPERM));
  EXPECT_EQ(caught_.text(), g_strerror(EPERM));
}

TEST_F(OddKernel, RefusesWithWordsThatDoNotEnd) {
  FakeKernel kernel([](FakeKernel &k, nlmsghdr *) {
    nl_msg *message = nlmsg_alloc_simple(NLMSG_ERROR, 0);
    nlmsgerr body = {};

    body.error = -EPERM;
    nlmsg_append(message, &body, sizeof(body), NLMSG_ALIGNTO);
    nla_put(message, NLMSGERR_ATTR_MSG, 3, "abc");
    k.say(message, NLM_F_CAPPED | NLM_F_ACK_TLVS);
  });

  EXPECT_FALSE(ask());
  EXPECT_EQ(caught_.text(), g_strerror(EPERM));
}

TEST_F(OddKernel, RefusesWithANumberThatIsNoError) {
  FakeKernel kernel([](FakeKernel &k, nlmsghdr *) { k.acknowledge(G_MININT); });

  EXPECT_FALSE(ask());
  caught_.expect(VFERRY_ERROR_FAILED, g_strerror(EPROTO));
}

TEST_F(OddKernel, EndsAListWithAnError) {
  FakeKernel kernel([](FakeKernel &k, nlmsghdr *) {
    k.say(some_answer(), NLM_F_MULTI);
    k.end_dump(-ENODEV);
  });

  EXPECT_FALSE(ask());
  caught_.expect(VFERRY_ERROR_NOT_FOUND, g_strerror(ENODEV));
}

TEST_F(OddKernel, ListsWhatChanges) {
  FakeKernel kernel([](FakeKernel &k, nlmsghdr *) {
    k.say(some_answer(), NLM_F_MULTI | NLM_F_DUMP_INTR);
    k.end_dump();
  });

  EXPECT_FALSE(ask());
  caught_.expect(VFERRY_ERROR_BUSY, "try again");
}

struct Attributes {
  std::vector<char> bytes;

  nlattr *add(int type, size_t length) {
    const size_t at = bytes.size();
    nlattr head = {static_cast<uint16_t>(NLA_HDRLEN + length), static_cast<uint16_t>(type)};

    bytes.resize(at + static_cast<size_t>(nla_total_size(static_cast<int>(length))));
    memcpy(bytes.data() + at, &head, sizeof(head));
    return reinterpret_cast<nlattr *>(bytes.data() + at);
  }
  bool parse(nlattr **found) {
    static const nla_policy policy[3] = {{}, {NLA_U32, 0, 0}, {}};

    return vferry_netlink_parse(found, 2, reinterpret_cast<nlattr *>(bytes.data()),
                                static_cast<int>(bytes.size()), policy);
  }
};

TEST(Parse, Attributes) {
  Attributes attributes;
  nlattr *found[3];

  attributes.add(1, 4);
  attributes.add(77, 3);
  EXPECT_TRUE(attributes.parse(found));
  EXPECT_NE(found[1], nullptr);
  EXPECT_EQ(found[2], nullptr);
  attributes.bytes.clear();
  EXPECT_TRUE(attributes.parse(found));
  EXPECT_EQ(found[1], nullptr);
}

TEST(Parse, WhatDoesNotFit) {
  nlattr *found[3];
  Attributes longer;
  longer.add(2, 4)->nla_len += 4;
  EXPECT_FALSE(longer.parse(found));
  Attributes shorter;
  shorter.add(2, 4)->nla_len = 3;
  EXPECT_FALSE(shorter.parse(found));
  Attributes rest;
  rest.add(2, 4);
  rest.bytes.resize(rest.bytes.size() + 3);
  EXPECT_FALSE(rest.parse(found));
  Attributes policy;
  policy.add(1, 3);
  EXPECT_FALSE(policy.parse(found));
}

}  // namespace
