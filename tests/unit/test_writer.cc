// SPDX-License-Identifier: LGPL-2.1-or-later
// The writer: sizes, the identity's prefix, and that the reader gets back
// what was written.
#include "stream_test.h"

#include <cerrno>
#include <cstring>

class Writer : public testing::TestWithParam<Device> {};

INSTANTIATE_TEST_SUITE_P(Devices, Writer, testing::ValuesIn(kDevices),
                         [](const auto &info) { return info.param.name; });

TEST_P(Writer, IdentityFollowsFromThePciId) {
  const igbvf_ident ident = ident_of(GetParam().id);
  EXPECT_EQ(ident.vendor, 0x8086);
  EXPECT_EQ(ident.device, GetParam().id);
  EXPECT_EQ(ident.queues, GetParam().queues);
  EXPECT_EQ(ident.features, u32{IGBVF_FEATURE_MAILBOX});
}

TEST(Ident, OtherDevicesAreUnknownAndLeaveTheResultAlone) {
  igbvf_ident ident = {1, 2, 3, 4};
  for (u32 device = 0; device <= 0xffff; device++) {
    bool known = false;
    for (const Device &d : kDevices)
      known |= d.id == device;
    if (!known) {
      ASSERT_EQ(igbvf_ident_of(0x8086, static_cast<u16>(device), &ident), -ENODEV) << device;
    }
  }
  EXPECT_EQ(igbvf_ident_of(0x15b3, 0x10ca, &ident), -ENODEV);
  EXPECT_EQ(ident.vendor, 1);
  EXPECT_EQ(ident.device, 2);
  EXPECT_EQ(ident.queues, 3);
  EXPECT_EQ(ident.features, 4U);
}

TEST_P(Writer, SizeIsExactAndWithinTheBound) {
  const igbvf_state state = sample_of(GetParam().id);
  const size_t size = igbvf_stream_size(&state.ident);
  EXPECT_EQ(stream_of(state).size(), size);
  EXPECT_LE(size, size_t{IGBVF_STATE_MAX_SIZE});
}

TEST_P(Writer, RefusesEverySmallerBufferAndWritesNothingBeyondIt) {
  const igbvf_state state = sample_of(GetParam().id);
  const size_t size = igbvf_stream_size(&state.ident);
  for (size_t room = 0; room < size; room++) {
    Bytes buf(size + 1, 0xa5);
    ASSERT_EQ(igbvf_stream_write(&state, buf.data(), room), -ENOSPC) << room;
    for (size_t i = room; i < buf.size(); i++)
      ASSERT_EQ(buf[i], 0xa5) << "byte " << i << " behind a buffer of " << room;
  }
  Bytes buf(size);
  EXPECT_EQ(igbvf_stream_write(&state, buf.data(), size), static_cast<int>(size));
}

TEST_P(Writer, IdentityIsThePrefixOfTheStream) {
  const igbvf_state state = sample_of(GetParam().id);
  const Bytes stream = stream_of(state);
  Bytes prefix(IGBVF_STATE_MAX_SIZE);
  const int used = igbvf_stream_write_ident(&state.ident, prefix.data(), prefix.size());
  ASSERT_EQ(used, static_cast<int>(sizeof(igbvf_section_header) + sizeof(igbvf_section_ident)));
  EXPECT_EQ(memcmp(prefix.data(), stream.data(), used), 0);
  for (int room = 0; room < used; room++)
    EXPECT_EQ(igbvf_stream_write_ident(&state.ident, prefix.data(), room), -ENOSPC);
}

TEST_P(Writer, ReaderGetsBackWhatWasWritten) {
  std::mt19937_64 rng(GetParam().id);
  for (int round = 0; round < 2000; round++) {
    SCOPED_TRACE(round);
    const igbvf_state state = random_state(rng, GetParam().id);
    const char *why = "";
    ASSERT_EQ(igbvf_state_check(&state, &why), 0) << why;
    const Bytes stream = stream_of(state);
    const Outcome outcome = read_whole(stream, GetParam().id);
    ASSERT_EQ(outcome.ret, 0) << outcome.why;
    ASSERT_TRUE(outcome.complete);
    EXPECT_EQ(outcome.offset, stream.size());
    expect_equal(outcome.state, state);
    ASSERT_FALSE(HasFailure());
    EXPECT_EQ(stream_of(outcome.state), stream);
  }
}

// Every CRC is that of an implementation which shares no code with the writer.
TEST_P(Writer, ChecksumsAreRight) {
  const Bytes stream = stream_of(sample_of(GetParam().id));
  Bytes sealed = stream;
  reseal(sealed.data(), sealed.size(), 1);
  EXPECT_EQ(sealed, stream);
}
