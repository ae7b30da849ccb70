// SPDX-License-Identifier: LGPL-2.1-or-later
// vferry.conf(5) says what the code does. TEST_MAN is the folder of the man pages.
#include <glib.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

extern "C" {
#include "config-keys.h"
#include "config.h"
}

namespace {

using Names = std::vector<std::string>;

std::string page() {
  std::ifstream file(TEST_MAN "/vferry.conf.5");

  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The text between two marks; to the end where there is no second.
std::string between(const std::string &text, const std::string &begin, const std::string &end) {
  const size_t from = text.find(begin);
  if (from == std::string::npos)
    return "";
  const size_t to = text.find(end, from + begin.size());
  return text.substr(from + begin.size(), to == std::string::npos ? to : to - from - begin.size());
}

// What is said of the keys of one kind of section.
std::string subsection(const VferryConfigKind &kind) {
  const std::string article = &kind == &vferry_config_pf_kind ? "a " : "the ";

  return between(page(), ".Ss Keys of " + article + kind.name + " section\n", "\n.S");
}

Names documented(const VferryConfigKind &kind) {
  static const std::regex item("\n\\.It Cm ([^ ]+) Ns = ");
  const std::string text = subsection(kind);
  Names names;

  for (std::sregex_iterator at(text.begin(), text.end(), item), end; at != end; ++at)
    names.push_back((*at)[1]);
  return names;
}

Names of_the_code(const VferryConfigKind &kind) {
  Names names;

  for (guint i = 0; i < kind.key_count; i++)
    names.push_back(kind.keys[i].name);
  return names;
}

// The files that the page shows as examples.
std::vector<std::string> examples() {
  std::string rest = between(page(), ".Sh EXAMPLES\n", "\n.Sh ");
  static const std::string begin = ".Bd -literal -offset indent\n", end = ".Ed\n";
  std::vector<std::string> found;

  for (std::string text; !(text = between(rest + "\n", begin, end)).empty();) {
    found.push_back(text);
    rest.erase(0, rest.find(text) + text.size());
  }
  return found;
}

} // namespace

TEST(ConfigMan, HasTheKeysOfTheCodeInTheirOrder) {
  EXPECT_EQ(documented(vferry_config_pf_kind), of_the_code(vferry_config_pf_kind));
  EXPECT_EQ(documented(vferry_config_host_kind), of_the_code(vferry_config_host_kind));
}

TEST(ConfigMan, TheNamesAreThoseOfTheEnumerators) {
  EXPECT_STREQ(vferry_config_pf_key_name(VFERRY_PF_KEY_VFS), "vfs");
  EXPECT_STREQ(vferry_config_pf_key_name(VFERRY_PF_KEY_DRIVER), "driver");
  EXPECT_STREQ(vferry_config_pf_key_name(VFERRY_PF_KEY_NETWORK), "network");
  EXPECT_STREQ(vferry_config_pf_key_name(VFERRY_PF_KEY_MIGRATABLE), "migratable");
  EXPECT_STREQ(vferry_config_host_key_name(VFERRY_HOST_KEY_CLAIM_LIFETIME), "claim-lifetime");
  EXPECT_STREQ(vferry_config_host_key_name(VFERRY_HOST_KEY_ANNOUNCE), "announce");
}

TEST(ConfigMan, EveryNumberInAnErrorIsInThePage) {
  static const std::regex number("[0-9]{2,}");

  for (const VferryConfigKind *kind : {&vferry_config_pf_kind, &vferry_config_host_kind}) {
    const std::string text = subsection(*kind);
    for (guint i = 0; i < kind->key_count; i++) {
      const std::string give = kind->keys[i].give;
      for (std::sregex_iterator at(give.begin(), give.end(), number), end; at != end; ++at)
        EXPECT_TRUE(std::regex_search(text, std::regex("\\b" + at->str() + "\\b"))) << give;
    }
  }
}

TEST(ConfigMan, TheExamplesAreGood) {
  g_autoptr(VferryConfig) config = vferry_config_new();
  const VferryAddress address = {0, 1, 0, 1};

  ASSERT_EQ(examples().size(), 2U);
  for (const std::string &text : examples()) {
    g_autoptr(GError) error = nullptr;
    EXPECT_TRUE(vferry_config_parse(config, "example", text.data(), text.size(), &error))
        << error->message;
  }
  const VferryPfConfig *pf = vferry_config_for_pf(config, &address, nullptr, 0x8086, 0x10c9);
  EXPECT_EQ(pf->vfs, 2);
  EXPECT_STREQ(pf->network, "tenants-2.rack7");
  EXPECT_EQ(vferry_config_host(config)->claim_lifetime, 600U);
}

TEST(ConfigMan, TheExamplesHaveEveryKey) {
  std::string all;
  for (const std::string &text : examples())
    all += "\n" + text;
  for (const VferryConfigKind *kind : {&vferry_config_pf_kind, &vferry_config_host_kind})
    for (const std::string &key : of_the_code(*kind))
      EXPECT_NE(all.find("\n" + key + " = "), std::string::npos) << key;
}

TEST(ConfigMan, TheErrorThatIsShownIsWhatIsSaid) {
  const std::string part = between(page(), ".Sh DIAGNOSTICS\n", "\n.Sh ");
  const std::string shown = between(part, "indent\n", "\n");
  const std::string text = "\n[pf enp1s0f0]\nvfs=many\n";
  g_autoptr(VferryConfig) config = vferry_config_new();
  g_autoptr(GError) error = nullptr;

  EXPECT_FALSE(vferry_config_parse(config, VFERRY_CONFIG_FILE, text.data(), text.size(), &error));
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(shown, error->message);
}

TEST(ConfigMan, ThePathsAreThoseOfTheHeader) {
  EXPECT_NE(page().find(".Pa " VFERRY_CONFIG_FILE "\n"), std::string::npos);
  EXPECT_NE(page().find(".Pa " VFERRY_CONFIG_FOLDER "/*.conf\n"), std::string::npos);
}
