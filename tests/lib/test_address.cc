// SPDX-License-Identifier: LGPL-2.1-or-later
// Addresses of PCI functions, in the kernel's form and in no other.
#include <glib.h>
#include <gtest/gtest.h>

#include <string>

extern "C" {
#include "address.h"
#include "error.h"
}

namespace {

std::string Text(const VferryAddress &address) {
  char text[VFERRY_ADDRESS_TEXT_SIZE];
  return vferry_address_text(&address, text);
}

class Good : public testing::TestWithParam<const char *> {};

TEST_P(Good, ComesOutAsItWentIn) {
  VferryAddress address;
  ASSERT_TRUE(vferry_address_parse(GetParam(), &address, nullptr));
  EXPECT_EQ(Text(address), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Address, Good,
                         testing::Values("0000:00:00.0", "0000:01:10.0", "ffff:ff:1f.7",
                                         "10000:01:00.0", "ffffffff:ff:1f.7"));

class Bad : public testing::TestWithParam<const char *> {};

TEST_P(Bad, IsRefusedInOnePrintableLine) {
  VferryAddress address = {1, 2, 3, 4};
  g_autoptr(GError) error = nullptr;
  ASSERT_FALSE(vferry_address_parse(GetParam(), &address, &error));
  EXPECT_TRUE(g_error_matches(error, VFERRY_ERROR, VFERRY_ERROR_INVALID));
  EXPECT_TRUE(g_utf8_validate(error->message, -1, nullptr));
  for (const char *at = error->message; *at; at++) EXPECT_FALSE(g_ascii_iscntrl(*at));
  EXPECT_EQ(Text(address), "0001:02:03.4") << "untouched";
}

INSTANTIATE_TEST_SUITE_P(
    Address, Bad,
    testing::Values("", "0", "0000", "0000:01:10", "0000:01:10.", "0000:01:10.8", "0000:01:10.00",
                    "0000:01:20.0", "0000:1:10.0", "000:01:10.0", "00000:01:10.0", "01:10.0",
                    "100000000:01:10.0", " 0000:01:10.0", "0000:01:10.0\n", "0000:01:10.0 ",
                    "0000:0A:10.0", "0000:01:1g.0", "0000-01:10.0", "0000:01:10:0", "+000:01:10.0",
                    "../../etc", "\xff\xfe", "a\033[2J"));

TEST(Address, OrderIsThatOfItsParts) {
  const VferryAddress sorted[] = {{0, 0, 0, 0}, {0, 0, 0, 7},    {0, 0, 1, 0},
                                  {0, 1, 0, 0}, {0, 0xff, 0, 0}, {1, 0, 0, 0}};
  for (const auto &left : sorted)
    for (const auto &right : sorted) {
      EXPECT_EQ(vferry_address_compare(&left, &right) < 0, &left < &right);
      EXPECT_EQ(vferry_address_compare(&left, &right) == 0, &left == &right);
      EXPECT_EQ(vferry_address_equal(&left, &right), &left == &right);
    }
}

TEST(Address, EqualOnesHaveOneHash) {
  const VferryAddress one = {0x10000, 1, 2, 3}, same = one, other = {0, 1, 2, 4};
  EXPECT_EQ(vferry_address_hash(&one), vferry_address_hash(&same));
  EXPECT_NE(vferry_address_hash(&one), vferry_address_hash(&other));
}

}  // namespace
