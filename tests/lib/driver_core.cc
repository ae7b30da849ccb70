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

static fs::path device_folder(const std::string &address)
{
	return pci / "devices" / address;
}

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

void DriverCore::cover(const std::vector<std::string> &folders)
{
	for (const std::string &path : folders)
		require(mount("tmpfs", path.c_str(), "tmpfs", 0, nullptr) == 0, path.c_str());
}

void DriverCore::clear()
{
	const std::lock_guard<std::mutex> guard(mutex);

	on_write = nullptr;
	error = 0;
	next_vfio = 3;
	log.clear();
	attach_log.clear();
}

void DriverCore::reset_to_nothing()
{
	for (const auto &entry : fs::directory_iterator(pci))
		fs::remove_all(entry);
	for (const auto &entry : fs::directory_iterator("/sys/class"))
		fs::remove_all(entry);
	drivers.clear();
	pfs.clear();
	put(pci / "drivers_probe", "");
	fs::create_directories(pci / "devices");
	clear();
}

void DriverCore::add_driver(const std::string &name, const Driver &driver)
{
	fs::create_directories(driver_folder(name));
	put(driver_folder(name) / "bind", "");
	put(driver_folder(name) / "unbind", "");
	drivers[name] = driver;
}

void DriverCore::reset(OptionalName driver, OptionalName driver_override)
{
	Driver vfio;

	reset_to_nothing();
	add_driver("igbvf", {});
	drivers["igbvf"].matches_by_id = true;
	vfio.is_vfio = true;
	add_driver("vfio-pci", vfio);
	add_driver("igbvf_vfio_pci", vfio);
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
	clear();
}

void DriverCore::add_pf(const std::string &address, const PfModel &model)
{
	const fs::path pf = device_folder(address);

	pfs[address] = model;
	fs::create_directories(pf);
	put(pf / "modalias", "pci:" + model.own_ids + "\n");
	put(pf / "numa_node", "-1\n");
	put(pf / "sriov_totalvfs", std::to_string(model.totalvfs) + "\n");
	put(pf / "sriov_numvfs", "0\n");
	put(pf / "sriov_drivers_autoprobe", "1\n");
	if (!model.driver.empty())
		fs::create_directory_symlink("../../drivers/" + model.driver, pf / "driver");
	if (!model.interface.empty())
		add_interface(address, model.interface, true);
}

void DriverCore::remove_pf(const std::string &address)
{
	set_numvfs(address, 0);
	fs::remove_all(device_folder(address));
	pfs.erase(address);
}

void DriverCore::add_interface(const std::string &of, const std::string &name, bool up)
{
	fs::create_directories(device_folder(of) / "net" / name);
	fs::create_directories("/sys/class/net/" + name);
	put("/sys/class/net/" + name + "/flags", up ? "0x1003\n" : "0x1002\n");
}

/* Of the buses behind the PF's, 256 VFs each. */
static std::string vf_address(const std::string &pf, unsigned index)
{
	const unsigned bus = static_cast<unsigned>(std::stoul(pf.substr(5, 2), nullptr, 16));
	char text[sizeof("0000:00:00.0")];

	std::snprintf(text, sizeof(text), "%.4s:%02x:%02x.%u", pf.c_str(), (bus + 1 + index / 256) & 0xff,
		      index % 256 / 8, index % 8);
	return text;
}

static std::string first_line(const fs::path &path)
{
	std::ifstream file(path);
	std::string line;

	std::getline(file, line);
	return line;
}

std::vector<std::string> DriverCore::vfs_of(const std::string &pf) const
{
	const unsigned number =
		static_cast<unsigned>(std::stoul(first_line(device_folder(pf) / "sriov_numvfs")));
	std::vector<std::string> vfs;

	for (unsigned i = 0; i < number; i++)
		vfs.push_back(vf_address(pf, i));
	return vfs;
}

/* sriov_numvfs_store(), sriov_add_vfs(), pci_iov_add_virtfn(). */
int DriverCore::set_numvfs(const std::string &pf, unsigned number)
{
	const fs::path folder = device_folder(pf);
	const PfModel &model = pfs.at(pf);
	const std::vector<std::string> present = vfs_of(pf);

	if (number > model.totalvfs)
		return ERANGE;
	if (number == present.size())
		return 0;
	if (number && !present.empty())
		return EBUSY;
	if (model.refusal && number > model.granted)
		return model.refusal;
	for (unsigned i = 0; i < present.size(); i++) {
		fs::remove(folder / ("virtfn" + std::to_string(i)));
		fs::remove_all(device_folder(present[i]));
	}
	for (unsigned i = 0; i < number; i++) {
		const std::string address = vf_address(pf, i);
		const fs::path vf_folder = device_folder(address);

		fs::create_directories(vf_folder);
		put(vf_folder / "modalias", "pci:" + model.ids + "\n");
		set_override(std::nullopt, address);
		fs::create_directory_symlink("../" + pf, vf_folder / "physfn");
		fs::create_directory_symlink("../" + address,
					     folder / ("virtfn" + std::to_string(i)));
		if (first_line(folder / "sriov_drivers_autoprobe") == "1")
			probe(address);
	}
	put(folder / "sriov_numvfs", std::to_string(number) + "\n");
	return 0;
}

