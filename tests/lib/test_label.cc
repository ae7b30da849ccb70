/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lib/label.c, by provisioning: what has which label, and when. Labels are kept here: this
 * machine's /sys may have none.
 */
#include "caught.h"
#include "provision_host.h"

extern "C" {
#include "alias.h"
#include "config.h"
#include "provision.h"
}

#include <cerrno>
#include <cstring>

#include <sys/xattr.h>

static std::map<std::string, std::string> labels;
static int refusal;

/* "0000:03:00.0/driver_override", "drivers/igbvf/unbind" */
static std::string short_name(const std::string &path)
{
	for (const char *prefix : { "/sys/bus/pci/devices/", "/sys/bus/pci/" })
		if (path.rfind(prefix, 0) == 0)
			return path.substr(strlen(prefix));
	return path;
}

extern "C" ssize_t getxattr(const char *path, const char *name, void *value, size_t size) noexcept
{
	const std::string label = "system_u:object_r:" +
		(labels.count(short_name(path)) ? labels[short_name(path)] : "sysfs_t") +
		":s0:c1,c2";

	EXPECT_STREQ(name, "security.selinux");
	if (access(path, F_OK) != 0)
		return -1;
	EXPECT_GT(size, label.size());
	memcpy(value, label.c_str(), label.size() + 1);
	return static_cast<ssize_t>(label.size() + 1);
}

extern "C" int setxattr(const char *path, const char *, const void *value, size_t size, int) noexcept
{
	const std::string label(static_cast<const char *>(value), size - 1);
	const std::string before = "system_u:object_r:", after = ":s0:c1,c2";

	EXPECT_EQ(label.find(before), 0U) << label;
	EXPECT_EQ(label.find(after), label.size() - after.size()) << label;
	errno = refusal;
	if (refusal)
		return -1;
	labels[short_name(path)] =
		label.substr(before.size(), label.size() - before.size() - after.size());
	return 0;
}

class Label : public ProvisionHost {
protected:
	Caught caught;
	VferryProvision *result = nullptr;

	void SetUp() override
	{
		static bool covered;

		ProvisionHost::SetUp();
		if (!covered)
			DriverCore::cover({ "/sys/fs" });
		covered = true;
		write("/sys/fs/selinux/enforce", "1");
		core.add_driver("igb", {});
		labels.clear();
		refusal = 0;
	}

	void TearDown() override
	{
		core.on_write = nullptr;
		vferry_provision_free(result);
	}

	bool provision(const std::string &keys)
	{
		g_autofree char *path = vferry_aliases_path();
		g_autoptr(VferryAliases) aliases = vferry_aliases_load(path, nullptr);
		g_autoptr(VferryConfig) config = nullptr;
		VferryAddress pf;

		configure(std::string("[pf ") + pf_address + "]\n" + keys);
		config = vferry_config_load(VFERRY_CONFIG_FILE, VFERRY_CONFIG_FOLDER, nullptr);
		vferry_address_parse(pf_address, &pf, nullptr);
		vferry_provision_free(result);
		result = vferry_provision_pf(config, aliases, &pf, {}, caught.out());
		return result != nullptr;
	}

	static std::string of_pf(const char *attribute)
	{
		return labels[std::string(pf_address) + "/" + attribute];
	}
};

TEST_F(Label, BeforeAnythingIsWritten)
{
	core.add_pf(pf_address, {});
	core.on_write = [](const Write &write) {
		if (write.text.rfind("sriov", 0) == 0) {
			EXPECT_EQ(of_pf("sriov_numvfs"), "vferry_pf_sysfs_t");
			EXPECT_EQ(of_pf("sriov_drivers_autoprobe"), "vferry_pf_sysfs_t");
			EXPECT_EQ(of_pf(".."), "sysfs_t");
			EXPECT_EQ(labels["drivers"], "sysfs_t");
			EXPECT_EQ(labels["drivers_probe"], "vferry_drv_sysfs_t");
		}
		return Fate::goes_on;
	};
	ASSERT_TRUE(provision("vfs = 2\n"));
	EXPECT_EQ(core.vfs_of(pf_address).size(), 2U);
}

TEST_F(Label, OfVfsBeforeTheyAreBoundAndOfTheirNewDriver)
{
	core.add_pf(pf_address, {});
	core.on_write = [this](const Write &write) {
		if (write.text.rfind("driver_override", 0) == 0) {
			for (const std::string &vf : core.vfs_of(pf_address))
				EXPECT_EQ(labels[vf + "/driver_override"], "vferry_vf_sysfs_t");
		}
		return Fate::goes_on;
	};
	ASSERT_TRUE(provision("vfs = 2\n"));
	expect_bound("igbvf_vfio_pci", 2);
	EXPECT_EQ(labels["drivers/igbvf_vfio_pci/unbind"], "vferry_drv_sysfs_t");
}

TEST_F(Label, OfTheNetworkDriverThatVfsAreTakenFrom)
{
	core.add_pf(pf_address, {});
	core.set_numvfs(pf_address, 1);
	ASSERT_TRUE(provision("vfs = 1\n"));
	EXPECT_EQ(labels["drivers/igbvf/unbind"], "vferry_drv_sysfs_t");
}

/* It came as a module that one of ours needs. */
TEST_F(Label, TakenFromThePfsDriver)
{
	labels["drivers/igb/unbind"] = "vferry_drv_sysfs_t";
	core.add_pf(pf_address, {});
	ASSERT_TRUE(provision("vfs = 1\n"));
	EXPECT_EQ(labels["drivers/igb/unbind"], "sysfs_t");
}

TEST_F(Label, NeverOfADriverThatHasPfs)
{
	core.add_pf(pf_address, {});
	core.set_numvfs(pf_address, 1);
	write("/sys/bus/pci/drivers/igbvf/0000:04:00.0/sriov_totalvfs", "7\n");
	ASSERT_TRUE(provision("vfs = 1\n"));
	EXPECT_EQ(labels.count("drivers/igbvf/unbind"), 0U);
}

TEST_F(Label, GoesWithDriverKeep)
{
	core.add_pf(pf_address, {});
	ASSERT_TRUE(provision("vfs = 1\n"));
	const std::string vf = core.vfs_of(pf_address)[0];

	ASSERT_EQ(labels[vf + "/driver_override"], "vferry_vf_sysfs_t");
	ASSERT_TRUE(provision("vfs = 1\ndriver = keep\n"));
	EXPECT_EQ(labels[vf + "/driver_override"], "sysfs_t");
}

TEST_F(Label, NothingWithoutSelinux)
{
	std::filesystem::remove("/sys/fs/selinux/enforce");
	core.add_pf(pf_address, {});
	ASSERT_TRUE(provision("vfs = 1\n"));
	EXPECT_TRUE(labels.empty());
}

TEST_F(Label, NothingWhereThePolicyHasNoSuchType)
{
	refusal = EINVAL;
	core.add_pf(pf_address, {});
	ASSERT_TRUE(provision("vfs = 1\n"));
	expect_bound("igbvf_vfio_pci", 1);
	EXPECT_EQ(result->problem, nullptr);
}

TEST_F(Label, RefusedChangesNothing)
{
	refusal = EACCES;
	core.add_pf(pf_address, {});
	EXPECT_FALSE(provision("vfs = 1\n"));
	caught.expect(VFERRY_ERROR_FAILED, "labelling /sys/bus/pci/devices/0000:03:00.0/..");
	for (const std::string &text : core.writes())
		EXPECT_NE(text.rfind("sriov", 0), 0U) << text;
}
