// SPDX-License-Identifier: LGPL-2.1-or-later
// Loading of modules, and the drivers in them. Run by umockdev-wrapper, with
// ASAN_OPTIONS=verify_asan_link_order=0 if built with it: /sys is a mock.
//
// libkmod is the real one, with a modprobe.d and a folder of modules of the
// test; the kernel's answers, which it passes on, are the test's.
#include <gtest/gtest.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <libkmod.h>
#include <umockdev.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <vector>

extern "C" {
#include "error.h"
#include "module.h"
}

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

static fs::path modules_folder, modprobe_d;
static std::optional<std::function<int()>> kernel_answer;
static const char *module_file;

// These stand before libkmod's own, which they call.
template <typename Function>
static Function *next(const char *name) {
  return reinterpret_cast<Function *>(dlsym(RTLD_NEXT, name));
}

extern "C" kmod_ctx *kmod_new(const char *dirname, const char *const *config_paths) {
  const char *const paths[] = {modprobe_d.c_str(), nullptr};
  EXPECT_EQ(dirname, nullptr);
  EXPECT_EQ(config_paths, nullptr);
  return next<decltype(kmod_new)>("kmod_new")(modules_folder.c_str(), paths);
}

extern "C" int kmod_module_probe_insert_module(
    kmod_module *module, unsigned flags, const char *options,
    int (*run_install)(kmod_module *, const char *, void *), const void *data,
    void (*print)(kmod_module *, bool, const char *)) {
  if (kernel_answer) return (*kernel_answer)();
  return next<decltype(kmod_module_probe_insert_module)>("kmod_module_probe_insert_module")(
      module, flags, options, run_install, data, print);
}

extern "C" const char *kmod_module_get_path(const kmod_module *module) {
  if (module_file) return module_file;
  return next<decltype(kmod_module_get_path)>("kmod_module_get_path")(module);
}

class Module : public testing::Test {
 protected:
  void SetUp() override {
    bed_ = umockdev_testbed_new();
    char *sys = umockdev_testbed_get_sys_dir(bed_);
    loaded_ = fs::path(sys) / "module";
    g_free(sys);
    fs::create_directories(loaded_ / "mock");
    ASSERT_EQ(access("/sys/module/mock", F_OK), 0) << "run it by umockdev-wrapper";
    root_ = loaded_.parent_path().parent_path();
    modules_folder = root_ / "lib";
    modprobe_d = root_ / "modprobe.d";
    fs::create_directories(modules_folder);
    fs::create_directories(modprobe_d);
    kernel_answer.reset();
    module_file = nullptr;
  }

  void TearDown() override { g_clear_object(&bed_); }

  void configure(const std::string &lines) { std::ofstream(modprobe_d / "test.conf") << lines; }

  void make_live(const std::string &module) {
    fs::create_directories(loaded_ / module);
    std::ofstream(loaded_ / module / "initstate") << "live\n";
  }

  void add_driver(const std::string &module, const std::string &link) {
    make_live(module);
    fs::create_directories(loaded_ / module / "drivers");
    fs::create_symlink("../../../bus/pci/drivers/x", loaded_ / module / "drivers" / link);
  }

  std::string in_root(const std::string &name) { return (root_ / name).string(); }

  fs::path loaded_, root_;

 private:
  UMockdevTestbed *bed_ = nullptr;
};

static void expect_error(GError *error, VferryError code, const Names &parts) {
  ASSERT_NE(error, nullptr);
  EXPECT_TRUE(g_error_matches(error, VFERRY_ERROR, code)) << error->message;
  for (const std::string &part : parts)
    EXPECT_NE(strstr(error->message, part.c_str()), nullptr) << error->message << " / " << part;
  EXPECT_EQ(strchr(error->message, '\n'), nullptr) << error->message;
  EXPECT_LT(strlen(error->message), 200U);
}

static void expect_loaded(const char *module) {
  GError *error = nullptr;
  EXPECT_TRUE(vferry_module_load(module, &error)) << error->message;
  g_clear_error(&error);
}

static void expect_refused(const char *module, VferryError code, const Names &parts) {
  GError *error = nullptr;
  EXPECT_FALSE(vferry_module_load(module, &error)) << module;
  expect_error(error, code, parts);
  g_clear_error(&error);
}

TEST_F(Module, AbsentModule) {
  expect_refused("igbvf_vfio_pci", VFERRY_ERROR_NOT_FOUND,
                 {"no module igbvf_vfio_pci in " + modules_folder.string(), "depmod"});
}

