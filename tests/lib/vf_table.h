// SPDX-License-Identifier: LGPL-2.1-or-later
// What a PF's driver holds of its VFs, told and changed by rtnetlink messages.
#pragma once

#include "vf_messages.h"

#include <stdexcept>
#include <vector>

using VfTable = std::vector<VferryIdentity>;

// The answer to RTM_GETLINK.
inline nl_msg *describe_vfs(const VfTable &vfs, int interface) {
  nl_msg *message = start_link(interface);

  nla_put_u32(message, IFLA_NUM_VF, static_cast<uint32_t>(vfs.size()));
  nlattr *list = nla_nest_start(message, IFLA_VFINFO_LIST);
  for (size_t i = 0; i < vfs.size(); i++)
    put_vf(message, static_cast<uint32_t>(i), vfs[i]);
  nla_nest_end_keep_empty(message, list);
  return message;
}

// One part of one VF that an RTM_SETLINK sets: an IFLA_VF_*, and what is in it.
struct VfRequest {
  int type;
  uint32_t *body;  // first the VF's index

  explicit VfRequest(nlmsghdr *request) {
    nlattr *list = nlmsg_find_attr(request, sizeof(ifinfomsg), IFLA_VFINFO_LIST);
    auto *attribute = static_cast<nlattr *>(nla_data(static_cast<nlattr *>(nla_data(list))));

    type = nla_type(attribute);
    body = static_cast<uint32_t *>(nla_data(attribute));
    if (type == IFLA_VF_VLAN_LIST)
      body = static_cast<uint32_t *>(nla_data(reinterpret_cast<nlattr *>(body)));
  }

  void carry_out(VfTable *vfs) const {
    VferryIdentity &vf = vfs->at(body[0]);

    switch (type) {
      case IFLA_VF_MAC:
        memcpy(vf.mac, body + 1, VFERRY_MAC_SIZE);
        break;
      case IFLA_VF_VLAN_LIST:
        vf.vlan = static_cast<guint16>(body[1]);
        vf.qos = static_cast<guint8>(body[2]);
        vf.vlan_protocol = ntohs(reinterpret_cast<ifla_vf_vlan_info *>(body)->vlan_proto);
        break;
      case IFLA_VF_TRUST:
        vf.trust = static_cast<gboolean>(body[1]);
        break;
      case IFLA_VF_SPOOFCHK:
        vf.spoofchk = static_cast<gboolean>(body[1]);
        break;
      case IFLA_VF_RATE:
        vf.min_tx_rate = body[1];
        vf.max_tx_rate = body[2];
        break;
      case IFLA_VF_LINK_STATE:
        vf.link_state = static_cast<VferryLinkState>(body[1]);
        break;
      default:
        throw std::invalid_argument("no such attribute of a VF");
    }
  }
};
