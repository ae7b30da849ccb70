/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lib/provision.c and lib/choice.c: each vendor's PFs, and what keeps them from their VFs. */
#include "caught.h"
#include "fake_devlink.h"
#include "provision_host.h"

extern "C" {
#include "claims.h"
#include "inventory.h"
#include "provision.h"
#include "choice.h"
}

#include <cerrno>
#include <memory>
#include <optional>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const uuid = "6d0fa3ca-4c4a-4d2a-9a6a-0d5d3b0a1c11";

class Provision : public ProvisionHost {
protected:
	VferryProvision *result = nullptr;
	Caught caught;
	std::unique_ptr<FakeDevlink> device;

	void TearDown() override
	{
		vferry_provision_free(result);
	}

	/* A PF with one section that is about it. */
	void add_pf(const std::string &keys, const PfModel &model = {})
	{
		core.add_pf(pf_address, model);
		configure(std::string("[pf ") + pf_address + "]\n" + keys);
	}

	bool provision(int flags = 0)
	{
		g_autofree char *path = vferry_aliases_path();
		g_autoptr(VferryAliases) aliases = vferry_aliases_load(path, nullptr);
		g_autoptr(VferryConfig) config = vferry_config_load(VFERRY_CONFIG_FILE,
								    VFERRY_CONFIG_FOLDER, nullptr);
		VferryAddress pf;

		EXPECT_TRUE(vferry_address_parse(pf_address, &pf, nullptr));
		vferry_provision_free(result);
		result = vferry_provision_pf(config, aliases, &pf,
					     static_cast<VferryProvisionFlags>(flags), caught.out());
		return result != nullptr;
	}

	const VferryProvisionVf *vf(guint i)
	{
		return static_cast<const VferryProvisionVf *>(g_ptr_array_index(result->vfs, i));
	}

	void expect_good(guint bound, guint kept)
	{
		ASSERT_TRUE(result) << caught.text();
		EXPECT_STREQ(result->problem, nullptr);
		EXPECT_TRUE(vferry_provision_is_good(result));
		EXPECT_EQ(result->vfs->len, bound + kept);
		EXPECT_EQ(result->outcomes[VFERRY_PROVISION_BOUND], bound);
		EXPECT_EQ(result->outcomes[VFERRY_PROVISION_KEPT], kept);
	}

	static void expect_text(const char *text, const std::string &part)
	{
		ASSERT_NE(text, nullptr) << part;
		EXPECT_NE(std::string(text).find(part), std::string::npos) << text;
		EXPECT_EQ(std::string(text).find('\n'), std::string::npos) << text;
	}

	void claim(const std::string &address, VferryClaimPurpose purpose, gint64 age = 0,
		   guint32 lifetime = 0)
	{
		g_autoptr(VferryClaims) claims = vferry_claims_open(VFERRY_CLAIMS_FOLDER, 0, nullptr);
		VferryInstant now;
		VferryAddress at;

		ASSERT_TRUE(vferry_instant_now(&now, nullptr));
		ASSERT_TRUE(vferry_address_parse(address.c_str(), &at, nullptr));
		now.seconds = std::max<gint64>(0, now.seconds - age);
		g_autoptr(VferryClaim) claim = vferry_claim_new(&at, uuid, "web", purpose, &now);
		claim->lifetime = lifetime;
		ASSERT_TRUE(vferry_claims_put(claims, claim, caught.out())) << caught.text();
	}

	/* Each VF has a port, @first its state. */
	void add_devlink(unsigned vfs, bool enabled)
	{
		device = std::make_unique<FakeDevlink>();
		for (unsigned i = 0; i < vfs; i++) {
			Port port;

			port.index = 100 + i;
			port.vf = static_cast<int>(i);
			port.caps.value = enabled ? migratable : 0;
			device->ports.push_back(port);
		}
	}
};

