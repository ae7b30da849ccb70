# SPDX-License-Identifier: LGPL-2.1-or-later
"""One live migration under watch, as figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace

from vferry_lab.host import Host

from . import nic
from .guest import Guest, Move
from .nic import Status
from .timeline import Recorder, Timeline
from .traffic import Connection, Ping

SETTLE_LIMIT = 60.0  # seconds until traffic flows again

# Arcs while the guest stands still; the first way into a quiet device that was taken counts.
SOURCE_ARCS = (
    ("RUNNING", "RUNNING_P2P"), ("PRE_COPY", "PRE_COPY_P2P"), ("RUNNING_P2P", "STOP"),
    ("PRE_COPY_P2P", "STOP_COPY"), ("STOP", "STOP_COPY"), ("RUNNING", "STOP"),
    ("PRE_COPY", "STOP_COPY"),
)
TARGET_ARCS = (
    ("RESUMING", "STOP"), ("STOP", "RUNNING_P2P"), ("RUNNING_P2P", "RUNNING"),
    ("STOP", "RUNNING"),
)


@dataclass(frozen=True)
class Figures:
    """What a migration cost. Times in milliseconds, the gaps as the peer saw them.

    timeline: how it went, None if that is not known.
    """

    total_ms: int
    downtime_ms: int
    ping_gap_ms: int
    ping_lost: int
    tcp_gap_ms: int
    tcp_alive: bool
    timeline: Timeline | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class VFFigures(Figures):
    """The same with a VF.

    left, got: the VF's addresses at the source and at the target;
    stream_bytes: size of the device's state; dirty_pages: pages that its log
    reported; driver_us: time in our driver while the guest stood still.
    """

    direction: str
    left: str
    got: str
    stream_bytes: int
    dirty_pages: int
    driver_us: int


def move(guest: Guest, target: Host, ping: Ping, connection: Connection) -> Figures:
    """Move a guest without a VF and watch its traffic."""
    with Recorder(guest, target, vf=False) as recorder:
        done = guest.migrate(target)
    return replace(_figures(done, ping, connection),
                   timeline=recorder.timeline(done, ping, connection))


def move_vf(guest: Guest, target: Host, ping: Ping, connection: Connection) -> VFFigures:
    """Move a guest with a VF; it may get another one of the target."""
    source, left = guest.host, guest.vf_address()
    before = nic.status(source, left), nic.all_status(target)
    with Recorder(guest, target, vf=True) as recorder:
        done = guest.migrate(target)
    seen = _figures(done, ping, connection)
    got = guest.vf_address()
    after = nic.status(source, left), nic.status(target, got)
    moved = VFFigures(
        **asdict(seen),
        direction=f"{source.name} to {target.name}",
        left=left,
        got=got,
        stream_bytes=after[0].number("stream_bytes"),
        dirty_pages=after[0].number("dirty_pages_reported"),
        driver_us=driver_us((before[0], before[1][got]), after),
    )
    return replace(moved, timeline=recorder.timeline(
        done, ping, connection, {"source": left, "target": got}))


def driver_us(before: tuple[Status, Status], after: tuple[Status, Status]) -> int:
    """Microseconds in our driver while the guest stood still, of a move between two hosts.

    before, after: the VF's status at the source and at the target.
    """
    driver_ns = (
        _taken(SOURCE_ARCS, before[0], after[0]) + _taken(TARGET_ARCS, before[1], after[1])
        + after[1].number("load_ns")
    )
    return round(driver_ns / 1000)


def _figures(done: Move, ping: Ping, connection: Connection) -> Figures:
    """Wait until traffic flows again, then look back at it."""
    ping.wait_reply(SETTLE_LIMIT)
    connection.peer.wait_received(SETTLE_LIMIT)
    end = done.end
    return Figures(
        total_ms=done.total_ms,
        downtime_ms=done.downtime_ms,
        ping_gap_ms=round(ping.longest_gap(done.start, end) * 1000),
        ping_lost=ping.lost(done.start, end),
        tcp_gap_ms=round(connection.peer.longest_gap(done.start, end) * 1000),
        tcp_alive=connection.peer.alive(),
    )


def _taken(arcs: tuple[tuple[str, str], ...], before: Status, after: Status) -> int:
    """Nanoseconds of those arcs that were taken in between, the last time each."""
    return sum(
        after.arcs[arc].last_ns for arc in arcs
        if arc in after.arcs
        and after.arcs[arc].count > (before.arcs[arc].count if arc in before.arcs else 0)
    )
