# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same on Debian 12's stock kernel 6.1 and libvirt 9.0, nothing rebuilt.

That kernel has no PRE_COPY, that libvirt no variant drivers: vferry detach and the hook.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vferry_lab.errors import CommandError
from vferry_tests import nic, traffic
from vferry_tests.domain import PAGES, VF
from vferry_tests.guest import Guest
from vferry_tests.labs import Labs
from vferry_tests.shared_guest import one_error
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


def test_managed_is_vfio_pci(old_bed: Testbed, guest: Guest) -> None:
    """That libvirt knows no other driver for managed='yes': the guest stays, and doctor says why."""
    address, host = nic.vf_address(1), old_bed.other(guest.host)
    third = Guest.define(host, [VF(address)], "third")
    try:
        assert nic.driver_of(host, address) == "vfio-pci"
        with pytest.raises(CommandError) as refused:
            third.migrate(guest.host)
        assert f"{address}: VFIO migration is not supported in kernel" in (
            one_error(refused.value.stderr))
        told = host.run("vferry doctor", check=False).stdout
        assert f"with managed='yes' libvirt 9.0 binds {address} to vfio-pci" in told
    finally:
        third.undefine()
    host.run("systemctl start vferry-detach", timeout=120)
    assert nic.driver_of(host, address) == nic.VARIANT_DRIVER


def test_autostart_comes_too_early(old_bed: Testbed, guest: Guest) -> None:
    """libvirt starts guests before anybody can tell it of their VFs, and says so in its journal."""
    host = old_bed.other(guest.host)
    third = Guest.define(host, [VF(nic.vf_address(1), managed=False)], "third")
    try:
        host.run(["virsh", "-q", "autostart", third.name])
        host.reboot()
        host.run("systemctl is-system-running --wait", check=False, timeout=120)
        assert host.run(["virsh", "-q", "domstate", third.name]).stdout.strip() == "shut off"
        journal = host.run("journalctl -b -u libvirtd --no-pager; cat /var/log/libvirt/libvirtd.log").stdout
        assert "must be manually detached from the host" in journal
        third.start()
    finally:
        third.undefine()
