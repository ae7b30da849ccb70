// SPDX-License-Identifier: LGPL-2.1-or-later
// Changing a domain's XML: the bytes that are meant, and no other.
#include "domain_test.h"

#include <libxml/parser.h>

extern "C" {
#include "xml-patch.h"
#include "xml-tag.h"
}

#include <algorithm>
#include <cstring>
#include <ctime>
#include <filesystem>

namespace {

constexpr VferryAddress kOther = {0x12, 0x34, 0x15, 6};
constexpr char kModel[] = "igbvf_vfio_pci";

VferryDomainChange move(guint device, const VferryAddress &to) { return {device, &to, nullptr}; }

VferryDomainChange bind(guint device, const char *model = kModel) {
  return {device, nullptr, model};
}

std::string hostdev(const std::string &inside) {
  return domain_with("<hostdev mode='subsystem' type='pci'>" + inside + "</hostdev>");
}

void expect_changed(const std::string &text, const std::vector<VferryDomainChange> &changes,
                    const std::string &wanted) {
  GError *error = nullptr;
  const Domain domain = parse(text);
  ASSERT_TRUE(domain);
  EXPECT_EQ(changed(domain, changes, &error), wanted);
  EXPECT_EQ(error, nullptr) << error->message;
}

void expect_impossible(const Domain &domain, const std::vector<VferryDomainChange> &changes,
                       const std::string &why) {
  GError *error = nullptr;
  EXPECT_EQ(changed(domain, changes, &error), "");
  ASSERT_TRUE(error);
  EXPECT_TRUE(g_error_matches(error, VFERRY_ERROR, VFERRY_ERROR_USAGE));
  EXPECT_EQ(error->message, why);
  g_error_free(error);
}

// Changes each device by itself; how many there were.
unsigned change_each(const std::string &path) {
  unsigned count = 0;
  const std::string text = read_file(path);
  GError *error = nullptr;
  const Domain domain(vferry_domain_parse(text.data(), text.size(), &error));

  if (!domain) {
    std::cout << path << ": " << error->message << "\n";
    g_error_free(error);
    return 0;
  }
  EXPECT_EQ(changed(domain, {}), text) << path;
  for (guint i = 0; i < domain->devices->len; i++) {
    if (device(domain, i).kind == VFERRY_DOMAIN_NETWORK)
      continue;
    count++;
    const Domain after = parse(changed(domain, {{i, &kOther, kModel}}));
    EXPECT_TRUE(after) << path;
    if (!after)
      continue;
    EXPECT_EQ(text_of(device(after, i).source), text_of(kOther)) << path;
    EXPECT_STREQ(device(after, i).driver_model, kModel) << path;
    // And back: only the form of numbers, and what was not there, may differ.
    const VferryAddress was = device(domain, i).source;
    const std::string back = changed(after, {move(i, was)});
    EXPECT_EQ(changed(parse(back), {move(i, kOther)}), changed(after, {})) << path;
  }
  return count;
}

}  // namespace

TEST(DomainChange, NothingAskedNothingChanged) {
  for (const char *name : {"forms", "vfs"})
    expect_changed(sample(name), {}, sample(name));
}

TEST(DomainChange, TheSameAddressChangesNothing) {
  const Domain domain = parse(sample("forms"));
  ASSERT_TRUE(domain);
  for (guint i : {1U, 2U, 3U, 5U}) {
    const VferryAddress same = device(domain, i).source;
    EXPECT_EQ(changed(domain, {move(i, same)}), sample("forms")) << i;
  }
}

TEST(DomainChange, OnlyNumbersThatDiffer) {
  const VferryAddress sibling = {0, 1, 0x10, 5};
  expect_changed(sample("forms"), {move(2, sibling)},
                 replaced(sample("forms"), "slot='0x10' function='0x3'",
                          "slot='0x10' function='0x5'"));
}

TEST(DomainChange, AWholeAddressAndADriver) {
  expect_changed(
      sample("forms"), {{1, &kOther, kModel}},
      replaced(replaced(sample("forms"), "domain='0x0000' bus='0x01' slot='0x10' function='0x1'",
                        "domain='0x0012' bus='0x34' slot='0x15' function='0x6'"),
               "model='vfio-pci'", "model='igbvf_vfio_pci'"));
}

TEST(DomainChange, OddFormKeepsItsForm) {
  const std::string odd = "function = \"5\"\n        slot='&#48;x10' bus\t=\n        ' 1'/>";
  const std::string wanted =
      "function = \"0x6\"\n        slot='0x15' bus\t=\n        '0x34' domain='0x0012'/>";
  expect_changed(sample("forms"), {move(3, kOther)}, replaced(sample("forms"), odd, wanted));
}

