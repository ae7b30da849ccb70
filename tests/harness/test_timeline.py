# SPDX-License-Identifier: LGPL-2.1-or-later
"""How the time line of a move is gathered."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vferry_lab.errors import LabError
from vferry_lab.process import Background
from vferry_tests import kernel_trace, memory_watch, timeline
from vferry_tests.kernel_trace import ArcEvent, Events, ReportEvent
from vferry_tests.memory_watch import Memory
from vferry_tests.timeline import Arc, Phase, Recorder, phases

SOURCE, TARGET = "0000:01:10.0", "0000:01:10.2"
# The trace's clock is 1,000 behind the runner's.
TRACE = """\
# tracer: nop
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
       CPU 0/KVM-991     [000] .....    12.500000: igbvfio_arc: 0000:01:10.0: 6 -> 7 error 0, 4000000 ns
            bash-990     [000] .....    20.000100: igbvfio_dirty_report: 0000:01:10.0: 0x0 + 0x8000000: 17 pages
            bash-990     [000] .....    30.002000: tracing_mark_write: 1030.000000
            bash-990     [000] .....    30.200000: tracing_mark_write: 1030.100000
            bash-990     [000] .....    30.400000: tracing_mark_write: not ours
"""
MARKS = {"1030.000000": 1030.004, "1030.100000": 1030.500}


def test_trace_is_told_by_the_runners_clock() -> None:
    events = kernel_trace.parse(TRACE, MARKS)
    [arc], [report] = events.arcs, events.reports
    assert arc == ArcEvent(arc.time, SOURCE, "PRE_COPY", "PRE_COPY_P2P", 0.004)
    assert arc.time == pytest.approx(1012.5, abs=1e-6)
    assert report == ReportEvent(report.time, SOURCE, 17)
    assert report.time == pytest.approx(1020.0001, abs=1e-6)


def test_trace_without_a_mark_is_refused() -> None:
    with pytest.raises(LabError, match="no mark"):
        kernel_trace.parse(TRACE, {})


class Here:
    """A host whose commands run here, edited so that they need no kernel and no libvirt."""

    name = "host1"

    def __init__(self, edit: Callable[[str], str]) -> None:
        self._edit = edit

    def popen(self, command: str) -> Background:
        return Background(["bash", "-c", self._edit(command)], self.name, command)


def test_trace_is_marked_and_read(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    arcs = "b-1 [000] ..... 90.0: igbvfio_arc: 0000:01:10.0: 1 -> 2 error 0, 5 ns\n" * 1000
    (tmp_path / "trace").write_text(arcs)
    mark = '"$now" > trace_marker'
    traced = '"b-1 [0] ..... 95.0: tracing_mark_write: $now" >> trace'
    assert mark in kernel_trace.FINISH
    here: Any = Here(lambda command: command.replace(kernel_trace.FOLDER, str(tmp_path))
                     .replace(mark, traced))
    before = time.time()
    events = kernel_trace.finish(here)
    assert len(events.arcs) == 1000
    assert before - 5 <= events.arcs[0].time <= time.time() - 5


def test_trace_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    here: Any = Here(lambda command: command.replace(kernel_trace.FOLDER, str(tmp_path / "none")))
    with pytest.raises(LabError, match="host1: no trace: .*none"):
        kernel_trace.finish(here)


def test_trace_needs_the_driver(tmp_path: Path) -> None:
    """The commands that start a trace, in a folder that no kernel fills."""
    script = kernel_trace.START.replace("/sys/kernel/tracing", str(tmp_path))
    script = script.replace("mount -t", ": mount -t")
    (tmp_path / "instances").mkdir()
    assert subprocess.run(["bash", "-c", script], capture_output=True).returncode != 0


ANSWER = """\
virsh # domjobinfo guest --rawstats; pwd
operation: 5
memory_total: 151072768
memory_remaining: 94371840
memory_dirty_rate: 320
/root
"""


def test_answer_of_domjobinfo() -> None:
    assert memory_watch.parse(ANSWER, 7.0) == Memory(7.0, 94371840, 320)
    assert memory_watch.parse("virsh # domjobinfo guest --rawstats; pwd\ntype: 0\n/\n", 7.0) is None
    assert memory_watch.parse("memory_total: 0\nmemory_remaining: 0\n", 7.0) is None


# Answers as virsh does: its prompt ends no line, and what is typed is echoed.
VIRSH = r"""
printf 'virsh # '
while read -r line; do
    printf '%s\n' "$line"
    if [ -e GONE ]; then exit 1; fi
    printf 'memory_total: 100\nmemory_remaining: 40\n\n/root\nvirsh # '
