# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two hosts of different versions: a guest with a VF moves from the older to the newer, and back.

docs/versions.md has the results as a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from vferry_lab.host import Host
from vferry_tests import libvirt_version, nic, traffic
from vferry_tests.domain import VF
from vferry_tests.guest import Guest
from vferry_tests.labs import Labs
from vferry_tests.shared_guest import LOST, refusal
from vferry_tests.testbed import Testbed, config
from vferry_tests.traffic import Connection, Ping

pytestmark = [pytest.mark.lab, pytest.mark.matrix]

CONFIG = config(vfs=2)
ADDRESS, MAC = "192.0.2.120", "52:54:00:c0:00:78"
OTHER = "other"
PAIRS = [("bookworm", "trixie"), ("bookworm-backports", "trixie"), ("trixie", "forky")]


@pytest.fixture(scope="module", params=PAIRS, ids="-".join)
def bed(labs: Labs, request: pytest.FixtureRequest) -> Iterator[Testbed]:
    """The older host, then the newer one, whose first VF another guest has."""
    bed = labs.get(*request.param)
    labs.configure(bed, CONFIG)
    other = Guest.create(bed.hosts[1], [vf(bed, 0)], OTHER)
    yield bed
    other.destroy()
    labs.check_kernel_logs()


def vf(bed: Testbed, index: int) -> VF:
    """A VF that both hosts' libvirt can give to a guest."""
    managed = all(libvirt_version.knows_variant_drivers(host) for host in bed.hosts)
    return VF(nic.vf_address(index), managed=managed)


def newest_machine(host: Host) -> str:
    """The machine type that "q35" is on a host ("pc-q35-10.0")."""
    capabilities = host.run("virsh domcapabilities --virttype kvm --machine q35").stdout
    return capabilities.split("<machine>")[1].split("<")[0]


@contextmanager
def guest_on(host: Host, vf: VF, machine: str = "q35") -> Iterator[Guest]:
    """A guest with a VF that answers."""
    guest = Guest.create(host, [vf], "versions", machine)
    try:
        guest.configure(guest.netdev(VF.guest_driver), ADDRESS, MAC)
        yield guest
    finally:
        guest.destroy()


def move_there_and_back(bed: Testbed, guest: Guest) -> None:
    """By plain virsh, on one connection, every byte right."""
    with (Ping(bed.peer, ADDRESS) as ping,
          Connection(bed.peer, guest, bed.stream) as connection):
        for target in (bed.other(guest.host), guest.host):
            guest.migrate(target)
            ping.wait_reply()
            if target is bed.hosts[1]:
                assert guest.vf_address() == nic.vf_address(1)
            connection.peer.wait_received()
        assert traffic.differences(*connection.finish()) == []


def queue_size(guest: Guest) -> int:
    """Length of the virtio queues of its agent's channel."""
    status = guest.host.run([
        "virsh", "qemu-monitor-command", guest.name, "--hmp",
        "info virtio-queue-status /machine/peripheral/virtio-serial0/virtio-backend 0"]).stdout
    return int(status.split("num_default:")[1].split()[0])


def test_started_on_the_older_host(bed: Testbed) -> None:
    """QEMU 10.0.13 makes every virtio queue longer than others do, and a later one refuses it."""
    older, newer = bed.hosts
    with guest_on(older, vf(bed, 0)) as guest:
        if queue_size(guest) <= queue_size(Guest(newer, OTHER)):
            move_there_and_back(bed, guest)
        else:
            assert "Failed to load element of type virtio for virtio" in refusal(guest, newer)


def test_started_on_the_newer_host(bed: Testbed) -> None:
    """With a machine type that the older one has, too."""
    older, newer = bed.hosts
    with guest_on(newer, vf(bed, 1), newest_machine(older)) as guest:
        move_there_and_back(bed, guest)


def test_newest_machine_type(bed: Testbed) -> None:
    """Of the newer host, where the older one does not have it: it says so."""
    older, newer = bed.hosts
    machine = newest_machine(newer)
    with guest_on(newer, vf(bed, 1)) as guest, Ping(bed.peer, ADDRESS) as ping:
        if machine == newest_machine(older):
            guest.migrate(older)
        else:
            assert machine in refusal(guest, older)
        ping.wait_reply()


@pytest.mark.parametrize("bed", PAIRS[:1], indirect=True, ids="-".join, scope="module")
def test_managed_by_libvirt(bed: Testbed) -> None:
    """libvirt before 10 binds such a VF to vfio-pci; vferry says so before, virsh in the end."""
    older, newer = bed.hosts
    with (guest_on(newer, VF(nic.vf_address(1), managed=True)) as guest,
          Ping(bed.peer, ADDRESS) as ping):
        report = newer.run(["vferry", "check", guest.name, f"qemu+ssh://{older.name}/system"],
                           check=False, timeout=120).stdout
        assert "libvirt 9.0 there binds vfio-pci" in report
        line = refusal(guest, older)
        said = newer.run("cat /var/log/libvirt/libvirtd.log").stdout if LOST in line else line
        assert "Unknown savevm section or instance" in said and "/vfio'" in said
        ping.wait_reply()
