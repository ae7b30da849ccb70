/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vferry-provision as systemd and people start it: what it does, says and returns. */
#include "program_test.h"

#include <cstring>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

static const char *const other_pf = "0000:05:00.0";

TEST_F(Program, OnePf)
{
	core.add_pf(pf_address, {});
	configure("[pf 8086:10c9]\nvfs = 7\n");
	EXPECT_EQ(run({ "--", pf_address }), 0) << said;
	expect_bound("igbvf_vfio_pci", 7);
	expect_never_on("igbvf");
	expect_said("0000:03:00.0: 7 VFs, 0 before, 7 bound to igbvf_vfio_pci, in ");
	EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
}

TEST_F(Program, OnePfByItsInterface)
{
	PfModel model;

	model.interface = "enp3s0f0";
	core.add_pf(pf_address, model);
	configure("[pf enp3s0f0]\nvfs = 2\n");
	EXPECT_EQ(run({ "enp3s0f0" }), 0) << said;
	expect_bound("igbvf_vfio_pci", 2);
}

TEST_F(Program, Boot)
{
	core.add_pf(pf_address, {});
	core.add_pf(other_pf, {});
	core.add_pf("0000:09:00.0", {});
	core.set_numvfs("0000:09:00.0", 2);
	configure("[pf 0000:03:00.0]\nvfs = 7\n[pf 0000:05:00.0]\nvfs = 3\ndriver = vfio-pci\n");
	EXPECT_EQ(run({ "--boot" }), 0) << said;
	expect_bound("igbvf_vfio_pci", 7);
	expect_bound("vfio-pci", 3, other_pf);
	expect_said("0000:06:00.0: guests will not migrate (and 2 VFs after it)");
	/* What is not configured. */
	EXPECT_EQ(core.driver(core.vfs_of("0000:09:00.0")[1]), "igbvf");
	EXPECT_EQ(read("/sys/bus/pci/devices/0000:09:00.0/sriov_drivers_autoprobe"), "1\n");
}

