/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parts of the command that look at nothing outside. */
#include <gtest/gtest.h>

#include <json-glib/json-glib.h>
#include <libvirt/libvirt.h>

extern "C" {
#include "device-argument.h"
#include "export.h"
#include "migratable.h"
#include "node-device.h"
}

#include <string>
#include <vector>

TEST(DeviceArgument, Address)
{
	VferryAddress address;
	char text[VFERRY_ADDRESS_TEXT_SIZE];

	for (const char *good : { "0000:01:10.0", "01:10.0" }) {
		ASSERT_TRUE(device_argument_address(good, &address)) << good;
		EXPECT_STREQ(vferry_address_text(&address, text), "0000:01:10.0");
	}
	for (const char *bad :
	     { "", "1:10.0", "01:10", "01:10.8", "0000:0000:01:10.0", "01:10.0 " })
		EXPECT_FALSE(device_argument_address(bad, &address)) << bad;
}

TEST(DeviceArgument, InterfaceAndNumber)
{
	guint index = 99;

	for (const char *bad : { "", "/", "enp1s0f0", "enp1s0f0/", "/3", "../3", "enp1s0f0/-1",
				 "enp1s0f0/3x", "enp1s0f0/65535", "en:0/3", "a234567890123456/3",
				 "en p/3", "enp1s0f0/3/4" }) {
		g_autofree char *interface = nullptr;

		EXPECT_FALSE(device_argument_split(bad, &interface, &index)) << bad;
		EXPECT_EQ(interface, nullptr);
	}
	g_autofree char *interface = nullptr;
	ASSERT_TRUE(device_argument_split("enp1s0f0/12", &interface, &index));
	EXPECT_STREQ(interface, "enp1s0f0");
	EXPECT_EQ(index, 12u);
}

struct Judgement {
	const char *driver;
	bool is_vfio;
	Migratable devlink;
	Migratable expected;
};

TEST(Migratable, Judge)
{
	static const char *const candidates[] = { "mlx5_vfio_pci", "hisi_acc_vfio_pci", "vfio_pci",
						  nullptr };

	for (const Judgement &judgement : {
		     Judgement{ nullptr, false, MIGRATABLE_UNKNOWN, MIGRATABLE_NO },
		     Judgement{ "mlx5_core", false, MIGRATABLE_YES, MIGRATABLE_NO },
		     Judgement{ "vfio-pci", true, MIGRATABLE_YES, MIGRATABLE_NO },
		     Judgement{ "mlx5_vfio_pci", true, MIGRATABLE_UNKNOWN, MIGRATABLE_YES },
		     Judgement{ "hisi-acc-vfio-pci", true, MIGRATABLE_YES, MIGRATABLE_YES },
		     Judgement{ "mlx5_vfio_pci", true, MIGRATABLE_NO, MIGRATABLE_NO },
		     Judgement{ "vendor_vfio_pci", true, MIGRATABLE_UNKNOWN, MIGRATABLE_UNKNOWN },
		     Judgement{ "mlx5_vfio", true, MIGRATABLE_UNKNOWN, MIGRATABLE_UNKNOWN },
	     }) {
		const MigratableFacts facts = { judgement.driver, judgement.is_vfio, candidates,
						judgement.devlink };
		g_autofree char *why = nullptr;

		EXPECT_EQ(migratable_judge(&facts, &why), judgement.expected)
			<< (judgement.driver ? judgement.driver : "none");
		ASSERT_NE(why, nullptr);
		EXPECT_FALSE(g_str_has_suffix(why, ".") || strchr(why, '\n')) << why;
	}
}

TEST(Migratable, WithoutAliasesAVariantDriverIsUnknown)
{
	const MigratableFacts facts = { "mlx5_vfio_pci", TRUE, nullptr,
					MIGRATABLE_UNKNOWN };

	EXPECT_EQ(migratable_judge(&facts, nullptr), MIGRATABLE_UNKNOWN);
}

