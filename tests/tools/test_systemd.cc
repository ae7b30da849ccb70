// SPDX-License-Identifier: LGPL-2.1-or-later
// What systemd says of units, asked over D-Bus; the other end of the connection is played here.
#include <gio/gio.h>
#include <gtest/gtest.h>

#include <sys/socket.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

extern "C" {
#include "systemd.h"
}

namespace {

constexpr char kPath[] = "/org/freedesktop/systemd1/unit/x_2eservice";

GDBusConnection *connect_end(int fd, GDBusConnectionFlags flags) {
  g_autoptr(GError) error = nullptr;
  g_autoptr(GSocket) socket = g_socket_new_from_fd(fd, &error);
  g_autoptr(GSocketConnection) stream = g_socket_connection_factory_create_connection(socket);
  g_autofree char *guid = g_dbus_generate_guid();
  const bool serves = flags & G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER;
  GDBusConnection *connection = g_dbus_connection_new_sync(
      G_IO_STREAM(stream), serves ? guid : nullptr, flags, nullptr, nullptr, &error);
  EXPECT_TRUE(connection) << error->message;
  return connection;
}

// Answers by the method, or by the property that is asked for; what it does not know is an error.
class Systemd : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    std::thread other([this, &ends] {
      server_ = connect_end(
          ends[0], static_cast<GDBusConnectionFlags>(
                       G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER |
                       G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_ALLOW_ANONYMOUS |
                       G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING));
    });
    bus = connect_end(ends[1], G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT);
    other.join();
    g_dbus_connection_add_filter(server_, filter, this, nullptr);
    g_dbus_connection_start_message_processing(server_);
  }
  void TearDown() override {
    for (GDBusConnection *end : {bus, server_}) {
      g_dbus_connection_close_sync(end, nullptr, nullptr);
      g_object_unref(end);
    }
    for (const auto &[name, answer] : answers)
      g_variant_unref(answer);
  }

  void answer(const std::string &name, const char *text) {
    g_clear_pointer(&answers[name], g_variant_unref);
    answers[name] = g_variant_ref_sink(g_variant_parse(nullptr, text, nullptr, nullptr, nullptr));
  }
  // A service that has been up since the 1,700,000,000th second.
  void know_the_service(const char *state) {
    answer("GetUnit", ("(objectpath '" + std::string(kPath) + "',)").c_str());
    answer("ActiveState", ("(<'" + std::string(state) + "'>,)").c_str());
    answer("StateChangeTimestamp", "(<uint64 1700000000999999>,)");
    answer("MainPID", "(<uint32 77>,)");
  }

  GDBusConnection *bus = nullptr;
  std::map<std::string, GVariant *> answers;
  std::vector<std::string> asked;  // "GetUnit ('x.service',)"

 private:
  static GDBusMessage *filter(GDBusConnection *connection, GDBusMessage *message,
                              gboolean incoming, gpointer data) {
    if (!incoming || g_dbus_message_get_message_type(message) != G_DBUS_MESSAGE_TYPE_METHOD_CALL)
      return message;
    static_cast<Systemd *>(data)->serve(connection, message);
    g_object_unref(message);
    return nullptr;
  }

  void serve(GDBusConnection *connection, GDBusMessage *call) {
    GVariant *body = g_dbus_message_get_body(call);
    std::string name = g_dbus_message_get_member(call);
    g_autofree char *arguments = g_variant_print(body, FALSE);
    g_autoptr(GDBusMessage) reply = nullptr;

    EXPECT_STREQ(g_dbus_message_get_destination(call), "org.freedesktop.systemd1");
    asked.push_back(name + " " + arguments);
    if (name == "Get") {
      const char *interface, *property;
      g_variant_get(body, "(&s&s)", &interface, &property);
      EXPECT_STREQ(g_dbus_message_get_path(call), kPath);
      name = property;
    }
    if (answers.count(name)) {
      reply = g_dbus_message_new_method_reply(call);
      g_dbus_message_set_body(reply, answers[name]);
    } else {
      reply = g_dbus_message_new_method_error_literal(
          call, "org.freedesktop.systemd1.NoSuchUnit", "no such unit");
    }
    g_dbus_connection_send_message(connection, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, nullptr,
                                   nullptr);
  }

  GDBusConnection *server_ = nullptr;
};

