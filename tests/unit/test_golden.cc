// SPDX-License-Identifier: LGPL-2.1-or-later
// The layout on the wire does not change by accident: streams that an earlier
// build wrote are in data/, and sizes and offsets are stated once more here.
#include "stream_test.h"

#include <cstddef>
#include <fstream>
#include <iterator>

namespace {

Bytes golden(const std::string &name) {
  std::ifstream file(std::string(TEST_DATA) + "/" + name, std::ios::binary);
  EXPECT_TRUE(file) << TEST_DATA << "/" << name;
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

} // namespace

TEST(Golden, WriterStillWritesTheSameBytes) {
  EXPECT_EQ(stream_of(sample_of(0x10ca)), golden("10ca.bin"));
  EXPECT_EQ(stream_of(sample_of(0x1520)), golden("1520.bin"));
}

TEST(Golden, ReaderStillReadsTheSameState) {
  for (const u16 device : {u16{0x10ca}, u16{0x1520}}) {
    const char *name = device == 0x10ca ? "10ca.bin" : "1520.bin";
    const Outcome outcome = read_whole(golden(name), device);
    ASSERT_EQ(outcome.ret, 0) << outcome.why;
    ASSERT_TRUE(outcome.complete);
    expect_equal(outcome.state, sample_of(device));
  }
}

TEST(Golden, StartsWithTheMagic) {
  const Bytes stream = golden("10ca.bin");
  ASSERT_GE(stream.size(), 24U);
  EXPECT_EQ(std::string(stream.begin() + 16, stream.begin() + 24), "igbvfmig");
}

// No compiler may have put padding anywhere.
static_assert(sizeof(igbvf_section_header) == 16);
static_assert(offsetof(igbvf_section_header, length) == 8);
static_assert(offsetof(igbvf_section_header, crc) == 12);
static_assert(sizeof(igbvf_section_ident) == 24);
static_assert(offsetof(igbvf_section_ident, queues) == 20);
static_assert(sizeof(igbvf_section_mailbox) == 20 + 2 * 30 + 6 * 32 + 4 * 16 + 4 * 128);
static_assert(offsetof(igbvf_section_mailbox, multicast) == 20);
static_assert(offsetof(igbvf_section_mailbox, unicast) == 80);
static_assert(offsetof(igbvf_section_mailbox, memory) == 272);
static_assert(offsetof(igbvf_section_mailbox, vlans) == 336);
static_assert(sizeof(igbvf_section_rx_queue) == 32);
static_assert(sizeof(igbvf_section_tx_queue) == 40);
static_assert(sizeof(igbvf_section_interrupts) == 40);
static_assert(sizeof(igbvf_section_statistics) == 40);
static_assert(sizeof(igbvf_section_end) == 8);
