// SPDX-License-Identifier: LGPL-2.1-or-later
// Identities of VFs read, set and forgotten: on a PF that is played, and on this host's kernel.
#include "caught.h"
#include "fake_kernel.h"
#include "vf_table.h"

#include <sched.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace {

// The loopback's name and number stand for a PF's.
constexpr const char *pf_name = "lo";
constexpr int pf_interface = 1;

// A PF driver with VFs, behind rtnetlink.
class FakePf {
 public:
  explicit FakePf(size_t count)
      : kernel_([this](FakeKernel &, nlmsghdr *request) { answer(request); }) {
    for (size_t i = 0; i < count; i++)
      vfs.push_back(some_identity(static_cast<guint8>(i)));
  }

  VfTable vfs;
  std::map<int, int> refused;  // IFLA_VF_* to errno, from the first time on
  std::set<int> ignored;       // IFLA_VF_* that is taken and not done
  std::vector<int> asked;      // IFLA_VF_* in the order of the requests
  int refuse_after = -1;       // so many are taken, the others refused
  bool describes = true;

 private:
  void answer(nlmsghdr *request) {
    if (request->nlmsg_type == RTM_GETLINK) {
      if (describes)
        kernel_.say(describe_vfs(vfs, pf_interface));
      kernel_.acknowledge();
      return;
    }
    ASSERT_EQ(request->nlmsg_type, RTM_SETLINK);
    kernel_.acknowledge(-set(VfRequest(request)));
  }

  int set(const VfRequest &request) {
    asked.push_back(request.type);
    if (refused.count(request.type))
      return refused[request.type];
    if (refuse_after >= 0 && asked.size() > static_cast<size_t>(refuse_after))
      return EIO;
    if (!ignored.count(request.type))
      request.carry_out(&vfs);
    return 0;
  }

  FakeKernel kernel_;
};

bool same(const VferryIdentity &a, const VferryIdentity &b) {
  return a.parts == b.parts && vferry_identity_difference(&a, &b) == 0;
}

VferryIdentity wanted_identity() {
  VferryIdentity identity = {};

  identity.parts = VFERRY_IDENTITY_ALL;
  const guint8 mac[] = {0x52, 0x54, 0x00, 0xaa, 0xbb, 0xcc};
  memcpy(identity.mac, mac, sizeof(mac));
  identity.vlan = 7;
  identity.vlan_protocol = VFERRY_VLAN_8021Q;
  identity.trust = TRUE;
  identity.link_state = VFERRY_LINK_ENABLE;
  identity.max_tx_rate = 100;
  return identity;
}

using Types = std::vector<int>;

class Identity : public testing::Test {
 protected:
  bool apply(const VferryIdentity &wanted, guint vf = 2) {
    return vferry_identity_apply(pf_name, vf, &wanted, &before, caught.out());
  }

  FakePf pf{4};
  Caught caught;
  VferryIdentity before = {};
};

TEST_F(Identity, ReadsAllInOneRequest) {
  g_autoptr(GArray) all = vferry_identity_read_all(pf_name, caught.out());

  ASSERT_NE(all, nullptr) << caught.text();
  ASSERT_EQ(all->len, 4U);
  for (guint i = 0; i < all->len; i++)
    EXPECT_TRUE(same(g_array_index(all, VferryIdentity, i), some_identity(static_cast<guint8>(i))));
}

TEST_F(Identity, ReadsTwoHundredFiftySix) {
  while (pf.vfs.size() < 256)
    pf.vfs.push_back(some_identity(static_cast<guint8>(pf.vfs.size())));
  g_autoptr(GArray) all = vferry_identity_read_all(pf_name, caught.out());
  ASSERT_NE(all, nullptr) << caught.text();
  ASSERT_EQ(all->len, 256U);
  EXPECT_TRUE(same(g_array_index(all, VferryIdentity, 255), some_identity(255)));
}

TEST_F(Identity, ReadsOne) {
  EXPECT_TRUE(vferry_identity_read(pf_name, 3, &before, caught.out())) << caught.text();
  EXPECT_TRUE(same(before, some_identity(3)));
}

