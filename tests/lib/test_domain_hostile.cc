// SPDX-License-Identifier: LGPL-2.1-or-later
// XML that means harm, or is broken.
#include "domain_test.h"

#include <libxml/parser.h>

extern "C" {
#include "xml.h"
}

#include <cstdio>
#include <ctime>
#include <random>

namespace {

const char kDoctype[] = "domain XML has a document type (DOCTYPE), which is never read";

std::string repeated(const std::string &text, int times) {
  std::string ret;
  for (int i = 0; i < times; i++)
    ret += text;
  return ret;
}

// Takes or refuses; if it takes, the text comes out again.
void expect_survived(const std::string &text) {
  std::string why;
  const Domain domain = parse(text, &why);
  if (domain) {
    EXPECT_TRUE(changed(domain, {}) == text) << text.substr(0, 400);
  }
}

void expect_not_well_formed(const std::string &text) {
  std::string why;
  EXPECT_FALSE(parse(text, &why)) << text.substr(0, 400);
  EXPECT_NE(why.find("not well-formed (libxml2 error "), std::string::npos) << why;
}

}  // namespace

TEST(DomainHostile, NoDoctype) {
  const std::string domain = domain_with("");
  for (const char *doctype :
       {"<!DOCTYPE domain>", "<!DOCTYPE domain SYSTEM 'file:///etc/passwd'>",
        "<!DOCTYPE domain PUBLIC 'a' 'http://127.0.0.1:1/x.dtd'>", "<!DOCTYPE domain []>",
        "<!DOCTYPE domain [<!ENTITY x 'y'>]>", "<!DOCTYPE domain [<!ATTLIST hostdev x CDATA 'y'>]>",
        "<!DOCTYPE domain [<!ENTITY % p SYSTEM 'file:///dev/zero'> %p;]>", "<!DOCTYPE domain ["})
    expect_refused(doctype + domain, kDoctype);
  expect_refused("<?xml version='1.0'?>\n<!-- -->\n<!DOCTYPE domain>" + domain, kDoctype);
}

TEST(DomainHostile, BillionLaughs) {
  std::string text = "<!DOCTYPE domain [<!ENTITY e0 'ha'>";
  for (int i = 1; i < 12; i++)
    text += "<!ENTITY e" + std::to_string(i) + " '" +
            repeated("&e" + std::to_string(i - 1) + ";", 10) + "'>";
  const clock_t start = clock();
  expect_refused(text + "]><domain a='&e11;'>&e11;</domain>", kDoctype);
  EXPECT_LT(clock() - start, CLOCKS_PER_SEC);
}

TEST(DomainHostile, NoEntities) {
  expect_not_well_formed(domain_with("&x;"));
  expect_not_well_formed(domain_with("<a b='&x;'/>"));
  expect_not_well_formed(domain_with("&#0;"));
  expect_not_well_formed(domain_with("&#x1;"));
}

TEST(DomainHostile, NoXInclude) {
  const Domain domain =
      parse(domain_with("<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' "
                        "href='file:///etc/passwd' parse='text'/>"));
  ASSERT_TRUE(domain);
  EXPECT_EQ(domain->devices->len, 0U);
}

TEST(DomainHostile, DeepNesting) {
  const int depths[] = {100, 10000, 1000000};
  EXPECT_TRUE(parse(domain_with(repeated("<a>", depths[0]) + repeated("</a>", depths[0]))));
  expect_not_well_formed(domain_with(repeated("<a>", depths[1]) + repeated("</a>", depths[1])));
  expect_not_well_formed(domain_with(repeated("<a>", depths[2])));
}

TEST(DomainHostile, HugeValues) {
  const std::string huge(9000000, 'a'), too_huge(11000000, 'a');
  expect_survived(domain_with("<a b='" + huge + "'/>" + huge));
  expect_not_well_formed(domain_with("<a b='" + too_huge + "'/>"));
  expect_refused(domain_with("<hostdev type='" + huge + "'/>"),
                 "domain XML, line 5: attribute type of <hostdev> is no short printable text");
}

