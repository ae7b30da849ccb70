// SPDX-License-Identifier: LGPL-2.1-or-later
// What is read of a domain, in every form that libvirt takes.
#include "domain_test.h"

namespace {

const char kSource[] = "<source><address bus='1' slot='2'/></source>";

std::string hostdev(const std::string &inside, const std::string &attributes = "") {
  return "<hostdev mode='subsystem' type='pci' " + attributes + ">" + inside + "</hostdev>\n";
}

std::string interface(const std::string &inside) {
  return "<interface type='hostdev'><source><address type='pci' bus='1'/></source>" + inside +
         "</interface>\n";
}

std::string address(const std::string &attributes) {
  return domain_with(hostdev("<source><address " + attributes + "/></source>"));
}

std::string source_of(const std::string &attributes) {
  const Domain domain = parse(address(attributes));
  return domain && domain->devices->len == 1 ? text_of(device(domain, 0).source) : "";
}

std::vector<guint16> vlans_of(const VferryDomainDevice &device) {
  const auto *vlans = reinterpret_cast<const guint16 *>(device.vlans->data);
  return {vlans, vlans + device.vlans->len};
}

std::vector<guint> nodes_of(const Domain &domain) {
  const auto *nodes = reinterpret_cast<const guint *>(domain->numa_nodes->data);
  return {nodes, nodes + domain->numa_nodes->len};
}

std::string numatune(const std::string &inside) {
  return domain_with("", "<numatune>" + inside + "</numatune>\n");
}

std::string mac_of(const VferryDomainDevice &device) {
  char text[3 * VFERRY_MAC_SIZE];
  const guint8 *mac = device.mac;
  g_snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
             mac[4], mac[5]);
  return device.has_mac ? text : "";
}

std::string metadata(const std::string &uri) {
  return domain_with("", "<metadata><a:b xmlns:a='" + uri + "'/></metadata>");
}

}  // namespace

TEST(DomainXml, NameAndUuid) {
  const Domain domain = parse(sample("forms"));
  ASSERT_TRUE(domain);
  EXPECT_STREQ(domain->name, "gäst & co");
  EXPECT_STREQ(domain->uuid, kUuid);
  EXPECT_EQ(domain->orchestrator, nullptr);
  EXPECT_EQ(domain->vfs->len, 0U);
}

TEST(DomainXml, OnlyDevicesOfTheDomainCount) {
  const Domain domain = parse(sample("forms"));
  ASSERT_TRUE(domain);
  ASSERT_EQ(domain->devices->len, 6U);
  const VferryDomainDeviceKind kinds[] = {VFERRY_DOMAIN_NETWORK, VFERRY_DOMAIN_INTERFACE,
                                          VFERRY_DOMAIN_HOSTDEV, VFERRY_DOMAIN_HOSTDEV,
                                          VFERRY_DOMAIN_NETWORK, VFERRY_DOMAIN_HOSTDEV};
  const guint positions[] = {0, 1, 1, 2, 2, 4};
  const long lines[] = {23, 30, 43, 53, 60, 70};
  for (unsigned i = 0; i < 6; i++) {
    EXPECT_EQ(device(domain, i).kind, kinds[i]) << i;
    EXPECT_EQ(device(domain, i).position, positions[i]) << i;
    EXPECT_EQ(device(domain, i).line, lines[i]) << i;
  }
}

TEST(DomainXml, AnInterfaceOfANetwork) {
  const Domain domain = parse(sample("forms"));
  ASSERT_TRUE(domain);
  const VferryDomainDevice &network = device(domain, 0);
  EXPECT_FALSE(network.has_source);
  EXPECT_FALSE(network.managed);
  EXPECT_STREQ(network.network, "default");
  EXPECT_STREQ(network.alias, "net0");
  EXPECT_EQ(network.driver_name, nullptr);
  EXPECT_EQ(mac_of(network), "52:54:00:00:00:01");
  EXPECT_TRUE(vlans_of(network).empty());
  EXPECT_TRUE(network.has_guest);
  EXPECT_EQ(text_of(network.guest), "0000:01:00.0");
}

TEST(DomainXml, AnInterfaceOfTypeHostdev) {
  const Domain domain = parse(sample("forms"));
  ASSERT_TRUE(domain);
  const VferryDomainDevice &lan = device(domain, 1);
  EXPECT_TRUE(lan.has_source);
  EXPECT_EQ(text_of(lan.source), "0000:01:10.1");
  EXPECT_EQ(text_of(lan.guest), "0000:02:00.0");
  EXPECT_TRUE(lan.managed);
  EXPECT_STREQ(lan.driver_name, "vfio");
  EXPECT_STREQ(lan.driver_model, "vfio-pci");
  EXPECT_STREQ(lan.alias, "ua-lan");
  EXPECT_EQ(lan.network, nullptr);
  EXPECT_EQ(mac_of(lan), "52:54:00:ab:cd:02");
  EXPECT_EQ(vlans_of(lan), (std::vector<guint16>{42, 4095}));
}