TEST_F(Provision, MakesAndBindsWithoutTheNetworkDriver)
{
	add_pf("vfs = 7\n");
	ASSERT_TRUE(provision()) << caught.text();
	expect_good(7, 0);
	EXPECT_EQ(result->vfs_before, 0U);
	EXPECT_EQ(result->vfs_after, 7U);
	expect_bound("igbvf_vfio_pci", 7);
	expect_never_on("igbvf");
	EXPECT_EQ(core.writes()[1], "sriov_drivers_autoprobe 0");
	EXPECT_EQ(core.writes()[2], "sriov_numvfs 7");
	EXPECT_STREQ(vf(0)->driver, "igbvf_vfio_pci");
	EXPECT_EQ(vf(0)->reason, nullptr);
}

TEST_F(Provision, ASecondTimeWritesNothing)
{
	add_pf("vfs = 7\n");
	ASSERT_TRUE(provision());
	const size_t writes = core.writes().size();
	ASSERT_TRUE(provision());
	expect_good(0, 7);
	/* But for the lock, in which its holder is named. */
	EXPECT_EQ(core.writes().size(), writes + 1);
	EXPECT_EQ(core.writes().back(), "state");
}

struct Vendor {
	const char *name;
	const char *vf_ids;
	const char *module;
	const char *driver;
};

static void PrintTo(const Vendor &vendor, std::ostream *out)
{
	*out << vendor.name;
}

class EachVendor : public Provision, public testing::WithParamInterface<Vendor> {
};

/* The module is loaded once for all VFs, and knows its driver's name. */
TEST_P(EachVendor, GetsItsVariantDriver)
{
	PfModel model;

	model.ids = GetParam().vf_ids;
	model.totalvfs = 256;
	add_network_driver("netdev");
	if (GetParam().module)
		add_loadable_driver(GetParam().module, GetParam().driver);
	add_pf("vfs = 20\n", model);
	ASSERT_TRUE(provision()) << caught.text();
	expect_good(20, 0);
	expect_bound(GetParam().driver, 20);
	expect_never_on("netdev");
	EXPECT_EQ(read("/run/loads"),
		  GetParam().module ? std::string(GetParam().module) + "\n" : "");
}

static const Vendor vendors[] = {
	{ "igb", "v00008086d00001520sv00008086sd0000A03Cbc02sc00i00", nullptr, "igbvf_vfio_pci" },
	{ "mlx5", "v000015B3d0000101Esv000015B3sd00000016bc02sc00i00", "mlx5_vfio_pci",
	  "mlx5_vfio_pci" },
	{ "hisi_acc", "v000019E5d0000A256sv000019E5sd00000000bc0Bsc40i00", "hisi_acc_vfio_pci",
	  "hisi-acc-vfio-pci" },
	{ "pds", "v00001DD8d00001003sv00001DD8sd00004000bc02sc00i00", "pds_vfio_pci",
	  "pds_vfio_pci" },
	{ "virtio", "v00001AF4d00001041sv00001AF4sd00000001bc02sc00i00", "virtio_vfio_pci",
	  "virtio-vfio-pci" },
	{ "qat", "v00008086d00004941sv00008086sd00000000bc0Bsc40i00", "qat_vfio_pci",
	  "qat_vfio_pci" },
	{ "unknown", "v00001137d00000071sv00001137sd00000000bc02sc00i00", nullptr, "vfio-pci" },
};

INSTANTIATE_TEST_SUITE_P(, EachVendor, testing::ValuesIn(vendors),
			 [](const auto &test) { return std::string(test.param.name); });

TEST_F(Provision, WithoutAVariantDriverItSaysThatGuestsStay)
{
	PfModel model;

	model.ids = vendors[6].vf_ids;
	add_pf("vfs = 1\n", model);
	ASSERT_TRUE(provision());
	expect_text(vf(0)->reason, "this kernel has no variant driver for 1137:0071");
}