// At a text beyond its limit libxml2 may stop: then nothing is taken.
TEST(DomainHostile, NothingHidesBehindAHugeText) {
  const std::string hostdev = "<hostdev type='pci'><source><address/></source></hostdev>";
  const std::string huge(11000000, 'a');
  for (const std::string &text : {huge, huge + "&amp;", std::string(11000000, '\n'),
                                  "<![CDATA[" + huge + "]]>", "<!--" + huge + "-->",
                                  "<?a " + huge + "?>"}) {
    std::string why;
    const Domain domain = parse(domain_with(text + hostdev), &why);
    EXPECT_TRUE(!domain || domain->devices->len == 1) << text.substr(0, 10);
  }
}

TEST(DomainHostile, TheLimitOfSize) {
  const std::string megabyte = "<a>" + std::string(1000000, 'a') + "</a>";
  std::string text = domain_with(repeated(megabyte, 16));
  const int room = VFERRY_XML_SIZE_MAX - static_cast<int>(text.size());
  // libxml2 takes no white space of that size at once.
  text += "<!--" + std::string(static_cast<size_t>(room) - 7, 'a') + "-->";
  const Domain domain = parse(text);
  ASSERT_TRUE(domain);
  EXPECT_TRUE(changed(domain, {}) == text);
  expect_refused(text + " ", "domain XML of 16777217 bytes: 1 to 16777216 are read");
  expect_refused("", "domain XML of 0 bytes: 1 to 16777216 are read");
}

TEST(DomainHostile, ManyElements) {
  const std::string vf = "<hostdev type='pci'><source><address/></source></hostdev>\n";
  EXPECT_TRUE(parse(domain_with(repeated("<a/>", 200000))));
  EXPECT_TRUE(parse(domain_with(repeated(vf, VFERRY_DOMAIN_VFS_MAX))));
  expect_refused(domain_with(repeated(vf, VFERRY_DOMAIN_VFS_MAX + 1)),
                 "domain XML, line 1029: more than 1024 PCI devices");
}

TEST(DomainHostile, DuplicateAttributes) {
  expect_not_well_formed(domain_with("<hostdev type='usb' type='pci'/>"));
  expect_refused(
      domain_with("<hostdev xmlns:a='u' xmlns:b='u' a:type='usb' b:type='pci' type='pci'/>"),
      "domain XML, line 5: attribute type of <hostdev> in a namespace");
}

TEST(DomainHostile, OtherEncodings) {
  const std::string not_utf8 = "domain XML is not in UTF-8";
  const std::string domain = domain_with("");
  std::string utf16 = "\xff\xfe";
  for (char c : domain)
    utf16 += {c, '\0'};
  expect_refused(utf16, not_utf8);
  expect_refused(std::string("\0", 1), not_utf8);
  expect_refused(domain + '\0', not_utf8);
  expect_refused(domain_with(std::string("<a/>\0<b/>", 9)), not_utf8);
  expect_refused(domain_with("\xff"), not_utf8);
  expect_refused(domain_with("\xc0\xbc"), not_utf8);
  expect_refused(domain_with("\xed\xa0\x80"), not_utf8);
  for (const char *encoding : {"ISO-8859-1", "US-ASCII"})
    expect_refused("<?xml version='1.0' encoding='" + std::string(encoding) + "'?>" + domain,
                   "domain XML declares another encoding than UTF-8");
  for (const char *encoding : {"UTF-16", "UTF-7", "none-such"}) {
    std::string why;
    EXPECT_FALSE(parse("<?xml version='1.0' encoding='" + std::string(encoding) + "'?>" + domain,
                       &why)) << encoding;
  }
  EXPECT_TRUE(parse("<?xml version='1.0' encoding='Utf-8'?>" + domain));
}

