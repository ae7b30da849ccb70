// SPDX-License-Identifier: LGPL-2.1-or-later
// A PCI bus of PFs and VFs below the /sys of a umockdev testbed. Run what
// includes this by umockdev-wrapper.
#pragma once

#include <umockdev.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

struct MockIds {
  unsigned vendor, device, subsystem_vendor, subsystem_device, class_code;
};

class MockPci {
 public:
  MockPci() : testbed_(umockdev_testbed_new()) {
    g_autofree char *sys = umockdev_testbed_get_sys_dir(testbed_);
    sys_ = sys;
    std::filesystem::create_directories(sys_ / "bus/pci/devices");
    std::filesystem::create_directories(root());
  }
  ~MockPci() { g_object_unref(testbed_); }
  MockPci(const MockPci &) = delete;
  MockPci &operator=(const MockPci &) = delete;

  std::filesystem::path bus() const { return sys_ / "bus/pci/devices"; }
  std::filesystem::path folder(const std::string &address) const { return root() / address; }

  void set(const std::string &address, const std::string &attribute, const std::string &value) {
    const std::filesystem::path path = folder(address) / attribute;
    std::filesystem::create_directories(path.parent_path());
    std::filesystem::remove_all(path);
    std::ofstream(path, std::ios::binary) << value;
  }
  void link(const std::string &address, const std::string &name, const std::string &target) {
    std::filesystem::remove_all(folder(address) / name);
    std::filesystem::create_symlink(target, folder(address) / name);
  }
  void remove(const std::string &address, const std::string &attribute) {
    std::filesystem::remove_all(folder(address) / attribute);
  }
  // A file that nobody can open: who reads it fails.
  void poison(const std::string &address, const std::string &attribute) {
    make_node(address, attribute, S_IFSOCK);
  }
  // A file whose reader waits for a writer.
  void hold(const std::string &address, const std::string &attribute) {
    make_node(address, attribute, S_IFIFO);
  }
  // In a process of its own, as umockdev lets one thread of a process open files:
  // wait for the reader of a held file, do something, and let it read the value.
  template <typename Action>
  pid_t release(const std::string &address, const std::string &attribute, const std::string &value,
                Action action) {
    const pid_t child = fork();
    if (child)
      return child;
    alarm(20);
    {
      std::ofstream held(folder(address) / attribute);
      action();
      held << value;
    }
    _exit(0);
  }

  void add_device(const std::string &address, const MockIds &ids) {
    char modalias[64];
    std::snprintf(modalias, sizeof(modalias), "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n",
                  ids.vendor, ids.device, ids.subsystem_vendor, ids.subsystem_device,
                  ids.class_code >> 16, ids.class_code >> 8 & 0xff, ids.class_code & 0xff);
    set(address, "modalias", modalias);
    std::filesystem::create_symlink("../../../devices/pci0000:00/" + address, bus() / address);
  }
  void add_pf(const std::string &address, const MockIds &ids, unsigned totalvfs) {
    add_device(address, ids);
    set(address, "numa_node", "-1\n");
    set(address, "sriov_totalvfs", std::to_string(totalvfs) + "\n");
    set(address, "sriov_drivers_autoprobe", "1\n");
    poison(address, "sriov_numvfs");
  }
  void add_vf(const std::string &pf, unsigned index, const std::string &address,
              const MockIds &ids) {
    add_device(address, ids);
    link(pf, "virtfn" + std::to_string(index), "../" + address);
    link(address, "physfn", "../" + pf);
  }
  void bind(const std::string &address, const std::string &driver) {
    link(address, "driver", "../../../bus/pci/drivers/" + driver);
  }
  void add_name(const std::string &address, const std::string &kind, const std::string &name) {
    std::filesystem::create_directories(folder(address) / kind / name);
  }
  void set_iommu_group(const std::string &address, int group) {
    link(address, "iommu_group", "../../../kernel/iommu_groups/" + std::to_string(group));
  }
  void unplug(const std::string &address) {
    std::filesystem::remove(bus() / address);
    std::filesystem::remove_all(folder(address));
  }

 private:
  std::filesystem::path root() const { return sys_ / "devices/pci0000:00"; }

  void make_node(const std::string &address, const std::string &attribute, mode_t type) {
    remove(address, attribute);
    if (mknod((folder(address) / attribute).c_str(), type | 0600, 0))
      throw std::runtime_error("mknod " + attribute);
  }

  UMockdevTestbed *testbed_;
  std::filesystem::path sys_;
};
