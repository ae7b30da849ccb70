// SPDX-License-Identifier: LGPL-2.1-or-later
// The attribute "migratable" of a VF's devlink port: of a device that is played, and the host's.
#include "caught.h"
#include "fake_kernel.h"

extern "C" {
#include "devlink.h"
}

#include <linux/devlink.h>
#include <linux/genetlink.h>
#include <netlink/genl/genl.h>

#include <functional>
#include <string>
#include <vector>

namespace {

constexpr uint16_t family = 33;
constexpr VferryAddress pf = {0, 3, 0, 0};
// Of linux/devlink.h since Linux 6.2.
constexpr int caps_attribute = 4;
constexpr uint32_t roce = 1, migratable = 2;

struct Port {
  std::string device = "0000:03:00.0";
  uint32_t index = 0;
  uint16_t flavour = DEVLINK_PORT_FLAVOUR_PCI_VF;
  int vf = 0;  // -1 for no number
  bool external = false;
  bool has_caps = true;
  nla_bitfield32 caps = {0, roce | migratable};
};

class FakeDevlink {
 public:
  std::vector<Port> ports;
  bool known = true;
  int refusal = 0;
  bool obeys = true;
  unsigned sets = 0;
  std::function<void(nl_msg *)> tamper = [](nl_msg *) {};
  uint8_t command = DEVLINK_CMD_PORT_NEW;
  int dump_error = 0;

 private:
  void answer(nlmsghdr *request) {
    auto *header = static_cast<genlmsghdr *>(nlmsg_data(request));

    if (request->nlmsg_type == GENL_ID_CTRL) {
      describe_family();
      return;
    }
    ASSERT_EQ(request->nlmsg_type, family);
    EXPECT_STREQ(nla_get_string(attribute(request, DEVLINK_ATTR_BUS_NAME)), "pci");
    EXPECT_STREQ(nla_get_string(attribute(request, DEVLINK_ATTR_DEV_NAME)), "0000:03:00.0");
    if (header->cmd == DEVLINK_CMD_PORT_GET) {
      EXPECT_EQ(request->nlmsg_flags & NLM_F_DUMP, NLM_F_DUMP);
      for (const Port &port : ports)
        describe(port);
      kernel_.end_dump(dump_error);
      return;
    }
    ASSERT_EQ(header->cmd, DEVLINK_CMD_PORT_SET);
    set(request);
  }

  static nlattr *attribute(nlmsghdr *request, int type) {
    return nlmsg_find_attr(request, GENL_HDRLEN, type);
  }

  void describe_family() {
    if (!known) {
      kernel_.acknowledge(-ENOENT);
      return;
    }
    nl_msg *message = nlmsg_alloc();
    genlmsg_put(message, 0, 0, GENL_ID_CTRL, 0, 0, CTRL_CMD_NEWFAMILY, 2);
    nla_put_u16(message, CTRL_ATTR_FAMILY_ID, family);
    nla_put_string(message, CTRL_ATTR_FAMILY_NAME, "devlink");
    kernel_.say(message);
    kernel_.acknowledge();
  }

  void describe(const Port &port) {
    nl_msg *message = nlmsg_alloc();

    genlmsg_put(message, 0, 0, family, 0, 0, command, DEVLINK_GENL_VERSION);
    nla_put_string(message, DEVLINK_ATTR_BUS_NAME, "pci");
    nla_put_string(message, DEVLINK_ATTR_DEV_NAME, port.device.c_str());
    nla_put_u32(message, DEVLINK_ATTR_PORT_INDEX, port.index);
    nla_put_u16(message, DEVLINK_ATTR_PORT_FLAVOUR, port.flavour);
    if (port.vf >= 0)
      nla_put_u16(message, DEVLINK_ATTR_PORT_PCI_VF_NUMBER, static_cast<uint16_t>(port.vf));
    nla_put_u8(message, DEVLINK_ATTR_PORT_EXTERNAL, port.external);
    nlattr *function = nla_nest_start(message, DEVLINK_ATTR_PORT_FUNCTION);
    nla_put_u8(message, DEVLINK_PORT_FN_ATTR_STATE, DEVLINK_PORT_FN_STATE_ACTIVE);
    if (port.has_caps)
      nla_put(message, caps_attribute, sizeof(port.caps), &port.caps);
    nla_nest_end(message, function);
    tamper(message);
    kernel_.say(message, NLM_F_MULTI);
  }

  void set(nlmsghdr *request) {
    nlattr *function = attribute(request, DEVLINK_ATTR_PORT_FUNCTION);
    auto *caps = static_cast<nlattr *>(nla_data(function));
    nla_bitfield32 bits;

    sets++;
    EXPECT_TRUE(nla_is_nested(function));
    ASSERT_EQ(nla_type(caps), caps_attribute);
    ASSERT_EQ(nla_len(caps), static_cast<int>(sizeof(bits)));
    memcpy(&bits, nla_data(caps), sizeof(bits));
    // No other capability is touched.
    EXPECT_EQ(bits.selector, migratable);
    for (Port &port : ports)
      if (obeys && !refusal &&
          port.index == nla_get_u32(attribute(request, DEVLINK_ATTR_PORT_INDEX)))
        port.caps.value = (port.caps.value & ~bits.selector) | bits.value;
    kernel_.acknowledge(-refusal, refusal ? "mlx5_core: VF is in use" : nullptr);
  }

  FakeKernel kernel_{[this](FakeKernel &, nlmsghdr *request) { answer(request); }};
};

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
  bool set(bool wanted, guint vf = 2) {
    return vferry_devlink_migratable_set(&pf, vf, wanted, caught.out());
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
  EXPECT_TRUE(set(true)) << caught.text();
  EXPECT_EQ(device.sets, 1U);
  EXPECT_TRUE(set(false)) << caught.text();
  EXPECT_EQ(device.ports[2].caps.value, roce);
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
  EXPECT_FALSE(set(true, 9));
  caught.expect(VFERRY_ERROR_NOT_FOUND, "VF 9: there is no devlink port");
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
  EXPECT_FALSE(set(true));
  caught.expect(VFERRY_ERROR_NOT_FOUND, "does not know 'migratable'");
  EXPECT_EQ(device.sets, 0U);
}

TEST_F(Devlink, TwoPortsOfOneVf) {
  device.ports[3].vf = 2;
  EXPECT_FALSE(set(true));
  caught.expect(VFERRY_ERROR_INVALID, "2 devlink ports where one is expected");
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
