// SPDX-License-Identifier: LGPL-2.1-or-later
// Run by umockdev-wrapper, with ASAN_OPTIONS=verify_asan_link_order=0 under ASan.
#include <gtest/gtest.h>

#include <glib.h>

#include "mock_pci.h"

extern "C" {
#include "error.h"
#include "inventory.h"
}

#include <malloc.h>
#include <sys/wait.h>

#include <ctime>
#include <string>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
// Of <sanitizer/allocator_interface.h>, which not every compiler package has.
extern "C" size_t __sanitizer_get_current_allocated_bytes();
#endif

namespace {

constexpr MockIds kIgb{0x8086, 0x10c9, 0x8086, 0xa03c, 0x020000};
constexpr MockIds kIgbVf{0x8086, 0x10ca, 0x8086, 0xa03c, 0x020000};
constexpr MockIds kMlx5{0x15b3, 0x101d, 0x15b3, 0x0016, 0x020000};
constexpr MockIds kMlx5Vf{0x15b3, 0x101e, 0x15b3, 0x0016, 0x020000};
constexpr MockIds kBridge{0x8086, 0x29c0, 0, 0, 0x060000};

const std::string kPf = "0000:01:00.0";
const std::string kVf0 = "0000:01:10.0";
const std::string kVf1 = "0000:01:10.2";
const std::string kOtherPf = "0000:02:00.0";
const std::string kNoPf = "0000:00:00.0";
const std::string kNothing = "0000:09:00.0";

VferryAddress at(const std::string &text) {
  VferryAddress address{};
  EXPECT_TRUE(vferry_address_parse(text.c_str(), &address, nullptr)) << text;
  return address;
}

std::string text(const VferryAddress &address) {
  char buffer[VFERRY_ADDRESS_TEXT_SIZE];
  return vferry_address_text(&address, buffer);
}

std::vector<std::string> lines(const GPtrArray *array) {
  std::vector<std::string> result;
  for (guint i = 0; i < array->len; i++)
    result.push_back(static_cast<const char *>(array->pdata[i]));
  return result;
}

std::vector<std::string> lines(char **array) {
  return {array, array + g_strv_length(array)};
}

const VferryPf *pf_at(const VferryInventory *inventory, guint i) {
  return static_cast<const VferryPf *>(inventory->pfs->pdata[i]);
}

const VferryVf *vf_at(const VferryPf *pf, guint i) {
  return static_cast<const VferryVf *>(pf->vfs->pdata[i]);
}

std::vector<std::string> vfs_of(const VferryPf *pf) {
  std::vector<std::string> result;
  for (guint i = 0; i < pf->vfs->len; i++)
    result.push_back(text(vf_at(pf, i)->address));
  return result;
}

using Strings = std::vector<std::string>;

class Inventory : public testing::Test {
 protected:
  // A wrong call of GLib fails.
  static void SetUpTestSuite() { g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL); }
  ~Inventory() override { g_clear_pointer(&inventory, vferry_inventory_free); }

  // An 82576 port with two VFs, without a driver.
  void add_igb() {
    mock.add_pf(kPf, kIgb, 7);
    mock.add_vf(kPf, 0, kVf0, kIgbVf);
    mock.add_vf(kPf, 1, kVf1, kIgbVf);
  }

  void scan() {
    g_autoptr(GError) error = nullptr;
    g_clear_pointer(&inventory, vferry_inventory_free);
    inventory = vferry_inventory_scan(&error);
    ASSERT_TRUE(inventory) << error->message;
  }

  const VferryVf *find_vf(const std::string &address) {
    const VferryAddress key = at(address);
    return vferry_inventory_vf(inventory, &key);
  }

  // The error code and message of reading one VF, or "" if that succeeds.
  int vf_error(const std::string &address, std::string *message = nullptr) {
    g_autoptr(GError) error = nullptr;
    const VferryAddress key = at(address);
    g_autoptr(VferryVf) vf = vferry_vf_read(&key, &error);
    return code_of(vf, error, message);
  }
  int pf_error(const std::string &address, std::string *message = nullptr) {
    g_autoptr(GError) error = nullptr;
    const VferryAddress key = at(address);
    g_autoptr(VferryPf) pf = vferry_pf_read(&key, nullptr, &error);
    return code_of(pf, error, message);
  }