TEST_F(Provision, AVariantDriverThatCannotBeLoadedIsReplaced)
{
	PfModel model;

	model.ids = vendors[1].vf_ids;
	write("/etc/modprobe.d/x.conf", "blacklist mlx5_vfio_pci\n");
	add_pf("vfs = 1\n", model);
	ASSERT_TRUE(provision());
	expect_good(1, 0);
	expect_bound("vfio-pci", 1);
	expect_text(vf(0)->reason, "the variant driver cannot be had");
}

TEST_F(Provision, ADriverThatIsForced)
{
	add_pf("vfs = 2\ndriver = vfio-pci\n");
	ASSERT_TRUE(provision());
	expect_good(2, 0);
	expect_bound("vfio-pci", 2);
	expect_text(vf(0)->reason, "driver vfio-pci, which the configuration names");
}

TEST_F(Provision, AModuleThatIsForcedMeansItsDriver)
{
	add_loadable_driver("hisi_acc_vfio_pci", "hisi-acc-vfio-pci");
	add_pf("vfs = 2\ndriver = hisi_acc_vfio_pci\n");
	ASSERT_TRUE(provision());
	expect_bound("hisi-acc-vfio-pci", 2);
}

TEST_F(Provision, TheNetworkDriverCanBeForced)
{
	add_pf("vfs = 2\ndriver = igbvf\n");
	ASSERT_TRUE(provision());
	expect_good(2, 0);
	expect_bound("igbvf", 2);
}

TEST_F(Provision, AForcedDriverThatIsAbsentFailsEachVf)
{
	add_pf("vfs = 2\ndriver = nosuch\n");
	ASSERT_TRUE(provision());
	EXPECT_EQ(result->outcomes[VFERRY_PROVISION_FAILED], 2U);
	expect_text(vf(1)->problem, "there is no PCI driver nosuch");
	EXPECT_EQ(core.driver(core.vfs_of(pf_address)[0]), std::nullopt);
	EXPECT_EQ(core.driver_override(core.vfs_of(pf_address)[0]), std::nullopt);
}

TEST_F(Provision, DriverKeepLeavesTheVfsToTheKernel)
{
	add_pf("vfs = 2\ndriver = keep\n");
	ASSERT_TRUE(provision());
	expect_good(0, 2);
	EXPECT_STREQ(vf(0)->driver, "igbvf");
	EXPECT_EQ(core.writes(), (Names{ "state", "sriov_numvfs 2" }));
}

TEST_F(Provision, APfThatIsNotConfiguredIsLeftAlone)
{
	core.add_pf(pf_address, {});
	core.set_numvfs(pf_address, 3);
	configure("[pf 0000:09:00.0]\nvfs = 7\n");
	EXPECT_FALSE(provision());
	caught.expect(VFERRY_ERROR_REFUSED, "no section of the configuration is about the PF 0000:03");
	EXPECT_TRUE(core.writes().empty());
}

TEST_F(Provision, VfsOfSomeoneElseAreTakenFromTheNetworkDriver)
{
	add_pf("network = lab\n");
	core.set_numvfs(pf_address, 3);
	for (const std::string &address : core.vfs_of(pf_address))
		core.add_interface(address, "eth" + address.substr(11), false);
	ASSERT_TRUE(provision());
	expect_good(3, 0);
	expect_bound("igbvf_vfio_pci", 3);
}

TEST_F(Provision, BindOnlyKeepsTheNumber)
{
	add_pf("vfs = 7\n");
	core.set_numvfs(pf_address, 3);
	for (const std::string &address : core.vfs_of(pf_address))
		core.detach(address);
	ASSERT_TRUE(provision(VFERRY_PROVISION_BIND_ONLY));
	expect_good(3, 0);
	expect_bound("igbvf_vfio_pci", 3);
}

