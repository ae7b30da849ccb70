// SPDX-License-Identifier: LGPL-2.1-or-later
// The error of a call that may fail.
#pragma once

#include <glib.h>
#include <gtest/gtest.h>

#include <string>

extern "C" {
#include "error.h"
}

class Caught {
 public:
  Caught() = default;
  ~Caught() { g_clear_error(&error_); }
  Caught(const Caught &) = delete;
  Caught &operator=(const Caught &) = delete;

  GError **out() {
    g_clear_error(&error_);
    return &error_;
  }
  bool none() const { return !error_; }
  std::string text() const { return error_ ? error_->message : "(no error)"; }

  // One line without a full stop, of that code, with that text in it.
  void expect(VferryError code, const std::string &part) const {
    ASSERT_NE(error_, nullptr) << "no error, expected: " << part;
    EXPECT_EQ(error_->domain, VFERRY_ERROR);
    EXPECT_EQ(error_->code, code) << text();
    EXPECT_NE(text().find(part), std::string::npos) << text();
    EXPECT_EQ(text().find('\n'), std::string::npos) << text();
    EXPECT_NE(text().back(), '.') << text();
  }

 private:
  GError *error_ = nullptr;
};