TEST(DomainChange, AttributesThatAreNotThereYet) {
  const std::string all = " domain='0x0012' bus='0x34' slot='0x15' function='0x6'";
  for (const char *form : {"<address/>", "<address />", "<address\n/>", "<address></address>",
                           "<address\t></address>"}) {
    const std::string before = hostdev("<source>" + std::string(form) + "</source>");
    expect_changed(before, {move(0, kOther)}, replaced(before, "<address", "<address" + all));
  }
  expect_changed(hostdev("<source><address x='>' bus=\"1\" /></source>"), {move(0, kOther)},
                 hostdev("<source><address x='>' bus=\"0x34\" domain='0x0012' slot='0x15'"
                         " function='0x6' /></source>"));
}

// Those that only end like the wanted name, or hold it.
TEST(DomainChange, AttributesThatLookAlike) {
  const VferryAddress to = {0, 2, 0, 0};
  for (const char *other : {"xbus='1' ", "busx='1' ", "x=\" bus='1'\" ", "x='bus=\"1\"' ",
                            "xmlns:bus='bus' ", "xmlns:b='u' b:xbus='1' "}) {
    const std::string before = hostdev("<source><address " + std::string(other) +
                                       "bus='0x01'/></source>");
    expect_changed(before, {move(0, to)}, replaced(before, "bus='0x01'", "bus='0x02'"));
  }
}

TEST(DomainChange, ADriverThatIsNotThereYet) {
  const std::string source = "<source><address bus='1'/></source>";
  expect_changed(hostdev(source), {bind(0)},
                 hostdev("<driver model='igbvf_vfio_pci'/>" + source));
  expect_changed(hostdev("<driver name='vfio'/>" + source), {bind(0)},
                 hostdev("<driver name='vfio' model='igbvf_vfio_pci'/>" + source));
  expect_changed(hostdev("<driver model='igbvf_vfio_pci'/>" + source), {bind(0)},
                 hostdev("<driver model='igbvf_vfio_pci'/>" + source));
}

TEST(DomainChange, AllAtOnceInAnyOrder) {
  const Domain domain = parse(sample("forms"));
  ASSERT_TRUE(domain);
  const VferryDomainChange a = {1, &kOther, kModel}, b = {2, &kOther, kModel},
                           c = {3, &kOther, kModel}, d = {5, &kOther, kModel};
  const std::string together = changed(domain, {d, b, a, c});
  std::string one_by_one = sample("forms");
  for (const auto &change : {a, b, c, d})
    one_by_one = changed(parse(one_by_one), {change});
  EXPECT_FALSE(together.empty());
  EXPECT_EQ(together, one_by_one);
  const Domain after = parse(together);
  ASSERT_TRUE(after);
  for (guint i : {1U, 2U, 3U, 5U})
    EXPECT_EQ(text_of(device(after, i).source), "0012:34:15.6");
}

TEST(DomainChange, LineEndsAndByteOrderMarkStay) {
  std::string dos = sample("forms");
  for (size_t at = 0; (at = dos.find('\n', at)) != std::string::npos; at += 2)
    dos.insert(at, "\r");
  dos = "\xef\xbb\xbf" + dos;
  expect_changed(dos, {}, dos);
  expect_changed(dos, {bind(1)}, replaced(dos, "model='vfio-pci'", "model='igbvf_vfio_pci'"));
}

TEST(DomainChange, NumbersAreWrittenAsLibvirtDoes) {
  const VferryAddress small = {2, 3, 4, 0}, large = {0x12345, 0xff, 0x1f, 7};
  const std::string before = sample("forms");
  const std::string was = "domain='0x0000' bus='0x01' slot='0x10' function='0x1'";
  expect_changed(before, {move(1, small)},
                 replaced(before, was, "domain='0x0002' bus='0x03' slot='0x04' function='0x0'"));
  expect_changed(before, {move(1, large)},
                 replaced(before, was, "domain='0x12345' bus='0xff' slot='0x1f' function='0x7'"));
}

TEST(DomainChange, WhatIsNotThere) {
  const Domain domain = parse(sample("forms"));
  ASSERT_TRUE(domain);
  expect_impossible(domain, {move(6, kOther)},
                    "domain XML has 6 devices, none with the number 6");
  expect_impossible(domain, {move(4, kOther)},
                    "domain XML, line 60: the VF of an <interface type='network'> is libvirt's "
                    "choice");
  expect_impossible(domain, {move(1, kOther), bind(1)},
                    "domain XML, line 30: two changes of one device");
}

