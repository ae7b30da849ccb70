// SPDX-License-Identifier: LGPL-2.1-or-later
// The attribute "migratable" of a VF's devlink port: of a device that is played, and the host's.
#include "caught.h"
#include "fake_devlink.h"

extern "C" {
#include "devlink.h"
}

namespace {

constexpr VferryAddress pf = {0, 3, 0, 0};

class Devlink : public testing::Test {
 protected:
  void SetUp() override {
    for (uint32_t i = 0; i < 4; i++) {
      Port port;
      port.vf = static_cast<int>(i);
      port.index = 100 + i;
      device.ports.push_back(port);
    }
  }
  bool read(guint vf = 2) { return vferry_devlink_migratable_read(&pf, vf, &value, caught.out()); }
  // Of a VF that a list has; without one there is an error already.
  bool set(bool wanted, guint vf = 2) {
    g_autoptr(GArray) list = vferry_devlink_migratable_list(&pf, caught.out());
    for (guint i = 0; list && i < list->len; i++) {
      const auto *known = &g_array_index(list, VferryDevlinkVf, i);
      if (known->index == vf)
        return vferry_devlink_migratable_set(&pf, known, wanted, caught.out());
    }
    return false;
  }

  FakeDevlink device;
  Caught caught;
  gboolean value = 77;
};

TEST_F(Devlink, Reads) {
  EXPECT_TRUE(read()) << caught.text();
  EXPECT_EQ(value, FALSE);
  device.ports[2].caps.value = roce | migratable;
  EXPECT_TRUE(read()) << caught.text();
  EXPECT_EQ(value, TRUE);
}

TEST_F(Devlink, SetsOneVfAndNothingElse) {
  device.ports[2].caps.value = roce;
  EXPECT_TRUE(set(true)) << caught.text();
  EXPECT_EQ(device.ports[2].caps.value, roce | migratable);
  EXPECT_EQ(device.ports[1].caps.value, 0U);
  EXPECT_EQ(device.sets, 1U);
  EXPECT_EQ(device.dumps, 1U);
  EXPECT_TRUE(set(false)) << caught.text();
  EXPECT_EQ(device.ports[2].caps.value, roce);
}

TEST_F(Devlink, ListsTheVfsThatHaveIt) {
  device.ports[0].caps.value = migratable;
  device.ports[1].has_caps = false;
  device.ports[2].caps.selector = roce;
  g_autoptr(GArray) list = vferry_devlink_migratable_list(&pf, caught.out());
  ASSERT_TRUE(list) << caught.text();
  ASSERT_EQ(list->len, 2U);
  const auto *vfs = reinterpret_cast<const VferryDevlinkVf *>(list->data);
  EXPECT_EQ(vfs[0].index, 0U);
  EXPECT_EQ(vfs[0].port, 100U);
  EXPECT_TRUE(vfs[0].migratable);
  EXPECT_EQ(vfs[1].index, 3U);
  EXPECT_FALSE(vfs[1].migratable);
}

TEST_F(Devlink, ListsNoneWhereThereIsNoDevlink) {
  device.known = false;
  g_autoptr(GArray) list = vferry_devlink_migratable_list(&pf, caught.out());
  ASSERT_TRUE(list) << caught.text();
  EXPECT_EQ(list->len, 0U);
}

TEST_F(Devlink, AListThatCannotBeHadIsAnError) {
  device.dump_error = -EBUSY;
  g_autoptr(GArray) list = vferry_devlink_migratable_list(&pf, caught.out());
  EXPECT_FALSE(list);
  caught.expect(VFERRY_ERROR_BUSY, "0000:03:00.0");
}

TEST_F(Devlink, LooksAtTheVfOfThisPfOnly) {
  Port other = device.ports[2];

  other.caps.value = migratable;
  other.device = "0000:04:00.0";
  device.ports.push_back(other);
  other.device = device.ports[2].device;
  other.external = true;
  device.ports.push_back(other);
  other.external = false;
  other.flavour = DEVLINK_PORT_FLAVOUR_PCI_SF;
  device.ports.push_back(other);
  other.flavour = DEVLINK_PORT_FLAVOUR_PHYSICAL;
  other.vf = -1;
  device.ports.push_back(other);
  EXPECT_TRUE(read()) << caught.text();
  EXPECT_EQ(value, FALSE);
}

TEST_F(Devlink, KernelWithoutIt) {
  device.known = false;
  EXPECT_FALSE(read());
  caught.expect(VFERRY_ERROR_NOT_FOUND, "0000:03:00.0: VF 2: this kernel has no devlink");
}

TEST_F(Devlink, NoPort) {
  EXPECT_FALSE(read(9));
  caught.expect(VFERRY_ERROR_NOT_FOUND, "0000:03:00.0: VF 9: there is no devlink port");
  device.ports[2].vf = -1;
  EXPECT_FALSE(read());
  EXPECT_FALSE(read(65538));
  caught.expect(VFERRY_ERROR_NOT_FOUND, "no devlink port");
  EXPECT_EQ(value, 77);
}

TEST_F(Devlink, NoDevice) {
  device.ports.clear();
  device.dump_error = -ENODEV;
  EXPECT_FALSE(read());
  caught.expect(VFERRY_ERROR_NOT_FOUND, g_strerror(ENODEV));
}

TEST_F(Devlink, PortThatDoesNotKnowIt) {
  device.ports[2].caps.selector = roce;
  EXPECT_FALSE(read());
  caught.expect(VFERRY_ERROR_NOT_FOUND, "does not know 'migratable'");
  device.ports[2].has_caps = false;
  EXPECT_FALSE(read());
  caught.expect(VFERRY_ERROR_NOT_FOUND, "does not know 'migratable'");
}

TEST_F(Devlink, TwoPortsOfOneVf) {
  device.ports[3].vf = 2;
  EXPECT_FALSE(read());
  caught.expect(VFERRY_ERROR_INVALID, "VF 2: there are 2 devlink ports where one is expected");
  EXPECT_FALSE(set(true));
  caught.expect(VFERRY_ERROR_INVALID, "VF 2: there are 2 devlink ports where one is expected");
  EXPECT_EQ(device.sets, 0U);
}

TEST_F(Devlink, TheDriverRefuses) {
  device.refusal = EBUSY;
  EXPECT_FALSE(set(true));
  caught.expect(VFERRY_ERROR_BUSY,
                "0000:03:00.0: VF 2: the driver refuses migratable enable: Device or resource "
                "busy (mlx5_core: VF is in use)");
}

TEST_F(Devlink, TheDriverTakesAndDoesNotDo) {
  device.obeys = false;
  EXPECT_FALSE(set(true));
  caught.expect(VFERRY_ERROR_FAILED, "took migratable enable and did not do it");
}

TEST_F(Devlink, ThePortIsAnothersMeanwhile) {
  const VferryDevlinkVf gone = {2, 177, FALSE}, anothers = {2, 101, FALSE};
  EXPECT_FALSE(vferry_devlink_migratable_set(&pf, &gone, TRUE, caught.out()));
  caught.expect(VFERRY_ERROR_NOT_FOUND, "VF 2: there is no devlink port");
  EXPECT_FALSE(vferry_devlink_migratable_set(&pf, &anothers, TRUE, caught.out()));
  caught.expect(VFERRY_ERROR_NOT_FOUND, "VF 2: there is no devlink port");
}

struct Tamper {
  const char *name;
  void (*change)(nl_msg *message);
};

class Malformed : public Devlink, public testing::WithParamInterface<Tamper> {};

TEST_P(Malformed, PortIsRefused) {
  device.tamper = GetParam().change;
  EXPECT_FALSE(set(true));
  caught.expect(VFERRY_ERROR_INVALID, "malformed message");
  EXPECT_EQ(device.sets, 0U);
}

void hide(nl_msg *message, int type) {
  nlmsg_find_attr(nlmsg_hdr(message), GENL_HDRLEN, type)->nla_type = 200;
}

const Tamper tampers[] = {
    {"NoBus", [](nl_msg *message) { hide(message, DEVLINK_ATTR_BUS_NAME); }},
    {"NoDevice", [](nl_msg *message) { hide(message, DEVLINK_ATTR_DEV_NAME); }},
    {"NoIndex", [](nl_msg *message) { hide(message, DEVLINK_ATTR_PORT_INDEX); }},
    {"AnotherFamily", [](nl_msg *message) { nlmsg_hdr(message)->nlmsg_type = family + 1; }},
    {"LongerThanTheMessage", [](nl_msg *message) { nla_reserve(message, 200, 0)->nla_len = 40; }},
    {"HalfOfTheCapabilities",
     [](nl_msg *message) {
       nlattr *function = nla_nest_start(message, DEVLINK_ATTR_PORT_FUNCTION);
       nla_put_u32(message, caps_attribute, migratable);
       nla_nest_end(message, function);
     }},
    {"LongerThanTheFunction",
     [](nl_msg *message) {
       nlattr *function = nla_nest_start(message, DEVLINK_ATTR_PORT_FUNCTION);
       nla_reserve(message, caps_attribute, 8)->nla_len = 64;
       nla_nest_end(message, function);
     }},
    {"NameWithoutAnEnd",
     [](nl_msg *message) { nla_put(message, DEVLINK_ATTR_DEV_NAME, 4, "0000"); }},
    {"HalfAHeader", [](nl_msg *message) { nlmsg_hdr(message)->nlmsg_len = NLMSG_HDRLEN + 2; }},
    {"NoAttributes",
     [](nl_msg *message) { nlmsg_hdr(message)->nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN; }},
};

INSTANTIATE_TEST_SUITE_P(All, Malformed, testing::ValuesIn(tampers),
                         [](const auto &tamper) { return tamper.param.name; });

TEST_F(Devlink, AnotherCommand) {
  device.command = DEVLINK_CMD_PORT_DEL;
  EXPECT_FALSE(read());
  caught.expect(VFERRY_ERROR_INVALID, "malformed message");
}

TEST(Kernel, HasNoSuchDevice) {
  const VferryAddress nowhere = {0xffff, 0xff, 0x1f, 7};
  Caught caught;
  gboolean value;

  EXPECT_FALSE(vferry_devlink_migratable_read(&nowhere, 0, &value, caught.out()));
  caught.expect(VFERRY_ERROR_NOT_FOUND, "ffff:ff:1f.7: VF 0: ");
}

}  // namespace
