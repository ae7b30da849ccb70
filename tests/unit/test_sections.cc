// SPDX-License-Identifier: LGPL-2.1-or-later
// The sequence of sections: order, presence, versions, lengths, flags.
#include "stream_test.h"

#include <algorithm>
#include <cerrno>

namespace {

const std::vector<u32> kTypes = {
    IGBVF_SECTION_IDENT,     IGBVF_SECTION_MAILBOX,    IGBVF_SECTION_RX_QUEUES,
    IGBVF_SECTION_TX_QUEUES, IGBVF_SECTION_INTERRUPTS, IGBVF_SECTION_STATISTICS,
    IGBVF_SECTION_END};

std::vector<Section> sample_sections(u16 device = 0x10ca) {
  return split(stream_of(sample_of(device)));
}

Section optional(u32 type, size_t length = 8) {
  return {type, 7, IGBVF_SECTION_OPTIONAL, Bytes(length, 0x5a)};
}

template <typename Payload>
Payload get(const Section &section) {
  Payload payload;
  EXPECT_GE(section.payload.size(), sizeof(payload));
  memcpy(&payload, section.payload.data(), sizeof(payload));
  return payload;
}

template <typename Payload>
void put(Section &section, const Payload &payload) {
  memcpy(section.payload.data(), &payload, sizeof(payload));
}

// The sample with one change of the identity, sums made right.
template <typename Change>
Bytes with_ident(Change change) {
  std::vector<Section> sections = sample_sections();
  auto ident = get<igbvf_section_ident>(sections[0]);
  change(ident);
  put(sections[0], ident);
  return join(sections);
}

} // namespace

TEST(Sections, TheWriterWritesTheSevenInAscendingOrder) {
  std::vector<u32> types;
  for (const Section &section : sample_sections()) {
    types.push_back(section.type);
    EXPECT_EQ(section.version, IGBVF_SECTION_VERSION);
    EXPECT_EQ(section.flags, 0);
  }
  EXPECT_EQ(types, kTypes);
}

TEST(Sections, EachMissingOneIsRefused) {
  for (const u32 type : kTypes) {
    SCOPED_TRACE(type);
    std::vector<Section> sections = sample_sections();
    sections.erase(sections.begin() + index_of(sections, type));
    if (type == IGBVF_SECTION_IDENT) {
      expect_refused(join(sections), EMEDIUMTYPE, "not migration data");
    } else if (type == IGBVF_SECTION_END) {
      EXPECT_EQ(read_whole(join(sections)).ret, 0);
      EXPECT_FALSE(read_whole(join(sections)).complete);
    } else {
      expect_refused(join(sections), EINVAL, "sections are missing");
    }
  }
}

TEST(Sections, EachDuplicateIsRefused) {
  for (const u32 type : kTypes) {
    SCOPED_TRACE(type);
    std::vector<Section> sections = sample_sections();
    const size_t at = index_of(sections, type);
    sections.insert(sections.begin() + at, Section(sections[at]));
    expect_refused(join(sections), EINVAL,
                   type == IGBVF_SECTION_END ? "data after the end" : "out of order");
  }
}

TEST(Sections, EveryOtherOrderIsRefused) {
  const std::vector<Section> sections = sample_sections();
  std::vector<size_t> order = {0, 1, 2, 3, 4, 5, 6};
  while (std::next_permutation(order.begin(), order.end())) {
    std::vector<Section> shuffled;
    for (const size_t i : order)
      shuffled.push_back(sections[i]);
    const Outcome outcome = read_whole(join(shuffled));
    ASSERT_LT(outcome.ret, 0);
    ASSERT_NE(outcome.why, "");
    ASSERT_FALSE(outcome.complete);
  }
}

TEST(Sections, SwappedNeighboursAreOutOfOrderOrMissing) {
  std::vector<Section> sections = sample_sections();
  std::swap(sections[2], sections[3]);
  expect_refused(join(sections), EINVAL, "sections are missing");
}