  // One line, and about what it should be.
  void expect_problem(const std::string &about) {
    const Strings problems = lines(inventory->problems);
    ASSERT_EQ(problems.size(), 1u) << testing::PrintToString(problems);
    EXPECT_NE(problems[0].find(about), std::string::npos) << problems[0];
    EXPECT_EQ(problems[0].find_first_of("\n\t\r"), std::string::npos) << problems[0];
    EXPECT_NE(problems[0].back(), '.');
  }

  static void expect_success(pid_t child) {
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }

  static constexpr int kNoError = -1;

  MockPci mock;
  VferryInventory *inventory = nullptr;

 private:
  static int code_of(const void *device, const GError *error, std::string *message) {
    EXPECT_EQ(!device, !!error);
    if (message)
      *message = error ? error->message : "";
    if (!error)
      return kNoError;
    EXPECT_EQ(error->domain, VFERRY_ERROR);
    return error->code;
  }
};

TEST_F(Inventory, NullIsFreed) {
  vferry_vf_free(nullptr);
  vferry_pf_free(nullptr);
  vferry_inventory_free(nullptr);
}

TEST_F(Inventory, HostWithoutPfs) {
  mock.add_device(kNoPf, kBridge);
  scan();
  EXPECT_EQ(inventory->pfs->len, 0u);
  EXPECT_EQ(inventory->problems->len, 0u);
}

TEST_F(Inventory, HostWithoutPci) {
  g_autoptr(GError) error = nullptr;
  std::filesystem::remove_all(mock.bus());
  EXPECT_FALSE(vferry_inventory_scan(&error));
  EXPECT_TRUE(g_error_matches(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND));
}

TEST_F(Inventory, Igb) {
  add_igb();
  mock.add_device(kNoPf, kBridge);
  mock.set(kPf, "numa_node", "1\n");
  mock.bind(kPf, "igb");
  mock.add_name(kPf, "net", "enp1s0");
  mock.bind(kVf0, "igbvf");
  mock.add_name(kVf0, "net", "enp1s0v0");
  mock.set_iommu_group(kVf0, 18);
  scan();

  EXPECT_EQ(lines(inventory->problems), Strings{});
  ASSERT_EQ(inventory->pfs->len, 1u);
  const VferryPf *pf = pf_at(inventory, 0);
  EXPECT_EQ(text(pf->address), kPf);
  EXPECT_EQ(pf->vendor, 0x8086);
  EXPECT_EQ(pf->device, 0x10c9);
  EXPECT_EQ(pf->class_code, 0x020000u);
  EXPECT_EQ(pf->numa_node, 1);
  EXPECT_EQ(pf->sriov_totalvfs, 7u);
  EXPECT_EQ(pf->sriov_numvfs, 2u);
  EXPECT_TRUE(pf->drivers_autoprobe);
  EXPECT_STREQ(pf->driver, "igb");
  EXPECT_EQ(lines(pf->interfaces), Strings{"enp1s0"});
  EXPECT_EQ(vfs_of(pf), (Strings{kVf0, kVf1}));

  const VferryVf *bound = vf_at(pf, 0);
  EXPECT_EQ(bound->index, 0u);
  EXPECT_EQ(bound->pf, pf);
  EXPECT_EQ(bound->vendor, 0x8086);
  EXPECT_EQ(bound->device, 0x10ca);
  EXPECT_EQ(bound->subsystem_vendor, 0x8086);
  EXPECT_EQ(bound->subsystem_device, 0xa03c);
  EXPECT_STREQ(bound->modalias, "pci:v00008086d000010CAsv00008086sd0000A03Cbc02sc00i00");
  EXPECT_STREQ(bound->driver, "igbvf");
  EXPECT_EQ(bound->iommu_group, 18);
  EXPECT_EQ(bound->numa_node, 1);
  EXPECT_STREQ(bound->interface, "enp1s0v0");
  EXPECT_STREQ(bound->vfio_dev, nullptr);

  const VferryVf *unbound = vf_at(pf, 1);
  EXPECT_EQ(unbound->index, 1u);
  EXPECT_STREQ(unbound->driver, nullptr);
  EXPECT_EQ(unbound->iommu_group, -1);
  EXPECT_EQ(unbound->numa_node, 1);
  EXPECT_STREQ(unbound->interface, nullptr);
  EXPECT_STREQ(unbound->vfio_dev, nullptr);
}

