// SPDX-License-Identifier: LGPL-2.1-or-later
// Which values may reach a register: igbvf_state_check(), igbvf_state_mask(),
// and that the reader asks them.
#include "stream_test.h"

#include <cerrno>
#include <cstring>
#include <functional>

struct Rule {
  const char *name;
  const char *why;
  std::function<void(igbvf_state &)> breaks;
};

// One line a rule; each starts from sample_state(), which is good.
static const Rule kRules[] = {
    {"MailboxFlags", "unknown mailbox flags", [](auto &s) { s.mailbox.flags |= 0x100; }},
    {"MailboxFlagsTop", "unknown mailbox flags", [](auto &s) { s.mailbox.flags |= 1U << 31; }},
    {"Latched", "unknown mailbox bits", [](auto &s) { s.mailbox.latched |= IGBVF_MBX_BIT_REQ; }},
    {"LatchedRsti", "unknown mailbox bits", [](auto &s) { s.mailbox.latched |= IGBVF_MBX_BIT_RSTI; }},
    {"MacWithoutFlag", "MAC address and its flag disagree",
     [](auto &s) { s.mailbox.flags &= ~IGBVF_MBX_MAC_VALID; }},
    {"MacZero", "MAC address and its flag disagree", [](auto &s) { memset(s.mailbox.mac, 0, 6); }},
    {"MacGroup", "MAC address and its flag disagree", [](auto &s) { s.mailbox.mac[0] |= 1; }},
    {"UnicastCount", "impossible number of unicast filters",
     [](auto &s) { s.mailbox.unicast_count = IGBVF_MAX_UNICAST + 1; }},
    {"UnicastCountMax", "impossible number of unicast filters",
     [](auto &s) { s.mailbox.unicast_count = 255; }},
    {"UnicastWithoutMac", "impossible number of unicast filters",
     [](auto &s) {
       s.mailbox.flags &= ~IGBVF_MBX_MAC_VALID;
       memset(s.mailbox.mac, 0, 6);
     }},
    {"UnicastZero", "invalid unicast filter", [](auto &s) { memset(s.mailbox.unicast[1], 0, 6); }},
    {"UnicastGroup", "invalid unicast filter", [](auto &s) { s.mailbox.unicast[0][0] |= 1; }},
    {"UnicastLast", "invalid unicast filter",
     [](auto &s) { s.mailbox.unicast_count = IGBVF_MAX_UNICAST; }},
    {"MulticastCount", "impossible number of multicast hashes",
     [](auto &s) { s.mailbox.multicast_count = IGBVF_MAX_MULTICAST + 1; }},
    {"MulticastCountMax", "impossible number of multicast hashes",
     [](auto &s) { s.mailbox.multicast_count = 255; }},
    {"MulticastWithoutFlag", "impossible number of multicast hashes",
     [](auto &s) { s.mailbox.flags &= ~IGBVF_MBX_MULTICAST; }},
    {"MulticastHash", "invalid multicast hash", [](auto &s) { s.mailbox.multicast[2] = 0x1000; }},
    {"MulticastOverflow", "multicast overflow without a full list",
     [](auto &s) { s.mailbox.flags |= IGBVF_MBX_MULTICAST_OVERFLOW; }},
    {"FrameZero", "impossible frame size", [](auto &s) { s.mailbox.max_frame = 0; }},
    {"FrameWithoutFlag", "impossible frame size",
     [](auto &s) { s.mailbox.flags &= ~IGBVF_MBX_LPE; }},
    {"FrameTooLong", "impossible frame size",
     [](auto &s) { s.mailbox.max_frame = IGBVF_MAX_FRAME + 1; }},
    {"VlanZero", "VLAN 0 in the filter table", [](auto &s) { s.mailbox.vlans[0] |= 1; }},
    {"PendingTypeZero", "unknown message pending", [](auto &s) { s.mailbox.memory[0] = 0; }},
    {"PendingTypeHigh", "unknown message pending", [](auto &s) { s.mailbox.memory[0] = 7; }},
    {"PendingPing", "unknown message pending",
     [](auto &s) { s.mailbox.memory[0] = IGBVF_MSG_PF_CONTROL; }},
    {"PendingAnswer", "unknown message pending",
     [](auto &s) { s.mailbox.memory[0] |= IGBVF_MSG_ACK; }},
    {"PendingCts", "unknown message pending",
     [](auto &s) { s.mailbox.memory[0] |= IGBVF_MSG_CTS; }},

    {"Rxdctl", "unknown bits in RXDCTL", [](auto &s) { s.rx[0].rxdctl |= 1U << 26; }},
    {"Srrctl", "unknown bits in SRRCTL", [](auto &s) { s.rx[0].srrctl |= 0x80; }},
    {"SrrctlType6", "reserved descriptor type in SRRCTL",
     [](auto &s) { s.rx[0].srrctl = (s.rx[0].srrctl & ~IGBVF_SRRCTL_DESCTYPE) | 6U << 25; }},
    {"SrrctlType7", "reserved descriptor type in SRRCTL",
     [](auto &s) { s.rx[0].srrctl |= IGBVF_SRRCTL_DESCTYPE; }},
    {"DcaRxctrl", "unknown bits in DCA_RXCTRL", [](auto &s) { s.rx[0].dca_rxctrl |= 0x20; }},
    {"RxBase", "impossible receive ring", [](auto &s) { s.rx[0].base |= 0x40; }},
    {"RxLengthOdd", "impossible receive ring", [](auto &s) { s.rx[0].length |= 0x10; }},
    {"RxLengthZero", "impossible receive ring", [](auto &s) { s.rx[0].length = 0; }},
    {"RxLengthHuge", "impossible receive ring",
     [](auto &s) { s.rx[0].length = IGBVF_RING_MAX_LENGTH + IGBVF_RING_ALIGN; }},
    {"RxHead", "impossible receive ring", [](auto &s) { s.rx[0].head = s.rx[0].length / 16; }},
    {"RxTail", "impossible receive ring", [](auto &s) { s.rx[0].tail = s.rx[0].length / 16; }},
    {"RxOffHead", "impossible receive ring",
     [](auto &s) { s.rx[0].rxdctl = 0, s.rx[0].head = 0x10000; }},
    {"RxOffTail", "impossible receive ring",
     [](auto &s) { s.rx[0].rxdctl = 0, s.rx[0].tail = 0x10000; }},
    {"RxOffLength", "impossible receive ring",
     [](auto &s) { s.rx[0].rxdctl = 0, s.rx[0].length = 0x100000; }},
    {"RxSecondQueue", "impossible receive ring", [](auto &s) { s.rx[1].tail = 0xffff; }},

    {"Txdctl", "unknown bits in TXDCTL", [](auto &s) { s.tx[0].txdctl |= 1U << 26; }},
    {"DcaTxctrl", "unknown bits in DCA_TXCTRL", [](auto &s) { s.tx[0].dca_txctrl |= 0x20; }},
    {"TxBase", "impossible transmit ring", [](auto &s) { s.tx[0].base |= 1; }},
    {"TxLengthOdd", "impossible transmit ring", [](auto &s) { s.tx[0].length |= 0x40; }},
    {"TxLengthZero", "impossible transmit ring", [](auto &s) { s.tx[0].length = 0; }},
    {"TxLengthHuge", "impossible transmit ring",
     [](auto &s) { s.tx[0].length = IGBVF_RING_MAX_LENGTH + IGBVF_RING_ALIGN; }},
    {"TxHead", "impossible transmit ring", [](auto &s) { s.tx[0].head = s.tx[0].length / 16; }},
    {"TxTail", "impossible transmit ring", [](auto &s) { s.tx[0].tail = s.tx[0].length / 16; }},
    {"TxOffHead", "impossible transmit ring",
     [](auto &s) { s.tx[0].txdctl = 0, s.tx[0].head = 0x10000; }},
    {"TxOffTail", "impossible transmit ring",
     [](auto &s) { s.tx[0].txdctl = 0, s.tx[0].tail = 0x10000; }},
    {"TxSecondQueue", "impossible transmit ring", [](auto &s) { s.tx[1].head = 0xffff; }},

    {"Eims", "unknown interrupt vector", [](auto &s) { s.interrupts.eims |= 8; }},
    {"Eiac", "unknown interrupt vector", [](auto &s) { s.interrupts.eiac |= 8; }},
    {"Eiam", "unknown interrupt vector", [](auto &s) { s.interrupts.eiam |= 1U << 31; }},
    {"Ivar0", "unknown bits in IVAR", [](auto &s) { s.interrupts.ivar0 |= 4; }},
    {"IvarMisc", "unknown bits in IVAR", [](auto &s) { s.interrupts.ivar_misc |= 0x8000; }},
    {"Psrtype", "unknown bits in PSRTYPE", [](auto &s) { s.interrupts.psrtype |= 1; }},
    {"Eitr", "unknown bits in EITR", [](auto &s) { s.interrupts.eitr[0] |= 1; }},
    {"EitrLast", "unknown bits in EITR", [](auto &s) { s.interrupts.eitr[2] |= 1U << 31; }},
};