done
"""


def test_memory_is_asked_until_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_watch, "PERIOD", 0.01)
    here: Any = Here(lambda command: VIRSH)
    watch = memory_watch.MemoryWatch(here, "guest")
    seen = threading.Event()
    monkeypatch.setattr(memory_watch, "parse", telling(seen))
    assert seen.wait(60)
    samples = watch.finish()
    assert samples and {sample.remaining for sample in samples} == {40}
    assert [sample.time for sample in samples] == sorted(sample.time for sample in samples)


def telling(seen: threading.Event) -> Callable[[str, float], Memory | None]:
    """memory_watch.parse() that tells of its third answer."""
    parse, answers = memory_watch.parse, []

    def tell(answer: str, when: float) -> Memory | None:
        answers.append(answer)
        if len(answers) == 3:
            seen.set()
        return parse(answer, when)

    return tell


def test_virsh_that_goes_away_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_watch, "PERIOD", 0.01)
    here: Any = Here(lambda command: VIRSH.replace("GONE", str(tmp_path / "gone")))
    watch = memory_watch.MemoryWatch(here, "guest")
    monkeypatch.setattr(memory_watch, "LIMIT", 0.5)  # of answers that will not come any more
    (tmp_path / "gone").touch()
    watch._thread.join(60)
    watch.finish()
    assert watch.fault


def test_dirty_rate_comes_later_than_the_rest() -> None:
    assert memory_watch.parse("memory_total: 9\nmemory_remaining: 8\n", 1.0) == Memory(1.0, 8, 0)


ARCS = [
    Arc("target", "RUNNING", "RUNNING_P2P", 1.0, 0.001),
    Arc("source", "RUNNING", "PRE_COPY", 2.0, 0.1),
    Arc("source", "PRE_COPY", "PRE_COPY_P2P", 8.0, 0.1),
    Arc("source", "PRE_COPY_P2P", "STOP_COPY", 8.2, 0.1),
    Arc("target", "RUNNING_P2P", "RUNNING", 9.4, 0.1),
]


def test_phases_by_the_arcs() -> None:
    assert phases(10.0, ARCS, [Memory(3.0, 1, 1)]) == [
        Phase("set-up", 0.0, 2.0), Phase("pre-copy", 2.0, 6.0), Phase("VF stopped", 8.0, 1.5),
        Phase("completion", 9.5, 0.5)]


def test_phases_without_a_trace() -> None:
    assert phases(10.0, [], [Memory(3.0, 1, 1)]) == [
        Phase("set-up", 0.0, 3.0), Phase("pre-copy", 3.0, 7.0)]
    assert phases(10.0, [], []) == [Phase("set-up", 0.0, 10.0)]


def test_phases_with_the_sources_trace_only() -> None:
    names = [phase.name for phase in phases(10.0, ARCS[1:4], [])]
    assert names == ["set-up", "pre-copy", "from the VF's stop"]


class Watch:
    """Instead of MemoryWatch."""

    abandoned = False
    fault = ""

    def __init__(self, host: object, guest: str) -> None:
        pass

    def finish(self) -> list[Memory]:
        return [Memory(103.0, 5, 6), Memory(400.0, 5, 6)]

    def abandon(self) -> None:
        Watch.abandoned = True


EVENTS = Events(
    [ArcEvent(102.1, SOURCE, "RUNNING", "PRE_COPY", 0.1),
     ArcEvent(102.1, "other", "STOP", "RUNNING", 1)],
    [ReportEvent(105.0, SOURCE, 3), ReportEvent(105.0, "other", 4)],
)


def record(vf: bool = True) -> timeline.Timeline:
    """A move from 100 to 110 by the runner's clock."""
    guest: Any = SimpleNamespace(name="guest", host="host1")
    with Recorder(guest, "host2", vf) as recorder:  # type: ignore[arg-type]
        pass
    done: Any = SimpleNamespace(start=100.0, end=110.0, downtime_ms=316)
    ping: Any = SimpleNamespace(replies=lambda: [(90.0, 1), (99.0, 9), (112.0, 10), (120.0, 11)])
    connection: Any = SimpleNamespace(peer=SimpleNamespace(arrived=lambda: [(101.5, 7)]))
    return recorder.timeline(done, ping, connection, {"source": SOURCE, "target": TARGET})


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Hosts that can be traced, with the same events on both."""
    monkeypatch.setattr(timeline, "MemoryWatch", Watch)
    monkeypatch.setattr(kernel_trace, "start", lambda host: None)
    monkeypatch.setattr(kernel_trace, "finish", lambda host: EVENTS)
    return monkeypatch


def test_all_times_count_from_the_start(hosts: pytest.MonkeyPatch) -> None:
    line = record()
    assert (line.total, line.downtime) == (10.0, 0.316)
    assert line.arcs == [Arc("source", "RUNNING", "PRE_COPY", 2.0, 0.1)]
    assert line.reports == [timeline.Report(5.0, 3)]
    assert line.memory == [Memory(3.0, 5, 6)]
    assert line.replies == [-1.0, 12.0]
    assert line.received == [timeline.Received(1.5, 7)]
    assert line.missing == []


def fail(*arguments: object) -> None:
    raise LabError("no\nway")


@pytest.mark.parametrize("what", ["start", "finish"])
def test_without_a_trace_the_rest_is_there(hosts: pytest.MonkeyPatch, what: str) -> None:
    hosts.setattr(kernel_trace, what, fail)
    line = record()
    assert not line.arcs and not line.reports
    assert line.memory and line.replies
    assert line.missing == ["trace of the source: no way", "trace of the target: no way"]


def test_without_memory_the_rest_is_there(hosts: pytest.MonkeyPatch) -> None:
    hosts.setattr(timeline, "MemoryWatch", fail)
    line = record()
    assert line.memory == []
    assert line.arcs
    assert line.missing == ["memory: no way"]


def test_memory_until_virsh_went_away(hosts: pytest.MonkeyPatch) -> None:
    hosts.setattr(Watch, "fault", "gone\n")
    line = record()
    assert line.memory == [Memory(3.0, 5, 6)]
    assert line.missing == ["memory: gone"]


def test_whatever_else_is_wrong_is_missing(hosts: pytest.MonkeyPatch) -> None:
    hosts.setattr(timeline, "phases", fail)
    line = record()
    assert (line.total, line.downtime) == (10.0, 0.316)
    assert line.missing == ["time line: no way"]


def test_hosts_without_our_driver_are_not_traced(hosts: pytest.MonkeyPatch) -> None:
    hosts.setattr(kernel_trace, "start", fail)
    assert record(vf=False).missing == []


def test_a_failed_move_is_not_waited_for(hosts: pytest.MonkeyPatch) -> None:
    hosts.setattr(kernel_trace, "finish", fail)
    guest: Any = SimpleNamespace(name="guest", host="host1")
    with pytest.raises(LabError, match="refused"):
        with Recorder(guest, "host2", vf=True):  # type: ignore[arg-type]
            raise LabError("refused")
    assert Watch.abandoned
