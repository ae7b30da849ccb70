/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `vferry bind`, `unbind` and `provision`: the real program against the made-up driver core. */
#include "../lib/provision_host.h"

#include <cstdlib>

#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static const std::string vf = "0000:04:00.0";
static const std::string short_vf = "04:00.0";

struct Result {
	int status;
	std::string out;
	std::string err;
};

class Rebind : public ProvisionHost {
protected:
	void SetUp() override
	{
		PfModel model;

		ProvisionHost::SetUp();
		model.interface = "ens3f0";
		core.add_pf(pf_address, model);
		std::filesystem::create_directory_symlink("../../bus/pci/devices/0000:03:00.0",
							  "/sys/class/net/ens3f0/device");
		ASSERT_EQ(core.set_numvfs(pf_address, 2), 0);
		core.add_interface(vf, "ens3f0v0", false);
		core.add_interface("0000:04:00.1", "ens3f0v1", false);
		std::filesystem::create_directories("/run/test");
	}

	static pid_t spawn(std::vector<std::string> arguments)
	{
		std::vector<char *> argv;
		posix_spawn_file_actions_t actions;
		pid_t child = -1;
		char lc[] = "LC_ALL=C.UTF-8", path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
		char *environment[] = { lc, path, nullptr };

		arguments.insert(arguments.begin(), getenv("VFERRY"));
		for (std::string &argument : arguments)
			argv.push_back(argument.data());
		argv.push_back(nullptr);
		posix_spawn_file_actions_init(&actions);
		posix_spawn_file_actions_addopen(&actions, 1, "/run/test/out",
						 O_WRONLY | O_CREAT | O_TRUNC, 0600);
		posix_spawn_file_actions_addopen(&actions, 2, "/run/test/err",
						 O_WRONLY | O_CREAT | O_TRUNC, 0600);
		/* Without a program there is nothing to wait for. */
		if (posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environment) != 0)
			std::abort();
		posix_spawn_file_actions_destroy(&actions);
		return child;
	}

	static Result await(pid_t child)
	{
		int status = -1;

		EXPECT_EQ(waitpid(child, &status, 0), child);
		return { WIFEXITED(status) ? WEXITSTATUS(status) : 128, read("/run/test/out"),
			 read("/run/test/err") };
	}

	static bool runs(pid_t child)
	{
		siginfo_t state = {};

		EXPECT_EQ(waitid(P_PID, static_cast<id_t>(child), &state,
				 WEXITED | WNOHANG | WNOWAIT), 0);
		return state.si_pid == 0;
	}

	static Result run(const std::vector<std::string> &arguments)
	{
		return await(spawn(arguments));
	}

	static void claim(const std::string &purpose)
	{
		std::string boot = read("/proc/sys/kernel/random/boot_id");
		const std::string path = "/run/vferry/claims/" + vf;

		boot.resize(36);
		write(path, "[claim]\nuuid=11111111-2222-3333-4444-555555555555\nname=guest\n"
			    "purpose=" + purpose + "\nboot=" + boot + "\ncreated=1\nlifetime=0\n"
			    "bound-by-us=false\nxml-address=" + vf + "\n");
		chmod(path.c_str(), 0640);
	}

	/* Nothing was written, and why is said in one line. */
	void expect_untouched(const Result &result, int status, const std::string &why)
	{
		EXPECT_EQ(result.status, status) << result.err;
		EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
		EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << result.err;
		EXPECT_EQ(result.out, "");
		EXPECT_EQ(core.driver(vf), "igbvf");
	}
};

TEST_F(Rebind, BestDriver)
{
	const Result result = run({ "bind", short_vf });

	EXPECT_EQ(result.status, 0) << result.err;
	EXPECT_EQ(result.out, vf + ": driver igbvf_vfio_pci, before it was igbvf\n");
	EXPECT_EQ(result.err, "");
	EXPECT_EQ(core.driver(vf), "igbvf_vfio_pci");
	EXPECT_EQ(core.driver_override(vf), "igbvf_vfio_pci");
	EXPECT_EQ(run({ "bind", vf }).out, vf + ": driver igbvf_vfio_pci, as before\n");
}

TEST_F(Rebind, ByInterfaceAndNumber)
{
	EXPECT_EQ(run({ "bind", "ens3f0/1" }).status, 0);
	EXPECT_EQ(core.driver("0000:04:00.1"), "igbvf_vfio_pci");
	EXPECT_EQ(core.driver(vf), "igbvf");
}

TEST_F(Rebind, NamedDriver)
{
	const Result result = run({ "bind", "--json", vf, "vfio-pci" });

	EXPECT_EQ(result.status, 0) << result.err;
	EXPECT_NE(result.out.find("\"driver\" : \"vfio-pci\""), std::string::npos) << result.out;
	EXPECT_NE(result.out.find("\"migrates\" : false"), std::string::npos) << result.out;
	EXPECT_EQ(core.driver(vf), "vfio-pci");
}

/* A network driver, which never offers the VF through VFIO. */
TEST_F(Rebind, BackToTheHost)
{
	ASSERT_EQ(run({ "bind", vf }).status, 0);
	const Result result = run({ "bind", vf, "igbvf" });

	EXPECT_EQ(result.status, 0) << result.err;
	EXPECT_EQ(core.driver(vf), "igbvf");
}

TEST_F(Rebind, TheConfigurationDecides)
{
	configure("[pf ens3f0]\ndriver=vfio-pci\n");
	EXPECT_EQ(run({ "bind", vf }).status, 0);
	EXPECT_EQ(core.driver(vf), "vfio-pci");
	EXPECT_EQ(run({ "bind", vf, "igbvf_vfio_pci" }).status, 0);
	EXPECT_EQ(core.driver(vf), "igbvf_vfio_pci");
}

