// SPDX-License-Identifier: LGPL-2.1-or-later
// One claim: its text there and back, what is refused, when it blocks and ends.
#include "claims_test.h"

#include <ctime>
#include <random>

namespace {

Claim parse(const std::string &text, GError **error) {
  const VferryAddress address = vf();
  return Claim(vferry_claim_parse(&address, text.data(), text.size(), error));
}

std::string write(const Claim &claim, const Claim &earlier = nullptr) {
  Error error;
  Text text(vferry_claim_text(claim.get(), earlier.get(), error.out()));
  EXPECT_TRUE(text) << error.text();
  return text ? text.get() : "";
}

Claim again(const std::string &text) {
  Error error;
  Claim claim = parse(text, error.out());
  EXPECT_TRUE(claim) << error.text() << "\n" << text;
  return claim;
}

VferryIdentity some_identity() {
  VferryIdentity identity = {};
  identity.parts = VFERRY_IDENTITY_ALL & ~VFERRY_IDENTITY_MAC;
  identity.vlan = 42;
  identity.qos = 7;
  identity.vlan_protocol = VFERRY_VLAN_8021AD;
  identity.trust = TRUE;
  identity.link_state = VFERRY_LINK_DISABLE;
  identity.min_tx_rate = 1;
  identity.max_tx_rate = G_MAXUINT32;
  return identity;
}

Claim full() {
  Claim claim = claim_of(vf(), kAlice, VFERRY_CLAIM_INCOMING, 60);
  claim->driver = g_strdup("igbvf");
  claim->driver_override = g_strdup("vfio-pci");
  claim->failover = TRUE;
  claim->bound_by_us = TRUE;
  claim->identity = some_identity();
  claim->forget = TRUE;
  claim->xml_address = vf(9);
  claim->network = g_strdup("storage");
  return claim;
}

// `text` with the line of a key replaced, or taken out.
std::string with(std::string text, const std::string &key, const std::string &line) {
  const size_t start = text.find("\n" + key + "=") + 1;
  EXPECT_NE(start, 0U) << key;
  return text.replace(start, text.find('\n', start) - start, line);
}

void expect_refused(const std::string &text, const std::string &why) {
  Error error;
  EXPECT_FALSE(parse(text, error.out())) << text;
  EXPECT_TRUE(error.is(VFERRY_ERROR_INVALID)) << error.text();
  expect_message(error.text(), why);
}

}  // namespace

TEST(Claim, EveryFieldComesBack) {
  const Claim claim = again(write(full()));
  EXPECT_EQ(text_of(claim->address), "0000:01:10.0");
  EXPECT_EQ(claim->problem, nullptr);
  EXPECT_STREQ(claim->uuid, kAlice);
  EXPECT_STREQ(claim->name, "guest");
  EXPECT_EQ(claim->purpose, VFERRY_CLAIM_INCOMING);
  EXPECT_STREQ(claim->created.boot, kNow.boot);
  EXPECT_EQ(claim->created.seconds, 1000);
  EXPECT_EQ(claim->lifetime, 60U);
  EXPECT_STREQ(claim->driver, "igbvf");
  EXPECT_STREQ(claim->driver_override, "vfio-pci");
  EXPECT_TRUE(claim->bound_by_us);
  EXPECT_EQ(text_of(claim->xml_address), text_of(vf(9)));
  EXPECT_STREQ(claim->network, "storage");
}

TEST(Claim, TheIdentityComesBack) {
  const VferryIdentity wanted = some_identity();
  const Claim claim = again(write(full()));
  EXPECT_EQ(claim->identity.parts, wanted.parts);
  EXPECT_EQ(vferry_identity_difference(&wanted, &claim->identity), 0U);
  EXPECT_TRUE(claim->forget);
  EXPECT_TRUE(claim->failover);

  // Each part alone, over a claim that had all.
  for (guint part = 1; part <= VFERRY_IDENTITY_LINK; part <<= 1) {
    if (part == VFERRY_IDENTITY_MAC)
      continue;
    const Claim other = full();
    other->identity.parts = part;
    other->forget = FALSE;
    const Claim back = again(write(other, again(write(full()))));
    EXPECT_EQ(back->identity.parts, part);
    EXPECT_EQ(vferry_identity_difference(&other->identity, &back->identity), 0U);
    EXPECT_FALSE(back->forget);
  }
}