class Refused : public testing::TestWithParam<Rule> {};

INSTANTIATE_TEST_SUITE_P(Rules, Refused, testing::ValuesIn(kRules),
                         [](const auto &info) { return info.param.name; });

TEST_P(Refused, ByTheCheckAndByTheReader) {
  igbvf_state state = sample_of();
  const char *why = nullptr;
  ASSERT_EQ(igbvf_state_check(&state, &why), 0) << why;
  GetParam().breaks(state);
  ASSERT_EQ(igbvf_state_check(&state, &why), -EINVAL);
  EXPECT_NE(std::string(why).find(GetParam().why), std::string::npos) << why;
  expect_refused(stream_of(state), EINVAL, GetParam().why);
  EXPECT_FALSE(read_whole(stream_of(state)).complete);
}

// The edges that are still good.

struct Edge {
  const char *name;
  std::function<void(igbvf_state &)> moves;
};

static const Edge kEdges[] = {
    {"MacUnknown",
     [](auto &s) {
       s.mailbox.flags &= ~IGBVF_MBX_MAC_VALID;
       memset(s.mailbox.mac, 0, 6);
       s.mailbox.unicast_count = 0;
     }},
    {"MulticastEmptyList", [](auto &s) { s.mailbox.multicast_count = 0; }},
    {"MulticastFullWithOverflow",
     [](auto &s) {
       s.mailbox.multicast_count = IGBVF_MAX_MULTICAST;
       s.mailbox.flags |= IGBVF_MBX_MULTICAST_OVERFLOW;
     }},
    {"FrameLargest", [](auto &s) { s.mailbox.max_frame = IGBVF_MAX_FRAME; }},
    {"FrameNone", [](auto &s) { s.mailbox.flags &= ~IGBVF_MBX_LPE, s.mailbox.max_frame = 0; }},
    {"NothingPending", [](auto &s) { s.mailbox.flags &= ~IGBVF_MBX_PENDING, s.mailbox.memory[0] = ~0U; }},
    {"RingLargest",
     [](auto &s) {
       s.rx[0].length = IGBVF_RING_MAX_LENGTH;
       s.rx[0].head = s.rx[0].tail = IGBVF_RING_MAX_DESCRIPTORS - 1;
     }},
    {"RingSmallest",
     [](auto &s) { s.tx[0].length = IGBVF_RING_ALIGN, s.tx[0].head = 7, s.tx[0].tail = 0; }},
    {"RingOffAndEmpty", [](auto &s) { s.rx[0] = {}, s.tx[0] = {}; }},
    {"RingOffWithAnything",
     [](auto &s) {
       s.rx[0].rxdctl = 0, s.rx[0].length = 0, s.rx[0].head = s.rx[0].tail = 0xffff;
       s.tx[1].txdctl = 0, s.tx[1].length = 0x80, s.tx[1].head = s.tx[1].tail = 0xffff;
     }},
    {"RingOffLongerThanItMayBeOn", [](auto &s) { s.rx[0].rxdctl = 0, s.rx[0].length = 0xfff80; }},
    {"RingOffReservedDescriptorType",
     [](auto &s) { s.rx[0].rxdctl = 0, s.rx[0].srrctl = IGBVF_SRRCTL_DESCTYPE; }},
    {"EverythingZero", [](auto &s) { const igbvf_ident i = s.ident; s = {}; s.ident = i; }},
};

