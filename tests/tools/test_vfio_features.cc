// SPDX-License-Identifier: LGPL-2.1-or-later
// What a VFIO device offers, asked from the device: which one is opened, and what it says.
// /dev/vfio is played: open(2) and ioctl(2) of this program come here first.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <linux/vfio.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

extern "C" {
#include "claims.h"
#include "vfio-features.h"
}

#ifndef VFIO_MIGRATION_PRE_COPY
#define VFIO_MIGRATION_PRE_COPY (1 << 2)
#endif

namespace {

struct Device {
  std::string address;
  __u64 migration = 0;  // flags; 0: no migration
  bool logs = false;
  bool viable = true;
  bool opens = true;
};

// Descriptors are of /dev/null; what they stand for is remembered.
class FakeVfio {
 public:
  std::map<int, Device> groups;
  std::vector<std::string> opened;  // addresses of devices

  int open(const std::string &path) {
    const std::string name = path.substr(sizeof("/dev/vfio/") - 1);
    if (name != "vfio" && !groups.count(std::stoi(name)))
      return fail(EBUSY);
    const int fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR));
    roles_[fd] = name;
    return fd;
  }
  bool knows(int fd) const { return roles_.count(fd) && fcntl(fd, F_GETFD) >= 0; }
  unsigned still_open() const {
    unsigned count = 0;
    for (const auto &[fd, role] : roles_)
      count += fcntl(fd, F_GETFD) >= 0;
    return count;
  }

  int ioctl(int fd, unsigned long request, void *argument) {
    const std::string &role = roles_[fd];
    if (role == "vfio")
      return request == VFIO_SET_IOMMU ? 0 : fail(ENOTTY);
    if (role.rfind("device ", 0) == 0)
      return feature(groups[std::stoi(role.substr(7))],
                     static_cast<vfio_device_feature *>(argument), request);
    Device &device = groups[std::stoi(role)];
    switch (request) {
      case VFIO_GROUP_GET_STATUS:
        static_cast<vfio_group_status *>(argument)->flags =
            device.viable ? VFIO_GROUP_FLAGS_VIABLE : 0;
        return 0;
      case VFIO_GROUP_SET_CONTAINER:
        return 0;
      case VFIO_GROUP_GET_DEVICE_FD: {
        EXPECT_EQ(static_cast<const char *>(argument), device.address);
        if (!device.opens)
          return fail(EPERM);
        const int opened_fd = open("/dev/vfio/" + role);
        roles_[opened_fd] = "device " + role;
        opened.push_back(device.address);
        return opened_fd;
      }
    }
    return fail(ENOTTY);
  }

 private:
  static int fail(int number) {
    errno = number;
    return -1;
  }
  static int feature(const Device &device, vfio_device_feature *ask, unsigned long request) {
    const __u32 what = ask->flags & VFIO_DEVICE_FEATURE_MASK;
    EXPECT_EQ(request, VFIO_DEVICE_FEATURE);
    if (what == VFIO_DEVICE_FEATURE_MIGRATION && ask->flags & VFIO_DEVICE_FEATURE_GET) {
      EXPECT_GE(ask->argsz, sizeof(*ask) + sizeof(vfio_device_feature_migration));
      memcpy(ask->data, &device.migration, sizeof(device.migration));
      return device.migration ? 0 : fail(ENOTTY);
    }
    EXPECT_EQ(ask->flags, VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET |
                              VFIO_DEVICE_FEATURE_DMA_LOGGING_START);
    return device.logs ? 0 : fail(ENOTTY);
  }

  std::map<int, std::string> roles_;
};

FakeVfio *vfio;

int open_here(const char *path, int flags, mode_t mode) {
  if (vfio && strncmp(path, "/dev/vfio/", 10) == 0)
    return vfio->open(path);
  return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

}  // namespace

// Also of the program under test: with 64-bit offsets both are open64().
extern "C" int open(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_here(path, flags, mode);
}

extern "C" int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list more;
  va_start(more, request);
  void *argument = va_arg(more, void *);
  va_end(more);
  if (vfio && vfio->knows(fd))
    return vfio->ioctl(fd, request, argument);
  return static_cast<int>(syscall(SYS_ioctl, fd, request, argument));
}