TEST(NodeDevice, PfAndVf)
{
	g_autoptr(NodeDevice) pf = node_device_parse(
		"<device><name>pci_0000_41_00_0</name><driver><name>mlx5_core</name></driver>"
		"<capability type='pci'><domain>0</domain><bus>65</bus><slot>0</slot>"
		"<function>0</function><product id='0x101d'/><vendor id='0x15b3'/>"
		"<capability type='virt_functions' maxCount='127'/></capability></device>",
		nullptr);
	g_autoptr(NodeDevice) vf = node_device_parse(
		"<device><name>pci_0000_41_00_2</name>"
		"<capability type='pci'><domain>0</domain><bus>65</bus><slot>0</slot>"
		"<function>2</function><product id='0x101e'/><vendor id='0x15b3'/>"
		"<capability type='phys_function'>"
		"<address domain='0x0000' bus='0x41' slot='0x00' function='0x0'/></capability>"
		"<iommuGroup number='31'/><numa node='1'/></capability></device>", nullptr);

	ASSERT_TRUE(pf && vf);
	EXPECT_STREQ(pf->driver, "mlx5_core");
	EXPECT_EQ(pf->max_vfs, 127);
	EXPECT_EQ(pf->iommu_group, -1);
	EXPECT_FALSE(pf->is_vf);
	EXPECT_TRUE(vf->is_vf);
	EXPECT_TRUE(vferry_address_equal(&vf->pf, &pf->address));
	EXPECT_EQ(vf->max_vfs, -1);
	EXPECT_EQ(vf->iommu_group, 31);
	EXPECT_EQ(vf->numa_node, 1);
	EXPECT_EQ(vf->driver, nullptr);
}

class Export : public testing::Test {
protected:
	GPtrArray *pfs = g_ptr_array_new_with_free_func(
		reinterpret_cast<GDestroyNotify>(export_pf_free));

	~Export() override { g_ptr_array_unref(pfs); }

	ExportPf *add(guint8 bus, const char *interface, const char *network,
		      const char *driver = "igbvf_vfio_pci", guint16 device = 0x10ca)
	{
		ExportPf *pf = g_new0(ExportPf, 1);

		pf->address = { 0, bus, 0, 0 };
		pf->interface = g_strdup(interface);
		pf->network = g_strdup(network);
		pf->vf_vendor = 0x8086;
		pf->vf_device = device;
		pf->driver = g_strdup(driver);
		pf->migrates = driver && !g_str_equal(driver, "vfio-pci");
		pf->vfs = g_array_new(FALSE, FALSE, sizeof(VferryAddress));
		for (guint8 function = 0; function < 2; function++) {
			const VferryAddress vf = { 0, bus, 0x10, function };

			g_array_append_val(pf->vfs, vf);
		}
		g_ptr_array_add(pfs, pf);
		return pf;
	}

	/* As libvirt has them, once it has parsed each document. */
	std::vector<std::string> define(gboolean managed)
	{
		g_autofree char *text = export_libvirt_network(pfs, managed);
		virConnectPtr connection = virConnectOpen("test:///default");
		std::vector<std::string> result;
		std::string rest = text;

		EXPECT_TRUE(connection);
		while (!rest.empty()) {
			const size_t end = rest.find("</network>\n") + strlen("</network>\n");
			virNetworkPtr network =
				virNetworkDefineXML(connection, rest.substr(0, end).c_str());

			EXPECT_TRUE(network) << rest;
			char *xml = network ? virNetworkGetXMLDesc(network, 0) : nullptr;
			result.push_back(xml ? xml : "");
			free(xml);
			if (network)
				virNetworkFree(network);
			rest.erase(0, end);
		}
		virConnectClose(connection);
		return result;
	}
};

static bool has(const std::string &text, const std::string &part)
{
	return text.find(part) != text.npos;
}