TEST(DomainHostile, TruncatedAtEveryByte) {
  for (const char *name : {"forms", "vfs"}) {
    const std::string text = sample(name);
    const size_t end = text.find("</domain>\n", text.find("\n  <devices>")) + 9;
    for (size_t length = 1; length < end; length++) {
      std::string why;
      ASSERT_FALSE(parse(text.substr(0, length), &why)) << length;
    }
    EXPECT_TRUE(parse(text.substr(0, end)));
  }
}

TEST(DomainHostile, AnyByteChanged) {
  std::mt19937 random(1);
  for (const char *name : {"forms", "vfs"}) {
    const std::string text = sample(name);
    for (size_t at = 0; at < text.size(); at++) {
      std::string broken = text;
      const char interesting[] = "<>&'\"/!?-[]= :x0\n";
      broken[at] = interesting[random() % (sizeof(interesting) - 1)];
      expect_survived(broken);
    }
  }
}

// A password stands in the value of every attribute and in every text.
TEST(DomainHostile, NoMessageRepeatsWhatStandsThere) {
  const std::string secret = "s3cret";
  std::vector<std::string> texts = {
      domain_with(repeated("s3cret", 2000000) + "&amp;s3cret"),  // libxml2 would print this
      "<s3cret>", "<domain><s3cret></domain>", "<domain a='s3cret' a='s3cret'/>",
      "<domain>&s3cret;</domain>", "<s3cret/>", "<!DOCTYPE s3cret>",
      "<?xml version='1.0' encoding='s3cret'?><domain/>",
      "<domain><name>s3cret\n</name><uuid>s3cret</uuid></domain>",
      "<domain><name>s3cret</name><uuid>s3cret</uuid></domain>",
      domain_with("<hostdev type='pci' s3cret='1'><source><address bus='s3cret'/></source>"
                  "</hostdev>"),
      domain_with("<interface type='hostdev'><source><address type='pci'/></source>"
                  "<mac address='s3cret'/></interface>"),
      domain_with("", "<numatune><memory nodeset='s3cret'/></numatune>"),
      domain_with("", "<metadata><vfs xmlns='" VFERRY_XML_NAMESPACE "'><s3cret/></vfs></metadata>"),
      domain_with("", "<metadata><vfs xmlns='" VFERRY_XML_NAMESPACE "'><vf hostdev='0' "
                      "s3cret='1'/></vfs></metadata>"),
  };
  for (const char *attribute : {"hostdev", "mac", "network", "vlan", "trust", "link-state"})
    texts.push_back(domain_with("", "<metadata><vfs xmlns='" VFERRY_XML_NAMESPACE "'><vf " +
                                        std::string(attribute) + "='s3cret!' hostdev" +
                                        (std::string(attribute) == "hostdev" ? "x" : "") +
                                        "='0'/></vfs></metadata>"));
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  std::vector<std::string> reasons;
  for (const std::string &text : texts) {
    std::string why;
    EXPECT_FALSE(parse(text, &why)) << text.substr(0, 400);
    reasons.push_back(why);
  }
  EXPECT_EQ(testing::internal::GetCapturedStdout().substr(0, 400), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr().substr(0, 400), "");
  for (const std::string &why : reasons)
    EXPECT_EQ(why.find(secret), std::string::npos) << why;
}

// libxml2 keeps 16 bits of a line with an element, and finds more with the texts beside it.
TEST(DomainHostile, LinesBeyond65535) {
  std::string why;
  EXPECT_FALSE(parse(domain_with(repeated("\n", 100000) + "<hostdev type='pci'>\n</hostdev>"),
                     &why));
  EXPECT_EQ(why.rfind("domain XML, line 10000", 0), 0U) << why;
}

TEST(DomainHostile, UndeclaredPrefixesAreTakenAsLibvirtTakesThem) {
  const std::string text = domain_with("<x:hostdev type='pci' y:z='1'/>");
  const Domain domain = parse(text);
  ASSERT_TRUE(domain);
  EXPECT_EQ(domain->devices->len, 0U);
  EXPECT_EQ(changed(domain, {}), text);
}