namespace {

// A PF with three VFs that no PCI bus has, so that nobody uses them.
class Features : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0)
      GTEST_SKIP() << "needs root";
    static const bool covered = unshare(CLONE_NEWNS) == 0 &&
                                mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                                mount("none", "/run", "tmpfs", 0, "mode=755") == 0;
    ASSERT_TRUE(covered);
    pf_.address = {0xfff0, 1, 0, 0};
    pf_.vfs = g_ptr_array_new();
    inventory_.pfs = g_ptr_array_new();
    g_ptr_array_add(inventory_.pfs, &pf_);
    for (guint i = 0; i < 3; i++) {
      vfs[i] = {};
      vfs[i].address = {0xfff0, 1, 0x10, static_cast<guint8>(i)};
      vfs[i].vendor = 0x8086;
      vfs[i].device = 0x10ca;
      vfs[i].driver = driver_;
      vfs[i].vfio_dev = vfio_dev_;
      vfs[i].iommu_group = static_cast<int>(i) + 10;
      vfs[i].pf = &pf_;
      g_ptr_array_add(pf_.vfs, &vfs[i]);
      fake.groups[static_cast<int>(i) + 10] = {"fff0:01:10." + std::to_string(i),
                                               VFIO_MIGRATION_STOP_COPY, false, true, true};
    }
    vfio = &fake;
  }
  void TearDown() override {
    vfio = nullptr;
    if (!pf_.vfs)
      return;
    EXPECT_EQ(fake.still_open(), 0U);
    for (const VferryVf &vf : vfs) {
      char name[VFERRY_ADDRESS_TEXT_SIZE];
      unlink((std::string(VFERRY_CLAIMS_FOLDER "/") + vferry_address_text(&vf.address, name))
                 .c_str());
    }
    g_ptr_array_unref(pf_.vfs);
    g_ptr_array_unref(inventory_.pfs);
    vfio_features_clear(&found);
  }

  void find() {
    vfio_features_clear(&found);
    vfio_features_find(&inventory_, &vfs[0], &found);
  }
  std::string source() const { return found.source ? found.source : ""; }
  void claim(guint i) {
    VferryInstant now = {};
    g_autoptr(GError) error = nullptr;
    ASSERT_TRUE(vferry_instant_now(&now, &error)) << error->message;
    g_autoptr(VferryClaims) claims = vferry_claims_open(VFERRY_CLAIMS_FOLDER, 1000, &error);
    ASSERT_TRUE(claims) << error->message;
    g_autoptr(VferryClaim) made =
        vferry_claim_new(&vfs[i].address, "a11ce000-0000-4000-8000-00000000000a", "guest",
                         VFERRY_CLAIM_RUNNING, &now);
    ASSERT_TRUE(vferry_claims_put(claims, made, &error)) << error->message;
  }

  FakeVfio fake;
  VferryVf vfs[3];
  VfioFeatures found = {};

 private:
  char driver_[15] = "igbvf_vfio_pci";
  char vfio_dev_[6] = "vfio0";
  VferryPf pf_ = {};
  VferryInventory inventory_ = {};
};

TEST_F(Features, AreWhatTheDeviceSays) {
  for (const bool p2p : {false, true})
    for (const bool pre_copy : {false, true})
      for (const bool logs : {false, true}) {
        fake.groups[10].migration = VFIO_MIGRATION_STOP_COPY | (p2p ? VFIO_MIGRATION_P2P : 0) |
                                    (pre_copy ? VFIO_MIGRATION_PRE_COPY : 0);
        fake.groups[10].logs = logs;
        find();
        EXPECT_EQ(source(), "fff0:01:10.0");
        EXPECT_EQ(found.stop_copy, ANSWER_YES);
        EXPECT_EQ(found.p2p, p2p ? ANSWER_YES : ANSWER_NO);
        EXPECT_EQ(found.pre_copy, pre_copy ? ANSWER_YES : ANSWER_NO);
        EXPECT_EQ(found.dirty_log, logs ? ANSWER_YES : ANSWER_NO);
      }
  fake.groups[10].migration = 0;
  find();
  EXPECT_EQ(found.stop_copy, ANSWER_NO);
}

TEST_F(Features, OfOneThatIsClaimedItsSiblingTells) {
  claim(0);
  fake.groups[11].logs = true;
  find();
  EXPECT_EQ(source(), "fff0:01:10.1");
  EXPECT_EQ(found.dirty_log, ANSWER_YES);
  EXPECT_EQ(fake.opened, std::vector<std::string>{"fff0:01:10.1"});
}

TEST_F(Features, NobodyElsesDeviceIsOpened) {
  claim(0);
  claim(1);
  vfs[2].iommu_group = -1;
  find();
  EXPECT_EQ(source(), "");
  EXPECT_EQ(found.stop_copy, ANSWER_UNKNOWN);
  EXPECT_TRUE(fake.opened.empty());
}

TEST_F(Features, OnlyOneOfTheSameKindIsAsked) {
  char other[] = "vfio-pci";
  claim(0);
  vfs[1].driver = other;
  find();
  EXPECT_EQ(source(), "fff0:01:10.2");
  vfs[2].device = 0x1520;
  find();
  EXPECT_EQ(source(), "");
  vfs[2].device = 0x10ca;
  vfs[2].vfio_dev = nullptr;
  find();
  EXPECT_EQ(source(), "");
}

TEST_F(Features, OneThatDoesNotOpenIsPassedOver) {
  fake.groups.erase(10);  // another process has the group
  fake.groups[11].viable = false;
  find();
  EXPECT_EQ(source(), "fff0:01:10.2");
  fake.groups[12].opens = false;
  find();
  EXPECT_EQ(source(), "");
  EXPECT_EQ(found.stop_copy, ANSWER_UNKNOWN);
}

}  // namespace
