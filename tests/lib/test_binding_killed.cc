/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lib/binding.c, killed at each of its writes: before the kernel has done it and
 * after. Its other system calls change nothing that outlives it. Each case says
 * which states it leaves; after each, vferry_bind() and vferry_unbind() work.
 */
#include <gtest/gtest.h>

extern "C" {
#include "binding.h"
}

#include "driver_core.h"

#include <functional>
#include <set>

#include <sys/wait.h>
#include <unistd.h>

static const char *const ours = "igbvf_vfio_pci";
static const OptionalName none;

using State = std::pair<OptionalName, OptionalName>;
using Work = std::function<bool(const VferryAddress *)>;

static bool do_bind(const VferryAddress *vf)
{
	return vferry_bind(vf, ours, TRUE, nullptr, nullptr);
}

static bool do_restore(const VferryAddress *vf)
{
	char driver[] = "igbvf";
	const VferryBinding to = { driver, nullptr };

	return vferry_unbind(vf, &to, nullptr);
}

static bool do_unbind(const VferryAddress *vf)
{
	return vferry_unbind(vf, nullptr, nullptr);
}

struct Case {
	const char *name;
	Work work;
	State start;
	bool refused; /* our driver does not take it: rolls back */
	int writes;
	std::set<State> left; /* the states that kills leave, no more and no fewer */
};

static void PrintTo(const Case &test, std::ostream *out)
{
	*out << test.name;
}

static const Case cases[] = {
	{ "bind", do_bind, { "igbvf", none }, false, 3,
	  { { "igbvf", none }, { "igbvf", ours }, { none, ours }, { ours, ours } } },
	{ "bind_unbound", do_bind, { none, "none" }, false, 2,
	  { { none, "none" }, { none, ours }, { ours, ours } } },
	{ "bind_vfio_pci", do_bind, { "vfio-pci", "vfio-pci" }, false, 3,
	  { { "vfio-pci", "vfio-pci" }, { "vfio-pci", ours }, { none, ours }, { ours, ours } } },
	{ "roll_back", do_bind, { "igbvf", none }, true, 6,
	  { { "igbvf", none }, { "igbvf", ours }, { none, ours }, { none, "igbvf" },
	    { "igbvf", "igbvf" } } },
	{ "roll_back_unbound", do_bind, { none, none }, true, 3,
	  { { none, none }, { none, ours } } },
	{ "restore", do_restore, { ours, ours }, false, 4,
	  { { ours, ours }, { none, ours }, { none, "igbvf" }, { "igbvf", "igbvf" },
	    { "igbvf", none } } },
	{ "unbind", do_unbind, { ours, ours }, false, 2,
	  { { ours, ours }, { none, ours }, { none, none } } },
};

class Killed : public testing::TestWithParam<Case> {
protected:
	DriverCore &core = DriverCore::get();
	VferryAddress vf = {};

	void SetUp() override
	{
		ASSERT_TRUE(vferry_address_parse(DriverCore::vf, &vf, nullptr));
	}

	State state() const
	{
		return { core.driver(), core.driver_override() };
	}

	/* In a process of its own. Return: its wait status; all of its children have ended, too. */
	int run(int number, Fate fate)
	{
		int status = 0, other;
		pid_t child, ended;

		core.reset(GetParam().start.first, GetParam().start.second);
		core.drivers[ours].refuses = GetParam().refused;
		core.on_write = [number, fate](const Write &write) {
			return write.number == number ? fate : Fate::goes_on;
		};
		child = fork();
		if (child == 0) {
			setpgid(0, 0);
			_exit(!GetParam().work(&vf));
		}
		while ((ended = waitpid(-1, &other, 0)) > 0)
			if (ended == child)
				status = other;
		core.drivers[ours].refuses = false;
		core.on_write = nullptr;
		return status;
	}

	void expect_work(const Work &work, const State &end)
	{
		EXPECT_TRUE(work(&vf));
		EXPECT_EQ(state(), end);
	}
};

TEST_P(Killed, LeavesTheDocumentedStatesAndBindsAgain)
{
	const int writes = GetParam().writes;
	std::set<State> left;

	for (int number = 1; number <= writes; number++)
		for (const Fate fate : { Fate::kills_all_before, Fate::kills_all_after }) {
			SCOPED_TRACE(number);
			ASSERT_TRUE(WIFSIGNALED(run(number, fate)));
			EXPECT_EQ(core.writes().size(), static_cast<size_t>(number));
			left.insert(state());
			expect_work(do_bind, { ours, ours });
		}
	EXPECT_EQ(left, GetParam().left);
	EXPECT_TRUE(WIFEXITED(run(writes + 1, Fate::kills_all_before))) << "there are more writes";
}

TEST_P(Killed, WhatIsLeftCanBeGivenBack)
{
	for (const State &left : GetParam().left) {
		core.reset(left.first, left.second);
		expect_work(do_restore, { "igbvf", none });
		core.reset(left.first, left.second);
		expect_work(do_unbind, { none, none });
	}
}

/* By the OOM killer, say: an error like others, of which it is not known what it did. */
TEST_P(Killed, AChildKilledAloneIsAnError)
{
	for (int number = 1; number <= GetParam().writes; number++)
		for (const Fate fate : { Fate::kills_writer_before, Fate::kills_writer_after }) {
			SCOPED_TRACE(number);
			EXPECT_TRUE(WIFEXITED(run(number, fate)));
			expect_work(do_bind, { ours, ours });
		}
}

/* run() ends only after the child has, which the kernel keeps waiting: nothing writes later. */
TEST_P(Killed, TheChildDiesWithItsCaller)
{
	EXPECT_TRUE(WIFSIGNALED(run(1, Fate::kills_caller)));
}

INSTANTIATE_TEST_SUITE_P(, Killed, testing::ValuesIn(cases),
			 [](const auto &test) { return std::string(test.param.name); });
