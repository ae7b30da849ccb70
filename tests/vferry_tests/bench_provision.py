# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long a host takes to get VFs on the variant driver: vferry-provision, and driverctl.

driverctl is told each VF's address and driver, and saves nothing; vferry-provision reads both
from its configuration and modules.alias. Each starts from a PF without VFs.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from vferry_lab.errors import LabError
from vferry_lab.host import Host

from . import nic
from .testbed import unconfigure, write_config

VFS = 7
TURNS = 5
CONFIG = f"[pf 8086:10c9]\nvfs = {VFS}\n"
NETWORK_DRIVER = " igbvf 0000:"  # in the kernel's log, where it probes a VF

PROVISION = "/usr/libexec/vferry/vferry-provision {pf}"
DRIVERCTL = """\
echo {vfs} > /sys/bus/pci/devices/{pf}/sriov_numvfs
for vf in /sys/bus/pci/devices/{pf}/virtfn*; do
    driverctl --nosave set-override "$(basename "$(readlink "$vf")")" {driver}
done"""
TIMED = "start=$(date +%s%N); {{ {command}; }} >&2; echo $((($(date +%s%N) - start) / 1000000))"


@dataclass(frozen=True)
class Way:
    """Milliseconds of each turn, and how many VFs met the network driver on the way."""

    name: str
    command: str
    times: list[int] = field(default_factory=list)
    bounced: list[int] = field(default_factory=list)


def measure(host: Host) -> list[Way]:
    """vferry first, then driverctl; in turns. Raises LabError if one of them does not do it."""
    ways = [Way("vferry-provision", PROVISION), Way("driverctl", DRIVERCTL)]
    for _ in range(TURNS):
        for way in ways:
            _turn(host, way)
    unconfigure(host)
    return ways


def lines(ways: list[Way]) -> str:
    """A table; the ratio is that of a turn."""
    text = f"{f'{VFS} VFs on {nic.VARIANT_DRIVER}':<28}{'ms':>10}{'lowest':>10}{'highest':>10}{'bounced':>10}\n"
    for way in ways:
        text += (f"{way.name:<28}{statistics.median(way.times):>10.0f}{min(way.times):>10}"
                 f"{max(way.times):>10}{sum(way.bounced):>10}\n")
    ratios = [ours / theirs for ours, theirs in zip(ways[0].times, ways[1].times)]
    return (f"{text}{'ratio within a turn':<28}{statistics.median(ratios):>10.2f}"
            f"{min(ratios):>10.2f}{max(ratios):>10.2f}\n")


def _turn(host: Host, way: Way) -> None:
    unconfigure(host)
    host.run(f"echo 0 > /sys/bus/pci/devices/{host.pf}/sriov_numvfs; "
             f"echo 1 > /sys/bus/pci/devices/{host.pf}/sriov_drivers_autoprobe; udevadm settle")
    if way.command is PROVISION:
        write_config(host, CONFIG)
    before = host.kernel_log().count(NETWORK_DRIVER)
    command = way.command.format(pf=host.pf, vfs=VFS, driver=nic.VARIANT_DRIVER)
    way.times.append(int(host.run(TIMED.format(command=command), timeout=300).stdout))
    way.bounced.append(host.kernel_log().count(NETWORK_DRIVER) - before)
    for index in range(VFS):
        if nic.driver_of(host, nic.vf_address(index)) != nic.VARIANT_DRIVER:
            raise LabError(f"{way.name} left VF {index} without {nic.VARIANT_DRIVER}")
