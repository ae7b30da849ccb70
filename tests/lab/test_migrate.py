# SPDX-License-Identifier: LGPL-2.1-or-later
"""Live migration with traffic; many times there and back are in test_without_hands.py."""

from __future__ import annotations

import pytest

from vferry_tests import nic, traffic
from vferry_tests.shared_guest import SharedGuest

pytestmark = pytest.mark.lab

LAG = 4 << 20  # bytes that the guest's socket holds in pages which the NIC wrote
RATE = 400_000  # bytes a second that fill them anew during each move


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