TEST(DomainChange, DriversThatAreNone) {
  const Domain domain = parse(sample("forms"));
  const std::string too_long(256, 'a');
  ASSERT_TRUE(domain);
  for (const char *bad : {"", "a b", "a'b", "a&b", "<", "../x/y", "ä", too_long.c_str()})
    expect_impossible(domain, {bind(1, bad)},
                      "domain XML, line 30: no name of a driver was given");
}

// The check of the result, seen at work: this value ends the attribute.
TEST(DomainChange, AResultThatIsNotAsMeantIsThrownAway) {
  const std::string text = hostdev("<source><address bus='1'/></source>");
  const Domain domain = parse(text);
  ASSERT_TRUE(domain);
  for (const char *value :
       {"1' slot='2", "1'", "<", "&", "&lt;", "1\n", "\x01", "'/><address x='"}) {
    for (const char *insert : {static_cast<const char *>(nullptr), "driver"}) {
      g_autoptr(GArray) edits = g_array_new(FALSE, FALSE, sizeof(VferryXmlEdit));
      g_autofree char *copy = g_strdup(value);
      const VferryXmlEdit edit = {device(domain, 0).address_element, insert, "bus", copy};
      GError *error = nullptr;
      gsize length = 0;
      g_array_append_val(edits, edit);
      EXPECT_EQ(vferry_xml_patch(domain->doc, text.data(), text.size(), edits, &length, &error),
                nullptr);
      ASSERT_TRUE(error) << value;
      EXPECT_TRUE(g_error_matches(error, VFERRY_ERROR, VFERRY_ERROR_FAILED));
      EXPECT_STREQ(error->message, "domain XML stays as it is: more would change than was meant");
      g_error_free(error);
    }
  }
}

// Nodes of every kind that may stand beside what is changed.
TEST(DomainChange, NodesOfEveryKindStay) {
  for (const std::string &node :
       {std::string("<![CDATA[]]>"), std::string("<![CDATA[a]]><![CDATA[b]]>"),
        std::string("a<![CDATA[<]]>]>b"), std::string("<!---->"), std::string("<!--a--><!--b-->"),
        std::string("<?a?>"), std::string("<?a  b ?>"), std::string("a&amp;b&lt;&gt;&quot;&apos;"),
        std::string("&#38;&#x26;&#13;&#10;\r\n\t"), std::string(5000, 'x') + "&amp;" +
        std::string(5000, '\n'), std::string("<a b='&amp;&lt;&#10;&quot;' c=\"'&#39;>\"/>"),
        std::string("<a b='' c='\n'/>"), std::string("<a b='&amp;amp;&#38;lt;'/>"),
        std::string("<a xmlns='u'><b xmlns=''/></a>"), std::string("<a xml:lang='de'/>"),
        std::string("<a xmlns='u&amp;v' xmlns:x='&#38;' x:b='&lt;'/>"),
        std::string("<x:a xmlns:x='u' xmlns:y='u' x:b='1' b='2'><y:a/></x:a>"),
        std::string("<x:a y:b='1'/>"), std::string("<\xc3\xa4 \xc3\xb6='\xf0\x9f\x98\x80'/>"),
        std::string("<a  b = '>' ></a >"), std::string("<a>]]&gt;</a>")}) {
    const std::string before =
        hostdev(node + "<source>" + node + "<address bus='0x00'/>" + node + "</source>" + node);
    const VferryAddress to = {0, 2, 0, 0};
    expect_changed(before, {move(0, to)}, replaced(before, "0x00", "0x02"));
  }
}

// Tags are counted, also those of which there is no node.
TEST(DomainChange, WhatIsLeftOutStays) {
  const std::string device =
      "<hostdev mode='subsystem' type='pci'><source><address bus='0x00'/></source></hostdev>";
  const std::string other = replaced(device, "0x00", "0x01");
  const std::string before =
      domain_with("<disk><source/>" + other + "<![CDATA[<a>]]></disk>" + device + "<disk/>",
                  "<os><devices>" + other + "</devices></os><!--<a>--><?a <a>?>");
  const VferryAddress to = {0, 2, 0, 0};
  const Domain domain = parse(before);
  ASSERT_TRUE(domain);
  EXPECT_EQ(domain->devices->len, 1U);
  expect_changed(before, {move(0, to)}, replaced(before, "0x00", "0x02"));
}