TEST_F(Identity, NoSuchVf) {
  EXPECT_FALSE(vferry_identity_read(pf_name, 4, &before, caught.out()));
  caught.expect(VFERRY_ERROR_NOT_FOUND, "lo has 4 VFs: there is no VF 4");
  EXPECT_FALSE(apply(wanted_identity(), 4));
  caught.expect(VFERRY_ERROR_NOT_FOUND, "there is no VF 4");
  EXPECT_FALSE(vferry_identity_forget(pf_name, 4, caught.out()));
  caught.expect(VFERRY_ERROR_NOT_FOUND, "there is no VF 4");
  EXPECT_TRUE(pf.asked.empty());
}

TEST_F(Identity, AKernelThatDoesNotDescribeThePf) {
  pf.describes = false;
  EXPECT_FALSE(vferry_identity_read(pf_name, 0, &before, caught.out()));
  caught.expect(VFERRY_ERROR_INVALID, "lo: the kernel does not describe it");
}

TEST_F(Identity, NoSuchPf) {
  EXPECT_EQ(vferry_identity_read_all("vferry-none0", caught.out()), nullptr);
  caught.expect(VFERRY_ERROR_NOT_FOUND, "vferry-none0");
  EXPECT_EQ(vferry_identity_read_all("a/b", caught.out()), nullptr);
  caught.expect(VFERRY_ERROR_INVALID, "a/b");
}

TEST_F(Identity, SetsAllInOrderAndSaysWhatWasBefore) {
  EXPECT_TRUE(apply(wanted_identity())) << caught.text();
  EXPECT_TRUE(same(pf.vfs[2], wanted_identity()));
  EXPECT_TRUE(same(before, some_identity(2)));
  EXPECT_EQ(pf.asked, (Types{IFLA_VF_TRUST, IFLA_VF_MAC, IFLA_VF_VLAN_LIST, IFLA_VF_SPOOFCHK,
                             IFLA_VF_RATE, IFLA_VF_LINK_STATE}));
  for (guint8 i : {0, 1, 3})
    EXPECT_TRUE(same(pf.vfs[i], some_identity(i)));
}

TEST_F(Identity, WhatWasBeforeCanBeAppliedAgain) {
  VferryIdentity ignored;

  ASSERT_TRUE(apply(wanted_identity())) << caught.text();
  EXPECT_TRUE(vferry_identity_apply(pf_name, 2, &before, &ignored, caught.out())) << caught.text();
  EXPECT_TRUE(same(pf.vfs[2], some_identity(2)));
}

TEST_F(Identity, SetsWhatDiffersOnly) {
  VferryIdentity wanted = some_identity(2);

  wanted.max_tx_rate = 901;
  EXPECT_TRUE(apply(wanted)) << caught.text();
  EXPECT_EQ(pf.asked, Types{IFLA_VF_RATE});
  EXPECT_EQ(pf.vfs[2].max_tx_rate, 901U);
}

TEST_F(Identity, SetsWhatIsWantedOnly) {
  VferryIdentity wanted = wanted_identity();

  wanted.parts = VFERRY_IDENTITY_MAC;
  EXPECT_TRUE(vferry_identity_apply(pf_name, 2, &wanted, nullptr, caught.out())) << caught.text();
  EXPECT_EQ(pf.asked, Types{IFLA_VF_MAC});
  EXPECT_EQ(pf.vfs[2].vlan, some_identity(2).vlan);
}

TEST_F(Identity, NothingIsWanted) {
  EXPECT_TRUE(apply(VferryIdentity{})) << caught.text();
  EXPECT_TRUE(pf.asked.empty());
  EXPECT_TRUE(same(before, some_identity(2)));
}

TEST_F(Identity, ARefusalPutsBackWhatWasThere) {
  pf.refused[IFLA_VF_SPOOFCHK] = EOPNOTSUPP;
  EXPECT_FALSE(apply(wanted_identity()));
  caught.expect(VFERRY_ERROR_FAILED,
                "lo: VF 2: the driver refuses spoof check off: Operation not supported");
  EXPECT_TRUE(same(pf.vfs[2], some_identity(2)));
  EXPECT_EQ(before.parts, 0U);
  // The last that was set is put back first.
  EXPECT_EQ(pf.asked, (Types{IFLA_VF_TRUST, IFLA_VF_MAC, IFLA_VF_VLAN_LIST, IFLA_VF_SPOOFCHK,
                             IFLA_VF_VLAN_LIST, IFLA_VF_MAC, IFLA_VF_TRUST}));
}

