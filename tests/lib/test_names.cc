// SPDX-License-Identifier: LGPL-2.1-or-later
// What a driver and what a physical network may be called.
#include <gtest/gtest.h>

#include <string>

extern "C" {
#include "driver-name.h"
#include "network-name.h"
}

TEST(DriverName, Valid) {
  for (const char *name : {"igbvf", "vfio-pci", "igbvf_vfio_pci", "a.b", "8139too"})
    EXPECT_TRUE(vferry_driver_name_valid(name)) << name;
  EXPECT_TRUE(vferry_driver_name_valid(std::string(255, 'a').c_str()));
}

TEST(DriverName, Invalid) {
  for (const char *name : {"", ".", "..", ".hidden", "a/b", "a b", "a\n", "\"", "ü", "<a>", "(null)"})
    EXPECT_FALSE(vferry_driver_name_valid(name)) << name;
  EXPECT_FALSE(vferry_driver_name_valid(std::string(256, 'a').c_str()));
}

TEST(NetworkName, Valid) {
  for (const char *name : {"lab", "tenants-2.rack7", "a_b", "."})
    EXPECT_TRUE(vferry_network_name_valid(name)) << name;
  EXPECT_TRUE(vferry_network_name_valid(std::string(63, 'a').c_str()));
}

TEST(NetworkName, Invalid) {
  for (const char *name : {"", "a b", "a/b", "a\n", "ü"})
    EXPECT_FALSE(vferry_network_name_valid(name)) << name;
  EXPECT_FALSE(vferry_network_name_valid(std::string(64, 'a').c_str()));
}
