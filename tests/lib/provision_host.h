/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host with PFs, drivers, modules and a configuration, for tests of provisioning. */
#ifndef VFERRY_TESTS_PROVISION_HOST_H
#define VFERRY_TESTS_PROVISION_HOST_H

#include <gtest/gtest.h>

#include "driver_core.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <sys/utsname.h>

inline constexpr const char *pf_address = "0000:03:00.0";

using Names = std::vector<std::string>;

class ProvisionHost : public testing::Test {
protected:
	DriverCore &core = DriverCore::get();

	void SetUp() override
	{
		static const bool covered = cover();

		ASSERT_TRUE(covered);
		for (const char *folder : { "/sys/module", "/run", "/etc", "/lib/modules" })
			for (const auto &entry : std::filesystem::directory_iterator(folder))
				std::filesystem::remove_all(entry);
		core.reset_to_nothing();
		add_network_driver("igbvf");
		add_vfio_driver("vfio_pci", "vfio-pci");
		add_vfio_driver("igbvf_vfio_pci", "igbvf_vfio_pci");
		install_aliases();
	}

	static bool cover()
	{
		std::filesystem::create_directories("/lib/modules");
		DriverCore::cover({ "/sys/module", "/run", "/etc", "/lib/modules" });
		umask(022);
		return true;
	}

	static void write(const std::string &path, const std::string &text)
	{
		std::filesystem::create_directories(std::filesystem::path(path).parent_path());
		std::ofstream(path) << text;
	}

	static std::string read(const std::string &path)
	{
		std::ifstream file(path);

		return { std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>() };
	}

	static void install_aliases()
	{
		struct utsname system;

		uname(&system);
		write(std::string("/lib/modules/") + system.release + "/modules.alias",
		      read(TEST_DATA "/modules.alias.7.2"));
	}

	static void configure(const std::string &text)
	{
		write("/etc/vferry/vferry.conf", text);
	}

	void add_network_driver(const std::string &name)
	{
		Driver driver;

		driver.matches_by_id = true;
		core.add_driver(name, driver);
	}

	static void load_module(const std::string &module, const std::string &driver)
	{
		write("/sys/module/" + module + "/initstate", "live\n");
		std::filesystem::create_directories("/sys/module/" + module + "/drivers");
		std::filesystem::create_directory_symlink(
			"../../../bus/pci/drivers/" + driver,
			"/sys/module/" + module + "/drivers/pci:" + driver);
	}

	/* With its module loaded. */
	void add_vfio_driver(const std::string &module, const std::string &driver)
	{
		Driver vfio;

		vfio.is_vfio = true;
		core.add_driver(driver, vfio);
		load_module(module, driver);
	}

	/* With a module that its first user loads; each load leaves a line in /run/loads. */
	void add_loadable_driver(const std::string &module, const std::string &driver)
	{
		const std::string folder = "/sys/module/" + module;
		const std::string hidden = "/sys/module/." + module;

		add_vfio_driver(module, driver);
		std::filesystem::rename(folder, hidden);
		write("/etc/modprobe.d/" + module + ".conf",
		      "install " + module + " mv " + hidden + " " + folder + " && echo " + module +
			      " >> /run/loads\n");
	}

	void expect_bound(const std::string &driver, size_t number, const std::string &pf = pf_address)
	{
		const Names vfs = core.vfs_of(pf);

		EXPECT_EQ(vfs.size(), number);
		for (const std::string &vf : vfs) {
			EXPECT_EQ(core.driver(vf), driver) << vf;
			EXPECT_EQ(core.driver_override(vf), driver) << vf;
		}
	}

	void expect_never_on(const std::string &driver)
	{
		for (const std::string &line : core.attached())
			EXPECT_NE(line.substr(line.find(' ') + 1), driver) << line;
	}
};

#endif
