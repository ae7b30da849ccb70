/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lib/vfio.c: which device is a VFIO device, and who has it open. */
#include <gtest/gtest.h>

extern "C" {
#include "error.h"
#include "vfio.h"
}

#include "driver_core.h"

#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fs = std::filesystem;

class Vfio : public testing::Test {
protected:
	DriverCore &core = DriverCore::get();
	VferryAddress vf = {};
	pid_t user = 0;
	int fd = -1;

	void SetUp() override
	{
		/* A GLib function that is given what it does not take says so only in the log. */
		g_log_set_always_fatal(static_cast<GLogLevelFlags>(G_LOG_FATAL_MASK |
								   G_LOG_LEVEL_CRITICAL));
		ASSERT_TRUE(vferry_address_parse(DriverCore::vf, &vf, nullptr));
		core.reset("vfio-pci", std::nullopt);
	}

	void TearDown() override
	{
		if (fd >= 0)
			close(fd);
	}

	/* Opened by the test itself: it is one of the processes that are looked through. */
	void use(const std::string &path)
	{
		fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
		ASSERT_GE(fd, 0);
	}

	bool in_use()
	{
		GError *error = nullptr;
		const bool used = vferry_vfio_in_use(&vf, &user, &error);

		EXPECT_EQ(error, nullptr) << error->message;
		g_clear_error(&error);
		return used;
	}

	void expect_error(int code)
	{
		GError *error = nullptr;

		EXPECT_FALSE(vferry_vfio_in_use(&vf, &user, &error));
		EXPECT_TRUE(g_error_matches(error, VFERRY_ERROR, code));
		g_clear_error(&error);
	}

	static void replace(const fs::path &path, const std::string &text)
	{
		fs::remove(path);
		const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

		ASSERT_EQ(pwrite(file, text.data(), text.size(), 0),
			  static_cast<ssize_t>(text.size()));
		close(file);
	}
};

TEST_F(Vfio, DeviceIsNamed)
{
	char *name = vferry_vfio_device(&vf);

	EXPECT_STREQ(name, "vfio3");
	g_free(name);
	core.detach();
	EXPECT_EQ(vferry_vfio_device(&vf), nullptr);
	fs::create_directories(fs::path(DriverCore::folder) / "vfio-dev/power");
	fs::create_directories(fs::path(DriverCore::folder) / "vfio-dev/vfio");
	EXPECT_EQ(vferry_vfio_device(&vf), nullptr);
}

TEST_F(Vfio, NobodyUsesIt)
{
	EXPECT_FALSE(in_use());
}

TEST_F(Vfio, GroupOrDeviceInUse)
{
	for (const char *node : { DriverCore::group_node, DriverCore::device_node }) {
		use(node);
		EXPECT_TRUE(in_use());
		EXPECT_EQ(user, getpid());
		close(fd);
		fd = -1;
		EXPECT_FALSE(in_use());
	}
}

TEST_F(Vfio, UsersOfMany)
{
	const VferryAddress many[] = { { 0, 9, 9, 0 }, vf, { 0, 9, 9, 1 } };
	pid_t users[3] = { 1, 1, 1 };

	EXPECT_TRUE(vferry_vfio_users(many, 3, users, nullptr));
	EXPECT_EQ(users[1], 0);
	use(DriverCore::group_node);
	EXPECT_TRUE(vferry_vfio_users(many, 3, users, nullptr));
	EXPECT_EQ(users[0], 0);
	EXPECT_EQ(users[1], getpid());
	EXPECT_EQ(users[2], 0);
	EXPECT_TRUE(vferry_vfio_users(nullptr, 0, nullptr, nullptr));
}

TEST_F(Vfio, NodeOfANoIommuGroup)
{
	const std::string node = "/sys/bus/pci/nodes/vfio/noiommu-12";

	fs::rename("/sys/class/vfio/12", "/sys/class/vfio/noiommu-12");
	ASSERT_EQ(mknod(node.c_str(), S_IFCHR | 0600, makedev(1, 3)), 0);
	use(node);
	EXPECT_TRUE(in_use());
}

/* Anyone can have a file of that name; it must not keep a VF from its owner. */
TEST_F(Vfio, WhatIsOnlyNamedLikeItDoesNotCount)
{
	replace(DriverCore::group_node, "");
	use(DriverCore::group_node);
	EXPECT_FALSE(in_use());
	close(fd);
	fs::remove(DriverCore::group_node);
	ASSERT_EQ(mknod(DriverCore::group_node, S_IFCHR | 0600, makedev(1, 7)), 0);
	use(DriverCore::group_node);
	EXPECT_FALSE(in_use());
}

TEST_F(Vfio, WithoutAVfioDriverNobodyCan)
{
	core.detach();
	use(DriverCore::group_node);
	EXPECT_FALSE(in_use());
}

TEST_F(Vfio, NodesThatAreNotKnownAreAnError)
{
	const fs::path number = fs::path(DriverCore::folder) / "vfio-dev/vfio3/dev";

	for (const char *text : { "", "1", "1:", ":5", "1:5:6", "1:-5", "99999999999:1", "a:b" }) {
		replace(number, text);
		expect_error(VFERRY_ERROR_INVALID);
	}
	fs::remove(number);
	EXPECT_FALSE(in_use());
	fs::remove_all("/sys/class/vfio/12");
	expect_error(VFERRY_ERROR_FAILED);
}

/* "No" is not said by one who cannot see all; "yes" is. */
TEST_F(Vfio, WhoMayNotLookCannotTell)
{
	const pid_t child = fork();
	int status;

	if (child == 0) {
		GError *error = nullptr;

		if (setresuid(65534, 65534, 65534) < 0 ||
		    vferry_vfio_in_use(&vf, nullptr, &error))
			_exit(1);
		_exit(!g_error_matches(error, VFERRY_ERROR, VFERRY_ERROR_FAILED) ||
		      !strstr(error->message, "root"));
	}
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
}