/* PFs are worked on at the same time: what one waits for, the other does not. */
TEST_F(Program, NoPfWaitsForAnother)
{
	core.add_pf(pf_address, {});
	core.add_pf(other_pf, {});
	configure("[pf 8086:10c9]\nvfs = 2\n");
	std::filesystem::create_directories("/run/vferry/provision");
	const int lock = open("/run/vferry/provision/0000:03:00.0", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_EQ(flock(lock, LOCK_EX), 0);
	const pid_t program = start({ "--boot" });

	await_driver("0000:06:00.1", "igbvf_vfio_pci");
	EXPECT_TRUE(core.vfs_of(pf_address).empty());
	close(lock);
	EXPECT_EQ(finish(program), 0) << said;
	expect_bound("igbvf_vfio_pci", 2);
}

TEST_F(Program, BootWaitsForAPfsDriver)
{
	PfModel model;

	model.driver = "";
	core.add_pf(pf_address, model);
	core.add_pf(other_pf, {});
	configure("[pf 8086:10c9]\nvfs = 2\n");
	const pid_t program = start({ "--boot" });

	await_driver("0000:06:00.1", "igbvf_vfio_pci");
	std::filesystem::create_directory_symlink("../../drivers/igb",
						  "/sys/bus/pci/devices/0000:03:00.0/driver");
	EXPECT_EQ(finish(program), 0) << said;
	expect_bound("igbvf_vfio_pci", 2);
}

TEST_F(Program, BootSaysWhatDidNotCome)
{
	PfModel model;

	model.driver = "";
	core.add_pf(pf_address, model);
	core.add_pf(other_pf, {});
	configure("[pf 8086:10c9]\nvfs = 2\n[pf enp9s0]\n[pf 0000:09:00.0]\n[pf 15b3:101d]\n");
	EXPECT_EQ(run({ "--boot", "--wait=0" }), 1);
	expect_said("0000:03:00.0 has no driver: waited 0 s for it");
	expect_said("[pf enp9s0] is configured, but there is no PF with this interface");
	expect_said("[pf 0000:09:00.0] is configured, but there is no PF with this address");
	EXPECT_EQ(said.find("15b3"), said.npos) << said;
	expect_bound("igbvf_vfio_pci", 2, other_pf);
}

TEST_F(Program, BindTakesVfsOfSomeoneElse)
{
	core.add_pf(pf_address, {});
	core.add_pf(other_pf, {});
	core.add_pf("0000:09:00.0", {});
	configure("[pf 0000:03:00.0]\nvfs = 7\n[pf 0000:05:00.0]\n");
	EXPECT_EQ(run({ "--boot" }), 0) << said;
	core.set_numvfs(pf_address, 0);
	core.set_numvfs(pf_address, 4);
	core.set_numvfs(other_pf, 3);
	core.set_numvfs("0000:09:00.0", 2);
	EXPECT_EQ(run({ "--bind" }), 0) << said;
	expect_bound("igbvf_vfio_pci", 4);
	expect_bound("igbvf_vfio_pci", 3, other_pf);
	EXPECT_EQ(core.driver(core.vfs_of("0000:09:00.0")[0]), "igbvf");
}

/* systemd does not start a unit that is active: what comes meanwhile has to be found. */
TEST_F(Program, BindFindsVfsThatComeWhileItWorks)
{
	bool more = true;

	core.add_pf(pf_address, {});
	core.add_pf(other_pf, {});
	configure("[pf 8086:10c9]\nvfs = 0\n");
	EXPECT_EQ(run({ "--boot" }), 0) << said;
	core.set_numvfs(pf_address, 2);
	core.on_write = [this, &more](const Write &write) {
		if (write.text == "probe" && more)
			core.set_numvfs(other_pf, 3);
		more = more && write.text != "probe";
		return Fate::goes_on;
	};
	EXPECT_EQ(run({ "--bind" }), 0) << said;
	EXPECT_FALSE(more);
	expect_bound("igbvf_vfio_pci", 2);
	expect_bound("igbvf_vfio_pci", 3, other_pf);
}

TEST_F(Program, AVfInUseIsSaid)
{
	core.add_pf(pf_address, {});
	core.set_numvfs(pf_address, 2);
	core.add_interface(core.vfs_of(pf_address)[0], "enp3s0f0v0", false);
	core.add_interface(core.vfs_of(pf_address)[1], "enp3s0f0v1", true);
	configure("[pf 0000:03:00.0]\nvfs = 7\n");
	EXPECT_EQ(run({ pf_address }), 1);
	expect_said("0000:03:00.0: 2 VFs instead of vfs=7 (/etc/vferry/vferry.conf:2): VF "
		    "0000:04:00.1 is in use: its network interface enp3s0f0v1 is up");
	expect_said("0000:04:00.1: left alone: its network interface enp3s0f0v1 is up");
	EXPECT_EQ(core.driver("0000:04:00.0"), "igbvf_vfio_pci");
	EXPECT_EQ(core.driver("0000:04:00.1"), "igbvf");
	/* Whoever uses it has decided. */
	EXPECT_EQ(run({ "--bind" }), 0);
	expect_said("0000:04:00.1: left alone: its network interface enp3s0f0v1 is up");
	EXPECT_EQ(run({ "--bind", "--dry-run" }), 0);
}

TEST_F(Program, DryRun)
{
	core.add_pf(pf_address, {});
	core.add_pf(other_pf, {});
	core.set_numvfs(other_pf, 1);
	core.detach(core.vfs_of(other_pf)[0]);
	configure("[pf 0000:03:00.0]\nvfs = 7\n[pf 0000:05:00.0]\n");
	EXPECT_EQ(run({ "--dry-run", "--boot" }), 0);
	EXPECT_EQ(said, "0000:03:00.0: 0 VFs, would get 7\n"
			"0000:05:00.0: 1 VFs\n"
			"  0000:06:00.0: would bind to igbvf_vfio_pci\n");
	EXPECT_TRUE(core.writes().empty());
	EXPECT_EQ(run({ "-n", other_pf }), 0);
	EXPECT_EQ(run({ "-n" }), 0);
}

TEST_F(Program, NothingConfiguredIsNothingDone)
{
	core.add_pf(pf_address, {});
	for (const Names &arguments : { Names{ "--boot" }, { "--bind" }, { pf_address } }) {
		EXPECT_EQ(run(arguments), 0);
		EXPECT_EQ(said, "");
	}
	configure("[pf 0000:09:00.0]\nvfs = 2\n");
	EXPECT_EQ(run({ pf_address }), 0);
	EXPECT_EQ(run({ "--bind" }), 0);
	EXPECT_EQ(said, "");
	EXPECT_TRUE(core.writes().empty());
	EXPECT_FALSE(std::filesystem::exists("/run/vferry"));
}

TEST_F(Program, ABadConfigurationIsNotUsed)
{
	core.add_pf(pf_address, {});
	configure("[pf 8086:10c9]\nvfs = many\n");
	EXPECT_EQ(run({ "--boot" }), 3);
	expect_said("vferry-provision: /etc/vferry/vferry.conf:2: vfs=many is not possible");
	EXPECT_TRUE(core.writes().empty());
}

TEST_F(Program, WithoutAModulesAliasItSaysSo)
{
	core.add_pf(pf_address, {});
	configure("[pf 8086:10c9]\nvfs = 1\n");
	for (const auto &entry : std::filesystem::directory_iterator("/lib/modules"))
		std::filesystem::remove_all(entry);
	EXPECT_EQ(run({ pf_address }), 1);
	expect_said("modules.alias");
	EXPECT_TRUE(core.vfs_of(pf_address).empty());
}

/* systemd's journal: the stream that units have as standard error, and the socket for entries. */
class Journal : public Program {
protected:
	void SetUp() override
	{
		Program::SetUp();
		std::filesystem::create_directories("/run/systemd/journal");
		entries = listen_at("/run/systemd/journal/socket", SOCK_DGRAM);
		listener = listen_at("/run/systemd/journal/stdout", SOCK_STREAM);
		ASSERT_EQ(listen(listener, 1), 0);
		errors = connect_to("/run/systemd/journal/stdout", SOCK_STREAM);
		core.add_pf(pf_address, {});
		configure("[pf 8086:10c9]\nvfs = 2\n");
	}
	void TearDown() override
	{
		for (const int fd : { entries, listener, errors })
			close(fd);
	}

	static sockaddr_un address_of(const char *path)
	{
		sockaddr_un address = {};

		address.sun_family = AF_UNIX;
		strcpy(address.sun_path, path);
		return address;
	}
	static int listen_at(const char *path, int type)
	{
		const sockaddr_un address = address_of(path);
		const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr *>(&address), sizeof(address)), 0);
		return fd;
	}
	static int connect_to(const char *path, int type)
	{
		const sockaddr_un address = address_of(path);
		const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr *>(&address), sizeof(address)),
			  0);
		return fd;
	}
	std::string next_entry() const
	{
		char text[4096];
		const ssize_t length = recv(entries, text, sizeof(text), 0);

		return length < 0 ? "" : std::string(text, static_cast<size_t>(length));
	}

	int entries, listener, errors;
};

