# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host's PF and its VFs, as an administrator sets them up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vferry_lab import qemu
from vferry_lab.host import Host

from . import paths

VARIANT_DRIVER = "igbvf_vfio_pci"
CREATE_LIMIT = 300.0  # seconds; a debug kernel that has been looked through for leaks takes over 60
ARC = re.compile(r"arc (\S+) (\S+) count (\d+) last_ns (\d+) max_ns (\d+)")


@dataclass(frozen=True)
class Arc:
    """What one arc of the migration state machine cost on a device."""

    count: int
    last_ns: int
    max_ns: int


@dataclass(frozen=True)
class Status:
    """The driver's debugfs status of a VF: see driver/debugfs.c."""

    values: dict[str, str]
    arcs: dict[tuple[str, str], Arc]

    def number(self, key: str) -> int:
        return int(self.values[key], 0)

    @staticmethod
    def parse(text: str) -> Status:
        values: dict[str, str] = {}
        arcs: dict[tuple[str, str], Arc] = {}
        for line in text.splitlines():
            arc = ARC.fullmatch(line)
            if arc:
                arcs[arc[1], arc[2]] = Arc(int(arc[3]), int(arc[4]), int(arc[5]))
            else:
                key, _, value = line.partition(": ")
                values[key] = value
        return Status(values, arcs)


def vf_address(index: int, pf: str = qemu.PF) -> str:
    """PCI address of a PF's VF number index: igb's offset is 0x80, its stride 2."""
    slot, function = divmod(index * 2, 8)
    return f"{pf.rpartition(':')[0]}:{0x10 + slot:02x}.{function}"


def create_vfs(host: Host, count: int) -> None:
    """Give the PF so many VFs (again, if it has some), without a driver of their own."""
    device = f"/sys/bus/pci/devices/{host.pf}"
    host.run(
        f"echo 0 > {device}/sriov_drivers_autoprobe && echo 0 > {device}/sriov_numvfs && "
        f"echo {count} > {device}/sriov_numvfs && udevadm settle -t {CREATE_LIMIT:.0f}",
        timeout=2 * CREATE_LIMIT,
    )


def load(host: Host, driver: str) -> None:
    """Load a driver; one that libvirt is to bind, since Debian's SELinux policy does not let it."""
    host.run(["modprobe", driver])


def bind(host: Host, address: str, driver: str = VARIANT_DRIVER) -> None:
    """Bind a VF to a driver and leave the choice open for the next one."""
    device = f"/sys/bus/pci/devices/{address}"
    host.run(
        f"modprobe {driver} && echo {driver} > {device}/driver_override && "
        f"if [ -e {device}/driver ]; then echo {address} > {device}/driver/unbind; fi && "
        f"echo {address} > /sys/bus/pci/drivers_probe && echo > {device}/driver_override && "
        f"[ \"$(basename \"$(readlink {device}/driver)\")\" = {driver} ]"
    )


def driver_of(host: Host, address: str) -> str:
    """Name of the driver a VF is bound to, '' for none."""
    link = f"/sys/bus/pci/devices/{address}/driver"
    return host.run(f"basename \"$(readlink {link})\"").stdout.strip()


def status(host: Host, address: str) -> Status:
    """What the variant driver says about a VF."""
    return Status.parse(host.run(["cat", paths.HOST_STATUS.format(address=address)]).stdout)


def all_status(host: Host) -> dict[str, Status]:
    """The same of every VF that is on the variant driver, by address."""
    files = host.run(f"ls {paths.HOST_STATUS.format(address='*')}").stdout.split()
    return {Path(file).parent.name: Status.parse(host.run(["cat", file]).stdout) for file in files}


def set_mac(host: Host, index: int, mac: str) -> None:
    """The administrator's MAC of a VF; all zero takes it back."""
    host.run(f"ip link set {host.pf_netdev} vf {index} mac {mac}")


def set_vlan(host: Host, index: int, vlan: int) -> None:
    """The administrator's VLAN of a VF; 0 takes it back."""
    host.run(f"ip link set {host.pf_netdev} vf {index} vlan {vlan}")


@contextmanager
def link_down(host: Host) -> Iterator[None]:
    """Without its PF up a host answers no mailbox."""
    host.run(f"ip link set {host.pf_netdev} down")
    try:
        yield
    finally:
        host.run(f"ip link set {host.pf_netdev} up")


@contextmanager
def tagged(host: Host, vlan: int, address: str) -> Iterator[Host]:
    """A host whose PF has an interface in a VLAN meanwhile, with an address of 24 bits."""
    host.run(
        f"ip link add link {host.pf_netdev} name tagged type vlan id {vlan} && "
        f"ip addr add {address}/24 dev tagged && ip link set tagged up"
    )
    try:
        yield host
    finally:
        host.run("ip link del tagged")
