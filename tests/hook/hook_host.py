# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host of PFs and VFs in a folder, and libvirt's hook run on it as libvirt would.

The folder's parts are bound, in a mount namespace of the child, over /sys/bus/pci,
/sys/class, /sys/module, /run, /etc and /usr/lib/modules. The program is the real one and
knows nothing of it. Needs root.
"""

from __future__ import annotations

import configparser
import ctypes
import os
import pickle
import platform
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

ALIASES = Path(__file__).parent.parent / "lib" / "data" / "modules.alias.7.2"

Answer = TypeVar("Answer")

# Where each part of a host is seen.
PLACES = {
    "pci": "/sys/bus/pci", "class": "/sys/class", "module": "/sys/module", "run": "/run",
    "etc": "/etc", "modules": "/usr/lib/modules",
}

CLONE_NEWNS = 0x20000
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
LIBC = ctypes.CDLL(None, use_errno=True)

OURS = "igbvf_vfio_pci"
# Module and driver differ in name for the last.
DRIVERS = {"igbvf": "igbvf", OURS: OURS, "mlx5_vfio_pci": "mlx5_vfio_pci", "vfio-pci": "vfio_pci"}
VFIO_DRIVERS = (OURS, "mlx5_vfio_pci", "vfio-pci")


@dataclass(frozen=True)
class Model:
    """Vendor, device and class of a VF, and the device of its PF."""

    vendor: int = 0x8086
    device: int = 0x10CA
    pf_device: int = 0x10C9

    def modalias(self, pf: bool) -> str:
        device = self.pf_device if pf else self.device
        return f"pci:v{self.vendor:08X}d{device:08X}sv00008086sd0000A03Cbc02sc00i00\n"


INTEL_82576 = Model()
MELLANOX = Model(0x15B3, 0x101E, 0x101D)


@dataclass(frozen=True)
class Result:
    status: int
    stdout: bytes
    stderr: str

    def good(self) -> bytes:
        """What it printed; it has to have succeeded."""
        assert self.status == 0, self
        return self.stdout

    def refused(self) -> str:
        """The one line that the user reads."""
        assert self.status == 1, self
        assert self.stdout == b"", self
        line, rest = self.stderr.split("\n", 1)
        assert rest == "" and line.startswith("vferry: "), self
        return line


def program() -> Path:
    name = os.environ.get("VFERRY_HOOK")
    assert name, "VFERRY_HOOK must name the program to test: run `meson test -C build hook`"
    return Path(name)


def check(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@contextmanager
def qemu_of(uuid: str) -> Iterator[None]:
    """A process that is a domain's by its command line, as QEMU is."""
    command = ["/bin/sh", "-c", "read line", "qemu", "-uuid", uuid]
    with subprocess.Popen(command, stdin=subprocess.PIPE):
        yield


