/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_TESTS_BINDING_TEST_H
#define VFERRY_TESTS_BINDING_TEST_H

#include <gtest/gtest.h>

extern "C" {
#include "binding.h"
#include "error.h"
}

#include "driver_core.h"

#include <string>
#include <vector>

using Writes = std::vector<std::string>;

static const char *const ours = "igbvf_vfio_pci";

/* A VF that igbvf holds, and a driver of ours that may take it. */
class Binding : public testing::Test {
protected:
	DriverCore &core = DriverCore::get();
	VferryAddress vf = {};
	VferryBinding before = {};
	int code = -1;
	std::string message;

	void SetUp() override
	{
		ASSERT_TRUE(vferry_address_parse(DriverCore::vf, &vf, nullptr));
		vferry_binding_set_limit(30000);
		core.reset("igbvf", std::nullopt);
	}

	void TearDown() override
	{
		vferry_binding_clear(&before);
	}

	bool note(gboolean good, GError *error)
	{
		code = error ? error->code : -1;
		message = error ? error->message : "";
		EXPECT_NE(good, error != nullptr);
		EXPECT_EQ(message.find('\n'), message.npos);
		g_clear_error(&error);
		return good;
	}

	bool bind(const char *driver = ours, bool needs_vfio = true)
	{
		GError *error = nullptr;
		gboolean good;

		vferry_binding_clear(&before);
		good = vferry_bind(&vf, driver, needs_vfio, &before, &error);
		return note(good, error);
	}

	bool unbind(const char *driver, const char *driver_override)
	{
		const VferryBinding to = { const_cast<char *>(driver),
					   const_cast<char *>(driver_override) };
		GError *error = nullptr;
		const gboolean good = vferry_unbind(&vf, &to, &error);

		return note(good, error);
	}

	void expect_state(OptionalName driver, OptionalName driver_override)
	{
		EXPECT_EQ(core.driver(), driver);
		EXPECT_EQ(core.driver_override(), driver_override);
	}

	void expect_message(const std::string &part)
	{
		EXPECT_NE(message.find(part), message.npos) << message;
	}
};

#endif
