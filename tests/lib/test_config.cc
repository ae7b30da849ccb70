// SPDX-License-Identifier: LGPL-2.1-or-later
// What the text of configuration files means, and which text is refused.
#include <glib.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

extern "C" {
#include "config.h"
#include "error.h"
}

namespace {

const VferryAddress kAddress = {0, 1, 0, 0};
constexpr guint16 kVendor = 0x8086, kDevice = 0x10c9;

std::string text_of(const char *text) { return text ? text : "(null)"; }

class Config : public ::testing::Test {
 protected:
  // What GLib complains of is a defect of ours.
  Config() { g_log_set_always_fatal(GLogLevelFlags(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL)); }
  ~Config() override { vferry_config_free(config_); }

  // The error, or "" where the text is good.
  std::string parse(const std::string &text, const char *file = "a.conf") {
    g_autoptr(GError) error = nullptr;
    // Of the exact size, so that ASan sees a read beyond it.
    const std::vector<char> exact(text.begin(), text.end());
    const gboolean ok = vferry_config_parse(config_, file, exact.data(), exact.size(), &error);
    EXPECT_EQ(ok, error == nullptr);
    if (!error)
      return "";
    EXPECT_TRUE(g_error_matches(error, VFERRY_ERROR, VFERRY_ERROR_INVALID));
    EXPECT_EQ(std::string(error->message).find_first_of("\n\r\x1b"), std::string::npos);
    EXPECT_NE(std::string(error->message).back(), '.');
    return error->message;
  }

  const VferryPfConfig &pf(std::vector<std::string> interfaces = {"enp1s0f0"}) {
    std::vector<char *> names;
    for (std::string &name : interfaces)
      names.push_back(name.data());
    names.push_back(nullptr);
    return *vferry_config_for_pf(config_, &kAddress, names.data(), kVendor, kDevice);
  }

  VferryConfig *config_ = vferry_config_new();
};

using Text = std::pair<std::string, std::string>;

// A text and the error that it gives.
class Refused : public Config, public ::testing::WithParamInterface<Text> {};
class Heading : public Config, public ::testing::WithParamInterface<std::string> {};
class NoHeading : public Config, public ::testing::WithParamInterface<std::string> {};
class Value : public Config, public ::testing::WithParamInterface<std::string> {};
class NoValue : public Config, public ::testing::WithParamInterface<Text> {};

} // namespace

TEST_F(Config, WithoutSectionsAPfIsLeftAlone) {
  EXPECT_EQ(parse(""), "");
  EXPECT_FALSE(pf().configured);
  EXPECT_EQ(pf().vfs, VFERRY_CONFIG_VFS_UNSET);
  EXPECT_EQ(pf().driver, VFERRY_CONFIG_DRIVER_AUTO);
  EXPECT_EQ(pf().driver_name, nullptr);
  EXPECT_EQ(pf().network, nullptr);
  EXPECT_EQ(pf().migratable, VFERRY_CONFIG_MIGRATABLE_AUTO);
  for (const char *from : pf().from)
    EXPECT_EQ(from, nullptr);
}

TEST_F(Config, TheHostHasDefaults) {
  const VferryHostConfig *host = vferry_config_host(config_);

  EXPECT_EQ(host->claim_lifetime, 300U);
  EXPECT_TRUE(host->announce);
  for (const char *from : host->from)
    EXPECT_EQ(from, nullptr);
}

