/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel's driver core does with one VF, or with PFs and all their VFs, played by
 * a thread.
 *
 * In namespaces of the test /sys/bus/pci and /sys/class are tmpfs. Every
 * write(2) of the test's main thread and of its children waits in seccomp until
 * the thread has looked at it. One to the tree has, as in the kernel, its effect
 * (or its error) by the time it returns; one to /run/vferry is seen and goes on as it is,
 * as does any other. So no test has to wait for anything, and the writer can be killed at
 * each write.
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

/*
 * A PF to be added.
 * @ids: of its VFs, as in modalias
 * @refusal: errno of sriov_numvfs for more VFs than @granted
 * @has_driver, @interface: its own
 */
struct PfModel {
	std::string ids = "v00008086d000010CAsv00008086sd0000A03Cbc02sc00i00";
	std::string own_ids = "v00008086d000010C9sv00008086sd0000A03Cbc02sc00i00";
	unsigned totalvfs = 7;
	std::string driver = "igb";
	std::string interface = "";
	int refusal = 0;
	unsigned granted = 0;
};

/* One write to the tree: "driver_override igbvf", "unbind igbvf", "probe", "sriov_numvfs 7". */
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

	OptionalName driver(const std::string &of = vf) const;
	OptionalName driver_override(const std::string &of = vf) const;
	std::vector<std::string> writes();
	/* "0000:02:00.0 igbvf" for each driver that took a VF since reset(). */
	std::vector<std::string> attached();

	/* Also covers these folders, with an empty tmpfs each. */
	static void cover(const std::vector<std::string> &folders);
	/* A new tree without any device. */
	void reset_to_nothing();
	void add_driver(const std::string &name, const Driver &driver);
	void add_pf(const std::string &address, const PfModel &model);
	void remove_pf(const std::string &address);
	/* As the kernel does it for a write to sriov_numvfs. Return: errno. */
	int set_numvfs(const std::string &pf, unsigned number);
	std::vector<std::string> vfs_of(const std::string &pf) const;
	/* The network interface of a VF; its flags are IFF_UP or 0. */
	void add_interface(const std::string &of, const std::string &name, bool up);

	/* For tests and for what on_write does in the midst of a write. */
	void set_override(OptionalName name, const std::string &of = vf);
	void attach(const std::string &name, const std::string &to = vf);
	void detach(const std::string &from = vf);
	void vanish();

	std::map<std::string, Driver> drivers;
	std::function<Fate(const Write &)> on_write;
	int error = 0;

private:
	DriverCore();
	void serve(int listener);
	bool handle(const struct seccomp_notif &request, struct seccomp_notif_resp *response);
	int apply(const std::string &path, const std::string &value);
	int probe(const std::string &of);
	void clear();

	std::map<std::string, PfModel> pfs;
	unsigned next_vfio = 3;
	std::mutex mutex; /* protects these two; the rest is changed while no write is under way */
	std::vector<std::string> log;
	std::vector<std::string> attach_log;
};

#endif
