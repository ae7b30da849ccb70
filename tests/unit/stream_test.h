// SPDX-License-Identifier: LGPL-2.1-or-later
// What the tests of the stream code share. The code under test is C.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

extern "C" {
#include "reseal.h"
#include "sample_state.h"
#include "state_stream.h"
}

using Bytes = std::vector<uint8_t>;

// The PCI device ids of Intel VFs that the driver supports, with their queues.
struct Device {
  u16 id;
  u8 queues;
  const char *name;
};
constexpr Device kDevices[] = {
    {0x10ca, 2, "82576"},
    {0x152d, 2, "82576Hv"},
    {0x1520, 1, "I350"},
    {0x152f, 1, "I350Hv"},
};

igbvf_ident ident_of(u16 device);

// sample_state() of a device that exists.
igbvf_state sample_of(u16 device = 0x10ca);

// A state that igbvf_state_check() must accept, otherwise arbitrary.
igbvf_state random_state(std::mt19937_64 &rng, u16 device);

// A state whose every field holds arbitrary bits; only the identity is real.
igbvf_state random_registers(std::mt19937_64 &rng, u16 device);

// Fails the test at the first field that differs.
void expect_equal(const igbvf_state &a, const igbvf_state &b);

// The writer's stream of a state; fails the test where it cannot be written.
Bytes stream_of(const igbvf_state &state);

// What the reader makes of a stream that arrives whole.
struct Outcome {
  int ret;
  bool complete;
  std::string why;
  size_t offset;
  igbvf_state state;
};
Outcome read_whole(const Bytes &stream, u16 device = 0x10ca);

// Expects a refusal with this errno whose text contains `why`.
void expect_refused(const Bytes &stream, int error, const std::string &why,
                    u16 device = 0x10ca);

// A stream in pieces, to be taken apart and put together again.
struct Section {
  u32 type;
  u16 version = IGBVF_SECTION_VERSION;
  u16 flags = 0;
  Bytes payload;
};
std::vector<Section> split(const Bytes &stream);

// Puts sections together; CRCs and the sums in END are made right.
Bytes join(const std::vector<Section> &sections);

// Position of the section of a type in what split() returned.
size_t index_of(const std::vector<Section> &sections, u32 type);