TEST_F(Config, EveryKeyOfAPf) {
  EXPECT_EQ(parse("[pf enp1s0f0]\nvfs=7\ndriver=igbvf_vfio_pci\nnetwork=rack-7.A_b\n"
                  "migratable=no\n"), "");
  EXPECT_TRUE(pf().configured);
  EXPECT_EQ(pf().vfs, 7);
  EXPECT_EQ(pf().driver, VFERRY_CONFIG_DRIVER_FORCE);
  EXPECT_EQ(text_of(pf().driver_name), "igbvf_vfio_pci");
  EXPECT_EQ(text_of(pf().network), "rack-7.A_b");
  EXPECT_EQ(pf().migratable, VFERRY_CONFIG_MIGRATABLE_NO);
  EXPECT_EQ(text_of(pf().from[VFERRY_PF_KEY_VFS]), "a.conf:2");
  EXPECT_EQ(text_of(pf().from[VFERRY_PF_KEY_DRIVER]), "a.conf:3");
  EXPECT_EQ(text_of(pf().from[VFERRY_PF_KEY_NETWORK]), "a.conf:4");
  EXPECT_EQ(text_of(pf().from[VFERRY_PF_KEY_MIGRATABLE]), "a.conf:5");
}

TEST_F(Config, EveryKeyOfTheHost) {
  EXPECT_EQ(parse("[host]\nannounce=no\nclaim-lifetime=3600"), "");
  const VferryHostConfig *host = vferry_config_host(config_);
  EXPECT_EQ(host->claim_lifetime, 3600U);
  EXPECT_FALSE(host->announce);
  EXPECT_EQ(text_of(host->from[VFERRY_HOST_KEY_ANNOUNCE]), "a.conf:2");
  EXPECT_EQ(text_of(host->from[VFERRY_HOST_KEY_CLAIM_LIFETIME]), "a.conf:3");
}

TEST_F(Config, WordsWithAMeaning) {
  EXPECT_EQ(parse("[pf enp1s0f0]\ndriver=keep\nmigratable=yes\n[host]\nannounce=yes\n"), "");
  EXPECT_EQ(pf().driver, VFERRY_CONFIG_DRIVER_KEEP);
  EXPECT_EQ(pf().driver_name, nullptr);
  EXPECT_EQ(pf().migratable, VFERRY_CONFIG_MIGRATABLE_YES);
  EXPECT_TRUE(vferry_config_host(config_)->announce);
}

TEST_F(Config, BlanksCommentsAndLineEnds) {
  EXPECT_EQ(parse("# Gr\xc3\xbc\xc3\x9f" "e\x1b\r\n\r\n \t[pf enp1s0f0] \r\n\tvfs \t=\t 3 \r\n"
                  "  # vfs=4\n#[host]"), "");
  EXPECT_EQ(pf().vfs, 3);
  EXPECT_EQ(text_of(pf().from[VFERRY_PF_KEY_VFS]), "a.conf:4");
}

TEST_F(Config, ASectionWithoutKeysConfigures) {
  EXPECT_EQ(parse("[pf 8086:10c9]"), "");
  EXPECT_TRUE(pf().configured);
  EXPECT_EQ(pf().vfs, VFERRY_CONFIG_VFS_UNSET);
}

TEST_F(Config, OtherPfsAreNotConfigured) {
  EXPECT_EQ(parse("[pf 0000:01:00.1]\nvfs=1\n[pf 0001:01:00.0]\nvfs=1\n[pf enp1s0f1]\nvfs=1\n"
                  "[pf enp1s0f]\nvfs=1\n[pf 8086:10ca]\nvfs=1\n[pf 10c9:8086]\nvfs=1\n"
                  "[host]\n"), "");
  EXPECT_FALSE(pf().configured);
  EXPECT_EQ(pf().vfs, VFERRY_CONFIG_VFS_UNSET);
}

TEST_F(Config, AnInterfaceCalledHostIsNoHost) {
  EXPECT_EQ(parse("[pf host]\nvfs=1\n[host]\nannounce=no\n"), "");
  EXPECT_EQ(pf({"host"}).vfs, 1);
  EXPECT_FALSE(vferry_config_host(config_)->announce);
}

