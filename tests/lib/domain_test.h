// SPDX-License-Identifier: LGPL-2.1-or-later
// What the tests of a domain's XML share. The code under test is C.
#pragma once

#include <glib.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

extern "C" {
#include "domain-xml.h"
#include "error.h"
}

struct FreeDomain {
  void operator()(VferryDomain *domain) const { vferry_domain_free(domain); }
};
using Domain = std::unique_ptr<VferryDomain, FreeDomain>;

constexpr char kUuid[] = "c7a5fdbd-edaf-9455-926a-d65c16db1809";

inline std::string read_file(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::string sample(const std::string &name) {
  return read_file(std::string(TEST_DATA "/domain-") + name + ".xml");
}

// A domain with that in its <devices>, and that before them.
inline std::string domain_with(const std::string &devices, const std::string &before = "") {
  return "<domain>\n<name>guest</name>\n<uuid>" + std::string(kUuid) + "</uuid>\n" + before +
         "<devices>\n" + devices + "</devices>\n</domain>\n";
}

// What the parser says, "" where it takes the text. In memory of the exact size, for ASan.
inline Domain parse(const std::string &text, std::string *why) {
  const std::unique_ptr<char[]> exact(new char[text.size()]);
  GError *error = nullptr;

  text.copy(exact.get(), text.size());
  Domain domain(vferry_domain_parse(exact.get(), text.size(), &error));
  EXPECT_EQ(domain == nullptr, error != nullptr);
  if (error) {
    EXPECT_TRUE(g_error_matches(error, VFERRY_ERROR, VFERRY_ERROR_INVALID)) << error->message;
    *why = error->message;
    EXPECT_EQ(why->find('\n'), std::string::npos) << *why;
    g_error_free(error);
  }
  return domain;
}

inline Domain parse(const std::string &text) {
  std::string why;
  Domain domain = parse(text, &why);
  EXPECT_TRUE(domain) << why;
  return domain;
}

inline void expect_refused(const std::string &text, const std::string &message) {
  std::string why;
  EXPECT_FALSE(parse(text, &why)) << text.substr(0, 400);
  EXPECT_EQ(why, message);
}

inline const VferryDomainDevice &device(const Domain &domain, unsigned index) {
  return *static_cast<const VferryDomainDevice *>(g_ptr_array_index(domain->devices, index));
}

inline const VferryDomainVf &vf(const Domain &domain, unsigned index) {
  return *static_cast<const VferryDomainVf *>(g_ptr_array_index(domain->vfs, index));
}

inline std::string text_of(const VferryAddress &address) {
  char text[VFERRY_ADDRESS_TEXT_SIZE];
  return vferry_address_text(&address, text);
}

// The text with the changes; "" and the error where they are refused.
inline std::string changed(const Domain &domain, const std::vector<VferryDomainChange> &changes,
                           GError **error = nullptr) {
  gsize length = 0;
  char *text =
      vferry_domain_change(domain.get(), changes.data(), changes.size(), &length, error);
  const std::string ret = text ? std::string(text, length) : "";
  g_free(text);
  return ret;
}

// `text` with the one place that says `from` saying `to`.
inline std::string replaced(std::string text, const std::string &from, const std::string &to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  EXPECT_EQ(text.find(from, at + 1), std::string::npos) << from << " stands twice";
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}