TEST(DomainXml, Hostdevs) {
  const Domain domain = parse(sample("forms"));
  ASSERT_TRUE(domain);
  EXPECT_TRUE(device(domain, 2).managed);
  EXPECT_STREQ(device(domain, 2).driver_name, "vfio");
  EXPECT_EQ(device(domain, 2).driver_model, nullptr);
  EXPECT_EQ(text_of(device(domain, 2).source), "0000:01:10.3");
  EXPECT_EQ(text_of(device(domain, 2).guest), "0000:03:00.0");
  EXPECT_FALSE(device(domain, 3).managed);
  EXPECT_EQ(device(domain, 3).alias, nullptr);
  EXPECT_FALSE(device(domain, 3).has_guest);
  EXPECT_EQ(text_of(device(domain, 3).source), "0000:01:10.5");
  EXPECT_EQ(text_of(device(domain, 5).source), "0001:ff:1f.7");
}

TEST(DomainXml, GuestAddressesThatAreNone) {
  for (const char *none : {"<address type='pci'/>", "<address type='ccw' cssid='0xfe' bus='zz'/>",
                           "<address bus='1'/>", "<address type='pci' function='0x1'/>"}) {
    const Domain domain = parse(domain_with(hostdev(std::string(kSource) + none)));
    ASSERT_TRUE(domain) << none;
    EXPECT_FALSE(device(domain, 0).has_guest) << none;
  }
}

TEST(DomainXml, TheVfOfANetworkInAStatusFile) {
  const Domain domain = parse(sample("forms"));
  ASSERT_TRUE(domain);
  const VferryDomainDevice &pool = device(domain, 4);
  EXPECT_STREQ(pool.network, "pool");
  EXPECT_TRUE(pool.managed);
  EXPECT_TRUE(pool.has_source);
  EXPECT_EQ(text_of(pool.source), "10000:ff:1f.7");
  EXPECT_EQ(vlans_of(pool), std::vector<guint16>{7});
  EXPECT_FALSE(pool.has_mac);
}

TEST(DomainXml, AllDevicesElementsCount) {
  const std::string more = "</devices><devices>";
  const Domain domain = parse(domain_with(hostdev(kSource) + more + hostdev(kSource)));
  ASSERT_TRUE(domain);
  ASSERT_EQ(domain->devices->len, 2U);
  EXPECT_EQ(device(domain, 1).position, 1U);
}

TEST(DomainXml, NumbersAsLibvirtReadsThem) {
  EXPECT_EQ(source_of("domain='0x0000' bus='0x01' slot='0x10' function='0x0'"), "0000:01:10.0");
  EXPECT_EQ(source_of("domain='1' bus='10' slot='16' function='7'"), "0001:0a:10.7");
  EXPECT_EQ(source_of("bus='010' slot='0X1F'"), "0000:08:1f.0");
  EXPECT_EQ(source_of("bus=' &#x2b;3'"), "0000:03:00.0");
  EXPECT_EQ(source_of("domain='0xffffffff'"), "ffffffff:00:00.0");
  EXPECT_EQ(source_of(""), "0000:00:00.0");
}

TEST(DomainXml, NumbersThatAreNone) {
  const std::string line = "domain XML, line 5: attribute ";
  const std::string none = " of <address> is no number up to ";
  for (const char *bad : {"", " ", "0x", "1 ", "x", "-1", "-0", "0x100", "256", "1.0", "08",
                          "99999999999999999999999", "１"})
    expect_refused(address("bus='" + std::string(bad) + "'"), line + "bus" + none + "255");
  expect_refused(address("slot='32'"), line + "slot" + none + "31");
  expect_refused(address("function='8'"), line + "function" + none + "7");
  expect_refused(address("domain='0x100000000'"), line + "domain" + none + "4294967295");
  expect_refused(domain_with(hostdev(std::string(kSource) + "<address type='pci' bus='z'/>")),
                 line + "bus" + none + "255");
}

