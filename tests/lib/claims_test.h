// SPDX-License-Identifier: LGPL-2.1-or-later
// What the tests of claims share. The code under test is C.
#pragma once

#include <glib.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

extern "C" {
#include "claims.h"
#include "error.h"
}

struct Free {
  void operator()(VferryClaim *claim) const { vferry_claim_free(claim); }
  void operator()(VferryClaims *claims) const { vferry_claims_close(claims); }
  void operator()(GPtrArray *array) const { g_ptr_array_unref(array); }
  void operator()(GError *error) const { g_error_free(error); }
  void operator()(char *text) const { g_free(text); }
};
using Claim = std::unique_ptr<VferryClaim, Free>;
using Claims = std::unique_ptr<VferryClaims, Free>;
using List = std::unique_ptr<GPtrArray, Free>;
using Text = std::unique_ptr<char, Free>;

constexpr char kAlice[] = "a11ce000-0000-4000-8000-00000000000a";
constexpr char kBob[] = "b0b00000-0000-4000-8000-00000000000b";
constexpr VferryInstant kNow = {"b0070000-0000-4000-8000-000000000001", 1000};
constexpr VferryInstant kNextBoot = {"b0070000-0000-4000-8000-000000000002", 10};

// The address 0000:01:10.0 and those after it.
inline VferryAddress vf(unsigned number = 0) {
  return {number >> 16, static_cast<guint8>(1 + (number >> 8)),
          static_cast<guint8>((0x10 + (number >> 3)) & 0x1f), static_cast<guint8>(number & 7)};
}

inline std::string text_of(const VferryAddress &address) {
  char text[VFERRY_ADDRESS_TEXT_SIZE];
  return vferry_address_text(&address, text);
}

inline Claim claim_of(const VferryAddress &address, const char *uuid,
                      VferryClaimPurpose purpose = VFERRY_CLAIM_BOUND, guint32 lifetime = 0) {
  Claim claim(vferry_claim_new(&address, uuid, "guest", purpose, &kNow));
  claim->lifetime = lifetime;
  return claim;
}

// Where an error goes, and what it said.
class Error {
 public:
  ~Error() { g_clear_error(&error_); }
  GError **out() {
    g_clear_error(&error_);
    return &error_;
  }
  bool is(VferryError code) const { return g_error_matches(error_, VFERRY_ERROR, code); }
  std::string text() const { return error_ ? error_->message : "(no error)"; }

 private:
  GError *error_ = nullptr;
};

// One line without a full stop.
inline void expect_message(const std::string &text, const std::string &part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  EXPECT_NE(text.back(), '.') << text;
}

class ClaimsTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = Text(g_dir_make_tmp("vferry-claims-XXXXXX", nullptr)).get();
    ASSERT_FALSE(root_.empty());
    above_ = root_ / "vferry";
    folder_ = above_ / "claims";
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  Claims open(int timeout_ms = 10000) {
    Error error;
    Claims claims(vferry_claims_open(folder_.c_str(), timeout_ms, error.out()));
    EXPECT_TRUE(claims) << error.text();
    return claims;
  }
  void put(const Claim &claim) {
    Error error;
    EXPECT_TRUE(vferry_claims_put(open().get(), claim.get(), error.out())) << error.text();
  }
  std::filesystem::path path(const VferryAddress &address) const {
    return folder_ / text_of(address);
  }
  // "0000:01:10.0 a11ce… incoming" a claim, "0000:01:10.0 ?" one with a problem.
  std::vector<std::string> shown() {
    Error error;
    List all(vferry_claims_snapshot(folder_.c_str(), error.out()));
    EXPECT_TRUE(all) << error.text();
    std::vector<std::string> lines;
    for (guint i = 0; all && i < all->len; i++)
      lines.push_back(line(static_cast<const VferryClaim *>(g_ptr_array_index(all, i))));
    return lines;
  }
  static std::string line(const VferryClaim *claim) {
    if (claim->problem)
      return text_of(claim->address) + " ?";
    return text_of(claim->address) + " " + claim->uuid + " " +
           vferry_claim_purpose_text(claim->purpose);
  }

  std::filesystem::path root_, above_, folder_;
};

// Several calls that change something.
inline gboolean remove_all_of(VferryClaims *claims, const char *uuid) {
  const List all(vferry_claims_list(claims, nullptr));
  gboolean good = all != nullptr;
  for (guint i = 0; all && i < all->len; i++) {
    const auto *claim = static_cast<const VferryClaim *>(g_ptr_array_index(all, i));
    if (!vferry_claim_blocks(claim, uuid))
      good = good && vferry_claims_remove(claims, &claim->address, uuid, nullptr);
  }
  return good;
}

inline void write_file(const std::filesystem::path &path, const std::string &text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_file(const std::filesystem::path &path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}