TEST_F(Export, LibvirtTakesTheNetworks)
{
	add(1, "enp1s0f0", "lab");
	add(2, "enp2s0f0", nullptr);
	const std::vector<std::string> networks = define(TRUE);

	ASSERT_EQ(networks.size(), 2u);
	EXPECT_TRUE(has(networks[0], "<name>lab</name>"));
	EXPECT_TRUE(has(networks[0], "<forward mode='hostdev' managed='yes'>"));
	EXPECT_TRUE(has(networks[0], "<pf dev='enp1s0f0'/>"));
	EXPECT_TRUE(has(networks[1], "<name>enp2s0f0</name>"));
	EXPECT_TRUE(has(networks[1], "<pf dev='enp2s0f0'/>"));
}

TEST_F(Export, TwoPfsOfOneNetworkAreAddresses)
{
	add(1, "enp1s0f0", "lab");
	add(2, "enp2s0f0", "lab");
	const std::vector<std::string> networks = define(FALSE);

	ASSERT_EQ(networks.size(), 1u);
	EXPECT_FALSE(has(networks[0], "managed='yes'"));
	EXPECT_FALSE(has(networks[0], "<pf "));
	for (const char *vf : { "bus='0x01' slot='0x10' function='0x1'",
				"bus='0x02' slot='0x10' function='0x0'" })
		EXPECT_TRUE(has(networks[0], vf)) << networks[0];
}

TEST_F(Export, DriverOfANetwork)
{
	add(1, nullptr, "lab");
	g_autofree char *one = export_libvirt_network(pfs, TRUE);
	EXPECT_TRUE(has(one, "<driver model='igbvf_vfio_pci'/>"));
	EXPECT_TRUE(has(one, "<address type='pci' domain='0x0000' bus='0x01'"));

	add(2, "enp2s0f0", "lab", "mlx5_vfio_pci");
	g_autofree char *mixed = export_libvirt_network(pfs, TRUE);
	EXPECT_FALSE(has(mixed, "<driver")) << mixed;
}

TEST_F(Export, InterfaceThatIsNoXml)
{
	add(1, "a&'<b", nullptr);
	const std::vector<std::string> networks = define(TRUE);

	ASSERT_EQ(networks.size(), 1u);
	EXPECT_TRUE(has(networks[0], "<pf dev='a&amp;&apos;&lt;b'/>")) << networks[0];
}

/* The options of [pci] by name, each value parsed. */
static std::vector<JsonObject *> options(const std::string &text, const std::string &name,
					 std::vector<JsonNode *> *keep)
{
	std::vector<JsonObject *> result;
	g_auto(GStrv) lines = g_strsplit(text.c_str(), "\n", -1);

	EXPECT_STREQ(lines[0], "[pci]");
	for (char **line = lines + 1; *line && **line; line++) {
		const std::string prefix = name + " = ";

		if (!g_str_has_prefix(*line, prefix.c_str()))
			continue;
		JsonNode *node = json_from_string(*line + prefix.size(), nullptr);
		EXPECT_TRUE(node && JSON_NODE_HOLDS_OBJECT(node)) << *line;
		keep->push_back(node);
		result.push_back(json_node_get_object(node));
	}
	return result;
}

