# SPDX-License-Identifier: LGPL-2.1-or-later
"""The udev rules and systemd units, as udevadm and systemd-analyze understand them.

`udevadm verify` is there since systemd 254; Debian 12 has 252. A host of the lab runs it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

RULES = Path(os.environ["RULES"])
UNITS = Path(os.environ["UNITS"])
PROGRAM = Path(os.environ["PROGRAM"])
NAMES = ["vferry-bind.service", "vferry-provision.service", "vferry-provision@.service"]
UDEVADM = shutil.which("udevadm", path="/usr/bin:/bin:/usr/sbin:/sbin")

BUS = "/devices/pci0000:00"
DEVICES = f"""\
P: {BUS}/0000:03:00.0
E: SUBSYSTEM=pci
E: DRIVER=igb
A: sriov_totalvfs=7\\n
L: driver=../../../bus/pci/drivers/igb

P: {BUS}/0000:03:00.0/net/enp3s0f0
E: SUBSYSTEM=net
E: INTERFACE=enp3s0f0
E: IFINDEX=5
A: ifindex=5\\n
A: phys_port_name=p0\\n

P: {BUS}/0000:03:00.0/net/rep0
E: SUBSYSTEM=net
E: INTERFACE=rep0
A: phys_port_name=c1pf0vf0\\n

P: {BUS}/0000:04:00.0
E: SUBSYSTEM=pci
L: physfn=../0000:03:00.0

P: {BUS}/0000:05:00.0
E: SUBSYSTEM=pci
A: sriov_totalvfs=7\\n

P: {BUS}/0000:06:00.0
E: SUBSYSTEM=pci
A: sriov_totalvfs=0\\n

P: {BUS}/0000:07:00.0
E: SUBSYSTEM=pci

P: {BUS}/0000:07:00.0/net/enp7s0
E: SUBSYSTEM=net
E: INTERFACE=enp7s0
"""
# In a mount namespace: udev reads rules from fixed folders.
SEE = """\
mount -t tmpfs tmpfs /run
mkdir -p /run/udev/rules.d
cp "$1" /run/udev/rules.d
exec umockdev-run -d "$2" -- "$3" test --action="$4" "/sys$5"
"""


def wants(device: str, action: str, folder: Path) -> tuple[list[str], bool]:
    """The units that a device wants, and whether it is ready, as udev sees it."""
    assert UDEVADM is not None
    devices = folder / "devices.umockdev"
    devices.write_text(DEVICES)
    result = subprocess.run(
        ["unshare", "--mount", "sh", "-euc", SEE, "sh", RULES, devices, UDEVADM, action,
         f"{BUS}/{device}"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    assert result.returncode == 0, result.stdout
    assert "85-vferry.rules:" not in result.stdout, result.stdout
    found = re.search(r"^\s*(?:E: )?SYSTEMD_WANTS=(.*)$", result.stdout, re.MULTILINE)
    not_ready = re.search(r"^\s*(?:E: )?SYSTEMD_READY=0$", result.stdout, re.MULTILINE)
    return (found.group(1).split() if found else [], not not_ready)


@pytest.mark.skipif(UDEVADM is None, reason="no udevadm")
@pytest.mark.parametrize(("device", "action", "wanted", "ready"), [
    ("0000:03:00.0", "add", ["vferry-provision@0000:03:00.0.service"], True),
    ("0000:03:00.0", "bind", ["vferry-provision@0000:03:00.0.service"], True),
    ("0000:03:00.0", "remove", [], True),
    ("0000:03:00.0/net/enp3s0f0", "add", ["vferry-provision@enp3s0f0.service"], True),
    ("0000:03:00.0/net/enp3s0f0", "move", ["vferry-provision@enp3s0f0.service"], True),
    ("0000:03:00.0/net/rep0", "add", [], True),
    ("0000:04:00.0", "change", ["vferry-bind.service"], True),
    ("0000:04:00.0", "remove", [], True),
    ("0000:05:00.0", "unbind", ["vferry-provision@0000:05:00.0.service"], False),
    ("0000:06:00.0", "add", [], True),
    ("0000:07:00.0", "add", [], True),
    ("0000:07:00.0/net/enp7s0", "add", [], True),
])
def test_devices_want_units(
    tmp_path: Path, device: str, action: str, wanted: list[str], ready: bool
) -> None:
    assert wants(device, action, tmp_path) == (wanted, ready)


def test_rules_want_units_that_exist() -> None:
    wanted = set(re.findall(r'SYSTEMD_WANTS\}\+="([^"]+)"', RULES.read_text()))
    assert wanted
    assert {re.sub(r"@.*\.service", "@.service", name) for name in wanted} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_systemd_accepts_the_units(tmp_path: Path, name: str) -> None:
    for unit in NAMES:
        # The program need not be installed.
        text = (UNITS / unit).read_text()
        text = re.sub(r"^ExecStart=\S+", f"ExecStart={PROGRAM}", text, flags=re.MULTILINE)
        (tmp_path / unit).write_text(text)
    result = subprocess.run(
        ["/usr/bin/systemd-analyze", "verify", "--man=no",
         tmp_path / name.replace("@", "@0000:03:00.0")],
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:"}, capture_output=True, text=True,
    )
    assert "vferry" not in result.stderr, result.stderr


@pytest.mark.parametrize("name", NAMES)
def test_guests_start_after_the_units(name: str) -> None:
    before = re.search(r"^Before=(.*)$", (UNITS / name).read_text(), re.MULTILINE)
    assert before is not None
    assert {
        "libvirtd.service", "virtqemud.service", "virtnetworkd.service", "libvirt-guests.service"
    } <= set(before.group(1).split())