TEST_F(Systemd, AServiceThatRuns) {
  for (const char *state : {"active", "reloading"}) {
    SystemdUnit unit = {};
    know_the_service(state);
    ASSERT_TRUE(systemd_unit(bus, "x.service", &unit)) << state;
    EXPECT_TRUE(unit.active) << state;
    EXPECT_EQ(unit.changed, 1700000000);
    EXPECT_EQ(unit.main_pid, 77U);
  }
  EXPECT_EQ(asked[0], "GetUnit ('x.service',)");
}

TEST_F(Systemd, OneThatDoesNot) {
  for (const char *state : {"failed", "inactive", "activating", "deactivating", ""}) {
    SystemdUnit unit = {};
    know_the_service(state);
    ASSERT_TRUE(systemd_unit(bus, "x.service", &unit)) << state;
    EXPECT_FALSE(unit.active) << state;
  }
}

TEST_F(Systemd, APathHasNoProcess) {
  SystemdUnit unit = {};
  know_the_service("active");
  ASSERT_TRUE(systemd_unit(bus, "x.path", &unit));
  EXPECT_TRUE(unit.active);
  EXPECT_EQ(unit.main_pid, 0U);
  EXPECT_EQ(asked.size(), 3U);
}

TEST_F(Systemd, NoSuchUnit) {
  SystemdUnit unit = {TRUE, 5, 6};
  EXPECT_FALSE(systemd_unit(bus, "x.service", &unit));
  EXPECT_TRUE(unit.active);
  EXPECT_EQ(unit.main_pid, 6U);
}

// A systemd that is another than the one we know.
TEST_F(Systemd, AnswersOfAnotherType) {
  SystemdUnit unit = {};
  answer("GetUnit", "('not a path',)");
  EXPECT_FALSE(systemd_unit(bus, "x.service", &unit));
  know_the_service("active");
  answer("ActiveState", "(<uint32 1>,)");
  answer("StateChangeTimestamp", "(<'yesterday'>,)");
  answer("MainPID", "(<'77'>,)");
  ASSERT_TRUE(systemd_unit(bus, "x.service", &unit));
  EXPECT_FALSE(unit.active);
  EXPECT_EQ(unit.changed, 0);
  EXPECT_EQ(unit.main_pid, 0U);
  g_variant_unref(answers["ActiveState"]);
  answers.erase("ActiveState");
  ASSERT_TRUE(systemd_unit(bus, "x.service", &unit));
  EXPECT_FALSE(unit.active);
}

TEST_F(Systemd, UnitsThatFailed) {
  g_autoptr(GError) error = nullptr;
  const std::string unit = "('%s', 'd', 'loaded', 'failed', 'failed', '', objectpath '/u', uint32 "
                           "0, '', objectpath '/')";
  std::string one = unit, two = unit;
  one.replace(one.find("%s"), 2, "vferry-bind.service");
  two.replace(two.find("%s"), 2, "vferry-provision.service");
  answer("ListUnitsByPatterns", ("([" + one + ", " + two + "],)").c_str());
  g_auto(GStrv) names = systemd_failed(bus, "vferry*", &error);
  ASSERT_TRUE(names) << error->message;
  ASSERT_EQ(g_strv_length(names), 2U);
  EXPECT_STREQ(names[0], "vferry-bind.service");
  EXPECT_STREQ(names[1], "vferry-provision.service");
  EXPECT_EQ(asked[0], "ListUnitsByPatterns (['failed'], ['vferry*'])");
}

TEST_F(Systemd, NoneThatFailed) {
  g_autoptr(GError) error = nullptr;
  answer("ListUnitsByPatterns", "(@a(ssssssouso) [],)");
  g_auto(GStrv) names = systemd_failed(bus, "vferry*", &error);
  ASSERT_TRUE(names) << error->message;
  EXPECT_EQ(g_strv_length(names), 0U);
}

TEST_F(Systemd, NoAnswerIsAnError) {
  g_autoptr(GError) error = nullptr;
  EXPECT_FALSE(systemd_failed(bus, "vferry*", &error));
  EXPECT_TRUE(error);
  g_dbus_connection_close_sync(bus, nullptr, nullptr);
  SystemdUnit unit = {};
  EXPECT_FALSE(systemd_unit(bus, "x.service", &unit));
}

}  // namespace
