# SPDX-License-Identifier: LGPL-2.1-or-later
"""A migration held in its first phase, so that something can happen meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vferry_lab.host import Host
from vferry_lab.process import Background

from .guest import Guest
from .shared_guest import SharedGuest

SLOW, FAST = "1", "1000"  # MiB a second for the memory


@contextmanager
def under_way(guest: SharedGuest) -> Iterator[Background]:
    """A slow migration of the guest to the other host."""
    with guest.guest.start_migrate(guest.away, "--bandwidth", SLOW) as migration:
        yield migration


def hurry(guest: Guest) -> None:
    """What was held for has happened: the rest at full speed."""
    guest.host.run(["virsh", "-q", "migrate-setspeed", guest.name, FAST], check=False)


def await_precopy(guest: SharedGuest, source: Host) -> None:
    """Wait until memory is on its way: the VF is then in PRE_COPY, or logs on older kernels."""
    await_job(guest.guest, source)


def await_job(guest: Guest, source: Host) -> None:
    """Wait until a migration has begun to send memory."""
    source.run(
        f"until virsh -q domjobinfo {guest.name} --rawstats 2> /dev/null | "
        "grep -q 'memory_processed: [1-9]'; do sleep 0.5; done", timeout=120,
    )
