// SPDX-License-Identifier: LGPL-2.1-or-later
// How `vferry migrate` says how far it is, and what vferry-arrival changes.
#include <gtest/gtest.h>

extern "C" {
#include "arrival-definition.h"
#include "migration-hint.h"
#include "migration-progress.h"
}

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

std::string take(char *text) {
  std::string result = text ? text : "";
  g_free(text);
  return result;
}

MigrationProgress nothing() {
  MigrationProgress p{};
  p.downtime_ms = -1;
  return p;
}

MigrationProgress progress(guint64 processed, guint64 remaining, guint64 rate, guint64 dirty,
                           guint64 iteration) {
  MigrationProgress p = nothing();
  p.known = TRUE;
  p.processed = processed;
  p.remaining = remaining;
  p.rate = rate;
  p.dirty_rate = dirty;
  p.iteration = iteration;
  return p;
}

TEST(Progress, Text) {
  const guint64 mib = 1 << 20;
  MigrationProgress none = nothing();
  EXPECT_EQ(take(migration_progress_text(&none)), "preparing");
  const std::vector<std::pair<MigrationProgress, std::string>> cases = {
      {progress(0, 0, 0, 0, 0), "0%, 0 bytes sent, 0 bytes/s, 0 bytes left"},
      {progress(3 * mib, mib, mib, 0, 1), "75%, 3.0 MiB sent, 1.0 MiB/s, 1.0 MiB left, 2 s to go"},
      {progress(3 * mib, mib, 2 * mib, mib, 3),
       "75%, 3.0 MiB sent, 2.0 MiB/s, 1.0 MiB dirty, 2 s to go"},
      {progress(3 * mib, mib, mib, mib, 3), "75%, 3.0 MiB sent, 1.0 MiB/s, 1.0 MiB dirty"},
      {progress(4 * mib, 0, mib, 0, 4), "100%, 4.0 MiB sent, 1.0 MiB/s, 0 bytes dirty"},
  };
  for (const auto &[value, expected] : cases)
    EXPECT_EQ(take(migration_progress_text(&value)), expected);
}

TEST(Progress, NumbersOfAnySize) {
  const MigrationProgress huge = progress(G_MAXUINT64, G_MAXUINT64, G_MAXUINT64, 0, G_MAXUINT64);
  EXPECT_EQ(migration_progress_percent(&huge), 50u);
  EXPECT_NE(take(migration_progress_text(&huge)), "");
}

TEST(Progress, Bar) {
  EXPECT_EQ(take(migration_progress_bar(0, 12)), "[          ]");
  EXPECT_EQ(take(migration_progress_bar(50, 12)), "[====>     ]");
  EXPECT_EQ(take(migration_progress_bar(100, 12)), "[==========]");
  EXPECT_EQ(take(migration_progress_bar(1000, 12)), "[==========]");
  EXPECT_EQ(take(migration_progress_bar(50, 0)), "[ ]");
}

TEST(Progress, WhatLibvirtSays) {
  virTypedParameterPtr params = nullptr;
  int count = 0, max = 0;
  MigrationProgress p = nothing();
  ASSERT_EQ(virInitialize(), 0);
  const std::vector<std::pair<const char *, unsigned long long>> values = {
      {VIR_DOMAIN_JOB_TIME_ELAPSED, 1500},   {VIR_DOMAIN_JOB_DATA_PROCESSED, 10},
      {VIR_DOMAIN_JOB_DATA_REMAINING, 20},   {VIR_DOMAIN_JOB_MEMORY_BPS, 30},
      {VIR_DOMAIN_JOB_MEMORY_ITERATION, 4},  {VIR_DOMAIN_JOB_MEMORY_PAGE_SIZE, 16384},
      {VIR_DOMAIN_JOB_MEMORY_DIRTY_RATE, 2}, {VIR_DOMAIN_JOB_DOWNTIME, 700},
  };
  for (const auto &[name, value] : values)
    ASSERT_EQ(virTypedParamsAddULLong(&params, &count, &max, name, value), 0);
  migration_progress_read(&p, params, count);
  EXPECT_EQ(p.elapsed_ms, 1500u);
  EXPECT_EQ(p.processed, 10u);
  EXPECT_EQ(p.remaining, 20u);
  EXPECT_EQ(p.rate, 30u);
  EXPECT_EQ(p.iteration, 4u);
  EXPECT_EQ(p.dirty_rate, 32768u);
  EXPECT_EQ(p.downtime_ms, 700);
  ASSERT_EQ(virTypedParamsAddULLong(&params, &count, &max, VIR_DOMAIN_JOB_DOWNTIME_NET, 600), 0);
  migration_progress_read(&p, params, count);
  EXPECT_EQ(p.downtime_ms, 600);
  virTypedParamsFree(params, count);
}

