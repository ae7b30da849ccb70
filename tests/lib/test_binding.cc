/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lib/binding.c where all goes well, where there is nothing to do, and where it refuses. */
#include "binding_test.h"

#include <algorithm>
#include <csignal>
#include <filesystem>

#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fs = std::filesystem;

TEST_F(Binding, BindWritesOverrideBeforeTheDeviceIsFree)
{
	ASSERT_TRUE(bind());
	expect_state(ours, ours);
	EXPECT_EQ(core.writes(),
		  (Writes{ "driver_override igbvf_vfio_pci", "unbind igbvf", "probe" }));
	EXPECT_STREQ(before.driver, "igbvf");
	EXPECT_EQ(before.driver_override, nullptr);
}

TEST_F(Binding, BoundAlreadyWritesNothing)
{
	for (const OptionalName &driver_override : { OptionalName(ours), OptionalName() }) {
		core.reset(ours, driver_override);
		ASSERT_TRUE(bind());
		EXPECT_EQ(core.writes(), Writes());
		EXPECT_STREQ(before.driver, ours);
	}
}

TEST_F(Binding, BoundWithoutVfioDevIsBoundAgain)
{
	core.reset(ours, ours);
	fs::remove_all(fs::path(DriverCore::folder) / "vfio-dev");
	ASSERT_TRUE(bind());
	EXPECT_EQ(core.writes(), (Writes{ "unbind igbvf_vfio_pci", "probe" }));
}

TEST_F(Binding, VfioDevIsNotLookedForWhereItIsNotNeeded)
{
	core.drivers[ours].lacks_vfio_dev = true;
	ASSERT_TRUE(bind(ours, false));
	expect_state(ours, ours);
}

TEST_F(Binding, BindsADeviceWithoutDriver)
{
	core.reset(std::nullopt, "none");
	ASSERT_TRUE(bind());
	expect_state(ours, ours);
	EXPECT_EQ(core.writes(), (Writes{ "driver_override igbvf_vfio_pci", "probe" }));
	EXPECT_EQ(before.driver, nullptr);
	EXPECT_STREQ(before.driver_override, "none");
}

TEST_F(Binding, ThereAndBack)
{
	core.reset("vfio-pci", "vfio-pci");
	ASSERT_TRUE(bind());
	ASSERT_TRUE(unbind(before.driver, before.driver_override));
	expect_state("vfio-pci", "vfio-pci");
}

TEST_F(Binding, RefusesNamesThatAreNoDriver)
{
	for (const std::string &name : { std::string(), std::string("."), std::string(".."),
					 std::string("../igbvf"), std::string("a/b"),
					 std::string("a b"), std::string("a\nb"),
					 std::string("\xc3\xa4"), std::string("(null)"),
					 std::string(300, 'a') }) {
		EXPECT_FALSE(bind(name.c_str()));
		EXPECT_EQ(code, VFERRY_ERROR_INVALID) << name;
		EXPECT_FALSE(unbind(name.c_str(), nullptr));
		EXPECT_EQ(code, VFERRY_ERROR_INVALID) << name;
		EXPECT_FALSE(unbind(nullptr, name.c_str()));
		EXPECT_EQ(code, VFERRY_ERROR_INVALID) << name;
	}
	EXPECT_EQ(core.writes(), Writes());
}

TEST_F(Binding, AbsentDriverIsNotFound)
{
	EXPECT_FALSE(bind("mlx5_vfio_pci"));
	EXPECT_EQ(code, VFERRY_ERROR_NOT_FOUND);
	expect_message("load its module");
	EXPECT_FALSE(unbind("mlx5_core", nullptr));
	EXPECT_EQ(code, VFERRY_ERROR_NOT_FOUND);
	EXPECT_EQ(core.writes(), Writes());
}

TEST_F(Binding, AbsentDeviceIsNotFound)
{
	core.vanish();
	EXPECT_FALSE(bind());
	EXPECT_EQ(code, VFERRY_ERROR_NOT_FOUND);
	EXPECT_FALSE(unbind(nullptr, nullptr));
	EXPECT_EQ(code, VFERRY_ERROR_NOT_FOUND);
}

TEST_F(Binding, WhatIsNoVfIsRefused)
{
	fs::remove(fs::path(DriverCore::folder) / "physfn");
	EXPECT_FALSE(bind());
	EXPECT_EQ(code, VFERRY_ERROR_REFUSED);
	EXPECT_FALSE(unbind(nullptr, nullptr));
	EXPECT_EQ(code, VFERRY_ERROR_REFUSED);
	EXPECT_EQ(core.writes(), Writes());
}

