/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lib/binding.c where the kernel, a driver or someone else is in the way: roll-back, races. */
#include "binding_test.h"

#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fs = std::filesystem;

TEST_F(Binding, RollsBackWhenNobodyTakesIt)
{
	core.drivers[ours].refuses = true;
	EXPECT_FALSE(bind());
	EXPECT_EQ(code, VFERRY_ERROR_FAILED);
	expect_message("did not take");
	expect_message("all is as before");
	expect_state("igbvf", std::nullopt);
	EXPECT_EQ(before.driver, nullptr);
}

TEST_F(Binding, RollsBackToADriverThatDoesNotMatchByItself)
{
	core.reset("vfio-pci", std::nullopt);
	core.drivers[ours].refuses = true;
	EXPECT_FALSE(bind());
	expect_state("vfio-pci", std::nullopt);
}

TEST_F(Binding, RollsBackToAnotherOverride)
{
	core.reset("igbvf", "none");
	core.drivers[ours].refuses = true;
	EXPECT_FALSE(bind());
	expect_state("igbvf", "none");
}

TEST_F(Binding, RollsBackToNoDriver)
{
	core.reset(std::nullopt, std::nullopt);
	core.drivers[ours].lacks_vfio_dev = true;
	EXPECT_FALSE(bind());
	expect_state(std::nullopt, std::nullopt);
}

TEST_F(Binding, RollsBackWhenThereIsNoVfioDev)
{
	core.drivers[ours].lacks_vfio_dev = true;
	EXPECT_FALSE(bind());
	EXPECT_EQ(code, VFERRY_ERROR_FAILED);
	expect_message("no vfio-dev");
	expect_state("igbvf", std::nullopt);
}

TEST_F(Binding, RollsBackWhenAnotherDriverTakesIt)
{
	core.reset("vfio-pci", std::nullopt);
	core.drivers[ours].refuses = true;
	core.drivers["igbvf"].takes_all = true;
	core.on_write = [this](const Write &write) {
		/* It takes the device from us only, not from the roll-back. */
		core.drivers["igbvf"].takes_all = write.number <= 3;
		return Fate::goes_on;
	};
	EXPECT_FALSE(bind());
	EXPECT_EQ(code, VFERRY_ERROR_BUSY);
	expect_message("went to driver igbvf");
	expect_state("vfio-pci", std::nullopt);
}

TEST_F(Binding, SaysThatTheRollBackFailedAndWhatIsThere)
{
	core.drivers[ours].refuses = core.drivers["igbvf"].refuses = true;
	EXPECT_FALSE(bind());
	expect_message("driver igbvf_vfio_pci did not take");
	expect_message("the roll-back failed: driver igbvf did not take");
	expect_message("the device has no driver now, driver_override is not set");
	expect_state(std::nullopt, std::nullopt);
}

TEST_F(Binding, AWriteThatFailsChangesNothing)
{
	for (int number = 1; number <= 3; number++)
		for (const int error : { EACCES, EBUSY, EEXIST, ETIMEDOUT }) {
			core.reset("igbvf", std::nullopt);
			core.error = error;
			core.on_write = [number](const Write &write) {
				return write.number == number ? Fate::fails : Fate::goes_on;
			};
			EXPECT_FALSE(bind());
			EXPECT_EQ(code, error == EBUSY || error == EEXIST ? VFERRY_ERROR_BUSY :
									    VFERRY_ERROR_FAILED);
			expect_message(g_strerror(error));
			expect_message("all is as before");
			expect_state("igbvf", std::nullopt);
		}
}

TEST_F(Binding, ADeviceThatVanishesIsNotFound)
{
	for (int number = 1; number <= 3; number++)
		for (const int error : { ENODEV, EIO }) {
			core.reset("igbvf", std::nullopt);
			core.error = error;
			core.on_write = [this, number](const Write &write) {
				if (write.number < number)
					return Fate::goes_on;
				core.vanish();
				return Fate::fails;
			};
			EXPECT_FALSE(bind());
			EXPECT_EQ(code, VFERRY_ERROR_NOT_FOUND) << number;
			expect_message("the device is gone");
			EXPECT_EQ(message.find("roll"), message.npos) << message;
			EXPECT_EQ(core.writes().size(), static_cast<size_t>(number));
		}
}

