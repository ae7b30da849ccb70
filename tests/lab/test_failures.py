# SPDX-License-Identifier: LGPL-2.1-or-later
"""A migration that fails: one clear error, the guest goes on, a second attempt succeeds."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from vferry_lab.host import Host
from vferry_tests import nic, paths
from vferry_tests.precopy import await_precopy, hurry, under_way
from vferry_tests.shared_guest import SharedGuest, one_error

pytestmark = pytest.mark.lab

OTHER_MAC = "52:54:00:c0:00:99"
VLAN = 100
PROXY_PORT = 49999
# What comes right before the byte that flips: driver/state_format.h.
# The guest's memory holds neither: the second one ends in the guest's address.
IDENT = b"igbvfmig".hex()  # sent in PRE_COPY
MAILBOX = (  # sent in STOP_COPY: header, checksum, flags, latched bits, frame size, MAC
    struct.pack("<IHHI", 2, 1, 0, 848).hex() + ".." * 16 + SharedGuest.mac.replace(":", "")
)


@pytest.fixture(autouse=True)
def second_attempt(guest: SharedGuest) -> Iterator[None]:
    """What was in the way is gone: the guest moves, with its network."""
    yield
    guest.move()
    guest.await_network()


def test_destination_pf_down(guest: SharedGuest) -> None:
    with nic.link_down(guest.away):
        guest.failing_move()


def test_administrators_mac_in_the_way(guest: SharedGuest) -> None:
    """The destination's administrator gave the VF another MAC: igb refuses the guest's."""
    target = guest.away
    nic.set_mac(target, 0, OTHER_MAC)
    try:
        guest.failing_move()
    finally:
        nic.set_mac(target, 0, "00:00:00:00:00:00")


def test_administrators_vlan_in_the_way(guest: SharedGuest) -> None:
    """The destination's administrator put the VF into a VLAN: igb refuses the guest's own."""
    target = guest.away
    guest.run(
        f"load-module 8021q; ip link add link {guest.netdev} name vlan type vlan id {VLAN} && "
        "ip link set vlan up"
    )
    nic.set_vlan(target, 0, VLAN + 1)
    try:
        guest.failing_move()
    finally:
        nic.set_vlan(target, 0, 0)
        guest.run("ip link del vlan")


@pytest.mark.parametrize("pattern", [IDENT, MAILBOX], ids=["precopy", "stopcopy"])
def test_stream_corrupted_on_the_wire(guest: SharedGuest, pattern: str) -> None:
    """One bit of the device's state flips on its way; the destination notices."""
    source, target = guest.host, guest.away
    with corrupting_proxy(source, target, pattern):
        guest.failing_move(
            "--migrateuri", f"tcp://{source.mgmt_address}:{PROXY_PORT}",
            "--listen-address", target.mgmt_address,
        )


def test_destination_qemu_killed(guest: SharedGuest) -> None:
    source, target = guest.host, guest.away
    with under_way(guest) as migration:
        await_precopy(guest, source)
        target.run(f"kill -KILL $(cat /run/libvirt/qemu/{guest.guest.name}.pid)")
        _, stderr = migration.communicate(120)
    assert migration.returncode != 0
    one_error(stderr)
    guest.goes_on(source)


def test_migration_cancelled(guest: SharedGuest) -> None:
    source = guest.host
    with under_way(guest) as migration:
        await_precopy(guest, source)
        source.run(["virsh", "-q", "domjobabort", guest.guest.name])
        _, stderr = migration.communicate(120)
    assert migration.returncode != 0
    assert "cancel" in one_error(stderr)
    guest.goes_on(source)


def test_source_vf_reset_during_precopy(guest: SharedGuest) -> None:
    """The guest resets its VF (FLR) meanwhile, which ends the data transfer.

    With the interface up: igbvf waits for ever in a reset of one that is down.
    """
    source = guest.host
    with under_way(guest) as migration:
        await_precopy(guest, source)
        guest.run(f"echo 1 > /sys/class/net/{guest.netdev}/device/reset")
        hurry(guest.guest)
        _, stderr = migration.communicate(300)
    assert migration.returncode != 0
    one_error(stderr)
    guest.goes_on(source)


@contextmanager
def corrupting_proxy(source: Host, target: Host, pattern: str) -> Iterator[None]:
    """On the source a port that passes a migration on to the target, a bit after pattern flipped."""
    source.copy_to(paths.TESTS / "lab" / "flip-proxy", to="/usr/local/bin/flip-proxy")
    command = f"flip-proxy {source.mgmt_address} {target.mgmt_address} {PROXY_PORT} {pattern}"
    with source.popen(command) as proxy:
        assert proxy.line(60) == "listening"
        yield
        proxy.communicate(30)
        assert proxy.returncode == 0, "no state of a device came by"
