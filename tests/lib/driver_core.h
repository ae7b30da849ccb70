/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel's driver core does with one VF, played by a thread.
 *
 * In namespaces of the test /sys/bus/pci and /sys/class are tmpfs. Every
 * write(2) of the test's main thread and of its children waits in seccomp until
 * the thread has looked at it. One to the tree has, as in the kernel, its effect
 * (or its error) by the time it returns; any other goes on as it is. So no test
 * has to wait for anything, and the writer can be killed at each write.
 */
#ifndef VFERRY_TESTS_DRIVER_CORE_H
#define VFERRY_TESTS_DRIVER_CORE_H

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <linux/seccomp.h>
#include <sys/types.h>

struct Driver {
	bool is_vfio = false;
	bool matches_by_id = false;
	bool refuses = false;      /* probe fails */
	bool lacks_vfio_dev = false;
	bool takes_all = false;    /* the override of another driver, too */
};

/* One write to the tree: "driver_override igbvf", "unbind igbvf", "probe". */
struct Write {
	std::string text;
	pid_t writer;
	int number; /* 1 for the first since reset() */
};

enum class Fate {
	goes_on,
	fails,              /* with DriverCore::error, without effect */
	kills_all_before,   /* the writer's process group; the write has no effect */
	kills_all_after,
	kills_writer_before,
	kills_writer_after,
	kills_caller,       /* the writer's parent; the write never returns */
	waits,              /* never returns */
};

using OptionalName = std::optional<std::string>;

class DriverCore {
public:
	static constexpr const char *vf = "0000:01:10.0";
	static constexpr const char *folder = "/sys/bus/pci/devices/0000:01:10.0";
	static constexpr const char *group_node = "/sys/bus/pci/nodes/vfio/12";
	static constexpr const char *device_node = "/sys/bus/pci/nodes/vfio/devices/vfio3";

	static DriverCore &get();

	/* A new tree: the drivers igbvf, vfio-pci, igbvf_vfio_pci, and the VF in this state. */
	void reset(OptionalName driver, OptionalName driver_override);

	OptionalName driver() const;
	OptionalName driver_override() const;
	std::vector<std::string> writes();

	/* For tests and for what on_write does in the midst of a write. */
	void set_override(OptionalName name);
	void attach(const std::string &name);
	void detach();
	void vanish();

	std::map<std::string, Driver> drivers;
	std::function<Fate(const Write &)> on_write;
	int error = 0;

private:
	DriverCore();
	void serve(int listener);
	bool handle(const struct seccomp_notif &request, struct seccomp_notif_resp *response);
	int apply(const std::string &path, const std::string &value);
	int probe();

	std::mutex mutex; /* protects log; the rest is changed while no write is under way */
	std::vector<std::string> log;
};

#endif