TEST_F(Inventory, VariantDriver) {
  add_igb();
  mock.bind(kVf1, "igbvf_vfio_pci");
  mock.add_name(kVf1, "vfio-dev", "vfio3");
  scan();
  const VferryVf *vf = find_vf(kVf1);
  ASSERT_TRUE(vf);
  EXPECT_STREQ(vf->driver, "igbvf_vfio_pci");
  EXPECT_STREQ(vf->vfio_dev, "vfio3");
  EXPECT_STREQ(vf->interface, nullptr);
}

TEST_F(Inventory, Mlx5InSwitchdevMode) {
  mock.add_pf(kPf, kMlx5, 127);
  mock.set(kPf, "sriov_drivers_autoprobe", "0\n");
  mock.bind(kPf, "mlx5_core");
  for (const char *name : {"pf0vf1", "p0", "pf0vf2", "pf0vf0"})
    mock.add_name(kPf, "net", name);
  mock.add_vf(kPf, 0, "0000:01:00.2", kMlx5Vf);
  mock.bind("0000:01:00.2", "mlx5_core");
  mock.add_name("0000:01:00.2", "net", "enp1s0f0v0");
  mock.add_vf(kPf, 1, "0000:01:00.3", kMlx5Vf);
  mock.bind("0000:01:00.3", "mlx5_vfio_pci");
  mock.add_name("0000:01:00.3", "vfio-dev", "vfio0");
  mock.add_pf(kOtherPf, kMlx5, 127);
  scan();

  EXPECT_EQ(lines(inventory->problems), Strings{});
  ASSERT_EQ(inventory->pfs->len, 2u);
  const VferryPf *pf = pf_at(inventory, 0);
  EXPECT_EQ(lines(pf->interfaces), (Strings{"p0", "pf0vf0", "pf0vf1", "pf0vf2"}));
  EXPECT_FALSE(pf->drivers_autoprobe);
  EXPECT_STREQ(vf_at(pf, 0)->interface, "enp1s0f0v0");
  EXPECT_STREQ(vf_at(pf, 1)->vfio_dev, "vfio0");

  const VferryPf *idle = pf_at(inventory, 1);
  EXPECT_STREQ(idle->driver, nullptr);
  EXPECT_EQ(lines(idle->interfaces), Strings{});
  EXPECT_EQ(idle->sriov_numvfs, 0u);
  EXPECT_EQ(idle->vfs->len, 0u);
}

TEST_F(Inventory, LookUps) {
  add_igb();
  mock.add_name(kPf, "net", "p0");
  mock.add_name(kPf, "net", "pf0vf0");
  mock.add_pf(kOtherPf, kMlx5, 127);
  mock.add_name(kOtherPf, "net", "p1");
  mock.bind(kVf0, "igbvf");
  mock.add_name(kVf0, "net", "p0v0");
  scan();
  const VferryAddress pf = at(kOtherPf), vf = at(kVf1), none = at("0000:03:00.0");
  const VferryPf *first = pf_at(inventory, 0), *second = pf_at(inventory, 1);

  EXPECT_EQ(vferry_inventory_pf(inventory, &pf), second);
  EXPECT_EQ(vferry_inventory_pf(inventory, &vf), nullptr);
  EXPECT_EQ(vferry_inventory_pf(inventory, &none), nullptr);
  EXPECT_EQ(vferry_inventory_pf_by_interface(inventory, "p1"), second);
  EXPECT_EQ(vferry_inventory_pf_by_interface(inventory, "pf0vf0"), first);
  EXPECT_EQ(vferry_inventory_pf_by_interface(inventory, "p"), nullptr);
  EXPECT_EQ(vferry_inventory_pf_by_interface(inventory, "p0v0"), nullptr);
  EXPECT_EQ(vferry_inventory_vf(inventory, &vf), vf_at(first, 1));
  EXPECT_EQ(vferry_inventory_vf(inventory, &pf), nullptr);
  EXPECT_EQ(vferry_inventory_vf(inventory, &none), nullptr);
}