TEST(Sections, TypeZeroIsOutOfOrder) {
  std::vector<Section> sections = sample_sections();
  sections.insert(sections.begin() + 1, optional(0));
  expect_refused(join(sections), EINVAL, "out of order");
}

TEST(Sections, AnOptionalUnknownOneIsSkipped) {
  for (const u32 type : {7U, 100U, 0xfffeU}) {
    for (const size_t length : {size_t{0}, size_t{1}, size_t{1000}}) {
      std::vector<Section> sections = sample_sections();
      sections.insert(sections.end() - 1, optional(type, length));
      const Outcome outcome = read_whole(join(sections));
      ASSERT_EQ(outcome.ret, 0) << outcome.why;
      EXPECT_TRUE(outcome.complete);
      expect_equal(outcome.state, sample_of());
    }
  }
}

TEST(Sections, TwoOptionalUnknownOnesMustAscend) {
  std::vector<Section> sections = sample_sections();
  sections.insert(sections.end() - 1, {optional(8), optional(9)});
  EXPECT_TRUE(read_whole(join(sections)).complete);
  std::swap(sections[6], sections[7]);
  expect_refused(join(sections), EINVAL, "out of order");
}

TEST(Sections, AnOptionalOneBeforeTheIdentityIsRefused) {
  std::vector<Section> sections = sample_sections();
  sections.insert(sections.begin(), optional(0));
  expect_refused(join(sections), EMEDIUMTYPE, "not migration data");
}

TEST(Sections, AnOptionalOneAfterTheEndIsRefused) {
  std::vector<Section> sections = sample_sections();
  sections.push_back(optional(0x10000));
  expect_refused(join(sections), EINVAL, "data after the end");
}

TEST(Sections, AnOptionalOneWithABadChecksumIsRefused) {
  std::vector<Section> sections = sample_sections();
  sections.insert(sections.end() - 1, optional(9));
  Bytes stream = join(sections);
  const size_t payload_of_last = stream.size() - sizeof(igbvf_section_end) -
                                 sizeof(igbvf_section_header) - 1;
  stream[payload_of_last] ^= 0x80;
  expect_refused(stream, EBADMSG, "checksum does not match");
}

TEST(Sections, AMandatoryUnknownOneIsRefused) {
  for (const u16 flags : {0x0000, 0x0002, 0x0003, 0x8001}) {
    std::vector<Section> sections = sample_sections();
    sections.insert(sections.end() - 1, {9, 1, flags, Bytes(8)});
    expect_refused(join(sections), EMEDIUMTYPE, "unknown section that is not optional");
  }
}

TEST(Sections, FlagsOnAKnownOneAreRefused) {
  for (size_t i = 0; i < kTypes.size(); i++) {
    for (const u16 flags : {0x0001, 0x0002, 0x8000}) {
      std::vector<Section> sections = sample_sections();
      sections[i].flags = flags;
      expect_refused(join(sections), EINVAL, "flags on a mandatory section");
    }
  }
}

TEST(Sections, AnotherVersionOfAKnownOneIsRefused) {
  for (size_t i = 0; i < kTypes.size(); i++) {
    for (const u16 version : {0, 2, 0xffff}) {
      std::vector<Section> sections = sample_sections();
      sections[i].version = version;
      expect_refused(join(sections), EMEDIUMTYPE, "another version of a section");
    }
  }
}

TEST(Sections, AnotherLengthOfAKnownOneIsRefused) {
  for (size_t i = 0; i < kTypes.size(); i++) {
    for (const int by : {-1, 1, 4}) {
      std::vector<Section> sections = sample_sections();
      sections[i].payload.resize(sections[i].payload.size() + by);
      expect_refused(join(sections), EINVAL, "section of a wrong length");
    }
    std::vector<Section> sections = sample_sections();
    sections[i].payload.clear();
    expect_refused(join(sections), EINVAL, "section of a wrong length");
  }
}