// For each key by itself, wherever the sections stand.
TEST_F(Config, TheMostSpecificSectionWins) {
  EXPECT_EQ(parse("[pf 0000:01:00.0]\nvfs=3\n"
                  "[pf enp1s0f0]\nvfs=2\ndriver=keep\n"
                  "[pf 8086:10c9]\nvfs=1\ndriver=auto\nnetwork=everywhere\n"), "");
  EXPECT_EQ(pf().vfs, 3);
  EXPECT_EQ(pf().driver, VFERRY_CONFIG_DRIVER_KEEP);
  EXPECT_EQ(text_of(pf().network), "everywhere");
  EXPECT_EQ(text_of(pf().from[VFERRY_PF_KEY_VFS]), "a.conf:2");
  EXPECT_EQ(text_of(pf().from[VFERRY_PF_KEY_DRIVER]), "a.conf:5");
  EXPECT_EQ(text_of(pf().from[VFERRY_PF_KEY_NETWORK]), "a.conf:9");
}

TEST_F(Config, AutoTakesAForcedDriverBack) {
  EXPECT_EQ(parse("[pf 8086:10c9]\ndriver=vfio-pci\n[pf enp1s0f0]\ndriver=auto\n"), "");
  EXPECT_EQ(pf().driver, VFERRY_CONFIG_DRIVER_AUTO);
  EXPECT_EQ(pf().driver_name, nullptr);
  EXPECT_EQ(pf({}).driver, VFERRY_CONFIG_DRIVER_FORCE);
}

TEST_F(Config, OfSeveralInterfacesTheLastInByteOrderWins) {
  EXPECT_EQ(parse("[pf b]\nvfs=2\n[pf a]\nvfs=1\nnetwork=of-a\n[pf c]\n"), "");
  for (const auto &order : std::vector<std::vector<std::string>>{
           {"a", "b", "c"}, {"c", "b", "a"}, {"b", "x", "a", "c"}}) {
    EXPECT_EQ(pf(order).vfs, 2);
    EXPECT_EQ(text_of(pf(order).network), "of-a");
  }
}

TEST_F(Config, APfMayHaveNoInterfaces) {
  EXPECT_EQ(parse("[pf 8086:10c9]\nvfs=1\n[pf enp1s0f0]\nvfs=2\n"), "");
  EXPECT_EQ(vferry_config_for_pf(config_, &kAddress, nullptr, kVendor, kDevice)->vfs, 1);
  EXPECT_EQ(pf({}).vfs, 1);
}

TEST_F(Config, TheSectionsAreListed) {
  EXPECT_EQ(parse("[pf enp1s0]\n[host]\n[pf 8086:10c9]\nvfs=1\n"
                  "[pf 0000:01:00.0]\n[pf enp1s0]\n"), "");
  g_auto(GStrv) sections = vferry_config_pf_sections(config_);
  g_autofree char *joined = g_strjoinv(" ", sections);
  EXPECT_STREQ(joined, "0000:01:00.0 8086:10c9 enp1s0");
}

TEST_F(Config, LaterFilesOverrideKeyByKey) {
  EXPECT_EQ(parse("[pf enp1s0f0]\nvfs=1\nnetwork=one\n", "1.conf"), "");
  EXPECT_EQ(parse("\n\n[pf enp1s0f0]\nvfs=2\n", "2.conf"), "");
  EXPECT_EQ(pf().vfs, 2);
  EXPECT_EQ(text_of(pf().network), "one");
  EXPECT_EQ(text_of(pf().from[VFERRY_PF_KEY_VFS]), "2.conf:4");
  EXPECT_EQ(text_of(pf().from[VFERRY_PF_KEY_NETWORK]), "1.conf:3");
}

TEST_F(Config, AResultOutlivesTheNext) {
  EXPECT_EQ(parse("[pf a]\nnetwork=of-a\n[pf b]\nnetwork=of-b\n"), "");
  const VferryPfConfig &first = pf({"a"});
  for (int i = 0; i < 100; i++)
    EXPECT_EQ(text_of(pf({"b"}).network), "of-b");
  EXPECT_EQ(text_of(first.network), "of-a");
}