TEST_F(Inventory, OrderIsByIndexAndAddress) {
  // Addresses fall as the index rises, the PF comes after its VFs, indexes have a hole.
  const std::string last = "10000:e1:00.0";
  mock.add_pf(last, kIgb, 12);
  for (unsigned i : {11u, 10u, 2u, 1u, 0u})
    mock.add_vf(last, i, "10000:e0:00." + std::to_string(i > 9 ? 12 - i : 7 - i), kIgbVf);
  mock.add_pf(kOtherPf, kIgb, 7);
  scan();
  EXPECT_EQ(lines(inventory->problems), Strings{});
  ASSERT_EQ(inventory->pfs->len, 2u);
  EXPECT_EQ(text(pf_at(inventory, 0)->address), kOtherPf);
  const VferryPf *pf = pf_at(inventory, 1);
  EXPECT_EQ(vfs_of(pf), (Strings{"10000:e0:00.7", "10000:e0:00.6", "10000:e0:00.5",
                                 "10000:e0:00.2", "10000:e0:00.1"}));
  EXPECT_EQ(vf_at(pf, 3)->index, 10u);
  EXPECT_EQ(pf->sriov_numvfs, 5u);
}

// What takes the device's lock in the kernel may hang.
TEST_F(Inventory, LockedAttributesAreNotRead) {
  add_igb();
  for (const std::string &address : {kPf, kVf0, kVf1}) {
    mock.poison(address, "driver_override");
    mock.poison(address, "uevent");
    mock.poison(address, "sriov_numvfs");
  }
  scan();
  EXPECT_EQ(lines(inventory->problems), Strings{});
  EXPECT_EQ(pf_at(inventory, 0)->vfs->len, 2u);
  EXPECT_EQ(vf_error(kVf0), kNoError);
  EXPECT_EQ(pf_error(kPf), kNoError);
}

TEST_F(Inventory, OneVf) {
  add_igb();
  mock.bind(kPf, "igb");
  mock.add_name(kPf, "net", "enp1s0");
  mock.bind(kVf1, "vfio-pci");
  mock.add_name(kVf1, "vfio-dev", "vfio12");
  // Nothing is read of its sibling.
  mock.poison(kVf0, "modalias");
  const VferryAddress address = at(kVf1);
  g_autoptr(GError) error = nullptr;
  g_autoptr(VferryVf) vf = vferry_vf_read(&address, &error);
  ASSERT_TRUE(vf) << error->message;
  EXPECT_EQ(text(vf->address), kVf1);
  EXPECT_EQ(vf->index, 1u);
  EXPECT_STREQ(vf->driver, "vfio-pci");
  EXPECT_STREQ(vf->vfio_dev, "vfio12");
  EXPECT_EQ(text(vf->pf->address), kPf);
  EXPECT_EQ(vf->pf->sriov_numvfs, 2u);
  EXPECT_EQ(vf->pf->vfs->len, 0u);
  EXPECT_EQ(lines(vf->pf->interfaces), Strings{"enp1s0"});
}

TEST_F(Inventory, OnePf) {
  add_igb();
  mock.add_pf(kOtherPf, kIgb, 7);
  mock.poison(kOtherPf, "modalias");
  mock.remove(kVf0, "modalias");
  const VferryAddress address = at(kPf);
  g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GError) error = nullptr;
  g_autoptr(VferryPf) pf = vferry_pf_read(&address, problems, &error);
  ASSERT_TRUE(pf) << error->message;
  EXPECT_EQ(pf->sriov_numvfs, 2u);
  ASSERT_EQ(vfs_of(pf), Strings{kVf1});
  EXPECT_EQ(vf_at(pf, 0)->pf, pf);
  ASSERT_EQ(problems->len, 1u);
  EXPECT_NE(lines(problems)[0].find(kVf0 + "/modalias"), std::string::npos);
}