TEST_F(Rebind, KeepIsKept)
{
	configure("[pf ens3f0]\ndriver=keep\n");
	expect_untouched(run({ "bind", vf }), 1, "/etc/vferry/vferry.conf:2 says driver=keep");
	EXPECT_EQ(run({ "bind", vf, "vfio-pci" }).status, 0);
}

TEST_F(Rebind, BadConfiguration)
{
	configure("[pf ens3f0]\ndrivr=keep\n");
	expect_untouched(run({ "bind", vf }), 2, "/etc/vferry/vferry.conf:2: ");
}

TEST_F(Rebind, NoSuchDriver)
{
	expect_untouched(run({ "bind", vf, "none_such" }), 2, "none_such");
	expect_untouched(run({ "bind", vf, "../igbvf" }), 2, "driver");
}

TEST_F(Rebind, DriverThatRefusesIsRolledBack)
{
	core.drivers["igbvf_vfio_pci"].refuses = true;
	expect_untouched(run({ "bind", vf }), 2, "igbvf_vfio_pci");
	EXPECT_EQ(core.driver_override(vf), std::nullopt);
}

TEST_F(Rebind, Unbind)
{
	ASSERT_EQ(run({ "bind", vf }).status, 0);
	const Result result = run({ "unbind", vf });

	EXPECT_EQ(result.status, 0) << result.err;
	EXPECT_EQ(result.out, vf + ": driver none, before it was igbvf_vfio_pci\n");
	EXPECT_EQ(core.driver(vf), std::nullopt);
	EXPECT_EQ(core.driver_override(vf), std::nullopt);
}

TEST_F(Rebind, ClaimedVfIsLeftAlone)
{
	const std::string who = "domain 'guest' (11111111-2222-3333-4444-555555555555, incoming)";

	claim("incoming");
	expect_untouched(run({ "bind", vf }), 1, who);
	expect_untouched(run({ "unbind", vf }), 1, who);
	EXPECT_EQ(run({ "bind", "ens3f0/1" }).status, 0);
}

TEST_F(Rebind, InterfaceThatIsUpIsLeftAlone)
{
	core.add_interface(vf, "ens3f0v0", true);
	expect_untouched(run({ "unbind", vf }), 1, "ens3f0v0 is up");
}

TEST_F(Rebind, OpenVfIsLeftAlone)
{
	ASSERT_EQ(run({ "bind", vf }).status, 0);
	std::filesystem::create_directories("/run/dev");
	ASSERT_EQ(mknod("/run/dev/vfio3", S_IFCHR | 0600, makedev(1, 5)), 0);
	const int user = open("/run/dev/vfio3", O_RDONLY | O_CLOEXEC);
	const Result result = run({ "unbind", vf });

	EXPECT_EQ(result.status, 1) << result.err;
	EXPECT_NE(result.err.find("has it open"), std::string::npos) << result.err;
	EXPECT_EQ(core.driver(vf), "igbvf_vfio_pci");
	close(user);
	EXPECT_EQ(run({ "unbind", vf }).status, 0);
}

/* It says that it waits, and goes on once the lock is free. */
TEST_F(Rebind, WaitsForTheLock)
{
	std::filesystem::create_directories("/run/vferry");
	const int lock = open("/run/vferry/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_EQ(flock(lock, LOCK_EX), 0);
	const pid_t child = spawn({ "bind", vf });

	while (read("/run/test/err").find("waiting: ") == std::string::npos && runs(child))
		sched_yield();
	EXPECT_EQ(core.driver(vf), "igbvf");
	close(lock);
	EXPECT_EQ(await(child).status, 0);
	EXPECT_EQ(core.driver(vf), "igbvf_vfio_pci");
}

TEST_F(Rebind, Provision)
{
	configure("[pf ens3f0]\nvfs=4\n");
	const Result plan = run({ "provision", "--all", "--dry-run" });
	EXPECT_EQ(plan.status, 0) << plan.out << plan.err;
	EXPECT_NE(plan.out.find("4 VFs it would have, before 2"), std::string::npos) << plan.out;
	EXPECT_EQ(core.vfs_of(pf_address).size(), 2u);

	const Result done = run({ "provision", "ens3f0" });
	EXPECT_EQ(done.status, 0) << done.out << done.err;
	EXPECT_NE(done.out.find(std::string(pf_address) + ": 4 VFs, before 2\n"),
		  std::string::npos) << done.out;
	expect_bound("igbvf_vfio_pci", 4);
	EXPECT_NE(run({ "provision", "--json", pf_address }).out.find("\"outcome\" : \"kept\""),
		  std::string::npos);
}

TEST_F(Rebind, ProvisionSaysWhatIsNotAsConfigured)
{
	configure("[pf ens3f0]\nvfs=4\n");
	claim("running");
	const Result done = run({ "provision", "ens3f0" });

	EXPECT_EQ(done.status, 1) << done.out << done.err;
	EXPECT_NE(done.err.find("1 of 1 PFs is not as configured"), std::string::npos) << done.err;
	EXPECT_NE(done.out.find(vf + "  in use  igbvf: domain 'guest'"), std::string::npos)
		<< done.out;
	EXPECT_EQ(core.vfs_of(pf_address).size(), 2u);
}

TEST_F(Rebind, ProvisionOfWhatIsNotConfigured)
{
	expect_untouched(run({ "provision", "ens3f0" }), 1, pf_address);
	EXPECT_EQ(run({ "provision", "--all" }).out,
		  "The configuration is about no PF of this host.\n");
}