TEST(Claim, AnIdentityThatCannotBeIsRefused) {
  const std::string good = write(full());
  for (const char *line : {"vlan-before=4095", "vlan-before=x", "vlan-qos-before=8",
                           "vlan-protocol-before=1", "trust-before=2", "spoofchk-before=-1",
                           "link-state-before=3", "max-tx-rate-before=4294967296"}) {
    const std::string text(line);
    expect_refused(with(good, text.substr(0, text.find('=')), text), "");
  }
  expect_refused(with(good, "forget-guest", "forget-guest=maybe"), "forget-guest");

  Error error;
  const Claim claim = full();
  claim->identity.parts |= VFERRY_IDENTITY_MAC;
  EXPECT_FALSE(Text(vferry_claim_text(claim.get(), nullptr, error.out())));
  expect_message(error.text(), "no MAC");
}

TEST(Claim, WhatIsOptionalStaysAway) {
  const Claim claim = again(write(claim_of(vf(), kBob, VFERRY_CLAIM_RUNNING)));
  EXPECT_EQ(claim->purpose, VFERRY_CLAIM_RUNNING);
  EXPECT_EQ(claim->driver, nullptr);
  EXPECT_EQ(claim->driver_override, nullptr);
  EXPECT_FALSE(claim->failover);
  EXPECT_FALSE(claim->bound_by_us);
  EXPECT_EQ(text_of(claim->xml_address), "0000:01:10.0");
  EXPECT_EQ(claim->network, nullptr);
}

TEST(Claim, TheLargestNumbersComeBack) {
  Claim claim = claim_of(vf(), kAlice, VFERRY_CLAIM_BOUND, G_MAXUINT32);
  claim->created.seconds = G_MAXINT64;
  claim = again(write(claim));
  EXPECT_EQ(claim->lifetime, G_MAXUINT32);
  EXPECT_EQ(claim->created.seconds, G_MAXINT64);
}

TEST(Claim, NamesComeBackAsTheyAre) {
  for (const char *name : {"", " ", "  two  ", "a\\nb", "[claim]", "#x", "a=b;c", "\\", "Gäst", "客",
                           "uuid=00000000-0000-0000-0000-000000000000", "'\"$(reboot)%s%n"}) {
    Claim claim = full();
    g_free(claim->name);
    claim->name = g_strdup(name);
    EXPECT_STREQ(again(write(claim))->name, name);
  }
}

TEST(Claim, NamesAreMadePrintableAndCut) {
  const std::pair<std::string, std::string> cases[] = {
      {"a\nuuid=b", "a?uuid=b"},
      {"\x1b[2J", "?[2J"},
      {"\xe2\x80\xae" "gpj", "?gpj"},
      {std::string(300, 'x'), std::string(255, 'x')},
      {std::string(254, 'x') + "\u00e4", std::string(254, 'x')},
  };
  for (const auto &[name, shown] : cases) {
    Claim claim = full();
    g_free(claim->name);
    claim->name = g_strdup(name.c_str());
    g_free(claim->network);
    claim->network = g_strdup(name.c_str());
    claim = again(write(claim));
    EXPECT_EQ(claim->name, shown);
    EXPECT_EQ(claim->network, shown);
  }
  Claim claim = full();
  g_free(claim->name);
  claim->name = g_strdup("\xff\xfe");
  EXPECT_TRUE(g_utf8_validate(again(write(claim))->name, -1, nullptr));
  // A file from elsewhere says what it likes.
  EXPECT_STREQ(again(with(write(full()), "name", "name=a\\nb\x1b"))->name, "a?b?");
}

