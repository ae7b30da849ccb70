# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host of PFs and VFs in a folder, and the real command run with that as its root.

The folder holds /sys, /etc, /run and /lib/modules of its own; /usr, /proc and /dev are the
machine's. Nothing is preloaded. It needs root, or a kernel that lets users unshare.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ALIASES = Path(__file__).parent.parent / "lib" / "data" / "modules.alias.7.2"

# $1 is the root, the rest is the command.
ENTER = """
set -e
root=$1
shift
for folder in usr proc dev "${PROGRAM_FOLDER#/}"; do
    mount --rbind "/$folder" "$root/$folder"
done
exec chroot "$root" "$@"
"""


@dataclass(frozen=True)
class Ids:
    vendor: int
    device: int
    subsystem_vendor: int = 0x8086
    subsystem_device: int = 0xA03C
    class_code: int = 0x020000

    @property
    def modalias(self) -> str:
        return (f"pci:v{self.vendor:08X}d{self.device:08X}sv{self.subsystem_vendor:08X}"
                f"sd{self.subsystem_device:08X}bc{self.class_code >> 16:02X}"
                f"sc{self.class_code >> 8 & 0xff:02X}i{self.class_code & 0xff:02X}")


PF_82576 = Ids(0x8086, 0x10C9)
VF_82576 = Ids(0x8086, 0x10CA)
PF_MLX5 = Ids(0x15B3, 0x101D, 0x15B3, 0x0040)
VF_MLX5 = Ids(0x15B3, 0x101E, 0x15B3, 0x0040)


def program() -> Path:
    name = os.environ.get("VFERRY")
    assert name, "VFERRY must name the program to test: run `meson test -C build`"
    return Path(name)


class MockHost:
    """A root folder; addresses are as in sysfs, "0000:01:10.0"."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pci = root / "sys/bus/pci"
        self.devices = root / "sys/devices/pci0000:00"
        for folder in (self.pci / "devices", self.pci / "drivers", self.devices,
                       root / "sys/class/net", root / "sys/module",
                       root / "etc/vferry/conf.d", root / "run", root / "tmp", root / "usr",
                       root / "proc", root / "dev"):
            folder.mkdir(parents=True)
        for link in ("bin", "sbin", "lib64"):
            if Path("/", link).is_symlink():
                (root / link).symlink_to(f"usr/{link}")
        self.modules = root / "lib/modules" / platform.release()
        self.modules.mkdir(parents=True)
        for entry in Path("/usr/lib").iterdir():
            if entry.name != "modules":
                (root / "lib" / entry.name).symlink_to(f"../usr/lib/{entry.name}")
        shutil.copy(ALIASES, self.modules / "modules.alias")

    # The tree

    def folder(self, address: str) -> Path:
        return self.devices / address

    def add_device(self, address: str, ids: Ids) -> None:
        folder = self.folder(address)
        folder.mkdir()
        (folder / "modalias").write_text(ids.modalias + "\n")
        (folder / "driver_override").write_text("(null)\n")
        (self.pci / "devices" / address).symlink_to(f"../../../devices/pci0000:00/{address}")

    def add_pf(self, address: str, interface: str | None, ids: Ids = PF_82576, *,
               total: int = 7, node: int = 0, driver: str = "igb",
               mac: str = "02:00:00:00:00:01") -> None:
        self.add_device(address, ids)
        folder = self.folder(address)
        (folder / "numa_node").write_text(f"{node}\n")
        (folder / "sriov_totalvfs").write_text(f"{total}\n")
        (folder / "sriov_drivers_autoprobe").write_text("1\n")
        self.bind(address, driver)
        if interface:
            self.add_interface(address, interface)
            (folder / "net" / interface / "address").write_text(mac + "\n")

    def add_vf(self, pf: str, index: int, address: str, driver: str | None = None,
               ids: Ids = VF_82576, *, group: int = -1) -> None:
        self.add_device(address, ids)
        folder = self.folder(address)
        (self.folder(pf) / f"virtfn{index}").symlink_to(f"../{address}")
        (folder / "physfn").symlink_to(f"../{pf}")
        if group >= 0:
            (folder / "iommu_group").symlink_to(f"../../../kernel/iommu_groups/{group}")
        if driver:
            self.bind(address, driver)
            if "vfio" in driver:
                (folder / "vfio-dev" / f"vfio{index}").mkdir(parents=True)

    def bind(self, address: str, driver: str) -> None:
        (self.pci / "drivers" / driver).mkdir(exist_ok=True)
        (self.folder(address) / "driver").symlink_to(f"../../../bus/pci/drivers/{driver}")
        (self.pci / "drivers" / driver / address).symlink_to(
            f"../../../../devices/pci0000:00/{address}")

    def add_interface(self, address: str, name: str) -> None:
        folder = self.folder(address) / "net" / name
        folder.mkdir(parents=True)
        (folder / "device").symlink_to(f"../../../{address}")
        (self.root / "sys/class/net" / name).symlink_to(
            f"../../devices/pci0000:00/{address}/net/{name}")

    # What is not in sysfs

    def configure(self, text: str) -> None:
        (self.root / "etc/vferry/vferry.conf").write_text(text)

    def claim(self, address: str, **keys: str | int) -> None:
        """A claim's file as vferry writes it; keys replace or add to what a claim has."""
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        values: dict[str, str | int] = {
            "uuid": "11111111-2222-3333-4444-555555555555", "name": "guest",
            "purpose": "running", "boot": boot, "created": 1, "lifetime": 0,
            "bound-by-us": "false", "xml-address": address,
        }
        values.update(keys)
        for folder in (self.root / "run/vferry", self.root / "run/vferry/claims"):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)
        path = self.root / "run/vferry/claims" / address
        path.write_text("[claim]\n" + "".join(f"{k}={v}\n" for k, v in values.items()))
        path.chmod(0o640)

    # The command

    def command(self, *arguments: str) -> list[str]:
        unshare = ["unshare", "--mount", "--net"]
        if os.geteuid() != 0:
            unshare.append("--map-root-user")
        folder = program().resolve().parent
        (self.root / folder.relative_to("/")).mkdir(parents=True, exist_ok=True)
        return [*unshare, "sh", "-c", ENTER, "sh", str(self.root), str(program().resolve()),
                *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                "PROGRAM_FOLDER": str(program().resolve().parent)} | more

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run_with(arguments, self.environment(**environment))

    def run_with(self, arguments: Sequence[str],
                 environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*arguments), env=environment, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
