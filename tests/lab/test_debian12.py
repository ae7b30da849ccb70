# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same on Debian 12's stock kernel 6.1 and libvirt 9.0, nothing rebuilt.

That kernel has no PRE_COPY, that libvirt no variant drivers: vferry detach and the hook.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vferry_tests import nic, traffic
from vferry_tests.domain import PAGES, VF
from vferry_tests.guest import Guest
from vferry_tests.labs import Labs
from vferry_tests.testbed import Testbed, config
from vferry_tests.traffic import Connection, Ping

pytestmark = [pytest.mark.lab, pytest.mark.matrix]

CONFIG = config(vfs=2)
ADDRESS = "192.0.2.116"


@pytest.fixture(scope="module")
def guest(labs: Labs, old_bed: Testbed) -> Iterator[Guest]:
    """A guest that answers; on host 2 another one has the VF of the same address."""
    labs.configure(old_bed, CONFIG)
    vf = VF(nic.vf_address(0), managed=False)
    other = Guest.create(old_bed.hosts[1], [vf], "other")
    moving = Guest.create(old_bed.hosts[0], [vf], "moving")
    moving.configure(moving.netdev(VF.guest_driver), ADDRESS)
    try:
        yield moving
    finally:
        moving.destroy()
        other.destroy()


def test_versions_are_stock(old_bed: Testbed) -> None:
    for host in old_bed.hosts:
        assert host.run("uname -r").stdout.startswith("6.1.")
        assert "/kernel/drivers/vfio/" in host.run("modinfo -n vfio").stdout
        assert "libvirt 9.0" in host.run("virsh version --daemon").stdout


def test_there_and_back(guest: Guest, old_bed: Testbed) -> None:
    """To a host where the VF's address is taken, on one connection."""
    with (Ping(old_bed.peer, ADDRESS) as ping,
          Connection(old_bed.peer, guest, old_bed.stream) as connection):
        for address in (nic.vf_address(1), nic.vf_address(1)):
            guest.migrate(old_bed.other(guest.host))
            assert guest.vf_address() == address
            ping.wait_reply()
            connection.peer.wait_received()
        assert traffic.differences(*connection.finish()) == []


def test_dirty_log_is_precise(guest: Guest, old_bed: Testbed) -> None:
    """Its vfio.ko reports by itself; an idle guest's log is a small part of its memory."""
    source, vf = guest.host, guest.vf_address()
    guest.migrate(old_bed.other(source))
    reported = nic.status(source, vf).number("dirty_pages_reported")
    assert 0 < reported < 0.02 * PAGES


def test_libvirt_is_told_of_vfs_anew(old_bed: Testbed, guest: Guest) -> None:
    """Its daemon forgets what was detached; a guest that starts then has its VF all the same."""
    host = old_bed.other(guest.host)
    host.run("systemctl restart libvirtd && systemctl start vferry-detach", timeout=120)
    third = Guest.create(host, [VF(nic.vf_address(1), managed=False)], "third")
    try:
        assert nic.driver_of(host, nic.vf_address(1)) == nic.VARIANT_DRIVER
    finally:
        third.destroy()
