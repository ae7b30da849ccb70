// SPDX-License-Identifier: LGPL-2.1-or-later
// Which module suits a VF. ALIAS_CASES: the output of alias_cases.py.
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

extern "C" {
#include "alias.h"
#include "error.h"
#include "module-name.h"
}

using Names = std::vector<std::string>;

struct FreeAliases {
  void operator()(VferryAliases *aliases) const { vferry_aliases_free(aliases); }
};
using Aliases = std::unique_ptr<VferryAliases, FreeAliases>;

static const char kComment[] = "# Aliases extracted from modules themselves.\n";
static const char kVf[] = "pci:v00008086d000010CAsv00008086sd0000A03Cbc02sc00i00";
static const char kMine[] = "alias vfio_pci:v00008086d000010CAsv*sd*bc*sc*i* ";

// A file of its own, gone with the test.
class File {
 public:
  explicit File(const std::string &content) {
    const int fd = mkstemp(path_);
    EXPECT_EQ(write(fd, content.data(), content.size()), (ssize_t)content.size());
    close(fd);
  }
  ~File() { unlink(path_); }
  const char *path() const { return path_; }

 private:
  char path_[32] = "/tmp/vferry-alias-XXXXXX";
};

static Aliases load(const std::string &path) {
  GError *error = nullptr;
  Aliases aliases(vferry_aliases_load(path.c_str(), &error));
  EXPECT_EQ(error, nullptr) << error->message;
  return aliases;
}

static Aliases load_text(const std::string &text) { return load(File(text).path()); }

static std::string best(const Aliases &aliases, const std::string &modalias) {
  if (!aliases) return "";
  GError *error = nullptr;
  const char *module = vferry_aliases_best(aliases.get(), modalias.c_str(), &error);
  EXPECT_EQ(error, nullptr) << error->message;
  return module ? module : "";
}

static Names candidates(const Aliases &aliases, const std::string &modalias) {
  if (!aliases) return {};
  GError *error = nullptr;
  char **modules = vferry_aliases_candidates(aliases.get(), modalias.c_str(), &error);
  EXPECT_EQ(error, nullptr) << error->message;
  Names names;
  for (char **module = modules; modules && *module; module++) names.push_back(*module);
  g_strfreev(modules);
  return names;
}

// What a file that holds these lines gives for kVf.
static std::string best_of(const std::string &lines) {
  return best(load_text(kComment + lines), kVf);
}

struct Vf {
  const char *name;
  const char *modalias;
  const char *old_module;
  const char *new_module;
};

static const Vf kVfs[] = {
    {"Igb82576", kVf, "igbvf_vfio_pci", "igbvf_vfio_pci"},
    {"I350", "pci:v00008086d00001520sv00008086sd0000A01Fbc02sc00i00", "igbvf_vfio_pci",
     "igbvf_vfio_pci"},
    {"ConnectX", "pci:v000015B3d0000101Esv000015B3sd00000058bc02sc00i00", "mlx5_vfio_pci",
     "mlx5_vfio_pci"},
    {"HisiliconSec", "pci:v000019E5d0000A256sv000019E5sd0000A256bc10sc00i00", "vfio_pci",
     "hisi_acc_vfio_pci"},
    {"Pensando", "pci:v00001DD8d00001003sv00001DD8sd00005201bc02sc00i00", "vfio_pci",
     "pds_vfio_pci"},
    {"VirtioNet", "pci:v00001AF4d00001041sv00001AF4sd00001100bc02sc00i00", "vfio_pci",
     "virtio_vfio_pci"},
    {"Qat", "pci:v00008086d00004941sv00008086sd00000000bc0Bsc40i00", "vfio_pci", "qat_vfio_pci"},
    {"Battlemage", "pci:v00008086d0000E211sv00008086sd00001114bc03sc00i00", "vfio_pci",
     "xe_vfio_pci"},
    {"GraceHopper", "pci:v000010DEd00002342sv000010DEsd000016EBbc03sc02i00", "vfio_pci",
     "nvgrace_gpu_vfio_pci"},
    {"Ixgbe", "pci:v00008086d000010EDsv00008086sd00000000bc02sc00i00", "vfio_pci", "vfio_pci"},
};

class Kernels : public testing::TestWithParam<Vf> {};

INSTANTIATE_TEST_SUITE_P(Vfs, Kernels, testing::ValuesIn(kVfs),
                         [](const auto &info) { return info.param.name; });

TEST_P(Kernels, ModuleOfTheVf) {
  EXPECT_EQ(best(load(TEST_DATA "/modules.alias.6.1"), GetParam().modalias),
            GetParam().old_module);
  EXPECT_EQ(best(load(TEST_DATA "/modules.alias.7.2"), GetParam().modalias),
            GetParam().new_module);
}