TEST_F(Provision, AnotherNumberIsMadeWhileNoVfIsInUse)
{
	add_pf("vfs = 4\n");
	ASSERT_TRUE(provision());
	configure(std::string("[pf ") + pf_address + "]\nvfs = 6\n");
	ASSERT_TRUE(provision());
	expect_good(6, 0);
	EXPECT_EQ(result->vfs_before, 4U);
	expect_bound("igbvf_vfio_pci", 6);
	configure(std::string("[pf ") + pf_address + "]\nvfs = 0\n");
	ASSERT_TRUE(provision());
	expect_good(0, 0);
	EXPECT_TRUE(core.vfs_of(pf_address).empty());
	expect_never_on("igbvf");
}

class InUse : public Provision {
protected:
	Names vfs;

	/* VFs on vfio-pci, then a configuration that wants others. */
	void make(const std::string &keys = "vfs = 6\n")
	{
		add_pf("vfs = 4\ndriver = vfio-pci\n");
		ASSERT_TRUE(provision());
		configure(std::string("[pf ") + pf_address + "]\n" + keys);
		vfs = core.vfs_of(pf_address);
	}

	void expect_left_alone(const std::string &user)
	{
		ASSERT_TRUE(provision());
		EXPECT_FALSE(vferry_provision_is_good(result));
		EXPECT_EQ(result->vfs_after, 4U);
		expect_text(result->problem, "4 VFs instead of vfs=6 (/etc/vferry/vferry.conf:2)");
		expect_text(result->problem, "VF " + vfs[2] + " is in use: " + user);
		/* The others get their driver all the same. */
		EXPECT_EQ(result->outcomes[VFERRY_PROVISION_BOUND], 3U);
		EXPECT_EQ(vf(2)->outcome, VFERRY_PROVISION_IN_USE);
		expect_text(vf(2)->problem, user);
		EXPECT_EQ(core.vfs_of(pf_address), vfs);
	}
};

TEST_F(InUse, ByADomainsClaim)
{
	make();
	claim(vfs[2], VFERRY_CLAIM_RUNNING);
	expect_left_alone(std::string("domain 'web' (") + uuid + ", running) has claimed it");
	EXPECT_EQ(core.driver(vfs[2]), "vfio-pci");
}

TEST_F(InUse, ByAClaimThatCannotBeRead)
{
	make();
	claim(vfs[2], VFERRY_CLAIM_RUNNING);
	write("/run/vferry/claims/" + vfs[2], "rubbish");
	expect_left_alone("whose it is cannot be told");
}

TEST_F(InUse, NotByAClaimPastItsLifetime)
{
	make();
	claim(vfs[2], VFERRY_CLAIM_INCOMING, 40, 30);
	ASSERT_TRUE(provision());
	expect_good(6, 0);
}

TEST_F(InUse, ByANetworkInterface)
{
	make();
	core.detach(vfs[2]);
	core.attach("igbvf", vfs[2]);
	core.add_interface(vfs[2], "enp3s0f0v2", true);
	expect_left_alone("its network interface enp3s0f0v2 is up");
	EXPECT_EQ(core.driver(vfs[2]), "igbvf");
}

TEST_F(InUse, ByAnInterfaceInAnotherNamespace)
{
	make();
	core.detach(vfs[2]);
	core.attach("igbvf", vfs[2]);
	expect_left_alone("its driver is igbvf and it has no network interface here, perhaps in "
			  "another network namespace");
}

TEST_F(InUse, ByAProcessThroughVfio)
{
	make();
	const std::string node = "/run/vfio/devices/vfio5";

	/* Its number is that of attach(). */
	std::filesystem::create_directories("/run/vfio/devices");
	ASSERT_EQ(mknod(node.c_str(), S_IFCHR | 0600, makedev(1, 5)), 0);
	for (const std::string &address : { vfs[0], vfs[1], vfs[3] }) {
		core.detach(address);
		core.set_override(std::nullopt, address);
	}
	const int fd = open(node.c_str(), O_RDONLY | O_CLOEXEC);
	ASSERT_GE(fd, 0);
	expect_left_alone("process " + std::to_string(getpid()));
	close(fd);
}