TEST_F(Inventory, OneThatIsNotThere) {
  std::string message;
  add_igb();
  mock.add_device(kNoPf, kBridge);
  for (const std::string &address : {kPf, kNoPf, kNothing}) {
    EXPECT_EQ(vf_error(address, &message), VFERRY_ERROR_NOT_FOUND) << address;
    EXPECT_NE(message.find(address), std::string::npos) << message;
    EXPECT_EQ(message.find("is no VF") == std::string::npos, address == kNothing) << message;
  }
  for (const std::string &address : {kVf0, kNoPf, kNothing}) {
    EXPECT_EQ(pf_error(address, &message), VFERRY_ERROR_NOT_FOUND) << address;
    EXPECT_NE(message.find(address), std::string::npos) << message;
    EXPECT_EQ(message.find("is no PF") == std::string::npos, address == kNothing) << message;
  }
}

struct Malformed {
  const char *attribute;
  std::string value;
};

void PrintTo(const Malformed &malformed, std::ostream *out) {
  *out << malformed.attribute << "=" << malformed.value.substr(0, 80);
}

const std::string kAlias = "pci:v00008086d000010CAsv00008086sd0000A03Cbc02sc00i00";

class MalformedVf : public Inventory, public testing::WithParamInterface<Malformed> {};

TEST_P(MalformedVf, IsLeftOut) {
  std::string message;
  add_igb();
  mock.bind(kVf0, "igbvf");
  mock.set(kVf0, GetParam().attribute, GetParam().value);
  scan();
  expect_problem(kVf0 + "/" + GetParam().attribute);
  ASSERT_EQ(inventory->pfs->len, 1u);
  EXPECT_EQ(vfs_of(pf_at(inventory, 0)), Strings{kVf1});
  EXPECT_EQ(pf_at(inventory, 0)->sriov_numvfs, 2u);
  EXPECT_EQ(find_vf(kVf0), nullptr);
  EXPECT_EQ(vf_error(kVf0, &message), VFERRY_ERROR_INVALID);
  EXPECT_EQ(message, lines(inventory->problems)[0]);
  EXPECT_EQ(vf_error(kVf1), kNoError);
  EXPECT_EQ(pf_error(kPf), kNoError);
}

INSTANTIATE_TEST_SUITE_P(
    Inventory, MalformedVf,
    testing::Values(
        Malformed{"modalias", ""}, Malformed{"modalias", "pci:"},
        Malformed{"modalias", "usb:v1D6Bp0002"}, Malformed{"modalias", kAlias + "x\n"},
        Malformed{"modalias", kAlias + "\n\n"}, Malformed{"modalias", " " + kAlias},
        Malformed{"modalias", "pci:v00008086d000010casv00008086sd0000a03cbc02sc00i00\n"},
        Malformed{"modalias", "pci:v00018086d000010CAsv00008086sd0000A03Cbc02sc00i00\n"},
        Malformed{"modalias", "pci:v    8086d000010CAsv00008086sd0000A03Cbc02sc00i00\n"},
        Malformed{"modalias", "pci:v00008086d-00010CAsv00008086sd0000A03Cbc02sc00i00\n"},
        Malformed{"modalias", "pci:v00008086d0x0010CAsv00008086sd0000A03Cbc02sc00i00\n"},
        Malformed{"modalias", std::string(4095, 'p')},
        Malformed{"modalias", std::string(9000, 'p')},
        Malformed{"modalias", std::string(60, '\0')}, Malformed{"modalias", "\xff\xfe"},
        Malformed{"driver", "a file"}, Malformed{"iommu_group", "a file"},
        Malformed{"vfio-dev", "a file"}, Malformed{"net", "a file"}));

class MalformedPf : public Inventory, public testing::WithParamInterface<Malformed> {};

TEST_P(MalformedPf, IsLeftOutWithItsVfs) {
  add_igb();
  mock.add_pf(kOtherPf, kMlx5, 127);
  mock.set(kPf, GetParam().attribute, GetParam().value);
  scan();
  expect_problem(kPf + "/" + GetParam().attribute);
  ASSERT_EQ(inventory->pfs->len, 1u);
  EXPECT_EQ(text(pf_at(inventory, 0)->address), kOtherPf);
  EXPECT_EQ(find_vf(kVf0), nullptr);
  EXPECT_EQ(vf_error(kVf0), VFERRY_ERROR_INVALID);
  EXPECT_EQ(pf_error(kPf), VFERRY_ERROR_INVALID);
}

