# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hosts as Debian installs them: AppArmor confines libvirtd, and each guest's QEMU."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from vferry_lab.host import Host
from vferry_tests import libvirt_version, nic
from vferry_tests.domain import VF
from vferry_tests.guest import PLAIN, Guest
from vferry_tests.labs import Labs
from vferry_tests.testbed import Testbed, config
from vferry_tests.traffic import Ping

pytestmark = pytest.mark.lab

CONFIG = config(vfs=4)
ADDRESS = "192.0.2.130"
# QEMU 10 looks there and does without; the profile of libvirt 9.0 is older than that.
NOT_OURS = 'name="/proc/sys/vm/max_map_count"'


@pytest.fixture(scope="module",
                params=["trixie", pytest.param("bookworm", marks=pytest.mark.matrix),
                        pytest.param("bookworm-backports", marks=pytest.mark.matrix)])
def bed(labs: Labs, request: pytest.FixtureRequest) -> Iterator[Testbed]:
    yield labs.get(request.param)
    labs.check_kernel_logs()


@pytest.fixture(scope="module")
def hosts(labs: Labs, bed: Testbed) -> list[Host]:
    """Both hosts with our programs and a configuration."""
    labs.configure(bed, CONFIG)
    return bed.hosts


@pytest.fixture
def guest(hosts: list[Host]) -> Iterator[Guest]:
    """A guest with a VF on host 1; the VF of that address on host 2 is another guest's."""
    vf = VF(nic.vf_address(0), managed=libvirt_version.knows_variant_drivers(hosts[0]))
    other = Guest.create(hosts[1], [vf], "other")
    try:
        with Guest.between(hosts, [vf], "confined") as guest:
            guest.configure(guest.netdev(VF.guest_driver), ADDRESS)
            yield guest
    finally:
        other.destroy()


def test_a_guest_moves(bed: Testbed, hosts: list[Host], guest: Guest) -> None:
    """The hook runs although libvirtd is confined: VFs are claimed, and another one is found."""
    for host in hosts:
        assert profile(host, "$(pidof libvirtd)") == "libvirtd (enforce)"
    with Ping(bed.peer, ADDRESS) as ping:
        for target in (hosts[1], hosts[0]):
            assert guest.vf_address() in claims(guest.host)
            assert profile(guest.host, f"$(cat /run/libvirt/qemu/{guest.name}.pid)") == (
                f"libvirt-{uuid(guest)} (enforce)")
            guest.migrate(target, *PLAIN)
            ping.wait_reply()
            if target is hosts[1]:
                assert guest.vf_address() != nic.vf_address(0)
    for host in hosts:
        assert denied(host) == []
        told = json.loads(host.run(["vferry", "doctor", "--json"], check=False).stdout)
        assert told["looks"] and told["problems"] == 0, told


def profile(host: Host, pid: str) -> str:
    """AppArmor's profile of a process, and its mode."""
    return host.run(f"cat /proc/{pid}/attr/current").stdout.strip()


def claims(host: Host) -> list[str]:
    return host.run("ls /run/vferry/claims").stdout.split()


def uuid(guest: Guest) -> str:
    return guest.host.run(["virsh", "-q", "domuuid", guest.name]).stdout.strip()


def denied(host: Host) -> list[str]:
    """What AppArmor has denied libvirtd, its guests and us since the host booted."""
    return [line for line in host.kernel_log().splitlines()
            if 'apparmor="DENIED"' in line and 'profile="' in line and NOT_OURS not in line]