class Accepted : public testing::TestWithParam<Edge> {};

INSTANTIATE_TEST_SUITE_P(Edges, Accepted, testing::ValuesIn(kEdges),
                         [](const auto &info) { return info.param.name; });

TEST_P(Accepted, ByTheCheckAndByTheReader) {
  igbvf_state state = sample_of();
  GetParam().moves(state);
  const char *why = "";
  EXPECT_EQ(igbvf_state_check(&state, &why), 0) << why;
  const Outcome outcome = read_whole(stream_of(state));
  EXPECT_TRUE(outcome.complete) << outcome.why;
  expect_equal(outcome.state, state);
}

// The second queue of a device that has one is nobody's business.
TEST(Check, LooksOnlyAtTheQueuesThatExist) {
  igbvf_state state = sample_of(0x1520);
  memset(&state.rx[1], 0xff, sizeof(state.rx[1]));
  memset(&state.tx[1], 0xff, sizeof(state.tx[1]));
  const char *why = "";
  EXPECT_EQ(igbvf_state_check(&state, &why), 0) << why;
}

class Mask : public testing::TestWithParam<Device> {};

INSTANTIATE_TEST_SUITE_P(Devices, Mask, testing::ValuesIn(kDevices),
                         [](const auto &info) { return info.param.name; });