TEST(DomainXml, ADeviceOfWhichNoVfCanBeTold) {
  const std::string none = "domain XML, line 5: <hostdev> has no <address> in <source>";
  expect_refused(domain_with(hostdev("")), none);
  expect_refused(domain_with(hostdev("<source/>")), none);
  expect_refused(domain_with(hostdev("<source><x:address xmlns:x='u' bus='1'/></source>")), none);
}

// libvirt takes the first in one place and any in another.
TEST(DomainXml, WhatStandsTwiceIsRefused) {
  const std::string line = "domain XML, line 5: a second ";
  const std::string source = kSource;
  expect_refused(domain_with(hostdev(source + source)), line + "<source> in <hostdev>");
  expect_refused(domain_with(hostdev("<source><address bus='1'/><address bus='2'/></source>")),
                 line + "<address> in <source>");
  expect_refused(domain_with(hostdev(source + "<driver/><driver/>")),
                 line + "<driver> in <hostdev>");
  expect_refused(domain_with(hostdev(source + "<alias name='a'/><alias name='b'/>")),
                 line + "<alias> in <hostdev>");
  expect_refused(domain_with(hostdev(source + "<address type='pci'/><address type='pci'/>")),
                 line + "<address> in <hostdev>");
  expect_refused(domain_with(interface("<mac/><mac/>")), line + "<mac> in <interface>");
  expect_refused(domain_with(interface("<vlan/><vlan/>")), line + "<vlan> in <interface>");
  expect_refused(domain_with("", "<name>other</name>\n"),
                 "domain XML, line 4: a second <name> in <domain>");
}

// libvirt looks for attributes without regard to their namespace.
TEST(DomainXml, AttributesInANamespaceAreRefused) {
  const std::string why = "domain XML, line 5: attribute bus of <address> in a namespace";
  expect_refused(address("xmlns:x='u' x:bus='2' bus='1'"), why);
  expect_refused(address("xmlns:x='u' bus='1' x:bus='2'"), why);
  expect_refused(address("xmlns:x='u' x:bus='2'"), why);
  EXPECT_EQ(source_of("xmlns:x='u' x:other='2' bus='1'"), "0000:01:00.0");
}

TEST(DomainXml, OtherTypesAreLeftOut) {
  for (const char *other :
       {"<hostdev mode='capabilities' type='pci'/>", "<hostdev type='mdev'/>", "<hostdev/>",
        "<interface/>", "<interface type='bridge'/>", "<interface type='hostdev'/>",
        "<interface type='hostdev'><source><address type='usb'/></source></interface>",
        "<x:hostdev xmlns:x='u' type='pci'/>", "<x:hostdev type='pci'/>",
        "<hostdev xmlns='u' type='pci'/>", "<HOSTDEV type='pci'/>",
        "<disk><hostdev type='pci'/></disk>", "<![CDATA[<hostdev type='pci'/>]]>"}) {
    const Domain domain = parse(domain_with(other));
    ASSERT_TRUE(domain) << other;
    EXPECT_EQ(domain->devices->len, 0U) << other;
  }
}

TEST(DomainXml, ManagedIsYesOnly) {
  for (const auto &[value, managed] : std::vector<std::pair<std::string, gboolean>>{
           {"yes", TRUE}, {"no", FALSE}, {"YES", FALSE}, {"", FALSE}}) {
    const Domain domain = parse(domain_with(hostdev(kSource, "managed='" + value + "'")));
    ASSERT_TRUE(domain);
    EXPECT_EQ(device(domain, 0).managed, managed) << value;
  }
}

TEST(DomainXml, Macs) {
  for (const char *bad : {"", "52:54:00:00:00", "52:54:00:00:00:0", "52:54:00:00:00:011",
                          "52-54-00-00-00-01", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff",
                          "52:54:00:00:00:0g", "52:54:00:00:00:01 "})
    expect_refused(
        domain_with(interface("<mac address='" + std::string(bad) + "'/>")),
        "domain XML, line 5: address in <mac> is no unicast MAC like 52:54:00:12:34:56");
}

TEST(DomainXml, VlanTags) {
  expect_refused(domain_with(interface("<vlan><tag id='4096'/></vlan>")),
                 "domain XML, line 5: attribute id of <tag> is no number up to 4095");
  expect_refused(domain_with(interface("<vlan><tag id='0x10'/></vlan>")),
                 "domain XML, line 5: attribute id of <tag> is no number up to 4095");
  expect_refused(domain_with(interface("<vlan><tag/></vlan>")),
                 "domain XML, line 5: <tag> without id");
}