TEST(Claim, AClaimThatIsNoGoodIsNotWritten) {
  const auto refused = [](const char *key, void (*spoil)(VferryClaim *)) {
    Claim claim = full();
    spoil(claim.get());
    Error error;
    EXPECT_FALSE(Text(vferry_claim_text(claim.get(), nullptr, error.out()))) << key;
    EXPECT_TRUE(error.is(VFERRY_ERROR_INVALID));
    expect_message(error.text(), key);
  };
  refused("uuid", [](VferryClaim *c) { c->uuid[3] = 'x'; });
  refused("uuid", [](VferryClaim *c) { g_clear_pointer(&c->uuid, g_free); });
  refused("purpose", [](VferryClaim *c) { c->purpose = static_cast<VferryClaimPurpose>(3); });
  refused("boot", [](VferryClaim *c) { c->created.boot[0] = '\0'; });
  refused("created", [](VferryClaim *c) { c->created.seconds = -1; });
  refused("lifetime", [](VferryClaim *c) { c->purpose = VFERRY_CLAIM_RUNNING; });
  refused("driver-before", [](VferryClaim *c) { c->driver[2] = '/'; });
  refused("driver-before", [](VferryClaim *c) { c->driver[0] = '\0'; });
  refused("driver-override-before", [](VferryClaim *c) { c->driver_override[0] = '.'; });
  refused("driver-override-before", [](VferryClaim *c) { c->driver_override[4] = '\n'; });
}

TEST(Claim, EveryKeyIsChecked) {
  const std::string good = write(full());
  const std::pair<const char *, const char *> cases[] = {
      {"uuid", "uuid="},
      {"uuid", "uuid=a11ce000000040008000 00000000000a"},
      {"uuid", "uuid=../../etc/passwd"},
      {"purpose", "purpose="},
      {"purpose", "purpose=Running"},
      {"purpose", "purpose=0"},
      {"boot", "boot=b0070000-0000-4000-8000-0000000000012"},
      {"boot", "boot="},
      {"created", "created=-1"},
      {"created", "created=1x"},
      {"created", "created=9223372036854775808"},
      {"lifetime", "lifetime=4294967296"},
      {"lifetime", "lifetime="},
      {"driver-before", "driver-before=../../x"},
      {"driver-before", "driver-before=a\\q"},
      {"driver-override-before", "driver-override-before=a\\nb"},
      {"bound-by-us", "bound-by-us=yes"},
      {"xml-address", "xml-address=0000:01:10.8"},
      {"xml-address", "xml-address=0000:01:10.0 "},
  };
  for (const auto &[key, line] : cases)
    expect_refused(with(good, key, line), "");
  for (const char *key :
       {"uuid", "name", "purpose", "boot", "created", "lifetime", "bound-by-us", "xml-address"})
    expect_refused(with(good, key, ""), key);
  expect_refused(with(with(good, "purpose", "purpose=running"), "lifetime", "lifetime=1"),
                 "lifetime");
}

TEST(Claim, WhatIsNoKeyFileIsRefused) {
  const std::string good = write(full());
  expect_refused("", "'uuid'");
  expect_refused("\x7f" "ELF", "no key file");
  expect_refused(good + '\0', "no key file");
  expect_refused(good + "#\xff\n", "no key file");
  expect_refused(good + "nothing\n", "no key file");
  expect_refused("[other]\n" + good.substr(good.find('\n') + 1), "'uuid'");
  EXPECT_TRUE(again(good + std::string(VFERRY_CLAIM_TEXT_MAX - good.size(), '\n')));
  expect_refused(good + std::string(VFERRY_CLAIM_TEXT_MAX - good.size() + 1, '\n'), "16384");
}

TEST(Claim, MutatedTextIsRefusedOrAGoodClaim) {
  const std::string good = write(full());
  std::mt19937_64 rng(1);
  int accepted = 0;
  for (int i = 0; i < 20000; i++) {
    std::string text = good;
    for (int n = static_cast<int>(rng() % 4); n >= 0; n--)
      text[rng() % text.size()] = static_cast<char>(rng());
    if (rng() % 4 == 0)
      text.resize(rng() % text.size());
    Error error;
    const Claim claim = parse(text, error.out());
    if (!claim) {
      ASSERT_TRUE(error.is(VFERRY_ERROR_INVALID));
      ASSERT_TRUE(g_utf8_validate(error.text().c_str(), -1, nullptr));
      continue;
    }
    accepted++;
    EXPECT_EQ(write(claim), write(again(write(claim))));
  }
  EXPECT_GT(accepted, 0);
  EXPECT_LT(accepted, 20000);
}