TEST(Sections, TheNumberOfQueuesDecidesTheLength) {
  std::vector<Section> sections = sample_sections(0x10ca);
  sections[2].payload.resize(sizeof(igbvf_section_rx_queue));
  expect_refused(join(sections), EINVAL, "section of a wrong length");
  std::vector<Section> one = sample_sections(0x1520);
  one[3].payload.resize(2 * sizeof(igbvf_section_tx_queue));
  expect_refused(join(one), EINVAL, "section of a wrong length", 0x1520);
}

// A hostile length is refused by its header alone, before its bytes come.
TEST(Sections, AnAbsurdLengthIsRefusedAtOnce) {
  for (const u32 length : {u32{IGBVF_STATE_MAX_SIZE}, 0x7fffffffU, 0xfffffff0U, 0xffffffffU,
                           u32{IGBVF_STATE_MAX_SIZE - 2 * sizeof(igbvf_section_header) -
                               sizeof(igbvf_section_ident) + 1}}) {
    const igbvf_state state = sample_of();
    Bytes stream(IGBVF_STATE_MAX_SIZE);
    const int used = igbvf_stream_write_ident(&state.ident, stream.data(), stream.size());
    const igbvf_section_header header = {htole32(9), htole16(1), htole16(IGBVF_SECTION_OPTIONAL),
                                         htole32(length), 0};
    memcpy(stream.data() + used, &header, sizeof(header));
    stream.resize(used + sizeof(header));
    expect_refused(stream, EINVAL, "longer than a stream can be");
  }
}

TEST(Sections, AStreamOfExactlyTheBoundIsTaken) {
  std::vector<Section> sections = sample_sections();
  const size_t room =
      IGBVF_STATE_MAX_SIZE - join(sections).size() - sizeof(igbvf_section_header);
  sections.insert(sections.end() - 1, optional(9, room));
  ASSERT_EQ(join(sections).size(), size_t{IGBVF_STATE_MAX_SIZE});
  EXPECT_TRUE(read_whole(join(sections)).complete);
  sections[6].payload.push_back(0);
  EXPECT_FALSE(read_whole(join(sections)).complete);
  EXPECT_LT(read_whole(join(sections)).ret, 0);
}

TEST(Sections, ABadChecksumIsRefusedInEach) {
  const Bytes good = stream_of(sample_of());
  size_t at = 0;
  for (const Section &section : sample_sections()) {
    Bytes bad = good;
    bad[at + offsetof(igbvf_section_header, crc)] ^= 1;
    expect_refused(bad, EBADMSG, "checksum does not match");
    at += sizeof(igbvf_section_header) + section.payload.size();
  }
}

// Identity

TEST(Identity, AnotherMagicIsRefused) {
  expect_refused(with_ident([](auto &ident) { ident.magic ^= htole64(1); }), EMEDIUMTYPE,
                 "not migration data of an igb VF");
}

TEST(Identity, AnotherMajorIsRefused) {
  for (const u16 major : {0, 2, 0xffff})
    expect_refused(with_ident([=](auto &ident) { ident.major = htole16(major); }), EMEDIUMTYPE,
                   "another major version of the format");
}

TEST(Identity, AHigherMinorIsTaken) {
  for (const u16 minor : {1, 0xffff}) {
    const Outcome outcome =
        read_whole(with_ident([=](auto &ident) { ident.minor = htole16(minor); }));
    EXPECT_EQ(outcome.ret, 0) << outcome.why;
    EXPECT_TRUE(outcome.complete);
    expect_equal(outcome.state, sample_of());
  }
}

TEST(Identity, AnotherVendorIsRefused) {
  expect_refused(with_ident([](auto &ident) { ident.vendor = htole16(0x15b3); }), ENODEV,
                 "state of another kind of device");
}