// The comparison by itself, of a tag that libxml2 reads without what is around it.
TEST(DomainChange, EveryOtherDifferenceIsSeen) {
  const std::string before =
      "<x:d e='1' f='2' g='' xmlns='u' xmlns:x='v' xmlns:l='v' x:i='3' y:j='4' xml:lang='k&lt;'>";
  const std::string document = before + "</x:d>";
  const std::pair<const char *, const char *> differences[] = {
      {"e='1'", "e='2'"},        {"e='1'", "e=''"},           {"e='1' ", ""},
      {"e='1' f='2'", "f='2' e='1'"},                         {"f='2'", "f='2' k='1'"},
      {"g=''", "g='1'"},         {"g=''", ""},                {"x:d", "d"},
      {"x:d", "l:d"},            {"x:d", "x:h"},              {"xmlns='u'", "xmlns='w'"},
      {"xmlns='u' ", ""},        {"xmlns:x='v'", "xmlns:x='w'"},
      {"xmlns='u' xmlns:x='v'", "xmlns:x='v' xmlns='u'"},     {"x:i", "i"},
      {"x:i", "l:i"},            {"x:i", "x:k"},              {"y:j", "j"},
      {"y:j", "z:j"},            {" xmlns:l='v'", ""},        {"xml:lang", "lang"},
      {"xmlns:l='v'", "xmlns:l='v' xmlns:m='v'"},             {"k&lt;", "k&gt;"},
      {"'>", "'><n>"},           {"'>", "'/><x:d>"},          {"'>", "'"},
      {"'>", "' "},              {"<x:d", "x:d"},             {"<x:d", "t<x:d"},
             {"'>", "'>t"},               {"'>", "'/><!--c-->"},
  };
  g_autoptr(xmlDoc) doc = vferry_xml_parse(document.data(), document.size(), nullptr);
  g_autoptr(GPtrArray) none = g_ptr_array_new();
  ASSERT_TRUE(doc);
  const xmlNode *element = xmlDocGetRootElement(doc);
  EXPECT_TRUE(vferry_xml_tag_is_edited(element, none, before.data(), before.size()));
  const std::string closed = replaced(before, "'>", "' />");
  EXPECT_TRUE(vferry_xml_tag_is_edited(element, none, closed.data(), closed.size()));
  for (const auto &[from, to] : differences) {
    const std::string after = replaced(before, from, to);
    EXPECT_FALSE(vferry_xml_tag_is_edited(element, none, after.data(), after.size())) << after;
  }
}

// What an element's ancestors declare is not in its tag.
TEST(DomainChange, PrefixesOfAncestorsAreKnown) {
  const std::string before = "<x:b x:c='1' c='2'/>";
  const std::string document = "<a xmlns='u' xmlns:x='v'>" + before + "</a>";
  g_autoptr(xmlDoc) doc = vferry_xml_parse(document.data(), document.size(), nullptr);
  g_autoptr(GPtrArray) none = g_ptr_array_new();
  ASSERT_TRUE(doc);
  const xmlNode *element = xmlDocGetRootElement(doc)->children;
  EXPECT_TRUE(vferry_xml_tag_is_edited(element, none, before.data(), before.size()));
  for (const char *wrong : {"<b x:c='1' c='2'/>", "<y:b x:c='1' c='2'/>", "<x:b y:c='1' c='2'/>",
                            "<x:b c='1' c='2'/>", "<x:b x:c='1' x:d='2'/>"})
    EXPECT_FALSE(vferry_xml_tag_is_edited(element, none, wrong, strlen(wrong))) << wrong;
}