INSTANTIATE_TEST_SUITE_P(
    Inventory, MalformedPf,
    testing::Values(Malformed{"sriov_totalvfs", ""}, Malformed{"sriov_totalvfs", "-1\n"},
                    Malformed{"sriov_totalvfs", "65536\n"}, Malformed{"sriov_totalvfs", "7 7\n"},
                    Malformed{"sriov_drivers_autoprobe", "2\n"},
                    Malformed{"sriov_drivers_autoprobe", "yes\n"},
                    Malformed{"numa_node", ""}, Malformed{"numa_node", "-2\n"},
                    Malformed{"numa_node", "one\n"}, Malformed{"numa_node", "0x1\n"},
                    Malformed{"numa_node", "0\n1\n"},
                    Malformed{"numa_node", "99999999999999999999\n"},
                    Malformed{"modalias", "pci:\n"},
                    Malformed{"driver", "a file"}, Malformed{"net", "a file"}));

TEST_F(Inventory, MissingAttributes) {
  for (const char *attribute : {"modalias", "physfn"}) {
    add_igb();
    mock.remove(kVf0, attribute);
    scan();
    expect_problem(kVf0);
    EXPECT_EQ(vfs_of(pf_at(inventory, 0)), Strings{kVf1});
    mock.unplug(kVf0);
    mock.unplug(kVf1);
    mock.unplug(kPf);
  }
  add_igb();
  mock.remove(kPf, "sriov_drivers_autoprobe");
  scan();
  expect_problem(kPf + "/sriov_drivers_autoprobe");
}

TEST_F(Inventory, KernelWithoutNuma) {
  add_igb();
  for (const std::string &address : {kPf, kVf0, kVf1})
    mock.remove(address, "numa_node");
  scan();
  EXPECT_EQ(lines(inventory->problems), Strings{});
  EXPECT_EQ(pf_at(inventory, 0)->numa_node, -1);
  EXPECT_EQ(find_vf(kVf0)->numa_node, -1);
}

TEST_F(Inventory, UnreadableAttribute) {
  add_igb();
  mock.poison(kVf0, "modalias");
  scan();
  expect_problem(kVf0 + "/modalias");
  EXPECT_EQ(vf_error(kVf0), VFERRY_ERROR_FAILED);
}

TEST_F(Inventory, LinksToStrangeNames) {
  add_igb();
  for (const char *target : {"../../groups/none", "../../groups/-1", "../../groups/", "\n"}) {
    mock.link(kVf0, "iommu_group", target);
    scan();
    expect_problem(kVf0 + "/iommu_group");
  }
  mock.remove(kVf0, "iommu_group");
  for (const char *name : {"", "a\nb", "\xff"}) {
    mock.bind(kVf0, name);
    scan();
    expect_problem(kVf0 + "/driver");
  }
  mock.bind(kVf0, "igbvf");
  mock.add_name(kVf0, "net", "en\n0");
  scan();
  expect_problem(kVf0 + "/net");
}

TEST_F(Inventory, StrangeNamesInFolders) {
  add_igb();
  for (const char *name : {"virtfn", "virtfnx", "virtfn-1", "virtfn65535", "xvirtfn0", "device0"})
    mock.link(kPf, name, "../" + kVf0);
  scan();
  EXPECT_EQ(lines(inventory->problems), Strings{});
  EXPECT_EQ(pf_at(inventory, 0)->sriov_numvfs, 2u);

  mock.link(kPf, "virtfn2", "../none");
  scan();
  expect_problem(kPf + "/virtfn2");
  EXPECT_EQ(pf_at(inventory, 0)->vfs->len, 2u);
  mock.remove(kPf, "virtfn2");

  std::filesystem::create_directory(mock.bus() / "none");
  scan();
  expect_problem("/sys/bus/pci/devices: 'none'");
}

// Links that do not agree.

TEST_F(Inventory, PhysfnLeadsNowhere) {
  add_igb();
  mock.remove(kPf, "virtfn0");
  mock.link(kVf0, "physfn", "../" + kNothing);
  scan();
  expect_problem(kVf0 + "/physfn");
  EXPECT_EQ(vfs_of(pf_at(inventory, 0)), Strings{kVf1});
  EXPECT_EQ(vf_error(kVf0), VFERRY_ERROR_INVALID);
}