TEST(Identity, AnotherDeviceIsRefused) {
  for (const Device &source : kDevices)
    for (const Device &destination : kDevices)
      if (source.id != destination.id)
        expect_refused(stream_of(sample_of(source.id)), ENODEV,
                       "state of another kind of device", destination.id);
}

TEST(Identity, AnotherNumberOfQueuesIsRefused) {
  for (const u8 queues : {0, 1, 3, 255})
    expect_refused(with_ident([=](auto &ident) { ident.queues = queues; }), ENODEV,
                   "state of another kind of device");
}

TEST(Identity, AnUnknownFeatureIsRefused) {
  for (int bit = 1; bit < 32; bit++)
    expect_refused(with_ident([=](auto &ident) { ident.features |= htole32(1U << bit); }),
                   ENODEV, "features that this driver does not know");
}

TEST(Identity, FewerFeaturesAreTakenAsTheyAre) {
  const Outcome outcome = read_whole(with_ident([](auto &ident) { ident.features = 0; }));
  EXPECT_TRUE(outcome.complete) << outcome.why;
  EXPECT_EQ(outcome.state.ident.features, 0U);
}

TEST(Identity, AReservedByteIsRefused) {
  for (int i = 0; i < 3; i++)
    expect_refused(with_ident([=](auto &ident) { ident.reserved[i] = 1; }), EINVAL,
                   "reserved bytes are not zero");
}

TEST(Identity, IsRefusedBeforeTheRestHasCome) {
  const Bytes stream = stream_of(sample_of(0x1520));
  const Bytes prefix(stream.begin(), stream.begin() + sizeof(igbvf_section_header) +
                                         sizeof(igbvf_section_ident));
  expect_refused(prefix, ENODEV, "state of another kind of device", 0x10ca);
}

// Reserved fields and sums

TEST(Reserved, IsRefusedInEachTransmitQueue) {
  for (int q = 0; q < 2; q++) {
    std::vector<Section> sections = sample_sections();
    sections[3].payload[q * sizeof(igbvf_section_tx_queue) +
                        offsetof(igbvf_section_tx_queue, reserved)] = 1;
    expect_refused(join(sections), EINVAL, "reserved bytes are not zero");
  }
}

TEST(Reserved, IsRefusedInInterrupts) {
  std::vector<Section> sections = sample_sections();
  sections[4].payload[offsetof(igbvf_section_interrupts, reserved) + 3] = 1;
  expect_refused(join(sections), EINVAL, "reserved bytes are not zero");
}

TEST(Reserved, IsRefusedInStatistics) {
  std::vector<Section> sections = sample_sections();
  sections[5].payload[offsetof(igbvf_section_statistics, reserved)] = 0x80;
  expect_refused(join(sections), EINVAL, "reserved bytes are not zero");
}

TEST(End, AnotherNumberOfSectionsIsRefused) {
  Bytes stream = stream_of(sample_of());
  stream[stream.size() - sizeof(igbvf_section_end)] += 1;
  reseal(stream.data(), stream.size(), 0);
  expect_refused(stream, EINVAL, "sections are missing");
}

TEST(End, AnotherLengthIsRefused) {
  Bytes stream = stream_of(sample_of());
  stream[stream.size() - sizeof(igbvf_section_end) + offsetof(igbvf_section_end, length)] += 1;
  reseal(stream.data(), stream.size(), 0);
  expect_refused(stream, EINVAL, "sections are missing");
}

// An optional section that was cut out is noticed by the sums.
TEST(End, ARemovedOptionalSectionIsNoticed) {
  std::vector<Section> sections = sample_sections();
  sections.insert(sections.end() - 1, optional(9));
  const Bytes stream = join(sections);
  const size_t end = stream.size() - sizeof(igbvf_section_header) - sizeof(igbvf_section_end);
  Bytes cut(stream.begin(), stream.begin() + end - sizeof(igbvf_section_header) - 8);
  cut.insert(cut.end(), stream.begin() + end, stream.end());
  expect_refused(cut, EINVAL, "sections are missing");
}