TEST(Alias, SameAnswerAsLibvirt) {
  std::ifstream cases(ALIAS_CASES, std::ios::binary);
  std::string word, modalias, module;
  Aliases aliases;
  int count = 0;

  while (cases >> word) {
    if (word == "FILE") {
      size_t size;
      cases >> size;
      cases.get();
      std::string text(size, '\0');
      cases.read(text.data(), (std::streamsize)size);
      aliases = load_text(text);
      continue;
    }
    ASSERT_EQ(word, "VF");
    cases >> modalias >> module;
    const Names all = candidates(aliases, modalias);
    ASSERT_EQ(best(aliases, modalias), module) << "case " << count << " " << modalias;
    ASSERT_FALSE(all.empty());
    ASSERT_EQ(all[0], module);
    count++;
  }
  EXPECT_EQ(count, 400 * 25);
}

TEST(Alias, CandidatesBestFirst) {
  const Aliases aliases = load_text(std::string(kComment) +
                                    "alias vfio_pci:v*d*sv*sd*bc*sc*i* any\n"
                                    "alias vfio_pci:v00008086d*sv*sd*bc02sc*i* by_class\n" +
                                    kMine + "first\n" +
                                    "alias vfio_pci:v00008086d*sv*sd*bc*sc*i* by_vendor\n" +
                                    kMine + "second\n" + kMine + "first\n" +
                                    "alias vfio_pci:v00008086d*sv*sd*bc*sc*i* second\n");
  EXPECT_EQ(candidates(aliases, kVf),
            (Names{"by_class", "first", "second", "by_vendor", "any", "vfio_pci"}));
}

TEST(Alias, FallbackIsListedOnceAndWhereItMatches) {
  const Aliases aliases = load_text(std::string(kComment) +
                                    "alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n"
                                    "alias vfio_pci:v*d*sv*sd*bc*sc*i* other\n");
  EXPECT_EQ(candidates(aliases, kVf), (Names{"vfio_pci", "other"}));
}

TEST(Alias, NoAliasGivesTheFallback) {
  for (const char *text : {"", "\n", "alias", kComment}) {
    const Aliases aliases = load_text(text);
    EXPECT_EQ(best(aliases, kVf), "vfio_pci");
    EXPECT_EQ(candidates(aliases, kVf), Names{"vfio_pci"});
  }
}

// Libvirt would take these names and fail to load them.
TEST(Alias, NamesThatNoModuleCanHaveAreLeftOut) {
  const Names names = {
      "",        " igbvf",       "igbvf ",    "igbvf vfio", "igbvf\r", "../igbvf",  "igbvf/vfio",
      "igbvf;x", "igbvf\tvfio",  "\x1b[31m",  "igb\xc3\xbc", "$(id)",  "-n igbvf",  "igbvf.ko",
      "*",       std::string(60, 'x'), std::string(5000, 'x'),
  };
  for (const std::string &name : names) {
    EXPECT_EQ(best_of(kMine + name + "\nalias vfio_pci:v*d*sv*sd*bc*sc*i* next\n"), "next") << name;
    EXPECT_EQ(best_of(kMine + name), "vfio_pci") << name;
  }
  const std::string longest(59, 'x');
  EXPECT_EQ(best_of(kMine + longest), longest);
}

// Libvirt would look for the name in the next line.
TEST(Alias, ALineWithoutNameTakesNoOtherLine) {
  const std::string bare = "alias vfio_pci:v00008086d000010CAsv*sd*bc*sc*i*";
  EXPECT_EQ(best_of(bare + "\nalias x y\n"), "vfio_pci");
  EXPECT_EQ(best_of(bare + "\n" + kMine + "igbvf\n"), "igbvf");
  EXPECT_EQ(best_of(bare + "\tigbvf\n" + kMine + "other\n"), "other");
  EXPECT_EQ(best_of(bare), "vfio_pci");
}

TEST(Alias, HugeLines) {
  const std::string huge(1 << 20, '*');
  EXPECT_EQ(best_of("alias vfio_pci:v" + huge + " odd\n" + kMine + "igbvf\n"), "igbvf");
  EXPECT_EQ(best_of("alias vfio_pci:" + huge + "\n" + kMine + "igbvf"), "igbvf");
  EXPECT_EQ(best_of("alias " + std::string(1 << 20, 'v')), "vfio_pci");
}

