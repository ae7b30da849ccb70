/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vferry-provision, killed with all its processes at each of its writes, before the kernel
 * has done it and after. What else it does that outlives it, making folders and locks, is
 * followed by such a write. The second run finishes the job.
 */
#include "program_test.h"

struct Case {
	const char *name;
	const char *configuration;
	unsigned vfs_before;	/* on the network driver */
	bool down;		/* whose interfaces are there */
	Names arguments;
	const char *driver;
	size_t vfs;
};

static void PrintTo(const Case &test, std::ostream *out)
{
	*out << test.name;
}

static const Case cases[] = {
	{ "make", "[pf 8086:10c9]\nvfs = 3\n", 0, false, { pf_address }, "igbvf_vfio_pci", 3 },
	{ "boot", "[pf 8086:10c9]\nvfs = 3\n", 0, false, { "--boot" }, "igbvf_vfio_pci", 3 },
	{ "make_others", "[pf 8086:10c9]\nvfs = 3\n", 2, true, { pf_address }, "igbvf_vfio_pci",
	  3 },
	{ "bind", "[pf 8086:10c9]\nvfs = 3\n", 2, true, { "--bind" }, "igbvf_vfio_pci", 2 },
};

class Killed : public Program, public testing::WithParamInterface<Case> {
protected:
	void make_host()
	{
		const Case &test = GetParam();

		SetUp();
		core.add_pf(pf_address, {});
		core.set_numvfs(pf_address, test.vfs_before);
		for (const std::string &vf : core.vfs_of(pf_address))
			core.add_interface(vf, "eth" + vf.substr(11), false);
		configure(test.configuration);
	}

	size_t count_writes()
	{
		make_host();
		EXPECT_EQ(run(GetParam().arguments), 0) << said;
		return core.writes().size();
	}
};

TEST_P(Killed, TheSecondRunFinishesTheJob)
{
	const Case &test = GetParam();
	const size_t writes = count_writes();

	ASSERT_GE(writes, 8U);
	for (size_t number = 1; number <= writes; number++)
		for (const Fate fate : { Fate::kills_all_before, Fate::kills_all_after }) {
			SCOPED_TRACE(number);
			make_host();
			core.on_write = [number, fate](const Write &write) {
				return write.number == static_cast<int>(number) ? fate : Fate::goes_on;
			};
			ASSERT_TRUE(WIFSIGNALED(finish(start(test.arguments))));
			core.on_write = nullptr;
			ASSERT_EQ(run(test.arguments), 0) << said;
			expect_bound(test.driver, test.vfs);
			EXPECT_EQ(core.writes().size() - number <= writes, true);
			if (!test.vfs_before)
				expect_never_on("igbvf");
		}
}

INSTANTIATE_TEST_SUITE_P(, Killed, testing::ValuesIn(cases),
			 [](const auto &test) { return std::string(test.param.name); });