OptionalName DriverCore::driver(const std::string &of) const
{
	std::error_code none;
	const fs::path target = fs::read_symlink(device_folder(of) / "driver", none);

	return none ? OptionalName() : target.filename().string();
}

OptionalName DriverCore::driver_override(const std::string &of) const
{
	std::ifstream file(device_folder(of) / "driver_override");
	std::string line;

	std::getline(file, line);
	return line == "(null)" ? OptionalName() : line;
}

std::vector<std::string> DriverCore::writes()
{
	const std::lock_guard<std::mutex> guard(mutex);

	return log;
}

std::vector<std::string> DriverCore::attached()
{
	const std::lock_guard<std::mutex> guard(mutex);

	return attach_log;
}

void DriverCore::set_override(OptionalName name, const std::string &of)
{
	put(device_folder(of) / "driver_override", name.value_or("(null)") + "\n");
}

void DriverCore::attach(const std::string &name, const std::string &to)
{
	const fs::path folder = device_folder(to);
	const Driver &driver = drivers.at(name);
	const std::string vfio = "vfio" + std::to_string(next_vfio);

	fs::create_directory_symlink("../../drivers/" + name, folder / "driver");
	{
		const std::lock_guard<std::mutex> guard(mutex);

		attach_log.push_back(to + " " + name);
	}
	if (!driver.is_vfio || driver.lacks_vfio_dev)
		return;
	/* The one VF keeps its number: device_node is made for it. */
	if (to != vf)
		next_vfio++;
	fs::create_directories(folder / "vfio-dev" / vfio);
	put(folder / "vfio-dev" / vfio / "dev", "1:5\n");
}

void DriverCore::detach(const std::string &from)
{
	fs::remove(device_folder(from) / "driver");
	fs::remove_all(device_folder(from) / "vfio-dev");
	fs::remove_all(device_folder(from) / "net");
}

void DriverCore::vanish()
{
	fs::remove_all(device);
}

/* pci_match_device() and really_probe(): an error of probe is none of drivers_probe. */
int DriverCore::probe(const std::string &of)
{
	const OptionalName only = driver_override(of);

	if (!fs::exists(device_folder(of)))
		return ENODEV;
	if (driver(of))
		return 0;
	for (const auto &[name, driver] : drivers) {
		const bool matches = only ? *only == name : driver.matches_by_id;

		if ((!matches && !driver.takes_all) || driver.refuses)
			continue;
		attach(name, of);
		return 0;
	}
	return 0;
}

/* Return: the errno of the write. */
int DriverCore::apply(const std::string &path, const std::string &value)
{
	const fs::path parent = fs::path(path).parent_path();
	const std::string owner = parent.filename();

	if (path == pci / "drivers_probe")
		return probe(value);
	if (path == device_folder(owner) / "driver_override") {
		if (!value.empty()) {
			const std::string line = value.substr(0, value.find('\n'));

			set_override(line.empty() ? OptionalName() : line, owner);
		}
		return 0;
	}
	if (path == device_folder(owner) / "sriov_drivers_autoprobe") {
		put(path, value.substr(0, 1) + "\n");
		return 0;
	}
	if (path == device_folder(owner) / "sriov_numvfs")
		return set_numvfs(owner, static_cast<unsigned>(std::stoul(value)));
	if (path == parent / "unbind" && driver(value) == owner) {
		detach(value);
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
	const bool is_state = path.rfind("/run/vferry/", 0) == 0;

	if (none || path.find("/nodes/") != path.npos ||
	    (!is_state && path.rfind(pci.string() + "/", 0) != 0)) {
		response->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		return true;
	}

	const std::string value = read_argument(request);
	Write write = { is_state ? "state" : name_write(path, value), writer, 0 };
	{
		const std::lock_guard<std::mutex> guard(mutex);

		log.push_back(write.text);
		write.number = static_cast<int>(log.size());
	}
	const Fate fate = on_write ? on_write(write) : Fate::goes_on;
	int number = 0;

	if (is_state && fate == Fate::goes_on) {
		response->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		return true;
	}
	if (!is_state && (fate == Fate::goes_on || fate == Fate::kills_all_after ||
			  fate == Fate::kills_writer_after))
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