TEST_F(Inventory, PhysfnLeadsToNoPf) {
  add_igb();
  mock.add_device(kNoPf, kBridge);
  mock.remove(kPf, "virtfn0");
  mock.link(kVf0, "physfn", "../" + kNoPf);
  scan();
  expect_problem(kVf0);
  EXPECT_EQ(vf_error(kVf0), VFERRY_ERROR_INVALID);
}

TEST_F(Inventory, PfLacksTheLink) {
  add_igb();
  mock.remove(kPf, "virtfn0");
  scan();
  expect_problem(kVf0);
  EXPECT_EQ(vfs_of(pf_at(inventory, 0)), Strings{kVf1});
  EXPECT_EQ(vf_error(kVf0), VFERRY_ERROR_INVALID);
}

TEST_F(Inventory, TwoPfsClaimOneVf) {
  add_igb();
  mock.add_pf(kOtherPf, kIgb, 7);
  for (const std::string &owner : {kPf, kOtherPf}) {
    mock.link(kOtherPf, "virtfn0", "../" + kVf0);
    mock.link(kVf0, "physfn", "../" + owner);
    scan();
    expect_problem(kVf0 + "/physfn");
    ASSERT_TRUE(find_vf(kVf0));
    EXPECT_EQ(text(find_vf(kVf0)->pf->address), owner);
    EXPECT_EQ(pf_at(inventory, 0)->vfs->len + pf_at(inventory, 1)->vfs->len, 2u);
  }
}

TEST_F(Inventory, TwoLinksLeadToOneVf) {
  add_igb();
  mock.link(kPf, "virtfn2", "../" + kVf0);
  scan();
  expect_problem(kVf0);
  EXPECT_EQ(vfs_of(pf_at(inventory, 0)), (Strings{kVf0, kVf1}));
  EXPECT_EQ(find_vf(kVf0)->index, 0u);
}

// Devices that come and go.

TEST_F(Inventory, GoneBeforeItIsOpened) {
  add_igb();
  std::filesystem::remove_all(mock.folder(kVf0));
  scan();
  EXPECT_EQ(lines(inventory->problems), Strings{});
  EXPECT_EQ(vfs_of(pf_at(inventory, 0)), Strings{kVf1});
  EXPECT_EQ(vf_error(kVf0), VFERRY_ERROR_NOT_FOUND);

  std::filesystem::remove_all(mock.folder(kPf));
  std::filesystem::remove_all(mock.folder(kVf1));
  scan();
  EXPECT_EQ(lines(inventory->problems), Strings{});
  EXPECT_EQ(inventory->pfs->len, 0u);
  EXPECT_EQ(pf_error(kPf), VFERRY_ERROR_NOT_FOUND);
}

TEST_F(Inventory, VfGoesWhileItIsRead) {
  add_igb();
  mock.bind(kVf0, "igbvf");
  mock.hold(kVf0, "modalias");
  const pid_t unplug = mock.release(kVf0, "modalias", "pci:", [this] { mock.unplug(kVf0); });
  scan();
  expect_success(unplug);
  EXPECT_EQ(lines(inventory->problems), Strings{});
  EXPECT_EQ(vfs_of(pf_at(inventory, 0)), Strings{kVf1});
  EXPECT_EQ(find_vf(kVf0), nullptr);
}

TEST_F(Inventory, OneVfGoesWhileItIsRead) {
  add_igb();
  mock.hold(kVf0, "modalias");
  const pid_t unplug = mock.release(kVf0, "modalias", "", [this] { mock.unplug(kVf0); });
  EXPECT_EQ(vf_error(kVf0), VFERRY_ERROR_NOT_FOUND);
  expect_success(unplug);
}

// It never looks unbound because its links have gone.
TEST_F(Inventory, VfGoesOnceItIsRead) {
  add_igb();
  mock.bind(kVf0, "igbvf");
  mock.set_iommu_group(kVf0, 5);
  mock.hold(kVf0, "modalias");
  const pid_t unplug = mock.release(kVf0, "modalias", kAlias, [this] { mock.unplug(kVf0); });
  scan();
  expect_success(unplug);
  ASSERT_TRUE(find_vf(kVf0));
  EXPECT_STREQ(find_vf(kVf0)->driver, "igbvf");
  EXPECT_EQ(find_vf(kVf0)->iommu_group, 5);
}

