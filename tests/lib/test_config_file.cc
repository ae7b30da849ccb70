// SPDX-License-Identifier: LGPL-2.1-or-later
// Which configuration files are read, in which order, and which are not trusted.
#include <glib.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

extern "C" {
#include "config.h"
#include "error.h"
}

namespace {

namespace fs = std::filesystem;

constexpr size_t kSizeLimit = 1024 * 1024;
constexpr uid_t kNobody = 65534;

class ConfigFile : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0)
      GTEST_SKIP() << "root owns what is read, so only root can test it";
    g_autofree char *made = g_dir_make_tmp("test-config-XXXXXX", nullptr);
    ASSERT_NE(made, nullptr);
    root_ = made;
    file_ = root_ / "vferry.conf";
    folder_ = root_ / "conf.d";
    fs::create_directory(folder_);
    fs::permissions(folder_, fs::perms(0755));
  }

  ~ConfigFile() override {
    if (!root_.empty())
      fs::remove_all(root_);
  }

  static fs::path write(const fs::path &path, const std::string &text = "[host]\n") {
    std::ofstream(path, std::ios::binary) << text;
    fs::permissions(path, fs::perms(0644));
    return path;
  }

  static fs::path write_network(const fs::path &path, const std::string &network) {
    return write(path, "[pf x]\nnetwork=" + network + "\n");
  }

  VferryConfig *load(GError **error) {
    return vferry_config_load(file_.c_str(), folder_.c_str(), error);
  }

  // Where the network comes from: "NAME FILE:LINE", or the error.
  std::string network() {
    g_autoptr(GError) error = nullptr;
    g_autoptr(VferryConfig) config = load(&error);
    const VferryAddress address = {0, 1, 0, 0};
    char name[] = "x", *names[] = {name, nullptr};

    EXPECT_EQ(config == nullptr, error != nullptr);
    if (error)
      return error->message;
    const VferryPfConfig *pf = vferry_config_for_pf(config, &address, names, 0, 0);
    if (!pf->network)
      return "none";
    return std::string(pf->network) + " " + pf->from[VFERRY_PF_KEY_NETWORK];
  }

  void expect_error(int code, const fs::path &path, const std::string &what) {
    g_autoptr(GError) error = nullptr;
    g_autoptr(VferryConfig) config = load(&error);

    EXPECT_EQ(config, nullptr);
    ASSERT_NE(error, nullptr);
    EXPECT_TRUE(g_error_matches(error, VFERRY_ERROR, code)) << error->message;
    EXPECT_EQ(std::string(error->message).rfind(path.string() + ": " + what, 0), 0U)
        << error->message;
  }

  fs::path root_, file_, folder_;
};

} // namespace

TEST_F(ConfigFile, WhatIsMissingIsEmpty) {
  EXPECT_EQ(network(), "none");
  fs::remove(folder_);
  EXPECT_EQ(network(), "none");
  write_network(file_, "a");
  EXPECT_EQ(network(), "a " + file_.string() + ":2");
  fs::remove_all(root_);
  EXPECT_EQ(network(), "none");
}

TEST_F(ConfigFile, AnEmptyFileIsNoError) {
  write(file_, "");
  EXPECT_EQ(network(), "none");
}

TEST_F(ConfigFile, TheFolderOverridesTheFileInByteOrder) {
  write_network(file_, "file");
  const fs::path capital = write_network(folder_ / "Z.conf", "capital");
  EXPECT_EQ(network(), "capital " + capital.string() + ":2");
  const fs::path nine = write_network(folder_ / "a9.conf", "nine");
  for (int i = 10; i < 20; i++)
    write_network(folder_ / ("a" + std::to_string(i) + ".conf"), "ten");
  EXPECT_EQ(network(), "nine " + nine.string() + ":2");
}

TEST_F(ConfigFile, OtherNamesAreLeftOut) {
  for (const char *name : {".conf", ".a.conf", "a.conf~", "a.conf.bak", "README", "conf", "a.CONF"})
    write(folder_ / name, "bad\n");
  EXPECT_EQ(network(), "none");
}

TEST_F(ConfigFile, AnErrorNamesTheFileOfTheFolder) {
  write_network(file_, "file");
  const fs::path bad = write(folder_ / "b.conf", "[host]\nbad\n");
  EXPECT_EQ(network().rfind(bad.string() + ":2: 'bad' is no section", 0), 0U);
}