TEST_F(Config, ASectionMayGoOn) {
  EXPECT_EQ(parse("[pf enp1s0f0]\nvfs=1\n[host]\n[pf enp1s0f0]\ndriver=keep\n"), "");
  EXPECT_EQ(pf().vfs, 1);
  EXPECT_EQ(pf().driver, VFERRY_CONFIG_DRIVER_KEEP);
  EXPECT_EQ(parse("[pf x]\nvfs=1\n[host]\n[pf x]\nvfs=1\n", "2.conf"),
            "2.conf:5: vfs is in [pf x] already, at 2.conf:2; remove one of them");
}

TEST_F(Config, ManySectionsAreRead) {
  std::string text;
  for (int i = 0; i < 50000; i++)
    text += "[pf x" + std::to_string(i) + "]\nvfs=1\n";
  EXPECT_EQ(parse(text), "");
  EXPECT_EQ(text_of(pf({"x49999"}).from[VFERRY_PF_KEY_VFS]), "a.conf:100000");
}

TEST_F(Config, ALongLineMakesAShortMessage) {
  for (const std::string line : {"x", "[", "vfs=", "x="})
    EXPECT_LT(parse("[host]\n[pf a]\n" + line + std::string(500000, 'x')).size(), 300U) << line;
}

TEST_P(Refused, WithLineAndAdvice) { EXPECT_EQ(parse(GetParam().first), GetParam().second); }

INSTANTIATE_TEST_SUITE_P(
    Config, Refused,
    ::testing::Values(
        Text("vfs=1\n", "a.conf:1: 'vfs=1' stands before the first section; put a line like "
                        "[pf enp1s0f0] or [host] before it"),
        Text("[host]\n\nannounce\n", "a.conf:3: 'announce' is no section, key=value or comment; "
                                     "write it as one of them"),
        Text("[host]\n; no comment\n", "a.conf:2: '; no comment' is no section, key=value or "
                                       "comment; write it as one of them"),
        Text("[host]\nvfs=1\n", "a.conf:2: 'vfs' is no key of a [host] section; its keys are "
                                "claim-lifetime, announce"),
        Text("[pf x]\nVFS=1\n", "a.conf:2: 'VFS' is no key of a [pf] section; its keys are vfs, "
                                "driver, network, migratable"),
        Text("[pf x]\n=1\n", "a.conf:2: '' is no key of a [pf] section; its keys are vfs, driver, "
                             "network, migratable"),
        Text("[pf x]\nvfs=1\n#\nvfs=1", "a.conf:4: vfs is in [pf x] already, at a.conf:2; remove "
                                        "one of them"),
        Text("[pf x]\nvfs=1 # one\n", "a.conf:2: vfs=1 # one is not possible; give a number from 0 "
                                      "to 256"),
        Text("#\n#\n[pf x]\nvfs=\x1b[2J\n", "a.conf:4: a character that is not printable ASCII; "
                                            "only comments may hold such, remove it"),
        Text("[pf b\xc3\xbcro]\n", "a.conf:1: a character that is not printable ASCII; only "
                                   "comments may hold such, remove it"),
        Text("[host]\n# \xff\n[x\n", "a.conf:2: bytes that are no UTF-8 text; save the file as "
                                     "UTF-8"),
        Text(std::string("[host]\n\n\0\n", 10), "a.conf:3: bytes that are no UTF-8 text; save the "
                                                "file as UTF-8"),
        Text("\xc3", "a.conf:1: bytes that are no UTF-8 text; save the file as UTF-8")));

TEST_P(Heading, IsRead) {
  EXPECT_EQ(parse("[" + GetParam() + "]\n"), "");
}

