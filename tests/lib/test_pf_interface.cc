// SPDX-License-Identifier: LGPL-2.1-or-later
// Which of a PF's network interfaces is its own. Needs umockdev-wrapper.
#include "caught.h"

#include <umockdev.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

extern "C" {
#include "interface.h"
#include "pf-interface.h"
}

namespace {

// A port name that is "" is one that the driver does not give.
struct Interface {
  const char *name;
  const char *port;
};

struct Case {
  const char *about;
  std::vector<Interface> interfaces;
  const char *own;  // nullptr for none
};

class PfInterface : public testing::TestWithParam<Case> {
 protected:
  PfInterface() : testbed_(umockdev_testbed_new()) {
    g_autofree char *sys = umockdev_testbed_get_sys_dir(testbed_);
    network_ = std::filesystem::path(sys) / "class/net";
  }
  ~PfInterface() override { g_object_unref(testbed_); }

  void set(const std::string &name, const std::string &attribute, const std::string &value) {
    std::filesystem::create_directories(network_ / name);
    std::ofstream(network_ / name / attribute) << value;
  }

  std::filesystem::path network_;

 private:
  UMockdevTestbed *testbed_;
};

TEST_P(PfInterface, IsFound) {
  g_autoptr(GPtrArray) names = g_ptr_array_new();
  for (const Interface &interface : GetParam().interfaces) {
    set(interface.name, "flags", "0x1003\n");
    if (*interface.port)
      set(interface.name, "phys_port_name", std::string(interface.port) + "\n");
    g_ptr_array_add(names, const_cast<char *>(interface.name));
  }
  g_ptr_array_add(names, nullptr);
  VferryPf pf = {};
  pf.address = {0, 3, 0, 0};
  pf.interfaces = reinterpret_cast<char **>(names->pdata);
  Caught caught;
  const char *own = vferry_pf_interface(&pf, caught.out());
  EXPECT_STREQ(own, GetParam().own);
  if (!GetParam().own)
    caught.expect(VFERRY_ERROR_NOT_FOUND, "PF 0000:03:00.0 has no network interface here");
}

const Case cases[] = {
    {"NoneAtAll", {}, nullptr},
    {"Legacy", {{"ens1f0", ""}}, "ens1f0"},
    {"LegacyWithAPortName", {{"ens1f0np0", "p0"}}, "ens1f0np0"},
    {"TheFirstOfTwoPorts", {{"eth0", "p0"}, {"eth1", "p1"}}, "eth0"},
    {"TheUplinkAmongRepresentors",
     {{"eth0", "pf0vf0"}, {"eth1", "pf0vf1"}, {"p0", "p0"}, {"pf0hpf", "pf0hpf"}}, "p0"},
    {"AnotherControllersVfs", {{"c1pf0vf0", "c1pf0vf0"}, {"eth0", "p0s1"}}, "eth0"},
    {"SubfunctionsAndThePfsOwn", {{"en0", "pf0sf88"}, {"en1", "pf0"}, {"en2", "p1"}}, "en2"},
    {"RepresentorsAlone", {{"eth0", "pf0vf0"}, {"eth1", "pf0vf1"}}, nullptr},
};

INSTANTIATE_TEST_SUITE_P(All, PfInterface, testing::ValuesIn(cases),
                         [](const auto &each) { return each.param.about; });

class InterfaceUp : public PfInterface {};

TEST_F(InterfaceUp, IsReadFromItsFlags) {
  gboolean is_up = 77;
  EXPECT_FALSE(vferry_interface_up("eth0", &is_up));
  set("eth0", "flags", "up\n");
  EXPECT_FALSE(vferry_interface_up("eth0", &is_up));
  EXPECT_EQ(is_up, 77);
  set("eth0", "flags", "0x1002\n");
  EXPECT_TRUE(vferry_interface_up("eth0", &is_up));
  EXPECT_FALSE(is_up);
  set("eth0", "flags", "0x1003\n");
  EXPECT_TRUE(vferry_interface_up("eth0", &is_up));
  EXPECT_TRUE(is_up);
}

}  // namespace
