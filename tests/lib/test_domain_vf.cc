// SPDX-License-Identifier: LGPL-2.1-or-later
// vferry's own metadata in a domain.
#include "domain_test.h"

#include <cstring>

namespace {

const char kDevices[] =
    "<hostdev mode='subsystem' type='pci'><source><address bus='1'/></source>"
    "<alias name='ua-lan'/></hostdev>\n"
    "<interface type='hostdev'><source><address type='pci' bus='2'/></source></interface>\n";

std::string metadata(const std::string &inside) {
  return domain_with(kDevices, "<metadata>\n" + inside + "</metadata>\n");
}

std::string vfs(const std::string &inside) {
  return metadata("<v:vfs xmlns:v='" VFERRY_XML_NAMESPACE "'>" + inside + "</v:vfs>\n");
}

std::string vf_with(const std::string &attributes) {
  return vfs("<v:vf hostdev='0' " + attributes + "/>");
}

const char kLine[] = "domain XML, line 5: ";

}  // namespace

TEST(DomainVf, EveryAttribute) {
  const Domain domain = parse(sample("vfs"));
  ASSERT_TRUE(domain);
  ASSERT_EQ(domain->vfs->len, 5U);
  const VferryDomainVf &lan = vf(domain, 0);
  const guint8 mac[] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
  EXPECT_EQ(lan.line, 9);
  EXPECT_FALSE(lan.is_interface);
  EXPECT_STREQ(lan.alias, "ua-lan");
  EXPECT_EQ(lan.position, -1);
  EXPECT_STREQ(lan.network, "lab-1");
  EXPECT_EQ(lan.identity.parts, VFERRY_IDENTITY_ALL);
  EXPECT_EQ(memcmp(lan.identity.mac, mac, sizeof(mac)), 0);
  EXPECT_EQ(lan.identity.vlan, 42);
  EXPECT_EQ(lan.identity.qos, 3);
  EXPECT_EQ(lan.identity.vlan_protocol, VFERRY_VLAN_8021AD);
  EXPECT_TRUE(lan.identity.trust);
  EXPECT_FALSE(lan.identity.spoofchk);
  EXPECT_EQ(lan.identity.link_state, VFERRY_LINK_DISABLE);
  EXPECT_EQ(lan.identity.min_tx_rate, 10U);
  EXPECT_EQ(lan.identity.max_tx_rate, 1000U);
}

TEST(DomainVf, WhatIsNotSaidIsNotSet) {
  const Domain domain = parse(sample("vfs"));
  ASSERT_TRUE(domain);
  EXPECT_EQ(vf(domain, 1).identity.parts, VFERRY_IDENTITY_TRUST);
  EXPECT_FALSE(vf(domain, 1).identity.trust);
  EXPECT_EQ(vf(domain, 2).identity.parts, 0U);
  EXPECT_EQ(vf(domain, 3).identity.parts, VFERRY_IDENTITY_RATE);
  EXPECT_EQ(vf(domain, 4).identity.parts, VFERRY_IDENTITY_SPOOFCHK);
  EXPECT_TRUE(vf(domain, 4).identity.spoofchk);
  EXPECT_EQ(vf(domain, 3).network, nullptr);
}

TEST(DomainVf, DevicesByAliasAndByPosition) {
  const Domain domain = parse(sample("vfs"));
  ASSERT_TRUE(domain);
  ASSERT_EQ(domain->devices->len, 3U);
  // ua-lan; the second <interface>; no such alias; the second <hostdev>; a USB <hostdev>.
  const int devices[] = {2, 0, -1, 1, -1};
  for (unsigned i = 0; i < 5; i++)
    EXPECT_EQ(vf(domain, i).device, devices[i]) << i;
  EXPECT_EQ(device(domain, 0).vf, &vf(domain, 1));
  EXPECT_EQ(device(domain, 1).vf, &vf(domain, 3));
  EXPECT_EQ(device(domain, 2).vf, &vf(domain, 0));
}

TEST(DomainVf, ADefaultNamespaceWillDo) {
  const Domain domain =
      parse(metadata("<vfs xmlns='" VFERRY_XML_NAMESPACE "'><vf hostdev='0' vlan='0'/></vfs>"));
  ASSERT_TRUE(domain);
  ASSERT_EQ(domain->vfs->len, 1U);
  EXPECT_EQ(vf(domain, 0).identity.parts, VFERRY_IDENTITY_VLAN);
  EXPECT_EQ(vf(domain, 0).identity.vlan_protocol, VFERRY_VLAN_8021Q);
}

TEST(DomainVf, OneDeviceIsNamedOnce) {
  expect_refused(vfs("<v:vf hostdev='0'/>\n<v:vf hostdev='ua-lan'/>"),
                 "domain XML, line 6: vferry's <vf> is about the same device as that of line 5");
}