TEST_F(Inventory, PfGoesWhileItIsRead) {
  add_igb();
  mock.hold(kPf, "numa_node");
  const pid_t unplug = mock.release(kPf, "numa_node", "0\n", [this] {
    for (const std::string &address : {kVf0, kVf1, kPf})
      mock.unplug(address);
  });
  scan();
  expect_success(unplug);
  EXPECT_EQ(lines(inventory->problems), Strings{});
  EXPECT_EQ(inventory->pfs->len, 0u);
}

TEST_F(Inventory, VfComesAfterItsPfWasListed) {
  add_igb();
  mock.remove(kPf, "virtfn1");
  mock.hold(kPf, "numa_node");
  const pid_t plug = mock.release(kPf, "numa_node", "0\n",
                                  [this] { mock.link(kPf, "virtfn1", "../" + kVf1); });
  scan();
  expect_success(plug);
  EXPECT_EQ(lines(inventory->problems), Strings{});
  EXPECT_EQ(vfs_of(pf_at(inventory, 0)), Strings{kVf0});
}

// 4,096 VFs on 16 PFs. The bounds are far above what it takes, and far below what
// anything but linear would take.
class ManyVfs : public Inventory {
 protected:
  static constexpr unsigned kPfs = 16;
  static constexpr unsigned kVfsOfEach = 256;

  static std::string pf_address(unsigned pf) { return address(pf * 2, 0); }
  static std::string vf_address(unsigned pf, unsigned vf) { return address(pf * 2 + 1, vf); }
  static int number(unsigned pf, unsigned vf) { return static_cast<int>(pf * kVfsOfEach + vf); }

  void add_all() {
    for (unsigned pf = 0; pf < kPfs; pf++) {
      mock.add_pf(pf_address(pf), kMlx5, kVfsOfEach);
      for (unsigned vf = 0; vf < kVfsOfEach; vf++) {
        mock.add_vf(pf_address(pf), vf, vf_address(pf, vf), kMlx5Vf);
        mock.set_iommu_group(vf_address(pf, vf), number(pf, vf));
      }
    }
  }

  void scan_with_bounds(const char *name) {
    const size_t before = allocated();
    const std::clock_t start = std::clock();
    scan();
    const int milliseconds = static_cast<int>((std::clock() - start) * 1000 / CLOCKS_PER_SEC);
    EXPECT_LT(milliseconds, 2000);
    EXPECT_LT(allocated(), before + (size_t{32} << 20));
    RecordProperty(name, milliseconds);
  }

 private:
  static std::string address(unsigned bus, unsigned function) {
    const VferryAddress address{0, static_cast<guint8>(bus), static_cast<guint8>(function >> 3),
                                static_cast<guint8>(function & 7)};
    return text(address);
  }

  static size_t allocated() {
#ifdef __SANITIZE_ADDRESS__
    return __sanitizer_get_current_allocated_bytes();
#else
    return mallinfo2().uordblks;
#endif
  }
};

TEST_F(ManyVfs, CostIsBounded) {
  add_all();
  scan_with_bounds("milliseconds");
  EXPECT_EQ(lines(inventory->problems), Strings{});
  ASSERT_EQ(inventory->pfs->len, kPfs);
  for (unsigned pf = 0; pf < kPfs; pf++) {
    ASSERT_EQ(pf_at(inventory, pf)->vfs->len, kVfsOfEach);
    for (unsigned vf = 0; vf < kVfsOfEach; vf++) {
      const VferryVf *found = find_vf(vf_address(pf, vf));
      ASSERT_TRUE(found);
      EXPECT_EQ(found, vf_at(pf_at(inventory, pf), vf));
      EXPECT_EQ(found->index, vf);
      EXPECT_EQ(found->iommu_group, number(pf, vf));
    }
  }

  for (unsigned pf = 0; pf < kPfs; pf++)
    mock.set(pf_address(pf), "sriov_totalvfs", "many\n");
  scan_with_bounds("milliseconds_malformed");
  EXPECT_EQ(inventory->problems->len, kPfs);
  EXPECT_EQ(inventory->pfs->len, 0u);
}

}  // namespace