TEST_F(Provision, APfCannotHaveMoreThanItCan)
{
	add_pf("vfs = 8\n");
	ASSERT_TRUE(provision());
	expect_text(result->problem, "the PF can have no more than 7");
	EXPECT_TRUE(core.vfs_of(pf_address).empty());
}

TEST_F(Provision, APfWithoutADriver)
{
	PfModel model;

	model.driver = "";
	add_pf("vfs = 7\n", model);
	ASSERT_TRUE(provision());
	expect_text(result->problem, "0 VFs instead of vfs=7");
	expect_text(result->problem, "the PF has no driver");
}

TEST_F(Provision, ARefusalOfThePfsDriver)
{
	PfModel model;

	model.refusal = ENOSPC;
	add_pf("vfs = 7\n", model);
	ASSERT_TRUE(provision());
	expect_text(result->problem, "the PF's driver igb does not make VFs");
	expect_text(result->problem, "No space left on device");
}

TEST_F(Provision, WhatWasThereComesBackAfterARefusal)
{
	PfModel model;

	model.refusal = ENOSPC;
	model.granted = 3;
	add_pf("vfs = 7\n", model);
	core.set_numvfs(pf_address, 3);
	for (const std::string &address : core.vfs_of(pf_address))
		core.detach(address);
	ASSERT_TRUE(provision());
	expect_text(result->problem, "3 VFs instead of vfs=7");
	expect_text(result->problem, "No space left on device");
	EXPECT_EQ(result->vfs_after, 3U);
	EXPECT_EQ(result->vfs->len, 3U);
}

TEST_F(Provision, ADriverThatRefusesOneVfLeavesItWithoutOverride)
{
	int probes = 0;

	add_pf("vfs = 3\n");
	core.on_write = [this, &probes](const Write &write) {
		probes += write.text == "probe";
		core.drivers["igbvf_vfio_pci"].refuses = probes == 2;
		return Fate::goes_on;
	};
	ASSERT_TRUE(provision());
	EXPECT_EQ(result->outcomes[VFERRY_PROVISION_FAILED], 1U);
	EXPECT_EQ(result->outcomes[VFERRY_PROVISION_BOUND], 2U);
	for (guint i = 0; i < 3; i++) {
		const std::string address = core.vfs_of(pf_address)[i];

		EXPECT_EQ(core.driver(address), core.driver_override(address));
		if (vf(i)->outcome == VFERRY_PROVISION_FAILED)
			expect_text(vf(i)->problem, "did not take");
	}
}

TEST_F(Provision, VfsThatComeMeanwhileAreBoundToo)
{
	add_pf("network = lab\n");
	core.set_numvfs(pf_address, 2);
	for (const std::string &address : core.vfs_of(pf_address))
		core.detach(address);
	core.on_write = [this](const Write &write) {
		if (write.text == "probe" && core.vfs_of(pf_address).size() == 2) {
			core.set_numvfs(pf_address, 0);
			core.set_numvfs(pf_address, 5);
		}
		return Fate::goes_on;
	};
	ASSERT_TRUE(provision());
	EXPECT_EQ(core.driver(core.vfs_of(pf_address)[4]), "igbvf_vfio_pci");
}

TEST_F(Provision, WaitsForTheOtherWhoWorksOnThePf)
{
	add_pf("vfs = 1\n");
	ASSERT_TRUE(provision());
	const std::string lock = std::string("/run/vferry/provision/") + pf_address;
	const int fd = open(lock.c_str(), O_RDWR | O_CLOEXEC);

	ASSERT_EQ(flock(fd, LOCK_EX | LOCK_NB), 0) << "the lock was not released";
	const pid_t child = fork();
	if (child == 0) {
		close(fd);
		_exit(!provision() || !vferry_provision_is_good(result));
	}
	int status = 0;

	usleep(50000);
	EXPECT_EQ(waitpid(child, &status, WNOHANG), 0) << "it did not wait";
	close(fd);
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
}