TEST(Alias, ManyAliasesAndManyVfs) {
  std::ostringstream text;
  text << kComment;
  for (int i = 0; i < 20000; i++)
    text << "alias pci:v0000ABCDd0000" << 1000 + i % 9000 << "sv*sd*bc*sc*i* other\n";
  for (int i = 0; i < 500; i++)
    text << "alias vfio_pci:v0000ABCDd0000" << 1000 + i << "sv*sd*bc*sc*i* m" << i << "\n";
  const Aliases aliases = load_text(text.str());
  for (int i = 0; i < 4096; i++) {
    const int device = 1000 + i % 500;
    ASSERT_EQ(best(aliases, "pci:v0000ABCDd0000" + std::to_string(device) +
                                "sv00000000sd00000000bc02sc00i00"),
              "m" + std::to_string(i % 500));
  }
}

TEST(Alias, ModaliasOfAnotherFormIsRefused) {
  const Names wrong = {
      "",
      "pci:",
      kVf + 4,
      std::string(kVf) + "\n",
      std::string(kVf) + " ",
      std::string(kVf) + "*",
      std::string(kVf).substr(0, sizeof(kVf) - 2),
      "usb:v0BDAp8153d3000dc00dsc00dp00icFFiscFFip00in00",
      "pci:v*d*sv*sd*bc*sc*i*",
      "pci:v00008086d*sv00008086sd0000A03Cbc02sc00i00",
      "pci:v00008086d000010CAsv00008086sd0000A03Cbc02sc00i*",
      "pci:v0000808?d000010CAsv00008086sd0000A03Cbc02sc00i00",
      "pci:v00008086d000010[C]sv00008086sd0000A03Cbc02sc00i00",
      "pci:v00008086d000010casv00008086sd0000A03Cbc02sc00i00",
      "pci:v8086d10CAsv8086sdA03Cbc02sc00i00",
      "pci:d000010CAv00008086sv00008086sd0000A03Cbc02sc00i00",
      "vfio_pci:v00008086d000010CAsv00008086sd0000A03Cbc02sc00i00",
      std::string(100000, '\n'),
  };
  const Aliases aliases = load(TEST_DATA "/modules.alias.7.2");
  for (const std::string &modalias : wrong) {
    GError *error = nullptr;
    EXPECT_EQ(vferry_aliases_best(aliases.get(), modalias.c_str(), &error), nullptr) << modalias;
    ASSERT_TRUE(g_error_matches(error, VFERRY_ERROR, VFERRY_ERROR_INVALID)) << modalias;
    EXPECT_EQ(strchr(error->message, '\n'), nullptr);
    EXPECT_LT(strlen(error->message), 200U);
    g_clear_error(&error);
    EXPECT_EQ(vferry_aliases_candidates(aliases.get(), modalias.c_str(), &error), nullptr);
    EXPECT_TRUE(g_error_matches(error, VFERRY_ERROR, VFERRY_ERROR_INVALID)) << modalias;
    g_clear_error(&error);
  }
}

static void expect_unloadable(const char *path, VferryError code, const char *why) {
  GError *error = nullptr;
  EXPECT_EQ(vferry_aliases_load(path, &error), nullptr);
  ASSERT_TRUE(g_error_matches(error, VFERRY_ERROR, code)) << path;
  EXPECT_NE(strstr(error->message, path), nullptr) << error->message;
  EXPECT_NE(strstr(error->message, why), nullptr) << error->message;
  g_clear_error(&error);
}

TEST(Load, WhatIsNoFileIsRefused) {
  char folder[] = "/tmp/vferry-alias-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string absent = std::string(folder) + "/modules.alias";
  const std::string fifo = std::string(folder) + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);

  expect_unloadable(absent.c_str(), VFERRY_ERROR_NOT_FOUND, "depmod");
  expect_unloadable(folder, VFERRY_ERROR_INVALID, "8 MiB");
  expect_unloadable(fifo.c_str(), VFERRY_ERROR_INVALID, "8 MiB");
  expect_unloadable("/dev/zero", VFERRY_ERROR_INVALID, "8 MiB");
  unlink(fifo.c_str());
  rmdir(folder);
}

TEST(Load, SizeHasTheLimitOfLibvirt) {
  const std::string alias = std::string("\n") + kMine + "igbvf";
  const File file(std::string(8 * 1024 * 1024 - alias.size(), '#') + alias);
  EXPECT_EQ(best(load(file.path()), kVf), "igbvf");
  std::ofstream(file.path(), std::ios::app) << "x";
  expect_unloadable(file.path(), VFERRY_ERROR_INVALID, "8 MiB");
}

TEST(Load, PathIsOfTheRunningKernel) {
  std::ifstream release("/proc/sys/kernel/osrelease");
  std::string name;
  ASSERT_TRUE(release >> name);
  char *path = vferry_aliases_path();
  EXPECT_EQ(path, "/lib/modules/" + name + "/modules.alias");
  g_free(path);
}
