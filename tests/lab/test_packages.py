# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host with our Debian packages: upgraded and removed while a guest has a VF.

What needs no running host is tests/packages's. The tests go from one state of the host to the
next, in this order.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vferry_lab.host import Host
from vferry_tests import nic, packages
from vferry_tests.domain import VF
from vferry_tests.guest import Guest
from vferry_tests.labs import Labs
from vferry_tests.testbed import Testbed, config, configure
from vferry_tests.traffic import Ping

pytestmark = [pytest.mark.lab, pytest.mark.matrix]

CONFIG = config(vfs=2)
NEXT = "0.9.9"  # a version to upgrade to
ADDRESS = "192.0.2.113"
OURS = " ".join(packages.NAMES)
DPKG_LIMIT = 900.0  # seconds; depmod alone takes one minute in an emulated host


@pytest.fixture(scope="module")
def bed(labs: Labs) -> Iterator[Testbed]:
    """Hosts that nobody else uses: packages leave one of them."""
    labs.close()
    bed = labs.get("trixie")
    bed.create_vfs(0)
    bed.install_guest()
    yield bed
    labs.check_kernel_logs()
    labs.close()


@pytest.fixture(scope="module")
def guest(host: Host) -> Iterator[Guest]:
    """A guest with a VF that answers."""
    configure(host, CONFIG)
    guest = Guest.define(host, [VF(nic.vf_address(0))])
    guest.configure(guest.netdev(VF.guest_driver), ADDRESS)
    yield guest
    guest.undefine()


def state(guest: Guest) -> dict[str, str]:
    """What an upgrade must not touch: the processes, the VF, and when VFs were last provisioned."""
    host = guest.host
    return {
        "QEMU": host.run(f"cat /run/libvirt/qemu/{guest.name}.pid").stdout,
        "libvirtd": host.run("systemctl show -P MainPID libvirtd").stdout,
        "provision": host.run("systemctl show -P InvocationID vferry-provision").stdout,
        "VF": guest.vf_address(),
        "driver": nic.driver_of(host, guest.vf_address()),
        "claims": host.run("ls /run/vferry/claims").stdout,
    }


def test_a_fresh_host_needs_one_file(host: Host, guest: Guest) -> None:
    """Installed: modules, units and hook. The administrator has written vferry.conf, no more."""
    versions = host.run(f"dpkg-query -W -f '${{Status}}\\n' {OURS}").stdout.splitlines()
    assert versions == ["install ok installed"] * len(OURS.split())
    assert "/updates/" in host.run("modinfo -n igbvf_vfio_pci").stdout
    assert "/updates/" in host.run("modinfo -n vfio").stdout
    for unit in ("vferry-provision.service", "vferry-arrival.path"):
        assert host.run(["systemctl", "is-active", unit]).stdout.strip() == "active"
    assert nic.driver_of(host, guest.vf_address()) == nic.VARIANT_DRIVER
    assert guest.vf_address() in host.run("ls /run/vferry/claims").stdout


def test_upgrade_with_a_running_guest(bed: Testbed, guest: Guest, tmp_path: Path) -> None:
    host = guest.host
    newer = packages.with_version(
        packages.find(packages.build("trixie"), "vferry"), NEXT, tmp_path)
    before = state(guest)
    with Ping(bed.peer, ADDRESS) as ping:
        ping.wait_reply()
        host.copy_to(newer, to="/var/tmp/")
        host.run(f"dpkg -i /var/tmp/{newer.name}", timeout=DPKG_LIMIT)
        ping.wait_reply()
    assert host.run("dpkg-query -W -f '${Version}' vferry").stdout == NEXT
    assert state(guest) == before
    # The hook is called as before.
    other = Guest.define(host, [VF(nic.vf_address(1))], "other")
    try:
        assert nic.vf_address(1) in host.run("ls /run/vferry/claims").stdout
    finally:
        other.undefine()
    assert nic.vf_address(1) not in host.run("ls /run/vferry/claims").stdout


def test_removal_leaves_the_guest_its_vf(bed: Testbed, guest: Guest) -> None:
    host = guest.host
    before = state(guest)
    with Ping(bed.peer, ADDRESS) as ping:
        ping.wait_reply()
        host.run(f"dpkg -r {OURS}", timeout=DPKG_LIMIT)
        ping.wait_reply()
    after = state(guest)
    assert {key: after[key] for key in ("QEMU", "libvirtd", "VF", "driver", "claims")} == (
        {key: before[key] for key in ("QEMU", "libvirtd", "VF", "driver", "claims")})
    assert host.run("test -e /etc/libvirt/hooks/qemu.d/vferry", check=False).returncode != 0
    assert host.run("systemctl list-units --all 'vferry*' --plain --no-legend "
                    "| grep -v not-found", check=False).stdout == ""


def test_purge_leaves_nothing(guest: Guest) -> None:
    """Guests start and end without the hook; of vferry there is no file."""
    host = guest.host
    host.run(f"dpkg -P {OURS}", timeout=DPKG_LIMIT)
    found = host.run("find /etc /run /usr /var/lib -xdev -name '*vferry*' "
                     "! -path '/var/lib/vferry-guest*' ! -path '/run/udev/*'").stdout
    assert found == ""
    guest.destroy()
    other = Guest.create(host, [], "other")
    other.destroy()
