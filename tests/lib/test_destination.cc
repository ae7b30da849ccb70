// SPDX-License-Identifier: LGPL-2.1-or-later
// Which VFs a domain gets that comes from elsewhere: the pure choice.
#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>
#include <string>
#include <vector>

extern "C" {
#include "destination.h"
#include "error.h"
}

namespace {

constexpr guint16 kIntel = 0x10ca, kMellanox = 0x101e;

// The VF 0000:01:10.N unless another bus is said.
VferryAddress at(unsigned number, unsigned bus = 1) {
  return {0, static_cast<guint8>(bus), 0x10, static_cast<guint8>(number)};
}

// What is said of a VF; the rest is a free one on network "lab" with a VFIO driver.
struct Vf {
  explicit Vf(const VferryAddress &where) : address(where) {}
  Vf &on(const char *name) { return network = name, *this; }
  Vf &taken_by(const char *whom) { return taken = whom, *this; }
  Vf &unconfigured() { return configured = bindable = false, *this; }
  Vf &kept() { return bindable = false, *this; }
  Vf &in_pool() { return pool = "vf-pool", *this; }
  Vf &of_host() { return host_uses = true, *this; }
  Vf &unbound() { return bound = false, *this; }
  Vf &near(int node) { return numa = node, *this; }
  Vf &model(guint16 id) { return device = id, *this; }

  VferryAddress address;
  const char *network = "lab";
  const char *taken = nullptr;
  const char *pool = nullptr;
  bool configured = true;
  bool bindable = true;
  bool host_uses = false;
  bool bound = true;
  int numa = -1;
  guint16 device = kIntel;
};

struct Wish {
  VferryAddress named;
  const char *network = nullptr;
  bool managed = true;
};

using Chosen = std::vector<int>;  // -1: refused

class Destination : public testing::Test {
 protected:
  Destination()
      : vfs_(g_array_new(FALSE, FALSE, sizeof(VferryDestinationVf))),
        wishes_(g_array_new(FALSE, FALSE, sizeof(VferryDestinationWish))),
        nodes_(g_array_new(FALSE, FALSE, sizeof(guint))) {}
  ~Destination() override {
    g_array_unref(vfs_);
    g_array_unref(wishes_);
    g_array_unref(nodes_);
    g_clear_error(&error_);
  }

  void have(const Vf &vf) {
    static char vfio_dev[] = "vfio0";
    VferryVf described = {};
    described.address = vf.address;
    described.vendor = 0x8086;
    described.device = vf.device;
    described.numa_node = vf.numa;
    described.vfio_dev = vf.bound ? vfio_dev : nullptr;
    described_.push_back(described);
    const VferryDestinationVf entry = {&described_.back(), vf.network, vf.configured,
                                       vf.bindable, vf.host_uses, const_cast<char *>(vf.taken),
                                       const_cast<char *>(vf.pool)};
    g_array_append_val(vfs_, entry);
  }
  void forget() { g_array_set_size(vfs_, 0); }
  const VferryDestinationVf &entry(int i) const {
    return g_array_index(vfs_, VferryDestinationVf, i);
  }
  void near(guint node) { g_array_append_val(nodes_, node); }

  Chosen choose(const std::vector<Wish> &wishes) {
    g_array_set_size(wishes_, 0);
    for (const Wish &wish : wishes) {
      const VferryDestinationWish entry = {wish.named, wish.network, wish.managed};
      g_array_append_val(wishes_, entry);
    }
    std::vector<guint> chosen(wishes.size());
    g_clear_error(&error_);
    if (!vferry_destination_choose(vfs_, wishes_, nodes_, orchestrator_, chosen.data(), &error_))
      return {-1};
    return {chosen.begin(), chosen.end()};
  }
  void expect_refused(const std::vector<Wish> &wishes, const std::string &why) {
    EXPECT_EQ(choose(wishes), Chosen{-1});
    ASSERT_NE(error_, nullptr);
    EXPECT_EQ(error_->code, VFERRY_ERROR_REFUSED);
    EXPECT_NE(std::string(error_->message).find(why), std::string::npos) << error_->message;
    EXPECT_EQ(std::string(error_->message).find('\n'), std::string::npos);
  }