TEST_F(Identity, AVfThatIsBeingResetIsBusy) {
  pf.refused[IFLA_VF_TRUST] = EAGAIN;
  EXPECT_FALSE(apply(wanted_identity()));
  caught.expect(VFERRY_ERROR_BUSY, "the driver refuses trust on");
  EXPECT_TRUE(same(pf.vfs[2], some_identity(2)));
}

// ixgbe takes link state enable, and does nothing.
TEST_F(Identity, ADriverThatTakesAndDoesNotDo) {
  pf.ignored.insert(IFLA_VF_LINK_STATE);
  EXPECT_FALSE(apply(wanted_identity()));
  caught.expect(VFERRY_ERROR_FAILED, "took link enable, but tells link disable");
  EXPECT_TRUE(same(pf.vfs[2], some_identity(2)));
  EXPECT_EQ(before.parts, 0U);
}

TEST_F(Identity, WhatCannotBePutBackIsSaid) {
  pf.refuse_after = 2;
  EXPECT_FALSE(apply(wanted_identity()));
  caught.expect(VFERRY_ERROR_FAILED, "refuses VLAN 7 qos 0: Input/output error; what was there");
  caught.expect(VFERRY_ERROR_FAILED, "refuses MAC 52:54:00:00:01:02");
  // A refusal does not keep the others from being tried.
  EXPECT_EQ(pf.asked,
            (Types{IFLA_VF_TRUST, IFLA_VF_MAC, IFLA_VF_VLAN_LIST, IFLA_VF_MAC, IFLA_VF_TRUST}));
}

TEST_F(Identity, WhatTheDriverDoesNotTellIsNotSet) {
  pf.vfs[2].parts &= ~static_cast<guint>(VFERRY_IDENTITY_TRUST);
  EXPECT_FALSE(apply(wanted_identity()));
  caught.expect(VFERRY_ERROR_REFUSED, "would not tell whether it has set trust on");
  EXPECT_TRUE(pf.asked.empty());
}

TEST_F(Identity, WhatIsOutOfRangeIsNotSet) {
  VferryIdentity wanted = wanted_identity();

  wanted.vlan = 4095;
  EXPECT_FALSE(apply(wanted));
  caught.expect(VFERRY_ERROR_INVALID, "lo: VF 2: VLAN 4095 qos 0 cannot be");
  wanted = wanted_identity();
  wanted.parts |= 64;
  EXPECT_FALSE(apply(wanted));
  caught.expect(VFERRY_ERROR_INVALID, "an unknown part cannot be");
  EXPECT_TRUE(pf.asked.empty());
}

TEST_F(Identity, Forgets) {
  EXPECT_TRUE(vferry_identity_forget(pf_name, 1, caught.out())) << caught.text();
  VferryIdentity nobody = some_identity(1);
  memset(nobody.mac, 0, sizeof(nobody.mac));
  nobody.vlan = nobody.qos = 0;
  EXPECT_TRUE(same(pf.vfs[1], nobody));
  EXPECT_EQ(pf.asked, (Types{IFLA_VF_MAC, IFLA_VF_VLAN_LIST}));
  // A PF that says zero may take frames for the MAC that it had.
  EXPECT_TRUE(vferry_identity_forget(pf_name, 1, caught.out())) << caught.text();
  EXPECT_EQ(pf.asked, (Types{IFLA_VF_MAC, IFLA_VF_VLAN_LIST, IFLA_VF_MAC}));
}

TEST_F(Identity, ForgetsTheVlanWhereTheMacIsRefused) {
  pf.refused[IFLA_VF_MAC] = EINVAL;
  EXPECT_FALSE(vferry_identity_forget(pf_name, 1, caught.out()));
  caught.expect(VFERRY_ERROR_FAILED, "refuses MAC 00:00:00:00:00:00: Invalid argument");
  EXPECT_EQ(pf.vfs[1].vlan, 0);
}

TEST(Value, ProtocolDoesNotCountWithoutAVlan) {
  VferryIdentity a = some_identity(1);
  VferryIdentity b = a;

  b.vlan_protocol = VFERRY_VLAN_8021Q;
  EXPECT_EQ(vferry_identity_difference(&a, &b), static_cast<guint>(VFERRY_IDENTITY_VLAN));
  a.vlan = b.vlan = 0;
  EXPECT_EQ(vferry_identity_difference(&a, &b), static_cast<guint>(VFERRY_IDENTITY_VLAN));
  a.qos = b.qos = 0;
  EXPECT_EQ(vferry_identity_difference(&a, &b), 0U);
}

