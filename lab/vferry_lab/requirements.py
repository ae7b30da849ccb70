# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the machine must have before a lab can start; missing tools are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from .errors import LabError
from .progress import Progress

# tool: Debian package that brings it
BUILD_TOOLS = {"mmdebstrap": "mmdebstrap", "mke2fs": "e2fsprogs", "ssh-keygen": "openssh-client"}
RUN_TOOLS = {
    "bridge": "iproute2",
    "ethtool": "ethtool",
    "ip": "iproute2",
    "mount": "mount",
    "nsenter": "util-linux",
    "ping": "iputils-ping",
    "scp": "openssh-client",
    "ssh": "openssh-client",
    "unshare": "util-linux",
}
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# A QEMU takes its guest's memory, its code cache and some of its own, in MiB.
QEMU_OVERHEAD_MIB = 768


def require_root() -> None:
    """Namespaces, taps and mounts need root."""
    if os.geteuid() != 0:
        raise LabError("the lab must run as root: use sudo")


def install_missing(tools: dict[str, str], progress: Progress) -> None:
    """Install the packages of those tools that this machine lacks."""
    missing = sorted({package for tool, package in tools.items() if not _found(tool)})
    if not missing:
        return
    progress(f"installing {' '.join(missing)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "-qq", "update"],
        ["apt-get", "-qq", "install", "-y", "--no-install-recommends", *missing],
    ):
        result = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if result.returncode != 0:
            raise LabError(f"cannot install {' '.join(missing)}: {result.stdout.strip()[-600:]}")


def check_machine(hosts: int, memory_mib: int, folder: Path) -> None:
    """Say at once what this machine lacks for so many hosts."""
    if not Path("/dev/net/tun").exists():
        raise LabError("/dev/net/tun is missing: load the module 'tun' (modprobe tun)")
    check_memory(hosts, memory_mib, available_memory_mib())
    check_disk(folder, hosts * 2048)


def check_memory(hosts: int, memory_mib: int, available_mib: int) -> None:
    """Raise LabError unless hosts of memory_mib MiB each fit into available_mib."""
    needed = hosts * (memory_mib + QEMU_OVERHEAD_MIB)
    if available_mib < needed:
        raise LabError(
            f"not enough memory: {hosts} hosts of {memory_mib} MiB need {needed} MiB, "
            f"{available_mib} MiB are available; take another lab down or use --memory"
        )


def check_disk(folder: Path, needed_mib: int) -> None:
    """Raise LabError unless the file system of folder has needed_mib MiB free."""
    usage = shutil.disk_usage(folder)
    if usage.free < needed_mib << 20:
        raise LabError(
            f"not enough disk: {folder} has {usage.free >> 20} MiB free, {needed_mib} MiB are "
            "needed; set VFERRY_LAB_CACHE to a folder on a larger disk"
        )


def available_memory_mib(meminfo: Iterable[str] | None = None) -> int:
    """MemAvailable of /proc/meminfo (or of the given lines) in MiB."""
    lines = meminfo if meminfo is not None else Path("/proc/meminfo").read_text().splitlines()
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 1024
    raise LabError("/proc/meminfo does not tell MemAvailable")


def _found(tool: str) -> bool:
    return shutil.which(tool, path=f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}") is not None