TEST(Hint, KnownMessages) {
  EXPECT_NE(migration_hint("libvirt: internal error: x: VFIO migration is not supported in kernel"),
            nullptr);
  const char *refused = "unable to connect to server at 'host2:49152'";
  EXPECT_NE(std::string(migration_hint(refused)).find("49152"), std::string::npos);
  EXPECT_EQ(migration_hint("something new"), nullptr);
}

// Definitions

struct DomainDeleter {
  void operator()(VferryDomain *domain) const { vferry_domain_free(domain); }
};
using Domain = std::unique_ptr<VferryDomain, DomainDeleter>;

std::string hostdev(unsigned function, unsigned guest_bus, const std::string &alias = "") {
  const std::string guest = guest_bus ? "<address type='pci' domain='0' bus='" +
                                            std::to_string(guest_bus) + "' slot='0' function='0'/>"
                                      : "";
  return "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='1' slot='16' "
         "function='" + std::to_string(function) + "'/></source>" +
         (alias.empty() ? "" : "<alias name='" + alias + "'/>") + guest + "</hostdev>";
}

Domain domain(const std::string &devices) {
  const std::string text = "<domain><name>guest</name><uuid>11111111-2222-3333-4444-555555555555"
                           "</uuid><devices>" + devices + "</devices></domain>";
  GError *error = nullptr;
  Domain result(vferry_domain_parse(text.c_str(), text.size(), &error));
  EXPECT_EQ(error, nullptr) << error->message;
  return result;
}

using Changes = std::vector<std::pair<guint, unsigned>>;  // device, function

Changes changes(const std::string &live, const std::string &definition) {
  Domain l = domain(live), d = domain(definition);
  g_autoptr(GError) error = nullptr;
  g_autoptr(GArray) array = arrival_definition_changes(l.get(), d.get(), &error);
  Changes result;
  if (!array)
    return {{G_MAXUINT, 0}};
  for (guint i = 0; i < array->len; i++) {
    const auto &change = g_array_index(array, VferryDomainChange, i);
    result.emplace_back(change.device, change.source->function);
  }
  return result;
}

TEST(Definition, Changes) {
  struct Case {
    const char *name;
    std::string live, definition;
    Changes expected;
  };
  const Case cases[] = {
      {"none", "", "", {}},
      {"right", hostdev(0, 5), hostdev(0, 5), {}},
      {"moved", hostdev(2, 5), hostdev(0, 5), {{0, 2}}},
      {"libvirt's alias", hostdev(2, 5, "hostdev0"), hostdev(0, 5), {{0, 2}}},
      {"two swapped", hostdev(2, 5) + hostdev(0, 6), hostdev(0, 5) + hostdev(2, 6),
       {{0, 2}, {1, 0}}},
      {"by guest's address", hostdev(2, 6) + hostdev(4, 5), hostdev(0, 5) + hostdev(1, 6),
       {{0, 4}, {1, 2}}},
      {"by user's alias", hostdev(2, 6, "ua-b") + hostdev(4, 5, "ua-a"),
       hostdev(0, 9, "ua-a") + hostdev(1, 8, "ua-b"), {{0, 4}, {1, 2}}},
      {"by position", hostdev(2, 0) + hostdev(4, 0), hostdev(0, 0) + hostdev(1, 0),
       {{0, 2}, {1, 4}}},
      {"unplugged", "", hostdev(0, 5), {}},
      {"plugged", hostdev(2, 5), "", {}},
      {"another at that place", hostdev(2, 7), hostdev(0, 5), {}},
      {"two would get one", hostdev(2, 5), hostdev(0, 5) + hostdev(2, 6), {{G_MAXUINT, 0}}},
  };
  for (const Case &test : cases)
    EXPECT_EQ(changes(test.live, test.definition), test.expected) << test.name;
}

}  // namespace