TEST_F(Provision, DryRunChangesNothing)
{
	add_pf("vfs = 5\n");
	core.set_numvfs(pf_address, 3);
	for (const std::string &address : core.vfs_of(pf_address))
		core.detach(address);
	ASSERT_TRUE(provision(VFERRY_PROVISION_DRY_RUN)) << caught.text();
	EXPECT_EQ(result->vfs_before, 3U);
	EXPECT_EQ(result->vfs_after, 5U);
	ASSERT_TRUE(provision(VFERRY_PROVISION_DRY_RUN | VFERRY_PROVISION_BIND_ONLY));
	expect_good(3, 0);
	EXPECT_STREQ(vf(0)->driver, "igbvf_vfio_pci");
	EXPECT_TRUE(core.writes().empty());
	EXPECT_FALSE(std::filesystem::exists("/run/vferry"));
}

TEST_F(Provision, DryRunLoadsNoModule)
{
	PfModel model;

	model.ids = vendors[2].vf_ids;
	add_loadable_driver("hisi_acc_vfio_pci", "hisi-acc-vfio-pci");
	add_pf("network = lab\n", model);
	core.set_numvfs(pf_address, 1);
	core.detach(core.vfs_of(pf_address)[0]);
	ASSERT_TRUE(provision(VFERRY_PROVISION_DRY_RUN)) << caught.text();
	EXPECT_STREQ(vf(0)->driver, "hisi_acc_vfio_pci");
	EXPECT_EQ(read("/run/loads"), "");
}

#ifdef __SANITIZE_ADDRESS__
static constexpr unsigned many = 200; /* a fork takes tens of milliseconds there */
#else
static constexpr unsigned many = 2000;
#endif

TEST_F(Provision, ThousandsOfVfs)
{
	PfModel model;

	model.totalvfs = many;
	add_pf("network = lab\n", model);
	write("/sys/bus/pci/devices/0000:03:00.0/sriov_drivers_autoprobe", "0\n");
	core.set_numvfs(pf_address, many);
	ASSERT_TRUE(provision()) << caught.text();
	expect_good(many, 0);
	expect_bound("igbvf_vfio_pci", many);
}

/* devlink */

class Migratable : public Provision {
protected:
	void make(const std::string &keys, bool enabled, bool has_caps = true)
	{
		PfModel model;

		model.ids = vendors[1].vf_ids;
		add_vfio_driver("mlx5_vfio_pci", "mlx5_vfio_pci");
		add_devlink(3, enabled);
		for (Port &port : device->ports)
			port.has_caps = has_caps;
		device->on_set = [this](int vf) {
			const std::string address = core.vfs_of(pf_address)[static_cast<size_t>(vf)];

			EXPECT_EQ(core.driver(address), std::nullopt) << address;
		};
		add_pf(keys, model);
	}

	void expect_migratable(bool enabled)
	{
		for (const Port &port : device->ports)
			EXPECT_EQ((port.caps.value & migratable) != 0, enabled);
	}
};

TEST_F(Migratable, IsSetBeforeADriverIsBound)
{
	make("vfs = 3\n", false);
	ASSERT_TRUE(provision()) << caught.text();
	expect_good(3, 0);
	expect_migratable(true);
	expect_bound("mlx5_vfio_pci", 3);
	EXPECT_EQ(device->dumps, 1U);
}

TEST_F(Migratable, ADriverLetsGoOfTheVfForIt)
{
	make("vfs = 3\nmigratable = no\n", false);
	ASSERT_TRUE(provision());
	expect_good(3, 0);
	EXPECT_EQ(device->sets, 0U);
	configure(std::string("[pf ") + pf_address + "]\nmigratable = yes\n");
	ASSERT_TRUE(provision());
	expect_good(3, 0);
	expect_migratable(true);
	expect_bound("mlx5_vfio_pci", 3);
	ASSERT_TRUE(provision());
	expect_good(0, 3);
}