// Whatever the guest left in the registers of queues that are off, it can move.
TEST_P(Mask, AnyRegisterContentPassesWhereQueuesAreOff) {
  std::mt19937_64 rng(GetParam().id);
  for (int round = 0; round < 5000; round++) {
    igbvf_state state = random_registers(rng, GetParam().id);
    state.mailbox = sample_of().mailbox;
    for (u32 q = 0; q < state.ident.queues; q++) {
      state.rx[q].rxdctl &= ~IGBVF_QUEUE_ENABLE;
      state.tx[q].txdctl &= ~IGBVF_QUEUE_ENABLE;
    }
    igbvf_state_mask(&state);
    const char *why = "";
    ASSERT_EQ(igbvf_state_check(&state, &why), 0) << why << ", round " << round;
  }
}

TEST_P(Mask, KeepsEveryBitOfAGoodState) {
  std::mt19937_64 rng(GetParam().id);
  for (int round = 0; round < 2000; round++) {
    const igbvf_state state = random_state(rng, GetParam().id);
    igbvf_state masked = state;
    igbvf_state_mask(&masked);
    expect_equal(masked, state);
    ASSERT_FALSE(HasFailure());
  }
}

TEST_P(Mask, TouchesNeitherMailboxNorStatistics) {
  std::mt19937_64 rng(GetParam().id);
  const igbvf_state state = random_registers(rng, GetParam().id);
  igbvf_state masked = state;
  igbvf_state_mask(&masked);
  EXPECT_EQ(memcmp(&masked.mailbox, &state.mailbox, sizeof(state.mailbox)), 0);
  EXPECT_EQ(memcmp(masked.statistics, state.statistics, sizeof(state.statistics)), 0);
}
