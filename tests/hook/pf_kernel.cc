// SPDX-License-Identifier: LGPL-2.1-or-later
// A PF's driver behind rtnetlink, for a program that this is preloaded to. What it holds of
// its VFs is in the file that PF_TABLE names, a line a VF:
//   MAC vlan qos vlan-protocol trust spoofchk link-state min-tx-rate max-tx-rate
// A line "refuse N" before them has requests of type IFLA_VF_... N refused.
#include "../lib/fake_kernel.h"
#include "../lib/vf_messages.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace {

class Table {
 public:
  explicit Table(const char *path) : path_(path) {
    std::ifstream file(path);
    std::string line;
    while (std::getline(file, line))
      if (line.rfind("refuse ", 0) == 0)
        refused = std::atoi(line.c_str() + 7);
      else
        vfs.push_back(parse(line));
  }
  void save() const {
    std::ofstream file(path_);
    if (refused)
      file << "refuse " << refused << "\n";
    for (const VferryIdentity &vf : vfs)
      file << text(vf) << "\n";
  }

  std::vector<VferryIdentity> vfs;
  int refused = 0;

 private:
  static VferryIdentity parse(const std::string &line) {
    VferryIdentity vf = {};
    std::istringstream stream(line);
    std::string mac;
    unsigned vlan, qos, protocol, link;
    stream >> mac >> vlan >> qos >> protocol >> vf.trust >> vf.spoofchk >> link >> vf.min_tx_rate
           >> vf.max_tx_rate;
    for (int i = 0; i < VFERRY_MAC_SIZE; i++)
      vf.mac[i] = static_cast<guint8>(std::stoul(mac.substr(3 * i, 2), nullptr, 16));
    vf.parts = VFERRY_IDENTITY_ALL;
    vf.vlan = static_cast<guint16>(vlan);
    vf.qos = static_cast<guint8>(qos);
    vf.vlan_protocol = static_cast<guint16>(protocol);
    vf.link_state = static_cast<VferryLinkState>(link);
    return vf;
  }
  static std::string text(const VferryIdentity &vf) {
    char text[128];
    std::snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x %u %u %u %d %d %u %u %u",
                  vf.mac[0], vf.mac[1], vf.mac[2], vf.mac[3], vf.mac[4], vf.mac[5], vf.vlan,
                  vf.qos, vf.vlan_protocol, vf.trust, vf.spoofchk,
                  static_cast<unsigned>(vf.link_state), vf.min_tx_rate, vf.max_tx_rate);
    return text;
  }

  const char *path_;
};

const char *path;

void describe(FakeKernel &kernel, const Table &table) {
  nl_msg *message = start_link(1);
  nla_put_u32(message, IFLA_NUM_VF, static_cast<uint32_t>(table.vfs.size()));
  nlattr *list = nla_nest_start(message, IFLA_VFINFO_LIST);
  for (size_t i = 0; i < table.vfs.size(); i++)
    put_vf(message, static_cast<uint32_t>(i), table.vfs[i]);
  nla_nest_end_keep_empty(message, list);
  kernel.say(message);
}

void take(VferryIdentity &vf, int type, const uint32_t *data) {
  switch (type) {
    case IFLA_VF_MAC:
      memcpy(vf.mac, data + 1, VFERRY_MAC_SIZE);
      break;
    case IFLA_VF_VLAN_LIST: {
      auto *info = reinterpret_cast<const ifla_vf_vlan_info *>(data);
      vf.vlan = static_cast<guint16>(info->vlan);
      vf.qos = static_cast<guint8>(info->qos);
      vf.vlan_protocol = ntohs(info->vlan_proto);
      break;
    }
    case IFLA_VF_TRUST:
      vf.trust = static_cast<gboolean>(data[1]);
      break;
    case IFLA_VF_SPOOFCHK:
      vf.spoofchk = static_cast<gboolean>(data[1]);
      break;
    case IFLA_VF_LINK_STATE:
      vf.link_state = static_cast<VferryLinkState>(data[1]);
      break;
    case IFLA_VF_RATE:
      vf.min_tx_rate = data[1];
      vf.max_tx_rate = data[2];
      break;
  }
}

int set(Table &table, nlmsghdr *request) {
  auto *list = nlmsg_find_attr(request, sizeof(ifinfomsg), IFLA_VFINFO_LIST);
  auto *attribute = static_cast<nlattr *>(nla_data(static_cast<nlattr *>(nla_data(list))));
  const int type = nla_type(attribute);
  auto *data = static_cast<uint32_t *>(nla_data(attribute));

  if (type == table.refused)
    return EINVAL;
  if (type == IFLA_VF_VLAN_LIST)
    data = static_cast<uint32_t *>(nla_data(reinterpret_cast<nlattr *>(data)));
  if (data[0] >= table.vfs.size())
    return EINVAL;
  take(table.vfs[data[0]], type, data);
  table.save();
  return 0;
}

void answer(FakeKernel &kernel, nlmsghdr *request) {
  Table table(path);

  if (request->nlmsg_type == RTM_GETLINK) {
    describe(kernel, table);
    kernel.acknowledge();
  } else {
    kernel.acknowledge(-set(table, request));
  }
}

// The program clears its environment, so that is read before main().
[[gnu::constructor]] void install() {
  path = std::getenv("PF_TABLE");
  if (path)
    new FakeKernel(answer);
}

}  // namespace