  const char *orchestrator_ = nullptr;

 private:
  GArray *vfs_, *wishes_, *nodes_;
  std::deque<VferryVf> described_;
  GError *error_ = nullptr;
};

}  // namespace

TEST_F(Destination, NothingWantedNothingChosen) { EXPECT_EQ(choose({}), Chosen{}); }

TEST_F(Destination, KeepsWhatIsNamedHereAndFree) {
  have(Vf(at(0)));
  have(Vf(at(1)).unconfigured().on(nullptr));
  have(Vf(at(2)).kept().of_host().unbound());
  EXPECT_EQ(choose({{at(0)}}), Chosen{0});
  EXPECT_EQ(choose({{at(0), "lab", false}}), Chosen{0});
  EXPECT_EQ(choose({{at(1)}, {at(0)}}), (Chosen{1, 0}));
  EXPECT_EQ(choose({{at(2)}}), Chosen{2});
}

TEST_F(Destination, SaysWhyItIsNotKept) {
  have(Vf(at(0)).taken_by("the moon has it"));
  have(Vf(at(1)).unconfigured().on(nullptr).unbound());
  expect_refused({{at(0)}}, "cannot have VF 0000:01:10.0: the moon has it; none of the 1 VFs on "
                            "network 'lab' is free: 1 claimed or in use,");
  expect_refused({{at(7)}}, "there is no such VF here");
  expect_refused({{at(1), nullptr, false}}, "it has no VFIO driver, and with managed='no' nobody");
  expect_refused({{at(1), "lab"}}, "it is not known to be on network 'lab'");
  expect_refused({{at(0), "sun"}}, "the moon has it; no PF on network 'sun' is in vferry.conf");
}

TEST_F(Destination, OneThatIsNamedTwiceIsKeptOnce) {
  have(Vf(at(0)));
  expect_refused({{at(0)}, {at(0)}}, "the domain names it twice");
  have(Vf(at(1)));
  EXPECT_EQ(choose({{at(0)}, {at(0)}}), (Chosen{0, 1}));
}

TEST_F(Destination, NoWishTakesWhatAnotherNames) {
  have(Vf(at(0)));
  have(Vf(at(1)));
  EXPECT_EQ(choose({{at(7), "lab"}, {at(0)}}), (Chosen{1, 0}));
  expect_refused({{at(7), "lab"}, {at(0)}, {at(1)}}, "VF 0000:01:10.7");
}

TEST_F(Destination, NetworkIsThatOfTheMetadataOrOfTheNamedVf) {
  have(Vf(at(0)).taken_by("x"));
  have(Vf(at(1)).on("storage"));
  have(Vf(at(2)).on(nullptr));
  have(Vf(at(3)));
  EXPECT_EQ(choose({{at(0)}}), Chosen{3});
  EXPECT_EQ(choose({{at(0), "storage"}}), Chosen{1});
  EXPECT_EQ(choose({{at(1), "lab"}}), Chosen{3});
  EXPECT_EQ(choose({{at(7)}}), Chosen{2});
}

TEST_F(Destination, OthersAreOfferedFreeAndBindable) {
  have(Vf(at(0)).unconfigured());
  have(Vf(at(1)).taken_by("x"));
  have(Vf(at(2)).of_host());
  have(Vf(at(3)).kept().unbound());
  have(Vf(at(4)).taken_by("y"));
  have(Vf(at(6)).in_pool());
  expect_refused({{at(7), "lab"}},
                 "none of the 5 VFs on network 'lab' is free: 2 claimed or in use, 1 used by the "
                 "host itself, 1 of a network of libvirt's, 1 without a VFIO driver under "
                 "driver=keep, see vferry list");
  EXPECT_EQ(choose({{at(6), "lab"}}), Chosen{5});
  have(Vf(at(5)).unbound());
  EXPECT_EQ(choose({{at(7), "lab", false}}), Chosen{6});
}