TEST_F(Export, Nova)
{
	add(1, "enp1s0f0", "lab");
	add(2, "enp2s0f0", nullptr);
	add(3, "enp3s0f0", nullptr, "vfio-pci", 0x1520);
	g_autofree char *text = export_nova(pfs);
	std::vector<JsonNode *> keep;
	const auto specs = options(text, "device_spec", &keep);
	const auto aliases = options(text, "alias", &keep);

	ASSERT_EQ(specs.size(), 3u);
	EXPECT_STREQ(json_object_get_string_member(specs[0], "address"), "0000:01:00.0");
	EXPECT_STREQ(json_object_get_string_member(specs[0], "vendor_id"), "8086");
	EXPECT_STREQ(json_object_get_string_member(specs[0], "product_id"), "10ca");
	EXPECT_STREQ(json_object_get_string_member(specs[0], "physical_network"), "lab");
	EXPECT_STREQ(json_object_get_string_member(specs[0], "managed"), "no");
	EXPECT_STREQ(json_object_get_string_member(specs[0], "live_migratable"), "yes");
	EXPECT_EQ(json_object_get_size(specs[0]), 6u);
	EXPECT_FALSE(json_object_has_member(specs[1], "physical_network"));
	EXPECT_STREQ(json_object_get_string_member(specs[2], "live_migratable"), "no");

	/* One for each kind of VF; Nova refuses any other key. */
	ASSERT_EQ(aliases.size(), 2u);
	EXPECT_STREQ(json_object_get_string_member(aliases[0], "name"), "vf-8086-10ca");
	EXPECT_STREQ(json_object_get_string_member(aliases[0], "device_type"), "type-VF");
	EXPECT_STREQ(json_object_get_string_member(aliases[0], "live_migratable"), "yes");
	EXPECT_STREQ(json_object_get_string_member(aliases[1], "product_id"), "1520");
	EXPECT_STREQ(json_object_get_string_member(aliases[1], "live_migratable"), "no");
	EXPECT_EQ(json_object_get_size(aliases[0]), 5u);
	for (JsonNode *node : keep)
		json_node_unref(node);
}

static std::string joined(JsonObject *selectors, const char *name)
{
	JsonArray *values = json_object_get_array_member(selectors, name);
	std::string result;

	for (guint i = 0; i < json_array_get_length(values); i++)
		result += std::string(i ? " " : "") + json_array_get_string_element(values, i);
	return result;
}

TEST_F(Export, DevicePlugin)
{
	add(1, "enp1s0f0", "lab-a.b");
	add(2, "enp2s0f0", "lab-a.b");
	add(3, "enp3s0f0", "lab-a.b", "igbvf_vfio_pci", 0x1520);
	add(4, nullptr, nullptr, nullptr);
	g_autofree char *text = export_device_plugin(pfs);
	g_autoptr(JsonNode) map = json_from_string(text, nullptr);
	ASSERT_TRUE(map) << text;
	JsonObject *data = json_object_get_object_member(json_node_get_object(map), "data");
	EXPECT_STREQ(json_object_get_string_member(json_node_get_object(map), "kind"), "ConfigMap");
	g_autoptr(JsonNode) config =
		json_from_string(json_object_get_string_member(data, "config.json"), nullptr);
	ASSERT_TRUE(config);
	JsonArray *list =
		json_object_get_array_member(json_node_get_object(config), "resourceList");

	static const struct {
		const char *name, *devices, *roots;
	} expected[] = {
		{ "lab_a_b", "10ca", "0000:01:00.0 0000:02:00.0" },
		{ "lab_a_b_2", "1520", "0000:03:00.0" },
		{ "0000_04_00_0", "10ca", "0000:04:00.0" },
	};
	ASSERT_EQ(json_array_get_length(list), G_N_ELEMENTS(expected));
	for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
		JsonObject *resource = json_array_get_object_element(list, i);
		JsonObject *selectors = json_object_get_object_member(resource, "selectors");

		EXPECT_STREQ(json_object_get_string_member(resource, "resourceName"),
			     expected[i].name);
		EXPECT_EQ(joined(selectors, "vendors"), "8086");
		EXPECT_EQ(joined(selectors, "devices"), expected[i].devices);
		EXPECT_EQ(joined(selectors, "rootDevices"), expected[i].roots);
		ASSERT_EQ(json_object_has_member(selectors, "drivers"), i < 2);
		EXPECT_EQ(i < 2 ? joined(selectors, "drivers") : "igbvf_vfio_pci",
			  "igbvf_vfio_pci");
	}
}
