/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver_core.h"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <thread>

#include <fcntl.h>
#include <linux/filter.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fs = std::filesystem;

static const fs::path pci = "/sys/bus/pci";
static const fs::path device = DriverCore::folder;

/* The tests must not run on a machine's own devices. */
static void require(bool good, const char *what)
{
	if (good)
		return;
	std::perror(what);
	std::exit(1);
}

/* Not by write(2): the main thread does this, too. */
static void put(const fs::path &path, const std::string &text)
{
	const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	require(fd >= 0 && pwrite(fd, text.data(), text.size(), 0) ==
				   static_cast<ssize_t>(text.size()), path.c_str());
	close(fd);
}

static fs::path driver_folder(const std::string &name)
{
	return pci / "drivers" / name;
}

static int install_filter()
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_write, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { static_cast<unsigned short>(std::size(program)), program };

	return static_cast<int>(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
					SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter));
}

/*
 * The tests go on in a child that is the first process of a PID namespace: other
 * processes of the machine are not seen, and what a killed caller leaves behind
 * becomes the test's own child, whose end it can await.
 */
static void enter_namespaces()
{
	int status = 0;
	pid_t child;

	require(unshare(CLONE_NEWNS | CLONE_NEWPID) == 0, "unshare (the tests need root)");
	std::fflush(nullptr);
	child = fork();
	require(child >= 0, "fork");
	if (child > 0) {
		waitpid(child, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
	require(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "prctl");
	require(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "mount /");
	require(mount("proc", "/proc", "proc", 0, nullptr) == 0, "mount /proc");
	for (const char *path : { "/sys/bus/pci", "/sys/class" })
		require(mount("tmpfs", path, "tmpfs", 0, nullptr) == 0, path);
}

DriverCore::DriverCore()
{
	std::promise<int> listener;
	int fd;

	enter_namespaces();

	/* The thread is there before the filter: its own writes are not looked at. */
	std::thread([this, future = listener.get_future()]() mutable {
		serve(future.get());
	}).detach();
	fd = install_filter();
	require(fd >= 0, "seccomp");
	listener.set_value(fd);
}

DriverCore &DriverCore::get()
{
	/* Never destroyed: the thread works until the process has written its last line. */
	static DriverCore *core = new DriverCore;

	return *core;
}

void DriverCore::reset(OptionalName driver, OptionalName driver_override)
{
	for (const auto &entry : fs::directory_iterator(pci))
		fs::remove_all(entry);
	fs::remove_all("/sys/class/vfio");
	drivers = {
		{ "igbvf", {} }, { "vfio-pci", {} }, { "igbvf_vfio_pci", {} },
	};
	drivers["igbvf"].matches_by_id = true;
	drivers["vfio-pci"].is_vfio = drivers["igbvf_vfio_pci"].is_vfio = true;
	for (const auto &[name, ignored] : drivers) {
		fs::create_directories(driver_folder(name));
		put(driver_folder(name) / "bind", "");
		put(driver_folder(name) / "unbind", "");
	}
	put(pci / "drivers_probe", "");
	fs::create_directories(device);
	fs::create_directory_symlink("../0000:01:00.0", device / "physfn");
	fs::create_directory_symlink("../../../kernel/iommu_groups/12", device / "iommu_group");
	set_override(driver_override);

	fs::create_directories("/sys/class/vfio/12");
	put("/sys/class/vfio/12/dev", "1:3\n");
	fs::create_directories(fs::path(device_node).parent_path());
	require(mknod(group_node, S_IFCHR | 0600, makedev(1, 3)) == 0, group_node);
	require(mknod(device_node, S_IFCHR | 0600, makedev(1, 5)) == 0, device_node);
	if (driver)
		attach(*driver);

	on_write = nullptr;
	error = 0;
	const std::lock_guard<std::mutex> guard(mutex);
	log.clear();
}

OptionalName DriverCore::driver() const
{
	std::error_code none;
	const fs::path target = fs::read_symlink(device / "driver", none);

	return none ? OptionalName() : target.filename().string();
}

OptionalName DriverCore::driver_override() const
{
	std::ifstream file(device / "driver_override");
	std::string line;

	std::getline(file, line);
	return line == "(null)" ? OptionalName() : line;
}

std::vector<std::string> DriverCore::writes()
{
	const std::lock_guard<std::mutex> guard(mutex);

	return log;
}

void DriverCore::set_override(OptionalName name)
{
	put(device / "driver_override", name.value_or("(null)") + "\n");
}

void DriverCore::attach(const std::string &name)
{
	const fs::path vfio = device / "vfio-dev/vfio3";
	const Driver &driver = drivers.at(name);

	fs::create_directory_symlink("../../drivers/" + name, device / "driver");
	if (!driver.is_vfio || driver.lacks_vfio_dev)
		return;
	fs::create_directories(vfio);
	put(vfio / "dev", "1:5\n");
}

void DriverCore::detach()
{
	fs::remove(device / "driver");
	fs::remove_all(device / "vfio-dev");
}

void DriverCore::vanish()
{
	fs::remove_all(device);
}

/* pci_match_device() and really_probe(): an error of probe is none of drivers_probe. */
int DriverCore::probe()
{
	const OptionalName only = driver_override();

	if (!fs::exists(device))
		return ENODEV;
	if (driver())
		return 0;
	for (const auto &[name, driver] : drivers) {
		const bool matches = only ? *only == name : driver.matches_by_id;

		if ((!matches && !driver.takes_all) || driver.refuses)
			continue;
		attach(name);
		return 0;
	}
	return 0;
}

/* Return: the errno of the write. */
int DriverCore::apply(const std::string &path, const std::string &value)
{
	const fs::path parent = fs::path(path).parent_path();

	if (path == pci / "drivers_probe")
		return value == vf ? probe() : ENODEV;
	if (path == device / "driver_override") {
		if (!value.empty()) {
			const std::string line = value.substr(0, value.find('\n'));

			set_override(line.empty() ? OptionalName() : line);
		}
		return 0;
	}
	if (path == parent / "unbind" && value == vf && driver() == parent.filename().string()) {
		detach();
		return 0;
	}
	return ENODEV;
}

static std::string name_write(const fs::path &path, std::string value)
{
	if (path.filename() == "drivers_probe")
		return "probe";
	if (path.filename() == "unbind")
		return "unbind " + path.parent_path().filename().string();
	if (!value.empty() && value.back() == '\n')
		value.pop_back();
	return path.filename().string() + " " + value;
}

static std::string read_argument(const struct seccomp_notif &request)
{
	std::string value(request.data.args[2], '\0');
	struct iovec local = { value.data(), value.size() };
	struct iovec remote = { reinterpret_cast<void *>(request.data.args[1]), value.size() };

	process_vm_readv(static_cast<pid_t>(request.pid), &local, 1, &remote, 1, 0);
	return value;
}

static pid_t parent_of(pid_t pid)
{
	std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
	std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());

	return std::atoi(text.c_str() + text.rfind(')') + 4);
}

/* Return: whether to answer at all. */
bool DriverCore::handle(const struct seccomp_notif &request, struct seccomp_notif_resp *response)
{
	const pid_t writer = static_cast<pid_t>(request.pid);
	const std::string link = "/proc/" + std::to_string(writer) + "/fd/" +
				 std::to_string(request.data.args[0]);
	std::error_code none;
	const std::string path = fs::read_symlink(link, none).string();

	response->id = request.id;
	if (none || path.rfind(pci.string() + "/", 0) != 0 || path.find("/nodes/") != path.npos) {
		response->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		return true;
	}

	const std::string value = read_argument(request);
	Write write = { name_write(path, value), writer, 0 };
	{
		const std::lock_guard<std::mutex> guard(mutex);

		log.push_back(write.text);
		write.number = static_cast<int>(log.size());
	}
	const Fate fate = on_write ? on_write(write) : Fate::goes_on;
	int number = 0;

	if (fate == Fate::goes_on || fate == Fate::kills_all_after ||
	    fate == Fate::kills_writer_after)
		number = apply(path, value);
	switch (fate) {
	case Fate::fails:
		number = error;
		[[fallthrough]];
	case Fate::goes_on:
		response->error = -number;
		response->val = number ? 0 : static_cast<__s64>(value.size());
		return true;
	case Fate::kills_all_before:
	case Fate::kills_all_after:
		kill(-getpgid(writer), SIGKILL);
		return false;
	case Fate::kills_writer_before:
	case Fate::kills_writer_after:
		kill(writer, SIGKILL);
		return false;
	case Fate::kills_caller:
		kill(parent_of(writer), SIGKILL);
		return false;
	case Fate::waits:
		return false;
	}
	return false;
}

void DriverCore::serve(int listener)
{
	for (;;) {
		struct seccomp_notif request = {};
		struct seccomp_notif_resp response = {};

		/* Either fails if the writer was killed meanwhile. */
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) == 0 &&
		    handle(request, &response))
			ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
	}
}
