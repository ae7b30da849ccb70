# SPDX-License-Identifier: LGPL-2.1-or-later
"""A move on one time line: phases, the driver's arcs, traffic and memory.

Times are seconds since `virsh migrate` was started, by the clock of this machine. What
cannot be gathered is missing from the picture, and no reason to fail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from vferry_lab.host import Host

from . import kernel_trace
from .guest import Guest, Move
from .kernel_trace import Events
from .memory_watch import Memory, MemoryWatch
from .traffic import Connection, Ping

T = TypeVar("T")

BEFORE, AFTER = 2.0, 3.0  # seconds of traffic that are kept before and after
STANDING = ("PRE_COPY_P2P", "RUNNING_P2P", "STOP", "STOP_COPY")  # the first one stops the VF


@dataclass(frozen=True)
class Phase:
    name: str
    start: float
    length: float


@dataclass(frozen=True)
class Arc:
    """An arc of the VF's migration state machine, at the "source" or at the "target"."""

    side: str
    from_state: str
    to_state: str
    start: float
    length: float


@dataclass(frozen=True)
class Report:
    """Pages that the VF's dirty log reported."""

    time: float
    pages: int


@dataclass(frozen=True)
class Received:
    """Bytes of the TCP stream that the peer had got by then."""

    time: float
    bytes: int


@dataclass(frozen=True)
class Timeline:
    """total, downtime: what virsh migrate took, and what libvirt says of it.

    replies: when the peer got answers to its ping; missing: what is not known, and why.
    """

    total: float
    downtime: float
    phases: list[Phase] = field(default_factory=list)
    arcs: list[Arc] = field(default_factory=list)
    replies: list[float] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


class Recorder:
    """Watches a guest that moves; a `with` block around the move.

    vf: whether it has a VF on our driver, so that hosts have something to trace.
    """

    def __init__(self, guest: Guest, target: Host, vf: bool) -> None:
        self._guest = guest.name
        self._hosts = {"source": guest.host, "target": target}
        self._traced = list(self._hosts) if vf else []
        self._watch: MemoryWatch | None = None
        self._events: dict[str, Events] = {}
        self._memory: list[Memory] = []
        self._missing: list[str] = []

    def __enter__(self) -> Recorder:
        for side in list(self._traced):
            if not self._attempt(f"trace of the {side}", self._start_trace, side):
                self._traced.remove(side)
        self._watch = self._attempt("memory", MemoryWatch, self._hosts["source"], self._guest)
        return self

    def __exit__(self, *exception: Any) -> None:
        if exception[0] is not None:
            if self._watch is not None:
                self._watch.abandon()
            return
        if self._watch is not None:
            self._memory = self._attempt("memory", self._watch.finish) or []
            if self._watch.fault:
                self._lack("memory", self._watch.fault)
        for side in self._traced:
            events = self._attempt(f"trace of the {side}", kernel_trace.finish, self._hosts[side])
            if events is not None:
                self._events[side] = events

    def timeline(
        self, done: Move, ping: Ping, connection: Connection, vfs: dict[str, str] | None = None,
    ) -> Timeline:
        """All of it, after the block. vfs: the VF's address at "source" and "target"."""
        found = self._attempt("time line", self._assemble, done, ping, connection, vfs or {})
        return found or Timeline(done.end - done.start, done.downtime_ms / 1000,
                                 missing=self._missing)

    def _assemble(
        self, done: Move, ping: Ping, connection: Connection, vfs: dict[str, str],
    ) -> Timeline:
        zero, total = done.start, done.end - done.start

        def kept(when: float) -> bool:
            return -BEFORE <= when - zero <= total + AFTER

        def since(when: float) -> float:
            return round(when - zero, 4)

        memory = [Memory(since(each.time), each.remaining, each.dirty_rate)
                  for each in self._memory if kept(each.time)]
        arcs = [
            Arc(side, each.from_state, each.to_state, round(each.time - each.length - zero, 6),
                each.length)
            for side, events in self._events.items() for each in events.arcs
            if each.vf == vfs.get(side) and kept(each.time)
        ]
        reports = [
            Report(since(each.time), each.pages)
            for each in (self._events["source"].reports if "source" in self._events else [])
            if each.vf == vfs.get("source") and kept(each.time)
        ]
        return Timeline(
            total=round(total, 4),
            downtime=done.downtime_ms / 1000,
            phases=phases(total, arcs, memory),
            arcs=arcs,
            replies=[since(when) for when, _ in ping.replies() if kept(when)],
            memory=memory,
            reports=reports,
            received=[Received(since(when), count) for when, count in connection.peer.arrived()
                      if kept(when)],
            missing=self._missing,
        )

    def _start_trace(self, side: str) -> bool:
        kernel_trace.start(self._hosts[side])
        return True

    def _attempt(self, what: str, work: Callable[..., T], *arguments: Any) -> T | None:
        """Do a part of it. Whatever goes wrong, the migration is what matters."""
        try:
            return work(*arguments)
        except Exception as error:
            self._lack(what, str(error) or repr(error))
            return None

    def _lack(self, what: str, why: str) -> None:
        self._missing.append(f"{what}: {' '.join(why.split())[:200]}")


def phases(total: float, arcs: list[Arc], memory: list[Memory]) -> list[Phase]:
    """What follows what, as far as arcs and libvirt's answers tell."""
    source = [arc for arc in arcs if arc.side == "source"]
    precopy = min((arc.start for arc in source if arc.to_state == "PRE_COPY"), default=None)
    stop = vf_stop(arcs)
    if precopy is None:
        precopy = min((each.time for each in memory if stop is None or each.time < stop),
                      default=None)
    run = None
    if stop is not None:
        run = max((arc.start + arc.length for arc in arcs if arc.side == "target"
                   and arc.to_state == "RUNNING" and arc.start > stop), default=None)
    marks = [(0.0, "set-up"), (precopy, "pre-copy"),
             (stop, "VF stopped" if run is not None else "from the VF's stop"),
             (run, "completion")]
    known = [(min(when, total), name) for when, name in marks if when is not None]
    ends = [when for when, _ in known[1:]] + [total]
    return [Phase(name, start, end - start) for (start, name), end in zip(known, ends)
            if end > start]


def vf_stop(arcs: list[Arc]) -> float | None:
    """When the source's VF began to stop."""
    return min((arc.start for arc in arcs if arc.side == "source" and arc.to_state in STANDING),
               default=None)
