// SPDX-License-Identifier: LGPL-2.1-or-later
// What `vferry check` makes of facts, and the texts that it reads them from.
#include <gtest/gtest.h>

extern "C" {
#include "check-identity.h"
#include "check-judge.h"
}

#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

namespace {

struct ReportDeleter {
  void operator()(Report *report) const { report_free(report); }
};
struct HereDeleter {
  void operator()(CheckHere *here) const { check_here_free(here); }
};
struct ThereDeleter {
  void operator()(CheckThere *there) const { check_there_free(there); }
};
using Here = std::unique_ptr<CheckHere, HereDeleter>;
using There = std::unique_ptr<CheckThere, ThereDeleter>;
using Levels = std::vector<std::pair<ReportLevel, std::string>>;  // without REPORT_OK

VferryAddress at(unsigned bus, unsigned device, unsigned function = 0) {
  return {0, static_cast<guint8>(bus), static_cast<guint8>(device), static_cast<guint8>(function)};
}

CheckDevice *add_device(CheckHere *here, const VferryAddress &address) {
  CheckDevice *device = check_device_new(here->devices);
  device->has_address = device->present = device->is_vf = device->is_vfio = TRUE;
  device->address = address;
  device->vendor = 0x8086;
  device->device = 0x10ca;
  device->driver = g_strdup("igbvf_vfio_pci");
  device->best = g_strdup("igbvf_vfio_pci");
  device->features = {ANSWER_YES, ANSWER_YES, ANSWER_YES, ANSWER_YES, g_strdup("debugfs")};
  device->pf_interface = g_strdup("pf0");
  device->pf_up = ANSWER_YES;
  return device;
}

Here good_here() {
  Here here(check_here_new());
  here->name = g_strdup("guest");
  here->uuid = g_strdup("11111111-2222-3333-4444-555555555555");
  here->active = TRUE;
  here->qemu = VERSION(10, 0);
  here->libvirt = VERSION(11, 3);
  here->host_uuid = g_strdup("one");
  here->traits.memory_kib = 1024 * 1024;
  add_device(here.get(), at(1, 16));
  return here;
}

CheckFunction *add_function(CheckThere *there, const VferryAddress &address,
                            const char *driver = "igbvf_vfio_pci", const char *user = nullptr) {
  CheckFunction *function = g_new0(CheckFunction, 1);
  function->device = g_new0(NodeDevice, 1);
  function->device->is_pci = function->device->is_vf = TRUE;
  function->device->address = address;
  function->device->pf = at(1, 0);
  function->device->vendor = 0x8086;
  function->device->device = 0x10ca;
  function->device->driver = g_strdup(driver);
  function->user = g_strdup(user);
  g_ptr_array_add(there->functions, function);
  return function;
}

There good_there() {
  There there(check_there_new("qemu+ssh://host2/system"));
  there->qemu = VERSION(10, 0);
  there->libvirt = VERSION(11, 3);
  there->host_uuid = g_strdup("two");
  add_function(there.get(), at(1, 16));
  return there;
}

Levels not_ok(const std::function<void(Report *)> &judge) {
  std::unique_ptr<Report, ReportDeleter> report(report_new());
  Levels levels;
  judge(report.get());
  for (guint i = 0; i < report->lines->len; i++) {
    const auto *line = static_cast<const ReportLine *>(g_ptr_array_index(report->lines, i));
    if (line->level == REPORT_OK)
      continue;
    EXPECT_TRUE(line->advice) << line->text;
    levels.emplace_back(line->level, line->about);
  }
  return levels;
}

Levels judge_here(const CheckHere *here) {
  return not_ok([=](Report *report) { check_judge_here(report, here); });
}

Levels judge_there(const CheckHere *here, const CheckThere *there) {
  return not_ok([=](Report *report) { check_judge_there(report, here, there); });
}

const Levels kNothing;
const std::string kVf = "0000:01:10.0";

void set(char **text, const char *value) {
  g_free(*text);
  *text = g_strdup(value);
}

struct HereCase {
  const char *name;
  std::function<void(CheckHere *, CheckDevice *)> change;
  Levels expected;
};

TEST(JudgeHere, GoodIsGood) { EXPECT_EQ(judge_here(good_here().get()), kNothing); }

TEST(JudgeHere, EachFactCounts) {
  const HereCase cases[] = {
      {"shut off", [](CheckHere *h, CheckDevice *) { h->active = FALSE; },
       {{REPORT_PROBLEM, "domain"}}},
      {"Nova", [](CheckHere *h, CheckDevice *) { h->orchestrator = "Nova"; },
       {{REPORT_WARNING, "domain"}}},
      {"QEMU 8.0", [](CheckHere *h, CheckDevice *) { h->qemu = VERSION(8, 0); },
       {{REPORT_PROBLEM, "QEMU"}}},
      {"QEMU 8.1", [](CheckHere *h, CheckDevice *) { h->qemu = VERSION(8, 1); }, {}},
      {"libvirt 8.5", [](CheckHere *h, CheckDevice *) { h->libvirt = VERSION(8, 5); },
       {{REPORT_PROBLEM, "libvirt"}}},
      {"not there", [](CheckHere *, CheckDevice *d) { d->present = d->is_vf = FALSE; },
       {{REPORT_WARNING, kVf}}},
      {"no VF", [](CheckHere *, CheckDevice *d) { d->is_vf = FALSE; }, {{REPORT_WARNING, kVf}}},
      {"vfio-pci", [](CheckHere *, CheckDevice *d) { set(&d->driver, "vfio-pci"); },
       {{REPORT_PROBLEM, kVf}}},
      {"no variant", [](CheckHere *, CheckDevice *d) {
         set(&d->driver, "vfio-pci");
         set(&d->best, "vfio-pci");
       }, {{REPORT_PROBLEM, kVf}}},
      {"no driver", [](CheckHere *, CheckDevice *d) { set(&d->driver, nullptr); },
       {{REPORT_PROBLEM, kVf}}},
      {"network driver", [](CheckHere *, CheckDevice *d) {
         set(&d->driver, "igbvf");
         d->is_vfio = FALSE;
       }, {{REPORT_PROBLEM, kVf}}},
      {"no migration", [](CheckHere *, CheckDevice *d) { d->features.stop_copy = ANSWER_NO; },
       {{REPORT_PROBLEM, kVf}}},
      {"not asked", [](CheckHere *, CheckDevice *d) { vfio_features_clear(&d->features); },
       {{REPORT_UNKNOWN, kVf}}},
      {"no log", [](CheckHere *, CheckDevice *d) { d->features.dirty_log = ANSWER_NO; },
       {{REPORT_PROBLEM, kVf}}},
      {"no pre-copy", [](CheckHere *, CheckDevice *d) { d->features.pre_copy = ANSWER_NO; }, {}},
      {"one without P2P", [](CheckHere *, CheckDevice *d) { d->features.p2p = ANSWER_NO; }, {}},
      {"devlink no", [](CheckHere *, CheckDevice *d) { d->devlink = ANSWER_NO; },
       {{REPORT_PROBLEM, kVf}}},
      {"devlink yes", [](CheckHere *, CheckDevice *d) { d->devlink = ANSWER_YES; }, {}},
      {"PF down", [](CheckHere *, CheckDevice *d) { d->pf_up = ANSWER_NO; },
       {{REPORT_WARNING, kVf}}},
      {"left behind", [](CheckHere *, CheckDevice *d) { set(&d->left_behind, "VLAN 42"); },
       {{REPORT_WARNING, kVf}}},
      {"vIOMMU", [](CheckHere *h, CheckDevice *) { h->traits.viommu = TRUE; },
       {{REPORT_PROBLEM, "vIOMMU"}}},
      {"post-copy", [](CheckHere *h, CheckDevice *) { h->traits.post_copy = TRUE; },
       {{REPORT_PROBLEM, "post-copy"}}},
      {"off", [](CheckHere *h, CheckDevice *) { h->traits.migration_off = TRUE; },
       {{REPORT_PROBLEM, "QEMU"}}},
      {"an mdev beside it", [](CheckHere *h, CheckDevice *) { h->traits.other_vfio = 1; },
       {{REPORT_UNKNOWN, "devices"}}},
      {"pool, shut off", [](CheckHere *, CheckDevice *d) {
         set(&d->pool, "storage");
         d->has_address = d->present = d->is_vf = d->is_vfio = FALSE;
       }, {{REPORT_UNKNOWN, "storage"}}},
  };
  for (const HereCase &test : cases) {
    Here here = good_here();
    test.change(here.get(), static_cast<CheckDevice *>(here->devices->pdata[0]));
    Levels found = judge_here(here.get());
    // A line that knows nothing to do is allowed for what is only unknown about several.
    EXPECT_EQ(found, test.expected) << test.name;
  }
}

TEST(JudgeHere, SeveralDevicesNeedP2p) {
  for (Answer p2p : {ANSWER_YES, ANSWER_NO, ANSWER_UNKNOWN}) {
    Here here = good_here();
    add_device(here.get(), at(1, 16, 2))->features.p2p = p2p;
    Levels expected;
    if (p2p != ANSWER_YES)
      expected = {{p2p == ANSWER_NO ? REPORT_PROBLEM : REPORT_UNKNOWN, "devices"}};
    EXPECT_EQ(judge_here(here.get()), expected) << p2p;
  }
}

TEST(JudgeHere, WithoutDevicesThereIsNothingMore) {
  Here here(check_here_new());
  here->active = TRUE;
  here->qemu = VERSION(10, 0);
  here->libvirt = VERSION(11, 3);
  here->traits.viommu = TRUE;
  EXPECT_EQ(judge_here(here.get()), kNothing);
}

TEST(JudgeHere, BlockersOfQemu) {
  Here here = good_here();
  here->asked_qemu = TRUE;
  here->blockers = g_new0(char *, 3);
  EXPECT_EQ(judge_here(here.get()), kNothing);
  here->blockers[0] = g_strdup("one");
  here->blockers[1] = g_strdup("%s%n");
  EXPECT_EQ(judge_here(here.get()), (Levels{{REPORT_PROBLEM, "QEMU"}, {REPORT_PROBLEM, "QEMU"}}));
}

struct ThereCase {
  const char *name;
  std::function<void(CheckHere *, CheckThere *)> change;
  Levels expected;
};

CheckFunction *first(CheckThere *there) {
  return static_cast<CheckFunction *>(there->functions->pdata[0]);
}

CheckDevice *first(CheckHere *here) { return static_cast<CheckDevice *>(here->devices->pdata[0]); }

void use(CheckFunction *function) { function->user = g_strdup("tenant"); }

TEST(JudgeThere, EachFactCounts) {
  const ThereCase cases[] = {
      {"good", [](CheckHere *, CheckThere *) {}, {}},
      {"itself", [](CheckHere *, CheckThere *t) { set(&t->host_uuid, "one"); },
       {{REPORT_PROBLEM, "host"}}},
      {"runs there", [](CheckHere *, CheckThere *t) { t->same_uuid_active = TRUE; },
       {{REPORT_PROBLEM, "domain"}}},
      {"name taken", [](CheckHere *, CheckThere *t) { t->name_taken = TRUE; },
       {{REPORT_PROBLEM, "domain"}}},
      {"memory", [](CheckHere *, CheckThere *t) { t->free_kib = 1024 * 1024; },
       {{REPORT_WARNING, "memory"}}},
      {"old QEMU", [](CheckHere *, CheckThere *t) { t->qemu = VERSION(7, 2); },
       {{REPORT_PROBLEM, "QEMU"}}},
      {"older QEMU", [](CheckHere *, CheckThere *t) { t->qemu = VERSION(9, 0); },
       {{REPORT_WARNING, "QEMU"}}},
      {"libvirt 9, managed", [](CheckHere *h, CheckThere *t) {
         t->libvirt = VERSION(9, 0);
         first(h)->managed = TRUE;
       }, {{REPORT_PROBLEM, kVf}}},
      {"libvirt 9", [](CheckHere *, CheckThere *t) { t->libvirt = VERSION(9, 0); },
       {}},
      {"vfio-pci there",
       [](CheckHere *, CheckThere *t) { set(&first(t)->device->driver, "vfio-pci"); },
       {{REPORT_WARNING, kVf}}},
      {"no driver there",
       [](CheckHere *, CheckThere *t) { set(&first(t)->device->driver, nullptr); },
       {{REPORT_WARNING, kVf}}},
      {"taken", [](CheckHere *, CheckThere *t) { use(first(t)); }, {{REPORT_PROBLEM, kVf}}},
      {"other device", [](CheckHere *, CheckThere *t) { first(t)->device->device = 0x1520; },
       {{REPORT_PROBLEM, kVf}}},
      {"other vendor", [](CheckHere *, CheckThere *t) { first(t)->device->vendor = 0x15b3; },
       {{REPORT_PROBLEM, kVf}}},
      {"taken, one more", [](CheckHere *, CheckThere *t) {
         use(first(t));
         add_function(t, at(1, 16, 2));
       }, {{REPORT_UNKNOWN, kVf}, {REPORT_WARNING, kVf}}},
      {"taken, one more, network said", [](CheckHere *h, CheckThere *t) {
         use(first(t));
         add_function(t, at(1, 16, 2));
         set(&first(h)->said_network, "lab");
       }, {{REPORT_UNKNOWN, kVf}, {REPORT_UNKNOWN, kVf}}},
      {"network said", [](CheckHere *h, CheckThere *) { set(&first(h)->said_network, "lab"); },
       {{REPORT_UNKNOWN, kVf}}},
      {"taken, one more, Nova", [](CheckHere *h, CheckThere *t) {
         use(first(t));
         add_function(t, at(1, 16, 2));
         h->orchestrator = "Nova";
       }, {{REPORT_PROBLEM, kVf}}},
      {"Nova, its address", [](CheckHere *h, CheckThere *) { h->orchestrator = "Nova"; }, {}},
      {"elsewhere", [](CheckHere *, CheckThere *t) { first(t)->device->address = at(9, 16); },
       {{REPORT_UNKNOWN, kVf}, {REPORT_WARNING, kVf}}},
      {"pool missing", [](CheckHere *h, CheckThere *) { set(&first(h)->pool, "storage"); },
       {{REPORT_PROBLEM, "storage"}}},
      {"pool", [](CheckHere *h, CheckThere *t) {
         set(&first(h)->pool, "storage");
         g_ptr_array_add(t->pools, g_strdup("storage"));
       }, {}},
      {"no VF here", [](CheckHere *h, CheckThere *) { first(h)->is_vf = FALSE; }, {}},
  };
  for (const ThereCase &test : cases) {
    Here here = good_here();
    There there = good_there();
    test.change(here.get(), there.get());
    EXPECT_EQ(judge_there(here.get(), there.get()), test.expected) << test.name;
  }
}

TEST(JudgeThere, NearestFunctionIsTaken) {
  // The device's own address is no candidate; the rest in the order of nearness.
  const std::vector<std::pair<const char *, Levels>> drivers = {
      {"igbvf_vfio_pci", {{REPORT_UNKNOWN, kVf}, {REPORT_WARNING, kVf}}},
      {nullptr, {{REPORT_WARNING, kVf}, {REPORT_UNKNOWN, kVf}, {REPORT_WARNING, kVf}}},
  };
  for (const auto &[driver, expected] : drivers) {
    Here here = good_here();
    There there = good_there();
    use(first(there.get()));
    add_function(there.get(), at(1, 16, 2), "igbvf");
    add_function(there.get(), at(1, 16, 4), "vfio-pci");
    add_function(there.get(), at(1, 16, 6), driver);
    EXPECT_EQ(judge_there(here.get(), there.get()), expected);
  }
}

TEST(JudgeThere, NoFunctionIsGivenTwice) {
  Here here = good_here();
  There there = good_there();
  add_device(here.get(), at(1, 16, 2));
  EXPECT_EQ(judge_there(here.get(), there.get()),
            (Levels{{REPORT_PROBLEM, "0000:01:10.2"}}));
  add_function(there.get(), at(1, 16, 2));
  EXPECT_EQ(judge_there(here.get(), there.get()), kNothing);
}

TEST(JudgeThere, PfThatIsDown) {
  Here here = good_here();
  There there = good_there();
  NodeDevice *interface = g_new0(NodeDevice, 1);
  interface->parent = g_strdup("pci_0000_01_00_0");
  interface->interface = g_strdup("enp1s0");
  g_ptr_array_add(there->interfaces, interface);
  EXPECT_EQ(judge_there(here.get(), there.get()),
            (Levels{{REPORT_PROBLEM, "enp1s0"}}));
  interface->link_up = TRUE;
  EXPECT_EQ(judge_there(here.get(), there.get()), kNothing);
}

// Identity

std::string left_behind(VferryIdentity identity, guint said, bool has_mac, bool carries_mac) {
  VferryDomainVf vf{};
  VferryDomainDevice device{};
  GArray *vlans = g_array_new(FALSE, FALSE, sizeof(guint16));
  vf.identity.parts = said;
  device.vf = said ? &vf : nullptr;
  device.vlans = vlans;
  device.has_mac = has_mac;
  identity.parts = VFERRY_IDENTITY_ALL;
  g_autofree char *text = check_identity_left_behind(&device, &identity, carries_mac);
  g_array_unref(vlans);
  return text ? text : "";
}

TEST(LeftBehind, OnlyWhatIsNotable) {
  VferryIdentity plain{};
  plain.spoofchk = TRUE;
  EXPECT_EQ(left_behind(plain, 0, false, false), "");
  VferryIdentity vlan = plain;
  vlan.vlan = 42;
  EXPECT_NE(left_behind(vlan, 0, false, false).find("VLAN 42"), std::string::npos);
  EXPECT_EQ(left_behind(vlan, VFERRY_IDENTITY_VLAN, false, false), "");
  VferryIdentity mac = plain;
  mac.mac[5] = 1;
  EXPECT_NE(left_behind(mac, 0, false, false).find("MAC"), std::string::npos);
  EXPECT_EQ(left_behind(mac, 0, true, false), "");
  EXPECT_EQ(left_behind(mac, 0, false, true), "");
  VferryIdentity policy = plain;
  policy.trust = TRUE;
  policy.spoofchk = FALSE;
  policy.max_tx_rate = 100;
  policy.link_state = VFERRY_LINK_ENABLE;
  const std::string text = left_behind(policy, 0, false, false);
  for (const char *part : {"trust on", "spoof check off", "100 Mb/s", "link enable"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
}

// Texts

struct FeatureCase {
  const char *text;
  Answer stop_copy, p2p, pre_copy, dirty_log;
};

TEST(Features, FilesOfDebugfs) {
  const FeatureCase cases[] = {
      {"", ANSWER_NO, ANSWER_NO, ANSWER_NO, ANSWER_NO},
      {"stop-copy\n", ANSWER_YES, ANSWER_NO, ANSWER_NO, ANSWER_NO},
      {"stop-copy\np2p\npre-copy\ndirty-tracking\n", ANSWER_YES, ANSWER_YES, ANSWER_YES,
       ANSWER_YES},
      {"pre-copy-later\n", ANSWER_NO, ANSWER_NO, ANSWER_NO, ANSWER_NO},
      {"state: RUNNING\nquiesced: 0\ncan_report_dirty: 1\n", ANSWER_YES, ANSWER_YES, ANSWER_UNKNOWN,
       ANSWER_YES},
      {"state: RUNNING\ncan_report_dirty: 0\n", ANSWER_YES, ANSWER_YES, ANSWER_UNKNOWN, ANSWER_NO},
  };
  for (const FeatureCase &test : cases) {
    g_auto(VfioFeatures) features{};
    vfio_features_parse(&features, test.text);
    EXPECT_EQ(std::make_tuple(features.stop_copy, features.p2p, features.pre_copy,
                              features.dirty_log),
              std::make_tuple(test.stop_copy, test.p2p, test.pre_copy, test.dirty_log))
        << test.text;
  }
}

std::string with_arg(const std::string &value) {
  return "<domain xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:commandline>"
         "<q:arg value='" + value + "'/></q:commandline></domain>";
}

TEST(Traits, CommandLine) {
  const std::vector<std::tuple<std::string, bool, bool>> cases = {
      {"migration.postcopy-ram=on", true, false},
      {"migration.x-postcopy-ram=true", true, false},
      {"migration.postcopy-ram=off", false, false},
      {"vfio-pci.enable-migration=off", false, true},
      {"vfio-pci.x-enable-migration=off", false, true},
      {"vfio-pci.enable-migration=on", false, false},
  };
  for (const auto &[value, post_copy, off] : cases) {
    g_auto(DomainTraits) traits{};
    ASSERT_TRUE(domain_traits_parse(with_arg(value).c_str(), &traits, nullptr));
    EXPECT_EQ(traits.post_copy, post_copy) << value;
    EXPECT_EQ(traits.migration_off, off) << value;
  }
}

TEST(Traits, Domain) {
  g_auto(DomainTraits) traits{};
  ASSERT_TRUE(domain_traits_parse(
      "<domain><memory unit='KiB'>131072</memory><os><type machine='pc-q35-10.0'>hvm</type></os>"
      "<devices><iommu model='intel'/><hostdev mode='subsystem' type='mdev'/>"
      "<hostdev mode='subsystem' type='pci'/><hostdev mode='subsystem' type='usb'/></devices>"
      "</domain>", &traits, nullptr));
  EXPECT_TRUE(traits.viommu);
  EXPECT_EQ(traits.other_vfio, 1u);
  EXPECT_EQ(traits.memory_kib, 131072u);
  EXPECT_STREQ(traits.machine, "pc-q35-10.0");
}

TEST(Traits, WhatIsNoXml) {
  for (const char *text : {"", "<domain>", "<!DOCTYPE x [<!ENTITY a 'b'>]><domain/>"}) {
    g_auto(DomainTraits) traits{};
    g_autoptr(GError) error = nullptr;
    EXPECT_FALSE(domain_traits_parse(text, &traits, &error)) << text;
    EXPECT_TRUE(error);
  }
}

}  // namespace