TEST_F(Module, LoadedModule) {
  make_live("igbvf_vfio_pci");
  expect_loaded("igbvf_vfio_pci");
  expect_loaded("igbvf-vfio-pci");
}

TEST_F(Module, BlacklistedModule) {
  configure("blacklist igbvf-vfio-pci\n");
  expect_refused("igbvf_vfio_pci", VFERRY_ERROR_REFUSED,
                 {"igbvf_vfio_pci is blacklisted in modprobe.d"});
  make_live("igbvf_vfio_pci");
  expect_loaded("igbvf_vfio_pci");
}

TEST_F(Module, InstallLineThatLoads) {
  const std::string folder = (loaded_ / "mlx5_vfio_pci").string();
  configure("install mlx5_vfio_pci mkdir " + folder + " && echo live > " + folder + "/initstate\n");
  expect_loaded("mlx5_vfio_pci");
}

TEST_F(Module, InstallLineThatDoesNotLoad) {
  configure("install mlx5_vfio_pci true\n");
  expect_refused("mlx5_vfio_pci", VFERRY_ERROR_REFUSED,
                 {"install line for module mlx5_vfio_pci in modprobe.d does not load it"});
}

TEST_F(Module, InstallLineThatFails) {
  configure("install mlx5_vfio_pci exit 7\n");
  expect_refused("mlx5_vfio_pci", VFERRY_ERROR_REFUSED,
                 {"install line for module mlx5_vfio_pci in modprobe.d", "7"});
}