TEST_F(Binding, AHostileOverrideIsNotTakenButCanBeCleared)
{
	for (const char *text : { "a b", "a\tb", "../x", "\xff\xfe" }) {
		core.set_override(text);
		EXPECT_FALSE(bind());
		EXPECT_EQ(code, VFERRY_ERROR_INVALID) << text;
	}
	core.set_override(std::string(2000, 'a'));
	EXPECT_FALSE(bind());
	EXPECT_EQ(code, VFERRY_ERROR_FAILED);
	EXPECT_EQ(core.writes(), Writes());
	core.set_override("a b");
	ASSERT_TRUE(unbind(nullptr, nullptr));
	expect_state(std::nullopt, std::nullopt);
}

/* libvirt waits until all of a hook's pipes are closed, so the child has none of them. */

TEST_F(Binding, TheChildHasNothingOfTheCallerOpen)
{
	std::vector<std::string> open_files;

	core.on_write = [&](const Write &write) {
		if (write.number == 1)
			for (const auto &fd : fs::directory_iterator(
				     "/proc/" + std::to_string(write.writer) + "/fd"))
				open_files.push_back(fs::read_symlink(fd).string());
		return Fate::goes_on;
	};
	ASSERT_TRUE(bind());
	ASSERT_EQ(open_files.size(), 2U);
	std::sort(open_files.begin(), open_files.end());
	EXPECT_EQ(open_files[0], std::string(DriverCore::folder) + "/driver_override");
	EXPECT_EQ(open_files[1].rfind("pipe:", 0), 0U);
}

TEST_F(Binding, WorksWithoutStandardFilesAndWithChildrenIgnored)
{
	for (const unsigned int first : { 0U, 1U, 2U }) {
		int status = -1;
		pid_t child;

		core.reset("igbvf", std::nullopt);
		child = fork();
		if (child == 0) {
			close_range(first, 2, 0);
			signal(SIGCHLD, SIG_IGN);
			_exit(!vferry_bind(&vf, ours, TRUE, nullptr, nullptr));
		}
		ASSERT_EQ(waitpid(child, &status, 0), child);
		EXPECT_EQ(status, 0);
		expect_state(ours, ours);
	}
}

class InUse : public Binding {
protected:
	pid_t user = 0;

	/* A process that has @path open until the test ends. */
	void use(const char *path, const char *name = "user")
	{
		int ready[2];
		char byte;

		ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);
		user = fork();
		if (user == 0) {
			pthread_setname_np(pthread_self(), name);
			if (open(path, O_RDONLY) < 0)
				_exit(1);
			close(ready[0]);
			close(ready[1]);
			for (;;)
				pause();
		}
		close(ready[1]);
		ASSERT_EQ(read(ready[0], &byte, 1), 0);
		close(ready[0]);
	}

	void TearDown() override
	{
		if (user > 0) {
			kill(user, SIGKILL);
			waitpid(user, nullptr, 0);
		}
		Binding::TearDown();
	}
};

TEST_F(InUse, AVfInUseIsNotTouched)
{
	for (const char *node : { DriverCore::group_node, DriverCore::device_node }) {
		core.reset("vfio-pci", "vfio-pci");
		use(node, "qemu\nx");
		EXPECT_FALSE(bind());
		EXPECT_EQ(code, VFERRY_ERROR_BUSY);
		expect_message("process " + std::to_string(user) + " (");
		EXPECT_FALSE(unbind("igbvf", nullptr));
		EXPECT_EQ(code, VFERRY_ERROR_BUSY);
		EXPECT_EQ(core.writes(), Writes());
		expect_state("vfio-pci", "vfio-pci");
		kill(user, SIGKILL);
		waitpid(user, nullptr, 0);
		user = 0;
		EXPECT_TRUE(bind());
	}
}

TEST_F(InUse, InUseOnTheRightDriverIsBound)
{
	core.reset(ours, ours);
	use(DriverCore::group_node);
	EXPECT_TRUE(bind());
	EXPECT_EQ(core.writes(), Writes());
}

TEST_F(Binding, UnbindClearsTheOverride)
{
	core.reset(ours, ours);
	ASSERT_TRUE(unbind(nullptr, nullptr));
	expect_state(std::nullopt, std::nullopt);
	EXPECT_EQ(core.writes(), (Writes{ "unbind igbvf_vfio_pci", "driver_override " }));
}

TEST_F(Binding, UnbindPutsBackWhatWasThere)
{
	for (const char *driver_override : { static_cast<const char *>(nullptr), "none" }) {
		core.reset(ours, ours);
		ASSERT_TRUE(unbind("igbvf", driver_override));
		expect_state("igbvf", driver_override ? OptionalName(driver_override) :
							OptionalName());
	}
}

TEST_F(Binding, UnbindOfWhatIsSoAlreadyWritesNothing)
{
	ASSERT_TRUE(unbind("igbvf", nullptr));
	EXPECT_EQ(core.writes(), Writes());
}

TEST_F(Binding, ReadSaysWhatIsThere)
{
	core.reset("vfio-pci", "vfio-pci");
	ASSERT_TRUE(vferry_binding_read(&vf, &before, nullptr));
	EXPECT_STREQ(before.driver, "vfio-pci");
	EXPECT_STREQ(before.driver_override, "vfio-pci");
}
