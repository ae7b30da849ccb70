# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same on Debian 12's stock kernel 6.1, nothing rebuilt: no PRE_COPY there."""

from __future__ import annotations

import pytest

from vferry_tests import nic, traffic
from vferry_tests.domain import PAGES
from vferry_tests.labs import Labs
from vferry_tests.shared_guest import SharedGuest
from vferry_tests.testbed import Testbed

pytestmark = pytest.mark.lab


@pytest.fixture
def old_guest(labs: Labs, old_bed: Testbed) -> SharedGuest:
    shared = labs.guest(old_bed)
    shared.repair()
    return shared


def test_kernel_is_stock(old_bed: Testbed) -> None:
    for host in old_bed.hosts:
        release = host.run("uname -r").stdout
        assert release.startswith("6.1.")
        module = host.run("modinfo -n vfio").stdout
        assert "/kernel/drivers/vfio/" in module


def test_there_and_back(old_guest: SharedGuest) -> None:
    with old_guest.ping() as ping, old_guest.connection() as connection:
        for _ in range(2):
            old_guest.move()
            ping.wait_reply()
            connection.peer.wait_received()
        assert traffic.differences(*connection.finish()) == []


def test_dirty_log_is_precise(old_guest: SharedGuest) -> None:
    """Its vfio.ko reports by itself; an idle guest's log is a small part of its memory."""
    source = old_guest.host
    old_guest.move()
    old_guest.await_network()
    reported = nic.status(source, old_guest.vf).number("dirty_pages_reported")
    assert 0 < reported < 0.02 * PAGES