TEST_F(ConfigFile, OneMebibyteIsTheLimit) {
  std::string text = "[pf x]\nnetwork=a\n";
  text += std::string(kSizeLimit - text.size(), '#');
  write(file_, text);
  EXPECT_EQ(network(), "a " + file_.string() + ":2");
  write(file_, text + "#");
  expect_error(VFERRY_ERROR_REFUSED, file_, "longer than 1 MiB; shorten it");
}

TEST_F(ConfigFile, OnlyRootMayWriteIt) {
  write(file_);
  for (const unsigned mode : {0664U, 0646U, 0620U, 0602U}) {
    fs::permissions(file_, fs::perms(mode));
    expect_error(VFERRY_ERROR_REFUSED, file_, "writable by its group or others, who could take "
                 "over the host by it; check what it holds, then chmod it go-w");
  }
  fs::permissions(file_, fs::perms(0600));
  EXPECT_EQ(network(), "none");
}

TEST_F(ConfigFile, RootMustOwnIt) {
  write(file_);
  ASSERT_EQ(chown(file_.c_str(), kNobody, 0), 0);
  expect_error(VFERRY_ERROR_REFUSED, file_, "owned by another user than root, who could take over "
               "the host by it; check what it holds, then chown it to root");
  ASSERT_EQ(chown(file_.c_str(), 0, kNobody), 0);
  EXPECT_EQ(network(), "none");
}

TEST_F(ConfigFile, TheFilesOfTheFolderAreCheckedToo) {
  const fs::path path = write(folder_ / "a.conf");
  fs::permissions(path, fs::perms(0666));
  expect_error(VFERRY_ERROR_REFUSED, path, "writable by its group or others");
}

TEST_F(ConfigFile, TheFolderIsChecked) {
  fs::permissions(folder_, fs::perms(0775));
  expect_error(VFERRY_ERROR_REFUSED, folder_, "writable by its group or others");
  fs::permissions(folder_, fs::perms(0755));
  ASSERT_EQ(chown(folder_.c_str(), kNobody, 0), 0);
  expect_error(VFERRY_ERROR_REFUSED, folder_, "owned by another user than root");
}

TEST_F(ConfigFile, ALinkIsFollowed) {
  const fs::path target = write_network(root_ / "target", "linked");
  fs::create_symlink(target, folder_ / "a.conf");
  EXPECT_EQ(network(), "linked " + (folder_ / "a.conf").string() + ":2");
  fs::permissions(target, fs::perms(0666));
  expect_error(VFERRY_ERROR_REFUSED, folder_ / "a.conf", "writable by its group or others");
}

TEST_F(ConfigFile, ALinkToNowhereIsAnError) {
  fs::create_symlink(root_ / "gone", folder_ / "a.conf");
  expect_error(VFERRY_ERROR_FAILED, folder_ / "a.conf", "opening it failed: No such file");
  fs::rename(folder_ / "a.conf", file_);
  expect_error(VFERRY_ERROR_FAILED, file_, "opening it failed: No such file");
  fs::remove(file_);
  fs::remove(folder_);
  fs::create_symlink(root_ / "gone", folder_);
  expect_error(VFERRY_ERROR_FAILED, folder_, "opening it failed: No such file");
}

TEST_F(ConfigFile, OnlyRegularFilesAreRead) {
  fs::create_directory(folder_ / "a.conf");
  expect_error(VFERRY_ERROR_REFUSED, folder_ / "a.conf", "no regular file");
  fs::remove(folder_ / "a.conf");
  // Without a writer: opening it must not wait for one.
  ASSERT_EQ(mkfifo((folder_ / "a.conf").c_str(), 0644), 0);
  expect_error(VFERRY_ERROR_REFUSED, folder_ / "a.conf", "no regular file");
  fs::remove(folder_ / "a.conf");
  fs::create_symlink("/dev/null", folder_ / "a.conf");
  expect_error(VFERRY_ERROR_REFUSED, folder_ / "a.conf", "no regular file");
}

TEST_F(ConfigFile, AFileIsNoFolder) {
  fs::remove(folder_);
  write(folder_);
  expect_error(VFERRY_ERROR_FAILED, folder_, "opening it failed: Not a directory");
}