TEST_F(Binding, SomeoneElseUnbindsFirst)
{
	core.on_write = [this](const Write &write) {
		if (write.text == "unbind igbvf")
			core.detach();
		return Fate::goes_on;
	};
	ASSERT_TRUE(bind());
	expect_state(ours, ours);
}

TEST_F(Binding, SomeoneElseBindsAnotherDriverAndIsLeftAlone)
{
	for (const OptionalName &theirs : { OptionalName("vfio-pci"), OptionalName() }) {
		core.reset("igbvf", std::nullopt);
		core.on_write = [this, theirs](const Write &write) {
			if (write.text == "probe") {
				core.set_override(theirs);
				core.attach("vfio-pci");
			}
			return Fate::goes_on;
		};
		EXPECT_FALSE(bind());
		EXPECT_EQ(code, VFERRY_ERROR_BUSY);
		expect_message("left alone");
		expect_state("vfio-pci", theirs);
		EXPECT_EQ(core.writes().size(), 3U);
	}
}

TEST_F(Binding, SomeoneElseMovesItToAnotherDriverBeforeOurUnbind)
{
	core.on_write = [this](const Write &write) {
		if (write.text == "unbind igbvf") {
			core.detach();
			core.set_override("vfio-pci");
			core.attach("vfio-pci");
		}
		return Fate::goes_on;
	};
	EXPECT_FALSE(bind());
	EXPECT_EQ(code, VFERRY_ERROR_BUSY);
	expect_message("left alone");
	expect_state("vfio-pci", "vfio-pci");
}

TEST_F(Binding, SomeoneElseBindsTheSameDriver)
{
	core.on_write = [this](const Write &write) {
		if (write.text == "probe")
			core.attach(ours);
		return Fate::goes_on;
	};
	ASSERT_TRUE(bind());
	expect_state(ours, ours);
}

TEST_F(Binding, AKernelThatDoesNotAnswerIsNotWaitedFor)
{
	for (const int number : { 2, 3 }) {
		core.reset("igbvf", std::nullopt);
		/* More than a machine under load needs for the writes that are answered. */
		vferry_binding_set_limit(2000);
		core.on_write = [this, number](const Write &write) {
			if (write.number < number)
				return Fate::goes_on;
			/* The link goes first, and then the kernel waits for the user. */
			core.detach();
			return Fate::waits;
		};
		EXPECT_FALSE(bind());
		EXPECT_EQ(code, VFERRY_ERROR_BUSY);
		expect_message(number == 2 ? "igbvf/unbind: no answer from the kernel in 2000 ms" :
					     "drivers_probe: no answer from the kernel in 2000 ms");
		expect_message("the device has no driver now");
		/* Nothing more is asked of it, a roll-back neither, and nobody is left to ask. */
		EXPECT_EQ(core.writes().size(), static_cast<size_t>(number));
		while (waitpid(-1, nullptr, 0) > 0)
			;
		core.on_write = nullptr;
		vferry_binding_set_limit(30000);
		EXPECT_TRUE(bind());
		expect_state(ours, ours);
	}
}

TEST_F(Binding, AReadThatWaitsIsNotWaitedFor)
{
	const fs::path path = fs::path(DriverCore::folder) / "driver_override";
	int keep;

	fs::remove(path);
	ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
	keep = open(path.c_str(), O_RDWR | O_CLOEXEC);
	vferry_binding_set_limit(200);
	EXPECT_FALSE(bind());
	EXPECT_EQ(code, VFERRY_ERROR_BUSY);
	close(keep);
}

TEST_F(Binding, UnbindWhoseDriverRefusesLeavesNoOverride)
{
	core.reset(ours, ours);
	core.drivers["igbvf"].refuses = true;
	EXPECT_FALSE(unbind("igbvf", nullptr));
	EXPECT_EQ(code, VFERRY_ERROR_FAILED);
	expect_message("the device has no driver now, driver_override is not set");
	expect_state(std::nullopt, std::nullopt);
}