TEST_F(Module, FailureOfARecommendedModuleIsNotTheError) {
  configure("softdep mlx5_vfio_pci pre: one two\ninstall one exit 1\ninstall two exit 2\n");
  testing::internal::CaptureStderr();
  expect_refused("mlx5_vfio_pci", VFERRY_ERROR_NOT_FOUND, {"no module mlx5_vfio_pci in"});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(Module, InstallLineHasNoneOfOurFiles) {
  const int ours = open("/dev/null", O_RDONLY);
  const int passed_on = fcntl(ours, F_DUPFD, 90);
  configure("install mlx5_vfio_pci seen=\"$MODPROBE_MODULE $(readlink /proc/$$/fd/0 "
            "/proc/$$/fd/1 /proc/$$/fd/2 /proc/$$/fd/90 | xargs)\"; echo $seen > " +
            in_root("seen") + "\n");
  expect_refused("mlx5_vfio_pci", VFERRY_ERROR_REFUSED, {"does not load it"});
  close(passed_on);
  close(ours);

  std::string seen;
  std::ifstream file(in_root("seen"));
  std::getline(file, seen);
  EXPECT_EQ(seen, "mlx5_vfio_pci /dev/null /dev/null /dev/null");
}

TEST_F(Module, NothingIsPrinted) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  expect_refused("igbvf_vfio_pci", VFERRY_ERROR_NOT_FOUND, {});
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(Module, KernelLoadsIt) {
  kernel_answer = [this] {
    make_live("igbvf_vfio_pci");
    return 0;
  };
  expect_loaded("igbvf_vfio_pci");
}

TEST_F(Module, StillComingIsNotLoaded) {
  kernel_answer = [this] {
    fs::create_directories(loaded_ / "igbvf_vfio_pci");
    std::ofstream(loaded_ / "igbvf_vfio_pci" / "initstate") << "coming\n";
    return 0;
  };
  expect_refused("igbvf_vfio_pci", VFERRY_ERROR_REFUSED, {});
}

TEST_F(Module, KernelRefusesIt) {
  const struct {
    int number;
    const char *advice;
  } answers[] = {
      {EKEYREJECTED, "signed with a key"}, {ENOKEY, "signed with a key"},
      {EBADMSG, "signed with a key"},      {ENOEXEC, "built for this kernel"},
      {EPERM, "only root"},                {ENOENT, "run depmod"},
      {ENODEV, "kernel's log"},            {ENOMEM, "kernel's log"},
      {ECANCELED, "kernel's log"},
  };
  module_file = "/igbvf_vfio_pci.ko";
  for (const auto &answer : answers) {
    kernel_answer = [&answer] { return -answer.number; };
    expect_refused("igbvf_vfio_pci", VFERRY_ERROR_FAILED,
                   {"loading module igbvf_vfio_pci", strerror(answer.number), answer.advice});
  }
}

static const Names kWrongNames = {
    "",         ".",        "..",       "../x",         "a/b",       "a b",
    "a\nb",     "a\n",      "mlx5.ko",  "pci:v*",       "\xff",      "m\xc3\xbc",
    "*",        "$(id)",    "a;b",      std::string(60, 'x'), std::string(100000, '\n'),
};

TEST_F(Module, WrongNamesAreRefused) {
  kernel_answer = [] { return 0; };
  make_live("x");
  for (const std::string &name : kWrongNames) {
    GError *error = nullptr;
    expect_refused(name.c_str(), VFERRY_ERROR_INVALID, {"no name of a kernel module"});
    EXPECT_EQ(vferry_module_pci_drivers(name.c_str(), &error), nullptr) << name;
    expect_error(error, VFERRY_ERROR_INVALID, {"no name of a kernel module"});
    g_clear_error(&error);
    EXPECT_EQ(vferry_module_driver(name.c_str(), &error), nullptr) << name;
    expect_error(error, VFERRY_ERROR_INVALID, {"no name of a kernel module"});
    g_clear_error(&error);
  }
}

static Names drivers_of(const char *module) {
  GError *error = nullptr;
  char **drivers = vferry_module_pci_drivers(module, &error);
  EXPECT_EQ(error, nullptr) << error->message;
  Names names;
  for (char **driver = drivers; driver && *driver; driver++) names.push_back(*driver);
  g_strfreev(drivers);
  return names;
}

static std::string driver_of(const char *module) {
  GError *error = nullptr;
  char *driver = vferry_module_driver(module, &error);
  EXPECT_EQ(error, nullptr) << error->message;
  const std::string name = driver ? driver : "";
  g_free(driver);
  return name;
}

static void expect_no_driver(const char *module, VferryError code, const Names &parts) {
  GError *error = nullptr;
  EXPECT_EQ(vferry_module_driver(module, &error), nullptr) << module;
  expect_error(error, code, parts);
  g_clear_error(&error);
}

TEST_F(Module, OneDriver) {
  add_driver("vfio_pci", "pci:vfio-pci");
  EXPECT_EQ(driver_of("vfio_pci"), "vfio-pci");
  EXPECT_EQ(driver_of("vfio-pci"), "vfio-pci");
}

TEST_F(Module, DriversOfPciOnlyAndSorted) {
  add_driver("many", "pci:zz");
  add_driver("many", "pci:aa");
  add_driver("many", "platform:mm");
  add_driver("many", "pcie:nn");
  add_driver("many", "pci");
  add_driver("many", "pci:mm");
  EXPECT_EQ(drivers_of("many"), (Names{"aa", "mm", "zz"}));
}

TEST_F(Module, OfSeveralTheOneNamedAsTheModule) {
  add_driver("xe_vfio_pci", "pci:another");
  add_driver("xe_vfio_pci", "pci:xe-vfio-pci");
  add_driver("xe_vfio_pci", "pci:xe-vfio-pci-2");
  EXPECT_EQ(driver_of("xe_vfio_pci"), "xe-vfio-pci");
  EXPECT_EQ(driver_of("xe-vfio_pci"), "xe-vfio-pci");

  add_driver("two", "pci:three");
  add_driver("two", "pci:four");
  expect_no_driver("two", VFERRY_ERROR_INVALID, {"module two", "four, three"});
}

TEST_F(Module, NoDriver) {
  expect_no_driver("igbvf_vfio_pci", VFERRY_ERROR_NOT_FOUND,
                   {"module igbvf_vfio_pci is not loaded"});
  make_live("vfio");
  EXPECT_EQ(drivers_of("vfio"), Names{});
  expect_no_driver("vfio", VFERRY_ERROR_NOT_FOUND, {"module vfio has no PCI driver"});
  add_driver("bus", "platform:bus");
  expect_no_driver("bus", VFERRY_ERROR_NOT_FOUND, {"module bus has no PCI driver"});
}

TEST_F(Module, FolderThatIsNoFolder) {
  make_live("igbvf_vfio_pci");
  std::ofstream(loaded_ / "igbvf_vfio_pci" / "drivers") << "x";
  expect_no_driver("igbvf_vfio_pci", VFERRY_ERROR_FAILED, {"drivers"});
}

// A driver's name becomes a part of a path.
TEST_F(Module, OddNamesOfDriversAreRefused) {
  int number = 0;
  for (const char *link : {"pci:", "pci:.", "pci:..", "pci:.hidden", "pci:a\nb", "pci:\x1b[31m",
                           "pci:\xff", "pci:m\xc3\xbc", "pci:Odd (TM) driver"}) {
    const std::string module = "odd" + std::to_string(number++);
    add_driver(module, link);
    add_driver(module, "pci:" + module);
    expect_no_driver(module.c_str(), VFERRY_ERROR_INVALID, {"module " + module, "odd name"});
  }
}