TEST(Value, EachPartCountsAlone) {
  const VferryIdentity a = some_identity(1), b = wanted_identity();

  for (guint part = 1; part < VFERRY_IDENTITY_ALL; part <<= 1) {
    VferryIdentity one = b;
    one.parts = part;
    EXPECT_EQ(vferry_identity_difference(&one, &a), part);
    EXPECT_EQ(vferry_identity_difference(&one, &one), 0U);
  }
}

TEST(Value, EachMemberCountsAlone) {
  const VferryIdentity a = some_identity(1);
  const std::vector<void (*)(VferryIdentity *)> changes = {
      [](VferryIdentity *i) { i->mac[5]++; },      [](VferryIdentity *i) { i->vlan++; },
      [](VferryIdentity *i) { i->qos++; },         [](VferryIdentity *i) { i->vlan_protocol++; },
      [](VferryIdentity *i) { i->min_tx_rate++; }, [](VferryIdentity *i) { i->max_tx_rate++; },
  };

  for (auto change : changes) {
    VferryIdentity b = a;
    change(&b);
    EXPECT_NE(vferry_identity_difference(&a, &b), 0U);
  }
}

// Switches are on or off, whatever number says so.
TEST(Value, AnyNumberIsOn) {
  const VferryIdentity a = some_identity(1);
  VferryIdentity b = a;

  b.spoofchk = 17;
  EXPECT_EQ(vferry_identity_difference(&a, &b), 0U);
}

TEST(Value, Text) {
  const VferryIdentity identity = some_identity(1);
  g_autofree char *all = vferry_identity_text(&identity, VFERRY_IDENTITY_ALL);
  g_autofree char *none = vferry_identity_text(&identity, 0);

  EXPECT_STREQ(all,
               "trust off, MAC 52:54:00:00:01:01, VLAN 100 qos 3 802.1ad, spoof check on, "
               "rate 10 to 900 Mb/s, link disable");
  EXPECT_STREQ(none, "");
}

TEST(Value, Range) {
  Caught caught;
  VferryIdentity identity = some_identity(1);

  EXPECT_TRUE(vferry_identity_check(&identity, caught.out()));
  identity.vlan = 4094;
  identity.qos = 7;
  identity.max_tx_rate = 0;
  EXPECT_TRUE(vferry_identity_check(&identity, caught.out())) << caught.text();
  identity.vlan_protocol = 0;
  EXPECT_FALSE(vferry_identity_check(&identity, caught.out()));
  identity.parts &= ~static_cast<guint>(VFERRY_IDENTITY_VLAN);
  EXPECT_TRUE(vferry_identity_check(&identity, caught.out())) << caught.text();
}

TEST(Kernel, TheLoopbackIsNotEthernet) {
  Caught caught;

  EXPECT_EQ(vferry_identity_read_all("lo", caught.out()), nullptr);
  caught.expect(VFERRY_ERROR_REFUSED, "lo: it is not Ethernet");
}

// In a network namespace of this process, for which it takes root.
TEST(Kernel, AnInterfaceWithoutVfs) {
  const char *command = "ip link add pf0 type veth peer name wire0";
  const VferryIdentity wanted = wanted_identity();
  VferryIdentity identity;
  Caught caught;
  int status = -1;

  if (unshare(CLONE_NEWNET) != 0)
    GTEST_SKIP() << "no network namespace without root";
  ASSERT_TRUE(g_spawn_command_line_sync(command, nullptr, nullptr, &status, nullptr));
  ASSERT_EQ(status, 0);
  g_autoptr(GArray) all = vferry_identity_read_all("pf0", caught.out());
  ASSERT_NE(all, nullptr) << caught.text();
  EXPECT_EQ(all->len, 0U);
  EXPECT_FALSE(vferry_identity_read("pf0", 0, &identity, caught.out()));
  caught.expect(VFERRY_ERROR_NOT_FOUND, "pf0 has 0 VFs: there is no VF 0");
  EXPECT_FALSE(vferry_identity_apply("pf0", 0, &wanted, nullptr, caught.out()));
  caught.expect(VFERRY_ERROR_NOT_FOUND, "there is no VF 0");
}

}  // namespace
