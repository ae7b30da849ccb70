# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a host's kernel says of the driver while a guest moves: driver/trace.h, by ftrace.

The trace is in an instance of its own, by the kernel's monotonic clock. At its end the
runner writes its own time into it a few times, so that all stamps can be told by that.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from vferry_lab.errors import LabError
from vferry_lab.host import Host

from .traffic import Lines

FOLDER = "/sys/kernel/tracing/instances/vferry"
MARKS = 5
LIMIT = 30.0  # seconds for a word of the host

START = f"""
mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
if [ -d {FOLDER} ]; then rmdir {FOLDER}; fi
mkdir {FOLDER} && cd {FOLDER} && echo mono > trace_clock &&
for event in igbvfio_arc igbvfio_dirty_report; do
    echo 1 > events/igbvf_vfio_pci/$event/enable || exit 1
done
"""
# Reads the runner's time from each line of its input, answers each, then prints the trace.
FINISH = f"""
cd {FOLDER} && echo 0 > events/enable && echo ready &&
for mark in {{1..{MARKS}}}; do read -r now; echo "$now" > trace_marker; echo marked; done
cat trace; cd / && rmdir {FOLDER}
"""

# The kernel's enum vfio_device_mig_state.
STATES = ("ERROR", "STOP", "RUNNING", "STOP_COPY", "RESUMING", "RUNNING_P2P", "PRE_COPY",
          "PRE_COPY_P2P")
LINE = re.compile(r" (\d+\.\d+): (tracing_mark_write|igbvfio_arc|igbvfio_dirty_report): (.*)")
ARC = re.compile(r"(\S+): (\d) -> (\d) error -?\d+, (\d+) ns")
REPORT = re.compile(r"(\S+): \S+ \+ \S+: (\d+) pages")


@dataclass(frozen=True)
class ArcEvent:
    """An arc of a VF's migration state machine; time is its end by the runner's clock."""

    time: float
    vf: str
    from_state: str
    to_state: str
    length: float  # seconds


@dataclass(frozen=True)
class ReportEvent:
    """Pages that a VF's dirty log reported for one range."""

    time: float
    vf: str
    pages: int


@dataclass(frozen=True)
class Events:
    arcs: list[ArcEvent]
    reports: list[ReportEvent]


def start(host: Host) -> None:
    """Begin to trace the driver, which has to be loaded."""
    host.run(START)


def finish(host: Host) -> Events:
    """End the trace and read it. Raises LabError."""
    marks: dict[str, float] = {}  # what was written, and when its answer was there
    with host.popen(FINISH) as shell:
        if shell.line(LIMIT) != "ready":
            raise LabError(f"{host.name}: no trace: {shell.stderr.read().strip()}")
        for _ in range(MARKS):
            now = f"{time.time():.6f}"
            shell.stdin.write(f"{now}\n")
            shell.stdin.flush()
            shell.line(LIMIT)
            marks[now] = time.time()
        # Not communicate(): what was read ahead with the last answer would be lost.
        text = "\n".join(Lines(shell).finish(LIMIT))
        shell.wait(LIMIT)
    return parse(text, marks)


def parse(text: str, marks: dict[str, float]) -> Events:
    """The events of a trace. Raises LabError if it has none of the marks."""
    lines = [(float(line[1]), line[2], line[3]) for line in LINE.finditer(text)]
    offset = _offset([(stamp, rest) for stamp, event, rest in lines
                      if event == "tracing_mark_write"], marks)
    arcs, reports = [], []
    for stamp, event, rest in lines:
        if event == "igbvfio_arc" and (arc := ARC.match(rest)):
            arcs.append(ArcEvent(stamp + offset, arc[1], STATES[int(arc[2])],
                                 STATES[int(arc[3])], int(arc[4]) / 1e9))
        elif event == "igbvfio_dirty_report" and (report := REPORT.match(rest)):
            reports.append(ReportEvent(stamp + offset, report[1], int(report[2])))
    return Events(arcs, reports)


def _offset(stamps: list[tuple[float, str]], marks: dict[str, float]) -> float:
    """The runner's clock less the trace's, by the mark that was answered soonest."""
    found = []
    for stamp, mark in stamps:
        if mark in marks:
            sent, answered = float(mark), marks[mark]
            found.append((answered - sent, (sent + answered) / 2 - stamp))
    if not found:
        raise LabError("the trace has no mark of the runner's clock")
    return min(found)[1]
