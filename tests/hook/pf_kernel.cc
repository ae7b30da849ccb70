// SPDX-License-Identifier: LGPL-2.1-or-later
// A PF's driver behind rtnetlink, for a program that this is preloaded to. What it holds of
// its VFs is in the file that PF_TABLE names, a line a VF:
//   MAC vlan qos vlan-protocol trust spoofchk link-state min-tx-rate max-tx-rate
// A line "refuse N" before them has requests of type IFLA_VF_... N refused.
#include "../lib/fake_kernel.h"
#include "../lib/vf_table.h"

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
  // At once, as a driver does it: the program may be killed at any call.
  void save() const {
    const std::string temporary = std::string(path_) + ".new";
    {
      std::ofstream file(temporary);
      if (refused)
        file << "refuse " << refused << "\n";
      for (const VferryIdentity &vf : vfs)
        file << text(vf) << "\n";
    }
    std::rename(temporary.c_str(), path_);
  }

  VfTable vfs;
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

int set(Table &table, const VfRequest &request) {
  if (request.type == table.refused || request.body[0] >= table.vfs.size())
    return EINVAL;
  request.carry_out(&table.vfs);
  table.save();
  return 0;
}

void answer(FakeKernel &kernel, nlmsghdr *request) {
  Table table(path);

  if (request->nlmsg_type == RTM_GETLINK) {
    kernel.say(describe_vfs(table.vfs, 1));
    kernel.acknowledge();
  } else {
    kernel.acknowledge(-set(table, VfRequest(request)));
  }
}

// The program clears its environment, so that is read before main().
[[gnu::constructor]] void install() {
  path = std::getenv("PF_TABLE");
  if (path)
    new FakeKernel(answer);
}

}  // namespace