INSTANTIATE_TEST_SUITE_P(Config, Heading,
                         ::testing::Values("host", "pf 0000:01:00.0", "pf 10000:ff:1f.7",
                                           "pf 8086:10c9", "pf ffff:0000", "pf e", "pf enp1s0f0np0",
                                           "pf abcdefghijklmno", "pf eth0.5", "pf 8086",
                                           "pf 1f.7"));

TEST_P(NoHeading, IsRefused) {
  EXPECT_EQ(parse(GetParam() + "\n"),
            "a.conf:1: '" + GetParam() +
                "' is no section; write [host], [pf 0000:01:00.0] for an address, [pf enp1s0f0] "
                "for an interface or [pf 8086:10c9] for vendor:device, hex digits in lowercase");
}

INSTANTIATE_TEST_SUITE_P(
    Config, NoHeading,
    ::testing::Values("[", "[]", "[host", "[HOST]", "[ host]", "[host ]", "[host x]", "[pf]",
                      "[pf ]", "[pf  x]", "[pf x ]", "[pf\tx]", "[pfx]", "[vf x]", "[pf a b]",
                      "[pf a\tb]", "[pf abcdefghijklmnop]", "[pf .]", "[pf ..]", "[pf a/b]",
                      "[pf a]b]", "[pf [a]", "[pf x] # y", "[pf 01:00.0]", "[pf 0000:01:00.8]",
                      "[pf 0000:01:20.0]", "[pf 0000:0A:00.0]", "[pf 0000:01:00.0 ]",
                      "[pf 8086:10C9]", "[pf 8086:10c]", "[pf 8086:10c90]", "[pf 8086:10c9x]",
                      "[pf 08086:10c9]", "[pf 8086:]", "[pf :10c9]", "[pf 0x8086:0x10c9]",
                      "[pf 808g:10c9]", "[pf 8086:*]", "[pf eth0:1]"));

TEST_P(Value, IsTaken) {
  const bool host = g_str_has_prefix(GetParam().c_str(), "claim");

  EXPECT_EQ(parse((host ? "[host]\n" : "[pf x]\n") + GetParam()), "");
}

INSTANTIATE_TEST_SUITE_P(Config, Value,
                         ::testing::Values("vfs=0", "vfs=256", "driver=a", "driver=vfio-pci",
                                           "driver=" + std::string(63, 'x'), "network=A",
                                           "network=" + std::string(63, '0'),
                                           "network=a.b-c_D", "claim-lifetime=30",
                                           "claim-lifetime=3600"));

TEST_P(NoValue, IsRefused) {
  const auto &[key, value] = GetParam();
  const bool host = key == "claim-lifetime" || key == "announce";
  const std::string error = parse((host ? "[host]\n" : "[pf x]\n") + key + "=" + value);

  EXPECT_EQ(error.rfind("a.conf:2: " + key + "=" + value.substr(0, 40) + " is not possible; give ",
                        0), 0U) << error;
}

INSTANTIATE_TEST_SUITE_P(
    Config, NoValue,
    ::testing::Values(Text("vfs", ""), Text("vfs", "257"), Text("vfs", "-1"), Text("vfs", "+1"),
                      Text("vfs", "0x7"), Text("vfs", "7.0"), Text("vfs", "7 7"),
                      Text("vfs", "18446744073709551617"), Text("vfs", "auto"),
                      Text("driver", ""), Text("driver", "../x"), Text("driver", "a b"),
                      Text("driver", "a.ko"), Text("driver", std::string(64, 'x')),
                      Text("network", ""), Text("network", "a/b"), Text("network", "a b"),
                      Text("network", "%s%n"), Text("network", "<x>"), Text("network", "a=b"),
                      Text("network", std::string(64, 'x')), Text("migratable", ""),
                      Text("migratable", "Yes"), Text("migratable", "1"),
                      Text("claim-lifetime", "29"), Text("claim-lifetime", "3601"),
                      Text("claim-lifetime", "5m"), Text("claim-lifetime", ""),
                      Text("announce", "auto"), Text("announce", "true"), Text("announce", "")));
