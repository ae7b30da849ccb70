# SPDX-License-Identifier: LGPL-2.1-or-later
"""./check --soak: a guest moves for hours, with traffic, and faults come in the way.

Hosts are enforcing, the guest is moved by plain virsh, and another guest holds the VF that has
the same address at the second host. After each step the guest has to be where it belongs and
answer, nobody else may have a claim, and the PF that it is not behind must not know its MAC.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vferry_lab.errors import LabError
from vferry_lab.host import Host

from . import faults, host_state, nic, traffic
from .domain import VF, identity_metadata
from .faults import Step
from .guest import Guest
from .labs import Labs
from .paths import LOGS
from .testbed import Testbed, config
from .traffic import Connection, Ping

VFS = 4
ALIAS, MAC, ADDRESS = "ua-lan", "52:54:00:c0:00:81", "192.0.2.120"
FIRST_PORT = 5001
WARM_UP = 2  # moves after which both hosts have met all that they will hold
WELL = 90.0  # seconds to be reached and settled after a step


@dataclass(frozen=True)
class Done:
    """A step that was taken; wrong: what was not as it has to be, in words."""

    name: str
    seconds: float
    at: str
    wrong: str = ""


@dataclass
class Record:
    """What a soak has seen. before, after: host_state of each host, the guest at home."""

    seed: int
    seconds: float = 0.0
    steps: list[Done] = field(default_factory=list)
    connections: int = 0
    connections_lost: int = 0
    wrong: list[str] = field(default_factory=list)
    before: dict[str, dict[str, int]] = field(default_factory=dict)
    after: dict[str, dict[str, int]] = field(default_factory=dict)

    def leaks(self) -> list[str]:
        return [f"{host}: {leak}" for host, after in self.after.items()
                for leak in host_state.leaks(self.before[host], after, len(self.steps))]

    def problems(self) -> list[str]:
        """All that must not be."""
        found = [f"step {number}, {step.name}: {step.wrong}"
                 for number, step in enumerate(self.steps, 1) if step.wrong]
        if self.connections_lost:
            found.append(f"connections lost: {self.connections_lost}")
        return [*found, *self.wrong, *self.leaks()]

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "problems": self.problems()}


def main(hours: float, seed: int, file: Path | None) -> int:
    """Soak so long, then report. Exit status 0 if nothing was wrong."""
    labs = Labs("soak")
    record = Record(seed)
    start = time.monotonic()
    try:
        bed = labs.get("trixie", selinux=True)
        labs.configure(bed, config(VFS))
        start = time.monotonic()
        _soak(bed, record, labs, start + hours * 3600)
        labs.check_kernel_logs()
        labs.check_denials()
    except (LabError, AssertionError) as error:
        record.wrong.append(str(error))
    except KeyboardInterrupt:
        record.wrong.append("interrupted")
    finally:
        record.seconds = time.monotonic() - start
        if record.problems() and labs.collect_logs(LOGS / "soak"):
            print(f"\nlogs: {LOGS / 'soak'}", end="")
        labs.close()
    if file is not None:
        file.write_text(json.dumps(record.to_json(), indent=2) + "\n")
    print(f"\n{table(record)}")
    for problem in record.problems():
        print(f"check: {problem}", file=sys.stderr)
    return 1 if record.problems() else 0


def _soak(bed: Testbed, record: Record, labs: Labs, end: float) -> None:
    with _guests(bed) as guest, Ping(bed.peer, ADDRESS) as ping:
        line = _Line(bed, guest, record)
        try:
            for step in _steps(record.seed, end):
                labs.progress(f"{len(record.steps) + 1}: {step.name}")
                record.steps.append(_take(bed, guest, step, ping, line))
                if record.steps[-1].wrong:
                    return
                if len(record.steps) == WARM_UP:
                    record.before = _states(bed)
            if guest.host is not bed.hosts[0]:
                record.steps.append(_take(bed, guest, faults.MOVED, ping, line))
            record.after = _states(bed)
        finally:
            line.end()


def _steps(seed: int, end: float) -> Iterator[Step]:
    """There and back once, then what chance brings until the time is over."""
    yield from [faults.MOVED] * WARM_UP
    for step in faults.schedule(seed):
        if time.monotonic() > end:
            return
        yield step


def _take(bed: Testbed, guest: Guest, step: Step, ping: Ping, line: _Line) -> Done:
    start = time.monotonic()
    source, target = guest.host, bed.other(guest.host)
    wrong = ""
    try:
        step.act(guest, target)
        guest.host = target if step.moves else source
        ping.wait_reply(WELL)
        _settled(guest, bed.other(guest.host))
        line.check()
    except (LabError, AssertionError) as error:
        wrong = str(error)
    return Done(step.name, round(time.monotonic() - start, 1), guest.host.name, wrong)


def _settled(guest: Guest, away: Host) -> None:
    """Wait until only the host that the guest is on knows it. Raises LabError."""
    own = "/run/vferry/claims/"
    for host, condition in (
        (guest.host, f"virsh -q domstate {guest.name} | grep -q running && "
                     f"grep -q '^name={guest.name}$' {own}*"),
        (away, f"! virsh -q list --all --name | grep -qx {guest.name} && "
               f"! grep -qs '^name={guest.name}$' {own}* && "
               f"! ip link show {away.pf_netdev} | grep -q {MAC}"),
    ):
        host.run(f"until {condition}; do sleep 0.5; done", timeout=WELL)


def _states(bed: Testbed) -> dict[str, dict[str, int]]:
    return {host.name: host_state.look(host) for host in bed.hosts}


class _Line:
    """The connection between peer and guest; a new one where it was lost."""

    def __init__(self, bed: Testbed, guest: Guest, record: Record) -> None:
        self._bed, self._guest, self._record = bed, guest, record
        self._open()

    def _open(self) -> None:
        port = FIRST_PORT + self._record.connections
        self._connection = Connection(self._bed.peer, self._guest, self._bed.stream, port)
        self._record.connections += 1

    def check(self) -> None:
        try:
            self._connection.peer.wait_received(WELL)
        except LabError:
            self._record.connections_lost += 1
            self._connection.__exit__(None, None, None)
            self._open()

    def end(self) -> None:
        """Both sides compare what they sent and got."""
        try:
            wrong = traffic.differences(*self._connection.finish())
        except LabError as error:
            wrong = [str(error)]
        self._connection.__exit__(None, None, None)
        self._record.wrong += wrong


@contextmanager
def _guests(bed: Testbed) -> Iterator[Guest]:
    """The guest that moves, at home; the other one holds a VF at the second host."""
    address = nic.vf_address(0)
    soaked = VF(address, alias=ALIAS)
    # The other: defined with it, not plugged in, which would be no claim until libvirt's restart.
    with Guest.between(bed.hosts[1:], [VF(address)], "other"), \
            Guest.between(bed.hosts, [soaked], "soaked", identity_metadata(ALIAS, MAC)) as guest:
        guest.configure(guest.netdev(VF.guest_driver), ADDRESS)
        yield guest


def table(record: Record) -> str:
    """What happened, for a terminal of 80 columns."""
    minutes = int(record.seconds // 60)
    lines = [f"seed {record.seed}, {minutes // 60} h {minutes % 60} min, {len(record.steps)} steps",
             "", f"{'':<34}{'times':>8}{'as meant':>10}{'median s':>10}"]
    for step in faults.STEPS:
        done = [each for each in record.steps if each.name == step.name]
        if done:
            median = statistics.median(each.seconds for each in done)
            good = sum(not each.wrong for each in done)
            lines.append(f"{step.name:<34}{len(done):>8}{good:>10}{median:>10.1f}")
    lines += ["", f"connections: {record.connections} opened, {record.connections_lost} lost"]
    if record.after:
        hosts = list(record.after)
        lines += ["", f"{'before and after':<34}" + "".join(f"{host:>22}" for host in hosts)]
        lines += [f"{name:<34}" + "".join(
            f"{f'{record.before[host][name]:,} {record.after[host][name]:,}':>22}"
            for host in hosts) for name in record.after[hosts[0]]]
    return "\n".join(lines)
