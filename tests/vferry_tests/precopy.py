# SPDX-License-Identifier: LGPL-2.1-or-later
"""A migration held in its first phase, so that something can happen meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vferry_lab.host import Host
from vferry_lab.process import Background

from .shared_guest import SharedGuest

SLOW = "1"  # MiB a second for the memory
FULL = "8796093022207"  # libvirt's greatest bandwidth


@contextmanager
def under_way(guest: SharedGuest) -> Iterator[Background]:
    """A slow migration of the guest to the other host."""
    with guest.guest.start_migrate(guest.away, "--bandwidth", SLOW) as migration:
        yield migration


def await_precopy(guest: SharedGuest, source: Host) -> None:
    """Wait until memory is on its way: the VF is then in PRE_COPY, or logs on older kernels."""
    source.run(
        f"until virsh -q domjobinfo {guest.guest.name} --rawstats 2> /dev/null | "
        "grep -q 'memory_processed: [1-9]'; do sleep 0.5; done", timeout=120,
    )


def speed_up(guest: SharedGuest, source: Host) -> None:
    """Let the rest of a slow migration go as fast as it can."""
    source.run(["virsh", "-q", "migrate-setspeed", guest.guest.name, FULL])