TEST_F(Journal, GetsAnEntryALine)
{
	EXPECT_EQ(finish(start({ "--boot" }, errors)), 0);
	EXPECT_EQ(said, "");
	const std::string entry = next_entry();
	EXPECT_EQ(entry.rfind("PRIORITY=6\nSYSLOG_IDENTIFIER=vferry-provision\n"
			      "MESSAGE=0000:03:00.0: 2 VFs, 0 before, 2 bound to igbvf_vfio_pci, in ", 0),
		  0U) << entry;
	EXPECT_NE(entry.find(" ms\nVFERRY_DEVICE=0000:03:00.0\n"), entry.npos) << entry;
	EXPECT_EQ(next_entry(), "");
}

TEST_F(Journal, ThatIsFullHoldsNobodyUp)
{
	const int sender = connect_to("/run/systemd/journal/socket", SOCK_DGRAM);

	while (send(sender, "MESSAGE=x\n", 10, 0) > 0)
		;
	close(sender);
	EXPECT_EQ(finish(start({ "--boot" }, errors)), 0);
	expect_bound("igbvf_vfio_pci", 2);
}

TEST_F(Program, Usage)
{
	configure("[pf 8086:10c9]\nvfs = 1\n");
	for (const Names &arguments : { Names{}, { "--boot", "--bind" }, { "--boot", pf_address },
					{ "a", "b" }, { "--wait=-1", "--boot" },
					{ "--wait=4000", "--boot" }, { "--nosuch" } }) {
		EXPECT_EQ(run(arguments), 2);
		EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
	}
	EXPECT_EQ(run({ "0000:77:00.0" }), 4);
	expect_said("there is no PF with this address or interface: 0000:77:00.0");
	EXPECT_EQ(run({ "--version" }), 0);
	EXPECT_EQ(run({ "--help" }), 0);
}
