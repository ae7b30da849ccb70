// SPDX-License-Identifier: LGPL-2.1-or-later
// Names of network interfaces.
#include "caught.h"

extern "C" {
#include "interface.h"
}

namespace {

TEST(Interface, TheLoopbackIsThere) {
  Caught caught;
  int index = 0;

  EXPECT_TRUE(vferry_interface_index("lo", &index, caught.out())) << caught.text();
  EXPECT_EQ(index, 1);
}

TEST(Interface, NoSuchInterface) {
  Caught caught;
  int index = -7;

  EXPECT_FALSE(vferry_interface_index("vferry-none0", &index, caught.out()));
  caught.expect(VFERRY_ERROR_NOT_FOUND, "there is no network interface vferry-none0");
  EXPECT_EQ(index, -7);
}

class NoName : public testing::TestWithParam<const char *> {};

TEST_P(NoName, IsRefused) {
  Caught caught;
  int index = -7;

  EXPECT_FALSE(vferry_interface_index(GetParam(), &index, caught.out()));
  caught.expect(VFERRY_ERROR_INVALID, "is no name of a network interface");
  EXPECT_EQ(index, -7);
}

INSTANTIATE_TEST_SUITE_P(All, NoName,
                         testing::Values("", ".", "..", "a/b", "eth0:1", "with space", "line\nend",
                                         "tab\t", "\x7f", "caf\xc3\xa9", "sixteen-letters!",
                                         "a-name-much-longer-than-any-name-that-the-kernel-takes"));

TEST(Interface, FifteenLettersAreAName) {
  Caught caught;
  int index = 0;

  EXPECT_FALSE(vferry_interface_index("fifteen-letters", &index, caught.out()));
  caught.expect(VFERRY_ERROR_NOT_FOUND, "fifteen-letters");
}

}  // namespace