TEST(DomainXml, NumaNodes) {
  EXPECT_EQ(nodes_of(parse(sample("forms"))), (std::vector<guint>{0, 1, 2, 4, 9}));
  EXPECT_TRUE(nodes_of(parse(domain_with(""))).empty());
  EXPECT_TRUE(nodes_of(parse(numatune("<memory placement='auto'/>"))).empty());
  EXPECT_EQ(nodes_of(parse(numatune("<memory nodeset=' 1 - 2 ,1023'/>"))),
            (std::vector<guint>{1, 2, 1023}));
  // What one list takes out stays in another.
  EXPECT_EQ(nodes_of(parse(numatune("<memory nodeset='1'/><memnode nodeset='0-1,^1'/>"))),
            (std::vector<guint>{0, 1}));
}

TEST(DomainXml, NumaNodesThatAreNone) {
  for (const char *bad : {",", "1,", "a", "1-", "-1", "2-1", "1-2-3", "^1-2", "^", "1024", "0-1024",
                          "0x1", "1 2", "99999999999999999999"})
    expect_refused(numatune("<memory nodeset='" + std::string(bad) + "'/>"),
                   "domain XML, line 4: attribute nodeset of <memory> is no list like 0-3,^2 of "
                   "numbers up to 1023");
}

TEST(DomainXml, NamesThatAreNone) {
  const std::string tail = "<uuid>" + std::string(kUuid) + "</uuid></domain>";
  const std::string line = "domain XML, line 1: ";
  expect_refused("<domain><name/>" + tail, line + "<name> is not of 1 to 255 bytes");
  expect_refused("<domain><name>" + std::string(256, 'a') + "</name>" + tail,
                 line + "<name> is not of 1 to 255 bytes");
  for (const char *bad : {"a\nb", "a\tb", "\xe2\x80\xae", "\xc2\x85"})
    expect_refused("<domain><name>" + std::string(bad) + "</name>" + tail,
                   line + "<name> holds no short printable text");
  expect_refused("<domain>" + tail, line + "<domain> without <name> or <uuid>");
  expect_refused("<domain><name>a</name></domain>", line + "<domain> without <name> or <uuid>");
  for (const char *bad : {"", "a", "c7a5fdbd-edaf-9455-926a-d65c16db180",
                          "c7a5fdbd-edaf-9455-926a-d65c16db18099",
                          "c7a5fdbdedaf9455926ad65c16db1809", "../../etc/passwd"})
    expect_refused("<domain><name>a</name><uuid>" + std::string(bad) + "</uuid></domain>",
                   line + "<uuid> holds no UUID");
}

TEST(DomainXml, TheRootIsADomain) {
  const std::string why = "domain XML, line 1: the root is not <domain>";
  expect_refused("<domstatus><domain/></domstatus>", why);
  expect_refused("<domain xmlns='u'/>", why);
  expect_refused("<x:domain xmlns:x='u'/>", why);
}

TEST(DomainXml, Orchestrators) {
  const std::pair<const char *, const char *> known[] = {
      {"http://openstack.org/xmlns/libvirt/nova/1.0", "Nova"},
      {"http://openstack.org/xmlns/libvirt/nova/1.1", "Nova"},
      {"http://openstack.org/xmlns/libvirt/nova/1.12", "Nova"},
      {"http://ovirt.org/vm/1.0", "oVirt"},
      {"http://ovirt.org/vm/tune/1.0", "oVirt"},
      {"http://kubevirt.io", "KubeVirt"},
      {"http://opennebula.org/xmlns/libvirt/1.0", "OpenNebula"},
  };
  for (const auto &[uri, name] : known) {
    const Domain domain = parse(metadata(uri));
    ASSERT_TRUE(domain);
    EXPECT_STREQ(domain->orchestrator, name) << uri;
  }
  for (const char *other : {"http://libosinfo.org/xmlns/libvirt/domain/1.0", "nova",
                            "http://openstack.org/xmlns/libvirt/cinder/1.0"}) {
    const Domain domain = parse(metadata(other));
    ASSERT_TRUE(domain);
    EXPECT_EQ(domain->orchestrator, nullptr) << other;
  }
}

TEST(DomainXml, AnOrchestratorElsewhereIsNone) {
  const std::string nova = "<n:i xmlns:n='http://openstack.org/xmlns/libvirt/nova/1.1'/>";
  for (const std::string &place : {nova, "<metadata><a>" + nova + "</a></metadata>",
                                   "<metadata><!--" + nova + "--></metadata>"}) {
    const Domain domain = parse(domain_with("", place));
    ASSERT_TRUE(domain);
    EXPECT_EQ(domain->orchestrator, nullptr) << place;
  }
}
