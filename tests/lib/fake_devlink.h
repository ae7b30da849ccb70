// SPDX-License-Identifier: LGPL-2.1-or-later
// A device with devlink ports, played by FakeKernel.
#pragma once

#include "fake_kernel.h"

#include <gtest/gtest.h>

#include <linux/devlink.h>
#include <linux/genetlink.h>
#include <netlink/genl/genl.h>

#include <functional>
#include <string>
#include <vector>

inline constexpr const char *kDevlinkPf = "0000:03:00.0";
inline constexpr uint16_t family = 33;
// Of linux/devlink.h since Linux 6.2.
inline constexpr int caps_attribute = 4;
inline constexpr uint32_t roce = 1, migratable = 2;

struct Port {
  std::string device = kDevlinkPf;
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
  unsigned sets = 0, dumps = 0;
  std::function<void(int vf)> on_set = [](int) {};
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
    EXPECT_STREQ(nla_get_string(attribute(request, DEVLINK_ATTR_DEV_NAME)), kDevlinkPf);
    if (header->cmd == DEVLINK_CMD_PORT_GET) {
      get(request);
      return;
    }
    ASSERT_EQ(header->cmd, DEVLINK_CMD_PORT_SET);
    set(request);
  }

  void get(nlmsghdr *request) {
    if ((request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP) {
      dumps++;
      for (const Port &port : ports)
        describe(port, NLM_F_MULTI);
      kernel_.end_dump(dump_error);
      return;
    }
    for (const Port &port : ports)
      if (port.index == nla_get_u32(attribute(request, DEVLINK_ATTR_PORT_INDEX)))
        describe(port, 0);
    kernel_.acknowledge();
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

  void describe(const Port &port, int flags) {
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
    kernel_.say(message, flags);
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
          port.index == nla_get_u32(attribute(request, DEVLINK_ATTR_PORT_INDEX))) {
        port.caps.value = (port.caps.value & ~bits.selector) | bits.value;
        on_set(port.vf);
      }
    kernel_.acknowledge(-refusal, refusal ? "mlx5_core: VF is in use" : nullptr);
  }

  FakeKernel kernel_{[this](FakeKernel &, nlmsghdr *request) { answer(request); }};
};