TEST_F(Migratable, ARefusalStillBinds)
{
	make("vfs = 3\n", false);
	device->refusal = EBUSY;
	ASSERT_TRUE(provision());
	EXPECT_EQ(result->outcomes[VFERRY_PROVISION_FAILED], 3U);
	expect_text(vf(0)->problem, "mlx5_core: VF is in use");
	expect_bound("mlx5_vfio_pci", 3);
}

TEST_F(Migratable, YesWantsTheAttribute)
{
	make("vfs = 3\nmigratable = yes\n", false, false);
	ASSERT_TRUE(provision());
	EXPECT_EQ(result->outcomes[VFERRY_PROVISION_FAILED], 3U);
	expect_text(vf(0)->problem, "no such devlink attribute");
	expect_bound("mlx5_vfio_pci", 3);
}

TEST_F(Migratable, ADevlinkThatFailsStillBinds)
{
	make("vfs = 3\n", false);
	device->dump_error = -EBUSY;
	ASSERT_TRUE(provision());
	EXPECT_NE(result->problem, nullptr);
	expect_bound("mlx5_vfio_pci", 3);
}

TEST_F(Migratable, NotWhileTheVfIsInUse)
{
	make("vfs = 3\nmigratable = no\n", false);
	ASSERT_TRUE(provision());
	claim(core.vfs_of(pf_address)[1], VFERRY_CLAIM_RUNNING);
	configure(std::string("[pf ") + pf_address + "]\nmigratable = yes\n");
	ASSERT_TRUE(provision());
	EXPECT_EQ(vf(1)->outcome, VFERRY_PROVISION_IN_USE);
	EXPECT_EQ(device->sets, 2U);
}

/* What a domain names. */

class Named : public Provision {
protected:
	VferryChoice choice = {};

	void SetUp() override
	{
		Provision::SetUp();
		core.add_pf(pf_address, {});
		core.set_numvfs(pf_address, 1);
	}

	bool choose(const char *named)
	{
		g_autofree char *path = vferry_aliases_path();
		g_autoptr(VferryAliases) aliases = vferry_aliases_load(path, nullptr);
		g_autoptr(VferryConfig) config = vferry_config_new();
		VferryAddress at;

		vferry_address_parse(core.vfs_of(pf_address)[0].c_str(), &at, nullptr);
		g_autoptr(VferryVf) vf = vferry_vf_read(&at, nullptr);
		vferry_choice_clear(&choice);
		return vferry_choose_driver(aliases, vf,
					    vferry_config_for_pf(config, &at, nullptr, 0, 0), named,
					    &choice, caught.out());
	}

	void TearDown() override
	{
		vferry_choice_clear(&choice);
		Provision::TearDown();
	}
};

TEST_F(Named, IsTaken)
{
	ASSERT_TRUE(choose("vfio-pci"));
	EXPECT_STREQ(choice.driver, "vfio-pci");
	EXPECT_TRUE(choice.needs_vfio);
	EXPECT_FALSE(choice.migrates);
	expect_text(choice.reason, "driver vfio-pci, which the domain names");
}

TEST_F(Named, TheVariantDriverMigrates)
{
	ASSERT_TRUE(choose("igbvf_vfio_pci"));
	EXPECT_TRUE(choice.migrates);
	EXPECT_EQ(choice.reason, nullptr);
}

TEST_F(Named, HasToBeAVfioDriver)
{
	ASSERT_TRUE(choose("igbvf"));
	EXPECT_TRUE(choice.needs_vfio);
}

TEST_F(Named, ThatIsAbsentOrNoNameIsAnError)
{
	EXPECT_FALSE(choose("nosuch"));
	caught.expect(VFERRY_ERROR_NOT_FOUND, "driver nosuch, which the domain names, is not loaded");
	for (const char *bad : { "", "../igbvf", "a b", "." }) {
		EXPECT_FALSE(choose(bad));
		caught.expect(VFERRY_ERROR_INVALID, "cannot have this name");
	}
}
