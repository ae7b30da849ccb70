# SPDX-License-Identifier: LGPL-2.1-or-later
"""Live migration with traffic: no connection is lost, no byte is wrong."""

from __future__ import annotations

import pytest

from vferry_tests import nic, traffic
from vferry_tests.shared_guest import SharedGuest

pytestmark = pytest.mark.lab

ROUNDS = 10  # there and back
LAG = 4 << 20  # bytes that the guest's socket holds in pages which the NIC wrote
RATE = 400_000  # bytes a second that fill them anew during each move
JUMP = 10_000_000  # no counter grows by so much between two moves


def test_ten_times_there_and_back(guest: SharedGuest) -> None:
    """One connection and one ping live through 20 moves; counters in the guest go on evenly."""
    with guest.ping() as ping, guest.connection() as plain:
        before = guest.statistics()
        for _ in range(2 * ROUNDS):
            moved = guest.move()
            ping.wait_reply()
            plain.peer.wait_received()
            assert plain.peer.alive()
            assert guest.bed.lab.wire.port_of(guest.mac) == f"{moved.target.name}-wire"
            after = guest.statistics()
            jumps = {name: (before[name], value) for name, value in after.items()
                     if not before[name] <= value < before[name] + JUMP}
            assert not jumps, f"counters jumped: {jumps}"
            before = after
        assert traffic.differences(*plain.finish()) == []


def test_memory_that_the_nic_wrote(guest: SharedGuest) -> None:
    """Megabytes lie unread where the NIC put them while the guest moves; they stay right."""
    with guest.connection(lag=LAG, rate=RATE) as kept:
        kept.peer.wait_received()
        arrived = 0
        for _ in range(2):
            guest.move()
            guest.await_network()
            held = traffic.last_counters(kept.guest_events())
            assert held["queued"] > LAG / 4, "too little was held to prove anything"
            before, arrived = arrived, held["received"] + held["queued"]
            assert arrived > before + LAG / 4, "too little arrived to prove anything"
        assert traffic.differences(*kept.finish(120)) == []


def test_source_reaches_the_guest(guest: SharedGuest) -> None:
    """The host that the guest has left reaches it, once its PF has forgotten it."""
    source = guest.host
    guest.move()
    guest.await_network()
    assert guest.mac not in source.run(["ip", "link", "show", source.pf_netdev]).stdout
    source.run(["ping", "-c", "3", "-W", "5", guest.address], timeout=60)


def test_libvirt_picked_the_driver(guest: SharedGuest) -> None:
    assert nic.driver_of(guest.host, guest.vf) == nic.VARIANT_DRIVER
    assert nic.status(guest.host, guest.vf).values["state"] == "RUNNING"
