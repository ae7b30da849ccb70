// SPDX-License-Identifier: LGPL-2.1-or-later
// How the bytes arrive: in pieces, cut short, altered on the way, too many.
#include "stream_test.h"

#include <cerrno>

class Arrival : public testing::TestWithParam<Device> {
 protected:
  u16 device = GetParam().id;
  Bytes stream = stream_of(sample_of(device));
};

INSTANTIATE_TEST_SUITE_P(Devices, Arrival, testing::ValuesIn(kDevices),
                         [](const auto &info) { return info.param.name; });

TEST_P(Arrival, EveryTruncationWaitsForMore) {
  for (size_t length = 0; length < stream.size(); length++) {
    const Outcome outcome = read_whole(Bytes(stream.begin(), stream.begin() + length), device);
    ASSERT_EQ(outcome.ret, 0) << length << ": " << outcome.why;
    ASSERT_FALSE(outcome.complete) << length;
    ASSERT_LE(outcome.offset, length);
  }
}

TEST_P(Arrival, ByteByByteEqualsWhole) {
  const igbvf_ident want = ident_of(device);
  igbvf_stream_reader reader;
  igbvf_stream_reader_init(&reader, &want);
  for (size_t length = 0; length <= stream.size(); length++) {
    // A copy of exactly this length: a read beyond it is found by ASan.
    const Bytes sofar(stream.begin(), stream.begin() + length);
    ASSERT_EQ(igbvf_stream_read(&reader, sofar.data(), sofar.size()), 0) << reader.why;
    ASSERT_EQ(reader.complete, length == stream.size());
  }
  const Outcome whole = read_whole(stream, device);
  EXPECT_EQ(reader.offset, whole.offset);
  EXPECT_EQ(reader.sections, 7U);
  expect_equal(reader.state, whole.state);
}

TEST_P(Arrival, RandomPiecesEqualWhole) {
  std::mt19937_64 rng(device);
  const igbvf_ident want = ident_of(device);
  for (int round = 0; round < 500; round++) {
    igbvf_stream_reader reader;
    igbvf_stream_reader_init(&reader, &want);
    for (size_t length = 0; length < stream.size();) {
      length = std::min(stream.size(), length + 1 + rng() % 400);
      const Bytes sofar(stream.begin(), stream.begin() + length);
      ASSERT_EQ(igbvf_stream_read(&reader, sofar.data(), sofar.size()), 0) << reader.why;
    }
    ASSERT_TRUE(reader.complete);
    expect_equal(reader.state, sample_of(device));
  }
}

TEST_P(Arrival, TheSameLengthAgainChangesNothing) {
  const igbvf_ident want = ident_of(device);
  igbvf_stream_reader reader;
  igbvf_stream_reader_init(&reader, &want);
  for (int round = 0; round < 3; round++) {
    EXPECT_EQ(igbvf_stream_read(&reader, stream.data(), stream.size()), 0);
    EXPECT_TRUE(reader.complete);
    EXPECT_EQ(reader.sections, 7U);
  }
}

TEST_P(Arrival, EverySingleBitFlipIsRefused) {
  for (size_t bit = 0; bit < 8 * stream.size(); bit++) {
    Bytes flipped = stream;
    flipped[bit / 8] ^= static_cast<u8>(1U << bit % 8);
    const Outcome outcome = read_whole(flipped, device);
    ASSERT_LT(outcome.ret, 0) << "bit " << bit % 8 << " of byte " << bit / 8;
    ASSERT_FALSE(outcome.complete);
    ASSERT_NE(outcome.why, "");
  }
}

TEST_P(Arrival, EverySingleBitFlipAroundAnOptionalSectionIsRefused) {
  std::vector<Section> sections = split(stream);
  sections.insert(sections.end() - 1,
                  {100, 3, IGBVF_SECTION_OPTIONAL, Bytes(12, 0x55)});
  const Bytes longer = join(sections);
  ASSERT_TRUE(read_whole(longer, device).complete);
  for (size_t bit = 0; bit < 8 * longer.size(); bit++) {
    Bytes flipped = longer;
    flipped[bit / 8] ^= static_cast<u8>(1U << bit % 8);
    // A length made larger may wait for bytes that never come: not complete.
    ASSERT_FALSE(read_whole(flipped, device).complete)
        << "bit " << bit % 8 << " of byte " << bit / 8;
  }
}

TEST_P(Arrival, AnErrorStays) {
  const igbvf_ident want = ident_of(device);
  Bytes broken = stream;
  broken[200] ^= 1;
  igbvf_stream_reader reader;
  igbvf_stream_reader_init(&reader, &want);
  for (int round = 0; round < 3; round++) {
    EXPECT_EQ(igbvf_stream_read(&reader, broken.data(), broken.size()), -EBADMSG);
    EXPECT_FALSE(reader.complete);
  }
}

TEST_P(Arrival, DataAfterTheEndWithTheLastByteIsRefused) {
  for (const size_t more : {1, 15, 16, 40}) {
    Bytes longer = stream;
    longer.resize(stream.size() + more, 0);
    expect_refused(longer, EINVAL, "data after the end", device);
  }
}

TEST_P(Arrival, DataAfterTheEndThatComesLaterIsRefused) {
  const igbvf_ident want = ident_of(device);
  igbvf_stream_reader reader;
  igbvf_stream_reader_init(&reader, &want);
  Bytes longer = stream;
  longer.push_back(0);
  ASSERT_EQ(igbvf_stream_read(&reader, longer.data(), stream.size()), 0);
  ASSERT_TRUE(reader.complete);
  EXPECT_EQ(igbvf_stream_read(&reader, longer.data(), longer.size()), -EINVAL);
  EXPECT_STREQ(reader.why, "data after the end");
}

TEST_P(Arrival, MoreBytesThanAStreamCanHaveAreRefused) {
  expect_refused(Bytes(IGBVF_STATE_MAX_SIZE + 1), EINVAL, "longer than a stream can be", device);
}

TEST_P(Arrival, GarbageIsNotMigrationData) {
  std::mt19937_64 rng(device);
  for (int round = 0; round < 20000; round++) {
    Bytes garbage(rng() % 400);
    for (u8 &byte : garbage)
      byte = static_cast<u8>(rng());
    ASSERT_FALSE(read_whole(garbage, device).complete);
    if (garbage.size() >= sizeof(igbvf_section_header)) {
      ASSERT_LT(read_whole(garbage, device).ret, 0);
    }
  }
}