TEST_F(Destination, ModelIsThatOfTheNamedVf) {
  have(Vf(at(0)).taken_by("x"));
  have(Vf(at(1)).model(kMellanox));
  expect_refused({{at(0)}}, "1 of another model");
  have(Vf(at(2)));
  EXPECT_EQ(choose({{at(0)}}), Chosen{2});
  EXPECT_EQ(choose({{at(1)}}), Chosen{1});
  // Nothing tells the model: also one that is taken now would do another time.
  expect_refused({{at(7), "lab"}}, "of several models (8086:101e, 8086:10ca)");
}

TEST_F(Destination, PrefersNearThenBoundThenFirst) {
  have(Vf(at(0)).near(0).unbound());
  have(Vf(at(1)).near(0));
  have(Vf(at(2)).near(0));
  have(Vf(at(3)).near(1).unbound());
  EXPECT_EQ(choose({{at(7), "lab"}}), Chosen{1});
  EXPECT_EQ(choose({{at(7), "lab"}, {at(6), "lab"}}), (Chosen{1, 2}));
  near(1);
  EXPECT_EQ(choose({{at(7), "lab"}, {at(6), "lab"}}), (Chosen{3, 1}));
  near(0);
  EXPECT_EQ(choose({{at(7), "lab"}}), Chosen{1});
}

TEST_F(Destination, AnOrchestratorsChoiceIsKeptOrRefused) {
  have(Vf(at(0)));
  have(Vf(at(1)).taken_by("x"));
  orchestrator_ = "Nova";
  EXPECT_EQ(choose({{at(0)}}), Chosen{0});
  expect_refused({{at(0)}, {at(1)}}, "VF 0000:01:10.1: x; Nova chose it, so vferry takes no other");
}

// Whatever there is: no VF twice, each is what was named or fits, and who named a free VF on
// its network has it.
TEST_F(Destination, HoldsForAnyHost) {
  std::mt19937 dice(1);
  const auto one_in = [&dice](unsigned n) { return dice() % n == 0; };
  const char *const networks[] = {nullptr, "lab", "storage"};
  int chosen = 0;
  for (int round = 0; round < 20000; round++) {
    forget();
    for (unsigned i = 0; i < dice() % 8; i++) {
      Vf vf = Vf(at(i)).on(networks[dice() % 3]).near(static_cast<int>(dice() % 3) - 1);
      vf.taken = one_in(4) ? "x" : nullptr;
      vf.configured = !one_in(4);
      vf.bindable = vf.configured && !one_in(4);
      vf.host_uses = one_in(4);
      vf.pool = one_in(4) ? "vf-pool" : nullptr;
      vf.bound = !one_in(3);
      have(vf);
    }
    std::vector<Wish> wishes;
    for (unsigned i = 0; i < dice() % 4; i++)
      wishes.push_back({at(dice() % 8), networks[dice() % 3], one_in(2)});
    const Chosen result = choose(wishes);
    if (result == Chosen{-1})
      continue;
    ASSERT_EQ(result.size(), wishes.size());
    EXPECT_EQ(std::set<int>(result.begin(), result.end()).size(), result.size());
    for (size_t i = 0; i < wishes.size(); i++) {
      const VferryDestinationVf &vf = entry(result[i]);
      const bool kept = vferry_address_equal(&vf.vf->address, &wishes[i].named);
      EXPECT_EQ(vf.taken, nullptr);
      EXPECT_TRUE(kept || (vf.configured && !vf.host_uses && !vf.pool));
      EXPECT_TRUE(vf.vf->vfio_dev || vf.bindable || (kept && wishes[i].managed));
      EXPECT_STREQ(vf.network, wishes[i].network ? wishes[i].network : vf.network);
      chosen++;
    }
  }
  EXPECT_GT(chosen, 1000);
}