TEST(DomainVf, ValuesThatAreNone) {
  const struct {
    const char *name, *wants;
    std::vector<const char *> bad, good;
  } cases[] = {
      {"network", "a name of at most 63 letters, digits and . _ -", {"", "a b", "a/b", "ü"},
       {"A.b_c-9"}},
      {"mac", "a unicast MAC like 52:54:00:12:34:56",
       {"", "00:00:00:00:00:00", "01:00:5e:00:00:01", "52:54:00:12:34", "52:54:00:12:34:56:"},
       {"00:00:00:00:00:01"}},
      {"vlan", "a number from 0 to 4094", {"", "4095", "-1", "0x10", "+1", " 1"}, {"0", "4094"}},
      {"vlan='1' vlan-qos", "a number from 0 to 7", {"", "8"}, {"0", "7"}},
      {"vlan='1' vlan-protocol", "802.1Q or 802.1ad", {"", "802.1q"}, {"802.1Q", "802.1ad"}},
      {"trust", "yes or no", {"", "on", "Yes", "1"}, {"yes", "no"}},
      {"spoofchk", "yes or no", {"", "off"}, {"yes", "no"}},
      {"link-state", "auto, enable or disable", {"", "up"}, {"auto", "enable", "disable"}},
      {"min-tx-rate", "a number of Mb/s", {"", "-1", "4294967296", "1G"}, {"0", "4294967295"}},
      {"max-tx-rate", "a number of Mb/s", {"", "-1", "4294967296"}, {"0", "4294967295"}},
  };
  for (const auto &c : cases) {
    const std::string assign = std::string(c.name) + "='";
    const std::string name = std::string(c.name).substr(std::string(c.name).rfind(' ') + 1);
    for (const char *bad : c.bad)
      expect_refused(vf_with(assign + bad + "'"),
                     kLine + ("attribute " + name) + " of vferry's <vf> is not " + c.wants);
    for (const char *good : c.good)
      EXPECT_TRUE(parse(vf_with(assign + good + "'"))) << assign << good;
  }
  EXPECT_TRUE(parse(vf_with("network='" + std::string(63, 'a') + "'")));
  expect_refused(vf_with("network='" + std::string(64, 'a') + "'"),
                 kLine + std::string("attribute network of vferry's <vf> is not a name of at most "
                                     "63 letters, digits and . _ -"));
}

TEST(DomainVf, DevicesThatAreNone) {
  for (const char *name : {"hostdev", "interface"})
    for (const char *bad : {"", "lan", "ua-", "ua-ä", "ua-a b", "-1", "0x1", "2147483648",
                            "hostdev0"}) {
      const std::string text = "<v:vf " + std::string(name) + "='" + bad + "'/>";
      if (std::string(bad) == "ua-")
        EXPECT_TRUE(parse(vfs(text)));  // libvirt takes this alias, too
      else
        expect_refused(vfs(text), kLine + ("attribute " + std::string(name)) +
                                      " of vferry's <vf> is not an alias like ua-lan or a "
                                      "position from 0");
    }
}

TEST(DomainVf, AttributesThatDoNotFitTogether) {
  const std::string vf_is = std::string(kLine) + "vferry's <vf> ";
  expect_refused(vfs("<v:vf trust='yes'/>"), vf_is + "needs one of hostdev and interface");
  expect_refused(vfs("<v:vf hostdev='0' interface='0'/>"),
                 vf_is + "needs one of hostdev and interface");
  for (const char *attribute : {"mac='52:54:00:12:34:56'", "vlan='1'"})
    expect_refused(vfs("<v:vf interface='0' " + std::string(attribute) + "/>"),
                   vf_is + "has mac or vlan of an <interface>: write them into the <interface>");
  for (const char *attribute : {"vlan-qos='0'", "vlan-protocol='802.1Q'"})
    expect_refused(vf_with(attribute), vf_is + "has vlan-qos or vlan-protocol without vlan");
  expect_refused(vf_with("min-tx-rate='2' max-tx-rate='1'"),
                 vf_is + "has a min-tx-rate above its max-tx-rate");
  EXPECT_TRUE(parse(vf_with("min-tx-rate='2' max-tx-rate='0'")));
}

TEST(DomainVf, UnknownAttributesAreRefused) {
  const std::string why = std::string(kLine) + "vferry's <vf> has an attribute that is not known";
  expect_refused(vf_with("vln='1'"), why);
  expect_refused(vf_with("Trust='yes'"), why);
  expect_refused(vf_with("xmlns:x='u' x:other='1'"), why);
  expect_refused(vf_with("v:trust='yes'"),
                 kLine + std::string("attribute trust of <vf> in a namespace"));
}

TEST(DomainVf, UnknownElementsAreRefused) {
  const std::string not_vf = std::string(kLine) + "an element that is not vferry's <vf>";
  for (const char *other : {"<v:vfs/>", "<vf hostdev='0'/>", "<x:vf xmlns:x='u' hostdev='0'/>"})
    expect_refused(vfs(other), not_vf);
  expect_refused(metadata("<v:vf xmlns:v='" VFERRY_XML_NAMESPACE "' hostdev='0'/>"),
                 std::string(kLine) + "an element that is not vferry's <vfs>");
}

TEST(DomainVf, OtherMetadataAreNoneOfOurs) {
  const Domain domain = parse(metadata(
      "<vfs><vf nonsense='1'/></vfs><v:vfs xmlns:v='" VFERRY_XML_NAMESPACE "/2'><v:vf/></v:vfs>"));
  ASSERT_TRUE(domain);
  EXPECT_EQ(domain->vfs->len, 0U);
}

TEST(DomainVf, ThereIsALimit) {
  std::string many;
  for (int i = 0; i < VFERRY_DOMAIN_VFS_MAX; i++)
    many += "<v:vf hostdev='" + std::to_string(i + 1) + "'/>";
  EXPECT_TRUE(parse(vfs(many)));
  expect_refused(vfs(many + "<v:vf hostdev='0'/>"),
                 std::string(kLine) + "more than 1024 of vferry's <vf>");
}