TEST(Claim, KeysOfANewerVersionAreKept) {
  const std::string newer = write(full()) + "numa-node=1\n\n[more]\nx=\n";
  const Claim earlier = again(newer);
  const Claim running = claim_of(vf(), kAlice, VFERRY_CLAIM_RUNNING);
  const std::string text = write(running, earlier);
  EXPECT_NE(text.find("numa-node=1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("[more]\nx=\n"), std::string::npos) << text;
  // Ours are all replaced, those too that are absent now.
  EXPECT_EQ(text.find("driver-before"), std::string::npos) << text;
  EXPECT_EQ(text.find("network"), std::string::npos) << text;
  EXPECT_EQ(again(text)->purpose, VFERRY_CLAIM_RUNNING);
  EXPECT_EQ(again(text)->lifetime, 0U);
}

TEST(Claim, NoTextIsWrittenThatCouldNotBeRead) {
  std::string newer = write(full());
  newer += "more=" + std::string(VFERRY_CLAIM_TEXT_MAX - newer.size() - 6, 'x') + "\n";
  Claim claim = full();
  g_free(claim->name);
  claim->name = g_strdup("a longer name than before");
  Error error;
  EXPECT_FALSE(Text(vferry_claim_text(claim.get(), again(newer).get(), error.out())));
  EXPECT_TRUE(error.is(VFERRY_ERROR_INVALID));
  expect_message(error.text(), "16384");
}

TEST(Claim, BlocksAllButItsOwner) {
  const VferryAddress address = vf();
  const Claim claim = claim_of(address, kAlice);
  EXPECT_FALSE(vferry_claim_blocks(nullptr, kBob));
  EXPECT_FALSE(vferry_claim_blocks(claim.get(), kAlice));
  EXPECT_FALSE(vferry_claim_blocks(claim.get(), "A11CE000-0000-4000-8000-00000000000A"));
  EXPECT_TRUE(vferry_claim_blocks(claim.get(), kBob));
  EXPECT_TRUE(vferry_claim_blocks(claim.get(), ""));
  const Claim problem(vferry_claim_new_problem(&address, "garbled"));
  EXPECT_TRUE(vferry_claim_blocks(problem.get(), kAlice));
}

TEST(Claim, EndsWithItsLifetimeOrItsBoot) {
  const VferryAddress address = vf();
  const Claim incoming = claim_of(address, kAlice, VFERRY_CLAIM_INCOMING, 60);
  const Claim running = claim_of(address, kAlice, VFERRY_CLAIM_RUNNING);
  const Claim problem(vferry_claim_new_problem(&address, "garbled"));
  const auto at = [](gint64 seconds) {
    VferryInstant instant = kNow;
    instant.seconds = seconds;
    return instant;
  };
  const VferryInstant before = at(0), last = at(1060), over = at(1061), end = at(G_MAXINT64);
  EXPECT_FALSE(vferry_claim_expired(incoming.get(), &before));
  EXPECT_FALSE(vferry_claim_expired(incoming.get(), &last));
  EXPECT_TRUE(vferry_claim_expired(incoming.get(), &over));
  EXPECT_FALSE(vferry_claim_expired(running.get(), &end));
  EXPECT_FALSE(vferry_claim_expired(problem.get(), &end));
  const Claim future = claim_of(address, kAlice, VFERRY_CLAIM_INCOMING, 60);
  future->created.seconds = G_MAXINT64;
  EXPECT_FALSE(vferry_claim_expired(future.get(), &over));
  EXPECT_TRUE(vferry_claim_expired(incoming.get(), &kNextBoot));
  EXPECT_TRUE(vferry_claim_expired(running.get(), &kNextBoot));
  EXPECT_FALSE(vferry_claim_expired(problem.get(), &kNextBoot));
}

TEST(Claim, TheClockIsTheKernels) {
  Error error;
  VferryInstant now = {}, later = {};
  ASSERT_TRUE(vferry_instant_now(&now, error.out())) << error.text();
  ASSERT_TRUE(vferry_instant_now(&later, error.out())) << error.text();
  EXPECT_TRUE(g_uuid_string_is_valid(now.boot)) << now.boot;
  EXPECT_STREQ(now.boot, later.boot);
  EXPECT_GT(now.seconds, 0);
  EXPECT_GE(later.seconds, now.seconds);
  timespec clock = {};
  clock_gettime(CLOCK_BOOTTIME, &clock);
  EXPECT_GE(clock.tv_sec, later.seconds);
}
