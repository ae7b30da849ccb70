// SPDX-License-Identifier: LGPL-2.1-or-later
// The frame that announces a guest, byte by byte, and as it leaves an interface.
// The pair of interfaces is in a network namespace of this process; needs root.
#include "caught.h"

extern "C" {
#include "announce.h"
}

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace {

using Frame = std::vector<guint8>;

constexpr guint8 mac[] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

Frame untagged() {
  Frame frame = {
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff,                          // to all
      0x52, 0x54, 0x00, 0x12, 0x34, 0x56,                          // from the guest
      0x80, 0x35,                                                  // RARP
      0x00, 0x01, 0x08, 0x00, 0x06, 0x04,                          // Ethernet, IPv4, their lengths
      0x00, 0x03,                                                  // request
      0x52, 0x54, 0x00, 0x12, 0x34, 0x56,                          // sender
      0x00, 0x00, 0x00, 0x00, 0x52, 0x54, 0x00, 0x12, 0x34, 0x56,  // target
      0x00, 0x00, 0x00, 0x00,
  };

  frame.resize(60);
  return frame;
}

Frame tagged(guint16 vlan) {
  Frame frame = untagged();
  const guint8 tag[] = {0x81, 0x00, static_cast<guint8>(vlan >> 8), static_cast<guint8>(vlan)};

  frame.insert(frame.begin() + 12, tag, tag + sizeof(tag));
  return frame;
}

Frame build(guint16 vlan) {
  // What the frame leaves as it was must be seen.
  Frame frame(VFERRY_ANNOUNCE_FRAME_SIZE, 0xee);

  frame.resize(vferry_announce_frame(mac, vlan, frame.data()));
  return frame;
}

TEST(Frame, WithoutATag) { EXPECT_EQ(build(0), untagged()); }

TEST(Frame, WithATag) {
  EXPECT_EQ(build(1), tagged(1));
  EXPECT_EQ(build(4094), tagged(4094));
}

bool run(const char *command) {
  g_autoptr(GError) error = nullptr;
  int status = -1;

  return g_spawn_command_line_sync(command, nullptr, nullptr, &status, &error) && status == 0;
}

class Wire : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    // A namespace belongs to the thread, and this process has one.
    have_namespace = unshare(CLONE_NEWNET) == 0;
  }

  void SetUp() override {
    if (!have_namespace)
      GTEST_SKIP() << "no network namespace without root";
    ASSERT_TRUE(run("ip link add pf0 type veth peer name wire0"));
    // Where the kernel has IPv6, it is not to send by itself.
    run("ip link set pf0 addrgenmode none");
    run("ip link set wire0 addrgenmode none");
    ASSERT_TRUE(run("ip link set wire0 up"));
    ASSERT_TRUE(run("ip link set pf0 up"));
    listen();
  }

  void TearDown() override {
    if (fd >= 0)
      close(fd);
    if (have_namespace)
      run("ip link del pf0");
  }

  void listen() {
    const timeval limit = {5, 0};
    const int on = 1;
    sockaddr_ll at = {};

    fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
    ASSERT_GE(fd, 0) << g_strerror(errno);
    at.sll_family = AF_PACKET;
    at.sll_protocol = htons(ETH_P_ALL);
    at.sll_ifindex = static_cast<int>(if_nametoindex("wire0"));
    ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr *>(&at), sizeof(at)), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on));
  }

  // The kernel takes a tag out of the frame; it is put back here.
  Frame receive() {
    Frame frame(2048);
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(tpacket_auxdata))] = {};
    iovec data = {frame.data(), frame.size()};
    msghdr message = {};

    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    ssize_t length = recvmsg(fd, &message, 0);
    if (length < 0)
      return {};
    frame.resize(static_cast<size_t>(length));
    for (cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
      tpacket_auxdata extra;
      memcpy(&extra, CMSG_DATA(c), sizeof(extra));
      if (!(extra.tp_status & TP_STATUS_VLAN_VALID))
        continue;
      const guint16 tag[] = {htons(extra.tp_vlan_tpid), htons(extra.tp_vlan_tci)};
      auto *bytes = reinterpret_cast<const guint8 *>(tag);
      frame.insert(frame.begin() + 12, bytes, bytes + sizeof(tag));
    }
    return frame;
  }

  bool nothing_more() {
    char byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
  }

  static bool have_namespace;
  int fd = -1;
  Caught caught;
};

bool Wire::have_namespace;

TEST_F(Wire, OneFrame) {
  EXPECT_TRUE(vferry_announce("pf0", mac, 0, 1, 1000, caught.out())) << caught.text();
  EXPECT_EQ(receive(), untagged());
  EXPECT_TRUE(nothing_more());
}

TEST_F(Wire, ThreeFramesWithATag) {
  const gint64 start = g_get_monotonic_time();

  EXPECT_TRUE(vferry_announce("pf0", mac, 100, 3, 20, caught.out())) << caught.text();
  EXPECT_GE(g_get_monotonic_time() - start, 2 * 20 * 1000);
  for (int i = 0; i < 3; i++)
    EXPECT_EQ(receive(), tagged(100));
  EXPECT_TRUE(nothing_more());
}

TEST_F(Wire, AnInterfaceThatIsDown) {
  ASSERT_TRUE(run("ip link set pf0 down"));
  EXPECT_FALSE(vferry_announce("pf0", mac, 0, 1, 0, caught.out()));
  caught.expect(VFERRY_ERROR_FAILED, "announcing a guest from pf0: Network is down");
}

TEST_F(Wire, WhatCannotBeIsNotSent) {
  const guint8 group[] = {0x01, 0, 0x5e, 0, 0, 1}, none[6] = {};

  EXPECT_FALSE(vferry_announce("pf0", group, 0, 1, 0, caught.out()));
  caught.expect(VFERRY_ERROR_INVALID, "01:00:5e:00:00:01 is no MAC of one interface");
  EXPECT_FALSE(vferry_announce("pf0", none, 0, 1, 0, caught.out()));
  caught.expect(VFERRY_ERROR_INVALID, "00:00:00:00:00:00 is no MAC");
  EXPECT_FALSE(vferry_announce("pf0", mac, 4095, 1, 0, caught.out()));
  caught.expect(VFERRY_ERROR_INVALID, "VLAN 4095 is above 4094");
  EXPECT_FALSE(vferry_announce("pf0", mac, 0, 0, 0, caught.out()));
  caught.expect(VFERRY_ERROR_USAGE, "0 announcements");
  EXPECT_FALSE(vferry_announce("pf0", mac, 0, VFERRY_ANNOUNCE_COUNT_MAX + 1, 0, caught.out()));
  caught.expect(VFERRY_ERROR_USAGE, "11 announcements");
  EXPECT_FALSE(vferry_announce("pf0", mac, 0, 1, VFERRY_ANNOUNCE_INTERVAL_MAX + 1, caught.out()));
  caught.expect(VFERRY_ERROR_USAGE, "1001 ms");
  EXPECT_FALSE(vferry_announce("pf1", mac, 0, 1, 0, caught.out()));
  caught.expect(VFERRY_ERROR_NOT_FOUND, "no network interface pf1");
  EXPECT_FALSE(vferry_announce("pf0/", mac, 0, 1, 0, caught.out()));
  caught.expect(VFERRY_ERROR_INVALID, "pf0/");
  EXPECT_TRUE(nothing_more());
}

}  // namespace