TEST(DomainChange, EditsAreSeenToBeMade) {
  const std::string before = "<s a='1' b='2'/>", right = "<s a='3' b='2' c='4'/>";
  const std::string inserted = "<n m='9'/>";
  g_autoptr(xmlDoc) doc = vferry_xml_parse(before.data(), before.size(), nullptr);
  g_autoptr(GPtrArray) edits = g_ptr_array_new();
  ASSERT_TRUE(doc);
  xmlNode *element = xmlDocGetRootElement(doc);
  char three[] = "3", four[] = "4", nine[] = "9";
  VferryXmlEdit set = {element, nullptr, "a", three}, add = {element, nullptr, "c", four},
                insert = {element, "n", "m", nine};
  for (VferryXmlEdit *edit : {&set, &add, &insert})
    g_ptr_array_add(edits, edit);
  EXPECT_TRUE(vferry_xml_tag_is_edited(element, edits, right.data(), right.size()));
  EXPECT_TRUE(vferry_xml_tag_is_inserted(&insert, inserted.data(), inserted.size()));
  const std::pair<const char *, const char *> wrongs[] = {
      {"a='3'", "a='1'"}, {"a='3'", "a='33'"},       {"a='3' ", ""},    {"c='4'", "c='5'"},
      {" c='4'", ""},     {"c='4'", "c='4' e='5'"},  {"c='4'", "e='4'"}, {"b='2'", "b='3'"},
      {"c='4'", "x:c='4'"},
  };
  for (const auto &[from, to] : wrongs) {
    const std::string after = replaced(right, from, to);
    EXPECT_FALSE(vferry_xml_tag_is_edited(element, edits, after.data(), after.size())) << after;
  }
  for (const char *wrong :
       {"", "<n m='8'/>", "<m m='9'/>", "<n n='9'/>", "<n/>", "<n m='9' o='1'/>",
        "<n m='9'/><n m='9'/>", "<n m='9'>t</n>", "<n m='9'><o/></n>", "<n m='9'><!--c--></n>",
        "<n m='9' xmlns:x='u'/>", "<n m='9' xmlns='u'/>", "<x:n m='9'/>", "<n x:m='9'/>"})
    EXPECT_FALSE(vferry_xml_tag_is_inserted(&insert, wrong, strlen(wrong))) << wrong;
}

// Another text than the tree was made of: it has fewer tags, or more.
TEST(DomainChange, TagsThatAreNotTheTreesAreRefused) {
  const Domain domain = parse(hostdev("<source><address bus='1'/></source>"));
  ASSERT_TRUE(domain);
  for (const std::string &text :
       {hostdev("<source></source>"), hostdev("<!--<source><address bus='1'/></source>-->"),
        hostdev("<source><address bus='1'/><x/></source>"), std::string("<domain"),
        std::string("<!-- "), std::string("<a b='"), std::string("<![CDATA[ "), std::string("<"),
        std::string()}) {
    g_autoptr(GArray) edits = g_array_new(FALSE, FALSE, sizeof(VferryXmlEdit));
    GError *error = nullptr;
    gsize length = 0;
    EXPECT_EQ(vferry_xml_patch(domain->doc, text.data(), text.size(), edits, &length, &error),
              nullptr);
    ASSERT_TRUE(error) << text;
    EXPECT_STREQ(error->message, "domain XML stays as it is: its tags were not all found");
    g_error_free(error);
  }
}

// Of tests/lib/data, or of another such as tests/qemuxmlconfdata of libvirt's source:
// DOMAIN_XML_FOLDER=/path test-domain_change --gtest_filter=*Folder
TEST(DomainChange, EveryDeviceOfEveryFileOfAFolder) {
  const char *folder = g_getenv("DOMAIN_XML_FOLDER");
  unsigned files = 0, devices = 0;
  for (const auto &entry : std::filesystem::directory_iterator(folder ? folder : TEST_DATA)) {
    if (entry.path().extension() != ".xml" || !entry.is_regular_file())
      continue;
    files++;
    devices += change_each(entry.path());
  }
  std::cout << files << " files, " << devices << " devices changed\n";
  EXPECT_GT(devices, 0U);
}

// The whole of it takes little more than libxml2 takes to make a tree of the text.
TEST(DomainChange, IsFast) {
  std::string devices;
  std::vector<VferryDomainChange> changes;
  for (guint i = 0; i < 16; i++) {
    devices += "<hostdev mode='subsystem' type='pci' managed='yes'>\n<driver name='vfio'/>\n"
               "<source>\n<address domain='0x0000' bus='0x01' slot='0x10' function='0x0'/>\n"
               "</source>\n</hostdev>\n";
    changes.push_back({i, &kOther, kModel});
  }
  while (devices.size() < 100000)
    devices += "<disk type='file' device='disk'>\n<source file='/var/lib/libvirt/images/a'/>\n"
               "<target dev='vda' bus='virtio'/>\n</disk>\n";
  const std::string text = domain_with(devices);
  double best = 1, libxml2 = 1;
  for (int i = 0; i < 30; i++) {
    const clock_t start = clock();
    EXPECT_FALSE(changed(parse(text), changes).empty());
    const clock_t middle = clock();
    xmlFreeDoc(vferry_xml_parse(text.data(), text.size(), nullptr));
    best = std::min(best, static_cast<double>(middle - start) / CLOCKS_PER_SEC);
    libxml2 = std::min(libxml2, static_cast<double>(clock() - middle) / CLOCKS_PER_SEC);
  }
  std::cout << best * 1000 << " ms, libxml2 alone " << libxml2 * 1000 << " ms\n";
  EXPECT_LT(best, 4 * libxml2);
}