class Host:
    """A host; addresses are as in sysfs, "0000:01:10.0"."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in PLACES:
            (root / name).mkdir()
        self.devices = root / "pci/devices"
        self.claims = root / "run/vferry/claims"
        self.arrivals = root / "run/vferry/arrivals"
        self.groups = 0
        self.preload: Path | None = None
        modules = root / "modules" / platform.release()
        modules.mkdir()
        shutil.copy(ALIASES, modules / "modules.alias")
        write(root / "pci/drivers_probe", "")
        for driver, module in DRIVERS.items():
            self._add_driver(driver, module)
        (root / "run/systemd/journal").mkdir(parents=True)
        self.journal_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        # A socket's path is short: it goes by way of the folder.
        folder = os.open(root, os.O_PATH)
        self.journal_socket.bind(f"/proc/self/fd/{folder}/run/systemd/journal/socket")
        os.close(folder)
        self.journal_socket.setblocking(False)

    def close(self) -> None:
        self.journal_socket.close()

    def _add_driver(self, driver: str, module: str) -> None:
        folder = self.root / "pci/drivers" / driver
        write(folder / "unbind", "")
        write(self.root / "module" / module / "initstate", "live\n")
        (folder / "module").symlink_to(f"../../../../module/{module}")
        drivers = self.root / "module" / module / "drivers"
        drivers.mkdir()
        (drivers / f"pci:{driver}").symlink_to(f"../../../bus/pci/drivers/{driver}")

    def configure(self, text: str) -> None:
        """vferry.conf."""
        write(self.root / "etc/vferry/vferry.conf", text)

    def add_pf(self, address: str, vfs: int = 0, *, model: Model = INTEL_82576, numa: int = -1,
               interface: str | None = "lo", driver: str | None = OURS) -> list[str]:
        """A PF and its VFs, which stand behind it by 0x10 devices; returns their addresses."""
        folder = self.devices / address
        write(folder / "modalias", model.modalias(pf=True))
        write(folder / "numa_node", f"{numa}\n")
        write(folder / "sriov_totalvfs", "64\n")
        write(folder / "sriov_drivers_autoprobe", "0\n")
        if interface:
            (folder / "net" / interface).mkdir(parents=True)
        added = []
        for index in range(vfs):
            vf = f"{address[:8]}{0x10 + index // 8:02x}.{index % 8}"
            self._add_vf(address, index, vf, model, driver)
            added.append(vf)
        return added

    def _add_vf(self, pf: str, index: int, vf: str, model: Model, driver: str | None) -> None:
        folder = self.devices / vf
        write(folder / "modalias", model.modalias(pf=False))
        write(folder / "driver_override", "(null)\n")
        (folder / "physfn").symlink_to(f"../{pf}")
        (self.devices / pf / f"virtfn{index}").symlink_to(f"../{vf}")
        self.groups += 1
        group = self.groups
        (folder / "iommu_group").symlink_to(f"../../../kernel/iommu_groups/{group}")
        write(self.root / f"class/vfio/{group}/dev", f"240:{group}\n")
        if driver:
            self.attach(vf, driver)

    def add_device(self, address: str) -> None:
        """A PCI device that is neither PF nor VF."""
        write(self.devices / address / "modalias", INTEL_82576.modalias(pf=True))

    def group(self, vf: str) -> int:
        return int(os.readlink(self.devices / vf / "iommu_group").rsplit("/", 1)[1])

    def attach(self, vf: str, driver: str) -> None:
        folder = self.devices / vf
        (folder / "driver").symlink_to(f"../../drivers/{driver}")
        if driver in VFIO_DRIVERS:
            group = self.group(vf)
            write(folder / f"vfio-dev/vfio{group}/dev", f"241:{group}\n")

    def detach(self, vf: str) -> None:
        (self.devices / vf / "driver").unlink(missing_ok=True)
        shutil.rmtree(self.devices / vf / "vfio-dev", ignore_errors=True)

    def driver(self, vf: str) -> str | None:
        link = self.devices / vf / "driver"
        return os.path.basename(os.readlink(link)) if link.is_symlink() else None

    def override(self, vf: str) -> str | None:
        text = (self.devices / vf / "driver_override").read_text().strip()
        return None if text in ("", "(null)") else text

    def set_interface(self, vf: str, name: str, up: bool) -> None:
        (self.devices / vf / "net" / name).mkdir(parents=True)
        write(self.root / f"class/net/{name}/flags", "0x1003\n" if up else "0x1002\n")

    @contextmanager
    def used(self, vf: str) -> Iterator[int]:
        """This process has the VF's group open, as QEMU has."""
        group = self.group(vf)
        node = self.root / "nodes" / str(group)
        node.parent.mkdir(exist_ok=True)
        # No such driver: the node is of the null device, and VFIO's class says the same.
        write(self.root / f"class/vfio/{group}/dev", "1:3\n")
        if not node.exists():
            os.mknod(node, stat.S_IFCHR | 0o600, os.makedev(1, 3))
        file = os.open(node, os.O_RDONLY)
        try:
            yield os.getpid()
        finally:
            os.close(file)
            write(self.root / f"class/vfio/{group}/dev", f"240:{group}\n")

    def enter(self) -> None:
        """Leave this process's view of the machine for the host's."""
        check(LIBC.unshare(CLONE_NEWNS), "unshare")
        check(LIBC.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "mount /")
        for name, place in PLACES.items():
            check(LIBC.mount(bytes(self.root / name), place.encode(), None, MS_BIND | MS_REC,
                             None), place)

    def inside(self, function: Callable[[], Answer]) -> Answer:
        """What a function returns that runs in a process with the host's view."""
        with tempfile.TemporaryFile() as file:
            pid = os.fork()
            if pid == 0:
                try:
                    self.enter()
                    pickle.dump(function(), file)
                    file.flush()
                    os._exit(0)
                except BaseException:
                    traceback.print_exc()
                    sys.stderr.flush()
                finally:
                    os._exit(1)
            assert os.waitpid(pid, 0)[1] == 0
            file.seek(0)
            answer: Answer = pickle.load(file)
            return answer

    def start(self, name: str, operation: str, sub_operation: str, extra: str, xml: bytes | str,
              before_exec: Callable[[], None] = lambda: None) -> Running:
        """Run the hook; before_exec is called in its process."""
        files = [tempfile.TemporaryFile() for _ in range(3)]
        files[0].write(xml.encode() if isinstance(xml, str) else xml)
        files[0].seek(0)
        arguments = [str(program()), name, operation, sub_operation, extra]
        environment = {"LC_ALL": "C"} | self._preloaded()
        pid = os.fork()
        if pid == 0:
            try:
                self.enter()
                for number, file in enumerate(files):
                    os.dup2(file.fileno(), number)
                os.setpgid(0, 0)
                before_exec()
                os.execve(arguments[0], arguments, environment)
            finally:
                os._exit(127)
        return Running(pid, files[1:])

    def _preloaded(self) -> Mapping[str, str]:
        if self.preload is None:
            return {}
        return {"LD_PRELOAD": str(self.preload), "PF_TABLE": str(self.root / "pf-table"),
                "ASAN_OPTIONS": "verify_asan_link_order=0"}

    def hook(self, operation: str, xml: bytes | str, extra: str = "-") -> Result:
        """An operation as libvirt calls it."""
        return self.start("guest", operation, "end" if operation == "release" else "begin", extra,
                          xml).wait()

    def claim(self, vf: str) -> dict[str, str]:
        """A claim's keys; none where there is no claim."""
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(self.claims / vf)
        return dict(parser["claim"]) if parser.has_section("claim") else {}

    def claimed(self) -> dict[str, str]:
        """VF: purpose of its claim."""
        if not self.claims.is_dir():
            return {}
        return {path.name: self.claim(path.name)["purpose"]
                for path in sorted(self.claims.iterdir()) if not path.name.startswith(".")}

    def age(self, vf: str, **keys: str) -> None:
        """Change keys of a claim."""
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(self.claims / vf)
        parser["claim"].update({name.replace("_", "-"): value for name, value in keys.items()})
        with (self.claims / vf).open("w") as file:
            parser.write(file, space_around_delimiters=False)

    def journal(self) -> str:
        """What was written to the journal since the last call, one message a line."""
        lines: list[str] = []
        while True:
            try:
                entry = self.journal_socket.recv(65536).decode()
            except BlockingIOError:
                return "\n".join(lines)
            lines += [line.removeprefix("MESSAGE=") for line in entry.splitlines()
                      if line.startswith("MESSAGE=")]


class Running:
    """A hook that runs, in a process group of its own."""

    def __init__(self, pid: int, files: list[IO[bytes]]) -> None:
        self.pid = pid
        self.files = files

    def wait(self) -> Result:
        _, status = os.waitpid(self.pid, 0)
        texts = []
        for file in self.files:
            file.seek(0)
            texts.append(file.read())
            file.close()
        return Result(os.waitstatus_to_exitcode(status), texts[0], texts[1].decode())

    def kill(self) -> None:
        os.killpg(self.pid, signal.SIGKILL)
